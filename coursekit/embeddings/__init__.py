"""Vectores de palabra: los que salen de cuentas, word2vec, evaluación y ficheros."""

from coursekit.embeddings.analogies import analogies, analogy, read_analogies
from coursekit.embeddings.cooccurrence import cooccurrence, encode
from coursekit.embeddings.glove import GloVeScratch, glove_loss
from coursekit.embeddings.intruder import odd_one_out
from coursekit.embeddings.neighbours import associations, nearest, word_index
from coursekit.embeddings.ppmi import ppmi
from coursekit.embeddings.similarity import read_pairs, similarity, spearman
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
from coursekit.embeddings.word2vec_fast import Word2Vec

__all__ = [
    "GloVeScratch",
    "Word2Vec",
    "Word2VecScratch",
    "analogies",
    "analogy",
    "associations",
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
    "spearman",
    "truncated_svd",
    "word_index",
]
