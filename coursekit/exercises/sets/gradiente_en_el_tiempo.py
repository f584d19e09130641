"""Conjunto «El gradiente en el tiempo»: volver a mano y en código, cortar, cortar al azar y recortar."""

import itertools
import re

import numpy as np

from coursekit.exercises.exercise import ExerciseSet, variants

SET = ExerciseSet("gradiente-en-el-tiempo", "El gradiente en el tiempo", imports=("itertools", "re", "numpy"))

# El peso recurrente y los estados de los pasos 1, 2 y 3, en décimas, en cada variante.
VARIANTS = [(2, 5, 8, 9), (3, 4, -6, 8), (-2, 6, 5, -7), (2, -3, 7, 9), (3, 8, 4, 7)]
VARIANTS += [(-3, 7, 9, 5), (4, 2, 7, 8), (2, -5, -9, 7), (-4, 3, 5, -4), (-2, 4, -8, 6)]


@SET.exercise(
    "volver_a_mano", "Volver con lápiz y papel", name="back_values", points=1.5, cases=variants,
    tolerance=2e-2,
    parts={
        "A_3": "¿multiplicaste por 1 − H_3²?",
        "G_2": "¿multiplicaste A_3 por el peso?",
        "G_1": "¿repetiste las dos multiplicaciones, con el estado del paso 2?",
        "∂L/∂w": "¿sumaste lo que aportan los pasos 3 y 2?",
    },
    hints=(
        "Cada paso atrás son dos multiplicaciones: por 1 − H², que cruza la tanh, y por el peso w.",
        "A_3 = 1·(1 − H_3²), G_2 = w·A_3; después A_2 = G_2·(1 − H_2²) y G_1 = w·A_2.",
        "∂L/∂w = H_2·A_3 + H_1·A_2 + H_0·A_1, y H_0 es cero.",
    ),
)  # fmt: skip
def back_by_hand(variant):
    w, *tenths = VARIANTS[variant]
    h_1, h_2, h_3 = (tenth / 10 for tenth in tenths)
    A_3 = 1 - h_3**2
    G_2 = w * A_3
    A_2 = G_2 * (1 - h_2**2)
    G_1 = w * A_2
    return [A_3, G_2, G_1, h_2 * A_3 + h_1 * A_2]


back_by_hand.mistaken(
    ("1 - h_3**2", "1 - h_3",
     "la derivada de la tanh es 1 − H², con el cuadrado."),
    ("1 - h_3**2", "1",
     "te saltaste la tanh del último paso: A_3 es G_3 por 1 − H_3²."),
    ("h_2 * A_3 + h_1 * A_2", "h_2 * A_3",
     "te quedaste en el último paso. El peso actuó en todos, y su gradiente es la suma."),
    ("h_2 * A_3 + h_1 * A_2", "h_3 * A_3 + h_2 * A_2",
     "multiplicaste por el estado que sale. Al peso lo multiplica el que entra, H_{t−1}."),
    ("h_2 * A_3 + h_1 * A_2", "h_3 * A_3 + h_2 * A_2 + h_1 * G_1 * (1 - h_1**2)",
     "multiplicaste por el estado que sale. Al peso lo multiplica el que entra, H_{t−1}."),
    ("h_2 * A_3 + h_1 * A_2", "h_2 + h_1 * G_2",
     "multiplicaste por G_t. El peso está dentro de la tanh: su parte es H_{t−1}·A_t."),
    ("G_2 * (1 - h_2**2)", "G_2",
     "cruzaste el paso 2 sin su tanh: falta 1 − H_2²."),
)  # fmt: skip


def _back_cases(rng):
    def case(steps, batch, hiddens):
        states = np.tanh(rng.normal(0, 1, (steps + 1, batch, hiddens)).round(1))
        W_hh = rng.normal(0, 1, (hiddens, hiddens)).round(1) + np.eye(hiddens)[::-1]
        W_hh += np.triu(np.ones_like(W_hh), 1)  # que no se parezca a su traspuesta
        return states, W_hh, rng.normal(0, 1, (steps, batch, hiddens)).round(1)

    yield case(3, 2, 3)
    yield case(1, 2, 2)  # un solo paso
    yield case(5, 1, 2)
    states, W_hh, G_out = case(4, 2, 2)
    G_out[:-1] = 0  # solo se predice al final
    yield states, W_hh, G_out


