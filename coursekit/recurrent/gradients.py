"""Mirar el gradiente: cuánto llega a cada capa y a cada paso, época tras época."""

import torch
import torch.nn.functional as F

from coursekit.errors import CourseError
from coursekit.recurrent.language_model import LanguageModel
from coursekit.recurrent.nets import check_single_layer
from coursekit.recurrent.states import parts
from coursekit.recurrent.validation import check_ids
from coursekit.training import evaluating


def state_gradients(
    model: LanguageModel, X: torch.Tensor, Y: torch.Tensor, only_last: bool = False
) -> torch.Tensor:
    """‖∂L/∂H_t‖ de cada capa y cada paso; en una LSTM, de H_t y C_t juntos.

    Args:
        model: su red es de una capa o un `Stacked` de ellas.
        X, Y: índices (lote, pasos), la entrada y el símbolo siguiente de cada paso.
        only_last: si L es la pérdida del último paso, en lugar de la media de todos;
            entonces al paso t solo le llega lo que viajó hasta él.
    Returns:
        Tensor (capas, pasos). Los gradientes de los parámetros no se tocan.
    Raises:
        CourseError: si la red tiene capas dentro que no se ven, o X e Y no casan.

    Source: Bengio, Simard y Frasconi (1994); Pascanu, Mikolov y Bengio (2013).
    """
    layers = list(getattr(model.rnn, "layers", [model.rnn]))
    for layer in layers:
        check_single_layer(layer)
    check_ids(X, model.vocab_size)
    check_targets(Y, X, model.vocab_size)
    # cuDNN, en una GPU, no retropropaga en modo de evaluación.
    no_cudnn = torch.backends.cudnn.flags(enabled=False)
    with evaluating(model), torch.enable_grad(), no_cudnn:
        inputs, states = model.vectors(X).split(1), []
        for layer in layers:
            inputs, layer_states = read_by_steps(layer, inputs)
            states.extend(layer_states)
        logits = model.output_layer(torch.cat(inputs)).transpose(0, 1)
        if only_last:
            logits, Y = logits[:, -1:], Y[:, -1:]
        loss = F.cross_entropy(logits.flatten(0, 1), Y.flatten())
    tensors = [part for state in states for part in parts(state)]
    gradients = torch.autograd.grad(loss, tensors, allow_unused=True)
    squares = [0.0 if g is None else g.square().sum().item() for g in gradients]
    return torch.tensor(squares).view(len(layers), X.shape[1], -1).sum(2).sqrt()


def read_by_steps(layer, inputs) -> tuple[list, list]:
    """Las H y los estados de una capa que lee paso a paso, cada uno con su nodo."""
    states, state = [], None
    for X in inputs:
        _, state = layer(X, state)
        states.append(state)
    # La H que sube a la capa siguiente es la misma que pasa al paso siguiente: así su
    # gradiente suma los dos caminos.
    return [parts(state)[0] for state in states], states


def check_targets(Y: torch.Tensor, X: torch.Tensor, vocab_size: int) -> None:
    """Comprueba que haya un objetivo por entrada.

    Raises:
        CourseError: si Y no tiene la forma de X o un objetivo no es del vocabulario ni
            -100, que no cuenta.
    """
    if not torch.is_tensor(Y) or Y.shape != X.shape or Y.dtype != torch.long:
        given = f"{Y.dtype} {tuple(Y.shape)}" if torch.is_tensor(Y) else type(Y).__name__
        raise CourseError(
            f"Los objetivos son {given} y deben ser un tensor torch.long de forma "
            f"{tuple(X.shape)}, la de las entradas."
        )
    wrong = Y[(Y != -100) & ((Y < 0) | (Y >= vocab_size))].tolist()
    if wrong:
        raise CourseError(
            f"El objetivo {wrong[0]} no es del vocabulario, que va de 0 a "
            f"{vocab_size - 1}."
        )


class GradientRecorder:
    """Cuaderno de `state_gradients`: siempre el mismo lote, una anotación por época.

    Args:
        model, X, Y, only_last: véase `state_gradients`.
    """

    def __init__(
        self,
        model: LanguageModel,
        X: torch.Tensor,
        Y: torch.Tensor,
        only_last: bool = False,
    ):
        self.settings = model, X, Y, only_last
        self.pages = []

    def record(self) -> None:
        """Anota el gradiente de ahora; por ejemplo, al comienzo de cada época."""
        self.pages.append(state_gradients(*self.settings))

    @property
    def norms(self) -> torch.Tensor:
        """Todo lo anotado, (épocas, capas, pasos).

        Raises:
            CourseError: si aún no se anotó nada.
        """
        if not self.pages:
            raise CourseError("Todavía no hay nada anotado: llama antes a record().")
        return torch.stack(self.pages)
