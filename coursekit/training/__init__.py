"""Entrenar y medir: el bucle, la parada temprana, las semillas y la perplejidad."""

from coursekit.training.loop import (
    EarlyStopping,
    History,
    clip_gradients,
    evaluating,
    fit,
    seed_everything,
    train_epoch,
)
from coursekit.training.metrics import (
    perplexity,
    perplexity_by_stream,
    perplexity_by_window,
)

__all__ = [
    "EarlyStopping",
    "History",
    "clip_gradients",
    "evaluating",
    "fit",
    "perplexity",
    "perplexity_by_stream",
    "perplexity_by_window",
    "seed_everything",
    "train_epoch",
]
