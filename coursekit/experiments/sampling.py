"""Qué se gana y qué se paga con el submuestreo y con el exponente del ruido en Skip-gram, y al contar."""

import time
from collections import Counter
from functools import lru_cache

import numpy as np

from coursekit import data
from coursekit.embeddings import cooccurrence, encode, ppmi, read_pairs, similarity, truncated_svd
from coursekit.experiments.runner import Experiment, Run
from coursekit.text import Vocab, sentences

VOCAB_SIZE = 20_000
EVERY = 2  # de cada dos párrafos de las novelas, uno
TESTS = ("semeval2017_es", "rg65_es")  # se leen sin distinguir tildes: la segunda viene sin ellas
# La carrera corta. gensim lee la sigmoide de una tabla, y con más frases un redondeo distinto cambia
# de casilla y deja de dar lo mismo en otra máquina.
SHORT_TEXTS, SHORT_EPOCHS = 500, 2


@lru_cache(maxsize=1)
def corpus() -> tuple[list[list[str]], Vocab]:
    """Frases de dos palabras o más, solo con las palabras más frecuentes, y el vocabulario."""
    documents = data.load("novelas").documents[::EVERY]
    found = [s for document in documents for s in sentences(document) if len(s) > 1]
    frequency = Counter(word for sentence in found for word in sentence)
    vocab = Vocab(word for word, _ in frequency.most_common(VOCAB_SIZE))
    return [[word for word in sentence if word in vocab] for sentence in found], vocab


def skip_gram(texts, vocab, seed, short, *, sample, power, num_epochs, window, dim, num_negatives, lr):
    """Skip-gram con gensim, ejemplo a ejemplo.

    Con nuestra versión por bloques no valdría: sin submuestreo, un bloque repite muchas veces las
    mismas palabras y se mediría también eso.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=dim, window=window, negative=num_negatives, sample=sample, ns_exponent=power, sg=1,
        min_count=1, alpha=lr, min_alpha=lr * 1e-4, seed=seed, workers=1,
    )  # fmt: skip
    model.build_vocab([*texts, vocab.get_itos()])  # todas las palabras, también en la corta
    start = time.process_time()
    kept, read = model.train(
        texts, total_examples=len(texts), epochs=SHORT_EPOCHS if short else num_epochs
    )
    seconds = round(time.process_time() - start, 1)
    return model.wv[vocab.get_itos()], {"train_cpu_seconds": seconds, "words": read, "kept_words": kept}


def counted(texts, vocab, seed, short, *, window, dim, smoothing):
    """El rival que cuenta: PPMI con los contextos suavizados, comprimida con la SVD."""
    start = time.process_time()
    ids = encode(texts, vocab)
    vectors = truncated_svd(ppmi(cooccurrence(ids, len(vocab), window), smoothing=smoothing), dim, seed=seed)
    seconds, words = round(time.process_time() - start, 1), sum(map(len, ids))
    return vectors, {"train_cpu_seconds": seconds, "words": words, "kept_words": words}


def drawn(texts, vocab, seed, short, *, dim):
    """El rival que no lee: vectores sorteados."""
    vectors = np.random.default_rng(seed).normal(size=(len(vocab), dim))
    return vectors, {"train_cpu_seconds": 0.0, "words": 0, "kept_words": 0}


METHODS = {"Skip-gram": skip_gram, "PPMI + SVD": counted, "al azar": drawn}


def measure(run: Run, short: bool = False) -> dict:
    """Entrena y mide el parecido con el juicio de las personas.

    Returns:
        Palabras leídas y palabras que quedaron tras el submuestreo, en todas las vueltas; segundos; de
        cada prueba, la correlación, las parejas medidas, sus cosenos y sus notas.
    """
    texts, vocab = corpus()
    settings = dict(run.settings)
    train = METHODS[settings.pop("method", "Skip-gram")]
    vectors, figures = train(texts[:SHORT_TEXTS] if short else texts, vocab, run.seed, short, **settings)
    if short:
        figures["vectors_norm"] = float((vectors.astype(float) ** 2).sum() ** 0.5)
    for test in TESTS:
        result = similarity(read_pairs(data.load(test).documents), vectors, vocab, fold_accents=True)
        figures |= {f"{test}_spearman": result.spearman, f"{test}_pairs": result.num_used}
        if not short:
            figures[f"{test}_cosines"] = [round(float(cosine), 5) for cosine in result.cosines]
            figures[f"{test}_scores"] = result.scores.tolist()
    return figures


COMMON = {"window": 5, "dim": 100, "num_negatives": 5, "lr": 0.05}
# Umbral del submuestreo, exponente del ruido y vueltas. Las que dan más de tres entrenan con tantas palabras,
# ya descartadas las otras, como «sin submuestreo»; o con el doble, para saber qué parte es de las vueltas.
VARIED = {
    "sin submuestreo": (0, 0.75, 3),
    "t = 1e-3": (1e-3, 0.75, 3),
    "t = 1e-4": (1e-4, 0.75, 3),
    "t = 1e-5": (1e-5, 0.75, 3),
    "t = 1e-4, seis vueltas": (1e-4, 0.75, 6),
    "t = 1e-5, once vueltas": (1e-5, 0.75, 11),
    "sin submuestreo, seis vueltas": (0, 0.75, 6),
    "t = 1e-4, seis vueltas, ruido uniforme": (1e-4, 0.0, 6),
    "t = 1e-4, seis vueltas, ruido sin exponente": (1e-4, 1.0, 6),
}
EXPERIMENT = Experiment(
    name="muestreo",
    title="Skip-gram con distintos submuestreos y ruidos: palabras que quedan y correlación con las personas",
    data=("novelas", *TESTS),
    runs=(
        *(Run("al azar", {"method": "al azar", "dim": 100}, seed) for seed in range(3)),
        Run("PPMI + SVD", {"method": "PPMI + SVD", "window": 5, "dim": 100, "smoothing": 0.75}, 0),
        *(
            Run(name, {"sample": sample, "power": power, "num_epochs": num_epochs, **COMMON}, seed)
            for name, (sample, power, num_epochs) in VARIED.items()
            for seed in range(3)
        ),
    ),
    measure=measure,
    module=__name__,
)
