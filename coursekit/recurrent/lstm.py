"""La LSTM escrita a mano."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.rnn import check_shapes, init_weights


class LSTMScratch(nn.Module):
    """LSTM: las compuertas I, F y O deciden qué se escribe, se conserva y se lee.

    I, F, O = σ(X W_xh + H W_hh + b_h), cada una con sus columnas; G = tanh(…), igual
    C_t = F ⊙ C_{t-1} + I ⊙ G        H_t = O ⊙ tanh(C_t)

    Args:
        num_inputs: tamaño de cada X_t.
        num_hiddens: tamaño del estado oculto H_t y de la celda C_t.
        sigma: desviación típica de los pesos iniciales (sesgos cero); si es None, todo
            sale uniforme de ±1/√num_hiddens, como en `nn.LSTM`.
        forget_bias: si se da, el sesgo inicial de F; con F cerca de 1 la red empieza
            recordando. Las columnas van en el orden de PyTorch: I, F, G, O.

    Source: Hochreiter y Schmidhuber (1997); Gers et al. (2000), la compuerta de olvido.
    """

    def __init__(
        self,
        num_inputs: int,
        num_hiddens: int,
        sigma: float | None = None,
        forget_bias: float | None = None,
    ):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.W_xh = nn.Parameter(torch.zeros(num_inputs, 4 * num_hiddens))
        self.W_hh = nn.Parameter(torch.zeros(num_hiddens, 4 * num_hiddens))
        self.b_h = nn.Parameter(torch.zeros(4 * num_hiddens))
        init_weights(self, sigma)
        if forget_bias is not None:
            nn.init.constant_(self.b_h[num_hiddens : 2 * num_hiddens], forget_bias)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y state (H, C), como en nn.LSTM.

        H y C son (1, lote, num_hiddens). Devuelve todas las H y el último (H, C).
        """
        if state is None:
            zeros = inputs.new_zeros(1, inputs.shape[1], self.num_hiddens)
            state = zeros, zeros
        check_pair(state)
        check_shapes(self, inputs, *state)
        (H,), (C,), outputs = *state, []
        for X in inputs:
            # X W_xh + H W_hh + b_h, paso a paso: todo a la vez no cabe en la caché.
            gates = torch.mm(X, self.W_xh).addmm_(H, self.W_hh).add_(self.b_h)
            I, F, G, O = gates.chunk(4, dim=1)
            C = torch.sigmoid(F) * C + torch.sigmoid(I) * torch.tanh(G)
            H = torch.sigmoid(O) * torch.tanh(C)
            outputs.append(H)
        return torch.stack(outputs), (H[None], C[None])


def check_pair(state) -> None:
    """Comprueba que el estado de la LSTM tenga sus dos partes.

    Raises:
        CourseError: si no es una pareja (H, C).
    """
    if not isinstance(state, (tuple, list)) or len(state) != 2:
        raise CourseError(
            "El estado inicial de una LSTM es una pareja (H, C), y llega un "
            f"{type(state).__name__}: pasa el que devolvió la propia red, o None."
        )
