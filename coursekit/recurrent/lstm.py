"""La LSTM escrita a mano."""

import torch
from torch import nn

from coursekit.recurrent.base import Recurrent, init_weights


class LSTMScratch(Recurrent):
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

    has_memory = True  # su estado es la pareja (H, C)

    def __init__(
        self,
        num_inputs: int,
        num_hiddens: int,
        sigma: float | None = None,
        forget_bias: float | None = None,
    ):
        super().__init__(num_inputs, num_hiddens)
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
        zeros = inputs.new_zeros(1, inputs.shape[1], self.num_hiddens)
        (H,), (C,) = (zeros, zeros) if state is None else state
        outputs = []
        for X in inputs:
            Z = X @ self.W_xh + H @ self.W_hh + self.b_h
            Z_I, Z_F, Z_G, Z_O = Z.chunk(4, dim=1)
            C = torch.sigmoid(Z_F) * C + torch.sigmoid(Z_I) * torch.tanh(Z_G)
            H = torch.sigmoid(Z_O) * torch.tanh(C)
            outputs.append(H)
        return torch.stack(outputs), (H[None], C[None])
