"""Lo que cuesta empaquetar: segundos de CPU de un paso de entrenamiento, con un hilo.

    python tests/benchmarks/packing.py [segundos]

Un paso es propagar y retropropagar una capa de ida y vuelta sobre un lote de 64 textos de largos
parecidos (entre 0.9 T y T). Se intercalan tres maneras: `pack_padded_sequence`; la nuestra, que
lee la vuelta de cada fila según su largo y da lo mismo; y sin cuidado, que da otra cosa porque
su vuelta empieza por el relleno. Cada caso se mide durante los segundos dichos (4, si no se
dicen) y al menos una vez.

Por qué empaquetar es lento: al retropropagar, cada paso llena de ceros un tensor del tamaño del
lote entero (la derivada de `narrow`), y el trabajo crece con T². Si además ese tensor pasa de
32 MiB (una GRU de 256 desde T = 171), glibc lo pide y lo devuelve al sistema en cada paso: con
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=4000000000 en el entorno, ese último salto desaparece.
"""

import sys
import time
from itertools import product

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from coursekit.classification import RecurrentLayer

BATCH_SIZE, NUM_INPUTS = 64, 100


def ways(kind, num_steps: int, num_hiddens: int) -> dict:
    """Las tres maneras de dar un paso, como funciones sin argumentos."""
    X = torch.randn(BATCH_SIZE, num_steps, NUM_INPUTS, requires_grad=True)
    lengths = torch.linspace(num_steps, 0.9 * num_steps, BATCH_SIZE).long()
    theirs = kind(NUM_INPUTS, num_hiddens, bidirectional=True, batch_first=True)
    ours = RecurrentLayer(kind.__name__.lower(), NUM_INPUTS, num_hiddens, True)

    def packed():
        return theirs(pack_padded_sequence(X, lengths, batch_first=True))[0].data

    return {
        "packed": packed,
        "ours": lambda: torch.cat(ours(X, lengths), dim=2),
        "careless": lambda: theirs(X)[0],
    }


def best_seconds(steps: dict, budget: float) -> dict:
    """El menor tiempo de CPU de cada manera, intercaladas."""
    best = dict.fromkeys(steps, float("inf"))
    stop = time.perf_counter() + budget
    while True:
        for name, step in steps.items():
            start = time.process_time()
            step().sum().backward()
            best[name] = min(best[name], time.process_time() - start)
        if time.perf_counter() > stop:
            return best


def main(budget: float) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"{'red':<5} {'ocultas':>7} {'T':>4} {'empaquetada, s':>14} {'nuestra, s':>10} "
          f"{'razón':>6} {'sin cuidado, s':>14}")  # fmt: skip
    for kind, num_hiddens, num_steps in product((nn.GRU, nn.LSTM), (64, 256), (64, 128, 256)):
        best = best_seconds(ways(kind, num_steps, num_hiddens), budget)
        print(f"{kind.__name__:<5} {num_hiddens:>7} {num_steps:>4} {best['packed']:>14.3f} "
              f"{best['ours']:>10.3f} {best['packed'] / best['ours']:>6.1f} "
              f"{best['careless']:>14.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4)
