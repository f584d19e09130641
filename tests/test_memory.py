"""Las frases con signos, lo que las cierra, y las tres maneras de volver por una secuencia."""

import pytest
import torch
import torch.nn.functional as F

from coursekit.experiments.memory import (
    SIGNS,
    closes,
    kept_bytes,
    recomputed_gradient,
    sentences,
    truncated_gradient,
    whole_gradient,
)
from coursekit.recurrent import LanguageModel, RNNScratch, bptt_logits, truncation

V = len(SIGNS)


def model(num_hiddens=4):
    torch.manual_seed(0)
    return LanguageModel(RNNScratch(V, num_hiddens), V)


def latch(sign=1):
    """Una unidad que guarda el signo de apertura; con `sign=-1`, cierra siempre con el otro."""
    net = model(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.rnn.W_hh[0, 0] = 2
        for opens, closing, way in (("¿", "?", 1), ("¡", "!", -1)):
            net.rnn.W_xh[SIGNS[opens], 0] = 4 * way
            net.output_layer.weight[SIGNS[closing], 0] = 3 * way * sign
    return net


def gradient(net, compute):
    net.zero_grad()
    compute()
    return torch.cat([p.grad.flatten() for p in net.parameters()])


def rows(length=9, count=6):
    return sentences(count, length, torch.Generator().manual_seed(0))


def test_the_sign_that_closes_is_that_of_the_one_that_opens():
    texts = ["".join(SIGNS.lookup_tokens(row)) for row in rows(5, 200).tolist()]
    assert {text[0] + text[-1] for text in texts} == {"¿?", "¡!"}
    assert all(set(text[1:-1]) <= set("aeilmn") and len(text) == 7 for text in texts)


@pytest.mark.parametrize("sign, share", [(1, 1), (-1, 0)])
def test_closes_counts_the_right_sign(sign, share):
    assert closes(latch(sign), rows(30, 100)) == share


@pytest.mark.parametrize("every", [1, 3, 4, 100])
def test_recomputing_gives_the_whole_gradient(every):
    net, ids = model(), rows()
    X, Y = ids[:, :-1], ids[:, 1:]
    whole = gradient(net, lambda: whole_gradient(net, X, Y))
    torch.testing.assert_close(gradient(net, lambda: recomputed_gradient(net, X, Y, every)), whole)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_the_truncated_gradient_is_that_of_cutting_with_factors(every):
    net, ids = model(), rows()
    X, Y = ids[:, :-1], ids[:, 1:]

    def with_factors():
        logits, _ = bptt_logits(net, X, truncation(X.shape[1], every))
        F.cross_entropy(logits.flatten(0, 1), Y.flatten()).backward()

    cut = gradient(net, lambda: truncated_gradient(net, X, Y, every))
    torch.testing.assert_close(cut, gradient(net, with_factors))


def test_what_is_kept_grows_a_step_at_a_time():
    """Por paso y secuencia: el one-hot, el estado y la copia que lee la salida, de cuatro bytes."""
    net, ids = model(num_hiddens=5), rows(40, 3)
    for steps in (2, 7, 30):
        kept = kept_bytes(lambda steps=steps: net(ids[:, :steps])[0], net)
        assert kept == 4 * 3 * (5 + steps * (V + 5 + 5))
