"""Las celdas en forma concatenada: un solo producto con la entrada y el estado juntos.

[X, H] W con las matrices una encima de otra, W = [W_x; W_h], es X W_x + H W_h. Cada
celda recibe, además, la máscara que multiplica a [X, H]: 1, o la del dropout.
"""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.base import Recurrent, RecurrentCell
from coursekit.recurrent.states import map_state, parts


class SimpleRNNCell(RecurrentCell):
    """Un paso de la red simple: H ← tanh([X, H] W + b).

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.

    Source: Elman (1990), «Finding Structure in Time».
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__(num_inputs, num_hiddens)
        self.linear = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None, mask=1.0):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        return torch.tanh(self.linear(mask * torch.cat([X, H], dim=1)))


class LSTMCell(RecurrentCell):
    """Un paso de la LSTM: C ← F ⊙ C + I ⊙ G, H ← O ⊙ tanh(C).

    I, F y O son σ de sus columnas de [X, H] W + b; G, la tanh de las suyas.

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.

    Source: Hochreiter y Schmidhuber (1997); Gers et al. (2000), la compuerta F.
    """

    has_memory = True  # su estado es la pareja (H, C)

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__(num_inputs, num_hiddens)
        self.gates = nn.Linear(num_inputs + num_hiddens, 4 * num_hiddens)

    def forward(self, X, state=None, mask=1.0):
        """X (lote, num_inputs) y H, C (lote, num_hiddens) -> la nueva (H, C)."""
        zeros = X.new_zeros(len(X), self.num_hiddens)
        H, C = (zeros, zeros) if state is None else state
        Z = self.gates(mask * torch.cat([X, H], dim=1))
        Z_I, Z_F, Z_G, Z_O = Z.chunk(4, dim=1)
        C = torch.sigmoid(Z_F) * C + torch.sigmoid(Z_I) * torch.tanh(Z_G)
        return torch.sigmoid(Z_O) * torch.tanh(C), C


class GRUCell(RecurrentCell):
    """Un paso de la GRU publicada: H ← Z ⊙ H + (1 - Z) ⊙ N; Z multiplica a la anterior.

    R y Z son σ de sus columnas de [X, H] W + b, y N = tanh([X, R ⊙ H] W_n + b_n). R va
    antes del producto: la convención de PyTorch, después, no cabe en esta forma.

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.

    Source: Cho et al. (2014), «Learning Phrase Representations using RNN…».
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__(num_inputs, num_hiddens)
        self.gates = nn.Linear(num_inputs + num_hiddens, 2 * num_hiddens)
        self.candidate = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None, mask=1.0):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        gates = torch.sigmoid(self.gates(mask * torch.cat([X, H], dim=1)))
        R, Z = gates.chunk(2, dim=1)
        N = torch.tanh(self.candidate(mask * torch.cat([X, R * H], dim=1)))
        return Z * H + (1 - Z) * N


class Unrolled(Recurrent):
    """Una celda aplicada paso a paso, con la interfaz de `nn.RNN`.

    Args:
        cell: recibe X, el estado y la máscara de un paso y devuelve el estado nuevo.
        dropout: fracción de [X, H] que se apaga al entrenar, **la misma en todos los
            pasos de cada secuencia** (dropout variacional); lo demás se divide por
            1 - dropout. La celda de la LSTM y el H que mezcla Z no se apagan.
        generator: fuente de azar de las máscaras; puede ser de la CPU aunque la red
            esté en una GPU.
    Raises:
        CourseError: si dropout no es una fracción posible.

    Source: Gal y Ghahramani (2016), «A Theoretically Grounded Application of Dropout…».
    """

    def __init__(
        self,
        cell: nn.Module,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ):
        super().__init__(cell.num_inputs, cell.num_hiddens)
        if not 0 <= dropout < 1:
            raise CourseError(
                f"dropout={dropout} es la fracción que se apaga: de 0 a menos de 1."
            )
        self.cell, self.dropout, self.generator = cell, dropout, generator
        self.has_memory = getattr(cell, "has_memory", False)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y partes (1, lote, num_hiddens)."""
        mask = self.draw_mask(inputs)
        state, outputs = map_state(lambda part: part[0], state), []
        for X in inputs:
            state = self.cell(X, state, mask)
            outputs.append(parts(state)[0])
        return torch.stack(outputs), map_state(lambda part: part[None], state)

    def draw_mask(self, inputs):
        """Una máscara (lote, num_inputs + num_hiddens) para toda la secuencia."""
        if not self.training or self.dropout == 0:
            return 1.0
        keep = 1 - self.dropout
        shape = inputs.shape[1], self.num_inputs + self.num_hiddens
        device = inputs.device if self.generator is None else self.generator.device
        probs = inputs.new_full(shape, keep, device=device)
        mask = torch.bernoulli(probs, generator=self.generator) / keep
        return mask.to(inputs.device)
