"""De cuentas a asociación: información mutua puntual positiva."""

import numpy as np
import scipy.sparse as sp

from coursekit.errors import CourseError


def ppmi(counts, shift: float = 1.0, smoothing: float = 1.0) -> sp.csr_array:
    """Información mutua puntual positiva, en bits, de una matriz de coocurrencias.

    PPMI(w, c) = max(0, log2(#(w,c) · Σ #(c')^α / (#(w) · #(c)^α)) - log2(k))

    Args:
        counts: coocurrencias (V, V), dispersas o densas; fila w, contexto c.
        shift: k; resta log2(k) a cada valor.
        smoothing: α; con menos de 1 los contextos raros pesan menos.
    Returns:
        Matriz dispersa (V, V) que guarda solo los valores mayores que cero.
    Raises:
        CourseError: si `counts` no es cuadrada o alguna cuenta es negativa.
    Source:
        Church y Hanks (1990); k: Levy y Goldberg (2014); α: Levy et al. (2015).
    """
    C = sp.csr_array(counts, dtype=float, copy=True)
    if C.ndim != 2 or C.shape[0] != C.shape[1]:
        raise CourseError(f"Las cuentas deben ser (V, V), no {C.shape}.")
    if not np.all((C.data >= 0) & (C.data < np.inf)):
        raise CourseError(
            "Las cuentas deben ser números finitos y no negativos; "
            f"hay {C.data[~((C.data >= 0) & (C.data < np.inf))][0]}."
        )
    if shift <= 0 or smoothing <= 0:
        raise CourseError(
            f"shift y smoothing deben ser positivos, no {shift} y {smoothing}."
        )
    # Solo se visitan las casillas con cuenta: el logaritmo nunca recibe un cero.
    C.sum_duplicates()
    C.eliminate_zeros()
    w, c = C.nonzero()
    word = C.sum(axis=1)
    context = C.sum(axis=0) ** smoothing
    pmi = np.log2(C.data * context.sum() / (word[w] * context[c]))
    C.data = np.maximum(pmi - np.log2(shift), 0)
    C.eliminate_zeros()
    return C
