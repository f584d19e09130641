"""Conjunto «De filas a vectores»: cosenos, vecinos, intervalos y direcciones."""

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, variants

SET = ExerciseSet(
    "de-filas-a-vectores", "De filas a vectores",
    imports=("numpy", "coursekit.data", "coursekit.embeddings", "coursekit.text"),
)  # fmt: skip

# Los números a, b y c de la tabla en cada variante; a² + b² es siempre un cuadrado.
VARIANTS = [(3, 4, 2), (20, 21, 3), (5, 12, 4), (8, 15, 2), (7, 24, 5)]
VARIANTS += [(12, 35, 4), (28, 45, 3), (9, 40, 6), (11, 60, 3), (16, 63, 7)]


@SET.exercise(
    "cosenos_a_mano", "Cosenos con lápiz y papel", name="cosine_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "norma de queso": "¿elevaste al cuadrado, sumaste y sacaste la raíz?",
        "queso–jamón": "¿dividiste el producto escalar entre las dos normas?",
        "queso–pan": "¿dividiste el producto escalar entre las dos normas?",
        "queso–mula": "¿comparten algún contexto?",
    },
    hints=(
        "La norma es la raíz de la suma de los cuadrados. En la variante 0, la de *queso* es √(3² + "
        "4² + 0²) = 5.",
        "El producto escalar multiplica componente a componente y suma; el coseno lo divide entre "
        "las dos normas.",
        "La norma de *pan* es √(c² + c²) = c·√2. Al dividir, la c desaparece: alargar un vector no "
        "cambia su coseno.",
    ),
)  # fmt: skip
def cosines_by_hand(variant):
    a, b, c = VARIANTS[variant]
    rows = np.array([[a, b, 0], [b, a, 0], [c, c, 0], [0, 0, c]])
    norms = np.linalg.norm(rows, axis=1)
    return [norms[0], *(rows @ rows[0] / (norms * norms[0]))[1:]]


cosines_by_hand.mistaken(
    ("np.linalg.norm(rows, axis=1)", "rows.sum(axis=1)",
     "sumaste las componentes. La norma es la raíz de la suma de sus cuadrados."),
    ("np.linalg.norm(rows, axis=1)", "(rows * rows).sum(axis=1)",
     "te falta la raíz: la norma es la raíz de la suma de los cuadrados."),
    ("(norms * norms[0])", "1",
     "diste el producto escalar. El coseno lo divide entre las dos normas, y así no cuenta lo larga "
     "que es la fila."),
    ("(norms * norms[0])", "norms[0]", "dividiste entre una sola norma: hacen falta las dos."),
)  # fmt: skip


def _rows(rng, number, dim):
    """Filas de números pequeños, ninguna nula y con algún negativo."""
    rows = rng.integers(-3, 4, (number, dim)) * 1.0
    rows[:, rng.integers(dim)] += 5
    return rows


def _cosine_cases(rng):
    yield (_rows(rng, 3, 5),)
    yield (_rows(rng, 5, 2),)
    yield (rng.integers(0, 3, (4, 3)) + np.eye(4, 3, dtype=int),)  # enteros
    hollow = _rows(rng, 4, 3)
    hollow[rng.integers(4)] = 0
    yield (hollow,)  # una fila nula
    opposite = _rows(rng, 3, 3)
    opposite[2] = -2 * opposite[0]
    yield (opposite,)  # dos filas opuestas


@SET.exercise(
    "cosenos", "Cosenos sin bucles", points=2, cases=_cosine_cases,
    hints=(
        "Primero divide cada fila entre su norma; después, los cosenos son productos escalares entre filas.",
        "Con keepdims=True, np.linalg.norm(rows, axis=1, keepdims=True) es una columna, y divide cada fila.",
        "np.divide(rows, norms, where=norms > 0, out=np.zeros(rows.shape)) deja en cero las filas nulas.",
    ),
)  # fmt: skip
def cosines(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, where=norms > 0, out=np.zeros(rows.shape))
    return unit @ unit.T


