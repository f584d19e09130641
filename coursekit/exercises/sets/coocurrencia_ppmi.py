"""Conjunto «Coocurrencia y PPMI»: contar, comparar con el azar y suavizar."""

from collections import Counter

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, variants

SET = ExerciseSet(
    "coocurrencia-ppmi", "Coocurrencia y PPMI", imports=("numpy", "coursekit.data", "coursekit.text")
)

# Los números a, b y c de la tabla en cada variante: gato y perro suman 8, y todo, 32 o 64.
VARIANTS = [(4, 4, 16), (6, 2, 16), (2, 6, 48), (3, 5, 16), (5, 3, 48)]
VARIANTS += [(7, 1, 16), (2, 6, 16), (4, 4, 48), (5, 3, 16), (6, 2, 48)]


@SET.exercise(
    "pmi_a_mano", "Una PMI con lápiz y papel", name="pmi_values", points=1.5, cases=variants, tolerance=5e-3,
    parts={
        "gato–maúlla": "¿usaste el margen de su fila, el de su columna y el total, y tomaste el logaritmo?",
        "gato–de": "¿se vieron más o menos de lo esperado por azar?",
        "vino–de": "¿usaste el margen de su fila, el de su columna y el total, y tomaste el logaritmo?",
        "gato–ladra": "¿qué hace la PPMI con una pareja que nunca se vio?",
        "cota de maúlla": "¿qué PMI tendría con «maúlla» una palabra que no apareciera con nadie más?",
    },
    hints=(
        "Empieza por los márgenes: la suma de cada fila, la de cada columna y el total, potencia de 2.",
        "El cociente dentro del logaritmo es N(w, c) · N / (N(w) · N(c)). En la variante 0, para «gato» y "
        "«maúlla», es 4 · 32 / (8 · 4).",
        "log₂ 4 = 2 y log₂ 8 = 3. Un cociente menor que 1 tiene logaritmo negativo, y la PPMI lo "
        "deja en 0. La "
        "cota de un contexto es −log₂ p(c) = log₂ (N / N(c)).",
    ),
)  # fmt: skip
def pmi_by_hand(variant):
    a, b, c = VARIANTS[variant]
    counts = np.array([[0, a, b], [a, 0, b], [0, 0, c]])
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    with np.errstate(divide="ignore"):
        weights = np.maximum(np.log2(counts / expected), 0)
    bound = np.log2(counts.sum() / counts[:, 1].sum())
    return [weights[0, 1], weights[0, 2], weights[2, 2], weights[0, 0], bound]


pmi_by_hand.mistaken(
    ("log2", "log", "usaste el logaritmo natural. Aquí medimos en bits: logaritmo en base 2."),
    ("log2", "log10", "usaste el logaritmo decimal. Aquí medimos en bits: logaritmo en base 2."),
    ("np.maximum(np.log2(counts / expected), 0)", "np.log2(counts / expected)",
     "eso es la PMI. La P de PPMI deja en cero lo negativo, y también el logaritmo de cero."),
    ("log2", "asarray", "eso es el cociente entre lo observado y lo esperado: falta su logaritmo en base 2."),
    (" / counts.sum()", "", "olvidaste el total: sin N, el cociente nunca pasa de 1 y toda PPMI sale cero."),
    ("counts[:, 1]", "counts[0]",
     "diste la cota de la palabra, −log₂ p(gato). La del contexto sale de su columna: con «maúlla» podría "
     "aparecer otra palabra, más rara."),
)  # fmt: skip

_WORDS = "el la gato luna mar barco pan horno mira lleva calla vuelve".split()


def _words(rng, number):
    """Palabras distintas."""
    return rng.choice(_WORDS, number, replace=False).tolist()


def _sentences(rng, *lengths):
    return [rng.choice(_WORDS, length).tolist() for length in lengths]


def _counting_cases(rng):
    one, two, three, four = _words(rng, 4)
    yield [[one, two, three], [three, four]], 2  # la ventana no sale de la frase
    yield [_words(rng, 7)], 2  # llega a las dos puntas y no más allá
    yield [[one, two, three, four, one, two]], 1  # una palabra que vuelve
    yield [[], [one, one, two], [three]], 3  # vacías, de una palabra y más cortas que la ventana
    yield _sentences(rng, 6, 1, 5, 7), 3


@SET.exercise(
    "contar", "Contar con una ventana", points=2, cases=_counting_cases,
    hints=(
        "Recorre cada frase por separado: la ventana nunca sale de ella.",
        "Para la posición i, los contextos están entre i − window e i + window, sin pasar de los extremos y "
        "sin contar la propia posición i.",
        "range(max(0, i - window), min(len(sentence), i + window + 1)) da las posiciones; salta j == i.",
    ),
)  # fmt: skip
def count_pairs(sentences, window):
    counts = Counter()
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
                if j != i:
                    counts[word, sentence[j]] += 1
    return dict(counts)


