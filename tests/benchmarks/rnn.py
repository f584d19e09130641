"""Segundos por época de las redes a mano y de las de torch.nn, intercaladas lote a lote.

    python tests/benchmarks/rnn.py [segundos]

Una época son 20 lotes con 34 símbolos: propagación, retropropagación, recorte y paso de Adadelta.
Cada lote de una red se mide justo al lado del mismo lote de la otra, para que la carga de la
máquina toque a las dos por igual. Con un hilo se cuentan segundos de CPU, que no dependen de quién
más la use; con dos, segundos de reloj. Las razones son nuestra red entre la de torch.nn: de los
mejores lotes, de las medianas, y la mediana de las razones lote a lote («por pares»). Cada pareja
se mide durante los segundos dichos (20, si no se dicen).
"""

import statistics
import sys
import time
from itertools import product

import torch
from torch import nn

from coursekit.recurrent import GRUScratch, LanguageModel, LSTMScratch, RNNScratch
from coursekit.training import train_epoch

VOCAB_SIZE, EPOCH, WARM_UP = 34, 20, 2
SHAPES = [(1024, 32, 32), (64, 64, 256)]  # lote, pasos, unidades ocultas
PAIRS = [(RNNScratch, nn.RNN), (LSTMScratch, nn.LSTM), (GRUScratch, nn.GRU)]


def times_per_epoch(pair, shape, clock, budget: float) -> list[list[float]]:
    """Lo que duraría una época de cada red al ritmo de cada lote medido."""
    batch_size, num_steps, num_hiddens = shape
    ids = torch.randint(VOCAB_SIZE, (batch_size, num_steps + 1))
    batches = [(ids[:, :-1], ids[:, 1:])]
    models = [LanguageModel(kind(VOCAB_SIZE, num_hiddens), VOCAB_SIZE) for kind in pair]
    optimizers = [torch.optim.Adadelta(model.parameters(), lr=1) for model in models]
    seconds = [[], []]
    stop = time.perf_counter() + budget
    while time.perf_counter() < stop or len(seconds[1]) < WARM_UP + 3:
        for model, optimizer, measured in zip(models, optimizers, seconds):
            start = clock()
            train_epoch(model, batches, optimizer)
            measured.append(EPOCH * (clock() - start))
    return [measured[WARM_UP:] for measured in seconds]


def main(budget: float) -> None:
    print(f"{'lote × pasos × ocultas':>22} {'hilos':>5} {'red':<11} {'mejor, s':>8} "
          f"{'torch.nn':>8} {'mejores':>7} {'medianas':>8} "
          f"{'por pares':>9} {'lotes':>5}")  # fmt: skip
    for shape, num_threads, pair in product(SHAPES, (1, 2), PAIRS):
        torch.set_num_threads(num_threads)
        clock = time.process_time if num_threads == 1 else time.perf_counter
        ours, theirs = times_per_epoch(pair, shape, clock, budget)
        best, median = (figure(ours) / figure(theirs) for figure in (min, statistics.median))
        paired = statistics.median(a / b for a, b in zip(ours, theirs))
        print(f"{' × '.join(map(str, shape)):>22} {num_threads:>5} {pair[0].__name__:<11} "
              f"{min(ours):>8.2f} {min(theirs):>8.2f} {best:>7.2f} {median:>8.2f} "
              f"{paired:>9.2f} {len(ours):>5}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
