"""Vectores de palabra aprendidos del mismo texto por cuatro caminos, medidos con las mismas pruebas.

Los ajustes de cada método se eligen con unas parejas de palabras y se miden con otras: ninguna pareja
que se publica se miró para elegir. Por eso elige el programa, y no quien lo lee.
"""

import json
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
from coursekit.embeddings.neighbours import unit_rows
from coursekit.embeddings.similarity import Similarity
from coursekit.experiments.runner import Experiment, Run
from coursekit.text import Vocab, sentences, without_accents

VOCAB_SIZE = 20_000
NUM_WORDS = 5_860_000  # las que se leen de las reseñas; de las novelas, todas
# La carrera corta: frases de las que aprende, vueltas, y valores que prueba de cada ajuste. gensim lee
# la sigmoide de una tabla, y con más frases un redondeo distinto cambia de casilla y deja de dar lo
# mismo en otra máquina.
SHORT_TEXTS, SHORT_EPOCHS, SHORT_VALUES = 500, 2, 2
# Las parejas con que se elige, las parejas con que se mide y las analogías de cada corpus. Las
# españolas se leen sin distinguir tildes, porque dos de ellas vienen sin ellas.
CHOOSE = {"imdb_unsup": ("simlex999",), "novelas": ("rg65_es", "mc30_es")}
TESTS = {"imdb_unsup": ("wordsim353",), "novelas": ("semeval2017_es", "wordsim353_es")}
ANALOGIES = {"imdb_unsup": "questions-words", "novelas": "questions-words-es"}


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


def some(texts: list[list[str]], num_words: int | None) -> list[list[str]]:
    """Frases al azar que suman `num_words` palabras; las de un tamaño están también en los mayores.

    Son de todos los libros a la vez: así lo que cambia con el tamaño es cuánto texto hay, y no de quién.
    """
    if num_words is None:
        return texts
    order = np.random.default_rng(0).permutation(len(texts))
    total = np.cumsum([len(texts[i]) for i in order])
    return [texts[i] for i in order[: np.searchsorted(total, num_words) + 1]]


def key(pair: tuple[str, str, float]) -> frozenset[str]:
    """Una pareja sin orden, sin mayúsculas y sin tildes."""
    return frozenset(without_accents(word.lower()) for word in pair[:2])


def pairs_of(tests: Iterable[str], but: Iterable = ()) -> list[tuple[str, str, float]]:
    """Las parejas de unos conjuntos, una vez cada una y sin las de `but`."""
    excluded = set(map(key, but))
    found = {}
    for test in tests:
        for pair in read_pairs(data.load(test).documents):
            if key(pair) not in excluded:
                found.setdefault(key(pair), pair)
    return list(found.values())


@lru_cache(maxsize=80)  # lo que prueban los métodos con un texto, y lo mismo en la carrera corta
def trained(settings: str, seed: int, short: bool) -> tuple[np.ndarray, float]:
    """Los vectores de unos ajustes, en JSON, y los segundos de CPU que costaron."""
    torch.set_num_threads(1)
    settings = json.loads(settings)
    texts, vocab = corpus(settings.pop("corpus"))
    texts = some(texts, settings.pop("num_words"))
    method = METHODS[settings.pop("method")]
    if short:
        texts = texts[:SHORT_TEXTS]
        if "num_epochs" in settings:
            settings["num_epochs"] = min(settings["num_epochs"], SHORT_EPOCHS)
    start = time.process_time()
    vectors = method(texts, vocab, seed, **settings).astype(np.float32)
    return vectors, round(time.process_time() - start, 1)


def judged(name: str, pairs: list, vectors: np.ndarray) -> Similarity:
    return similarity(pairs, vectors, corpus(name)[1], fold_accents=name == "novelas")


def measure(run: Run, short: bool = False) -> dict:
    """Elige los ajustes de un método, entrena sus vectores y los mide.

    Los ajustes se eligen uno tras otro, siempre con la semilla 0: de los valores de `choose`, el que
    dé a las parejas de elegir la mayor correlación. Los de `vary` se prueban después, cada uno por su
    lado, y no se cambian. gensim hereda los ajustes de nuestro word2vec.

    La carrera corta tiene el vocabulario de siempre, pero aprende de unas pocas frases, da pocas
    vueltas y prueba menos valores. A sus cifras añade la norma de los vectores: una correlación entre
    puestos no nota un cambio pequeño.
    """
    settings = dict(run.settings)
    name, choose, vary = (settings.pop(key) for key in ("corpus", "choose", "vary"))
    chosen_with = settings.pop("chosen_with", settings["method"])
    development = pairs_of(CHOOSE[name])
    tests = {test: pairs_of([test], but=development) for test in TESTS[name]}

    def train(settings: dict, seed: int) -> tuple[np.ndarray, float]:
        return trained(json.dumps({"corpus": name, **settings}), seed, short)

    def tried(prefix: str, axis: str, values: list) -> dict:
        """Las correlaciones de cada valor de un ajuste, con las parejas de elegir y con las otras."""
        everyone = {"development": development, **tests}
        vectors = [train(best | {axis: value}, 0)[0] for value in values]
        return {
            f"{prefix}_{axis}_{test}": [judged(name, pairs, v).spearman for v in vectors]
            for test, pairs in everyone.items()
        }

    best, figures = settings | {"method": chosen_with}, {}
    for axis, values in choose.items():
        values = values[:SHORT_VALUES] if short else values
        figures |= tried("choose", axis, values)
        best[axis] = values[int(np.argmax(figures[f"choose_{axis}_development"]))]
        figures[f"chosen_{axis}"] = best[axis]
    for axis, values in vary.items():
        figures |= tried("vary", axis, values[:SHORT_VALUES] if short else values)

    vectors, seconds = train(best | {"method": settings["method"]}, run.seed)
    figures["train_cpu_seconds"] = seconds
    if short:
        figures["vectors_norm"] = float(np.linalg.norm(vectors.astype(float)))
    for test, pairs in {"development": development, **tests}.items():
        result = judged(name, pairs, vectors)
        figures |= {f"{test}_spearman": result.spearman, f"{test}_pairs": result.num_used}
        if test in tests and not short:
            figures[f"{test}_cosines"] = [round(float(cosine), 5) for cosine in result.cosines]
            figures[f"{test}_scores"] = result.scores.tolist()
    if name == "novelas":
        figures |= opposites(vectors)
    asked = read_analogies(data.load(ANALOGIES[name]).documents)
    result = analogies(asked, vectors, corpus(name)[1], fold_accents=name == "novelas")
    return figures | {"analogies_accuracy": result.accuracy, "analogies": len(result.hits)}


