"""N-gramas con la interpolación de Witten y Bell."""

import numpy as np

from coursekit.ngrams.counts import Counts, NGramModel


class WittenBell(NGramModel):
    """Modelo de n-gramas que mezcla lo contado tras historias de 0 a n-1 símbolos.

    P(w|h) = (c(h,w) + T(h) · P(w|h')) / (c(h) + T(h))

    T(h) es cuántos símbolos distintos siguieron a h, y h' es h sin su símbolo más
    antiguo; la recursión termina en la distribución uniforme 1/V.

    Args:
        order: n, la longitud de los n-gramas más largos.
        vocab_size: número de símbolos, V.
    Source:
        Witten y Bell (1991), método C; Chen y Goodman (1999), ecuación 16.
    """

    def weights(self, level: Counts, longer: Counts | None):
        h = level.histories
        c_h = np.bincount(h, weights=level.counts, minlength=level.num_histories)
        T_h = np.bincount(h, minlength=level.num_histories)
        T_h = np.maximum(T_h, 1)  # nada siguió a h: c = 0, y γ será 1
        return level.counts / (c_h + T_h)[h], T_h / (c_h + T_h)
