"""word2vec: palabras por segundo, las nuestras y las de gensim con un trabajador.

Un décimo de las reseñas de IMDb sin etiqueta del experimento `vectores`, con sus ajustes:
vocabulario de 20,000 palabras, 100 dimensiones, ventana 5, 5 negativos, submuestreo 1e-4, tasa
0.05. Lo de gensim es `train`, sin contar el vocabulario; lo nuestro, `fit` entero.
"""

from collections.abc import Iterator

import numpy as np
from gensim.models import Word2Vec as Peer

from coursekit.embeddings import Word2Vec, encode
from coursekit.experiments.vectors import corpus

from .measuring import Row, by_turns

LR, SAMPLE = 0.05, 1e-4


def rows() -> Iterator[Row]:
    sentences, vocab = corpus("imdb_unsup")
    sentences = sentences[: len(sentences) // 10]
    encoded, num_words = encode(sentences, vocab), sum(map(len, sentences))
    ours = Word2Vec(len(vocab), 100, sample=SAMPLE, rng=np.random.default_rng(1))
    theirs = Peer(
        vector_size=100, window=5, negative=5, sg=1, min_count=1, sample=SAMPLE, alpha=LR,
        min_alpha=LR * 1e-4, seed=1, workers=1,
    )  # fmt: skip
    theirs.build_vocab(sentences)
    for num_threads in (1, 2):
        ways = {
            "ours": lambda threads=num_threads: ours.fit(encoded, 1, LR, threads),
            "theirs": lambda: theirs.train(sentences, total_examples=len(sentences), epochs=1),
        }
        speed = {name: num_words / time for name, time in by_turns(ways, num_threads).items()}
        yield Row(
            "word2vec: palabras por segundo", num_threads, speed["ours"], speed["theirs"],
            "gensim, workers=1", "≥ 3",
        )  # fmt: skip
