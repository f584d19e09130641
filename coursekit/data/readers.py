"""Lectores: de los bytes de un fichero al texto limpio, con un documento por línea.

Los de los conjuntos con clases ponen delante de cada documento su etiqueta y un tabulador.
"""

import csv
import io
import re
import tarfile
from collections.abc import Iterable

from coursekit.errors import CourseError

_MARKER = r"\*\*\*\s*{} OF TH(?:E|IS) PROJECT GUTENBERG EBOOK[^*]*\*\*\*"
_START = re.compile(_MARKER.format("START"), re.IGNORECASE)
_END = re.compile(_MARKER.format("END"), re.IGNORECASE)
# Las ediciones antiguas dejan, por dentro de las marcas, una línea de créditos y otra de cierre.
_CREDIT = re.compile(r"(Produced by|End of (the )?Project Gutenberg)\b", re.IGNORECASE)


def decode(raw: bytes) -> str:
    """Texto UTF-8 sin BOM y con saltos de línea `\\n`.

    Raises:
        CourseError: si los bytes no son UTF-8.
    """
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise CourseError(f"no es texto UTF-8 (falla en el byte {error.start})") from None


def paragraphs(text: str) -> list[str]:
    """Párrafos de un texto que los separa con líneas en blanco, cada uno en una sola línea."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text))
    return [block for block in blocks if block]


def gutenberg(raw: bytes) -> str:
    """Libro de Project Gutenberg sin su cabecera ni su licencia, un párrafo por línea.

    Args:
        raw: el fichero tal como se descarga, con BOM o sin él, con CRLF o con LF.

    Raises:
        CourseError: si falta alguna de las marcas que separan el libro de la licencia.
    """
    text = decode(raw)
    start = _START.search(text)
    end = start and _END.search(text, start.end())
    if not end:
        raise CourseError("no tiene las marcas START y END de Project Gutenberg")
    book = paragraphs(text[start.end():end.start()])
    return "\n".join(paragraph for paragraph in book if not _CREDIT.match(paragraph))


def lines(raw: bytes) -> str:
    """Texto que ya viene con un documento por línea."""
    return decode(raw).rstrip("\n")


def split_labels(text: str) -> tuple[list[str], list[str]]:
    """Etiquetas y documentos de un texto con `etiqueta TAB documento` en cada línea."""
    rows = [line.split("\t", 1) for line in text.split("\n")]
    return [label for label, _ in rows], [document for _, document in rows]


def table(raw: bytes) -> str:
    """Tabla TSV de dos columnas, etiqueta y texto, sin su primera línea, que es la cabecera."""
    return lines(raw).partition("\n")[2]


def ag_news(raw: bytes) -> str:
    """Noticias de AG_NEWS: tabla CSV sin cabecera, con la clase y, juntos, título y descripción.

    Source: el texto es el que forma torchtext 0.18, los campos separados por un espacio.
    """
    classes = {"1": "mundo", "2": "deportes", "3": "economia", "4": "ciencia"}
    return _join((classes[number], " ".join(text)) for number, *text in _rows(raw))


def constitucion(raw: bytes) -> str:
    """Argumentos del proceso constituyente chileno: tabla CSV con clase, concepto y texto."""
    classes = {"1": "valores", "2": "derechos", "3": "deberes", "4": "instituciones"}
    return _join((classes[number], text) for number, _, text in _rows(raw)[1:])


def imdb(raw: bytes, split: str) -> str:
    """Reseñas de IMDb: primero las negativas, después las positivas.

    Args:
        raw: nuestra tabla CSV (`label,rating,id,text`) o el `aclImdb_v1.tar` de los autores.
        split: `"train"` o `"test"`.

    Source: el orden es el del archivo de los autores, que es el que da torchtext 0.18: bloques
        de 128 números seguidos (0-127, 128-255…) y, en cada bloque, del mayor al menor.
    """
    if raw.startswith(b"label,"):
        reviews = [(label, int(number), text) for label, _, number, text in _rows(raw)[1:]]
    else:
        reviews = [*_reviews(raw, split, "neg"), *_reviews(raw, split, "pos")]
    reviews.sort(key=lambda review: (review[0], review[1] // 128, -review[1]))
    return _join((label, text) for label, _, text in reviews)


def imdb_unsup(raw: bytes) -> str:
    """Reseñas de IMDb sin etiqueta, por su número: una por línea o en el `.tar` de los autores."""
    if b"\0" not in raw:
        return lines(raw)
    return "\n".join(text for _, _, text in sorted(_reviews(raw, "train", "unsup")))


def _reviews(raw: bytes, split: str, label: str) -> list[tuple[str, int, str]]:
    """Etiqueta, número y texto de cada reseña de una carpeta del archivo de IMDb."""
    name = re.compile(rf"(?:.*/)?{split}/{label}/(\d+)_\d+\.txt")
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        found = [(name.fullmatch(member.name), member) for member in archive]
        return [
            (label, int(match[1]), decode(archive.extractfile(member).read()))
            for match, member in found
            if match
        ]


def _rows(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(decode(raw), newline="")))


def _join(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{label}\t{text}" for label, text in rows)
