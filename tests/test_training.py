"""El bucle, la parada temprana y la perplejidad, contra torch.nn y cuentas a mano."""

import copy
import math
import random

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbclient import NotebookClient
from torch import nn

from coursekit.errors import CourseError
from coursekit.ngrams import WittenBell
from coursekit.recurrent import LanguageModel, RNNScratch, generate
from coursekit.text import Vocab, streams, windows
from coursekit.training import (
    EarlyStopping,
    clip_gradients,
    fit,
    perplexity,
    perplexity_by_stream,
    perplexity_by_window,
    seed_everything,
    train_epoch,
)
from regression import regression

VOCAB_SIZE = 5
IDS = torch.randint(VOCAB_SIZE, (203,), generator=torch.Generator().manual_seed(3)).tolist()


def language_model(kind=RNNScratch, num_hiddens=6):
    torch.manual_seed(0)
    return LanguageModel(kind(VOCAB_SIZE, num_hiddens), VOCAB_SIZE)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def batches():
    return [windows(IDS, 8)]


class Scripted:
    """Una validación que devuelve lo escrito y apunta los pesos que había en cada época."""

    def __init__(self, model, values):
        self.model, self.values, self.weights = model, values, []

    def __call__(self):
        self.weights.append(copy.deepcopy(self.model.state_dict()))
        return self.values[len(self.weights) - 1]


def assert_same_weights(model, weights):
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name])


# --- El bucle --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("max_norm", [0.1, 1.0, 5.0])
def test_clipping_equals_torch(scale, max_norm):
    ours = language_model()
    X, Y = windows(IDS, 8)
    (scale * nn.functional.cross_entropy(ours(X)[0].flatten(0, 1), Y.flatten())).backward()
    theirs = copy.deepcopy(ours)
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        other.grad = mine.grad.clone()
    norm = clip_gradients(ours, max_norm)
    expected = nn.utils.clip_grad_norm_(theirs.parameters(), max_norm)
    torch.testing.assert_close(norm, expected)
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine.grad, other.grad)


def test_an_epoch_is_gradient_descent():
    """Dos lotes de distinto tamaño contra las mismas cuentas escritas con torch.nn."""
    ours = language_model(nn.RNN)
    theirs = copy.deepcopy(ours)
    X, Y = windows(IDS, 8)
    pieces = [(X[:3], Y[:3]), (X[3:], Y[3:])]
    loss = train_epoch(ours, pieces, sgd(ours), clip=0.05)
    total = 0.0
    for x, y in pieces:
        theirs.zero_grad()
        outputs, _ = theirs.rnn(torch.eye(VOCAB_SIZE)[x.T])
        log_probs = torch.log_softmax(theirs.output_layer(outputs), -1)
        picked = log_probs.gather(-1, y.T[..., None])
        total -= picked.sum().item()
        (-picked.mean()).backward()
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.05)
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter -= 0.1 * parameter.grad
    assert loss == pytest.approx(total / Y.numel(), rel=1e-6)
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("kind", [RNNScratch, nn.LSTM])
def test_carried_state_is_the_state_of_one_long_read(kind):
    model = language_model(kind)
    frozen = sgd(model, lr=0.0)  # los pesos no cambian: solo cuenta el estado
    loss = train_epoch(model, streams(IDS, 2, 7), frozen, carry_state=True)
    rows = np.stack([IDS[:102], IDS[101:203]])
    whole = -model.log_probs(rows).mean().item()
    assert loss == pytest.approx(whole, rel=1e-5)
    cold = train_epoch(model, streams(IDS, 2, 7), frozen)
    assert abs(cold - whole) > 1e-4


def test_gradient_does_not_cross_batches():
    """El estado pasa de un lote a otro; su historia de gradientes, no."""
    model, seen = language_model(), []
    model.rnn.register_forward_pre_hook(lambda rnn, args: seen.append(args[1]))
    train_epoch(model, streams(IDS, 2, 7), sgd(model), carry_state=True)
    assert seen[0] is None and all(state.grad_fn is None for state in seen[1:])
    assert len(seen) > 5 and all(state.any() for state in seen[1:])


def test_history_and_modes():
    model, modes = language_model(), []

    def batches_in_mode():
        modes.append(model.training)
        return batches()

    def validate():
        modes.append(model.training)
        return 1.0

    history = fit(model, batches_in_mode, sgd(model), num_epochs=3, validate=validate)
    assert modes == [True, False] * 3 and not model.training
    assert history.epoch == [1, 2, 3] and history.validation == [1.0] * 3
    assert history.loss[2] < history.loss[0] and len(history.seconds) == 3


