"""Conjunto «Datos y lotes»: relleno a mano, tokenizador, vocabulario, cubetas, lotes y un detective."""

import re
import unicodedata
from collections import Counter

import numpy as np

from coursekit.exercises.exercise import MODELS, ExerciseSet, OpenQuestion, variants

SET = ExerciseSet(
    "datos-y-lotes",
    "Datos y lotes",
    imports=("numpy", "torch", "coursekit.data", "coursekit.text"),
    open_questions=(
        OpenQuestion(
            "tres-pruebas",
            "Toma una red, tuya o de un cuaderno publicado, que lea lotes de textos. Escribe para ella las "
            "dos pruebas de la lección y di qué salió. Di también qué fallo, distinto de los de la lección, "
            "pasaría las dos, y con qué tercera prueba se vería.",
            "2 puntos: 0.5 por cada prueba, hecha sobre la red entera, en modo de evaluación y con "
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

_GOOD = "delicia preciosa niño corazón pingüino épica cariño".split()
_BAD = "larguísima sosa tedio ruido vergüenza tópico año".split()


def _review_cases(rng):
    good, bad, other = str(rng.choice(_GOOD)), str(rng.choice(_BAD)), str(rng.choice(_GOOD))
    yield f"¿Vale la pena?<br /><br />No: ¡qué {bad}!",
    yield f"Una {good}.<BR>Le doy un 8,{int(rng.integers(1, 10))} sobre 10",
    yield unicodedata.normalize("NFD", f"Acción: {good}; después, {bad}"),
    yield f"—{bad.upper()}… y {int(rng.integers(1, 9))}.000 «extras»<br/>{other}",
    yield f"  {other}\n\tÑOÑA  ",
    yield "<br /><br/>",  # nada
    yield f"No <3 ni > de 2<br>{bad}/{good}",  # signos sueltos que no son la marca
    yield "¡¡3D!! pingüino a_b,<Br>1.000,50 o 1.000.000... costó 10.",


@SET.exercise(
    "tokens", "Un tokenizador para reseñas", points=1.5, cases=_review_cases,
    forbids=(*MODELS, "coursekit.text.tokenizers"),
    hints=(
        "Primero unicodedata.normalize(\"NFC\", ...) y .lower(); después la marca, y al final re.findall.",
        "La marca se cambia por un espacio, no por nada: re.sub(r\"<br\\s*/?>\", \" \", texto).",
        "Tres clases de token, por este orden: números con punto o coma por dentro, \\d+(?:[.,]\\d+)+; "
        "letras y cifras seguidas, [^\\W_]+; y cualquier signo suelto, \\S.",
    ),
)  # fmt: skip
def tokenize(text):
    text = unicodedata.normalize("NFC", text).lower()
    text = re.sub(r"<br\s*/?>", " ", text)
    return re.findall(r"\d+(?:[.,]\d+)+|[^\W_]+|\S", text)


tokenize.mistaken(
    ('unicodedata.normalize("NFC", text).lower()', "text.lower()",
     "falta la forma NFC: la misma palabra, escrita con la tilde aparte, se parte en dos."),
    ('unicodedata.normalize("NFC", text).lower()', 'unicodedata.normalize("NFC", text)',
     "falta pasar a minúsculas: «Una» y «una» serían dos palabras del vocabulario."),
    (r"[^\W_]+", r"\w+", "\\w incluye el guion bajo, que es un signo: a_b son tres tokens."),
    (r"[^\W_]+", "[a-záéíóúñ0-9]+", "te falta la ü: «pingüino» se parte."),
    (r"[^\W_]+", r"[^\W\d_]+|\d+", "separas las cifras de las letras, y 3D es un token."),
    (r"[^\W_]+", "[a-z0-9]+",
     "[a-z] deja fuera tildes, eñes y diéresis: «niño» queda en tres trozos."),
    (r're.sub(r"<br\s*/?>", " ", text)', "text",
     "la marca <br /> se queda en el texto, partida en signos: sería de lo más frecuente del vocabulario."),
    ('" ", text', '"", text',
     "quitas la marca sin dejar un espacio, y las palabras de los dos lados se pegan."),
    (r"<br\s*/?>", "<.*>",
     "«<.*>» se lleva todo lo que hay entre el primer < y el último >, también palabras."),
    (r"\d+(?:[.,]\d+)+|", "", "los números con coma o punto por dentro se parten: 8,5 es uno solo."),
    (r"\d+(?:[.,]\d+)+", r"\d[\d.,]*",
     "te llevas con el número el punto del final: solo son suyos los que tienen cifras a los dos lados."),
    (r"\d+(?:[.,]\d+)+", r"\d+[.,]\d+",
     "un número puede llevar más de un punto o coma: 1.000,50 es uno solo."),
    (r"|\S", r"|[^\w\s]+|_", "juntas los signos seguidos: cada uno es un token."),
    (r"|\S", r"|[^\w\s]", "pierdes el guion bajo, que también es un signo."),
    (r"|\S", "",
     "pierdes los signos. En español, ¿ y ¡ dicen además dónde empieza una pregunta."),
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


def _bucket_cases(rng):
    def draw(lengths, size):
        first, turn = rng.permutation(len(lengths)), rng.permutation(-(-len(lengths) // size))
        return lengths, size, first.tolist(), turn.tolist()

    yield draw(rng.permutation(np.arange(2, 16)).tolist()[:11], 3)  # el último lote, de dos
    yield draw(rng.integers(2, 5, 12).tolist(), 4)  # muchos empates
    yield draw(rng.integers(3, 40, 10).tolist(), 2)
    yield [5, 5, 5, 5, 5], 2, rng.permutation(5).tolist(), [2, 0, 1]  # todos iguales
    yield draw(rng.integers(2, 9, 5).tolist(), 8)  # cabe todo en uno
    yield draw(rng.permutation(np.arange(2, 16)).tolist()[:9], 2)


@SET.exercise(
    "cubetas", "Lotes de largo parecido", points=1.5, cases=_bucket_cases,
    hints=(
        "Pon los textos en el orden de first, ordénalos por largo, pártelos de batch_size en batch_size y "
        "devuelve los lotes en el orden de turn.",
        "sorted es estable: sorted(first, key=lambda i: lengths[i]) deja a los de igual largo en el orden en "
        "que estaban en first.",
        "[batches[i] for i in turn]: el primero que sale es el lote turn[0].",
    ),
)  # fmt: skip
def bucket_batches(lengths, batch_size, first, turn):
    order = sorted(first, key=lambda i: lengths[i])
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [batches[i] for i in turn]


bucket_batches.mistaken(
    ("sorted(first, key=lambda i: lengths[i])", "sorted(range(len(lengths)), key=lambda i: lengths[i])",
     "no usas first: los de igual largo se repartirían igual en todas las épocas."),
    ("sorted(first, key=lambda i: lengths[i])", "first",
     "barajas y no ordenas: son lotes al azar, con el relleno de los lotes al azar."),
    ("[batches[i] for i in turn]", "batches",
     "no usas turn: cada época se leería primero todo lo corto, y al final todo lo largo."),
    ("key=lambda i: lengths[i])", "key=lambda i: -lengths[i])",
     "van del más corto al más largo, y no al revés."),
    ("range(0, len(order), batch_size)", "range(0, len(order) - batch_size + 1, batch_size)",
     "pierdes los textos del último lote, que no llega a batch_size: cada uno ha de salir una vez."),
    ("[batches[i] for i in turn]", "[batch for _, batch in sorted(zip(turn, batches))]",
     "usas turn al revés: turn[0] es qué lote sale el primero, y no en qué puesto sale el primer lote."),
    ("[batches[i] for i in turn]", "[[lengths[j] for j in batches[i]] for i in turn]",
     "das los largos, y hacen falta las posiciones de los textos."),
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
