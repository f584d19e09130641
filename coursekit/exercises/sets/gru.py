"""Conjunto «GRU»: un paso a mano, pesos elegidos, dos convenciones, números iguales y mezclas."""

import numpy as np
import torch

from coursekit.exercises.exercise import ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "gru", "GRU", imports=("numpy", "torch"),
    open_questions=(
        OpenQuestion(
            "cambio",
            "Cambia la RNN por una LSTM y por una GRU en dos problemas pequeños en español: completar "
            "frases de tres palabras y adivinar la cuarta letra de palabras de cuatro. ¿Cuál acierta antes "
            "todas las respuestas?",
            "2 puntos: 0.5 si las tres redes guardan casi los mismos números, capa de salida incluida; 0.5 "
            "si elige la tasa de cada una y lo dice; 0.5 si usa al menos cinco semillas y las enseña todas; "
            "0.5 si su conclusión no va más lejos que sus semillas.",
            2.0,
        ),
        OpenQuestion(
            "prueba",
            "Un compañero programa una GRU, la compara con nn.GRU y todo coincide. ¿Qué cuatro preguntas le "
            "harías sobre su prueba?",
            "1 punto: 0.25 por cada una de estas, hasta cuatro: más de una unidad, estado inicial distinto "
            "de cero, más de un paso, gradientes además de valores, pesos y sesgos al azar (el de dentro del "
            "paréntesis, también), y un fallo puesto a propósito que la prueba cace.",
            1.0,
        ),
    ),
)  # fmt: skip

# Cien veces z, w, y diez veces x y H de cada variante; r es siempre 1/2.
VARIANTS = [(80, -2, 5, 10), (90, -2, 5, -10), (75, 2, -5, 10), (60, 4, 10, -8), (90, 2, 10, -4)]
VARIANTS += [(80, -4, -5, 5), (60, -2, 15, 8), (75, 2, -10, -8), (70, -4, 5, 4), (70, 4, -15, 6)]


@SET.exercise(
    "paso_a_mano", "Un paso con lápiz y papel", name="step_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "candidato": "¿multiplicaste por r solo lo que viene del estado, tomaste la tangente al final y "
        "diste dos decimales?",
        "estado": "¿z multiplica al estado anterior y 1 − z al candidato?",
        "otra convención": "¿y ahora al revés?",
        "pasos": "¿cuántas veces hay que multiplicar por z para bajar de 0.1? El paso ya dado no cuenta.",
    },
    hints=(
        "El candidato es la tangente hiperbólica de x + r·w·H. En la variante 0: 0.5 + 0.5·(−2)·1 = −0.5.",
        "tanh(−0.5) = −0.462. El estado nuevo es 0.8·1 + 0.2·(−0.462).",
        "Con candidato 0, cada paso multiplica el estado por z. 0.8 al cubo es 0.512; sigue hasta bajar de "
        "0.1.",
    ),
)  # fmt: skip
def gru_by_hand(variant):
    z, w, x, H = np.array(VARIANTS[variant]) / (100, 1, 10, 10)
    N = np.tanh(x + 0.5 * w * H)
    steps = next(t for t in range(1, 50) if z**t < 0.1)
    return [N, z * H + (1 - z) * N, (1 - z) * H + z * N, steps]


gru_by_hand.mistaken(
    ("np.tanh(x + 0.5 * w * H)", "x + 0.5 * w * H",
     "falta la tangente hiperbólica: el candidato es la tangente de la suma, no la suma."),
    ("x + 0.5 * w * H", "x + w * H", "olvidaste r: el reinicio multiplica a lo que viene del estado."),
    ("x + 0.5 * w * H", "0.5 * (x + w * H)",
     "multiplicaste por r también la entrada. El reinicio solo toca lo que viene del estado."),
    ("[N, z * H + (1 - z) * N, (1 - z) * H + z * N, steps]",
     "[N, (1 - z) * H + z * N, z * H + (1 - z) * N, steps]",
     "cambiaste de sitio las dos convenciones: en la de esta lección z multiplica al estado anterior."),
    ("z**t < 0.1", "(1 - z) ** t < 0.1", "lo que se conserva en cada paso es z, no 1 − z."),
    ("z**t < 0.1", "z ** (t - 1) < 0.1",
     "contaste también el paso que ya habías dado: se cuentan los que vienen después."),
)  # fmt: skip


def _symbol_cases(rng):
    symbols = rng.permutation(['"', "¶", "«", "»", "a"]).tolist()
    yield (symbols,)
    yield (symbols[1:] + symbols[:1],)  # otras filas para todos


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