def test_same_seed_same_figures():
    def run(seed):
        generator = seed_everything(seed)
        model = LanguageModel(RNNScratch(VOCAB_SIZE, 6), VOCAB_SIZE)
        history = fit(
            model,
            lambda: [windows(IDS, 8, generator)],
            torch.optim.Adadelta(model.parameters(), lr=1),
            num_epochs=4,
            validate=lambda: perplexity_by_window(model, IDS, 8),
        )
        return history.loss, history.validation

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_seed_everything_reaches_every_source():
    def draw(seed):
        generator = seed_everything(seed)
        own = torch.rand(1, generator=generator).item()
        return [torch.rand(1).item(), np.random.rand(), random.random(), own]

    assert draw(5) == draw(5)
    assert all(one != other for one, other in zip(draw(5), draw(6)))


# --- La parada temprana ----------------------------------------------------------------------


def test_best_weights_come_back():
    model = language_model()
    validate = Scripted(model, [3.0, 1.0, 2.0, 1.5, 0.0])
    history = fit(
        model, batches, sgd(model), num_epochs=5, validate=validate, patience=2
    )
    assert history.validation == [3.0, 1.0, 2.0, 1.5]
    assert_same_weights(model, validate.weights[1])
    assert not torch.equal(model.rnn.W_hh, validate.weights[3]["rnn.W_hh"])


def test_best_weights_come_back_when_the_epochs_run_out():
    model = language_model()
    validate = Scripted(model, [3.0, 1.0, 2.0])
    fit(model, batches, sgd(model), num_epochs=3, validate=validate, patience=5)
    assert_same_weights(model, validate.weights[1])


def test_without_patience_the_last_weights_stay():
    model = language_model()
    validate = Scripted(model, [3.0, 1.0, 2.0])
    fit(model, batches, sgd(model), num_epochs=3, validate=validate)
    assert_same_weights(model, validate.weights[2])


@pytest.mark.parametrize(
    "values, best",
    [([2.0, math.nan, math.nan, 1.0], 0), ([math.nan, 2.0, math.nan, math.nan, 1.0], 1)],
)
def test_nan_validation_counts_as_worse(values, best):
    model = language_model()
    validate = Scripted(model, values)
    history = fit(
        model, batches, sgd(model), num_epochs=5, validate=validate, patience=2
    )
    assert len(history.validation) == best + 3
    assert_same_weights(model, validate.weights[best])


def test_nan_loss_is_explained():
    model = language_model()
    optimizer = sgd(model)
    optimizer.param_groups[0]["lr"] = math.nan
    with pytest.raises(CourseError, match="época 2 es nan"):
        fit(model, batches, optimizer, num_epochs=3)


def test_nan_loss_with_patience_gives_back_healthy_weights():
    model = language_model()
    optimizer = sgd(model)
    initial = copy.deepcopy(model.state_dict())

    def validate():
        optimizer.param_groups[0]["lr"] = math.nan
        return perplexity_by_window(model, IDS, 8)

    history = fit(model, batches, optimizer, num_epochs=9, validate=validate, patience=2)
    assert len(history.loss) == 3 and math.isnan(history.loss[2])
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert not torch.equal(model.rnn.W_hh, initial["rnn.W_hh"])


def test_settings_errors_are_kind():
    model = language_model()
    with pytest.raises(CourseError, match="list y debe ser una función"):
        fit(model, batches(), sgd(model), num_epochs=1)
    with pytest.raises(CourseError, match="ningún lote"):
        fit(model, lambda: [], sgd(model), num_epochs=1)
    with pytest.raises(CourseError, match="patience=2"):
        fit(model, batches, sgd(model), num_epochs=1, patience=2)
    with pytest.raises(CourseError, match="patience=0"):
        fit(model, batches, sgd(model), num_epochs=1, patience=0, validate=lambda: 1.0)


# --- La barra de progreso --------------------------------------------------------------------

TRAIN = """
import torch
from coursekit.recurrent import LanguageModel, RNNScratch
from coursekit.training import fit
model = LanguageModel(RNNScratch(2, 3), 2)
batch = torch.zeros(1, 4, dtype=torch.long), torch.ones(1, 4, dtype=torch.long)
fit(model, lambda: [batch], torch.optim.SGD(model.parameters(), lr=1), num_epochs=2);
"""
SOMEBODY_READS = "get_ipython().kernel._allow_stdin = True"


