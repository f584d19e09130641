"""Lo que comparten los lectores de ficheros de vectores: abrirlos y leer una línea."""

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def open_vectors(path: str | Path, member: str | None = None) -> Iterator[IO[bytes]]:
    """Abre para leer un fichero, con gzip o sin él, o el miembro de un zip.

    Args:
        path: el fichero; su formato lo dicen sus primeros bytes y no su nombre.
        member: el nombre dentro del zip; sin él, un zip se lee como está.
    """
    if member and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, archive.open(member) as lines:
            yield lines
        return
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if compressed else open)(path, "rb") as lines:
        yield lines


def parse_header(line: bytes) -> tuple[int, int] | None:
    """Número de vectores y de componentes, si la línea es esos dos números."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None


def parse_row(line: bytes, dim: int) -> tuple[bytes, list[float]] | None:
    """Palabra y números de una línea, o nada si no son una palabra y `dim` números.

    Solo el espacio separa: hay palabras con espacios duros de Unicode. Se corta desde el final,
    porque en GloVe las hay también con espacios; ninguna acaba en un número suelto: si lo parece,
    sobran números.
    """
    word, *fields = line.rstrip().rsplit(b" ", dim)
    before, _, last = word.rpartition(b" ")
    numbers = parse_numbers(fields)
    if numbers is None or len(numbers) != dim or (before and parse_numbers([last])):
        return None
    return word, numbers


def parse_numbers(fields: list[bytes]) -> list[float] | None:
    """Los números de unos campos, o nada si alguno no lo es."""
    try:
        return [float(field) for field in fields]
    except ValueError:
        return None
