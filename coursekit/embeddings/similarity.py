"""Cuánto se parecen los cosenos de unos vectores a lo que juzgaron las personas."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.stats import rankdata

from coursekit.embeddings.neighbours import check_vectors
from coursekit.errors import CourseError

MIN_PAIRS = 20  # con menos, el intervalo abarca casi cualquier correlación


@dataclass(frozen=True)
class Similarity:
    """El resultado de `similarity`.

    Args:
        spearman: correlación entre los cosenos y las notas, de -1 a 1.
        low, high: intervalo del 95 % de esa correlación.
        num_used: parejas con sus dos palabras en el vocabulario.
        num_pairs: todas las parejas.
    """

    spearman: float
    low: float
    high: float
    num_used: int
    num_pairs: int

    @property
    def coverage(self) -> float:
        """Proporción de parejas que se pudieron medir."""
        return self.num_used / self.num_pairs


def read_pairs(lines: Iterable[str]) -> list[tuple[str, str, float]]:
    """Lee parejas de palabras con la nota que les dieron las personas.

    Args:
        lines: una pareja por línea, `palabra<TAB>palabra<TAB>nota`; «#» comenta.
    Raises:
        CourseError: si una línea no tiene esa forma.
    """
    pairs = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            first, second, score = line.strip().split("\t")
            pairs.append((first, second, float(score)))
        except ValueError:
            raise CourseError(
                f"La línea {line.strip()[:60]!r} no es «palabra, palabra, nota» "
                "separadas por tabuladores."
            ) from None
    return pairs


def without_accents(text: str) -> str:
    """El texto sin tildes ni diéresis, y con n en lugar de ñ."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


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


def spearman(x, y) -> np.ndarray:
    """Correlación de Spearman: la de Pearson entre puestos, con empates promediados.

    Args:
        x, y: valores (..., n); la correlación es sobre el último eje.
    Returns:
        Correlaciones (...); NaN donde `x` o `y` son todos iguales.
    Source: Spearman (1904).
    """
    middle = (np.shape(x)[-1] + 1) / 2
    x, y = (rankdata(values, axis=-1) - middle for values in (x, y))
    with np.errstate(invalid="ignore"):
        return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def similarity(
    pairs, vectors, vocab, rng: np.random.Generator, fold_accents: bool = False
) -> Similarity:
    """Correlación de Spearman entre los cosenos y las notas de unas parejas.

    Args:
        pairs: tríos (palabra, palabra, nota), como los de `read_pairs`.
        vectors: un vector por fila (V, dim), denso o disperso.
        vocab: vocabulario con la interfaz de torchtext.
        rng: fuente de azar de los 2000 remuestreos del intervalo.
        fold_accents: si «corazon» vale por «corazón» y «ano» por «año»; hace falta
            cuando las parejas vienen sin tildes.
    Raises:
        CourseError: si quedan menos de 20 parejas con vector, no hay nada que ordenar o
            los vectores no son uno por palabra.
    """
    check_vectors(vectors, vocab)
    rows = word_rows([pair[:2] for pair in pairs], vocab, fold_accents).reshape(-1, 2)
    used = (rows >= 0).all(axis=1)
    if used.sum() < MIN_PAIRS:
        raise CourseError(
            f"Solo {used.sum()} de {len(pairs)} parejas tienen sus dos palabras en el "
            f"vocabulario, y hacen falta {MIN_PAIRS}: usa un vocabulario mayor."
        )
    unit = unit_rows(vectors)
    first, second = unit[rows[used, 0]], unit[rows[used, 1]]
    cosines = np.asarray((first * second).sum(axis=1))
    scores = np.array([pair[2] for pair in pairs])[used]
    rho = float(spearman(cosines, scores))
    if np.isnan(rho):
        raise CourseError(
            "No hay correlación: los cosenos o las notas son todos iguales."
        )
    resampled = rng.integers(len(scores), size=(2000, len(scores)))
    many = spearman(cosines[resampled], scores[resampled])
    low, high = np.nanpercentile(many, [2.5, 97.5])
    return Similarity(rho, float(low), float(high), len(scores), len(pairs))
