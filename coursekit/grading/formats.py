"""Los formatos de otras plataformas: Gradescope, Moodle, LTI y nbgrader."""

from __future__ import annotations

import csv
import html
import importlib.metadata
import io
import json
import re
import unicodedata
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import coursekit
from coursekit.errors import CourseError
from coursekit.exercises.judging import RIGHT, judge
from coursekit.grading.printable import printable
from coursekit.grading.reports import number, person, sentence
from coursekit.grading.results import UNREADABLE, Batch, ExerciseGrade, Grade
from coursekit.exercises.running import run
from coursekit.grading.scales import Scale
from coursekit.exercises.sets import load_set

# --- Gradescope ------------------------------------------------------------------------------


def gradescope_results(grade: Grade, scale: Scale) -> dict:
    """El `results.json` de una entrega: una prueba por ejercicio y todo en texto sin formato."""
    output = f"Nota: {scale.text(grade.points, grade.max_points)} en la escala {scale.name}."
    if grade.reason:
        output += f" {grade.state.capitalize()}: {sentence(grade.reason)}"
    return {
        "score": round(grade.points, 6),
        "execution_time": round(grade.seconds),
        "output": output,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": exercise.id,
                "number": str(place),
                "score": round(exercise.points, 6),
                "max_score": round(exercise.max_points, 6),
                "status": "passed" if exercise.state == RIGHT else "failed",
                "output": comment(exercise),
                "visibility": "visible",
            }
            for place, exercise in enumerate(grade.exercises, start=1)
        ],
    }


def gradescope_zip(set_id: str, seed: str, scale: Scale, path: Path) -> None:
    """Escribe el zip que Gradescope pide como «autograder», con este mismo paquete dentro.

    Lleva la semilla: súbelo a Gradescope y no lo repartas.

    Args:
        set_id: conjunto de ejercicios.
        seed: semilla secreta.
        scale: escala de la nota que se muestra.
        path: archivo de salida.

    Raises:
        CourseError: si el conjunto no existe.
    """
    load_set(set_id)
    package = Path(coursekit.__file__).parent
    templates = package / "grading" / "templates" / "gradescope"
    wanted = importlib.metadata.requires("coursekit") or []
    needs = [line for line in wanted if "extra ==" not in line or re.search("calificar", line)]
    settings = {
        "conjunto": set_id,
        "semilla": seed,
        "escala": [scale.name, scale.passing, scale.demand],
    }
    files = {
        "setup.sh": (templates / "setup.sh").read_bytes(),
        "run_autograder": (templates / "run_autograder").read_bytes(),
        "ajustes.json": json.dumps(settings, ensure_ascii=False).encode(),
        "requirements.txt": "".join(f"{line.split(';')[0].strip()}\n" for line in needs).encode(),
    }
    for source in sorted(package.rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            files[f"coursekit/{source.relative_to(package).as_posix()}"] = source.read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # el mismo zip cada vez
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = name in ("setup.sh", "run_autograder")
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, content)


def comment(exercise: ExerciseGrade) -> str:
    """Los comentarios de un ejercicio en un párrafo de texto."""
    parts = [sentence(exercise.state)]
    if exercise.finding:
        parts.append(sentence(exercise.finding))
    if exercise.mistake:
        parts.append(f"Es un error clásico: {sentence(exercise.mistake)}")
    return " ".join(parts)


# --- Moodle ----------------------------------------------------------------------------------

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
# «Nombre_123_assignsubmission_file_/suyo.ipynb» o «Nombre_123_assignsubmission_file_suyo.ipynb»:
# en la carpeta manda el último número y en el archivo el primero; el resto lo elige el estudiante.
_FOLDER = re.compile(r".*_(\d+)_assignsubmission_[a-z]+_?")
_FLAT = re.compile(r".*?_(\d+)_assignsubmission_[a-z]+_.*")


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


def fill_moodle_sheet(sheet: Path, batch: Batch, scale: Scale, out: Path) -> FilledSheet:
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
    text, encoding = _decode(Path(sheet).read_bytes(), sheet)
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


def _decode(raw: bytes, sheet: Path) -> tuple[str, str]:
    encodings = ["utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8", "cp1252"]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise CourseError(f"No se puede leer {sheet}: no parece un archivo de texto.")


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
    letters = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", letters.replace("_", " ")))


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
        if participant := _participant(grade.file):
            candidates = indexes[0][participant]  # si lleva número, ningún nombre lo sustituye
        else:
            key = _plain(grade.student)
            candidates = indexes[1][key] or indexes[2][key]
        if len(candidates) == 1:
            claims[min(candidates)].append(grade)
    return {place: claim[0] for place, claim in sorted(claims.items()) if len(claim) == 1}