cosines.mistaken(
    ("axis=1", "axis=0", "normalizas columnas. Cada palabra es una fila; mira si la diagonal es 1."),
    (", where=norms > 0, out=np.zeros(rows.shape)", "",
     "una fila nula te da 0/0, que es nan: su coseno con cualquiera es 0."),
    ("np.linalg.norm(rows, axis=1, keepdims=True)", "np.abs(rows).sum(axis=1, keepdims=True)",
     "divides entre la suma de las componentes. La norma es la raíz de la suma de los cuadrados."),
    ("unit @ unit.T", "rows @ rows.T", "esos son productos escalares: falta dividir entre las normas."),
    ("unit @ unit.T", "unit @ rows.T", "divides entre la norma de una de las dos filas y falta la otra."),
    ("unit @ unit.T", "np.abs(unit @ unit.T)",
     "quitaste el signo. Dos vectores opuestos tienen coseno −1, y dos iguales, 1."),
    ("np.zeros(rows.shape)", "np.zeros_like(rows)",
     "si rows es de enteros, un cociente no cabe en él ni en np.zeros_like(rows): usa np.zeros(rows.shape)."),
)  # fmt: skip

_WORDS = "el la gato luna mar barco pan horno mira lleva calla vuelve".split()


def _neighbour_cases(rng):
    while True:
        words = rng.choice(_WORDS, 6, replace=False).tolist()
        vectors = _rows(rng, 6, 3)
        vectors[0, 0] = 1  # así no es nulo ni lo es su opuesto
        vectors[1] = 6 * vectors[2]  # larga: gana en producto escalar
        vectors[1, 1] += 1
        vectors[3] = -vectors[0] + [0, 0, 0.5]  # casi opuesta
        vectors[4] = 0
        values = np.sort(cosines(vectors), axis=1)
        apart = (np.diff(np.delete(values, 4, axis=0)[:, :5], axis=1) > 0.02).all()
        # El coseno, el producto escalar y la distancia dan vecinos distintos.
        measures = cosines(vectors)[0], vectors @ vectors[0], -np.linalg.norm(vectors - vectors[0], axis=1)
        if apart and len({tuple(np.argsort(-row[[1, 2, 3, 5]])[:2]) for row in measures}) == 3:
            break
    yield words[0], words, vectors, 2
    yield words[0], words, vectors, 20  # menos palabras que k; una con vector nulo
    yield words[2], words, vectors, 3
    double = vectors.copy()
    double[5] = 2 * double[0]  # otra con la misma dirección que la propia
    yield words[0], words, double, 2
    yield words[5], words, double, 1
    square = np.array([[1.0, 0, 0], [0, 2, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 0], [-3, 1, 0]])
    yield words[0], words, square, 3  # una perpendicular, que no es nula


@SET.exercise(
    "vecinos", "Los vecinos de una palabra", points=1.5, cases=_neighbour_cases,
    hints=(
        "La fila de la palabra en tu matriz de cosenos tiene ya todos los números que hacen falta.",
        "Quita antes de ordenar la propia palabra y las de vector nulo: un nulo tiene coseno 0 con "
        "todas, y eso es "
        "más que un coseno negativo.",
        "sorted sobre pares (-coseno, palabra), y después los k primeros.",
    ),
)  # fmt: skip
def nearest_words(word, words, vectors, k):
    i = words.index(word)
    row, known = cosines(vectors)[i], vectors.any(axis=1)
    pairs = [(-row[j], words[j]) for j in range(len(words)) if known[j] and j != i]
    return [other for _, other in sorted(pairs)[:k]]


nearest_words.mistaken(
    ("known[j] and ", "row[j] and ",
     "quitas los de coseno 0: una palabra perpendicular no es una de vector nulo, y va antes que las de "
     "coseno negativo."),
    (" and j != i", "", "incluyes la propia palabra: su coseno consigo misma es 1 y no dice nada."),
    ("known[j] and ", "",
     "incluyes palabras de vector nulo. Su coseno es 0 porque no se sabe nada de ellas, no porque se "
     "parezcan más "
     "que las de coseno negativo."),
    ("-row[j]", "row[j]", "ordenaste de menor a mayor: estas son las que menos se parecen."),
    ("cosines(vectors)[i]", "-np.linalg.norm(vectors - vectors[i], axis=1)",
     "usas la distancia entre las puntas: dos vectores en la misma dirección y de distinto largo "
     "salen lejos."),
    ("sorted(pairs)[:k]", "sorted((-row[j], words[j]) for j in range(len(words)) if known[j])[1 : k + 1]",
     "saltas la primera suponiendo que es la propia palabra. Otra con la misma dirección puede ir antes."),
)  # fmt: skip


