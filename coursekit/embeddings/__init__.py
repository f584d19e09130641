"""Vectores de palabra: los que salen de cuentas, word2vec, evaluación y ficheros."""

from coursekit.embeddings.analogies import analogies, analogy, read_analogies
from coursekit.embeddings.cooccurrence import cooccurrence, encode
from coursekit.embeddings.evaluation import bootstrap_interval, odd_one_out
from coursekit.embeddings.glove import GloVe, glove_loss
from coursekit.embeddings.neighbours import associations, nearest, word_index
from coursekit.embeddings.ppmi import ppmi
from coursekit.embeddings.similarity import read_pairs, similarity
from coursekit.embeddings.svd import truncated_svd
from coursekit.embeddings.vectors import keyed_vectors, load_vectors, save_vectors
from coursekit.embeddings.word2vec import (
    Word2VecScratch,
    cbow,
    keep_probability,
    negative_loss,
    noise_distribution,
    skipgram,
    softmax_loss,
)

__all__ = [
    "GloVe",
    "Word2VecScratch",
    "analogies",
    "analogy",
    "associations",
    "bootstrap_interval",
    "cbow",
    "cooccurrence",
    "encode",
    "glove_loss",
    "keep_probability",
    "keyed_vectors",
    "load_vectors",
    "nearest",
    "negative_loss",
    "noise_distribution",
    "odd_one_out",
    "ppmi",
    "read_analogies",
    "read_pairs",
    "save_vectors",
    "similarity",
    "skipgram",
    "softmax_loss",
    "truncated_svd",
    "word_index",
]
