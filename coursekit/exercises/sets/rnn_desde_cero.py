"""Conjunto «Una red recurrente desde cero»: medir, recortar, recordar y escribir."""

import math

import numpy as np
import torch

from coursekit.exercises.exercise import MODELS, ExerciseSet, variants

SET = ExerciseSet("rnn-desde-cero", "Una red recurrente desde cero", imports=("numpy", "torch"))

# Los números p, q, n y s de la tabla en cada variante; D sale siempre peor que C.
VARIANTS = [(2, 8, 34, 21), (4, 128, 27, 25), (8, 8, 29, 29), (2, 128, 31, 25), (4, 8, 33, 29)]
VARIANTS += [(8, 128, 28, 21), (2, 8, 26, 29), (4, 128, 35, 21), (8, 8, 32, 25), (2, 128, 30, 29)]


@SET.exercise(
    "perplejidad_a_mano", "Perplejidad con lápiz y papel", name="perplexities", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "modelo A": "si duda siempre entre las mismas opciones, ¿cuántas son?",
        "modelo B": "¿promediaste las sorpresas antes de elevar?",
        "modelo C": "¿qué perplejidad tiene quien reparte por igual?",
        "modelo D": "¿cuántos bits de sorpresa hay en total, y cuántos por letra?",
    },
    hints=(
        "La sorpresa de una letra es −log₂ de la probabilidad que el modelo le daba: 1/2 es 1 bit; 1/4, "
        "2 bits; 1/8, 3 bits.",
        "Promedia primero las sorpresas y eleva después: perplejidad = 2 elevado a la sorpresa media.",
        "En el último modelo las sorpresas son 1, 1, 1 y s bits. Su media no tiene por qué quedar por debajo "
        "de log₂ n.",
    ),
)  # fmt: skip
def perplexity_by_hand(variant):
    p, q, n, s = VARIANTS[variant]
    models = [[1 / p] * 4, [1 / 2, 1 / 4, 1 / 4, 1 / q], [1 / n] * 4, [1 / 2, 1 / 2, 1 / 2, 2**-s]]
    return [2 ** -np.log2(model).mean() for model in models]


perplexity_by_hand.mistaken(
    ("2 ** -np.log2(model).mean()", "(1 / np.array(model)).mean()",
     "promediaste los inversos de las probabilidades. La perplejidad es su media geométrica: primero la "
     "media de los logaritmos, después la potencia."),
    ("[2 ** -", "[math.e ** -",
     "mezclaste bases: la sorpresa está en bits, así que la potencia es de 2 y no de e."),
    ("2 ** -np.log2(model).mean()", "min(n, 2 ** -np.log2(model).mean())",
     "la perplejidad no tiene tope en el tamaño del vocabulario: quien está seguro y se equivoca lo hace "
     "peor que quien reparte por igual."),
    ("2 ** -np.log2(model).mean()", "-np.log2(model).mean()",
     "te quedaste en la sorpresa media, en bits. La perplejidad es 2 elevado a ella."),
)  # fmt: skip


def _cutting_cases(rng):
    def ids(length):
        return rng.permutation(34)[:length].tolist()

    yield ids(10), 3, 0  # 9 letras con siguiente: tres ventanas justas
    yield ids(11), 3, 2  # sobran letras
    yield ids(15), 5, 5  # 9 con siguiente y 10 letras: la última ventana no tiene objetivo
    yield ids(4), 1, int(rng.integers(3))  # ventanas de una letra
    yield ids(4), 3, 1  # no cabe ninguna


@SET.exercise(
    "particiones", "Cortar el texto", points=1.5, cases=_cutting_cases,
    hints=(
        "Dibuja los ids 0…9 con num_steps = 3: las ventanas de X son 0 1 2, 3 4 5 y 6 7 8; las de Y, 1 2 3, "
        "4 5 6 y 7 8 9.",
        "La última letra del texto no puede estar en X, solo en Y: con len(ids) − 1 − offset letras caben "
        "(len(ids) − 1 − offset) // num_steps ventanas.",
        "Los comienzos son offset, offset + num_steps, offset + 2·num_steps… y cada ventana es un trozo "
        "ids[comienzo : comienzo + num_steps].",
    ),
)  # fmt: skip
def cut(ids, num_steps, offset):
    num_windows = (len(ids) - 1 - offset) // num_steps
    starts = [offset + i * num_steps for i in range(num_windows)]
    X = [ids[start : start + num_steps] for start in starts]
    Y = [ids[start + 1 : start + num_steps + 1] for start in starts]
    return X, Y


