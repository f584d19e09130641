"""Conjunto «Una red recurrente desde cero»: medir, recortar, recordar y escribir."""

from __future__ import annotations

import math

import numpy as np

from coursekit.exercises.exercise import Exercise, ExerciseSet, Mistake

# torch se importa dentro de las funciones: comprobar un ejercicio de NumPy no debe esperar por él.

# --- Perplejidad a mano ----------------------------------------------------------------------

by_hand = Exercise(
    id="perplejidad_a_mano",
    name="perplexities",
    points=1.5,
    reference=[2.0, 4.0, 34.0, 64.0],
    tolerance=5e-3,
    hints=(
        "La sorpresa de una letra es −log₂ de la probabilidad que el modelo le daba: 1/2 son 1 bit, 1/4 "
        "son 2 bits, 1/8 son 3 bits.",
        "Promedia primero las sorpresas y eleva después: perplejidad = 2 elevado a la sorpresa media.",
        "En el último modelo las sorpresas son 1, 1, 1 y 21 bits. Su media no tiene por qué quedar por "
        "debajo de log₂ 34.",
    ),
    mistakes=(
        Mistake(
            [2.0, 4.5, 34.0, (2 + 2 + 2 + 2**21) / 4],
            "promediaste los inversos de las probabilidades. La perplejidad es su media geométrica: "
            "primero la media de los logaritmos, después la potencia.",
        ),
        Mistake(
            [math.e, math.exp(2), math.exp(math.log2(34)), math.exp(6)],
            "mezclaste bases: la sorpresa está en bits, así que la potencia es de 2 y no de e.",
        ),
        Mistake(
            [2.0, 4.0, 34.0, 34.0],
            "la perplejidad no tiene tope en el tamaño del vocabulario: quien está seguro y se equivoca "
            "lo hace peor que quien reparte por igual.",
        ),
    ),
)

# --- Particiones -----------------------------------------------------------------------------


def cut(ids, num_steps, offset):
    count = (len(ids) - 1 - offset) // num_steps
    starts = [offset + i * num_steps for i in range(count)]
    X = [ids[start : start + num_steps] for start in starts]
    Y = [ids[start + 1 : start + num_steps + 1] for start in starts]
    return X, Y


def _cut_unshifted(ids, num_steps, offset):
    X, _ = cut(ids, num_steps, offset)
    return X, X


def _cut_without_offset(ids, num_steps, offset):
    return cut(ids, num_steps, 0)


def _cut_overlapping(ids, num_steps, offset):
    starts = range(offset, len(ids) - num_steps)
    X = [ids[start : start + num_steps] for start in starts]
    Y = [ids[start + 1 : start + num_steps + 1] for start in starts]
    return X, Y


def _cut_ragged(ids, num_steps, offset):
    starts = range(offset, len(ids), num_steps)
    X = [ids[start : start + num_steps] for start in starts]
    Y = [ids[start + 1 : start + num_steps + 1] for start in starts]
    return X, Y


def _cut_cases(rng):
    cases = [(list(range(10)), 3, 0), (list(range(10)), 3, 2)]
    for num_steps in (2, 5):
        ids = rng.integers(0, 34, int(rng.integers(18, 30))).tolist()
        cases.append((ids, num_steps, int(rng.integers(1, num_steps))))
    return cases


partitions = Exercise(
    id="particiones",
    name="cut",
    points=1.5,
    reference=cut,
    cases=_cut_cases,
    hints=(
        "Dibuja los ids 0…9 con num_steps = 3: las ventanas de X son 0 1 2, 3 4 5 y 6 7 8; las de Y, 1 2 3, "
        "4 5 6 y 7 8 9.",
        "La última letra del texto no puede estar en X, solo en Y: con len(ids) − 1 − offset letras caben "
        "(len(ids) − 1 − offset) // num_steps ventanas.",
        "Los comienzos son offset, offset + num_steps, offset + 2·num_steps… y cada ventana es un trozo "
        "ids[comienzo : comienzo + num_steps].",
    ),
    mistakes=(
        Mistake(
            _cut_unshifted,
            "Y es igual que X: la red aprendería a copiar. El objetivo de cada letra es la siguiente.",
        ),
        Mistake(
            _cut_without_offset,
            "no usas offset: las ventanas empezarían siempre en las mismas letras, época tras época.",
        ),
        Mistake(
            _cut_overlapping,
            "tus ventanas avanzan de uno en uno y se solapan: cada letra se repite num_steps veces y "
            "mil ventanas apenas cubren mil letras de texto.",
        ),
        Mistake(
            _cut_ragged,
            "la última ventana sale corta, o se queda sin objetivos. Solo valen las que tienen num_steps "
            "letras en X y en Y.",
        ),
    ),
)

# --- La red, paso a paso ---------------------------------------------------------------------


