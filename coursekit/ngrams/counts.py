"""Lo que comparten los n-gramas interpolados: contar, consultar y escribir."""

from dataclasses import dataclass

import numpy as np

from coursekit.errors import CourseError


@dataclass
class Counts:
    """Los n-gramas de k símbolos que aparecen en un texto de T.

    Un n-grama se nombra (historia, símbolo), y la historia, por su número entre los
    n-gramas de k-1 símbolos: así ningún código crece sin límite.
    """

    codes: np.ndarray  # historia · V + símbolo de cada n-grama distinto
    histories: np.ndarray  # la historia de cada n-grama distinto
    counts: np.ndarray  # cuántas veces aparece
    index: np.ndarray  # (T-k+1,): qué n-grama empieza en cada posición del texto
    num_histories: int  # cuántas hay, aunque nada siga a alguna


def count_ngrams(ids: np.ndarray, order: int, vocab_size: int) -> list[Counts]:
    """Las cuentas de los n-gramas de 1 a `order` símbolos."""
    levels, history, num_histories = [], np.zeros_like(ids), 1
    for k in range(order):
        codes, index, counts = np.unique(
            history * vocab_size + ids[k:], return_inverse=True, return_counts=True
        )
        levels.append(Counts(codes, codes // vocab_size, counts, index, num_histories))
        history, num_histories = index[:-1], len(codes)
    return levels


class NGramModel:
    """Modelo que mezcla lo contado tras historias de 0 a n-1 símbolos.

    P(w|h) = α(h,w) + γ(h) · P(w|h')

    h' es h sin su símbolo más antiguo; la recursión termina en la uniforme 1/V. Cada
    suavizado dice en `weights` cuánto valen α, lo que corresponde a lo visto, y γ, lo
    que se reserva para repartir según la historia más corta.

    Args:
        order: n, la longitud de los n-gramas más largos.
        vocab_size: número de símbolos, V.
    """

    def __init__(self, order: int, vocab_size: int):
        if order < 1 or vocab_size < 1:
            raise CourseError(
                f"order y vocab_size deben ser al menos 1, no {order} y {vocab_size}."
            )
        self.order, self.vocab_size = order, vocab_size
        self.levels = []

    def fit(self, ids) -> "NGramModel":
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
        levels = count_ngrams(ids, self.order, self.vocab_size)
        for level, longer in zip(levels, [*levels[1:], None]):
            # Lo que vale para seguir mezclando y lo que vale si la historia acaba aquí.
            inner, last = self.weights(level, longer), self.weights(level, None)
            codes = np.append(level.codes, np.iinfo(np.int64).max)
            self.levels.append((codes, with_unseen(*inner), with_unseen(*last)))
        return self

    def weights(self, level: Counts, longer: Counts | None):
        """α de cada n-grama distinto y γ de cada historia (1 si nada la siguió).

        Args:
            level: las cuentas de un orden.
            longer: las del orden siguiente; None si es el último que se mezcla.
        """
        raise NotImplementedError

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
        for k, (codes, inner, last) in enumerate(self.levels):
            # Con historia -1 el código es negativo, así que tampoco se encuentra.
            wanted = history * self.vocab_size + windows
            found = np.searchsorted(codes, wanted)
            found[codes[found] != wanted] = -1
            # Antes de la columna k la historia ya se acabó; en la k, se acaba aquí.
            here, later = slice(k, k + 1), slice(k + 1, None)
            for columns, (alpha, gamma) in ((here, last), (later, inner)):
                P[:, columns] *= gamma[history[:, columns]]
                P[:, columns] += alpha[found[:, columns]]
            # Cada símbolo tiene por historia el n-grama que acaba justo antes de él.
            history = np.full_like(found, -1)
            history[:, 1:] = found[:, :-1]
        return P

    def _checked(self, ids) -> np.ndarray:
        ids = np.asarray(ids)
        if ids.size and ids.dtype.kind not in "iu":
            raise CourseError(
                f"Los símbolos son de tipo {ids.dtype} y deben ser índices enteros: "
                "pásalos antes por el vocabulario."
            )
        ids = ids.astype(np.int64)
        if ids.size and (ids.min() < 0 or ids.max() >= self.vocab_size):
            raise CourseError(
                f"Los símbolos van de {ids.min()} a {ids.max()}, pero deben estar "
                f"entre 0 y {self.vocab_size - 1}."
            )
        return ids


def with_unseen(alpha: np.ndarray, gamma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Los pesos y, al final (el índice -1), los de lo nunca visto.

    α = 0 y γ = 1 dejan P(w|h'), lo mismo que tras la historia que nada siguió.
    """
    return np.append(alpha, 0.0), np.append(gamma, 1.0)
