"""Conjunto «¿Son buenos estos vectores?»: correlación, cobertura, intervalo y elección."""

import unicodedata

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "evaluar-vectores",
    "¿Son buenos estos vectores?",
    imports=("numpy", "coursekit.data", "coursekit.text"),
    open_questions=(
        OpenQuestion(
            "ajustes",
            "Elige un ajuste (la ventana, la dimensión o la tasa de aprendizaje), entrena unos vectores con "
            "tres valores suyos y un texto en español, y di qué valor usarías.",
            "2 puntos: 0.5 si cambia un solo ajuste y dice los demás; 0.5 si elige con unas parejas y mide "
            "con otras; 0.5 si da cobertura e intervalo, o varias semillas; 0.5 si su conclusión no dice "
            "más de lo que permite el intervalo.",
            2.0,
        ),
        OpenQuestion(
            "contar-o-predecir",
            "Tienes que dar vectores a un diccionario en línea de una lengua con dos millones de palabras "
            "de texto. ¿PPMI con SVD, Skip-gram o GloVe? Incluye dos vecinos sinónimos y dos antónimos.",
            "1 punto: 0.25 si usa cifras del tamaño de corpus que toca; 0.25 si cuenta el costo; 0.25 si "
            "comenta con ejemplos que los antónimos quedan cerca; 0.25 si dice qué resultado le haría "
            "cambiar de opinión.",
            1.0,
        ),
    ),
)

# El total de parejas y los cosenos, en centésimas, de las cinco que se pueden medir.
VARIANTS = [(10, 32, 75, 40, 18, 5), (8, 76, 63, 11, 10, 42), (20, 62, 17, 81, 24, 48)]
VARIANTS += [(12, 61, 11, 14, 37, 77), (16, 71, 48, 3, 12, 29), (25, 30, 81, 74, 10, 22)]
VARIANTS += [(40, 9, 17, 42, 55, 28), (50, 62, 25, 11, 38, 47), (6, 58, 21, 45, 33, 6)]
VARIANTS += [(80, 14, 77, 26, 39, 52)]


@SET.exercise(
    "spearman_a_mano", "Spearman con lápiz y papel", name="spearman_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "cobertura": "¿dividiste las parejas medidas entre todas las pedidas?",
        "puesto de coche–viaje": "¿el puesto 1 es el del coseno mayor?",
        "suma de δ²": "¿elevaste al cuadrado cada diferencia de puestos antes de sumar?",
        "ρ": "¿pusiste en la fórmula las parejas medidas?",
    },
    hints=(
        "Las notas de las personas ya van de mayor a menor: sus puestos son 1, 2, 3, 4 y 5.",
        "El puesto de un coseno es uno más que los cosenos que lo superan. En la variante 0, 75 es el "
        "primero y 40 el segundo.",
        "ρ = 1 − 6 Σδ² / (n (n² − 1)), con n = 5 parejas medidas: el denominador es 120.",
    ),
)  # fmt: skip
def spearman_by_hand(variant):
    asked, *cosines = VARIANTS[variant]
    n = len(cosines)
    places = [1 + sum(other > cosine for other in cosines) for cosine in cosines]
    total = sum((place - human) ** 2 for place, human in zip(places, range(1, n + 1)))
    return [n / asked, places[2], total, 1 - 6 * total / (n * (n * n - 1))]


spearman_by_hand.mistaken(
    ("other > cosine", "other < cosine",
     "pusiste el 1 al coseno menor, y en las notas lo tiene la pareja más parecida: va al revés."),
    ("(place - human) ** 2", "abs(place - human)",
     "sumaste las diferencias de puestos sin elevarlas al cuadrado."),
    ("1 - 6 * total / (n * (n * n - 1))", "6 * total / (n * (n * n - 1))",
     "te falta el «1 −»: así, dos órdenes iguales tendrían correlación 0."),
    ("1 - 6 * total / (n * (n * n - 1))", "1 - 6 * total / (asked * (asked * asked - 1))",
     "en la fórmula va el número de parejas medidas, no el de pedidas: con más parejas que nadie midió, "
     "cualquier correlación parece buena."),
)  # fmt: skip


