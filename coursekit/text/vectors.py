"""Vectores de palabras ya entrenados, con la interfaz de torchtext 0.18."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coursekit import data
from coursekit.data import registry
from coursekit.errors import CourseError
from coursekit.text.vectorfile import open_vectors, parse_numbers, parse_row

if TYPE_CHECKING:
    import torch

# Huella SHA-256 del zip de cada colección y dimensiones de los vectores que trae.
_GLOVE = {
    "6B": (
        "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb", (50, 100, 200, 300)
    ),
    "42B": ("03d5d7fa28e58762ace4b85fb71fe86a345ef0b5ff39f5390c14869da0fc1970", (300,)),
    "840B": ("c06db255e65095393609f19a4cfca20bf3a71e20cc53e892aafa490347e3849f", (300,)),
    "twitter.27B": (
        "792af52f795d1a32c9842a3240f5f3fe5e941a8ff6df5eb0f9d668092ebc019c", (25, 50, 100, 200)
    ),
}


class VectorsError(CourseError, RuntimeError):
    """Unos vectores que no se encuentran o no se pueden leer; también RuntimeError."""


class Vectors:
    """Una tabla de vectores leída de un fichero de texto: en cada línea, `palabra v1 … vn`.

    Args:
        name: ruta del fichero (también `.gz`), o su nombre dentro de `cache`.
        cache: carpeta; por omisión, `.vector_cache`.
        url: de dónde descargarlo si no está: el fichero mismo, con `.gz` o sin él, o un zip que
            lo trae dentro.
        unk_init: función que da el vector de una palabra desconocida a partir de uno de ceros;
            por omisión quedan los ceros.
        max_vectors: cuántos leer, desde el primero; por omisión, todos.

    Attributes:
        itos: las palabras, en el orden del fichero.
        stoi: la posición de cada palabra.
        vectors: tensor de forma (palabras, dim).
        dim: número de componentes.

    Raises:
        VectorsError: si el fichero no se encuentra, no se descarga o no es de vectores.

    Source: ``torchtext.vocab.Vectors``.
    """

    def __init__(
        self,
        name: str,
        cache: str | Path | None = None,
        url: str | None = None,
        unk_init: Callable[[torch.Tensor], torch.Tensor] | None = None,
        max_vectors: int | None = None,
    ) -> None:
        path = Path(name)
        if not path.is_file():
            path = _find(name, Path(cache or ".vector_cache"), url)
        self._load(path, os.path.basename(name), unk_init, max_vectors)

    def _load(self, path: Path, member: str, unk_init, max_vectors: int | None) -> None:
        import torch

        try:
            with open_vectors(path, member) as lines:
                self.itos, numbers = _read(lines, max_vectors)
        except CourseError as error:
            raise VectorsError(f"El fichero {path} {error}.") from None
        except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            raise VectorsError(
                f"El fichero {path} está dañado o no trae {member}: bórralo o cámbialo por una "
                "copia buena."
            ) from None
        self.stoi = {word: position for position, word in enumerate(self.itos)}
        self.vectors = torch.frombuffer(numbers, dtype=torch.float32).view(len(self.itos), -1)
        self.dim = self.vectors.shape[1]
        self.unk_init = unk_init or torch.Tensor.zero_

    def __len__(self) -> int:
        return len(self.vectors)

    def __contains__(self, token: str) -> bool:
        return token in self.stoi

    def __getitem__(self, token: str) -> torch.Tensor:
        """Devuelve el vector de una palabra, de forma (dim,)."""
        if token in self:
            return self.vectors[self.stoi[token]]
        return self.unk_init(self.vectors.new_zeros(self.dim))

    def get_vecs_by_tokens(
        self, tokens: str | Iterable[str], lower_case_backup: bool = False
    ) -> torch.Tensor:
        """Devuelve los vectores de una o de varias palabras.

        Args:
            tokens: una palabra o una lista de palabras.
            lower_case_backup: si una palabra que no está se busca en minúsculas.

        Returns:
            Tensor de forma (dim,) para una palabra y (palabras, dim) para una lista.

        Raises:
            VectorsError: si la lista está vacía.
        """
        import torch

        if isinstance(tokens, str):
            in_lower_case = lower_case_backup and tokens not in self
            return self[tokens.lower() if in_lower_case else tokens]
        found = [self.get_vecs_by_tokens(token, lower_case_backup) for token in tokens]
        if not found:
            raise VectorsError("La lista de palabras está vacía: pide al menos una.")
        return torch.stack(found)


class GloVe(Vectors):
    """Los vectores GloVe de Stanford.

    Se buscan en la carpeta `cache` o, si no se da, en `COURSEKIT_DATA/glove` y en la caché del
    curso. Si ahí solo están las palabras más frecuentes, se usan esas; si no hay nada, se descarga
    el zip de los autores, de 1 o 2 GB. Una línea dice qué se usa.

    Args:
        name: colección: `"6B"`, `"42B"`, `"840B"` o `"twitter.27B"`.
        dim: número de componentes.
        cache, unk_init, max_vectors: como en `Vectors`.

    Raises:
        VectorsError: si no hay esos vectores, no se consiguen o están dañados.

    Source: Pennington, Socher y Manning (2014); ``torchtext.vocab.GloVe``.
    """

    def __init__(
        self,
        name: str = "840B",
        dim: int = 300,
        *,
        cache: str | Path | None = None,
        unk_init: Callable[[torch.Tensor], torch.Tensor] | None = None,
        max_vectors: int | None = None,
    ) -> None:
        place, path, shortened = _find_glove(name, int(dim), cache)
        self._load(path, f"glove.{name}.{dim}d.txt", unk_init, max_vectors)
        note = ", solo las más frecuentes: el fichero completo no está aquí" if shortened else ""
        print(f"Vectores: {len(self)} palabras de glove.{name}.{dim}d ({place}){note}.")


def _find(name: str, folder: Path, url: str | None) -> Path:
    """Ruta de un fichero de vectores, o del zip que lo trae; si no está, se descarga."""
    if (folder / name).is_file():
        return folder / name
    if not url:
        raise VectorsError(f"No hay vectores en {folder / name}: revisa la ruta o da una url.")
    path = folder / os.path.basename(urlsplit(url).path)
    if not path.is_file():
        _download(url, path, lambda _: None)
    return path


def _find_glove(name: str, dim: int, cache: str | Path | None) -> tuple[str, Path, bool]:
    """Lugar y ruta del fichero o del zip, y si trae solo las palabras más frecuentes."""
    sha256, dims = _GLOVE.get(name, ("", ()))
    if dim not in dims:
        known = "; ".join(f"{name!r}, con dim en {dims}" for name, (_, dims) in _GLOVE.items())
        raise VectorsError(f"No hay vectores GloVe {name!r} con dim={dim}. Los que hay: {known}.")
    file = f"glove.{name}.{dim}d.txt"
    archive = f"glove.{name}.zip" if len(dims) > 1 else f"glove.{name}.{dim}d.zip"
    folders = [(place, root / "glove") for place, root in registry.places()]
    if cache:
        folders = [(f"carpeta {cache}", Path(cache))]
    for place, folder in folders:
        for path in (folder / file, folder / f"{file}.gz", folder / archive):
            if path.is_file():
                return place, path, False
    short = f"glove_{dim}d"
    if name == "6B" and short in data.DATASETS and not cache:
        place = registry.where(short)
        if place != registry.ABSENT:
            return place, data.verify(short), True

    def check(path: Path) -> None:
        digest = hashlib.sha256()
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
        if digest.hexdigest() != sha256:
            raise CourseError("no es el que publicaron sus autores")

    place, folder = folders[-1]
    _download(f"https://nlp.stanford.edu/data/{archive}", folder / archive, check)
    return place, folder / archive, False


def _download(url: str, path: Path, check: Callable[[Path], None]) -> None:
    try:
        registry.download([url], path, check)
    except CourseError as error:
        raise VectorsError(
            f"{path.name} no está en este equipo y {error} o deja una copia en {path.parent}."
        ) from None


def _read(lines: Iterable[bytes], max_vectors: int | None) -> tuple[list[str], array]:
    """Las palabras y, seguidos, los números de sus vectores."""
    words, numbers, dim = [], array("f"), 0
    for line in lines:
        first, *values = line.rstrip().split(b" ")
        if len(values) == 1:
            continue  # la cabecera de word2vec: número de palabras y de componentes
        dim = dim or len(values)
        row = parse_row(line, dim)
        if not dim or row is None:
            word = first.decode(errors="replace")
            if parse_numbers(values) is None:
                raise CourseError(f"no es de vectores: {word!r} no va seguida de números")
            raise CourseError(
                f"da {len(values)} números a la palabra {word!r} y {dim} a las anteriores"
            )
        try:
            words.append(row[0].decode())
        except UnicodeDecodeError:
            continue  # torchtext también se la salta
        numbers.extend(row[1])
        if len(words) == max_vectors:
            break
    if not words:
        raise CourseError("no tiene ningún vector")
    return words, numbers