def test_only_a_notebook_with_a_reader_shows_the_bar():
    """Las salidas guardadas no llevan barras: cambiarían en cada ejecución."""
    cells = [nbformat.v4.new_code_cell(code) for code in (TRAIN, SOMEBODY_READS + TRAIN)]
    NotebookClient(nbformat.v4.new_notebook(cells=cells)).execute()
    unattended, watched = (cell.outputs for cell in cells)
    assert unattended == []
    assert "Épocas" in watched[0].text and {output.name for output in watched} == {"stderr"}


# --- La perplejidad --------------------------------------------------------------------------


class Uniform:
    """El modelo que no sabe nada; cuenta los símbolos que le piden."""

    def __init__(self):
        self.num_symbols = 0

    def log_probs(self, windows):
        self.num_symbols += windows[:, 1:].size
        return np.full(windows[:, 1:].shape, -math.log(34))


@pytest.mark.parametrize("num_steps", [1, 8, 32, 202, 203, 1000])
def test_uniform_model_has_perplexity_v_and_every_symbol_counts_once(num_steps):
    model = Uniform()
    assert perplexity_by_window(model, IDS, num_steps) == pytest.approx(34, rel=1e-12)
    assert model.num_symbols == len(IDS) - 1
    assert perplexity_by_stream(model, IDS) == pytest.approx(34, rel=1e-12)


def test_perplexity_is_the_geometric_mean_of_the_choices():
    assert perplexity([math.log(1 / 2), math.log(1 / 8)]) == pytest.approx(4)
    assert perplexity(torch.tensor([[0.0, 0.0]])) == 1
    assert perplexity([math.log(1e-6)]) == pytest.approx(1e6)  # no está acotada por V
    assert perplexity([-math.inf]) == math.inf


@pytest.mark.parametrize("kind", [RNNScratch, nn.GRU])
@pytest.mark.parametrize("num_steps", [1, 8, 32, 500])
def test_windows_are_cold_and_complete(kind, num_steps):
    """Contra un bucle que pregunta a la red símbolo por símbolo."""
    model = language_model(kind)
    total = 0.0
    with torch.no_grad():
        for position in range(1, len(IDS)):
            start = (position - 1) // num_steps * num_steps
            logits, _ = model(torch.tensor([IDS[start:position]]))
            total -= torch.log_softmax(logits[0, -1], -1)[IDS[position]].item()
    expected = math.exp(total / (len(IDS) - 1))
    assert perplexity_by_window(model, IDS, num_steps) == pytest.approx(expected, rel=1e-5)


def test_many_windows_do_not_depend_on_how_they_are_grouped():
    model, ids = language_model(), IDS * 10  # 2030 símbolos: más de 512 ventanas de 3
    X, Y = windows(ids, 3)
    logits = model(X)[0].detach()
    mean = nn.functional.cross_entropy(logits.flatten(0, 1).double(), Y.flatten()).item()
    rest = -model.log_probs(torch.tensor([ids[Y.numel() :]])).double().sum().item()
    expected = math.exp((mean * Y.numel() + rest) / (len(ids) - 1))
    assert perplexity_by_window(model, ids, 3) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", [RNNScratch, nn.LSTM])
def test_stream_equals_one_long_forward(kind):
    model, ids = language_model(kind), torch.tensor(IDS * 6)
    logits = model(ids[None, :-1])[0].detach()
    expected = math.exp(nn.functional.cross_entropy(logits[0], ids[1:]).item())
    assert perplexity_by_stream(model, ids) == pytest.approx(expected, rel=1e-5)
    assert abs(perplexity_by_window(model, ids, 4) - expected) > 1e-3


def test_ngrams_speak_the_same_protocol():
    model = WittenBell(3, VOCAB_SIZE).fit(IDS)
    total = 0.0
    for position in range(1, len(IDS)):
        total -= math.log(model.probs(IDS[:position])[IDS[position]])
    expected = math.exp(total / (len(IDS) - 1))
    assert perplexity_by_stream(model, IDS) == pytest.approx(expected)
    assert perplexity_by_window(model, IDS, len(IDS)) == pytest.approx(expected)
    assert perplexity_by_window(model, IDS, 2) > expected


def test_perplexity_errors_are_kind():
    for wrong in ([], [2.3, 1.1]):
        with pytest.raises(CourseError, match="logaritmos"):
            perplexity(wrong)
    for wrong in ([3], [[1, 2], [3, 4]], [0.5, 1.0]):
        with pytest.raises(CourseError, match="dos índices enteros"):
            perplexity_by_stream(Uniform(), wrong)
    with pytest.raises(CourseError, match="num_steps=0"):
        perplexity_by_window(Uniform(), IDS, 0)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


