"""Lo que hace falta saber de cualquier red recurrente, nuestra o de PyTorch."""

from torch import nn

from coursekit.errors import CourseError


def num_directions(rnn: nn.Module) -> int:
    """En cuántas direcciones lee la red."""
    return 2 if getattr(rnn, "bidirectional", False) else 1


def input_size(rnn: nn.Module) -> int:
    """Tamaño de lo que la red lee en cada paso.

    Raises:
        CourseError: si no es una red recurrente.
    """
    check_recurrent(rnn)
    return rnn.input_size if isinstance(rnn, nn.RNNBase) else rnn.num_inputs


def state_size(rnn: nn.Module) -> int:
    """Tamaño del estado oculto de cada capa y dirección.

    Raises:
        CourseError: si no es una red recurrente.
    """
    check_recurrent(rnn)
    return rnn.hidden_size if isinstance(rnn, nn.RNNBase) else rnn.num_hiddens


def output_size(rnn: nn.Module) -> int:
    """Tamaño de lo que la red da en cada paso, con todas sus direcciones.

    Raises:
        CourseError: si no es una red recurrente.
    """
    return state_size(rnn) * num_directions(rnn)


def check_recurrent(rnn: nn.Module) -> None:
    """Comprueba que sea una red recurrente que lee el tiempo primero.

    Raises:
        CourseError: si no lo es o espera el lote en la primera dimensión.
    """
    if not isinstance(rnn, nn.RNNBase) and not hasattr(rnn, "num_hiddens"):
        raise CourseError(
            f"{rnn} no es una red recurrente: sirve una nn.RNN, nn.GRU o nn.LSTM, o "
            "una de coursekit.recurrent."
        )
    if getattr(rnn, "batch_first", False):
        raise CourseError(
            "Las secuencias llegan a la red como (pasos, lote, vector): créala con "
            "batch_first=False."
        )


def check_single_layer(rnn: nn.Module) -> None:
    """Comprueba que una red pueda ser una capa de otra mayor.

    Raises:
        CourseError: si no es recurrente o ya tiene varias capas dentro.
    """
    check_recurrent(rnn)
    if getattr(rnn, "num_layers", 1) > 1:
        raise CourseError(
            f"{rnn} debe tener una sola capa para formar parte de una red mayor."
        )
