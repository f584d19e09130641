"""Las celdas en forma concatenada: un solo producto con la entrada y el estado juntos.

[X, H] W con las matrices una encima de otra, W = [W_x; W_h], es X W_x + H W_h.
"""

import torch
from torch import nn

from coursekit.recurrent.rnn import check_shapes
from coursekit.recurrent.states import map_state, parts


class SimpleRNNCell(nn.Module):
    """Un paso de la red simple: H ← tanh([X, H] W + b)."""

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.linear = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        return torch.tanh(self.linear(torch.cat([X, H], dim=1)))


class LSTMCell(nn.Module):
    """Un paso de la LSTM: C ← F ⊙ C + I ⊙ G, H ← O ⊙ tanh(C).

    I, F y O son σ de sus columnas de [X, H] W + b; G, la tanh de las suyas.
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.gates = nn.Linear(num_inputs + num_hiddens, 4 * num_hiddens)

    def forward(self, X, state=None):
        """X (lote, num_inputs) y H, C (lote, num_hiddens) -> la nueva (H, C)."""
        zeros = X.new_zeros(len(X), self.num_hiddens)
        H, C = (zeros, zeros) if state is None else state
        I, F, G, O = self.gates(torch.cat([X, H], dim=1)).chunk(4, dim=1)
        C = torch.sigmoid(F) * C + torch.sigmoid(I) * torch.tanh(G)
        return torch.sigmoid(O) * torch.tanh(C), C


class GRUCell(nn.Module):
    """Un paso de la GRU original: H ← Z ⊙ H + (1 - Z) ⊙ N; Z multiplica a la anterior.

    R y Z son σ de sus columnas de [X, H] W + b, y N = tanh([X, R ⊙ H] W_n + b_n). R va
    antes del producto: la convención de PyTorch, después, no cabe en esta forma.
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.gates = nn.Linear(num_inputs + num_hiddens, 2 * num_hiddens)
        self.candidate = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        R, Z = torch.sigmoid(self.gates(torch.cat([X, H], dim=1))).chunk(2, dim=1)
        N = torch.tanh(self.candidate(torch.cat([X, R * H], dim=1)))
        return Z * H + (1 - Z) * N


class Unrolled(nn.Module):
    """Una celda aplicada paso a paso, con la interfaz de `nn.RNN`.

    Args:
        cell: recibe X y el estado de un paso y devuelve el nuevo, H o (H, C).
    """

    def __init__(self, cell: nn.Module):
        super().__init__()
        self.cell = cell
        self.num_inputs, self.num_hiddens = cell.num_inputs, cell.num_hiddens

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y partes (1, lote, num_hiddens)."""
        check_shapes(self, inputs, *parts(state))
        state, outputs = map_state(lambda part: part[0], state), []
        for X in inputs:
            state = self.cell(X, state)
            outputs.append(parts(state)[0])
        return torch.stack(outputs), map_state(lambda part: part[None], state)
