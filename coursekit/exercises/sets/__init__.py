"""Los conjuntos de ejercicios: un módulo por cuaderno de `solutions/`, que se encuentra por su nombre."""

from __future__ import annotations

import importlib
import pkgutil

from coursekit.errors import CourseError
from coursekit.exercises.exercise import ExerciseSet


def set_ids() -> list[str]:
    """Los nombres de todos los conjuntos del curso, en orden alfabético."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)]


def load_set(id: str) -> ExerciseSet:
    """Carga un conjunto, y ningún otro, por su nombre: `rnn-desde-cero` es `rnn_desde_cero.py`.

    Raises:
        CourseError: si no existe.
    """
    if id not in set_ids():
        raise CourseError(f"No hay ningún conjunto «{id}». Los que hay: {', '.join(set_ids())}.")
    return importlib.import_module(f"{__name__}.{id.replace('-', '_')}").SET
