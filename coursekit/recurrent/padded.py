"""Leer lotes de secuencias de distinto largo: el relleno nunca cuenta."""

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.deep import inner_sizes, num_directions


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


def read_padded(rnn: nn.Module, inputs: torch.Tensor, lengths: torch.Tensor):
    """Los estados de la red al leer cada secuencia sola, sin el relleno del final.

    Args:
        rnn: cualquier red con la interfaz de `nn.RNN`, también bidireccional.
        inputs: (pasos, lote, num_inputs).
        lengths: (lote,), los pasos verdaderos de cada secuencia.
    Returns:
        H (pasos, lote, num_outputs), con ceros en el relleno.
    Raises:
        CourseError: si no hay un largo posible por secuencia.
    """
    num_steps = len(inputs)
    check_lengths(lengths, inputs.shape[1], num_steps)
    lengths = lengths.to(inputs.device)
    if num_directions(rnn) == 1:
        # Quien solo mira atrás llega al relleno cuando ya leyó todo lo demás.
        H, _ = rnn(inputs)
        steps = torch.arange(num_steps, device=inputs.device)[:, None]
        return H.masked_fill((steps >= lengths)[..., None], 0)
    # Quien va hacia atrás empezaría por él: se lee por grupos de igual largo.
    groups = [(lengths == length).nonzero()[:, 0] for length in lengths.unique()]
    blocks = []
    for rows in groups:
        length = lengths[rows[0]]
        H, _ = rnn(inputs[:length, rows])
        blocks.append(F.pad(H, (0, 0, 0, 0, 0, num_steps - length)))
    return torch.cat(blocks, dim=1)[:, torch.cat(groups).argsort()]


def summary(rnn: nn.Module, H: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Lo último que leyó cada dirección, (lote, num_outputs): hacia atrás, el paso 0.

    Args:
        rnn, H, lengths: la red, lo que dio `read_padded` y los largos.
    """
    last = H[lengths - 1, torch.arange(len(lengths))]
    if num_directions(rnn) == 1:
        return last
    return torch.cat([last.chunk(2, dim=1)[0], H[0].chunk(2, dim=1)[1]], dim=1)


def net_sizes(rnn: nn.Module) -> tuple[int, int]:
    """Tamaño de lo que una red lee y de lo que da en cada paso.

    Raises:
        CourseError: si no es recurrente o espera el lote en la primera dimensión.
    """
    if getattr(rnn, "batch_first", False):
        raise CourseError(
            "Las secuencias llegan a la red como (pasos, lote, vector): créala con "
            "batch_first=False."
        )
    num_inputs, num_hiddens = inner_sizes(rnn)
    return num_inputs, num_hiddens * num_directions(rnn)


def check_reader(rnn: nn.Module, vocab_size: int, embedding: nn.Module) -> None:
    """Comprueba que la red pueda leer los vectores de los símbolos.

    Raises:
        CourseError: si falta un símbolo en la tabla o los vectores no caben en la red.
    """
    num_inputs, _ = net_sizes(rnn)
    if embedding.num_embeddings != vocab_size:
        raise CourseError(
            f"La tabla de embeddings tiene {embedding.num_embeddings} filas y hay "
            f"{vocab_size} símbolos: hace falta una por símbolo."
        )
    if num_inputs != embedding.embedding_dim:
        raise CourseError(
            f"La red lee vectores de tamaño {num_inputs} y los de los símbolos tienen "
            f"{embedding.embedding_dim}: crea la red con {embedding.embedding_dim} "
            "entradas."
        )


def check_writer(rnn: nn.Module, vector_size: int, context_size: int) -> None:
    """Comprueba que la red pueda escribir con un contexto delante.

    Raises:
        CourseError: si ve el futuro o sus entradas no son el vector y el contexto.
    """
    if num_directions(rnn) == 2:
        raise CourseError(
            "El decodificador no puede ser bidireccional: al leer hacia atrás vería "
            "los símbolos que debe escribir."
        )
    if net_sizes(rnn)[0] != vector_size + context_size:
        raise CourseError(
            f"El decodificador tiene {net_sizes(rnn)[0]} entradas y lee un vector de "
            f"{vector_size} números seguido de {context_size} de lo leído: créalo con "
            f"{vector_size + context_size}."
        )


def check_lengths(lengths: torch.Tensor, batch_size: int, num_steps: int) -> None:
    """Comprueba que haya un largo posible por secuencia.

    Raises:
        CourseError: si no es un tensor de enteros de 1 a num_steps, uno por secuencia.
    """
    if not torch.is_tensor(lengths) or lengths.shape != (batch_size,):
        given = tuple(getattr(lengths, "shape", ())) or type(lengths).__name__
        raise CourseError(
            f"Los largos son {given} y el lote tiene {batch_size} secuencias: hace falta "
            "un tensor con el largo de cada una, como el que da collate_padded."
        )
    low, high = lengths.min().item(), lengths.max().item()
    if low < 1 or high > num_steps or lengths.is_floating_point():
        raise CourseError(
            f"Los largos van de {low} a {high} en un lote de {num_steps} pasos: tienen "
            f"que ser enteros de 1 a {num_steps}."
        )
