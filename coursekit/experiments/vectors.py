"""Vectores de palabra aprendidos del mismo texto por cuatro caminos, medidos con las mismas pruebas."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch

from coursekit import data
from coursekit.embeddings import (
    GloVeScratch,
    Word2Vec,
    analogies,
    cooccurrence,
    encode,
    ppmi,
    read_analogies,
    read_pairs,
    similarity,
    truncated_svd,
)
from coursekit.experiments.runner import Experiment, Run
from coursekit.text import Vocab, sentences

VOCAB_SIZE = 20_000
NUM_WORDS = 5_860_000  # las que se leen de las reseñas; de las novelas, todas
# La carrera corta: frases de las que aprende, y vueltas. gensim lee la sigmoide de una tabla, y con
# más frases un redondeo distinto cambia de casilla y deja de dar lo mismo en otra máquina.
SHORT_TEXTS, SHORT_EPOCHS = 500, 2
# Las pruebas de cada corpus: las parejas con nota y las analogías. Las españolas se leen sin
# distinguir tildes, porque dos de ellas vienen sin ellas.
TESTS = {
    "imdb_unsup": (("wordsim353", "simlex999"), "questions-words"),
    "novelas": (("semeval2017_es", "rg65_es"), "questions-words-es"),
}


@lru_cache(maxsize=1)
def corpus(name: str) -> tuple[list[list[str]], Vocab]:
    """Frases de dos palabras o más, solo con las palabras más frecuentes, y el vocabulario."""
    documents = data.load(name).documents
    split = english_sentences if name == "imdb_unsup" else sentences
    found, num_words = [], 0
    for document in documents:
        for sentence in split(document):
            if len(sentence) > 1:
                found.append(sentence)
                num_words += len(sentence)
        if name == "imdb_unsup" and num_words >= NUM_WORDS:
            break
    frequency = Counter(word for sentence in found for word in sentence)
    vocab = Vocab(word for word, _ in frequency.most_common(VOCAB_SIZE))
    return [[word for word in sentence if word in vocab] for sentence in found], vocab


def english_sentences(text: str) -> Iterable[list[str]]:
    """Frases inglesas como listas de palabras en minúsculas."""
    for sentence in re.split(r"[.!?]|<br />", text.lower()):
        yield re.findall("[a-z']+", sentence)


def measure(run: Run, short: bool = False) -> dict:
    """Entrena los vectores y los mide.

    La carrera corta tiene el vocabulario de siempre, pero aprende de unas pocas frases y da pocas
    vueltas. A sus cifras añade la norma de los vectores: una correlación entre puestos no nota un
    cambio pequeño.
    """
    torch.set_num_threads(1)
    settings = dict(run.settings)
    name, method = settings.pop("corpus"), METHODS[settings.pop("method")]
    texts, vocab = corpus(name)
    if short:
        texts = texts[:SHORT_TEXTS]
        if "num_epochs" in settings:
            settings["num_epochs"] = SHORT_EPOCHS
    start = time.process_time()
    vectors = method(texts, vocab, run.seed, **settings)
    figures = {"train_cpu_seconds": round(time.process_time() - start, 1)}
    if short:
        figures["vectors_norm"] = float(np.linalg.norm(vectors.astype(float)))
    fold, (similarities, questions) = name == "novelas", TESTS[name]
    for test in similarities:
        pairs = read_pairs(data.load(test).documents)
        result = similarity(pairs, vectors, vocab, fold_accents=fold)
        figures |= {f"{test}_spearman": result.spearman, f"{test}_pairs": result.num_used}
    asked = read_analogies(data.load(questions).documents)
    result = analogies(asked, vectors, vocab, fold_accents=fold)
    return figures | {"analogies_accuracy": result.accuracy, "analogies": len(result.hits)}


def train_ppmi(texts, vocab, seed, *, window, smoothing, dim, power):
    counts = cooccurrence(encode(texts, vocab), len(vocab), window, distance_weighting=True)
    return truncated_svd(ppmi(counts, smoothing=smoothing), dim, power, seed)


def train_glove(texts, vocab, seed, *, window, dim, num_groups, num_epochs, **settings):
    counts = cooccurrence(encode(texts, vocab), len(vocab), window, distance_weighting=True)
    model = GloVeScratch(len(vocab), dim, num_groups, rng=np.random.default_rng(seed))
    model.fit(counts, num_epochs, **settings)
    return model.vectors


def train_word2vec(texts, vocab, seed, *, window, dim, sample, num_epochs, lr):
    rng = np.random.default_rng(seed)
    model = Word2Vec(len(vocab), dim, window=window, sample=sample, rng=rng)
    model.fit(encode(texts, vocab), num_epochs, lr)
    return model.W_in


def train_gensim(texts, vocab, seed, *, window, dim, sample, num_epochs, lr):
    from gensim.models import Word2Vec as Peer

    model = Peer(
        texts, vector_size=dim, window=window, negative=5, sg=1, min_count=1, sample=sample,
        alpha=lr, min_alpha=lr * 1e-4, epochs=num_epochs, seed=seed, workers=1,
    )  # fmt: skip
    vectors = np.zeros((len(vocab), dim), np.float32)  # queda en cero lo que no está en las frases
    found = [word for word in vocab.get_itos() if word in model.wv]
    vectors[vocab(found)] = model.wv[found]
    return vectors


METHODS = {
    "PPMI + SVD": train_ppmi,
    "word2vec": train_word2vec,
    "word2vec (gensim)": train_gensim,
    "GloVe": train_glove,
    "GloVe sin encoger": train_glove,
}
SKIPGRAM = {"window": 5, "dim": 100, "sample": 1e-4, "num_epochs": 3, "lr": 0.05}
# Elegidos con WordSim-353 y las reseñas, semilla 0; con las novelas no se probó ningún otro.
GLOVE = {
    "window": 15, "dim": 100, "num_groups": 60, "num_epochs": 15, "lr": 0.3, "x_max": 10.0,
    "decay": 1.0,
}  # fmt: skip
SETTINGS = {
    "PPMI + SVD": {"window": 5, "smoothing": 0.75, "dim": 200, "power": 0.5},
    "word2vec": SKIPGRAM,
    "word2vec (gensim)": SKIPGRAM,
    "GloVe": GLOVE,
    "GloVe sin encoger": {**GLOVE, "decay": 0.0},
}
EXPERIMENT = Experiment(
    name="vectores",
    title="Vectores de palabra: parecido con el juicio humano, analogías y segundos de CPU",
    data=("imdb_unsup", "novelas", *(t for pairs, q in TESTS.values() for t in (*pairs, q))),
    runs=tuple(
        Run(f"{method}, {name}", {"corpus": name, "method": method, **settings}, seed)
        for name in TESTS
        for method, settings in SETTINGS.items()
        for seed in range(1 if method == "PPMI + SVD" else 3)  # PPMI apenas depende de ella
    ),
    measure=measure,
    module=__name__,
)