@SET.exercise(
    "bptt", "Volver en código", points=2.5, cases=_back_cases, tolerance=1e-6,
    hints=(
        "Recorre t de T a 1 con una G que empieza en cero. En cada paso, primero súmale G_out[t − 1].",
        "A = G * (1 − states[t]**2); al total se le suma states[t − 1].T @ A; y hacia atrás va A @ W_hh.T.",
        "Los términos de W_hh se suman; G se reescribe en cada paso. Al final, G es lo que llega al estado "
        "inicial.",
    ),
)  # fmt: skip
def backward(states, W_hh, G_out):
    G, total = np.zeros_like(states[0]), np.zeros_like(W_hh)
    for t in range(len(G_out), 0, -1):
        G = G + G_out[t - 1]
        A = G * (1 - states[t] ** 2)
        total = total + states[t - 1].T @ A
        G = A @ W_hh.T
    return total, G


backward.mistaken(
    ("A @ W_hh.T", "A @ W_hh",
     "falta trasponer: hacia delante el estado se multiplica por W_hh; hacia atrás, por su traspuesta."),
    ("total = total + states", "total = states",
     "cada paso borra lo que aportó el anterior: el gradiente de un peso compartido es una suma."),
    ("G = G + G_out[t - 1]", "G = G_out[t - 1]",
     "pierdes lo que venía de más adelante: a cada estado le llega de su predicción y del paso siguiente."),
    ("G + G_out[t - 1]", "G + G_out[t - 1] * (t == len(G_out))",
     "solo entra la última predicción, como en la lección: aquí se predice en todos los pasos."),
    ("states[t - 1].T @ A", "A.T @ states[t - 1]",
     "el gradiente de W_hh te sale traspuesto: a la izquierda va el estado que entra."),
    ("G * (1 - states[t] ** 2)", "G",
     "falta la derivada de la tanh, 1 − H_t²."),
    ("states[t - 1].T @ A", "states[t].T @ A",
     "a W_hh lo multiplica el estado con que empieza el paso, H_{t−1}."),
    ("range(len(G_out), 0, -1)", "range(1, len(G_out) + 1)",
     "recorres el tiempo hacia delante: el error viaja del último paso al primero."),
    ("1 - states[t] ** 2", "1 - states[t - 1] ** 2",
     "la derivada de la tanh va con el estado que salió de ella, H_t."),
)  # fmt: skip

PHRASES = (
    "Vino tarde. ", "¿Quién llama? ", "—dijo el cura. ", "¡Ay, señor! ", "¿Qué gigantes? ", "¡Válame Dios! ",
    "¿No le dije yo, señor, que mirase bien lo que hacía? ", "Eran molinos, ¡molinos!, y no más. ",
)  # fmt: skip


def _cutting_cases(rng):
    def text(count):
        return "".join(PHRASES[i] for i in rng.integers(len(PHRASES), size=count))

    yield text(8) + "¿Y si, ¡ay!, no viene? ", 16  # un signo dentro de otra frase
    yield "Sí? " + text(6) + "¡Fuego", 24  # uno que cierra sin abrir, y uno que abre sin cerrar
    yield "¿Cómo te atreves! ¿Quién es? ¡Ea!", 12  # una mezcla los signos; otra mide lo que la ventana
    yield text(3) + "Nadie. ¿Vas? ¿No le dije yo que volviese?", 8  # una no cabe en ninguna
    yield "¡Ay! Y calló. ¿Vienes\nhoy? " + text(2), 16  # una al comienzo, y otra en dos renglones
    yield "Sin signos que cerrar.", 5


@SET.exercise(
    "preguntas", "Preguntas cortadas al azar", points=1.5, cases=_cutting_cases, tolerance=1e-6,
    hints=(
        "Busca primero las frases, con una expresión para cada signo, unidas por |. Fíjate en cuánto mide "
        "cada una: el lugar ya no importa.",
        "Una frase de n letras tiene n − 1 huecos entre letra y letra. Cada desfase pone sus fronteras en "
        "otro sitio: ¿cuántos de los window desfases ponen una en alguno de esos huecos?",
        "Si n <= window, la dejan entera window − n + 1 desfases; si no, ninguno. Suma y divide por window.",
    ),
)  # fmt: skip
def uncut(text, window):
    found = re.findall("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", text)
    return len(found), sum(max(window - len(phrase) + 1, 0) for phrase in found) / window


