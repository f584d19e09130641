"""Redes recurrentes: a mano, el modelo de lenguaje y la generación."""

from coursekit.recurrent.bptt import bptt_logits, random_truncation, truncation
from coursekit.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell, Unrolled
from coursekit.recurrent.conversion import from_torch, to_cell, to_torch
from coursekit.recurrent.deep import Bidirectional, Stacked
from coursekit.recurrent.generation import choose_symbol, generate
from coursekit.recurrent.gradients import GradientRecorder, state_gradients
from coursekit.recurrent.gru import GRUScratch
from coursekit.recurrent.language_model import LanguageModel
from coursekit.recurrent.lstm import LSTMScratch
from coursekit.recurrent.rnn import RNNScratch
from coursekit.recurrent.sampling import ScheduledSampling

__all__ = [
    "Bidirectional",
    "GRUCell",
    "GRUScratch",
    "GradientRecorder",
    "LSTMCell",
    "LSTMScratch",
    "LanguageModel",
    "RNNScratch",
    "ScheduledSampling",
    "SimpleRNNCell",
    "Stacked",
    "Unrolled",
    "bptt_logits",
    "choose_symbol",
    "from_torch",
    "generate",
    "random_truncation",
    "state_gradients",
    "to_cell",
    "to_torch",
    "truncation",
]
