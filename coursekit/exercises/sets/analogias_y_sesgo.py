"""Conjunto «Analogías y sesgo»: responder, medir, trocear y no engañarse con el género."""

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, variants

SET = ExerciseSet(
    "analogias-y-sesgo", "Analogías y sesgo", imports=("numpy", "coursekit.data", "coursekit.text")
)

# Cosenos en novenos: de «flores» con «días», «día» y «flor», y de «flor» con «días» y «día».
VARIANTS = [(6, 4, 8, 3, 1), (6, 2, 7, 3, 2), (5, 1, 7, 4, 2), (8, 5, 6, 2, 1), (7, 3, 5, 5, 4)]
VARIANTS += [(6, 1, 8, 2, 0), (4, 2, 7, 3, 1), (8, 6, 7, 5, 3), (5, 3, 8, 6, 5), (7, 5, 6, 4, 3)]


@SET.exercise(
    "a_mano", "Una analogía con lápiz y papel", name="scores", points=1.5, cases=variants, tolerance=5e-3,
    parts={
        "3CosAdd de flores": "¿sumaste los cosenos con «días» y con «flor», y restaste el de «día»?",
        "3CosAdd de flor": "¿cuánto vale el coseno de una palabra consigo misma?",
        "3CosMul de flores": "¿llevaste los tres cosenos a [0, 1] antes de multiplicar y dividir?",
    },
    hints=(
        "Cada puntuación usa tres cosenos: con a («día»), con b («días») y con c («flor»).",
        "En la variante 0, 3CosAdd de «flores» es 6/9 − 4/9 + 8/9. Para «flor», uno de los cosenos es 1.",
        "Para 3CosMul, cada coseno x pasa a ser (1 + x)/2: 6/9 se vuelve 15/18. Luego b por c entre a.",
    ),
)  # fmt: skip
def scores_by_hand(variant):
    to_b, to_a, to_c, own_b, own_a = (ninths / 9 for ninths in VARIANTS[variant])
    add = to_b - to_a + to_c
    own = own_b - own_a + 1
    mul = ((1 + to_b) / 2) * ((1 + to_c) / 2) / ((1 + to_a) / 2)
    return [add, own, mul]


scores_by_hand.mistaken(
    ("to_b - to_a + to_c", "to_a - to_b + to_c",
     "cambiaste los signos: se suma el coseno con b («días») y se resta el de a («día»)."),
    ("((1 + to_b) / 2) * ((1 + to_c) / 2) / ((1 + to_a) / 2)", "to_b * to_c / to_a",
     "en 3CosMul los cosenos se llevan antes a [0, 1], con (1 + x)/2."),
    ("return [add, own, mul]", "return [9 * add, 9 * own, mul]",
     "te faltó dividir por 9: la tabla da los cosenos en novenos."),
    ("own_b - own_a + 1", "own_b - own_a",
     "a «flor» le falta el coseno consigo misma, que es 1: por eso suele ganar la propia c."),
)  # fmt: skip

_WORDS = "rey reina duque condesa hijo madre gato luna barco pan".split()


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
        "b y c": reply(unit, target, [b, c]), "sin normas": reply(vectors, raw),
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
    ("[[a, b, c]]", "[[c]]", "prohíbes solo c: b también estaba en la pregunta, y a veces gana."),
    ("[[a, b, c]]", "[[b, c]]", "prohíbes b y c, y falta a."),
    ("unit = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))", "unit = vectors",
     "no divides por la norma: así gana quien tiene el vector más largo, no el más parecido."),
    ("unit[b] - unit[a]", "unit[a] - unit[b]",
     "cambiaste los signos: b se suma y a se resta."),
    ("np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))", "vectors / norms",
     "un vector nulo dividido por su norma da nan, y argmax elige el nan: su coseno es 0."),
)  # fmt: skip


def _questions(rng, plan):
    """Preguntas y respuestas dadas: de cada relación, los desenlaces que dice el plan."""
    questions, given = [], []
    for relation, outcomes in plan:
        for outcome in outcomes:
            a, b, c, d, other = rng.choice(_WORDS, 5, replace=False).tolist()
            a, d = {"sin a": ("zzz", d), "sin d": (a, "zzz")}.get(outcome, (a, d))
            d = {"es a": a, "es b": b, "es c": c}.get(outcome, d)
            questions.append((relation, a, b, c, d))
            given.append(other if outcome == "fallo" else d)
    order = rng.permutation(len(questions))
    return [questions[i] for i in order], [given[i] for i in order], list(_WORDS)


