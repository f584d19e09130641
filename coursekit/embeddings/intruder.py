"""La prueba del intruso: qué palabra no es como las demás."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from coursekit.embeddings.neighbours import check_vectors, unit_rows, word_index
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
    unit = unit_rows(rows_of(words, vectors, vocab))
    cosines = unit @ unit.T
    return words[(cosines.sum(axis=1) - cosines.diagonal()).argmin()]


def rows_of(words: Sequence[str], vectors, vocab) -> np.ndarray:
    """Los vectores de unas palabras, en una matriz densa.

    Raises:
        CourseError: si alguna palabra no está en `vocab`, son menos de tres o los
            vectores no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    if len(words) < 3:
        raise CourseError(f"Con {len(words)} palabras no hay intruso: hacen falta tres.")
    rows = vectors[[word_index(word, vocab) for word in words]]
    return rows.toarray() if sp.issparse(rows) else np.asarray(rows)
