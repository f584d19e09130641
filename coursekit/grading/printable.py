"""Textos de desconocidos, listos para enseñarse: sin órdenes de terminal ni letras que engañen."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MARKS_IN_A_ROW = 3  # las que usa una lengua; la pila de cien que tapa otras líneas, no


def printable(text: object, limit: int = 300) -> str:
    """Deja de un texto lo que se puede leer, en una sola línea.

    Los caracteres de control, los que cambian la dirección de la escritura, los invisibles y los
    que no se pueden guardar se ven como «�»: quien revisa nota que había algo.

    Args:
        text: nombre, mensaje o valor que viene de una entrega.
        limit: caracteres que se conservan.
    """
    return " ".join(printable_lines(text, limit).split())


def printable_lines(text: object, limit: int = 20_000) -> str:
    """Como `printable`, pero conserva saltos de línea y tabuladores: para código y respuestas."""
    text = str(text)
    kept = unicodedata.normalize("NFC", text[:limit])
    kept = re.sub(r"\r\n?|[\u2028\u2029]", "\n", kept)
    shown, marks = [], 0
    for letter in kept:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MARKS_IN_A_ROW:
            continue
        hidden = category[0] == "C" and letter not in "\n\t"
        shown.append(REPLACEMENT if hidden else letter)
    return "".join(shown) + ("…" if len(text) > limit else "")
