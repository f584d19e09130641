"""Segundos por época de RNNScratch y de torch.nn.RNN, intercaladas en un mismo proceso.

    python tests/benchmarks/rnn.py [vueltas]

Una época son 20 lotes de 1024 ventanas de 32 pasos, con 34 símbolos y 32 unidades ocultas:
propagación, retropropagación, recorte y paso de Adadelta.
"""

import statistics
import sys
import time

import torch
from torch import nn

from coursekit.recurrent import LanguageModel, RNNScratch
from coursekit.training import train_epoch

VOCAB_SIZE, NUM_HIDDENS, BATCH_SIZE, NUM_STEPS, NUM_BATCHES = 34, 32, 1024, 32, 20


def main(rounds: int) -> None:
    ids = torch.randint(VOCAB_SIZE, (NUM_BATCHES, BATCH_SIZE, NUM_STEPS + 1))
    batches = [(windows[:, :-1], windows[:, 1:]) for windows in ids]
    print(f"{'hilos':>5} {'':>8} {'RNNScratch':>11} {'nn.RNN':>8} {'nn.RNN/RNNScratch':>18}")
    for num_threads in (1, 2):
        torch.set_num_threads(num_threads)
        seconds = {RNNScratch: [], nn.RNN: []}
        trained = []
        for kind in seconds:
            model = LanguageModel(kind(VOCAB_SIZE, NUM_HIDDENS), VOCAB_SIZE)
            optimizer = torch.optim.Adadelta(model.parameters(), lr=1)
            train_epoch(model, batches[:2], optimizer)  # calentamiento
            trained.append((kind, model, optimizer))
        for _ in range(rounds):
            for kind, model, optimizer in trained:
                start = time.perf_counter()
                train_epoch(model, batches, optimizer)
                seconds[kind].append(time.perf_counter() - start)
        for name, figure in (("mejor", min), ("mediana", statistics.median)):
            ours, theirs = (figure(times) for times in seconds.values())
            print(
                f"{num_threads:>5} {name:>8} {ours:>11.3f} {theirs:>8.3f} {theirs / ours:>18.2f}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
