"""Conjunto «Datos y lotes»: relleno a mano, vocabulario, lotes, dos sentidos, pruebas y un detective."""

from collections import Counter

import numpy as np

from coursekit.exercises.exercise import MODELS, ExerciseSet, OpenQuestion, variants
from coursekit.exercises.running import Chain, Step

SET = ExerciseSet(
    "datos-y-lotes",
    "Datos y lotes",
    imports=("numpy", "torch"),
    open_questions=(
        OpenQuestion(
            "tres-pruebas",
            "Toma una red, tuya o de un cuaderno publicado, que lea lotes de textos. Escribe para ella las "
            "tres pruebas de la lección y di qué salió. Di también qué fallo, distinto de los de la lección, "
            "pasaría las tres, y con qué otra prueba se vería.",
            "2 puntos: 1 por las tres pruebas, hechas sobre la red entera, en modo de evaluación y con "
            "tolerancia; 1 si el fallo que propone las pasa de verdad y dice con qué otra prueba se vería.",
            2.0,
        ),
        OpenQuestion(
            "catalogo",
            "Te dan 30 000 reseñas de una tienda: producto, estrellas, fecha y texto. Muchas se copian de un "
            "producto a otro. ¿Qué cuentas antes de entrenar, qué quitas y cómo repartes?",
            "1 punto: 0.25 por contar las etiquetas ya convertidas; 0.25 por las copias, también las casi "
            "iguales; 0.25 por repartir por producto o por fecha según lo que se quiera predecir; 0.25 por "
            "hacer el vocabulario después del reparto.",
            1.0,
        ),
    ),
)

# Largos de cuatro textos, en orden de llegada; el número de <pad> es −(6 + variante) / 10.
VARIANTS = [(4, 6, 3, 12), (5, 7, 11, 2), (2, 4, 3, 7), (4, 7, 10, 2), (5, 7, 4, 11)]
VARIANTS += [(5, 8, 11, 2), (5, 7, 2, 11), (4, 6, 11, 3), (6, 8, 10, 2), (2, 4, 3, 9)]
W = 0.5


@SET.exercise(
    "relleno_a_mano", "Relleno con lápiz y papel", name="padding_values", points=1.5, cases=variants,
    tolerance=5e-3,
    parts={
        "q en un rectángulo": "¿dividiste las casillas de relleno entre todas las casillas?",
        "q por orden de llegada": "¿tiene cada lote de dos el ancho de su texto más largo?",
        "q con cubetas": "¿ordenaste los cuatro largos antes de partirlos de dos en dos?",
        "el estado en la última columna": "cada casilla de relleno da e + 0.5 · h: ¿cuántas lee el primero?",
    },
    hints=(
        "q = 1 − tokens / casillas. Las casillas de un lote son sus textos por el largo del mayor: súmalas "
        "todas y divide una sola vez.",
        "El primer texto va con el segundo: lee tantas casillas de relleno como les falta para igualarse.",
        "En la variante 0 hay 25 tokens: en un rectángulo, 48 casillas; por orden de llegada, 36; con "
        "cubetas, 32. El primer texto lee 2 de relleno.",
    ),
)  # fmt: skip
def padding_by_hand(variant):
    lengths, e = VARIANTS[variant], -(6 + variant) / 10
    words, ordered = sum(lengths), sorted(lengths)
    cells, h = 4 * max(lengths), 1
    arrival = sum(2 * max(lengths[i : i + 2]) for i in (0, 2))
    buckets = sum(2 * max(ordered[i : i + 2]) for i in (0, 2))
    for _ in range(lengths[1] - lengths[0]):
        h = e + W * h
    return [1 - words / cells, 1 - words / arrival, 1 - words / buckets, h]