count_pairs.mistaken(
    ("in sentences:", "in [sum(sentences, [])]:",
     "la ventana cruza de una frase a la siguiente. El final de una y el principio de otra no son compañía."),
    ("max(0, i - window)", "i",
     "miras solo a la derecha. La ventana es simétrica: si «gato» está cerca de «luna», «luna» lo está de "
     "«gato»."),
    ("i - window), min(len(sentence), i + window + 1)", "i - window + 1), min(len(sentence), i + window)",
     "te falta una palabra por lado. window = 3 significa tres palabras a cada lado, no dos."),
    ("i + window + 1", "i + window",
     "te falta una palabra a la derecha: recuerda que range no incluye su final."),
    ("j != i", "True", "cuentas cada palabra como contexto de sí misma: falta saltar la posición j == i."),
    ("j != i", "sentence[j] != word",
     "comparas palabras y no posiciones: en «mar, mar» cada aparición sí es contexto de la otra."),
    ("max(0, i - window)", "i - window",
     "al principio de la frase los índices salen negativos, y en Python cuentan desde el final: falta "
     "max(0, …)."),
    ("in enumerate(sentence)", "in ((sentence.index(word), word) for word in sentence)",
     "sentence.index(word) da siempre la primera aparición. Si la palabra se repite, usa enumerate."),
)  # fmt: skip


def _counts(rng, rows, columns):
    """Cuentas con ceros, pero con algo en cada fila y en cada columna."""
    counts = rng.poisson(2.0, (rows, columns)) * rng.integers(0, 2, (rows, columns))
    counts[:, rng.integers(columns)] += 1
    counts[rng.integers(rows)] += 1
    return counts


def _weighing_cases(rng):
    a, b, c = rng.integers(2, 6, 3).tolist()
    yield (np.array([[0, a, a], [b, 0, b], [0, 0, 4 * c]]),)  # cuadrada, con márgenes distintos
    yield (_counts(rng, 3, 5),)  # más contextos que palabras
    hollow = _counts(rng, 4, 4)
    hollow[rng.integers(4)] = 0
    yield (hollow,)  # una fila vacía
    hollow = _counts(rng, 3, 4)
    hollow[:, rng.integers(4)] = 0
    yield (hollow,)  # una columna vacía
    weighted = _counts(rng, 4, 3) * 1.0
    weighted[rng.integers(4)] = 0.25, 1, 1.5
    yield (weighted,)  # cuentas ponderadas: no todas son enteras, ni mayores que 1


@SET.exercise(
    "ppmi", "PPMI sin bucles", points=2, cases=_weighing_cases,
    hints=(
        "Con keepdims=True, counts.sum(axis=1, keepdims=True) es una columna y "
        "counts.sum(axis=0, keepdims=True) una fila: su producto tiene la forma de counts.",
        "Calcula el cociente solo donde counts > 0. Donde no lo es, la respuesta es cero y no hay que pasar "
        "por el logaritmo.",
        "np.divide(a, b, where=counts > 0, out=np.ones(counts.shape)) deja 1 donde no divide, y log₂ 1 = 0.",
    ),
)  # fmt: skip
def ppmi(counts):
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True)
    ratio = np.divide(counts * counts.sum(), expected, where=counts > 0, out=np.ones(counts.shape))
    return np.maximum(np.log2(ratio), 0)


ppmi.mistaken(
    ("np.log2(", "np.log(", "usaste np.log, que es el logaritmo natural. En bits es np.log2."),
    ("np.maximum(np.log2(ratio), 0)", "np.log2(ratio)",
     "hay valores negativos: eso es la PMI. Te falta el máximo con cero."),
    ("np.maximum(np.log2(ratio), 0)", "np.log2(counts * counts.sum() / expected)",
     "eso es la PMI, con el logaritmo de cero incluido: te faltan el máximo con cero y tratar aparte los "
     "ceros."),
    ("counts.sum(axis=1, keepdims=True)", "counts.sum(axis=0)[:, None]",
     "usas el mismo margen para palabras y contextos. Con una matriz simétrica da igual, y por eso el fallo "
     "se esconde; en general las filas suman por un eje y las columnas por el otro."),
    (", where=counts > 0, out=np.ones(counts.shape)", "",
     "una fila o una columna vacía te da 0/0, que es nan, y el máximo con nan sigue siendo nan. Trata los "
     "ceros antes del logaritmo."),
    ("return np.maximum(np.log2(ratio), 0)",
     "weights = np.zeros_like(counts); weights[:] = np.maximum(np.log2(ratio), 0); return weights",
     "guardas la PPMI en una matriz de enteros, como counts, que pierde los decimales: usa "
     "np.zeros(counts.shape)."),
    ("np.ones(counts.shape)", "np.ones_like(counts)",
     "np.ones_like(counts) es una matriz de enteros, como counts, y un cociente no cabe: usa "
     "np.ones(counts.shape)."),
    *(("expected = ", f"counts = counts + {little}; expected = ",
       "sumas una cantidad a todas las casillas: son encuentros que no hubo, y cambian la PPMI. Calcula solo "
       "donde hay cuenta.") for little in (1, 0.1, 0.01, 1e-9)),
)  # fmt: skip


