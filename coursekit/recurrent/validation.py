"""Lo que se comprueba antes de calcular, para que el cálculo sea solo sus ecuaciones.

Cada función calla si todo está bien y, si no, lanza un CourseError que dice qué llegó y
qué se esperaba. Las llaman las clases de `coursekit.recurrent.base`.
"""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.nets import input_size, num_directions
from coursekit.recurrent.states import parts


def check_inputs(rnn: nn.Module, inputs: torch.Tensor) -> None:
    """Comprueba la forma y el tipo de lo que va a leer una red.

    Raises:
        CourseError: si no es (pasos, lote, num_inputs) o no es del tipo de los pesos.
    """
    if inputs.dim() != 3 or inputs.shape[0] == 0 or inputs.shape[2] != rnn.num_inputs:
        raise CourseError(
            f"La entrada tiene forma {tuple(inputs.shape)} y la red espera "
            f"(pasos, lote, {rnn.num_inputs}), con al menos un paso."
        )
    dtype = next(rnn.parameters()).dtype
    if inputs.dtype != dtype:
        raise CourseError(
            f"La entrada es de tipo {inputs.dtype} y los pesos de la red, {dtype}: "
            f"conviértela con inputs.to({dtype})."
        )


def check_state(state, shape: tuple[int, int, int], is_pair: bool) -> None:
    """Comprueba el estado con que una red empieza a leer; None vale siempre.

    Args:
        state: None, un tensor H o, en una LSTM, la pareja (H, C).
        shape: la forma de cada parte, (capas, lote, num_hiddens).
        is_pair: si debe ser la pareja.
    Raises:
        CourseError: si no tiene las partes o la forma que espera la red.
    """
    if state is None:
        return
    found = [getattr(part, "shape", None) for part in parts(state)]
    if isinstance(state, (tuple, list)) != is_pair or found != [shape] * (1 + is_pair):
        kind = "una pareja (H, C) de tensores" if is_pair else "un tensor H"
        raise CourseError(
            f"El estado inicial debe ser {kind} de forma {shape}, es decir, (capas, "
            f"lote, num_hiddens), y llega {described(state)}: pasa el que devolvió la "
            "propia red, o None."
        )


def described(state) -> str:
    """La forma de un tensor o de las partes de una pareja; de lo demás, el tipo."""
    if isinstance(state, (tuple, list)):
        return f"({', '.join(map(described, state))})"
    return str(tuple(getattr(state, "shape", ())) or type(state).__name__)


def check_step(cell: nn.Module, X: torch.Tensor, state) -> None:
    """Comprueba lo que recibe una celda en un paso.

    Raises:
        CourseError: si X no es (lote, num_inputs) o el estado no tiene las partes que
            espera la celda, con num_hiddens números por cada fila de X.
    """
    shape = len(X), cell.num_hiddens
    found = [tuple(getattr(part, "shape", ())) for part in (X, *parts(state))]
    expected = [(len(X), cell.num_inputs)]
    expected += [shape] * (0 if state is None else 1 + cell.has_memory)
    is_pair = isinstance(state, (tuple, list))
    if found != expected or (state is not None and is_pair != cell.has_memory):
        kind = "una pareja (H, C)" if cell.has_memory else "un tensor H"
        raise CourseError(
            f"X y el estado tienen formas {found} y la celda espera X de forma "
            f"{expected[0]} y {kind} de forma {shape}: una fila por secuencia, sin la "
            "dimensión de los pasos."
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


def check_lengths(lengths: torch.Tensor, batch_size: int, num_steps: int) -> None:
    """Comprueba que haya un largo posible por secuencia.

    Raises:
        CourseError: si no es un tensor de enteros de 1 a num_steps, uno por secuencia.
    """
    if not torch.is_tensor(lengths) or lengths.shape != (batch_size,):
        given = tuple(getattr(lengths, "shape", ())) or type(lengths).__name__
        raise CourseError(
            "Los largos deben ser un tensor con el de cada secuencia, como el que da "
            f"collate_padded: son {given} y el lote tiene {batch_size} secuencias."
        )
    low, high = lengths.min().item(), lengths.max().item()
    if low < 1 or high > num_steps or lengths.is_floating_point():
        raise CourseError(
            f"Los largos deben ser un tensor de enteros de 1 a {num_steps}, los pasos "
            f"del lote, y van de {low} a {high}."
        )


def check_reader(rnn: nn.Module, vocab_size: int, embedding: nn.Module) -> None:
    """Comprueba que la red pueda leer los vectores de los símbolos.

    Raises:
        CourseError: si falta un símbolo en la tabla o los vectores no caben en la red.
    """
    num_inputs = input_size(rnn)
    if embedding is None:
        if num_inputs != vocab_size:
            raise CourseError(
                f"La red lee vectores de tamaño {num_inputs}, pero un one-hot de este "
                f"vocabulario tiene {vocab_size}: crea la red con {vocab_size} entradas."
            )
        return
    size = embedding.num_embeddings, embedding.embedding_dim
    if size != (vocab_size, num_inputs):
        raise CourseError(
            f"La tabla de embeddings tiene tamaño {size}, con {size[0]} filas, y hace "
            f"falta {vocab_size, num_inputs}: una fila por símbolo, con tantos números "
            "como entradas tiene la red."
        )


def check_one_way(rnn: nn.Module) -> None:
    """Comprueba que la red sirve para predecir el símbolo siguiente.

    Raises:
        CourseError: si la red ve el futuro.
    """
    if num_directions(rnn) == 2:
        raise CourseError(
            "Una red bidireccional no sirve de modelo de lenguaje: al leer hacia atrás "
            "ve el símbolo que debe predecir. Usa bidirectional=False."
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
    if input_size(rnn) != vector_size + context_size:
        raise CourseError(
            f"El decodificador tiene {input_size(rnn)} entradas y lee un vector de "
            f"{vector_size} números seguido de {context_size} de lo leído: créalo con "
            f"{vector_size + context_size}."
        )
