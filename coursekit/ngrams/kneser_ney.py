"""N-gramas con el suavizado de Kneser y Ney modificado."""

import numpy as np

from coursekit.ngrams.counts import Counts, NGramModel


class KneserNey(NGramModel):
    """Modelo de n-gramas que descuenta de lo visto y reparte según los contextos.

    P(w|h) = (c(h,w) - D(c(h,w)) + S(h) · P(w|h')) / c(h)

    S(h) es la suma de los descuentos D tras h, y h' es h sin su símbolo más antiguo; la
    recursión termina en la uniforme 1/V. En el orden más largo c cuenta apariciones; en
    los demás, **continuaciones**: cuántos símbolos distintos preceden a (h,w), con el
    comienzo del texto como uno más. Si la historia es corta (el comienzo de una fila),
    el más largo es el que ella alcanza.

    Args:
        order: n, la longitud de los n-gramas más largos.
        vocab_size: número de símbolos, V.
    Source:
        Kneser y Ney (1995); Chen y Goodman (1999), la versión modificada.
    """

    def weights(self, level: Counts, longer: Counts | None):
        c, h = level.counts, level.histories
        if longer is not None:
            c = continuations(level, longer)
        D = discounts(c)[np.minimum(c, 3)]
        c_h = np.bincount(h, weights=c, minlength=level.num_histories)
        S_h = np.bincount(h, weights=D, minlength=level.num_histories)
        seen = c_h > 0
        gamma = np.ones(level.num_histories)
        gamma[seen] = S_h[seen] / c_h[seen]
        return (c - D) / c_h[h], gamma


def continuations(level: Counts, longer: Counts) -> np.ndarray:
    """Cuántos símbolos distintos preceden a cada n-grama, el comienzo incluido."""
    # Todas las apariciones de un n-grama largo acaban en el mismo n-grama corto.
    endings = np.zeros(len(longer.counts), dtype=np.int64)
    endings[longer.index] = level.index[1:]
    c = np.bincount(endings, minlength=len(level.counts))
    c[level.index[:1]] += 1
    return c


def discounts(counts: np.ndarray) -> np.ndarray:
    """Los descuentos (0, D1, D2, D3+) que estima Chen y Goodman de un orden.

    Con Y = n1 / (n1 + 2 n2), y n_i cuántos n-gramas se contaron i veces:
    D1 = 1 - 2Y n2/n1      D2 = 2 - 3Y n3/n2      D3+ = 3 - 4Y n4/n3
    Si falta algún n_i o un descuento no es positivo (pocas letras, texto corto), no hay
    de dónde estimar y valen 1/2, 1 y 3/2, como en KenLM (Heafield et al., 2013).
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if min(n1, n2, n3, n4) > 0:
        Y = n1 / (n1 + 2 * n2)
        D = np.array([0, 1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3])
        if D[1:].min() > 0:
            return D
    return np.array([0, 0.5, 1, 1.5])