def _quoted_texts():
    """Textos de ochenta símbolos: los más duros, un signo y solo letras, y otros al azar."""
    yield from ([*start, *"a" * (80 - len(start))] for start in ("¶", "¶«", '¶"', "¶»", "¶¶", '¶""', '¶«"'))
    yield from (["¶", start, *"a" * 77, '"'] for start in "a«")
    rng = np.random.default_rng(0)
    for _ in range(20):
        yield ["¶", *rng.choice(['"', "¶", "«", "»", "a"], 79, p=(0.06, 0.04, 0.03, 0.03, 0.84))]


def _follows_quotes(case, value):
    (symbols,) = case
    shapes = [(5, 3), (1, 3), (3,), (1,)]
    if not (isinstance(value, (list, tuple)) and len(value) == 4):
        return "tu respuesta deben ser cuatro tensores: W_xh, W_hh, b_h y b_n"
    try:
        W_xh, W_hh, b_h, b_n = (np.asarray(part, dtype=float).reshape(shape)
                                for part, shape in zip(value, shapes))  # fmt: skip
    except (TypeError, ValueError):
        return f"las formas de tus cuatro tensores deben ser {shapes}"
    for text in _quoted_texts():
        H, inside = 0.0, False
        for i, symbol in enumerate(text):
            inside = {'"': not inside, "¶": False, "«": True, "»": False}.get(symbol, inside)
            x_r, x_z, x_n = W_xh[symbols.index(symbol)] + b_h
            w_r, w_z, w_n = W_hh[0]
            R, Z = _sigmoid(x_r + H * w_r), _sigmoid(x_z + H * w_z)
            N = np.tanh(x_n + R * (H * w_n + b_n[0]))
            before, H = H, Z * H + (1 - Z) * N
            if not (H > 0.5 if inside else H < -0.5):
                read, place = "".join(text[max(0, i - 11) : i + 1]), "dentro" if inside else "fuera"
                return (
                    f"tras leer «{read}», símbolo {i + 1} de 80, estamos {place}, y el estado pasó "
                    f"de {before:.3f} a {H:.3f} (R = {R:.2f}, Z = {Z:.2f}, N = {N:.2f})"
                )
    return None


@SET.exercise(
    "comillas", "Pesos para unas comillas", points=2, cases=_symbol_cases, accepts=_follows_quotes,
    hints=(
        "Una fila por símbolo, en el orden de `symbols`, y tres columnas: R, Z y N. ¿Qué debe hacer Z en una "
        "letra, y qué en lo demás?",
        "La comilla recta tiene que mirar el estado para darle la vuelta (R cerca de 1); las otras tres no "
        "necesitan mirarlo (R cerca de 0) y empujan a N hacia +1 o hacia −1.",
        "Con 8 y −8 las compuertas quedan casi en 1 y en 0; con W_hh = (0, 0, −3) el candidato de la comilla "
        "recta es lo contrario de lo que había.",
    ),
)  # fmt: skip
def quote_weights(symbols):
    rows = {'"': (8, -8, 0), "¶": (-8, -8, -3), "«": (-8, -8, 3), "»": (-8, -8, -3)}
    W_xh = [rows.get(symbol, (0, 8, 0)) for symbol in symbols]
    return torch.tensor(W_xh).float(), torch.tensor([[0, 0, -3.0]]), torch.zeros(3), torch.zeros(1)


quote_weights.mistaken(
    ("(0, 8, 0)", "(0, -8, 0)",
     "en las letras Z queda en 0: el estado se sustituye en cada una. En esta convención, conservar es "
     "Z = 1."),
    ("(0, 8, 0)", "(0, 3, 0)",
     "σ(3) es 0.95: en cada letra se pierde un poco, y tras unas cuantas ya no queda recuerdo."),
    ("(0, 8, 0)", "(-8, 4, 0)",
     "σ(4) es 0.98: con tres docenas de letras seguidas el recuerdo ya no llega a la mitad."),
    ("-3.0]]", "3.0]]",
     "la comilla recta propone lo mismo que había: hay que darle la vuelta, con un peso negativo desde el "
     "estado."),
    ('"¶": (-8', '"¶": (8',
     "el párrafo mira el estado: si ya estabas fuera, los dos empujes se anulan y el recuerdo queda en casi "
     "nada."),
    ('"»": (-8, -8, -3)', '"»": (8, -8, 0)',
     "tu » da la vuelta: si ya estabas fuera, te deja dentro. Cierra siempre, diga lo que diga el estado."),
    ("torch.tensor(W_xh).float()", "torch.tensor(W_xh).float()[:, [1, 0, 2]]",
     "las columnas van en el orden R, Z, N; pusiste Z delante."),
    ("for symbol in symbols]", "for symbol in '\"¶«»a']",
     "las filas van en el orden de `symbols`, que cambia de un caso a otro; las pusiste siempre igual."),
)  # fmt: skip


