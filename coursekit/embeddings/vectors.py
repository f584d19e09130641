"""Vectores en ficheros: los formatos de texto y binario de word2vec, y gensim."""

import codecs
import gzip
import zlib
from pathlib import Path

import numpy as np

from coursekit.embeddings.neighbours import check_vectors
from coursekit.errors import CourseError
from coursekit.text import Vocab
from coursekit.text.vectorfile import open_vectors, parse_header, parse_row


def save_vectors(path: str | Path, vectors, vocab, binary: bool = False) -> None:
    """Guarda vectores en el formato de word2vec, que leen gensim y otros programas.

    Args:
        path: fichero; si acaba en `.gz`, se comprime.
        vectors: un vector por fila (V, dim); se guardan con precisión simple.
        vocab: vocabulario con la interfaz de torchtext; los índices son las filas.
        binary: si es cierto, 4 bytes por número; si no, texto.
    Raises:
        CourseError: si sobran o faltan vectores, alguno no es finito o una palabra
            tiene un espacio.
    """
    check_vectors(vectors, vocab)
    X, words = np.asarray(vectors, dtype="<f4"), vocab.get_itos()
    for word in words:
        if not word or any(space in word for space in " \t\r\n"):
            raise CourseError(
                f"La palabra {word!r} no cabe en este formato, que separa con espacios."
            )
    with (gzip.open if str(path).endswith(".gz") else open)(path, "wb") as file:
        file.write(f"{len(X)} {X.shape[1]}\n".encode())
        for word, row in zip(words, X):
            # repr es la escritura más corta que devuelve el mismo número al leerla.
            text = " ".join(map(repr, row.tolist()))
            numbers = row.tobytes() if binary else text.encode()
            file.write(word.encode() + b" " + numbers + b"\n")


def load_vectors(path: str | Path, binary: bool = False) -> tuple[Vocab, np.ndarray]:
    """Lee vectores guardados por word2vec, gensim o GloVe (este, sin primera línea).

    Args:
        path: fichero, comprimido con gzip o no.
        binary: si se guardó en el formato binario.
    Returns:
        El vocabulario, en el orden del fichero, y los vectores (V, dim) en float32.
    Raises:
        CourseError: si el fichero es del otro formato o está dañado.
    """
    try:
        with open_vectors(path) as file:
            raw = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(f"No se puede leer {path}: {error}.") from None
    words, vectors = (_parse_binary if binary else _parse_text)(raw, path)
    if not np.isfinite(vectors).all():
        raise CourseError(f"{path} está dañado: tiene números que no son finitos.")
    return Vocab(words), vectors


def keyed_vectors(vectors, vocab):
    """Los vectores como `KeyedVectors` de gensim.

    Args:
        vectors: un vector por fila (V, dim).
        vocab: vocabulario con la interfaz de torchtext; los índices son las filas.
    Raises:
        CourseError: si gensim no está instalado o no hay un vector por palabra.
    """
    check_vectors(vectors, vocab)
    try:
        from gensim.models import KeyedVectors
    except ImportError:
        raise CourseError("Falta gensim: instálalo con «pip install gensim».") from None
    X = np.asarray(vectors, dtype=np.float32)
    keyed = KeyedVectors(X.shape[1])
    keyed.add_vectors(vocab.get_itos(), X)
    return keyed


def _parse_text(raw: bytes, path) -> tuple[list[str], np.ndarray]:
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise CourseError(
            f"{path} no es de texto: si es del formato binario, léelo con binary=True."
        ) from None
    lines = raw.removeprefix(codecs.BOM_UTF8).rstrip(b"\n").split(b"\n")
    header = parse_header(lines[0])
    rows = lines[1:] if header else lines
    num_rows, dim = header or (len(rows), len(rows[0].split(b" ")) - 1)
    # Antes de pedir memoria, que la primera fila tenga los números anunciados.
    fits = not rows or parse_row(rows[0], dim)
    vectors, words = np.empty((len(rows), dim if fits else 0), np.float32), []
    for i, line in enumerate(rows):
        row = parse_row(line, dim) if dim else None
        if row is None:
            raise CourseError(
                f"El vector {i + 1} de {path} no son una palabra y {dim} números: el "
                "fichero está dañado o es del formato binario (binary=True)."
            )
        words.append(row[0].decode())
        vectors[i] = row[1]
    if len(rows) != num_rows:
        raise CourseError(f"{path} anuncia {num_rows} vectores y tiene {len(rows)}.")
    return words, vectors


def _parse_binary(raw: bytes, path) -> tuple[list[str], np.ndarray]:
    first, _, body = raw.partition(b"\n")
    header = parse_header(first)
    if not header:
        raise CourseError(
            f"{path} no empieza como un fichero binario de word2vec: si es de texto, "
            "léelo con binary=False."
        )
    num_rows, dim = header
    # Un texto también tiene bytes que leer como números: saldrían vectores sin sentido.
    if parse_row(body.partition(b"\n")[0].replace(b"\t", b" "), dim):
        raise CourseError(f"{path} es de texto, no binario: léelo con binary=False.")
    damaged = CourseError(
        f"{path} está dañado o no es binario: no contiene {num_rows} vectores de {dim} "
        "números."
    )
    if num_rows * (4 * dim + 2) > len(body):
        raise damaged
    vectors, words, place = np.empty((num_rows, dim), np.float32), [], 0
    for i in range(num_rows):
        space = body.find(b" ", place)
        end = space + 1 + 4 * dim
        if space < 0 or end > len(body):
            raise damaged
        try:
            # El programa original pone un salto de línea tras cada vector; gensim, no.
            words.append(body[place:space].decode("utf-8").lstrip("\n"))
        except UnicodeDecodeError:
            raise damaged from None
        vectors[i] = np.frombuffer(body[space + 1 : end], "<f4")
        place = end
    if body[place:].strip(b"\n"):
        raise damaged
    return words, vectors
