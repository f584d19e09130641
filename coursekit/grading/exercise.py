"""El ejercicio: un solo objeto del que salen la comprobación, las pistas, la nota y sus pruebas."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


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
            argumentos de una llamada.
        tolerance: diferencia relativa admitida entre números.
    """

    id: str
    name: str
    points: float
    reference: object
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    cases: Callable[[np.random.Generator], list[tuple]] = field(default=no_arguments)
    tolerance: float = 1e-4

    def draw(self, seed: str) -> list[tuple]:
        """Sortea los casos: la misma semilla da siempre los mismos."""
        digest = hashlib.sha256(f"{seed}/{self.id}".encode()).digest()
        return self.cases(np.random.default_rng(list(digest)))


@dataclass(frozen=True)
class ExerciseSet:
    """Los ejercicios de un cuaderno; `id` es el nombre del archivo en `solutions/`."""

    id: str
    title: str
    exercises: tuple[Exercise, ...]

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)
