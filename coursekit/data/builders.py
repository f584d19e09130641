"""De los archivos de una fuente al fichero que usa el curso, byte por byte.

Cada función recibe los pares (nombre, bytes) de los archivos, en orden, y devuelve el fichero.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Files = Iterable[tuple[str, bytes]]

_TEI = "{http://www.tei-c.org/ns/1.0}"
_NOTE, _QUOTE = f"{_TEI}note", f"{_TEI}quote"
_BLOCKS = {_TEI + name for name in ("p", "head", "trailer", "label", "l")}
_KEY_BYTES = 5  # que dos noticias compartan clave no se espera, y la huella del conjunto lo diría


def novels(files: Files) -> bytes:
    """Novelas en TEI: una línea por bloque de texto, sin notas.

    Es un bloque todo `p`, `head`, `trailer`, `label` o `l` que no está dentro de otro, y todo
    `quote` que no tiene ninguno.

    Raises:
        ValueError: si un archivo define entidades, que podrían crecer sin límite.
    """
    from xml.etree import ElementTree

    lines = []
    for name, raw in files:
        if b"<!DOCTYPE" in raw:
            raise ValueError(f"{name} trae un DOCTYPE")
        lines += _blocks(ElementTree.fromstring(raw).find(f"{_TEI}text"))
    return "".join(f"{line}\n" for line in lines).encode()


def _blocks(element: Element) -> Iterator[str]:
    for child in element:
        if child.tag == _NOTE:
            continue
        if child.tag in _BLOCKS or child.tag == _QUOTE and not _holds_blocks(child):
            line = " ".join("".join(_text(child)).split())
            if line:
                yield line
        else:
            yield from _blocks(child)


def _holds_blocks(element: Element) -> bool:
    return any(inner.tag in _BLOCKS for inner in element.iter())


def _text(element: Element) -> Iterator[str]:
    """El texto de un elemento, sin el de sus notas."""
    yield element.text or ""
    for child in element:
        if child.tag != _NOTE:
            yield from _text(child)
        yield child.tail or ""


def pairs(files: Files, heading: str, separator: str = "\t") -> bytes:
    """Pares de palabras con su nota, separados por tabuladores, tras una línea de comentario."""
    [(_, raw)] = files
    rows = (line.replace(separator, "\t") for line in raw.decode().splitlines())
    return "".join(f"{line}\n" for line in (f"# {heading}", *rows)).encode()


def analogies(files: Files) -> bytes:
    """Analogías: cada archivo es una sección, que lleva el nombre que su archivo trae al final."""
    lines = []
    for name, raw in files:
        number, title = re.search(r"(GA\d+) \[(.+)\]", name).groups()
        lines += [f": {number.lower()} {title}", *raw.decode("latin-1").splitlines()]
    return "".join(f"{line}\n" for line in lines).encode()


def constitution(files: Files) -> bytes:
    """Argumentos `clase/concepto/texto` en una tabla CSV.

    Del último archivo salen las filas; se quitan las que no tienen texto y las que repiten el
    texto de alguna de los archivos anteriores.
    """
    *others, rows = (_arguments(raw) for _, raw in files)
    seen = {text for other in others for *_, text in other}
    kept = (row for row in rows if row[2] not in seen)
    return _table([("label", "concept", "text"), *kept], csv.QUOTE_MINIMAL)


def _arguments(raw: bytes) -> list[tuple[str, str, str]]:
    cells = (line.split("/", 2) for line in raw.decode("latin-1").split("\n") if line)
    rows = ((label, concept.strip(), " ".join(text.split())) for label, concept, text in cells)
    return [row for row in rows if row[2]]


def news(files: Files) -> bytes:
    """Las 20 000 noticias que usa el curso, en su orden, de las 120 000 de AG News.

    Cuáles son lo dicen los primeros bytes de la huella de cada una, que vienen con el paquete.
    """
    [(_, raw)] = files
    rows = {}
    for label, *text in csv.reader(io.StringIO(raw.decode(), newline="")):
        row = (label, " ".join(text))
        rows[hashlib.sha256("\t".join(row).encode()).digest()[:_KEY_BYTES]] = row
    keys = origin("ag_news_20k.bin")
    chosen = [rows[keys[i:i + _KEY_BYTES]] for i in range(0, len(keys), _KEY_BYTES)]
    return _table(chosen, csv.QUOTE_ALL)


def first_rows(files: Files, count: int) -> bytes:
    """Los primeros vectores de un fichero comprimido de word2vec, sin su cabecera."""
    [(_, raw)] = files
    with gzip.open(io.BytesIO(raw)) as lines:
        return b"".join(islice(lines, 1, count + 1))


def origin(file: str) -> bytes:
    """Un fichero de los que dicen de dónde sale cada conjunto."""
    return resources.files("coursekit.data").joinpath("origins", file).read_bytes()


def _table(rows: Iterable[tuple[str, ...]], quoting: int) -> bytes:
    table = io.StringIO(newline="")
    csv.writer(table, quoting=quoting, lineterminator="\n").writerows(rows)
    return table.getvalue().encode()
