"""La red recurrente escrita a mano."""

import torch
from torch import nn

from coursekit.recurrent.base import Recurrent, init_weights


class RNNScratch(Recurrent):
    """Red recurrente simple: H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h).

    Args:
        num_inputs: tamaño de cada X_t.
        num_hiddens: tamaño del estado oculto H_t.
        sigma: desviación típica de los pesos iniciales (sesgo cero); si es None, todo
            sale uniforme de ±1/√num_hiddens, como en `nn.RNN`.

    Source: Elman (1990), «Finding Structure in Time».
    """

    def __init__(self, num_inputs: int, num_hiddens: int, sigma: float | None = None):
        super().__init__(num_inputs, num_hiddens)
        self.W_xh = nn.Parameter(torch.zeros(num_inputs, num_hiddens))
        self.W_hh = nn.Parameter(torch.zeros(num_hiddens, num_hiddens))
        self.b_h = nn.Parameter(torch.zeros(num_hiddens))
        init_weights(self, sigma)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y state (1, lote, num_hiddens), como nn.RNN.

        Devuelve los estados de todos los pasos y el último, con esas mismas formas.
        """
        zeros = inputs.new_zeros(inputs.shape[1], self.num_hiddens)
        H, outputs = zeros if state is None else state[0], []
        for X in inputs:
            H = torch.tanh(X @ self.W_xh + H @ self.W_hh + self.b_h)
            outputs.append(H)
        return torch.stack(outputs), H[None]
