"""Moodle: la hoja de calificaciones que el docente descarga, llena."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.files import read_sheet
from coursekit.grading.printable import printable
from coursekit.grading.reports import feedback_lines, number, person, sentence
from coursekit.grading.results import Batch, Grade
from coursekit.grading.scales import Scale
from coursekit.grading.submissions import participant
from coursekit.text import without_accents

MARK = "Calificación automática:"

_HEADERS = {
    "id": re.compile(r"identifier|identificador"),
    "name": re.compile(r"full name|nombre completo.*|nombre y apellidos?"),
    "first": re.compile(r"first name|nombre"),
    "last": re.compile(r"(last name|surname|apellidos?)( s)?"),
    "email": re.compile(r"email.*|e mail.*|correo.*|direccion (de |del )?(correo|email).*"),
    "number": re.compile(r"id number|numero de (id|identificacion).*"),
    "grade": re.compile(r"grade|calificacion|nota|puntuacion"),
    "maximum": re.compile(r"maximum grade|(calificacion|nota|puntuacion) maxima"),
    "feedback": re.compile(r"feedback comments?.*|retroalimentacion.*|comentarios?(( de)?( la)? "
                           r"(retroalimentacion|realimentacion|respuesta|evaluacion).*)?"),
}  # fmt: skip


@dataclass(frozen=True)
class FilledSheet:
    """Qué pasó al llenar una hoja.

    Attributes:
        filled: filas con nota nueva.
        missing: entregas cuyo estudiante no está en la hoja, o que casa con varias filas.
        ungraded: filas sin entrega, que quedan como estaban.
    """

    filled: int
    missing: tuple[str, ...]
    ungraded: tuple[str, ...]


def fill_sheet(sheet: Path, batch: Batch, scale: Scale, out: Path) -> FilledSheet:
    """Llena una copia de la hoja de calificaciones que el docente descargó de Moodle.

    La hoja sale como entró (filas, columnas, separador y codificación); solo cambian la nota y los
    comentarios de quienes entregaron. Cada entrega busca su fila por el número de participante que
    Moodle pone en el nombre del archivo y, si no lo lleva, por número de ID, correo o nombre
    completo; si duda, no llena. Si la hoja califica sobre un máximo distinto del de la escala, se
    escribe la parte proporcional de los puntos sobre ese máximo.

    Args:
        sheet: la hoja descargada, en español o en inglés.
        batch: las notas.
        scale: su escala.
        out: dónde escribir la copia.

    Raises:
        CourseError: si el archivo no es una de esas hojas.
    """
    text, encoding = read_sheet(Path(sheet))
    delimiter, columns = _find_columns(text, sheet)
    newline = "\r\n" if "\r\n" in text else "\n"
    rows = _rows(text, delimiter)
    places = _match(rows, columns, batch.grades)
    for place, grade in places.items():
        row = rows[place] = rows[place] + [""] * (len(rows[0]) - len(rows[place]))
        row[columns["grade"]] = _sheet_grade(row, columns, grade, scale)
        if "feedback" in columns:
            kept = row[columns["feedback"]].partition(MARK)[0]
            row[columns["feedback"]] = kept + _feedback(grade)
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows(rows)
    Path(out).write_bytes(file.getvalue().encode(encoding, "xmlcharrefreplace"))
    filled = {grade.file for grade in places.values()}
    return FilledSheet(
        len(places),
        tuple(person(grade.student) for grade in batch.grades if grade.file not in filled),
        tuple(
            printable(_cell(row, columns.get("name", columns["id"])))
            for place, row in enumerate(rows)
            if place and row and place not in places
        ),
    )


def _find_columns(text: str, sheet: Path) -> tuple[str, dict[str, int]]:
    """El separador con que la primera línea tiene las columnas que hacen falta, y dónde están."""
    for delimiter in ",;\t":
        header = next(iter(_rows(text, delimiter)), [])
        columns: dict[str, int] = {}
        for place, title in enumerate(map(_plain, header)):
            for name, pattern in _HEADERS.items():
                if name not in columns and pattern.fullmatch(title):
                    columns[name] = place
                    break
        if {"id", "grade"} <= columns.keys():
            return delimiter, columns
    raise CourseError(
        f"{sheet} no es una hoja de calificaciones de Moodle: le faltan «Identificador» y "
        "«Calificación». Descárgala de la tarea («Descargar hoja de calificaciones»)."
    )


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:  # una celda desmesurada: no es de Moodle, o el separador no era ese
        return []


def _plain(text: str) -> str:
    """Un texto sin tildes, mayúsculas ni signos, para comparar nombres y encabezados."""
    return " ".join(re.findall(r"\w+", without_accents(text.casefold()).replace("_", " ")))


def _match(rows, columns, grades) -> dict[int, Grade]:
    """La fila de cada entrega: solo cuando es una y nadie más la pide."""
    indexes = [defaultdict(set) for _ in range(3)]  # participante; ID o correo; nombre
    for place, row in enumerate(rows[1:], start=1):
        if found := re.search(r"\d+", _cell(row, columns["id"])):
            indexes[0][found[0]].add(place)
        for name in ("number", "email"):
            if key := _plain(_cell(row, columns.get(name))):
                indexes[1][key].add(place)
        whole = _cell(row, columns.get("name"))
        first, last = _cell(row, columns.get("first")), _cell(row, columns.get("last"))
        for name in {_plain(whole), _plain(f"{first} {last}"), _plain(f"{last} {first}")} - {""}:
            indexes[2][name].add(place)
    claims = defaultdict(list)
    for grade in grades:
        if owner := participant(grade.file):
            candidates = indexes[0][owner]  # si lleva número, ningún nombre lo sustituye
        else:
            key = _plain(grade.student)
            candidates = indexes[1][key] or indexes[2][key]
        if len(candidates) == 1:
            claims[min(candidates)].append(grade)
    return {place: claim[0] for place, claim in sorted(claims.items()) if len(claim) == 1}


def _cell(row: list[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _sheet_grade(row, columns, grade: Grade, scale: Scale) -> str:
    shown = _cell(row, columns.get("maximum"))
    try:
        maximum = float(shown.replace(",", "."))
    except ValueError:
        maximum = scale.highest
    text = scale.text(grade.points, grade.max_points)
    if maximum != scale.highest:
        share = grade.points / grade.max_points if grade.max_points else 0.0
        text = f"{maximum * share:.2f}"
    return text.replace(".", ",") if "," in shown else text


def _feedback(grade: Grade) -> str:
    """Los comentarios en HTML, que es como Moodle los lee, con todo escapado."""
    lines = [f"{MARK} {number(grade.points)} de {number(grade.max_points)} puntos."]
    if grade.reason:
        lines.append(f"{grade.state.capitalize()}. {sentence(grade.reason)}")
    lines += feedback_lines(grade)
    return "<br>".join(html.escape(line, quote=False) for line in lines)
