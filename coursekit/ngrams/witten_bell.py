"""N-gramas con la interpolación de Witten y Bell."""

import numpy as np

from coursekit.errors import CourseError


class WittenBell:
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

    def __init__(self, order: int, vocab_size: int):
        if order < 1 or vocab_size < 1:
            raise CourseError(
                f"order y vocab_size deben ser al menos 1, no {order} y {vocab_size}."
            )
        self.order, self.vocab_size = order, vocab_size
        self.levels = []

    def fit(self, ids) -> "WittenBell":
        """Cuenta los n-gramas de todos los órdenes y devuelve el propio modelo.

        Args:
            ids: el texto, una secuencia de enteros de 0 a V-1.
        Raises:
            CourseError: si `ids` está vacía o tiene un entero fuera de rango.
        """
        ids = self._checked(ids)
        if ids.ndim != 1 or len(ids) == 0:
            raise CourseError(
                f"El texto debe ser una secuencia de símbolos; su forma es {ids.shape}."
            )
        self.levels = []
        history, num_histories = np.zeros_like(ids), 1
        for k in range(self.order):
            # Un n-grama se nombra (historia, símbolo); su número de orden será la
            # historia del nivel siguiente, así que ningún código crece sin límite.
            ngrams, index, c_hw = np.unique(
                history * self.vocab_size + ids[k:],
                return_inverse=True,
                return_counts=True,
            )
            c_h = np.bincount(history, minlength=num_histories)
            T_h = np.bincount(ngrams // self.vocab_size, minlength=num_histories)
            # La última entrada (el índice -1) es «nunca visto». Con c = 0 y T = 1 la
            # fórmula devuelve P(w|h'), lo mismo que para la historia que nada siguió.
            self.levels.append((
                np.append(ngrams, np.iinfo(ngrams.dtype).max),
                np.append(c_hw, 0),
                np.append(c_h, 0),
                np.append(np.maximum(T_h, 1), 1),
            ))
            history, num_histories = index[:-1], len(ngrams)
        return self

    def log_probs(self, windows) -> np.ndarray:
        """Logaritmo natural de la probabilidad de cada símbolo dados los de su fila.

        Args:
            windows: ventanas de texto (N, T+1); la primera columna solo es historia.
        Returns:
            Arreglo (N, T): log P de `windows[:, 1:]`.
        """
        windows = self._checked(windows)
        if windows.ndim != 2:
            raise CourseError(f"Las ventanas deben ser (N, T), no {windows.shape}.")
        return np.log(self._probs(windows)[:, 1:])

    def probs(self, history) -> np.ndarray:
        """Distribución (V,) del símbolo que sigue a `history`, corta o larga."""
        history = self._checked(history)
        history = history[max(0, len(history) - self.order + 1) :]
        rows = np.tile(history, (self.vocab_size, 1))
        every_symbol = np.arange(self.vocab_size)[:, None]
        return self._probs(np.hstack([rows, every_symbol]))[:, -1]

    def generate(
        self, prefix_ids, num_symbols: int, rng: np.random.Generator
    ) -> list[int]:
        """Continúa `prefix_ids` con `num_symbols` símbolos sorteados; devuelve todo."""
        ids = self._checked(prefix_ids).tolist()
        for _ in range(num_symbols):
            P = self.probs(ids[-self.order :])
            ids.append(int(rng.choice(self.vocab_size, p=P)))
        return ids

    def _probs(self, windows: np.ndarray) -> np.ndarray:
        """P de cada símbolo de `windows` (N, T) dados los anteriores de su fila."""
        if not self.levels:
            raise CourseError("El modelo no ha contado nada: llama antes a fit(ids).")
        history = np.zeros_like(windows)
        P = np.full(windows.shape, 1 / self.vocab_size)
        for ngrams, c_hw, c_h, T_h in self.levels:
            # Con historia -1 el código es negativo, así que tampoco se encuentra.
            wanted = history * self.vocab_size + windows
            found = np.searchsorted(ngrams, wanted)
            found[ngrams[found] != wanted] = -1
            P = (c_hw[found] + T_h[history] * P) / (c_h[history] + T_h[history])
            # Cada símbolo tiene por historia el n-grama que acaba justo antes de él.
            history = np.full_like(found, -1)
            history[:, 1:] = found[:, :-1]
        return P

    def _checked(self, ids) -> np.ndarray:
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise CourseError(
                f"Los símbolos van de {ids.min()} a {ids.max()}, pero deben estar "
                f"entre 0 y {self.vocab_size - 1}."
            )
        return ids