def _measuring_cases(rng):
    yield _questions(rng, [("género", ["acierto", "fallo", "acierto"]), ("plural", ["fallo"])])
    yield _questions(rng, [("género", ["acierto", "sin a", "fallo"]), ("plural", ["sin d", "acierto"])])
    yield _questions(rng, [("capitales", ["sin a", "sin d"]), ("plural", ["fallo"])])  # una sin cobertura
    impossible = [("plural", ["es a", "acierto", "fallo"]), ("género", ["es b"]), ("tiempo", ["es c"])]
    yield _questions(rng, impossible)
    yield [], [], list(_WORDS)


@SET.exercise(
    "medir", "Medir por relación", name="by_relation", points=1.5, cases=_measuring_cases,
    hints=(
        "Empieza cada relación en [0, 0, 0] la primera vez que la veas, aunque luego no se mida ninguna.",
        "Suma siempre al tercero; al segundo, solo si a, b, c y d están en words y d no es ninguna "
        "de las otras tres.",
        "table.setdefault(relación, [0, 0, 0]) devuelve la lista, nueva o no, y se puede cambiar.",
    ),
)  # fmt: skip
def by_relation(questions, given, words):
    table = {}
    for (relation, a, b, c, d), reply in zip(questions, given):
        row = table.setdefault(relation, [0, 0, 0])
        row[2] += 1
        if all(word in words for word in (a, b, c, d)) and d not in (a, b, c):
            row[1] += 1
            row[0] += reply == d
    return {relation: tuple(row) for relation, row in table.items()}


by_relation.mistaken(
    ("if all(word in words for word in (a, b, c, d)) and d not in (a, b, c):", "if d not in (a, b, c):",
     "cuentas como fallo lo que no se puede medir: si falta una de las cuatro palabras, esa "
     "pregunta no se mide."),
    (" and d not in (a, b, c)", "",
     "mides preguntas imposibles: si d ya está en la pregunta y las palabras dadas se prohíben, "
     "nadie acierta."),
    ("(a, b, c, d)) and", "(a, b, c)) and",
     "miras que estén a, b y c, pero no d: una respuesta que no está en el vocabulario no se puede dar."),
    ("return {relation: tuple(row) for relation, row in table.items()}",
     "return {relation: tuple(row) for relation, row in table.items() if row[1]}",
     "una relación sin cobertura también se dice, con cero medidas: callarla haría creer que no "
     "se preguntó."),
    ("        row[2] += 1\n        if all(word in words for word in (a, b, c, d)) and d not in (a, b, c):\n",
     "        if all(word in words for word in (a, b, c, d)) and d not in (a, b, c):\n"
     "            row[2] += 1\n",
     "el tercer número son todas las preguntas, medidas o no: sin él no se sabe la cobertura."),
)  # fmt: skip

_LETTERS = list("aeimnrst")


def _spelling(rng, length):
    return "".join(rng.choice(_LETTERS, length))


def _table(rng, word, shortest, longest, known=0.6):
    """Vectores de unos trozos de la palabra, con los de los bordes y los más largos, y de otros ajenos."""
    marked = f"<{word}>"
    inside = [marked[i : i + n] for n in range(shortest, longest + 1) for i in range(len(marked) - n + 1)]
    chosen = [piece for piece in dict.fromkeys(inside) if rng.random() < known]
    chosen += [marked[:shortest], marked[-shortest:], marked[-longest:], word[:shortest]]
    pieces = dict.fromkeys([*chosen, "zzz", "<zz"])
    return {piece: rng.integers(-9, 10, 3) / 2 for piece in pieces}


def _piece_cases(rng):
    for length, shortest, longest in ((6, 3, 5), (9, 3, 6), (5, 2, 2)):
        word = _spelling(rng, length)
        yield word, _table(rng, word, shortest, longest), shortest, longest
    word = str(rng.choice(["mamama", "tantan", "sisisi"]))  # trozos que se repiten
    yield word, _table(rng, word, 2, 3, known=1), 2, 3
    word = _spelling(rng, 2)
    yield word, _table(rng, word, 3, 4), 3, 6  # más corta que los trozos más largos
    yield "ñu", {"zzz": np.array([1.0, 2.0, 3.0])}, 3, 6  # ningún trozo conocido


