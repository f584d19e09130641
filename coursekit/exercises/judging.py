"""La mitad que juzga: compara resultados ya obtenidos y nunca ejecuta la respuesta."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from coursekit.exercises.exercise import Exercise, Mistake
from coursekit.exercises.running import FORBIDDEN, OF_NETWORKS, RETURNED, Chain, Outcome, run
from coursekit.exercises.values import first_difference, is_close, is_number, short, to_code

UNTRIED, WRONG, RIGHT = "sin intentar", "incorrecto", "correcto"
_LONGEST_CALL = 1000


@dataclass(frozen=True)
class Verdict:
    """El juicio sobre un ejercicio.

    Attributes:
        state: `sin intentar`, `incorrecto` o `correcto`.
        points: puntos obtenidos.
        finding: primera diferencia encontrada, en español; vacía si no hay.
        mistake: el error clásico reconocido, o `None`.
        call: la llamada con la que se ve el fallo, en una línea para pegar; vacía si no la hay.
    """

    state: str
    points: float
    finding: str = ""
    mistake: Mistake | None = None
    call: str = ""


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
        if self.exercise.parts and not outcomes[0].error:
            return self._by_hand(outcomes[0].value)
        for number, (case, got) in enumerate(zip(self.cases, outcomes), start=1):
            if problem := self._problem(number - 1, got):
                place = f"en el caso {number}, " if len(self.cases) > 1 else ""
                call = _call(self.exercise.name, case) if callable(self.exercise.reference) else ""
                return Verdict(WRONG, 0.0, place + problem, self._recognise(outcomes), call)
        return Verdict(RIGHT, self.exercise.points)

    def _problem(self, index: int, got: Outcome) -> str | None:
        if got.untried:
            return "falta esta parte de la respuesta"
        if got.error:
            return _describe_error(got.error)
        if self.exercise.accepts and got.value is not None:
            return self.exercise.accepts(self.cases[index], got.value)
        want = self.expected[index].value
        return first_difference(want, got.value, self.exercise.tolerance, self._reveal)

    @cached_property
    def _typical(self) -> list[tuple[Mistake, list[Outcome]]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # los avisos de un error clásico no son del estudiante
            mistakes = (*self.exercise.mistakes, *self.exercise.inherited)
            return [(mistake, run(mistake.answer, self.cases)) for mistake in mistakes]

    def _recognise(self, outcomes: Sequence[Outcome]) -> Mistake | None:
        """El error clásico que da, en todos los casos, lo mismo que la respuesta."""
        for mistake, typical in self._typical:
            if all(_same(a, b, self.exercise.tolerance) for a, b in zip(typical, outcomes)):
                return mistake
        return None

    # --- Ejercicios a mano: se dice qué número está mal y qué preguntarse, nunca cuánto vale ------

    def _by_hand(self, answer) -> Verdict:
        parts = self.exercise.parts
        if not _is_variant(answer, len(self.cases)):
            last = len(self.cases) - 1
            form = f"(variante, [{', '.join(parts)}]), con tu variante, de 0 a {last}, delante"
            return Verdict(WRONG, 0.0, f"la respuesta se escribe {form}")
        variant, numbers = answer[0], list(answer[1])
        if len(numbers) != len(parts):
            return Verdict(WRONG, 0.0, _miscounted(numbers, len(parts)))
        good = self._close(numbers, self.expected[variant])
        if all(good):
            return Verdict(RIGHT, self.exercise.points)
        place = good.index(False)
        name, question = list(parts.items())[place]
        shown = f"{short(numbers[place])} no es lo que sale de tu tabla"
        finding = f"en el número {place + 1}, {name}, {shown}: {question}"
        for mistake, typical in self._typical:  # basta con que explique los números que están mal
            if all(map(operator.or_, good, self._close(numbers, typical[variant]))):
                return Verdict(WRONG, 0.0, finding, mistake)
        return Verdict(WRONG, 0.0, finding)

    def _close(self, numbers: list, outcome: Outcome) -> list[bool]:
        """De cada número, si es el de ese resultado."""
        tolerance = self.exercise.tolerance
        return [is_number(x) and is_close(x, want, tolerance) for x, want in zip(numbers, outcome.value)]


def _miscounted(numbers: list, wanted: int) -> str:
    """Cuántos números sobran o faltan; con coma decimal, cada uno con decimales se parte en dos."""
    whole_pairs = sum(type(a) is int and type(b) is int for a, b in zip(numbers, numbers[1:]))
    finding = f"das {len(numbers)} números y se piden {wanted}"
    if not 0 < len(numbers) - wanted <= whole_pairs:
        return finding
    return f"{finding}: ¿usaste coma decimal? Para Python, 0,415 son dos, 0 y 415; escribe 0.415"


def _is_variant(answer, count: int) -> bool:
    """Dice si la respuesta es una pareja de variante y números."""
    return (
        isinstance(answer, list)
        and len(answer) == 2
        and type(answer[0]) is int
        and 0 <= answer[0] < count
        and (isinstance(answer[1], list) or getattr(answer[1], "ndim", 0) == 1)
    )


def _describe_error(error: str) -> str:
    kind, _, detail = error.partition(": ")
    if kind == RETURNED:
        return f"tu respuesta devuelve {short(detail, 160)[1:-1]}"
    if kind == FORBIDDEN:
        return f"tu respuesta usa {short(detail, 160)[1:-1]}: aquí se trata de escribirlo"
    return f"tu respuesta lanza un error ({short(error, 160)[1:-1]})"


def _call(name: str, case: tuple | Chain) -> str:
    """La llamada que hace un caso, en una línea; vacía si es demasiado larga para pegarla."""
    if isinstance(case, tuple):
        line = f"{name}({', '.join(map(to_code, case))})"
    else:
        own = [step for step in case.steps if step.method not in OF_NETWORKS]
        steps = [f"{step.method}({', '.join(map(to_code, step.arguments))})" for step in own]
        built = f"built = {name}({', '.join(map(to_code, case.arguments))})"
        line = "; ".join([built, *(f"built.{step}" for step in steps)])
    return line if len(line) <= _LONGEST_CALL else ""


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
