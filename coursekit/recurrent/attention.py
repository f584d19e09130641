"""Atención: en cada paso, el decodificador elige qué mirar de todo lo leído."""

import math

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.base import SymbolWriter
from coursekit.recurrent.nets import output_size
from coursekit.recurrent.padded import read_padded
from coursekit.recurrent.states import parts
from coursekit.recurrent.validation import check_lengths


def masked_softmax(scores: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Softmax de (lote, consultas, pasos) sobre los pasos verdaderos de cada fila.

    La máscara va antes: -∞ da peso 0. Poner ceros después dejaría sumas menores que 1.
    """
    steps = torch.arange(scores.shape[2], device=scores.device)
    padding = steps >= lengths.to(scores.device)[:, None, None]
    return scores.masked_fill(padding, -math.inf).softmax(dim=2)


class Attention(nn.Module):
    """Una atención: comprueba lo que recibe, y quien hereda mezcla los valores.

    Args:
        query_size, key_size: tamaños de q y k; si no se dan, el que traigan las claves.
    """

    def __init__(self, query_size: int | None = None, key_size: int | None = None):
        super().__init__()
        self.query_size, self.key_size = query_size, key_size

    def __call__(self, queries, keys, values, lengths):
        query_size, key_size = self.query_size, self.key_size
        if query_size is None:
            query_size = key_size = keys.shape[-1]
        check_attended(queries, keys, values, lengths, query_size, key_size)
        return super().__call__(queries, keys, values, lengths)


class DotAttention(Attention):
    """Atención por producto escalar: pesos softmax(Q Kᵀ / √d), sin parámetros.

    Sin √d los productos crecen con d y la softmax se queda sin gradiente.

    Source: Vaswani et al. (2017), «Attention Is All You Need», ecuación 1.
    """

    def forward(self, queries, keys, values, lengths):
        """La mezcla (lote, consultas, ·) y los pesos (lote, consultas, pasos).

        queries (lote, consultas, d), keys (lote, pasos, d), values (lote, pasos, ·) y
        lengths (lote,), los pasos verdaderos de cada fila.

        Raises:
            CourseError: si las formas no casan o los largos no caben.
        """
        scores = queries @ keys.transpose(1, 2) / math.sqrt(keys.shape[2])
        weights = masked_softmax(scores, lengths)
        return weights @ values, weights


class AdditiveAttention(Attention):
    """Atención aditiva: puntúa cada paso con v · tanh(W_q q + W_k k).

    Args:
        query_size, key_size: tamaños de q y k, que aquí pueden ser distintos.
        num_hiddens: tamaño de la suma.

    Source: Bahdanau et al. (2015), «Neural Machine Translation by Jointly Learning…».
    """

    def __init__(self, query_size: int, key_size: int, num_hiddens: int):
        super().__init__(query_size, key_size)
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.v = nn.Linear(num_hiddens, 1, bias=False)

    def forward(self, queries, keys, values, lengths):
        """Lo mismo que `DotAttention`, con queries (lote, consultas, query_size)."""
        # Cada consulta con cada paso: (lote, consultas, 1, ·) + (lote, 1, pasos, ·).
        sums = self.W_q(queries)[:, :, None] + self.W_k(keys)[:, None]
        weights = masked_softmax(self.v(torch.tanh(sums)).squeeze(3), lengths)
        return weights @ values, weights


class AttentionEncoderDecoder(SymbolWriter):
    """Un codificador y decodificador sin cuello de botella: guarda todo lo leído.

    Args:
        encoder, decoder, vocab_size, end, embedding: como en `EncoderDecoder`.
        attention: la consulta es la H anterior del decodificador; las claves y los
            valores, las H del codificador. La mezcla ocupa el lugar del código.
    Raises:
        CourseError: si los tamaños de las redes y de la atención no casan.

    Source: Bahdanau et al. (2015), «Neural Machine Translation by Jointly Learning…».
    """

    def __init__(
        self, encoder, decoder, vocab_size, attention, end=0, embedding=None
    ):
        num_read = output_size(encoder)
        super().__init__(encoder, decoder, vocab_size, num_read, end, embedding)
        self.attention = between(attention, self.num_written, num_read)
        self.output_layer = nn.Linear(self.num_written, vocab_size)

    def encode(self, X, lengths):
        """X (lote, pasos) y sus largos -> las H (lote, pasos, ·), y los largos."""
        H = read_padded(self.encoder, self.vectors(X), lengths)
        return H.transpose(0, 1), lengths

    def decode(self, memory, previous, state=None):
        """Los logits de lo que sigue a cada símbolo de `previous` (lote, pasos)."""
        logits, _, state = self.look(memory, previous, state)
        return logits, state

    def forward(self, batch, state=None):
        """Lee X y escribe viendo la verdad: batch = (X, lengths, previous)."""
        X, lengths, previous = batch
        return self.decode(self.encode(X, lengths), previous, state)

    def look(self, memory, previous, state=None):
        """Como `decode`, y además los pesos (lote, pasos escritos, pasos leídos)."""
        inputs, (keys, lengths) = self.vectors(previous), opened(memory, len(previous))
        H = keys.new_zeros(1, len(keys), self.num_written)
        H = H if state is None else parts(state)[0][-1:]  # la de la última capa
        outputs, weights = [], []
        for x in inputs:
            mix, looked = self.attention(H.transpose(0, 1), keys, keys, lengths)
            H, state = self.decoder(torch.cat([x[None], mix.transpose(0, 1)], 2), state)
            outputs.append(self.output_layer(H[0]))
            weights.append(looked)
        return torch.stack(outputs, dim=1), torch.cat(weights, dim=1), state


def opened(memory, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Las H y los largos que dio el codificador, que son los de este lote.

    Raises:
        CourseError: si no es la pareja (H, lengths) o tiene otro número de filas.
    """
    if not isinstance(memory, tuple) or len(memory) != 2:
        raise CourseError(
            "Con atención se escribe desde la pareja (H, lengths) que da encode, y "
            f"llega un {type(memory).__name__}."
        )
    if len(memory[0]) != batch_size:
        raise CourseError(
            f"El codificador leyó {len(memory[0])} secuencias y se escriben "
            f"{batch_size}: tiene que ser el mismo lote."
        )
    return memory


def between(attention: Attention, query_size: int, key_size: int) -> Attention:
    """La atención, que puede comparar las H de las dos redes.

    Raises:
        CourseError: si sus tamaños no casan.
    """
    if isinstance(attention, DotAttention) and query_size != key_size:
        raise CourseError(
            f"El producto escalar compara vectores iguales de largos, y las H miden "
            f"{query_size} en el decodificador y {key_size} en el codificador: iguala "
            "los tamaños o usa AdditiveAttention."
        )
    expected = attention.query_size, attention.key_size
    if expected not in ((None, None), (query_size, key_size)):
        raise CourseError(
            f"La atención se creó para consultas y claves de tamaños {expected} "
            f"y aquí son {query_size, key_size}: créala con estos."
        )
    return attention


def check_attended(queries, keys, values, lengths, query_size: int, key_size: int):
    """Comprueba lo que recibe la atención.

    Raises:
        CourseError: si las formas no casan o los largos no caben.
    """
    shapes = [tuple(tensor.shape) for tensor in (queries, keys, values)]
    fit = [len(shape) == 3 for shape in shapes] == [True] * 3
    fit = fit and queries.shape[::2] == (len(keys), query_size)
    if not fit or keys.shape[2] != key_size or keys.shape[:2] != values.shape[:2]:
        raise CourseError(
            f"Consultas, claves y valores tienen formas {shapes}: deben ser (lote, "
            f"consultas, {query_size}), (lote, pasos, {key_size}) y (lote, pasos, ·)."
        )
    check_lengths(lengths, *keys.shape[:2])
