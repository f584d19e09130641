"""Conjunto «Una red recurrente desde cero»: dar pasos, conjugar, recortar, elegir y medir de corrido."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.exercises.exercise import MODELS, ExerciseSet, variants

SET = ExerciseSet("rnn-desde-cero", "Una red recurrente desde cero", imports=("numpy", "torch"))

# En décimas, lo que aportan la a, la b y el estado anterior; y cuántas unidades tiene la red grande.
VARIANTS = [(5, -9, 8, 10), (6, -10, 9, 20), (-7, 5, 12, 30), (4, -11, 7, 12), (-9, 6, 15, 25)]
VARIANTS += [(7, -6, 14, 40), (-5, 9, 11, 15), (8, -10, 6, 32), (-6, 7, 13, 24), (3, -7, 15, 50)]


@SET.exercise(
    "pasos_a_mano", "Dos letras con lápiz y papel", name="states", points=1.5, cases=variants,
    tolerance=1e-2,
    parts={
        "tras «a»": "¿sumaste el sesgo y aplicaste la tangente hiperbólica?",
        "tras «ab»": "¿de qué estado parte el segundo paso?",
        "tras «ba»": "¿entra primero la b y después la a?",
        "números": "¿contaste las dos matrices y el sesgo del estado, y la matriz y el sesgo de la salida?",
    },
    hints=(
        "El one-hot escoge un peso: el de la letra que entra. En el primer paso el estado anterior es 0.",
        "En el segundo paso se suma además u por el estado que salió del primero.",
        "Los números de la red grande: 30·h + h·h + h en el estado y h·30 + 30 en la salida.",
    ),
)  # fmt: skip
def states_by_hand(variant):
    w_a, w_b, u, h = VARIANTS[variant]
    w_a, w_b, u, b = w_a / 10, w_b / 10, u / 10, 0.2
    after_a, after_b = math.tanh(w_a + b), math.tanh(w_b + b)
    after_ab = math.tanh(w_b + u * after_a + b)
    after_ba = math.tanh(w_a + u * after_b + b)
    return [after_a, after_ab, after_ba, 30 * h + h * h + h + h * 30 + 30]


states_by_hand.mistaken(
    ("math.tanh(", "(", "falta la tangente hiperbólica: cada estado es la de la suma, no la suma."),
    ("u * after_a + b)\n    after_ba = math.tanh(w_a + u * after_b", "b)\n    after_ba = math.tanh(w_a",
     "el segundo paso no usa el estado anterior: así «ab» y «b» acabarían en el mismo estado."),
    ("after_ab, after_ba, 30", "after_ba, after_ab, 30",
     "cambiaste el orden de las letras: en «ab» entra primero la a."),
    ("+ u * after_a + b)\n    after_ba = math.tanh(w_a + u * after_b + b)",
     "+ u * after_a)\n    after_ba = math.tanh(w_a + u * after_b)",
     "el sesgo se suma en todos los pasos, también en el segundo."),
    ("+ h * 30 + 30]", "]", "contaste solo el estado: la capa de salida también guarda números."),
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
    "rnn", "Los pasos de la red", points=2, cases=_stepping_cases, tolerance=1e-3,
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


ENDINGS = ("é aste ó amos aron", "o as a amos an", "aré arás ará aremos arán")
TIMES = ("ayer anoche", "hoy ahora", "mañana luego")
PERSONS = {"yo": 0, "tú": 1, "ella": 2, "nosotros": 3, "ellos": 4, "ustedes": 4}


def _conjugation_cases(rng):
    stem = str(rng.choice(["cant", "habl", "camin", "compr"]))
    seen, unseen = [], []
    for times, endings in zip(TIMES, ENDINGS):
        held_out = rng.permutation(list(PERSONS))[:2].tolist()
        for person, number in PERSONS.items():
            one, other = rng.permutation(times.split()).tolist()
            verb = stem + endings.split()[number]
            seen.append((one, person, verb))
            (unseen if person in held_out else seen).append((other, person, verb))

    def written(row):
        cases = str.lower, str.capitalize, str.upper
        return " ".join(cases[rng.integers(3)](word) for word in row)

    seen = [seen[i] for i in rng.permutation(len(seen))]
    yield [written(row) for row in seen], [written(row[:2]) for row in seen[:5] + unseen]


def _conjugates(case, value):
    sentences, questions = case
    if not (isinstance(value, (list, tuple)) and len(value) == 2):
        return "tu respuesta deben ser dos listas, la de pérdidas y la de palabras"
    losses, answers = (list(part) if isinstance(part, (list, tuple, np.ndarray)) else None for part in value)
    if losses is None or len(losses) < 2 or not all(isinstance(x, (int, float)) for x in losses):
        return "tu primera lista debe tener la pérdida media de cada época, en números"
    if answers is None or len(answers) != len(questions) or not all(isinstance(x, str) for x in answers):
        return f"tu segunda lista debe tener {len(questions)} palabras, una por pregunta"
    if not losses[-1] < losses[0] / 5:
        return f"la pérdida va de {losses[0]:.2f} a {losses[-1]:.2f}: la red apenas ha aprendido las frases"
    rows = [sentence.lower().split() for sentence in sentences]
    whole = {verb for *_, verb in rows}
    if strange := next((answer for answer in answers if answer not in whole), None):
        return f"«{strange}» no es una de las formas del verbo, en minúsculas, que salen en las frases"
    seen = {(time, person): verb for time, person, verb in rows}
    pairs = [tuple(question.lower().split()) for question in questions]
    wrong = next((i for i, pair in enumerate(pairs) if answers[i] != seen.get(pair, answers[i])), None)
    if wrong is not None:
        return f"a «{questions[wrong]}», que está en las frases, respondes «{answers[wrong]}»"
    new = [i for i, pair in enumerate(pairs) if pair not in seen]
    right = [i for i in new if answers[i] == _conjugated(pairs[i], rows)]
    if 2 * len(right) < len(new):
        return (
            f"de las {len(new)} preguntas con una pareja que no está en las frases aciertas {len(right)}: "
            "lo aprendido con unas palabras debe servir para las otras"
        )
    return None


def _conjugated(pair, rows):
    """La forma que dicen las frases con la otra palabra del mismo tiempo."""
    time, person = pair
    (times,) = [group.split() for group in TIMES if time in group.split()]
    return next(verb for other, someone, verb in rows if other in times and someone == person)


@SET.exercise(
    "frases", "Conjugar con tres palabras", points=2, cases=_conjugation_cases, accepts=_conjugates,
    hints=(
        "Primero, las palabras: en minúsculas y separadas, tanto en las frases como en las preguntas. El "
        "vocabulario sale de las frases.",
        "La entrada son las dos primeras palabras en one-hot, una por paso; el objetivo, la tercera. A la "
        "capa lineal llega el estado del último paso.",
        "nn.RNN(len(words), 16) y nn.Linear(16, len(words)), con Adam a 0.05 y sesenta épocas de un solo "
        "lote, bastan. Guarda loss.item() en cada época.",
    ),
)  # fmt: skip
def conjugate(sentences, questions):
    rows = [sentence.lower().split() for sentence in sentences]
    asked = [question.lower().split() for question in questions]
    words = sorted({word for row in rows for word in row})
    torch.manual_seed(0)
    rnn, output = nn.RNN(len(words), 16), nn.Linear(16, len(words))

    def logits(pairs):
        ids = torch.tensor([[words.index(word) for word in pair] for pair in pairs])
        outputs, _ = rnn(F.one_hot(ids.T, len(words)).float())
        return output(outputs[-1])

    pairs = [row[:2] for row in rows]
    targets = torch.tensor([words.index(row[2]) for row in rows])
    optimizer = torch.optim.Adam([*rnn.parameters(), *output.parameters()], lr=0.05)
    losses = []
    for _ in range(60):
        loss = F.cross_entropy(logits(pairs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [words[i] for i in logits(asked).argmax(dim=1)]


conjugate.mistaken(
    (".lower()", "",
     "no pasas a minúsculas: «Hoy», «HOY» y «hoy» son entonces tres palabras, y alguna pregunta trae una que "
     "nadie enseñó."),
    ("for word in pair]", "for word in pair[1:]]",
     "la red solo lee la persona. Sin la primera palabra no puede saber el tiempo."),
    ("outputs[-1]", "outputs[0]",
     "la salida mira el estado tras la primera palabra, antes de leer la persona."),
    ("range(60)", "range(4)", "con tan pocas épocas la pérdida apenas baja."),
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
    yield logits + 10, 0.01  # pequeña, pero no cero: sin restar el máximo, desborda


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
    ("(logits - np.max(logits))", "logits",
     "con temperaturas pequeñas la exponencial se desborda. Resta antes el logit mayor: las probabilidades "
     "no cambian."),
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


def _reading_cases(rng):
    def case(length, num_symbols, num_hiddens):
        ids = rng.integers(num_symbols, size=length)
        shapes = [(num_symbols, num_hiddens), (num_hiddens, num_hiddens), (num_hiddens,)]
        shapes += [(num_hiddens, num_symbols), (num_symbols,)]
        return ids, *(rng.normal(0, 1, shape).round(1) for shape in shapes)

    yield case(6, 3, 2)
    yield case(9, 4, 4)
    yield case(2, 3, 3)  # una sola predicción


@SET.exercise(
    "detective", "Detective: medir de corrido", points=2, cases=_reading_cases, tolerance=1e-5,
    hints=(
        "Son tres fallos. ¿Qué estado recibe cada paso? ¿Qué letra se está prediciendo? ¿Entre cuántas?",
        "Al leer de corrido el estado se arrastra de una letra a la siguiente; no vuelve a cero.",
        "De n letras se predicen n − 1: la primera no tiene de dónde.",
    ),
)  # fmt: skip
def stream_bits(ids, W_xh, W_hh, b_h, W_hq, b_q):
    H, total = np.zeros(len(b_h)), 0.0
    for letter, following in zip(ids, ids[1:]):
        H = np.tanh(W_xh[letter] + H @ W_hh + b_h)
        logits = H @ W_hq + b_q
        p = np.exp(logits - logits.max())
        p = p / p.sum()
        total -= np.log2(p[following])
    return total / (len(ids) - 1)


stream_bits.planted(
    ("H = np.tanh(", "H = 0 * H; H = np.tanh(",
     "el estado vuelve a cero en cada letra: la red mide sin memoria."),
    ("p[following]", "p[letter]",
     "puntúas la letra que acaba de entrar, que la red ya ha visto, y no la siguiente."),
    ("(len(ids) - 1)", "len(ids)", "divides entre una letra de más: la primera no se predice."),
)  # fmt: skip