def rnn_forward(X, H, W_xh, W_hh, b_h):
    import torch

    outputs = []
    for X_t in X:
        H = torch.tanh(X_t @ W_xh + H @ W_hh + b_h)
        outputs.append(H)
    return torch.stack(outputs), H


def _rnn_ignoring_state(X, H, W_xh, W_hh, b_h):
    return rnn_forward(X, H * 0, W_xh, W_hh, b_h)


def _rnn_transposed(X, H, W_xh, W_hh, b_h):
    return rnn_forward(X, H, W_xh, W_hh.T, b_h)


def _rnn_forgetful(X, H, W_xh, W_hh, b_h):
    import torch

    outputs = torch.tanh(X @ W_xh + H @ W_hh + b_h)
    return outputs, outputs[-1]


def _rnn_linear(X, H, W_xh, W_hh, b_h):
    import torch

    outputs = []
    for X_t in X:
        H = X_t @ W_xh + H @ W_hh + b_h
        outputs.append(H)
    return torch.stack(outputs), H


def _rnn_cases(rng):
    import torch

    def draw(*shape):
        return torch.from_numpy(rng.normal(0, 0.8, shape).astype(np.float32))

    def case(steps, batch, inputs, hiddens):
        return (
            draw(steps, batch, inputs),
            draw(batch, hiddens),
            draw(inputs, hiddens),
            draw(hiddens, hiddens),
            draw(hiddens),
        )

    return [case(4, 2, 3, 5), case(1, 3, 4, 2), case(7, 1, 2, 3)]


stepping = Exercise(
    id="rnn",
    name="rnn_forward",
    points=2.5,
    reference=rnn_forward,
    cases=_rnn_cases,
    tolerance=1e-3,
    hints=(
        "El primer eje de X es el tiempo: `for X_t in X` da una matriz (lote, entradas) por paso.",
        "En cada paso, el estado nuevo sale del dato de ahora y del estado anterior, y ocupa su lugar: la "
        "misma variable H se reescribe.",
        "H = torch.tanh(X_t @ W_xh + H @ W_hh + b_h); guarda cada H y al final apílalas con torch.stack.",
    ),
    mistakes=(
        Mistake(
            _rnn_ignoring_state,
            "empiezas desde cero aunque te den un estado. Así la red no puede seguir donde se quedó: es "
            "el fallo que hace escribir «de de de de».",
        ),
        Mistake(
            _rnn_transposed,
            "usas W_hh traspuesta. Con el estado en filas el producto es H @ W_hh; torch.nn.RNN guarda "
            "la traspuesta y por eso confunde.",
        ),
        Mistake(
            _rnn_forgetful,
            "todos los pasos parten del mismo estado inicial: H no se actualiza dentro del bucle y la red "
            "no recuerda nada.",
        ),
        Mistake(
            _rnn_linear,
            "falta la tangente hiperbólica. Sin ella, muchos pasos seguidos son una sola función lineal y "
            "el estado puede crecer sin límite.",
        ),
    ),
)

# --- Recorte de gradiente --------------------------------------------------------------------


def clip(gradients, theta):
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    factor = min(1.0, theta / norm) if norm > 0 else 1.0
    return [g * factor for g in gradients]


def _clip_each(gradients, theta):
    return [clip([g], theta)[0] for g in gradients]


def _clip_values(gradients, theta):
    return [g.clip(-theta, theta) for g in gradients]


def _clip_always(gradients, theta):
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    return [g * (theta / norm) if norm > 0 else g for g in gradients]


def _clip_cases(rng):
    import torch

    def draw(scale, *shapes):
        return [torch.from_numpy(rng.normal(0, scale, shape)) for shape in shapes]

    return [
        (draw(3.0, (2, 3), (3,)), 1.0),
        (draw(0.01, (4, 2), (2, 2), (2,)), 1.0),
        (draw(1.0, (5, 5), (5,)), 0.5),
    ]


clipping = Exercise(
    id="recorte",
    name="clip",
    points=1.5,
    reference=clip,
    cases=_clip_cases,
    hints=(
        "Es una sola norma para todos los gradientes juntos, como si fueran un único vector larguísimo.",
        "Suma los cuadrados de todos los elementos de todos los tensores; la norma es la raíz de esa suma.",
        "Multiplica cada tensor por min(1, theta / norm): si la norma ya es menor que theta, nada cambia.",
    ),
    mistakes=(
        Mistake(
            _clip_each,
            "recortas cada tensor con su propia norma. Eso cambia la dirección del paso; con una norma "
            "común solo cambia su longitud.",
        ),
        Mistake(
            _clip_values,
            "recortas número por número. El gradiente recortado apunta entonces a otro sitio.",
        ),
        Mistake(
            _clip_always,
            "llevas la norma a theta aunque ya fuera menor: así los gradientes pequeños crecen. Falta el "
            "mínimo con 1.",
        ),
    ),
)

