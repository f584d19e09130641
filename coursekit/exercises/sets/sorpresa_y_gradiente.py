"""Conjunto «Sorpresa y gradiente»: medir en bits, derivar, entrenar y encontrar lo que falla."""

import functools
import math
from collections import Counter

import numpy as np
import torch

from coursekit.data import load_sample
from coursekit.exercises.exercise import ExerciseSet, variants
from coursekit.text import letters

SET = ExerciseSet(
    "sorpresa-y-gradiente", "Sorpresa y gradiente",
    imports=("numpy", "torch", "coursekit.data", "coursekit.text"),
)  # fmt: skip

# Cuántas veces salió cada bola en dieciséis sacadas, en cada variante; la 1 nunca sale la mitad.
VARIANTS = [(2, 4, 4, 6), (7, 3, 4, 2), (10, 4, 1, 1), (3, 5, 4, 4), (5, 5, 4, 2)]
VARIANTS += [(6, 7, 2, 1), (1, 6, 5, 4), (9, 3, 3, 1), (2, 7, 3, 4), (11, 2, 2, 1)]


@SET.exercise(
    "bolas_a_mano", "Dieciséis bolas con lápiz y papel", name="ball_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "bits": "¿contaste la sorpresa de cada bola tantas veces como salió?",
        "perplejidad": "¿elevaste 2 a la media de los bits?",
        "nats": "¿cuántos nats es un bit?",
        "gradiente": "¿qué dijo el modelo de la bola 1, y en qué proporción salió?",
    },
    hints=(
        "La sorpresa de cada bola la pone el modelo: 1, 2, 3 y 3 bits. Cuántas veces la pagas lo ponen las "
        "sacadas.",
        "Suma las dieciséis sorpresas y divide entre dieciséis. La perplejidad es 2 elevado a esa media; los "
        "nats, esa media por log 2 = 0.693.",
        "El gradiente de cada sacada es lo que el modelo dijo menos lo que pasó. Promediado, en "
        "la bola 1: 1/2 menos la proporción de veces que salió.",
    ),
)  # fmt: skip
def balls_by_hand(variant):
    p = np.array(VARIANTS[variant]) / 16
    P = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
    bits = -(p * np.log2(P)).sum()
    return [bits, 2**bits, bits * math.log(2), P[0] - p[0]]


balls_by_hand.mistaken(
    ("-(p * np.log2(P)).sum()", "-(P * np.log2(p)).sum()",
     "cambiaste los papeles: las sorpresas las pone el modelo y las veces que se pagan, lo que salió."),
    ("-(p * np.log2(P)).sum()", "-np.log2(P).mean()",
     "promediaste las cuatro sorpresas como si cada bola hubiera salido las mismas veces."),
    ("-(p * np.log2(P)).sum()", "-(p * np.log2(p)).sum()",
     "eso es la entropía de lo que salió. Pagas con las probabilidades del modelo, que son otras."),
    ("2**bits", "(p / P).sum()",
     "promediaste los inversos de las probabilidades. Primero la media de las sorpresas, después la "
     "potencia."),
    ("2**bits", "math.e**bits", "mezclaste bases: la sorpresa está en bits, así que la potencia es de 2."),
    ("bits * math.log(2)", "bits / math.log(2)",
     "multiplicaste al revés: un nat es más grande que un bit, así que en nats la cifra es menor."),
    ("P[0] - p[0]", "p[0] - P[0]",
     "el signo está al revés: el gradiente es lo que se dijo menos lo que pasó, y el paso va en contra."),
)  # fmt: skip


def _batch(rng, batch, size):
    return rng.normal(0, 1.5, (batch, size)).round(1), rng.integers(size, size=batch)


def _gradient_cases(rng):
    yield _batch(rng, 3, 4)
    yield _batch(rng, 1, 3)  # un lote de uno
    logits, targets = _batch(rng, 4, 3)
    yield logits, np.full(4, targets[0])  # siempre sale lo mismo
    logits, targets = _batch(rng, 3, 3)
    yield logits + 1000, targets  # la exponencial se desborda
    logits, targets = _batch(rng, 2, 5)
    yield logits.round().astype(int), targets  # logits enteros
    yield np.array([[1000.0, 1001, 999], [0, 1, 2]]), np.array([1, 2])  # una fila mucho más alta que otra


@SET.exercise(
    "gradiente", "El gradiente de un lote", points=2, cases=_gradient_cases,
    hints=(
        "Cada fila de logits es un ejemplo: la softmax suma 1 por filas, axis=1, con keepdims=True para que "
        "la división case.",
        "Resta 1 en una sola casilla por fila: probs[np.arange(len(targets)), targets] -= 1.",
        "La pérdida es la media del lote, y cada fila solo aparece en su parte: falta dividir entre "
        "len(targets). Resta el máximo de cada fila antes de la exponencial.",
    ),
)  # fmt: skip
def gradient(logits, targets):
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    probs[np.arange(len(targets)), targets] -= 1
    return probs / len(targets)


