"""Tokenizadores: de un texto a una lista de tokens."""

import re
import unicodedata
from collections.abc import Callable

from coursekit.errors import CourseError

# El orden importa: las comillas desaparecen antes de buscar «<br />», y «;» y «:» se vuelven
# espacios después.
_BASIC_ENGLISH = [
    ("'", " '  "),
    ('"', ""),
    (".", " . "),
    ("<br />", " "),
    (",", " , "),
    ("(", " ( "),
    (")", " ) "),
    ("!", " ! "),
    ("?", " ? "),
    (";", " "),
    (":", " "),
]

# Un número con punto o coma por dentro, una palabra (letras y cifras, con las tildes que NFC no
# pudo unir a su letra) o un signo suelto.
_SPANISH = re.compile(r"\d+(?:[.,]\d+)+|(?:[^\W_]|[\u0300-\u036f])+|\S")
_SENTENCE_END = frozenset(".!?…;:")
_NOT_LETTERS = re.compile(r"[^a-záéíóúüñ]+")


def basic_english(text: str) -> list[str]:
    """Separa un texto inglés en palabras y signos, en minúsculas.

    Args:
        text: el texto.

    Returns:
        Los tokens. Los signos del español (¿ ¡ —) quedan pegados a su palabra.

    Raises:
        CourseError: si `text` no es una cadena.

    Source: ``basic_english`` de torchtext 0.18, paso por paso.
    """
    text = _check_text(text).lower()
    for old, new in _BASIC_ENGLISH:
        text = text.replace(old, new)
    return text.split()


def spanish(text: str) -> list[str]:
    """Separa un texto español en palabras, números y signos, en minúsculas.

    Conserva tildes, ñ y ü (en la forma NFC de Unicode), deja enteros los números como 3.14 o
    1.000 y hace de cada signo (¿ ¡ — « » …) un token.

    Args:
        text: el texto.

    Returns:
        Los tokens; juntos son el texto en minúsculas sin sus espacios.

    Raises:
        CourseError: si `text` no es una cadena.
    """
    return _SPANISH.findall(unicodedata.normalize("NFC", _check_text(text).lower()))


def letters(text: str) -> list[str]:
    """Reduce un texto a las 33 letras minúsculas del español y el espacio.

    Todo lo demás (signos, cifras, letras de otras lenguas) se vuelve espacio, y los espacios
    seguidos, uno solo.

    Args:
        text: el texto.

    Returns:
        Los caracteres, uno por elemento.

    Raises:
        CourseError: si `text` no es una cadena.
    """
    return list(_NOT_LETTERS.sub(" ", unicodedata.normalize("NFC", _check_text(text).lower())))


def sentences(text: str) -> list[list[str]]:
    """Parte un texto español en frases, y cada frase en sus palabras, sin signos ni cifras.

    Una frase acaba en punto, dos puntos, punto y coma, puntos suspensivos o cierre de
    interrogación o de exclamación.

    Args:
        text: el texto.

    Returns:
        Las frases con alguna palabra, cada una una lista de palabras en minúsculas.

    Raises:
        CourseError: si `text` no es una cadena.
    """
    found, current = [], []
    for token in spanish(text):
        if token in _SENTENCE_END:
            found.append(current)
            current = []
        elif token.isalpha():
            current.append(token)
    return [sentence for sentence in [*found, current] if sentence]


def without_accents(text: str) -> str:
    """Quita a un texto las tildes y las diéresis, y pone n en lugar de ñ.

    Args:
        text: el texto, en cualquier forma de Unicode.

    Returns:
        El texto con cada letra sin sus marcas.
    """
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def get_tokenizer(
    tokenizer: str | Callable[[str], list[str]] | None, language: str = "en"
) -> Callable[[str], list[str]]:
    """Devuelve un tokenizador a partir de su nombre, como en torchtext.

    Args:
        tokenizer: ``"basic_english"``, ``None`` (separar por espacios) o una función, que se
            devuelve tal cual.
        language: la lengua; ``"basic_english"`` solo admite ``"en"``.

    Returns:
        Una función de texto a lista de tokens.

    Raises:
        CourseError: si no hay un tokenizador con ese nombre para esa lengua.
    """
    if tokenizer is None:
        return str.split
    if callable(tokenizer):
        return tokenizer
    if tokenizer != "basic_english":
        raise CourseError(
            f"No hay un tokenizador llamado {tokenizer!r}: usa 'basic_english', None o una "
            "función, por ejemplo coursekit.text.spanish."
        )
    if language != "en":
        raise CourseError(
            f"'basic_english' solo sirve para el inglés (language='en') y se pidió {language!r}: "
            "para el español usa coursekit.text.spanish."
        )
    return basic_english


def _check_text(text: str) -> str:
    if not isinstance(text, str):
        raise CourseError(
            f"El tokenizador espera un texto (str) y recibió {type(text).__name__}: "
            "si tienes varios textos, pásalos uno a uno."
        )
    return text