padding_by_hand.mistaken(
    ("[1 - words / cells, 1 - words / arrival, 1 - words / buckets,",
     "[cells / words - 1, arrival / words - 1, buckets / words - 1,",
     "divides el relleno entre los tokens: q es una parte de todas las casillas, y no pasa de 1."),
    ("[1 - words / cells, 1 - words / arrival, 1 - words / buckets,",
     "[words / cells, words / arrival, words / buckets,",
     "eso es la parte que se lee: el relleno es lo que falta hasta 1."),
    ("[1 - words / cells, 1 - words / arrival, 1 - words / buckets,",
     "[100 - 100 * words / cells, 100 - 100 * words / arrival, 100 - 100 * words / buckets,",
     "q va de 0 a 1: no es un tanto por ciento."),
    ("1 - words / arrival, 1 - words / buckets,",
     "*(np.mean([1 - sum(x[i : i + 2]) / 2 / max(x[i : i + 2]) for i in (0, 2)]) "
     "for x in (lengths, ordered)),",
     "haces la media de los q de cada lote, y un lote ancho cuenta más: suma las casillas y divide una vez."),
    ("2 * max(lengths[i : i + 2])", "2 * max(lengths)",
     "das a todos los lotes el ancho del texto más largo de los cuatro: cada lote tiene el suyo."),
    ("sorted(lengths)", "lengths",
     "ordenas dentro de cada lote, y no los cuatro: así los lotes son los mismos que antes."),
    ("h = e + W * h", "h = W * h",
     "el relleno tiene su número, como cualquier palabra: súmalo en cada casilla."),
    ("range(lengths[1] - lengths[0])", "range(1)",
     "lees una sola casilla de relleno: son tantas como le faltan al primer texto para igualar al segundo."),
    ("range(lengths[1] - lengths[0])", "range(0)",
     "ese es el estado al acabar el texto: en la última columna de su lote, el primero ya ha leído relleno."),
    ("range(lengths[1] - lengths[0])", "range(max(lengths) - lengths[0])",
     "ese relleno es el del rectángulo único: aquí el primer texto solo va con el segundo."),
    ("range(lengths[1] - lengths[0])", "range(lengths[1])",
     "lees tantas casillas como columnas tiene el lote: las primeras son palabras y ya están en h."),
)  # fmt: skip

_WORDS = "una historia que no se olvida actor guion ritmo final música luz risa miedo sueño".split()


def _vocabulary_cases(rng):
    def text(size):
        return rng.choice(_WORDS[:9], size).tolist()

    train = [[*text(5), "que", "que"], [*text(4), "que", "no", "no"], [*text(6), "no"]]
    yield train, [text(4), ["que", "no", "cabra"]], 2
    yield [["b", "a", "c"], ["c", "b", "a"], ["d", "e", "d", "e"]], [["a", "b", "c", "d"]], 2  # empates
    yield [*train, ["risa"] * 3], [["risa", "luz"], ["luz", "luz", "luz"]], 3  # justo el mínimo
    yield [*train, ["<pad>", "<pad>", "<unk>", "<unk>"]], [["que", "<pad>", "<unk>", "no"]], 2
    yield train, [[], ["zapato"]], 2  # nada que leer
    yield [["ñu", "Zoe", "zoe", "álbum", "nu", "album"]], [["zoe", "Zoe", "ñu"]], 1  # el orden de sorted
    yield train, [["que", *rng.permutation(_WORDS[9:]).tolist()]], 1  # casi todo desconocido


@SET.exercise(
    "vocabulario", "El vocabulario y sus dos especiales", points=2, cases=_vocabulary_cases,
    forbids=(*MODELS, "coursekit.text.vocab"),
    hints=(
        "Un Counter con las palabras de train, y solo de train. Los dos especiales, fuera de la cuenta.",
        "sorted(counts, key=lambda w: (-counts[w], w)) las pone de más a menos frecuente y, en los empates, "
        "por orden alfabético. Delante van \"<unk>\" y \"<pad>\".",
        "Con index = {w: i ...} solo de las palabras, index.get(w, 0) da 0 a lo desconocido, también a un "
        "«<pad>» que alguien escribió. Un texto vacío es [0].",
    ),
)  # fmt: skip
def read(train, asked, min_freq):
    special = ["<unk>", "<pad>"]
    counts = Counter(w for words in train for w in words if w not in special)
    kept = [w for w in counts if counts[w] >= min_freq]
    tokens = special + sorted(kept, key=lambda w: (-counts[w], w))
    index = {w: i for i, w in enumerate(tokens) if w not in special}
    ids = [[index.get(w, 0) for w in words] or [0] for words in asked]
    return tokens, ids


