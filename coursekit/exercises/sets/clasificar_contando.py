"""Conjunto «Clasificar contando»: Bayes, TF-IDF, medidas por clase, negación y autores."""

import math
from collections import Counter

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "clasificar-contando",
    "Clasificar contando",
    imports=("numpy", "coursekit.classification", "coursekit.data", "coursekit.text"),
    open_questions=(
        OpenQuestion(
            "veinte-errores",
            "Lee veinte textos en que un clasificador de los argumentos se equivoque y agrúpalos por la "
            "causa que crees ver. Elige una causa y di qué experimento la confirmaría o la desmentiría.",
            "2 puntos: 0.5 si los veinte (o todos, con las muestras) salieron de un sorteo; 0.5 si separa "
            "los errores del programa de las etiquetas discutibles; 1 si el experimento cambia una sola cosa "
            "y podría salir en contra.",
            2.0,
        ),
        OpenQuestion(
            "anuncio",
            "«Nuestra red lee reseñas con un 91 % de exactitud». ¿Qué cuatro cosas preguntas antes de creer "
            "que hacía falta una red, y qué respuesta a cada una te convencería de que no hacía falta?",
            "1 punto: 0.25 por la clase más frecuente; 0.25 por un clasificador de recuentos con los mismos "
            "textos; 0.25 por el intervalo o la diferencia texto a texto; 0.25 por cómo se separó la prueba. "
            "La mitad de cada una es por la respuesta que convencería.",
            1.0,
        ),
    ),
)

# Reseñas buenas y malas, palabras que suman las unas y las otras, y cuántas veces están «preciosa» en las
# buenas (en las malas, ninguna) y «larga» en las buenas y en las malas.
VARIANTS = [(6, 4, 30, 25, 5, 1, 4), (5, 3, 25, 20, 3, 0, 2), (3, 7, 12, 30, 3, 1, 3)]
VARIANTS += [(4, 2, 40, 10, 6, 2, 1), (8, 2, 45, 10, 9, 2, 3), (4, 6, 20, 40, 4, 1, 3)]
VARIANTS += [(7, 3, 30, 10, 4, 1, 2), (2, 8, 10, 60, 2, 0, 5), (9, 6, 50, 30, 7, 1, 5)]
VARIANTS += [(5, 10, 20, 35, 6, 2, 6)]
NUM_WORDS = 20


@SET.exercise(
    "bayes_a_mano", "Bayes con lápiz y papel", name="bayes_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "p(preciosa | buena)": "¿sumaste 1 arriba y 20, las palabras del vocabulario, abajo?",
        "p(larga | mala)": "¿sumaste 1 arriba y 20 abajo, también aquí?",
        "la razón": "¿entró la proporción de reseñas buenas y malas, y «larga» dos veces? ¿Redondeaste antes "
        "del final?",
        "p(buena | d)": "con r tu razón, sin redondear, ¿es r / (1 + r)?",
    },
    hints=(
        "Haz una tabla: una fila por palabra, una columna por clase. En cada casilla, una fracción: arriba, "
        "el recuento más 1; abajo, el total de su clase más 20.",
        "Antes de leer nada, la razón es la de reseñas buenas a malas. Cada palabra que llega la multiplica "
        "por el cociente de su fila, tantas veces como está.",
        "En la variante 0, la razón empieza en 6/4, y «preciosa» la multiplica por (6/50) / (1/45).",
    ),
)  # fmt: skip
def bayes_by_hand(variant):
    D_pos, D_neg, N_pos, N_neg, nice_pos, long_pos, long_neg = VARIANTS[variant]
    nice = (nice_pos + 1) / (N_pos + NUM_WORDS), 1 / (N_neg + NUM_WORDS)
    long = (long_pos + 1) / (N_pos + NUM_WORDS), (long_neg + 1) / (N_neg + NUM_WORDS)
    odds = D_pos / D_neg * nice[0] / nice[1] * (long[0] / long[1]) ** 2
    return [nice[0], long[1], odds, odds / (1 + odds)]


