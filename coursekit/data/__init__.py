"""Conjuntos de datos del curso, con su suma de comprobación y una muestra que los sustituye."""

from coursekit.data.catalogue import DATASETS, Dataset
from coursekit.data.corpus import Corpus, load_sample
from coursekit.data.elman import elman_sentences
from coursekit.data.registry import fetch, load, verify

__all__ = [
    "DATASETS", "Corpus", "Dataset", "elman_sentences", "fetch", "load", "load_sample", "verify",
]