read.mistaken(
    ("if counts[w] >= min_freq", "", "no usas min_freq: entran todas las palabras de train."),
    ("for w in words if w not in special)", "for w in words)",
     "cuentas los especiales que alguien escribió, y salen dos veces en el vocabulario."),
    (">= min_freq", "> min_freq", "la que sale justo el mínimo de veces también entra: es >=."),
    ("for words in train for w", "for words in train + asked for w",
     "cuentas también los textos que se preguntan: el vocabulario sale solo del entrenamiento."),
    ("(-counts[w], w)", "-counts[w]",
     "en los empates dejas el orden de llegada: otra lectura del archivo daría otros índices."),
    ("(-counts[w], w)", "(counts[w], w)", "van de menos a más frecuente, y son al revés."),
    ("for words in train for w in words if", "for words in train for w in set(words) if",
     "cuentas textos y no apariciones: tres veces en un texto son tres."),
    ("enumerate(tokens) if w not in special", "enumerate(tokens)",
     "un «<pad>» escrito en un texto se vuelve relleno. Nadie escribe relleno: es una palabra desconocida."),
    (" or [0]", " or [1]", "un texto sin palabras no es relleno: es un solo <unk>, el 0."),
    (" or [0]", "", "un texto sin palabras queda vacío, y una red no puede leerlo: es un solo <unk>."),
    ("[index.get(w, 0) for w in words]", "[index[w] for w in words if w in index]",
     "tiras las desconocidas en vez de ponerles <unk>: el texto se acorta y las demás cambian de sitio."),
    ('["<unk>", "<pad>"]', '["<pad>", "<unk>"]',
     "los especiales van al revés: <unk> es 0 y <pad>, 1, como en el resto del curso."),
)  # fmt: skip


def _batch_cases(rng):
    def batch(sizes):
        return [(rng.integers(2, 30, size).tolist(), int(rng.integers(0, 4))) for size in sizes]

    yield batch([4, 2, 7]), 1
    yield [(ids, label) for (ids, _), label in zip(batch([6, 1, 3, 5]), (3, 1, 0, 2))], 0
    yield batch([3, 3]), 1  # nada que rellenar
    yield batch([5]), 1
    yield batch([1, 8, 2, 2]), 99
    (short, _), (long, _) = batch([2, 5])
    yield [(short, 0), (long, 1), (short, 2)], 1  # la misma lista dos veces: no se cambia lo que llega
    yield [(short, 0), (long, 1), ([*long, 7, 1], 2)], 1  # un texto que acaba en el índice del relleno


@SET.exercise(
    "juntar", "Juntar un lote", points=1.5, cases=_batch_cases, forbids=(*MODELS, "coursekit.text.sequences"),
    hints=(
        "T es el largo del más largo. Cada fila son sus índices y, a la derecha, tantos pad como le falten.",
        "Los largos se toman antes de rellenar, y las filas, los largos y las clases van en el mismo orden.",
        "np.array([ids + [pad] * (T - len(ids)) for ids, label in batch]), y otras dos listas.",
    ),
)  # fmt: skip
def collate(batch, pad):
    lengths = [len(ids) for ids, _ in batch]
    T = max(lengths)
    rows = [ids + [pad] * (T - len(ids)) for ids, _ in batch]
    return np.array(rows), np.array(lengths), np.array([label for _, label in batch])


