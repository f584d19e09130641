"""La prueba del intruso: qué palabra no es como las demás."""

from collections.abc import Sequence

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
    check_vectors(vectors, vocab)
    if len(words) < 3:
        raise CourseError(f"Con {len(words)} palabras no hay intruso: hacen falta tres.")
    unit = unit_rows(vectors[[word_index(word, vocab) for word in words]])
    unit = unit.toarray() if sp.issparse(unit) else unit
    return words[(unit @ unit.sum(axis=0) - (unit * unit).sum(axis=1)).argmin()]
