"""El Quijote letra a letra: contar y tres redes que guardan lo mismo, solos y mezclados."""

import time
from itertools import product

import numpy as np
import torch

from coursekit.experiments.letters import GLANCE, WINDOW, by_block, quijote, train_network
from coursekit.experiments.runner import Experiment, Run
from coursekit.experiments.window import count
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.ngrams.counts import count_ngrams

ORDER, SHORT_ORDER = 12, 6  # los órdenes de Kneser-Ney y de Witten-Bell, los mejores en validación
CURVE = 2_000  # letras con que una red traza su curva, que aquí no se guarda
TRIED = 50_000  # letras de la validación con que se elige una tasa
WEIGHTS = np.linspace(0, 1, 51)  # los λ que se prueban
COUNTS = "Kneser-Ney"
PAIRS = (("RNN", COUNTS), ("LSTM", COUNTS), ("GRU", COUNTS), ("GRU", "LSTM"), (COUNTS, "Witten-Bell"))


def measure(run: Run, short: bool = False) -> dict:
    """Una carrera: probar una tasa, podar lo contado, o entrenar y mezclar."""
    torch.set_num_threads(1)
    if "cells" in run.settings:
        return train_and_mix(run.settings["cells"], run.seed, short)
    if "at_most" in run.settings:
        return prune(run.settings["at_most"], short)
    vocab, ids, valid_ids = quijote("validación")
    model, paid = train_network(
        ids, valid_ids[:CURVE], len(vocab), run.seed, short=short, **run.settings
    )  # fmt: skip
    log_p = np.asarray(model.log_probs(valid_ids[None, : GLANCE if short else TRIED]))
    return {"valid_nats": -float(log_p.mean(dtype=np.float64)), **cost(paid)}


def train_and_mix(cells: dict, seed: int, short: bool) -> dict:
    """Cuenta y entrena cada red con ocho décimos, y otra vez con nueve; y mezcla por parejas.

    λ es el mejor en el noveno décimo con lo aprendido en ocho; el último décimo se mide una vez, con
    lo aprendido en nueve y ese λ.
    """
    figures, said = {}, []
    for held_out in ("validación", "prueba"):
        vocab, ids, held_out_ids = quijote(held_out)
        held_out_ids = held_out_ids[:GLANCE] if short else held_out_ids
        if not said:
            lengths = seen_letters(ids.numpy(), held_out_ids.numpy())
        models = {
            COUNTS: KneserNey(ORDER, len(vocab)).fit(ids.numpy()),
            "Witten-Bell": WittenBell(SHORT_ORDER, len(vocab)).fit(ids.numpy()),
        }
        for name, model in models.items():
            figures[f"{name}: numbers"] = sum(len(codes) - 1 for codes, *_ in model.levels)
        for name, settings in cells.items():
            models[name], paid = train_network(
                ids, held_out_ids[:CURVE], len(vocab), seed, short=short, **settings
            )
            figures |= {f"{name}: {key}": value for key, value in cost(paid).items()}
        said.append({name: read(model, held_out_ids) for name, model in models.items()})
    for first, second in PAIRS:
        if first in said[0] and second in said[0]:
            for way in ("stream", "cold"):
                curve = [-blend(said[0], first, second, way, w).mean() for w in WEIGHTS]
                weight = float(WEIGHTS[np.argmin(curve)])
                figures[f"{first} + {second}: weight {way}"] = weight
                figures[f"{first} + {second}: curve {way}"] = [round(float(nats), 5) for nats in curve]
                for part in said:
                    mixed = blend(part, first, second, way, weight)
                    part.setdefault(f"{first} + {second}", {})[way] = mixed
    for name, log_p in said[0].items():
        figures[f"{name}: by length"] = by_length(log_p["stream"], lengths)
        for way in ("stream", "cold"):
            figures[f"{name}: valid {way}"] = -float(log_p[way].mean())
            figures[f"{name}: test {way}"] = by_block(said[1][name][way])
    share = np.bincount(lengths, minlength=ORDER) / len(lengths)
    return figures | {"share by length": [round(float(part), 5) for part in share]}


def cost(paid: dict) -> dict:
    """De las cifras de `train_network`, lo que costó la red."""
    return {key: paid[key] for key in ("train_cpu_seconds", "symbols", "parameters")}


def read(model, ids) -> dict[str, np.ndarray]:
    """log p de cada letra de un texto, leído de corrido y en ventanas frías seguidas."""
    cold = ids.unfold(0, WINDOW + 1, WINDOW).split(512)
    return {
        "stream": np.asarray(model.log_probs(ids[None]), dtype=np.float64)[0],
        "cold": np.concatenate([np.ravel(model.log_probs(part)) for part in cold]).astype(np.float64),
    }


