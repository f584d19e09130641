"""Perplejidad del Quijote, letra por letra, que alcanzan las redes con un tiempo de CPU dado.

    python tests/benchmarks/charlm.py aula  [segundos] [num_hiddens] [optimizador] [lr] [lote]
    python tests/benchmarks/charlm.py largo [segundos] [red] [num_hiddens] [lr] [tramos]

«aula» es el entrenamiento de la lección: lotes de 1024 ventanas de 32.
«largo» lee 32 tramos con el estado arrastrado (BPTT truncada cada 64 pasos), con AdamW y una
tasa que baja como un coseno hasta agotar los segundos. Todo en un solo hilo.
Se entrena con el primer 90 % del libro y se mide en el último 10 %.
"""

import math
import sys
import time

import torch
from torch import nn

from coursekit import data
from coursekit.recurrent import LanguageModel, RNNScratch, generate
from coursekit.text import build_vocab_from_iterator, letters, streams, windows
from coursekit.training import (
    fit,
    perplexity_by_stream,
    perplexity_by_window,
    seed_everything,
)

KINDS = {"RNNScratch": RNNScratch, "RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}


def quijote():
    symbols = letters(data.load("quijote").text)
    vocab = build_vocab_from_iterator([symbols])
    ids = vocab(symbols)
    cut = len(ids) * 9 // 10
    return vocab, torch.tensor(ids[:cut]), torch.tensor(ids[cut:])


def report(model, vocab, test_ids, label):
    cold = perplexity_by_window(model, test_ids, 32)
    stream = perplexity_by_stream(model, test_ids)
    print(f"{label}: ventanas de 32 {cold:.3f}, de corrido {stream:.3f}", flush=True)
    print("   ", generate(model, "quijote y sancho ", 80, vocab), flush=True)


def classroom(budget=45.0, num_hiddens=32, optimizer="Adam", lr=0.01, batch_size=1024):
    generator = seed_everything(0)
    vocab, train_ids, test_ids = quijote()
    model = LanguageModel(RNNScratch(len(vocab), num_hiddens), len(vocab))
    steps, start = 0, time.process_time()

    def batches():
        nonlocal steps
        while True:
            X, Y = windows(train_ids, 32, generator)
            for rows in torch.randperm(len(X), generator=generator).split(batch_size):
                if time.process_time() - start > budget:
                    return
                yield X[rows], Y[rows]
                steps += 1

    chosen = getattr(torch.optim, optimizer)(model.parameters(), lr=lr)
    fit(model, batches, chosen, num_epochs=1)
    epochs = steps * batch_size * 32 / len(train_ids)
    label = f"RNNScratch {num_hiddens}, {optimizer} {lr}, lotes de {batch_size}, {budget:.0f} s de CPU"
    report(model, vocab, test_ids, f"{label}, {epochs:.1f} vueltas al texto")


def long_run(budget=60.0, kind="GRU", num_hiddens=192, lr=6e-3, num_streams=32):
    seed_everything(0)
    vocab, train_ids, test_ids = quijote()
    model = LanguageModel(KINDS[kind](len(vocab), num_hiddens), len(vocab))
    # Con entradas one-hot, los pesos de entrada son los embeddings de las letras: al tamaño por
    # defecto (1/√num_hiddens) la red tarda en distinguirlas.
    nn.init.normal_(next(model.rnn.parameters()), std=0.5)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    num_symbols, start = 0, time.process_time()

    def batches():
        nonlocal num_symbols
        while True:
            for X, Y in streams(train_ids, num_streams, 64):
                spent = (time.process_time() - start) / budget
                if spent >= 1:
                    return
                warm_up = min(1, num_symbols / 2**18)
                for group in optimizer.param_groups:
                    group["lr"] = lr * warm_up * (1 + math.cos(math.pi * spent)) / 2
                yield X, Y
                num_symbols += X.numel()

    fit(model, batches, optimizer, num_epochs=1, carry_state=True)
    label = f"{kind} {num_hiddens}, lr {lr}, {num_streams} tramos, {budget:.0f} s de CPU"
    report(model, vocab, test_ids, f"{label}, {num_symbols / 1e6:.2f} M de letras")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run, *settings = sys.argv[1:]
    values = [int(s) if s.isdigit() else s if s[0].isalpha() else float(s) for s in settings]
    {"aula": classroom, "largo": long_run}[run](*values)
