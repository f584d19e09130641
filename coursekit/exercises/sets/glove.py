"""Conjunto «GloVe»: la pérdida, sus gradientes y lo que se lee en un modelo entrenado."""

from collections import Counter

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "glove", "GloVe", imports=("numpy", "coursekit.data", "coursekit.text"),
    open_questions=(
        OpenQuestion(
            "experimento",
            "Con la tabla y los intervalos del experimento guardado, ¿qué tamaño, qué ventana y cuántas "
            "vueltas elegirías para las novelas, y qué no se puede afirmar?",
            "2 puntos: 0.5 por elegir con las parejas de elegir y no con las de la prueba; 0.5 por llamar "
            "«no se distinguen» a las diferencias cuyo intervalo incluye el cero; 0.5 por tener en cuenta "
            "cobertura, semillas y segundos; 0.5 por comparar con PPMI y SVD.",
            2.0,
        ),
    ),
)  # fmt: skip

# La cuenta, el vector de la palabra (dos números) y la suma de los dos sesgos de cada variante; el
# vector del contexto es siempre (1.5, 1), y x_max, 16.
VARIANTS = [(1, 1, 0, 1), (4, 1, 1, 0), (1, 0, 1, 0), (4, 0, 1, 1), (1, 0, 1, 1)]
VARIANTS += [(4, 2, 0, 0), (9, 1, 0, 0), (4, 1, 0, 0), (1, 1, 0, 0), (9, 0, 2, 0)]


@SET.exercise(
    "paso_a_mano", "Un paso con lápiz y papel", name="step_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "peso": "¿elevaste la fracción a 3/4?",
        "error": "¿restaste el logaritmo natural de la cuenta al producto más los sesgos?",
        "gradiente": "¿multiplicaste por 2, por el peso y por el primer número del contexto?",
        "nuevo": "¿bajas por el gradiente, y los cuadrados empiezan en 1?",
    },
    hints=(
        "El peso es (x / 16) elevado a 3/4. Con x = 1 es 1/8, porque 16 elevado a 3/4 es 8.",
        "El error es producto + sesgos − log x, con logaritmo natural: log 4 = 1.386 y log 1 = 0. En la "
        "variante 0, donde el producto es 1.5, vale 1.5 + 1 − 0 = 2.5.",
        "El gradiente es 2 · peso · error · 1.5: el último, del contexto. AdaGrad divide por la raíz de 1 + "
        "gradiente², y el número se mueve en contra del gradiente.",
    ),
)  # fmt: skip
def step_by_hand(variant):
    x, first, second, biases = VARIANTS[variant]
    weight = (x / 16) ** 0.75
    context = 1.5, 1
    error = first * context[0] + second * context[1] + biases - np.log(x)
    gradient = 2 * weight * error * context[0]
    return [weight, error, gradient, first - 0.3 * gradient / np.sqrt(1 + gradient**2)]


step_by_hand.mistaken(
    ("1 + gradient**2", "gradient**2",
     "los cuadrados empiezan en 1, no en 0: si no, el primer paso mediría siempre 0.3, fuera "
     "cual fuera el gradiente."),
    ("2 * weight * error", "weight * error", "al derivar un cuadrado aparece un 2: te falta."),
    ("2 * weight * error", "2 * error", "el gradiente también lleva el peso: una pareja rara tira menos."),
    ("error * context[0]", "error",
     "al mover e₁, el producto cambia tanto como vale el primer número del contexto: te falta ese factor."),
    ("first - 0.3", "first + 0.3", "vas en el sentido del gradiente, que es cuesta arriba: hay que restar."),
)  # fmt: skip

_WORDS = "mar río olas puente agua barco orilla calle pan cielo".split()


def _texts(rng, *lengths):
    """Frases con las dos palabras que se comparan, entre otras al azar."""
    return [["mar", *rng.choice(_WORDS, length).tolist(), "río"] for length in lengths]


