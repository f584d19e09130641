"""Redes profundas y bidireccionales, hechas con redes de una capa."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.states import map_state, parts


class Stacked(nn.Module):
    """Red profunda: los estados de cada capa son las entradas de la siguiente.

    Args:
        layers: redes con la interfaz de `nn.RNN`, del mismo tipo y `num_hiddens`; el
            estado junta los suyos en la primera dimensión, como con `num_layers`.
    Raises:
        CourseError: si no hay capas, una se repite o no casan entre sí.
    """

    def __init__(self, *layers: nn.Module):
        super().__init__()
        check_layers(layers)
        self.layers = nn.ModuleList(layers)
        self.num_inputs, _ = sizes(layers[0])
        _, self.num_hiddens = sizes(layers[-1])
        self.bidirectional = any(num_directions(layer) == 2 for layer in layers)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) y estado de partes (capas, lote, hidden)."""
        rows = [num_directions(layer) for layer in self.layers]
        states, outputs = [], inputs
        for layer, layer_state in zip(self.layers, split_state(state, rows)):
            outputs, layer_state = layer(outputs, layer_state)
            states.append(layer_state)
        return outputs, join_states(states)


class Bidirectional(nn.Module):
    """Dos redes sobre la misma entrada: una la lee hacia delante; la otra, hacia atrás.

    La salida de cada paso une las dos, así que conoce lo que sigue: no sirve para
    escribir ni para predecir el símbolo siguiente.

    Args:
        ahead, back: redes con la interfaz de `nn.RNN`, del mismo tipo y tamaños; el
            estado junta los suyos en la primera dimensión, como en PyTorch.
    Raises:
        CourseError: si son la misma red o de tamaños distintos.

    Source: Schuster y Paliwal (1997), «Bidirectional Recurrent Neural Networks».
    """

    bidirectional = True

    def __init__(self, ahead: nn.Module, back: nn.Module):
        super().__init__()
        if ahead is back:
            raise CourseError(
                "Las dos direcciones son la misma red y compartirían los pesos: crea dos."
            )
        if sizes(ahead) != sizes(back):
            raise CourseError(
                f"Las dos direcciones tienen tamaños {sizes(ahead)} y {sizes(back)}, "
                "entradas y estado oculto: créalas iguales."
            )
        self.ahead, self.back = ahead, back
        self.num_inputs, self.num_hiddens = sizes(ahead)

    def forward(self, inputs, state=None):
        """inputs (pasos, lote, num_inputs) -> (pasos, lote, 2 · num_hiddens) y estado.

        El estado, si se da, tiene partes (2, lote, num_hiddens): delante y atrás.
        """
        to_ahead, to_back = split_state(state, [1, 1])
        read_ahead, from_ahead = self.ahead(inputs, to_ahead)
        read_back, from_back = self.back(inputs.flip(0), to_back)
        # Lo leído hacia atrás se endereza para que cada paso se una con el suyo.
        outputs = torch.cat([read_ahead, read_back.flip(0)], dim=2)
        return outputs, join_states([from_ahead, from_back])


def split_state(state, rows: list[int]) -> list:
    """El estado de cada red, con sus filas de la primera dimensión; None si no hay.

    Raises:
        CourseError: si el número de filas no es la suma de `rows`.
    """
    if state is None:
        return [None] * len(rows)
    found = [len(part) for part in parts(state)]
    if set(found) != {sum(rows)}:
        raise CourseError(
            f"El estado inicial tiene {found[0]} filas en su primera dimensión y estas "
            f"redes necesitan {sum(rows)}: una por capa y dirección."
        )
    ends = torch.tensor(rows).cumsum(0).tolist()
    return [
        map_state(lambda part: part[end - size : end], state)
        for size, end in zip(rows, ends)
    ]


def join_states(states: list):
    """Un solo estado, con las filas de todos en la primera dimensión.

    Raises:
        CourseError: si unos son H y otros (H, C).
    """
    if len({len(parts(state)) for state in states}) > 1:
        raise CourseError(
            "El estado de una LSTM, (H, C), no se puede juntar con el de otra red, H: "
            "usa capas del mismo tipo."
        )
    return map_state(lambda *same: torch.cat(same), *states)


def check_layers(layers: tuple[nn.Module, ...]) -> None:
    """Comprueba que cada capa pueda leer a la anterior.

    Raises:
        CourseError: si no hay capas, alguna se repite o sus tamaños no casan.
    """
    if not layers:
        raise CourseError("Stacked necesita al menos una capa.")
    if len(set(layers)) < len(layers):
        raise CourseError(
            "Una misma red está en dos capas de Stacked y compartirían los pesos: crea "
            "una por capa."
        )
    for number, (layer, above) in enumerate(zip(layers, layers[1:]), start=1):
        num_outputs = sizes(layer)[1] * num_directions(layer)
        if sizes(above)[0] != num_outputs:
            raise CourseError(
                f"La capa {number} da vectores de tamaño {num_outputs} y la "
                f"{number + 1} espera {sizes(above)[0]}: crea esta con {num_outputs} "
                "entradas."
            )
        if sizes(above)[1] != sizes(layer)[1]:
            raise CourseError(
                f"La capa {number} tiene num_hiddens={sizes(layer)[1]} y la "
                f"{number + 1}, {sizes(above)[1]}: deben ser iguales para que sus "
                "estados quepan en un tensor."
            )


def num_directions(rnn: nn.Module) -> int:
    """En cuántas direcciones lee la red."""
    return 2 if getattr(rnn, "bidirectional", False) else 1


def sizes(rnn: nn.Module) -> tuple[int, int]:
    """Tamaños de la entrada y del estado oculto de una red nuestra o de PyTorch.

    Raises:
        CourseError: si no es recurrente, o es de PyTorch y tiene varias capas o
            `batch_first`.
    """
    if isinstance(rnn, nn.RNNBase) and (rnn.num_layers > 1 or rnn.batch_first):
        raise CourseError(
            f"{rnn} debe tener una sola capa y batch_first=False para formar parte de "
            "una red mayor."
        )
    return inner_sizes(rnn)


def inner_sizes(rnn: nn.Module) -> tuple[int, int]:
    """Tamaños de la entrada y del estado oculto, los llame como los llame la red.

    Raises:
        CourseError: si no los tiene, porque no es recurrente.
    """
    if isinstance(rnn, nn.RNNBase):
        return rnn.input_size, rnn.hidden_size
    if not hasattr(rnn, "num_hiddens"):
        raise CourseError(
            f"{rnn} no es una red recurrente: sirve una nn.RNN, nn.GRU o nn.LSTM, o "
            "una de coursekit.recurrent."
        )
    return rnn.num_inputs, rnn.num_hiddens
