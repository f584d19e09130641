"""Clasificar textos con redes y sin ellas: exactitud de prueba y segundos de CPU."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import numpy as np
import torch

from coursekit import data
from coursekit.classification import (
    BagOfEmbeddings,
    RecurrentClassifier,
    TextClassifier,
    TextReader,
    TfidfClassifier,
    count_parameters,
    evaluate_corpus,
    fill_embedding,
    make_loader,
    split_corpus,
    train_classifier,
)
from coursekit.embeddings import Word2Vec, encode
from coursekit.experiments.runner import Experiment, Run
from coursekit.text import GloVe, basic_english, build_vocab_from_iterator
from coursekit.training import seed_everything

# De cada corpus: con qué se entrena, con qué se prueba y quién separa las palabras.
CORPORA = {
    "IMDb": ("imdb_train", "imdb_test", "basic_english"),
    "AG News": ("ag_news_20k", "ag_news_test", "basic_english"),
    "Constitución": ("constitucion_train", "constitucion_test", "spanish"),
}
VALIDATION = 0.05  # del entrenamiento, para elegir la época; la prueba solo se mira al final
# La carrera corta: textos de cada corpus, y épocas. Son pocos porque una LSTM agranda cinco veces en
# cada paso una diferencia de redondeo: tras unos treinta, otra máquina da otras cifras.
SHORT_DOCUMENTS, SHORT_EPOCHS = 500, 2
NETWORKS = {"bolsa": BagOfEmbeddings, "recurrente": RecurrentClassifier}


def measure(run: Run, short: bool = False) -> dict:
    """Entrena un clasificador y lo mide una vez sobre la prueba oficial.

    La carrera corta recorre el mismo camino con una parte de cada corpus. A sus cifras añade la
    pérdida: una exactitud no nota un cambio pequeño.
    """
    torch.set_num_threads(1)
    settings = dict(run.settings)
    train_name, test_name, tokenizer = CORPORA[settings.pop("corpus")]
    load = excerpt if short else data.load
    if short and "num_epochs" in settings:
        settings["num_epochs"] = SHORT_EPOCHS
    train, test = load(train_name), load(test_name)
    start = time.process_time()
    if "network" in settings:
        classifier, figures = train_network(train, tokenizer, run.seed, load, **settings)
    else:
        classifier, figures = TfidfClassifier(tokenizer, **settings).fit(train), {}
    seconds = round(time.process_time() - start, 1)
    evaluation = evaluate_corpus(classifier, test)
    if short:
        figures["test_loss"] = evaluation.loss
    return {
        "test_accuracy": evaluation.accuracy,
        "test_f1": float(evaluation.f1.mean()),
        "train_cpu_seconds": seconds,
        **figures,
    }


def excerpt(name: str) -> data.Corpus:
    """Un corpus en pequeño: documentos tomados cada tanto, de todas las clases."""
    corpus = data.load(name)
    step = max(1, len(corpus.documents) // SHORT_DOCUMENTS)
    return replace(corpus, documents=corpus.documents[::step], labels=corpus.labels[::step])


def train_network(
    corpus, tokenizer, seed, load, *, network, sizes, reader, lr, num_epochs, batch_size=64, vectors=None
):  # fmt: skip
    """Una red con los pesos de la época de menor pérdida de validación.

    Args:
        load: de dónde salen los corpus: `data.load` o `excerpt`.
        network, sizes: qué red y de qué tamaños.
        reader: los ajustes de `TextReader`.
        vectors: con qué empiezan los embeddings: `"GloVe"`, `"word2vec"` o al azar.
    """
    generator = seed_everything(seed)
    train, held_out = split_corpus(corpus, generator, VALIDATION)
    reader = TextReader.from_corpus(train, tokenizer, **reader)
    model = NETWORKS[network](len(reader.vocab), len(reader.labels), **sizes)
    figures = {"parameters": count_parameters(model)}
    if vectors:
        known = VECTORS[vectors](train, model.embedding.weight.shape[1], seed, load)
        figures["coverage"] = fill_embedding(model.embedding, reader.vocab, known)
    loaders = (
        make_loader(reader.examples(part), size, generator)
        for part, size in ((train, batch_size), (held_out, 4 * batch_size))
    )
    optimizer = torch.optim.Adam(model.parameters(), lr)
    history = train_classifier(model, *loaders, optimizer, num_epochs=num_epochs)
    return TextClassifier(model, reader), figures | {
        "curve_accuracy": history.accuracy,
        "curve_validation_accuracy": history.validation_accuracy,
    }


def glove(corpus, dim: int, seed: int, load: Callable) -> dict:
    """Los vectores de GloVe 6B, entrenados por otros con seis mil millones de palabras."""
    vectors = GloVe("6B", dim)
    return dict(zip(vectors.itos, vectors.vectors))


def word2vec(corpus, dim: int, seed: int, load: Callable) -> dict:
    """Vectores propios, aprendidos de las reseñas sin etiqueta y de las de entrenamiento."""
    documents = chain(load("imdb_unsup").documents, corpus.documents)
    texts = [basic_english(document) for document in documents]
    vocab = build_vocab_from_iterator(texts, min_freq=5)
    model = Word2Vec(len(vocab), dim, sample=1e-4, rng=np.random.default_rng(seed))
    model.fit(encode(texts, vocab), num_epochs=2, lr=0.05)
    return dict(zip(vocab.get_itos(), torch.from_numpy(model.W_in)))


def bag(**reader) -> dict:
    """Ajustes de una bolsa de palabras, con los de quien las lee."""
    sizes, training = {"embed_size": 50}, {"lr": 0.01, "num_epochs": 5, "batch_size": 128}
    return {"network": "bolsa", "sizes": sizes, "reader": reader, **training}


VECTORS = {"GloVe": glove, "word2vec": word2vec}
TFIDF = {"min_freq": 2, "C": 10.0}
LSTM = {"network": "recurrente", "lr": 0.003, "num_epochs": 4}
EXPERIMENT = Experiment(
    name="clasificacion",
    title="Clasificar textos: exactitud de prueba y segundos de CPU",
    data=("imdb_unsup", "glove_50d", *chain.from_iterable(pair[:2] for pair in CORPORA.values())),
    runs=tuple(
        Run(f"{corpus}: {model}", {"corpus": corpus, **settings}, seed)
        for corpus, models in {
            "AG News": {
                "TF-IDF y regresión logística": TFIDF,
                "bolsa de palabras": bag(min_freq=2),
                "bolsa de palabras y parejas": bag(min_freq=2, ngrams=2),
                "LSTM de 64, como la del material": {
                    "sizes": {
                        "cell": "lstm", "embed_size": 32, "num_hiddens": 64, "num_layers": 1,
                        "bidirectional": False, "dropout": 0.0,
                    },
                    "reader": {"min_freq": 1}, **LSTM,
                },
                "LSTM de ida y vuelta, con GloVe": {
                    "sizes": {
                        "cell": "lstm", "embed_size": 50, "num_hiddens": 128, "num_layers": 1,
                        "dropout": 0.5, "pooling": "max",
                    },
                    "reader": {"min_freq": 2}, "vectors": "GloVe", **LSTM, "num_epochs": 6,
                },
            },
            "IMDb": {
                "TF-IDF y regresión logística": TFIDF,
                "bolsa de palabras": bag(min_freq=5),
                "bolsa de palabras y parejas": bag(min_freq=5, ngrams=2),
                "LSTM de ida y vuelta, con word2vec": {
                    "sizes": {
                        "cell": "lstm", "embed_size": 100, "num_hiddens": 64, "num_layers": 1,
                        "dropout": 0.4, "pooling": "max",
                    },
                    "reader": {"min_freq": 5, "max_length": 256}, "vectors": "word2vec", **LSTM,
                },
            },
            "Constitución": {
                "TF-IDF y regresión logística": TFIDF,
                "bolsa de palabras": bag(min_freq=2),
            },
        }.items()
        for model, settings in models.items()
        # La regresión logística tiene un solo mínimo: no hay azar que repetir.
        for seed in range(3 if "network" in settings else 1)
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
