"""El modelo de lenguaje: una red recurrente que reparte probabilidad entre símbolos."""

import torch
from torch import nn

from coursekit.recurrent.base import NextSymbolReader
from coursekit.training import evaluating


class LanguageModel(NextSymbolReader):
    """Modelo de lenguaje: O_t = H_t W_hq + b_q da un logit por símbolo siguiente.

    Args:
        rnn: módulo recurrente con la interfaz de `nn.RNN` (RNNScratch, nn.RNN, nn.GRU,
            nn.LSTM), que recibe vectores one-hot de tamaño `vocab_size`.
        vocab_size: número de símbolos.
        embedding: si se da, la red recibe sus vectores en lugar de los one-hot.
    """

    def __init__(self, rnn: nn.Module, vocab_size: int, embedding=None):
        super().__init__(rnn, vocab_size, embedding)
        self.output_layer = nn.Linear(self.num_outputs, vocab_size)

    def forward(self, X, state=None):
        """X (lote, pasos) de índices -> logits (lote, pasos, vocab_size) y estado."""
        H, state = self.rnn(self.vectors(X), state)
        return self.output_layer(H).transpose(0, 1), state

    def log_probs(self, windows, state=None, num_steps=1024):
        """log p de windows[:, 1:] dado lo que precede en su fila: (N, T+1) -> (N, T).

        Lee trozos de `num_steps` con el estado arrastrado: una fila puede ser un libro.
        """
        windows, rows = self.as_ids(windows), []
        inputs, targets = windows[:, :-1], windows[:, 1:]
        with evaluating(self):
            for X, Y in zip(inputs.split(num_steps, 1), targets.split(num_steps, 1)):
                logits, state = self(X, state)
                log_P = logits.log_softmax(-1)
                rows.append(log_P.gather(-1, Y[..., None])[..., 0])  # la del que siguió
        return torch.cat(rows, dim=1).cpu()
