"""word2vec por bloques de palabras seguidas: la misma actualización esperada, deprisa.

En lugar de un ejemplo tras otro, cada paso toma unas decenas de bloques de 24 palabras
seguidas. Las palabras de un bloque son contexto unas de otras y comparten sus ejemplos
negativos, así que todas las puntuaciones del bloque son un producto de dos matrices, y
los gradientes, otros dos.

torch se importa dentro de las funciones: quien solo cuenta no debe esperar por él.
"""

import numpy as np

from coursekit.embeddings.word2vec import (
    check_examples,
    chunks,
    is_cbow,
    join,
    keep_probability,
    noise_distribution,
    skipgram,
    word_counts,
)
from coursekit.errors import CourseError

BLOCK = 24  # palabras seguidas de un bloque
NEGATIVES = 16  # palabras sorteadas que comparte un bloque
MAX_STEP = 0.2  # lo más que una aparición mueve un componente de un vector


class Word2Vec:
    """word2vec con muestreo negativo, por bloques.

    Los argumentos son los de `Word2VecScratch`. La actualización esperada también:
    - una pareja a distancia d cae en el radio sorteado con probabilidad
      (window - d + 1) / window, y en un mismo bloque, cuyo comienzo se sortea, con
      probabilidad (BLOCK - d) / BLOCK: en Skip-gram la primera la sustituye un peso, y
      la segunda la compensa otro;
    - cada una de las `NEGATIVES` palabras sorteadas pesa `num_negatives / NEGATIVES`.

    La memoria crece con el vocabulario: del corpus solo se lee una parte a la vez.
    """

    def __init__(
        self, vocab_size, dim=100, examples=skipgram, window=5, num_negatives=5,
        sample=1e-3, *, rng: np.random.Generator,
    ):  # fmt: skip
        import torch

        if not 1 <= window < BLOCK:
            raise CourseError(
                f"La ventana va de 1 a {BLOCK - 1} palabras a cada lado, no {window}."
            )
        if num_negatives < 1:
            raise CourseError(
                f"Hace falta al menos un ejemplo negativo, no {num_negatives}; con "
                "softmax sobre todo el vocabulario entrena Word2VecScratch."
            )
        self.cbow, self.window, self.rng = is_cbow(examples), window, rng
        self.num_negatives, self.sample = num_negatives, sample
        start = (rng.random((vocab_size, dim)) - 0.5) / dim
        self._in = torch.tensor(start, dtype=torch.float32)
        self._out = torch.zeros(vocab_size, dim)
        i = torch.arange(BLOCK)
        d = (i - i[:, None]).abs()
        in_radius = (window - d + 1).clamp(min=0) / window
        self.nearness = (in_radius * BLOCK / (BLOCK - d)).fill_diagonal_(0)
        self.label = torch.cat([torch.ones(BLOCK), torch.zeros(NEGATIVES)])
        # Con pocos bloques por paso, una palabra frecuente no suma demasiados cambios.
        self.num_blocks = min(max(vocab_size // (10 * BLOCK), 1), 64)

    @property
    def W_in(self) -> np.ndarray:
        """Vectores de entrada (V, dim), los que se usan como vectores de palabra."""
        return self._in.numpy()

    @property
    def W_out(self) -> np.ndarray:
        """Vectores de salida (V, dim)."""
        return self._out.numpy()

    def fit(self, sentences, num_epochs=5, lr=0.025, num_threads=1) -> list[float]:
        """Entrena con una tasa de aprendizaje que baja en línea recta hasta casi cero.

        Args:
            sentences: oraciones de índices, recorribles más de una vez.
            num_epochs: recorridos.
            lr: tasa de aprendizaje inicial.
            num_threads: procesadores; el mismo número da los mismos vectores.
        Returns:
            Pérdida media por ejemplo en cada época, medida en una parte de los pasos.
        Raises:
            CourseError: si el submuestreo no deja ningún ejemplo o no hay procesadores.
        """
        import torch

        if num_threads < 1:
            raise CourseError(f"Hace falta al menos un procesador, no {num_threads}.")
        counts = word_counts(sentences, len(self._in))
        keep, table = keep_probability(counts, self.sample), noise_table(counts)
        seen, total, history = 0, num_epochs * counts.sum(), []
        torch_threads = torch.get_num_threads()
        torch.set_num_threads(num_threads)
        try:
            for _ in range(num_epochs):
                losses, num_pairs = np.zeros(2), 0
                for chunk in chunks(sentences):
                    ids, where = join(chunk)
                    rate = lr * max(1 - seen / total, 1e-4)
                    seen += (ids >= 0).sum()
                    # Con -1 se mira la última probabilidad, que da igual.
                    kept = (ids >= 0) & (self.rng.random(len(ids)) < keep[ids])
                    ids, where = ids[kept], where[kept]
                    num_pairs += (where[1:] == where[:-1]).sum()
                    losses += self.train(ids, where, table, rate)
                check_examples(num_pairs, self.sample, counts.sum())
                mean = losses[0] / losses[1] if losses[1] else np.nan
                history.append(float(mean))
        finally:
            torch.set_num_threads(torch_threads)
        return history

    def train(self, ids, sentence, table, lr) -> np.ndarray:
        """Un recorrido por una parte del corpus, ya sin las palabras descartadas.

        Args:
            ids: palabras seguidas (n,).
            sentence: número de la oración de cada una (n,).
            table: tabla de la que se sortean los negativos, como la de `noise_table`.
            lr: tasa de aprendizaje.
        Returns:
            Suma de la pérdida y número de ejemplos de los pasos en que se midió.
        """
        import torch

        first = self.rng.integers(BLOCK) + self.window
        num_blocks = -(-(first - self.window + len(ids)) // BLOCK)
        text = np.zeros(num_blocks * BLOCK + 2 * self.window, dtype=int)
        where = -1 - np.arange(len(text))  # los huecos no son de ninguna oración
        text[first : first + len(ids)] = ids
        where[first : first + len(ids)] = sentence
        negatives = table[self.rng.integers(len(table), size=(num_blocks, NEGATIVES))]
        radii = self.rng.integers(1, self.window + 1, size=(num_blocks, BLOCK, 1))
        # Cada bloque, con las palabras que tiene alrededor.
        size = BLOCK + 2 * self.window
        blocks = [torch.from_numpy(x).unfold(0, size, BLOCK) for x in (text, where)]
        blocks += map(torch.from_numpy, (negatives, radii))

        losses = np.zeros(2)
        for start in range(0, num_blocks, self.num_blocks):
            measure = start % (8 * self.num_blocks) == 0  # medir siempre costaría más
            step = (x[start : start + self.num_blocks] for x in blocks)
            losses += self.step(*step, lr, measure)
        return losses

    def skipgram_blocks(self, text, where, radii):
        """Bloques en que cada palabra predice las cercanas de su mismo bloque."""
        words, where = (x[:, self.window : -self.window] for x in (text, where))
        same = where[:, :, None] == where[:, None, :]
        return words, None, words, same * self.nearness

    def cbow_blocks(self, text, where, radii):
        """Bloques en que la media del contexto de cada palabra la predice a ella."""
        import torch

        words, own = (x[:, self.window : -self.window] for x in (text, where))
        d = torch.arange(text.shape[1]) - self.window - torch.arange(BLOCK)[:, None]
        near = (d.abs() <= radii) & (d != 0) & (own[:, :, None] == where[:, None, :])
        mean = near / near.sum(2, keepdim=True).clamp(min=1)
        return text, mean, words, torch.eye(BLOCK) * near.any(2, keepdim=True)

    def step(self, text, where, negatives, radii, lr, measure):
        """Un paso de descenso por el gradiente sobre unos bloques.

        Args:
            text: palabras de los bloques, con las de alrededor
                (n, BLOCK + 2 · window).
            where: número de la oración de cada una, con la misma forma.
            negatives: palabras sorteadas (n, NEGATIVES).
            radii: palabras que mira a cada lado cada una del bloque (n, BLOCK, 1).
            lr: tasa de aprendizaje.
            measure: si se calcula la pérdida.
        Returns:
            Suma de la pérdida y número de ejemplos, o dos ceros si no se mide.
        """
        import torch
        from torch.nn import functional as F

        examples = self.cbow_blocks if self.cbow else self.skipgram_blocks
        inputs, mean, targets, weight = examples(text, where, radii)
        outputs = torch.cat([targets, negatives], dim=1)
        # Cada palabra sorteada es un negativo de todos los ejemplos de su bloque.
        share = weight.sum(2, keepdim=True) * (self.num_negatives / NEGATIVES)
        weight = torch.cat([weight, share.expand(-1, -1, NEGATIVES)], dim=2)
        X, C = F.embedding(inputs, self._in), F.embedding(outputs, self._out)
        H = X if mean is None else mean @ X
        scores = H @ C.transpose(1, 2)
        loss = 0.0, 0.0
        if measure:
            # -log σ(x) de lo que hay que predecir, -log σ(-x) de lo sorteado.
            costs = F.softplus(scores * (1 - 2 * self.label)) * weight
            loss = costs.sum().item(), (weight * self.label).sum().item()
        E = scores.sigmoid_().sub_(self.label).mul_(weight.mul_(-lr))
        dX, dC = E @ C, E.transpose(1, 2) @ H
        if mean is not None:
            dX = mean.transpose(1, 2) @ dX
        move(self._in, inputs, dX)
        move(self._out, outputs, dC)
        return loss


def move(W, rows, change) -> None:
    """Suma a cada fila de `W` sus cambios, recortados a ±`MAX_STEP`.

    Sin el recorte, las palabras muy frecuentes, que suman muchos cambios en un paso,
    podrían crecer sin fin.
    """
    change = change.view(-1, W.shape[1]).clamp_(-MAX_STEP, MAX_STEP)
    W.scatter_add_(0, rows.reshape(-1, 1).expand_as(change), change)


def noise_table(counts) -> np.ndarray:
    """Tabla en la que cada palabra ocupa lo que pide su probabilidad de ruido.

    Source: el programa word2vec, con 10^8 sitios; aquí son cien por palabra.
    """
    last = np.rint(np.cumsum(noise_distribution(counts)) * 100 * len(counts))
    return np.repeat(np.arange(len(counts)), np.diff(last.astype(int), prepend=0))