bayes_by_hand.mistaken(
    ("(N_pos + NUM_WORDS), ", "N_pos, ",
     "en p(preciosa | buena) sumas 1 a cada palabra, pero no al total: las veinte sumarían más de 1."),
    ("D_pos / D_neg * nice", "nice",
     "dejaste fuera p(c): antes de leer nada, unas reseñas son más frecuentes que otras."),
    ("(long[0] / long[1]) ** 2", "(long[0] / long[1])",
     "contaste «larga» una vez, y está dos: cada aparición multiplica."),
    ("D_pos / D_neg", "N_pos / N_neg",
     "p(c) se cuenta en reseñas, no en palabras."),
    ("odds / (1 + odds)]", "odds]",
     "diste la razón entre las dos clases como si fuera la probabilidad de una."),
)  # fmt: skip

_WORDS = "una historia que no se olvida actor guion ritmo final música luz risa miedo sueño".split()


def _labelled(rng, num_texts, num_words=6):
    """Textos de dos clases, de largos distintos, con alguna palabra que solo está en una."""
    labels = ["mala", "buena", *rng.choice(["mala", "mala", "buena"], num_texts - 2).tolist()]
    bags = {"mala": _WORDS[:11], "buena": _WORDS[5:]}
    texts = [rng.choice(bags[c], int(rng.integers(2, num_words + 1))).tolist() for c in labels]
    texts[0], texts[1] = [*texts[0], "una", "una"], [*texts[1], "sueño"]
    return texts, labels


def _bayes_cases(rng):
    texts, labels = _labelled(rng, 7)
    yield texts, labels, ["actor", "final", "ritmo"], 1
    texts, labels = _labelled(rng, 8)
    yield texts, labels, ["guion", "guion", "guion", "una"], 0.5  # repetida
    texts, labels = _labelled(rng, 7)
    texts[0] += ["olvida"] * 40  # una clase con mucho más texto
    yield texts, labels, ["final", "helicóptero", "cordero", "cabra"], 1  # nadie las vio
    texts, labels = _labelled(rng, 7)
    yield [*texts, ["final"] * 3], [*labels, "rara"], ["final", "una"], 1  # tres clases
    texts, labels = _labelled(rng, 6)
    yield texts, labels, [], 2  # sin palabras
    texts, labels = _labelled(rng, 9)
    yield texts, labels, ["final", "una"] * 600 + ["actor", "actor"], 1  # un producto que no cabe


@SET.exercise(
    "bayes", "Bayes ingenuo, de palabras a clase", points=2, cases=_bayes_cases,
    hints=(
        "Por cada clase: cuántos textos tiene y un Counter con sus palabras. El vocabulario son las palabras "
        "distintas de todos los textos, y |V| es cuántas hay.",
        "Suma logaritmos: log p(c) y, por cada palabra del texto que esté en el vocabulario, "
        "log((N(c, w) + k) / (N(c) + k·|V|)).",
        "Resta a todas las sumas la mayor antes de pasar por math.exp, y divide entre el total: así no hay "
        "ceros.",
    ),
)  # fmt: skip
def classify(texts, labels, text, k):
    vocab = {word for words in texts for word in words}
    scores = {}
    for c in sorted(set(labels)):
        counts = Counter(word for words, label in zip(texts, labels) if label == c for word in words)
        total = sum(counts.values()) + k * len(vocab)
        scores[c] = math.log(labels.count(c) / len(labels))
        for word in text:
            if word in vocab:
                scores[c] += math.log((counts[word] + k) / total)
    largest = max(scores.values())
    shares = {c: math.exp(score - largest) for c, score in scores.items()}
    return {c: share / sum(shares.values()) for c, share in shares.items()}


classify.mistaken(
    ("sum(counts.values()) + k * len(vocab)", "sum(counts.values()) + k",
     "sumas k a cada palabra y una sola vez al total: las probabilidades de una clase suman más de 1."),
    ("sum(counts.values()) + k * len(vocab)", "sum(counts.values()) + k * len(counts)",
     "|V| son las palabras distintas de todos los textos, no solo las de esa clase."),
    ("for word in text:", "for word in set(text):",
     "cuentas cada palabra una vez: en este modelo, la que se repite vuelve a multiplicar."),
    ("if word in vocab:", "if True:",
     "una palabra que nadie vio no dice nada de ninguna clase, y así favorece a la que menos texto tiene."),
    ("math.log(labels.count(c) / len(labels))", "0.0",
     "supones que todas las clases son igual de frecuentes: falta p(c)."),
    ("math.exp(score - largest)", "math.exp(score)",
     "con un texto largo, todas las exponenciales son 0 y divides cero entre cero: resta antes la mayor."),
)  # fmt: skip


