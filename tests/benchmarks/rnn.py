"""Segundos por época de RNNScratch y de torch.nn.RNN, intercaladas lote a lote.

    python tests/benchmarks/rnn.py [lotes]

Una época son 20 lotes de 1024 ventanas de 32 pasos, con 34 símbolos y 32 unidades ocultas:
propagación, retropropagación, recorte y paso de Adadelta. Cada lote de una red se mide justo al
lado del mismo lote de la otra, para que la carga de la máquina toque a las dos por igual.
"""

import statistics
import sys
import time

import torch
from torch import nn

from coursekit.recurrent import LanguageModel, RNNScratch
from coursekit.training import train_epoch

VOCAB_SIZE, NUM_HIDDENS, BATCH_SIZE, NUM_STEPS, EPOCH = 34, 32, 1024, 32, 20


def times_per_epoch(num_batches: int) -> list[list[float]]:
    """Lo que duraría una época de cada red al ritmo de cada lote medido."""
    ids = torch.randint(VOCAB_SIZE, (BATCH_SIZE, NUM_STEPS + 1))
    batches = [(ids[:, :-1], ids[:, 1:])]
    models = [LanguageModel(k(VOCAB_SIZE, NUM_HIDDENS), VOCAB_SIZE) for k in (RNNScratch, nn.RNN)]
    optimizers = [torch.optim.Adadelta(model.parameters(), lr=1) for model in models]
    seconds = [[], []]
    for turn in range(num_batches + 3):
        for model, optimizer, measured in zip(models, optimizers, seconds):
            start = time.perf_counter()
            train_epoch(model, batches, optimizer)
            if turn >= 3:  # los primeros lotes son de calentamiento
                measured.append(EPOCH * (time.perf_counter() - start))
    return seconds


def main(num_batches: int) -> None:
    print(f"{'hilos':>5} {'':>8} {'RNNScratch':>11} {'nn.RNN':>8} {'nn.RNN/RNNScratch':>18}")
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        ours, theirs = times_per_epoch(num_batches)
        for name, figure in (("mejor", min), ("mediana", statistics.median)):
            a, b = figure(ours), figure(theirs)
            print(f"{num_threads:>5} {name:>8} {a:>11.3f} {b:>8.3f} {b / a:>18.2f}")
        paired = statistics.median(b / a for a, b in zip(ours, theirs))
        print(f"{num_threads:>5} {'por pares':>29} {paired:>18.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