def _untied(rng, n):
    return (rng.permutation(n) + rng.uniform(0.1, 0.4, n)).round(3)


def _monotone_free(rng, n):
    """Dos listas sin empates que no están en el mismo orden ni en el contrario."""
    while True:
        x, y = _untied(rng, n), _untied(rng, n)
        agreement = np.corrcoef(np.argsort(np.argsort(x)), np.argsort(np.argsort(y)))[0, 1]
        if 0.1 < abs(agreement) < 0.9:
            return x, y


def _spearman_cases(rng):
    yield _monotone_free(rng, 6)
    x, y = _monotone_free(rng, 7)
    yield x, np.exp(2 * y).round(3)  # con otra escala, los mismos puestos
    x, y = _monotone_free(rng, 8)
    tied = np.floor(y / 3) + 0.5
    yield x, tied  # notas repetidas, como las de las personas
    yield -tied, x - 4  # negativos, y el empate en la primera
    first, second = rng.permutation([1, 1, 2, 3, 3, 3, 5]), rng.permutation([0, 2, 2, 2, 4, 7, 7])
    while len({*zip(first.tolist(), second.tolist())}) < 6:
        second = rng.permutation(second)
    yield first, second  # enteros, y empates en las dos
    yield [3, 1, 2, 2], [10, 20, 15, 40]  # listas


@SET.exercise(
    "spearman", "Spearman, con empates", points=2, cases=_spearman_cases,
    hints=(
        "Primero los puestos de cada lista; después, la correlación de Pearson de los puestos.",
        "El puesto de un valor es cuántos son menores que él, más la media de los lugares que ocupan los "
        "iguales: menores + (iguales + 1) / 2, contándolo a él entre los iguales.",
        "(x[:, None] > x).sum(axis=1) cuenta los menores que cada valor, y np.corrcoef(a, b)[0, 1] es la "
        "correlación de Pearson.",
    ),
)  # fmt: skip
def spearman(x, y):
    def places(values):
        values = np.asarray(values)
        smaller = (values[:, None] > values).sum(axis=1)
        equal = (values[:, None] == values).sum(axis=1)
        return smaller + (equal + 1) / 2

    return np.corrcoef(places(x), places(y))[0, 1]


spearman.mistaken(
    ("np.corrcoef(places(x), places(y))[0, 1]", "np.corrcoef(x, y)[0, 1]",
     "esa es la correlación de Pearson de los valores. La de Spearman es la de sus puestos."),
    ("return smaller + (equal + 1) / 2", "return np.argsort(np.argsort(values))",
     "rompes los empates según el orden en que aparecen: dos notas iguales tienen el mismo puesto, la media "
     "de los lugares que ocupan."),
    ("return smaller + (equal + 1) / 2", "return smaller + 1",
     "a los empatados les das el menor de sus lugares, como en una carrera. Aquí les toca la media."),
    ("return smaller + (equal + 1) / 2", "return np.argsort(values)",
     "np.argsort no da puestos: dice en qué posición está el menor, el siguiente… Los puestos son la "
     "pregunta contraria."),
    ("return np.corrcoef(places(x), places(y))[0, 1]",
     "n = len(x); return 1 - 6 * ((places(x) - places(y)) ** 2).sum() / (n * (n * n - 1))",
     "la fórmula corta solo vale si no hay empates. Con ellos hay que ir a la correlación de los puestos."),
)  # fmt: skip

# Palabras que se vuelven la misma sin tildes, y la más frecuente de las dos en español.
_TWINS = [("año", "ano"), ("papá", "papa"), ("caminó", "camino"), ("más", "mas"), ("sé", "se")]
_PLAIN = "corazón lluvia jardín canción médico agüero montaña niño árbol música señor reloj pared".split()


def _bare(word):
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _words_of_a_vocabulary(rng):
    """Un vocabulario por frecuencias: unas gemelas en un orden y otras en el otro, y palabras sueltas."""
    (a, b), (c, d) = (_TWINS[i] for i in rng.choice(len(_TWINS), 2, replace=False))
    plain = rng.choice(_PLAIN, 5, replace=False).tolist()
    return [plain[0], a, plain[1], d, b, plain[2], c, plain[3]], (a, d), plain


