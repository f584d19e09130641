"""Redes recurrentes: a mano, el modelo de lenguaje y la generación."""

from coursekit.recurrent.attention import (
    AdditiveAttention,
    AttentionEncoderDecoder,
    DotAttention,
)
from coursekit.recurrent.base import OneHot
from coursekit.recurrent.bptt import bptt_logits, random_truncation, truncation
from coursekit.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell, Unrolled
from coursekit.recurrent.conversion import from_torch, to_cell, to_torch
from coursekit.recurrent.deep import Bidirectional, Stacked
from coursekit.recurrent.elman import mean_states, mean_surprise
from coursekit.recurrent.encoder_decoder import (
    EncoderDecoder,
    compression,
    interpolate,
    paired_batch,
    quantize,
    sequence_accuracy,
    write,
)
from coursekit.recurrent.generation import choose_symbol, generate
from coursekit.recurrent.gradients import GradientRecorder, state_gradients
from coursekit.recurrent.gru import GRUScratch
from coursekit.recurrent.language_model import LanguageModel
from coursekit.recurrent.lstm import LSTMScratch
from coursekit.recurrent.next_symbol import NextSymbol, shifted_batch
from coursekit.recurrent.padded import last_read, read_padded
from coursekit.recurrent.rnn import RNNScratch
from coursekit.recurrent.sampling import ScheduledSampling
from coursekit.recurrent.window import WindowModel, contexts

__all__ = [
    "AdditiveAttention",
    "AttentionEncoderDecoder",
    "Bidirectional",
    "DotAttention",
    "EncoderDecoder",
    "GRUCell",
    "GRUScratch",
    "GradientRecorder",
    "LSTMCell",
    "LSTMScratch",
    "LanguageModel",
    "NextSymbol",
    "OneHot",
    "RNNScratch",
    "ScheduledSampling",
    "SimpleRNNCell",
    "Stacked",
    "Unrolled",
    "WindowModel",
    "bptt_logits",
    "choose_symbol",
    "compression",
    "contexts",
    "from_torch",
    "generate",
    "interpolate",
    "last_read",
    "mean_states",
    "mean_surprise",
    "paired_batch",
    "quantize",
    "random_truncation",
    "read_padded",
    "sequence_accuracy",
    "shifted_batch",
    "state_gradients",
    "to_cell",
    "to_torch",
    "truncation",
    "write",
]