cut.mistaken(
    ("return X, Y", "return X, X",
     "Y es igual que X: la red aprendería a copiar. El objetivo de cada letra es la siguiente."),
    ("num_windows =", "offset = 0; num_windows =",
     "no usas offset: las ventanas empezarían siempre en las mismas letras, época tras época."),
    ("[offset + i * num_steps for i in range(num_windows)]", "range(offset, len(ids) - num_steps)",
     "tus ventanas avanzan de uno en uno y se solapan: cada letra se repite num_steps veces y mil ventanas "
     "apenas cubren mil letras de texto."),
    ("[offset + i * num_steps for i in range(num_windows)]", "range(offset, len(ids), num_steps)",
     "la última ventana sale corta, o se queda sin objetivos. Solo valen las que tienen num_steps letras en "
     "X y en Y."),
    ("len(ids) - 1 - offset", "len(ids) - offset",
     "olvidas que la última letra no tiene siguiente: a la última ventana de Y puede faltarle una."),
)  # fmt: skip


def _tensors(rng, *shapes, scale=0.8):
    return [torch.tensor(rng.normal(0, scale, shape).round(1).tolist()) for shape in shapes]


def _stepping_cases(rng):
    def case(steps, batch, inputs, hiddens):
        H, W_hh = (batch, hiddens), (hiddens, hiddens)
        X, H, W_xh, W_hh, b_h = _tensors(rng, (steps, batch, inputs), H, (inputs, hiddens), W_hh, (hiddens,))
        return X, H + 0.5, W_xh, W_hh + torch.eye(hiddens).roll(1, 1), b_h + 0.5

    yield case(3, 2, 2, 3)
    yield case(1, 3, 3, 2)  # un solo paso
    yield case(4, 1, 2, 2)  # una sola secuencia; entradas y estado del mismo ancho


@SET.exercise(
    "rnn", "Los pasos de la red", points=2.5, cases=_stepping_cases, tolerance=1e-3,
    forbids=(*MODELS, "torch.nn.modules.rnn"),
    hints=(
        "El primer eje de X es el tiempo: `for X_t in X` da una matriz (lote, entradas) por paso.",
        "En cada paso, el estado nuevo sale del dato de ahora y del estado anterior, y ocupa su lugar: la "
        "misma variable H se reescribe.",
        "H = torch.tanh(X_t @ W_xh + H @ W_hh + b_h); guarda cada H y al final apílalas con torch.stack.",
    ),
)  # fmt: skip
def rnn_forward(X, H, W_xh, W_hh, b_h):
    outputs = []
    for X_t in X:
        H = torch.tanh(X_t @ W_xh + H @ W_hh + b_h)
        outputs.append(H)
    return torch.stack(outputs), H


rnn_forward.mistaken(
    ("outputs = []", "outputs, H = [], H * 0",
     "empiezas desde cero aunque te den un estado. Así la red no puede seguir donde se quedó: es el fallo "
     "que hace escribir «de de de de»."),
    ("H @ W_hh", "H @ W_hh.T",
     "usas W_hh traspuesta. Con el estado en filas el producto es H @ W_hh; torch.nn.RNN guarda la "
     "traspuesta y por eso confunde."),
    ("for X_t in X:", "for X_t, H in zip(X, [H] * len(X)):",
     "todos los pasos parten del mismo estado inicial: H no se actualiza dentro del bucle y la red no "
     "recuerda nada."),
    ("torch.tanh", "",
     "falta la tangente hiperbólica. Sin ella, muchos pasos seguidos son una sola función lineal y el "
     "estado puede crecer sin límite."),
)  # fmt: skip


def _clipping_cases(rng):
    yield [g + 1 for g in _tensors(rng, (2, 3), (3,), scale=0.3)], 1.0  # la norma de todos pasa de theta
    yield [torch.tensor([0.4, 0.3]), *_tensors(rng, (2, 2), scale=0.1)], 4.0  # no llega a theta
    signs = rng.choice([-1, 1], 2).tolist()
    yield [s * torch.tensor(g) for s, g in zip(signs, ([0.6, 0.8], [[0.8], [0.6]]))], 1.2  # solo juntos pasan
    yield [torch.zeros(2, 2), torch.zeros(2)], 1.0  # todo cero


@SET.exercise(
    "recorte", "Recortar el gradiente", points=1.5, cases=_clipping_cases,
    hints=(
        "Es una sola norma para todos los gradientes juntos, como si fueran un único vector larguísimo.",
        "Suma los cuadrados de todos los elementos de todos los tensores; la norma es la raíz de esa suma.",
        "Multiplica cada tensor por min(1, theta / norm): si la norma ya es menor que theta, nada cambia.",
    ),
)  # fmt: skip
def clip(gradients, theta):
    norm = math.sqrt(sum((g**2).sum().item() for g in gradients))
    factor = min(1, theta / norm) if norm > 0 else 1
    return [g * factor for g in gradients]


