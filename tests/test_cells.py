"""Las redes escritas a mano contra torch.nn, y las celdas concatenadas contra ellas."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    GRUCell,
    GRUScratch,
    LanguageModel,
    LSTMCell,
    LSTMScratch,
    RNNScratch,
    SimpleRNNCell,
    Unrolled,
    from_torch,
    generate,
    to_cell,
    to_torch,
)
from coursekit.text import Vocab
from regression import regression

SCRATCH = [RNNScratch, LSTMScratch, GRUScratch]
TORCH = [nn.RNN, nn.LSTM, nn.GRU]
SYMBOLS = "abcde"


def double(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def parts(state):
    """Los tensores de un estado: uno, o dos si es de una LSTM."""
    return state if isinstance(state, tuple) else (state,)


def random_state(module, batch, num_layers=1, num_hiddens=None):
    H, C = (
        double(num_layers, batch, num_hiddens or module.num_hiddens, seed=seed) for seed in (1, 2)
    )
    return (H, C) if isinstance(module, (LSTMScratch, LSTMCell)) else H


def run(module, X, state):
    """Salidas, último estado y gradientes de todo lo que entra, con pesos al azar."""
    X = X.clone().requires_grad_()
    starts = [part.clone().requires_grad_() for part in parts(state)] if state is not None else []
    given_state = None if not starts else tuple(starts) if len(starts) == 2 else starts[0]
    outputs, last = module(X, given_state)
    loss = (outputs * double(*outputs.shape, seed=3)).sum()
    for seed, part in enumerate(parts(last), start=4):
        loss = loss + (part * double(*part.shape, seed=seed)).sum()
    module.zero_grad()
    loss.backward()
    return [outputs, *parts(last), X.grad, *(start.grad for start in starts)]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


# --- A mano y torch.nn -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCRATCH)
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_values_and_gradients_equal_torch(kind, steps, batch, num_inputs, num_hiddens, with_state):
    scratch = kind(num_inputs, num_hiddens).double()
    rnn = to_torch(scratch)
    X = double(steps, batch, num_inputs)
    state = random_state(scratch, batch) if with_state else None
    assert_same(run(scratch, X, state), run(rnn, X, state))
    torch.testing.assert_close(scratch.W_xh.grad, rnn.weight_ih_l0.grad.T)
    torch.testing.assert_close(scratch.W_hh.grad, rnn.weight_hh_l0.grad.T)
    torch.testing.assert_close(scratch.b_h.grad, rnn.bias_ih_l0.grad)
    if kind is GRUScratch:
        torch.testing.assert_close(scratch.b_n.grad, rnn.bias_hh_l0.grad[-num_hiddens:])


@pytest.mark.parametrize("kind", TORCH)
def test_weights_come_back_from_torch(kind):
    rnn = kind(4, 5).double()
    X = double(6, 3, 4)
    scratch = from_torch(rnn)
    state = random_state(scratch, 3)
    assert_same(run(scratch, X, state), run(rnn, X, state))


@pytest.mark.parametrize("kind", SCRATCH)
@pytest.mark.parametrize("batch", [1, 3])
def test_given_state_is_used(kind, batch):
    """El estado que llega cuenta, y leer en dos mitades es leer de una vez."""
    scratch = kind(4, 5).double()
    X, state = double(6, batch, 4), random_state(scratch, batch)
    whole, last = scratch(X, state)
    assert (whole - scratch(X)[0]).abs().max() > 1e-3
    first, middle = scratch(X[:2], state)
    second, end = scratch(X[2:], middle)
    assert_same([torch.cat([first, second]), *parts(end)], [whole, *parts(last)])


@pytest.mark.parametrize("kind", SCRATCH)
def test_initial_weights(kind):
    torch.manual_seed(0)
    for parameter in kind(100, 64).parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8
    narrow = kind(100, 64, sigma=0.01)
    for name, parameter in narrow.named_parameters():
        expected = 0.01 if name.startswith("W") else 0
        assert parameter.std().item() == pytest.approx(expected, rel=0.1)


def slow_gru_step(gru, X, H):
    """Un paso de la GRU original, ejemplo a ejemplo: R multiplica a H antes del producto."""
    W_xr, W_xz, W_xn = gru.W_xh.chunk(3, 1)
    W_hr, W_hz, W_hn = gru.W_hh.chunk(3, 1)
    b_r, b_z, b_n = gru.b_h.chunk(3)
    rows = []
    for x, h in zip(X, H):
        r = 1 / (1 + torch.exp(-(x @ W_xr + h @ W_hr + b_r)))
        z = 1 / (1 + torch.exp(-(x @ W_xz + h @ W_hz + b_z)))
        n = torch.tanh(x @ W_xn + (r * h) @ W_hn + b_n)
        rows.append(z * h + (1 - z) * n)
    return torch.stack(rows)


def test_gru_with_reset_before_the_product():
    gru = GRUScratch(4, 5, reset_after=False).double()
    X, state = double(6, 3, 4), double(1, 3, 5, seed=1)
    outputs, last = gru(X, state)
    H = state[0]
    for step, output in zip(X, outputs):
        H = slow_gru_step(gru, step, H)
        torch.testing.assert_close(output, H)
    torch.testing.assert_close(last[0], H)


def test_the_two_gru_conventions_differ():
    """Con los mismos pesos calculan otra cosa, así que solo una se puede pasar a PyTorch."""
    before, after = (GRUScratch(4, 5, reset_after=after).double() for after in (False, True))
    after.load_state_dict({**before.state_dict(), "b_n": torch.zeros(5)})
    X, state = 3 * double(6, 3, 4), double(1, 3, 5, seed=1)
    assert (before(X, state)[0] - after(X, state)[0]).abs().max() > 1e-3
    with pytest.raises(CourseError, match="reset_after"):
        to_torch(before)


def test_update_gate_keeps_the_old_state():
    """Con Z = 1 el estado no cambia nunca: Z multiplica al anterior."""
    gru = GRUScratch(4, 5, sigma=0.1).double()
    nn.init.constant_(gru.b_h[5:10], 50.0)
    state = double(1, 3, 5)
    torch.testing.assert_close(gru(double(6, 3, 4), state)[1], state)


def test_forget_bias_opens_the_forget_gate():
    """Con F = 1 e I = 0 la celda conserva lo que tenía, pase lo que pase."""
    lstm = LSTMScratch(4, 5, sigma=0.0, forget_bias=50.0).double()
    _, (_, C) = lstm(double(6, 3, 4), (double(1, 3, 5), double(1, 3, 5, seed=1)))
    torch.testing.assert_close(C, double(1, 3, 5, seed=1))
    assert not LSTMScratch(4, 5, sigma=0.0).b_h.any()


@pytest.mark.parametrize(
    "rnn",
    [
        nn.LSTM(4, 5, num_layers=2),
        nn.LSTM(4, 5, bidirectional=True),
        nn.LSTM(4, 5, proj_size=2),
        nn.LSTM(4, 5, bias=False),
        nn.LSTM(4, 5, batch_first=True),
        nn.GRU(4, 5, num_layers=2),
        nn.Linear(4, 5),
    ],
)
def test_other_architectures_are_not_copied(rnn):
    with pytest.raises(CourseError, match="una capa"):
        from_torch(rnn)


@pytest.mark.parametrize("state", [torch.zeros(1, 3, 5), torch.zeros(2, 3, 5), (None,) * 3])
def test_lstm_state_must_be_a_pair(state):
    with pytest.raises(CourseError, match="pareja"):
        LSTMScratch(4, 5)(torch.zeros(6, 3, 4), state)


@pytest.mark.parametrize("kind", [LSTMScratch, GRUScratch])
def test_wrong_shapes_are_explained(kind):
    scratch = kind(4, 5)
    good = torch.zeros(1, 3, 5)
    wrong = torch.zeros(1, 1, 5)  # se propagaría sin avisar
    with pytest.raises(CourseError, match="forma"):
        scratch(torch.zeros(6, 3, 4), (good, wrong) if kind is LSTMScratch else wrong)
    with pytest.raises(CourseError, match="forma"):
        scratch(torch.zeros(6, 3, 7))


@pytest.mark.parametrize("kind", [RNNScratch, LSTMScratch, GRUScratch])
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_another_type_of_number_is_explained(kind, dtype):
    for net in (kind(4, 5), Unrolled(GRUCell(4, 5))):
        with pytest.raises(CourseError, match=f"{dtype} y los pesos de la red, torch.float32"):
            net(torch.zeros(6, 3, 4, dtype=dtype))
    assert kind(4, 5).double()(torch.zeros(6, 3, 4).double())[0].dtype == torch.float64


@pytest.mark.parametrize("kind", SCRATCH)
def test_the_language_model_is_the_same_over_torch(kind):
    """Mismos logits, y el mismo texto escrito, sobre la red a mano y sobre la de PyTorch."""
    torch.manual_seed(0)
    model = LanguageModel(kind(5, 6), 5)
    concise = LanguageModel(to_torch(model.rnn), 5)
    concise.output_layer = model.output_layer
    X = torch.tensor([[0, 1, 2, 3], [4, 4, 0, 1]])
    torch.testing.assert_close(model(X)[0], concise(X)[0])
    vocab, seed = Vocab(SYMBOLS), torch.Generator().manual_seed
    texts = [generate(m, "abc", 30, vocab, 1.0, generator=seed(0)) for m in (model, concise)]
    assert texts[0] == texts[1]


# --- Celdas en forma concatenada -------------------------------------------------------------


def scratch_and_cell(kind, num_inputs=4, num_hiddens=5):
    options = {"reset_after": False} if kind is GRUScratch else {}
    scratch = kind(num_inputs, num_hiddens, **options).double()
    return scratch, to_cell(scratch)


@pytest.mark.parametrize("kind", SCRATCH)
@pytest.mark.parametrize("with_state", [False, True])
def test_concatenated_cells_equal_the_sum_form(kind, with_state):
    scratch, cell = scratch_and_cell(kind)
    X = double(6, 3, 4)
    state = random_state(scratch, 3) if with_state else None
    assert_same(run(Unrolled(cell), X, state), run(scratch, X, state))
    grads = torch.cat([linear.weight.grad for linear in cell.children()])
    torch.testing.assert_close(grads.T, torch.cat([scratch.W_xh.grad, scratch.W_hh.grad]))


@pytest.mark.parametrize(
    "cell, theirs", [(SimpleRNNCell, nn.RNNCell), (LSTMCell, nn.LSTMCell)]
)
def test_cells_equal_torch_cells(cell, theirs):
    """Con la interfaz de nn.RNNCell: un paso, con estado o sin él."""
    ours, theirs = cell(4, 5).double(), theirs(4, 5).double()
    linear = next(ours.children())
    with torch.no_grad():
        linear.weight.copy_(torch.cat([theirs.weight_ih, theirs.weight_hh], dim=1))
        linear.bias.copy_(theirs.bias_ih + theirs.bias_hh)
    X, state = double(3, 4), random_state(ours, 3)
    state = tuple(part[0] for part in state) if cell is LSTMCell else state[0]
    assert_same(parts(ours(X, state)), parts(theirs(X, state)))
    assert_same(parts(ours(X)), parts(theirs(X)))


def test_gru_cell_equals_torch_where_both_conventions_agree():
    """Con R = 1 da lo mismo reiniciar antes o después: ahí GRUCell es nn.GRUCell."""
    ours, theirs = GRUCell(4, 5).double(), nn.GRUCell(4, 5).double()
    with torch.no_grad():
        theirs.weight_ih[:5], theirs.weight_hh[:5] = 0, 0
        theirs.bias_ih[:5] = 100
        W = torch.cat([theirs.weight_ih, theirs.weight_hh], dim=1)
        b = theirs.bias_ih + theirs.bias_hh
        for linear, rows in ((ours.gates, slice(0, 10)), (ours.candidate, slice(10, 15))):
            linear.weight.copy_(W[rows])
            linear.bias.copy_(b[rows])
    X, H = double(3, 4), double(3, 5, seed=1)
    torch.testing.assert_close(ours(X, H), theirs(X, H))


def test_gru_with_reset_after_has_no_concatenated_form():
    for rnn in (GRUScratch(4, 5), nn.GRU(4, 5)):
        with pytest.raises(CourseError, match="reset_after=False"):
            to_cell(rnn)


@pytest.mark.parametrize("kind", SCRATCH)
def test_cells_write_as_language_models(kind):
    torch.manual_seed(0)
    scratch, cell = scratch_and_cell(kind, 5, 6)
    model = LanguageModel(scratch.float(), 5)
    unrolled = LanguageModel(Unrolled(cell.float()), 5)
    unrolled.output_layer = model.output_layer
    vocab = Vocab(SYMBOLS)
    assert generate(model, "abc", 30, vocab) == generate(unrolled, "abc", 30, vocab)


def test_unrolled_explains_wrong_shapes():
    with pytest.raises(CourseError, match="forma"):
        Unrolled(SimpleRNNCell(4, 5))(torch.zeros(6, 3, 4), torch.zeros(1, 1, 5))
    with pytest.raises(CourseError, match="forma"):
        Unrolled(GRUCell(4, 5))(torch.zeros(6, 3, 3))


@pytest.mark.parametrize("cell", [SimpleRNNCell, GRUCell, LSTMCell])
def test_unrolled_explains_wrong_states(cell):
    """Con dos filas, un tensor suelto se partiría en H y C sin avisar."""
    net, X, H = Unrolled(cell(4, 5)), torch.zeros(6, 2, 4), torch.zeros(1, 2, 5)
    wrong = [H, (H,), (H, H, H)] if cell is LSTMCell else [(H, H), (H,), [H]]
    for state in [*wrong, "H", 0.0, H[0], (H, H[0])]:
        with pytest.raises(CourseError, match="estado inicial"):
            net(X, state)


@pytest.mark.parametrize("kind", [SimpleRNNCell, GRUCell, LSTMCell])
def test_a_single_step_explains_wrong_shapes(kind):
    cell, X, H = kind(4, 5), torch.zeros(2, 4), torch.zeros(2, 5)
    pair = (lambda H: (H, H)) if kind is LSTMCell else (lambda H: H)
    wrong = [(torch.zeros(2, 3), None), (torch.zeros(6, 2, 4), None)]
    wrong += [(X, pair(other)) for other in (torch.zeros(2, 4), torch.zeros(3, 5), H[0], H[None])]
    wrong += [(X, H if kind is LSTMCell else (H, H)), (X, "H")]
    for inputs, state in wrong:
        with pytest.raises(CourseError, match="estado"):
            cell(inputs, state)
    assert parts(cell(X, pair(H)))[0].shape == (2, 5)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def gate_of(kind):
    def step(Z, old):
        """La GRU con el candidato a 0 y Z fija: lo que queda del estado anterior."""
        rnn = kind()
        for parameter in rnn.parameters():
            nn.init.zeros_(parameter)
        bias = rnn.cell.gates.bias if isinstance(rnn, Unrolled) else rnn.b_h
        with torch.no_grad():
            bias[1] = math.log(Z / (1 - Z))
        return rnn(torch.zeros(1, 1, 1), torch.full((1, 1, 1), old))[0].item()

    step.__name__ = kind.__name__
    return step


def scratch_gru():
    return GRUScratch(1, 1)


def original_gru():
    return GRUScratch(1, 1, reset_after=False)


def concatenated_gru():
    return Unrolled(GRUCell(1, 1))


def z_multiplies_the_new(Z, old):
    return (1 - Z) * old


@regression(
    ours=[gate_of(kind) for kind in (scratch_gru, original_gru, concatenated_gru)],
    defective=z_multiplies_the_new,
)
def test_update_gate_keeps(step):
    """Z decide cuánto se conserva: con 0,9 quedan nueve décimas."""
    assert step(0.9, 0.5) == pytest.approx(0.45, abs=1e-6)


class StateOfOneRow(RNNScratch):
    """`state, = state`: solo sirve con una secuencia."""

    def forward(self, inputs, state=None):
        if state is None:
            return super().forward(inputs)
        (state,) = state[0]
        return super().forward(inputs, state.expand(1, inputs.shape[1], -1))


class ForgetfulLSTM(LSTMScratch):
    """Recibe un estado y empieza de cero."""

    def forward(self, inputs, state=None):
        return super().forward(inputs)


def simple_cell(num_inputs, num_hiddens):
    return Unrolled(SimpleRNNCell(num_inputs, num_hiddens))


def lstm_cell(num_inputs, num_hiddens):
    return Unrolled(LSTMCell(num_inputs, num_hiddens))


@regression(
    ours=[RNNScratch, LSTMScratch, GRUScratch, simple_cell, lstm_cell],
    defective=[StateOfOneRow, ForgetfulLSTM],
    raises=(AssertionError, ValueError),
)
def test_given_state_continues(kind):
    """Leer tres secuencias en dos veces, con el estado, es leerlas de una."""
    rnn, X = kind(4, 5), double(8, 3, 4).float()
    whole, _ = rnn(X)
    first, state = rnn(X[:3])
    second, _ = rnn(X[3:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)


def scratch_and_torch():
    scratch = LSTMScratch(5, 4)
    return scratch, to_torch(scratch)


def torch_and_scratch():
    rnn = nn.GRU(5, 4)
    return rnn, from_torch(rnn)


def scratch_and_its_cell():
    scratch = RNNScratch(5, 4)
    return scratch, to_cell(scratch)


def one_net_in_two_models():
    lstm = nn.LSTM(5, 4)
    return LanguageModel(lstm, 5), LanguageModel(lstm, 5)


@regression(
    ours=[scratch_and_torch, torch_and_scratch, scratch_and_its_cell],
    defective=one_net_in_two_models,
)
def test_nets_share_nothing(build):
    """Defecto: redes que envuelven la misma red ya entrenada."""
    first, second = (
        {p.untyped_storage().data_ptr() for p in net.parameters()} for net in build()
    )
    assert not first & second


def gates_of(kind):
    def step(I, F, O, G, H, C):
        """Un paso de la LSTM con las compuertas fijas y G = tanh(g)."""
        rnn = kind()
        for parameter in rnn.parameters():
            nn.init.zeros_(parameter)
        bias = rnn.cell.gates.bias if isinstance(rnn, Unrolled) else rnn.b_h
        with torch.no_grad():
            bias.copy_(torch.tensor([*(60.0 * gate - 30 for gate in (I, F)), G, 60.0 * O - 30]))
        state = torch.full((1, 1, 1), H), torch.full((1, 1, 1), C)
        return [part.item() for part in rnn(torch.zeros(1, 1, 1), state)[1]]

    step.__name__ = kind.__name__
    return step


def scratch_lstm():
    return LSTMScratch(1, 1)


def concatenated_lstm():
    return Unrolled(LSTMCell(1, 1))


def table_reversed(I, F, O, G, H, C):
    """F «borra», I «conserva» y O deja pasar el estado anterior."""
    return O * H, I * C + F * math.tanh(G)


@regression(
    ours=[gates_of(scratch_lstm), gates_of(concatenated_lstm)], defective=table_reversed
)
def test_memory_gates(step):
    """Defecto: la tabla de la memoria, al revés."""
    close = {"abs": 1e-6}
    for O in (0, 1):
        assert step(1, 0, O, 0.3, 0.9, 0.7)[1] == pytest.approx(math.tanh(0.3), **close)
        assert step(0, 1, O, 0.3, 0.9, 0.7)[1] == pytest.approx(0.7, **close)
        assert step(0, 0, O, 0.3, 0.9, 0.7)[1] == pytest.approx(0, **close)
        assert step(0, 1, O, 0.3, 0.9, 0.7)[0] == pytest.approx(O * math.tanh(0.7), **close)
