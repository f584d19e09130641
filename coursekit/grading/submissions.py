"""Encuentra entregas y lee cuadernos sin ejecutar nada; lo roto se dice, no rompe el lote."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.exercises.exercise import OpenQuestion
from coursekit.exercises.sets import set_ids
from coursekit.grading.results import OpenAnswer
from coursekit.text import without_accents

MAX_BYTES = 20 << 20
MAX_CODE = 2 << 20
_MAX_ANSWER = 20_000

_MOST_FILES, _DEEPEST = 20_000, 32  # lo que se mira de lo que entregó cada uno

# «Nombre_123_assignsubmission_file_/suyo.ipynb» o «Nombre_123_assignsubmission_file_suyo.ipynb»:
# en la carpeta manda el último número y en el archivo el primero; el resto lo elige el estudiante.
_MOODLE_MARK = re.compile(r"_\d+_assignsubmission_[a-z]+(?=_|$)")
_MOODLE_FOLDER = re.compile(r"(?P<student>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?")
_MOODLE_FILE = re.compile(r"(?P<student>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_.*", re.DOTALL)
# Lo que dejan los sistemas y no entrega nadie.
_RUBBISH = re.compile(r"\._.*|\.DS_Store|\.ipynb_checkpoints|__MACOSX|__pycache__|Thumbs\.db|desktop\.ini")
_COPY_OF = re.compile(r"(?:(?:copia|copy)[ -](?:de|of)[ -]){1,5}")
_COPY_NUMBER = re.compile(r"(?:[ -]{0,3}(?:copia|copy)?[ -]?(?:\(\d{1,3}\)|\d{0,3})){1,2}$")
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


def participant(file: str) -> str | None:
    """El número de participante que Moodle puso en la carpeta, o en el archivo suelto, de una entrega.

    Solo cuenta el principio de la ruta: lo demás lo nombra quien entrega.
    """
    owner = _moodle_owner(*file.partition("/")[:2])
    return owner and owner["id"]


def is_name_of_a_copy(student: str, set_id: str) -> bool:
    """Si un estudiante se llama como su cuaderno: «Copia de coocurrencia-ppmi (1)», «rnn-desde-cero-Copy1».

    Es lo que ponen Colab, Jupyter o el navegador cuando nadie cambia el nombre del archivo.
    """
    name = _COPY_OF.sub("", without_accents(student.casefold()).strip().replace("_", "-"))
    return _COPY_NUMBER.sub("", name) in {*set_ids(), set_id, "untitled", "sin titulo"}


def _moodle_owner(top: str, slash: str = "") -> re.Match | None:
    if not slash and top.endswith("_") and _has_two_marks(top):
        return None  # carpeta o archivo: no se sabe cuál de los dos números puso Moodle
    folder = None if slash == "" and not top.endswith("_") else _MOODLE_FOLDER.fullmatch(top)
    return folder or _MOODLE_FILE.fullmatch(top)


def _has_two_marks(top: str) -> bool:
    return len(_MOODLE_MARK.findall(top)) > 1


# --- Encontrar -------------------------------------------------------------------------------


def find_submissions(path: Path) -> list[Submission]:
    """Las entregas de una carpeta o de un zip, una por estudiante, ordenadas; no lee ninguna.

    Vale un cuaderno suelto por estudiante, una carpeta por estudiante, y los zip de Moodle y de
    Google Classroom (Drive) tal como se descargan. De una carpeta con varios cuadernos cuenta el
    más largo. Lo que no lleva ningún cuaderno es también una entrega, que al leerla dice por qué no
    vale.

    Raises:
        CourseError: si no hay tal carpeta, o el zip no se abre, o no hay ninguna entrega.
    """
    if path.is_dir():
        groups = _groups_of_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        groups = _groups_of_zip(path)
    else:
        raise CourseError(f"No hay ninguna carpeta ni ningún zip de entregas en {path}.")
    submissions = [_choose(top, files) for top, files in _by_student(groups)]
    if not submissions:
        raise CourseError(f"En {path} no hay ningún cuaderno (.ipynb).")
    return _distinct(sorted(submissions, key=lambda s: (s.student, s.file)))


@dataclass(frozen=True)
class _File:
    """Un archivo entregado: su ruta dentro de lo de su dueño, lo que dice pesar y cómo se lee."""

    name: str
    size: int
    read: Callable[[], bytes]


def _groups_of_folder(root: Path) -> list[tuple[str, list[_File]]]:
    """De cada cosa que hay en la carpeta, sus archivos."""
    try:
        tops = sorted(os.listdir(root))
    except OSError as error:
        raise CourseError(f"No se puede mirar en {root} ({error.strerror}).") from None
    # No es un diccionario: dos nombres raros se pueden escribir igual.
    return [
        (_printable(name), list(islice(_walk(root / name, _printable(name)), _MOST_FILES)))
        for name in tops
        if not _RUBBISH.fullmatch(name)
    ]


def _walk(path: Path, shown: str, depth: int = 0) -> Iterator[_File]:
    """Los archivos que hay en una ruta; lo que no se deja mirar, cuenta como archivo."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            yield _File(shown, path.lstat().st_size, partial(_read_file, path))
            return
        names = sorted(os.listdir(path)) if depth < _DEEPEST else []
    except OSError:
        yield _File(shown, 0, partial(_read_file, path))
        return
    for name in names:
        if not _RUBBISH.fullmatch(name):
            yield from _walk(path / name, f"{shown}/{_printable(name)}", depth + 1)