def _coverage_cases(rng):
    words, (first, second), plain = _words_of_a_vocabulary(rng)
    note = lambda: round(float(rng.uniform(0, 4)), 2)  # noqa: E731
    missing = plain[4]
    yield [(plain[3], plain[2], note()), (plain[0], plain[1], note())], words
    yield [(_bare(plain[0]), _bare(plain[3]), note()), (plain[1], _bare(plain[2]), note())], words
    yield [(plain[0].capitalize(), plain[1].upper(), note()), (plain[2], plain[3].title(), note())], words
    yield [(_bare(first), plain[0], note()), (second, _bare(first), note())], words  # gemelas
    yield [(plain[0], missing, note()), (missing, plain[1], note()), (plain[1], plain[2], note())], words
    decomposed = [unicodedata.normalize("NFD", word) for word in words]
    yield [(word, decomposed[1], note()) for word in words[2:5]], words  # tildes en otro carácter
    yield [(words[0], words[1], note()), ("tierra prometida", words[0], note())], decomposed
    yield [("nino", plain[0], note()), (plain[1], "Niño", note())], [*words, "niño"]  # la ñ, con su marca
    yield [(missing, f"{missing} de mar", note())], words  # ninguna


@SET.exercise(
    "cobertura", "Qué parejas se pueden medir", points=2, cases=_coverage_cases,
    hints=(
        "Haz primero un diccionario de la forma sin tildes ni mayúsculas de cada palabra a su fila.",
        "unicodedata.normalize(\"NFD\", word) separa cada letra de su tilde, también la ñ de su virgulilla; "
        "unicodedata.combining(letter) dice si un carácter es una de esas marcas.",
        "Si dos palabras del vocabulario se vuelven la misma, manda la primera: rows.setdefault(key, row).",
    ),
)  # fmt: skip
def usable(pairs, words):
    def key(word):
        letters = unicodedata.normalize("NFD", word.lower())
        return "".join(letter for letter in letters if not unicodedata.combining(letter))

    rows = {}
    for row, word in enumerate(words):
        rows.setdefault(key(word), row)
    return [(rows[key(a)], rows[key(b)], score) for a, b, score in pairs if key(a) in rows and key(b) in rows]


usable.mistaken(
    ("rows.setdefault(key(word), row)", "rows[key(word)] = row",
     "cuando dos palabras del vocabulario se vuelven la misma te quedas con la última, la más rara: «ano» en "
     "lugar de «año»."),
    ("word.lower()", "word",
     "distingues mayúsculas: «Lluvia» y «lluvia» son la misma palabra para quien puso la nota."),
    ("key(a) in rows and key(b) in rows", "key(a) in rows",
     "miras si está solo la primera palabra de la pareja, y la segunda falla."),
    ("rows.setdefault(key(word), row)", "rows.setdefault(word.lower(), row)",
     "quitas las tildes a las parejas y no al vocabulario: así no encuentras ninguna palabra que las lleve."),
    ('"".join(letter for letter in letters if not unicodedata.combining(letter))',
     "unicodedata.normalize('NFC', letters)",
     "distingues tildes: un conjunto escrito sin ellas pierde todas las palabras que las llevan."),
    ('letters = unicodedata.normalize("NFD", word.lower())\n'
     '        return "".join(letter for letter in letters if not unicodedata.combining(letter))',
     'return word.lower().translate(str.maketrans("áéíóúü", "aeiouu"))',
     "tu tabla de letras no ve las tildes escritas en un carácter aparte, ni la ñ. unicodedata.normalize "
     "separa todas."),
    ("not unicodedata.combining(letter)", 'letter not in "\u0301\u0308"',
     "conservas la marca de la ñ: un conjunto escrito sin tildes pone «nino», y se pierde."),
    ("(rows[key(a)], rows[key(b)], score)", "(words.index(a), words.index(b), score)",
     "buscas la fila con la palabra tal como viene en la pareja, y en el vocabulario puede estar escrita de "
     "otra manera."),
)  # fmt: skip


def _judged(rng, n):
    """Notas de personas y los cosenos de dos métodos que las siguen a medias."""
    scores = rng.choice(41, n, replace=False) / 10
    first, second = (scores / 8 + rng.normal(0, spread, n) for spread in (0.15, 0.4))
    return first.round(4), second.round(4), scores


