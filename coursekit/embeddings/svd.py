"""De filas largas y dispersas a vectores cortos y densos."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from coursekit.errors import CourseError


def truncated_svd(matrix, dim: int, power: float = 0.5, seed: int = 0) -> np.ndarray:
    """Vectores U·S^p de los `dim` mayores valores singulares de `matrix` ≈ U·S·Vᵀ.

    Args:
        matrix: matriz (V, C), dispersa o densa.
        dim: componentes de cada vector, menos que V y que C.
        power: p; 1 conserva los productos entre filas, 0 iguala las direcciones.
        seed: semilla del vector inicial; la misma da los mismos vectores.
    Returns:
        Arreglo (V, dim), con las columnas de mayor a menor valor singular.
    Raises:
        CourseError: si `dim` no cabe en la matriz o esta es toda ceros o no es finita.
    Source:
        Levy, Goldberg y Dagan (2015), sección 3.3, para el exponente p.
    """
    M = decomposable(matrix, dim)
    start = np.random.default_rng(seed).standard_normal(min(M.shape))
    U, S, _ = svds(M, k=dim, v0=start)
    order = np.argsort(-S)  # svds las da de menor a mayor
    return with_fixed_signs(U[:, order]) * S[order] ** power


def with_fixed_signs(U: np.ndarray) -> np.ndarray:
    """U y -U sirven igual: la que tiene positiva la entrada mayor de cada columna."""
    return U * np.sign(U[np.abs(U).argmax(axis=0), np.arange(U.shape[1])])


def decomposable(matrix, dim: int) -> sp.csr_array:
    """La matriz, dispersa, que tiene al menos `dim` direcciones que buscar.

    Raises:
        CourseError: si `dim` no cabe en la matriz o esta es toda ceros o no es finita.
    """
    A = sp.csr_array(matrix, dtype=float)
    if not 1 <= dim < min(A.shape):
        raise CourseError(
            f"dim debe estar entre 1 y {min(A.shape) - 1} para una matriz "
            f"{A.shape}, no {dim}."
        )
    if not np.isfinite(A.data).all():
        raise CourseError("La matriz tiene números que no son finitos.")
    if not A.count_nonzero():
        raise CourseError("La matriz es toda ceros: no hay nada que descomponer.")
    return A
