"""Los puntos de las preguntas abiertas: la hoja que el docente llena y su vuelta a las notas."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.files import read_sheet, write_whole
from coursekit.grading.printable import printable
from coursekit.grading.reports import number, person, spreadsheet_cell
from coursekit.grading.results import Batch, Grade, OpenAnswer

_COLUMNS = ("estudiante", "archivo", "pregunta", "máximo", "puntos", "respuesta", "huella")


def write_sheet(batch: Batch, path: Path) -> int:
    """Escribe la hoja, una fila por respuesta abierta, con los puntos que ya tenga; sin ninguna, nada.

    Returns:
        Cuántas respuestas faltan por puntuar.
    """
    rows = [
        [
            person(grade.student), grade.file, answer.id, _decimal(answer.max_points),
            "" if answer.points is None else _decimal(answer.points), answer.answer, _mark(grade, answer),
        ]
        for answer_place in range(max((len(grade.open_answers) for grade in batch.grades), default=0))
        for grade in batch.grades
        for answer in grade.open_answers[answer_place : answer_place + 1]
    ]  # fmt: skip
    if rows:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerows([map(spreadsheet_cell, row) for row in [_COLUMNS, *rows]])
        write_whole(path, file.getvalue(), "utf-8-sig")
    return sum(answer.points is None for grade in batch.grades for answer in grade.open_answers)


def with_points(batch: Batch, path: Path) -> Batch:
    """El lote con los puntos que la hoja dé a sus respuestas abiertas; si no hay hoja, el mismo.

    En cuanto una pregunta tiene algún punto, quien no la contestó tiene un cero en ella.

    Raises:
        CourseError: si una fila no vale; dice cuál y por qué.
    """
    if not path.exists():
        return batch
    answers = defaultdict(list)
    for grade in batch.grades:
        for answer in grade.open_answers:
            answers[spreadsheet_cell(grade.file), answer.id].append((grade, answer))
    given: dict[tuple[str, str], float] = {}
    for line, row in _rows(path):
        if not row["puntos"].strip():
            continue
        where = f"{path}, fila {line}"
        # Dos archivos de nombre raro se pueden ver igual: entonces decide la huella.
        found = answers.get((row["archivo"], row["pregunta"]), [])
        found = [pair for pair in found if len(found) == 1 or _mark(*pair) == row["huella"]]
        if not found:
            raise CourseError(
                f"{where}: no hay ninguna entrega «{row['archivo']}» con la pregunta «{row['pregunta']}»."
            )
        grade, answer = found[0]
        if (grade.file, answer.id) in given:
            raise CourseError(f"{where}: repite la respuesta de {person(grade.student)} a «{answer.id}».")
        if row["huella"] not in ("", _mark(grade, answer)):
            raise CourseError(
                f"{where}: {person(grade.student)} cambió su respuesta a «{answer.id}» después de que la "
                "puntuaras: léela en abiertas.html y, cuando sus puntos valgan, borra la huella de la fila."
            )
        given[grade.file, answer.id] = _points(row["puntos"], answer.max_points, where)
    scored = {id for _, id in given}

    def points(grade: Grade, answer: OpenAnswer) -> float | None:
        unanswered = 0.0 if answer.id in scored and not answer.answer else None
        return given.get((grade.file, answer.id), unanswered)

    grades = []
    for grade in batch.grades:
        read = tuple(replace(answer, points=points(grade, answer)) for answer in grade.open_answers)
        grades.append(replace(grade, open_answers=read))
    return replace(batch, grades=tuple(grades))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Las filas de la hoja, con su número, como las guarde cada hoja de cálculo."""
    text, _ = read_sheet(path)
    for delimiter in ";,\t":
        try:
            table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:  # una celda desmesurada: el separador no era ese
            continue
        header = table[0] if table else []
        if {"archivo", "pregunta", "puntos"} <= set(header):
            return [
                (line, dict.fromkeys(_COLUMNS, "") | dict(zip(header, row)))
                for line, row in enumerate(table[1:], start=2)
            ]
    raise CourseError(
        f"{path} no es la hoja de las preguntas abiertas: le faltan «archivo», «pregunta» y «puntos». Si la "
        "apartas, se escribe otra."
    )


def _points(text: str, most: float, where: str) -> float:
    if not re.fullmatch(r"\d{1,6}([.,]\d{1,6})?", text.strip(), re.ASCII):
        raise CourseError(f"{where}: «{printable(text)}» no es un número de puntos, de 0 a {number(most)}.")
    points = float(text.strip().replace(",", "."))
    if points > most:
        raise CourseError(f"{where}: {number(points)} puntos son más que el máximo, {number(most)}.")
    return points


def _decimal(value: float) -> str:
    return number(value).replace(".", ",")


def _mark(grade: Grade, answer: OpenAnswer) -> str:
    """La huella de una respuesta; empieza por una letra para que nadie la tome por un número."""
    content = repr((grade.file, answer.id, answer.answer)).encode("utf-8", "backslashreplace")
    return f"h{hashlib.sha256(content).hexdigest()[:10]}"