def _draws(rng, num_draws, scores):
    """Exámenes imaginarios con tres notas distintas o más: siempre hay algo que ordenar."""
    while True:
        draws = rng.integers(len(scores), size=(num_draws, len(scores)))
        if min(len(set(scores[draw].tolist())) for draw in draws) > 2:
            return draws


def _interval_cases(rng):
    for n, num_draws in ((9, 13), (10, 15)):
        first, second, scores = _judged(rng, n)
        yield first, second, scores, _draws(rng, num_draws, scores)
    first, second, scores = _judged(rng, 10)
    scores = np.floor(scores)
    yield second, first, scores, _draws(rng, 14, scores)  # con empates, y al revés


@SET.exercise(
    "intervalo", "El intervalo de una diferencia", points=1.5, cases=_interval_cases,
    hints=(
        "Cada fila de draws es un examen imaginario: las parejas que salieron en ese sorteo, algunas "
        "repetidas.",
        "En cada examen calcula las dos correlaciones con las mismas parejas y réstalas.",
        "El intervalo va del percentil 2.5 al 97.5 de las diferencias: np.percentile(gaps, [2.5, 97.5]).",
    ),
)  # fmt: skip
def paired_interval(first, second, scores, draws):
    gaps = []
    for draw in draws:
        one, two = spearman(first[draw], scores[draw]), spearman(second[draw], scores[draw])
        gaps.append(one - two)
    low, high = np.percentile(gaps, [2.5, 97.5])
    return [low, high]


paired_interval.mistaken(
    ("spearman(first[draw], scores[draw]), spearman(second[draw], scores[draw])",
     "spearman(first[draw], scores), spearman(second[draw], scores)",
     "sorteas los cosenos y no las notas: cada coseno queda junto a la nota de otra pareja."),
    ("[2.5, 97.5]", "[5, 95]",
     "entre los percentiles 5 y 95 queda el 90 %. Se pide el 95 %: deja fuera un 2.5 % por cada lado."),
    ("one - two", "two - one", "restas al revés: se pide la primera menos la segunda."),
    ("spearman(second[draw], scores[draw])", "spearman(second, scores)",
     "solo remuestreas el primer método. Los dos hacen el mismo examen: se sortean juntos."),
    ("gaps.append(one - two)\n    low, high = np.percentile(gaps, [2.5, 97.5])",
     "gaps.append([one, two])\n    low, high = np.percentile(gaps, [2.5, 97.5], axis=0) @ [1, -1]",
     "restas los extremos de dos intervalos. Lo que se remuestrea es la diferencia, examen a examen."),
)  # fmt: skip


def _choice_cases(rng):
    while True:
        means = rng.choice(np.arange(20, 80), (2, 5), replace=False) / 100
        first, second = np.sort(means[0])[:-3:-1]
        if means[0].argmax() != means[1].argmax() and first - second < 0.25:
            break
    names = [f"ventana {w}" for w in rng.choice(np.arange(1, 20), 5, replace=False)]
    spread = np.array([[0.3, -0.2, -0.1], [0.01, 0.0, -0.01]])
    best = means[0].argmax()
    development = {}
    for place, name in enumerate(names):
        # La mejor en promedio es la más estable: ninguna de sus semillas es la mejor de todas.
        around = spread[1] if place == best else spread[0]
        development[name] = (means[0, place] + around).round(3).tolist()
    test = {name: (mean + rng.normal(0, 0.02, 3)).round(3).tolist() for name, mean in zip(names, means[1])}
    yield development, test
    yield {"α": [0.5], "β": [0.4]}, {"α": [0.1], "β": [0.3]}  # una sola semilla
    few = {names[0]: [0.2, 0.6], names[1]: [0.5], names[2]: [0.1, 0.1, 0.1]}  # no todas tienen las mismas
    yield few, {name: [round(float(rng.uniform(0, 0.4)), 3) for _ in values] for name, values in few.items()}


