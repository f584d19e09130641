"""Leer textos de largos distintos sin empaquetarlos: milisegundos por paso de entrenamiento.

Un paso es propagar y retropropagar una capa de ida y vuelta sobre un lote de 64 textos de largos
parecidos (entre 0.9 T y T). La nuestra lee la vuelta de cada fila según su largo y da lo mismo que
`pack_padded_sequence`.

Por qué empaquetar es lento: al retropropagar, cada paso llena de ceros un tensor del tamaño del
lote entero (la derivada de `narrow`), y el trabajo crece con T². Si además ese tensor pasa de
32 MiB (una GRU de 256 desde T = 171), glibc lo pide y lo devuelve al sistema en cada paso: con
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=4000000000 en el entorno, ese último salto desaparece.
"""

from collections.abc import Iterator
from itertools import product

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from coursekit.recurrent import Bidirectional, read_padded

from .measuring import Row, by_turns

BATCH_SIZE, NUM_INPUTS, SECONDS = 64, 100, 4


def rows() -> Iterator[Row]:
    torch.set_num_threads(1)
    for kind, num_hiddens, num_steps in product((nn.GRU, nn.LSTM), (64, 256), (64, 256)):
        seconds = by_turns(ways(kind, num_hiddens, num_steps), 1, SECONDS)
        what = f"{kind.__name__} de ida y vuelta, {num_steps} × {num_hiddens}: ms por paso"
        ours, packed = 1e3 * seconds["ours"], 1e3 * seconds["packed"]
        yield Row(what, 1, ours, packed, "pack_padded_sequence", "≤ 1")


def ways(kind, num_hiddens: int, num_steps: int) -> dict:
    """Las dos maneras de dar un paso, como funciones sin argumentos."""
    X = torch.randn(num_steps, BATCH_SIZE, NUM_INPUTS, requires_grad=True)
    lengths = torch.linspace(num_steps, 0.9 * num_steps, BATCH_SIZE).long()
    theirs = kind(NUM_INPUTS, num_hiddens, bidirectional=True)
    ours = Bidirectional(kind(NUM_INPUTS, num_hiddens), kind(NUM_INPUTS, num_hiddens))

    def packed():
        output, _ = theirs(pack_padded_sequence(X, lengths))
        output.data.sum().backward()

    return {
        "ours": lambda: read_padded(ours, X, lengths).sum().backward(),
        "packed": packed,
    }
