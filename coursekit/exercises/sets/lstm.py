"""Conjunto «LSTM»: las compuertas a mano, contar signos abiertos, el bucle, las palabras y los rivales."""

import re

import numpy as np
import torch

from coursekit.data import load_sample
from coursekit.exercises.exercise import MODELS, ExerciseSet, OpenQuestion, variants
from coursekit.exercises.values import first_difference

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

# i, f, g y lo que había en la celda, en cada variante; o es siempre 1. Celdas pequeñas, donde la tangente
# no está saturada: así cada confusión cambia algún número en más de lo que se lleva el redondeo.
VARIANTS = [(0, 2, -1, 2), (0, 2, 2, -2), (0, 3, -1, -1), (-1, 3, -2, -1), (2, 3, 1, 1)]
VARIANTS += [(0, 2, 1, 1), (-1, 3, -1, -1), (0, 2, -2, 2), (0, 3, 2, 1), (0, 3, -1, 2)]


@SET.exercise(
    "celda_a_mano", "Una celda con lápiz y papel", name="cell_values", points=1.5, cases=variants,
    tolerance=2e-3,  # lo que mueve escribir tres decimales en cada cuenta
    parts={
        "F": "¿aplicaste la sigmoide a f, la de tu variante, y diste tres decimales?",
        "celda tras el primer paso": "¿sumaste lo conservado, F por lo que había, y lo escrito, I por G, con "
        "G la tangente de g?",
        "celda tras el segundo": "¿partiste de la celda del primer paso, que ya no es la del comienzo?",
        "H tras el segundo": "¿multiplicaste O, que es σ(1), por la tangente hiperbólica de esa celda?",
    },
    hints=(
        "Las compuertas son sigmoides, y G, una tangente: en la variante 0, F = σ(2) = 0.881 y "
        "G = tanh(−1) = −0.762.",
        "En el primer paso, F por lo que había más I por G. En el segundo no se escribe nada: queda F por lo "
        "que dejó el primero.",
        "Lo que sale de la celda es O por su tangente hiperbólica, con O = σ(1).",
    ),
)  # fmt: skip
def cell_by_hand(variant):
    i, f, g, C = VARIANTS[variant]
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
    ("np.tanh(g)", "(1 / (1 + np.exp(-g)))",
     "G es la tangente de g, no su sigmoide: no es una compuerta, sino lo que se escribe."),
    ("O * np.tanh(second)", "O * np.tanh(first)",
     "H se pide tras el segundo paso y tomaste la celda del primero."),
    ("O * np.tanh(second)", "O * np.clip(second, -1, 1)",
     "recortaste la celda a ±1; entre la celda y H va la tangente hiperbólica."),
    ("O * np.tanh(second)", "np.tanh(1) * np.tanh(second)",
     "O es una compuerta: la sigmoide de 1, no su tangente."),
    ("I * np.tanh(g)", "O * np.tanh(g)",
     "escribiste con O, que decide lo que sale; lo que se escribe lo decide I."),
    ("F * C +", "O * C +", "conservaste con O, que decide lo que sale; lo que se conserva lo decide F."),
    ("second = F * first", "second = F * first + I * np.tanh(g)",
     "en el segundo paso la compuerta de entrada está cerrada: no se escribe nada."),
    ("np.tanh(g)", "g", "falta la tangente de g: lo que se escribe es I por G, con G = tanh g."),
)  # fmt: skip


def _symbol_cases(rng):
    """La frase del enunciado entera, otros signos y letras que no están en ella."""
    symbols = "¿Dijo «¿quién va?» y se fue?" + "¡!,.;:\n" + "".join(rng.permutation(list("bclmtñáü"))[:3])
    yield from ((symbol,) for symbol in dict.fromkeys(symbols))


