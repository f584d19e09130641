"""Conjuntos de datos del curso, con su suma de comprobación y una muestra que los sustituye."""

from coursekit.data.catalogue import DATASETS, Dataset
from coursekit.data.corpus import Corpus, load_sample
from coursekit.data.elman import (
    elman_letters,
    elman_next_words,
    elman_sentences,
    invented_words,
)
from coursekit.data.notice import stand_ins
from coursekit.data.registry import fetch, load, verify

__all__ = [
    "DATASETS", "Corpus", "Dataset", "elman_letters", "elman_next_words", "elman_sentences", "fetch",
    "invented_words", "load", "load_sample", "stand_ins", "verify",
]
