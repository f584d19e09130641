"""Muestreo programado: lo que la red lee en cada paso."""

import pytest
import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import GRUScratch, LanguageModel, LSTMScratch, ScheduledSampling
from coursekit.training import fit, perplexity_by_window

V = 5


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_ids(*shape):
    return torch.randint(V, shape, generator=seeded())


class Counter(nn.Module):
    """Modelo sin pesos, seguro de que a x le sigue x + 1; apunta todo lo que lee."""

    def __init__(self):
        super().__init__()
        self.read = []

    def forward(self, X, state=None):
        self.read.append(X)
        logits = torch.nn.functional.one_hot((X + 1) % V, V) * 100.0
        return logits, (0 if state is None else state) + X.shape[1]


@pytest.mark.parametrize("kind", [nn.GRU, GRUScratch, LSTMScratch])
def test_with_the_teacher_it_is_the_model(kind):
    torch.manual_seed(0)
    model = LanguageModel(kind(V, 6), V)
    X = random_ids(3, 8)
    _, state = model(random_ids(3, 4))
    expected = model(X, state)
    torch.testing.assert_close(ScheduledSampling(model, 1.0)(X, state), expected)
    almost = ScheduledSampling(model, 1 - 1e-12, seeded())  # lee la verdad paso a paso
    torch.testing.assert_close(almost(X, state), expected)
    torch.testing.assert_close(ScheduledSampling(model, 0.0).eval()(X, state), expected)


def test_without_the_teacher_it_reads_what_it_wrote():
    counter = Counter()
    X = random_ids(4, 7)
    logits, state = ScheduledSampling(counter, 0.0, seeded())(X)
    read = torch.cat(counter.read, dim=1)
    torch.testing.assert_close(read, (X[:, :1] + torch.arange(7)) % V)
    assert logits.shape == (4, 7, V) and state == 7


@pytest.mark.parametrize("teacher_prob", [0.25, 0.8])
def test_a_coin_for_each_step_and_sequence(teacher_prob):
    counter = Counter()
    X = random_ids(200, 30)
    ScheduledSampling(counter, teacher_prob, seeded())(X)
    read = torch.cat(counter.read, dim=1)
    own = (read[:, :-1] + 1) % V
    different = own != X[:, 1:]  # donde se puede saber quién eligió
    truth = (read[:, 1:] == X[:, 1:])[different]
    assert torch.equal(read[:, 1:][different][~truth], own[different][~truth])
    assert truth.float().mean().item() == pytest.approx(teacher_prob, abs=0.03)
    for dim in (0, 1):  # ni todo el lote ni toda la secuencia a la vez
        assert (read[:, 1:] == X[:, 1:]).float().std(dim=dim).median() > 0.2


def test_own_symbols_follow_the_softmax():
    P = torch.tensor([0.5, 0.3, 0.1, 0.06, 0.04])

    class Fixed(Counter):
        def forward(self, X, state=None):
            self.read.append(X)
            return P.log().expand(*X.shape, V), None

    fixed = Fixed()
    ScheduledSampling(fixed, 0.0, seeded())(random_ids(200, 21))
    drawn = torch.cat(fixed.read[1:], dim=1).flatten()
    frequencies = torch.bincount(drawn, minlength=V) / len(drawn)
    torch.testing.assert_close(frequencies, P, atol=0.03, rtol=0)


def test_no_gradient_goes_through_the_draw_and_the_state_learns():
    torch.manual_seed(0)
    model = LanguageModel(GRUScratch(V, 6), V)
    logits, _ = ScheduledSampling(model, 0.0, seeded())(random_ids(3, 8))
    logits[:, -1].sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.rnn.W_hh.grad.any()


def test_fit_trains_the_model_inside():
    """Aprende una cuenta 0 1 2 3 4 0 … leyéndose a sí misma la mitad de las veces."""
    torch.manual_seed(0)
    model = LanguageModel(GRUScratch(V, 16), V)
    ids = torch.arange(151) % V
    X, Y = ids[:-1].unfold(0, 10, 10), ids[1:].unfold(0, 10, 10)
    free = ScheduledSampling(model, 0.5, seeded())
    before = perplexity_by_window(model, ids, 10)
    optimizer = torch.optim.Adam(free.parameters(), lr=0.05)
    fit(free, lambda: [(X, Y)], optimizer, num_epochs=25, progress=False)
    assert perplexity_by_window(model, ids, 10) < 1.5 < before
    assert not free.training and not model.training


def test_same_generator_same_reading():
    model, X = LanguageModel(GRUScratch(V, 6), V), random_ids(3, 20)
    first, again, other = (
        ScheduledSampling(model, 0.5, seeded(seed))(X)[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("teacher_prob", [-0.1, 1.1])
def test_impossible_probability_is_explained(teacher_prob):
    with pytest.raises(CourseError, match=f"teacher_prob={teacher_prob}"):
        ScheduledSampling(LanguageModel(GRUScratch(V, 6), V), teacher_prob)(random_ids(2, 3))