def _weighing_cases(rng):
    def bag(size):
        return rng.choice(_WORDS, size).tolist()

    train = [[*bag(5), "y", "y"], [*bag(4), "y"], [*bag(6), "risa"], [*bag(3), "y", "luz"]]
    yield train, [train[0], [*bag(3), "luz", "y"]]
    yield train, [["luz", "luz", "luz", "y"], ["y", "risa"]]  # repetida
    yield train, [["zapato", "risa", "zapato"], ["y", "cabra", "luz"]]  # fuera del entrenamiento
    yield train, [["zapato"], []]  # nada que ponderar
    yield [*train, ["luz", "luz", "luz"]], [["luz", "y", "y", "risa"]] * 2  # muchas veces en pocos textos


@SET.exercise(
    "tfidf", "TF-IDF, sin mirar la prueba", points=1.5, cases=_weighing_cases,
    hints=(
        "Cuenta df una sola vez, antes de abrir asked. Cada texto de train suma 1 a cada una de sus palabras "
        "distintas: un Counter sobre set(words) lo hace.",
        "Por cada texto de asked, otro Counter, con solo las palabras que están en df: son los n. El peso "
        "usa math.log, y df se busca en el primero.",
        "La norma es math.sqrt(sum(peso**2 for peso in …)). Un texto sin palabras conocidas no es un caso "
        "aparte: su diccionario está vacío, y al recorrerlo no se divide nada.",
    ),
)  # fmt: skip
def weigh(train, asked):
    D, df = len(train), Counter(word for words in train for word in set(words))
    weighed = []
    for words in asked:
        counts = Counter(word for word in words if word in df)
        row = {w: (1 + math.log(n)) * (1 + math.log((1 + D) / (1 + df[w]))) for w, n in counts.items()}
        norm = math.sqrt(sum(weight**2 for weight in row.values()))
        weighed.append({w: weight / norm for w, weight in row.items()})
    return weighed


weigh.mistaken(
    ("for word in set(words)", "for word in words",
     "df cuenta textos, no apariciones: una palabra tres veces en un texto suma uno."),
    ("D, df = len(train), Counter(word for words in train for word in set(words))",
     "D, df = len(train + asked), Counter(word for words in train + asked for word in set(words))",
     "contaste df también en los textos que se preguntan: la prueba se ha colado en el entrenamiento."),
    ("math.sqrt(sum(weight**2 for weight in row.values()))", "sum(row.values())",
     "divides entre la suma: aquí cada texto queda con norma 1, la raíz de la suma de los cuadrados."),
    ("(1 + math.log(n))", "n",
     "la décima aparición no dice tanto como la primera: 1 + log n, y no n."),
    ("(1 + math.log((1 + D) / (1 + df[w])))", "math.log(D / df[w])",
     "falta el 1 + y los unos de la fracción: sin ellos, lo que está en todos los textos pesa 0."),
    ("math.log(", "math.log10(", "aquí log es el logaritmo natural, math.log."),
    ("(1 + math.log(n))", "math.log(1 + n)", "el 1 va fuera del logaritmo: 1 + log n, y no log(1 + n)."),
    ("D, df = len(train), Counter(word for words in train for word in set(words))",
     "D, df = len(asked), Counter(word for words in asked for word in set(words))",
     "contaste df en los textos que se preguntan: se aprende solo de train."),
    ("weight / norm", "weight", "falta dividir entre la norma: un texto largo pesaría más."),
)  # fmt: skip


def _answer_cases(rng):
    def draw(names, size):
        truth = [*names, *rng.choice(names, size).tolist()]
        said = [t if rng.random() < 0.6 else str(rng.choice(names)) for t in truth]
        said[0], said[1], said[2] = names[1], names[1], names[0]
        return truth, said

    yield draw(["a", "b", "c"], 11)
    yield draw(["mundo", "deporte", "ciencia", "economía"], 16)
    yield ["a", "b", "b", "c", "a", "b"], ["b", "b", "a", "a", "a", "b"]  # «c» no se dijo nunca
    yield ["a", "b", "b", "a", "b"], ["b", "c", "b", "a", "b"]  # «c» se dijo y no era
    yield ["a", "a", "b", "b", "b"], ["b", "b", "a", "a", "b"]  # ni una «a» acertada