def _tensors(rng, *shapes):
    return tuple(
        torch.tensor((rng.normal(0, 1, shape).round(1) + 0.05).round(2).tolist()) for shape in shapes
    )


def _translation_cases(rng):
    yield _tensors(rng, (1, 6), (2, 6), (6,))
    yield _tensors(rng, (2, 3), (1, 3), (3,))  # una unidad
    yield _tensors(rng, (4, 9), (3, 9), (9,))


@SET.exercise(
    "traduccion", "De otro programa al nuestro", points=1.5, cases=_translation_cases, tolerance=1e-5,
    hints=(
        "Son dos cambios: uno de orden de las columnas y otro de convención. Hazlos por separado.",
        "chunk(3, dim=-1) parte en tres bloques de columnas; torch.cat(..., dim=-1) los pega en otro orden.",
        "1 − σ(a) = σ(−a): las columnas de Z, en las dos matrices y en el sesgo, cambian de signo.",
    ),
)  # fmt: skip
def translate(W_xh, W_hh, b_h):
    def ours(block):
        Z, R, N = block.chunk(3, dim=-1)
        return torch.cat([R, -Z, N], dim=-1)

    return [ours(block) for block in (W_xh, W_hh, b_h)]


translate.mistaken(
    ("[R, -Z, N]", "[R, Z, N]",
     "las columnas están en su orden, pero Z sigue en la otra convención: donde debería conservar, "
     "sustituye."),
    ("[R, -Z, N]", "[Z, -R, N]",
     "las columnas siguen en el orden del otro programa, y cambiaste de signo R."),
    ("[R, -Z, N]", "[-Z, R, N]",
     "el signo está bien cambiado, pero las columnas siguen en el orden del otro programa."),
    ("[R, -Z, N]", "[-R, Z, N]",
     "las columnas están en su orden, pero cambiaste de signo R: la que se lee al revés es Z."),
    ("[R, -Z, N]", "[R, 1 - Z, N]",
     "1 − Z es lo que queda **después** de la sigmoide. Antes de ella, lo que entra cambia de signo."),
    ("[ours(block) for block in (W_xh, W_hh, b_h)]",
     "[torch.cat([b.chunk(3, -1)[i] for i in (1, 0, 2)], -1) for b in (W_xh, W_hh)] + [ours(b_h)]",
     "cambiaste de signo solo el sesgo: lo que entra en Z es la suma de los tres."),
    ("[ours(block) for block in (W_xh, W_hh, b_h)]", "[ours(W_xh), ours(W_hh), b_h]",
     "tradujiste las matrices y dejaste el sesgo como estaba: también tiene sus tres bloques."),
)  # fmt: skip


def _count(blocks, h, n):
    return blocks * h * (n + h + 2) + h * n + n


def _text_cases(rng):
    """Presupuestos justos, o a los que les falta poco: cada confusión cambia alguna respuesta."""
    plain = "Luis y Elena leen el diario"  # con mayúsculas y sin tildes
    texts = [
        "Ni Ana ni Noé leen la novela",
        "Dulcinea no duerme si Nicolás ronca",
        "¿Ana? No, Noé no está aquí",
    ]
    first, second, third = rng.permutation(texts).tolist()
    h = int(rng.integers(250, 270))
    yield first, _count(1, h, len(set(first)))  # cabe justa la RNN
    h = int(rng.integers(30, 50))
    yield plain, _count(3, h, len(set(plain))) - 1  # a la GRU le falta un número
    h = int(rng.integers(20, 30))
    yield second, _count(3, h, len(set(second))) - 3 * h - 1  # más de lo que ahorra quitar un sesgo
    h = int(rng.integers(20, 30))
    yield third, _count(4, h, len(set(third))) - 5 * h - 2  # más de lo que ahorra un signo menos
    n, h = len(set(plain)), int(rng.integers(40, 60))
    yield plain, _count(1, h, n) - n - 1  # más de lo que ahorra quitar el sesgo de la salida


