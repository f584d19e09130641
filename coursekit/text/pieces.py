"""Trozos de palabra, aprendidos uniendo pares: *byte-pair encoding* (BPE), con letras en vez de bytes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from coursekit.errors import CourseError

END = "_"  # la letra con la que acaba toda palabra: «mente_» es un final, y «mente» no

Pair = tuple[str, str]


def learn_merges(counts: Mapping[str, int], num_merges: int) -> dict[Pair, int]:
    """Aprende qué pares de trozos unir: cada vez, el que más se repite.

    Args:
        counts: cuántas veces aparece cada palabra.
        num_merges: cuántas uniones; se para antes si ningún par se repite.
    Returns:
        El turno de cada par unido, desde 0; los empates, por orden alfabético.
    Raises:
        CourseError: si `counts` no son cuentas de palabras o `num_merges` es negativo.
    Source: Gage (1994); en palabras, Sennrich et al. (2016).
    """
    pieces = {word: [*word, END] for word in checked_words(counts, num_merges)}
    pairs, where, merges = Counter(), defaultdict(set), {}

    def tally(word, times):
        for pair in pairwise(pieces[word]):
            pairs[pair] += times
            where[pair].add(word)

    for word in pieces:
        tally(word, counts[word])
    while len(merges) < num_merges and (most := max(pairs.values(), default=0)) > 1:
        best = min(pair for pair, times in pairs.items() if times == most)
        merges[best] = len(merges)
        for word in where.pop(best):
            tally(word, -counts[word])
            pieces[word] = merge(pieces[word], best)
            tally(word, counts[word])
        del pairs[best]
    return merges


def merge(pieces: Sequence[str], pair: Pair) -> list[str]:
    """Une un par de trozos cada vez que van seguidos, de izquierda a derecha."""
    merged = []
    for piece in pieces:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def split_word(word: str, merges: Mapping[Pair, int]) -> list[str]:
    """Parte una palabra, vista o no, en trozos: parte de sus letras y une por turno.

    Args:
        word: la palabra.
        merges: lo que devuelve `learn_merges`, o sus primeras uniones.
    Returns:
        Los trozos; el último acaba en `END`.
    """
    pieces = [*word, END]
    while known := [pair for pair in pairwise(pieces) if pair in merges]:
        pieces = merge(pieces, min(known, key=merges.get))
    return pieces


def join_pieces(pieces: Sequence[str]) -> str:
    """Devuelve la palabra de la que salieron unos trozos."""
    return "".join(pieces).removesuffix(END)


def checked_words(counts: Mapping[str, int], num_merges: int) -> Mapping[str, int]:
    """Las cuentas, si lo son de palabras.

    Raises:
        CourseError: como en `learn_merges`.
    """
    if not isinstance(counts, Mapping) or not all(isinstance(word, str) for word in counts):
        raise CourseError(
            "Para aprender trozos hacen falta palabras con sus cuentas, por ejemplo "
            f"Counter(palabras), y llegó {type(counts).__name__}."
        )
    if num_merges < 0:
        raise CourseError(f"El número de uniones no puede ser negativo, y se pidió {num_merges}.")
    return counts