gradient.mistaken(
    ("probs / len(targets)", "probs",
     "es el gradiente de la suma de las pérdidas. La pérdida es la media: divide entre el tamaño del lote, o "
     "los pasos crecerán con él."),
    ("probs / len(targets)", "-probs / len(targets)",
     "el signo está al revés: es lo que el modelo dijo menos lo que salió."),
    ("probs[np.arange(len(targets)), targets]", "probs[:, targets]",
     "probs[:, targets] son columnas enteras: restas 1 en todas las filas del lote, y no solo en la suya."),
    ("exps.sum(axis=1, keepdims=True)", "exps.sum(axis=0, keepdims=True)",
     "normalizas por columnas, mezclando ejemplos distintos del lote. Cada fila ha de sumar 1."),
    ("exps.sum(axis=1, keepdims=True)", "exps.sum()",
     "divides entre la suma de todo el lote. Cada fila es un ejemplo y ha de sumar 1 por su cuenta."),
    ("logits - logits.max(axis=1, keepdims=True)", "logits",
     "con logits grandes la exponencial se desborda y sale nan. Resta antes el máximo de cada fila, que no "
     "cambia el resultado."),
    ("logits.max(axis=1, keepdims=True)", "logits.max()",
     "restas el máximo de todo el lote: en una fila mucho más baja todas las exponenciales se quedan en "
     "cero. El máximo es el de cada fila."),
    (" -= 1", " -= logits[np.arange(len(targets)), targets]",
     "restas el logit de lo que salió. Lo que pasó es un one-hot: en esa casilla se resta 1."),
)  # fmt: skip


def _training_cases(rng):
    def pairs(size, *lengths):
        return [rng.integers(size, size=length) for length in lengths]

    size = int(rng.integers(3, 5))
    X = rng.permutation(size)[:3]
    yield X, *pairs(size, 3), size, 1.0, 2  # letras leídas todas distintas
    X = np.repeat(rng.permutation(3)[:2], [4, 2])
    yield X, np.array([0, 1, 2, 1, 2, 0]), 3, 0.5, 5  # letras que se repiten, con otra que nunca se lee
    yield *pairs(4, 9, 9), 4, 2.0, 1  # un solo paso
    yield rng.permutation(3), rng.permutation(3), 3, 1.0, 0  # ninguno, y un paso movería algo
    yield np.array([0, 0]), np.array([1, 1]), 2, 1.0, 30  # un par que siempre sale


@SET.exercise(
    "entrenar", "Entrenar sin PyTorch", points=2, cases=_training_cases, tolerance=1e-3,
    hints=(
        "Empieza con W = np.zeros((num_symbols, num_symbols)). En cada paso, W[X] son los logits de todo el "
        "lote: una fila por par.",
        "gradient(W[X], Y) da una fila de gradiente por par, ya dividida entre el tamaño del lote. Si una "
        "letra se leyó tres veces, sus tres filas se suman.",
        "np.add.at(total, X, rows) suma cada fila en su lugar, también las repetidas; W[X] -= ... solo "
        "guarda la última.",
    ),
)  # fmt: skip
def train_table(X, Y, num_symbols, lr, num_steps):
    W = np.zeros((num_symbols, num_symbols))
    for _ in range(num_steps):
        total = np.zeros_like(W)
        np.add.at(total, X, gradient(W[X], Y))
        W -= lr * total
    return W


train_table.mistaken(
    ("np.add.at(total, X, gradient(W[X], Y))", "total[X] += gradient(W[X], Y)",
     "con índices repetidos, total[X] += … solo suma la última fila de cada letra y pierde las demás. Usa "
     "np.add.at, o un bucle."),
    ("W -= lr", "W += lr", "subes por el gradiente: cada paso hace la sorpresa mayor. El paso va en contra."),
    ("W -= lr * total", "W -= total", "no usas lr: todos los pasos miden lo mismo sea cual sea la tasa."),
    ("total = np.zeros_like(W)", "total = np.zeros_like(W) if _ == 0 else total",
     "no pones a cero el gradiente al empezar cada paso, y se acumula el de todos los anteriores."),
    ("np.add.at(total, X, gradient(W[X], Y))", "np.add.at(total, Y, gradient(W[Y], X))",
     "cambiaste los papeles de X e Y: la fila la elige la letra leída, X, y lo que sale es Y."),
)  # fmt: skip


@functools.cache
def _story():
    return "".join(letters(" ".join(load_sample("relato").documents)))


def _text_cases(rng):
    story = _story()

    def passage(length):
        start = int(rng.integers(len(story) - length))
        return story[start : start + length]

    yield "abababac", "ababca", 1.0  # diminuto, para seguirlo a mano
    yield passage(400), passage(60), 0.01
    yield passage(150), passage(80), 0.5  # muchos pares que el entrenamiento no vio
    train = passage(200).replace("a", "o")
    yield train, "casa" + passage(20), 0.1  # una letra que el entrenamiento no tiene
    yield passage(100), passage(100)[:2], 2.0  # una sola predicción
    yield "abc" + "ab" * 5 + "z", "zazb", 0.3  # la última letra del entrenamiento no vuelve a salir


