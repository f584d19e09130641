"""La mitad que ejecuta respuestas: no conoce ejercicios, valores esperados ni veredictos."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from coursekit.grading.values import to_plain


@dataclass(frozen=True)
class Outcome:
    """Lo que dio una respuesta en un caso: un valor sencillo, o el error que lanzó."""

    value: object = None
    error: str | None = None
    untried: bool = False


def run(answer, cases: list[tuple]) -> list[Outcome]:
    """Evalúa una respuesta en cada caso.

    Args:
        answer: función de los argumentos de un caso, o un valor (entonces no se llama a nada).
        cases: tuplas de argumentos; la respuesta recibe copias y no puede alterarlas.
    """
    return [_run_case(answer, copy.deepcopy(case)) for case in cases]


def _run_case(answer, arguments: tuple) -> Outcome:
    if answer is Ellipsis or answer is None:
        return Outcome(untried=True)
    try:
        value = answer(*arguments) if callable(answer) else answer
        return Outcome(untried=True) if value is Ellipsis else Outcome(to_plain(value))
    except NotImplementedError:
        return Outcome(untried=True)
    except Exception as error:  # lo que falle en la respuesta es su resultado, no un fallo nuestro
        return Outcome(error=f"{type(error).__name__}: {error}")
