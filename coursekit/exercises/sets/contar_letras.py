"""Conjunto «Contar letras»: mezclar historias, contar contextos, cortar y comprimir."""

import lzma

import numpy as np

from coursekit.data import load_sample
from coursekit.exercises.exercise import ExerciseSet, variants
from coursekit.text import letters

SET = ExerciseSet("contar-letras", "Contar letras", imports=("numpy", "coursekit.data", "coursekit.text"))

# Veces que siguieron la a, la s y la n; y en centésimas, lo que la historia corta da a la a y a la z.
VARIANTS = [(4, 1, 1, 20, 25), (5, 2, 2, 27, 30), (6, 3, 1, 30, 20), (7, 2, 2, 33, 15), (3, 1, 1, 24, 35)]
VARIANTS += [(8, 3, 2, 20, 40), (5, 1, 1, 18, 22), (9, 3, 1, 28, 18), (4, 2, 2, 32, 24), (6, 3, 2, 14, 33)]


@SET.exercise(
    "mezclar_a_mano", "Mezclar con lápiz y papel", name="mixed", points=1.5, cases=variants, tolerance=5e-3,
    parts={
        "la a, contando a secas": "¿cuántas letras siguieron a h en total?",
        "la a, Witten-Bell": "¿pusiste c(h) + T(h) en el denominador, con T(h) las letras distintas?",
        "la z, Witten-Bell": "¿qué queda de la fórmula si c(h, z) es 0?",
        "la a, Kneser-Ney": "¿qué descuento le toca a cada una de las tres cuentas, y cuánto suman?",
    },
    hints=(
        "c(h) es la suma de las tres cuentas y T(h), cuántas letras distintas siguieron: tres.",
        "Witten-Bell: (c(h,w) + 3·P(w|h')) / (c(h) + 3). Con la z, la cuenta es 0.",
        "Kneser-Ney: a la a, que salió tres veces o más, se le quita 1½; a una cuenta de 2, 1; a una "
        "de 1, ½. "
        "S(h) es la suma de los tres descuentos: (c(h,a) − 1½ + S(h)·P(a|h')) / c(h).",
    ),
)  # fmt: skip
def mixed_by_hand(variant):
    a, s, n, short_a, short_z = VARIANTS[variant]
    short_a, short_z = short_a / 100, short_z / 100
    counts = [a, s, n]
    c, T = sum(counts), len(counts)
    discount = [0.5 * min(count, 3) for count in counts]
    S = sum(discount)
    return [a / c, (a + T * short_a) / (c + T), T * short_z / (c + T), (a - discount[0] + S * short_a) / c]


mixed_by_hand.mistaken(
    ("T = sum(counts), len(counts)", "T = sum(counts), sum(counts)",
     "T(h) son las letras distintas que siguieron, y pusiste cuántas veces siguió alguna."),
    ("(a + T * short_a) / (c + T), T * short_z / (c + T)", "(a + T * short_a) / c, T * short_z / c",
     "dividiste solo entre c(h): añades T(h) estrenos arriba y no abajo, y las probabilidades suman "
     "más de 1."),
    ("T * short_z / (c + T)", "0",
     "dijiste que la z es imposible porque no se vio. Para eso se mezcla con la historia corta."),
    ("[0.5 * min(count, 3) for count in counts]", "[0.5 for count in counts]",
     "quitaste lo mismo a todas las cuentas: en la versión modificada, ½ es solo para las de 1."),
    ("S = sum(discount)", "S = len(counts)",
     "en Kneser-Ney se reparte lo que se quitó, la suma de los descuentos, y no T(h)."),
)  # fmt: skip


def _mixing_cases(rng):
    def text(length, num_symbols):
        return rng.integers(num_symbols, size=length).tolist()

    ids = text(30, 3)
    yield ids, 3, 4, ids[10:12]  # historia vista
    yield ids, 3, 4, [3, ids[5]]  # la larga no se vio; la corta, sí
    yield ids, 3, 5, [ids[4], 3]  # ni la larga ni la corta: solo queda lo contado sin historia
    yield ids, 2, 4, [*ids[7:9], ids[3]]  # más historia de la que el orden mira
    yield ids, 3, 4, ids[6:7]  # menos
    yield ids, 2, 4, []  # ninguna
    yield ids, 1, 4, ids[2:4]  # el orden 1 no mira la historia
    a, b, c = rng.permutation(4)[:3].tolist()
    yield [a, b, a, b, a, b, c], 2, 5, [c]  # la historia está, pero el texto acaba en ella