def _counts(case, values):
    """El problema de unas compuertas para el símbolo del caso, o None si la celda cuenta con ellas."""
    symbol = case[0]
    try:
        values = np.asarray(values)
    except ValueError:  # listas de largos distintos
        values = np.array(np.nan)
    if values.shape != (4,) or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        return "tu respuesta deben ser cuatro números: I, F, G y O antes de la sigmoide o de la tangente"
    I, F, O = 1 / (1 + np.exp(-values[[0, 1, 3]].astype(float).clip(-50, 50)))
    G = np.tanh(float(values[2]))
    wanted = {"¿": 1, "?": -1}.get(symbol, 0)
    shown = ", ".join(f"{name} = {round(x, 2) + 0:.2f}" for name, x in zip("IFGO", (I, F, G, O)))
    gates = f"tu respuesta para {symbol!r} deja {shown}"
    if F < 0.999:
        return f"{gates}: la celda conserva el {100 * F:.1f} % de lo que había, y debía conservarlo todo"
    if abs(I * G - wanted) > 1e-3:
        return f"{gates}: suma {round(I * G, 3) + 0:.3f} a la celda y debía sumar {wanted}"
    if O < 0.999:
        return f"{gates}: la compuerta de salida no está abierta y la cuenta no se lee"
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
    ('return 10, 10, -10, 10\n    return -10, 10, 0, 10', 'return 10, 10, 10, -10\n    return -10, 10, 10, 0',
     "diste los números en el orden I, F, O, G; se piden I, F, G, O."),
    ("return -10, 10, 0, 10", 'return -10, 10 if symbol.isalpha() else -10, 0, 10',
     "borras la cuenta en los signos que no son letras: solo «¿» y «?» la cambian."),
    ("return -10, 10, 0, 10", "return 0, 10, 0, 0",
     "una compuerta en 0 antes de la sigmoide no está cerrada: vale 0.5, y la de salida deja ver la mitad."),
)  # fmt: skip


def _reading_cases(rng):
    def case(steps, batch, inputs, hiddens):
        state, wide = (batch, hiddens), 4 * hiddens
        ramp = np.linspace(-1, 1, wide)  # cuatro bloques que no se parecen
        shapes = (steps, batch, inputs), state, state, (inputs, wide), (hiddens, wide), (wide,)
        centers = 0, 0.5, -0.7, 0, 0.2, ramp
        drawn = (rng.normal(center, 0.8, shape) for center, shape in zip(centers, shapes))
        return tuple(torch.tensor(numbers.round(1).tolist()) for numbers in drawn)

    yield case(2, 3, 1, 2)
    yield case(1, 2, 2, 3)  # un solo paso
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
    ("I, F, G, O =", "F, I, O, G =",
     "tomaste los bloques en el orden F, I, O, G, que es de otro libro; aquí van I, F, G, O."),
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
    ("outputs = []", "outputs, H, C = [], C, H",
     "cruzas la pareja que llega: empiezas con C en el lugar de H y con H en el de C."),
    ("H @ W_hh", "C @ W_hh", "las compuertas miran H, lo que sale de la celda, y no C."),
    ("outputs.append(H)", "outputs.append(C)", "apilas las celdas; lo que se ve en cada paso es H."),
    ("return torch.stack(outputs), H, C", "return torch.stack(outputs)",
     "devuelves solo los H de todos los pasos; faltan las últimas H y C."),
)  # fmt: skip