def _interval_cases(rng):
    for number in (6, 10, 10):
        first = rng.integers(0, 2, number)
        second = np.where(rng.random(number) < 0.7, first, 1 - first)
        second[:2], first[:2] = (1, 1), (0, 1)
        yield first, second, rng.integers(0, number, (15, number))
    first = rng.permutation([0, 0, 1, 1, 1])
    yield first, first.copy(), rng.integers(0, 5, (8, 5))  # dos métodos que responden igual
    scores = rng.random((2, 5)).round(2)
    yield scores[0], scores[1], rng.integers(0, 5, (12, 5))  # notas en lugar de aciertos


@SET.exercise(
    "diferencia", "El intervalo de una diferencia", points=1.5, cases=_interval_cases,
    hints=(
        "Resta primero, pregunta a pregunta; lo que se remuestrea es esa diferencia.",
        "Si d es un arreglo y draws una matriz de índices, d[draws] es una matriz con un remuestreo "
        "por fila.",
        "np.percentile(medias, [2.5, 97.5]) da los dos extremos.",
    ),
)  # fmt: skip
def paired_interval(first, second, draws):
    difference = second - first
    means = difference[draws].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return difference.mean(), low, high


paired_interval.mistaken(
    ("difference[draws].mean(axis=1)", "second[draws].mean(axis=1) - first[draws[::-1]].mean(axis=1)",
     "remuestreas cada método por su lado. Las preguntas son las mismas para los dos, y unas son "
     "difíciles para "
     "ambos: hay que sortear preguntas, no métodos."),
    ("second - first", "first - second", "restas al revés: se pide lo que gana el segundo método."),
    ("[2.5, 97.5]", "[5, 95]", "fuera del 5 al 95 queda el 10 %: ese intervalo es del 90 %."),
    ("[2.5, 97.5]", "[0.025, 0.975]", "np.percentile cuenta de 0 a 100: son 2.5 y 97.5."),
    ("np.percentile(means, [2.5, 97.5])",
     "np.subtract(*(np.percentile(x[draws].mean(axis=1), [2.5, 97.5]) for x in (second, first)))",
     "restas los extremos de dos intervalos. Resta antes, pregunta a pregunta."),
    ("mean(axis=1)", "mean(axis=0)", "promedias por columnas: cada remuestreo es una fila de draws."),
    ("difference[draws]", "second[draws]", "ese es el intervalo del segundo método, no el de la diferencia."),
    ("difference.mean(), low", "means.mean(), low",
     "das la media de los remuestreos. La diferencia medida es la de las preguntas de verdad."),
)  # fmt: skip


def _dims(matrix, share, power):
    kept = np.cumsum(np.linalg.svd(matrix, compute_uv=False) ** power)
    return int((kept < share * kept[-1]).sum()) + 1


def _share_case(rng, rows, columns):
    """Una matriz y una parte a medio camino entre dos direcciones, en la que importa el cuadrado."""
    while True:
        matrix = rng.integers(0, 4, (rows, columns)) * rng.integers(0, 2, (rows, columns))
        S = np.linalg.svd(matrix * 1.0, compute_uv=False)
        kept = np.cumsum(S**2) / max((S**2).sum(), 1)
        d = int(rng.integers(1, len(S) - 1))
        share = round(float(kept[d - 1] + kept[d]) / 2, 3)
        # Ni sin elevar al cuadrado, ni restando medias, ni con las mayores que la media sale lo mismo.
        others = [_dims(matrix, share, 1), (S > S.mean()).sum()]
        others += [_dims(matrix - matrix.mean(axis=axis, keepdims=True), share, 2) for axis in (0, 1)]
        if S[-1] > 0.3 and abs(kept - share).min() > 0.02 and d + 1 not in others:
            return matrix * 1.0, share


def _share_cases(rng):
    yield _share_case(rng, 5, 5)
    yield _share_case(rng, 4, 7)  # más contextos que palabras
    yield _share_case(rng, 7, 4)
    matrix, _ = _share_case(rng, 4, 4)
    S = np.linalg.svd(matrix, compute_uv=False)
    yield matrix, round(0.5 * float(S[0] ** 2 / (S**2).sum()), 3)  # basta una dirección
    yield np.eye(4), 0.5  # con dos se llega justo


