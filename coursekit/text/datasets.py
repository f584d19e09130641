"""Los conjuntos IMDB y AG_NEWS con la interfaz de torchtext 0.18."""

from coursekit import data
from coursekit.errors import CourseError

_IMDB = {"neg": 1, "pos": 2}
_AG_NEWS = {"mundo": 1, "deportes": 2, "economia": 3, "ciencia": 4}


class SplitError(CourseError, TypeError):
    """Una parte del conjunto que no existe; también TypeError, como en torchtext."""


def IMDB(root: str = ".data", split: str | tuple[str, ...] = ("train", "test")):  # noqa: N802
    """Da las reseñas de IMDb con su etiqueta: 1, negativa; 2, positiva.

    Args:
        root: se admite como en torchtext, pero no cuenta: los datos los busca `coursekit.data`.
        split: `"train"`, `"test"` o una tupla con ambas.

    Returns:
        Una lista de pares (etiqueta, texto), en el orden de torchtext; con una tupla, una tupla
        de listas.

    Raises:
        SplitError: si se pide otra parte.
    """
    return _load("imdb", _IMDB, split)


def AG_NEWS(root: str = ".data", split: str | tuple[str, ...] = ("train", "test")):  # noqa: N802
    """Da las noticias de AG_NEWS con su clase: 1, mundo; 2, deportes; 3, economía; 4, ciencia.

    Args:
        root: se admite como en torchtext, pero no cuenta: los datos los busca `coursekit.data`.
        split: `"train"`, `"test"` o una tupla con ambas.

    Returns:
        Una lista de pares (clase, texto), en el orden de torchtext; con una tupla, una tupla de
        listas.

    Raises:
        SplitError: si se pide otra parte.
    """
    return _load("ag_news", _AG_NEWS, split)


def _load(name: str, numbers: dict[str, int], split: str | tuple[str, ...]):
    if not isinstance(split, str):
        return tuple(_load(name, numbers, part) for part in split)
    if split not in ("train", "test"):
        raise SplitError(f"No hay una parte {split!r}: split es 'train', 'test' o las dos.")
    corpus = data.load(f"{name}_{split}")
    return [(numbers[label], text) for label, text in zip(corpus.labels, corpus.documents)]
