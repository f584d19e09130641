"""word2vec como sus ecuaciones: un ejemplo tras otro, sin más atajo que NumPy."""

from collections.abc import Iterable, Iterator

import numpy as np

from coursekit.errors import CourseError


def chunks(sentences: Iterable, num_words: int = 50_000) -> Iterator[list]:
    """Las oraciones en listas de `num_words` palabras o algo más, sin leerlas todas.

    Las vacías se saltan: para NumPy, una lista vacía es de números con decimales.
    """
    chunk, size = [], 0
    for sentence in sentences:
        ids = np.asarray(sentence)
        if ids.size:
            chunk.append(ids)
            size += ids.size
        if size >= num_words:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def join(chunk: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Las palabras de unas oraciones, seguidas, y el número de la oración de cada una.

    Raises:
        CourseError: si una oración no es una lista de índices.
    """
    try:
        ids = np.concatenate(chunk)
    except ValueError:  # unas son listas y otras no
        ids = np.empty(0)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise CourseError("Cada oración debe ser una lista de índices.")
    return ids.astype(int), np.repeat(np.arange(len(chunk)), list(map(len, chunk)))


def is_cbow(examples) -> bool:
    """Si los ejemplos son los de `cbow` y no los de `skipgram`.

    Por su nombre: en un cuaderno, la función puede estar copiada en una celda.

    Raises:
        CourseError: si no son ni unos ni otros.
    """
    name = getattr(examples, "__name__", examples)
    if name not in ("skipgram", "cbow"):
        raise CourseError(
            f"Los ejemplos los da la función skipgram o la función cbow, no {name!r}."
        )
    return name == "cbow"


def word_counts(sentences: Iterable, vocab_size: int) -> np.ndarray:
    """Cuántas veces aparece cada palabra.

    Args:
        sentences: oraciones de índices, recorribles más de una vez; -1 no se cuenta.
        vocab_size: número de palabras del vocabulario, V.
    Returns:
        Cuentas (V,).
    Raises:
        CourseError: si las oraciones se agotan al recorrerlas, algún índice no es
            válido o no hay ninguna palabra.
    """
    if iter(sentences) is sentences:
        raise CourseError(
            "Las oraciones se agotan al recorrerlas y hay que leerlas varias veces: "
            "pasa una lista, o un objeto que las vuelva a leer en cada recorrido."
        )
    counts = np.zeros(vocab_size, dtype=int)
    for chunk in chunks(sentences):
        ids, _ = join(chunk)
        if len(ids) and (ids.min() < -1 or ids.max() >= vocab_size):
            raise CourseError(
                f"Los índices van de {ids.min()} a {ids.max()}, pero deben estar "
                f"entre 0 y {vocab_size - 1} (o ser -1 si la palabra no está)."
            )
        counts += np.bincount(ids[ids >= 0], minlength=vocab_size)
    if not counts.any():
        raise CourseError("Las oraciones no tienen ninguna palabra del vocabulario.")
    return counts


def noise_distribution(counts, power: float = 0.75) -> np.ndarray:
    """Probabilidad de sortear cada palabra como negativa: su cuenta elevada a `power`.

    La que no aparece nunca se sortea, tampoco con `power` 0.
    """
    counts = np.asarray(counts, dtype=float)
    weights = np.power(counts, power, where=counts > 0, out=np.zeros(len(counts)))
    return weights / weights.sum()


def keep_probability(counts, sample: float = 1e-3) -> np.ndarray:
    """Probabilidad de conservar cada aparición de una palabra en el submuestreo.

    √(t/f) + t/f, con f la frecuencia relativa y t = `sample`, y no más de 1.

    Args:
        counts: apariciones de cada palabra (V,).
        sample: frecuencia desde la que se descarta, t; con 0 no se descarta nada.
    Source: el programa word2vec; Mikolov et al. (2013), ecuación 5, no suma t/f.
    """
    frequency = np.asarray(counts) / np.sum(counts)
    if sample == 0:
        return np.ones(len(frequency))
    ratio = np.divide(
        sample, frequency, where=frequency > 0, out=np.full(len(frequency), np.inf)
    )
    return np.minimum(np.sqrt(ratio) + ratio, 1)


def subsample(sentence, keep, rng: np.random.Generator) -> np.ndarray:
    """Quita las desconocidas y, al azar, parte de las frecuentes; el resto se junta.

    Args:
        sentence: índices de una oración; -1 si la palabra es desconocida.
        keep: probabilidad de conservar cada palabra (V,).
        rng: fuente de azar.
    """
    ids = np.asarray(sentence, dtype=int)
    ids = ids[ids >= 0]
    return ids[rng.random(len(ids)) < keep[ids]]


def skipgram(
    sentence, window: int, rng: np.random.Generator
) -> Iterator[tuple[list[int], int]]:
    """Ejemplos de Skip-gram: la palabra central predice cada una de su contexto.

    Args:
        sentence: índices de una oración.
        window: radio máximo; el de cada palabra se sortea entre 1 y `window`.
        rng: fuente de azar.
    Returns:
        Pares (entradas, objetivo).
    """
    for i, centre in enumerate(sentence):
        radius = rng.integers(1, window + 1)
        for j in range(max(0, i - radius), min(len(sentence), i + radius + 1)):
            if j != i:
                yield [centre], sentence[j]


def cbow(
    sentence, window: int, rng: np.random.Generator
) -> Iterator[tuple[list[int], int]]:
    """Ejemplos de CBOW: el contexto entero predice la palabra central.

    Los argumentos y el resultado son los de `skipgram`.
    """
    for i, centre in enumerate(sentence):
        radius = rng.integers(1, window + 1)
        left = sentence[max(0, i - radius) : i]
        context = [*left, *sentence[i + 1 : i + radius + 1]]
        if context:
            yield context, centre


def softmax_loss(W_in, W_out, inputs, target: int):
    """Pérdida de un ejemplo con softmax sobre todo el vocabulario, y sus gradientes.

    Args:
        W_in, W_out: vectores de entrada y de salida (V, dim).
        inputs: palabras que predicen; su vector es la media, h.
        target: palabra que hay que predecir.
    Returns:
        Pérdida, gradiente respecto de h (dim,), filas de `W_out` y sus gradientes.
    """
    h = W_in[inputs].mean(axis=0)
    scores = W_out @ h
    p = np.exp(scores - scores.max())
    p /= p.sum()
    error = p.copy()
    error[target] -= 1
    return -np.log(p[target]), W_out.T @ error, slice(None), np.outer(error, h)


def negative_loss(W_in, W_out, inputs, target: int, negatives):
    """Pérdida de un ejemplo con muestreo negativo, y sus gradientes.

    -log σ(u_objetivo · h) - Σ log σ(-u_negativa · h)

    Los argumentos y el resultado son los de `softmax_loss`; `negatives` son las
    palabras sorteadas, que pueden repetirse o coincidir con el objetivo.
    """
    rows = np.array([target, *negatives])
    label = np.zeros(len(rows))
    label[0] = 1
    h, U = W_in[inputs].mean(axis=0), W_out[rows]
    scores = U @ h
    # -log σ(x) = log(1 + e^-x), que logaddexp calcula sin desbordar.
    loss = np.logaddexp(0, np.where(label, -scores, scores)).sum()
    error = (1 + np.tanh(scores / 2)) / 2 - label
    return loss, U.T @ error, rows, np.outer(error, h)


class Word2VecScratch:
    """word2vec, de ejemplo en ejemplo.

    Args:
        vocab_size: número de palabras, V.
        dim: componentes de cada vector.
        examples: `skipgram` o `cbow`.
        window: radio máximo de la ventana de contexto.
        num_negatives: ejemplos negativos; con 0, softmax sobre todo el vocabulario.
        sample: umbral del submuestreo; con 0 no hay.
        rng: fuente de azar de los valores iniciales y del entrenamiento.
    Source: Mikolov et al. (2013a y 2013b).
    """

    def __init__(
        self, vocab_size, dim, examples=skipgram, window=5, num_negatives=5, sample=0,
        *, rng: np.random.Generator,
    ):  # fmt: skip
        if window < 1 or num_negatives < 0:
            raise CourseError(
                f"window={window} y num_negatives={num_negatives}: hace falta una "
                "palabra a cada lado, al menos, y ningún número puede ser negativo."
            )
        is_cbow(examples)
        self.examples, self.window, self.rng = examples, window, rng
        self.num_negatives, self.sample = num_negatives, sample
        self.W_in = (rng.random((vocab_size, dim)) - 0.5) / dim
        self.W_out = np.zeros((vocab_size, dim))

    def fit(self, sentences, num_epochs=5, lr=0.025) -> list[float]:
        """Entrena con una tasa de aprendizaje que baja en línea recta hasta casi cero.

        Args:
            sentences: oraciones de índices, recorribles más de una vez.
            num_epochs: recorridos.
            lr: tasa de aprendizaje inicial.
        Returns:
            Pérdida media por ejemplo en cada época.
        Raises:
            CourseError: si el submuestreo no deja ningún ejemplo.
        """
        counts = word_counts(sentences, len(self.W_in))
        noise, keep = noise_distribution(counts), keep_probability(counts, self.sample)
        seen, total, history = 0, num_epochs * counts.sum(), []
        for _ in range(num_epochs):
            losses = []
            for sentence in sentences:
                rate = lr * max(1 - seen / total, 1e-4)
                seen += (np.asarray(sentence) >= 0).sum()
                kept = subsample(sentence, keep, self.rng)
                for inputs, target in self.examples(kept, self.window, self.rng):
                    losses.append(self.step(inputs, target, noise, rate))
            check_examples(len(losses), self.sample, counts.sum())
            history.append(float(np.mean(losses)))
        return history

    def step(self, inputs, target, noise, lr) -> float:
        """Un paso de descenso por el gradiente; devuelve la pérdida anterior."""
        if self.num_negatives:
            negatives = self.rng.choice(len(noise), size=self.num_negatives, p=noise)
            result = negative_loss(self.W_in, self.W_out, inputs, target, negatives)
        else:
            result = softmax_loss(self.W_in, self.W_out, inputs, target)
        loss, dh, rows, dW_out = result
        # `at` suma también cuando una palabra está dos veces en `inputs` o en `rows`.
        np.subtract.at(self.W_in, inputs, lr * dh / len(inputs))
        np.subtract.at(self.W_out, rows, lr * dW_out)
        return loss


def check_examples(num_examples: int, sample: float, num_words: int) -> None:
    """Un CourseError si no quedó ningún ejemplo con que entrenar."""
    if not num_examples:
        raise CourseError(
            f"No quedó ningún ejemplo: con {num_words} palabras y sample={sample} no "
            "hay dos seguidas en una oración. Usa más texto o un sample mayor."
        )