@SET.exercise(
    "elegir", "Elegir sin mirar la prueba", points=1, cases=_choice_cases,
    hints=(
        "Primero elige, con un solo diccionario; solo después mira el otro.",
        "max(development, key=...) recorre los ajustes: la clave es la media de sus semillas.",
        "De la prueba se lee una única cifra: la media de las semillas del ajuste elegido.",
    ),
)  # fmt: skip
def choose(development, test):
    best = max(development, key=lambda setting: np.mean(development[setting]))
    return best, np.mean(test[best])


choose.mistaken(
    ("max(development, key=lambda setting: np.mean(development[setting]))",
     "max(test, key=lambda setting: np.mean(test[setting]))",
     "elegiste mirando la prueba: la cifra que das es la mejor de varias, y ya no mide nada nuevo."),
    ("np.mean(test[best])", "np.mean(development[best])",
     "das la cifra de las parejas con que elegiste. Es la mayor de varias, y por eso exagera."),
    ("np.mean(development[setting])", "np.max(development[setting])",
     "elegiste por la mejor semilla, que puede ser suerte. Compara las medias."),
    ("np.mean(development[setting])", "np.sum(development[setting])",
     "sumas las semillas, y gana quien tenga más. Compara las medias."),
    ("np.mean(test[best])", "np.max(test[best])",
     "de la prueba das la mejor semilla. Se pide la media."),
)  # fmt: skip


_WORDS = "mar sol pan luz río flor mesa luna barco calle".split()
_UNKNOWN = ("tren", "radio", "cine")


def _detective_cases(rng):
    for size, dim, asked, unknown in ((8, 3, 8, 2), (10, 3, 10, 3)):
        while True:
            words = _WORDS[:size]
            vectors = (rng.normal(size=(size, dim)) * rng.uniform(0.3, 3, (size, 1))).round(2)
            known = [tuple(rng.choice(words, 2, replace=False).tolist()) for _ in range(asked)]
            lost = [(words[int(rng.integers(size - 1))], other) for other in _UNKNOWN[:unknown]]
            pairs = [(a, b, round(float(rng.uniform(0, 4)), 2)) for a, b in [*lost, *known]]
            if len({frozenset(pair) for pair in known}) == asked and _tells_apart(pairs, vectors, words):
                break
        yield pairs, vectors, words
    yield [pair for pair in pairs if pair[1] not in _UNKNOWN], vectors, words  # sin desconocidas


@SET.exercise(
    "detective", "Detective: tres fallos en cinco líneas", points=2, cases=_detective_cases,
    hints=(
        "Son tres fallos: con las palabras que no están, al medir el parecido y al comparar con las notas.",
        "¿De qué palabra es la fila −1? ¿Y qué pasa con el producto de dos vectores si uno es muy largo?",
        "Las notas y los cosenos no tienen por qué estar en línea recta: se comparan sus puestos.",
    ),
)  # fmt: skip
def evaluate(pairs, vectors, words):
    index = {word: row for row, word in enumerate(words)}
    used = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = np.array([unit[i] @ unit[j] for i, j, _ in used])
    return spearman(cosines, np.array([score for *_, score in used])), len(used)


evaluate.planted(
    ("(index[a], index[b], score) for a, b, score in pairs if a in index and b in index",
     "(index.get(a, -1), index.get(b, -1), score) for a, b, score in pairs",
     "la fila −1 es la de la última palabra: cada desconocida toma su vector, y la cobertura sale completa."),
    ("vectors / np.linalg.norm(vectors, axis=1, keepdims=True)", "vectors",
     "sin dividir por las normas, el producto mide también el largo: dos vectores largos parecen cercanos."),
    ("spearman(cosines, np.array([score for *_, score in used]))",
     "np.corrcoef(cosines, [score for *_, score in used])[0, 1]",
     "esa es la correlación de Pearson, que pide una línea recta entre cosenos y notas."),
)  # fmt: skip


def _tells_apart(pairs, vectors, words):
    """Si con esas parejas se nota cada fallo, y ninguno ni ninguna mezcla da lo mismo que otra."""
    answers = [evaluate.reference(pairs, vectors, words)]
    answers += [mistake.answer(pairs, vectors, words) for mistake in evaluate.mistakes]
    found = np.sort([answer[0] for answer in answers if np.isfinite(answer[0])])
    return len(found) == len(answers) and np.diff(found).min() > 1e-3
