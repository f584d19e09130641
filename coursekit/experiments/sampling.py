"""Qué se gana y qué se paga con el submuestreo y con el exponente del ruido en Skip-gram."""

import time
from collections import Counter
from functools import lru_cache

from coursekit import data
from coursekit.embeddings import read_pairs, similarity
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


def measure(run: Run, short: bool = False) -> dict:
    """Entrena con gensim, ejemplo a ejemplo, y mide el parecido con el juicio de las personas.

    Con nuestra versión por bloques no valdría: sin submuestreo, un bloque repite muchas veces las
    mismas palabras y se mediría también eso.

    Returns:
        Palabras leídas y palabras que quedaron tras el submuestreo, en todas las vueltas; segundos; de
        cada prueba, la correlación, las parejas medidas, sus cosenos y sus notas.
    """
    from gensim.models import Word2Vec

    texts, vocab = corpus()
    settings = dict(run.settings)
    num_epochs = settings.pop("num_epochs")
    if short:
        texts, num_epochs = texts[:SHORT_TEXTS], SHORT_EPOCHS
    lr = settings.pop("lr")
    model = Word2Vec(
        vector_size=settings["dim"], window=settings["window"], negative=settings["num_negatives"],
        sample=settings["sample"], ns_exponent=settings["power"], sg=1, min_count=1, alpha=lr,
        min_alpha=lr * 1e-4, seed=run.seed, workers=1,
    )  # fmt: skip
    model.build_vocab([*texts, vocab.get_itos()])  # todas las palabras, también en la corta
    start = time.process_time()
    kept, read = model.train(texts, total_examples=len(texts), epochs=num_epochs)
    figures = {
        "train_cpu_seconds": round(time.process_time() - start, 1), "words": read, "kept_words": kept,
    }  # fmt: skip
    vectors = model.wv[vocab.get_itos()]
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
    "t = 1e-4, ruido uniforme": (1e-4, 0.0, 3),
    "t = 1e-4, ruido sin exponente": (1e-4, 1.0, 3),
}
EXPERIMENT = Experiment(
    name="muestreo",
    title="Skip-gram con distintos submuestreos y ruidos: palabras que quedan y correlación con las personas",
    data=("novelas", *TESTS),
    runs=tuple(
        Run(name, {"sample": sample, "power": power, "num_epochs": num_epochs, **COMMON}, seed)
        for name, (sample, power, num_epochs) in VARIED.items()
        for seed in range(3)
    ),
    measure=measure,
    module=__name__,
)
