"""GloVe: vectores cuyo producto se acerca al logaritmo de las cuentas."""

import numpy as np
import scipy.sparse as sp

from coursekit.embeddings.cooccurrence import as_counts
from coursekit.errors import CourseError


def glove_loss(counts, W, C, b, c, x_max: float = 10.0, alpha: float = 0.75):
    """Pérdida de GloVe y sus gradientes, solo sobre las cuentas que no son cero.

    Σ f(x) (W_i · C_j + b_i + c_j - log x)², con f(x) = min((x / x_max)^alpha, 1)

    Args:
        counts: coocurrencias (n, m), en formato csr y sin ceros guardados.
        W, b: vectores (n, dim) y sesgos (n,) de las palabras.
        C, c: vectores (m, dim) y sesgos (m,) de los contextos.
        x_max: cuenta desde la que una pareja pesa 1.
        alpha: exponente del peso de las demás.
    Returns:
        Pérdida, y gradientes respecto de W, C, b y c.
    Source: Pennington, Socher y Manning (2014), ecuación 8.
    """
    x, j = counts.data, counts.indices
    i = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    error = (W @ C.T)[i, j] + b[i] + c[j] - np.log(x)
    weighted = np.minimum((x / x_max) ** alpha, 1) * error
    G = sp.csr_array((2 * weighted, j, counts.indptr), shape=counts.shape)
    return (weighted * error).sum(), (G @ C, G.T @ W, G.sum(axis=1), G.sum(axis=0))


class GloVeScratch:
    """GloVe con AdaGrad, por teselas de la matriz de coocurrencias.

    El vocabulario se reparte al azar en `num_groups` grupos. Una tesela son las cuentas
    entre las palabras de un grupo y los contextos de otro: un solo producto de matrices
    da todos sus errores, y un paso mueve todas sus palabras.

    Args:
        vocab_size: número de palabras, V.
        dim: componentes de cada vector.
        num_groups: grupos; más, pasos más pequeños y más frecuentes.
        rng: fuente de azar de los valores iniciales y del entrenamiento.
    Source: Pennington, Socher y Manning (2014); AdaGrad, Duchi et al. (2011).
    """

    def __init__(self, vocab_size, dim=100, num_groups=40, *, rng: np.random.Generator):
        if num_groups < 1:
            raise CourseError(f"Hace falta al menos un grupo, no {num_groups}.")
        self.rng, self.num_groups = rng, num_groups
        # Con valores más pequeños los dos factores de un producto casi no se mueven.
        start = (rng.random((2, vocab_size, dim)) - 0.5) * 2 / np.sqrt(dim)
        self.W, self.C = start.astype(np.float32)
        self.b, self.c = np.zeros((2, vocab_size), np.float32)

    @property
    def vectors(self) -> np.ndarray:
        """Vectores de palabra (V, dim): la suma de los de palabra y los de contexto."""
        return self.W + self.C

    def fit(
        self, counts, num_epochs=25, lr=0.3, x_max=10.0, alpha=0.75, decay=0.0
    ) -> list[float]:
        """Entrena sobre unas cuentas y devuelve la pérdida media de cada época.

        Args:
            counts: coocurrencias (V, V), como las de `cooccurrence`.
            num_epochs: recorridos por todas las cuentas.
            lr: tasa de aprendizaje, mayor que con pasos de una sola cuenta: aquí hay
                muchos menos pasos, y AdaGrad los hace cada vez más cortos.
            x_max, alpha: forma del peso de cada pareja; véase `glove_loss`.
            decay: lo que suma a la pérdida el cuadrado de cada vector y cada sesgo. Con
                cero es el GloVe del artículo, que no dice nada de las parejas que no
                se han visto: son casi todas, su producto suele salir demasiado alto y,
                con pocas cuentas por número que aprender, depende de la semilla.
        Returns:
            Pérdida por cuenta en cada época.
        Raises:
            CourseError: si las cuentas no son (V, V) o alguna es negativa.
        """
        X = self._checked(counts)
        # Los sesgos empiezan en las frecuencias, log N(w) - ½ log N: así los vectores
        # no gastan una dirección común en aprenderlas.
        total = X.sum(axis=1)
        known = total > 0
        self.b[known] = np.log(total[known]) - np.log(total.sum()) / 2
        self.c[:] = self.b
        tables = self.W, self.C, self.b, self.c
        squares = [np.ones_like(table) for table in tables]
        tiles, history = self._tiles(X), []
        for _ in range(num_epochs):
            loss = 0.0
            for t in self.rng.permutation(len(tiles)):
                rows, columns, tile = tiles[t]
                places = rows, columns, rows, columns
                here = [table[place] for table, place in zip(tables, places)]
                tile_loss, gradients = glove_loss(tile, *here, x_max, alpha)
                loss += tile_loss
                for table, place, square, g in zip(tables, places, squares, gradients):
                    # Cada palabra está en `num_groups` teselas.
                    g = g + 2 * decay / self.num_groups * table[place]
                    square[place] += g**2
                    table[place] -= lr * g / np.sqrt(square[place])
            history.append(float(loss / X.nnz))
        return history

    def _checked(self, counts) -> sp.csr_array:
        """Las cuentas en csr, sin ceros guardados, o un error que dice qué les pasa."""
        X = as_counts(counts, len(self.W), np.float32)
        if not X.nnz:
            raise CourseError("Las cuentas son todas cero: no hay nada que aprender.")
        return X

    def _tiles(self, X) -> list:
        """Filas, columnas y cuentas de cada tesela que tiene alguna."""
        groups = np.array_split(self.rng.permutation(len(self.W)), self.num_groups)
        tiles = []
        for rows in groups:
            band = X[rows].tocsc()
            for columns in groups:
                tile = band[:, columns].tocsr()
                if tile.nnz:
                    tiles.append((rows, columns, tile))
        return tiles
