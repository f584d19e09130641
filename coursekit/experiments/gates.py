"""Recordar un signo con más números, otra tasa u otro sesgo de olvido: lo que «memoria» no cambia."""

import time

import torch
from torch import nn

from coursekit.experiments.memory import ENOUGH, IN_A_ROW, SIGNS, closes, sentences
from coursekit.experiments.runner import Experiment, Run
from coursekit.recurrent import LanguageModel
from coursekit.training import seed_everything, train_epoch

NUM_EPOCHS, SHORT_EPOCHS, EVERY = 150, 2, 5


def measure(run: Run, short: bool = False) -> dict:
    """Entrena una red con las frases de «memoria» y dice cuándo cerró bien diez épocas seguidas.

    Las frases, los pesos iniciales y los lotes de una semilla son los mismos que allí.
    """
    torch.set_num_threads(1)
    settings, generator = dict(run.settings), seed_everything(run.seed)
    train, test = (sentences(count, settings["length"], generator) for count in (2000, 1000))
    num_hiddens = settings["num_hiddens"]
    rnn = getattr(nn, settings["cell"])(len(SIGNS), num_hiddens)
    if settings["cell"] == "LSTM":
        with torch.no_grad():  # PyTorch suma dos sesgos; las columnas van I, F, G, O
            forget = slice(num_hiddens, 2 * num_hiddens)
            rnn.bias_ih_l0[forget], rnn.bias_hh_l0[forget] = settings["forget"], 0
    model = LanguageModel(rnn, len(SIGNS))
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"])
    accuracy, streak, start = [closes(model, test)], 0, time.process_time()
    for epoch in range(1, (SHORT_EPOCHS if short else NUM_EPOCHS) + 1):
        cuts = torch.randperm(len(train), generator=generator).split(100)
        train_epoch(model, ((train[rows, :-1], train[rows, 1:]) for rows in cuts), optimizer)
        value = closes(model, test)
        streak = streak + 1 if value >= ENOUGH else 0
        if epoch % EVERY == 0 or short or streak == IN_A_ROW:
            accuracy.append(value)
        if streak == IN_A_ROW:
            break
    first = {"first_epoch": epoch - IN_A_ROW + 1} if streak == IN_A_ROW else {}
    return first | {
        "accuracy": accuracy,
        "epochs": epoch,
        "train_cpu_seconds": round(time.process_time() - start, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


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
