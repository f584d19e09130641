"""Gradescope: el `results.json` de una entrega y el zip con que su «autograder» califica."""

from __future__ import annotations

import importlib.metadata
import json
import re
import zipfile
from pathlib import Path

import coursekit
from coursekit.exercises.sets import load_set
from coursekit.grading.reports import comment, sentence
from coursekit.grading.results import RIGHT, Grade
from coursekit.grading.scales import Scale

_FILES = Path(__file__).with_name("gradescope_files")


def results(grade: Grade, scale: Scale) -> dict:
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
                "name": exercise.name,
                "number": str(place),
                "score": round(exercise.points, 6),
                "max_score": round(exercise.max_points, 6),
                "status": "passed" if exercise.state == RIGHT else "failed",
                "output": comment(exercise),
                "visibility": "visible",
            }
            for place, exercise in enumerate(grade.exercises, start=1)
        ]
        + [
            {
                "name": answer.question,
                "number": str(place),
                "score": round(answer.points, 6),
                "max_score": round(answer.max_points, 6),
                "output": "La puntuó una persona.",
                "visibility": "visible",
            }
            for place, answer in enumerate(grade.open_answers, start=len(grade.exercises) + 1)
            if answer.points is not None
        ],
    }


def write_autograder(set_id: str, seed: str, scale: Scale, path: Path) -> None:
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
    wanted = importlib.metadata.requires("coursekit") or []
    needs = [line for line in wanted if "extra ==" not in line or re.search("calificar", line)]
    settings = {
        "conjunto": set_id,
        "semilla": seed,
        "escala": [scale.name, scale.passing, scale.demand],
    }
    files = {
        "setup.sh": (_FILES / "setup.sh").read_bytes(),
        "run_autograder": (_FILES / "run_autograder").read_bytes(),
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