@SET.exercise(
    "por_clase", "Precisión, exhaustividad y F1", points=1.5, cases=_answer_cases,
    hints=(
        "De cada clase cuenta tres cosas: cuántas veces era, cuántas se dijo y en cuántas coincidieron.",
        "precisión = aciertos / veces que se dijo; exhaustividad = aciertos / veces que era. Si el "
        "denominador es 0, la medida es 0.",
        "F1 = 2 · aciertos / (veces que era + veces que se dijo): es la misma, y no divide entre cero.",
    ),
)  # fmt: skip
def by_class(truth, said):
    scores = {}
    for c in sorted(set(truth) | set(said)):
        hits = sum(t == s == c for t, s in zip(truth, said))
        was, claimed = truth.count(c), said.count(c)
        precision = hits / claimed if claimed else 0
        recall = hits / was if was else 0
        scores[c] = [precision, recall, 2 * hits / (was + claimed)]
    return scores


by_class.mistaken(
    ("[precision, recall, ", "[recall, precision, ",
     "las tienes cambiadas: la precisión mira lo que se dijo, y la exhaustividad, lo que era."),
    ("2 * hits / (was + claimed)", "(precision + recall) / 2",
     "la F1 es la media armónica, no la aritmética: quien tiene una de las dos a cero tiene cero."),
    ("set(truth) | set(said)", "set(truth)",
     "falta la clase que se dijo y nunca era: su precisión es 0, y eso cuenta."),
    ("set(truth) | set(said)", "set(said)",
     "falta la clase que nunca se dijo: su exhaustividad es 0, y eso cuenta."),
    ("precision = hits / claimed if claimed else 0",
     "precision = (len(truth) - was - claimed + 2 * hits) / len(truth)",
     "esa es la exactitud de «es o no es de la clase», que también cuenta los «no» acertados."),
)  # fmt: skip

NEGATORS = {"no", "ni", "nunca", "jamás", "sin", "tampoco"}
SIGNS = set(".,;:!?¡¿…")


def _negated_cases(rng):
    verbs = rng.choice("aburre divierte emociona cansa convence sorprende".split(), 6, replace=False).tolist()
    yield ["la", "historia", "no", verbs[0], "mucho"],
    yield ["no", verbs[1], "nunca", "a", "nadie"],  # dos negaciones que no se anulan
    some = rng.permutation(sorted(NEGATORS)).tolist()
    for number, sign in enumerate(sorted(SIGNS)):  # cada negación, sola, abre; cada signo, a mitad, cierra
        yield [some[number % 6], verbs[0], sign, verbs[1], "mucho"],
    yield [word for pair in zip([*some, *some], [*verbs, *verbs]) for word in pair],  # dentro de otra
    yield ["no", verbs[2], ",", "pero", verbs[3], "."],  # el signo cierra
    yield [verbs[4], "sin", "cansar", "ni", "un", "minuto", ";", "no", "sobra", "nada"],
    yield ["¡", "una", "delicia", "!"],  # ninguna
    yield ["nadie", "diría", "que", "no", ",", "jamás", verbs[5]],  # negación pegada al signo


@SET.exercise(
    "negacion", "Marcar lo que se niega", points=1.5, cases=_negated_cases,
    hints=(
        "Recorre las palabras con una variable que dice si estás dentro de una negación.",
        "Una palabra de NEGATORS la enciende; un signo de SIGNS la apaga. Ni unas ni otros se marcan.",
        "Dentro de la negación, otra palabra de NEGATORS no la apaga: en español «no aburre nunca» niega "
        "una vez.",
    ),
)  # fmt: skip
def mark_negation(words):
    marked, inside = [], False
    for word in words:
        if word in SIGNS:
            inside = False
        elif word in NEGATORS:
            inside = True
        elif inside:
            word = "NO_" + word
        marked.append(word)
    return marked


mark_negation.mistaken(
    ("inside = True", "inside = not inside",
     "la segunda negación apaga la primera. En español se suman: «no aburre nunca» no dice que aburra."),
    ("        if word in SIGNS:\n            inside = False\n        elif word in NEGATORS:",
     "        if word in NEGATORS:",
     "la negación no pasa de un signo: en «no aburre, pero cansa», «cansa» queda fuera."),
    ("        elif inside:\n            word", "        if inside:\n            word",
     "marcas también las palabras que niegan: «nunca» sería otra palabra según lo que lleve delante."),
    ('word = "NO_" + word', 'word, inside = "NO_" + word, False',
     "solo marcas la palabra siguiente, y van todas hasta el signo: en «no aburre mucho», «mucho» también."),
    ("word in NEGATORS", "word == \"no\"",
     "solo miras «no»: también niegan «ni», «nunca», «jamás», «sin» y «tampoco»."),
)  # fmt: skip

