"""Ajustar un modelo de n-gramas al Quijote entero, letra a letra, frente a solo contar.

La referencia cuenta los n-gramas de los mismos órdenes con `Counter`, en un bucle de Python; lo
nuestro, además, los suaviza.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from coursekit import data
from coursekit.ngrams import KneserNey
from coursekit.text import build_vocab_from_iterator, letters

from .measuring import Row, by_turns

ORDER = 7


def rows() -> Iterator[Row]:
    symbols = letters(data.load("quijote").text)
    vocab = build_vocab_from_iterator([symbols])
    ids = np.array(vocab(symbols))

    def count():
        for order in range(1, ORDER + 1):
            Counter(zip(*(symbols[start:] for start in range(order))))

    ways = {"ours": lambda: KneserNey(ORDER, len(vocab)).fit(ids), "counter": count}
    seconds = by_turns(ways, 1)
    what = f"Kneser-Ney de orden {ORDER}, {len(ids):,} letras: s"
    yield Row(what, 1, seconds["ours"], seconds["counter"], "contar con Counter")
