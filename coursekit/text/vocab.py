"""El vocabulario: de tokens a índices y de vuelta, con la interfaz de torchtext 0.18."""

from collections import Counter
from collections.abc import Iterable, Mapping

from coursekit.errors import CourseError


class VocabError(CourseError, RuntimeError):
    """Un token o un índice que no puede ser; también RuntimeError, como en torchtext."""


class VocabTypeError(CourseError, TypeError):
    """Un valor que no es un token; también TypeError, como en torchtext."""


class Vocab:
    """Un conjunto ordenado de tokens: el índice de cada uno es su posición.

    Args:
        tokens: los tokens, todos distintos.
        default_index: el índice de los tokens desconocidos; si es None, son un error.

    Raises:
        VocabError: si un token está repetido.

    Source: ``torchtext.vocab.Vocab``.
    """

    def __init__(self, tokens: Iterable[str], default_index: int | None = None) -> None:
        self._itos: list[str] = []
        self._stoi: dict[str, int] = {}
        self.set_default_index(default_index)
        for token in tokens:
            self.append_token(token)

    def __len__(self) -> int:
        return len(self._itos)

    def __contains__(self, token: str) -> bool:
        return token in self._stoi

    def __repr__(self) -> str:
        return f"Vocab({len(self)} tokens)"

    def __getitem__(self, token: str) -> int:
        """Devuelve el índice de un token.

        Raises:
            VocabError: si el token es desconocido y no hay índice por defecto.
        """
        index = self._stoi.get(token)
        if index is not None:
            return index
        _check_token(token)
        if self._default_index is None:
            raise VocabError(
                f"El token {token!r} no está en el vocabulario y no hay índice por defecto: "
                "revisa el token o llama antes a set_default_index."
            )
        return self._default_index

    def __call__(self, tokens: Iterable[str]) -> list[int]:
        """Devuelve los índices de una lista de tokens."""
        return self.lookup_indices(tokens)

    # torchtext.vocab.Vocab es un nn.Module: hay código que llama a forward directamente.
    forward = __call__

    def set_default_index(self, index: int | None) -> None:
        """Fija el índice de los tokens desconocidos; None los vuelve un error.

        Raises:
            VocabTypeError: si recibe el token en lugar de su índice.
        """
        if index is not None and not isinstance(index, int):
            raise VocabTypeError(
                f"El índice por defecto es un entero o None y se recibió {index!r}: "
                'por ejemplo, set_default_index(vocab["<unk>"]).'
            )
        self._default_index = index

    def get_default_index(self) -> int | None:
        """Devuelve el índice de los tokens desconocidos, o None."""
        return self._default_index

    def append_token(self, token: str) -> None:
        """Añade un token al final.

        Raises:
            VocabError: si el token ya está.
        """
        self.insert_token(token, len(self))

    def insert_token(self, token: str, index: int) -> None:
        """Pone un token en la posición `index` y corre los siguientes.

        Raises:
            VocabError: si el token ya está o `index` no está entre 0 y el número de tokens.
        """
        _check_token(token)
        if not 0 <= index <= len(self):
            raise VocabError(
                f"No se puede insertar {token!r} en la posición {index}: "
                f"debe estar entre 0 y {len(self)}."
            )
        if token in self:
            raise VocabError(
                f"El token {token!r} ya está en el vocabulario, con el índice {self[token]}: "
                "cada token puede estar una sola vez."
            )
        self._itos.insert(index, token)
        for position in range(index, len(self)):
            self._stoi[self._itos[position]] = position

    def lookup_token(self, index: int) -> str:
        """Devuelve el token de un índice.

        Raises:
            VocabError: si el índice no está entre 0 y el número de tokens menos 1.
        """
        if not 0 <= index < len(self):
            raise VocabError(
                f"No hay un token con el índice {index}: el vocabulario tiene {len(self)} tokens, "
                "con índices desde 0."
            )
        return self._itos[index]

    def lookup_tokens(self, indices: Iterable[int]) -> list[str]:
        """Devuelve los tokens de una lista de índices."""
        return [self.lookup_token(index) for index in indices]

    def lookup_indices(self, tokens: Iterable[str]) -> list[int]:
        """Devuelve los índices de una lista de tokens.

        Raises:
            VocabError: si un token es desconocido y no hay índice por defecto.
            VocabTypeError: si recibe un texto sin separar en tokens.
        """
        if isinstance(tokens, str):
            raise VocabTypeError(
                f"Se esperaba una lista de tokens y llegó el texto {tokens[:40]!r}: "
                "sepáralo antes con un tokenizador."
            )
        return [self[token] for token in tokens]

    def get_stoi(self) -> dict[str, int]:
        """Devuelve una copia del diccionario de token a índice."""
        return dict(self._stoi)

    def get_itos(self) -> list[str]:
        """Devuelve una copia de la lista de tokens en el orden de sus índices."""
        return list(self._itos)


def vocab(
    ordered_dict: Mapping[str, int],
    min_freq: int = 1,
    specials: list[str] | None = None,
    special_first: bool = True,
) -> Vocab:
    """Construye un vocabulario con los tokens en el orden de un diccionario.

    Args:
        ordered_dict: frecuencia de cada token, en el orden deseado.
        min_freq: frecuencia mínima para entrar.
        specials: tokens especiales, como ``["<unk>", "<pad>"]``; entran siempre.
        special_first: si los especiales van al comienzo o al final.

    Returns:
        El vocabulario, sin índice por defecto.

    Raises:
        VocabError: si un token especial está repetido.

    Source: ``torchtext.vocab.vocab``.
    """
    specials = list(specials or [])
    tokens = [
        token
        for token, frequency in ordered_dict.items()
        if frequency >= min_freq and token not in specials
    ]
    return Vocab(specials + tokens if special_first else tokens + specials)


def build_vocab_from_iterator(
    iterator: Iterable[Iterable[str]],
    min_freq: int = 1,
    specials: list[str] | None = None,
    special_first: bool = True,
    max_tokens: int | None = None,
) -> Vocab:
    """Construye un vocabulario con los tokens de muchos textos, del más al menos frecuente.

    Los empates van en orden alfabético, de modo que el resultado no depende del azar.

    Args:
        iterator: los textos, cada uno como lista de tokens.
        min_freq: frecuencia mínima para entrar.
        specials: tokens especiales; entran siempre.
        special_first: si los especiales van al comienzo o al final.
        max_tokens: tamaño máximo, con los especiales; el corte es anterior al de `min_freq`.

    Returns:
        El vocabulario, sin índice por defecto.

    Raises:
        CourseError: si `max_tokens` no deja lugar más que para los especiales.
        VocabError: si un token especial está repetido.

    Source: ``torchtext.vocab.build_vocab_from_iterator``.
    """
    counts: Counter[str] = Counter()
    for tokens in iterator:
        counts.update(tokens)
    by_frequency = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if max_tokens is not None:
        num_specials = len(specials or [])
        if num_specials >= max_tokens:
            raise CourseError(
                f"max_tokens={max_tokens} no deja lugar más que para los tokens especiales "
                f"(hay {num_specials}): usa un valor mayor."
            )
        by_frequency = by_frequency[: max_tokens - num_specials]
    return vocab(dict(by_frequency), min_freq, specials, special_first)


def _check_token(token: str) -> None:
    if not isinstance(token, str):
        raise VocabTypeError(
            f"Un token es una cadena (str) y se recibió {token!r}: "
            "para buscar por índice usa lookup_token."
        )