# --- Temperatura -----------------------------------------------------------------------------


def next_distribution(logits, temperature):
    logits = np.asarray(logits, dtype=float)
    if temperature == 0:
        return np.eye(len(logits))[logits.argmax()]
    scores = np.exp((logits - logits.max()) / temperature)
    return scores / scores.sum()


def _temperature_multiplied(logits, temperature):
    if temperature == 0:
        return next_distribution(logits, 0)
    return next_distribution(logits, 1 / temperature)


def _temperature_after_softmax(logits, temperature):
    if temperature == 0:
        return next_distribution(logits, 0)
    return next_distribution(next_distribution(logits, 1), temperature)


def _temperature_divided_by_zero(logits, temperature):
    with np.errstate(all="ignore"):
        scores = np.exp(np.asarray(logits, dtype=float) / temperature)
        return scores / scores.sum()


def _temperature_cases(rng):
    logits = [rng.normal(0, 2, 5) for _ in range(4)]
    return [(logits[0], 1.0), (logits[1], 0.5), (logits[2], 2.0), (logits[3], 0)]


temperature = Exercise(
    id="temperatura",
    name="next_distribution",
    points=1,
    reference=next_distribution,
    cases=_temperature_cases,
    hints=(
        "La temperatura actúa sobre los logits, antes de la softmax.",
        "softmax(logits / temperature): con temperatura alta las diferencias se encogen y todo se parece.",
        "Con temperatura 0 no se divide: toda la probabilidad va a la letra de mayor logit.",
    ),
    mistakes=(
        Mistake(
            _temperature_multiplied,
            "multiplicas donde hay que dividir: subir la temperatura debe aplanar la distribución, y la "
            "tuya se afila.",
        ),
        Mistake(
            _temperature_after_softmax,
            "aplicas la temperatura a las probabilidades, después de la softmax. Son los logits los que "
            "se dividen.",
        ),
        Mistake(
            _temperature_divided_by_zero,
            "con temperatura 0 divides por cero. El límite sí existe: es elegir siempre la mejor letra.",
        ),
    ),
)

# --- Detective -------------------------------------------------------------------------------


def _evaluate(train, test, reuse_loss=False, batch_means=False, base=math.e):
    """Con qué perplejidad sale cada conjunto; los argumentos reponen los tres fallos."""

    def mean_loss(batches):
        if batch_means:
            return sum(-float(batch.mean()) for batch in batches) / len(batches)
        return -sum(float(batch.sum()) for batch in batches) / sum(len(batch) for batch in batches)

    test_loss = -float(train[-1].mean()) if reuse_loss else mean_loss(test)
    return [base ** mean_loss(train), base**test_loss]


def evaluate(train, test):
    return _evaluate(train, test)


def _evaluate_cases(rng):
    def draw(mean, sizes):
        return [-rng.gamma(4, mean / 4, size) for size in sizes]

    return [(draw(1.6, [8, 8, 3]), draw(2.1, [8, 2])), (draw(1.2, [16, 5]), draw(1.9, [16, 16, 1]))]


detective = Exercise(
    id="detective_prueba",
    name="evaluate",
    points=2,
    reference=evaluate,
    cases=_evaluate_cases,
    hints=(
        "Son tres fallos. Busca primero qué variable usa el segundo bucle y de dónde viene su valor.",
        "El último lote suele ser más corto: ¿pesan lo mismo sus letras que las de un lote completo?",
        "Los logaritmos de las probabilidades son naturales. ¿Qué potencia los deshace?",
    ),
    mistakes=(
        Mistake(
            lambda train, test: _evaluate(train, test, reuse_loss=True, batch_means=True, base=2),
            "es la función tal como la recibiste, con sus tres fallos.",
        ),
        Mistake(
            lambda train, test: _evaluate(train, test, reuse_loss=True),
            "queda un fallo: la «prueba» vuelve a sumar la pérdida del último lote de entrenamiento. El "
            "conjunto de prueba nunca se mira.",
        ),
        Mistake(
            lambda train, test: _evaluate(train, test, batch_means=True),
            "queda un fallo: promedias medias de lotes de tamaños distintos. Suma las pérdidas de todas "
            "las letras y divide por cuántas son.",
        ),
        Mistake(
            lambda train, test: _evaluate(train, test, base=2),
            "queda un fallo: los logaritmos son naturales y la potencia es de 2. Usa math.exp.",
        ),
    ),
)

SET = ExerciseSet(
    id="rnn-desde-cero",
    title="Una red recurrente desde cero",
    exercises=(by_hand, partitions, stepping, clipping, temperature, detective),
    imports=("numpy", "torch"),
)
