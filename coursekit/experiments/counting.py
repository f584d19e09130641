"""Clasificar contando: lo que toda red tiene que superar, con los mismos textos y su intervalo.

De cada corpus se reparte el entrenamiento, 70 % para aprender y 30 % para elegir los ajustes; la prueba
oficial se mira una vez.
"""

import time
from collections import Counter

import numpy as np
import torch

from coursekit import data
from coursekit.classification import (
    BagOfEmbeddings,
    NaiveBayes,
    TextClassifier,
    TextReader,
    TfidfClassifier,
    evaluate_corpus,
    make_loader,
    split_corpus,
    train_classifier,
)
from coursekit.classification.examples import label_ids
from coursekit.experiments.runner import Experiment, Run
from coursekit.training import seed_everything

# De cada corpus: con qué se entrena, con qué se prueba, quién separa las palabras y cuántas veces
# ha de verse una para contar.
CORPORA = {
    "IMDb": ("imdb_train", "imdb_test", "basic_english", 5),
    "AG News": ("ag_news_20k", "ag_news_test", "basic_english", 2),
    "Argumentos": ("constitucion_train", "constitucion_test", "spanish", 2),
}
SPLIT_SEED, VALIDATION = 0, 0.3
BLOCK = 50  # textos de prueba cuyos aciertos se guardan juntos, para comparar métodos por pares
SMOOTHING, STRENGTH = (0.1, 0.3, 1.0, 3.0), (0.3, 1.0, 3.0, 10.0)  # los k y los C entre los que se elige
SHORT_DOCUMENTS = 500


def measure(run: Run, short: bool = False) -> dict:
    """Elige los ajustes con la validación y mide el elegido sobre la prueba.

    La carrera corta recorre el mismo camino con una parte de cada corpus.
    """
    torch.set_num_threads(1)
    train_name, test_name, tokenizer, min_freq = CORPORA[run.settings["corpus"]]
    whole, test = data.load(train_name), data.load(test_name)
    if short:
        whole, test = excerpt(whole), excerpt(test)
    train, valid = split_corpus(whole, torch.Generator().manual_seed(SPLIT_SEED), VALIDATION)
    start = time.process_time()
    candidates = fitted(run, train, valid, tokenizer, min_freq, short)
    scored = [(evaluate_corpus(model, valid).accuracy, model, chosen) for model, chosen in candidates]
    valid_accuracy, best, chosen = max(scored, key=lambda one: one[0])
    seconds = time.process_time() - start
    log_probs = best.log_probs(test.documents)
    right = log_probs.argmax(1) == label_ids(test, best.labels).numpy()
    order = np.random.default_rng(0).permutation(len(right))  # el archivo va por clases
    blocks = np.array_split(right[order], max(1, len(right) // BLOCK))
    sure = np.exp(log_probs.max(axis=1))
    figures = {
        "test_accuracy": float(right.mean()),
        "valid_accuracy": valid_accuracy,
        "confidence": float(sure.mean()),  # la probabilidad media de lo que contesta
        "train_texts": len(train.documents),
        "test_texts": len(right),
        "cpu_seconds_one_fit": round(seconds / len(scored), 1),
        "cpu_seconds_choosing": round(seconds, 1),
        "chosen": chosen,
    }
    if not short:
        figures["right_by_block"] = [int(block.sum()) for block in blocks]
    return figures


def excerpt(corpus: data.Corpus) -> data.Corpus:
    """Un corpus en pequeño: documentos tomados cada tanto, de todas las clases."""
    step = max(1, len(corpus.documents) // SHORT_DOCUMENTS)
    return data.Corpus(
        corpus.name, corpus.title, corpus.documents[::step], True, corpus.citation, corpus.labels[::step]
    )


def fitted(run: Run, train, valid, tokenizer, min_freq, short):
    """Los modelos entre los que elegir, cada uno con el número que lo distingue."""
    ngrams = run.settings.get("ngrams", 1)
    kind = run.settings["kind"]
    if kind == "mayoría":
        yield Majority(train), 0
    elif kind == "bayes":
        for k in SMOOTHING:
            yield NaiveBayes(tokenizer, min_freq=min_freq, ngrams=ngrams, k=k).fit(train), k
    elif kind == "tfidf":
        for C in STRENGTH:
            yield TfidfClassifier(tokenizer, min_freq, C, ngrams).fit(train), C
    else:
        yield embedding_bag(train, valid, tokenizer, min_freq, run.seed, 2 if short else 8)


class Majority:
    """La clase más frecuente del entrenamiento, sea cual sea el texto."""

    def __init__(self, corpus: data.Corpus):
        counted = Counter(corpus.labels)
        self.labels = tuple(sorted(counted))
        self.log_prior = np.log([counted[label] / len(corpus.labels) for label in self.labels])

    def log_probs(self, texts: list[str]) -> np.ndarray:
        """Los mismos logaritmos para cada texto."""
        return np.tile(self.log_prior, (len(texts), 1))


def embedding_bag(train, valid, tokenizer, min_freq, seed, num_epochs):
    """La media de los embeddings; la validación elige la vuelta, y su número es el que la distingue."""
    generator = seed_everything(seed)
    reader = TextReader.from_corpus(train, tokenizer, min_freq=min_freq)
    model = BagOfEmbeddings(len(reader.vocab), len(reader.labels), 50)
    loaders = (make_loader(reader.examples(part), 128, generator) for part in (train, valid))
    history = train_classifier(
        model, *loaders, torch.optim.Adam(model.parameters(), 0.005), num_epochs=num_epochs, progress=False
    )
    return TextClassifier(model, reader), int(np.argmin(history.validation)) + 1


KINDS = {
    "la clase más frecuente": {"kind": "mayoría"},
    "Bayes ingenuo": {"kind": "bayes"},
    "Bayes ingenuo, con parejas": {"kind": "bayes", "ngrams": 2},
    "TF-IDF y logística": {"kind": "tfidf"},
    "TF-IDF y logística, con parejas": {"kind": "tfidf", "ngrams": 2},
    "media de embeddings": {"kind": "bolsa"},
}
EXPERIMENT = Experiment(
    name="contar",
    title="Clasificar contando: aciertos en la prueba y segundos de CPU",
    data=tuple(name for names in CORPORA.values() for name in names[:2]),
    runs=tuple(
        Run(f"{corpus}: {model}", {"corpus": corpus, **settings}, seed)
        for corpus in CORPORA
        for model, settings in KINDS.items()
        # Solo los embeddings empiezan al azar.
        for seed in range(3 if settings["kind"] == "bolsa" else 1)
    ),
    measure=measure,
    module=__name__,
)