def _association_cases(rng):
    for k in (1, 3, 20):  # con 20, la lista sale más corta que k
        words = sorted(_words(rng, 6), reverse=k == 1)  # en orden alfabético, y al revés
        matrix = rng.choice([0.0, 0.5, 1.0, 2.5], (6, 6))
        matrix = np.maximum(matrix, matrix.T)
        matrix[0] = matrix[:, 0] = [9.0, 2.0, 2.0, 0.0, 0.5, 0.5]
        yield words[0], words, matrix, k  # su diagonal es lo mayor; empates, también en el corte
    words = _words(rng, 4)
    matrix = np.diag([0.0, 0.5, 0.0, 3.0])
    matrix[0, :3] = matrix[:3, 0] = [0.0, 2.0, 1.0]
    matrix[1, 2] = matrix[2, 1] = 1.5
    yield words[0], words, matrix, 1  # no está en su propia lista
    yield words[1], words, matrix, 1  # está, pero la última
    yield words[3], words, matrix, 2  # no se asocia con ninguna
    matrix = np.array([[0.0, 3, 1, 0], [0.5, 0, 1, 1], [2, 1, 0, 1], [4, 1, 1, 0]])
    yield words[0], words, matrix, 2  # su fila no es su columna


@SET.exercise(
    "asociaciones", "Las asociaciones más fuertes", points=1.5, cases=_association_cases,
    hints=(
        "Descarta antes de ordenar: fuera la propia palabra y fuera los pesos que son cero.",
        "Ordena por peso de mayor a menor; si dos pesos empatan, por orden alfabético.",
        "sorted sobre pares (-peso, palabra) hace las dos cosas a la vez. Luego toma los k primeros.",
    ),
)  # fmt: skip
def strongest(word, words, matrix, k):
    row = matrix[words.index(word)]
    pairs = [(-weight, other) for other, weight in zip(words, row) if weight > 0 and other != word]
    return [other for _, other in sorted(pairs)[:k]]


strongest.mistaken(
    ("matrix[words.index(word)]", "matrix[:, words.index(word)]",
     "lees su columna y se pide su fila: con una matriz simétrica da igual; la PPMI suavizada no lo es."),
    ("weight > 0 and ", "",
     "una PPMI de cero no es una asociación débil: es ninguna. Si hay menos de k, devuelve menos."),
    (" and other != word", "", "incluyes la propia palabra: su casilla en la diagonal no dice nada nuevo."),
    ("-weight", "weight", "ordenaste de menor a mayor: estas son las asociaciones más débiles."),
    ("sorted(pairs)[:k]", "sorted((-w, o) for o, w in zip(words, row) if w > 0)[1 : k + 1]",
     "saltas la primera de la lista suponiendo que es la propia palabra. En la matriz de PPMI no tiene por "
     "qué ir primera, ni estar."),
    ("sorted(pairs)[:k]", "sorted((-w, o) for o, w in zip(words, row))[:k] if (_, other) in pairs",
     "cortas en k antes de descartar: la propia palabra ocupa un lugar que no le toca. Descarta y después "
     "corta."),
    ("sorted(pairs)", "sorted(pairs, key=lambda pair: pair[0])",
     "los empates te salen en el orden de words, y se piden por orden alfabético."),
    ("sorted(pairs)", "sorted(((-weight, other) for weight, other in pairs), reverse=True)",
     "los empates te salen del final al principio del alfabeto: reverse=True da la vuelta también a las "
     "palabras."),
)  # fmt: skip


def _window_cases(rng):
    one, two, three, four, five, six = _words(rng, 6)
    yield [[one, two, three, four, five]], 1, 3
    yield [[one, two, three], [three, one]], 1, 3  # one y three: primero lejos y luego juntas
    yield [[one, two, three, one, four, two]], 2, 3  # una palabra consigo misma, y parejas al revés
    yield [[], [one, two], [six]], 1, 5  # ninguna
    yield _sentences(rng, 9, 6, 9), 3, 5


