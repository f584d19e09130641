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
    SimpleRNNCell,
    Stacked,
    Unrolled,
    from_torch,
    generate,
    to_cell,
)
from coursekit.text import Vocab
from regression import regression

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
        (lambda: Stacked(nn.Linear(4, 5)), "Linear.* no es una red recurrente"),
        (lambda: Bidirectional(nn.GRUCell(4, 5), nn.GRUCell(4, 5)), "no es una red recurrente"),
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


@pytest.mark.parametrize("join", [Stacked, Bidirectional])
def test_one_net_twice_is_explained(join):
    net = GRUScratch(5, 5)
    with pytest.raises(CourseError, match="compartirían los pesos"):
        join(net, net)


# --- Dropout variacional ---------------------------------------------------------------------


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", [RNNScratch, LSTMScratch, GRUScratch])
def test_one_mask_per_sequence(kind):
    """Apagar siempre lo mismo es leer con esas filas de las matrices en cero."""
    scratch = kind(4, 5, **({"reset_after": False} if kind is GRUScratch else {})).double()
    X, batch, keep = double(7, 3, 4), 3, 0.6
    state = [double(1, 3, 5, seed=seed) for seed in (1, 2)][: 1 + (kind is LSTMScratch)]
    dropped = Unrolled(to_cell(scratch), dropout=1 - keep, generator=seeded())
    outputs, last = dropped(X, tuple(state) if len(state) == 2 else state[0])
    masks = torch.bernoulli(torch.full((batch, 9), keep).double(), generator=seeded()) / keep
    assert len(masks.unique(dim=0)) == 3  # cada secuencia, la suya
    for n, mask in enumerate(masks):
        thinned = kind(4, 5, **({"reset_after": False} if kind is GRUScratch else {})).double()
        weights = scratch.state_dict()
        weights["W_xh"] = mask[:4, None] * weights["W_xh"]
        weights["W_hh"] = mask[4:, None] * weights["W_hh"]
        thinned.load_state_dict(weights)
        mine = [part[:, n : n + 1].contiguous() for part in state]
        expected, end = thinned(X[:, n : n + 1], tuple(mine) if len(mine) == 2 else mine[0])
        torch.testing.assert_close(outputs[:, n : n + 1], expected)
        for part, whole in zip(parts(end), parts(last)):
            torch.testing.assert_close(whole[:, n : n + 1], part)


def test_masks_keep_the_mean_and_change_at_every_call():
    net = Unrolled(to_cell(RNNScratch(30, 20)), dropout=0.3, generator=seeded())
    first, second = (net.draw_mask(torch.zeros(4, 200, 30)) for _ in range(2))
    assert first.shape == (200, 50) and (first != second).any()
    assert sorted(first.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert (first == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)


def test_nothing_is_dropped_when_evaluating():
    cell = to_cell(LSTMScratch(5, 6))
    model = LanguageModel(Stacked(Unrolled(cell, 0.5), Unrolled(to_cell(LSTMScratch(6, 6)), 0.5)), 5)
    windows = torch.tensor([[0, 1, 2, 3, 4]])
    torch.testing.assert_close(model.log_probs(windows), model.log_probs(windows))
    X = windows[:, :-1]
    assert model.training and not torch.equal(model(X)[0], model(X)[0])
    model.eval()
    torch.testing.assert_close(model(X)[0], model(X)[0])


def test_same_generator_same_masks():
    cell, X = to_cell(RNNScratch(4, 5)), torch.ones(6, 3, 4)
    first, again, other = (Unrolled(cell, 0.5, seeded(seed))(X)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_masks_are_drawn_where_the_generator_lives(monkeypatch):
    """Red y datos en un dispositivo («meta»), generador en otro: la máscara viaja."""
    bernoulli = torch.bernoulli

    def checked(probs, generator):
        assert probs.device == generator.device
        return bernoulli(probs, generator=generator)

    monkeypatch.setattr(torch, "bernoulli", checked)
    net = Unrolled(to_cell(RNNScratch(4, 5)), 0.5, seeded()).to("meta")
    X = torch.empty(6, 3, 4, device="meta")
    assert net.draw_mask(X).device == X.device == net(X)[0].device


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5])
def test_impossible_dropout_is_explained(dropout):
    with pytest.raises(CourseError, match=f"dropout={dropout}"):
        Unrolled(to_cell(RNNScratch(4, 5)), dropout)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def two_way_net():
    torch.manual_seed(0)
    return Bidirectional(LSTMScratch(4, 5), LSTMScratch(4, 5))


def final_states(X):
    _, (H, _) = two_way_net()(X)
    return H[0], H[1]


def last_outputs(X):
    outputs, _ = two_way_net()(X)
    return outputs[-1].chunk(2, dim=1)


@regression(ours=final_states, defective=last_outputs)
def test_summary_reads_both_ways(summary):
    """El resumen de cada dirección cambia si cambia lo anterior al último paso."""
    X, other = (double(6, 2, 4).float() for _ in "12")
    other[:-1] += 1
    for half, other_half in zip(summary(X), summary(other)):
        assert (half - other_half).abs().max() > 1e-3


def variational():
    return Unrolled(SimpleRNNCell(4, 64), 0.5, torch.Generator().manual_seed(0))


def between_layers():
    return nn.RNN(4, 64, num_layers=2, dropout=0.5, nonlinearity="tanh")


@regression(ours=variational, defective=between_layers)
def test_dropout_is_recurrent(build):
    """Con entradas nulas, lo único que puede apagarse en la primera capa es el estado."""
    rnn = build().train()
    reached = []
    for _ in range(2):
        state = torch.ones(2 if isinstance(rnn, nn.RNN) else 1, 3, 64)
        reached.append(rnn(torch.zeros(1, 3, 4), state)[1][0])
    assert not torch.equal(*reached)


def unchecked_stack(*layers):
    return nn.Sequential(*layers)


@regression(ours=[Stacked, Bidirectional], defective=unchecked_stack)
def test_one_net_cannot_be_two_layers(build):
    """`[capa] * 2` es una sola capa, con los pesos de una."""
    with pytest.raises(CourseError, match="compartirían"):
        build(*[RNNScratch(4, 4)] * 2)
