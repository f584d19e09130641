"""La GRU escrita a mano, con sus dos convenciones."""

import torch
from torch import nn

from coursekit.recurrent.base import Recurrent, init_weights


class GRUScratch(Recurrent):
    """GRU: Z reparte entre el estado anterior y uno nuevo, H_t = Z ⊙ H + (1 - Z) ⊙ N.

    R, Z = σ(X W_xh + H W_hh + b_h), cada una con sus columnas (b_x, las de N), y H es H_{t-1}
    N = tanh(X W_xn + b_x + R ⊙ (H W_hn + b_n))     con reset_after, como PyTorch
    N = tanh(X W_xn + b_x + (R ⊙ H) W_hn)           sin reset_after, la publicada

    Z multiplica al estado anterior: con Z = 1 nada cambia. Cho et al. escriben igual;
    en Chung et al. (2014) Z multiplica al nuevo. Las columnas van R, Z, N.

    Args:
        num_inputs: tamaño de cada X_t.
        num_hiddens: tamaño del estado oculto H_t.
        sigma: desviación típica de los pesos iniciales (sesgos cero); si es None, todo
            sale uniforme de ±1/√num_hiddens, como en `nn.GRU`.
        reset_after: si R se aplica después del producto H W_hn, o antes.

    Source: Cho et al. (2014), «Learning Phrase Representations using RNN…».
    """

    def __init__(
        self,
        num_inputs: int,
        num_hiddens: int,
        sigma: float | None = None,
        reset_after: bool = True,
    ):
        super().__init__(num_inputs, num_hiddens)
        self.W_xh = nn.Parameter(torch.zeros(num_inputs, 3 * num_hiddens))
        self.W_hh = nn.Parameter(torch.zeros(num_hiddens, 3 * num_hiddens))
        self.b_h = nn.Parameter(torch.zeros(3 * num_hiddens))
        # Antes del producto no hay lugar para un segundo sesgo: sería el mismo.
        self.b_n = nn.Parameter(torch.zeros(num_hiddens)) if reset_after else None
        init_weights(self, sigma)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y state (1, lote, num_hiddens), como nn.GRU.

        Devuelve los estados de todos los pasos y el último, con esas mismas formas.
        """
        zeros = inputs.new_zeros(inputs.shape[1], self.num_hiddens)
        H, outputs = zeros if state is None else state[0], []
        W_hr, W_hz, W_hn = self.W_hh.chunk(3, dim=1)
        for X in inputs:
            X_r, X_z, X_n = (X @ self.W_xh + self.b_h).chunk(3, dim=1)
            R, Z = torch.sigmoid(X_r + H @ W_hr), torch.sigmoid(X_z + H @ W_hz)
            if self.b_n is None:
                N = torch.tanh(X_n + (R * H) @ W_hn)
            else:
                N = torch.tanh(X_n + R * (H @ W_hn + self.b_n))
            H = Z * H + (1 - Z) * N
            outputs.append(H)
        return torch.stack(outputs), H[None]
