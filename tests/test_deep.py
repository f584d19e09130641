"""Redes profundas y bidireccionales contra torch.nn, y el dropout variacional."""

import pytest
import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    Bidirectional,
    GRUScratch,
    LanguageModel,
    LSTMScratch,
    RNNScratch,
    Stacked,
    Unrolled,
    from_torch,
    generate,
    to_cell,
)
from coursekit.text import Vocab

SYMBOLS = "abcde"
TORCH = [nn.RNN, nn.LSTM, nn.GRU]


def double(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def single(rnn, layer, suffix=""):
    """Una capa y una dirección de una red de PyTorch, escrita a mano."""
    weights = {
        name.replace(f"_l{layer}{suffix}", "_l0"): value
        for name, value in rnn.state_dict().items()
        if name.endswith(f"_l{layer}{suffix}")
    }
    plain = type(rnn)(weights["weight_ih_l0"].shape[1], rnn.hidden_size).double()
    plain.load_state_dict(weights)
    return from_torch(plain)


def by_hand(rnn):
    """La misma red, con nuestras piezas."""
    if not rnn.bidirectional:
        return Stacked(*(single(rnn, layer) for layer in range(rnn.num_layers)))
    return Stacked(*(
        Bidirectional(single(rnn, layer), single(rnn, layer, "_reverse"))
        for layer in range(rnn.num_layers)
    ))


@pytest.mark.parametrize("kind", TORCH)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
def test_deep_nets_equal_torch(kind, num_layers, bidirectional, with_state):
    rnn = kind(4, 5, num_layers=num_layers, bidirectional=bidirectional).double()
    rows = num_layers * (1 + bidirectional)
    H, C = double(rows, 3, 5, seed=1), double(rows, 3, 5, seed=2)
    state = None if not with_state else (H, C) if kind is nn.LSTM else H
    results = []
    for module in (by_hand(rnn), rnn):
        X = double(6, 3, 4).requires_grad_()
        outputs, last = module(X, state)
        loss = (outputs * double(*outputs.shape, seed=3)).sum()
        (loss + sum((part**2).sum() for part in parts(last))).backward()
        results.append([outputs, *parts(last), X.grad])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", [RNNScratch, LSTMScratch, GRUScratch, nn.GRU, nn.LSTM])
def test_stacked_nets_write(kind):
    """Escribir símbolo a símbolo es releerlo todo: el estado de las dos capas se arrastra."""
    torch.manual_seed(0)
    model = LanguageModel(Stacked(kind(5, 6), kind(6, 6)), 5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3
    vocab = Vocab(SYMBOLS)
    ids = vocab(list("abc"))
    for _ in range(20):
        ids.append(model(torch.tensor([ids]))[0][0, -1].argmax().item())
    assert generate(model, "abc", 20, vocab) == "".join(vocab.lookup_tokens(ids))


def test_cells_can_be_stacked_too():
    torch.manual_seed(0)
    rnns = [LSTMScratch(4, 5).double(), LSTMScratch(5, 5).double()]
    X, H, C = double(6, 3, 4), double(2, 3, 5, seed=1), double(2, 3, 5, seed=2)
    ours, last = Stacked(*(Unrolled(to_cell(rnn)) for rnn in rnns))(X, (H, C))
    theirs, expected = Stacked(*rnns)(X, (H, C))
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(last, expected)


def test_bidirectional_nets_cannot_predict():
    """El primer paso cambia si cambia el último símbolo: la red ve lo que debe adivinar."""
    both = Bidirectional(GRUScratch(5, 6), GRUScratch(5, 6))
    X = torch.randn(4, 1, 5)
    changed = X.clone()
    changed[-1] += 1
    difference = (both(X)[0] - both(changed)[0])[0].abs()
    assert difference[..., :6].max() == 0 and difference[..., 6:].max() > 0
    for rnn in (both, Stacked(both)):
        with pytest.raises(CourseError, match="bidireccional"):
            LanguageModel(rnn, 5)


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: Stacked(), "al menos una capa"),
        (lambda: Stacked(GRUScratch(4, 5), GRUScratch(4, 5)), "tamaño 5 y la 2 espera 4"),
        (lambda: Stacked(GRUScratch(4, 5), GRUScratch(5, 6)), "num_hiddens=5 y la 2, 6"),
        (
            lambda: Stacked(
                Bidirectional(GRUScratch(4, 5), GRUScratch(4, 5)), GRUScratch(5, 5)
            ),
            "tamaño 10",
        ),
        (lambda: Stacked(nn.GRU(4, 5, num_layers=2)), "una sola capa"),
        (lambda: Stacked(nn.GRU(4, 5, batch_first=True)), "batch_first"),
        (lambda: Bidirectional(GRUScratch(4, 5), GRUScratch(4, 6)), r"\(4, 5\) y \(4, 6\)"),
        (lambda: Bidirectional(GRUScratch(4, 5), GRUScratch(3, 5)), r"\(4, 5\) y \(3, 5\)"),
        (lambda: Stacked(LSTMScratch(4, 5), GRUScratch(5, 5))(torch.zeros(2, 1, 4)), "tipo"),
        (
            lambda: Stacked(GRUScratch(4, 5))(torch.zeros(2, 1, 4), torch.zeros(2, 1, 5)),
            "2 filas",
        ),
    ],
)
def test_nets_that_do_not_fit_are_explained(build, words):
    with pytest.raises(CourseError, match=words):
        build()