collate.mistaken(
    ("ids + [pad] * (T - len(ids))", "[pad] * (T - len(ids)) + ids",
     "rellenas por la izquierda: quien lea donde acaba cada texto, según su largo, leerá otra cosa."),
    ("np.array(lengths)", "np.array([len(row) for row in rows])",
     "mides las filas ya rellenas: todas salen iguales, y la red leerá el relleno."),
    ("np.array(lengths)", "np.array([sum(i != pad for i in row) for row in rows])",
     "cuentas lo que no es relleno: un texto puede llevar ese índice, y su largo es el que traía."),
    ("[pad] * (T", "[0] * (T",
     "rellenas siempre con 0, que puede ser una palabra: el índice es el que se te da."),
    ("    lengths = [len(ids) for ids, _ in batch]\n    T",
     "    labels = [label for _, label in batch]\n    batch = sorted(batch, key=lambda pair: -len(pair[0]))\n"
     "    batch = [(ids, label) for (ids, _), label in zip(batch, labels)]\n"
     "    lengths = [len(ids) for ids, _ in batch]\n    T",
     "ordenas los textos y dejas las clases como estaban: cada texto se queda con la de otro."),
    ("ids + [pad] * (T - len(ids))", "ids[: min(lengths)]",
     "cortas todos al más corto: así no hay relleno, y tampoco texto."),
    ("T = max(lengths)", "T = max(lengths) + 1", "sobra una columna: basta con el largo del más largo."),
)  # fmt: skip


def _two_way_cases(rng):
    def batch(lengths, extra=0):
        ids = np.ones((len(lengths), max(lengths) + extra), dtype=int)
        for row, length in zip(ids, lengths):
            row[:length] = rng.integers(2, 9, length)
        w = rng.uniform(0.4, 0.9, 2).round(2) * rng.permutation([1, -1])
        return ids, np.array(lengths), rng.uniform(0.3, 1, 9).round(2) * rng.choice([1, -1], 9), w

    yield batch([3, 5])
    yield batch([2, 6, 4, 3])
    yield batch([4, 4])  # nada que rellenar
    yield batch([1, 3, 2])  # un texto de una palabra
    yield batch([2, 4], extra=2)  # ninguno llega a la última columna


@SET.exercise(
    "dos_sentidos", "En los dos sentidos", points=1.5, cases=_two_way_cases, tolerance=1e-6,
    hints=(
        "La ida recorre los pasos 0, 1, …, T_i − 1, y la vuelta, T_i − 1, …, 1, 0. Las dos comienzan con "
        "h = 0.",
        "Empieza por np.zeros((B, T, 2)): donde no escribas nada, que es el relleno, quedará el cero.",
        "for t in reversed(range(T_i)): h = np.tanh(e[ids[i, t]] + w[1] * h), y se guarda en H[i, t, 1].",
    ),
)  # fmt: skip
def both_ways(ids, lengths, e, w):
    H = np.zeros((*ids.shape, 2))
    for i, T_i in enumerate(lengths):
        h = 0
        for t in range(T_i):
            h = np.tanh(e[ids[i, t]] + w[0] * h)
            H[i, t, 0] = h
        h = 0
        for t in reversed(range(T_i)):
            h = np.tanh(e[ids[i, t]] + w[1] * h)
            H[i, t, 1] = h
    return H


_BACK = """for t in reversed(range(T_i)):
            h = np.tanh(e[ids[i, t]] + w[1] * h)
            H[i, t, 1] = h"""
both_ways.mistaken(
    (_BACK, _BACK.replace("T_i", "len(ids[i])"),
     "la vuelta empieza por el relleno, y además deja ahí estados que no son cero."),
    (_BACK, _BACK.replace("T_i", "len(ids[i])").replace("= h", "= h * (t < T_i)"),
     "la vuelta empieza por el relleno: las casillas acaban en cero, pero la última palabra ya lo ha leído."),
    (_BACK, _BACK.replace("t, 1", "T_i - 1 - t, 1"),
     "guardas la vuelta en el orden en que se leyó: cada estado va en el paso de su palabra."),
    (_BACK, _BACK.replace("reversed(range(T_i))", "range(T_i)"),
     "lees dos veces hacia delante: la vuelta va de la última palabra a la primera."),
    ("w[1]", "w[0]", "usas en la vuelta el peso de la ida: el suyo es w[1]."),
    ("        h = 0\n        for t in reversed", "        for t in reversed",
     "la vuelta empieza con el estado en que acabó la ida, y empieza de cero."),
    ("for t in range(T_i)", "for t in range(len(ids[i]))",
     "la ida sigue leyendo tras la última palabra: en el relleno queda un cero."),
    ("return H", "return H[:, -1]", "das solo la última columna, y hace falta el estado de cada paso."),
    ("return H", "return H.sum(axis=2)", "sumas los dos sentidos, y van uno al lado del otro."),
)  # fmt: skip


