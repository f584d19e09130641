"""Lo que el estudiante llama desde su cuaderno: `check` y `hint`, de un conjunto abierto."""

from __future__ import annotations

import ast
import linecache
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

from coursekit.errors import CourseError
from coursekit.exercises.exercise import Exercise, ExerciseSet
from coursekit.exercises.judging import RIGHT, UNTRIED, judge
from coursekit.exercises.running import run
from coursekit.exercises.sets import load_set

# Los casos del cuaderno son públicos; la nota sale de los mismos sorteos con la semilla del docente.
PUBLIC_SEED = "cuaderno"
_MISSING = object()


def open_set(id: str) -> tuple[Callable, Callable]:
    """Abre un conjunto de ejercicios: `check, hint = open_set("coocurrencia-ppmi")`.

    Args:
        id: nombre del conjunto.

    Returns:
        La función que comprueba una respuesta y la que da la siguiente pista.

    Raises:
        CourseError: si no hay ningún conjunto con ese nombre.
    """
    opened = _OpenSet(load_set(id))
    return opened.check, opened.hint


class _OpenSet:
    """Un conjunto y las pistas que ya dio."""

    def __init__(self, exercise_set: ExerciseSet):
        self._set, self._hints_given = exercise_set, Counter()

    def check(self, id: str, answer=_MISSING) -> None:
        """Comprueba una respuesta con los casos públicos e imprime el resultado.

        Args:
            id: nombre del ejercicio, por ejemplo `"ppmi"`.
            answer: la función o el valor que pide el enunciado.

        Raises:
            CourseError: si no hay ningún ejercicio con ese nombre o falta algo en la llamada.
        """
        if not isinstance(id, str):
            form = 'check("nombre", respuesta)'
            raise CourseError(f"Primero va el nombre del ejercicio, entre comillas: {form}.")
        exercise = self._set.find(id)
        call = f'check("{id}", {exercise.name})'
        if answer is _MISSING:
            raise CourseError(f"Falta tu respuesta: {call}.")
        if _is_result(answer, exercise):
            written = _as_written(sys._getframe(1)) or f"{exercise.name}(…)"
            print(f"✘ {id}: escribiste `{written}`: pasa la función, sin paréntesis: {call}")
            return
        cases = exercise.draw(PUBLIC_SEED)
        verdict = judge(exercise, cases, run(answer, cases, exercise.forbids))
        if verdict.state == RIGHT:
            print(f"✔ {id}: correcto ({_points(exercise.points)}).")
        elif verdict.state == UNTRIED:
            print(f"○ {id}: sin intentar. Completa {exercise.name} y vuelve a ejecutar esta celda.")
        else:
            print(f"✘ {id}: incorrecto. {_sentence(verdict.finding)}")
            if verdict.call:
                print(f"  Para verlo: {verdict.call}")
            if verdict.mistake:
                print(f"  Es un error clásico: {verdict.mistake.sentence}")
            print(f'  Si te atascas, pide una pista: hint("{id}")')

    def hint(self, id: str) -> None:
        """Imprime la siguiente pista de un ejercicio; cada llamada da una más concreta.

        Raises:
            CourseError: si no hay ningún ejercicio con ese nombre.
        """
        hints = self._set.find(id).hints
        number = min(self._hints_given[id], len(hints) - 1)
        self._hints_given[id] += 1
        print(f"Pista {number + 1} de {len(hints)}: {hints[number]}")


def _is_result(answer, exercise: Exercise) -> bool:
    """Dice si la respuesta es lo que devolvió una función y no la función que se pide."""
    asks_function = callable(exercise.reference) and not exercise.parts
    return asks_function and not callable(answer) and answer is not Ellipsis and answer is not None


def _as_written(frame: FrameType) -> str:
    """La respuesta tal como está escrita en la línea que llama a `check`; vacía si no se ve."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    try:
        return ast.unparse(ast.parse(line.strip()).body[0].value.args[1])
    except (SyntaxError, AttributeError, IndexError):
        return ""


def _points(points: float) -> str:
    return f"{points:g} punto" + ("" if points == 1 else "s")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith("?") else ".")