def _read_file(path: Path) -> bytes:
    try:
        # Un enlace llevaría a otro archivo del docente; una tubería no se acabaría nunca.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise Unreadable(f"no se puede abrir ({error.strerror})") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("no es un archivo corriente")
        _check_size(status.st_size)
        try:
            return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Unreadable(f"no se puede leer ({error.strerror})") from None


def _groups_of_zip(path: Path) -> list[tuple[str, list[_File]]]:
    try:
        entries = _archive(path, os.getpid()).infolist()
    except Exception as error:  # un zip roto puede dar cualquiera
        raise CourseError(f"El zip de entregas no se abre: {error}.") from None
    groups = defaultdict(list)
    for name, place in _entries(entries):
        entry = entries[place]
        groups[name.partition("/")[0]].append(
            _File(name, entry.file_size, partial(_read_member, path, place))
        )
    return list(groups.items())


@lru_cache(maxsize=1)
def _archive(path: Path, process: int) -> zipfile.ZipFile:
    """El zip abierto por este proceso: los que nacen de otro comparten la posición de lectura."""
    return zipfile.ZipFile(path)


def _read_member(path: Path, place: int) -> bytes:
    try:
        archive = _archive(path, os.getpid())
        return _read_entry(archive, archive.infolist()[place])
    except Unreadable:
        raise
    except Exception:
        raise Unreadable("el zip no deja leerlo: está roto") from None


def _entries(entries: list[zipfile.ZipInfo]) -> list[tuple[str, int]]:
    """Las rutas de un zip, ya sin trucos, y el lugar de cada una; sin la carpeta que lo envuelve."""
    named = []
    for place, entry in enumerate(entries):
        *folders, last = _printable(entry.filename).replace("\\", "/").split("/")
        folders = [folder for folder in folders if folder not in ("", ".", "..")]
        if not any(map(_RUBBISH.fullmatch, [*folders, last])):
            named.append(("/".join([*folders, last]), place))
    top = {name.split("/")[0] for name, _ in named}
    loose = [name for name, _ in named if name.count("/") == 1 and name.endswith(".ipynb")]
    # Drive mete todo en una carpeta con el nombre de la tarea; no es un estudiante.
    if len(top) == 1 and (len(loose) > 1 or any(name.count("/") > 1 for name, _ in named)):
        named = [(name.partition("/")[2], place) for name, place in named]
    return [(name, place) for name, place in named if name]


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check_size(entry.file_size)
    try:
        with archive.open(entry) as file:
            content = file.read(MAX_BYTES + 1)
    except Exception:  # cifrado, roto, o comprimido de un modo que este Python no sabe
        raise Unreadable("el zip no deja leerlo: está cifrado o roto") from None
    _check_size(len(content))
    return content


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise Unreadable(f"pesa {size / 1e6:.0f} MB y el límite son {MAX_BYTES / 1e6:.0f}")


