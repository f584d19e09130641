"""Encuentra entregas y lee cuadernos sin ejecutar nada; lo roto se dice, no rompe el lote."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.exercises.exercise import OpenQuestion
from coursekit.grading.results import OpenAnswer

MAX_BYTES = 20 << 20
MAX_CODE = 2 << 20
_MAX_ANSWER = 20_000

# «Ana Ruiz_1234_assignsubmission_file_/tarea.ipynb», y también sin carpeta, con todo en el nombre.
_MOODLE = re.compile(r"^(?P<student>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)$")
_RUBBISH = re.compile(r"(^|/)(\.[^/]*|__MACOSX|__pycache__)(/|$)")
_OPEN_MARK = re.compile(r"\*\*Respuesta \(([\w-]+)\):\*\*")


class Unreadable(Exception):
    """Una entrega que no se puede leer; el mensaje dice por qué, en español."""


@dataclass(frozen=True)
class Submission:
    """Una entrega.

    Attributes:
        student: quién, según el nombre del archivo o de la carpeta.
        file: ruta dentro de lo entregado.
        read: devuelve los bytes del cuaderno; lanza `Unreadable`.
    """

    student: str
    file: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Notebook:
    """Lo que interesa de un cuaderno: el código de sus celdas y sus textos, en orden."""

    cells: tuple[tuple[str, str], ...]

    @property
    def code(self) -> list[str]:
        return [source for kind, source in self.cells if kind == "code"]


# --- Encontrar -------------------------------------------------------------------------------


def find_submissions(path: Path) -> list[Submission]:
    """Las entregas de una carpeta o de un zip, una por estudiante, ordenadas.

    Vale un cuaderno suelto por estudiante, una carpeta por estudiante, y los zip de Moodle y de
    Google Classroom (Drive) tal como se descargan. De una carpeta con varios cuadernos cuenta el
    más largo. Una carpeta sin cuadernos es también una entrega.

    Raises:
        CourseError: si no hay tal carpeta, o el zip no se abre, o no hay ninguna entrega.
    """
    if path.is_dir():
        files = _files_of_folder(path)
    elif zipfile.is_zipfile(path):
        files = _files_of_zip(path)
    else:
        raise CourseError(f"No hay ninguna carpeta ni ningún zip de entregas en {path}.")
    submissions = [_choose(student, files) for student, files in _by_student(files).items()]
    if not submissions:
        raise CourseError(f"En {path} no hay ningún cuaderno (.ipynb).")
    return sorted(submissions, key=lambda s: (s.student, s.file))


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    read: Callable[[], bytes]


def _files_of_folder(root: Path) -> list[_File]:
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _RUBBISH.search(name))
        for name in names + [name for name in folders if _is_closed(Path(folder, name))]:
            path = Path(folder, name)
            shown = _printable(path.relative_to(root).as_posix())
            if not _RUBBISH.search(shown):
                size = path.lstat().st_size
                files.append(_File(shown + "/" * path.is_dir(), size, partial(_read_file, path)))
    return files


def _is_closed(folder: Path) -> bool:
    """Si no hay nada que recorrer: está vacía, no se deja leer o es un enlace a otro sitio."""
    try:
        return folder.is_symlink() or not os.listdir(folder)
    except OSError:
        return True


def _read_file(path: Path) -> bytes:
    try:
        # Un enlace llevaría a otro archivo del docente; una tubería no se acabaría nunca.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        raise Unreadable(f"no se puede abrir ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("no es un archivo corriente")
        _check_size(status.st_size)
        return file.read(MAX_BYTES + 1)


def _files_of_zip(source: Path | io.BytesIO) -> list[_File]:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise CourseError(f"El zip de entregas no se abre: {error}.") from None
    files = []
    for entry in archive.infolist():
        *folders, last = _printable(entry.filename).replace("\\", "/").split("/")
        name = "/".join([*(folder for folder in folders if folder not in ("", ".", "..")), last])
        if not _RUBBISH.search(name):
            files.append(_File(name, entry.file_size, partial(_read_entry, archive, entry)))
    top = {file.name.split("/")[0] for file in files}
    loose = [file for file in files if file.name.count("/") == 1 and file.name.endswith(".ipynb")]
    # Drive mete todo en una carpeta con el nombre de la tarea; no es un estudiante.
    if len(top) == 1 and (len(loose) > 1 or any(file.name.count("/") > 1 for file in files)):
        return [
            _File(f.name.partition("/")[2], f.size, f.read)
            for f in files
            if f.name.partition("/")[2]
        ]
    return files


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check_size(entry.file_size)
    try:
        with archive.open(entry) as file:
            content = file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
        raise Unreadable("el zip no deja leerlo: está cifrado o roto") from None
    _check_size(len(content))
    return content


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise Unreadable(f"pesa {size / 1e6:.0f} MB y el límite son {MAX_BYTES / 1e6:.0f}")


def _by_student(files: Iterable[_File]) -> dict[str, list[_File]]:
    groups = defaultdict(list)
    for file in files:
        folder = file.name.partition("/")[0]
        moodle = _MOODLE.match(folder)
        loose = "/" not in file.name
        if loose and not moodle and not file.name.lower().endswith((".ipynb", ".zip")):
            continue  # un archivo suelto del docente
        owner = f"{moodle['student']}_{moodle['id']}" if moodle else folder
        groups[owner].append(file)
    return groups


def _choose(owner: str, files: list[_File]) -> Submission:
    """La entrega de un estudiante: su cuaderno más largo."""
    first = files[0].name.partition("/")[0]
    moodle = _MOODLE.match(first)
    student = moodle["student"] if moodle else owner
    if "/" not in files[0].name and not moodle:
        student = re.sub(r"\.(ipynb|zip)$", "", student, flags=re.IGNORECASE)
    notebooks = [file for file in files if file.name.lower().endswith(".ipynb")]
    for packed in [file for file in files if file.name.lower().endswith(".zip")]:
        if not notebooks:
            notebooks = _notebooks_inside(packed)
    if not notebooks:
        return Submission(student, first, _nothing)
    best = max(notebooks, key=lambda file: (file.size, file.name))
    return Submission(student, best.name, best.read)


def _notebooks_inside(packed: _File) -> list[_File]:
    """Los cuadernos del zip que un estudiante entregó en lugar de su cuaderno."""
    try:
        files = _files_of_zip(io.BytesIO(packed.read()))
    except (Unreadable, CourseError):
        return [_File(packed.name, 0, partial(_fail, "es un zip que no se puede leer"))]
    return [
        _File(f"{packed.name}/{file.name}", file.size, file.read)
        for file in files
        if file.name.lower().endswith(".ipynb")
    ]


def _fail(reason: str) -> bytes:
    raise Unreadable(reason)


_nothing = partial(_fail, "no hay ningún cuaderno (.ipynb) en la entrega")


def _printable(name: str) -> str:
    """El nombre con lo que no se puede guardar en UTF-8 escrito con barras."""
    return name.encode("utf-8", "backslashreplace").decode()


# --- Leer ------------------------------------------------------------------------------------


def read_notebook(raw: bytes) -> Notebook:
    """Lee un cuaderno de cualquier versión, por roto que esté.

    Raises:
        Unreadable: si no es un cuaderno.
    """
    if not raw.strip():
        raise Unreadable("el archivo está vacío")
    _check_size(len(raw))
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("no es texto UTF-8") from None
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable("no es un cuaderno, o está cortado a medias") from None
    if not isinstance(data, dict):
        raise Unreadable("no es un cuaderno")
    if "worksheets" in data:
        data = _upgrade(data)
    if not isinstance(data.get("cells"), list):
        raise Unreadable("no es un cuaderno: no tiene celdas")
    cells = tuple(cell for cell in map(_read_cell, data["cells"]) if cell)
    if sum(len(source) for kind, source in cells if kind == "code") > MAX_CODE:
        raise Unreadable(f"tiene más de {MAX_CODE >> 20} MB de código")
    return Notebook(cells)


def _upgrade(data: dict) -> dict:
    """Los cuadernos de hace diez años, con hojas dentro."""
    import nbformat

    try:
        return nbformat.convert(nbformat.from_dict(data), 4)
    except Exception:  # lo convierte otra biblioteca y está roto: cualquier cosa puede pasar
        raise Unreadable("es un cuaderno antiguo que no se puede convertir") from None


def _read_cell(cell: object) -> tuple[str, str] | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or not isinstance(cell.get("cell_type"), str):
        return None
    return cell["cell_type"], source


def open_answers(notebook: Notebook, questions: Iterable[OpenQuestion]) -> tuple[OpenAnswer, ...]:
    """Lo escrito tras cada `**Respuesta (id):**`, hasta la celda de código siguiente."""
    written, current = defaultdict(str), None
    for kind, source in notebook.cells:
        if kind != "markdown":
            current = None
            continue
        pieces = _OPEN_MARK.split(source)
        if current:
            written[current] += "\n" + pieces[0]
        for id, text in zip(pieces[1::2], pieces[2::2]):
            current = id
            written[id] += text
    return tuple(
        OpenAnswer(q.question, q.rubric, written[q.id].strip()[:_MAX_ANSWER]) for q in questions
    )
