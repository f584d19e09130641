"""Lectores: de los bytes de un fichero al texto limpio, con un documento por línea."""

import re

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


def labelled(raw: bytes) -> tuple[list[str], list[str]]:
    """Etiquetas y textos de una tabla TSV de dos columnas, cuya primera línea es la cabecera."""
    rows = [line.split("\t", 1) for line in lines(raw).split("\n")[1:]]
    return [label for label, _ in rows], [text for _, text in rows]
