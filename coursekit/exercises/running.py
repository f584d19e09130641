"""La mitad que ejecuta respuestas: no conoce ejercicios, valores esperados ni veredictos."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from coursekit.exercises.values import to_plain


@dataclass(frozen=True)
class Step:
    """Una llamada a un método de lo que devolvió la respuesta.

    Attributes:
        method: su nombre; `__call__` llama al objeto mismo, `__getattribute__` lee un atributo; de una
            red, `__shapes__` da la forma de cada parámetro y `__gradients__`, el gradiente que le llega.
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


# Con qué empieza el error de un resultado cuando no es una excepción que lanzó la respuesta.
RETURNED, FORBIDDEN = "devuelve", "usa"


@dataclass(frozen=True)
class Outcome:
    """Lo que dio una respuesta en un caso: un valor sencillo, o el error que lanzó.

    El error es `Tipo: mensaje`, o `RETURNED: qué` si lo devuelto no se puede comparar, o
    `FORBIDDEN: qué` si usó lo que no debe.
    """

    value: object = None
    error: str | None = None
    untried: bool = False


def run(answer, cases: list[tuple | Chain], forbids: tuple[str, ...] = ()) -> list[Outcome]:
    """Evalúa una respuesta en cada caso.

    Args:
        answer: función de los argumentos de un caso, o un valor (entonces no se llama a nada).
        cases: tuplas de argumentos o cadenas; la respuesta recibe copias y no puede alterarlas.
        forbids: módulos cuyo código no puede correr mientras tanto.
    """
    return [_run_case(answer, copy.deepcopy(case), forbids) for case in cases]


def _run_case(answer, case: tuple | Chain, forbids: tuple[str, ...]) -> Outcome:
    if answer is Ellipsis or answer is None:
        return Outcome(untried=True)
    with _watching(forbids) as used:
        try:
            value = _evaluate(answer, case) if callable(answer) else answer
            outcome = Outcome(untried=True) if value is Ellipsis else _plain_outcome(value)
        except NotImplementedError:
            outcome = Outcome(untried=True)
        except (Exception, SystemExit) as error:  # lo que falle en la respuesta es su resultado
            outcome = Outcome(error=f"{type(error).__name__}: {str(error)[:300]}")
    return Outcome(error=f"{FORBIDDEN}: {used[0]}") if used else outcome


def _plain_outcome(value) -> Outcome:
    try:
        return Outcome(to_plain(value))
    except TypeError as error:
        return Outcome(error=f"{RETURNED}: {error}")


@contextmanager
def _watching(forbids: tuple[str, ...]) -> Iterator[list[str]]:
    """Apunta la primera función de un módulo prohibido a la que se llama."""
    used = []

    def watch(frame, event, argument):
        module = frame.f_globals.get("__name__", "") if event == "call" and not used else ""
        if module.startswith(forbids):
            code = frame.f_code
            name = getattr(code, "co_qualname", code.co_name).partition(".")[0]  # Python 3.11
            used.append(module if name == "<module>" else f"{name}, de {module}")

    before = sys.getprofile()
    sys.setprofile(watch if forbids else before)
    try:
        yield used
    finally:
        sys.setprofile(before)


def _evaluate(answer, case: tuple | Chain):
    if isinstance(case, tuple):
        return answer(*case)
    built = answer(*case.arguments)
    if built is Ellipsis or not case.steps:
        return built
    if built is None:
        return None  # falta un return: se dice mejor así que por el método que no tiene
    if isinstance(built, type):
        return built  # la clase, sin construir: lo dice quien copia el valor
    results = [(step.keep, _take(built, step)) for step in case.steps]
    kept = [result for keep, result in results if keep]
    return Ellipsis if any(result is Ellipsis for result in kept) else kept


def _take(built, step: Step):
    if step.method in OF_NETWORKS:
        return OF_NETWORKS[step.method](built, *step.arguments)
    return getattr(built, step.method)(*step.arguments)


def _shapes(net) -> dict[str, tuple]:
    return {name: tuple(weights.shape) for name, weights in net.named_parameters()}


def _gradients(net, *arguments) -> dict:
    """El gradiente de la suma de lo que da una red; `None`, el del parámetro al que no le llega."""
    result = net(*arguments)
    if getattr(result, "requires_grad", False):
        result.sum().backward()
    return {name: weights.grad for name, weights in net.named_parameters()}


OF_NETWORKS = {"__shapes__": _shapes, "__gradients__": _gradients}


def describe_case(case: tuple | Chain) -> tuple:
    """Un caso con valores sencillos, para mandarlo a ejecutar a otro proceso; sin lo secreto."""
    if isinstance(case, tuple):
        return (case, None)
    return (case.arguments, [(step.method, step.arguments, step.keep) for step in case.steps])


def restore_case(description: tuple) -> tuple | Chain:
    """El caso que describió `describe_case`."""
    arguments, steps = description
    return arguments if steps is None else Chain(arguments, tuple(Step(*step) for step in steps))
