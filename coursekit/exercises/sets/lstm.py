"""Conjunto «LSTM»: las compuertas a mano, contar signos abiertos, el bucle, las palabras y los rivales."""

import re

import numpy as np
import torch

from coursekit.data import load_sample
from coursekit.exercises.exercise import MODELS, ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "lstm", "LSTM", imports=("numpy", "torch", "coursekit.data"),
    open_questions=(
        OpenQuestion(
            "experimento",
            "Entrena la LSTM de palabras de cuatro letras con 10, 100 y todas las palabras, con one-hot "
            "y con una "
            "tabla de vectores, y dibuja mientras entrena la pérdida y la exactitud en los dos "
            "conjuntos. ¿Qué "
            "cambia al crecer la lista, y cuándo gana a contar?",
            "3 puntos: 1 por las curvas de entrenamiento y de validación en la misma figura, dibujadas "
            "época a "
            "época; 0.5 por medir en palabras que no se entrenaron; 0.5 por poner al lado a la letra más "
            "frecuente y a quien cuenta; 0.5 por repetir con tres semillas; 0.5 por leer lo que salió, "
            "también "
            "si es que no se distinguen.",
            3.0,
        ),
    ),
)  # fmt: skip

# f, i, g y lo que había en la celda, en cada variante; o es siempre 1.
VARIANTS = [(2, 1, 1, 2), (1, 0, 1, 2), (3, 1, -1, 2), (2, 0, -1, 2), (1, 2, 1, 2)]
VARIANTS += [(3, 0, 1, -1), (3, 2, -1, 2), (1, 0, -1, -2), (3, 2, 1, -2), (2, 1, 1, 3)]


@SET.exercise(
    "celda_a_mano", "Una celda con lápiz y papel", name="cell_values", points=1.5, cases=variants,
    tolerance=1e-2,
    parts={
        "F": "¿aplicaste la sigmoide a f?",
        "celda tras el primer paso": "¿sumaste lo conservado, F por lo que había, y lo escrito, I por G?",
        "celda tras el segundo": "¿partiste de la celda del primer paso, que ya no es la del comienzo?",
        "H tras el segundo": "¿multiplicaste O por la tangente hiperbólica de la celda?",
    },
    hints=(
        "σ(0) = 0.5, σ(1) = 0.731, σ(2) = 0.881, σ(3) = 0.953. La tangente de 1 es 0.762 y la de −1, −0.762.",
        "En el primer paso, F por lo que había más I por G. En el segundo no se escribe nada: queda F por lo "
        "que dejó el primero.",
        "Lo que sale de la celda es O por su tangente hiperbólica, con O = σ(1).",
    ),
)  # fmt: skip
def cell_by_hand(variant):
    f, i, g, C = VARIANTS[variant]
    F, I, O = (1 / (1 + np.exp(-x)) for x in (f, i, 1))
    first = F * C + I * np.tanh(g)
    second = F * first
    return [F, first, second, O * np.tanh(second)]


cell_by_hand.mistaken(
    ("F * C + I", "(1 - F) * C + I",
     "leíste F como «cuánto se olvida». Es al revés: F multiplica a lo que había, y con F = 1 se "
     "conserva todo."),
    ("F * C + I", "I * C + F", "cambiaste I y F de sitio: F va con lo que había, I con lo nuevo."),
    ("second = F * first", "second = F * C",
     "el segundo paso parte de la celda del primero, no de la del comienzo."),
    ("O * np.tanh(second)", "O * second", "falta la tangente hiperbólica entre la celda y lo que sale."),
    ("O * np.tanh(second)", "np.tanh(second)",
     "falta la compuerta de salida: H es O por la tangente de la celda."),
)  # fmt: skip


def _symbol_cases(rng):
    yield ("¿",)
    yield ("?",)
    yield (str(rng.choice(list("aeimns"))),)
    yield (str(rng.choice(list("áéñü"))),)
    yield (" ",)
    yield ("¡",)  # abre, pero no es lo que se cuenta
    yield ("!",)
    yield (",",)


def _counts(case, values):
    """El problema de unas compuertas para el símbolo del caso, o None si la celda cuenta con ellas."""
    symbol = case[0]
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape != (4,) or not np.isfinite(values).all():
        return "tu respuesta deben ser cuatro números: I, F, G y O antes de la sigmoide o de la tangente."
    I, F, O = 1 / (1 + np.exp(-values[[0, 1, 3]].clip(-50, 50)))
    written, wanted = I * np.tanh(values[2]), {"¿": 1, "?": -1}.get(symbol, 0)
    if F < 0.999:
        return f"tras «{symbol}» la celda solo conserva el {F:.1%} de lo que había, y debía conservarlo todo."
    if abs(written - wanted) > 1e-3:
        return f"«{symbol}» suma {written:.3f} a la celda y debía sumar {wanted}."
    if O < 0.999:
        return f"tras «{symbol}» la compuerta de salida deja pasar solo el {O:.1%}: la cuenta no se lee."
    return None


