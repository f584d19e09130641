"""GloVe con las novelas: qué cambian el tamaño, la ventana y las vueltas, y cuánto es azar.

Los ajustes se eligen con unas parejas (RG-65 y MC-30) y se miden con otras (SemEval-2017 y WordSim-353, que
contiene MC-30 entero y aquí va sin él). Todas se leen sin distinguir tildes: dos vienen sin ellas.
"""

import time
from functools import lru_cache

import numpy as np

from coursekit import data
from coursekit.embeddings import (
    GloVeScratch,
    analogies,
    cooccurrence,
    encode,
    ppmi,
    read_analogies,
    read_pairs,
    similarity,
    truncated_svd,
)
from coursekit.embeddings.similarity import spearman
from coursekit.experiments.runner import Experiment, Run
from coursekit.text import build_vocab_from_iterator, sentences, without_accents

VOCAB_SIZE = 20_000
NUM_DRAWS = 200  # remuestreos de cada conjunto de parejas, los mismos en todas las carreras
# La carrera corta: frases de las que aprende, y vueltas.
SHORT_TEXTS, SHORT_EPOCHS = 2_000, 1


@lru_cache(maxsize=1)
def corpus():
    """Las frases de las novelas, en índices, y su vocabulario."""
    text = [s for document in data.load("novelas").documents for s in sentences(document)]
    vocab = build_vocab_from_iterator(text, max_tokens=VOCAB_SIZE)
    return encode(text, vocab), vocab


@lru_cache(maxsize=1)
def pairs() -> dict[str, list]:
    """Las parejas con que se eligen los ajustes, y las de cada prueba que no están entre ellas."""
    dev = _distinct("rg65_es", "mc30_es")
    found = {"dev": dev}
    for test, name in {"wordsim": "wordsim353_es", "semeval": "semeval2017_es"}.items():
        found[test] = {key: pair for key, pair in _distinct(name).items() if key not in dev}
    return {test: list(some.values()) for test, some in found.items()}


def _distinct(*names: str) -> dict[frozenset, tuple]:
    """Las parejas de unos conjuntos, por sus dos palabras; de las repetidas, la primera."""
    found = {}
    for name in names:
        for pair in read_pairs(data.load(name).documents):
            found.setdefault(frozenset(without_accents(word.lower()) for word in pair[:2]), pair)
    return found


def measure(run: Run, short: bool = False) -> dict:
    """Entrena los vectores y los mide; la carrera corta aprende de unas pocas frases y da una vuelta."""
    settings = dict(run.settings)
    train = METHODS[settings.pop("method")]
    ids, vocab = corpus()
    if short:
        ids = ids[:SHORT_TEXTS]
        if "num_epochs" in settings:
            settings["num_epochs"] = SHORT_EPOCHS
    start = time.process_time()
    vectors = train(ids, len(vocab), run.seed, **settings)
    figures = {"train_cpu_seconds": round(time.process_time() - start, 1)}
    if short:
        figures["vectors_norm"] = float(np.linalg.norm(vectors.astype(float)))
    for test, some in pairs().items():
        result = similarity(some, vectors, vocab, fold_accents=True)
        figures |= {f"{test}_spearman": result.spearman, f"{test}_pairs": result.num_used}
        if not short:
            figures[f"{test}_draws"] = resampled(result)
    if not short:
        asked = read_analogies(data.load("questions-words-es").documents)
        result = analogies(asked, vectors, vocab, fold_accents=True)
        figures |= {"analogies_accuracy": result.accuracy, "analogies": len(result.hits)}
    return figures


def resampled(result) -> list[float]:
    """La correlación con las parejas sorteadas otra vez, cada vez las mismas para todos los modelos."""
    n = result.num_used
    drawn = np.random.default_rng(0).integers(n, size=(NUM_DRAWS, n))
    return spearman(result.cosines[drawn], result.scores[drawn]).round(4).tolist()


def train_glove(ids, vocab_size, seed, *, window, dim, num_epochs, **settings):
    counts = cooccurrence(ids, vocab_size, window, distance_weighting=True)
    model = GloVeScratch(vocab_size, dim, rng=np.random.default_rng(seed))
    model.fit(counts, num_epochs, **settings)
    return model.vectors


def train_ppmi(ids, vocab_size, seed, *, window, dim):
    counts = cooccurrence(ids, vocab_size, window, distance_weighting=True)
    return truncated_svd(ppmi(counts, smoothing=0.75), dim, seed=seed)


def random_vectors(ids, vocab_size, seed, *, dim):
    """El rival que no ha leído nada."""
    return np.random.default_rng(seed).normal(size=(vocab_size, dim))


def letter_pairs(ids, vocab_size, seed):
    """El rival que no mira los contextos: de cada palabra, qué parejas de letras seguidas tiene."""
    words = [f"<{word}>" for word in corpus()[1].get_itos()]
    found = [{first + second for first, second in zip(word, word[1:])} for word in words]
    columns = {pair: j for j, pair in enumerate(sorted(set().union(*found)))}
    vectors = np.zeros((vocab_size, len(columns)), np.float32)
    for row, pairs_of_word in zip(vectors, found):
        row[[columns[pair] for pair in pairs_of_word]] = 1
    return vectors


METHODS = {
    "GloVe": train_glove,
    "PPMI + SVD": train_ppmi,
    "al azar": random_vectors,
    "letras": letter_pairs,
}
BASE = {"method": "GloVe", "window": 5, "dim": 100, "num_epochs": 15, "decay": 0.0}
EXPERIMENT = Experiment(
    name="glove",
    title="GloVe con las novelas: parecido con el juicio humano y analogías, según los ajustes",
    data=("novelas", "rg65_es", "mc30_es", "wordsim353_es", "semeval2017_es", "questions-words-es"),
    runs=(
        *(Run("al azar", {"method": "al azar", "dim": 100}, seed) for seed in range(3)),
        Run("letras", {"method": "letras"}, 0),
        Run("PPMI + SVD", {"method": "PPMI + SVD", "window": 5, "dim": 100}, 0),
        *(
            Run(name, {**BASE, **changes}, seed)
            for seed in range(3)
            for name, changes in {
                "base": {},
                "dim 50": {"dim": 50},
                "dim 200": {"dim": 200},
                "ventana 2": {"window": 2},
                "ventana 15": {"window": 15},
                "5 vueltas": {"num_epochs": 5},
                "40 vueltas": {"num_epochs": 40},
                "con encogimiento": {"decay": 1.0},
            }.items()
        ),
    ),
    measure=measure,
    module=__name__,
)
