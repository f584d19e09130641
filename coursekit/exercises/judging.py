"""La mitad que juzga: compara resultados ya obtenidos y nunca ejecuta la respuesta."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from coursekit.exercises.exercise import Exercise, Mistake
from coursekit.exercises.running import Chain, Outcome, run
from coursekit.exercises.values import first_difference, short

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


class Judge:
    """Juzga respuestas a un ejercicio; calcula una sola vez lo esperado y los errores clásicos.

    Args:
        exercise: el ejercicio.
        cases: los casos con que se obtendrán los resultados.
        reveal: si lo que se dice puede nombrar un valor esperado; nunca con casos secretos.
    """

    def __init__(self, exercise: Exercise, cases: list[tuple | Chain], reveal: bool = True):
        self.exercise, self.cases, self._reveal = exercise, cases, reveal
        self.expected = run(exercise.reference, cases)

    def verdict(self, outcomes: Sequence[Outcome]) -> Verdict:
        """El juicio sobre una respuesta, con un resultado por caso y en el mismo orden."""
        if all(outcome.untried for outcome in outcomes):
            return Verdict(UNTRIED, 0.0)
        for number, got in enumerate(outcomes, start=1):
            if problem := self._problem(number - 1, got):
                place = self._place(number) if len(self.cases) > 1 else ""
                return Verdict(WRONG, 0.0, place + problem, self._recognise(outcomes))
        return Verdict(RIGHT, self.exercise.points)

    def _problem(self, index: int, got: Outcome) -> str | None:
        if got.untried:
            return "falta esta parte de la respuesta"
        if got.error:
            return f"tu respuesta lanza un error ({short(got.error, 160)[1:-1]})"
        if self.exercise.accepts and got.value is not None:
            return self.exercise.accepts(self.cases[index], got.value)
        want = self.expected[index].value
        return first_difference(want, got.value, self.exercise.tolerance, self._reveal)

    def _place(self, number: int) -> str:
        case = self.cases[number - 1]
        if not isinstance(case, tuple):
            return f"en el caso {number}, "
        names = inspect.signature(self.exercise.reference).parameters
        arguments = ", ".join(f"{name} = {short(value)}" for name, value in zip(names, case))
        return f"en el caso {number} ({arguments}), "

    @cached_property
    def _typical(self) -> list[list[Outcome]]:
        return [run(mistake.answer, self.cases) for mistake in self.exercise.mistakes]

    def _recognise(self, outcomes: Sequence[Outcome]) -> Mistake | None:
        """El error clásico que da, en todos los casos, lo mismo que la respuesta."""
        for mistake, typical in zip(self.exercise.mistakes, self._typical):
            if all(_same(a, b, self.exercise.tolerance) for a, b in zip(typical, outcomes)):
                return mistake
        return None


def judge(exercise: Exercise, cases: list[tuple | Chain], outcomes: Sequence[Outcome]) -> Verdict:
    """Juzga los resultados de una respuesta a la vista de todos.

    Args:
        exercise: el ejercicio.
        cases: los casos con que se obtuvieron.
        outcomes: un resultado por caso, en el mismo orden.
    """
    return Judge(exercise, cases).verdict(outcomes)


def _same(typical: Outcome, got: Outcome, tolerance: float) -> bool:
    if typical.error or got.error or got.untried:
        return bool(got.error) and _error_type(typical) == _error_type(got)
    return first_difference(typical.value, got.value, tolerance) is None


def _error_type(outcome: Outcome) -> str:
    return (outcome.error or "").partition(":")[0]