@SET.exercise(
    "ventanas", "Qué gana una ventana ancha", points=1, cases=_window_cases,
    hints=(
        "Tienes count_pairs: cuenta con las dos ventanas y compara qué claves hay en una y no en otra.",
        "Las claves de un diccionario se restan como conjuntos: a.keys() - b.keys().",
        "Cada pareja una sola vez, en orden alfabético: tuple(sorted(pair)). Un conjunto quita repetidas.",
    ),
)  # fmt: skip
def new_pairs(sentences, small, large):
    added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
    return sorted({tuple(sorted(pair)) for pair in added})


new_pairs.mistaken(
    ("for pair in added}", "for pair in added if pair[0] != pair[1]}",
     "es el mismo de «Contar con una ventana» si allí comparas palabras y no posiciones. Si allí está bien, "
     "es aquí donde quitas la pareja de una palabra con otra aparición suya, con un < donde va un <= o "
     "algo parecido."),
    (" - count_pairs(sentences, small).keys()", "",
     "esas son todas las parejas de la ventana grande. Faltó quitar las que ya veía la pequeña."),
    ("{tuple(sorted(pair)) for pair in added}", "added",
     "cada pareja sale dos veces, (a, b) y (b, a). Con una ventana simétrica son la misma."),
    ("count_pairs(sentences, small).keys()",
     "{p for p, n in count_pairs(sentences, small).items() if n == count_pairs(sentences, large)[p]}",
     "incluyes parejas que la ventana pequeña ya veía y que ahora solo cuentan más. Se piden las que "
     "aparecen por primera vez."),
    ("sorted({tuple(sorted(pair)) for pair in added})", "{tuple(sorted(pair)) for pair in added}",
     "un conjunto no guarda el orden, y se pide una lista ordenada: falta sorted."),
)  # fmt: skip


def _smoothing_cases(rng):
    yield _counts(rng, 3, 5), 0.75  # más contextos que palabras
    yield _counts(rng, 4, 4), 1.0  # sin suavizar
    hollow = _counts(rng, 4, 4)
    hollow[rng.integers(4)] = 0
    yield hollow, 0.75  # una fila vacía
    yield _counts(rng, 5, 3) * 1.0, 0.25
    # De dos contextos, uno veinte veces más frecuente: hay casillas por debajo de lo esperado.
    a, b = rng.integers(2, 5, 2).tolist()
    yield np.array([[a, 20 * b], [3 * a, 20 * a]]), 0.5


@SET.exercise(
    "detective", "Detective: un suavizado con tres fallos", points=2, cases=_smoothing_cases,
    hints=(
        "Con α = 1 tiene que dar lo mismo que tu ppmi, y con cualquier α las probabilidades p_α(c) "
        "tienen que "
        "sumar 1. Compruébalo.",
        "Mira quién lleva el exponente, entre qué se divide lo esperado y qué se hace con los logaritmos "
        "negativos.",
        "El exponente va solo en los contextos, y se divide entre la suma de N(c)^α, que no es N. Lo "
        "negativo se "
        "queda en cero.",
    ),
)  # fmt: skip
def smoothed_ppmi(counts, alpha):
    N_w = counts.sum(axis=1, keepdims=True)
    N_c = counts.sum(axis=0, keepdims=True) ** alpha
    expected = N_w * N_c / N_c.sum()
    ratio = np.divide(counts, expected, where=counts > 0, out=np.ones(counts.shape))
    return np.maximum(np.log2(ratio), 0)


smoothed_ppmi.planted(
    ("counts.sum(axis=1, keepdims=True)", "counts.sum(axis=1, keepdims=True) ** alpha",
     "suavizas también las palabras. El exponente va solo en los contextos: p(w) se queda como está."),
    ("N_w * N_c / N_c.sum()", "N_w * N_c / counts.sum()",
     "divides entre N, y así p_α no suma 1. Se divide entre la suma de N(c)^α."),
    ("np.maximum(np.log2(ratio), 0)", "np.abs(np.log2(ratio))",
     "el valor absoluto convierte en asociadas a las parejas que se ven menos de lo esperado. Van a cero."),
)  # fmt: skip
smoothed_ppmi.mistaken(
    (", where=counts > 0, out=np.ones(counts.shape)", "",
     "una fila vacía te da 0/0, que es nan. Trata los ceros antes del logaritmo."),
    (" ** alpha", "", "no usas alpha: das la PPMI sin suavizar."),
    ("N_c.sum()", "(counts.sum() ** alpha)",
     "elevas la suma en lugar de sumar lo elevado. Es Σ N(c)^α y no (Σ N(c))^α."),
)  # fmt: skip
