"""Bayes ingenuo: clasificar un texto por sus recuentos de palabras, como si no se acompañaran."""

import numpy as np
import scipy.sparse as sp

from coursekit.classification.examples import PAD, TextReader, label_ids
from coursekit.classification.predicting import check_fitted
from coursekit.data import Corpus
from coursekit.errors import CourseError

NUM_SPECIAL = PAD + 1  # <unk> y <pad>, que no se cuentan


def count_words(texts: list[str], reader: TextReader) -> sp.csr_matrix:
    """Cuántas veces está cada palabra del vocabulario en cada texto, (textos, |V|).

    Lo que no está en el vocabulario no se cuenta; la columna j es el token j + 2.
    """
    found = [[i for i in reader.encode(text) if i >= NUM_SPECIAL] for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(ids) for ids in found])
    columns = np.array([i - NUM_SPECIAL for ids in found for i in ids], dtype=int)
    shape = len(texts), len(reader.vocab) - NUM_SPECIAL
    return sp.csr_matrix((np.ones(len(columns)), (rows, columns)), shape)


def naive_bayes(counts, labels, num_classes, k):
    """Los logaritmos de la probabilidad de cada clase y de cada palabra en cada clase.

    Args:
        counts: veces que está cada palabra en cada texto, (textos, |V|).
        labels: la clase de cada texto, (textos,).
        k: lo que se suma a cada recuento.
    Returns:
        log p(c), (clases,), y log p(w | c), (clases, |V|).
    Source: Maron (1961); con suavizado y palabras repetidas, McCallum y Nigam (1998).
    """
    Y = np.eye(num_classes)[labels]  # una fila por texto: 1 en su clase
    N = (counts.T @ Y).T  # N(c, w)
    log_prior = np.log(Y.mean(axis=0))
    log_words = np.log((N + k) / (N + k).sum(axis=1, keepdims=True))
    return log_prior, log_words


class NaiveBayes:
    """Bayes ingenuo multinomial, de texto a clase.

    Args:
        tokenizer: `"basic_english"` o `"spanish"`.
        min_freq: veces que aparece un token para entrar en el vocabulario.
        ngrams: con 2, las parejas de tokens seguidos se cuentan también.
        k: lo que se suma a cada recuento, mayor que 0.
    """

    def __init__(
        self, tokenizer: str = "basic_english", *, min_freq: int = 1, ngrams: int = 1, k: float = 1.0
    ):
        if not k > 0:  # también con NaN
            raise CourseError(f"k={k}: con recuentos sin suavizar, una palabra nueva prohíbe su clase.")
        self.k = k
        self._read = {"tokenizer": tokenizer, "min_freq": min_freq, "ngrams": ngrams}

    def fit(self, corpus: Corpus) -> "NaiveBayes":
        """Aprende de un corpus de entrenamiento.

        Raises:
            CourseError: si está vacío, le faltan etiquetas, tiene una sola clase o ningún token
                llega a min_freq.
        """
        reader = TextReader.from_corpus(corpus, **self._read)
        if len(reader.vocab) == NUM_SPECIAL:
            raise CourseError(
                f"Ningún token aparece {self._read['min_freq']} veces: usa más textos o un "
                "min_freq menor."
            )
        counts = count_words(corpus.documents, reader)
        labels = label_ids(corpus, reader.labels).numpy()
        self.reader, self.labels = reader, reader.labels
        self.log_prior, self.log_words = naive_bayes(counts, labels, len(self.labels), self.k)
        return self

    def log_probs(self, texts: list[str]) -> np.ndarray:
        """Los logaritmos de las probabilidades, de forma (textos, clases).

        Raises:
            CourseError: si no ha aprendido o no llega una lista de textos.
        """
        check_fitted(self, texts)
        joint = count_words(texts, self.reader) @ self.log_words.T + self.log_prior
        return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)
