"""El modelo de ventana, contra torch.nn y contra un bucle lento; y lo podado, que sigue sumando 1."""

import numpy as np
import pytest
import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.experiments.window import count
from coursekit.ngrams import KneserNey
from coursekit.recurrent import WindowModel, contexts
from coursekit.training import seed_everything


def test_same_values_and_gradients_as_torch():
    seed_everything(1)
    ours, hidden, output = WindowModel(9, 4, 3, 5), nn.Linear(12, 5), nn.Linear(5, 9)
    nn.init.normal_(ours.b_h), nn.init.normal_(ours.b_q), nn.init.normal_(ours.W_hq)
    theirs = nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), hidden, nn.Tanh(), output)
    pairs = [(ours.E, theirs[0].weight), (ours.W_eh.T, hidden.weight), (ours.b_h, hidden.bias),
             (ours.W_hq.T, output.weight), (ours.b_q, output.bias)]  # fmt: skip
    for mine, other in pairs:
        other.data = mine.detach().clone()
    X, Y = torch.randint(9, (6, 4)), torch.randint(9, (6,))
    for model in (ours, theirs):
        nn.functional.cross_entropy(model(X), Y).backward()
    torch.testing.assert_close(ours(X), theirs(X))
    torch.testing.assert_close(ours.E.grad, theirs[0].weight.grad)
    torch.testing.assert_close(ours.W_eh.grad, hidden.weight.grad.T)
    torch.testing.assert_close(ours.b_q.grad, output.bias.grad)


def test_log_probs_read_letter_by_letter_whatever_the_chunk():
    seed_everything(2)
    model = WindowModel(6, 3, 2, 4)
    nn.init.normal_(model.W_hq)
    rows = torch.randint(6, (2, 7))
    slow = torch.empty(2, 6)
    for i, row in enumerate(rows.tolist()):
        for t in range(1, 7):
            seen = ([0, 0, 0] + row[:t])[-3:]
            slow[i, t - 1] = model(torch.tensor([seen])).log_softmax(1)[0, row[t]].detach()
    for chunk in (5, 1000):
        torch.testing.assert_close(model.log_probs(rows.numpy(), chunk=chunk), slow)


def test_contexts_are_every_window_and_what_followed():
    X, Y = contexts(torch.arange(6), 2)
    assert X.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]] and Y.tolist() == [2, 3, 4, 5]
    with pytest.raises(CourseError, match="ventanas de 6"):
        contexts(torch.arange(6), 6)


def test_pruned_counts_are_fewer_and_still_add_up_to_one():
    ids = np.random.default_rng(0).choice(5, size=400, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    whole, numbers = count(ids, 5, order=3, least=1)
    few, fewer = count(ids, 5, order=3, least=5)
    assert fewer < numbers == sum(len(set(zip(*(ids[i:] for i in range(n))))) for n in (1, 2, 3))
    np.testing.assert_array_equal(whole.probs([0, 1]), KneserNey(3, 5).fit(ids).probs([0, 1]))
    for history in ([], [3], [4, 4], [0, 1], [1, 3, 4]):
        assert few.probs(history).sum() == pytest.approx(1)
    # Podadas, dos historias que acaban igual retroceden a lo mismo.
    pairs = [tuple(pair) for pair in zip(ids.tolist(), ids[1:].tolist())]
    rare = [h for h in set(pairs) if pairs.count(h) < 5 and h[1] == 4]
    assert len(rare) > 1
    for history in rare[1:]:
        np.testing.assert_allclose(few.probs(history), few.probs(rare[0]))
