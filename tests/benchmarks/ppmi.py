"""PPMI de un millón de tokens: nuestra ruta, el bucle doble y la de scikit-learn.

Uso, desde la raíz: OMP_NUM_THREADS=1 COURSEKIT_DATA=carpeta python -m tests.benchmarks.ppmi

Todas parten de las mismas oraciones (listas de palabras) y del mismo vocabulario, ya en
memoria, y acaban en la matriz PPMI. Cada una corre en un proceso propio, para que la memoria
máxima sea la suya; «base» es el proceso que solo lee los datos. El tiempo es de procesador.
El bucle recorre los V × V pares como en la versión corriente, que además los guarda en una
matriz densa de 3.2 GB; aquí solo se recorren SAMPLED_ROWS filas y el tiempo se extrapola.
"""

import gzip
import itertools
import json
import math
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

NUM_TOKENS, VOCAB_SIZE, WINDOW = 1_000_000, 20_000, 3
SAMPLED_ROWS = 100


def prepare(folder: Path) -> None:
    """Guarda las oraciones del primer millón de tokens y las palabras más frecuentes."""
    from coursekit.text import spanish

    novels = Path(os.environ["COURSEKIT_DATA"]) / "texto_es" / "novelas_eltec_es.txt.gz"
    sentences, room = [], NUM_TOKENS
    with gzip.open(novels, "rt", encoding="utf-8") as lines:
        while room > 0:
            sentences.append(spanish(next(lines))[:room])
            room -= len(sentences[-1])
    frequency = Counter(itertools.chain.from_iterable(sentences))
    words = [word for word, _ in frequency.most_common(VOCAB_SIZE)]
    # Un objeto por palabra distinta, como las deja internadas quien las lee de a poco.
    same = {word: word for word in frequency}
    sentences = [[same[word] for word in sentence] for sentence in sentences]
    (folder / "data.pickle").write_bytes(pickle.dumps((sentences, words)))


def base(sentences, words):
    """Solo los datos."""
    return {"cuentas": 0.0, "ppmi": 0.0}


def ours(sentences, words):
    """Las funciones que muestra la lección."""
    from coursekit.embeddings import cooccurrence, encode, ppmi
    from coursekit.text import Vocab

    vocab = Vocab(words)
    start = time.process_time()
    counts = cooccurrence(encode(sentences, vocab), VOCAB_SIZE, WINDOW)
    counted = time.process_time()
    ppmi(counts)
    return times(start, counted, time.process_time()) | fingerprint(counts)


def loop(sentences, words):
    """Un bucle sobre el texto y otro sobre los V × V pares, con diccionarios."""
    index = {word: i for i, word in enumerate(words)}
    start = time.process_time()
    counts = defaultdict(int)
    for sentence in sentences:
        ids = [index.get(word) for word in sentence]
        for i, w in enumerate(ids):
            if w is None:
                continue
            for j in range(max(0, i - WINDOW), min(len(ids), i + WINDOW + 1)):
                if j != i and ids[j] is not None:
                    counts[w, ids[j]] += 1
    counted = time.process_time()
    total = sum(counts.values())
    margin = [0] * VOCAB_SIZE
    for (w, _), n in counts.items():
        margin[w] += n

    def value(w, c, n):
        return max(0.0, math.log2(n * total / (margin[w] * margin[c])))

    # Todos los pares de unas filas elegidas a intervalos iguales, y de ahí a las V filas.
    step, matrix = VOCAB_SIZE // SAMPLED_ROWS, {}
    rows = range(step // 2, VOCAB_SIZE, step)
    begin = time.process_time()
    for w in rows:
        for c in range(VOCAB_SIZE):
            n = counts.get((w, c), 0)
            if n > 0:
                matrix[w, c] = value(w, c, n)
    all_pairs = (time.process_time() - begin) * VOCAB_SIZE / len(rows)
    begin = time.process_time()
    matrix = {(w, c): value(w, c, n) for (w, c), n in counts.items()}
    only_nonzero = time.process_time() - begin
    u, v = probes().tolist()
    return {
        "cuentas": counted - start,
        "ppmi": all_pairs,
        "ppmi_no_nulos": only_nonzero,
        "huella": [len(counts), total, sum(u[w] * n * v[c] for (w, c), n in counts.items())],
    }


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
    counted = time.process_time()
    ppmi(counts)
    return times(start, counted, time.process_time()) | fingerprint(counts)


def times(start, counted, end):
    return {"cuentas": counted - start, "ppmi": end - counted}


def fingerprint(counts):
    """Celdas, suma y uᵀ·C·v: lo que debe coincidir si las cuentas son las mismas."""
    u, v = probes()
    return {"huella": [int(counts.nnz), int(counts.sum()), int(u @ (counts @ v))]}


def probes():
    return np.random.default_rng(0).integers(1, 1000, (2, VOCAB_SIZE))


ROUTES = {f.__name__: f for f in (base, ours, loop, sklearn)}


def measure(name: str, folder: Path) -> dict:
    command = [sys.executable, __file__, name, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return json.loads(subprocess.check_output(command, env=environment))


def main() -> None:
    if not Path(os.environ.get("COURSEKIT_DATA", ""), "texto_es").is_dir():
        print("Sin medir: COURSEKIT_DATA no apunta a una carpeta con las novelas.")
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        results = {name: measure(name, Path(folder)) for name in ROUTES}
    same = len({tuple(r["huella"]) for r in results.values() if "huella" in r}) == 1
    mine = results["ours"]["cuentas"] + results["ours"]["ppmi"]
    nonzero = results["loop"] | {"ppmi": results["loop"]["ppmi_no_nulos"]}
    table = [
        ("solo los datos (base)", results["base"]),
        ("coursekit", results["ours"]),
        ("scikit-learn (CountVectorizer)", results["sklearn"]),
        ("bucle doble, pares no nulos", nonzero),
        ("bucle doble, V × V (extrapolado)", results["loop"]),
    ]
    print(f"{NUM_TOKENS:,} tokens, {VOCAB_SIZE:,} palabras, ventana {WINDOW}")
    print(f"Mismas cuentas en las tres rutas: {'sí' if same else 'NO'}")
    print(f"{'ruta':<33}{'cuentas s':>10}{'PPMI s':>9}{'total s':>9}{'veces':>8}{'MB':>7}")
    for name, r in table:
        total = r["cuentas"] + r["ppmi"]
        print(
            f"{name:<33}{r['cuentas']:>10.2f}{r['ppmi']:>9.2f}{total:>9.2f}"
            f"{total / mine:>8.1f}{r['MB']:>7.0f}"
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        name, folder = sys.argv[1:]
        data = pickle.loads(Path(folder, "data.pickle").read_bytes())
        result = ROUTES[name](*data)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB en Linux
        print(json.dumps(result | {"MB": peak}))
