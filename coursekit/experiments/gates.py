"""Recordar un signo con más números, otra tasa u otro sesgo de olvido: lo que «memoria» no cambia."""

import torch

from coursekit.experiments.memory import train_on_signs
from coursekit.experiments.runner import Experiment, Run


def measure(run: Run, short: bool = False) -> dict:
    """Lo mismo que en «memoria», con otros ajustes; las semillas, las frases y los lotes son los de allí."""
    torch.set_num_threads(1)
    return train_on_signs(run, short, **run.settings)


# 34 unidades de una RNN guardan tantos números como 16 de una LSTM.
NETS = {
    "RNN de 34": {"cell": "RNN", "num_hiddens": 34, "lr": 0.01},
    "RNN de 34, tasa 0.003": {"cell": "RNN", "num_hiddens": 34, "lr": 0.003},
    "LSTM, sesgo 3": {"cell": "LSTM", "num_hiddens": 16, "lr": 0.01, "forget": 3},
    "LSTM, sesgo 1, tasa 0.003": {"cell": "LSTM", "num_hiddens": 16, "lr": 0.003, "forget": 1},
    "LSTM, sesgo 0, tasa 0.003": {"cell": "LSTM", "num_hiddens": 16, "lr": 0.003, "forget": 0},
}

EXPERIMENT = Experiment(
    name="compuertas",
    title="Recordar un signo: a igual número de parámetros, con otra tasa y con otro sesgo de olvido",
    data=(),
    runs=tuple(
        Run(f"{name}, ℓ = {length}", {"length": length, **settings}, seed)
        for length in (20, 40)
        for name, settings in NETS.items()
        for seed in range(3)
    ),
    measure=measure,
    module=__name__,
)
