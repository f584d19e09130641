"""Atención: en cada paso, el decodificador elige qué mirar de todo lo leído."""

import math

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.language_model import check_ids
from coursekit.recurrent.padded import (
    OneHot,
    check_lengths,
    check_reader,
    check_writer,
    net_sizes,
    read_padded,
)
from coursekit.recurrent.states import parts


def masked_softmax(scores: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Softmax de (lote, consultas, pasos) sobre los pasos verdaderos de cada fila.

    La máscara va antes: -∞ da peso 0. Poner ceros después dejaría sumas menores que 1.
    """
    steps = torch.arange(scores.shape[2], device=scores.device)
    padding = steps >= lengths.to(scores.device)[:, None, None]
    return scores.masked_fill(padding, -math.inf).softmax(dim=2)


class DotAttention(nn.Module):
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
        size = keys.shape[-1]
        check_shapes(queries, keys, values, lengths, size, size)
        scores = queries @ keys.transpose(1, 2) / math.sqrt(size)
        weights = masked_softmax(scores, lengths)
        return weights @ values, weights


class AdditiveAttention(nn.Module):
    """Atención aditiva: puntúa cada paso con v · tanh(W_q q + W_k k).

    Args:
        query_size, key_size: tamaños de q y k, que aquí pueden ser distintos.
        num_hiddens: tamaño de la suma.

    Source: Bahdanau et al. (2015), «Neural Machine Translation by Jointly Learning…».
    """

    def __init__(self, query_size: int, key_size: int, num_hiddens: int):
        super().__init__()
        self.sizes = query_size, key_size
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.v = nn.Linear(num_hiddens, 1, bias=False)

    def forward(self, queries, keys, values, lengths):
        """Lo mismo que `DotAttention`, con queries (lote, consultas, query_size)."""
        check_shapes(queries, keys, values, lengths, *self.sizes)
        # Cada consulta con cada paso: (lote, consultas, 1, ·) + (lote, 1, pasos, ·).
        sums = self.W_q(queries)[:, :, None] + self.W_k(keys)[:, None]
        weights = masked_softmax(self.v(torch.tanh(sums)).squeeze(3), lengths)
        return weights @ values, weights


class AttentionEncoderDecoder(nn.Module):
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
        super().__init__()
        self.encoder, self.decoder, self.end = encoder, decoder, end
        self.attention = attention
        self.embedding = OneHot(vocab_size) if embedding is None else embedding
        check_reader(encoder, vocab_size, self.embedding)
        check_writer(decoder, self.embedding.embedding_dim, net_sizes(encoder)[1])
        check_attention(attention, net_sizes(decoder)[1], net_sizes(encoder)[1])
        self.output_layer = nn.Linear(net_sizes(decoder)[1], vocab_size)

    def encode(self, X, lengths):
        """X (lote, pasos) y sus largos -> las H (lote, pasos, ·), y los largos."""
        check_ids(X, self.output_layer.out_features)
        H = read_padded(self.encoder, self.embedding(X.T), lengths)
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
        check_ids(previous, self.output_layer.out_features)
        check_memory(memory, len(previous))
        keys, lengths = memory
        H = keys.new_zeros(1, len(keys), net_sizes(self.decoder)[1])
        H = H if state is None else parts(state)[0][-1:]  # la de la última capa
        outputs, weights = [], []
        for x in self.embedding(previous.T):
            mix, looked = self.attention(H.transpose(0, 1), keys, keys, lengths)
            inputs = torch.cat([x[None], mix.transpose(0, 1)], dim=2)
            H, state = self.decoder(inputs, state)
            outputs.append(self.output_layer(H[0]))
            weights.append(looked)
        return torch.stack(outputs, dim=1), torch.cat(weights, dim=1), state


def check_memory(memory, batch_size: int) -> None:
    """Comprueba que la memoria sea la que dio el codificador para este lote.

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


def check_attention(attention: nn.Module, query_size: int, key_size: int) -> None:
    """Comprueba que la atención pueda comparar las H de las dos redes.

    Raises:
        CourseError: si sus tamaños no casan.
    """
    if isinstance(attention, DotAttention) and query_size != key_size:
        raise CourseError(
            f"El producto escalar compara vectores iguales de largos, y las H miden "
            f"{query_size} en el decodificador y {key_size} en el codificador: iguala "
            "los tamaños o usa AdditiveAttention."
        )
    if getattr(attention, "sizes", (query_size, key_size)) != (query_size, key_size):
        raise CourseError(
            f"La atención se creó para consultas y claves de tamaños {attention.sizes} "
            f"y aquí son {query_size, key_size}: créala con estos."
        )


def check_shapes(queries, keys, values, lengths, query_size: int, key_size: int):
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
