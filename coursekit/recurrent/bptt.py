"""Retropropagación a través del tiempo (BPTT): entera, truncada y truncada al azar.

Entre dos pasos seguidos, el gradiente que vuelve por el estado se multiplica por ξ: con
1 pasa entero, con 0 se corta. Lo que la red calcula hacia delante no cambia.
"""

import torch

from coursekit.errors import CourseError
from coursekit.recurrent.language_model import LanguageModel
from coursekit.recurrent.states import map_state


def bptt_logits(
    model: LanguageModel, X: torch.Tensor, factors: torch.Tensor, state=None
):
    """Lo mismo que `model(X, state)`, con un gradiente que cruza los pasos según ξ.

    Args:
        X: índices (lote, pasos).
        factors: (pasos - 1,), el ξ de cada frontera entre un paso y el siguiente.
    Returns:
        Los logits (lote, pasos, vocab_size) y el último estado.
    """
    if factors.shape != (X.shape[1] - 1,):
        raise CourseError(
            f"factors tiene forma {tuple(factors.shape)}: con {X.shape[1]} pasos hay "
            f"{X.shape[1] - 1} fronteras, y cada una lleva su factor."
        )
    # Donde ξ = 1 no hay nada que hacer: los pasos seguidos se leen de una vez.
    cuts = (factors != 1).nonzero().flatten()
    chunks = torch.tensor_split(X, (cuts + 1).tolist(), dim=1)
    outputs = []
    for chunk, factor in zip(chunks, [1.0, *factors[cuts].tolist()]):
        logits, state = model(chunk, scale_gradient(state, factor))
        outputs.append(logits)
    return torch.cat(outputs, dim=1), state


def scale_gradient(state, factor: float):
    """El mismo estado; su gradiente, multiplicado por `factor`."""
    return map_state(lambda H: H.detach() + factor * (H - H.detach()), state)


def truncation(num_steps: int, every: int) -> torch.Tensor:
    """Factores de la BPTT truncada: un corte tras cada `every` pasos, (num_steps - 1,).

    Su gradiente es sesgado: lo que va más allá de un corte nunca se aprende.
    """
    if every < 1:
        raise CourseError(f"every={every}: entre dos cortes hay al menos un paso.")
    factors = torch.ones(num_steps - 1)
    factors[every - 1 :: every] = 0
    return factors


def random_truncation(
    num_steps: int, keep: float, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Factores de la BPTT truncada al azar, (num_steps - 1,), independientes.

    ξ vale 1/keep con probabilidad keep y 0 con 1 - keep. Su media es 1, así que la
    media del gradiente es el gradiente entero; el precio es la varianza, que crece con
    cada frontera que cruza.

    Source: Tallec y Ollivier (2017), «Unbiasing Truncated Backpropagation…».
    """
    if not 0 < keep <= 1:
        raise CourseError(
            f"keep={keep} es la probabilidad de no cortar: mayor que 0 y hasta 1."
        )
    probs = torch.full((num_steps - 1,), float(keep))
    return torch.bernoulli(probs, generator=generator) / keep