def _probe_cases(rng):
    a, b, c, d = rng.choice(_WORDS[2:], 4, replace=False).tolist()
    # «mar» tiene más encuentros que «río»: dividir cuentas no es dividir proporciones.
    yield [["mar", a, b], ["mar", a, c], [b, "río", a]], "mar", "río", [a, b], 2
    yield [["mar", a, "río", a, a], [d, "mar", a]], "mar", "río", [a, d], 1  # d, solo con la primera
    # Ahora d, solo con la segunda.
    yield [[a, "mar", b, c, b], ["río", c], [b, "río", b], [d, "mar"]], "río", "mar", [c, b, d], 3
    yield [["mar", a], [a, "río"], ["mar", b], []], "mar", "río", [c, d], 2  # ninguna sonda vale
    yield _texts(rng, 5, 7, 6), "mar", "río", _WORDS[2:], 3


@SET.exercise(
    "sondas", "Sondas en un texto", points=1.5, cases=_probe_cases,
    hints=(
        "Cuenta, para cada una de las dos palabras, cuántas veces cae cada otra en su ventana: dos Counter.",
        "La proporción p(k | w) divide por todos los encuentros de w, no por las veces que aparece w.",
        "Si la sonda no se vio con alguna de las dos, no hay cociente que dar: no la pongas.",
    ),
)  # fmt: skip
def probe_ratios(sentences, word, other, probes, window):
    seen = {word: Counter(), other: Counter()}
    for sentence in sentences:
        for i, center in enumerate(sentence):
            if center in seen:
                seen[center].update(sentence[max(0, i - window) : i] + sentence[i + 1 : i + window + 1])
    first, second = seen[word], seen[other]
    valid = [k for k in probes if first[k] > 0 and second[k] > 0]
    return {k: (first[k] / first.total()) / (second[k] / second.total()) for k in valid}


probe_ratios.mistaken(
    ("(first[k] / first.total()) / (second[k] / second.total())", "first[k] / second[k]",
     "divides cuentas y no proporciones: la palabra más frecuente parece acompañar más a todo."),
    ("(first[k] / first.total()) / (second[k] / second.total())", "first[k] / first.total()",
     "esa es la proporción con una sola palabra. Falta dividir por la de la otra."),
    ("first, second = seen[word], seen[other]", "second, first = seen[word], seen[other]",
     "el cociente está del revés: arriba va la primera palabra."),
    ("first[k] > 0 and second[k] > 0", "second[k] > 0",
     "incluyes sondas que no se vieron con la primera palabra. Un cociente de cero solo dice que faltan "
     "datos."),
    ("max(0, i - window)", "i",
     "miras solo a la derecha. La ventana es simétrica."),
)  # fmt: skip


def _tied_tables(rng, counts, dim):
    V = len(counts)
    return np.array(counts, float), rng.normal(size=(V, dim)).round(2), rng.normal(size=V).round(2)


def _tied_cases(rng):
    yield *_tied_tables(rng, [[0, 3, 0], [3, 0, 12], [0, 12, 2]], 2), 10.0  # simétrica, y con diagonal
    yield *_tied_tables(rng, [[0, 5, 0], [0, 0, 2], [7, 0, 0]], 3), 10.0  # la ventana mira a un lado
    yield *_tied_tables(rng, [[0, 0.25], [0.25, 40]], 1), 8.0  # menos de 1 y más de x_max
    counts = rng.poisson(2, (5, 5)) * 1.0
    counts[rng.integers(5)] = counts[:, rng.integers(5)] = 0
    counts[0, 4] = 30.0
    yield *_tied_tables(rng, counts, 2), 20.0


@SET.exercise(
    "un_vector", "Un solo vector por palabra", points=2, cases=_tied_cases,
    hints=(
        "Empieza por la pérdida: el error es E @ E.T + b[:, None] + b − log(counts), solo donde hay cuenta.",
        "Cada casilla (w, v) tiene el vector de w y el de v. El de una palabra está en su fila y en su "
        "columna.",
        "Con G = 2 · peso · error, la fila da G @ E y la columna, G.T @ E. Con los sesgos, las sumas de G "
        "por "
        "los dos ejes.",
    ),
)  # fmt: skip
def tied_loss(counts, E, b, x_max):
    seen = counts > 0
    logs = np.log(counts, where=seen, out=np.zeros(counts.shape))
    weight = np.where(seen, np.minimum((counts / x_max) ** 0.75, 1), 0)
    error = E @ E.T + b[:, None] + b - logs
    G = 2 * weight * error
    return (weight * error**2).sum(), G @ E + G.T @ E, G.sum(axis=1) + G.sum(axis=0)


