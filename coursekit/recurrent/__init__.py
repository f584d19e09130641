"""Redes recurrentes: la celda escrita a mano, el modelo de lenguaje y la generación."""

from coursekit.recurrent.generation import choose_symbol, generate
from coursekit.recurrent.language_model import LanguageModel
from coursekit.recurrent.rnn import RNNScratch, from_torch, to_torch

__all__ = [
    "LanguageModel",
    "RNNScratch",
    "choose_symbol",
    "from_torch",
    "generate",
    "to_torch",
]
