"""BPTT truncada y al azar contra la entera, y los gradientes paso a paso."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    GradientRecorder,
    GRUCell,
    GRUScratch,
    LanguageModel,
    LSTMScratch,
    RNNScratch,
    Stacked,
    Unrolled,
    bptt_logits,
    random_truncation,
    state_gradients,
    truncation,
)
from coursekit.training import fit
from regression import regression

V, BATCH, STEPS = 4, 2, 5


def stacked(num_inputs, num_hiddens):
    return Stacked(LSTMScratch(num_inputs, num_hiddens), LSTMScratch(num_hiddens, num_hiddens))


KINDS = [RNNScratch, LSTMScratch, GRUScratch, nn.LSTM, stacked]


def language_model(kind, num_hiddens=3):
    torch.manual_seed(0)
    model = LanguageModel(kind(V, num_hiddens), V)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 2  # para que lo lejano pese
    return model


def text(steps=STEPS, seed=0):
    ids = torch.randint(V, (BATCH, steps + 1), generator=torch.Generator().manual_seed(seed))
    return ids[:, :-1], ids[:, 1:]


def gradient(model, logits, Y):
    loss = F.cross_entropy(logits.flatten(0, 1), Y.flatten())
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


# --- BPTT truncada ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [1, 2, 3, STEPS, 100])
def test_truncation_is_detaching_the_state(kind, every):
    model, (X, Y) = language_model(kind), text()
    pieces, state = [], None
    for piece in X.split(every, dim=1):
        logits, state = model(piece, state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        pieces.append(logits)
    logits, last = bptt_logits(model, X, truncation(STEPS, every))
    torch.testing.assert_close(logits, model(X)[0])
    torch.testing.assert_close(last, model(X)[1])
    expected = gradient(model, torch.cat(pieces, dim=1), Y)
    torch.testing.assert_close(gradient(model, logits, Y), expected)
    full = gradient(model, model(X)[0], Y)
    assert torch.allclose(full, expected, atol=1e-6) == (every >= STEPS)


def test_the_given_state_is_used_and_learns():
    model, (X, _) = language_model(RNNScratch), text()
    H = torch.ones(1, BATCH, 3, requires_grad=True)
    logits, _ = bptt_logits(model, X, truncation(STEPS, 2), H)
    torch.testing.assert_close(logits, model(X, H)[0])
    logits[:, :2].sum().backward(retain_graph=True)
    assert H.grad.any()
    H.grad = None
    logits[:, 2:].sum().backward()  # más allá del primer corte no llega nada
    assert not H.grad.any()


@pytest.mark.parametrize("kind", KINDS)
def test_random_truncation_is_unbiased(kind):
    """La esperanza exacta, sobre los 2^(pasos-1) cortes posibles, es el gradiente entero."""
    keep = 0.6
    model, (X, Y) = language_model(kind).double(), text()
    mean, total = 0, 0
    # LanguageModel pasa a float32 el one-hot; en float64 la igualdad se ve mejor.
    model.rnn.register_forward_pre_hook(lambda _, args: (args[0].double(), *args[1:]))
    for kept in product([0, 1], repeat=STEPS - 1):
        weight = keep ** sum(kept) * (1 - keep) ** (STEPS - 1 - sum(kept))
        logits, _ = bptt_logits(model, X, torch.tensor(kept).double() / keep)
        mean, total = mean + weight * gradient(model, logits, Y), total + weight
    assert total == pytest.approx(1)
    full = gradient(model, model(X)[0], Y)
    torch.testing.assert_close(mean, full, rtol=1e-9, atol=1e-12)
    truncated = gradient(model, bptt_logits(model, X, truncation(STEPS, 2).double())[0], Y)
    assert (truncated - full).abs().max() > 1e-3  # la truncada, en cambio, está sesgada


def test_the_average_of_many_draws_approaches_the_full_gradient():
    model, (X, Y) = language_model(RNNScratch), text()
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([
        gradient(model, bptt_logits(model, X, random_truncation(STEPS, 0.5, generator))[0], Y)
        for _ in range(100)
    ])
    full = gradient(model, model(X)[0], Y)
    error = draws.std(dim=0) / 10  # raíz de 100
    assert ((draws.mean(dim=0) - full).abs() < 4.5 * error + 1e-6).all()
    assert (draws.std(dim=0) > 0).any()


def test_random_factors():
    generator = torch.Generator().manual_seed(0)
    factors = random_truncation(4001, 0.25, generator)
    assert factors.shape == (4000,) and set(factors.tolist()) == {0, 4}
    assert factors.mean().item() == pytest.approx(1, abs=0.15)
    assert (random_truncation(10, 1) == 1).all()
    seeds = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
    first, again, other = (random_truncation(50, 0.5, seed) for seed in seeds)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_truncation_factors_by_hand():
    assert truncation(6, 2).tolist() == [1, 0, 1, 0, 1]
    assert truncation(6, 3).tolist() == [1, 1, 0, 1, 1]
    assert truncation(1, 3).tolist() == []


@pytest.mark.parametrize(
    "use, words",
    [
        (lambda: truncation(5, 0), "every=0"),
        (lambda: truncation(0, 1), "num_steps=0"),
        (lambda: random_truncation(0, 0.5), "num_steps=0"),
        (lambda: random_truncation(5, 0), "keep=0"),
        (lambda: random_truncation(5, 1.5), "keep=1.5"),
        (lambda: bptt_logits(None, text()[0], torch.ones(5)), "5 pasos hay 4 fronteras"),
        (lambda: bptt_logits(None, text()[0], [1, 0]), "5 pasos hay 4 fronteras"),
        (lambda: bptt_logits(language_model(RNNScratch), text()[0][0], torch.ones(4)), "lote"),
    ],
)
def test_wrong_settings_are_explained(use, words):
    with pytest.raises(CourseError, match=words):
        use()


# --- El gradiente por capa, paso y época -----------------------------------------------------


def loss_with_a_push(model, X, Y, only_last, where, push):
    """La pérdida si el estado de una capa, tras un paso, se mueve un poco."""
    layers = getattr(model.rnn, "layers", [model.rnn])
    inputs = F.one_hot(X.T, V).double()
    for number, layer in enumerate(layers):
        outputs, state = [], None
        for step in range(len(inputs)):
            _, state = layer(inputs[step : step + 1], state)
            if where == (number, step):
                pair = isinstance(state, tuple)
                state = tuple(map(sum, zip(state, push))) if pair else state + push[0]
            outputs.append(state[0] if isinstance(state, tuple) else state)
        inputs = torch.cat(outputs)
    logits = model.output_layer(inputs)
    if only_last:
        return F.cross_entropy(logits[-1], Y[:, -1])
    return F.cross_entropy(logits.flatten(0, 1), Y.T.flatten())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("only_last", [False, True])
def test_state_gradients_equal_finite_differences(kind, only_last):
    model, (X, Y), eps = language_model(kind).double(), text(4), 1e-5
    norms = state_gradients(model, X, Y, only_last)
    num_layers = 2 if kind is stacked else 1
    assert norms.shape == (num_layers, 4)
    num_parts = 2 if kind in (LSTMScratch, nn.LSTM, stacked) else 1
    for where in product(range(num_layers), range(4)):
        squares = 0
        with torch.no_grad():
            for entry in range(num_parts * BATCH * 3):
                push = torch.zeros(num_parts * BATCH * 3).double()
                push[entry] = eps
                push = push.view(num_parts, 1, BATCH, 3)
                up, down = (
                    loss_with_a_push(model, X, Y, only_last, where, sign * push) for sign in (1, -1)
                )
                squares += ((up - down) / (2 * eps)).item() ** 2
        assert norms[where].item() == pytest.approx(squares**0.5, rel=1e-4, abs=1e-7)


def test_the_gradient_vanishes_and_the_lstm_keeps_it():
    """Con pesos pequeños decae paso a paso; una LSTM con F abierta lo conserva."""
    torch.manual_seed(0)
    X, Y = text(20)
    fading = LanguageModel(RNNScratch(V, 8), V)
    norms = state_gradients(fading, X, Y, only_last=True)[0]
    assert (norms[1:-1] > norms[:-2]).all() and norms[0] < 1e-3 * norms[-1]
    keeping = LanguageModel(LSTMScratch(V, 8, forget_bias=6.0), V)
    norms = state_gradients(keeping, X, Y, only_last=True)[0]
    assert norms[0] > 0.1 * norms[-2]


def test_looking_changes_nothing():
    model, (X, Y) = language_model(GRUScratch), text()
    model.train()
    with torch.no_grad():
        state_gradients(model, X, Y)
    assert model.training and all(p.grad is None for p in model.parameters())


def test_dropout_is_off_when_looking():
    torch.manual_seed(0)
    model = LanguageModel(Stacked(Unrolled(GRUCell(V, 3), dropout=0.5)), V)
    X, Y = text()
    torch.testing.assert_close(state_gradients(model, X, Y), state_gradients(model, X, Y))
    assert model.training


def test_recorder_keeps_one_page_per_epoch():
    model, (X, Y) = language_model(stacked), text()
    recorder = GradientRecorder(model, X, Y)
    expected = [state_gradients(model, X, Y)]

    def batches():
        recorder.record()
        return [(X, Y)]

    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    fit(model, batches, optimizer, num_epochs=3, progress=False)
    assert recorder.norms.shape == (3, 2, STEPS)
    torch.testing.assert_close(recorder.norms[0], expected[0])
    assert not torch.allclose(recorder.norms[0], recorder.norms[2])


@pytest.mark.parametrize("kind", [nn.LSTM, GRUScratch])
def test_gradients_are_taken_without_cudnn(kind):
    """En una GPU, cuDNN no retropropaga por una red en modo de evaluación."""
    model, used = language_model(kind), []
    model.rnn.register_forward_hook(lambda *_: used.append(torch.backends.cudnn.enabled))
    before = torch.backends.cudnn.enabled
    state_gradients(model, *text())
    assert used == [False] * STEPS and torch.backends.cudnn.enabled == before


def test_padded_targets_do_not_count():
    model, (X, Y) = language_model(GRUScratch), text()
    padded = Y.clone()
    padded[:, 3:] = -100
    shorter = state_gradients(model, X[:, :3], Y[:, :3])
    found = state_gradients(model, X, padded)
    torch.testing.assert_close(found[:, :3], shorter)
    assert not found[:, 3:].any()


@pytest.mark.parametrize(
    "Y, words",
    [
        (text()[1][:, :3], r"\(2, 3\).*\(2, 5\)"),
        (text()[1].float(), "float32"),
        (text()[1].tolist(), "list"),
        (text()[1] + V, "vocabulario"),
    ],
)
def test_wrong_targets_are_explained(Y, words):
    with pytest.raises(CourseError, match=words):
        state_gradients(language_model(RNNScratch), text()[0], Y)


def test_an_empty_recorder_is_explained():
    with pytest.raises(CourseError, match="record"):
        GradientRecorder(language_model(RNNScratch), *text()).norms  # noqa: B018


def test_torch_nets_with_layers_inside_are_refused():
    model = LanguageModel(nn.LSTM(V, 3, num_layers=2), V)
    with pytest.raises(CourseError, match="una sola capa"):
        state_gradients(model, *text())


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def our_truncated_gradient(model, X, Y, every):
    logits, _ = bptt_logits(model, X, truncation(X.shape[1], every))
    loss = F.cross_entropy(logits.flatten(0, 1), Y.flatten())
    return torch.autograd.grad(loss, model.rnn.W_hh)[0]


def length_ignored(model, X, Y, every):
    return our_truncated_gradient(model, X, Y, X.shape[1])


@regression(ours=our_truncated_gradient, defective=length_ignored)
def test_bptt_length_matters(gradient):
    """Defecto: un `bptt_length` sin efecto."""
    model, (X, Y) = language_model(RNNScratch, 6), text(20)
    short, medium, whole = (gradient(model, X, Y, every) for every in (1, 5, 20))
    assert (short - medium).norm() > 1e-3 and (medium - whole).norm() > 1e-5


def mean_by_parameter(model, X, Y):
    loss = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten())
    gradients = torch.autograd.grad(loss, list(model.rnn.parameters()))
    return torch.stack([g.abs().mean() for g in gradients])[None]


@regression(
    ours=lambda model, X, Y: state_gradients(model, X, Y, only_last=True),
    defective=mean_by_parameter,
)
def test_gradients_are_seen_by_step(look):
    """Una fila por capa y una columna por paso; en esta red se desvanece hacia atrás."""
    model = language_model(lambda *sizes: RNNScratch(*sizes, sigma=0.1), 4)
    norms = look(model, *text(20))
    assert norms.shape == (1, 20) and norms[0, 0] < 0.05 * norms[0, -1]
