"""La mitad que juzga: compara resultados ya obtenidos y nunca ejecuta la respuesta."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from coursekit.grading.exercise import Exercise, Mistake
from coursekit.grading.running import Outcome, run
from coursekit.grading.values import first_difference, short

UNTRIED, WRONG, RIGHT = "sin intentar", "incorrecto", "correcto"


@dataclass(frozen=True)
class Verdict:
    """El juicio sobre un ejercicio.

    Attributes:
        state: `sin intentar`, `incorrecto` o `correcto`.
        points: puntos obtenidos.
        finding: primera diferencia encontrada, en español; vacía si no hay.
        mistake: el error clásico reconocido, o `None`.
    """

    state: str
    points: float
    finding: str = ""
    mistake: Mistake | None = None


def judge(exercise: Exercise, cases: list[tuple], outcomes: list[Outcome]) -> Verdict:
    """Juzga los resultados de una respuesta.

    Args:
        exercise: el ejercicio.
        cases: los casos con que se obtuvieron.
        outcomes: un resultado por caso, en el mismo orden.
    """
    if all(outcome.untried for outcome in outcomes):
        return Verdict(UNTRIED, 0.0)
    expected = run(exercise.reference, cases)
    for number, (case, want, got) in enumerate(zip(cases, expected, outcomes), start=1):
        if problem := _problem(want, got, exercise.tolerance):
            place = _place(exercise, number, case) if len(cases) > 1 else ""
            return Verdict(WRONG, 0.0, place + problem, _recognise(exercise, cases, outcomes))
    return Verdict(RIGHT, exercise.points)


def _problem(want: Outcome, got: Outcome, tolerance: float) -> str | None:
    if got.untried:
        return "falta esta parte de la respuesta"
    if got.error:
        return f"tu respuesta lanza un error ({short(got.error, 160)[1:-1]})"
    return first_difference(want.value, got.value, tolerance)


def _place(exercise: Exercise, number: int, case: tuple) -> str:
    names = inspect.signature(exercise.reference).parameters
    arguments = ", ".join(f"{name} = {short(value)}" for name, value in zip(names, case))
    return f"en el caso {number} ({arguments}), "


def _recognise(
    exercise: Exercise, cases: list[tuple], outcomes: list[Outcome]
) -> Mistake | None:
    """El error clásico que da, en todos los casos, lo mismo que la respuesta."""
    for mistake in exercise.mistakes:
        typical = run(mistake.answer, cases)
        if all(_same(a, b, exercise.tolerance) for a, b in zip(typical, outcomes)):
            return mistake
    return None


def _same(typical: Outcome, got: Outcome, tolerance: float) -> bool:
    if typical.error or got.error or got.untried:
        return bool(got.error) and _error_type(typical) == _error_type(got)
    return first_difference(typical.value, got.value, tolerance) is None


def _error_type(outcome: Outcome) -> str:
    return (outcome.error or "").partition(":")[0]