@SET.exercise(
    "direcciones", "Cuántas direcciones hacen falta", points=1.5, cases=_share_cases,
    hints=(
        "np.linalg.svd(matrix, compute_uv=False) da solo los valores singulares, de mayor a menor.",
        "Lo que conserva una dirección es el cuadrado de su valor singular; np.cumsum acumula.",
        "Cuenta cuántas sumas acumuladas se quedan cortas y suma una.",
    ),
)  # fmt: skip
def directions_needed(matrix, share):
    S = np.linalg.svd(matrix, compute_uv=False)
    kept = np.cumsum(S**2) / np.sum(S**2)
    return int((kept < share).sum()) + 1


directions_needed.mistaken(
    ("S**2", "S", "sumas los valores singulares. Lo que conserva cada dirección es su cuadrado."),
    (" + 1", "", "te falta una: esas son las que se quedan cortas, y la siguiente es la que llega."),
    ("np.cumsum(S**2)", "S**2",
     "miras cada dirección por separado. Lo que conservan d direcciones es la suma de las d."),
    ("(kept < share)", "(kept <= share)",
     "pides más que esa parte, y se pide al menos: cuando se llega justo, basta."),
    ("(kept < share)", "(kept > share)",
     "cuentas las que pasan de la parte pedida, no las que se quedan cortas."),
)  # fmt: skip


def _gapped_weights(rng, size, dim):
    """Pesos sin simetría en los que todo coseno está bien determinado.

    Una dirección se corta donde los valores singulares no empatan, y ningún vector es casi nulo, ni por filas
    ni por columnas.
    """
    while True:
        weights = (rng.integers(0, 9, (size, size)) * rng.integers(0, 2, (size, size))) / 2
        U, S, Vt = np.linalg.svd(weights)
        shortest = min(np.linalg.norm((X * np.sqrt(S))[:, :dim], axis=1).min() for X in (U, Vt.T))
        if S[dim - 1] > S[dim] + 0.1 and shortest > 0.1:
            return weights


def _detective_cases(rng):
    yield _gapped_weights(rng, 4, 2), 2
    yield _gapped_weights(rng, 6, 3), 3
    alone = np.zeros((5, 5))
    alone[:4, :4] = _gapped_weights(rng, 4, 2)
    yield alone, 2  # la última no se asocia con ninguna; ahí el cero de la SVD es exacto


@SET.exercise(
    "detective", "Detective: tres fallos en cinco líneas", points=2, cases=_detective_cases,
    hints=(
        "Son tres fallos, uno en cada paso: al descomponer, al truncar y al normalizar.",
        "Si la matriz no es simétrica, ¿qué describe U: las filas o las columnas? ¿Y qué columnas de "
        "U corresponden "
        "a los valores singulares más grandes?",
        "Cada palabra es una fila: su norma se calcula con axis=1. La diagonal de las similitudes tiene que "
        "ser 1, o 0 si el vector es nulo.",
    ),
)  # fmt: skip
def similarities(weights, dim):
    U, S, _ = np.linalg.svd(weights)
    vectors = (U * np.sqrt(S))[:, :dim]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))
    return vectors @ vectors.T


similarities.planted(
    ("svd(weights)", "svd(weights.T)",
     "descompones la traspuesta, y U describe los contextos en lugar de las palabras. Con una matriz "
     "simétrica no "
     "se nota; la PPMI suavizada no lo es."),
    ("[:, :dim]", "[:, 1 : dim + 1]",
     "tiras la primera dirección, la del valor singular más grande. Las dim primeras empiezan en la 0."),
    ("axis=1", "axis=0", "normalizas columnas. Cada palabra es una fila; mira si la diagonal es 1."),
)  # fmt: skip
similarities.mistaken(
    (", where=norms > 0, out=np.zeros(vectors.shape)", "",
     "una palabra que no se asocia con ninguna tiene vector nulo, y dividir entre su norma da nan: su coseno "
     "es 0."),
    ("U * np.sqrt(S)", "U",
     "no usas los valores singulares: todas las direcciones pesan lo mismo. Se pedían elevados a 0.5."),
)  # fmt: skip