@SET.exercise(
    "witten_bell", "Un modelo que suma 1 tras cualquier historia", points=2, cases=_mixing_cases,
    hints=(
        "Empieza repartiendo por igual y mejora ese reparto con historias cada vez más largas: de 0 "
        "letras, de "
        "1… hasta order − 1, o hasta las que haya.",
        "La historia de k letras son las k últimas, history[len(history) − k:]. (Con k = 0, "
        "history[-k:] sería "
        "la lista entera.) Cuenta qué sigue a cada aparición suya en ids.",
        "Con c la suma de esas cuentas y T cuántas no son cero: P = (counts + T·P) / (c + T). Si "
        "nada siguió a "
        "esa historia, P se queda como estaba.",
    ),
)  # fmt: skip
def next_letter(ids, order, vocab_size, history):
    P = np.full(vocab_size, 1 / vocab_size)
    for k in range(min(order - 1, len(history)) + 1):
        recent = history[len(history) - k :]
        counts = np.zeros(vocab_size)
        for i in range(k, len(ids)):
            if ids[i - k : i] == recent:
                counts[ids[i]] += 1
        c, T = counts.sum(), (counts > 0).sum()
        if c > 0:
            P = (counts + T * P) / (c + T)
    return P


next_letter.mistaken(
    ("history[len(history) - k :]", "history[-k:]",
     "con k = 0, history[-0:] es la historia entera: la de cero letras es la lista vacía."),
    ("history[len(history) - k :]", "history[:k]",
     "acortas la historia por el lado equivocado: se olvida lo más antiguo y se conservan las "
     "últimas letras."),
    ("if c > 0:\n            P =", "if True:\n            P =",
     "si nada siguió a la historia, c y T son cero y divides entre cero: hay que quedarse con la más corta."),
    ("(counts + T * P) / (c + T)", "(counts + T * P) / c",
     "no suma 1: lo que añades arriba, T, tiene que estar también abajo."),
    ("(counts > 0).sum()", "c", "T son las letras distintas que siguieron, no cuántas veces siguió alguna."),
    ("(counts + T * P) / (c + T)", "counts / c",
     "sin mezclar, una letra que nunca siguió a esa historia tiene probabilidad cero."),
    ("np.full(vocab_size, 1 / vocab_size)", "np.zeros(vocab_size)",
     "la mezcla acaba en repartir por igual; empezando en ceros se pierde esa parte y no suma 1."),
    ("range(min(order - 1, len(history)) + 1)", "range(min(order, len(history)) + 1)",
     "un modelo de orden n mira n − 1 letras, y el tuyo mira n."),
)  # fmt: skip

_PHRASES = (
    "quique quiso queso", "tres tristes tigres", "pepe pecas pica papas", "el cielo está enladrillado",
    "la bruja avería", "como poco coco como", "paco peco chico rico", "poquito a poquito copete",
)  # fmt: skip


def _context_cases(rng):
    first, second, third = (_PHRASES[i] for i in rng.permutation(len(_PHRASES))[:3])
    yield first, 1
    yield second, 2
    yield f"{third} {first}", 3
    once = "".join(rng.permutation(list("murciélago")).tolist())
    yield once, 1  # ninguna letra se repite: solo la primera tiene delante el comienzo
    turn = "".join(rng.permutation(list("aeiou"))[:3].tolist())
    yield turn + turn, 2  # lo primero vuelve a salir, tras la última letra del texto


