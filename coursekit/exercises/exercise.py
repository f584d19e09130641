"""El ejercicio: un solo objeto del que salen la comprobación, las pistas, la nota y sus pruebas."""

from __future__ import annotations

import ast
import difflib
import hashlib
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType

import numpy as np

from coursekit.errors import CourseError
from coursekit.exercises.running import Chain

# Lo que el paquete ya trae hecho: nadie lo devuelve como suyo.
MODELS = tuple(
    f"coursekit.{room}"
    for room in ("embeddings", "ngrams", "recurrent", "classification", "exercises.sets")
)


def no_arguments(rng: np.random.Generator) -> list[tuple]:
    """Los casos de una respuesta que es un valor y no una función: uno solo, sin argumentos."""
    return [()]


def variants(rng: np.random.Generator) -> list[tuple]:
    """Los casos de un ejercicio a mano: sus diez variantes, una por cada última cifra."""
    return [(number,) for number in range(10)]


@dataclass(frozen=True)
class Mistake:
    """Un error clásico.

    Attributes:
        answer: la implementación (o el valor) equivocada, tal como la escribiría quien se confunde.
        sentence: qué pasó y por qué, en una o dos frases.
    """

    answer: object
    sentence: str


@dataclass(eq=False)
class Exercise:
    """Un ejercicio de un conjunto; se puede llamar como su referencia.

    Attributes:
        id: nombre corto, único en su conjunto, con el que se llama a `check`.
        name: nombre de la función o variable que el cuaderno pide.
        points: puntos que vale.
        reference: función que da el resultado esperado, o el valor mismo.
        hints: pistas, de la más vaga a la más concreta.
        mistakes: errores clásicos; cada uno debe fallar y reconocerse.
        cases: función de un `numpy.random.Generator` a los casos, cada uno la tupla de argumentos
            de una llamada o una cadena (`Chain`). Da un caso por clase de entrada, siempre las
            mismas: lo que un caso puede tener está en los públicos y en los de cualquier semilla.
        tolerance: diferencia relativa admitida entre números.
        accepts: comparación propia, de un caso y el valor obtenido al problema, o `None` si vale;
            para lo que no tiene un único valor esperado, como un entrenamiento.
        title: el del apartado de la hoja.
        parts: en un ejercicio a mano, el nombre de cada número pedido y la pregunta que ayuda a quien
            lo tiene mal. La respuesta es la pareja `(variante, números)`, y la referencia da los
            números de una variante.
        forbids: módulos cuyo código no puede correr mientras se evalúa una respuesta.
        uses: ejercicios anteriores a los que llama la referencia; sus errores se arrastran a este.
    """

    id: str
    name: str
    points: float
    reference: object
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    cases: Callable[[np.random.Generator], Iterable[tuple | Chain]] = field(default=no_arguments)
    tolerance: float = 1e-4
    accepts: Callable[[tuple | Chain, object], str | None] | None = None
    title: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    forbids: tuple[str, ...] = MODELS
    uses: tuple[Exercise, ...] = ()

    def __call__(self, *arguments):
        """Lo que da la referencia: los demás ejercicios y errores del conjunto la usan."""
        return self.reference(*arguments)

    def draw(self, seed: str) -> list[tuple | Chain]:
        """Sortea los casos: la misma semilla da siempre los mismos."""
        digest = hashlib.sha256(f"{seed}/{self.id}".encode()).digest()
        return list(self.cases(np.random.default_rng(list(digest))))

    def mistaken(self, *edits: tuple[str, str, str]) -> None:
        """Añade errores clásicos, cada uno la referencia con un trozo cambiado.

        Args:
            edits: de cada error, lo que dice la referencia, lo que escribe quien se confunde y la frase.

        Raises:
            ValueError: si la referencia no dice ese trozo.
        """
        self.mistakes += tuple(
            Mistake(self._rewritten((right, wrong)), sentence) for right, wrong, sentence in edits
        )

    def planted(self, *faults: tuple[str, str, str]) -> None:
        """Añade los fallos de un ejercicio de detective: todos juntos y cada manera de dejar alguno.

        Args:
            faults: de cada uno, lo que dice la referencia, lo que dice la función repartida y la frase.
        """
        for left in range(len(faults), 0, -1):
            for some in itertools.combinations(faults, left):
                sentence = f"es la función tal como la recibiste, con sus {left} fallos."
                if left < len(faults):
                    count = "queda un fallo" if left == 1 else f"quedan {left} fallos"
                    sentence = f"{count}: {' Además, '.join(fault[2] for fault in some)}"
                answer = self._rewritten(*(fault[:2] for fault in some))
                self.mistakes += (Mistake(answer, sentence),)

    @cached_property
    def inherited(self) -> tuple[Mistake, ...]:
        """Lo que da la referencia a quien falla en un ejercicio del que este se sirve."""
        return tuple(
            Mistake(
                self._relying_on({used.name: _finite(mistake.answer)}),
                f"es el mismo de «{used.title}»: si allí está bien, aquí no lo estás usando.",
            )
            for used in self.uses
            for mistake in used.mistakes
        )

    def _relying_on(self, names: dict[str, Callable]) -> Callable:
        """La referencia con otras funciones en lugar de las que llama."""
        return FunctionType(self.reference.__code__, self.reference.__globals__ | names)

    def _rewritten(self, *edits: tuple[str, str]) -> Callable:
        """La referencia con unos trozos cambiados."""
        source = textwrap.dedent(inspect.getsource(self.reference))
        definition = ast.parse(source).body[0]
        source = "\n".join(source.splitlines()[definition.lineno - 1 :])  # sin decoradores
        for right, wrong in edits:
            if right not in source:
                raise ValueError(f"{self.id}: la referencia no dice «{right}»")
            source = source.replace(right, wrong)
        namespace = {}
        exec(compile(source, f"<error de {self.id}>", "exec"), self.reference.__globals__, namespace)
        return namespace[self.reference.__name__]