@SET.exercise(
    "trozos", "Un vector para una palabra nueva", name="vector_of", points=1.5, cases=_piece_cases,
    hints=(
        "Pon los bordes antes de trocear: f\"<{word}>\".",
        "Para cada longitud n, los comienzos van de 0 a len(marked) − n, incluido. Un conjunto "
        "quita repetidos.",
        "Promedia solo los que estén en table. Si no hay ninguno, np.zeros_like de cualquiera de "
        "sus vectores.",
    ),
)  # fmt: skip
def vector_of(word, table, shortest, longest):
    marked = f"<{word}>"
    lengths = range(shortest, longest + 1)
    pieces = {marked[i : i + n] for n in lengths for i in range(len(marked) - n + 1)}
    known = [table[piece] for piece in sorted(pieces) if piece in table]
    return np.mean(known, axis=0) if known else 0 * next(iter(table.values()))


vector_of.mistaken(
    ('f"<{word}>"', "word",
     "faltan los bordes: sin < y >, «mente» al final y en medio serían el mismo trozo."),
    ("longest + 1", "longest", "faltan los trozos más largos: range no incluye su final."),
    ("len(marked) - n + 1", "len(marked) - n",
     "te dejas el último trozo de cada longitud, el que lleva el borde de la derecha."),
    ("{marked[i : i + n] for n in lengths for i in range(len(marked) - n + 1)}",
     "[marked[i : i + n] for n in lengths for i in range(len(marked) - n + 1)]",
     "un trozo que se repite se cuenta varias veces, y se pedía cada trozo distinto una vez."),
    ("np.mean(known, axis=0)", "np.sum(known, axis=0)",
     "eso es la suma, y se pide la media: con la suma, las palabras largas tendrían vectores más largos."),
    ("np.mean(known, axis=0)", "np.sum(known, axis=0) / len(pieces)",
     "divides por todos los trozos, también por los que no tienen vector."),
    (" if known else 0 * next(iter(table.values()))", "",
     "si no se conoce ningún trozo, la media de una lista vacía es nan: se pedía el vector nulo."),
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
    for duplicated, equal, unknown in ((1, 1, 1), (1, 0, 0), (0, 1, 1), (0, 0, 0)):
        words = [*rng.permutation(_WORDS).tolist(), "él", "ella"]
        vectors = rng.normal(size=(len(words), 3)).round(2) * rng.choice([0.5, 1, 3], (len(words), 1))
        pairs = [(words[0], words[1]), (words[2], words[3]), ("él", "ella")]
        pairs += duplicated * [("él", "ella"), pairs[0]]
        pairs += equal * [(words[4], words[4])]
        pairs += unknown * [("zzz", words[5]), (words[5], "zzz")]
        pairs = [pairs[i] for i in rng.permutation(len(pairs))]
        yield pairs, words, vectors, words[6:8], words[8:10]
    yield [("su", "su"), (words[0], words[0])], words, vectors, words[6:8], words[8:10]  # ninguna informa


@SET.exercise(
    "detective", "Detective: la lista traducida", name="mean_shift", points=2, cases=_shift_cases,
    hints=(
        "Son tres fallos: dos en qué parejas se miden y uno en los vectores.",
        "Imprime las parejas que se promedian: ¿cuántas veces está (él, ella)? ¿Cuánto puede "
        "moverse (su, su)?",
        "Cada palabra es una fila, y su norma se calcula con axis=1. dict.fromkeys(pairs) quita "
        "las repetidas.",
    ),
)  # fmt: skip
def mean_shift(pairs, words, vectors, one, other):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    place = {word: row for word, row in zip(words, unit)}
    direction = np.mean([place[w] for w in one], axis=0) - np.mean([place[w] for w in other], axis=0)
    direction = direction / np.linalg.norm(direction)
    useful = [(a, b) for a, b in dict.fromkeys(pairs) if a != b and a in place and b in place]
    return sum((place[b] - place[a]) @ direction for a, b in useful) / max(len(useful), 1)


mean_shift.planted(
    ("in dict.fromkeys(pairs)", "in pairs",
     "la lista traducida repite parejas, y cada una debe contar una vez."),
    ("if a != b and", "if",
     "una pareja como (su, su) no puede moverse: cuenta en la media y la acerca a cero."),
    (", axis=1, keepdims=True", "",
     "divides todo por una sola norma. Cada palabra es una fila; mira si cada una tiene norma 1."),
)  # fmt: skip
mean_shift.mistaken(
    (" / max(len(useful), 1)", " / len(useful)",
     "si no queda ninguna pareja útil, divides por cero: se pedía 0."),
    (" / max(len(useful), 1)", " / len(pairs)",
     "divides por todas las parejas de la lista, también por las que no se miden."),
)  # fmt: skip
