"""Las redes escritas a mano y las de PyTorch: los mismos pesos, de unas a otras."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from coursekit.recurrent.gru import GRUScratch
from coursekit.recurrent.lstm import LSTMScratch
from coursekit.recurrent.rnn import RNNScratch

SCRATCH = {nn.RNN: RNNScratch, nn.LSTM: LSTMScratch, nn.GRU: GRUScratch}
CELLS = {nn.RNN: SimpleRNNCell, nn.LSTM: LSTMCell, nn.GRU: GRUCell}
# Cuántos bloques de num_hiddens columnas tienen sus matrices.
BLOCKS = {1: nn.RNN, 4: nn.LSTM, 3: nn.GRU}


def torch_kind(scratch: nn.Module) -> type[nn.RNNBase] | None:
    """La clase de PyTorch con la misma arquitectura, o None si no hay ninguna.

    La dicen los parámetros y no el tipo: en un cuaderno, la clase puede estar copiada
    en una celda.
    """
    names = {name for name, _ in scratch.named_parameters()}
    if names - {"b_n"} != {"W_xh", "W_hh", "b_h"}:
        return None
    return BLOCKS.get(scratch.W_hh.shape[1] // scratch.num_hiddens)


def to_torch(scratch: nn.Module) -> nn.RNNBase:
    """La red de `torch.nn` con los mismos pesos, que calcula lo mismo.

    PyTorch guarda las matrices traspuestas y dos sesgos que siempre se suman: ponemos
    b_h en el primero y ceros en el segundo, que solo guarda el b_n de la GRU.

    Raises:
        CourseError: si la red no tiene equivalente en PyTorch.
    """
    kind = torch_kind(scratch)
    if kind is None or getattr(scratch, "b_n", 0) is None:
        raise CourseError(
            f"PyTorch no tiene una red que calcule lo mismo que {scratch}: to_torch "
            "copia RNNScratch, LSTMScratch y GRUScratch con reset_after=True."
        )
    rnn = kind(scratch.num_inputs, scratch.num_hiddens)
    rnn.to(scratch.W_xh)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(scratch.W_xh.T)
        rnn.weight_hh_l0.copy_(scratch.W_hh.T)
        rnn.bias_ih_l0.copy_(scratch.b_h)
        rnn.bias_hh_l0.zero_()
        if kind is nn.GRU:
            rnn.bias_hh_l0[-scratch.num_hiddens :] = scratch.b_n
    return rnn


def from_torch(rnn: nn.RNNBase) -> nn.Module:
    """La red escrita a mano con los pesos de una `nn.RNN`, `nn.LSTM` o `nn.GRU`.

    Raises:
        CourseError: si la red tiene otra arquitectura.
    """
    ours = SCRATCH.get(type(rnn))
    if ours is None or not is_plain(rnn):
        raise CourseError(
            f"No hay red escrita a mano que copie {rnn}: sirve una nn.RNN, nn.LSTM o "
            "nn.GRU de una capa y una dirección, con tanh, con sesgo y sin batch_first."
        )
    scratch = ours(rnn.input_size, rnn.hidden_size).to(rnn.weight_hh_l0)
    with torch.no_grad():
        scratch.W_xh.copy_(rnn.weight_ih_l0.T)
        scratch.W_hh.copy_(rnn.weight_hh_l0.T)
        scratch.b_h.copy_(rnn.bias_ih_l0 + rnn.bias_hh_l0)
        if isinstance(scratch, GRUScratch):
            scratch.b_n.copy_(rnn.bias_hh_l0[-rnn.hidden_size :])
            scratch.b_h[-rnn.hidden_size :] -= scratch.b_n
    return scratch


def is_plain(rnn: nn.RNNBase) -> bool:
    """Si la red tiene una capa, una dirección, sesgo y nada más."""
    special = rnn.bidirectional or rnn.batch_first or rnn.proj_size
    relu = getattr(rnn, "nonlinearity", "tanh") != "tanh"
    return rnn.num_layers == 1 and rnn.bias and not special and not relu


def to_cell(scratch: nn.Module) -> nn.Module:
    """La celda concatenada con los mismos pesos: las matrices, una encima de otra.

    Raises:
        CourseError: si la red no tiene forma concatenada.
    """
    kind = CELLS.get(torch_kind(scratch))
    if kind is None or getattr(scratch, "b_n", None) is not None:
        raise CourseError(
            f"{scratch} no cabe en forma concatenada: to_cell recibe RNNScratch, "
            "LSTMScratch o GRUScratch con reset_after=False (R, antes del producto)."
        )
    cell = kind(scratch.num_inputs, scratch.num_hiddens)
    cell.to(scratch.W_xh)
    W = torch.cat([scratch.W_xh, scratch.W_hh]).T
    sizes = [linear.out_features for linear in cell.children()]
    with torch.no_grad():
        for linear, weight, bias in zip(
            cell.children(), W.split(sizes), scratch.b_h.split(sizes)
        ):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
    return cell