@SET.exercise(
    "continuaciones", "Contar contextos y no apariciones", points=1.5, cases=_context_cases,
    hints=(
        "Por cada trozo de n letras, guarda en un conjunto las letras que lo preceden.",
        "El trozo que empieza en i va precedido de text[i − 1]; el que empieza en 0, del comienzo, que puede "
        "ser cualquier marca que no sea una letra, como \"^\".",
        "padded = \"^\" + text; contexts.setdefault(padded[i + 1 : i + 1 + n], set()).add(padded[i]), y al "
        "final el tamaño de cada conjunto.",
    ),
)  # fmt: skip
def contexts(text, n):
    padded = "^" + text
    before = {}
    for i in range(len(text) - n + 1):
        before.setdefault(text[i : i + n], set()).add(padded[i])
    return {piece: len(symbols) for piece, symbols in before.items()}


contexts.mistaken(
    ("set()).add(padded[i])", "[]).append(padded[i])",
     "contaste apariciones: la u de «quique quiso queso» sale cuatro veces y siempre tras la misma letra."),
    ("range(len(text) - n + 1)", "range(1, len(text) - n + 1)",
     "falta el trozo con el que empieza el texto: el comienzo cuenta como una letra que lo precede."),
    ("padded[i]", "(padded + '$')[i + 1 + n]",
     "contaste las letras que lo siguen. Las continuaciones preguntan tras cuántas letras puede venir."),
    ("range(len(text) - n + 1)", "range(len(text) - n)", "te falta el último trozo."),
    ("padded[i]", "text[i - 1]",
     "text[-1] es la última letra del texto: el primer trozo va precedido del comienzo, no del final."),
)  # fmt: skip


def _window_cases(rng):
    yield 10, 3, 0  # tres ventanas justas
    yield 12, 4, int(rng.integers(1, 3))  # sobran letras
    yield 9, 4, 0  # justas
    yield 8, 4, 0  # la segunda ventana se queda sin la última
    yield 5, 1, int(rng.integers(3))  # ventanas de una letra
    yield 4, 3, 1  # no cabe ninguna


@SET.exercise(
    "a_la_vista", "Cuántas letras hay a la vista", points=1.5, cases=_window_cases,
    hints=(
        "Una ventana que empieza en s lee las letras s, s+1, …, s+num_steps−1 y predice s+1, s+2, …, "
        "s+num_steps.",
        "La letra s+1 se predice con una sola a la vista, la s; la última, con num_steps.",
        "Los comienzos son offset, offset + num_steps…, y caben (length − 1 − offset) // num_steps ventanas "
        "enteras.",
    ),
)  # fmt: skip
def in_view(length, num_steps, offset):
    num_windows = (length - 1 - offset) // num_steps
    starts = [offset + i * num_steps for i in range(num_windows)]
    return {start + seen: seen for start in starts for seen in range(1, num_steps + 1)}


in_view.mistaken(
    ("start + seen: seen for", "start + seen: start + seen for",
     "contaste todo lo que hay antes en el libro; en una ventana fría solo se ve lo que está dentro "
     "de ella."),
    ("start + seen: seen for start in starts for seen in range(1, num_steps + 1)",
     "start + seen: seen for start in starts for seen in range(num_steps)",
     "incluyes la primera letra de la ventana, que se lee y no se predice, y te falta la última."),
    ("offset + i * num_steps for", "i * num_steps for",
     "no usas offset: tus ventanas siempre empiezan en 0."),
    ("[offset + i * num_steps for i in range(num_windows)]", "range(offset, length - num_steps)",
     "tus ventanas avanzan de una en una y se solapan: cada letra se predice muchas veces."),
    ("[offset + i * num_steps for i in range(num_windows)]", "range(offset, length, num_steps)",
     "incluyes la última ventana aunque no quepa entera."),
    ("(length - 1 - offset)", "(length - offset)",
     "a la última ventana le puede faltar la letra que predice: se necesitan num_steps + 1 letras."),
)  # fmt: skip

# Fragmentos seguidos de un mismo relato: la prueba repite palabras del entrenamiento.
_STORY = "".join(letters(" ".join(load_sample("relato").documents)))


def _compressing_cases(rng):
    start = int(rng.integers(len(_STORY) - 8000))
    yield _STORY[start : start + 6000], _STORY[start + 6000 : start + 8000]
    start = int(rng.integers(len(_STORY) - 4000))
    piece = _STORY[start : start + 4000]
    yield piece, piece[1000:3000]  # la prueba ya estaba: casi no cuesta nada


