"""Vectores de palabra: coocurrencia, PPMI, SVD, vecinos, evaluación y ficheros."""

from coursekit.embeddings.analogies import analogies, analogy, read_analogies
from coursekit.embeddings.cooccurrence import cooccurrence, encode
from coursekit.embeddings.evaluation import bootstrap_interval, odd_one_out
from coursekit.embeddings.neighbours import associations, nearest, word_index
from coursekit.embeddings.ppmi import ppmi
from coursekit.embeddings.similarity import read_pairs, similarity
from coursekit.embeddings.svd import truncated_svd
from coursekit.embeddings.vectors import keyed_vectors, load_vectors, save_vectors

__all__ = [
    "analogies",
    "analogy",
    "associations",
    "bootstrap_interval",
    "cooccurrence",
    "encode",
    "keyed_vectors",
    "load_vectors",
    "nearest",
    "odd_one_out",
    "ppmi",
    "read_analogies",
    "read_pairs",
    "save_vectors",
    "similarity",
    "truncated_svd",
    "word_index",
]
