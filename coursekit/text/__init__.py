"""Del texto a los lotes: tokenizadores, vocabulario y secuencias."""

from coursekit.text.pieces import join_pieces, learn_merges, split_word
from coursekit.text.sequences import batches_by_length, collate_padded, streams, windows
from coursekit.text.tokenizers import (
    basic_english,
    get_tokenizer,
    letters,
    sentences,
    spanish,
    without_accents,
)
from coursekit.text.vectors import GloVe, Vectors
from coursekit.text.vocab import Vocab, build_vocab_from_iterator, vocab

__all__ = [
    "GloVe",
    "Vectors",
    "Vocab",
    "basic_english",
    "batches_by_length",
    "build_vocab_from_iterator",
    "collate_padded",
    "get_tokenizer",
    "join_pieces",
    "learn_merges",
    "letters",
    "sentences",
    "spanish",
    "split_word",
    "streams",
    "vocab",
    "windows",
    "without_accents",
]