clip.mistaken(
    ("g * factor", "g * min(1, theta / (g.norm() + 1e-9))",
     "recortas cada tensor con su propia norma. Eso cambia la dirección del paso; con una norma común solo "
     "cambia su longitud."),
    ("g * factor", "g.clip(-theta, theta)",
     "recortas número por número. El gradiente recortado apunta entonces a otro sitio."),
    ("min(1, theta / norm)", "theta / norm",
     "llevas la norma a theta aunque ya fuera menor: así los gradientes pequeños crecen. Falta el mínimo "
     "con 1."),
    ("math.sqrt(sum((g**2).sum().item() for g in gradients))", "sum(g.norm().item() for g in gradients)",
     "sumas las normas de los tensores. La de todos juntos es la raíz de la suma de todos los cuadrados."),
    (" if norm > 0 else 1", "", "si todos los gradientes son cero, divides por una norma que es cero."),
)  # fmt: skip


def _temperature_cases(rng):
    for temperature in (1.0, 0.5, 2.0):
        yield rng.normal(0, 2, 5).round(1), temperature
    logits = -rng.permutation([0.5, 0.501, 1.5, 3.0])
    yield logits, 0  # casi un empate, y todos negativos
    yield logits, 0.01  # pequeña, pero no cero


@SET.exercise(
    "temperatura", "Temperatura", points=1, cases=_temperature_cases,
    hints=(
        "La temperatura actúa sobre los logits, antes de la softmax.",
        "softmax(logits / temperature): con temperatura alta las diferencias se encogen y todo se parece.",
        "Con temperatura 0 no se divide: toda la probabilidad va a la letra de mayor logit.",
    ),
)  # fmt: skip
def next_distribution(logits, temperature):
    if temperature == 0:
        return np.eye(len(logits))[np.argmax(logits)]
    scores = np.exp((logits - np.max(logits)) / temperature)
    return scores / scores.sum()


next_distribution.mistaken(
    ("/ temperature", "* temperature",
     "multiplicas donde hay que dividir: subir la temperatura debe aplanar la distribución, y la tuya se "
     "afila."),
    ("scores = np.exp((logits - np.max(logits)) / temperature)",
     "scores = np.exp(logits - np.max(logits)); scores = np.exp(scores / scores.sum() / temperature)",
     "aplicas la temperatura a las probabilidades, tras la softmax. Son los logits los que se dividen."),
    ("return np.eye(len(logits))[np.argmax(logits)]", "temperature = np.float64(0)",
     "con temperatura 0 divides por cero. El límite sí existe: es elegir siempre la mejor letra."),
    ("return np.eye(len(logits))[np.argmax(logits)]",
     "scores = np.exp(logits / np.float64(0)); return scores / scores.sum()",
     "con temperatura 0 divides por cero. El límite sí existe: es elegir siempre la mejor letra."),
    ("return np.eye(len(logits))[np.argmax(logits)]", "temperature = 0.01",
     "una temperatura pequeña no es cero: entre dos letras casi empatadas todavía reparte."),
)  # fmt: skip


def _evaluating_cases(rng):
    def batches(mean, *sizes):
        return [-rng.gamma(4, mean / 4, size).round(2) for size in sizes]

    yield batches(1.6, 6, 6, 2), batches(2.4, 6, 3)  # el último lote es más corto
    yield batches(1.2, 5, 4), batches(2.0, 4, 4, 1)
    yield batches(1.5, 4), batches(2.5, 3)  # un solo lote


@SET.exercise(
    "detective", "Detective: una prueba demasiado buena", points=2, cases=_evaluating_cases,
    hints=(
        "Son tres fallos. Busca primero qué variable usa el segundo bucle y de dónde viene su valor.",
        "El último lote suele ser más corto: ¿pesan lo mismo sus letras que las de un lote completo?",
        "Los logaritmos de las probabilidades son naturales. ¿Qué potencia los deshace?",
    ),
)  # fmt: skip
def evaluate(train, test):
    def perplexity(batches):
        total = -sum(batch.sum() for batch in batches)
        num_symbols = sum(len(batch) for batch in batches)
        return math.exp(total / num_symbols)

    return [perplexity(train), perplexity(test)]


evaluate.planted(
    ("perplexity(test)", "perplexity(train[-1:])",
     "la «prueba» vuelve a sumar la pérdida del último lote de entrenamiento: la prueba nunca se mira."),
    ("total / num_symbols", "-sum(batch.mean() for batch in batches) / len(batches)",
     "promedias medias de lotes de tamaños distintos. Suma las pérdidas de todas las letras y divide por "
     "cuántas son."),
    ("math.exp(", "2 ** (", "los logaritmos son naturales y la potencia es de 2. Usa math.exp."),
)  # fmt: skip
