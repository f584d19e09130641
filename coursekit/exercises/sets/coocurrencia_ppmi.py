"""Conjunto «Coocurrencia y PPMI»: contar, pesar y comprimir."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from coursekit.exercises.exercise import Exercise, ExerciseSet, Mistake

# --- PMI a mano ------------------------------------------------------------------------------

by_hand = Exercise(
    id="pmi_a_mano",
    name="pmi_values",
    points=1.5,
    reference=[2.0, 0.0, math.log2(4 / 3), 0.0],
    tolerance=5e-3,
    hints=(
        "Empieza por los márgenes: la suma de cada fila, la de cada columna y el total, que es 32.",
        "El cociente dentro del logaritmo es N(w, c) · N / (N(w) · N(c)). Para «gato» y «maúlla» es "
        "4 · 32 / (8 · 4).",
        "log₂ 4 = 2 y log₂ (4/3) ≈ 0.415. Un cociente menor que 1 da un logaritmo negativo, y la PPMI "
        "lo deja en cero.",
    ),
    mistakes=(
        Mistake(
            [math.log(4), 0.0, math.log(4 / 3), 0.0],
            "usaste el logaritmo natural. Aquí medimos en bits: logaritmo en base 2.",
        ),
        Mistake(
            [2.0, math.log2(2 / 3), math.log2(4 / 3), -math.inf],
            "eso es la PMI. La P de PPMI deja en cero lo negativo, y también el logaritmo de cero.",
        ),
        Mistake(
            [0.0, 0.0, 0.0, 0.0],
            "olvidaste el total: sin N, el cociente nunca pasa de 1 y toda PPMI sale cero.",
        ),
    ),
)

# --- Contar coocurrencias --------------------------------------------------------------------


def count_pairs(sentences, window):
    counts = Counter()
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
                if j != i:
                    counts[word, sentence[j]] += 1
    return dict(counts)


def _count_across_sentences(sentences, window):
    return count_pairs([[word for sentence in sentences for word in sentence]], window)


def _count_right_only(sentences, window):
    counts = Counter()
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for context in sentence[i + 1 : i + window + 1]:
                counts[word, context] += 1
    return dict(counts)


def _count_short_window(sentences, window):
    return count_pairs(sentences, window - 1)


def _count_with_itself(sentences, window):
    counts = Counter(count_pairs(sentences, window))
    counts.update((word, word) for sentence in sentences for word in sentence)
    return dict(counts)


_WORDS = "el la gato luna mar barco pan horno mira lleva calla vuelve".split()


def _random_sentences(rng, num_sentences, longest=7):
    lengths = rng.integers(1, longest + 1, num_sentences)
    return [[str(word) for word in rng.choice(_WORDS, length)] for length in lengths]


def _count_cases(rng):
    return [
        ([["el", "gato", "mira", "la", "luna"], ["la", "luna", "calla"]], 2),
        (_random_sentences(rng, 3), 1),
        (_random_sentences(rng, 5), 3),
        ([["pan"], [], ["mar", "mar"]], 2),
    ]


counting = Exercise(
    id="contar",
    name="count_pairs",
    points=2,
    reference=count_pairs,
    cases=_count_cases,
    hints=(
        "Recorre cada frase por separado: la ventana nunca sale de ella.",
        "Para la posición i, los contextos están entre i − window e i + window, sin pasar de los "
        "extremos y sin contar la propia posición i.",
        "range(max(0, i - window), min(len(sentence), i + window + 1)) da las posiciones; salta j == i.",
    ),
    mistakes=(
        Mistake(
            _count_across_sentences,
            "la ventana cruza de una frase a la siguiente. El final de una frase y el principio de la "
            "otra no se hacen compañía.",
        ),
        Mistake(
            _count_right_only,
            "miras solo a la derecha. La ventana es simétrica: si «gato» está cerca de «luna», «luna» "
            "está cerca de «gato».",
        ),
        Mistake(
            _count_short_window,
            "te falta una palabra por lado. window = 3 significa tres palabras a cada lado, no dos: "
            "recuerda que range no incluye su final.",
        ),
        Mistake(
            _count_with_itself,
            "cuentas cada palabra como contexto de sí misma: falta saltar la posición j == i.",
        ),
    ),
)

# --- PPMI ------------------------------------------------------------------------------------


def ppmi(counts):
    counts = np.asarray(counts, dtype=float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True)
    ratio = np.divide(counts * counts.sum(), expected, where=counts > 0, out=np.ones_like(counts))
    return np.maximum(np.log2(ratio), 0)


def _ppmi_natural(counts):
    return ppmi(counts) * math.log(2)


def _pmi_unclipped(counts):
    counts = np.asarray(counts, dtype=float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True)
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.log2(counts * counts.sum() / expected), nan=0, neginf=0)


def _ppmi_one_axis(counts):
    counts = np.asarray(counts, dtype=float)
    expected = np.outer(counts.sum(0), counts.sum(0))
    with np.errstate(all="ignore"):
        pmi = np.log2(counts * counts.sum() / expected)
    return np.maximum(np.nan_to_num(pmi, nan=0, neginf=0, posinf=0), 0)


def _ppmi_infinite(counts):
    counts = np.asarray(counts, dtype=float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True)
    with np.errstate(all="ignore"):
        return np.maximum(np.log2(counts * counts.sum() / expected), 0)


def _random_counts(rng, size, symmetric=False):
    counts = rng.poisson(2.0, (size, size)) * rng.integers(0, 2, (size, size))
    np.fill_diagonal(counts, rng.integers(1, 5, size))
    return counts + counts.T if symmetric else counts


def _ppmi_cases(rng):
    table = np.array([[0, 4, 4], [4, 0, 4], [0, 0, 16]])
    with_empty_row = _random_counts(rng, 4)
    with_empty_row[2] = 0
    return [(table,), (_random_counts(rng, 5, symmetric=True),), (_random_counts(rng, 6),), (with_empty_row,)]


weighing = Exercise(
    id="ppmi",
    name="ppmi",
    points=2,
    reference=ppmi,
    cases=_ppmi_cases,
    hints=(
        "Con keepdims=True, counts.sum(1, keepdims=True) es una columna y counts.sum(0, keepdims=True) "
        "una fila: su producto tiene la forma de counts.",
        "Calcula el cociente solo donde counts > 0. Donde no lo es, la respuesta es cero y no hay que "
        "pasar por el logaritmo.",
        "np.divide(a, b, where=counts > 0, out=np.ones_like(...)) deja un 1 donde no divide, y log₂ 1 = 0.",
    ),
    mistakes=(
        Mistake(_ppmi_natural, "usaste np.log, que es el logaritmo natural. En bits es np.log2."),
        Mistake(
            _pmi_unclipped,
            "hay valores negativos: eso es la PMI. Te falta el máximo con cero.",
        ),
        Mistake(
            _ppmi_one_axis,
            "usas el mismo margen para palabras y contextos. Con una matriz simétrica da igual, y por "
            "eso el fallo se esconde; en general las filas suman por un eje y las columnas por el otro.",
        ),
        Mistake(
            _ppmi_infinite,
            "una fila vacía te da 0/0, que es nan, y el máximo con nan sigue siendo nan. Trata los "
            "ceros antes del logaritmo.",
        ),
    ),
)

# --- Asociaciones más fuertes ----------------------------------------------------------------


def strongest(word, words, matrix, k):
    row = np.asarray(matrix)[words.index(word)]
    scored = [(-weight, other) for other, weight in zip(words, row) if weight > 0 and other != word]
    return [other for _, other in sorted(scored)[:k]]


def _strongest_with_zeros(word, words, matrix, k):
    row = np.asarray(matrix)[words.index(word)]
    scored = [(-weight, other) for other, weight in zip(words, row) if other != word]
    return [other for _, other in sorted(scored)[:k]]


def _strongest_with_itself(word, words, matrix, k):
    row = np.asarray(matrix)[words.index(word)]
    scored = [(-weight, other) for other, weight in zip(words, row) if weight > 0]
    return [other for _, other in sorted(scored)[:k]]


def _weakest(word, words, matrix, k):
    row = np.asarray(matrix)[words.index(word)]
    scored = [(weight, other) for other, weight in zip(words, row) if weight > 0 and other != word]
    return [other for _, other in sorted(scored)[:k]]


def _strongest_skipping_first(word, words, matrix, k):
    row = np.asarray(matrix)[words.index(word)]
    scored = [(-weight, other) for other, weight in zip(words, row) if weight > 0]
    return [other for _, other in sorted(scored)[1 : k + 1]]


def _strongest_cases(rng):
    words = sorted(_WORDS)
    cases = []
    for k in (1, 3, 20):
        matrix = rng.choice([0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0], (len(words), len(words)))
        matrix = np.maximum(matrix, matrix.T)
        np.fill_diagonal(matrix, 1.25)
        cases.append((str(rng.choice(words)), words, matrix, k))
    # «gato» es aquí su propio contexto más fuerte; «mar» no lo es de sí misma.
    small = np.array([[4.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.5]])
    return [*cases, ("gato", ["gato", "luna", "mar"], small, 2), ("mar", ["gato", "luna", "mar"], small, 2)]


associations = Exercise(
    id="asociaciones",
    name="strongest",
    points=1.5,
    reference=strongest,
    cases=_strongest_cases,
    hints=(
        "Descarta antes de ordenar: fuera la propia palabra y fuera los pesos que son cero.",
        "Ordena por peso de mayor a menor; si dos pesos empatan, por orden alfabético.",
        "sorted sobre pares (-peso, palabra) hace las dos cosas a la vez. Luego toma los k primeros.",
    ),
    mistakes=(
        Mistake(
            _strongest_with_zeros,
            "una PPMI de cero no es una asociación débil: es ninguna. Si hay menos de k, devuelve menos.",
        ),
        Mistake(
            _strongest_with_itself,
            "incluyes la propia palabra: su casilla en la diagonal no dice nada nuevo.",
        ),
        Mistake(_weakest, "ordenaste de menor a mayor: estas son las asociaciones más débiles."),
        Mistake(
            _strongest_skipping_first,
            "saltas la primera de la lista suponiendo que es la propia palabra. En la matriz de PPMI no "
            "tiene por qué ir primera, ni estar.",
        ),
    ),
)

# --- Ventanas --------------------------------------------------------------------------------


def new_pairs(sentences, small, large):
    added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
    return sorted({tuple(sorted(pair)) for pair in added})


def _all_large_pairs(sentences, small, large):
    return sorted({tuple(sorted(pair)) for pair in count_pairs(sentences, large)})


def _both_directions(sentences, small, large):
    return sorted(count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys())


def _more_counts(sentences, small, large):
    few, many = count_pairs(sentences, small), count_pairs(sentences, large)
    return sorted({tuple(sorted(pair)) for pair in many if many[pair] > few.get(pair, 0)})


def _window_cases(rng):
    return [
        ([["el", "gato", "mira", "la", "luna"]], 1, 3),
        (_random_sentences(rng, 4, longest=9), 1, 3),
        (_random_sentences(rng, 6, longest=9), 3, 5),
        ([["pan", "horno"], ["mar"]], 1, 5),
    ]


windows = Exercise(
    id="ventanas",
    name="new_pairs",
    points=1,
    reference=new_pairs,
    cases=_window_cases,
    hints=(
        "Tienes count_pairs: cuenta con las dos ventanas y compara qué claves hay en una y no en otra.",
        "Las claves de un diccionario se restan como conjuntos: a.keys() - b.keys().",
        "Cada pareja una sola vez, en orden alfabético: tuple(sorted(pair)). Un conjunto quita las "
        "repetidas.",
    ),
    mistakes=(
        Mistake(
            _all_large_pairs,
            "esas son todas las parejas de la ventana grande. Faltó quitar las que ya veía la pequeña.",
        ),
        Mistake(
            _both_directions,
            "cada pareja sale dos veces, (a, b) y (b, a). Con una ventana simétrica son la misma.",
        ),
        Mistake(
            _more_counts,
            "incluyes parejas que la ventana pequeña ya veía y que ahora solo cuentan más. Se piden las "
            "que aparecen por primera vez.",
        ),
    ),
)

# --- Detective -------------------------------------------------------------------------------


def _similarities(counts, dim, smooth=0.0, skip=0, axis=1):
    counts = np.asarray(counts, dtype=float)
    if smooth:
        counts = counts + smooth
    U, S, _ = np.linalg.svd(ppmi(counts))
    vectors = (U * np.sqrt(S))[:, skip : dim + skip]
    norms = np.linalg.norm(vectors, axis=axis, keepdims=True)
    vectors = np.divide(vectors, norms, where=norms > 0, out=np.zeros_like(vectors))
    return vectors @ vectors.T


def similarities(counts, dim):
    return _similarities(counts, dim)


def _similarities_cases(rng):
    return [(_random_counts(rng, size, symmetric=True), dim) for size, dim in [(5, 2), (7, 3), (6, 2)]]


detective = Exercise(
    id="detective",
    name="similarities",
    points=2,
    reference=similarities,
    cases=_similarities_cases,
    hints=(
        "Son tres fallos, uno en cada paso: al contar, al truncar y al normalizar.",
        "¿Qué hace sumar 1 a todas las casillas con las parejas que nunca se vieron? ¿Y qué columnas de "
        "U corresponden a los valores singulares más grandes?",
        "Cada palabra es una fila: su norma se calcula con axis=1. La diagonal de las similitudes tiene "
        "que ser 1.",
    ),
    mistakes=(
        Mistake(
            lambda counts, dim: _similarities(counts, dim, smooth=1, skip=1, axis=0),
            "es la función tal como la recibiste, con sus tres fallos.",
        ),
        Mistake(
            lambda counts, dim: _similarities(counts, dim, smooth=1),
            "queda un fallo: sumar 1 a todo inventa una coocurrencia para cada pareja que nunca se vio.",
        ),
        Mistake(
            lambda counts, dim: _similarities(counts, dim, skip=1),
            "queda un fallo: tiras la primera dirección, la del valor singular más grande. Las primeras "
            "dim columnas empiezan en la 0.",
        ),
        Mistake(
            lambda counts, dim: _similarities(counts, dim, axis=0),
            "queda un fallo: normalizas columnas. Cada palabra es una fila; mira si la diagonal es 1.",
        ),
    ),
)

SET = ExerciseSet(
    id="coocurrencia-ppmi",
    title="Coocurrencia y PPMI",
    exercises=(by_hand, counting, weighing, associations, windows, detective),
    imports=("numpy", "coursekit.data", "coursekit.text"),
)
