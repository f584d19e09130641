"""El resultado de calificar: lo que el lote entrega y los informes escriben."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coursekit.exercises.judging import RIGHT, UNTRIED, WRONG
from coursekit.grading.jail.inside.wire import CRASH, MISSING, OK, TIMEOUT

# Los estados de una entrega son OK, UNTRIED, TIMEOUT, CRASH y UNREADABLE; los de un ejercicio, los
# tres de `judging` y, además, TIMEOUT, CRASH y MISSING.
UNREADABLE = "ilegible"
STATES = (OK, UNTRIED, TIMEOUT, CRASH, UNREADABLE)
EXERCISE_STATES = (RIGHT, WRONG, UNTRIED, TIMEOUT, CRASH, MISSING)


@dataclass(frozen=True)
class ExerciseGrade:
    """La nota de un ejercicio.

    Attributes:
        id: nombre del ejercicio.
        state: `correcto`, `incorrecto`, `sin intentar`, `falta` (el nombre no está definido),
            `tiempo agotado` o `caída`.
        points, max_points: puntos obtenidos y posibles.
        finding: primera diferencia, en español; nunca dice un valor esperado.
        mistake: frase del error clásico reconocido, o `None`.
        title: el del ejercicio.
        form: huella de la función sin nombres ni formato, para encontrar las iguales; vacía si no se
            compara.
    """

    id: str
    state: str
    points: float
    max_points: float
    finding: str = ""
    mistake: str | None = None
    title: str = ""
    form: str = ""

    def __post_init__(self):
        # Los puntos vienen del juez o de un diario, que alguien pudo tocar: NaN tampoco pasa.
        if not 0 <= self.points <= self.max_points < math.inf:
            raise ValueError(f"{self.points} puntos de {self.max_points} en «{self.id}»")

    @property
    def name(self) -> str:
        """Cómo se nombra en los informes."""
        return self.title or self.id


@dataclass(frozen=True)
class OpenAnswer:
    """Una pregunta abierta con lo que el estudiante escribió, para leerla a mano.

    Attributes:
        id, question, rubric, max_points: la pregunta.
        answer: lo que escribió.
        points: los que puso el docente, o `None` si aún no la puntuó.
    """

    id: str
    question: str
    rubric: str
    answer: str
    max_points: float
    points: float | None = None

    def __post_init__(self):
        if not 0 <= (self.points or 0) <= self.max_points < math.inf:
            raise ValueError(f"{self.points} puntos de {self.max_points} en «{self.id}»")


@dataclass(frozen=True)
class Grade:
    """La nota de una entrega.

    Attributes:
        student: quién entrega, según el nombre del archivo o de su carpeta.
        file: ruta del cuaderno relativa a la carpeta de entregas.
        state: `ok`, `tiempo agotado`, `caída`, `ilegible`, `falta` o `sin intentar`.
        reason: por qué no es `ok`, en español; vacía si lo es.
        seconds: lo que tardó; es lo único que cambia de una vez a otra.
        exercises: una nota por ejercicio del conjunto, en su orden, también si es ilegible.
        open_answers: las respuestas que se leen a mano.
        digest: huella de la entrega, la semilla, el conjunto y la versión, para no repetir trabajo.
    """

    student: str
    file: str
    state: str
    reason: str
    seconds: float
    exercises: tuple[ExerciseGrade, ...]
    open_answers: tuple[OpenAnswer, ...]
    digest: str

    @property
    def points(self) -> float:
        return sum(part.points for part in self._scored)

    @property
    def max_points(self) -> float:
        return sum(part.max_points for part in self._scored)

    @property
    def _scored(self) -> list[ExerciseGrade | OpenAnswer]:
        """Lo que cuenta: los ejercicios y las respuestas abiertas que ya tienen puntos."""
        return [*self.exercises, *(a for a in self.open_answers if a.points is not None)]

    @property
    def crashed(self) -> bool:
        """Si ella, o algo de ella, es una caída."""
        return CRASH in (self.state, *(exercise.state for exercise in self.exercises))


@dataclass(frozen=True)
class Batch:
    """Las notas de una carpeta de entregas.

    Attributes:
        set_id, title: el conjunto de ejercicios.
        seed_fingerprint: huella de la semilla; la semilla misma no se escribe en ningún sitio.
        grades: una por entrega, ordenadas por estudiante y archivo.
    """

    set_id: str
    title: str
    seed_fingerprint: str
    grades: tuple[Grade, ...]
