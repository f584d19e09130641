"""El relleno: cuánto hay y cuánto cuesta según cómo se hagan los lotes, y qué respuestas cambia si se lee."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from coursekit import data
from coursekit.classification import (
    BucketSampler,
    RecurrentClassifier,
    TextReader,
    collate,
    make_loader,
    split_corpus,
    train_classifier,
    train_classifier_epoch,
)
from coursekit.classification.examples import PAD
from coursekit.experiments.runner import Experiment, Run
from coursekit.recurrent import Bidirectional, read_padded
from coursekit.training import evaluating, seed_everything

BATCH_SIZE = 64
NUM_REVIEWS = 1280  # reseñas de un recorrido
SIZES = {"embed_size": 32, "num_hiddens": 64, "num_layers": 1, "dropout": 0.0}
LENGTHS = (64, 128, 256, 512)
REPEATS = 5  # pasos que se dan por cada largo, tras uno de calentamiento


def measure(run: Run, short: bool = False) -> dict:
    """Las cifras de una carrera; la corta recorre el mismo camino con menos textos o menos pasos."""
    torch.set_num_threads(1)
    return MEASURES[run.settings["kind"]](run, short)


def in_order(lengths, generator) -> list[list[int]]:
    """Lotes en orden de llegada."""
    return [batch.tolist() for batch in torch.arange(len(lengths)).split(BATCH_SIZE)]


def at_random(lengths, generator) -> list[list[int]]:
    """Lotes de textos al azar."""
    order = torch.randperm(len(lengths), generator=generator)
    return [batch.tolist() for batch in order.split(BATCH_SIZE)]


def by_length(lengths, generator) -> list[list[int]]:
    """Lotes de textos de largo parecido."""
    return list(BucketSampler(lengths, BATCH_SIZE, generator))


def one_by_one(lengths, generator) -> list[list[int]]:
    """Un texto por lote."""
    return [[i] for i in range(len(lengths))]


class Strategy(NamedTuple):
    """Una manera de hacer los lotes: qué textos van en cada uno, y si todos tienen el mismo ancho."""

    batches: Callable
    one_width: bool = False


STRATEGIES = {
    "todo en un rectángulo": Strategy(in_order, one_width=True),
    "lotes al azar": Strategy(at_random),
    "cubetas": Strategy(by_length),
    "de uno en uno": Strategy(one_by_one),
}


def padded_batches(examples, name: str, generator):
    """Los lotes de una estrategia: qué textos lleva cada uno, sus índices, sus largos y sus clases."""
    strategy = STRATEGIES[name]
    width = max(examples.lengths) if strategy.one_width else 0
    for rows in strategy.batches(examples.lengths, generator):
        ids, lengths, labels = collate([examples[i] for i in rows])
        yield rows, F.pad(ids, (0, max(0, width - ids.shape[1])), value=PAD), lengths, labels


def cost(run: Run, short: bool) -> dict:
    """Un recorrido de entrenamiento por unas reseñas enteras: casillas, relleno y segundos de CPU."""
    generator = seed_everything(run.seed)
    corpus = data.load("imdb_train")
    size = 160 if short else NUM_REVIEWS
    drawn = torch.randperm(len(corpus.documents), generator=generator)[:size].tolist()
    corpus = replace(corpus, documents=[corpus.documents[i] for i in drawn],
                     labels=[corpus.labels[i] for i in drawn])  # fmt: skip
    reader = TextReader.from_corpus(corpus, max_length=150 if short else None)
    model = RecurrentClassifier(len(reader.vocab), 2, "gru", **SIZES)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    examples, cells = reader.examples(corpus), []

    def batches():
        for _, *batch in padded_batches(examples, run.settings["strategy"], generator):
            cells.append(batch[0].numel())
            yield batch

    start = time.process_time()
    loss, _ = train_classifier_epoch(model, batches(), optimizer)
    seconds = round(time.process_time() - start, 2)
    words, total = sum(examples.lengths), sum(cells)
    return {"texts": len(examples), "words": words, "cells": total, "padding": 1 - words / total,
            "loss": loss, "pass_cpu_seconds": seconds}  # fmt: skip


def packing(run: Run, short: bool) -> dict:
    """Un paso de una GRU de ida y vuelta sobre 64 textos, empaquetados o con la vuelta a mano."""
    seed_everything(run.seed)
    num_steps = 8 if short else run.settings["num_steps"]
    X = torch.randn(num_steps, BATCH_SIZE, SIZES["embed_size"], requires_grad=True)
    lengths = torch.linspace(num_steps, 0.9 * num_steps, BATCH_SIZE).long()
    num_hiddens = SIZES["num_hiddens"]
    theirs = nn.GRU(SIZES["embed_size"], num_hiddens, bidirectional=True)
    ahead, back = nn.GRU(SIZES["embed_size"], num_hiddens), nn.GRU(SIZES["embed_size"], num_hiddens)
    weights = theirs.state_dict()
    ahead.load_state_dict({name: weights[name] for name in ahead.state_dict()})
    back.load_state_dict({name: weights[f"{name}_reverse"] for name in back.state_dict()})
    ours = Bidirectional(ahead, back)
    packed = run.settings["way"] == "empaquetar"

    def step():
        X.grad = None
        if packed:
            H = pad_packed_sequence(theirs(pack_padded_sequence(X, lengths))[0])[0]
        else:
            H = read_padded(ours, X, lengths)
        H.square().sum().backward()
        return float(H.detach().double().square().sum()), float(X.grad.double().abs().sum())

    outputs, gradients = step()
    start = time.process_time()
    for _ in range(1 if short else REPEATS):
        step()
    seconds = (time.process_time() - start) / (1 if short else REPEATS)
    # Las sumas de miles de números de 32 bits se dan con las cifras que otra máquina repite.
    return {"outputs": round(outputs, 1), "gradients": round(gradients, 1),
            "step_cpu_seconds": round(seconds, 4)}  # fmt: skip


def reading(run: Run, short: bool) -> dict:
    """Entrena una GRU que lee bien y la prueba leyendo bien y leyendo también el relleno.

    De cada manera de hacer los lotes: exactitud y parte de respuestas distintas de las que da a cada
    texto solo.
    """
    generator = seed_everything(run.seed)
    corpus, test = data.load("ag_news_20k"), data.load("ag_news_test")
    if short:
        corpus, test = (replace(part, documents=part.documents[:200], labels=part.labels[:200])
                        for part in (corpus, test))  # fmt: skip
    train, held_out = split_corpus(corpus, generator)
    reader = TextReader.from_corpus(train, min_freq=10)
    model = RecurrentClassifier(len(reader.vocab), len(reader.labels), "gru", bidirectional=False, **SIZES)
    loaders = [make_loader(reader.examples(part), BATCH_SIZE, generator) for part in (train, held_out)]
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    history = train_classifier(model, *loaders, optimizer, num_epochs=1 if short else 2, progress=False)
    examples = reader.examples(test)
    alone = answers(model, examples, "de uno en uno", False, generator)
    figures = {"loss": history.loss[-1]} if short else {}
    for name, short_name in NAMES.items():
        for reads_padding in (False, True):
            logits = answers(model, examples, name, reads_padding, generator)
            said, key = logits.argmax(1), f"{short_name}_{'padding' if reads_padding else 'text'}"
            figures[f"accuracy_{key}"] = float((said == examples.labels).double().mean())
            figures[f"changed_{key}"] = float((said != alone.argmax(1)).double().mean())
    return figures


NAMES = {"de uno en uno": "one", "cubetas": "buckets", "lotes al azar": "random",
         "todo en un rectángulo": "rectangle"}  # fmt: skip


def answers(model, examples, strategy: str, reads_padding: bool, generator) -> torch.Tensor:
    """Los logits de cada texto, en el orden de los ejemplos.

    Leer el relleno es decir que todos los textos son tan largos como su lote.
    """
    logits = torch.empty(len(examples), model.output_layer.out_features)
    with evaluating(model):
        for batch, ids, lengths, _ in padded_batches(examples, strategy, generator):
            if reads_padding:
                lengths = torch.full_like(lengths, ids.shape[1])
            logits[batch] = model(ids, lengths)
    return logits


MEASURES = {"costo": cost, "empaquetar": packing, "leer": reading}
EXPERIMENT = Experiment(
    name="relleno",
    title="El relleno: cuánto hay, cuánto cuesta y qué respuestas cambia si se lee",
    data=("imdb_train", "ag_news_20k", "ag_news_test"),
    runs=(
        *(
            Run(name, {"kind": "costo", "strategy": name}, seed)
            for name in STRATEGIES
            for seed in range(1 if name == "de uno en uno" else 3)  # de uno en uno es lo más caro
        ),
        *(
            Run(f"{way}, {num_steps}", {"kind": "empaquetar", "way": way, "num_steps": num_steps}, seed)
            for way in ("empaquetar", "dar la vuelta")
            for num_steps in LENGTHS
            for seed in range(3)
        ),
        *(Run("GRU sobre AG News", {"kind": "leer"}, seed) for seed in range(8)),
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