uncut.mistaken(
    ("sum(max(window - len(phrase) + 1, 0) for phrase in found) / window",
     "sum(len(phrase) <= window for phrase in found)",
     "cuentas las que caben por su tamaño. Una frase corta queda cortada si la frontera le cae en medio."),
    ("window - len(phrase) + 1", "window - len(phrase)",
     "una frase de n letras se parte por n − 1 huecos, no por n: la que mide lo que la ventana aún cabe, "
     "con un desfase."),
    ("max(window - len(phrase) + 1, 0)", "(window - len(phrase) + 1)",
     "las frases más largas que la ventana te restan: con ningún desfase quedan enteras, y cuentan cero."),
    ("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", "[¿¡][^¿¡?!]*[?!]",
     "das por frase la que abre con un signo y cierra con el otro: ¿…! no cuenta."),
    ("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", "¿[^¿¡?!]*[?]",
     "solo miras las preguntas: las exclamaciones también abren y cierran."),
    ("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", "¿.*?[?]|¡.*?!",
     "entre el signo que abre y el que cierra no puede haber otro de los cuatro."),
    ("sum(max(window - len(phrase) + 1, 0) for phrase in found) / window",
     "sum(start // window == (end - 1) // window for start, end in "
     "(match.span() for match in re.finditer('¿[^¿¡?!]*[?]|¡[^¿¡?!]*!', text)))",
     "solo miras las ventanas que empiezan en la primera letra: se pide la media de todos los desfases."),
    ("sum(max(window - len(phrase) + 1, 0) for phrase in found) / window",
     "sum(start >= offset and (start - offset) // window == (end - 1 - offset) // window "
     "for offset in range(window) for start, end in "
     "(match.span() for match in re.finditer('¿[^¿¡?!]*[?]|¡[^¿¡?!]*!', text))) / window",
     "olvidas la primera ventana, la que mide el desfase: ahí también cabe una frase."),
    ("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", "¿[^¿¡?!\\n]*[?]|¡[^¿¡?!\\n]*!",
     "una frase puede seguir en el renglón siguiente: entre sus signos caben saltos de línea."),
    ("/ window", "",
     "eso suma los enteros de todos los desfases: para la media falta dividir por cuántos hay."),
)  # fmt: skip


def _spread_cases(rng):
    def terms(count):
        return (rng.choice([-1, 1]) * rng.uniform(0.5, 1.5, count)).round(2).tolist()

    yield terms(4), 0.6
    yield terms(3), 0.25
    yield terms(1), 0.7  # nada que cruzar
    yield terms(2), 0.8
    yield terms(5), 0.9


@SET.exercise(
    "al_azar", "El precio de cortar al azar", points=2, cases=_spread_cases, tolerance=1e-6,
    hints=(
        "Con K fronteras hay 2**K maneras de cortar: itertools.product([0, 1], repeat=K). Si pasan m, su "
        "probabilidad es p**m * (1 − p)**(K − m).",
        "Lo que cruza k fronteras se multiplica por k factores, cada uno 0 o 1/p: np.cumprod los da todos.",
        "La varianza es la media de los cuadrados menos el cuadrado de la media, sobre el gradiente entero: "
        "los términos comparten fronteras y no varían por separado.",
    ),
)  # fmt: skip
def spread(terms, p):
    K, mean, square = len(terms) - 1, 0.0, 0.0
    for kept in itertools.product([0, 1], repeat=K):
        weight = p ** sum(kept) * (1 - p) ** (K - sum(kept))
        factors = np.cumprod([1.0, *(passes / p for passes in kept)])
        value = factors @ np.array(terms)
        mean, square = mean + weight * value, square + weight * value**2
    return mean, square - mean**2


