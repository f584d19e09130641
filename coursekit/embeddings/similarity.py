"""Cuánto se parecen los cosenos de unos vectores a lo que juzgaron las personas."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from coursekit.bootstrap import bootstrap_interval
from coursekit.embeddings.evaluation import Measured, word_rows
from coursekit.embeddings.neighbours import check_vectors, unit_rows
from coursekit.errors import CourseError

MIN_PAIRS = 20  # con menos, el intervalo abarca casi cualquier correlación


@dataclass(frozen=True)
class Similarity(Measured):
    """El resultado de `similarity`.

    Args:
        cosines, scores: el coseno y la nota de cada pareja medida.
        num_asked: todas las parejas.
    """

    cosines: np.ndarray
    scores: np.ndarray
    num_asked: int

    @property
    def num_used(self) -> int:
        """Parejas con sus dos palabras en el vocabulario."""
        return len(self.scores)

    @property
    def spearman(self) -> float:
        """Correlación entre los cosenos y las notas, de -1 a 1."""
        return float(spearman(self.cosines, self.scores))

    def interval(self, rng: np.random.Generator) -> tuple[float, float]:
        """Intervalo del 95 % de esa correlación, por remuestreo de las parejas."""
        measured = np.column_stack([self.cosines, self.scores])
        return bootstrap_interval(measured, rng, lambda drawn: spearman(*drawn.T))


def read_pairs(lines: Iterable[str]) -> list[tuple[str, str, float]]:
    """Lee parejas de palabras con la nota que les dieron las personas.

    Args:
        lines: una pareja por línea, `palabra<TAB>palabra<TAB>nota`; «#» comenta.
    Raises:
        CourseError: si una línea no tiene esa forma.
    """
    pairs = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            first, second, score = line.strip().split("\t")
            pairs.append((first, second, float(score)))
        except ValueError:
            raise CourseError(
                f"La línea {line.strip()[:60]!r} no es «palabra, palabra, nota» "
                "separadas por tabuladores."
            ) from None
    return pairs


def spearman(x, y) -> np.ndarray:
    """Correlación de Spearman: la de Pearson entre puestos, con empates promediados.

    Args:
        x, y: valores (..., n); la correlación es sobre el último eje.
    Returns:
        Correlaciones (...); NaN donde `x` o `y` son todos iguales.
    Source: Spearman (1904).
    """
    middle = (np.shape(x)[-1] + 1) / 2
    x, y = (rankdata(values, axis=-1) - middle for values in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def similarity(pairs, vectors, vocab, *, fold_accents: bool = False) -> Similarity:
    """Correlación de Spearman entre los cosenos y las notas de unas parejas.

    Args:
        pairs: tríos (palabra, palabra, nota), como los de `read_pairs`.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
        fold_accents: si «corazon» vale por «corazón» y «ano» por «año»; hace falta
            cuando las parejas vienen sin tildes.
    Raises:
        CourseError: si quedan menos de 20 parejas con vector, no hay nada que ordenar o
            los vectores no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    rows = word_rows([pair[:2] for pair in pairs], vocab, fold_accents).reshape(-1, 2)
    used = (rows >= 0).all(axis=1)
    if used.sum() < MIN_PAIRS:
        raise CourseError(
            f"Solo {used.sum()} de {len(pairs)} parejas tienen sus dos palabras en el "
            f"vocabulario, y hacen falta {MIN_PAIRS}: usa un vocabulario mayor."
        )
    unit = unit_rows(vectors)
    first, second = unit[rows[used, 0]], unit[rows[used, 1]]
    cosines = np.asarray((first * second).sum(axis=1))
    scores = np.array([pair[2] for pair in pairs])[used]
    result = Similarity(cosines, scores, len(pairs))
    if np.isnan(result.spearman):
        raise CourseError(
            "No hay correlación: los cosenos o las notas son todos iguales."
        )
    return result