@SET.exercise(
    "bits_por_caracter", "Bits por carácter", points=2, cases=_text_cases,
    hints=(
        "El alfabeto son las letras de train y una más, <unk>, para cualquier otra: |V| = len(set(train)) + "
        "1. Cambia por <unk> lo que test traiga de nuevo.",
        "P(w | h) = (c(h, w) + k) / (c(h) + k·|V|). c(h) cuenta las veces que a h la siguió algo, así que la "
        "última letra de train no cuenta como leída.",
        "Suma −log₂ P de cada par de test y divide entre cuántos pares hay, uno menos que letras. Ningún par "
        "se salta.",
    ),
)  # fmt: skip
def bits_per_character(train, test, k):
    alphabet = set(train)
    test = [symbol if symbol in alphabet else "<unk>" for symbol in test]
    pairs, read = Counter(zip(train, train[1:])), Counter(train[:-1])
    size = len(alphabet) + 1
    bits = 0
    for h, w in zip(test, test[1:]):
        bits -= math.log2((pairs[h, w] + k) / (read[h] + k * size))
    return bits / (len(test) - 1)


bits_per_character.mistaken(
    ("zip(test, test[1:]):", "[pair for pair in zip(test, test[1:]) if pair in pairs]:",
     "te saltas los pares que el entrenamiento no vio, que son los más caros: un modelo que no sabe nada "
     "parecería perfecto. Con k no hay ceros, y se cobran todos."),
    ("log2", "log", "eso son nats. En bits el logaritmo es de base 2."),
    ("alphabet = set(train)", "alphabet = set(train) | set(test)",
     "construiste el alfabeto mirando el texto de prueba. Sale solo del entrenamiento; lo nuevo es <unk>."),
    ("len(alphabet) + 1", "len(alphabet)",
     "olvidas <unk> en |V|: las probabilidades de cada fila suman más de 1."),
    ("Counter(train[:-1])", "Counter(train)",
     "cuentas como leída la última letra de train, a la que no sigue nada: su fila no suma 1."),
    ("(len(test) - 1)", "len(test)",
     "divides entre las letras y no entre las predicciones: la primera letra nadie la predice."),
    ("return bits / (len(test) - 1)", "return 2 ** (bits / (len(test) - 1))",
     "eso es la perplejidad. Se piden los bits, antes de elevar."),
    ("(pairs[h, w] + k) / (read[h] + k * size)", "(pairs[w, h] + k) / (read[h] + k * size)",
     "miras el par al revés: c(h, w) son las veces que w siguió a h."),
    ("(read[h] + k * size)", "(read[h] + size)",
     "sumas 1 por símbolo en el denominador y k en el numerador: las dos partes llevan el mismo k."),
)  # fmt: skip


def _table_cases(rng):
    def table(size):
        return rng.integers(1, 9, (size, size)) * rng.permutation(np.arange(1, size + 1) ** 2)[:, None]

    yield table(3), 1.0, 12
    counts = table(4)
    counts[rng.integers(4), rng.integers(4)] = 0
    yield counts, 2.0, 8  # un par que no sale
    yield table(3), 0.5, 3  # pocos pasos


@SET.exercise(
    "detective", "Detective: un entrenamiento que no da error", points=2.5, cases=_table_cases,
    hints=(
        "Son tres fallos: en cómo se ponderan los pares, en la softmax y en el bucle. Compara lo que da con "
        "muchos pasos y lo que da contar, que es lo mínimo posible.",
        "¿Qué suma 1 en W.softmax(dim=0)? Lo que sigue a cada letra es una fila.",
        "weights ha de sumar 1 en total, no en cada fila. Y mira W.grad al empezar el segundo paso: ¿está a "
        "cero?",
    ),
)  # fmt: skip
def learned_perplexity(counts, lr, num_steps):
    weights = torch.tensor(counts / counts.sum())
    W = torch.zeros(weights.shape, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([W], lr=lr)

    def surprise():
        return -(weights * W.log_softmax(dim=1)).sum()

    for _ in range(num_steps):
        optimizer.zero_grad()
        surprise().backward()
        optimizer.step()
    return math.exp(surprise().item())


learned_perplexity.planted(
    ("counts / counts.sum()", "counts / counts.sum(axis=1, keepdims=True) / len(counts)",
     "cada fila pesa lo mismo, también la de una letra que casi no se lee. Cada par pesa según las veces que "
     "sale."),
    ("dim=1", "dim=0",
     "la softmax va por columnas. Lo que sigue a cada letra es una fila, y es la fila la que suma 1."),
    ("optimizer.zero_grad()", "pass",
     "nadie borra el gradiente: backward suma el nuevo al de todos los pasos anteriores."),
)  # fmt: skip
learned_perplexity.mistaken(
    ("math.exp(", "2 ** (", "la sorpresa está en nats, así que la potencia es de e y no de 2."),
)
