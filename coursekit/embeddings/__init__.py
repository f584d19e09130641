"""Vectores de palabra a partir de cuentas: coocurrencia, PPMI, SVD y vecinos."""

from coursekit.embeddings.cooccurrence import cooccurrence, encode
from coursekit.embeddings.evaluation import bootstrap_interval, odd_one_out
from coursekit.embeddings.neighbours import associations, nearest, word_index
from coursekit.embeddings.ppmi import ppmi
from coursekit.embeddings.svd import truncated_svd

__all__ = [
    "associations",
    "bootstrap_interval",
    "cooccurrence",
    "encode",
    "nearest",
    "odd_one_out",
    "ppmi",
    "truncated_svd",
    "word_index",
]
