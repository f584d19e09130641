"""Dos veces lo mismo: entrenar y medir, con la misma semilla y los mismos hilos.

Los vectores de palabra tienen la suya en test_word2vec.py (con uno, dos y tres hilos), en
test_glove.py y en test_embeddings.py.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from coursekit import data
from coursekit.classification import (
    BagOfEmbeddings,
    RecurrentClassifier,
    TextClassifier,
    TextReader,
    TfidfClassifier,
    VanillaRNN,
    evaluate,
    evaluate_corpus,
    make_loader,
    split_corpus,
    train_classifier,
)
from coursekit.embeddings import GloVeScratch, cooccurrence, ppmi, truncated_svd
from coursekit.recurrent import (
    AdditiveAttention,
    AttentionEncoderDecoder,
    EncoderDecoder,
    GRUScratch,
    LanguageModel,
    LSTMCell,
    LSTMScratch,
    RNNScratch,
    ScheduledSampling,
    Stacked,
    Unrolled,
    bptt_logits,
    generate,
    paired_batch,
    random_truncation,
    state_gradients,
    write,
)
from coursekit.text import Vocab, build_vocab_from_iterator, streams, windows
from coursekit.training import (
    fit,
    perplexity_by_stream,
    perplexity_by_window,
    seed_everything,
    train_epoch,
)
from regression import regression

ROOT = Path(__file__).parents[1]
SYMBOLS = "abcdefgh"
V = len(SYMBOLS)
IDS = torch.randint(V, (1500,), generator=torch.Generator().manual_seed(3))
REVIEWS = data.load_sample("resenas")


@pytest.fixture(params=[1, 2], ids=["un hilo", "dos hilos"])
def threads(request):
    """El número de hilos de torch y, para NumPy y SciPy, de su álgebra lineal."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    with threadpool_limits(request.param):
        yield
    torch.set_num_threads(before)


both = pytest.mark.usefixtures("threads")


def assert_repeats(run):
    """Igual hasta la última cifra con la misma semilla, y distinto con otra."""
    first, again, other = run(7), run(7), run(8)
    assert first == again
    assert first != other


def dropped(generator):
    cells = [Unrolled(LSTMCell(n, 32), 0.5, generator) for n in (V, 32)]
    return LanguageModel(Stacked(*cells), V)


LANGUAGE_MODELS = {
    "RNNScratch": lambda _: LanguageModel(RNNScratch(V, 32), V),
    "LSTMScratch": lambda _: LanguageModel(LSTMScratch(V, 32), V),
    "GRUScratch": lambda _: LanguageModel(GRUScratch(V, 32), V),
    "nn.LSTM con embedding": lambda _: LanguageModel(
        nn.LSTM(8, 32, num_layers=2, dropout=0.5), V, nn.Embedding(V, 8)
    ),
    "dropout variacional": dropped,
    "muestreo programado": lambda generator: ScheduledSampling(
        LanguageModel(nn.GRU(V, 32), V), 0.5, generator
    ),
}


@pytest.mark.parametrize("kind", LANGUAGE_MODELS)
@both
def test_language_models(kind):
    """Entrenar (ventanas al azar y estado arrastrado), medir y escribir."""

    def run(seed):
        generator = seed_everything(seed)
        model = LANGUAGE_MODELS[kind](generator)
        plain = getattr(model, "model", model)  # dentro del muestreo programado
        adam = torch.optim.Adam(model.parameters(), lr=0.01)
        history = fit(
            model, lambda: zip(*(part.split(47) for part in windows(IDS, 16, generator))), adam,
            num_epochs=2, validate=lambda: perplexity_by_window(plain, IDS[:200], 16), patience=2,
            progress=False,
        )  # fmt: skip
        last = train_epoch(model.train(), streams(IDS, 50, 16), adam, carry_state=True)
        text = generate(plain, "ab", 20, Vocab(SYMBOLS), 1.0, generator=generator)
        measured = perplexity_by_stream(plain, IDS[:100])
        return history.loss, history.validation, last, measured, text

    assert_repeats(run)