class Logits(nn.Module):
    """Un «modelo» cuyos logits son parámetros: su gradiente dice cuáles cuentan."""

    def __init__(self, *shape):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(shape))

    def forward(self, X, state=None):
        return self.logits, None


def last_step_only(model, batches, optimizer):
    for X, Y in batches:
        loss = F.cross_entropy(model(X)[0][:, -1], Y[:, -1])
        loss.backward()


@regression(ours=train_epoch, defective=last_step_only)
def test_every_step_is_a_target(train):
    """Defecto: predecir solo el último paso."""
    model = Logits(3, 4, 5)
    X = torch.zeros(3, 4, dtype=torch.long)
    train(model, [(X, X)], torch.optim.SGD(model.parameters(), lr=0.1))
    assert (model.logits.grad.norm(dim=2) > 0).all()


class Arrived(Exception):
    """Los datos llegaron al dispositivo del modelo."""


class Elsewhere(LanguageModel):
    """Un modelo en otro dispositivo, que deja de leer en cuanto recibe sus datos."""

    def __init__(self):
        super().__init__(RNNScratch(5, 3), 5)
        self.to("meta")

    def __call__(self, X, state=None):
        assert X.device == self.output_layer.weight.device
        raise Arrived


def device_discarded(model):
    X = torch.tensor([[0, 1]])
    X.to(model.output_layer.weight.device)
    model(X)


@regression(
    ours=[
        lambda model: generate(model, "ab", 3, Vocab("abcde")),
        lambda model: perplexity_by_window(model, IDS, 8),
        lambda model: perplexity_by_stream(model, IDS),
    ],
    defective=device_discarded,
)
def test_data_goes_where_the_model_is(use):
    """Defecto: `X.to(device)`, sin guardar lo que devuelve."""
    with pytest.raises(Arrived):
        use(Elsewhere())


class StopsAndForgets(EarlyStopping):
    """Para, pero deja los últimos pesos."""

    def restore(self):
        pass


class NaNResetsTheCount(EarlyStopping):
    """Toda comparación con NaN es falsa: «no empeoró», y la cuenta vuelve a cero."""

    def should_stop(self, value):
        if value > self.best:
            self.waited += 1
        else:
            self.best, self.waited = min(value, self.best), 0
            self.weights = {k: v.clone() for k, v in self.model.state_dict().items()}
        return self.waited >= self.patience


@regression(ours=EarlyStopping, defective=[StopsAndForgets, NaNResetsTheCount])
def test_early_stopping(kind):
    """Defecto: parar sin los mejores pesos; un NaN que no para."""
    for values, epochs in [([3, 1, 2, 2, 0], 4), ([2, math.nan, math.nan, math.nan], 3)]:
        model = nn.Linear(1, 1)
        stopping, best = kind(model, patience=2), values.index(min(values[:epochs]))
        for epoch, value in enumerate(values):
            nn.init.constant_(model.weight, epoch)
            if stopping.should_stop(value):
                break
        stopping.restore()
        assert epoch + 1 == epochs and model.weight.item() == best


def measured_in_training_mode(model, ids):
    X, Y = windows(ids, 8)
    return math.exp(F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item())


@regression(
    ours=[lambda model, ids: perplexity_by_window(model, ids, 8), perplexity_by_stream],
    defective=measured_in_training_mode,
)
def test_evaluation_is_repeatable(measure):
    """Defecto: evaluar sin `eval()`."""
    torch.manual_seed(0)
    model = LanguageModel(nn.LSTM(5, 16, num_layers=2, dropout=0.5), 5).train()
    assert measure(model, IDS) == measure(model, IDS)
    assert model.training


def padding_counts(model, batches, optimizer):
    for X, Y in batches:
        loss = F.cross_entropy(model(X)[0].flatten(0, 1), Y.clamp(min=0).flatten())
        loss.backward()


@regression(ours=train_epoch, defective=padding_counts)
def test_padding_is_no_target(train):
    """Los blancos que igualan las frases no se aprenden: -100 en Y es relleno."""
    model = Logits(2, 4, 5)
    X, Y = torch.zeros(2, 4, dtype=torch.long), torch.tensor([[1, 2, 3, 4], [1, 2, -100, -100]])
    train(model, [(X, Y)], torch.optim.SGD(model.parameters(), lr=0.1))
    assert torch.equal(model.logits.grad.norm(dim=2) > 0, Y >= 0)


