"""Entrenar con la verdad o con lo que la red escribe: muestreo programado."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.language_model import LanguageModel


class ScheduledSampling(nn.Module):
    """Un modelo de lenguaje que al entrenar lee, a veces, sus propias predicciones.

    Con *teacher forcing* cada paso lee el símbolo verdadero; al escribir, en cambio, la
    red lee lo que ella sorteó. Aquí una moneda elige en cada paso y cada secuencia. Se
    entrena con `coursekit.training.fit`, como el propio modelo; al evaluar, es él.

    No es gratis: tras una letra sorteada, la que sigue en el libro ya no viene a
    cuento, y la red aprende a fiarse menos de lo que lee (Huszár, 2015).

    Args:
        model: el modelo; sus parámetros son los que se entrenan.
        teacher_prob: probabilidad de leer la verdad; 1 es teacher forcing. Se puede
            cambiar de una época a otra: lo normal es empezar en 1 y bajarla.
        generator: fuente de azar de las monedas y los sorteos; puede ser de la CPU
            aunque la red esté en una GPU.
    Raises:
        CourseError: al leer, si teacher_prob no es una probabilidad.

    Source: Bengio et al. (2015), «Scheduled Sampling for Sequence Prediction…».
    """

    def __init__(
        self,
        model: LanguageModel,
        teacher_prob: float = 1.0,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.model, self.teacher_prob, self.generator = model, teacher_prob, generator

    def forward(self, X, state=None):
        """X (lote, pasos) de índices -> logits (lote, pasos, vocab_size) y estado."""
        check_probability(self.teacher_prob)
        if not self.training or self.teacher_prob == 1:
            return self.model(X, state)
        inputs, outputs = X[:, :1], []  # la primera lectura no se puede predecir
        for truth in X.roll(-1, dims=1).split(1, dim=1):  # el símbolo que sigue
            logits, state = self.model(inputs, state)
            outputs.append(logits)
            own, coins = self.draw(logits[:, 0].detach().softmax(dim=1))
            inputs = torch.where(coins < self.teacher_prob, truth, own)
        return torch.cat(outputs, dim=1), state

    def draw(self, probs):
        """Un símbolo y una moneda por fila de probs (lote, vocab_size): (lote, 1)."""
        device = probs.device if self.generator is None else self.generator.device
        own = torch.multinomial(probs.to(device), 1, generator=self.generator)
        coins = torch.rand(own.shape, generator=self.generator, device=device)
        return own.to(probs.device), coins.to(probs.device)


def check_probability(teacher_prob: float) -> None:
    """Comprueba que sea una probabilidad.

    Raises:
        CourseError: si no está entre 0 y 1.
    """
    if not 0 <= teacher_prob <= 1:
        raise CourseError(
            f"teacher_prob={teacher_prob} es una probabilidad: va de 0 a 1."
        )
