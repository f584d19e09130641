"""El diario de un lote: cada nota, en cuanto se sabe, y lo que hace falta para unir las partes."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.files import write_whole
from coursekit.grading.results import (
    EXERCISE_STATES,
    STATES,
    Batch,
    ExerciseGrade,
    Grade,
    OpenAnswer,
)  # fmt: skip

_VERSION, _MOST_PARTS = 3, 100_000


@dataclass(frozen=True)
class Share:
    """Qué parte de qué lote es la de un diario.

    Attributes:
        set_id, title: el conjunto.
        seed_fingerprint: huella de la semilla.
        exam: huella de todo lo que decide una nota: conjunto, casos, plazo y versión del curso.
        part: `(i, n)`, la parte `i` de `n`.
        files: las entregas del lote entero, en su orden.
    """

    set_id: str
    title: str
    seed_fingerprint: str
    exam: str
    part: tuple[int, int]
    files: tuple[str, ...]

    def check(self) -> None:
        """Lanza `ValueError` si no puede ser la cabecera de un diario."""
        index, count = self.part
        texts = [self.set_id, self.title, self.seed_fingerprint, self.exam, *self.files]
        if not (all(isinstance(t, str) for t in texts) and type(index) is type(count) is int):
            raise ValueError("no es una cabecera")
        if not 1 <= index <= count <= _MOST_PARTS:
            raise ValueError("no es una parte")

    @property
    def own(self) -> tuple[str, ...]:
        """Las entregas de esta parte."""
        index, count = self.part
        return self.files[index - 1 :: count]

    def batch(self, grades: Iterable[Grade]) -> Batch:
        """El lote con esas notas, en su orden."""
        ordered = sorted(grades, key=lambda grade: (grade.student, grade.file))
        return Batch(self.set_id, self.title, self.seed_fingerprint, tuple(ordered))


class Journal:
    """El diario abierto para anotar; sin archivo, no anota nada."""

    def __init__(self, path: Path | None, share: Share, grades: Sequence[Grade]):
        self._path, self._share, self._grades = path, share, grades
        self._file = None

    def __enter__(self) -> Journal:
        if self._path:
            # Sin suma de comprobación: así se ve que está a medias.
            lines = "".join(map(_grade_line, self._grades))
            write_whole(self._path, _header_line(self._share, None) + lines)
            self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *exception) -> None:
        if self._file:
            self._file.close()

    def write(self, grade: Grade) -> None:
        if self._file:
            self._file.write(_grade_line(grade))
            self._file.flush()


def write_journal(path: Path, share: Share, grades: Sequence[Grade]) -> None:
    """Escribe el diario de una parte terminada, con su suma de comprobación, o nada."""
    lines = "".join(map(_grade_line, grades))
    write_whole(path, _header_line(share, _checksum(share, lines)) + lines)


def read_journal(path: Path) -> tuple[Grade, ...]:
    """Las notas que se entienden de un diario, por roto que esté; la última de cada entrega."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return ()
    grades = {}
    for line in lines[1:]:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            grade = read_grade(json.loads(line))
            grades[grade.file] = grade
    return tuple(grades.values())


def merge(journals: Sequence[Path]) -> tuple[Share, Batch]:
    """Une los diarios de las partes de un mismo lote.

    Returns:
        El lote entero, y de qué es.

    Raises:
        CourseError: si falta una parte, está a medias, no es de este lote o no es la que se escribió;
            dice cuál.
    """
    shares, grades = {}, []
    for path in journals:
        share, own = _read_finished(path)
        for other, seen in shares.items():
            _check_same_batch(path, share, other, seen)
        shares[path] = share
        grades += own
    first = next(iter(shares.values()))
    count = first.part[1]
    missing = sorted(set(range(1, count + 1)) - {share.part[0] for share in shares.values()})
    if missing:
        raise CourseError(f"Falta por reunir {', '.join(f'{i}/{count}' for i in missing)}.")
    whole = dataclasses.replace(first, part=(1, 1))
    return whole, whole.batch(grades)


def _check_same_batch(path: Path, share: Share, other: Path, seen: Share) -> None:
    here, there = path.parent, other.parent
    if (share.exam, share.seed_fingerprint) != (seen.exam, seen.seed_fingerprint):
        raise CourseError(
            f"{here} es de otro conjunto, de otra semilla, de otro plazo o de otra versión que {there}."
        )
    if share.files != seen.files:
        raise CourseError(f"{here} se calificó sobre otras entregas que {there}.")
    if share.part[1] != seen.part[1]:
        raise CourseError(f"{here} parte el lote en {share.part[1]}, y {there}, en {seen.part[1]}.")
    if share.part == seen.part:
        raise CourseError(f"{here} y {there} son la misma parte: {share.part[0]}/{share.part[1]}.")


def _read_finished(path: Path) -> tuple[Share, tuple[Grade, ...]]:
    try:
        first, _, rest = path.read_bytes().decode().partition("\n")
        header = json.loads(first)
        checksum, version = header.pop("suma"), header.pop("versión")
        share = Share(**header | {"part": tuple(header["part"]), "files": tuple(header["files"])})
        share.check()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise CourseError(f"En {path.parent} no hay un lote calificado.") from None
    if version != _VERSION:
        raise CourseError(f"{path.parent} lo escribió otra versión del curso: califícalo de nuevo.")
    if checksum is None:
        raise CourseError(f"{path.parent} quedó a medias: repite esa orden y seguirá donde estaba.")
    grades = read_journal(path)
    if checksum != _checksum(share, rest) or {grade.file for grade in grades} != set(share.own):
        raise CourseError(
            f"Lo que hay en {path.parent} no es lo que se escribió al calificar: está dañado o lo "
            "cambió alguien."
        )
    return share, grades


def _header_line(share: Share, checksum: str | None) -> str:
    return json.dumps({"versión": _VERSION, **dataclasses.asdict(share), "suma": checksum}) + "\n"


def _grade_line(grade: Grade) -> str:
    return json.dumps(dataclasses.asdict(grade)) + "\n"


def _checksum(share: Share, lines: str) -> str:
    return hashlib.sha256((_header_line(share, None) + lines).encode()).hexdigest()


def read_grade(data: dict) -> Grade:
    """La nota que escribió `dataclasses.asdict`; lanza `ValueError` si no puede serlo."""
    exercises = tuple(ExerciseGrade(**exercise) for exercise in data["exercises"])
    answers = tuple(OpenAnswer(**answer) for answer in data["open_answers"])
    grade = Grade(**(data | {"exercises": exercises, "open_answers": answers}))
    texts = [grade.student, grade.file, grade.reason, grade.digest]
    texts += [e.mistake for e in exercises if e.mistake is not None]
    texts += [text for e in exercises for text in (e.id, e.title, e.finding, e.form)]
    texts += [text for a in answers for text in (a.id, a.question, a.rubric, a.answer)]
    known = grade.state in STATES and all(e.state in EXERCISE_STATES for e in exercises)
    if not (known and all(isinstance(t, str) for t in texts) and math.isfinite(grade.seconds)):
        raise ValueError("no es una nota")
    return grade


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Guarda una carpeta de salida para una sola orden a la vez.

    Raises:
        CourseError: si otra la está usando.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CourseError(
                f"Otra orden está escribiendo en {folder}: espera a que termine o elige otra carpeta."
            ) from None
        yield
    finally:
        os.close(place)
