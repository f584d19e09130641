"""word2vec: palabras por segundo y calidad, la nuestra y la de gensim en la misma tanda.

    python -m tests.benchmarks.word2vec [épocas] [semilla]

Con 0 épocas solo se mide la velocidad.

Reseñas de IMDb sin etiqueta, vocabulario de 20,000 palabras, 100 dimensiones, ventana 5, 5
negativos, submuestreo 1e-4, tasa 0.05. La velocidad se mide en el primer décimo del texto, tres
veces cada programa por turnos, y vale la mejor: así la carga de la máquina los toca por igual.
La de gensim es la de `train`, sin contar el vocabulario; la nuestra es la de `fit` entera.
"""

import gzip
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec as Peer

from coursekit.embeddings import encode, read_pairs, similarity
from coursekit.embeddings.word2vec_fast import Word2Vec
from coursekit.text import Vocab

FOLDER = Path(os.environ["COURSEKIT_DATA"])
NUM_WORDS, VOCAB_SIZE, LR, SAMPLE = 5_860_000, 20_000, 0.05, 1e-4


def reviews():
    """Frases de dos palabras o más, y las palabras más frecuentes."""
    sentences, room, same = [], NUM_WORDS, {}
    with gzip.open(FOLDER / "imdb/unsup.txt.gz", "rt", encoding="utf-8") as lines:
        while room > 0:
            for text in re.split(r"[.!?]|<br />", next(lines).lower()):
                words = [same.setdefault(word, word) for word in re.findall("[a-z']+", text)]
                if len(words) > 1:
                    sentences.append(words)
                    room -= len(words)
    frequency = Counter(word for sentence in sentences for word in sentence)
    vocab = Vocab(word for word, _ in frequency.most_common(VOCAB_SIZE))
    return [[word for word in s if word in vocab] for s in sentences], vocab


def train_gensim(sentences, encoded, vocab, epochs, seed, num_threads):
    model = Peer(
        vector_size=100, window=5, negative=5, sg=1, min_count=1, sample=SAMPLE, alpha=LR,
        min_alpha=LR * 1e-4, seed=seed, workers=num_threads,
    )  # fmt: skip
    model.build_vocab(sentences)
    start = time.perf_counter(), time.process_time()
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    end = time.perf_counter(), time.process_time()
    vectors = np.zeros((len(vocab), 100))
    for word in model.wv.index_to_key:
        vectors[vocab[word]] = model.wv[word]
    return vectors, end[0] - start[0], end[1] - start[1]


def train_ours(sentences, encoded, vocab, epochs, seed, num_threads):
    model = Word2Vec(len(vocab), 100, sample=SAMPLE, rng=np.random.default_rng(seed))
    start = time.perf_counter(), time.process_time()
    model.fit(encoded, epochs, LR, num_threads)
    end = time.perf_counter(), time.process_time()
    return model.W_in, end[0] - start[0], end[1] - start[1]


def main(epochs=3, seed=1):
    sentences, vocab = reviews()
    encoded = encode(sentences, vocab)
    tenth = len(sentences) // 10
    size = sum(map(len, sentences[:tenth]))
    runs = {
        "gensim, 1": (train_gensim, 1), "nuestra, 1": (train_ours, 1),
        "nuestra, 2": (train_ours, 2),
    }  # fmt: skip
    best = {name: [0.0, 0.0] for name in runs}
    for _ in range(3):
        for name, (train, threads) in runs.items():
            _, *seconds = train(sentences[:tenth], encoded[:tenth], vocab, 1, seed, threads)
            best[name] = [max(old, size / new) for old, new in zip(best[name], seconds)]
    print("                palabras/s: reloj   procesador   veces gensim: reloj   procesador")
    for name, (wall, cpu) in best.items():
        ratios = wall / best["gensim, 1"][0], cpu / best["gensim, 1"][1]
        print(f"{name:<12}{wall:>21,.0f}{cpu:>13,.0f}{ratios[0]:>22.2f}{ratios[1]:>13.2f}")
    for name in ("gensim, 1", "nuestra, 1") if epochs else ():
        vectors, _, _ = runs[name][0](sentences, encoded, vocab, epochs, seed, 1)
        for test in ("wordsim353.tsv", "simlex999.txt"):
            text = (FOLDER / "similitud_en" / test).read_text("utf-8")
            pairs = read_pairs(text.splitlines())
            result = similarity(pairs, vectors, vocab, np.random.default_rng(0))
            print(
                f"{name:<12}{epochs} épocas, {test}: {result.spearman:.3f} "
                f"[{result.low:.3f}, {result.high:.3f}], {result.num_used} parejas"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