@SET.exercise(
    "iguales", "A números iguales", points=1.5, cases=_text_cases,
    hints=(
        "Cada bloque de PyTorch tiene una matriz desde la entrada, otra desde el estado y **dos** sesgos.",
        "Una RNN tiene un bloque; una LSTM, cuatro; una GRU, tres. Y todas, la capa de salida: h·n + n.",
        "Sube h de uno en uno mientras quepa, y quédate con el último que cupo.",
    ),
)  # fmt: skip
def same_numbers(text, budget):
    n = len(set(text))
    sizes = []
    for blocks in (1, 4, 3):
        h = 0
        while blocks * (h + 1) * (n + h + 1 + 2) + (h + 1) * n + n <= budget:
            h += 1
        sizes.append(h)
    return sizes


same_numbers.mistaken(
    ("h + 1 + 2)", "h + 1 + 1)", "contaste un sesgo por bloque: las redes de PyTorch guardan dos."),
    ("+ (h + 1) * n + n <=", "<=",
     "falta la capa de salida: un peso por unidad y símbolo, y un sesgo por símbolo."),
    ("(1, 4, 3)", "(1, 4, 4)", "la GRU tiene tres bloques, no cuatro: dos compuertas y el candidato."),
    ("len(set(text))", "len(set(text.split()))",
     "n son las letras distintas del texto, con el espacio; contaste palabras."),
    ("(1, 4, 3)", "(1, 3, 4)", "las tuyas están en el orden RNN, GRU, LSTM; se pide la LSTM antes."),
    ("+ (h + 1) * n + n <=", "+ (h + 1) * n <=",
     "a la capa de salida le falta el sesgo: un número por símbolo."),
    ("<= budget", "< budget", "una red con justo `budget` números también cabe: no pasa de ellos."),
    ("(h + 1) * n + n <= budget:\n            h += 1",
     "(h + 1) * n + n <= budget:\n            h += 1\n"
     "        spent = [blocks * k * (n + k + 2) + k * n + n for k in (h, h + 1)]\n"
     "        h += spent[1] - budget < budget - spent[0]",
     "elegiste las unidades que más se acercan al presupuesto, y alguna red se pasa."),
    ("set(text)", "set(text.lower())",
     "pasaste el texto a minúsculas; se cuenta como está escrito, y *E* no es *e*."),
    ("set(text)", 'set(text.replace(" ", ""))', "falta el espacio, que también es un signo del texto."),
    ("set(text)", 'set(text.translate(str.maketrans("áéíóú", "aeiou")))',
     "quitaste las tildes; se cuenta como está escrito, y *é* no es *e*."),
)  # fmt: skip


def _mixing_cases(rng):
    def said(low, high, size):
        return rng.uniform(low, high, size).round(3)

    # Primero acierta más la red, y después contar: λ no se puede mirar en la prueba.
    good, bad = said(0.5, 0.9, 14), said(0.05, 0.2, 14)
    yield np.append(good[:8], bad[:6]), np.append(bad[6:], good[8:]), 8
    # Se reparten los aciertos: λ queda en medio.
    yield (
        np.array([0.8, 0.1, 0.7, 0.9, 0.2, *said(0.1, 0.9, 5)]),
        np.array([0.1, 0.6, 0.1, 0.1, 0.5, *said(0.1, 0.9, 5)]),
        5,
    )
    good, bad = said(0.4, 0.8, 9), said(0.02, 0.1, 9)
    yield np.append(bad[:6], good[:3]), np.append(good[3:], bad[6:]), 6
    # Empatan todas: iguales, y potencias de 1/2, que se mezclan sin redondeo.
    same = rng.choice([0.5, 0.25, 0.125], 5)
    yield np.append(same, said(0.4, 0.8, 4)), np.append(same, said(0.02, 0.1, 4)), 5


@SET.exercise(
    "mezcla", "Elegir λ y medir aparte", points=1.5, cases=_mixing_cases, tolerance=1e-5,
    hints=(
        "Para cada λ, la probabilidad de la mezcla en cada letra es λ·p_net + (1 − λ)·p_counts.",
        "La λ se elige con las primeras num_choose letras; los bits se miden en las demás, con esa λ.",
        "Los bits por letra son la media de −log₂ de la probabilidad de la mezcla: primero se mezcla y "
        "después se toma el logaritmo.",
    ),
)  # fmt: skip
def mix(p_net, p_counts, num_choose):
    def bits(weight, part):
        return -np.log2(weight * p_net[part] + (1 - weight) * p_counts[part]).mean()

    choose, measure = slice(0, num_choose), slice(num_choose, None)
    best = min(np.arange(11) / 10, key=lambda weight: bits(weight, choose))
    return [best, bits(best, measure)]


