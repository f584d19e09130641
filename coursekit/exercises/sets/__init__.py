"""Los conjuntos de ejercicios: un módulo por cuaderno de `solutions/`."""

from __future__ import annotations

import difflib
import importlib
from functools import cache

from coursekit.errors import CourseError
from coursekit.exercises.exercise import Exercise, ExerciseSet

_MODULES = {
    "coocurrencia-ppmi": "coocurrencia_ppmi",
    "rnn-desde-cero": "rnn_desde_cero",
}


@cache
def load_set(id: str) -> ExerciseSet:
    """Carga un conjunto por su nombre.

    Raises:
        CourseError: si no existe.
    """
    if id not in _MODULES:
        raise CourseError(f"No hay ningún conjunto «{id}». Los que hay: {', '.join(_MODULES)}.")
    return importlib.import_module(f"{__name__}.{_MODULES[id]}").SET


def all_sets() -> list[ExerciseSet]:
    """Todos los conjuntos del curso, en el orden de los cuadernos."""
    return [load_set(id) for id in _MODULES]


def find_exercise(id: str) -> Exercise:
    """Busca un ejercicio por su nombre en todos los conjuntos.

    Raises:
        CourseError: si no existe; propone el nombre más parecido.
    """
    exercises = {e.id: e for exercise_set in all_sets() for e in exercise_set.exercises}
    if id in exercises:
        return exercises[id]
    close = difflib.get_close_matches(str(id), exercises, n=1, cutoff=0.4)
    suggestion = f" ¿Querías decir «{close[0]}»?" if close else ""
    raise CourseError(f"No hay ningún ejercicio «{id}».{suggestion}")
