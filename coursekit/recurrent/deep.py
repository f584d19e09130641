"""Redes profundas y bidireccionales, hechas con redes de una capa."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.nets import (
    check_single_layer,
    input_size,
    num_directions,
    output_size,
    state_size,
)
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
        self.num_inputs, self.num_hiddens = input_size(layers[0]), state_size(layers[-1])
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
        check_directions(ahead, back)
        self.ahead, self.back = ahead, back
        self.num_inputs, self.num_hiddens = input_size(ahead), state_size(ahead)

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
        map_state(lambda part, layer=slice(end - size, end): part[layer], state)
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
    for layer in layers:
        check_single_layer(layer)
    for number, (layer, above) in enumerate(zip(layers, layers[1:]), start=1):
        if input_size(above) != output_size(layer):
            raise CourseError(
                f"La capa {number} da vectores de tamaño {output_size(layer)} y la "
                f"{number + 1} espera {input_size(above)}: crea esta con "
                f"{output_size(layer)} entradas."
            )
        if state_size(above) != state_size(layer):
            raise CourseError(
                f"La capa {number} tiene num_hiddens={state_size(layer)} y la "
                f"{number + 1}, {state_size(above)}: deben ser iguales para que sus "
                "estados quepan en un tensor."
            )


def check_directions(ahead: nn.Module, back: nn.Module) -> None:
    """Comprueba que las dos direcciones sean redes distintas de los mismos tamaños.

    Raises:
        CourseError: si no lo son.
    """
    if ahead is back:
        raise CourseError(
            "Las dos direcciones son la misma red y compartirían los pesos: crea dos."
        )
    sizes = []
    for rnn in (ahead, back):
        check_single_layer(rnn)
        sizes.append((input_size(rnn), state_size(rnn)))
    if sizes[0] != sizes[1]:
        raise CourseError(
            f"Las dos direcciones tienen tamaños {sizes[0]} y {sizes[1]}, "
            "entradas y estado oculto: créalas iguales."
        )
