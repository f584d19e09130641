"""Lo que comparten las pruebas con que se miden unos vectores.

`similarity`, `analogies` y `odd_one_out` reciben lo mismo en el mismo orden: qué se
pregunta, los vectores y su vocabulario.
"""

import numpy as np

from coursekit.text import without_accents


class Measured:
    """Un resultado: lo medido en cada pregunta que se pudo hacer, `num_used` de `num_asked`."""

    num_asked: int
    num_used: int

    @property
    def coverage(self) -> float:
        """Proporción de preguntas con todas sus palabras en el vocabulario."""
        return self.num_used / self.num_asked


def word_rows(words, vocab, fold_accents: bool = False) -> np.ndarray:
    """La fila de cada palabra en los vectores, o -1 si no está en el vocabulario.

    No distingue mayúsculas. Si varias palabras del vocabulario se vuelven la misma,
    vale la primera: en un vocabulario por frecuencias, la más frecuente.

    Args:
        words: palabras, en una lista o en listas del mismo largo.
        vocab: vocabulario con la interfaz de torchtext.
        fold_accents: si tampoco distingue tildes (y ñ de n).
    Returns:
        Enteros, con la forma de `words`.
    """

    def key(word):
        return without_accents(word.lower()) if fold_accents else word.lower()

    rows = {}
    for i, word in enumerate(vocab.get_itos()):
        rows.setdefault(key(word), i)
    words = np.array(words, dtype=str)
    found = [rows.get(key(str(word)), -1) for word in words.flat]
    return np.array(found, dtype=int).reshape(words.shape)
