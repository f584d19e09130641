"""La mitad que ejecuta respuestas: no conoce ejercicios, valores esperados ni veredictos."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from coursekit.exercises.values import to_plain


@dataclass(frozen=True)
class Step:
    """Una llamada a un método de lo que devolvió la respuesta.

    Attributes:
        method: su nombre; `__call__` llama al objeto mismo, `__getattribute__` lee un atributo.
        arguments: los de la llamada.
        keep: si su resultado forma parte del valor del caso.
    """

    method: str
    arguments: tuple = ()
    keep: bool = True


@dataclass(frozen=True)
class Chain:
    """Un caso en varios pasos: construir (o entrenar) con unos argumentos y usar lo construido.

    Su valor es la lista de los resultados guardados. Sirve para clases (construir, cargar pesos,
    evaluar) y para entrenamientos (entrenar con unos datos, predecir con otros).

    Attributes:
        arguments: los de la llamada a la respuesta (el constructor, si es una clase).
        steps: llamadas sucesivas al objeto que devuelve.
        target: lo que solo el juez sabe (por ejemplo, las etiquetas de prueba); no se manda.
    """

    arguments: tuple
    steps: tuple[Step, ...]
    target: object = None


@dataclass(frozen=True)
class Outcome:
    """Lo que dio una respuesta en un caso: un valor sencillo, o el error que lanzó."""

    value: object = None
    error: str | None = None
    untried: bool = False


def run(answer, cases: list[tuple | Chain]) -> list[Outcome]:
    """Evalúa una respuesta en cada caso.

    Args:
        answer: función de los argumentos de un caso, o un valor (entonces no se llama a nada).
        cases: tuplas de argumentos o cadenas; la respuesta recibe copias y no puede alterarlas.
    """
    return [_run_case(answer, copy.deepcopy(case)) for case in cases]


def _run_case(answer, case: tuple | Chain) -> Outcome:
    if answer is Ellipsis or answer is None:
        return Outcome(untried=True)
    try:
        value = _evaluate(answer, case) if callable(answer) else answer
        return Outcome(untried=True) if value is Ellipsis else Outcome(to_plain(value))
    except NotImplementedError:
        return Outcome(untried=True)
    except (Exception, SystemExit) as error:  # lo que falle en la respuesta es su resultado
        return Outcome(error=f"{type(error).__name__}: {str(error)[:300]}")


def _evaluate(answer, case: tuple | Chain):
    if isinstance(case, tuple):
        return answer(*case)
    built = answer(*case.arguments)
    if built is Ellipsis or not case.steps:
        return built
    if built is None:
        return None  # falta un return: se dice mejor así que por el método que no tiene
    results = [(step.keep, getattr(built, step.method)(*step.arguments)) for step in case.steps]
    kept = [result for keep, result in results if keep]
    return Ellipsis if any(result is Ellipsis for result in kept) else kept


def describe_case(case: tuple | Chain) -> tuple:
    """Un caso con valores sencillos, para mandarlo a ejecutar a otro proceso; sin lo secreto."""
    if isinstance(case, tuple):
        return (case, None)
    return (case.arguments, [(step.method, step.arguments, step.keep) for step in case.steps])


def restore_case(description: tuple) -> tuple | Chain:
    """El caso que describió `describe_case`."""
    arguments, steps = description
    return arguments if steps is None else Chain(arguments, tuple(Step(*step) for step in steps))
