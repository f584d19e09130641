"""Conjunto «Word2vec»: adivinar, sortear, descartar y derivar."""

from collections import Counter
from functools import lru_cache

import numpy as np

from coursekit.data import load_sample
from coursekit.exercises.exercise import ExerciseSet, variants
from coursekit.text import sentences as split

SET = ExerciseSet("word2vec", "Word2vec", imports=("numpy", "coursekit.data", "coursekit.text"))

# Los números a y b del vector de «bebe» en cada variante.
VARIANTS = [(1, 2), (2, 1), (1, 3), (2, 3), (1, 1), (2, 2), (1, 4), (2, 4), (1, 5), (2, 5)]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@SET.exercise(
    "paso_a_mano", "Una actualización con lápiz y papel", name="step_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "pérdida": "¿sumaste −log σ(o) del objetivo y −log σ(−o) del negativo?",
        "primer número de v": "¿cuál es el error del objetivo, y qué vector de salida lo multiplica?",
        "segundo número de v": "¿cuál es el error del negativo, y hacia dónde aleja a «bebe»?",
        "primer número de u de «leche»": "¿multiplicaste el error por el «bebe» de antes del paso?",
    },
    hints=(
        "Las puntuaciones son los productos de v con cada u: la de «leche» es a y la de «agua», b.",
        "Los errores son σ(a) − 1 para «leche», que es el objetivo, y σ(b) − 0 para «agua».",
        "El gradiente de v es (σ(a) − 1)·(1, 0) + σ(b)·(0, 1). El de u de «leche» es (σ(a) − 1)·(a, b), con "
        "los a y b de antes. En los dos casos, se resta.",
    ),
)  # fmt: skip
def step_by_hand(variant):
    a, b = VARIANTS[variant]
    milk, water = _sigmoid(a) - 1, _sigmoid(b)
    loss = -np.log(_sigmoid(a)) - np.log(_sigmoid(-b))
    v = np.array([a - milk, b - water])
    return [loss, v[0], v[1], 1 - milk * a]


step_by_hand.mistaken(
    ("1 - milk * a", "1 - milk * v[0]",
     "usaste el vector de «bebe» ya movido para mover el de «leche». Los dos gradientes se calculan antes de "
     "dar el paso."),
    ("b - water", "b + water",
     "acercaste el negativo. Su error es σ(b) − 0, positivo, y el paso lo resta: v se aleja de «agua»."),
    ("np.log(_sigmoid(-b))", "np.log(_sigmoid(b))",
     "premias que el negativo diga «sí». Lo que se quiere es que diga «no»: −log σ(−b)."),
    ("- np.log(_sigmoid(-b))", "", "esa es solo la pérdida del objetivo: falta la pregunta del negativo."),
    ("[a - milk, b - water]", "[a + milk, b + water]",
     "sumaste el gradiente en lugar de restarlo: así la pérdida sube."),
)  # fmt: skip


def _table(rng, size, dim=3):
    return rng.normal(size=(size, dim)).round(2)


def _tied_cases(rng):
    seen, target = rng.choice(5, 2, replace=False).tolist()
    yield _table(rng, 5), seen, target
    yield _table(rng, 4), 0, int(rng.integers(1, 4))  # la primera palabra
    yield _table(rng, 4, 2), 2, 2  # la que se ve es la que hay que adivinar
    large = np.full((4, 3), 20.0) + _table(rng, 4) / 50
    yield large, 1, int(rng.choice([0, 2, 3]))  # puntuaciones de más de mil


@SET.exercise(
    "un_solo_vector", "Un solo vector por palabra", name="tied_loss", points=2, cases=_tied_cases,
    hints=(
        "La palabra que se ve aparece dos veces en la cuenta: como h, en todas las puntuaciones, y como una "
        "más de las que se pueden adivinar. Deriva por los dos caminos y suma.",
        "Por el camino de las salidas, el gradiente es el de la lección: la fila c recibe (ŷ_c − y_c) · h. "
        "Por el de la entrada, la fila seen recibe Σ_c (ŷ_c − y_c) · W[c].",
        "Compruébalo con diferencias centradas sobre W. Y resta el máximo de las puntuaciones antes de la "
        "exponencial: hay un caso en que pasan de mil.",
    ),
)  # fmt: skip
def tied_loss(W, seen, target):
    h = W[seen]
    scores = W @ h
    p = np.exp(scores - scores.max())
    p = p / p.sum()
    error = p.copy()
    error[target] -= 1
    gradient = np.outer(error, h)
    gradient[seen] += error @ W
    return -np.log(p[target]), gradient