def slow_perplexity(model, ids, num_steps):
    """De ventana en ventana y de símbolo en símbolo, sin nada del paquete."""
    total, count = 0.0, 0
    for start in range(0, len(ids) - 1, num_steps):
        row = torch.tensor([ids[start : start + num_steps + 1]])
        log_p = F.log_softmax(model(row[:, :-1])[0], dim=-1)[0]
        total -= sum(log_p[t, symbol].item() for t, symbol in enumerate(row[0, 1:]))
        count += row.shape[1] - 1
    return math.exp(total / count)


def last_training_batch(model, train_ids, test_ids, num_steps):
    """En el bucle de prueba se suma la `l` que quedó del de entrenamiento."""
    for X, Y in zip(*(part.split(4) for part in windows(train_ids, num_steps))):
        l = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten())
    test_batches = windows(test_ids, num_steps)[0].split(4)
    return math.exp(sum(l.item() for X in test_batches) / len(test_batches))


@regression(
    ours=lambda model, _, test_ids, num_steps: perplexity_by_window(model, test_ids, num_steps),
    defective=last_training_batch,
)
def test_perplexity_is_of_the_given_text(measure):
    """Defecto: dar por perplejidad de prueba la de entrenamiento."""
    model = language_model()
    with torch.no_grad():
        expected = slow_perplexity(model, IDS[:100], 8)
        value = measure(model, [0, 1] * 50, IDS[:100], 8)
    assert value == pytest.approx(expected, rel=1e-4)


def bits_called_options(log_probs):
    """La entropía, en bits, tomada por un número de opciones."""
    return -np.mean(log_probs) / math.log(2)


@regression(ours=perplexity, defective=bits_called_options)
def test_guessing_games(measure):
    """Cuatro bolas iguales: 2 bits, 4 opciones; 1/2, 1/4, 1/8 y 1/8: 1,75 bits, 3,364."""
    for p, bits, options in [([1 / 4] * 4, 2, 4), ([1 / 2, 1 / 4, 1 / 8, 1 / 8], 1.75, 3.364)]:
        draws = np.repeat(p, (np.array(p) * 8).astype(int))
        assert measure(np.log(draws)) == pytest.approx(options, abs=5e-4)
        assert math.log2(measure(np.log(draws))) == pytest.approx(bits)


def mean_of_batches(model, batches, optimizer):
    losses = [F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item() for X, Y in batches]
    return sum(losses) / len(losses)


@regression(ours=train_epoch, defective=mean_of_batches)
def test_loss_weighs_examples(train):
    """Defecto: el último lote pesa como los demás."""
    model, (X, Y) = language_model(), windows(IDS, 8)
    frozen = torch.optim.SGD(model.parameters(), lr=0)
    pieces = [(X[:-1], Y[:-1]), (X[-1:], Y[-1:])]
    expected = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item()
    assert train(model, pieces, frozen) == pytest.approx(expected, rel=1e-5)


def our_fit(model, batch, optimizer):
    return fit(model, lambda: [batch], optimizer, num_epochs=1)


def unclipped(model, batch, optimizer):
    F.cross_entropy(model(batch[0])[0].flatten(0, 1), batch[1].flatten()).backward()
    optimizer.step()


@regression(ours=our_fit, defective=unclipped)
def test_steps_are_clipped(train):
    """Con un gradiente de norma mayor, el paso es de norma 1."""
    model = Logits(1, 1, 5)
    with torch.no_grad():
        model.logits[0, 0, 0] = 100
    start, zeros = model.logits.detach().clone(), torch.zeros(1, 1, dtype=torch.long)
    train(model, (zeros, zeros + 1), torch.optim.SGD(model.parameters(), lr=1))
    assert (model.logits - start).norm().item() <= 1 + 1e-5


def nan_reported(model, batch, optimizer):
    loss = F.cross_entropy(model(batch[0])[0].flatten(0, 1), batch[1].flatten())
    return {"loss": loss.item(), "accuracy": 0.0}


@regression(ours=our_fit, defective=nan_reported)
def test_nan_is_explained(train):
    """Defecto: la pérdida acaba en NaN y se da por buena."""
    model = Logits(1, 1, 5)
    nn.init.constant_(model.logits, math.nan)
    zeros = torch.zeros(1, 1, dtype=torch.long)
    with pytest.raises(CourseError, match="explotó"):
        train(model, (zeros, zeros), torch.optim.SGD(model.parameters(), lr=1))