@SET.exercise(
    "contar_abiertas", "Una celda que cuenta", points=1.5, cases=_symbol_cases, accepts=_counts,
    hints=(
        "La celda tiene que subir 1 con «¿», bajar 1 con «?» y quedarse igual con todo lo demás.",
        "Quedarse igual es F = 1 y no escribir; subir o bajar es F = 1, I = 1 y G = 1 o −1.",
        "Con 10, σ y tanh ya valen 1 a cuatro decimales; con −10, σ vale 0 y tanh, −1.",
    ),
)  # fmt: skip
def gates(symbol):
    if symbol == "¿":
        return 10, 10, 10, 10
    if symbol == "?":
        return 10, 10, -10, 10
    return -10, 10, 0, 10


gates.mistaken(
    ("return 10, 10, -10, 10", "return -10, -10, 0, 10",
     "al cerrar borras la celda. Con un solo nivel parece lo mismo, pero en «¿Dijo “¿quién va?” y se "
     "fue?» el "
     "primer cierre borra los dos."),
    ("return -10, 10, 0, 10", "return 10, -10, 0, 10",
     "cambiaste I y F: con las demás letras hay que conservar (F = 1) y no escribir (I = 0)."),
    ("return 10, 10, 10, 10", "return 10, -10, 10, 10",
     "al abrir borras lo que había: pones la cuenta a 1 en lugar de sumar 1."),
    ('if symbol == "¿"', 'if symbol in "¿¡"', "también sumas con «¡», y se pedía contar solo las preguntas."),
    ("return -10, 10, 0, 10", "return 0, 10, 0, 0",
     "una compuerta en 0 antes de la sigmoide no está cerrada: vale 0.5, y la de salida deja ver la mitad."),
)  # fmt: skip


def _tensors(rng, *shapes):
    return [torch.tensor(rng.normal(0, 0.8, shape).round(1).tolist()) for shape in shapes]


def _reading_cases(rng):
    def case(steps, batch, inputs, hiddens):
        state, wide = (batch, hiddens), 4 * hiddens
        X, H, C, W_xh, W_hh, b_h = _tensors(
            rng, (steps, batch, inputs), state, state, (inputs, wide), (hiddens, wide), (wide,))
        ramp = torch.linspace(-1, 1, wide)  # cuatro bloques que no se parecen
        return X, H + 0.5, C - 0.7, W_xh, W_hh + 0.2, b_h + ramp

    yield case(3, 2, 2, 3)
    yield case(1, 3, 3, 2)  # un solo paso
    yield case(4, 1, 2, 2)  # una sola secuencia


@SET.exercise(
    "lstm", "El bucle de la LSTM", points=2, cases=_reading_cases, tolerance=1e-3,
    forbids=(*MODELS, "torch.nn.modules.rnn"),
    hints=(
        "Un solo producto da las cuatro: X_t @ W_xh + H @ W_hh + b_h tiene forma (B, 4h).",
        ".chunk(4, dim=1) lo parte en I, F, G y O, en ese orden. Tres llevan sigmoide y G, tangente.",
        "Primero la celda nueva, F * C + I * G; con ella, H = O * tanh(C). Las dos pasan al paso siguiente.",
    ),
)  # fmt: skip
def lstm_forward(X, H, C, W_xh, W_hh, b_h):
    outputs = []
    for X_t in X:
        I, F, G, O = (X_t @ W_xh + H @ W_hh + b_h).chunk(4, dim=1)
        C = torch.sigmoid(F) * C + torch.sigmoid(I) * torch.tanh(G)
        H = torch.sigmoid(O) * torch.tanh(C)
        outputs.append(H)
    return torch.stack(outputs), H, C


