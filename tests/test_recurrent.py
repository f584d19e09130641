"""La red a mano contra torch.nn; el modelo de lenguaje contra cuentas lentas."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    Bidirectional,
    GRUScratch,
    LanguageModel,
    LSTMScratch,
    RNNScratch,
    ScheduledSampling,
    Stacked,
    Unrolled,
    choose_symbol,
    from_torch,
    generate,
    to_cell,
    to_torch,
)
from coursekit.recurrent.base import Recurrent, init_weights
from coursekit.text import Vocab, letters
from regression import regression

SYMBOLS = "abcde"
KINDS = [RNNScratch, LSTMScratch, GRUScratch, nn.RNN, nn.GRU, nn.LSTM]


def double(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def language_model(kind=RNNScratch, num_hiddens=6, seed=0):
    torch.manual_seed(seed)
    model = LanguageModel(kind(len(SYMBOLS), num_hiddens), len(SYMBOLS))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3  # para que los símbolos no sean casi equiprobables
    return model


# --- RNNScratch y torch.nn.RNN ---------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_values_and_gradients_equal_torch(steps, batch, num_inputs, num_hiddens, with_state):
    scratch = RNNScratch(num_inputs, num_hiddens).double()
    rnn = to_torch(scratch)
    results = []
    for module in (scratch, rnn):
        X = double(steps, batch, num_inputs).requires_grad_()
        H0 = double(1, batch, num_hiddens, seed=1).requires_grad_() if with_state else None
        outputs, state = module(X, H0)
        (outputs * double(*outputs.shape, seed=2)).sum().add((state**2).sum()).backward()
        results.append((outputs, state, X.grad, *([H0.grad] if with_state else [])))
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(scratch.W_xh.grad, rnn.weight_ih_l0.grad.T)
    torch.testing.assert_close(scratch.W_hh.grad, rnn.weight_hh_l0.grad.T)
    torch.testing.assert_close(scratch.b_h.grad, rnn.bias_ih_l0.grad)


@pytest.mark.parametrize("batch", [1, 3])
def test_given_state_is_used(batch):
    scratch = RNNScratch(4, 5).double()
    X, H0 = double(6, batch, 4), double(1, batch, 5, seed=1)
    with_state, _ = scratch(X, H0)
    assert (with_state - scratch(X)[0]).abs().max() > 1e-3
    torch.testing.assert_close(with_state, to_torch(scratch)(X, H0)[0])


def test_two_halves_with_the_state_equal_the_whole():
    scratch = RNNScratch(4, 5).double()
    X = double(6, 3, 4)
    first, state = scratch(X[:2])
    second, last = scratch(X[2:], state)
    whole, whole_last = scratch(X)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(last, whole_last)


def test_weights_come_back_from_torch():
    rnn = nn.RNN(4, 5).double()
    X = double(6, 3, 4)
    torch.testing.assert_close(from_torch(rnn)(X), rnn(X))


def test_initial_weights():
    torch.manual_seed(0)
    scratch = RNNScratch(100, 64)
    for parameter in scratch.parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8
    narrow = RNNScratch(100, 64, sigma=0.01)
    assert narrow.W_hh.std().item() == pytest.approx(0.01, rel=0.1)
    assert narrow.W_xh.std().item() == pytest.approx(0.01, rel=0.1)
    assert not narrow.b_h.any()


@pytest.mark.parametrize(
    "rnn",
    [
        nn.RNN(4, 5, num_layers=2),
        nn.RNN(4, 5, bidirectional=True),
        nn.RNN(4, 5, nonlinearity="relu"),
        nn.RNN(4, 5, bias=False),
        nn.RNN(4, 5, batch_first=True),
    ],
)
def test_other_architectures_are_not_copied(rnn):
    with pytest.raises(CourseError, match="una capa"):
        from_torch(rnn)


@pytest.mark.parametrize(
    "inputs, state",
    [
        (torch.zeros(6, 3), None),
        (torch.zeros(6, 3, 5), None),
        (torch.zeros(0, 3, 4), None),
        (torch.zeros(6, 3, 4), torch.zeros(3, 5)),
        (torch.zeros(6, 1, 4), torch.zeros(1, 3, 5)),  # se propagaría sin avisar
        (torch.zeros(6, 3, 4), (torch.zeros(1, 3, 5),)),
    ],
)
def test_wrong_shapes_are_explained(inputs, state):
    with pytest.raises(CourseError, match="forma"):
        RNNScratch(4, 5)(inputs, state)


# --- LanguageModel ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_logits_equal_a_slow_loop(kind):
    model = language_model(kind)
    X = torch.tensor([[0, 1, 2, 3], [4, 4, 0, 1], [2, 2, 2, 2]])
    logits, state = model(X)
    assert logits.shape == (3, 4, 5)
    for row, expected in zip(X, logits):
        H = None
        for step, symbol in enumerate(row):
            one_hot = torch.zeros(1, 1, 5)
            one_hot[0, 0, symbol] = 1
            output, H = model.rnn(one_hot, H)
            slow = output[0, 0] @ model.output_layer.weight.T + model.output_layer.bias
            torch.testing.assert_close(slow, expected[step])
    continued, _ = model(X[:, 2:], model(X[:, :2])[1])
    torch.testing.assert_close(continued, logits[:, 2:])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_steps", [1, 3, 100])
def test_log_probs_equal_cross_entropy(kind, num_steps):
    """Leer por trozos de num_steps no cambia nada: el estado se arrastra."""
    model = language_model(kind)
    windows = torch.tensor([[0, 1, 2, 3, 4, 0, 0, 1], [3, 3, 3, 2, 1, 0, 4, 4]])
    expected = -F.cross_entropy(
        model(windows[:, :-1])[0].transpose(1, 2), windows[:, 1:], reduction="none"
    )
    for rows in (windows, windows.numpy()):
        log_probs = model.log_probs(rows, num_steps=num_steps)
        assert not log_probs.requires_grad
        torch.testing.assert_close(log_probs, expected.detach())


def test_log_probs_use_the_given_state():
    model = language_model()
    ids = torch.tensor([[0, 1, 2, 3, 4, 0, 0, 1]])
    _, state = model(ids[:, :3])
    continued = model.log_probs(ids[:, 3:], state)
    torch.testing.assert_close(continued, model.log_probs(ids)[:, 3:])
    assert (continued - model.log_probs(ids[:, 3:])).abs().max() > 1e-3


def test_log_probs_without_dropout_and_mode_is_restored():
    torch.manual_seed(0)
    model = LanguageModel(nn.RNN(5, 6, num_layers=2, dropout=0.5), 5)
    windows = torch.tensor([[0, 1, 2, 3, 4]])
    torch.testing.assert_close(model.log_probs(windows), model.log_probs(windows))
    assert model.training
    generate(model, "a", 2, Vocab(SYMBOLS))
    assert model.training
    model.eval()
    model.log_probs(windows)
    assert not model.training


def test_models_that_cannot_predict_are_refused():
    with pytest.raises(CourseError, match="bidireccional"):
        LanguageModel(nn.RNN(5, 6, bidirectional=True), 5)
    with pytest.raises(CourseError, match="batch_first"):
        LanguageModel(nn.LSTM(5, 6, batch_first=True), 5)
    with pytest.raises(CourseError, match="tamaño 7"):
        LanguageModel(RNNScratch(7, 6), 5)


@pytest.mark.parametrize(
    "X, words",
    [
        (torch.tensor([[0, 5]]), "índice 5 fuera"),
        (torch.tensor([[-1, 2]]), "índice -1 fuera"),
        (torch.tensor([0, 1]), r"forma \(2,\)"),
        (torch.tensor([[0.0, 1.0]]), "float32"),
        (torch.zeros(2, 0, dtype=torch.long), "vacías"),
    ],
)
def test_wrong_ids_are_explained(X, words):
    with pytest.raises(CourseError, match=words):
        language_model()(X)
    with pytest.raises(CourseError, match=words):
        language_model().log_probs(X)


def test_a_list_is_not_a_batch():
    with pytest.raises(CourseError, match=r"recibe un list: conviértelos con torch\.tensor"):
        language_model()([[0, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_states_are_explained(kind):
    model, X = language_model(kind), torch.zeros(2, 3, dtype=torch.long)
    _, state = model(X)
    H = state[0] if isinstance(state, tuple) else state
    short, other_kind = H[:, :1], H if isinstance(state, tuple) else (H, H)
    wrong = [short, (short, short), other_kind, (H, short), (H,), [None, None], "ayer"]
    for state in wrong:
        with pytest.raises(CourseError, match="estado inicial"):
            model(X, state)


def test_a_state_of_other_layers_is_explained():
    model = LanguageModel(nn.GRU(5, 6, num_layers=2), 5)
    with pytest.raises(CourseError, match=r"un tensor H de forma \(2, 1, 6\)"):
        model(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 1, 6))


# --- Generación ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_equals_reading_everything_again(kind):
    model, vocab = language_model(kind), Vocab(SYMBOLS)
    ids = vocab(list("abc"))
    for _ in range(20):
        ids.append(model(torch.tensor([ids]))[0][0, -1].argmax().item())
    text = generate(model, "abc", 20, vocab)
    assert text == "".join(vocab.lookup_tokens(ids))
    assert generate(model, "abc", 20, vocab, temperature=5.0, top_k=1) == text


def test_each_symbol_costs_one_step():
    model, steps = language_model(), []
    model.rnn.register_forward_hook(lambda rnn, inputs, out: steps.append(len(inputs[0])))
    generate(model, "abcab", 8, Vocab(SYMBOLS))
    assert steps == [5] + [1] * 8


def test_sampling_follows_the_softmax():
    logits = torch.tensor([1.0, 3.0, 2.0, -1.0])
    generator = torch.Generator().manual_seed(0)
    for temperature, top_k in [(1.0, None), (0.5, None), (2.0, 2)]:
        draws = [choose_symbol(logits, temperature, top_k, generator) for _ in range(4000)]
        weights = np.exp(logits.numpy() / temperature)
        if top_k:
            weights[[0, 3]] = 0  # quedan 3.0 y 2.0
        frequencies = np.bincount(draws, minlength=4) / 4000
        np.testing.assert_allclose(frequencies, weights / weights.sum(), atol=0.03)


@pytest.mark.parametrize(
    "top_p, top_k, kept",
    [
        (1.0, None, [0, 1, 2, 3]),
        (0.95, None, [0, 1, 2]),
        (0.7, None, [0, 1]),  # 0.5 no llega: entra también el que cruza
        (0.5, None, [0]),
        (0.01, None, [0]),  # nunca se queda sin ninguno
        (0.6, 2, [0]),  # con top_k = 2, el primero ya es 5/8
    ],
)
def test_nucleus_keeps_the_symbol_that_crosses(top_p, top_k, kept):
    P = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    P[0] += 1e-9  # que 0.5 llegue aunque la softmax redondee
    generator, order = torch.Generator().manual_seed(0), torch.tensor([2, 0, 3, 1])
    logits = P.log()[order]
    draws = [choose_symbol(logits, 1.0, top_k, generator, top_p) for _ in range(3000)]
    frequencies = np.bincount(order[draws], minlength=4) / 3000
    expected = np.where(np.isin(range(4), kept), P, 0)
    assert np.flatnonzero(frequencies).tolist() == kept
    np.testing.assert_allclose(frequencies, expected / expected.sum(), atol=0.03)


def test_nucleus_is_no_larger_than_needed():
    """De dos símbolos iguales, uno suma justo 0.5: el otro no entra."""
    generator = torch.Generator().manual_seed(0)
    draws = {choose_symbol(torch.zeros(2), 1.0, None, generator, 0.5) for _ in range(50)}
    assert len(draws) == 1


def test_nucleus_reaches_the_text():
    model, vocab = language_model(), Vocab(SYMBOLS)
    greedy = generate(model, "abc", 20, vocab)
    seed = torch.Generator().manual_seed
    assert generate(model, "abc", 20, vocab, 5.0, generator=seed(0), top_p=1e-9) == greedy
    assert generate(model, "abc", 20, vocab, 5.0, generator=seed(0), top_p=1.0) != greedy


def test_temperature_never_changes_the_ranking():
    logits = torch.tensor([0.3, 1.1, 0.8, -0.4])
    generator = torch.Generator().manual_seed(0)
    shares = []
    for temperature in (0.3, 1.0, 3.0):
        draws = [choose_symbol(logits, temperature, generator=generator) for _ in range(3000)]
        counts = np.bincount(draws, minlength=4)
        assert counts.argsort()[::-1].tolist() == [1, 2, 0, 3]
        shares.append(counts[1])
    assert shares[0] > shares[1] > shares[2]


@pytest.mark.parametrize("temperature", [1e-306, 1e-45, 1e-8, 1, 1e30])
def test_extreme_temperatures(temperature):
    logits = torch.tensor([-1e4, 1e4, 9e3])
    generator = torch.Generator().manual_seed(0)
    symbol = choose_symbol(logits, temperature, generator=generator)
    assert symbol == 1 if temperature <= 1 else symbol in range(3)


def test_same_generator_same_text():
    model, vocab = language_model(), Vocab(SYMBOLS)
    texts = [
        generate(model, "a", 40, vocab, 1.0, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 41


@pytest.mark.parametrize(
    "prefix, settings, words",
    [
        ("aQb", {}, "«Q»"),
        ("", {}, "vacío"),
        ("a", {"temperature": -1}, "temperature=-1"),
        ("a", {"temperature": float("nan")}, "temperature=nan"),
        ("a", {"temperature": 1, "top_k": 0}, "top_k=0"),
        ("a", {"temperature": 1, "top_p": 0}, "top_p=0"),
        ("a", {"temperature": 1, "top_p": 1.1}, "top_p=1.1"),
    ],
)
def test_generation_errors_are_kind(prefix, settings, words):
    with pytest.raises(CourseError, match=words):
        generate(language_model(), prefix, 3, Vocab(SYMBOLS), **settings)


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
def test_an_exploded_model_does_not_write(temperature, wrong):
    """El mayor de unos logits con NaN es el NaN: escribiría siempre ese símbolo."""
    model = language_model()
    bias = model.output_layer.bias.data
    bias[2 if wrong != -float("inf") else slice(None)] = wrong
    with pytest.raises(CourseError, match=str(wrong)):
        generate(model, "a", 3, Vocab(SYMBOLS), temperature)


def test_a_forbidden_symbol_is_never_drawn():
    generator = torch.Generator().manual_seed(0)
    logits = torch.tensor([0.0, -float("inf"), 0.0])
    assert {choose_symbol(logits, 1.0, None, generator) for _ in range(50)} == {0, 2}


class Drawn(Exception):
    """El sorteo se hizo donde vive el generador."""


@pytest.mark.parametrize("function", ["choose_symbol", "ScheduledSampling"])
def test_draws_happen_where_the_generator_lives(function, monkeypatch):
    """PyTorch no sortea en un dispositivo con el generador de otro: aquí, «meta» es el otro."""
    far = SimpleNamespace(device=torch.device("meta"))

    def multinomial(probs, num_samples, generator):
        assert probs.device == generator.device
        raise Drawn

    monkeypatch.setattr(torch, "multinomial", multinomial)
    with pytest.raises(Drawn):
        if function == "choose_symbol":
            choose_symbol(torch.zeros(3), 1.0, generator=far)
        else:
            ScheduledSampling(language_model(), 0.5, far)(torch.tensor([[0, 1]]))


def test_unknown_symbols_are_named_even_with_a_default_index():
    with pytest.raises(CourseError, match="«@»"):
        generate(language_model(), "a@", 3, Vocab(SYMBOLS, default_index=0))


@pytest.mark.parametrize("kind", [RNNScratch, LSTMScratch, GRUScratch])
def test_a_network_copied_into_a_notebook_is_still_converted(kind):
    """En Colab el listado de la clase es una celda: el tipo es otro, y la red, la misma."""
    names = {"torch": torch, "nn": nn, "Recurrent": Recurrent, "init_weights": init_weights}
    exec(compile(inspect.getsource(kind), "celda", "exec"), names)  # noqa: S102
    copied = names[kind.__name__]
    ours = copied(4, 3)
    X = torch.randn(5, 2, 4)
    torch.testing.assert_close(to_torch(ours)(X)[0], ours(X)[0])
    with pytest.raises(CourseError, match="La entrada tiene forma"):
        ours(X[..., :3])
    if kind is not GRUScratch:  # con reset_after no cabe en forma concatenada
        torch.testing.assert_close(Unrolled(to_cell(ours))(X)[0], ours(X)[0])


def test_a_network_with_more_parameters_is_not_converted():
    """Una LSTM con mirillas tiene cuatro bloques de columnas, pero calcula otra cosa."""

    class Peephole(LSTMScratch):
        def __init__(self, num_inputs, num_hiddens):
            super().__init__(num_inputs, num_hiddens)
            self.W_ci = nn.Parameter(torch.zeros(num_hiddens))

    for convert in (to_torch, to_cell):
        with pytest.raises(CourseError, match="Peephole"):
            convert(Peephole(4, 3))


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def bias_of_ones():
    rnn = RNNScratch(5, 16)
    nn.init.ones_(rnn.b_h)
    return rnn


@regression(
    ours=[
        lambda: RNNScratch(5, 16, sigma=0.01),
        lambda: LSTMScratch(5, 16),
        lambda: GRUScratch(5, 16),
        lambda: LanguageModel(RNNScratch(5, 16), 5),
    ],
    defective=bias_of_ones,
)
def test_initial_biases_are_small(build):
    """Defecto: sesgos iniciales de 1."""
    for parameter in build().parameters():
        assert parameter.dim() > 1 or parameter.abs().max() <= 16**-0.5


class UncheckedLanguageModel(nn.Module):
    """Un modelo de lenguaje sobre cualquier red, también una que ve lo que sigue."""

    def __init__(self, rnn, vocab_size):
        super().__init__()
        self.rnn = rnn


@regression(ours=LanguageModel, defective=UncheckedLanguageModel)
def test_language_model_is_one_way(model):
    """Defecto: un modelo de lenguaje que ve lo que sigue."""
    for two_way in (
        nn.LSTM(5, 4, bidirectional=True),
        Bidirectional(RNNScratch(5, 4), RNNScratch(5, 4)),
        Stacked(Bidirectional(GRUScratch(5, 4), GRUScratch(5, 4)), GRUScratch(8, 4)),
    ):
        with pytest.raises(CourseError, match="bidireccional"):
            model(two_way, 5)


def reset_before(rnn):
    """Los mismos pesos con R antes del producto H W_hn."""
    ours = GRUScratch(rnn.input_size, rnn.hidden_size, reset_after=False)
    after = from_torch(rnn)
    ours.load_state_dict({k: v for k, v in after.state_dict().items() if k != "b_n"})
    with torch.no_grad():
        ours.b_h[-rnn.hidden_size :] += after.b_n
    return ours


@regression(ours=from_torch, defective=reset_before)
def test_gru_is_torchs(copy):
    """Defecto: R antes del producto, y los pesos de torch, que la ponen después."""
    torch.manual_seed(0)
    rnn = nn.GRU(4, 6)
    X, H = double(5, 3, 4).float(), double(1, 3, 6, seed=1).float()
    torch.testing.assert_close(copy(rnn)(X, H)[0], rnn(X, H)[0])


def read_all_again(model, prefix, num_symbols, vocab):
    ids = vocab(list(prefix))
    for _ in range(num_symbols):
        ids.append(model(torch.tensor([ids]))[0][0, -1].argmax().item())
    return "".join(vocab.lookup_tokens(ids))


def state_thrown_away(model, prefix, num_symbols, vocab):
    ids = vocab(list(prefix))
    model(torch.tensor([ids[:-1]]))
    for _ in range(num_symbols):
        ids.append(model(torch.tensor([ids[-1:]]))[0][0, -1].argmax().item())
    return "".join(vocab.lookup_tokens(ids))


@regression(ours=generate, defective=[read_all_again, state_thrown_away])
def test_generation_carries_the_state(write):
    """n símbolos cuestan n pasos, y el texto es el de releerlo todo."""
    model, vocab, steps = language_model(LSTMScratch, 12), Vocab(SYMBOLS), []
    expected = read_all_again(model, "abcab", 30, vocab)
    model.rnn.register_forward_hook(lambda rnn, inputs, _: steps.append(len(inputs[0])))
    assert write(model, "abcab", 30, vocab) == expected
    assert sum(steps) <= 5 + 30


def unchecked_generation(model, prefix, num_symbols, vocab):
    index = vocab.get_stoi()
    return model(torch.tensor([[index[symbol] for symbol in prefix]]))


@regression(ours=generate, defective=unchecked_generation, raises=KeyError)
def test_unknown_symbol_is_explained(write):
    """Defecto: un símbolo desconocido, o en mayúscula, y una KeyError."""
    for prefix, symbol in [("ab@", "@"), ("Abc", "A")]:
        with pytest.raises(CourseError, match=f"«{symbol}»"):
            write(language_model(), prefix, 3, Vocab(SYMBOLS))
    assert set("quijote") >= set(letters("Quijote"))


def our_drawn_text(seed):
    generator = torch.Generator().manual_seed(seed)
    return generate(language_model(), "a", 40, Vocab(SYMBOLS), 1.0, generator=generator)


def always_the_best(seed):
    torch.manual_seed(seed)
    return read_all_again(language_model(), "a", 40, Vocab(SYMBOLS))


@regression(ours=our_drawn_text, defective=always_the_best)
def test_generation_can_draw(write):
    """Defecto: escribir siempre el símbolo más probable."""
    assert len({write(seed) for seed in range(5)}) == 5


def one_hundredth(num_inputs, num_hiddens):
    return RNNScratch(num_inputs, num_hiddens, sigma=0.01)


@regression(ours=[RNNScratch, LSTMScratch, GRUScratch], defective=one_hundredth)
def test_initial_spread_is_torchs(kind):
    """Lo que se compara es la red, no su comienzo: 0,01 la retrasa tres épocas."""
    rnn, torchs = kind(64, 64), nn.RNN(64, 64)
    for ours, theirs in [(rnn.W_xh, torchs.weight_ih_l0), (rnn.W_hh, torchs.weight_hh_l0)]:
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.1)
