"""Cuánto cambiaría una cifra con otras preguntas: el intervalo por remuestreo."""

import numpy as np


def bootstrap_interval(
    values, rng: np.random.Generator, statistic=np.mean, num_draws: int = 2000
) -> tuple[float, float]:
    """Intervalo del 95 % de una cifra, por remuestreo (*bootstrap*).

    Args:
        values: lo medido en cada pregunta, (n,) o (n, ·); por ejemplo, aciertos (1) y fallos (0).
        rng: fuente de azar de los remuestreos.
        statistic: la cifra, de los valores remuestreados a un número; sin ella, su media.
        num_draws: cuántas veces se sortean n valores, con repetición.
    Source: Efron (1979).
    """
    values = np.asarray(values, dtype=float)
    draws = (values[rng.integers(len(values), size=len(values))] for _ in range(num_draws))
    low, high = np.nanpercentile([statistic(draw) for draw in draws], [2.5, 97.5])
    return float(low), float(high)
