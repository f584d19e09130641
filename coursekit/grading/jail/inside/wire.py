"""El cable entre la cárcel y el juez: tramas de JSON con valores sencillos, nunca objetos.

Todo lo que llega por él se tiene por hostil: hay límites de largo, de elementos y de tipos, y los
tipos se comprueban exactos. Un arreglo cruza como tipo, forma y bytes; solo si es de números.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
import sys

import numpy as np

# Lo que puede pasarle a una entrega o a una pregunta; `OK` es que hay respuesta.
OK, TIMEOUT, CRASH, MISSING = "ok", "tiempo agotado", "caída", "falta"

MAX_BYTES = 8 << 20
MAX_ITEMS = 200_000
MAX_PIECES = 6 * MAX_ITEMS
MAX_KEYS = 10_000  # y lo que hay dentro de ellas
_DTYPES = {np.dtype(name).str for name in "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split()}


class WireError(ValueError):
    """Lo que llegó, o lo que se quiere mandar, no es un valor sencillo o pasa de los límites."""


def encode(value):
    """Convierte un valor sencillo en algo que JSON sabe escribir.

    Raises:
        WireError: si el valor, o algo dentro de él, es de otro tipo.
    """
    kind = type(value)
    if value is None or kind in (bool, str, int, float):
        return value
    if kind is list:
        return [encode(item) for item in value]
    if kind is tuple:
        return {"tuple": [encode(item) for item in value]}
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind is np.ndarray:
        return _encode_array("array", value)
    if "torch" in sys.modules and kind is sys.modules["torch"].Tensor:
        return _encode_array("tensor", value.detach().cpu().numpy())
    raise WireError(f"un objeto de tipo {kind.__name__} no cruza el cable")


def _encode_array(tag: str, array: np.ndarray) -> dict:
    array = np.asarray(array, order="C")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(float)
    if array.dtype.str not in _DTYPES:
        raise WireError(f"un arreglo de tipo {array.dtype} no cruza el cable")
    data = base64.b64encode(array.tobytes()).decode()
    return {tag: [array.dtype.str, list(array.shape), data]}


def decode(data, tensors: bool = False):
    """Reconstruye un valor a partir de lo leído por JSON.

    Args:
        data: lo que devuelve `json.loads`.
        tensors: si se admiten tensores de torch; el juez nunca los espera.

    Raises:
        WireError: si algo no tiene la forma que escribe `encode`.
    """
    try:
        return _Decoder(tensors).value(data)
    except (TypeError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise WireError(f"valor mal escrito ({type(error).__name__})") from None


class _Decoder:
    def __init__(self, tensors: bool):
        self.tensors = tensors
        self.items = self.keys = self.places = 0

    def value(self, data):
        self.items += 1
        if self.items > MAX_ITEMS:
            raise WireError("demasiados elementos")
        kind = type(data)
        if data is None or kind in (bool, str, int, float):
            return data
        if kind is list:
            return [self.value(item) for item in data]
        if kind is dict and len(data) == 1:
            ((tag, content),) = data.items()
            if type(content) is list:
                if tag == "tuple":
                    return tuple(self.value(item) for item in content)
                if tag == "dict":
                    return self._dict(content)
                if tag == "array" or (tag == "tensor" and self.tensors):
                    return self._array(tag, *content)
        raise WireError("etiqueta desconocida")

    def _dict(self, pairs: list) -> dict:
        # Claves elegidas para chocar en la tabla harían cuadrático un diccionario enorme; si son
        # tuplas, cada choque cuesta además lo que miden.
        before = self.items
        keys = [self.value(key) for key, _ in pairs]
        self.keys += self.items - before
        if self.keys > MAX_KEYS:
            raise WireError("demasiadas claves")
        return dict(zip(keys, (self.value(item) for _, item in pairs)))

    def _array(self, tag: str, dtype, shape, data):
        if dtype not in _DTYPES or type(shape) is not list or type(data) is not str:
            raise WireError("arreglo mal escrito")
        if len(shape) > 32 or any(type(n) is not int or not 0 <= n < 2**40 for n in shape):
            raise WireError("forma imposible")
        try:
            raw = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise WireError("bytes mal escritos") from None
        if len(raw) != math.prod(shape) * np.dtype(dtype).itemsize:
            raise WireError("los bytes no llenan la forma")
        # Sin ningún elemento se puede decir cualquier forma, y recorrer sus filas no tendría fin.
        self.places += math.prod(max(n, 1) for n in shape)
        if self.places > MAX_BYTES:
            raise WireError("forma imposible")
        array = np.frombuffer(raw, dtype).reshape(shape).copy()
        if dtype == "|b1":
            # Un byte que no es 0 ni 1 no es un booleano de NumPy.
            array = np.asarray(array.view("u1") != 0)
        if tag == "array":
            return array
        import torch

        return torch.from_numpy(array)


def dumps(data, limit: int = MAX_BYTES) -> bytes:
    """Escribe JSON ya codificado.

    Raises:
        WireError: si pasa del límite de bytes.
    """
    text = json.dumps(data).encode()
    if len(text) > limit:
        raise WireError(f"ocupa {len(text)} bytes y el límite es {limit}")
    return text


def loads(text: bytes):
    """Lee JSON de quien sea.

    Raises:
        WireError: si no es JSON, anida demasiado o tiene más piezas de las que caben.
    """
    # Antes de leerlo: de cada dos bytes, como «[]», el lector de JSON hace un objeto de sesenta.
    if sum(map(text.count, (b"[", b"{", b","))) > MAX_PIECES:
        raise WireError("demasiados elementos")
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise WireError(f"no es JSON ({type(error).__name__})") from None


def frame(text: bytes) -> bytes:
    """Antepone a un mensaje su largo, en cuatro bytes."""
    return struct.pack(">I", len(text)) + text


def take_frame(buffer: bytearray) -> bytes | None:
    """Saca de `buffer` el primer mensaje completo; `None` si aún no está entero.

    Raises:
        WireError: si anuncia más de lo que se admite.
    """
    if len(buffer) < 4:
        return None
    (length,) = struct.unpack_from(">I", buffer)
    if length > MAX_BYTES + 1024:
        raise WireError("mensaje demasiado largo")
    if len(buffer) < 4 + length:
        return None
    message = bytes(buffer[4 : 4 + length])
    del buffer[: 4 + length]
    return message