@both
def test_truncation_and_gradients():
    def run(seed):
        generator = seed_everything(seed)
        model = LanguageModel(Stacked(GRUScratch(V, 16), GRUScratch(16, 16)), V)
        X, Y = windows(IDS, 16, generator)
        logits, _ = bptt_logits(model, X, random_truncation(16, 0.5, generator))
        nn.functional.cross_entropy(logits.flatten(0, 1), Y.flatten()).backward()
        norms = [parameter.grad.norm().item() for parameter in model.parameters()]
        return norms, state_gradients(model, X, Y).tolist()

    assert_repeats(run)


@pytest.mark.parametrize("with_attention", [False, True])
@both
def test_autoencoders(with_attention):
    def run(seed):
        seed_everything(seed)
        texts = [row[:n].tolist() for row, n in zip((IDS % 7 + 1).view(-1, 6), [3, 6, 1, 4] * 5)]
        encoder = nn.GRU(V, 16, bidirectional=True)
        if with_attention:
            attention = AdditiveAttention(16, 32, 8)
            model = AttentionEncoderDecoder(encoder, nn.GRU(V + 32, 16), V, attention)
        else:
            model = EncoderDecoder(encoder, nn.GRU(V + 8, 16), V, 8)
        batch, Y = paired_batch(texts, texts)
        adam = torch.optim.Adam(model.parameters(), lr=0.01)
        history = fit(model, lambda: [(batch, Y)], adam, num_epochs=2, progress=False)
        return history.loss, write(model, model.encode(*batch[:2]), 8)

    assert_repeats(run)


CLASSIFIERS = {
    "VanillaRNN": lambda V: VanillaRNN(V, 2, 16, 32),
    "GRU": lambda V: RecurrentClassifier(V, 2, "gru", 16, 16),
    "LSTM": lambda V: RecurrentClassifier(V, 2, "lstm", 16, 16, pooling="max"),
    "BagOfEmbeddings": lambda V: BagOfEmbeddings(V, 2, 16, dropout=0.5),
}


@pytest.mark.parametrize("kind", CLASSIFIERS)
@both
def test_classifiers(kind):
    """Repartir, entrenar con dropout y lotes al azar, medir y predecir."""

    def run(seed):
        generator = seed_everything(seed)
        train, held_out = split_corpus(REVIEWS, generator)
        reader = TextReader.from_corpus(train, "spanish", min_freq=2, max_length=15)
        model = CLASSIFIERS[kind](len(reader.vocab))
        batches = make_loader(reader.examples(train), 64, generator)
        others = make_loader(reader.examples(held_out), 128)
        adam = torch.optim.Adam(model.parameters(), 5e-3)
        history = train_classifier(model, batches, others, adam, num_epochs=2, progress=False)
        texts = TextClassifier(model, reader).log_probs(held_out.documents[:20])
        measured = evaluate(model, others)
        return (history.loss, history.accuracy, history.validation, history.validation_accuracy,
                measured.loss, measured.confusion.tolist(), texts.tolist())  # fmt: skip

    assert_repeats(run)


@both
def test_tfidf():
    def run(seed):
        train, held_out = split_corpus(REVIEWS, torch.Generator().manual_seed(seed))
        model = TfidfClassifier("spanish").fit(train)
        return evaluate_corpus(model, held_out).loss, model.log_probs(held_out.documents).tolist()

    assert_repeats(run)