@SET.exercise(
    "compresor", "Un compresor es un modelo de lenguaje", points=1.5, cases=_compressing_cases,
    hints=(
        "Lo que cuesta la prueba a quien ya leyó el entrenamiento es lo que crece el archivo al añadirla.",
        "len(lzma.compress(texto.encode())) son bytes, de 8 bits cada uno.",
        "Divide los bits de más entre las letras de la prueba, len(test), y eleva: 2 ** bits.",
    ),
)  # fmt: skip
def compressor_perplexity(train, test):
    def size(text):
        return len(lzma.compress(text.encode()))

    bits = 8 * (size(train + test) - size(train))
    return 2 ** (bits / len(test))


compressor_perplexity.mistaken(
    ("size(train + test) - size(train)", "size(test)",
     "comprimes la prueba sola: ese compresor no ha leído el entrenamiento."),
    ("size(train + test) - size(train)", "size(train)", "mides el entrenamiento, y se pide la prueba."),
    ("bits = 8 * (", "bits = (", "len da bytes, y cada uno son 8 bits."),
    ("2 ** (bits / len(test))", "np.exp(bits / len(test))",
     "los bits van con potencias de 2; con e hay que pasarlos antes a nats."),
    ("/ len(test)", "/ len(test.encode())",
     "divides entre bytes: las letras con tilde y la ñ ocupan dos. La perplejidad es por letra."),
    ("2 ** (bits / len(test))", "bits / len(test)", "te quedaste en los bits por letra."),
    ("(size(train + test) - size(train))\n    return 2 ** (bits / len(test))",
     "size(train + test)\n    return 2 ** (bits / len(train + test))",
     "promedias el entrenamiento y la prueba: el principio, que el compresor leyó sin saber nada, es caro."),
)  # fmt: skip


def _preparing_cases(rng):
    for num_steps, length in ((3, 80), (4, 90), (2, 70)):
        body = rng.choice(list("aeslnr "), length - length // 10).tolist()
        ending = rng.choice(list("aeslnr "), length // 10).tolist()
        ending[int(rng.integers(len(ending)))] = "b"  # no está en el entrenamiento y va antes que otras
        yield "".join([*body, *ending]), num_steps


@SET.exercise(
    "detective", "Detective: tres fallos antes de medir", points=2, cases=_preparing_cases,
    hints=(
        "Son tres: uno en cómo se parte el texto, otro en el alfabeto y otro en las ventanas.",
        "¿De qué texto debe salir el alfabeto? ¿Y en qué parte del texto no debe estar la prueba?",
        "Las ventanas de la prueba no se solapan más que en la letra que una predice y la siguiente lee: sus "
        "comienzos van de num_steps en num_steps.",
    ),
)  # fmt: skip
def prepare(text, num_steps):
    tenth = len(text) // 10
    train, test = text[:-tenth], text[-tenth:]
    number = {letter: i for i, letter in enumerate(sorted(set(train)), start=1)}  # el 0, para las demás
    ids = [number.get(letter, 0) for letter in test]
    starts = range(0, len(ids) - num_steps, num_steps)
    windows = [ids[start : start + num_steps + 1] for start in starts]
    return [number.get(letter, 0) for letter in train], windows


prepare.planted(
    ("text[:-tenth], text[-tenth:]", "text[:-tenth], text[:tenth]",
     "la prueba es el principio del texto, que está dentro del entrenamiento."),
    ("sorted(set(train))", "sorted(set(text))",
     "el alfabeto sale de todo el texto: el modelo sabe de antemano qué letras le esperan."),
    ("range(0, len(ids) - num_steps, num_steps)", "range(0, len(ids) - num_steps)",
     "las ventanas avanzan de una en una, y cada letra de la prueba se mide muchas veces."),
)  # fmt: skip

prepare.mistaken(
    ("range(0, len(ids) - num_steps, num_steps)", "range(0, len(ids) - num_steps, num_steps + 1)",
     "entre ventana y ventana se pierde una letra: la última que una predice es la primera que lee la "
     "siguiente."),
)  # fmt: skip
