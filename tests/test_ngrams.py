"""Witten-Bell contra una versión lenta con diccionarios y contra cuentas a mano."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.errors import CourseError
from coursekit.ngrams import WittenBell

pytestmark = pytest.mark.filterwarnings("error")
varied = settings(deadline=None)  # una máquina ocupada no es un fallo

V = 4
texts = st.lists(st.integers(0, V - 2), min_size=1, max_size=40)  # V-1 nunca se ve
histories = st.lists(st.integers(0, V - 1), max_size=8)
orders = st.integers(1, 5)


def slow_prob(text, order, vocab_size, history, symbol):
    """La fórmula, con un diccionario de cuentas por historia."""
    followers = defaultdict(Counter)
    for t, following in enumerate(text):
        for k in range(min(t, order - 1) + 1):
            followers[tuple(text[t - k : t])][following] += 1

    P = 1 / vocab_size
    for k in range(min(len(history), order - 1) + 1):
        seen = followers[tuple(history[len(history) - k :])]
        if seen:
            P = (seen[symbol] + len(seen) * P) / (seen.total() + len(seen))
    return P


def test_bigram_by_hand():
    """En «0 1 0 1 0» hay 3 ceros de 5; tras 0 siempre viene 1, dos veces."""
    model = WittenBell(order=2, vocab_size=3).fit([0, 1, 0, 1, 0])
    unigram = np.array([3 + 2 / 3, 2 + 2 / 3, 2 / 3]) / 7
    np.testing.assert_allclose(model.probs([]), unigram)
    np.testing.assert_allclose(model.probs([0]), (np.array([0, 2, 0]) + unigram) / 3)
    np.testing.assert_allclose(model.probs([2]), unigram)


@varied
@given(texts, orders, histories)
def test_probs_are_the_slow_formula(text, order, history):
    probs = WittenBell(order, V).fit(text).probs(history)
    expected = [slow_prob(text, order, V, history, symbol) for symbol in range(V)]
    np.testing.assert_allclose(probs, expected, rtol=1e-12)


@varied
@given(texts, orders, histories)
def test_rows_sum_to_one_for_any_history(text, order, history):
    probs = WittenBell(order, V).fit(text).probs(history)
    assert (probs > 0).all()
    np.testing.assert_allclose(probs.sum(), 1, rtol=1e-12)


@varied
@given(texts, orders, st.lists(st.tuples(*[st.integers(0, V - 1)] * 6), min_size=1))
def test_log_probs_use_only_the_row(text, order, windows):
    model = WittenBell(order, V).fit(text)
    expected = [
        [np.log(slow_prob(text, order, V, row[:t], row[t])) for t in range(1, 6)]
        for row in windows
    ]
    np.testing.assert_allclose(model.log_probs(windows), expected, rtol=1e-9)


def test_long_histories_do_not_overflow():
    """Con 100,000 símbolos, un código de 8 símbolos no cabría en 64 bits."""
    text = np.random.default_rng(0).integers(0, 100_000, 200)
    model = WittenBell(order=8, vocab_size=100_000).fit(text)
    history = text[50:57].tolist()
    expected = slow_prob(text.tolist(), 8, 100_000, history, text[57])
    np.testing.assert_allclose(model.probs(history)[text[57]], expected)


def test_fit_forgets_the_previous_text():
    model = WittenBell(3, V).fit([0, 1, 2, 0, 1]).fit([2, 2, 1])
    np.testing.assert_array_equal(model.probs([2]), WittenBell(3, V).fit([2, 2, 1]).probs([2]))


def test_generate_draws_from_probs():
    """Tras 0 se sortea según P(·|0): la frecuencia cae dentro de cinco desviaciones."""
    model = WittenBell(2, 3).fit([0, 1, 0, 1, 0, 2])
    rng = np.random.default_rng(0)
    draws = [model.generate([1, 0], 1, rng)[-1] for _ in range(2000)]
    P = model.probs([0])
    tolerance = 5 * np.sqrt(P * (1 - P) / 2000)
    assert (abs(np.bincount(draws, minlength=3) / 2000 - P) < tolerance).all()


def test_generate_continues_the_prefix_and_repeats_with_the_seed():
    model = WittenBell(3, V).fit([0, 1, 2, 0, 1, 2, 2])
    first, second = (
        model.generate([2, 0], 20, np.random.default_rng(7)) for _ in range(2)
    )
    assert first == second and first[:2] == [2, 0] and len(first) == 22
    assert len(model.generate([], 5, np.random.default_rng(7))) == 5


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda: WittenBell(0, V), "no 0"),
        (lambda: WittenBell(2, V).fit([]), "texto"),
        (lambda: WittenBell(2, V).fit([0, V]), f"a {V}"),
        (lambda: WittenBell(2, V).fit([0.5, 1]), "enteros"),
        (lambda: WittenBell(2, V).fit(list("ab")), "enteros"),
        (lambda: WittenBell(2, V).probs([0]), "fit"),
        (lambda: WittenBell(2, V).fit([0, 1]).probs([-1]), "de -1"),
        (lambda: WittenBell(2, V).fit([0, 1]).log_probs([0, 1]), r"\(2,\)"),
    ],
)
def test_bad_input_is_explained(use, message):
    with pytest.raises(CourseError, match=message):
        use()
