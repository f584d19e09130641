"""Conjunto «Analogías y sesgo»: responder, no engañarse con el intervalo ni con el género."""

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, variants

SET = ExerciseSet(
    "analogias-y-sesgo", "Analogías y sesgo", imports=("numpy", "coursekit.data", "coursekit.text")
)

# Cosenos en novenos: de «flores» con «días», «día» y «flor», y de «flor» con «días» y «día».
VARIANTS = [(6, 4, 8, 3, 1), (6, 2, 7, 3, 2), (5, 1, 7, 4, 3), (8, 5, 6, 4, 1), (7, 3, 5, 5, 4)]
VARIANTS += [(6, 1, 8, 4, 1), (4, 2, 7, 3, 1), (8, 6, 7, 5, 3), (5, 3, 8, 7, 5), (7, 5, 6, 4, 3)]


@SET.exercise(
    "a_mano", "Una analogía con lápiz y papel", name="scores", points=1.5, cases=variants, tolerance=5e-3,
    parts={
        "3CosAdd de flores": "¿sumaste los cosenos con «días» y con «flor», y restaste el de «día»?",
        "3CosAdd de flor": "¿cuánto vale el coseno de una palabra consigo misma?",
        "flores sin restar": "¿sumaste solo los cosenos con «días» y con «flor»?",
    },
    hints=(
        "Cada puntuación usa tres cosenos: con a («día»), con b («días») y con c («flor»).",
        "En la variante 0, 3CosAdd de «flores» es 6/9 − 4/9 + 8/9. Para «flor», uno de los cosenos es 1.",
        "Sin restar, se suman los cosenos con b y con c, y el de a no se mira.",
    ),
)  # fmt: skip
def scores_by_hand(variant):
    to_b, to_a, to_c, own_b, own_a = (ninths / 9 for ninths in VARIANTS[variant])
    add = to_b - to_a + to_c
    own = own_b - own_a + 1
    no_subtraction = to_b + to_c
    return [add, own, no_subtraction]


scores_by_hand.mistaken(
    ("to_b - to_a + to_c", "to_a - to_b + to_c",
     "cambiaste los signos: se suma el coseno con b («días») y se resta el de a («día»)."),
    ("no_subtraction = to_b + to_c", "no_subtraction = to_b + to_c + to_a",
     "sin restar, el coseno con a («día») no entra: ni se resta ni se suma."),
    ("no_subtraction = to_b + to_c", "no_subtraction = (to_b + to_c) / 2",
     "se suman los dos cosenos; no se promedian."),
    ("return [add, own, no_subtraction]", "return [9 * add, 9 * own, 9 * no_subtraction]",
     "te faltó dividir por 9: la tabla da los cosenos en novenos."),
    ("own_b - own_a + 1", "own_b - own_a",
     "a «flor» le falta el coseno consigo misma, que es 1: por eso suele ganar la propia c."),
)  # fmt: skip

_WORDS = "rey reina duque condesa hijo madre gato luna barco pan".split()


def _at_minus_two(totals, banned):
    totals[banned] = -2
    return int(totals.argmax())