tied_loss.mistaken(
    ("G @ E + G.T @ E", "G @ E",
     "falta la mitad del gradiente de los vectores: cada uno está también en las columnas, como contexto."),
    ("G @ E + G.T @ E", "2 * G @ E",
     "duplicas la parte de las filas. Eso vale si las cuentas son simétricas; aquí no tienen por qué serlo."),
    ("G.sum(axis=1) + G.sum(axis=0)", "G.sum(axis=1)",
     "falta la mitad del gradiente de los sesgos: cada uno suma también en su columna."),
    ("2 * weight * error", "weight * error",
     "al derivar un cuadrado aparece un 2: te falta en los gradientes."),
    ("np.minimum((counts / x_max) ** 0.75, 1)", "(counts / x_max) ** 0.75",
     "el peso no se detiene en 1: las cuentas mayores que x_max mandan demasiado."),
    ("np.where(seen, np.minimum((counts / x_max) ** 0.75, 1), 0)", "np.where(seen, 1, 0)",
     "todas las parejas pesan igual: falta f(x)."),
    ("logs = np.log(counts, where=seen, out=np.zeros(counts.shape))", "logs = np.log(counts + 1)",
     "sumas 1 a las cuentas para poder tomar el logaritmo, y las cambias todas. Salta las que son cero."),
    ("- logs", "- counts", "el error se mide con el logaritmo de la cuenta, no con la cuenta."),
)  # fmt: skip


def _model_cases(rng):
    def model(n, m, dim):
        shapes = (n, dim), (m, dim), n, m
        return [rng.normal(size=shape).round(2) for shape in shapes]

    yield tuple(model(3, 3, 2))
    yield tuple(model(2, 4, 1))  # más contextos que palabras
    W, C, b, c = model(3, 3, 2)
    yield W, C, b + 4, c  # los mismos productos con otros sesgos
    W, C, b, c = model(4, 3, 2)
    yield W, C, b * 0, c * 0  # sesgos a cero: la frecuencia está en los vectores


@SET.exercise(
    "pmi_del_modelo", "La PMI que el modelo cree", points=1.5, cases=_model_cases,
    hints=(
        "El producto solo es la PMI si los sesgos son las frecuencias. ¿Qué cuenta predice el modelo para "
        "cada "
        "pareja?",
        "La cuenta que predice es la exponencial del producto más los dos sesgos. Haz con ellas la PMI de "
        "siempre.",
        "Sus márgenes son las sumas por filas y por columnas de las cuentas predichas; el resultado, en "
        "bits y "
        "con signo.",
    ),
)  # fmt: skip
def model_pmi(W, C, b, c):
    counts = np.exp(W @ C.T + b[:, None] + c)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    return np.log2(counts / expected)


model_pmi.mistaken(
    ("return np.log2(counts / expected)", "return W @ C.T",
     "ese es el producto a secas. Solo es la PMI si los sesgos se quedaron en las frecuencias, y nadie los "
     "sujeta."),
    ("np.exp(W @ C.T + b[:, None] + c)", "np.exp(W @ C.T)",
     "faltan los sesgos: sin ellos la cuenta que predice el modelo es otra."),
    ("np.log2(", "np.log(", "está en nats: en bits, el logaritmo es en base 2."),
    ("np.log2(counts / expected)", "np.maximum(np.log2(counts / expected), 0)",
     "eso es la PPMI. Se pide la PMI, que también dice qué parejas se evitan."),
    ("np.exp(W @ C.T + b[:, None] + c)", "np.abs(W @ C.T + b[:, None] + c)",
     "el modelo ajusta el logaritmo de las cuentas: para volver a cuentas hace falta la exponencial."),
)  # fmt: skip


def _file_cases(rng):
    words = rng.permutation(_WORDS).tolist()
    vectors = rng.normal(size=(len(words), 3)).round(2)
    yield words, vectors, sorted(words)  # las mismas, en otro orden
    yield words, vectors, [words[4], "palafito", words[0], words[7]]  # falta una, y no la última
    yield words[:4], vectors[:4], ["palafito", "quinqué"]  # no hay ninguna
    yield words[:3], vectors[:3], [*words[5:], words[1]]  # casi ninguna


