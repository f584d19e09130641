"""Cuánto saben unos vectores: la prueba del intruso."""

from collections.abc import Sequence

import numpy as np

from coursekit.embeddings.neighbours import check_vectors, word_index
from coursekit.errors import CourseError


def odd_one_out(words: Sequence[str], vectors, vocab) -> str:
    """La palabra que menos se parece a las demás.

    Args:
        words: tres palabras o más de `vocab`.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
    Returns:
        La palabra de menor suma de cosenos con las otras.
    Raises:
        CourseError: si alguna palabra no está en `vocab`, son menos de tres o los
            vectores no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    if len(words) < 3:
        raise CourseError(f"Con {len(words)} palabras no hay intruso: hacen falta tres.")
    rows = vectors[[word_index(word, vocab) for word in words]]
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, where=norms > 0, out=np.zeros(rows.shape))
    return words[(unit @ unit.sum(axis=0) - (unit * unit).sum(axis=1)).argmin()]


def bootstrap_interval(hits, rng: np.random.Generator) -> tuple[float, float]:
    """Intervalo del 95 % para la media de `hits`, por remuestreo (*bootstrap*).

    Args:
        hits: un acierto (1) o fallo (0) por pregunta.
        rng: fuente de azar de los 2000 remuestreos.
    Source: Efron (1979).
    """
    samples = rng.choice(np.asarray(hits, dtype=float), size=(2000, len(hits)))
    low, high = np.percentile(samples.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
