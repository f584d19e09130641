// Lo que se desplaza por dentro se desplaza también con el teclado; una fórmula entre palabras, no.
function reachByKeyboard() {
  const boxes = "pre, .pst-scrollable-table-container, mjx-container[display], .cell_output, .output";
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

// Lo que contesta quien lee se guarda en su navegador y en ningún otro lugar.
const memory = {
  key: (name) => `curso/${DOCUMENTATION_OPTIONS.pagename}/${name}`,
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(this.key(name))) ?? {};
    } catch {
      return {};
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(this.key(name), JSON.stringify(value));
    } catch {
      // Sin permiso para guardar se juega igual, hasta cerrar la página.
    }
  },
};

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Una apuesta: una lista con opciones «a) …», y más abajo el resultado que deja `settle`.
function playBet(box) {
  const number = box.querySelector(".admonition-title").textContent.match(/\d+/)?.[0];
  const verdict = document.querySelector(`.veredicto[data-apuesta="${number}"]`);
  const options = [...box.querySelectorAll("li")];
  if (!verdict || !options.length) return;
  verdict.id = `resultado-de-la-apuesta-${number}`;
  const right = verdict.dataset.respuesta;
  const name = `apuesta-${number}`;
  const said = make("div", { className: "apuesta-dicho", ariaLive: "polite" });
  const yours = make("p", { className: "apuesta-tuya" });
  let bet = memory.get(name);

  const form = make("form", { className: "apuesta-opciones" });
  const radios = options.map((item) => {
    const letter = item.textContent.trim()[0];
    const radio = make("input", { type: "radio", name, value: letter });
    radio.addEventListener("change", () => update({ choice: letter }));
    const text = (item.querySelector("p") ?? item).childNodes;
    form.append(make("label", {}, radio, make("span", {}, ...text)));
    return radio;
  });
  options[0].parentElement.replaceWith(form);
  form.after(said);
  verdict.append(yours);

  function update(change) {
    bet = { ...bet, ...change };
    memory.set(name, bet);
    show();
  }

  function show() {
    for (const radio of radios) {
      radio.checked = radio.value === bet.choice;
      radio.disabled = Boolean(bet.seen);
      const { classList } = radio.parentElement;
      classList.toggle("acierto", radio.disabled && radio.value === right);
      classList.toggle("fallo", radio.disabled && radio.checked && radio.value !== right);
    }
    const outcome = bet.choice === right ? "acertaste" : "no acertaste";
    yours.textContent = bet.choice ? `Tú dijiste ${bet.choice}): ${outcome}.` : "";
    writeInCode(number, bet.choice);
    if (!bet.choice) {
      said.replaceChildren();
    } else if (bet.seen) {
      said.replaceChildren(
        ...[...verdict.childNodes].map((node) => node.cloneNode(true)),
        make("button", { type: "button", textContent: "Borrar mi apuesta",
                         onclick: () => { update({ choice: null, seen: false }); radios[0].focus(); } }),
      );
    } else {
      said.replaceChildren(
        make("button", { type: "button", textContent: "Ver la respuesta",
                         onclick: () => update({ seen: true }) }),
        " o ", make("a", { href: `#${verdict.id}`, textContent: "ir a donde se resuelve" }), ".",
      );
    }
  }
  show();
}

// La celda «apuesta_1 = None» muestra lo que se apostó.
function writeInCode(number, choice) {
  for (const code of document.querySelectorAll(".cell_input pre")) {
    const value = code.querySelector(".kc, .apostado");  // None
    if (value && code.textContent.startsWith(`apuesta_${number} = `)) {
      value.className = choice ? "s2 apostado" : "kc";
      value.textContent = choice ? `"${choice}"` : "None";
    }
  }
}

// El cuestionario: cada opción es un desplegable cuya explicación empieza por «Sí.» o «No.».
function playQuiz(section) {
  const options = [...section.querySelectorAll("details.sd-dropdown")];
  if (!options.length) return;
  const questions = [];
  for (const option of options) {
    const previous = option.previousElementSibling;
    if (!previous?.matches("details.sd-dropdown")) questions.push([]);
    questions.at(-1).push(option);
  }
  let answers = memory.get("cuestionario");
  const right = (option) => /^\s*Sí/.test(option.querySelector(".sd-summary-content").textContent);
  const progress = make("p", { className: "cuestionario-progreso", ariaLive: "polite" });
  const forget = make("button", { type: "button", textContent: "Borrar mis respuestas" });
  forget.addEventListener("click", () => {
    answers = {};
    for (const option of options) option.open = false;
    memory.set("cuestionario", answers);
    show();
  });
  section.append(progress, forget);

  questions.forEach((question, number) => {
    question.forEach((option, letter) => {
      if (answers[number]?.includes(letter)) option.open = true;
      option.addEventListener("toggle", () => {
        if (!option.open || answers[number]?.includes(letter)) return;
        answers[number] = [...(answers[number] ?? []), letter];
        memory.set("cuestionario", answers);
        show();
      });
    });
  });

  function show() {
    let answered = 0, first = 0;
    questions.forEach((question, number) => {
      const said = answers[number] ?? [];
      answered += said.length > 0;
      first += said.length > 0 && right(question[said[0]]);
      question.forEach((option, letter) => {
        option.classList.toggle("acierto", said.includes(letter) && right(option));
        option.classList.toggle("fallo", said.includes(letter) && !right(option));
      });
    });
    forget.hidden = !answered;
    progress.textContent = answered
      ? `Has contestado ${answered} de ${questions.length}; a la primera, ${first}. `
        + "Se guarda solo en este navegador."
      : "";
  }
  show();
}

// Dos frases que el catálogo español de Sphinx dice mal («que usted allá seleccionado»).
Object.assign(Documentation.TRANSLATIONS, {
  ["Your search did not match any documents. Please make sure that all words are spelled correctly and "
    + "that you've selected enough categories."]:
    "Ninguna página contiene lo que buscas. Mira si las palabras están bien escritas o prueba con menos.",
  "Search finished, found ${resultCount} page(s) matching the search query.":
    "Páginas encontradas: ${resultCount}.",
});

// En lo encontrado, una fórmula sería su LaTeX: se pone «…» en su lugar.
if (typeof Search !== "undefined") {
  const formula = /<(span|div) class="math [^>]*>[^]*?<\/\1>/g;
  const { htmlToText } = Search;
  Search.htmlToText = (html, anchor) => htmlToText(html.replace(formula, "…"), anchor);
}

for (const box of document.querySelectorAll(".admonition.apuesta")) playBet(box);
for (const section of document.querySelectorAll("section#cuestionario")) playQuiz(section);
window.addEventListener("load", () => {
  reachByKeyboard();
  window.MathJax?.startup?.promise?.then(reachByKeyboard);
});
window.addEventListener("resize", reachByKeyboard);
document.addEventListener("toggle", reachByKeyboard, true);