def opposites(vectors: np.ndarray) -> dict:
    """El coseno de cada palabra con un sinónimo y con un antónimo suyos."""
    test, vocab = data.load_sample("opuestos"), corpus("novelas")[1]
    words = [[label, *text.split()] for label, text in zip(test.labels, test.documents)]
    unit = unit_rows(vectors)[np.array([vocab(trio) for trio in words])]
    cosines = (unit[:, :1] * unit[:, 1:]).sum(axis=2).round(5).astype(float)
    return {
        "synonym_cosines": [round(x, 5) for x in cosines[:, 0].tolist()],
        "antonym_cosines": [round(x, 5) for x in cosines[:, 1].tolist()],
    }


def train_ppmi(texts, vocab, seed, *, window, smoothing, shift, dim, power):
    counts = cooccurrence(encode(texts, vocab), len(vocab), window, distance_weighting=True)
    return truncated_svd(ppmi(counts, shift, smoothing), dim, power, seed)


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
}
# Las mismas ventanas y la misma dimensión para los tres. Las vueltas, hasta que entrenar una vez cuesta
# más de un minuto; a PPMI + SVD, que no da vueltas, le sobra tiempo.
WINDOWS = [5, 10, 15]
START = {
    "PPMI + SVD": {"window": 5, "smoothing": 0.75, "shift": 1.0, "dim": 100, "power": 0.5},
    "word2vec": {"window": 5, "dim": 100, "sample": 1e-4, "num_epochs": 10, "lr": 0.05},
    "GloVe": {
        "window": 10, "dim": 100, "num_groups": 40, "num_epochs": 10, "lr": 0.3, "x_max": 10.0,
        "decay": 1.0,
    },
}  # fmt: skip
CHOICES = {
    "PPMI + SVD": {"window": WINDOWS, "power": [0.0, 0.5]},
    "word2vec": {"window": WINDOWS, "lr": [0.025, 0.05, 0.1], "num_epochs": [5, 10, 20]},
    "GloVe": {"window": WINDOWS, "lr": [0.1, 0.3], "decay": [0.0, 1.0], "num_epochs": [10, 25]},
}
VARIED = {
    "PPMI + SVD": {
        "window": [2, 5, 10, 15], "dim": [25, 50, 100, 200], "smoothing": [0.5, 0.75, 1.0],
        "shift": [1.0, 2.0, 5.0], "power": [0.0, 0.5, 1.0],
    },
    "word2vec": {"window": [2, 5, 10, 15], "dim": [50, 100, 200], "lr": [0.025, 0.05, 0.1]},
}  # fmt: skip
# Con menos texto una vuelta cuesta menos, y se pueden dar más.
SHORTER = {"num_epochs": [5, 10, 20, 40]}


def runs(
    name: str, num_words: int | None, methods: dict[str, int], varied: dict[str, dict] | None = None
) -> Iterable[Run]:
    """Las carreras con un texto: las semillas de cada método y, si se piden, los ajustes que varía."""
    size = "" if num_words is None else f", {num_words / 1e6:g} M"
    for method, num_seeds in methods.items():
        like = "word2vec" if method == "word2vec (gensim)" else method
        choose = CHOICES[like]
        if like == "word2vec" and (num_words or np.inf) < 4_000_000:
            choose = choose | SHORTER
        settings = {"corpus": name, "method": method, "num_words": num_words, **START[like]}
        settings |= {"chosen_with": like} if like != method else {}
        settings |= {"choose": choose, "vary": (varied or {}).get(method, {})}
        for seed in range(num_seeds):
            yield Run(f"{method}, {name}{size}", settings, seed)


# PPMI + SVD apenas depende de la semilla.
FAST = {"PPMI + SVD": 1, "word2vec": 3}
EXPERIMENT = Experiment(
    name="vectores",
    title="Vectores de palabra: parecido con el juicio humano, analogías y segundos de CPU",
    data=(
        "imdb_unsup", "novelas",
        *(test for sets in (CHOOSE, TESTS) for tests in sets.values() for test in tests),
        *ANALOGIES.values(),
    ),
    runs=(
        *runs("novelas", None, {**FAST, "word2vec (gensim)": 1, "GloVe": 3}),
        *runs("novelas", 500_000, FAST),
        *runs("novelas", 1_000_000, {**FAST, "word2vec": 2}, VARIED),
        *runs("novelas", 2_000_000, FAST),
        *runs("imdb_unsup", 2_000_000, FAST),
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
