"""PPMI de un millón de tokens: nuestra ruta, el bucle doble y la de scikit-learn.

Todas parten de las mismas oraciones (listas de palabras) y del mismo vocabulario, ya en memoria, y
acaban en la matriz PPMI. Cada una corre en un proceso propio, para que la memoria máxima sea suya.
El tiempo es de CPU.

El bucle recorre los V × V pares como en la versión corriente, que además los guarda en una
matriz densa de 3.2 GB; aquí solo se recorren SAMPLED_ROWS filas y el tiempo se extrapola.
"""

import itertools
import math
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .measuring import Row, alone

NUM_TOKENS, WINDOW = 1_000_000, 3
SAMPLED_ROWS = 100


def rows() -> Iterator[Row]:
    # Aquí y no arriba: traen torch, que contaría en la memoria de las tres rutas.
    from coursekit.errors import CourseError
    from coursekit.experiments.vectors import corpus

    sentences, vocab = corpus("novelas")
    words = vocab.get_itos()
    sentences = first_tokens(sentences, words)
    routes = (ours, sklearn, loop)
    mine, theirs, slow = (alone(measure, route, sentences, words) for route in routes)
    if not mine["print"] == theirs["print"] == slow["print"]:
        raise CourseError("Las tres rutas de la PPMI no cuentan lo mismo.")
    text = f"PPMI de {sum(map(len, sentences)):,} tokens, {len(words):,} palabras"
    peer = "scikit-learn (CountVectorizer)"
    yield Row(f"{text}: s", 1, mine["seconds"], theirs["seconds"], peer)
    yield Row(f"{text}: MB en el peor momento", 1, mine["MB"], theirs["MB"], peer)
    yield Row(f"{text}: s", 1, mine["seconds"], slow["nonzero"], "bucle, pares no nulos")
    yield Row(f"{text}: s", 1, mine["seconds"], slow["seconds"], "bucle, V × V pares", "≤ 0.005")


def first_tokens(sentences, words) -> list[list[str]]:
    """Las primeras oraciones, hasta NUM_TOKENS palabras.

    Queda un objeto por palabra distinta, como las deja internadas quien las lee de a poco.
    """
    same, room, chosen = {word: word for word in words}, NUM_TOKENS, []
    for sentence in sentences:
        chosen.append([same[word] for word in sentence[:room]])
        room -= len(chosen[-1])
        if room == 0:
            break
    return chosen


def measure(route, sentences, words) -> dict:
    """Lo que da una ruta, y la memoria máxima de su proceso."""
    result = route(sentences, words)
    # ru_maxrss no sirve: un proceso hereda la del que lo creó.
    status = Path("/proc/self/status").read_text()
    return result | {"MB": int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024}


def ours(sentences, words):
    """Las funciones que muestra la lección."""
    from coursekit.embeddings import cooccurrence, encode, ppmi
    from coursekit.text import Vocab

    vocab = Vocab(words)
    start = time.process_time()
    counts = cooccurrence(encode(sentences, vocab), len(words), WINDOW)
    ppmi(counts)
    return {"seconds": time.process_time() - start, "print": fingerprint(counts)}


def sklearn(sentences, words):
    """CountVectorizer: por cada token, un documento con él y otro con sus vecinos."""
    from sklearn.feature_extraction.text import CountVectorizer

    from coursekit.embeddings import ppmi

    start = time.process_time()
    centers = ([word] for sentence in sentences for word in sentence)
    contexts = (
        sentence[max(0, i - WINDOW) : i] + sentence[i + 1 : i + WINDOW + 1]
        for sentence in sentences
        for i in range(len(sentence))
    )
    vectorizer = CountVectorizer(analyzer=lambda document: document, vocabulary=words)
    counts = vectorizer.transform(centers).T @ vectorizer.transform(contexts)
    ppmi(counts)
    return {"seconds": time.process_time() - start, "print": fingerprint(counts)}


def loop(sentences, words):
    """Un bucle sobre el texto y otro sobre los V × V pares, con diccionarios."""
    index = {word: i for i, word in enumerate(words)}
    start = time.process_time()
    counts = defaultdict(int)
    for sentence in sentences:
        ids = [index[word] for word in sentence]
        for i, w in enumerate(ids):
            for j in range(max(0, i - WINDOW), min(len(ids), i + WINDOW + 1)):
                if j != i:
                    counts[w, ids[j]] += 1
    total = sum(counts.values())
    margin = [0] * len(words)
    for (w, _), n in counts.items():
        margin[w] += n
    counting = time.process_time() - start

    def value(w, c, n):
        return max(0.0, math.log2(n * total / (margin[w] * margin[c])))

    # Todos los pares de unas filas elegidas a intervalos iguales, y de ahí a las V filas.
    step, matrix = len(words) // SAMPLED_ROWS, {}
    sampled = range(step // 2, len(words), step)
    start = time.process_time()
    for w, c in itertools.product(sampled, range(len(words))):
        n = counts.get((w, c), 0)
        if n > 0:
            matrix[w, c] = value(w, c, n)
    all_pairs = (time.process_time() - start) * len(words) / len(sampled)
    start = time.process_time()
    matrix = {(w, c): value(w, c, n) for (w, c), n in counts.items()}
    nonzero = time.process_time() - start
    u, v = probes(len(words)).tolist()
    return {
        "seconds": counting + all_pairs,
        "nonzero": counting + nonzero,
        "print": [len(counts), total, sum(u[w] * n * v[c] for (w, c), n in counts.items())],
    }


def fingerprint(counts):
    """Celdas, suma y uᵀ·C·v: lo que debe coincidir si las cuentas son las mismas."""
    u, v = probes(counts.shape[0])
    return [int(counts.nnz), int(counts.sum()), int(u @ (counts @ v))]


def probes(vocab_size):
    return np.random.default_rng(0).integers(1, 1000, (2, vocab_size))
