"""El estado de una red: nada (None), un tensor H o, en una LSTM, la pareja (H, C)."""

import torch


def parts(state) -> tuple[torch.Tensor, ...]:
    """Los tensores del estado, H el primero; ninguno si no hay estado."""
    if state is None:
        return ()
    return tuple(state) if isinstance(state, (tuple, list)) else (state,)


def map_state(function, *states):
    """El estado que resulta de aplicar una función a las partes de uno o varios."""
    first = states[0]
    if first is None:
        return None
    new_parts = tuple(function(*same) for same in zip(*map(parts, states)))
    return new_parts if isinstance(first, (tuple, list)) else new_parts[0]
