"""Leer lotes de secuencias de distinto largo: el relleno nunca cuenta."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from coursekit.recurrent.deep import Bidirectional, Stacked
from coursekit.recurrent.nets import num_directions
from coursekit.recurrent.validation import check_lengths


def read_padded(rnn: nn.Module, inputs: torch.Tensor, lengths: torch.Tensor):
    """Los estados de la red al leer cada secuencia sola, sin el relleno del final.

    Args:
        rnn: cualquier red con la interfaz de `nn.RNN`, también bidireccional.
        inputs: (pasos, lote, num_inputs).
        lengths: (lote,), los pasos verdaderos de cada secuencia.
    Returns:
        H (pasos, lote, num_outputs), con ceros en el relleno.
    Raises:
        CourseError: si no hay un largo posible por secuencia.
    """
    check_lengths(lengths, inputs.shape[1], len(inputs))
    lengths = lengths.to(inputs.device)
    H = read_real_steps(rnn, inputs, lengths)
    return H.masked_fill(is_padding(lengths, len(inputs)), 0)


def read_real_steps(rnn: nn.Module, inputs: torch.Tensor, lengths: torch.Tensor):
    """Los estados de los pasos verdaderos; en el relleno, cualquier cosa."""
    if isinstance(rnn, Stacked):
        for layer in rnn.layers:
            inputs = read_real_steps(layer, inputs, lengths)
        return inputs
    if isinstance(rnn, Bidirectional):
        ahead = read_real_steps(rnn.ahead, inputs, lengths)
        back = read_real_steps(rnn.back, reversed_steps(inputs, lengths), lengths)
        return torch.cat([ahead, reversed_steps(back, lengths)], dim=2)
    if num_directions(rnn) == 1:
        # Quien solo mira atrás llega al relleno cuando ya leyó todo lo demás.
        return rnn(inputs)[0]
    packed = pack_padded_sequence(inputs, lengths.cpu(), enforce_sorted=False)
    return pad_packed_sequence(rnn(packed)[0], total_length=len(inputs))[0]


def reversed_steps(X: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Cada secuencia de X (pasos, lote, ·) al revés, y su relleno, donde estaba."""
    steps = torch.arange(len(X), device=X.device)[:, None]
    mirror = lengths - 1 - steps  # (pasos, lote); negativo en el relleno
    sources = torch.where(mirror >= 0, mirror, steps)
    return X[sources, torch.arange(X.shape[1], device=X.device)]


def is_padding(lengths: torch.Tensor, num_steps: int) -> torch.Tensor:
    """Qué lugares son relleno: (pasos, lote, 1)."""
    steps = torch.arange(num_steps, device=lengths.device)[:, None]
    return (steps >= lengths)[..., None]


def last_read(rnn: nn.Module, H: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Lo último que leyó cada dirección, (lote, num_outputs): hacia atrás, el paso 0.

    Args:
        rnn, H, lengths: la red, lo que dio `read_padded` y los largos.
    """
    last = H[lengths - 1, torch.arange(len(lengths))]
    if num_directions(rnn) == 1:
        return last
    return torch.cat([last.chunk(2, dim=1)[0], H[0].chunk(2, dim=1)[1]], dim=1)
