"""Lo que el estudiante llama desde su cuaderno: `check` y `hint`."""

from __future__ import annotations

from collections import Counter

from coursekit.exercises.judging import RIGHT, UNTRIED, judge
from coursekit.exercises.running import run
from coursekit.exercises.sets import find_exercise

# Los casos del cuaderno son públicos; la nota sale de los mismos sorteos con la semilla del docente.
PUBLIC_SEED = "cuaderno"

_hints_given: Counter[str] = Counter()


def check(id: str, answer) -> None:
    """Comprueba una respuesta con los casos públicos e imprime el resultado.

    Args:
        id: nombre del ejercicio, por ejemplo `"ppmi"`.
        answer: la función o el valor que pide el enunciado.

    Raises:
        CourseError: si no hay ningún ejercicio con ese nombre.
    """
    exercise = find_exercise(id)
    cases = exercise.draw(PUBLIC_SEED)
    verdict = judge(exercise, cases, run(answer, cases))
    if verdict.state == RIGHT:
        print(f"✔ {id}: correcto ({_points(exercise.points)}).")
    elif verdict.state == UNTRIED:
        print(f"○ {id}: sin intentar. Completa {exercise.name} y vuelve a ejecutar esta celda.")
    else:
        print(f"✘ {id}: incorrecto. {_sentence(verdict.finding)}")
        if verdict.mistake:
            print(f"  Es un error clásico: {verdict.mistake.sentence}")
        print(f'  Si te atascas, pide una pista: hint("{id}")')


def hint(id: str) -> None:
    """Imprime la siguiente pista de un ejercicio; cada llamada da una más concreta.

    Raises:
        CourseError: si no hay ningún ejercicio con ese nombre.
    """
    hints = find_exercise(id).hints
    number = min(_hints_given[id], len(hints) - 1)
    _hints_given[id] += 1
    print(f"Pista {number + 1} de {len(hints)}: {hints[number]}")


def _points(points: float) -> str:
    return f"{points:g} punto" + ("" if points == 1 else "s")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith("?") else ".")
