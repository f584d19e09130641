"""El ejercicio: un solo objeto del que salen la comprobación, las pistas, la nota y sus pruebas."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from coursekit.exercises.running import Chain


def no_arguments(rng: np.random.Generator) -> list[tuple]:
    """Los casos de una respuesta que es un valor y no una función: uno solo, sin argumentos."""
    return [()]


@dataclass(frozen=True)
class Mistake:
    """Un error clásico.

    Attributes:
        answer: la implementación (o el valor) equivocada, tal como la escribiría quien se confunde.
        sentence: qué pasó y por qué, en una o dos frases.
    """

    answer: object
    sentence: str


@dataclass(frozen=True)
class Exercise:
    """Un ejercicio de un conjunto.

    Attributes:
        id: nombre corto y único con el que se llama a `check`.
        name: nombre de la función o variable que el cuaderno pide.
        points: puntos que vale.
        reference: función que da el resultado esperado, o el valor mismo.
        hints: pistas, de la más vaga a la más concreta.
        mistakes: errores clásicos; cada uno debe fallar y reconocerse.
        cases: función de un `numpy.random.Generator` a la lista de casos, cada uno la tupla de
            argumentos de una llamada o una cadena (`Chain`) de llamadas.
        tolerance: diferencia relativa admitida entre números.
        accepts: comparación propia, de un caso y el valor obtenido al problema, o `None` si vale;
            para lo que no tiene un único valor esperado, como un entrenamiento.
    """

    id: str
    name: str
    points: float
    reference: object
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    cases: Callable[[np.random.Generator], list[tuple | Chain]] = field(default=no_arguments)
    tolerance: float = 1e-4
    accepts: Callable[[tuple | Chain, object], str | None] | None = None

    def draw(self, seed: str) -> list[tuple | Chain]:
        """Sortea los casos: la misma semilla da siempre los mismos."""
        digest = hashlib.sha256(f"{seed}/{self.id}".encode()).digest()
        return self.cases(np.random.default_rng(list(digest)))


@dataclass(frozen=True)
class OpenQuestion:
    """Una pregunta que se lee a mano.

    Attributes:
        id: nombre corto; el cuaderno marca la respuesta con él.
        question: lo que se pregunta.
        rubric: qué se valora y cuánto.
    """

    id: str
    question: str
    rubric: str


@dataclass(frozen=True)
class ExerciseSet:
    """Los ejercicios de un cuaderno; `id` es el nombre del archivo en `solutions/`.

    Attributes:
        imports: bibliotecas que el cuaderno usa; al calificar se importan una sola vez.
        open_questions: las que el docente lee y puntúa aparte.
    """

    id: str
    title: str
    exercises: tuple[Exercise, ...]
    imports: tuple[str, ...] = ("numpy",)
    open_questions: tuple[OpenQuestion, ...] = ()

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)