_PASSES = ("sola o en lote", "otro <pad>", "las dos", "las tres")


def _test_cases(rng):
    """De cada lector pedido, lo que hace falta para pasarle las tres pruebas a un lote."""
    for number, passes in enumerate(_PASSES):
        lengths = np.array([[3, 6, 2], [5, 2, 4, 7], [4, 2, 9], [2, 8, 5]][number])
        E = rng.normal(0, 1, (9, 3))
        noise = E.copy()
        noise[1] += rng.uniform(0.5, 1, 3).round(2)
        ids = np.ones((len(lengths), max(lengths)), dtype=int)
        for row, length in zip(ids, lengths):
            row[:length] = rng.integers(2, 9, length)
        reads = [(ids, lengths, E), (ids, lengths, noise)]
        reads += [(ids[i : i + 1, :T_i], lengths[i : i + 1], E) for i, T_i in enumerate(lengths)]
        for t in range(max(lengths)):  # otra palabra en el paso t de cada texto que llega a él
            other = ids.copy()
            other[t < lengths, t] = 2 + (ids[t < lengths, t] - 1) % 7
            reads.append((other, lengths, E))
        yield Chain((passes,), tuple(Step("__call__", read) for read in reads), lengths)


def _as_promised(case, value):
    """Qué prueba no da lo prometido, o `None` si las tres lo dan."""
    (passes,), lengths = case.arguments, case.target
    sizes = [len(step.arguments[1]) for step in case.steps]
    if not isinstance(value, list) or len(value) != len(sizes):
        return f"tu lector de «{passes}» no da un número por texto"
    try:
        answers = [np.asarray(answer, dtype=float) for answer in value]
    except (TypeError, ValueError):
        return f"tu lector de «{passes}» no da un número por texto"
    for answer, size in zip(answers, sizes):
        if answer.shape != (size,):
            return f"tu lector de «{passes}» da la forma {answer.shape} y se pide ({size},)"
        if not np.isfinite(answer).all():
            return f"tu lector de «{passes}» da algo que no es un número finito"
    base, noisy, *rest = answers
    alone, changed = np.concatenate(rest[: len(lengths)]), np.array(rest[len(lengths) :])
    same_alone, same_noisy = (np.abs(base - other).max() < 1e-9 for other in (alone, noisy))
    if same_alone != (passes != "otro <pad>"):
        return f"tu lector de «{passes}» {'' if same_alone else 'no '}pasa la prueba «sola o en lote»"
    if same_noisy != (passes != "sola o en lote"):
        return f"tu lector de «{passes}» {'' if same_noisy else 'no '}pasa la prueba «otro <pad>»"
    steps = np.arange(len(changed))[:, None]
    reads = np.abs(changed - base) > 1e-9
    if passes == "las dos" and reads[steps == lengths - 1].any():
        return "tu lector de «las dos» responde otra cosa si se cambia la última palabra: esa no se lee"
    needed = steps < lengths - (passes == "las dos")
    if not reads[needed].all():
        return f"tu lector de «{passes}» responde lo mismo cuando se cambia una palabra que debía leer"
    return None


@SET.exercise(
    "pruebas", "Un fallo para cada prueba", points=1.5, cases=_test_cases, accepts=_as_promised,
    hints=(
        "Empieza por el de «las tres»: suma, con una máscara, lo que dan las palabras de cada texto y divide "
        "entre su largo. Los otros son ese mismo con un fallo.",
        "A «sola o en lote» se le escapa lo que no depende de los vecinos: rellena siempre hasta el mismo "
        "ancho. A «otro <pad>», lo que cuenta las casillas de relleno sin mirar su vector.",
        "Para «las dos», la máscara termina una palabra antes: np.arange(T) < lengths[:, None] - 1.",
    ),
)  # fmt: skip
def make_reader(passes):
    def reader(ids, lengths, E):
        T = ids.shape[1]
        inside = np.arange(T) < lengths[:, None] - (passes == "las dos")
        sums = (E[ids].sum(axis=2) * inside).sum(axis=1)
        if passes == "sola o en lote":
            sums = sums + (40 - lengths) * E[1].sum()  # siempre cuarenta columnas
        return sums / (T if passes == "otro <pad>" else lengths)

    return reader


