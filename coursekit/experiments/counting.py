"""Clasificar contando: lo que toda red tiene que superar, con los mismos textos y su intervalo.

De cada corpus se reparte el entrenamiento, 70 % para aprender y 30 % para elegir los ajustes; la prueba
oficial se mira una vez.
"""

import time
from collections import Counter

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from coursekit import data
from coursekit.classification import (
    BagOfEmbeddings,
    TextClassifier,
    TextReader,
    TfidfClassifier,
    count_words,
    make_loader,
    naive_bayes,
    split_corpus,
    train_classifier,
)
from coursekit.classification.examples import class_names, label_ids
from coursekit.classification.fitting import score
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
NUM_EPOCHS = 6
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
    labels = class_names(train)
    y_valid, y_test = (label_ids(part, labels).numpy() for part in (valid, test))
    read = METHODS[run.settings["kind"]]
    tried = [
        (score(on_valid, y_valid).accuracy, number, chosen, on_test, seconds)
        for number, (chosen, on_valid, on_test, seconds) in enumerate(
            read(train, valid, test, tokenizer, min_freq, run.settings.get("ngrams", 1), run.seed)
        )
    ]
    valid_accuracy, _, chosen, log_probs, seconds = max(tried, key=lambda one: (one[0], -one[1]))
    right = log_probs.argmax(1) == y_test
    figures = {
        "test_accuracy": float(right.mean()),
        "valid_accuracy": valid_accuracy,
        "confidence": float(np.exp(log_probs.max(axis=1)).mean()),  # la de lo que contesta, en media
        "train_texts": len(train.documents),
        "test_texts": len(right),
        "train_cpu_seconds": round(seconds, 1),  # contar y entrenar una vez, con los ajustes elegidos
        "chosen": chosen,
    }
    if not short:
        order = np.random.default_rng(0).permutation(len(right))  # el archivo va por clases
        blocks = np.array_split(right[order], len(right) // BLOCK)
        figures["right_by_block"] = [int(block.sum()) for block in blocks]
    return figures


def excerpt(corpus: data.Corpus) -> data.Corpus:
    """Un corpus en pequeño: documentos tomados cada tanto, de todas las clases."""
    step = max(1, len(corpus.documents) // SHORT_DOCUMENTS)
    return data.Corpus(
        corpus.name, corpus.title, corpus.documents[::step], True, corpus.citation, corpus.labels[::step]
    )


# Cada método da, por cada ajuste que prueba: el ajuste, los logaritmos de las probabilidades en la
# validación y en la prueba, y los segundos de contar y entrenar.


def majority(train, valid, test, *_):
    """La clase más frecuente del entrenamiento, sea cual sea el texto."""
    counted = Counter(train.labels)
    log_prior = np.log([counted[label] / len(train.labels) for label in class_names(train)])
    yield 0, *(np.tile(log_prior, (len(part.documents), 1)) for part in (valid, test)), 0.0


def bayes(train, valid, test, tokenizer, min_freq, ngrams, _):
    """Bayes ingenuo con cada k."""
    start = time.process_time()
    reader = TextReader.from_corpus(train, tokenizer, min_freq=min_freq, ngrams=ngrams)
    counts, labels = count_words(train.documents, reader), label_ids(train, reader.labels).numpy()
    seconds = time.process_time() - start
    asked = [count_words(part.documents, reader) for part in (valid, test)]
    for k in SMOOTHING:
        start = time.process_time()
        log_prior, log_words = naive_bayes(counts, labels, len(reader.labels), k)
        once = time.process_time() - start
        yield k, *(log_softmax(part @ log_words.T + log_prior, axis=1) for part in asked), seconds + once


def tfidf(train, valid, test, tokenizer, min_freq, ngrams, _):
    """Regresión logística sobre TF-IDF con cada C."""
    start = time.process_time()
    vectorizer = TfidfClassifier(tokenizer, min_freq, ngrams=ngrams).vectorizer
    X, labels = vectorizer.fit_transform(train.documents), label_ids(train, class_names(train)).numpy()
    seconds = time.process_time() - start
    asked = [vectorizer.transform(part.documents) for part in (valid, test)]
    for C in STRENGTH:
        start = time.process_time()
        regression = LogisticRegression(C=C, max_iter=1000).fit(X, labels)
        once = time.process_time() - start
        yield C, *map(regression.predict_log_proba, asked), seconds + once


def embedding_bag(train, valid, test, tokenizer, min_freq, _, seed):
    """La media de los embeddings; la validación elige la época, que es su ajuste."""
    start = time.process_time()
    generator = seed_everything(seed)
    reader = TextReader.from_corpus(train, tokenizer, min_freq=min_freq)
    model = BagOfEmbeddings(len(reader.vocab), len(reader.labels), 50)
    loaders = (make_loader(reader.examples(part), 128, generator) for part in (train, valid))
    history = train_classifier(
        model, *loaders, torch.optim.Adam(model.parameters(), 0.005), num_epochs=NUM_EPOCHS, progress=False
    )
    seconds = time.process_time() - start
    classifier = TextClassifier(model, reader)
    best = int(np.argmin(history.validation)) + 1
    yield best, *(classifier.log_probs(part.documents) for part in (valid, test)), seconds


METHODS = {"mayoría": majority, "bayes": bayes, "tfidf": tfidf, "bolsa": embedding_bag}
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
