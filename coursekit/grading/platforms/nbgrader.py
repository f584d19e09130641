"""nbgrader: el cuaderno de un conjunto con las celdas marcadas como él las lee."""

from __future__ import annotations

import re
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.exercises.exercise import ExerciseSet
from coursekit.exercises.judging import judge
from coursekit.exercises.markers import CLOSING, OPENING, TAG
from coursekit.exercises.running import run
from coursekit.exercises.sets import load_set
from coursekit.grading.results import RIGHT


def source_notebook(source: Path, seed: str):
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
            'Falta jupytext, que lee los cuadernos: en la carpeta del curso, pip install ".[calificar]"'
        ) from error
    exercise_set = load_set(Path(source).stem)
    notebook = jupytext.read(source, fmt="md:myst")
    cells = []
    for cell in notebook.cells:
        if TAG in cell.metadata.get("tags", []):
            continue
        cell.id = f"{exercise_set.id}-{len(cells)}"[-64:]  # al azar, cada vez sería otro cuaderno
        if cell.cell_type == "code":
            _mark(cell, exercise_set, seed, f"{exercise_set.id}-{len(cells)}")
        cells.append(cell)
    notebook.cells = cells
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _mark(cell, exercise_set: ExerciseSet, seed: str, name: str) -> None:
    cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    if OPENING in cell.source:
        for ours, theirs in ((OPENING, "BEGIN"), (CLOSING, "END")):
            cell.source = re.sub(rf"(?m)^(\s*){ours}$", rf"\1### {theirs} SOLUTION", cell.source)
        cell.metadata["nbgrader"] = _metadata(name, solution=True)
    elif call := re.fullmatch(r'check\("(\w+)", (\w+)\)', cell.source.strip()):
        id, answer = call.groups()
        points = {exercise.id: exercise.points for exercise in exercise_set.exercises}[id]
        cell.source += (
            "\n### BEGIN HIDDEN TESTS\n"
            "from coursekit.grading.platforms.nbgrader import assert_right\n"
            f"assert_right({exercise_set.id!r}, {id!r}, {answer}, {seed!r})\n"
            "### END HIDDEN TESTS"
        )
        cell.metadata["nbgrader"] = _metadata(id, grade=True, locked=True, points=points)


def _metadata(grade_id: str, **settings) -> dict:
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