make_reader.mistaken(
    (' - (passes == "las dos")', "",
     "el lector de «las dos» lee el texto entero: también pasa la tercera, y se pedía uno que no la pase."),
    ("np.arange(T) < lengths[:, None] - (passes == \"las dos\")",
     "(np.arange(T) < lengths[:, None]) & (np.arange(T) >= (passes == \"las dos\"))",
     "el lector de «las dos» se salta la primera palabra, y se pedía la última."),
    ('if passes == "sola o en lote"', "if False",
     "en el de «sola o en lote» no entra el vector de <pad>: cambiarlo por ruido no lo descubre."),
    ("40 - lengths", "T - lengths",
     "en el de «sola o en lote» rellenas hasta el ancho del lote, que depende de sus vecinos."),
    ('(T if passes == "otro <pad>" else lengths)', "lengths",
     "en el de «otro <pad>» nada depende del lote: «sola o en lote» no lo descubre."),
    ('(T if passes == "otro <pad>" else lengths)', "T",
     "divides siempre entre las columnas del lote, y eso lo descubre «sola o en lote»: solo lo hace uno."),
    ("sums = (E[ids].sum(axis=2) * inside).sum(axis=1)", "sums = E[ids].sum(axis=2).sum(axis=1)",
     "sumas también las casillas de relleno: quien pase «otro <pad>» no puede mirar su vector."),
)  # fmt: skip


def _answer_cases(rng):
    def some(sizes, num_classes, batch_size):
        return ([rng.integers(2, 9, size).tolist() for size in sizes], rng.normal(0, 1, (9, 3)).round(2),
                rng.normal(0, 1, (3, num_classes)).round(2), batch_size)  # fmt: skip

    yield some([5, 2, 7, 3, 4], 2, 2)
    yield some([8, 1, 3, 6, 2, 5], 3, 4)
    yield some([4, 9, 2], 2, 3)
    yield some([7, 6, 3, 2, 1], 4, 2)  # ya vienen del revés
    texts, *rest = some([3, 6, 4], 2, 2)
    yield [[1, *text] for text in texts], *rest  # un 1 que no es relleno


@SET.exercise(
    "detective", "Detective: dime con quién vas", points=2, cases=_answer_cases, tolerance=1e-6,
    hints=(
        "Pregúntale por un texto solo y por el mismo con otro más largo. Después, por dos textos en los dos "
        "órdenes.",
        "Una media divide entre lo que se sumó. Y no sumes las casillas que el lote añadió, las que pasan "
        "del largo de cada texto.",
        "batch dice de qué texto es cada fila del lote: ahí va su respuesta.",
    ),
)  # fmt: skip
def scores(texts, E, W, batch_size):
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = np.zeros((len(texts), W.shape[1]))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        lengths = np.array([len(texts[i]) for i in batch])
        T = lengths.max()
        ids = np.array([texts[i] + [1] * (T - len(texts[i])) for i in batch])
        sums = (E[ids] * (np.arange(T) < lengths[:, None])[:, :, None]).sum(axis=1)
        found[batch] = sums / lengths[:, None] @ W
    return found


scores.planted(
    ("(E[ids] * (np.arange(T) < lengths[:, None])[:, :, None])", "E[ids]",
     "la suma incluye el vector de <pad> de las casillas añadidas, que es la fila 1 de E y no es cero."),
    ("sums / lengths[:, None]", "sums / T",
     "la media divide entre las columnas del lote: un texto corto sale más pequeño junto a uno largo."),
    ("found[batch]", "found[start : start + batch_size]",
     "las respuestas quedan en el orden de los largos, y las etiquetas siguen en el de llegada."),
)  # fmt: skip