def _participant(file: str) -> str | None:
    """El número de participante que Moodle pone en una ruta; solo cuenta su primera aparición."""
    *folders, name = file.split("/")
    matches = [_FOLDER.fullmatch(part) or _FLAT.fullmatch(part) for part in folders]
    return next((match[1] for match in [*matches, _FLAT.fullmatch(name)] if match), None)


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
    lines += [f"{exercise.id}: {comment(exercise)}" for exercise in grade.exercises]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


# --- LTI -------------------------------------------------------------------------------------


def ags_scores(batch: Batch, scale: Scale, timestamp: datetime | None = None) -> list[dict]:
    """Las notas como las pide LTI 1.3 (Assignment and Grade Services), una por entrega.

    Args:
        batch: las notas; el nombre de cada estudiante se toma como su `userId` en la plataforma.
        scale: su escala.
        timestamp: instante de la calificación, con zona horaria; si falta, ahora.
    """
    moment = (timestamp or datetime.now(timezone.utc)).isoformat(timespec="milliseconds")
    return [
        {
            "userId": printable(grade.student),
            "scoreGiven": scale.grade(grade.points, grade.max_points),
            "scoreMaximum": scale.highest,
            "comment": " ".join(f"{e.id}: {comment(e)}" for e in grade.exercises),
            "timestamp": moment,
            "activityProgress": "Submitted" if grade.state == UNREADABLE else "Completed",
            "gradingProgress": "PendingManual"
            if grade.open_answers or grade.state == UNREADABLE
            else "FullyGraded",
        }
        for grade in batch.grades
    ]


# --- nbgrader --------------------------------------------------------------------------------


def nbgrader_notebook(source: Path, seed: str):
    """El cuaderno de un conjunto como lo lee nbgrader: la fuente de `nbgrader generate_assignment`.

    Cada celda con solución pasa a ser «autograded answer» y cada `check`, «autograder tests», con
    los puntos del ejercicio y una prueba oculta que usa los casos de la semilla.

    Args:
        source: el cuaderno de `solutions/`; su nombre es el del conjunto.
        seed: semilla secreta de las pruebas ocultas.

    Returns:
        Un cuaderno de `nbformat`.

    Raises:
        CourseError: si falta jupytext o el conjunto no existe.
    """
    try:
        import jupytext
    except ImportError as error:
        raise CourseError(
            'Falta jupytext, que lee los cuadernos: pip install "coursekit[calificar]"'
        ) from error
    exercise_set = load_set(Path(source).stem)
    points = {exercise.id: exercise.points for exercise in exercise_set.exercises}
    notebook = jupytext.read(source, fmt="md:myst")
    cells = []
    for cell in notebook.cells:
        if "solucion" in cell.metadata.get("tags", []):
            continue
        cell.id = f"{exercise_set.id}-{len(cells)}"[-64:]  # al azar, cada vez sería otro cuaderno
        if cell.cell_type == "code":
            _mark_for_nbgrader(cell, exercise_set.id, points, seed, f"{exercise_set.id}-{len(cells)}")
        cells.append(cell)
    notebook.cells = cells
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _mark_for_nbgrader(
    cell, set_id: str, points: dict[str, float], seed: str, name: str
) -> None:
    cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    if "# SOLUCIÓN" in cell.source:
        marked = re.sub(r"(?m)^(\s*)# SOLUCIÓN$", r"\1### BEGIN SOLUTION", cell.source)
        cell.source = re.sub(r"(?m)^(\s*)# FIN DE LA SOLUCIÓN$", r"\1### END SOLUTION", marked)
        cell.metadata["nbgrader"] = _nbgrader(name, solution=True)
    elif call := re.fullmatch(r'check\("(\w+)", (\w+)\)', cell.source.strip()):
        id, answer = call.groups()
        cell.source += (
            "\n### BEGIN HIDDEN TESTS\n"
            "from coursekit.grading.formats import assert_right\n"
            f"assert_right({set_id!r}, {id!r}, {answer}, {seed!r})\n"
            "### END HIDDEN TESTS"
        )
        cell.metadata["nbgrader"] = _nbgrader(id, grade=True, locked=True, points=points[id])


def _nbgrader(grade_id: str, **settings) -> dict:
    usual = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"schema_version": 3, "grade_id": grade_id, **usual, **settings}


def assert_right(set_id: str, id: str, answer, seed: str) -> None:
    """La prueba que nbgrader ejecuta: falla si la respuesta no acierta los casos de la semilla.

    Raises:
        AssertionError: con el estado y nada más; nbgrader enseña el mensaje a los estudiantes.
    """
    exercise = load_set(set_id).find(id)
    cases = exercise.draw(seed)
    state = judge(exercise, cases, run(answer, cases, exercise.forbids)).state
    assert state == RIGHT, state
