"""De cuentas a asociación: información mutua puntual positiva."""

import numpy as np
import scipy.sparse as sp

from coursekit.embeddings.cooccurrence import as_counts
from coursekit.errors import CourseError


def ppmi(counts, shift: float = 1.0, smoothing: float = 1.0) -> sp.csr_array:
    """Información mutua puntual positiva, en bits, de una matriz de coocurrencias.

    PPMI(w, c) = max(0, log2(N(w,c) · Σ N(c')^α / (N(w) · N(c)^α)) - log2(k))

    Args:
        counts: coocurrencias (V, V), dispersas o densas; fila w, contexto c.
        shift: k; resta log2(k) a cada valor.
        smoothing: α; con menos de 1 los contextos raros pesan menos.
    Returns:
        Matriz dispersa (V, V) que guarda solo los valores mayores que cero.
    Raises:
        CourseError: si `counts` no es cuadrada o alguna cuenta es negativa.
    Source:
        Church y Hanks (1990), la PMI; k: Levy y Goldberg (2014); α: Levy et al. (2015).
    """
    C = checked_counts(counts, shift, smoothing)
    w, c = C.nonzero()  # solo las casillas con cuenta: el logaritmo nunca recibe un cero
    N_w, N_c_alpha = C.sum(axis=1), C.sum(axis=0) ** smoothing
    pmi = np.log2(C.data * N_c_alpha.sum() / (N_w[w] * N_c_alpha[c]))
    C.data = np.maximum(pmi - np.log2(shift), 0)
    C.eliminate_zeros()
    return C


def checked_counts(counts, shift: float, smoothing: float) -> sp.csr_array:
    """Las cuentas de `as_counts`, y los otros argumentos de `ppmi`, comprobados.

    Raises:
        CourseError: si las cuentas no lo son, o `shift` o `smoothing` no es positivo.
    """
    C = as_counts(counts)
    if shift <= 0 or smoothing <= 0:
        raise CourseError(
            f"shift y smoothing deben ser positivos, no {shift} y {smoothing}."
        )
    return C
