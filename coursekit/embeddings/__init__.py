"""Vectores de palabra: coocurrencia, PPMI, SVD, vecinos y evaluación."""

from coursekit.embeddings.analogies import analogies, analogy, read_analogies
from coursekit.embeddings.cooccurrence import cooccurrence, encode
from coursekit.embeddings.evaluation import bootstrap_interval, odd_one_out
from coursekit.embeddings.neighbours import associations, nearest, word_index
from coursekit.embeddings.ppmi import ppmi
from coursekit.embeddings.similarity import read_pairs, similarity
from coursekit.embeddings.svd import truncated_svd

__all__ = [
    "analogies",
    "analogy",
    "associations",
    "bootstrap_interval",
    "cooccurrence",
    "encode",
    "nearest",
    "odd_one_out",
    "ppmi",
    "read_analogies",
    "read_pairs",
    "similarity",
    "truncated_svd",
    "word_index",
]
