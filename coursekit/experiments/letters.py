"""El Quijote letra por letra: hasta dónde llega una red con un tiempo de CPU dado."""

import math
import time
from collections.abc import Iterator
from itertools import islice, product

import numpy as np
import torch
from torch import nn

from coursekit import data
from coursekit.experiments.runner import Experiment, Run
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.recurrent import LanguageModel
from coursekit.text import build_vocab_from_iterator, letters, streams
from coursekit.training import (
    fit,
    perplexity,
    perplexity_by_stream,
    perplexity_by_window,
    seed_everything,
)

WINDOW = 32  # letras de las ventanas que se leen sin memoria
WARM_UP = 2**18  # letras en que la tasa sube hasta su valor
NUM_MARKS = 20  # puntos de la curva
GLANCE = 20_000  # letras reservadas con que se traza la curva
BLOCK = 2_000  # letras seguidas cuya sorpresa se guarda junta, para comparar modelos por pares
SHORT_MARKS, SHORT_PART = 2, 10  # la carrera corta: puntos de la curva, y cuánto se acercan
NGRAMS = {"Witten-Bell": WittenBell, "Kneser-Ney": KneserNey}


def quijote(held_out: str):
    """Vocabulario, letras para entrenar y letras reservadas.

    Para `"prueba"` se reserva el último décimo del libro y se entrena con lo anterior. Los ajustes
    se eligieron con `"validación"`, que reserva el penúltimo y ni mira el último.
    """
    symbols = letters(data.load("quijote").text)
    vocab = build_vocab_from_iterator([symbols])
    ids = torch.tensor(vocab(symbols))
    tenth = len(ids) // 10
    start = len(ids) - (tenth if held_out == "prueba" else 2 * tenth)
    return vocab, ids[:start], ids[start : start + tenth]


def measure(run: Run, short: bool = False) -> dict:
    """Entrena un modelo y mide su perplejidad sobre lo reservado, de corrido y por ventanas.

    En la carrera corta una red solo hace sus primeros pasos y se mide sobre menos letras; los
    n-gramas, que cuestan poco, se repiten enteros.
    """
    torch.set_num_threads(1)
    settings = dict(run.settings)
    vocab, train_ids, held_out_ids = quijote(settings.pop("held_out"))
    if "order" in settings:
        start = time.process_time()
        kind = NGRAMS[settings["smoothing"]]
        model = kind(settings["order"], len(vocab)).fit(train_ids.numpy())
        seconds = time.process_time() - start
        figures = {"symbols": len(train_ids), "train_cpu_seconds": round(seconds, 1)}
    else:
        glance = held_out_ids[:GLANCE]
        held_out_ids = glance if short else held_out_ids
        train = train_on_windows if settings.pop("windows", False) else train_network
        model, figures = train(train_ids, glance, len(vocab), run.seed, short=short, **settings)
    log_probs = np.asarray(model.log_probs(held_out_ids[None]), dtype=np.float64)[0]
    figures = {
        "perplexity_by_stream": perplexity(log_probs),
        "perplexity_by_window": perplexity_by_window(model, held_out_ids, WINDOW),
        **figures,
    }
    if not short:
        figures["nats_by_block"] = by_block(log_probs)
    return figures


