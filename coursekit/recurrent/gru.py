"""La GRU escrita a mano, con sus dos convenciones."""

import torch
from torch import nn

from coursekit.recurrent.rnn import check_shapes, init_weights


class GRUScratch(nn.Module):
    """GRU: Z reparte entre el estado anterior y uno nuevo, H_t = Z ⊙ H + (1 - Z) ⊙ N.

    R, Z = σ(X W_xh + H W_hh + b_h), cada una con sus columnas, y H es H_{t-1}
    N = tanh(X W_xn + R ⊙ (H W_hn + b_n) + b_hn)     con reset_after, como PyTorch
    N = tanh(X W_xn + (R ⊙ H) W_hn + b_hn)           sin reset_after, la original

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
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
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
        if state is None:
            state = inputs.new_zeros(1, inputs.shape[1], self.num_hiddens)
        check_shapes(self, inputs, state)
        sizes = [2 * self.num_hiddens, self.num_hiddens]
        W_xrz, W_xn = self.W_xh.split(sizes, dim=1)
        W_hrz, W_hn = self.W_hh.split(sizes, dim=1)
        b_rz, b_hn = self.b_h.split(sizes)
        H, outputs = state[0], []
        for X in inputs:
            # Paso a paso: los productos de todas las X a la vez no caben en la caché.
            gates = torch.addmm(b_rz, X, W_xrz).addmm_(H, W_hrz)
            R, Z = torch.sigmoid(gates).chunk(2, dim=1)
            N = torch.addmm(b_hn, X, W_xn)
            if self.b_n is None:
                N = torch.tanh(N.addmm_(R * H, W_hn))
            else:
                N = torch.tanh(N + R * torch.addmm(self.b_n, H, W_hn))
            H = torch.lerp(N, H, Z)  # Z ⊙ H + (1 - Z) ⊙ N
            outputs.append(H)
        return torch.stack(outputs), H[None]
