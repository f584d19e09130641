"""Perplejidad de los n-gramas en el último 10 % del Quijote, letra a letra, y lo que tardan.

    python tests/benchmarks/ngrams.py
"""

import time

import numpy as np

from coursekit import data
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.text import build_vocab_from_iterator, letters
from coursekit.training import perplexity_by_stream, perplexity_by_window


def main() -> None:
    symbols = letters(data.load("quijote").text)
    vocab = build_vocab_from_iterator([symbols])
    ids = np.array(vocab(symbols))
    train_ids, test_ids = np.split(ids, [len(ids) * 9 // 10])
    print(f"{'n':>2} {'':<10} {'ventanas de 32':>15} {'de corrido':>11} {'contar, s':>10}")
    for order in range(2, 13):
        for kind in (WittenBell, KneserNey):
            start = time.process_time()
            model = kind(order, len(vocab)).fit(train_ids)
            seconds = time.process_time() - start
            cold = perplexity_by_window(model, test_ids, 32)
            stream = perplexity_by_stream(model, test_ids)
            print(f"{order:>2} {kind.__name__:<10} {cold:>15.3f} {stream:>11.3f} {seconds:>10.2f}")


if __name__ == "__main__":
    main()
