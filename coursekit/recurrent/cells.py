"""Las celdas en forma concatenada: un solo producto con la entrada y el estado juntos.

[X, H] W con las matrices una encima de otra, W = [W_x; W_h], es X W_x + H W_h. Cada
celda recibe, además, la máscara que multiplica a [X, H]: 1, o la del dropout.
"""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.lstm import check_pair
from coursekit.recurrent.rnn import check_shapes
from coursekit.recurrent.states import map_state, parts


class SimpleRNNCell(nn.Module):
    """Un paso de la red simple: H ← tanh([X, H] W + b).

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.
    Raises:
        CourseError: al leer, si X o el estado no tienen una fila por secuencia.

    Source: Elman (1990), «Finding Structure in Time».
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.linear = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None, mask=1.0):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        check_step(self, X, H)
        return torch.tanh(self.linear(mask * torch.cat([X, H], dim=1)))


class LSTMCell(nn.Module):
    """Un paso de la LSTM: C ← F ⊙ C + I ⊙ G, H ← O ⊙ tanh(C).

    I, F y O son σ de sus columnas de [X, H] W + b; G, la tanh de las suyas.

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.
    Raises:
        CourseError: al leer, si X o el estado no tienen una fila por secuencia.

    Source: Hochreiter y Schmidhuber (1997); Gers et al. (2000), la compuerta F.
    """

    has_memory = True  # su estado es la pareja (H, C)

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.gates = nn.Linear(num_inputs + num_hiddens, 4 * num_hiddens)

    def forward(self, X, state=None, mask=1.0):
        """X (lote, num_inputs) y H, C (lote, num_hiddens) -> la nueva (H, C)."""
        zeros = X.new_zeros(len(X), self.num_hiddens)
        state = (zeros, zeros) if state is None else state
        check_pair(state)
        check_step(self, X, *state)
        H, C = state
        I, F, G, O = self.gates(mask * torch.cat([X, H], dim=1)).chunk(4, dim=1)
        C = torch.sigmoid(F) * C + torch.sigmoid(I) * torch.tanh(G)
        return torch.sigmoid(O) * torch.tanh(C), C


class GRUCell(nn.Module):
    """Un paso de la GRU original: H ← Z ⊙ H + (1 - Z) ⊙ N; Z multiplica a la anterior.

    R y Z son σ de sus columnas de [X, H] W + b, y N = tanh([X, R ⊙ H] W_n + b_n). R va
    antes del producto: la convención de PyTorch, después, no cabe en esta forma.

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.
    Raises:
        CourseError: al leer, si X o el estado no tienen una fila por secuencia.

    Source: Cho et al. (2014), «Learning Phrase Representations using RNN…».
    """

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens
        self.gates = nn.Linear(num_inputs + num_hiddens, 2 * num_hiddens)
        self.candidate = nn.Linear(num_inputs + num_hiddens, num_hiddens)

    def forward(self, X, H=None, mask=1.0):
        """X (lote, num_inputs) y H (lote, num_hiddens) -> la nueva H."""
        H = X.new_zeros(len(X), self.num_hiddens) if H is None else H
        check_step(self, X, H)
        gates = torch.sigmoid(self.gates(mask * torch.cat([X, H], dim=1)))
        R, Z = gates.chunk(2, dim=1)
        N = torch.tanh(self.candidate(mask * torch.cat([X, R * H], dim=1)))
        return Z * H + (1 - Z) * N


class Unrolled(nn.Module):
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
        super().__init__()
        if not 0 <= dropout < 1:
            raise CourseError(
                f"dropout={dropout} es la fracción que se apaga: de 0 a menos de 1."
            )
        self.cell, self.dropout, self.generator = cell, dropout, generator
        self.num_inputs, self.num_hiddens = cell.num_inputs, cell.num_hiddens

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y partes (1, lote, num_hiddens)."""
        check_state(self, inputs, state)
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


def check_step(cell: nn.Module, X: torch.Tensor, *states: torch.Tensor) -> None:
    """Comprueba lo que recibe una celda en un paso.

    Raises:
        CourseError: si X no es (lote, num_inputs) o algún estado no tiene una fila de
            num_hiddens números por cada fila de X.
    """
    found = [tuple(getattr(part, "shape", ())) for part in (X, *states)]
    expected = [(len(X), cell.num_inputs)] + [(len(X), cell.num_hiddens)] * len(states)
    if found != expected:
        raise CourseError(
            f"X y el estado tienen formas {found} y la celda espera {expected}: una "
            "fila por secuencia, sin la dimensión de los pasos."
        )


def check_state(net: Unrolled, inputs: torch.Tensor, state) -> None:
    """Comprueba que la entrada y el estado sean los que espera la celda.

    Raises:
        CourseError: si sus formas no casan, o falta o sobra la C.
    """
    if state is None:
        check_shapes(net, inputs)
    elif getattr(net.cell, "has_memory", False):
        check_pair(state)
        check_shapes(net, inputs, *state)
    else:
        check_shapes(net, inputs, state)