tied_loss.mistaken(
    ("gradient[seen] += error @ W", "pass",
     "falta el camino de la entrada: al mover la fila de la palabra que se ve, cambian todas las "
     "puntuaciones."),
    ("gradient[seen] += error @ W", "gradient[seen] = error @ W",
     "la fila de la palabra que se ve recibe dos partes, como entrada y como salida: se suman, y la segunda "
     "borró la primera."),
    ("gradient = np.outer(error, h)", "gradient = np.zeros_like(W)",
     "falta el camino de las salidas: cada fila c recibe (ŷ_c − y_c) · h."),
    ("scores - scores.max()", "scores",
     "con puntuaciones grandes la exponencial se desborda y sale nan: resta el máximo antes."),
    ("p.copy()", "-p",
     "el error es lo dicho menos lo que pasó: ŷ − y. Le cambiaste el signo a ŷ."),
)  # fmt: skip


def _drawing_cases(rng):
    def inside(counts, power):
        """Dos números en el trozo de cada palabra, cerca de sus bordes, y el 0 justo."""
        weights = np.where(counts > 0, counts, 1) ** power * (counts > 0)
        ends = np.cumsum(weights) / weights.sum()
        widths = np.diff(ends, prepend=0)
        low, high = rng.uniform(0.02, 0.05, 2)
        drawn = [end - width * part for end, width in zip(ends, widths) if width for part in (low, 1 - high)]
        return [0.0, *rng.permutation(drawn).tolist()]

    few, many = rng.integers(2, 5), rng.integers(60, 90)
    for power, counts in (
        (0.75, rng.permutation([few, 6, 15, 30, many])),
        (0.75, np.array([0, few, 8, many])),  # la primera no aparece nunca
        (1.0, np.array([few, many, 0, 7])),  # un hueco en medio
        (0.0, np.array([0, few, many, 0, 40])),  # con 0, todas las que aparecen por igual
    ):
        yield counts, power, inside(counts, power)


@SET.exercise(
    "sorteo", "Un sorteo que se puede probar", name="draw_negatives", points=1.5, cases=_drawing_cases,
    hints=(
        "Pon las palabras en fila, cada una con un trozo tan ancho como su probabilidad; cada número "
        "cae en el trozo de una.",
        "Los finales de los trozos son la suma acumulada, np.cumsum. Primero se eleva, después se acumula, y "
        "al final se divide entre el total.",
        "np.searchsorted(finales, u, side=\"right\") da la palabra. Y cuidado con 0 ** 0, que en NumPy vale "
        "1: la que no aparece nunca no se sortea.",
    ),
)  # fmt: skip
def draw_negatives(counts, power, uniforms):
    weights = np.zeros(len(counts))
    weights[counts > 0] = counts[counts > 0] ** power
    ends = np.cumsum(weights) / weights.sum()
    return np.searchsorted(ends, uniforms, side="right").tolist()


draw_negatives.mistaken(
    ("counts[counts > 0] ** power", "counts[counts > 0]",
     "sorteas según la frecuencia, sin elevarla: así «de» sale demasiado."),
    ("weights[counts > 0] = counts[counts > 0] ** power", "weights[:] = 1",
     "sorteas todas por igual, también las que no aparecen nunca."),
    ("weights[counts > 0] = counts[counts > 0] ** power", "weights[:] = (counts * 1.0) ** power",
     "0 ** 0 vale 1, y con power = 0 sorteas palabras que no aparecen nunca."),
    ('side="right"', 'side="left"',
     "con el número 0 justo sale la primera palabra aunque su trozo esté vacío: el trozo empieza en su "
     "comienzo y no incluye su final, side=\"right\"."),
    ("np.cumsum(weights) / weights.sum()", "(np.cumsum(counts) / counts.sum()) ** power",
     "elevaste la suma acumulada. Primero se eleva cada cuenta y después se acumula."),
    (' / weights.sum()', "",
     "falta dividir entre el total: los finales de los trozos deben llegar a 1."),
    ("np.searchsorted(ends, uniforms, side=\"right\").tolist()",
     "np.searchsorted(ends, uniforms, side=\"right\").tolist()[:1]",
     "devuelves un solo negativo: hay que dar uno por cada número recibido. Mira si el return está "
     "dentro del bucle."),
)  # fmt: skip


@lru_cache(maxsize=1)
def _story():
    return [s for paragraph in load_sample("relato").documents for s in split(paragraph)]


