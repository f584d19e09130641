"""De frases a cuentas: cuántas veces aparece cada palabra cerca de cada otra."""

from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse as sp

from coursekit.errors import CourseError


def encode(sentences: Iterable[Sequence[str]], vocab) -> list[np.ndarray]:
    """Convierte frases (listas de palabras) en arreglos de índices del vocabulario.

    Args:
        sentences: frases; cada una, una lista de palabras.
        vocab: vocabulario con la interfaz de torchtext (`get_stoi`).
    Returns:
        Un arreglo de enteros por frase; -1 marca la palabra que no está en `vocab`.
    Raises:
        CourseError: si una frase es un texto sin separar en palabras.
    """
    index = vocab.get_stoi()
    encoded = []
    for sentence in sentences:
        if isinstance(sentence, str):
            raise CourseError(
                f"La frase {sentence[:40]!r} es un texto: sepárala antes en palabras."
            )
        encoded.append(np.array([index.get(word, -1) for word in sentence], dtype=int))
    return encoded


def cooccurrence(
    sentences, vocab_size: int, window: int = 2, distance_weighting: bool = False
) -> sp.csr_array:
    """Cuenta los pares de palabras a distancia de 1 a `window` en la misma frase.

    Args:
        sentences: frases de índices; -1 ocupa su lugar, pero no se cuenta.
        vocab_size: número de palabras del vocabulario, V.
        window: palabras que se miran a cada lado.
        distance_weighting: si es cierto, un par a distancia d suma 1/d en lugar de 1.
    Returns:
        Matriz dispersa y simétrica (V, V).
    Raises:
        CourseError: si `window` o algún índice no es válido.
    """
    text = in_one_row(sentences, vocab_size, window)  # y `window` veces -1 entre dos frases
    counts = sp.csr_array((vocab_size, vocab_size), dtype=int)
    for d in range(1, window + 1):
        left, right = text[:-d], text[d:]
        known = (left >= 0) & (right >= 0)
        amount = np.full(known.sum(), 1 / d if distance_weighting else 1)
        pairs = (amount, (left[known], right[known]))
        counts = counts + sp.csr_array(pairs, shape=counts.shape)
    return (counts + counts.T).tocsr()


def in_one_row(sentences, vocab_size: int, window: int) -> np.ndarray:
    """Las frases, una tras otra, con un hueco de `window` desconocidas entre dos.

    Así ningún par salta de una frase a la siguiente.

    Returns:
        Los índices de todo el texto, enteros de 4 bytes.
    Raises:
        CourseError: si `window` o algún índice no es válido.
    """
    if window < 1:
        raise CourseError(f"La ventana debe ser de al menos 1 palabra, no {window}.")
    gap = np.full(window, -1)
    try:
        parts = [part for s in sentences for part in (np.asarray(s), gap) if len(part)]
        text = np.concatenate([gap, *parts])
    except (TypeError, ValueError):  # una frase que es un número, o dos formas distintas
        text = np.empty(0)
    if text.dtype.kind != "i":
        raise CourseError("Cada frase debe ser una lista de índices enteros.")
    if text.min() < -1 or text.max() >= vocab_size:
        raise CourseError(
            f"Los índices van de {text.min()} a {text.max()}, pero deben estar "
            f"entre 0 y {vocab_size - 1} (o ser -1 si la palabra es desconocida)."
        )
    return text.astype(np.int32)  # la mitad de memoria para los índices


def as_counts(counts, vocab_size: int | None = None, dtype=float) -> sp.csr_array:
    """Unas cuentas en csr, en una copia, sumadas y sin ceros guardados.

    Raises:
        CourseError: si no son (V, V) o alguna no es finita o es negativa.
    """
    C = sp.csr_array(counts, dtype=dtype, copy=True)
    V = vocab_size or "V"
    if C.ndim != 2 or C.shape != (vocab_size or C.shape[0],) * 2:
        raise CourseError(f"Las cuentas deben ser ({V}, {V}), no {C.shape}.")
    wrong = C.data[~((C.data >= 0) & (C.data < np.inf))]
    if len(wrong):
        raise CourseError(
            f"Las cuentas deben ser números finitos y no negativos; hay {wrong[0]}."
        )
    C.sum_duplicates()
    C.eliminate_zeros()
    return C