def _replies(a, b, c, words, vectors):
    """Lo que responden quien acierta y quienes se confunden, y la ventaja del que acierta."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))
    a, b, c = (words.index(word) for word in (a, b, c))

    def reply(rows, target, banned=(a, b, c)):
        totals = rows @ target
        totals[list(banned)] = -np.inf
        return words[int(totals.argmax())]

    target, raw = unit[b] - unit[a] + unit[c], vectors[b] - vectors[a] + vectors[c]
    best, second = np.sort(np.delete(unit @ target, [a, b, c]))[[-1, -2]]
    return reply(unit, target), best - second, {
        "nada prohibido": reply(unit, target, ()), "solo c": reply(unit, target, [c]),
        "b y c": reply(unit, target, [b, c]),
        "prohibidas a −2": words[_at_minus_two(unit @ target, [a, b, c])],
        "sin normas": reply(vectors, raw),
        "sin la del objetivo": reply(unit, raw), "sin la de las candidatas": reply(vectors, target),
        "signos cambiados": reply(unit, unit[a] - unit[b] + unit[c]),
        "sin restar": reply(unit, unit[b] + unit[c]), "parecida a c": reply(unit, unit[c]),
    }  # fmt: skip


def _analogy_case(rng, confusion=None, last=1.0):
    """Una pregunta de respuesta clara en la que una confusión daría otra; la última palabra, a escala."""
    while True:
        words = rng.choice(_WORDS, 7, replace=False).tolist()
        vectors = rng.normal(size=(7, 4)).round(2)
        vectors[6] *= last
        question = (*words[:3], words, vectors)
        right, margin, wrong = _replies(*question)
        if margin > 0.02 and right != words[6] and wrong.get(confusion) != right:
            return question


def _opposite_case(rng):
    """Las cuatro palabras libres, opuestas a b − a + c: todas puntúan por debajo de −2."""
    while True:
        words = rng.choice(_WORDS, 7, replace=False).tolist()
        vectors = rng.normal(size=(7, 4))
        unit = vectors[:3] / np.linalg.norm(vectors[:3], axis=1, keepdims=True)
        target = unit[1] - unit[0] + unit[2]
        vectors[3:] = -target + 0.4 * rng.normal(size=(4, 4))
        question = (*words[:3], words, vectors.round(2))
        right, margin, wrong = _replies(*question)
        if margin > 0.02 and wrong["prohibidas a −2"] != right:
            return question


def _answering_cases(rng):
    yield _analogy_case(rng, "nada prohibido")
    yield _analogy_case(rng, "solo c")
    yield _analogy_case(rng, "b y c")
    yield _analogy_case(rng, "sin normas")
    yield _analogy_case(rng, "sin la del objetivo")
    yield _analogy_case(rng, "sin la de las candidatas")
    yield _analogy_case(rng, "signos cambiados")
    yield _analogy_case(rng, "sin restar")
    yield _analogy_case(rng, "parecida a c")
    yield _opposite_case(rng)
    yield _analogy_case(rng, last=0)  # una palabra sin vector: su coseno con cualquiera es 0


@SET.exercise(
    "responder", "Responder analogías", name="answer", points=2, cases=_answering_cases,
    hints=(
        "Divide cada fila por su norma y calcula el producto de todas con b − a + c: el mayor gana.",
        "Las tres palabras dadas no pueden ganar: dales −∞ antes de buscar el máximo.",
        "Un vector nulo no se puede dividir por su norma: np.divide(vectors, norms, where=norms > 0, "
        "out=np.zeros(vectors.shape)) lo deja en cero.",
    ),
)  # fmt: skip
def answer(a, b, c, words, vectors):
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))
    a, b, c = words.index(a), words.index(b), words.index(c)
    totals = unit @ (unit[b] - unit[a] + unit[c])
    totals[[a, b, c]] = -np.inf
    return words[totals.argmax()]


answer.mistaken(
    ("totals[[a, b, c]] = -np.inf", "pass",
     "dejas responder a las palabras de la pregunta, y suele ganar una de ellas."),
    ("-np.inf", "-1",
     "das −1 a las palabras prohibidas, y 3CosAdd puede bajar hasta −3: si las demás puntúan menos de −1, "
     "gana una de ellas."),
    ("[[a, b, c]]", "[[c]]", "no prohíbes b, que también estaba en la pregunta y a veces gana."),
    ("[[a, b, c]]", "[[b, c]]", "prohíbes b y c, y falta a."),
    ("unit = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))", "unit = vectors",
     "no divides por la norma: así gana quien tiene el vector más largo, no el más parecido."),
    ("unit[b] - unit[a]", "unit[a] - unit[b]",
     "cambiaste los signos: b se suma y a se resta."),
    ("np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))", "vectors / norms",
     "un vector nulo dividido por su norma da nan, y argmax elige el nan: su coseno es 0."),
)  # fmt: skip


_SEEN = "triste tristeza cantar cantaba encantado ventana manzana nata canana pan sal sol mar amar".split()


def _piece_cases(rng):
    def case(word, n, some=_SEEN):
        words = rng.permutation(some).tolist()
        return word, words, rng.normal(size=(len(words), 3)).round(2), n

    yield case(rng.choice(["tristes", "tristona"]).item(), 3)  # unos trozos no los lleva nadie
    yield case(rng.choice(["encantar", "descantar"]).item(), 4)
    yield case(rng.choice(["nanas", "bananas"]).item(), 2)  # un trozo sale dos veces en la palabra
    yield case(rng.choice(["mul", "mel"]).item(), 2)  # solo comparte el principio y el final
    yield case(rng.choice(["pana", "sala"]).item(), 4)  # y aquí, solo el principio
    yield case("xyz", 3)  # ninguno
    yield case("yo", 6)  # es más corta que un trozo
    yield case("pan", 3)  # está entre las vistas, y sus trozos cuentan como los de otra


@SET.exercise(
    "trozos", "Una palabra nueva, por sus trozos", name="from_pieces", points=1.5, cases=_piece_cases,
    hints=(
        "Escribe una función que dé el conjunto de los trozos de una palabra, con sus bordes «<» y «>».",
        "De cada trozo de la palabra nueva, la media de las filas de las palabras que lo llevan; luego, la "
        "media de esas medias.",
        "Un trozo que no lleva ninguna palabra no entra en la media. Si no queda ninguno, "
        "np.zeros(vectors.shape[1]).",
    ),
)  # fmt: skip
def from_pieces(word, words, vectors, n):
    def pieces(text):
        text = f"<{text}>"
        return {text[i : i + n] for i in range(len(text) - n + 1)}

    means = []
    for piece in pieces(word):
        carriers = [row for seen, row in zip(words, vectors) if piece in pieces(seen)]
        if carriers:
            means.append(np.mean(carriers, axis=0))
    return np.mean(means, axis=0) if means else np.zeros(vectors.shape[1])


from_pieces.mistaken(
    ('        text = f"<{text}>"\n', "",
     "faltan los bordes: «<pa», el principio de *pan*, también es un trozo."),
    ("{text[i : i + n] for i in range(len(text) - n + 1)}",
     "[text[i : i + n] for i in range(len(text) - n + 1)]",
     "un trozo que sale dos veces en la palabra cuenta una: son los trozos distintos."),
    ("len(text) - n + 1", "len(text) - n", "te falta el último trozo, el que acaba en «>»."),
    ("means.append(np.mean(carriers, axis=0))", "means.extend(carriers)",
     "promedias todas las filas juntas, y un trozo que llevan muchas palabras cuenta más que los otros."),
    ("np.mean(means, axis=0) if", "np.sum(means, axis=0) / len(pieces(word)) if",
     "divides también por los trozos que no lleva ninguna palabra."),
    (" if means else np.zeros(vectors.shape[1])", "",
     "si ningún trozo se ha visto, la media de nada es nan: se pedía un vector de ceros."),
)  # fmt: skip


def _axis_cases(rng):
    for dim, traced, apart in ((3, 4, 3), (5, 6, 4), (4, 2, 5)):
        u = rng.normal(size=dim)
        u /= np.linalg.norm(u)
        groups = [rng.normal(size=(count, dim)) + 0.8 * u for count in (traced, traced + 1, apart, apart + 2)]
        yield u.round(3) / np.linalg.norm(u.round(3)), *(group.round(2) for group in groups)


@SET.exercise(
    "eje", "Un eje corregido, en lo que no lo trazó", name="left_over", points=1.5, cases=_axis_cases,
    hints=(
        "u_g es la media de la menos la media de el, dividida por su norma.",
        "A u se le quita (u · u_g) u_g, y lo que queda se divide otra vez por su norma.",
        "Devuelve la media de apart_la por el eje corregido menos la de apart_el: la y el solo trazan.",
    ),
)  # fmt: skip
def left_over(u, la, el, apart_la, apart_el):
    u_g = la.mean(axis=0) - el.mean(axis=0)
    u_g = u_g / np.linalg.norm(u_g)
    rest = u - (u @ u_g) * u_g
    rest = rest / np.linalg.norm(rest)
    return (apart_la.mean(axis=0) - apart_el.mean(axis=0)) @ rest


left_over.mistaken(
    ("return (apart_la.mean(axis=0) - apart_el.mean(axis=0))", "return (la.mean(axis=0) - el.mean(axis=0))",
     "mides en las palabras que trazaron el eje gramatical: ahí la distancia es cero por construcción."),
    ("    u_g = u_g / np.linalg.norm(u_g)\n", "",
     "u_g no tiene norma 1, y entonces (u · u_g) u_g quita de más o de menos."),
    ("    rest = rest / np.linalg.norm(rest)\n", "",
     "lo que queda de u es más corto: divídelo por su norma o las distancias saldrán encogidas."),
    ("rest = u - (u @ u_g) * u_g", "rest = u - u_g",
     "quitas u_g entero, y se quita solo lo que u lleva de él: (u · u_g) u_g."),
    ("rest = u - (u @ u_g) * u_g", "rest = u",
     "mides en el eje sin corregir: falta quitarle u_g."),
    ("(apart_la.mean(axis=0) - apart_el.mean(axis=0))", "(apart_el.mean(axis=0) - apart_la.mean(axis=0))",
     "el signo está al revés: es la media de las de «la» menos la de las de «el»."),
)  # fmt: skip


def _articled(rng, counts):
    """Frases con cada artículo y nombre las veces que se diga, entre otras palabras."""
    sentences = []
    for (article, noun), times in counts.items():
        for _ in range(times):
            words = rng.choice(["mira", "de", "con", "brilla", "y"], 3).tolist()
            place = int(rng.integers(3))
            sentences.append([*words[:place], article, noun, *words[place:]])
    return [sentences[i] for i in rng.permutation(len(sentences))]


def _gender_cases(rng):
    few, many = sorted(rng.choice(np.arange(1, 6), 2, replace=False).tolist())
    # «El agua», «las aguas»: decide el plural, se vea menos o más que el singular.
    yield _articled(rng, {("el", "agua"): few, ("las", "aguas"): many}), "agua", "aguas"
    yield _articled(rng, {("el", "agua"): many + 3, ("las", "aguas"): few}), "agua", "aguas"
    yield _articled(rng, {("el", "barco"): few, ("los", "barcos"): many}), "barco", "barcos"
    # El plural no se ve tras un artículo: decide el singular.
    yield [*_articled(rng, {("la", "sed"): many, ("un", "mes"): few}), ["aguas", "sedes"]], "sed", "sedes"
    # Los indefinidos también son artículos; y hay usos de los dos, con mayoría.
    seen = {("unas", "manos"): many, ("los", "manos"): few, ("el", "mano"): many}
    yield _articled(rng, seen), "mano", "manos"
    seen = {("unos", "mares"): many, ("las", "mares"): few, ("la", "mar"): many}
    yield _articled(rng, seen), "mar", "mares"
    # Empate en el plural: decide el singular. Y empate en todo: no se sabe.
    yield _articled(rng, {("los", "mares"): few, ("las", "mares"): few, ("una", "mar"): 1}), "mar", "mares"
    seen = {("los", "mares"): few, ("las", "mares"): few, ("el", "mar"): 1, ("la", "mar"): 1}
    yield _articled(rng, seen), "mar", "mares"
    # Al principio de la frase no hay nada delante, y lo de la frase anterior no cuenta.
    yield [["miro", "la"], ["pan"], ["el", "pan"], ["veo", "las"], ["panes", "de", "pan"]], "pan", "panes"
    yield [["pan", "miran", "la"], ["el", "pan"], ["pan", "y", "una"]], "pan", "panes"
    yield [["agua", "de", "mar"]], "agua", "aguas"  # nunca tras un artículo
    yield [["panes", "y", "los", "panes"], ["la", "pan"]], "pan", "panes"  # dos veces en una frase
    yield [["del", "mar"], ["al", "mar"], ["del", "mar"], ["la", "mar"]], "mar", "mares"  # no son artículos


@SET.exercise(
    "genero", "De qué género es «agua»", name="gender", points=1.5, cases=_gender_cases,
    hints=(
        "zip(sentence, sentence[1:]) da cada palabra con la anterior, sin salir de la frase.",
        "Cuenta por separado: femeninos menos masculinos delante del plural, y lo mismo delante "
        "del singular.",
        "Si la cuenta del plural no es cero, decide ella; si lo es, la del singular; si las dos lo son, «?».",
    ),
)  # fmt: skip
def gender(sentences, singular, plural):
    votes = {singular: 0, plural: 0}
    for sentence in sentences:
        for article, noun in zip(sentence, sentence[1:]):
            if noun in votes:
                votes[noun] += article in ("la", "una", "las", "unas")
                votes[noun] -= article in ("el", "un", "los", "unos")
    decided = votes[plural] or votes[singular]
    return "la" if decided > 0 else "el" if decided < 0 else "?"


gender.mistaken(
    ("votes[plural] or votes[singular]", "votes[plural] + votes[singular]",
     "sumas los votos del singular, y «el agua» no dice que sea masculino: delante de a tónica, "
     "«la» se vuelve «el»."),
    ("votes[plural] or votes[singular]", "votes[singular]",
     "decides con el singular: «el agua» lleva «el» y es femenino. El plural, «las aguas», no engaña."),
    ("votes[plural] or votes[singular]", "votes[plural]",
     "si el plural no se ve, o empata, queda el singular."),
    ('("la", "una", "las", "unas")', '("la", "las")', "«una» y «unas» también son artículos."),
    ('("el", "un", "los", "unos")', '("el", "los")', "«un» y «unos» también son artículos."),
    ("in sentences:", "in [sum(sentences, [])]:",
     "el artículo con que acaba una frase no acompaña al nombre con que empieza la siguiente."),
    ('else "el" if decided < 0 else "?"', 'else "el"',
     "si no hay artículos, o empatan, no se sabe: se pedía «?»."),
)  # fmt: skip


def _shift_cases(rng):
    for duplicated, equal, unknown, turned in (
        (1, 1, 1, 0), (1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 0, 1), (1, 0, 1, 1), (0, 0, 0, 0),
    ):  # fmt: skip
        words = [*rng.permutation(_WORDS).tolist(), "él", "ella", "mesa", "silla", "río", "vino"]
        vectors = rng.normal(size=(len(words), 3)).round(2) * rng.choice([0.5, 1, 3], (len(words), 1))
        pairs = [(words[0], words[1]), (words[2], words[3]), ("él", "ella")]
        pairs += duplicated * [("él", "ella"), pairs[0]]
        pairs += equal * [(words[4], words[4])]
        pairs += unknown * [("zzz", words[5]), (words[5], "zzz")]
        pairs += turned * [(words[1], words[0])]
        pairs = [pairs[i] for i in rng.permutation(len(pairs))]
        control = [("mesa", "silla"), ("río", "vino")]
        control += duplicated * [("río", "vino")] + equal * [("río", "río")]
        yield pairs, control, words, vectors, words[6:8], words[8:10]
    yield [("su", "su"), (words[0], words[0])], [("río", "vino")], words, vectors, words[6:8], words[8:10]
    yield pairs, [], words, vectors, words[6:8], words[8:10]  # sin control que restar
    # Una pareja en las dos listas: cuenta en cada una.
    yield [*pairs, ("mesa", "silla")], control, words, vectors, words[6:8], words[8:10]


@SET.exercise(
    "detective", "Detective: la lista traducida", name="net_shift", points=2, cases=_shift_cases,
    hints=(
        "Son tres fallos: dos en qué parejas se miden y uno en los vectores.",
        "Imprime las parejas que se promedian: ¿cuántas veces está (él, ella)? ¿Cuánto puede "
        "moverse (su, su)?",
        "Cada palabra es una fila, y su norma se calcula con axis=1. dict.fromkeys(some) quita "
        "las repetidas.",
    ),
)  # fmt: skip
def net_shift(pairs, control, words, vectors, toward, away):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    place = {word: row for word, row in zip(words, unit)}
    direction = np.mean([place[w] for w in toward], axis=0) - np.mean([place[w] for w in away], axis=0)
    direction = direction / np.linalg.norm(direction)

    def shift(some):
        useful = [(a, b) for a, b in dict.fromkeys(some) if a != b and a in place and b in place]
        return sum((place[b] - place[a]) @ direction for a, b in useful) / max(len(useful), 1)

    return shift(pairs) - shift(control)


net_shift.planted(
    ("in dict.fromkeys(some)", "in some",
     "la lista traducida repite parejas, y cada una debe contar una vez."),
    ("if a != b and", "if",
     "una pareja como (su, su) no puede moverse: cuenta en la media y la acerca a cero."),
    (", axis=1, keepdims=True", "",
     "divides todo por una sola norma. Cada palabra es una fila; mira si cada una tiene norma 1."),
)  # fmt: skip
net_shift.mistaken(
    ("in dict.fromkeys(some)", "in {frozenset(pair): pair for pair in some}.values()",
     "tratas a–b y b–a como la misma pareja: son distintas, y se mueven en sentidos opuestos."),
    (" - shift(control)", "",
     "falta el control: se resta lo que se desplazan sus parejas."),
    ("shift(pairs) - shift(control)", "shift([*pairs, *control])",
     "promedias gente y control juntos: se pedía la diferencia de sus dos medias."),
    (" / max(len(useful), 1)", " / len(useful)",
     "si no queda ninguna pareja útil, divides por cero: ese desplazamiento es 0."),
    (" / max(len(useful), 1)", " / max(len(some), 1)",
     "divides por todas las parejas de la lista, también por las que no se miden."),
)  # fmt: skip