def _thinning_cases(rng):
    short = [sentence for sentence in _story() if 4 <= len(sentence) <= 9]
    for t in (0.02, 0.01):
        yield [short[i] for i in rng.choice(len(short), 10, replace=False)], t
    yield [short[i] for i in rng.choice(len(short), 5, replace=False)], 0  # sin submuestreo
    word, other = rng.choice(["lluvia", "pan", "mar", "luna"], 2, replace=False).tolist()
    yield [[], [word] * 6, [other, word]], 0.3  # una que domina, y una frase vacía


@SET.exercise(
    "submuestreo", "Lo que queda de un texto", name="thinned", points=1.5, cases=_thinning_cases,
    hints=(
        "Cuenta cada palabra en todas las frases juntas y divide entre el total de palabras: eso es q(w).",
        "P(conservar) es √(t/q) + t/q, y nunca más de 1. Lo que queda de una palabra, en media, son sus "
        "apariciones por esa probabilidad.",
        "En el diccionario solo van las que pierden algo: P(conservar) < 1. Y con t = 0 no se descarta nada.",
    ),
)  # fmt: skip
def thinned(sentences, t):
    counts = Counter(word for sentence in sentences for word in sentence)
    total = sum(counts.values())
    left = {}
    for word, count in counts.items():
        ratio = t * total / count
        keep = ratio**0.5 + ratio
        if t > 0 and keep < 1:
            left[word] = count * keep
    return left


thinned.mistaken(
    ("ratio**0.5 + ratio", "ratio**0.5",
     "esa es la fórmula del artículo, 1 − √(t/q) para descartar. La del programa, que es la de la lección, "
     "suma además t/q."),
    ("t > 0 and keep < 1", "keep < 1",
     "con t = 0 no se descarta nada, y tu función se queda sin texto: es un caso aparte."),
    ("t > 0 and keep < 1", "t > 0",
     "incluyes palabras que no pierden nada, y con más apariciones de las que tenían: una probabilidad no "
     "pasa de 1."),
    ("t * total / count", "t / count", "t/q con q la frecuencia relativa: falta dividir entre el total."),
    ("left[word] = count * keep", "left[word] = keep",
     "esa es la probabilidad de conservar cada aparición. Se piden las apariciones que quedan en media."),
    ("left[word] = count * keep", "left[word] = count * (1 - keep)",
     "esas son las apariciones que se descartan. Se piden las que quedan."),
    ("total = sum(counts.values())", "total = len(counts)",
     "divides entre las palabras distintas. La frecuencia relativa es sobre todas las palabras del texto."),
    ("for sentence in sentences for word in sentence", "for sentence in sentences for word in set(sentence)",
     "cuentas cada palabra una vez por frase: si se repite dentro de una frase, cuenta todas."),
)  # fmt: skip


def _epoch_cases(rng):
    def tables(size):
        return _table(rng, size), _table(rng, size)

    sentence = rng.permutation(5).tolist()
    yield *tables(5), [sentence], 1, 0.5
    yield *tables(5), [rng.permutation(5).tolist(), rng.permutation(5)[:3].tolist()], 2, 0.3
    yield *tables(4), [[2], [], [1, 3]], 2, 0.5  # una frase sin contexto, y una vacía
    a, b, c = rng.permutation(4)[:3].tolist()
    yield *tables(4), [[a, b, a, c, a]], 2, 0.4  # una palabra repetida en el contexto
    yield *tables(6), [rng.integers(6, size=n).tolist() for n in (7, 4, 6)], 3, 0.2


@SET.exercise(
    "epoca_cbow", "Una época de CBOW, desde cero", name="cbow_epoch", points=2.5, cases=_epoch_cases,
    hints=(
        "Tres bucles: frases, posiciones y, dentro, el paso. El contexto son las posiciones de i − window a "
        "i + window sin salir de la frase ni contar i; si no hay ninguna, no hay ejemplo.",
        "Con h la media del contexto y error = ŷ − y, los gradientes son np.outer(error, h) para W_out y "
        "error @ W_out, partido entre el número de palabras del contexto, para cada una de ellas.",
        "Calcula los dos gradientes antes de mover ninguna tabla. Y si una palabra está dos veces en el "
        "contexto, W_in[context] -= … la mueve una sola vez: usa np.subtract.at.",
    ),
)  # fmt: skip
def cbow_epoch(W_in, W_out, sentences, window, lr):
    W_in, W_out, losses = W_in.copy(), W_out.copy(), []
    for sentence in sentences:
        for i, target in enumerate(sentence):
            context = [*sentence[max(0, i - window) : i], *sentence[i + 1 : i + window + 1]]
            if not context:
                continue
            h = W_in[context].mean(axis=0)
            p = np.exp(W_out @ h)
            p = p / p.sum()
            losses.append(-np.log(p[target]))
            error = p.copy()
            error[target] -= 1
            dh = error @ W_out
            W_out -= lr * np.outer(error, h)
            np.subtract.at(W_in, context, lr * dh / len(context))
    return W_in, W_out, np.mean(losses)