def _finite(answer: Callable) -> Callable:
    """La misma función, que falla si da un arreglo con infinitos: con ellos, LAPACK no termina."""

    def call(*arguments):
        value = answer(*arguments)
        if isinstance(value, np.ndarray) and not np.isfinite(value).all():
            raise np.linalg.LinAlgError("hay valores infinitos")
        return value

    return call


@dataclass(frozen=True)
class OpenQuestion:
    """Una pregunta que se lee a mano.

    Attributes:
        id: nombre corto; el cuaderno marca la respuesta con él.
        question: lo que se pregunta.
        rubric: qué se valora y cuánto.
        points: puntos que vale.
    """

    id: str
    question: str
    rubric: str
    points: float


@dataclass(eq=False)
class ExerciseSet:
    """Los ejercicios de un cuaderno; `id` es el nombre del archivo en `solutions/`.

    Attributes:
        imports: bibliotecas que el cuaderno usa; al calificar se importan una sola vez.
        open_questions: las que el docente lee y puntúa aparte.
    """

    id: str
    title: str
    exercises: tuple[Exercise, ...] = ()
    imports: tuple[str, ...] = ("numpy",)
    open_questions: tuple[OpenQuestion, ...] = ()

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)

    def exercise(self, id: str, title: str, **settings) -> Callable[[Callable], Exercise]:
        """Decora la referencia: la convierte en el ejercicio que la pide y lo añade al conjunto.

        Args:
            id, title, settings: como los atributos de `Exercise`; su nombre es el de la referencia.
        """

        def add(reference: Callable) -> Exercise:
            called = reference.__code__.co_names
            uses = tuple(exercise for exercise in self.exercises if exercise.name in called)
            settings.setdefault("name", reference.__name__)
            exercise = Exercise(id=id, title=title, reference=reference, uses=uses, **settings)
            self.exercises += (exercise,)
            return exercise

        return add

    def find(self, id: str) -> Exercise:
        """Busca un ejercicio por su nombre.

        Raises:
            CourseError: si no existe; propone el nombre más parecido.
        """
        exercises = {exercise.id: exercise for exercise in self.exercises}
        if id in exercises:
            return exercises[id]
        close = difflib.get_close_matches(str(id), exercises, n=1, cutoff=0.4)
        suggestion = f" ¿Querías decir «{close[0]}»?" if close else ""
        raise CourseError(f"No hay ningún ejercicio «{id}» en «{self.id}».{suggestion}")