@both
def test_vectors_of_counts():
    """PPMI con SVD y GloVe: la descomposición y los productos usan los hilos de NumPy."""
    words = [text.lower().split() for text in REVIEWS.documents]
    vocab = build_vocab_from_iterator(words, min_freq=2)
    index = vocab.get_stoi()
    counts = cooccurrence([[index.get(word, -1) for word in text] for text in words], len(vocab))

    def run(seed):
        model = GloVeScratch(len(vocab), 16, num_groups=4, rng=np.random.default_rng(seed))
        losses = model.fit(counts, 2)
        return losses, model.vectors.tolist(), truncated_svd(ppmi(counts), 16, seed=seed).tolist()

    assert_repeats(run)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def run(program, **env):
    """Lo que escribe un programa de Python en otro proceso, con otras variables de entorno."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )  # fmt: skip


OUR_PROGRAM = '''
import hashlib

import numpy as np
import torch

from coursekit.classification import RecurrentClassifier, TextReader, make_loader
from coursekit.classification import train_classifier_epoch
from coursekit.data import DATASETS, elman_sentences, load_sample
from coursekit.embeddings import GloVeScratch, Word2Vec, cooccurrence, encode, nearest, ppmi
from coursekit.embeddings import truncated_svd
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.recurrent import LanguageModel, LSTMScratch, generate
from coursekit.text import batches_by_length, build_vocab_from_iterator, letters, sentences
from coursekit.text import windows
from coursekit.training import seed_everything, train_epoch


class Descent:
    """Descenso por el gradiente sin torch.optim, que tarda segundos en importarse."""

    def zero_grad(self):
        model.zero_grad()

    def step(self):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= parameter.grad


def show(*values):
    print(hashlib.sha256("".join(map(repr, values)).encode()).hexdigest())


rng, generator = np.random.default_rng(0), seed_everything(0)
torch.set_num_threads(1)
text = load_sample("relato").text[:5_000]
show([load_sample(name).documents for name in ("resenas", "titulares", "intrusos")])
show(list(DATASETS), elman_sentences(200, rng))
words = sentences(text)
vocab = build_vocab_from_iterator(words, specials=["<unk>"])
show(vocab.get_itos())
ids = encode(words, vocab)
counts = cooccurrence(ids, len(vocab))
show(ppmi(counts).indices.tolist(), ppmi(counts).data.tolist())
vectors = truncated_svd(ppmi(counts), 10)
show(vectors.tolist(), nearest(vocab.lookup_token(5), vectors, vocab))
model = Word2Vec(len(vocab), 10, rng=rng)
show(model.fit(ids, 1), model.W_in.tolist())
model = GloVeScratch(len(vocab), 10, num_groups=4, rng=rng)
show(model.fit(counts, 2), model.vectors.tolist())
symbols = build_vocab_from_iterator(letters(text))
chars = symbols(letters(text))
for kind in (WittenBell, KneserNey):
    show(kind(4, len(symbols)).fit(chars[:3000]).log_probs([chars[3000:3200]]).tolist())
show(batches_by_length([len(s) for s in words], 8, generator))
model = LanguageModel(LSTMScratch(len(symbols), 8), len(symbols))
show(train_epoch(model, [windows(chars[:2000], 16, generator)] * 2, Descent()))
show(generate(model, "el ", 30, symbols, 1.0, generator=generator))
corpus = load_sample("resenas")
reader = TextReader.from_corpus(corpus, "spanish", min_freq=2)
show(reader.vocab.get_itos(), reader.labels)
model = RecurrentClassifier(len(reader.vocab), len(reader.labels), "lstm", 4, 4, 1)
loader = make_loader(reader.examples(corpus), 8, generator)
show(train_classifier_epoch(model, loader, Descent()))
'''
SET_PROGRAM = "print(list(set('yo quiero un café con leche y tú quieres otro'.split())))"


@regression(ours=OUR_PROGRAM, defective=SET_PROGRAM)
def test_hash_seed_changes_nothing(program):
    """Corpus, vocabulario, vectores, n-gramas y redes, en dos procesos con otra semilla."""
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda seed: run(program, PYTHONHASHSEED=seed), "01"))
    assert not any(result.returncode for result in results), results[0].stderr.decode()
    assert results[0].stdout and results[0].stdout == results[1].stdout
