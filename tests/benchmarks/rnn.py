"""Las redes escritas a mano y las de torch.nn: milisegundos por lote de entrenamiento.

Un lote es propagación, retropropagación, recorte y paso de Adadelta, con 34 símbolos; una época
son muchos iguales. Las nuestras están escritas para leerse: hasta 1.3 es el precio de que cada línea
sea su ecuación.
"""

from collections.abc import Iterator
from itertools import product

import torch
from torch import nn

from coursekit.recurrent import GRUScratch, LanguageModel, LSTMScratch, RNNScratch
from coursekit.training import train_epoch

from .measuring import Row, by_turns

VOCAB_SIZE, SECONDS = 34, 15
SHAPES = [(1024, 32, 32), (64, 64, 256)]  # lote, pasos, unidades ocultas
PAIRS = [(RNNScratch, nn.RNN), (LSTMScratch, nn.LSTM), (GRUScratch, nn.GRU)]


def rows() -> Iterator[Row]:
    for shape, num_threads, (ours, theirs) in product(SHAPES, (1, 2), PAIRS):
        torch.set_num_threads(num_threads)
        ways = {"ours": training(ours, *shape), "theirs": training(theirs, *shape)}
        seconds = by_turns(ways, num_threads, SECONDS)
        what = f"{ours.__name__}, {' × '.join(map(str, shape))}: ms por lote"
        yield Row(
            what, num_threads, 1e3 * seconds["ours"], 1e3 * seconds["theirs"],
            f"torch.nn.{theirs.__name__}", "≤ 1.3",
        )  # fmt: skip


def training(kind, batch_size: int, num_steps: int, num_hiddens: int):
    """El entrenamiento con un lote, como función sin argumentos."""
    ids = torch.randint(VOCAB_SIZE, (batch_size, num_steps + 1))
    model = LanguageModel(kind(VOCAB_SIZE, num_hiddens), VOCAB_SIZE)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1)
    return lambda: train_epoch(model, [(ids[:, :-1], ids[:, 1:])], optimizer)
