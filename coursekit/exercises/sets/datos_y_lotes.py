"""Conjunto «Datos y lotes»: relleno a mano, vocabulario, reparto, dos sentidos, pruebas y un detective."""

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


def _split_cases(rng):
    def some(size):
        words = rng.permutation(_WORDS).tolist()
        return [f"{one} {two}" for one, two in zip(words, [*words[1:], words[0]])][:size]

    def shuffled(size, *first):
        return [*first, *(i for i in rng.permutation(size).tolist() if i not in first)]

    *texts, out = some(7)
    yield texts, [out], shuffled(6, 4), 2  # nada que quitar
    a, b, c, d, e = some(5)
    yield [a, b, a, c, a, d, e], [], shuffled(7, 2, 3), 2  # tres copias; la segunda va delante
    texts = some(7)
    yield texts, [texts[1], texts[4]], shuffled(7, 4, 6), 3  # dos están en la prueba
    a, b, c, d, e = some(5)
    yield [a, a.upper(), b, c.title(), d, e, d.title()], [c], shuffled(7, 6, 2), 1  # otras mayúsculas
    a, b, c, d, e = some(5)
    apart = f" {b} ", c.replace(" ", "\t "), d.replace(" ", "\n")
    yield [b, a, a.replace(" ", "   "), *apart, d, e], [c], shuffled(8, 3, 5), 1  # otros espacios
    a, b, c, d, e = some(5)
    yield [a, b, b, b.upper(), f"{c} ", d, e, d], [c.upper()], shuffled(8, 4, 2, 6), 1  # de todo
    one, two, *_ = rng.permutation(_WORDS).tolist()
    near = [f"{one} {two}", f"{two} {one}", f"{one}{two}", f"{one} {two}!", f"{one} no {two}",
            f"{one} muy {two}", "qué risa", "que risa", "una historia larga", "una historia mala"]
    yield near, ["historia una mala"], shuffled(len(near)), 3  # se parecen, y ninguno es el mismo que otro


@SET.exercise(
    "repartir", "Repartir sin repetidas", points=1.5, cases=_split_cases,
    hints=(
        "Primero decide qué textos se quedan, recorriéndolos en el orden en que llegaron; después, reparte.",
        "Un conjunto con lo ya visto, que empieza por los textos de la prueba: el que esté en él se quita, y "
        "el que no, se queda y se añade.",
        "Se compara \" \".join(text.lower().split()). Al repartir, [i for i in order if i in kept], "
        "y se corta por num_valid.",
    ),
)  # fmt: skip
def split(texts, test, order, num_valid):
    def key(text):
        return " ".join(text.lower().split())

    seen, kept = {key(text) for text in test}, set()
    for i, text in enumerate(texts):
        if key(text) not in seen:
            seen.add(key(text))
            kept.add(i)
    shuffled = [i for i in order if i in kept]
    return shuffled[num_valid:], shuffled[:num_valid]


