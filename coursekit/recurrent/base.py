"""Lo que heredan las redes y los modelos: comprueban lo que reciben antes de calcular.

Así cada clase es solo sus ecuaciones. Llamar a la red, `rnn(inputs, state)`, comprueba y
después llama a su `forward`.
"""

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.recurrent.nets import output_size
from coursekit.recurrent.validation import (
    check_ids,
    check_inputs,
    check_one_way,
    check_reader,
    check_state,
    check_step,
    check_writer,
)


class Recurrent(nn.Module):
    """Una red escrita a mano, con la interfaz de `nn.RNN`.

    Args:
        num_inputs, num_hiddens: tamaños de cada entrada y del estado oculto.
    Raises:
        CourseError: al leer, si la entrada o el estado no son los que espera la red.
    """

    has_memory = False  # en una LSTM, el estado es la pareja (H, C)

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens

    def __call__(self, inputs, state=None):
        check_inputs(self, inputs)
        check_state(state, (1, inputs.shape[1], self.num_hiddens), self.has_memory)
        return super().__call__(inputs, state)


class RecurrentCell(nn.Module):
    """Un paso de una red: recibe X, el estado y la máscara que multiplica a [X, H].

    Args:
        num_inputs, num_hiddens: tamaños de X y del estado.
    Raises:
        CourseError: al leer, si X o el estado no tienen una fila por secuencia.
    """

    has_memory = False  # en una LSTM, el estado es la pareja (H, C)

    def __init__(self, num_inputs: int, num_hiddens: int):
        super().__init__()
        self.num_inputs, self.num_hiddens = num_inputs, num_hiddens

    def __call__(self, X, state=None, mask=1.0):
        check_step(self, X, state)
        return super().__call__(X, state, mask)


def init_weights(rnn: nn.Module, sigma: float | None) -> None:
    """Los pesos iniciales de una red escrita a mano.

    Args:
        rnn: red con `num_hiddens`, recién creada con todos sus parámetros en cero.
        sigma: desviación típica de las matrices (los sesgos siguen en cero); si es
            None, todo sale uniforme de ±1/√num_hiddens, como en PyTorch.
    """
    bound = rnn.num_hiddens**-0.5
    for parameter in rnn.parameters():
        if sigma is None:
            nn.init.uniform_(parameter, -bound, bound)
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=sigma)


class OneHot(nn.Module):
    """Los vectores one-hot con la interfaz de `nn.Embedding`, sin nada que aprender."""

    def __init__(self, vocab_size: int):
        super().__init__()
        self.num_embeddings = self.embedding_dim = vocab_size
        # Un número que viaja con la red: dice de qué tipo son los suyos.
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, X):
        """Índices de cualquier forma -> sus vectores, en una dimensión más."""
        return F.one_hot(X, self.num_embeddings).to(self.one)


class SymbolReader(nn.Module):
    """Un modelo que lee símbolos: la tabla que los vuelve vectores.

    Args:
        rnn: la red que leerá los vectores.
        vocab_size: número de símbolos.
        embedding: la tabla de vectores; si no se da, son one-hot.
    Raises:
        CourseError: si los vectores no caben en la red.
    """

    def __init__(self, rnn: nn.Module, vocab_size: int, embedding=None):
        super().__init__()
        check_reader(rnn, vocab_size, embedding)
        self.vocab_size, self.num_outputs = vocab_size, output_size(rnn)
        self.embedding = OneHot(vocab_size) if embedding is None else embedding

    def vectors(self, X):
        """Lo que lee la red: de índices (lote, pasos) a (pasos, lote, num_inputs).

        Raises:
            CourseError: si X no es un lote de índices del vocabulario.
        """
        check_ids(X, self.vocab_size)
        return self.embedding(X.T)


class NextSymbolReader(SymbolReader):
    """Un modelo de lenguaje, sin lo que predice: su red no puede ver el futuro.

    Los argumentos son los de `SymbolReader`.
    """

    def __init__(self, rnn: nn.Module, vocab_size: int, embedding=None):
        check_one_way(rnn)
        super().__init__(rnn, vocab_size, embedding)
        self.rnn = rnn

    def __call__(self, X, state=None):
        check_ids(X, self.vocab_size)
        if isinstance(self.rnn, nn.RNNBase):  # las nuestras lo comprueban solas
            shape = self.rnn.num_layers, len(X), self.rnn.hidden_size
            check_state(state, shape, isinstance(self.rnn, nn.LSTM))
        return super().__call__(X, state)

    def as_ids(self, windows) -> torch.Tensor:
        """Índices (N, T), de NumPy o de PyTorch, en el dispositivo del modelo.

        Raises:
            CourseError: si no son índices del vocabulario.
        """
        windows = torch.as_tensor(windows)
        check_ids(windows, self.vocab_size)
        return windows.to(self.output_layer.weight.device)


class SymbolWriter(SymbolReader):
    """Un codificador y decodificador, sin lo que hay entre los dos.

    Args:
        encoder: la red que lee los vectores de los símbolos.
        decoder: la que lee el vector del símbolo anterior seguido del contexto.
        context_size: cuántos números de lo leído recibe el decodificador.
        end: índice del símbolo que abre y cierra todo lo que se escribe.
        vocab_size, embedding: los de `SymbolReader`.
    Raises:
        CourseError: si los tamaños no casan o el decodificador es bidireccional.
    """

    def __init__(self, encoder, decoder, vocab_size, context_size, end, embedding):
        super().__init__(encoder, vocab_size, embedding)
        check_writer(decoder, self.embedding.embedding_dim, context_size)
        self.encoder, self.decoder, self.end = encoder, decoder, end
        self.num_written = output_size(decoder)
