"""Valores sencillos: lo único que el juez compara.

Lo que devuelve una respuesta se copia a números, textos, listas, diccionarios y arreglos de NumPy
antes de mirarlo: ninguna comparación ejecuta código de quien respondió.
"""

from __future__ import annotations

import math
import numbers
import unicodedata
from collections.abc import ItemsView, Iterator, KeysView, ValuesView

import numpy as np


def to_plain(value):
    """Copia un resultado a valores sencillos.

    Args:
        value: número, texto, booleano, `None`, lista, tupla, conjunto, diccionario, arreglo de
            NumPy, tensor de torch o matriz dispersa de SciPy.

    Returns:
        El mismo contenido hecho de números, textos, listas, diccionarios y arreglos numéricos; un
        conjunto pasa a tupla ordenada, que es lo que lo distingue de una lista.

    Raises:
        TypeError: si el valor es de otro tipo.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, (np.bool_, np.number)):
        return value.item()
    if isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "detach"):  # tensor de torch, sin importar torch
        value = value.detach().cpu().numpy()
    elif hasattr(value, "toarray"):  # matriz dispersa de SciPy
        value = value.toarray()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            return to_plain(value.tolist())
        return np.array(value) if value.ndim else value.item()
    if isinstance(value, dict):
        return {_key(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(map(to_plain, value), key=repr))
    if isinstance(value, (list, tuple, range)):
        return [to_plain(item) for item in value]
    if isinstance(value, (Iterator, KeysView, ValuesView, ItemsView)):
        raise TypeError(f"un {type(value).__name__} y no una lista; conviértelo con list(…)")
    if isinstance(value, type):
        raise TypeError(f"la clase {value.__name__} y no un objeto suyo: falta construirlo, con paréntesis")
    raise TypeError(f"un objeto de tipo {type(value).__name__}")


def _key(key):
    return tuple(map(_key, key)) if isinstance(key, tuple) else to_plain(key)


def first_difference(expected, got, tolerance: float, reveal: bool = True) -> str | None:
    """Dice en español en qué difiere primero lo obtenido de lo esperado.

    Args:
        expected, got: valores que devuelve `to_plain`.
        tolerance: diferencia relativa admitida entre números (y absoluta cerca de cero).
        reveal: si se puede decir el valor esperado; formas y largos se dicen siempre.

    Returns:
        Una frase sin punto final, o `None` si son iguales.
    """
    if got is None and expected is not None:
        return "tu respuesta devuelve None: ¿falta un return?"
    if isinstance(got, tuple) and not isinstance(expected, tuple):
        return "tu resultado es un conjunto, que no guarda el orden, y no es lo que se pide"
    if isinstance(expected, tuple):
        if not isinstance(got, tuple):
            return f"tu valor es {short(got)} y se esperaba un conjunto"
        return first_difference(list(expected), list(got), tolerance, reveal)
    if is_number(expected):
        return _number_difference(expected, got, tolerance, reveal, "")
    if isinstance(expected, dict):
        return _dict_difference(expected, got, tolerance, reveal)
    array = _as_array(expected)
    if array is not None and not (_is_row(expected) and not _matches(got, array)):
        return _array_difference(array, got, tolerance, reveal)
    if isinstance(expected, list):
        return _list_difference(expected, got, tolerance, reveal)
    if type(got) is not type(expected) or got != expected:
        return _unlike(expected, got, reveal)
    return None


def _is_row(expected) -> bool:
    """Dice si lo esperado es una lista de números: de ella se dice el largo, y no la forma."""
    return isinstance(expected, list) and not isinstance(expected[0], (list, np.ndarray))


def _matches(got, array: np.ndarray) -> bool:
    """Dice si lo obtenido se puede comparar, número a número, con una lista."""
    return isinstance(got, np.ndarray) or (_as_array(got) is not None and len(got) == len(array))


def _unlike(expected, got, reveal: bool) -> str:
    texts = isinstance(expected, str) and isinstance(got, str)
    if texts and unicodedata.normalize("NFC", got) == unicodedata.normalize("NFC", expected):
        return (
            f"tu texto se ve como el esperado, pero tiene {len(got)} caracteres y no {len(expected)}: "
            "está en otra forma Unicode"
        )
    shown, wanted = short(got), short(expected)
    if shown == wanted and float in (type(got), type(expected)):  # difieren en cifras que no se escriben
        several = ((f"{got:.{n}g}", f"{expected:.{n}g}") for n in range(5, 18))
        shown, wanted = next((pair for pair in several if pair[0] != pair[1]), (shown, wanted))
    wanted = f"se esperaba {wanted}" if reveal else "no es el esperado"
    return f"tu valor es {shown} y {wanted}"


def is_number(value) -> bool:
    """Dice si un valor sencillo es un número; un booleano no lo es."""
    return isinstance(value, numbers.Number) and not isinstance(value, bool)


def _as_array(value) -> np.ndarray | None:
    """El arreglo que hay en `value` (un `ndarray`, o listas de números bien formadas)."""
    if isinstance(value, np.ndarray):
        return value
    # Nada se despliega sin saber antes que son números: un texto largo entre mil cortos haría de unos
    # pocos bytes un arreglo de gigas.
    if not isinstance(value, list) or not value or not _holds_numbers(value):
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # listas de largos distintos
        return None
    return array if array.dtype.kind in "iuf" else None


def _holds_numbers(value) -> bool:
    if isinstance(value, list):
        return all(map(_holds_numbers, value))
    return isinstance(value, (numbers.Number, np.ndarray))


def _number_difference(expected, got, tolerance: float, reveal: bool, where: str) -> str | None:
    if not is_number(got):
        return f"{where}tu valor es {short(got)} y se esperaba un número"
    if is_close(got, expected, tolerance):
        return None
    return where + _unlike(expected, got, reveal)


def is_close(got, expected, tolerance: float) -> bool:
    """Como `numpy.isclose`, que para dos números sueltos tarda cien veces más."""
    try:
        got, expected = float(got), float(expected)
    except OverflowError:  # un entero que no cabe en coma flotante
        return got == expected
    if not (math.isfinite(got) and math.isfinite(expected)):
        return got == expected or (math.isnan(got) and math.isnan(expected))
    return abs(got - expected) <= tolerance + tolerance * abs(expected)


def _array_difference(expected: np.ndarray, got, tolerance: float, reveal: bool) -> str | None:
    array = _as_array(got)
    if array is None:
        return f"tu valor es {short(got)} y se esperaba un arreglo de forma {expected.shape}"
    if array.shape != expected.shape:
        return f"tu resultado tiene forma {array.shape} y se esperaba {expected.shape}"
    wrong = ~np.isclose(array, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    shown = place[0] if len(place) == 1 else place
    return _number_difference(
        expected[place].item(), array[place].item(), tolerance, reveal, f"en la posición {shown} "
    )


def _list_difference(expected: list, got, tolerance: float, reveal: bool) -> str | None:
    if not isinstance(got, list) and not (isinstance(got, np.ndarray) and got.ndim):
        return f"tu valor es {short(got)} y se esperaba una lista de {_counted(len(expected))}"
    if len(got) != len(expected):  # antes de recorrerlo: un arreglo sin columnas puede decir mil millones
        verb = "esperaba" if len(expected) == 1 else "esperaban"
        return f"tu lista tiene {_counted(len(got))} y se {verb} {len(expected)}"
    for position, (want, have) in enumerate(zip(expected, got)):
        if difference := first_difference(want, have, tolerance, reveal):
            return f"en el elemento {position}, {difference}"
    return None


def _counted(number: int) -> str:
    return f"{number} elemento" + ("" if number == 1 else "s")


def _dict_difference(expected: dict, got, tolerance: float, reveal: bool) -> str | None:
    if not isinstance(got, dict):
        return f"tu valor es {short(got)} y se esperaba un diccionario"
    for key in expected:
        if key not in got:
            return f"falta la clave {short(key)}" if reveal else "falta una clave"
    for key in got:
        if key not in expected:
            return f"sobra la clave {short(key)}"
    for key, want in expected.items():
        if difference := first_difference(want, got[key], tolerance, reveal):
            return f"en la clave {short(key)}, {difference}"
    return None


def short(value, limit: int = 70) -> str:
    """Escribe un valor en una línea breve: números con cuatro cifras, arreglos por su forma."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if hasattr(value, "shape") and hasattr(value, "dtype") and len(value.shape):
        return f"un arreglo de forma {tuple(value.shape)}"
    text = " ".join(_beginning(value, 20 * limit).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _beginning(value, length: int) -> str:
    """El principio de `repr(value)`: escribir entero un valor ajeno costaría cien veces lo que leerlo."""
    text = ""
    for piece in _pieces(value):
        text += piece
        if len(text) > length:
            break
    return text


def _pieces(value) -> Iterator[str]:
    brackets = {list: "[]", dict: "{}", tuple: "()"}.get(type(value))
    if not brackets:
        yield repr(value)
        return
    yield brackets[0]
    for number, item in enumerate(value):
        yield ", " if number else ""
        yield from _pieces(item)
        if type(value) is dict:
            yield ": "
            yield from _pieces(value[item])
    yield "," + brackets[1] if brackets == "()" and len(value) == 1 else brackets[1]


def to_code(value) -> str:
    """Escribe un valor como código que lo vuelve a crear, con los arreglos enteros."""
    if isinstance(value, (list, tuple)):
        items = ", ".join(map(to_code, value))
        brackets = "[]" if isinstance(value, list) else "()"
        return brackets[0] + items + ("," if brackets == "()" and len(value) == 1 else "") + brackets[1]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_code(k)}: {to_code(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.generic):
        return to_code(value.item())
    tensor = hasattr(value, "detach")
    if not tensor and not isinstance(value, np.ndarray):
        return repr(value)
    array = value.detach().cpu().numpy() if tensor else value
    usual = "float32" if tensor else "float64"
    if array.dtype.kind == "f":  # con las cifras justas: 0.1 y no 0.10000000149
        numbers = array.astype(str).astype(float).tolist()
    else:
        numbers = array.tolist()
    library, make = ("torch", "torch.tensor") if tensor else ("np", "np.array")
    name = array.dtype.name
    dtype = "" if array.size and name in (usual, "int64", "bool") else f", dtype={library}.{name}"
    return f"{make}({numbers!r}{dtype})"
