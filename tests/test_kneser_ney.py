"""Kneser-Ney contra una versión lenta con conjuntos y contra cuentas a mano."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import data
from coursekit.errors import CourseError
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.ngrams.kneser_ney import discounts
from coursekit.text import build_vocab_from_iterator, letters
from coursekit.training import perplexity_by_stream, perplexity_by_window

pytestmark = pytest.mark.filterwarnings("error")
varied = settings(deadline=None)

V = 4
texts = st.lists(st.integers(0, V - 2), min_size=1, max_size=80)  # V-1 nunca se ve
histories = st.lists(st.integers(0, V - 1), max_size=8)
orders = st.integers(1, 5)


def slow_discount(counts, i):
    """El descuento de quien se contó i veces, con las fórmulas de Chen y Goodman."""
    n = {k: sum(c == k for c in counts) for k in range(1, 5)}
    if all(n.values()):
        Y = n[1] / (n[1] + 2 * n[2])
        D = {k: k - (k + 1) * Y * n[k + 1] / n[k] for k in (1, 2, 3)}
        if min(D.values()) > 0:
            return D[min(i, 3)]
    return min(i, 3) / 2


def slow_prob(text, order, vocab_size, history, symbol):
    """La fórmula, de la historia más corta a la más larga."""
    order = min(order, len(history) + 1)
    started = [None, *text]  # el comienzo, un símbolo más
    P = 1 / vocab_size
    for n in range(1, order + 1):
        if n == order:
            counts = Counter(tuple(text[t : t + n]) for t in range(len(text) - n + 1))
        else:
            longer = {tuple(started[t : t + n + 1]) for t in range(len(text) - n + 1)}
            counts = Counter(ngram[1:] for ngram in longer)
        h = tuple(history[len(history) - n + 1 :])
        seen = {ngram[-1]: c for ngram, c in counts.items() if ngram[:-1] == h}
        if not seen:
            continue
        D = {w: slow_discount(counts.values(), c) for w, c in seen.items()}
        P = sum(D.values()) * P + seen.get(symbol, 0) - D.get(symbol, 0)
        P /= sum(seen.values())
    return P


def test_bigram_by_hand():
    """En «0 1 0 1 0», a 0 lo preceden el comienzo y 1; a 1, solo 0; los descuentos, i/2."""
    model = KneserNey(order=2, vocab_size=3).fit([0, 1, 0, 1, 0])
    unigram = np.array([2 - 1, 1 - 1 / 2, 0]) / 3 + (1 + 1 / 2) / 3 / 3
    np.testing.assert_allclose(model.probs([0]), np.array([0, 2 - 1, 0]) / 2 + unigram / 2)
    np.testing.assert_allclose(model.probs([2]), unigram)


def test_continuations_matter():
    """«Francisco» es frecuente, pero solo tras «San»: en otro contexto no es probable."""
    text = [0, 1] * 20 + [0, 2, 1, 2, 3, 2, 0, 3, 2, 1]  # a 1 lo preceden 0 y 2; a 2, tres
    assert text.count(1) > 5 * text.count(2)
    P = KneserNey(2, 5).fit(text).probs([4])  # 4 no se ha visto: reparte la historia vacía
    assert P[1] < P[2]
    Q = WittenBell(2, 5).fit(text).probs([4])
    assert Q[1] > 3 * Q[2]


def test_discounts_by_hand():
    counts = np.repeat([1, 2, 3, 4, 5, 90], [8, 4, 2, 1, 7, 3])  # Y = 8/16
    np.testing.assert_allclose(discounts(counts), [0, 0.5, 2 - 3 / 4, 3 - 4 / 4])
    np.testing.assert_allclose(discounts(counts[counts != 4]), [0, 0.5, 1, 1.5])
    negative = np.repeat([1, 2, 3, 4], [8, 1, 20, 1])
    np.testing.assert_allclose(discounts(negative), [0, 0.5, 1, 1.5])


@varied
@given(texts, orders, histories)
def test_probs_are_the_slow_formula(text, order, history):
    probs = KneserNey(order, V).fit(text).probs(history)
    expected = [slow_prob(text, order, V, history, symbol) for symbol in range(V)]
    np.testing.assert_allclose(probs, expected, rtol=1e-11)


def test_estimated_discounts_are_the_slow_formula():
    """Un texto con n-gramas contados 1, 2, 3 y 4 veces: sin descuentos prestados."""
    rng = np.random.default_rng(0)
    text = (rng.zipf(1.6, 600) % 12).tolist()
    model = KneserNey(3, 13).fit(text)
    assert discounts(np.unique(np.convolve(text, [13, 1]), return_counts=True)[1])[1] != 0.5
    for start in range(0, 500, 37):
        history = text[start : start + 2]
        expected = [slow_prob(text, 3, 13, history, symbol) for symbol in range(13)]
        np.testing.assert_allclose(model.probs(history), expected, rtol=1e-11)


@varied
@given(texts, orders, histories)
def test_rows_sum_to_one_for_any_history(text, order, history):
    probs = KneserNey(order, V).fit(text).probs(history)
    assert (probs > 0).all()
    np.testing.assert_allclose(probs.sum(), 1, rtol=1e-12)


@varied
@given(texts, orders, st.lists(st.tuples(*[st.integers(0, V - 1)] * 6), min_size=1))
def test_log_probs_use_only_the_row(text, order, windows):
    model = KneserNey(order, V).fit(text)
    expected = [
        [np.log(slow_prob(text, order, V, row[:t], row[t])) for t in range(1, 6)]
        for row in windows
    ]
    np.testing.assert_allclose(model.log_probs(windows), expected, rtol=1e-8, atol=1e-12)


@varied
@given(texts, orders, histories)
def test_a_short_history_is_a_model_of_its_order(text, order, history):
    history = history[: order - 1]
    short = KneserNey(len(history) + 1, V).fit(text).probs(history)
    np.testing.assert_allclose(KneserNey(order, V).fit(text).probs(history), short, rtol=1e-12)


def test_it_beats_witten_bell_on_unseen_text():
    """Con el final reservado del relato de muestra, de corrido y en ventanas."""
    symbols = letters(data.load_sample("relato").text)
    vocab = build_vocab_from_iterator([symbols])
    ids = np.array(vocab(symbols))
    train, test = np.split(ids, [len(ids) * 9 // 10])
    for order in (5, 7):
        ours, theirs = (kind(order, len(vocab)).fit(train) for kind in (KneserNey, WittenBell))
        assert perplexity_by_stream(ours, test) < perplexity_by_stream(theirs, test)
        assert perplexity_by_window(ours, test, 32) < perplexity_by_window(theirs, test, 32)


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda: KneserNey(0, V), "no 0"),
        (lambda: KneserNey(2, V).fit([]), "texto"),
        (lambda: KneserNey(2, V).fit([0, V]), f"a {V}"),
        (lambda: KneserNey(2, V).probs([0]), "fit"),
    ],
)
def test_bad_input_is_explained(use, message):
    with pytest.raises(CourseError, match=message):
        use()
