"""El modelo de lenguaje: una red recurrente que reparte probabilidad entre símbolos."""

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.states import parts
from coursekit.training import evaluating


class LanguageModel(nn.Module):
    """Modelo de lenguaje: O_t = H_t W_hq + b_q da un logit por símbolo siguiente.

    Args:
        rnn: módulo recurrente con la interfaz de `nn.RNN` (RNNScratch, nn.RNN, nn.GRU,
            nn.LSTM), que recibe vectores one-hot de tamaño `vocab_size`.
        vocab_size: número de símbolos.
        embedding: si se da, la red recibe sus vectores en lugar de los one-hot.
    """

    def __init__(self, rnn: nn.Module, vocab_size: int, embedding=None):
        super().__init__()
        check_rnn(rnn, vocab_size, embedding)
        self.rnn, self.vocab_size, self.embedding = rnn, vocab_size, embedding
        num_hiddens = getattr(rnn, "hidden_size", None) or rnn.num_hiddens
        self.output_layer = nn.Linear(num_hiddens, vocab_size)

    def forward(self, X, state=None):
        """X (lote, pasos) de índices -> logits (lote, pasos, vocab_size) y estado."""
        check_ids(X, self.vocab_size)
        check_state(self.rnn, state, len(X))
        H, state = self.rnn(self.vectors(X.T), state)
        return self.output_layer(H).transpose(0, 1), state

    def vectors(self, X):
        """Lo que lee la red: de índices (pasos, lote) a (pasos, lote, num_inputs)."""
        if self.embedding is not None:
            return self.embedding(X)
        return F.one_hot(X, self.vocab_size).to(self.output_layer.weight)

    def log_probs(self, windows, state=None, num_steps=1024):
        """log p de windows[:, 1:] dado lo que precede en su fila: (N, T+1) -> (N, T).

        Lee trozos de `num_steps` con el estado arrastrado: una fila puede ser un libro.
        """
        windows, rows = torch.as_tensor(windows), []
        check_ids(windows, self.vocab_size)
        windows = windows.to(self.output_layer.weight.device)
        with evaluating(self):
            for X, Y in zip(
                windows[:, :-1].split(num_steps, dim=1),
                windows[:, 1:].split(num_steps, dim=1),
            ):
                logits, state = self(X, state)
                rows.append(logits.log_softmax(-1).gather(-1, Y[..., None])[..., 0])
        return torch.cat(rows, dim=1).cpu()


def check_rnn(rnn: nn.Module, vocab_size: int, embedding=None) -> None:
    """Comprueba que la red sirve para predecir el símbolo siguiente.

    Raises:
        CourseError: si la red ve el futuro o espera entradas de otra forma.
    """
    if getattr(rnn, "bidirectional", False):
        raise CourseError(
            "Una red bidireccional no sirve de modelo de lenguaje: al leer hacia atrás "
            "ve el símbolo que debe predecir. Usa bidirectional=False."
        )
    if getattr(rnn, "batch_first", False):
        raise CourseError(
            "LanguageModel pasa las entradas como (pasos, lote, símbolos): crea la red "
            "con batch_first=False."
        )
    num_inputs = getattr(rnn, "input_size", None) or rnn.num_inputs
    if embedding is not None:
        check_embedding(embedding, vocab_size, num_inputs)
    elif num_inputs != vocab_size:
        raise CourseError(
            f"La red recibe vectores de tamaño {num_inputs}, pero un one-hot de este "
            f"vocabulario tiene {vocab_size}: crea la red con {vocab_size} entradas."
        )


def check_embedding(embedding: nn.Embedding, vocab_size: int, num_inputs: int) -> None:
    """Comprueba que los vectores sean uno por símbolo y quepan en la red.

    Raises:
        CourseError: si la tabla no tiene el tamaño (vocab_size, num_inputs).
    """
    size = embedding.num_embeddings, embedding.embedding_dim
    if size != (vocab_size, num_inputs):
        raise CourseError(
            f"La tabla de embeddings tiene tamaño {size} y hace falta "
            f"{vocab_size, num_inputs}: una fila por símbolo, con tantos números como "
            "entradas tiene la red."
        )


def check_ids(X: torch.Tensor, vocab_size: int) -> None:
    """Comprueba que X es un lote de índices del vocabulario.

    Raises:
        CourseError: si X no es un LongTensor (lote, pasos) con valores del vocabulario.
    """
    if not torch.is_tensor(X):
        raise CourseError(
            "El modelo espera índices en un tensor torch.long y recibe un "
            f"{type(X).__name__}: conviértelos con torch.tensor."
        )
    if X.dim() != 2 or X.dtype != torch.long or X.numel() == 0:
        raise CourseError(
            f"El modelo recibe un tensor {X.dtype} de forma {tuple(X.shape)} y espera "
            "índices torch.long de forma (lote, pasos), sin dimensiones vacías."
        )
    low, high = X.min().item(), X.max().item()
    if low < 0 or high >= vocab_size:
        raise CourseError(
            f"Hay un índice {low if low < 0 else high} fuera del vocabulario: con "
            f"{vocab_size} símbolos los índices van de 0 a {vocab_size - 1}."
        )


def check_state(rnn: nn.Module, state, batch_size: int) -> None:
    """Comprueba el estado que va a leer una red de PyTorch; las nuestras lo hacen solas.

    Raises:
        CourseError: si no tiene las partes o la forma que espera la red.
    """
    if state is None or not isinstance(rnn, nn.RNNBase):
        return
    is_pair = isinstance(rnn, nn.LSTM)
    shape = rnn.num_layers, batch_size, rnn.hidden_size
    found = [getattr(part, "shape", None) for part in parts(state)]
    if isinstance(state, (tuple, list)) != is_pair or found != [shape] * (1 + is_pair):
        kind = "una pareja (H, C) de tensores" if is_pair else "un tensor H"
        raise CourseError(
            f"El estado inicial debe ser {kind} de forma {shape}, es decir, (capas, "
            "lote, num_hiddens): pasa el que devolvió la propia red, o None."
        )
