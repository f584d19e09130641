"""La red recurrente escrita a mano."""

import torch
from torch import nn

from coursekit.errors import CourseError


class RNNScratch(nn.Module):
    """Red recurrente simple: H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h).

    Args:
        num_inputs: tamaño de cada X_t.
        num_hiddens: tamaño del estado oculto H_t.
        sigma: desviación típica de los pesos iniciales (sesgo cero); si es None, todo
            sale uniforme de ±1/√num_hiddens, como en `nn.RNN`.

    Source: Elman (1990), «Finding Structure in Time».
    """

    def __init__(self, num_inputs: int, num_hiddens: int, sigma: float | None = None):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.W_xh = nn.Parameter(torch.zeros(num_inputs, num_hiddens))
        self.W_hh = nn.Parameter(torch.zeros(num_hiddens, num_hiddens))
        self.b_h = nn.Parameter(torch.zeros(num_hiddens))
        if sigma is None:
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -(num_hiddens**-0.5), num_hiddens**-0.5)
        else:
            nn.init.normal_(self.W_xh, std=sigma)
            nn.init.normal_(self.W_hh, std=sigma)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y state (1, lote, num_hiddens), como nn.RNN.

        Devuelve los estados de todos los pasos y el último, con esas mismas formas.
        """
        if state is None:
            state = inputs.new_zeros(1, inputs.shape[1], self.num_hiddens)
        check_shapes(self, inputs, state)
        H, outputs = state[0], []
        # El producto con la entrada no depende de H: uno solo para todos los pasos.
        for XW_b in inputs @ self.W_xh + self.b_h:
            H = torch.tanh(torch.addmm(XW_b, H, self.W_hh))  # XW_b + H @ W_hh
            outputs.append(H)
        return torch.stack(outputs), H[None]


def init_weights(rnn: nn.Module, sigma: float | None) -> None:
    """Los pesos iniciales de `RNNScratch`, para cualquier celda.

    Args:
        rnn: red con `num_hiddens`, recién creada con todos sus parámetros en cero.
        sigma: desviación típica de las matrices (los sesgos siguen en cero); si es
            None, todo sale uniforme de ±1/√num_hiddens, como en PyTorch.
    """
    bound = rnn.num_hiddens**-0.5
    for parameter in rnn.parameters():
        if sigma is None:
            nn.init.uniform_(parameter, -bound, bound)
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=sigma)


def check_shapes(rnn: nn.Module, inputs: torch.Tensor, *states: torch.Tensor) -> None:
    """Comprueba las formas y el tipo antes de multiplicar.

    Raises:
        CourseError: si `inputs` o algún estado no tienen la forma que espera la red, o
            `inputs` no es del tipo de sus pesos.
    """
    if inputs.dim() != 3 or inputs.shape[0] == 0 or inputs.shape[2] != rnn.num_inputs:
        raise CourseError(
            f"La entrada tiene forma {tuple(inputs.shape)} y la red espera "
            f"(pasos, lote, {rnn.num_inputs}), con al menos un paso."
        )
    dtype = next(rnn.parameters()).dtype
    if inputs.dtype != dtype:
        raise CourseError(
            f"La entrada es de tipo {inputs.dtype} y los pesos de la red, {dtype}: "
            f"conviértela con inputs.to({dtype})."
        )
    expected = (1, inputs.shape[1], rnn.num_hiddens)
    for state in states:
        if not torch.is_tensor(state) or state.shape != expected:
            shape = tuple(getattr(state, "shape", ())) or type(state).__name__
            raise CourseError(
                f"El estado inicial es {shape} y debe ser un tensor de forma {expected}"
                ", es decir, (1, lote, num_hiddens)."
            )
