"""Conjunto «Una ventana que aprende»: un paso, ejemplos, Adam, y un entrenamiento y una época con fallos."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.data import load_sample
from coursekit.exercises.exercise import ExerciseSet, variants
from coursekit.text import letters

SET = ExerciseSet(
    "ventana-que-aprende", "Una ventana que aprende",
    imports=("numpy", "torch", "coursekit.data", "coursekit.text"),
)  # fmt: skip

# Los números de la a y de la c, y el peso p, en cada variante.
VARIANTS = [(1, 2, 1), (1, 3, 1), (2, 3, 1), (4, 3, 1), (1, 2, 2)]
VARIANTS += [(3, 4, 1), (2, 3, 2), (1, 4, 1), (4, 3, 2), (3, 4, 2)]


@SET.exercise(
    "paso_a_mano", "Un paso con lápiz y papel", name="step_values", points=1.5, cases=variants,
    tolerance=1e-2,
    parts={
        "suma": "¿pusiste la c en el primer lugar de la ventana y la a en el segundo?",
        "unidad oculta": "¿aplicaste la tangente hiperbólica a la suma?",
        "probabilidad de la s": "¿dividiste su exponencial por la suma de las tres?",
        "bits": "¿usaste el logaritmo en base 2, y el de la probabilidad de la s?",
    },
    hints=(
        "La ventana es «ca»: el primer peso multiplica al número de la c y el segundo, al de la a.",
        "La unidad es tanh(suma). Los logits de a, c y s son −p por la unidad, 0 y p por la unidad.",
        "La probabilidad de la s es e^(logit de s) / (e^(logit de a) + 1 + e^(logit de s)); los bits, menos "
        "su logaritmo en base 2.",
    ),
)  # fmt: skip
def step_by_hand(variant):
    a, c, p = VARIANTS[variant]
    total = 0.5 * c - 0.2 * a
    unit = np.tanh(total)
    exps = np.exp(p * unit * np.array([-1, 0, 1]))
    P = exps / exps.sum()
    return [total, unit, P[2], -np.log2(P[2])]


step_by_hand.mistaken(
    ("0.5 * c - 0.2 * a", "0.5 * a - 0.2 * c",
     "cambiaste de lugar las letras: en «ca» el primer peso es el de la c. El orden de la ventana importa."),
    ("np.tanh(total)", "total", "falta la tangente hiperbólica: la unidad oculta no es la suma."),
    ("exps / exps.sum()", "exps",
     "lo que sale no suma 1: la softmax divide cada exponencial por la suma de las tres."),
    ("-np.log2(P[2])", "-np.log(P[2])",
     "usaste el logaritmo natural: eso son nats. En bits, el logaritmo es de base 2."),
    ("-np.log2(P[2])", "-np.log2(P[0])",
     "es la sorpresa de la a. Se paga la letra que salió, que es la s."),
)  # fmt: skip


def _contexts_cases(rng):
    def ids(length):
        return rng.permutation(30)[:length].tolist()

    yield ids(9), 3
    yield ids(7), 1  # una sola letra a la vista
    yield ids(5), 4  # cabe un solo ejemplo
    yield ids(12), 5


@SET.exercise(
    "ejemplos", "De un texto a los ejemplos", points=1.5, cases=_contexts_cases,
    hints=(
        "Con las letras 0…5 y window = 2 hay cuatro ejemplos: 0 1 → 2, 1 2 → 3, 2 3 → 4 y 3 4 → 5.",
        "Hay len(ids) − window ejemplos: la última letra también es objetivo.",
        "El ejemplo i es ids[i : i + window], y su objetivo, ids[i + window].",
    ),
)  # fmt: skip
def contexts(ids, window):
    starts = range(len(ids) - window)
    X = [ids[i : i + window] for i in starts]
    Y = [ids[i + window] for i in starts]
    return X, Y


contexts.mistaken(
    ("Y = [ids[i + window] for", "Y = [ids[i + window - 1] for",
     "el objetivo está dentro de la ventana: la red lo vería antes de predecirlo, y bastaría con copiarlo."),
    ("range(len(ids) - window)", "range(len(ids) - window - 1)",
     "pierdes el último ejemplo: la última letra del texto también es un objetivo."),
    ("range(len(ids) - window)", "range(0, len(ids) - window, window)",
     "avanzas de ventana en ventana y pierdes casi todos los ejemplos: aquí hay uno por letra."),
    ("ids[i : i + window]", "ids[i : i + window][::-1]",
     "la ventana está del revés. El orden de las letras es parte de lo que la red lee."),
)  # fmt: skip


def _adam_cases(rng):
    def state(t, size):
        return (rng.normal(0, 1, size), rng.normal(0, 1, size), rng.normal(0, 0.3, size),
                rng.uniform(0.2, 2, size), t, 0.1)  # fmt: skip

    theta, g, _, _, _, lr = state(1, 3)
    yield theta, g + np.sign(g), np.zeros(3), np.zeros(3), 1, lr  # el primer paso
    yield state(2, 3)
    yield state(8, 4)
    yield state(40, 1)
    theta, g, _, _, _, lr = state(1, 2)
    yield theta, 1e-6 * g, np.zeros(2), np.zeros(2), 1, lr  # gradientes mínimos


@SET.exercise(
    "adam", "Un paso de Adam", points=2, cases=_adam_cases, tolerance=1e-5,
    hints=(
        "Primero los dos promedios: 0.9 de lo que había y 0.1 del gradiente; 0.999 y 0.001 de su cuadrado.",
        "Los promedios empiezan en cero. Para usarlos, divide uno por 1 − 0.9**t y el otro por 1 − 0.999**t; "
        "los que se devuelven van sin dividir.",
        "theta − lr * m_corregido / (np.sqrt(v_corregido) + 1e-8). En el paso 1 queda el signo de g.",
    ),
)  # fmt: skip
def adam_step(theta, g, m, v, t, lr):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    theta = theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
    return theta, m, v


adam_step.mistaken(
    ("m / (1 - 0.9**t), v / (1 - 0.999**t)", "m, v",
     "no corriges el comienzo: los promedios parten de cero y los primeros pasos salen mal medidos."),
    ("m / (1 - 0.9**t), v / (1 - 0.999**t)", "m / (1 - 0.9 ** (t + 1)), v / (1 - 0.999 ** (t + 1))",
     "cuentas un paso de más: el primero es t = 1, y entonces m / (1 − 0.9) es justo el gradiente."),
    ("np.sqrt(v_hat)", "v_hat",
     "falta la raíz: v promedia cuadrados, y sin ella un gradiente doble daría la mitad de paso."),
    ("(np.sqrt(v_hat) + 1e-8)", "np.sqrt(v_hat + 1e-8)",
     "metes ε dentro de la raíz: allí pesa como 0.0001 y frena a quien tiene gradientes pequeños."),
    ("0.001 * g**2", "0.001 * g",
     "v promedia los cuadrados de los gradientes; sin el cuadrado puede ser negativo."),
    ("return theta, m, v", "return theta, m_hat, v_hat",
     "devuelves los promedios ya corregidos: en el paso siguiente se corregirían otra vez."),
    ("theta - lr", "theta + lr", "subes por el gradiente: el paso va en contra."),
)  # fmt: skip


def _training_cases(rng):
    def curve(X, Y, valid_X, valid_Y, W, lr, num_epochs, moved=1):
        b, targets, values = np.zeros(W.shape[1]), np.eye(W.shape[1])[Y], []
        for _ in range(num_epochs):
            error = (_softmax(X @ W + b) - targets) / len(X)
            W, b = W - moved * lr * X.T @ error, b - lr * error.sum(axis=0)
            P = _softmax(valid_X @ W + b)
            values.append(-np.log(P[np.arange(len(valid_Y)), valid_Y]).mean())
        return np.array(values)

    def case(examples, num_epochs):
        while True:
            X, valid_X = rng.normal(0, 1, (examples, 2)).round(1), rng.normal(0, 1, (5, 2)).round(1)
            Y, valid_Y = rng.integers(3, size=examples), rng.integers(3, size=5)
            arguments = X, Y, valid_X, valid_Y, rng.normal(0, 0.5, (2, 3)).round(1), 0.5, num_epochs
            values, only_b = curve(*arguments), curve(*arguments, moved=0)
            best = int(values.argmin())
            # La mejor época, en medio y sin empates, y también si W no se mueve: quedarse con otra se nota.
            middle = 1 < best < num_epochs - 2 and 0 < only_b.argmin() < num_epochs - 1
            if middle and np.partition(values, 1)[1] > values[best] + 1e-4:
                return tuple(torch.tensor(x.tolist()) if isinstance(x, np.ndarray) else x for x in arguments)

    yield case(6, 9)
    yield case(4, 12)


def _softmax(O):
    exps = np.exp(O - O.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


@SET.exercise(
    "entrenar", "Reparar un entrenamiento", points=1.5, cases=_training_cases, tolerance=1e-3,
    hints=(
        "Son tres fallos: en lo que el módulo declara, en el bucle y en lo que se guarda de la mejor época.",
        "¿Cuántos números hay en `parameters()`? ¿Se borra el gradiente anterior? ¿Es una copia lo guardado?",
        "`nn.Parameter(W.clone())`; `optimizer.zero_grad()` antes de `backward()`, y "
        "`copy.deepcopy(model.state_dict())`.",
    ),
)  # fmt: skip
def train(X, Y, valid_X, valid_Y, W, lr, num_epochs):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.W = nn.Parameter(W.clone())
            self.b = nn.Parameter(torch.zeros(W.shape[1]))

        def forward(self, X):
            return X @ self.W + self.b

    model, lowest = Model(), float("inf")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(num_epochs):
        loss = F.cross_entropy(model(X), Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            value = F.cross_entropy(model(valid_X), valid_Y).item()
        if value < lowest:
            lowest, best = value, copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    return model.W.detach(), model.b.detach()


train.planted(
    ("nn.Parameter(W.clone())", "W.clone()",
     "un tensor a secas no está en `parameters()` ni en `state_dict()`: W no se entrena ni se guarda."),
    ("        optimizer.zero_grad()\n", "",
     "los gradientes de los pasos anteriores se suman al nuevo: falta borrarlos en cada paso."),
    ("copy.deepcopy(model.state_dict())", "model.state_dict()",
     "lo guardado son los mismos tensores, que `step` sigue moviendo: restauras la última época."),
)  # fmt: skip


def _stored_cases(rng):
    story = "".join(letters(" ".join(load_sample("relato").documents)))
    start = int(rng.integers(len(story) - 700))
    yield story[start : start + 600], 3, 4, 8
    yield story[start + 50 : start + 250], 1, 2, 5  # bigramas y una letra a la vista
    yield story[start : start + 40], 5, 16, 3
    yield "la casa blanca", 2, 3, 4


@SET.exercise(
    "guardados", "Cuántos números se guardan", points=1.5, cases=_stored_cases,
    hints=(
        "Contar con window letras a la vista guarda los n-gramas distintos de 1 letra, 2… hasta window + 1.",
        "Un conjunto quita las repeticiones: {text[i : i + n] for i in range(len(text) − n + 1)}.",
        "La red: una E para todos los lugares, |V|·d; después window·d·h + h y h·|V| + |V|, con |V| las "
        "letras distintas del texto.",
    ),
)  # fmt: skip
def stored(text, window, num_dims, num_hiddens):
    sizes = range(1, window + 2)
    counted = sum(len({text[i : i + n] for i in range(len(text) - n + 1)}) for n in sizes)
    V = len(set(text))
    net = V * num_dims + window * num_dims * num_hiddens + num_hiddens + num_hiddens * V + V
    return counted, net


stored.mistaken(
    ("len({text[i : i + n] for i in range(len(text) - n + 1)})", "(len(text) - n + 1)",
     "cuentas apariciones, y se guarda un número por n-grama distinto: los repetidos comparten casilla."),
    ("range(1, window + 2)", "[window + 1]",
     "cuentas solo el orden más largo. Para retroceder hacen falta también los más cortos."),
    ("range(1, window + 2)", "range(1, window + 1)",
     "con window letras a la vista, el n-grama más largo tiene window + 1: falta la que se predice."),
    ("V * num_dims +", "window * V * num_dims +",
     "pones una E por lugar de la ventana, y es la misma para todos: eso es compartir."),
    ("+ num_hiddens + num_hiddens * V + V", "+ num_hiddens * V",
     "faltan los sesgos, de la capa oculta y de la salida."),
    ("num_hiddens + num_hiddens * V", "num_hiddens + window * num_hiddens * V",
     "la capa oculta es una para toda la ventana, y de ella salen los logits una vez."),
)  # fmt: skip


def _epoch_cases(rng):
    def case(length, window, batch_size, letters_in=4, dims=2):
        ids = np.r_[np.arange(letters_in), rng.integers(letters_in, size=length - letters_in)]
        ids[1::4] = ids[0]  # letras que se repiten dentro de un lote
        shape = (letters_in, dims), (window * dims, letters_in)
        return (ids, *(rng.normal(0, 1, size).round(1) for size in shape), window, batch_size, 0.5)

    yield case(14, 2, 4)
    yield case(15, 3, 5, letters_in=5)
    yield case(12, 2, 20)  # un solo lote
    yield case(11, 1, 3)


@SET.exercise(
    "detective", "Detective: una época con tres fallos", points=2, cases=_epoch_cases, tolerance=1e-5,
    hints=(
        "Son tres fallos: en los ejemplos, en el gradiente de un lote y en cómo llega a las letras.",
        "¿Predice la red una letra que ya está viendo? ¿Da pasos más largos con lotes mayores?",
        "Si una letra sale dos veces en el lote, E[X] -= … solo guarda un cambio. np.add.at suma todos.",
    ),
)  # fmt: skip
def epoch(ids, E, W, window, batch_size, lr):
    E, W = E.copy(), W.copy()
    X = np.lib.stride_tricks.sliding_window_view(ids, window)[:-1]
    Y = ids[window:]
    for start in range(0, len(X), batch_size):
        x, y = X[start : start + batch_size], Y[start : start + batch_size]
        E_x = E[x].reshape(len(x), -1)
        P = np.exp(E_x @ W)
        P /= P.sum(axis=1, keepdims=True)
        P[np.arange(len(y)), y] -= 1
        G = P / len(y)
        back = (G @ W.T).reshape(*x.shape, -1)
        W -= lr * E_x.T @ G
        np.add.at(E, x, -lr * back)
    return E, W


epoch.planted(
    ("Y = ids[window:]", "Y = ids[window - 1 : -1]",
     "el objetivo es la última letra de la ventana: la red lo está viendo y solo aprende a copiarlo."),
    ("G = P / len(y)", "G = P",
     "el gradiente es el de la suma y no el de la media: los pasos crecen con el lote."),
    ("np.add.at(E, x, -lr * back)", "E[x] -= lr * back",
     "una letra que sale varias veces en el lote solo recibe el último cambio: los demás se pierden."),
)  # fmt: skip