def _by_student(groups: list[tuple[str, list[_File]]]) -> list[tuple[str, list[_File]]]:
    """Lo de cada estudiante: de Moodle pueden venir dos carpetas del mismo."""
    merged = {}
    for place, (top, files) in enumerate(groups):
        owner = _moodle_owner(top, "/" if any("/" in file.name for file in files) else "")
        # Un archivo con dos marcas quizá no es de quien dice: que no se lleve la fila de otro.
        alone = not owner or (_has_two_marks(top) and owner.re is _MOODLE_FILE)
        key = place if alone else (owner["student"], owner["id"])
        first, gathered = merged.setdefault(key, (top, []))
        gathered += files
    return list(merged.values())


def _choose(top: str, files: list[_File]) -> Submission:
    """La entrega de un estudiante: su cuaderno más largo."""
    loose = not any("/" in file.name for file in files)
    owner = _moodle_owner(top, "" if loose else "/")
    student = owner["student"] if owner else top
    if loose and not owner:
        student = re.sub(r"\.(ipynb|zip)$", "", student, flags=re.IGNORECASE) or student
    for suffix, read in ((".ipynb", lambda file: file.read), (".zip", _reader_of_packed)):
        found = [file for file in files if file.name.lower().endswith(suffix)]
        if found:
            best = max(found, key=lambda file: ("/." not in "/" + file.name, file.size, file.name))
            return Submission(student, best.name, read(best))
    if len(files) == 1 and files[0].name == top:
        return Submission(student, top, partial(_read_stranger, files[0]))
    return Submission(student, top, _nothing)


def _reader_of_packed(packed: _File) -> Callable[[], bytes]:
    return partial(_read_packed, packed)


def _read_packed(packed: _File) -> bytes:
    """El cuaderno más largo del zip que un estudiante entregó en lugar de su cuaderno."""
    content = packed.read()
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = archive.infolist()
        named = [(entries[place], name) for name, place in _entries(entries)]
    except Exception:
        raise Unreadable("es un zip que no se puede leer") from None
    found = [(entry, name) for entry, name in named if name.lower().endswith(".ipynb")]
    if not found:
        return _nothing()
    return _read_entry(archive, max(found, key=lambda pair: (pair[0].file_size, pair[1]))[0])


def _read_stranger(file: _File) -> bytes:
    """Algo suelto que no es un cuaderno ni un zip: si ni se puede leer, eso es lo que se dice."""
    file.read()
    return _fail("no es un cuaderno (.ipynb)")


def _fail(reason: str) -> bytes:
    raise Unreadable(reason)


_nothing = partial(_fail, "no hay ningún cuaderno (.ipynb) en la entrega")


def _distinct(submissions: list[Submission]) -> list[Submission]:
    """Las mismas entregas sin dos rutas iguales."""
    seen, distinct = set(), []
    for submission in submissions:
        file, number = submission.file, 2
        while file in seen:
            file, number = f"{submission.file} ({number})", number + 1
        seen.add(file)
        distinct.append(replace(submission, file=file))
    return distinct


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
    written, current = defaultdict(list), None
    for kind, source in notebook.cells:
        if kind != "markdown":
            current = None
            continue
        pieces = _OPEN_MARK.split(source)
        if current:
            written[current] += ["\n", pieces[0]]
        for id, text in zip(pieces[1::2], pieces[2::2]):
            current = id
            written[id].append(text)
    return tuple(
        OpenAnswer(q.id, q.question, q.rubric, "".join(written[q.id]).strip()[:_MAX_ANSWER], q.points)
        for q in questions
    )
