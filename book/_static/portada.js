// La letra tapada: quien lee apuesta, y un modelo que cuenta dice qué probabilidad daba a cada letra.
// LETRAS sale de letras.json; la fórmula es la de coursekit.ngrams.WittenBell.

// Cuántas veces siguió cada letra a cada historia de k letras: levels[k].get(historia).get(letra).
function readCounts({ order, start, counts }) {
  const levels = Array.from({ length: order }, () => new Map());
  const add = (ngram, times) => {
    const [history, letter] = [ngram.slice(0, -1), ngram.at(-1)];
    const level = levels[history.length];
    if (!level.has(history)) level.set(history, new Map());
    const after = level.get(history);
    after.set(letter, (after.get(letter) ?? 0) + times);
  };
  for (const line of counts.split("\n")) {
    const history = line.slice(0, order - 1);
    for (const [, letter, times] of line.slice(order - 1).matchAll(/(\D)(\d*)/g)) {
      add(history + letter, +times || 1);
    }
  }
  // Un n-grama corto es el final de uno largo, salvo el que abre el texto.
  for (let k = order - 1; k > 0; k--) {
    for (const [history, after] of levels[k]) {
      for (const [letter, times] of after) add(history.slice(1) + letter, times);
    }
    add(start.slice(0, k), 1);
  }
  return levels;
}

// P(w|h) = (c(h,w) + T(h) · P(w|h')) / (c(h) + T(h)), de la historia vacía a la más larga.
function probabilities(model, text) {
  const symbols = [...model.symbols];
  let P = symbols.map(() => 1 / symbols.length);
  for (let k = 0; k < model.order && k <= text.length; k++) {
    const after = model.levels[k].get(text.slice(text.length - k));
    if (!after) break;
    const total = [...after.values()].reduce((sum, times) => sum + times, 0);
    P = symbols.map((w, i) => ((after.get(w) ?? 0) + after.size * P[i]) / (total + after.size));
  }
  return new Map(symbols.map((w, i) => [w, P[i]]));
}

function playLetters(box) {
  const model = { ...LETRAS, levels: readCounts(LETRAS) };
  const score = { reader: 0, model: 0, bets: 0 };
  let phrase = 0, place = model.first_covered;
  const shown = (letter) => (letter === " " ? "espacio" : letter);

  const text = make("p", { className: "letra-frase" });
  const input = make("input", { id: "letra", maxLength: 1, size: 2,
                                autocomplete: "off", autocapitalize: "none" });
  const asked = "¿Qué sigue: una letra o un espacio?";
  const label = make("label", { htmlFor: "letra", textContent: asked });
  const question = make("p", {}, label, " ", input);
  const answer = make("div", { ariaLive: "polite" });
  const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick });
  const next = button("Letra siguiente", () => advance(false));
  const other = button("Otra frase", () => advance(true));
  const buttons = make("p", { className: "letra-botones" }, next, other);
  input.addEventListener("input", () => input.value && bet(input.value.toLowerCase()));
  box.querySelector("blockquote").replaceWith(text, question, answer, buttons);

  function write(letter, name) {
    const covered = make("span", { className: "letra-hueco", textContent: letter });
    Object.assign(covered, { role: "img", ariaLabel: name });
    text.replaceChildren(`…${model.phrases[phrase].slice(0, place)}`, covered);
  }

  function ask() {
    write("▮", "letra tapada");
    question.hidden = false;
    next.hidden = true;
    answer.replaceChildren();
    input.value = "";
  }

  function bet(guess) {
    const P = probabilities(model, model.phrases[phrase].slice(0, place));
    if (!P.has(guess)) {
      const sorry = `«${guess}» no es una de las letras que contó el modelo.`;
      answer.replaceChildren(make("p", { textContent: sorry }));
      input.value = "";
      return;
    }
    const right = model.phrases[phrase][place];
    const ranking = [...P.keys()].sort((a, b) => P.get(b) - P.get(a));
    score.bets += 1;
    score.reader += guess === right;
    score.model += ranking[0] === right;
    const rows = [...new Set([...ranking.slice(0, 4), right, guess])].sort((a, b) => P.get(b) - P.get(a));
    const was = right === " " ? "un espacio" : `«${right}»`;
    const bars = make("table", { className: "letra-barras" }, make("caption", {
      textContent: `Era ${was}. Aciertos: tú, ${score.reader} de ${score.bets}; el modelo, ${score.model}.`,
    }));
    for (const letter of rows) {
      const notes = [letter === right && "era esta", letter === guess && "tu apuesta"].filter(Boolean);
      const bar = make("span", { className: letter === right ? "barra cierta" : "barra" });
      bar.style.width = `${100 * P.get(letter)}%`;
      bars.append(make("tr", {}, make("th", { scope: "row", textContent: shown(letter) }),
        make("td", { textContent: `${(100 * P.get(letter)).toFixed(1)} %` }),
        make("td", {}, bar, make("span", { textContent: notes.join(", ") }))));
    }
    write(right === " " ? "␣" : right, shown(right));
    answer.replaceChildren(bars);
    question.hidden = true;
    next.hidden = false;
    next.focus();
  }

  function advance(toAnother) {
    place += 1;
    if (toAnother || place >= model.phrases[phrase].length) {
      phrase = (phrase + 1) % model.phrases.length;
      place = model.first_covered;
    }
    ask();
    input.focus();
  }

  ask();
}

for (const box of document.querySelectorAll(".letra-tapada")) playLetters(box);
