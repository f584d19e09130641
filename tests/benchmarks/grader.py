"""Calificar una entrega, frente a ejecutarla en un núcleo de Jupyter nuevo: segundos de CPU.

Las entregas son los cuadernos resueltos de un conjunto de NumPy y de otro de torch. Cuentan el
juez y los reclusos, con la cárcel ya levantada: se levanta una para todo el curso.
"""

import os

# En los núcleos y en la cárcel por igual: si no, torch gastaría en esperar a sus hilos.
os.environ["OMP_NUM_THREADS"] = "1"

import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from coursekit.errors import CourseError
from coursekit.exercises.sets import load_set
from coursekit.grading.exam import Exam, grade_submission
from coursekit.grading.jail.ladder import choose
from coursekit.grading.jail.protections import Settings
from coursekit.grading.jail.warden import Jail
from coursekit.grading.submissions import find_submissions

from .measuring import Row

SOLUTIONS = Path(__file__).parents[2] / "solutions"
SETS = ("coocurrencia-ppmi", "rnn-desde-cero")
ROUNDS, PER_ROUND = 3, 10


def rows() -> Iterator[Row]:
    protection = choose()
    for set_id in SETS:
        notebook, exam = assignment(set_id), Exam(load_set(set_id), "semilla", 20)
        settings = Settings(exam.exercise_set.imports)
        with tempfile.TemporaryDirectory() as folder, Jail(protection, settings) as jail:
            Path(folder, "entrega.ipynb").write_text(nbformat.writes(notebook), "utf-8")
            (submission,) = find_submissions(Path(folder))
            if grade_submission(submission, exam, jail).points != 10:
                raise CourseError(f"El cuaderno resuelto de «{set_id}» no saca un 10.")
            ours, theirs = zip(
                *((graded(submission, exam, jail), executed(notebook)) for _ in range(ROUNDS))
            )
        yield Row(
            f"calificar {set_id}, {protection.name}: s por entrega", 1,
            statistics.median(ours), statistics.median(theirs), "núcleo de Jupyter",
        )  # fmt: skip


def graded(submission, exam, jail) -> float:
    """Segundos de CPU por calificación: los del juez y los de dentro de la cárcel."""
    start = time.process_time() + jail.cpu_seconds
    for _ in range(PER_ROUND):
        grade_submission(submission, exam, jail)
    return (time.process_time() + jail.cpu_seconds - start) / PER_ROUND


def executed(notebook) -> float:
    """Segundos de CPU de un núcleo nuevo que ejecuta el cuaderno."""
    start = spent()
    NotebookClient(nbformat.from_dict(notebook), timeout=120).execute()
    return spent() - start


def spent() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def assignment(set_id: str):
    """El cuaderno resuelto, sin las celdas que no responden a ningún ejercicio."""
    names = [exercise.name for exercise in load_set(set_id).exercises]
    notebook = jupytext.read(SOLUTIONS / f"{set_id}.md")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    needed = (
        [f"def {name}(" for name in names]
        + [f"{name} =" for name in names]
        + ["check(", "import numpy"]
    )
    notebook.cells = [c for c in code if any(word in c.source for word in needed)]
    return notebook