lstm_forward.mistaken(
    ("I, F, G, O =", "F, I, G, O =",
     "tomaste los bloques en el orden F, I, G, O. Las formas son las mismas y nada avisa; aquí van I, F, "
     "G, O."),
    ("I, F, G, O =", "I, F, O, G =", "el tercer bloque es G y el cuarto, O: los cambiaste."),
    ("outputs = []", "outputs, C = [], C * 0",
     "empiezas con la celda vacía aunque te den una: se pierde lo que la red venía recordando."),
    ("outputs = []", "outputs, H, C = [], H * 0, C * 0",
     "empiezas de cero aunque te den un estado. El estado de una LSTM es la pareja (H, C), y las dos "
     "llegan."),
    ("torch.sigmoid(O) * torch.tanh(C)", "torch.sigmoid(O) * C",
     "falta la tangente entre la celda y H: la celda puede pasar de 1, y H no debe."),
    ("torch.tanh(G)", "torch.sigmoid(G)",
     "G es lo que se escribe, no una compuerta: con sigmoide nunca podría escribir algo negativo."),
    ("return torch.stack(outputs), H, C", "return torch.stack(outputs), C, H",
     "devuelves la pareja al revés. H y C tienen la misma forma: nadie avisaría."),
)  # fmt: skip


def _word_cases(rng):
    story = re.findall(r"\w+", " ".join(load_sample("relato").documents).lower())
    start = int(rng.integers(len(story) // 2))
    alphabet = "".join(sorted(set("".join(story))))
    yield story[start:], alphabet
    yield "la casa azul y la mesa azul cada casa cada mesa todo otra nada".split(), "abcdelmnorstuyz"
    yield "niño año niña caña ñoño más aquí allí así mañana cañón té".split(), "abceghilmnotuyáéíóñq"
    yield "sí no una con cada sol luz".split(), "acdilnosuzí"  # una sola, y ninguna para validar


@SET.exercise(
    "palabras", "Palabras de cuatro letras", points=1.5, cases=_word_cases,
    hints=(
        "Primero las distintas de cuatro letras, en el orden en que aparecen: list(dict.fromkeys(…)).",
        "Cuéntalas desde 0: las del puesto 4, 9, 14… son de validación; las demás, de entrenamiento.",
        "np.array([[alphabet.index(a) for a in word] for word in words]) es un solo arreglo de n filas y 4 "
        "columnas: las tres primeras son X y la última, Y. Con .reshape(-1, 4) vale también sin palabras.",
    ),
)  # fmt: skip
def split_words(tokens, alphabet):
    words = list(dict.fromkeys(word for word in tokens if len(word) == 4))
    rows = np.array([[alphabet.index(a) for a in word] for word in words], dtype=int).reshape(-1, 4)
    held = np.arange(len(rows)) % 5 == 4
    train, valid = rows[~held], rows[held]
    return train[:, :3], train[:, 3], valid[:, :3], valid[:, 3]


split_words.mistaken(
    ("list(dict.fromkeys(word for word in tokens if len(word) == 4))",
     "[word for word in tokens if len(word) == 4]",
     "repites palabras: una misma palabra cae en los dos conjuntos, y acertarla en validación ya no "
     "prueba nada."),
    ("list(dict.fromkeys(word for word in tokens if len(word) == 4))",
     "sorted(set(word for word in tokens if len(word) == 4))",
     "cambias el orden: se pedía el de aparición, que no depende de cómo se ordenen las tildes."),
    ("if len(word) == 4", "if len(word) == 4 and word.isascii()",
     "tiras las palabras con tilde o con ñ, que en español son muchas."),
    ("train[:, :3], train[:, 3]", "train[:, :3], train[:, 1:]",
     "tu Y son tres letras por palabra; aquí solo se predice la cuarta."),
    ("% 5 == 4", "% 5 == 0", "apartas las del puesto 0, 5, 10…; se pedían las del 4, las del 9 y así."),
    ("train, valid = rows[~held], rows[held]", "train, valid = rows, rows[held]",
     "las palabras de validación siguen en el entrenamiento: la exactitud saldrá muy bien y no dirá nada."),
)  # fmt: skip


def _accuracy_cases(rng):
    def case(train, valid, letters_in=5):
        X, X_valid = (rng.integers(letters_in, size=(size, 3)) for size in (train, valid))
        Y, Y_valid = rng.integers(letters_in, size=train), rng.integers(letters_in, size=valid)
        Y[:] = np.where(rng.random(train) < 0.4, 1, Y)  # una letra manda
        Y[:3] = 1
        scores = rng.normal(size=(valid, letters_in)) - 3
        scores[::2] = np.eye(letters_in)[Y_valid[::2]] - 2  # acierta al menos la mitad, con logits negativos
        return X, Y, X_valid, Y_valid, scores

    yield case(30, 12)
    yield case(8, 9)  # letras que en el entrenamiento no fueron terceras
    X, Y, X_valid, Y_valid, scores = case(9, 8)
    X[:, 0], X_valid[:, 0] = 0, 0
    X[:, 2], X_valid[:, 2] = [0, 0, 0, 0, 2, 2, 2, 4, 4], [0, 2, 4, 3, 3, 0, 2, 4]
    Y[:], Y_valid[:] = [3, 2, 3, 2, 1, 1, 0, 1, 1], [2, 0, 2, 1, 2, 2, 1, 0]  # empates, y una que no salió
    yield X, Y, X_valid, Y_valid, scores


@SET.exercise(
    "exactitud", "Exactitud, y los rivales", points=1.5, cases=_accuracy_cases,
    hints=(
        "La de la red: la media de scores.argmax(axis=1) == Y_valid.",
        "Los rivales se deciden con el entrenamiento: np.bincount(Y, minlength=V).argmax() da la más "
        "frecuente y, en los empates, la de número menor.",
        "Para quien cuenta: la más frecuente entre las Y cuya X[:, 2] es la misma letra; si no hay ninguna, "
        "la más frecuente de todas.",
    ),
)  # fmt: skip
def accuracies(X, Y, X_valid, Y_valid, scores):
    def most_common(values):
        return np.bincount(values).argmax()

    always = most_common(Y)
    after = {last: most_common(Y[X[:, 2] == last]) for last in set(X[:, 2].tolist())}
    counted = np.array([after.get(last, always) for last in X_valid[:, 2].tolist()])
    guesses = scores.argmax(axis=1), always, counted
    return [(guess == Y_valid).mean() for guess in guesses]


accuracies.mistaken(
    ("always = most_common(Y)", "always = most_common(Y_valid)",
     "eliges la letra más frecuente mirando la validación: el rival se decide con el entrenamiento."),
    ("[:, 2]", "[:, 0]", "cuentas tras la primera letra; la más cercana a la que se predice es la tercera."),
    ("after.get(last, always)", "after.get(last, -1)",
     "cuando la letra no se vio no respondes nada. Quien cuenta retrocede: da la más frecuente de todas."),
    ("scores.argmax(axis=1)", "abs(scores).argmax(axis=1)",
     "eliges el logit de mayor valor absoluto: cuenta el mayor, aunque todos sean negativos."),
    ("guesses = scores.argmax(axis=1), always, counted", "guesses = scores.argmax(axis=1), counted, always",
     "devuelves los rivales en otro orden: la red, la letra más frecuente, quien cuenta."),
)  # fmt: skip


def _piece_cases(rng):
    def case(length, size, symbols=4, hiddens=3):
        ids = rng.integers(symbols, size=length)
        W = rng.normal(0, 0.9, (symbols + hiddens, 4 * hiddens)).round(1)
        return ids, W, rng.normal(0, 0.5, 4 * hiddens).round(1) + np.linspace(-1, 1, 4 * hiddens), size

    yield case(9, 3)
    yield case(8, 3)  # el último trozo es más corto
    yield case(6, 2, symbols=3)  # tantas entradas como unidades
    yield case(5, 9, hiddens=2)  # un solo trozo


@SET.exercise(
    "detective", "Detective: leer a trozos", points=2, cases=_piece_cases, tolerance=1e-4,
    hints=(
        "Son tres fallos: qué pasa de un trozo al siguiente, en qué orden se pegan las piezas y en qué orden "
        "están los bloques.",
        "Leer a trozos tiene que dar lo mismo que leer de una vez. ¿Qué guarda una LSTM además de H?",
        "W tiene arriba las filas de la entrada y debajo las de H, y sus columnas van F, I, O, G.",
    ),
)  # fmt: skip
def read(ids, W, b, size):
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    zeros = np.zeros(len(b) // 4)
    one_hot, cells = np.eye(len(W) - len(zeros)), []

    def read_piece(inputs, H, C):
        for x in inputs:
            F, I, O, G = np.split(np.concatenate([x, H]) @ W + b, 4)
            C = sigmoid(F) * C + sigmoid(I) * np.tanh(G)
            H = sigmoid(O) * np.tanh(C)
            cells.append(C)
        return H, C

    H, C = zeros, zeros
    for start in range(0, len(ids), size):
        H, C = read_piece(one_hot[ids[start : start + size]], H, C)
    return np.array(cells)


read.planted(
    ("start + size]], H, C)", "start + size]], H, zeros)",
     "cada trozo empieza con la celda vacía: solo pasa H, y la memoria larga está en C."),
    ("np.concatenate([x, H])", "np.concatenate([H, x])",
     "pegas H delante de la entrada y W tiene arriba las filas de la entrada. El largo es el mismo: "
     "nadie avisa."),
    ("F, I, O, G = np.split", "I, F, O, G = np.split",
     "lees los bloques en el orden I, F, O, G, y en esta matriz van F, I, O, G."),
)  # fmt: skip