mix.mistaken(
    ("bits(weight, choose)", "bits(weight, measure)",
     "elegiste λ mirando las letras con que mides: la cifra sale mejor de lo que es."),
    ("-np.log2(weight * p_net[part] + (1 - weight) * p_counts[part]).mean()",
     "-(weight * np.log2(p_net[part]) + (1 - weight) * np.log2(p_counts[part])).mean()",
     "promediaste las sorpresas. La mezcla promedia probabilidades, y después va el logaritmo."),
    ("weight * p_net[part] + (1 - weight) * p_counts[part]",
     "(1 - weight) * p_net[part] + weight * p_counts[part]",
     "pusiste λ en contar: pesa a la red."),
    ("slice(num_choose, None)", "slice(0, None)",
     "mediste también en las letras con que elegiste λ."),
    ("bits(best, measure)", "bits(best, choose)",
     "mediste donde elegiste λ: la cifra sale mejor de lo que es. Se mide en las demás letras."),
    ("bits(weight, choose)", "bits(weight, slice(None))",
     "elegiste λ con todo el texto, también con las letras en que mides."),
    ("np.arange(11) / 10", "np.arange(10, -1, -1) / 10", "entre varias λ que empatan, devuelves la mayor."),
)  # fmt: skip


def _reading_cases(rng):
    def case(steps, batch, inputs, hiddens):
        shapes = [(steps, batch, inputs), (batch, hiddens), (inputs + hiddens, 2 * hiddens), (2 * hiddens,)]
        shapes += [(inputs + hiddens, hiddens), (hiddens,)]
        return tuple((rng.normal(0, 1, shape).round(1) + 0.05).round(2) for shape in shapes)

    yield case(3, 2, 2, 3)
    yield case(1, 1, 3, 2)  # un solo paso
    yield case(5, 1, 2, 2)


@SET.exercise(
    "detective", "Detective: una GRU que aprende mal", points=2, cases=_reading_cases,
    tolerance=1e-2,  # una diferencia que se dice, se ve
    hints=(
        "Hay tres líneas que cambiar, y un fallo puede tapar parte de otro. ¿Se usa todo lo que se calcula? "
        "¿Se usa cada cosa con su valor de ese paso?",
        "N tiene que leer el estado del paso anterior, multiplicado por R, y nada más.",
        "Las primeras columnas de W_gates son las de R y las últimas, las de Z.",
    ),
)  # fmt: skip
def read_states(X, H, W_gates, b_gates, W_n, b_n):
    states = []
    for x in X:
        scores = np.hstack([x, H]) @ W_gates + b_gates
        R, Z = np.split(1 / (1 + np.exp(-scores)), 2, axis=1)
        N = np.tanh(np.hstack([x, R * H]) @ W_n + b_n)
        H = Z * H + (1 - Z) * N
        states.append(H)
    return np.stack(states)


_LINES = """R, Z = np.split(1 / (1 + np.exp(-scores)), 2, axis=1)
        N = np.tanh(np.hstack([x, R * H])"""

read_states.planted(
    ("R, Z = np.split", "Z, R = np.split",
     "los dos bloques están cambiados: con sus pesos, R hace de Z y Z de R."),
    ("N = np.tanh(", "H = Z * H; N = np.tanh(",
     "reescribes H antes de usarlo: N lee un estado ya encogido, y Z se aplica dos veces."),
    ("np.hstack([x, R * H])", "np.hstack([x, H])", "R se calcula y no se usa: nunca se empieza de nuevo."),
)  # fmt: skip

read_states.mistaken(
    ("np.hstack([x, R * H]) @ W_n", "x @ W_n[: x.shape[1]] + R * (H @ W_n[x.shape[1] :])",
     "aplicas R después del producto. Esta GRU es la del artículo publicado, y lo aplica antes."),
    ("R * H", "Z * H", "N lee el estado multiplicado por Z: R se calcula y no se usa."),
    ("N = np.tanh(np.hstack([x, R * H])", "H = R * H; N = np.tanh(np.hstack([x, H])",
     "N lee lo que debe, pero reescribes H: el estado que Z conserva ya no es el del paso anterior."),
    (_LINES, _LINES.replace("R, Z", "Z, R", 1).replace("N = np.tanh(np.hstack([x, R * H])",
                                                      "H = R * H; N = np.tanh(np.hstack([x, H])"),
     "cambiaste el nombre en la línea que reescribe H y la dejaste; y los dos bloques siguen cambiados."),
)  # fmt: skip