_AUTHORS = {"Rosa": "mar barco ola red sal".split(), "Blas": "tren vía humo carbón reloj".split(),
            "Inés": "huerto pozo higuera mula sal".split()}  # fmt: skip
_COMMON = "el la de que y no se con por un".split()


def _library(rng, num_novels, num_pieces, size):
    """Trozos de novelas: el gusto de cada autor, nombres de cada novela y palabras de todos."""
    pieces = []
    for author, own in _AUTHORS.items():
        for number in range(num_novels):
            hero = [f"{author.lower()[:2]}{number}a", f"{author.lower()[:2]}{number}o"]
            for _ in range(num_pieces):
                words = [rng.choice(_COMMON, size), rng.choice(own, size // 2), rng.choice(hero, 3)]
                pieces.append((author, f"{author} {number + 1}", np.concatenate(words).tolist()))
    return pieces


def _detective_cases(rng):
    def told_apart(*arguments):
        while True:
            pieces, k = _library(rng, *arguments[:3]), arguments[3]
            if _tells_apart(pieces, k):
                return pieces, k

    yield told_apart(2, 2, 8, 1)
    yield told_apart(3, 2, 6, 0.5)
    uneven = _library(rng, 2, 2, 8)
    while not _tells_apart(uneven[:-1] + [(*uneven[-1][:2], uneven[-1][2] * 3)], 1):  # una novela más larga
        uneven = _library(rng, 2, 2, 8)
    yield uneven[:-1] + [(*uneven[-1][:2], uneven[-1][2] * 3)], 1


@SET.exercise(
    "detective", "Detective: ¿quién escribió esta novela?", points=2, cases=_detective_cases,
    hints=(
        "Son tres fallos: con qué se aprende, qué palabras existen y qué probabilidades suman 1.",
        "¿Qué trozos de la novela juzgada quedan en train? ¿Y de dónde salen las palabras de vocab?",
        "p(w | autor) = (N(autor, w) + k) / (N(autor) + k·|V|), con todo contado solo en train.",
    ),
)  # fmt: skip
def margins(pieces, k):
    found = {}
    for out in sorted({novel for _, novel, _ in pieces}):
        asked = [piece for piece in pieces if piece[1] == out]
        train = [piece for piece in pieces if piece[1] != out]
        vocab = {word for _, _, words in train for word in words}
        scores = {}
        for author in {author for author, _, _ in train}:
            counts = Counter(word for name, _, words in train if name == author for word in words)
            total = sum(counts.values()) + k * len(vocab)
            scores[author] = sum(math.log((counts[word] + k) / total)
                                 for _, _, words in asked for word in words if word in vocab)
        own = scores.pop(asked[0][0])
        found[out] = own - max(scores.values())
    return found


margins.planted(
    ("[piece for piece in pieces if piece[1] != out]", "[piece for piece in pieces if piece is not asked[0]]",
     "solo sale el primer trozo, y los demás de la misma novela se quedan: sus nombres la delatan."),
    ("for _, _, words in train for word in words}", "for _, _, words in pieces for word in words}",
     "el vocabulario mira también la novela que se juzga: sus palabras nuevas pesan distinto según cuánto "
     "texto tenga cada autor."),
    ("sum(counts.values()) + k * len(vocab)", "sum(counts.values())",
     "sumas k a cada palabra y no al total: gana quien tiene menos texto."),
)  # fmt: skip
margins.mistaken(
    ("scores[author] = sum(",
     "scores[author] = math.log(sum(author == name for name, _, _ in train) / len(train)) + sum(",
     "los tres fallos están arreglados, y sobra p(c): aquí todos los autores se dan por igual de probables."),
)  # fmt: skip


def _tells_apart(pieces, k):
    """Si con esos trozos se nota cada fallo, y ninguna mezcla da lo mismo que otra."""
    answers = [margins.reference(pieces, k)] + [mistake.answer(pieces, k) for mistake in margins.mistakes]
    rows = np.array([[answer[novel] for novel in sorted(answer)] for answer in answers])
    gaps = [np.abs(one - other).max() for i, one in enumerate(rows) for other in rows[:i]]
    return min(gaps) > 1e-2
