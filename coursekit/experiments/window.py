"""El Quijote letra a letra con una ventana fija: contar, podar lo contado y una red de una capa."""

import math
import time

import numpy as np
import torch
import torch.nn.functional as F

from coursekit import data
from coursekit.experiments.runner import Experiment, Run
from coursekit.ngrams import KneserNey
from coursekit.ngrams.counts import count_ngrams
from coursekit.recurrent import WindowModel, contexts
from coursekit.text import build_vocab_from_iterator, letters
from coursekit.training import fit, seed_everything

BLOCK = 2_000  # letras de cada trozo de la prueba
NUM_DIMS, NUM_EPOCHS = 16, 6
SHORT_LETTERS = 100_000  # la carrera corta de una red: una época de estas letras


def quijote():
    """Vocabulario y los tres conjuntos: ocho décimos, el noveno y el último."""
    symbols = letters(data.load("quijote").text)
    tenth = len(symbols) // 10
    parts = symbols[: -2 * tenth], symbols[-2 * tenth : -tenth], symbols[-tenth:]
    vocab = build_vocab_from_iterator(parts[:1], specials=["<unk>"])
    vocab.set_default_index(vocab["<unk>"])
    return vocab, *(torch.tensor(vocab(part)) for part in parts)


def measure(run: Run, short: bool = False) -> dict:
    """Entrena un modelo y mide sus bits por letra en la validación y, por trozos, en la prueba."""
    torch.set_num_threads(1)
    vocab, train_ids, valid_ids, test_ids = quijote()
    start, figures = time.process_time(), {}
    if "order" in run.settings:
        model, numbers = count(train_ids.numpy(), len(vocab), **run.settings)
    else:
        train_ids = train_ids[:SHORT_LETTERS] if short else train_ids
        model, figures = train_network(
            train_ids, valid_ids, len(vocab), run.seed, 1 if short else NUM_EPOCHS, **run.settings
        )
        numbers = sum(p.numel() for p in model.parameters())
    costs = -np.asarray(model.log_probs(test_ids[None]), dtype=float)[0] / math.log(2)
    blocks = np.array_split(costs, round(len(costs) / BLOCK))
    return {
        "valid_bits": bits(model, valid_ids),
        "test_block_bits": [round(float(block.mean()), 6) for block in blocks],
        "numbers": numbers,
        "total_cpu_seconds": round(time.process_time() - start, 1),
        **figures,
    }


def bits(model, ids) -> float:
    """Bits por letra de un texto, con lo que haya a la vista."""
    return -float(np.asarray(model.log_probs(ids[None]), dtype=float).mean()) / math.log(2)


def count(ids, vocab_size: int, *, order: int, least: int) -> tuple[KneserNey, int]:
    """Un Kneser-Ney sin los n-gramas vistos menos de `least` veces, y cuántos quedan.

    Lo que se podaba pasa a la historia más corta: las probabilidades siguen sumando 1. Con ellos se
    van los que los alargan, que se vieron aún menos.
    """
    model, numbers = KneserNey(order, vocab_size).fit(ids), 0
    for k, level in enumerate(count_ngrams(ids, order, vocab_size)):
        kept = level.counts >= least
        codes, *weights = model.levels[k]
        for alpha, gamma in weights:
            gamma[:-1] += np.bincount(
                level.histories, alpha[:-1] * ~kept, minlength=level.num_histories
            )
            alpha[:-1] *= kept
        numbers += int(kept.sum())
    return model, numbers


def train_network(
    ids, valid_ids, vocab_size, seed, num_epochs, *, window, num_hiddens, lr, batch_size
):  # fmt: skip
    """Una red de ventana, con Adam y una tasa que baja en línea recta hasta cero."""
    generator = seed_everything(seed)
    model = WindowModel(vocab_size, window, NUM_DIMS, num_hiddens)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    X, Y = contexts(ids, window)
    num_steps = num_epochs * math.ceil(len(X) / batch_size)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, num_steps)

    def epoch(model, batches, optimizer, clip):
        total = 0.0
        for batch in batches:
            loss = F.cross_entropy(model(X[batch]), Y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
            total += loss.item() * len(batch)
        return total / len(X)

    history = fit(
        model, lambda: torch.randperm(len(X), generator=generator).split(batch_size), optimizer,
        num_epochs=num_epochs, run_epoch=epoch, validate=lambda: bits(model, valid_ids),
        progress=False,
    )  # fmt: skip
    return model, {"epoch_valid_bits": history.validation}


COMMON = {"lr": 0.003, "batch_size": 512}
EXPERIMENT = Experiment(
    name="ventana",
    title="El Quijote con una ventana fija: bits por letra y números guardados, contando y con una red",
    data=("quijote",),
    runs=(
        *(Run(f"contar, orden {order}", {"order": order, "least": 1}, 0) for order in range(1, 8)),
        *(
            Run(f"contar, orden 6, {least} veces o más", {"order": 6, "least": least}, 0)
            for least in (2, 8, 32, 64, 128)
        ),
        *(
            Run(f"red, ventana {window}, {hiddens}",
                {"window": window, "num_hiddens": hiddens, **COMMON}, seed)
            for window, hiddens in (
                (1, 128), (2, 128), (3, 128), (5, 128), (8, 128), (8, 512))
            for seed in range(3)
        ),
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