@SET.exercise(
    "cargar", "Vectores ajenos en tu vocabulario", points=1.5, cases=_file_cases,
    hints=(
        "La fila de una palabra en el fichero no tiene nada que ver con su lugar en tu vocabulario: búscala.",
        "Un diccionario {palabra: fila} hecho con file_words responde enseguida; lo que no esté queda a "
        "ceros.",
        "La cobertura es la parte de tus palabras que encontraste, no la parte del fichero que usaste.",
    ),
)  # fmt: skip
def align(file_words, file_vectors, words):
    rows = {word: i for i, word in enumerate(file_words)}
    aligned = np.zeros((len(words), file_vectors.shape[1]))
    for i, word in enumerate(words):
        if word in rows:
            aligned[i] = file_vectors[rows[word]]
    return aligned, sum(word in rows for word in words) / len(words)


align.mistaken(
    ("file_vectors[rows[word]]", "file_vectors[i % len(file_words)]",
     "tomas las filas del fichero en su orden, así que cada palabra recibe el vector de otra."),
    ("if word in rows:\n            aligned[i] = file_vectors[rows[word]]",
     "aligned[i] = file_vectors[rows.get(word, -1)]",
     "una palabra que falta recibe el vector de la última del fichero: el índice −1 también existe."),
    ("/ len(words)", "/ len(file_words)",
     "mides qué parte del fichero usas. La cobertura es la parte de tus palabras que tienen vector."),
    ("sum(word in rows for word in words) / len(words)", "sum(word in rows for word in words)",
     "devuelves cuántas palabras encontraste: falta dividir por cuántas buscabas."),
)  # fmt: skip


def _training_cases(rng):
    def tables(n, m, dim):
        shapes = (n, dim), (m, dim), n, m
        return [(rng.normal(size=shape) / 2).round(2) for shape in shapes]

    yield np.array([[30.0, 1, 8, 2], [1, 30, 8, 2]]), *tables(2, 4, 2), 3  # dos palabras y cuatro contextos
    yield np.array([[0, 3.0, 0], [25, 0, 1], [0, 2, 40]]), *tables(3, 3, 2), 4  # ceros y cuentas grandes
    yield rng.poisson(3, (4, 3)) + np.eye(4, 3) * 20.0, *tables(4, 3, 1), 2


@SET.exercise(
    "detective", "Detective: un GloVe que no aprende", points=2, cases=_training_cases,
    hints=(
        "Son tres fallos: uno en el peso, otro en lo que AdaGrad recuerda y otro en cómo lo usa.",
        "¿Cuánto pesa una cuenta de 40 con x_max = 10? ¿Y dónde se crea la lista squares?",
        "AdaGrad divide por la raíz de la suma de cuadrados de todos los pasos dados.",
    ),
)  # fmt: skip
def train(counts, W, C, b, c, steps):
    tables = [W.copy(), C.copy(), b.copy(), c.copy()]
    squares = [np.ones(table.shape) for table in tables]
    for _ in range(steps):
        W, C, b, c = tables
        seen = counts > 0
        logs = np.log(counts, where=seen, out=np.zeros(counts.shape))
        weight = np.where(seen, np.minimum((counts / 10) ** 0.75, 1), 0)
        G = 2 * weight * (W @ C.T + b[:, None] + c - logs)
        gradients = [G @ C, G.T @ W, G.sum(axis=1), G.sum(axis=0)]
        for table, square, g in zip(tables, squares, gradients):
            square += g**2
            table -= 0.1 * g / np.sqrt(square)
    return tables


train.planted(
    ("np.minimum((counts / 10) ** 0.75, 1)", "(counts / 10) ** 0.75",
     "el peso no se detiene en 1, y las cuentas enormes deciden solas."),
    ("W, C, b, c = tables\n",
     "W, C, b, c = tables\n        squares = [np.ones(table.shape) for table in tables]\n",
     "squares se crea otra vez en cada paso: AdaGrad olvida todo lo anterior."),
    ("np.sqrt(square)", "square",
     "se divide por la suma de cuadrados y no por su raíz: los gradientes grandes apenas mueven nada."),
)  # fmt: skip