def by_block(log_probs: np.ndarray) -> list[float]:
    """Nats por letra de cada trozo del texto."""
    blocks = np.array_split(log_probs, max(1, len(log_probs) // BLOCK))
    return [round(-float(block.mean()), 5) for block in blocks]


def train_network(
    ids, glance, vocab_size, seed, *, cell, num_hiddens, lr, num_symbols, num_streams=32,
    num_steps=64, num_layers=1, dropout=0.0, short=False,
):  # fmt: skip
    """Una red que lee el libro por tramos paralelos con el estado arrastrado.

    La tasa sube al comienzo y baja después como un coseno, según las letras ya leídas y no según
    el reloj: así la misma semilla da siempre la misma red. `glance` solo se mira para trazar la
    curva, y ese tiempo no se cuenta. Con `short`, se detiene tras los primeros pasos, que son los
    mismos.
    """
    seed_everything(seed)
    rnn = getattr(nn, cell)(vocab_size, num_hiddens, num_layers, dropout=dropout)
    # Con entradas one-hot, los pesos de entrada son los embeddings de las letras: al tamaño por
    # defecto (1/√num_hiddens) la red tarda en distinguirlas.
    nn.init.normal_(rnn.weight_ih_l0, std=0.5)
    model = LanguageModel(rnn, vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    num_marks, num_batches = NUM_MARKS, num_symbols // (num_streams * num_steps) // NUM_MARKS
    if short:
        num_marks, num_batches = SHORT_MARKS, max(1, num_batches // SHORT_PART)
    source, read, aside = endless_streams(ids, num_streams, num_steps), 0, 0.0
    start, seconds = time.process_time(), []

    def batches() -> Iterator:
        nonlocal read
        for X, Y in islice(source, num_batches):
            decay = (1 + math.cos(math.pi * read / num_symbols)) / 2
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1, read / WARM_UP) * decay
            yield X, Y
            read += X.numel()

    def look() -> float:
        nonlocal aside
        before = time.process_time()
        seconds.append(round(before - start - aside, 1))
        value = perplexity_by_stream(model, glance)
        aside += time.process_time() - before
        return value

    history = fit(
        model, batches, optimizer, num_epochs=num_marks, carry_state=True, validate=look
    )
    return model, {
        "train_cpu_seconds": seconds[-1],
        "symbols": read,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve_cpu_seconds": seconds,
        "curve_train_perplexity": [math.exp(loss) for loss in history.loss],
        "curve_held_out_perplexity": history.validation,
    }


def train_on_windows(
    ids, glance, vocab_size, seed, *, cell, num_hiddens, num_steps, batch_size, num_windows, num_epochs,
    short=False,
):  # fmt: skip
    """Una red que lee ventanas sueltas, cortadas a partir de cada letra, con Adadelta y recorte 1.

    Son los ajustes del cuaderno de clase con que empezó este curso, para compararlo.
    """
    generator = seed_everything(seed)
    model = LanguageModel(getattr(nn, cell)(vocab_size, num_hiddens), vocab_size)
    optimizer = torch.optim.Adadelta(model.parameters())
    cuts = ids[: num_windows + num_steps].unfold(0, num_steps + 1, 1)

    def batches() -> Iterator:
        for rows in torch.randperm(len(cuts), generator=generator).split(batch_size):
            yield cuts[rows, :-1], cuts[rows, 1:]

    start = time.process_time()
    history = fit(model, batches, optimizer, num_epochs=SHORT_MARKS if short else num_epochs)
    return model, {
        "train_cpu_seconds": round(time.process_time() - start, 1),
        "symbols": len(history.loss) * len(cuts) * num_steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "curve_train_perplexity": [math.exp(loss) for loss in history.loss],
        "glance_perplexity": perplexity_by_stream(model, glance),
    }


def endless_streams(ids, num_streams: int, num_steps: int) -> Iterator:
    """Los lotes de `streams`, una vuelta al libro tras otra."""
    while True:
        yield from streams(ids, num_streams, num_steps)


EXPERIMENT = Experiment(
    name="letras",
    title="El Quijote letra por letra: perplejidad y segundos de CPU",
    data=("quijote",),
    runs=(
        *(
            Run(f"{kind}, orden {order}", {"held_out": "prueba", "smoothing": kind, "order": order}, 0)
            for kind, order in product(NGRAMS, (4, 6, 7, 12))
        ),
        *(
            Run("RNN, ajustes de clase",
                {"held_out": "prueba", "windows": True, "cell": "RNN", "num_hiddens": 32, "num_steps": 32,
                 "batch_size": 1024, "num_windows": 20_480, "num_epochs": 100}, seed)
            for seed in range(3)
        ),
        *(
            Run("RNN, 5 min",
                {"held_out": "prueba", "cell": "RNN", "num_hiddens": 256, "lr": 0.012,
                 "num_symbols": 24_000_000}, seed)
            for seed in range(3)
        ),
        *(
            Run(f"LSTM, {minutes} min", {"held_out": "prueba", "cell": "LSTM", **settings}, seed)
            for minutes, settings in {
                1: {"num_hiddens": 192, "lr": 0.012, "num_symbols": 3_600_000},
                5: {"num_hiddens": 256, "lr": 0.01, "num_symbols": 12_000_000},
                10: {"num_hiddens": 256, "lr": 0.006, "num_symbols": 10_000_000,
                     "num_layers": 2, "dropout": 0.2},
            }.items()
            for seed in range(3)
        ),
        Run(
            "LSTM, sin límite",
            {"held_out": "prueba", "cell": "LSTM", "num_hiddens": 384, "lr": 0.004,
             "num_symbols": 13_000_000, "num_layers": 2, "dropout": 0.3},
            0,
        ),
        Run(
            "LSTM, sin límite, el doble de letras",
            {"held_out": "prueba", "cell": "LSTM", "num_hiddens": 384, "lr": 0.004,
             "num_symbols": 26_000_000, "num_layers": 2, "dropout": 0.4},
            0,
        ),
    ),
    measure=measure,
    module=__name__,
)
