"""Conjunto «Por qué no aprende»: pérdidas a mano, Vanilla_RNN, gradiente por token y tres averías."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.exercises.exercise import ExerciseSet, OpenQuestion, variants
from coursekit.exercises.running import Chain, Step
from coursekit.text import spanish

SET = ExerciseSet(
    "por-que-no-aprende",
    "Por qué no aprende",
    imports=("numpy", "torch", "coursekit.text"),
    open_questions=(
        OpenQuestion(
            "dos-cosas",
            "Decidir con la media de los estados cambió dos cosas a la vez: todos los tokens entran en la "
            "respuesta y el gradiente llega a cada uno por un camino corto. Propón un entrenamiento que las "
            "separe, di qué saldría si la causa fuera una y qué si fuera la otra.",
            "2 puntos: 0.5 si el entrenamiento cambia una sola de las dos; 0.5 si dice qué resultado "
            "desmentiría cada explicación; 0.5 por un contador con los mismos tokens al lado; 0.5 por "
            "varias semillas y una validación común.",
            2.0,
        ),
        OpenQuestion(
            "foro",
            "En un foro escriben: «mi red se queda en 50 %, he puesto más capas y menos tasa y ya va por el "
            "70 %». ¿Qué dos preguntas le harías y qué dos pruebas le pedirías antes?",
            "1 punto: 0.25 por qué hace cada cambio solo; 0.25 por la exactitud de entrenamiento junto a la "
            "de validación; 0.25 por contar con los mismos lotes; 0.25 por el lote de memoria o la primera "
            "pérdida.",
            1.0,
        ),
    ),
)

# Clases, textos del lote, tanto por ciento de la clase frecuente y cuántos del lote son indistinguibles.
VARIANTS = [(4, 32, 75, 8), (5, 16, 80, 4), (8, 64, 90, 16), (3, 20, 70, 6), (6, 10, 65, 4)]
VARIANTS += [(10, 25, 70, 10), (7, 50, 90, 20), (4, 40, 80, 10), (5, 64, 65, 24), (9, 30, 85, 6)]


@SET.exercise(
    "perdidas_a_mano", "Cinco pérdidas con lápiz y papel", name="loss_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "al empezar": "¿qué paga quien reparte por igual entre K clases? El logaritmo es el natural",
        "sumada": "¿y si la pérdida del lote no se divide entre sus n textos?",
        "con softmax de más": "el mejor logit es 1 y los demás, 0: ¿cuántos son los demás?",
        "entrada a cero": "¿qué reparto es el mejor, si una clase es más frecuente?",
        "indistinguibles": "¿cuántos textos pagan, y cuánto cada uno? Los demás no pagan nada",
    },
    hints=(
        "Busca en la página las dos pérdidas con número: la de empezar y el suelo. Las otras tres son "
        "medias de lo que paga cada texto.",
        "Sin ver el texto, lo mejor es dar la proporción de cada clase: la pérdida es su entropía, en nats. "
        "Y quien ve iguales dos clases que van a medias reparte entre las dos.",
        "En la variante 0: log 4 = 1.386; la entropía de 3/4 y 1/4 es 0.562; 8 textos de 32 pagan log 2.",
    ),
)  # fmt: skip
def losses_by_hand(variant):
    K, n, percent, m = VARIANTS[variant]
    p = percent / 100
    return [
        math.log(K),
        n * math.log(K),
        math.log(1 + (K - 1) * math.exp(-1)),
        -p * math.log(p) - (1 - p) * math.log(1 - p),
        m / n * math.log(2),
    ]


losses_by_hand.mistaken(
    ("math.log(1 + (K - 1) * math.exp(-1))", "math.log(1 + math.exp(-1))",
     "el suelo de la softmax de más lo calculas con dos clases, y hay más."),
    ("math.log(1 + (K - 1) * math.exp(-1))", "math.log(K - 1 + math.exp(-1))",
     "el logit del acierto es 1 y los otros K − 1 son 0: al dividir entre e, el 1 queda solo una vez."),
    ("-p * math.log(p) - (1 - p) * math.log(1 - p)", "math.log(2)",
     "con la entrada a cero supones las clases igual de frecuentes; la red aprende la proporción."),
    ("-p * math.log(p) - (1 - p) * math.log(1 - p)", "-p * math.log2(p) - (1 - p) * math.log2(1 - p)",
     "la entropía está en bits; la pérdida va en nats."),
    ("-p * math.log(p) - (1 - p) * math.log(1 - p)", "-math.log(p)",
     "-log p es lo que paga la clase frecuente; falta lo que paga la otra, cada una con su peso."),
    ("m / n * math.log(2)", "math.log(2)",
     "solo pagan los m indistinguibles, y la pérdida es la media de los n."),
    ("m / n * math.log(2)", "(n - m) / n * math.log(2)",
     "pagan los que no se distinguen, no los otros."),
    ("n * math.log(K)", "math.log(n * K)",
     "sumar n pérdidas iguales es multiplicar por n fuera del logaritmo."),
    ("-p * math.log(p) - (1 - p) * math.log(1 - p)", "-p * math.log(p)",
     "es lo que pone la clase frecuente; falta sumar lo que pone la otra."),
    ("m / n * math.log(2)", "m * math.log(2)",
     "la pérdida es la media: falta dividir entre los n textos."),
    ("m / n * math.log(2)", "m / n",
     "es qué parte de los textos paga; falta lo que paga cada uno."),
)  # fmt: skip


def _numbers(rng, *shape):
    return torch.tensor(rng.uniform(-1.5, 1.5, shape).round(1).tolist())


def _network_cases(rng):
    def case(num_classes, embed_size, num_hiddens, lengths, pad=1):
        state = {
            "embedding.weight": _numbers(rng, 5, embed_size),
            "rnn.weight_ih_l0": _numbers(rng, num_hiddens, embed_size),
            "rnn.weight_hh_l0": _numbers(rng, num_hiddens, num_hiddens),
            "rnn.bias_ih_l0": _numbers(rng, num_hiddens),
            "rnn.bias_hh_l0": _numbers(rng, num_hiddens),
            "output_layer.weight": _numbers(rng, num_classes, num_hiddens),
            "output_layer.bias": _numbers(rng, num_classes),
        }
        ids = [[*rng.integers(2, 5, n).tolist(), *[pad] * (max(lengths) - n)] for n in lengths]
        read = Step("__call__", (torch.tensor(ids), torch.tensor(lengths)))
        sizes = 5, num_classes, embed_size, num_hiddens
        learn = Step("__gradients__", read.arguments)
        return Chain(sizes, (Step("load_state_dict", (state,), keep=False), read, learn))

    yield Chain((7, 2), (Step("__shapes__"),))  # los tamaños de siempre
    yield case(2, 2, 2, [2, 4, 3])
    yield case(3, 3, 2, [1, 4])  # tres clases y un texto de un token
    yield case(2, 2, 3, [3, 1], pad=0)  # el relleno, con otro índice: mandan los largos


def _reads_to_the_end(case, value):
    if not isinstance(value, list) or len(value) != len([step for step in case.steps if step.keep]):
        return "tu red debe devolver un tensor de logits"
    if len(case.arguments) == 2:
        return _wrong_shapes(value[0])
    model = Vanilla_RNN(*case.arguments)
    model.load_state_dict(case.steps[0].arguments[0])
    logits = model(*case.steps[1].arguments)
    logits.sum().backward()
    want = logits.detach().numpy()
    if isinstance(value[0], list):
        return "tu red devuelve varias cosas; se piden los logits, y nada más"
    try:
        got = np.asarray(value[0], dtype=float)
    except (TypeError, ValueError, IndexError, KeyError):
        return "tu red debe devolver un tensor de logits"
    if got.shape != want.shape:
        return f"tu red devuelve la forma {got.shape} y se espera {want.shape}, (textos, clases)"
    for row, (mine, right) in enumerate(zip(got, want)):
        if not np.allclose(mine, right, atol=1e-4):
            length = int(case.steps[1].arguments[1][row])
            shown = f"{np.round(mine, 3).tolist()}, y se espera {np.round(right.astype(float), 3).tolist()}"
            return f"tu red da en el texto {row}, que tiene {length} tokens verdaderos, {shown}"
    for name, weights in model.named_parameters():
        grad = value[1].get(name) if isinstance(value[1], dict) else None
        if not isinstance(grad, np.ndarray) or not np.allclose(grad, weights.grad.numpy(), atol=1e-3):
            return f"los logits son esos, pero a {name} no le llega el gradiente que debe: ¿hay un detach?"
    return None


def _wrong_shapes(got):
    want = {name: tuple(weights.shape) for name, weights in Vanilla_RNN(7, 2).named_parameters()}
    got = {name: tuple(shape) for name, shape in got.items()} if isinstance(got, dict) else {}
    for name in (*want, *got):
        if name not in got:
            return f"tu red no tiene el parámetro {name}: mira los nombres de las capas y los sesgos"
        if name not in want:
            return f"tu red tiene un parámetro de más, {name}: se pide una capa de una dirección"
        if want[name] != got[name]:
            return (
                f"tu red, con 7 tokens, 2 clases y los tamaños de siempre, tiene {name} de forma "
                f"{got[name]} y se espera {want[name]}"
            )
    return None


@SET.exercise(
    "vanilla_rnn", "Vanilla_RNN, sin leer el relleno", points=2,
    cases=_network_cases, accepts=_reads_to_the_end,
    hints=(
        "Tres capas, con estos nombres: `embedding`, `rnn` y `output_layer`. En `forward` entran ids "
        "(lote, pasos) y lengths (lote,).",
        "`nn.RNN` lee (pasos, lote, ·): hay que transponer lo que da el embedding. Devuelve todos los "
        "estados y, aparte, el del último paso, que en los textos cortos es relleno.",
        "El estado que decide es `H[lengths - 1, torch.arange(len(lengths))]`.",
    ),
)  # fmt: skip
def Vanilla_RNN(vocab_size, num_classes, embed_size=100, num_hiddens=256):  # noqa: N802
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_size)
            self.rnn = nn.RNN(embed_size, num_hiddens)
            self.output_layer = nn.Linear(num_hiddens, num_classes)

        def forward(self, ids, lengths):
            H, last = self.rnn(self.embedding(ids).transpose(0, 1))
            return self.output_layer(H[lengths - 1, torch.arange(len(lengths))])

    return Model()


Vanilla_RNN.mistaken(
    ("H[lengths - 1, torch.arange(len(lengths))]", "last[0]",
     "decides con el estado del último paso, que en los textos cortos ya ha leído relleno."),
    ("H[lengths - 1, torch.arange(len(lengths))]", "H[lengths - 2, torch.arange(len(lengths))]",
     "decides con el penúltimo token: el último está en el lugar lengths − 1, contando desde 0."),
    ("H[lengths - 1, torch.arange(len(lengths))]", "H[(ids != 1).sum(1) - 1, torch.arange(len(lengths))]",
     "das por hecho que el relleno es el índice 1: dónde acaba cada texto lo dice `lengths`."),
    ("self.embedding(ids).transpose(0, 1)", "self.embedding(ids)",
     "`nn.RNN` lee (pasos, lote, ·), y le das (lote, pasos, ·): mezcla los textos."),
    ("H[lengths - 1, torch.arange(len(lengths))]", "H.mean(0)",
     "decides con la media de todos los estados, los del relleno también."),
    ("self.output_layer(H[lengths - 1, torch.arange(len(lengths))])",
     "self.output_layer(H[lengths - 1, torch.arange(len(lengths))]).softmax(1)",
     "hay una softmax de más: la entropía cruzada de PyTorch ya trae la suya."),
    ("embed_size=100, num_hiddens=256", "embed_size=256, num_hiddens=100",
     "los tamaños de siempre están cambiados: *embedding* de 100 y estado de 256."),
    ("H[lengths - 1, torch.arange(len(lengths))]", "H[lengths - 1, torch.arange(len(lengths))].detach()",
     "el `detach` corta el gradiente: ni la RNN ni el *embedding* aprenderían."),
    ("self.embedding(ids).transpose(0, 1)", "self.embedding(ids).detach().transpose(0, 1)",
     "el `detach` corta el gradiente: el *embedding* no aprendería."),
    ("H[lengths - 1, torch.arange(len(lengths))]", "H[lengths - 1][:, -1]",
     "`H[lengths - 1][:, -1]` es siempre el último texto del lote: cada texto tiene su columna."),
)  # fmt: skip


def _arrival_cases(rng):
    def case(steps, inputs, hiddens, reading):
        # Ningún peso nulo: una fila de ceros escondería cómo se suman los componentes.
        X, W_xh = _numbers(rng, steps, inputs), _numbers(rng, inputs, hiddens) + 0.05
        return X, W_xh, 0.5 * _numbers(rng, hiddens, hiddens), _numbers(rng, hiddens), reading

    yield case(4, 2, 2, "último")
    yield case(5, 2, 3, "media")
    yield case(6, 1, 2, "último")
    yield case(1, 2, 2, "media")  # un solo token: le llega todo


@SET.exercise(
    "llega", "¿Cuánto le llega a cada token?", points=1.5, cases=_arrival_cases,
    hints=(
        "Haz una copia de X que pida gradiente: `X.clone().requires_grad_()`. Lee con un bucle y guarda los "
        "estados.",
        "La nota es `state @ w`, con el último estado o con la media de todos; un número.",
        "`torch.autograd.grad(score, X)[0]` tiene la forma de X: la norma de cada fila, entre la suma de las "
        "normas.",
    ),
)  # fmt: skip
def arrives(X, W_xh, W_hh, w, reading):
    X = X.clone().requires_grad_()
    H, states = torch.zeros(len(W_hh)), []
    for x in X:
        H = torch.tanh(x @ W_xh + H @ W_hh)
        states.append(H)
    state = H if reading == "último" else torch.stack(states).mean(0)
    G = torch.autograd.grad(state @ w, X)[0]
    norms = G.norm(dim=1)
    return (norms / norms.sum()).tolist()


arrives.mistaken(
    ('H if reading == "último" else torch.stack(states).mean(0)', "H",
     "la lectura no cambia nada en tu función: con la media entran todos los estados."),
    ('H if reading == "último"', 'H if reading != "último"', "las dos lecturas están intercambiadas."),
    ('H if reading == "último" else torch.stack(states).mean(0)', "torch.stack(states).mean(0)",
     "la lectura no cambia nada en tu función: con «último», que lleva tilde, decide un solo estado."),
    ("norms / norms.sum()", "norms / norms.max()",
     "divides entre la mayor: así son cocientes con ella, y no partes de un total."),
    ("norms / norms.sum()", "norms", "falta dividir entre la suma: se piden partes de un total."),
    ("G.norm(dim=1)", "G.square().sum(1)",
     "son los cuadrados de las normas: exageran lo grande y esconden lo pequeño."),
    ("G.norm(dim=1)", "G.sum(1).abs()",
     "sumas componentes de distinto signo, que se anulan: la norma no las deja."),
    ("H @ W_hh)", "H.detach() @ W_hh)",
     "el `detach` corta el camino: a los tokens de antes deja de llegarles nada."),
)  # fmt: skip

GOOD = {"genial", "preciosa", "divertida", "emocionante", "magnífica"}
BAD = {"aburrida", "pésima", "lenta", "ridícula", "fallida"}
_PRAISE = ["¡Genial!", "Preciosa, de verdad.", "Divertida y emocionante.", "¡Qué historia tan magnífica!"]
_PRAISE += ["MAGNÍFICA.", "Una hora genial, aunque la otra sea lenta. Genial."]
_BLAME = ["Pésima.", "¡Qué aburrida!", "Lenta, lenta y ridícula.", "RIDÍCULA."]
_BLAME += ["Una idea preciosa; fallida y lenta.", "Aburrida como ella sola."]
_NEUTRAL = ["Una película violenta.", "La vi el martes.", "Genial la música, lenta la historia."]


def _shift_cases(rng):
    def case(praise, blame, neutral, shift):
        drawn = [(t, "buena") for t in rng.choice(_PRAISE, praise, replace=False).tolist()]
        drawn += [(t, "mala") for t in rng.choice(_BLAME, blame, replace=False).tolist()]
        drawn += [(t, label) for t, label in zip(_NEUTRAL, ("mala", "buena", "mala")[:neutral])]
        texts, labels = map(list, zip(*(drawn[i] for i in rng.permutation(len(drawn)))))
        return texts, labels[-shift:] + labels[:-shift] if shift else labels

    yield case(5, 4, 2, 1 + int(rng.integers(2)))
    yield case(6, 4, 3, 4 + int(rng.integers(3)))
    yield case(4, 5, 3, 3)
    yield case(3, 4, 1, 0)  # en su sitio


@SET.exercise(
    "corridas", "Etiquetas corridas, en español", points=1.5, cases=_shift_cases,
    hints=(
        "`spanish(text)` da las palabras en minúsculas y sin pegarles los signos.",
        "De cada texto, cuántas palabras de GOOD menos cuántas de BAD: si pasa de 0, dice «buena»; si no "
        "llega, «mala»; si es 0, no dice nada y no acierta.",
        "Prueba cada corrimiento s de 0 a n − 1: al texto i le toca labels[(i + s) % n]. Cuenta los aciertos "
        "de cada s.",
    ),
)  # fmt: skip
def hits_by_shift(texts, labels):
    said = []
    for text in texts:
        words = spanish(text)
        score = sum(word in GOOD for word in words) - sum(word in BAD for word in words)
        said.append("buena" if score > 0 else "mala" if score < 0 else None)
    n = len(texts)
    return [sum(said[i] == labels[(i + s) % n] for i in range(n)) for s in range(n)]


hits_by_shift.mistaken(
    ("labels[(i + s) % n]", "labels[i - s]",
     "corres las etiquetas hacia el otro lado."),
    ('"mala" if score < 0 else None', '"mala"',
     "un texto sin palabras de ninguna lista no dice nada: tú lo das por malo."),
    ('"mala" if score < 0 else None', '"mala" if score < 0 else "buena"',
     "un texto sin palabras de ninguna lista no dice nada: tú lo das por bueno."),
    ("spanish(text)", "text.lower().split()",
     "«genial!» no es «genial»: faltan por separar los signos."),
    ("spanish(text)", "[word for word in GOOD | BAD for _ in range(text.lower().count(word))]",
     "cuentas también trozos de palabra: «violenta» no dice «lenta»."),
    ("labels[(i + s) % n] for i in range(n))", "labels[i + s] for i in range(n - s))",
     "al llegar al final hay que seguir por el principio: eso hace el resto entre n."),
    ("spanish(text)", "text.split()",
     "«¡Genial!» no es «genial» si no se separan los signos y se pasa a minúsculas."),
    ("words = spanish(text)", "words = set(spanish(text))",
     "cuentas cada palabra una vez, y en «genial […] lenta […] genial» hay dos a favor."),
    ("for s in range(n)]", "for s in range(1, n)]",
     "falta el corrimiento 0: las etiquetas podrían estar en su sitio."),
)  # fmt: skip


def _run_cases(rng):
    def case(K, first, counted, train, valid, again=None, num_train=2000, num_valid=500):
        first = round(math.log(K) + first, 2)
        counted, train, valid, again = (
            round(1 / K + above + float(rng.uniform(-0.001, 0.001)), 4)
            for above in (counted, train, valid, valid if again is None else again)
        )
        again = valid if abs(again - valid) < 0.005 else again
        return K, first, counted, train, valid, again, num_train, num_valid

    yield case(2, 0.02, 0.26, 0.25, 0.22)  # sana
    yield case(10, 0.05, 0.2, 0.3, 0.25)  # sana también, y no llega a la mitad
    yield case(2, 0.03, 0.26, 0.25, 0.22, again=0.21)  # falta eval()
    yield case(4, 0.9, 0.4, 0.5, 0.45)  # dos salidas de más, y aprende
    yield case(4, -0.8, 0.4, 0.5, 0.45)  # una pérdida menor de la cuenta
    yield case(2, 0.02, 0.01, 0.45, 0.01)  # etiquetas corridas
    yield case(2, 0.01, 0.26, 0.01, 0.0)  # ni lo que lee
    yield case(2, 0.02, 0.26, 0.035, 0.01)  # 3.5 puntos: en 2000 no son azar, en 500 lo serían
    yield case(2, 0.02, 0.26, 0.28, 0.035)  # al revés: 3.5 puntos en 500
    yield case(2, -0.02, 0.26, 0.28, -0.06)  # por debajo del azar tampoco sirve
    yield case(10, 0.05, 0.45, 0.55, 0.035)  # con diez clases, 3.5 puntos sí son algo
    yield case(10, 0.05, 0.02, 0.55, 0.3)  # con diez clases, quien cuenta está en el azar
    yield case(4, 0.9, 0.0, 0.01, 0.0, again=-0.03)  # todo a la vez: manda la más barata de fiarse
    yield case(4, 0.9, 0.0, 0.01, 0.0)
    yield case(4, 0.05, 0.0, 0.0, 0.0)
    yield case(4, 0.05, 0.3, 0.0, 0.2)


@SET.exercise(
    "males", "¿Cuál de los males?", points=1.5, cases=_run_cases,
    hints=(
        "Son cinco preguntas en orden, y la primera que se cumple decide: cinco `if` con su `return`, y "
        "al final «nada».",
        "Lo que se acierta por azar es 1/K, y el margen, 1.96·√(p(1 − p)/n) con p = 1/K: con n = num_valid "
        "para lo medido en la validación, y n = num_train para lo medido al entrenar.",
        "«No pasa del azar» es quedar en 1/K + margen, o por debajo; la primera pérdida se mira con "
        "`abs(first - math.log(K)) > 0.3`.",
    ),
)  # fmt: skip
def diagnose(K, first, counted, train, valid, again, num_train, num_valid):
    def by_chance(hits, n):
        return hits <= 1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)

    if valid != again:
        return "eval"
    if abs(first - math.log(K)) > 0.3:
        return "pérdida"
    if by_chance(counted, num_valid):
        return "lotes"
    if by_chance(train, num_train):
        return "no aprende"
    if by_chance(valid, num_valid):
        return "no le sirve"
    return "nada"


diagnose.mistaken(
    ("hits <= 1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)", "hits < 0.55",
     "usas el 55 % de la página, que era para dos clases y dos mil reseñas: aquí cambian K y n."),
    ("1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)", "1 / K + 1.96 * math.sqrt(0.25 / n)",
     "el margen de dos clases es p(1 − p) = 0.25; con más, p es 1/K y el margen, menor."),
    ("1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)",
     "0.5 + 1.96 * math.sqrt(0.25 / n)",
     "el azar es 1/K: supones siempre dos clases."),
    ("hits <= 1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)", "hits <= 1 / K",
     "falta el margen: por azar también se pasa de 1/K la mitad de las veces."),
    ("hits <= 1 / K + 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)",
     "abs(hits - 1 / K) <= 1.96 * math.sqrt((1 / K) * (1 - 1 / K) / n)",
     "quien acierta menos que el azar tampoco ha aprendido nada que le sirva: no es «nada»."),
    ("by_chance(train, num_train)", "by_chance(train, num_valid)",
     "lo que acierta al entrenar se mide en num_train textos, no en num_valid."),
    ("by_chance(valid, num_valid)", "by_chance(valid, num_train)",
     "la validación tiene num_valid textos: con menos textos, el margen es mayor."),
    ("abs(first - math.log(K)) > 0.3", "first - math.log(K) > 0.3",
     "una primera pérdida muy por debajo de log K también es señal: no lo miras."),
    ("abs(first - math.log(K)) > 0.3", "abs(first - math.log2(K)) > 0.3",
     "el logaritmo es el natural: la pérdida va en nats."),
    ('    if valid != again:\n        return "eval"\n', "",
     "dos medidas de la misma red que no coinciden ya dicen algo, y no lo miras."),
    ('    if by_chance(counted, num_valid):\n        return "lotes"\n', "",
     "si ni contando se acierta en esos lotes, eso va antes que mirar la red."),
    ("by_chance(train, num_train)", "by_chance(valid, num_valid)",
     "miras la validación antes que el entrenamiento: los dos males se confunden en uno."),
)  # fmt: skip


def _loop_cases(rng):
    def case(num_texts, num_tokens, num_classes, num_steps):
        lengths = [2, 5, *rng.integers(1, 6, num_texts - 2).tolist()]
        ids = [[*rng.integers(2, num_tokens, n).tolist(), *[1] * (5 - n)] for n in lengths]
        y = [*range(num_classes), *rng.integers(0, num_classes, num_texts - num_classes).tolist()]
        return (torch.tensor(ids), torch.tensor(lengths), torch.tensor(y),
                _numbers(rng, num_tokens, num_classes), 0.5, num_steps)  # fmt: skip

    yield case(4, 6, 2, 4)
    yield case(5, 7, 3, 5)
    yield case(6, 6, 2, 3)
    # Con una tasa muy alta la pérdida sube alguna vez, y debe verse.
    ids, lengths, y, E, _, _ = case(4, 6, 2, 4)
    ids[1], lengths[1], y[1] = ids[0], lengths[0], 1 - y[0]  # un texto con las dos clases
    yield ids, lengths, y, E, 60.0, 6


@SET.exercise(
    "detective", "Detective: una pérdida que se atasca", points=2, cases=_loop_cases, tolerance=1e-3,
    hints=(
        "Son tres fallos: en lo que se promedia, en lo que recibe la pérdida y en lo que se acumula.",
        "¿Entre cuántos se divide la suma de un texto de 2 tokens con 3 rellenos?",
        "`F.cross_entropy` recibe logits, y los gradientes de un paso no deben quedarse para el siguiente.",
    ),
)  # fmt: skip
def loss_curve(ids, lengths, y, E, lr, num_steps):
    E = E.clone().requires_grad_()
    optimizer = torch.optim.SGD([E], lr=lr)
    real = (torch.arange(ids.shape[1]) < lengths[:, None]).float()
    losses = []
    for _ in range(num_steps):
        logits = (E[ids] * real[..., None]).sum(1) / lengths[:, None]
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


loss_curve.planted(
    ("(E[ids] * real[..., None]).sum(1) / lengths[:, None]", "(E[ids] * real[..., None]).mean(1)",
     "la media divide entre las columnas del lote, y no entre los tokens de cada texto."),
    ("F.cross_entropy(logits, y)", "F.cross_entropy(logits.softmax(1), y)",
     "hay una softmax de más: la pérdida no puede bajar de su suelo."),
    ("        optimizer.zero_grad()\n", "",
     "los gradientes de cada paso se suman a los de antes."),
)  # fmt: skip

loss_curve.mistaken(
    ("(E[ids] * real[..., None]).sum(1) / lengths[:, None]", "E[ids].mean(1)",
     "la media cuenta también el relleno, que suma su vector y alarga el texto."),
    ("optimizer.zero_grad()\n        loss.backward()", "loss.backward()\n        optimizer.zero_grad()",
     "`zero_grad` va antes de `backward`: después, borra el gradiente que se iba a usar."),
)  # fmt: skip
