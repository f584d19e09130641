"""Analogías: «hombre» es a «rey» como «mujer» es a… ¿qué?"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from coursekit.bootstrap import bootstrap_interval
from coursekit.embeddings.evaluation import Measured, word_rows
from coursekit.embeddings.neighbours import check_vectors, unit_rows, word_index
from coursekit.errors import CourseError


@dataclass(frozen=True)
class Question:
    """Una analogía: `a` es a `b` como `c` es a `d`."""

    section: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class Analogies(Measured):
    """El resultado de `analogies`.

    Args:
        hits: un acierto (1) o fallo (0) por pregunta medida.
        sections: la sección de cada pregunta medida.
        num_asked: todas las preguntas.
    """

    hits: np.ndarray
    sections: list[str]
    num_asked: int

    @property
    def num_used(self) -> int:
        """Preguntas con sus cuatro palabras en el vocabulario."""
        return len(self.hits)

    @property
    def accuracy(self) -> float:
        """Proporción de aciertos entre las preguntas medidas."""
        return float(self.hits.mean())

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """Intervalo del 95 % de esa proporción, por remuestreo de las preguntas."""
        return bootstrap_interval(self.hits, rng)

    def by_section(self) -> dict[str, tuple[int, int]]:
        """Aciertos y preguntas medidas de cada sección."""
        asked = Counter(self.sections)
        right = Counter(s for s, hit in zip(self.sections, self.hits) if hit)
        return {section: (right[section], total) for section, total in asked.items()}


def read_analogies(lines: Iterable[str]) -> list[Question]:
    """Lee preguntas de analogía en el formato de word2vec.

    Args:
        lines: `: sección` o cuatro palabras separadas por espacios.
    Raises:
        CourseError: si una línea no es una sección ni cuatro palabras.
    """
    section, questions = "", []
    for line in filter(str.strip, lines):
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip()
        elif len(words) == 4:
            questions.append(Question(section, *words))
        else:
            raise CourseError(
                f"La línea {line.strip()[:60]!r} no tiene cuatro palabras ni es una "
                "sección, que empieza por «:»."
            )
    return questions


def cos_add(unit, a, b, c):
    """3CosAdd: el producto de cada palabra con b - a + c.

    Args:
        unit: vectores de norma 1 (V, dim).
        a, b, c: filas de las palabras de cada pregunta (q,).
    Returns:
        Puntuaciones (q, V); la norma de b - a + c no cambia su orden.
    Source: Mikolov, Yih y Zweig (2013).
    """
    return products(unit[b] - unit[a] + unit[c], unit)


def cos_mul(unit, a, b, c):
    """3CosMul: parecida a b y a c, y poco a a, con los tres cosenos llevados a [0, 1].

    Args:
        unit: vectores de norma 1 (V, dim).
        a, b, c: filas de las palabras de cada pregunta (q,).
    Returns:
        Puntuaciones (q, V).
    Source: Levy y Goldberg (2014), ecuación 4.
    """
    cos_a, cos_b, cos_c = ((1 + products(unit[row], unit)) / 2 for row in (a, b, c))
    return cos_b * cos_c / (cos_a + 0.001)


def products(x, unit) -> np.ndarray:
    """Producto de cada vector de x (n, dim) con todos, (n, V), aunque sean dispersos."""
    scores = x @ unit.T
    return scores.toarray() if sp.issparse(scores) else scores


METHODS = {"add": cos_add, "mul": cos_mul}


def analogies(
    questions: Iterable[Question], vectors, vocab, method: str = "add",
    exclude_inputs: bool = True, *, fold_accents: bool = False, block_size: int = 256,
) -> Analogies:  # fmt: skip
    """Responde analogías con la palabra de mayor puntuación de todo el vocabulario.

    Args:
        questions: preguntas, como las de `read_analogies`; las que tienen alguna
            palabra fuera del vocabulario no se miden.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
        method: "add" (3CosAdd) o "mul" (3CosMul).
        exclude_inputs: si a, b y c no pueden ser la respuesta.
        fold_accents: si «Peru» vale por «Perú».
        block_size: preguntas a la vez; la memoria es de `block_size` × V números.
    Raises:
        CourseError: si el método no existe, no queda ninguna pregunta o los vectores
            no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    scores_of, questions = _method(method), list(questions)
    words = [(q.a, q.b, q.c, q.d) for q in questions]
    rows = word_rows(words, vocab, fold_accents).reshape(-1, 4)
    used = np.flatnonzero((rows >= 0).all(axis=1))
    if not len(used):
        raise CourseError(
            f"Ninguna de las {len(questions)} analogías tiene sus cuatro palabras en "
            "el vocabulario: usa uno mayor."
        )
    unit, answers = unit_rows(vectors), []
    for start in range(0, len(used), block_size):
        a, b, c, _ = rows[used[start : start + block_size]].T
        scores = scores_of(unit, a, b, c)
        if exclude_inputs:
            scores[np.arange(len(a)), [a, b, c]] = -np.inf
        answers.append(scores.argmax(axis=1))
    hits = (np.concatenate(answers) == rows[used, 3]).astype(int)
    return Analogies(hits, [questions[i].section for i in used], len(questions))


def analogy(
    a: str, b: str, c: str, vectors, vocab, k: int = 5, method: str = "add",
    exclude_inputs: bool = True,
) -> list[tuple[str, float]]:  # fmt: skip
    """Las `k` mejores respuestas a «`a` es a `b` como `c` es a…», de mayor a menor.

    Args:
        a, b, c: palabras de `vocab`.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
        k: cuántas respuestas.
        method: "add" (3CosAdd) o "mul" (3CosMul).
        exclude_inputs: si a, b y c no pueden ser la respuesta.
    Returns:
        Pares (palabra, puntuación).
    Raises:
        CourseError: si alguna palabra no está en `vocab`, el método no existe o los
            vectores no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    inputs = [word_index(word, vocab) for word in (a, b, c)]
    scores = _method(method)(unit_rows(vectors), *([row] for row in inputs))[0]
    best = np.argsort(-scores, kind="stable")
    if exclude_inputs:
        best = best[~np.isin(best, inputs)]
    best = best[:k]
    return list(zip(vocab.lookup_tokens(best.tolist()), scores[best].tolist()))


def _method(name: str):
    if name not in METHODS:
        raise CourseError(f"El método es «add» o «mul», no {name!r}.")
    return METHODS[name]