cbow_epoch.mistaken(
    (" / len(context))", ")",
     "a cada palabra del contexto le das el gradiente entero de h. La media reparte: divídelo entre "
     "len(context)."),
    ("dh = error @ W_out\n            W_out -= lr * np.outer(error, h)",
     "W_out -= lr * np.outer(error, h)\n            dh = error @ W_out",
     "el gradiente de h se calcula con W_out de antes del paso, y tú ya lo habías movido."),
    ("np.subtract.at(W_in, context, lr * dh / len(context))", "W_in[context] -= lr * dh / len(context)",
     "si una palabra está dos veces en el contexto, W_in[context] -= … la mueve una sola vez. Usa "
     "np.subtract.at."),
    ("error @ W_out\n", "np.outer(error, W_out[target]).sum(axis=0)\n",
     "los errores de la softmax suman cero, y esa fórmula los suma: W_in no se mueve. Es error @ W_out."),
    ("for i, target in enumerate(sentence):",
     "for i, target in list(enumerate(sentence))[window : len(sentence) - window]:",
     "las palabras de los extremos nunca son objetivo. También tienen contexto, aunque más corto."),
    ("for sentence in sentences:", "for sentence in [sum(sentences, [])]:",
     "la ventana cruza de una frase a la siguiente."),
    ("max(0, i - window)", "i - window",
     "cerca del comienzo i − window es negativo, y en Python cuenta desde el final: falta max(0, …)."),
    ("W_in[context].mean(axis=0)", "W_in[context].sum(axis=0)",
     "h es la media de los vectores del contexto, no la suma."),
    ("np.mean(losses)", "np.sum(losses)", "se pide la pérdida media por ejemplo, y esa es la suma."),
    ("W_out -= lr", "W_out += lr", "sumas el gradiente a W_out en lugar de restarlo: así la pérdida sube."),
    ("h = W_in[context].mean(axis=0)\n            p",
     "h = np.unique(W_in[context], axis=0).mean(axis=0)\n            p",
     "quitas del contexto las palabras repetidas: si una está dos veces, cuenta dos veces en la media."),
)  # fmt: skip


def _detective_cases(rng):
    def tables(size):
        return _table(rng, size), _table(rng, size)

    def drawn(size, number):
        return rng.permutation(size)[:number].tolist()

    seen, target, other = drawn(5, 3)
    yield *tables(5), seen, target, [target, other, other], 0.3  # el objetivo, y negativos repetidos
    seen, target, *negatives = drawn(6, 5)
    yield *tables(6), seen, target, negatives, 0.5
    seen, target = drawn(4, 2)
    yield *tables(4), seen, target, [seen], 0.4  # la que se ve, de negativo


@SET.exercise(
    "detective", "Detective: un paso con tres fallos", name="negative_step", points=1, cases=_detective_cases,
    hints=(
        "Son tres fallos: en qué filas participan, en cómo se resta y en con qué tabla se calcula.",
        "¿Cuántos negativos se usan? ¿Qué pasa con W[rows] -= … si una fila está dos veces en rows?",
        "El gradiente de h se calcula con las filas de W_out de antes del paso: guárdalas en U y usa U.",
    ),
)  # fmt: skip
def negative_step(W_in, W_out, seen, target, negatives, lr):
    W_in, W_out = W_in.copy(), W_out.copy()
    rows = [target, *negatives]
    h, U = W_in[seen].copy(), W_out[rows]
    error = 1 / (1 + np.exp(-U @ h))
    error[0] -= 1
    np.subtract.at(W_out, rows, lr * np.outer(error, h))
    W_in[seen] -= lr * (error @ U)
    return W_in, W_out


negative_step.planted(
    ("[target, *negatives]", "[target, *negatives[:1]]", "solo participa el primero de los negativos."),
    ("np.subtract.at(W_out, rows, lr * np.outer(error, h))", "W_out[rows] -= lr * np.outer(error, h)",
     "si una palabra está dos veces en rows, W_out[rows] -= … la mueve una sola vez."),
    ("error @ U", "error @ W_out[rows]", "mueves W_in con la tabla W_out ya movida."),
)  # fmt: skip
