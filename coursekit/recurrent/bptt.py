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
    Raises:
        CourseError: si no hay un factor por frontera.
    """
    num_steps, factors = X.shape[-1], torch.as_tensor(factors)
    if factors.shape != (num_steps - 1,):
        raise CourseError(
            f"factors tiene forma {tuple(factors.shape)}: con {num_steps} pasos hay "
            f"{num_steps - 1} fronteras, y cada una lleva su factor."
        )
    # Donde ξ = 1 no hay nada que hacer: los pasos seguidos se leen de una vez.
    cuts = (factors != 1).nonzero().flatten()
    chunks = torch.tensor_split(X, (cuts + 1).tolist(), dim=-1)
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

    Su gradiente es sesgado: lo que una causa pide desde más allá de un corte no le llega.

    Raises:
        CourseError: si `num_steps` o `every` es menor que 1.

    Source: Williams y Peng (1990), «An Efficient Gradient-Based Algorithm…».
    """
    check_steps(num_steps)
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

    Raises:
        CourseError: si `num_steps` es menor que 1 o `keep` no es una probabilidad
            mayor que 0.

    Source: Tallec y Ollivier (2017), «Unbiasing Truncated Backpropagation…».
    """
    check_steps(num_steps)
    if not 0 < keep <= 1:
        raise CourseError(
            f"keep={keep} es la probabilidad de no cortar: mayor que 0 y hasta 1."
        )
    probs = torch.full((num_steps - 1,), float(keep))
    return torch.bernoulli(probs, generator=generator) / keep


def check_steps(num_steps: int) -> None:
    """Comprueba que haya algún paso.

    Raises:
        CourseError: si no lo hay.
    """
    if num_steps < 1:
        raise CourseError(f"num_steps={num_steps}: un texto tiene al menos un paso.")
