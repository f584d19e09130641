"""Qué palabras se parecen y cuáles van juntas."""

from difflib import get_close_matches

import numpy as np
import scipy.sparse as sp

from coursekit.errors import CourseError


def word_index(word: str, vocab) -> int:
    """Índice de `word`, o un CourseError que propone palabras parecidas."""
    if word not in vocab:
        close = get_close_matches(str(word), vocab.get_itos())
        advice = f"¿Querías decir {' o '.join(close)}?" if close else "Prueba con otra."
        raise CourseError(f"«{word}» no está en el vocabulario. {advice}")
    return vocab[word]


def check_vectors(vectors, vocab) -> None:
    """Comprueba que haya un vector por palabra y que sean números.

    Raises:
        CourseError: si faltan o sobran vectores, o alguno no es finito.
    """
    shape = np.shape(vectors)
    if len(shape) != 2 or shape[0] != len(vocab):
        raise CourseError(
            f"Los vectores deben ser ({len(vocab)}, dim), uno por palabra, no {shape}."
        )
    if not np.isfinite(vectors.data if sp.issparse(vectors) else vectors).all():
        raise CourseError(
            "Hay vectores con números que no son finitos: ¿explotó el entrenamiento?"
        )


def unit_rows(vectors):
    """Divide cada fila por su norma, para que el coseno sea un producto.

    Args:
        vectors: un vector por fila (V, dim), denso o disperso; el nulo queda nulo.
    """
    X = sp.csr_array(vectors) if sp.issparse(vectors) else np.asarray(vectors)
    norms = np.sqrt((X * X).sum(axis=1))
    scale = np.divide(1, norms, where=norms > 0, out=np.zeros_like(norms, float))
    if sp.issparse(X):
        return sp.diags_array(scale) @ X
    return X * scale[:, None].astype(np.result_type(X, np.float32))


def nearest(word: str, vectors, vocab, k: int = 10) -> list[tuple[str, float]]:
    """Las `k` palabras cuyos vectores forman el menor ángulo con el de `word`.

    Args:
        word: palabra de `vocab`; nunca figura en el resultado.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
        k: cuántas palabras.
    Returns:
        Pares (palabra, coseno) de mayor a menor, sin las palabras de vector nulo.
    Raises:
        CourseError: si `word` no está en `vocab`, su vector es nulo o los vectores no
            son uno por palabra.
    """
    check_vectors(vectors, vocab)
    i = word_index(word, vocab)
    unit = unit_rows(vectors)
    known = np.asarray((unit * unit).sum(axis=1)) > 0  # las de vector nulo no lo son
    if not known[i]:
        raise CourseError(f"El vector de «{word}» es nulo: no se parece a ninguno.")
    cosines = (unit @ unit[[i]].T).sum(axis=1)  # la suma aplana la única columna
    others = np.flatnonzero(known & (np.arange(len(vocab)) != i))
    best = others[np.argsort(-cosines[others], kind="stable")[:k]]
    return list(zip(vocab.lookup_tokens(best.tolist()), cosines[best].tolist()))


def associations(word: str, matrix, vocab, k: int = 10) -> list[tuple[str, float]]:
    """Los `k` contextos que más pesan en la fila de `word`.

    Args:
        word: palabra de `vocab`; nunca figura en el resultado.
        matrix: pesos (V, V), por ejemplo los de `ppmi`.
        vocab: vocabulario con la interfaz de torchtext.
        k: cuántas palabras, como mucho: los pesos cero no son asociaciones.
    Returns:
        Pares (palabra, peso) de mayor a menor.
    Raises:
        CourseError: si `word` no está en `vocab` o no hay una fila por palabra.
    """
    check_vectors(matrix, vocab)
    i = word_index(word, vocab)
    weights = sp.csr_array(matrix)[[i]].toarray().ravel()
    weights[i] = 0
    best = np.argsort(-weights, kind="stable")[:k]
    best = best[weights[best] > 0]
    return list(zip(vocab.lookup_tokens(best.tolist()), weights[best].tolist()))