spread.mistaken(
    ("passes / p", "passes",
     "lo que pasa no se agranda: sin dividir por p, la media queda por debajo del gradiente entero."),
    ("passes / p", "passes * p",
     "lo que pasa se encoge: para que la media de cada factor sea 1 hay que dividir por p."),
    ("np.cumprod([1.0, *(passes / p for passes in kept)])",
     "np.array([1.0, *(passes / p for passes in kept)])",
     "cada término lleva solo el factor de una frontera: el que cruza varias los lleva todos, "
     "multiplicados."),
    ("p ** sum(kept) * (1 - p) ** (K - sum(kept))", "1 / 2**K",
     "das a todas las maneras de cortar la misma probabilidad, y una frontera pasa con probabilidad p."),
    ("square - mean**2", "max(square - mean**2, 0) ** 0.5",
     "eso es la desviación típica; se pide la varianza."),
    ("return mean, square - mean**2",
     "return mean, sum(a**2 * (1 / p**k - 1) for k, a in enumerate(terms))",
     "sumas las varianzas de los términos como si fueran independientes, y comparten fronteras: la primera "
     "que corta los anula a todos."),
    ("square - mean**2", "square",
     "falta restar el cuadrado de la media."),
)  # fmt: skip


def _epoch_cases(rng):
    def case(length, hiddens, every, theta, lr=0.2):
        x, y = rng.choice([-1.0, 1.0], length), rng.choice([-1.0, 1.0], length)
        shapes = hiddens, (hiddens, hiddens), hiddens
        W_xh, W_hh, w = (rng.normal(0, 0.8, shape).round(1) for shape in shapes)
        return x, y, W_xh + 0.3, W_hh + np.eye(hiddens)[::-1], w + 0.2, every, theta, lr

    yield case(8, 2, 4, 0.1, lr=2)  # se recorta
    yield case(9, 3, 3, 1e4)  # no llega a theta
    yield case(7, 2, 3, 1e4)  # el último trozo es más corto
    yield case(5, 2, 5, 1e4)  # un solo trozo


@SET.exercise(
    "detective", "Detective: un bucle truncado con tres fallos", points=2.5, cases=_epoch_cases,
    tolerance=1e-5,
    hints=(
        "Son tres fallos: en lo que pasa de un trozo al siguiente, en lo que vuelve de un paso al anterior y "
        "en el recorte.",
        "¿Con qué estado empieza el segundo trozo? ¿Qué le llega a un estado desde el paso siguiente?",
        "Si la norma ya es menor que theta, el recorte no debe hacer nada.",
    ),
)  # fmt: skip
def epoch(x, y, W_xh, W_hh, w, every, theta, lr):
    W_hh, w = W_hh.copy(), w.copy()
    H = np.zeros(len(w))
    for start in range(0, len(x), every):
        states = [H]
        for x_t in x[start : start + every]:
            states.append(np.tanh(x_t * W_xh + states[-1] @ W_hh))
        H = states[-1]
        dW, dw, G = np.zeros_like(W_hh), np.zeros_like(w), np.zeros_like(w)
        for t in range(len(states) - 1, 0, -1):
            error = states[t] @ w - y[start + t - 1]
            dw += error * states[t]
            A = (G + error * w) * (1 - states[t] ** 2)
            dW += np.outer(states[t - 1], A)
            G = A @ W_hh.T
        norm = np.sqrt((dW**2).sum() + (dw**2).sum())
        scale = min(1, theta / norm)
        W_hh -= lr * scale * dW
        w -= lr * scale * dw
    return W_hh, w


epoch.mistaken(
    ("error = states[t] @ w - y[start + t - 1]", "error = 2 * (states[t] @ w - y[start + t - 1])",
     "pusiste un 2 de más: la pérdida es la mitad del error al cuadrado, y su derivada es el error."),
)  # fmt: skip
epoch.planted(
    ("H = states[-1]", "H = np.zeros(len(w))",
     "cada trozo empieza sin memoria: truncar corta el gradiente, y el estado debe seguir."),
    ("(G + error * w)", "(error * w)",
     "lo que vuelve del paso siguiente no se usa: el gradiente no cruza ni un paso."),
    ("min(1, theta / norm)", "theta / norm",
     "agrandas los gradientes pequeños hasta theta: falta el mínimo con 1."),
)  # fmt: skip
