"""Mirar un modelo de lenguaje como Elman (1990): sus errores y sus estados medios."""

import torch

from coursekit.recurrent.language_model import LanguageModel
from coursekit.training import evaluating


def mean_surprise(model: LanguageModel, ids) -> torch.Tensor:
    """Cuánto cuesta predecir cada símbolo: su -log p medio en el texto, en nats.

    La sorpresa de cada lugar, en orden, es `-model.log_probs(ids[None])[0]`.

    Args:
        ids: índices del texto, leído de corrido.
    Returns:
        Vector (vocab_size,); NaN en los símbolos que no hay que predecir nunca.
    Raises:
        CourseError: si `ids` no son al menos dos índices del vocabulario.

    Source: Elman (1990), «Finding Structure in Time».
    """
    ids = torch.as_tensor(ids, device="cpu")  # donde log_probs deja lo que mide
    surprise = -model.log_probs(ids[None])[0]
    return mean_by_symbol(surprise[:, None], ids[1:], model.vocab_size)[:, 0]


def mean_states(model: LanguageModel, ids) -> torch.Tensor:
    """El estado oculto medio justo después de leer cada símbolo.

    Args:
        ids: índices del texto, leído de corrido.
    Returns:
        Matriz (vocab_size, num_hiddens); una fila de NaN si el símbolo no está.
    Raises:
        CourseError: si `ids` no son índices del vocabulario.

    Source: Elman (1990), «Finding Structure in Time».
    """
    X = model.as_ids(torch.as_tensor(ids)[None])
    with evaluating(model):
        H, _ = model.rnn(model.vectors(X))
    return mean_by_symbol(H[:, 0], X[0], model.vocab_size)


def mean_by_symbol(values: torch.Tensor, ids: torch.Tensor, vocab_size: int):
    """La media de las filas de `values` que tocan a cada símbolo, (vocab_size, ·)."""
    sums = values.new_zeros(vocab_size, values.shape[1]).index_add(0, ids, values)
    return sums / torch.bincount(ids, minlength=vocab_size)[:, None]