def blend(said: dict, first: str, second: str, way: str, weight: float) -> np.ndarray:
    """log de la mezcla: `weight` por la probabilidad de `first`, y el resto por la de `second`."""
    return np.log(weight * np.exp(said[first][way]) + (1 - weight) * np.exp(said[second][way]))


def seen_letters(train_ids: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Antes de cada letra de ids[1:], cuántas seguidas (hasta 11) salen tal cual en `train_ids`."""
    base, seen = max(train_ids.max(), ids.max()) + 1, np.zeros(len(ids) - 1, dtype=np.int64)
    for k in range(1, ORDER):
        powers = base ** np.arange(k)  # un número distinto por cada trozo de k letras
        known, wanted = (
            np.lib.stride_tricks.sliding_window_view(text, k) @ powers for text in (train_ids, ids[:-1])
        )
        seen[k - 1 :] += np.isin(wanted, known)  # un trozo visto contiene otro más corto visto
    return seen


def by_length(log_p: np.ndarray, lengths: np.ndarray) -> list[float]:
    """Nats por letra según `seen_letters`; 0 donde no hubo ninguna."""
    sums = np.bincount(lengths, weights=-log_p, minlength=ORDER)
    counts = np.bincount(lengths, minlength=ORDER)
    return [round(float(nats), 5) for nats in sums / np.maximum(counts, 1)]


def prune(at_most: int, short: bool) -> dict:
    """Kneser-Ney con, a lo sumo, `at_most` números: se quitan los n-gramas menos vistos.

    De cada orden, el menor tope que cabe; entre órdenes elige la validación.
    """
    vocab, ids, valid_ids = quijote("validación")
    valid_nats = {}
    for order in (5, 6) if short else range(4, 10):
        levels = count_ngrams(ids.numpy(), order, len(vocab))
        counts = np.sort(np.concatenate([level.counts for level in levels]))
        least = int(counts[-at_most - 1]) + 1 if len(counts) > at_most else 1
        model, _ = count(ids.numpy(), len(vocab), order=order, least=least)
        valid_nats[order, least] = -float(model.log_probs(valid_ids[None]).mean())
    order, least = min(valid_nats, key=valid_nats.get)
    vocab, ids, test_ids = quijote("prueba")
    start = time.process_time()
    model, numbers = count(ids.numpy(), len(vocab), order=order, least=least)
    seconds = time.process_time() - start
    test = {f"test {way}": by_block(log_p) for way, log_p in read(model, test_ids).items()}
    figures = {"order": order, "least": least, "numbers": numbers, "valid_nats": min(valid_nats.values())}
    return figures | test | {"train_cpu_seconds": round(seconds, 1)}


SIZES = {"RNN": 256, "LSTM": 124, "GRU": 145}  # unos 83 000 números cada una
LETTERS = {"RNN": 3_000_000, "LSTM": 5_300_000, "GRU": 2_300_000}  # en unos 25 segundos de CPU
TRIED_LETTERS = {"RNN": 1_600_000, "LSTM": 2_833_333, "GRU": 1_233_333}  # para elegir la tasa
TRIED_RATES = (0.003, 0.006, 0.012, 0.024, 0.048)
RATES = {"RNN": 0.012, "LSTM": 0.048, "GRU": 0.024}  # la mejor de las probadas


def settings(cell: str, lr: float, num_symbols: int) -> dict:
    """Los ajustes de una red."""
    return {"cell": cell, "num_hiddens": SIZES[cell], "lr": lr, "num_symbols": num_symbols}


EQUAL = {cell: settings(cell, RATES[cell], LETTERS[cell]) for cell in SIZES}
EQUAL["LSTM, las letras de la GRU"] = settings("LSTM", RATES["LSTM"], LETTERS["GRU"])
FIVE_MINUTES = {"cell": "LSTM", "num_hiddens": 256, "lr": 0.01, "num_symbols": 12_000_000}  # la de `letras`

EXPERIMENT = Experiment(
    name="mezcla",
    title="Contar, tres redes que guardan lo mismo y sus mezclas, con el Quijote letra a letra",
    data=("quijote",),
    runs=(
        Run("Kneser-Ney, podado", {"at_most": 83_000}, 0),
        *(
            Run(f"{cell}, tasa {lr}", settings(cell, lr, TRIED_LETTERS[cell]), 0)
            for cell, lr in product(SIZES, TRIED_RATES)
        ),
        *(Run("iguales", {"cells": EQUAL}, seed) for seed in range(3)),
        Run("LSTM, 5 min", {"cells": {"LSTM": FIVE_MINUTES}}, 0),
    ),
    measure=measure,
    module=__name__,
)
