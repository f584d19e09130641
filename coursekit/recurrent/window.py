"""El modelo de ventana: una capa oculta que mira siempre las mismas k letras."""

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.errors import CourseError
from coursekit.training import evaluating


def contexts(ids: torch.Tensor, window: int) -> tuple[torch.Tensor, torch.Tensor]:
    """De un texto (L,), todas sus ventanas X (L-window, window) y la letra que siguió, Y (L-window,).

    Raises:
        CourseError: si en el texto no cabe una ventana con su siguiente.
    """
    if not 1 <= window < len(ids):
        raise CourseError(f"Un texto de {len(ids)} letras no da ventanas de {window} con su siguiente.")
    rows = ids.unfold(0, window + 1, 1)
    return rows[:, :-1], rows[:, -1]


class WindowModel(nn.Module):
    """Predice un símbolo con los k anteriores: h = tanh([e_1 … e_k] W_eh + b_h), o = h W_hq + b_q.

    Args:
        vocab_size: número de símbolos.
        window: k, los símbolos a la vista.
        num_dims: tamaño del vector de cada símbolo.
        num_hiddens: tamaño de la capa oculta.
    Source: Bengio et al. (2003), «A Neural Probabilistic Language Model».
    """

    def __init__(self, vocab_size: int, window: int, num_dims: int, num_hiddens: int):
        super().__init__()
        width = window * num_dims
        self.E = nn.Parameter(0.3 * torch.randn(vocab_size, num_dims))
        self.W_eh = nn.Parameter(torch.randn(width, num_hiddens) / width**0.5)
        self.b_h = nn.Parameter(torch.zeros(num_hiddens))
        self.W_hq = nn.Parameter(0.01 * torch.randn(num_hiddens, vocab_size))
        self.b_q = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, X):
        """X (lote, window) de índices -> logits (lote, vocab_size)."""
        E_X = self.E[X].flatten(1)
        H = torch.tanh(E_X @ self.W_eh + self.b_h)
        return H @ self.W_hq + self.b_q

    def log_probs(self, windows, chunk=20_000):
        """log p de windows[:, 1:] dado lo que precede en su fila: (N, T+1) -> (N, T).

        Donde la fila no alcanza, la ventana se completa por la izquierda con el símbolo 0.
        """
        windows, rows = torch.as_tensor(windows), []
        window = len(self.W_eh) // self.E.shape[1]
        cut = F.pad(windows, (window - 1, 0)).unfold(1, window + 1, 1)
        with evaluating(self):
            for part in cut.flatten(0, 1).split(chunk):
                log_P = self(part[:, :-1]).log_softmax(1)
                rows.append(log_P.gather(1, part[:, -1:])[:, 0])
        return torch.cat(rows).view(len(windows), -1)