def _word_cases(rng):
    story = re.findall(r"\w+", " ".join(load_sample("relato").documents).lower())
    start = int(rng.integers(len(story) // 2))
    piece = story[start : start + 70]
    yield piece, "".join(sorted(set("".join(piece))))
    yield "la casa azul y la mesa azul cada casa cada mesa todo otra nada".split(), "abcdelmnorstuyz"
    yield "niño año niña caña ñoño más aquí allí así mañana cañón té".split(), "abceghilmnotuyáéíóñq"
    yield "sí no una con cada sol luz".split(), "acdilnosuzí"  # una sola, y ninguna para validar


def _four_arrays(case, value):
    """En qué difieren los cuatro arreglos, o None; lista, decimales y enteros no son lo mismo aquí."""
    if not isinstance(value, list) or len(value) != 4:
        return "tu respuesta deben ser cuatro arreglos: X_train, Y_train, X_valid e Y_valid"
    names = "X_train", "Y_train", "X_valid", "Y_valid"
    for name, want, got in zip(names, split_words(*case), value):
        if not isinstance(got, np.ndarray):
            return f"tu {name} no es un arreglo de NumPy: np.array(…) hace uno de una lista"
        if got.size and got.dtype.kind not in "iu":
            return f"tu {name} no es de enteros, sino de {got.dtype.name}"
        if problem := first_difference(want, got, 0, reveal=False):
            return f"en {name}, {problem}"
    return None


@SET.exercise(
    "palabras", "Palabras de cuatro letras", points=1.5, cases=_word_cases, accepts=_four_arrays,
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
    def case(rng, train, valid, letters_in=5):
        X, X_valid = (rng.integers(letters_in, size=(size, 3)) for size in (train, valid))
        Y, Y_valid = (rng.integers(letters_in - 1, size=size) for size in (train, valid))
        scores = rng.integers(-2, 3, size=(valid, letters_in)) / 2  # con empates
        return X, Y, X_valid, Y_valid, scores

    X, Y, X_valid, Y_valid, scores = case(rng, 14, 6)
    Y[:] = np.where(rng.random(14) < 0.4, 1, Y)  # una letra manda
    Y[:3] = 1
    scores[::2] = np.eye(5)[Y_valid[::2]]  # acierta al menos la mitad, con logits negativos
    yield X, Y, X_valid, Y_valid, scores - 2
    # Con empates, letras que no salieron y otra que manda si se juntan X e Y. En estos dos sorteos,
    # escogidos, cada confusión conocida da otra terna.
    yield case(np.random.default_rng(22), 12, 8)
    yield case(np.random.default_rng(189), 12, 8)


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
    ("np.bincount(values).argmax()", "max(values.tolist(), key=values.tolist().count)",
     "en los empates das la letra que aparece antes en la lista; se pedía la de número menor."),
    ("always = most_common(Y)", "always = max(Y.tolist(), key=Y.tolist().count)",
     "en los empates, «siempre la misma» es la de número menor, no la que aparece antes."),
    ("most_common(Y[X[:, 2] == last])",
     "max(Y[X[:, 2] == last].tolist(), key=Y[X[:, 2] == last].tolist().count)",
     "al contar, en los empates das la letra que aparece antes; se pedía la de número menor."),
    ("always = most_common(Y)", "always = most_common(np.append(X, Y))",
     "eliges la letra más frecuente de todas las de las palabras; se pide la cuarta más frecuente, que está "
     "en Y."),
    ("guesses = scores.argmax(axis=1), always, counted",
     "guesses = scores.argmax(axis=1), most_common(np.append(X, Y)), counted",
     "eliges la segunda con las letras de X y de Y juntas; se pide la cuarta más frecuente, que está en Y."),
    ("scores.argmax(axis=1)", "scores.argmin(axis=1)", "eliges el logit menor; la red dice el mayor."),
    ("scores.argmax(axis=1)", "scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)",
     "en los empates de la red tomas la última letra; se pedía la de número menor."),
    ("always = most_common(Y)", "always = most_common(Y_valid)",
     "eliges la letra más frecuente mirando la validación: el rival se decide con el entrenamiento."),
    ("[:, 2]", "[:, 1]", "cuentas tras la segunda letra; la más cercana a la que se predice es la tercera."),
    ("[:, 2]", "[:, 0]", "cuentas tras la primera letra; la más cercana a la que se predice es la tercera."),
    ("after.get(last, always)", "after.get(last, -1)",
     "cuando la letra no se vio no respondes nada. Quien cuenta retrocede: da la más frecuente de todas."),
    ("scores.argmax(axis=1)", "abs(scores).argmax(axis=1)",
     "eliges el logit de mayor valor absoluto: cuenta el mayor, aunque todos sean negativos."),
    ("guesses = scores.argmax(axis=1), always, counted", "guesses = scores.argmax(axis=1), counted, always",
     "devuelves los rivales en otro orden: la red, la letra más frecuente, quien cuenta."),
)  # fmt: skip


def _piece_cases(rng):
    def case(length, size, symbols=3, hiddens=2):
        ids = rng.integers(symbols, size=length)
        W = rng.normal(0, 0.9, (symbols + hiddens, 4 * hiddens)).round(1)
        b = rng.normal(np.linspace(-1, 1, 4 * hiddens), 0.5).round(1)
        return ids, W, b, size, rng.normal(0.5, 0.3, hiddens).round(1), rng.normal(-1, 0.3, hiddens).round(1)

    yield case(7, 3)  # el último trozo es más corto
    yield case(6, 2, hiddens=3)  # tantas entradas como unidades
    yield case(6, 1)  # de uno en uno
    yield case(4, 9)  # un solo trozo


@SET.exercise(
    "detective", "Detective: leer a trozos", points=2, cases=_piece_cases, tolerance=1e-3,
    hints=(
        "Son tres fallos: con qué empieza cada trozo, en qué orden se pegan las piezas y en qué orden están "
        "los bloques.",
        "Leer a trozos tiene que dar lo mismo que leer de una vez. ¿Qué guarda una LSTM además de H?",
        "W tiene arriba las filas de la entrada y debajo las de H, y sus columnas van F, I, O, G.",
    ),
)  # fmt: skip
def read(ids, W, b, size, H, C):
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    one_hot, cells = np.eye(len(W) - len(H)), []

    def read_piece(inputs, H, C):
        for x in inputs:
            F, I, O, G = np.split(np.concatenate([x, H]) @ W + b, 4)
            C = sigmoid(F) * C + sigmoid(I) * np.tanh(G)
            H = sigmoid(O) * np.tanh(C)
            cells.append(C)
        return H, C

    for start in range(0, len(ids), size):
        H, C = read_piece(one_hot[ids[start : start + size]], H, C)
    return np.array(cells)


read.planted(
    ("start + size]], H, C)", "start + size]], H, np.zeros_like(C))",
     "cada trozo empieza con la celda vacía: solo pasa H, y la memoria larga está en C."),
    ("np.concatenate([x, H])", "np.concatenate([H, x])",
     "pegas H delante de la entrada y W tiene arriba las filas de la entrada. El largo es el mismo: "
     "nadie avisa."),
    ("F, I, O, G = np.split", "I, F, O, G = np.split",
     "lees los bloques en el orden I, F, O, G, y en esta matriz van F, I, O, G."),
)  # fmt: skip

read.mistaken(
    ("start + size]], H, C)", "start + size]], C, H)",
     "cruzas la pareja: cada trozo empieza con C en el lugar de H y con H en el de C."),
    ("start + size]], H, C)", "start + size]], H, H)", "cada trozo empieza con H también en el lugar de C."),
    ("start + size]], H, C)", "start + size]], C, C)", "cada trozo empieza con C también en el lugar de H."),
    ("start + size]], H, C)", "start + size]], np.zeros_like(H), C)",
     "pasas la celda y pierdes H, que es lo que miran las compuertas del primer símbolo del trozo."),
    ("np.concatenate([x, H]) @ W + b, 4)",
     "np.concatenate([x, H]) @ W + b.reshape(4, -1)[[1, 0, 3, 2]].ravel(), 4)",
     "cambiaste de orden las columnas de W y dejaste `b` como estaba: también tiene cuatro bloques."),
    ("F, I, O, G = np.split", "I, F, G, O = np.split",
     "pusiste el orden de la lección, I, F, G, O; esta matriz viene de un libro que los ordena F, I, O, G."),
    ("for start in range(0", "H, C = 0 * H, 0 * C\n    for start in range(0",
     "empiezas de cero aunque te den una pareja."),
    ("for start in range(0", "C = 0 * C\n    for start in range(0",
     "entre trozo y trozo pasan las dos, pero al empezar no usas la C que te dan."),
)  # fmt: skip