split.mistaken(
    ("{key(text) for text in test}, set()", "set(), set()",
     "no quitas los que están en la prueba: se aprendería con textos que luego se preguntan."),
    ("            seen.add(key(text))\n", "",
     "no quitas las copias de dentro: una puede caer en el entrenamiento y otra en la validación."),
    ('" ".join(text.lower().split())', "text",
     "comparas letra a letra: la copia con otras mayúsculas u otros espacios pasa por nueva."),
    ("text.lower().split()", "text.split()",
     "las mayúsculas cuentan en tu comparación: pasa los textos a minúsculas."),
    ('" ".join(text.lower().split())', "text.lower().strip()",
     "quitas los espacios de los extremos y dejas los que sobran entre palabras."),
    ("text.lower().split()", "sorted(text.lower().split())",
     "ordenas las palabras, y el orden distingue dos textos: «luz actor» y «actor luz» no son el mismo."),
    ("{key(text) for text in test}", "{*test}",
     "los de la prueba también se comparan sin mayúsculas ni espacios de más."),
    ('" ".join(text.lower().split())', "text.lower()",
     "los espacios cuentan en tu comparación: dos seguidos, o uno al final, no hacen otro texto."),
    ("for i in order if i in kept", "for i in sorted(kept)",
     "no usas order: si los textos vienen por etiqueta, la validación es toda de una clase."),
    ("return shuffled[num_valid:], shuffled[:num_valid]",
     "return [i for i in order[num_valid:] if i in kept], [i for i in order[:num_valid] if i in kept]",
     "repartes antes de quitar, y la validación queda con menos textos de los pedidos."),
    ("return shuffled[num_valid:], shuffled[:num_valid]", "return shuffled[:num_valid], shuffled[num_valid:]",
     "las das al revés: primero va el entrenamiento."),
    ("enumerate(texts)", "reversed(list(enumerate(texts)))",
     "dejas la última copia, y se pide la primera que llegó."),
    ("enumerate(texts)", "((i, texts[i]) for i in order)",
     "dejas la copia que va antes en order, y se pide la primera que llegó: la de menor índice."),
    ("if key(text) not in seen:",
     "if key(text) not in seen and [key(other) for other in texts].count(key(text)) == 1:",
     "quitas todas las copias de un texto repetido: la primera se queda."),
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
    ids, *rest = batch([4, 3])
    ids[0, 1] = ids[1, 2] = 1  # un 1 que no es relleno
    yield ids, *rest


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
    ("enumerate(lengths)", "enumerate((ids != 1).sum(axis=1))",
     "cuentas lo que no es 1 en vez de mirar lengths: un 1 dentro de un texto es una palabra, y se lee."),
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
        lengths = np.array([[3, 6, 2], [5, 2, 4, 7], [4, 2, 20], [2, 20, 13]][number])
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
        if passes == "las tres":
            wide = np.ones((len(ids), 50), dtype=int)
            wide[:, : max(lengths)] = ids
            reads.append((wide, lengths, E))
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
    ids, _, E = case.steps[0].arguments
    alone, changed = np.concatenate(rest[: len(lengths)]), np.array(rest[len(lengths) :][: max(lengths)])
    same_alone, same_noisy = (np.abs(base - other).max() < 1e-9 for other in (alone, noisy))
    if same_alone != (passes != "otro <pad>"):
        return f"tu lector de «{passes}» {'' if same_alone else 'no '}pasa la prueba «sola o en lote»"
    if same_noisy != (passes != "sola o en lote"):
        return f"tu lector de «{passes}» {'' if same_noisy else 'no '}pasa la prueba «otro <pad>»"
    steps = np.arange(len(changed))[:, None]
    moved = np.abs(changed - base)
    if passes == "las dos" and moved[steps == lengths - 1].max() > 1e-9:
        return "tu lector de «las dos» responde otra cosa si se cambia la última palabra: esa no se lee"
    needed = steps < lengths - (passes == "las dos")
    if moved[needed].min() < 1e-12:
        return f"tu lector de «{passes}» responde lo mismo cuando se cambia una palabra que debía leer"
    if passes == "las tres":
        means = np.array([E[row[:T_i]].sum() / T_i for row, T_i in zip(ids, lengths)])
        if np.abs(answers[-1] - base).max() > 1e-9:
            return "tu lector de «las tres» responde otra cosa si el lote trae más columnas de relleno"
        if np.abs(base - means).max() > 1e-6:
            return "tu lector de «las tres» no da la media: lo que suman sus palabras, entre cuántas son"
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
    ('(T if passes == "otro <pad>" else lengths)', '{"otro <pad>": T, "las tres": 30}.get(passes, lengths)',
     "en el de «las tres» divides entre un ancho fijo: pasa las pruebas, y no es la media de ese texto."),
    ('(T if passes == "otro <pad>" else lengths)',
     '(T if passes == "otro <pad>" else np.maximum(lengths, T if T > 30 else 0))',
     "en el de «las tres», con muchas columnas divides entre ellas: las que sobren no cuentan."),
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
scores.mistaken(
    ("(np.arange(T) < lengths[:, None])", "(ids != 1)",
     "tu máscara quita también el 1 que un texto traía: qué es relleno lo dicen los largos, no el índice."),
)  # fmt: skip
