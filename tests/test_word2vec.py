"""word2vec: diferencias finitas, cuentas a mano, gensim y el valor esperado del rápido."""

import math
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from gensim.models import Word2Vec as Peer
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba

from coursekit.embeddings import GloVeScratch, Word2Vec
from coursekit.embeddings.word2vec import (
    Word2VecScratch,
    cbow,
    keep_probability,
    negative_loss,
    noise_distribution,
    skipgram,
    softmax_loss,
    subsample,
    word_counts,
)
from coursekit.embeddings.word2vec_fast import BLOCK, noise_table
from coursekit.errors import CourseError
from coursekit.plots.word2vec import guessing_games, moved_numbers
from regression import regression

pytestmark = pytest.mark.filterwarnings("error")
V, DIM = 9, 4


def tables(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(V, DIM)), rng.normal(size=(V, DIM))


def dice_of(*radii):
    """Una fuente de azar que da estos radios, uno tras otro."""
    left = iter(radii)
    return SimpleNamespace(integers=lambda low, high: next(left))


def topics(num_sentences=200, seed=0):
    """Dos temas de cuatro palabras que no se mezclan, y la palabra 8 en todas partes."""
    rng = np.random.default_rng(seed)
    return [
        rng.choice([*range(first, first + 4), 8], size=7)
        for first in rng.choice([0, 4], size=num_sentences)
    ]


# --- El corpus --------------------------------------------------------------------------------


def test_counts_noise_and_subsampling_by_hand():
    counts = word_counts([[0, 1, 0, -1], [], np.array([0, 2], dtype=np.int32)], 4)
    assert counts.tolist() == [3, 1, 1, 0]
    weights = np.array([3**0.75, 1, 1, 0])
    np.testing.assert_allclose(noise_distribution(counts), weights / weights.sum())
    assert noise_distribution(counts, power=0).tolist() == [1 / 3, 1 / 3, 1 / 3, 0]
    t = 0.05
    expected = [np.sqrt(t / 0.6) + t / 0.6, np.sqrt(t / 0.2) + t / 0.2, 0.75, 1]
    np.testing.assert_allclose(keep_probability(counts, t), expected)
    assert keep_probability(counts, 0).tolist() == [1, 1, 1, 1]
    # Con la fórmula del artículo la probabilidad de descartar salía negativa.
    assert keep_probability([1, 9999], 1e-3).tolist()[0] == 1


def test_subsampling_is_gensims():
    counts = np.array([5000, 300, 20, 1])
    peer = Peer(sample=1e-2, min_count=1)
    peer.build_vocab_from_freq({f"w{i}": int(n) for i, n in enumerate(counts)})
    theirs = [peer.wv.get_vecattr(f"w{i}", "sample_int") / 2**32 for i in range(4)]
    np.testing.assert_allclose(keep_probability(counts, 1e-2), theirs, atol=1e-6)


def test_subsample_drops_at_the_stated_rate_and_closes_up():
    rng = np.random.default_rng(1)
    kept = subsample([0] * 20_000 + [-1, 1, -1, 1], np.array([0.3, 1.0]), rng)
    assert (kept == 0).mean() * len(kept) / 20_000 == pytest.approx(0.3, abs=0.01)
    assert kept[-2:].tolist() == [1, 1] and kept.min() == 0
    assert subsample([], np.ones(1), rng).tolist() == []


@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_examples_are_the_definition(examples):
    """Con el radio fijado por la fuente de azar: ninguna palabra se queda sin ser objetivo."""
    sentence, radii = [5, 6, 7, 8, 5], [1, 3, 2, 1, 2]
    dice = dice_of(*radii)
    expected = []
    for i, radius in enumerate(radii):
        around = [j for j in range(5) if 0 < abs(i - j) <= radius]
        if examples is cbow:
            expected.append(([sentence[j] for j in around], sentence[i]))
        else:
            expected += [([sentence[i]], sentence[j]) for j in around]
    assert list(examples(sentence, 3, dice)) == expected


@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_short_sentences_give_no_examples(examples):
    rng = np.random.default_rng(0)
    assert list(examples([], 5, rng)) == list(examples([3], 5, rng)) == []


def test_radius_is_uniform_up_to_the_window():
    rng = np.random.default_rng(2)
    pairs = list(skipgram(list(range(4000)), 4, rng))
    reach = np.bincount([abs(target - inputs[0]) for inputs, target in pairs])[1:]
    np.testing.assert_allclose(reach / 8000, [1, 0.75, 0.5, 0.25], atol=0.03)


# --- Los gradientes ---------------------------------------------------------------------------

contexts = st.lists(st.integers(0, V - 1), min_size=1, max_size=6)  # con repeticiones
words = st.integers(0, V - 1)


def assert_gradients(loss_of, inputs):
    """Compara los gradientes con diferencias finitas en cada número de las dos tablas."""
    W_in, W_out = tables()
    _, dh, rows, d_rows = loss_of(W_in, W_out)
    dW_in, dW_out = np.zeros_like(W_in), np.zeros_like(W_out)
    np.add.at(dW_in, inputs, dh / len(inputs))
    np.add.at(dW_out, rows, d_rows)
    for W, gradient in ((W_in, dW_in), (W_out, dW_out)):
        numeric, eps = np.zeros_like(W), 1e-5
        for place in np.ndindex(W.shape):
            was = W[place]
            W[place] = was + eps
            up = loss_of(W_in, W_out)[0]
            W[place] = was - eps
            numeric[place] = (up - loss_of(W_in, W_out)[0]) / (2 * eps)
            W[place] = was
        np.testing.assert_allclose(gradient, numeric, atol=1e-8)


@settings(deadline=None, max_examples=12)
@given(contexts, words)
def test_softmax_gradients(inputs, target):
    assert_gradients(lambda A, B: softmax_loss(A, B, inputs, target), inputs)


@settings(deadline=None, max_examples=12)
@given(contexts, words, st.lists(words, max_size=4))
def test_negative_sampling_gradients(inputs, target, negatives):
    assert_gradients(lambda A, B: negative_loss(A, B, inputs, target, negatives), inputs)


def test_losses_by_hand():
    zeros = np.zeros((V, DIM))
    assert softmax_loss(zeros, zeros, [1, 2], 3)[0] == pytest.approx(np.log(V))
    assert negative_loss(zeros, zeros, [1], 3, [4, 4])[0] == pytest.approx(3 * np.log(2))
    W_in, W_out = tables()
    h = (W_in[1] + W_in[2]) / 2
    p = np.exp(W_out @ h) / np.exp(W_out @ h).sum()
    assert softmax_loss(W_in, W_out, [1, 2], 3)[0] == pytest.approx(-np.log(p[3]))
    good, bad = 1 / (1 + np.exp(-W_out[3] @ h)), 1 / (1 + np.exp(W_out[[4, 3]] @ h))
    by_hand = -np.log(good) - np.log(bad).sum()
    assert negative_loss(W_in, W_out, [1, 2], 3, [4, 3])[0] == pytest.approx(by_hand)


def test_huge_scores_do_not_overflow():
    W = np.full((V, DIM), 400.0)
    for sign in (1, -1):
        assert np.isfinite(softmax_loss(W, sign * W, [0], 1)[0])
        assert np.isfinite(negative_loss(W, sign * W, [0], 1, [2])[0])


# --- El entrenamiento -------------------------------------------------------------------------


@pytest.mark.parametrize("num_negatives", [0, 3])
@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_a_step_moves_against_the_gradient(examples, num_negatives):
    """También en Skip-gram, cuyo W_in no aprendía en la fuente."""
    model = Word2VecScratch(
        V, DIM, examples, num_negatives=num_negatives, rng=np.random.default_rng(3)
    )
    model.W_in, model.W_out = tables()
    before = model.W_in.copy(), model.W_out.copy()
    inputs = [2] if examples is skipgram else [2, 5, 2]
    first = model.step(inputs, 4, np.full(V, 1 / V), lr=1e-4)
    moved = np.flatnonzero(np.abs(model.W_in - before[0]).sum(axis=1))
    assert moved.tolist() == sorted(set(inputs)) and (model.W_out != before[1]).any()
    if examples is cbow:  # la palabra repetida se mueve el doble
        np.testing.assert_allclose(
            (model.W_in - before[0])[2], 2 * (model.W_in - before[0])[5], rtol=1e-6
        )
    model.rng = np.random.default_rng(3)
    _ = model.rng.random((V, DIM))  # los mismos negativos que la primera vez
    assert model.step(inputs, 4, np.full(V, 1 / V), lr=0) < first


@pytest.mark.parametrize("negatives", [[], [1, 1, 5], [4, 1, 4]])
@pytest.mark.parametrize("inputs", [[2], [2, 5, 2], [0, 1, 4, 4]])
def test_a_step_is_gradient_descent(inputs, negatives):
    """Las dos tablas cambian -lr · gradiente, por diferencias finitas; también lo repetido."""
    model = Word2VecScratch(V, DIM, num_negatives=len(negatives), rng=np.random.default_rng(0))
    model.rng = SimpleNamespace(choice=lambda *_, **__: negatives)
    noise, lr, eps = np.full(V, 1 / V), 0.1, 1e-5
    before = np.array(tables())

    def step_from(start, lr):
        model.W_in, model.W_out = start.copy()
        return model.step(inputs, 4, noise, lr)

    numeric = np.zeros_like(before)
    for place in np.ndindex(before.shape):
        push = np.zeros_like(before)
        push[place] = eps
        numeric[place] = (step_from(before + push, 0) - step_from(before - push, 0)) / (2 * eps)
    step_from(before, lr)
    np.testing.assert_allclose(
        np.array([model.W_in, model.W_out]), before - lr * numeric, atol=1e-8
    )


@pytest.mark.parametrize("num_negatives", [0, 5])
@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_scratch_learns_two_topics(examples, num_negatives):
    model = Word2VecScratch(
        V, 8, examples, 3, num_negatives, sample=0.05, rng=np.random.default_rng(4)
    )
    history = model.fit(topics(100), num_epochs=6, lr=0.2)
    assert len(history) == 6 and history[-1] < history[0]
    assert_two_topics(model.W_in)


def assert_two_topics(vectors):
    unit = vectors[:8] / np.linalg.norm(vectors[:8], axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.equal.outer(np.arange(8) // 4, np.arange(8) // 4)
    assert cosines[same].min() > cosines[~same].max()


def test_scratch_is_repeatable():
    first, second = (Word2VecScratch(V, DIM, rng=np.random.default_rng(5)) for _ in "12")
    assert first.fit(topics(5), 2) == second.fit(topics(5), 2)
    assert (first.W_in == second.W_in).all()


@pytest.mark.parametrize(
    "sentences, message",
    [
        (iter([[0, 1]]), "se agotan"),
        ([[0, V]], f"a {V}"),
        ([[-2, 1]], "van de -2"),
        (["sol"], "lista de índices"),
        ([[0.5]], "lista de índices"),
        ([], "ninguna palabra"),
        ([[-1, -1]], "ninguna palabra"),
        ([[0], [1], []], "ningún ejemplo"),
    ],
)
def test_bad_corpora_are_explained(sentences, message):
    with pytest.raises(CourseError, match=message):
        Word2VecScratch(V, DIM, rng=np.random.default_rng(0)).fit(sentences)


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda rng: Word2VecScratch(V, DIM, window=0, rng=rng), "window=0"),
        (lambda rng: Word2VecScratch(V, DIM, num_negatives=-1, rng=rng), "num_negatives=-1"),
        (lambda rng: Word2VecScratch(V, DIM, "otros", rng=rng), "'otros'"),
        (lambda rng: Word2Vec(V, DIM, "otros", rng=rng), "'otros'"),
        (lambda rng: Word2Vec(V, DIM, rng=rng).fit(topics(), num_threads=0), "procesador, no 0"),
    ],
)
def test_bad_settings_are_explained(use, message):
    with pytest.raises(CourseError, match=message):
        use(np.random.default_rng(0))


def test_examples_are_known_by_their_name():
    """En un cuaderno, `skipgram` puede ser la copia de una celda: no por eso es CBOW."""

    def skipgram(sentence, window, rng):
        raise NotImplementedError

    assert not Word2Vec(V, DIM, skipgram, rng=np.random.default_rng(0)).cbow


def test_subsampling_that_leaves_nothing_is_explained():
    """El defecto de la fuente: quedaban cero ejemplos y «Pérdida: 0» en cada época."""
    model = Word2VecScratch(V, DIM, sample=1e-9, rng=np.random.default_rng(0))
    with pytest.raises(CourseError, match="9 palabras y sample=1e-09"):
        model.fit([range(V)])


def test_a_vocabulary_of_one_word_trains():
    """Los negativos pueden coincidir con el objetivo: no hay sorteo sin fin."""
    model = Word2VecScratch(1, DIM, rng=np.random.default_rng(0))
    assert np.isfinite(model.fit([[0, 0, 0]])).all()


# --- El rápido --------------------------------------------------------------------------------


def pull(W_in, W_out, inputs, target, negatives):
    """Gradiente de un ejemplo en las dos tablas enteras."""
    dW_in, dW_out = np.zeros_like(W_in), np.zeros_like(W_out)
    _, dh, rows, d_rows = negative_loss(W_in, W_out, inputs, target, negatives)
    np.add.at(dW_in, inputs, dh / len(inputs))
    np.add.at(dW_out, rows, d_rows)
    return np.array([dW_in, dW_out])


def expected_gradient(sentences, W_in, W_out, examples, window, num_negatives, noise):
    """Media exacta del gradiente de la versión lenta, sobre los radios y los negativos."""
    total = np.zeros((2, *W_in.shape))
    for sentence in sentences:
        for radius in range(1, window + 1):
            dice = dice_of(*[radius] * len(sentence))
            for inputs, target in examples(sentence, window, dice):
                alone = pull(W_in, W_out, inputs, target, [])
                total += alone / window
                for k, p in enumerate(noise):
                    negative = pull(W_in, W_out, inputs, target, [k]) - alone
                    total += negative * num_negatives * p / window
    return total


@pytest.mark.parametrize("window", [1, 3, 15])
@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_fast_update_is_on_average_the_slow_one(examples, window):
    """Con oraciones más cortas y más largas que un bloque, y palabras repetidas."""
    rng = np.random.default_rng(6)
    sentences = [rng.integers(V, size=n) for n in (3, 1, 20, 12)]
    counts = word_counts(sentences, V)
    model = Word2Vec(V, DIM, examples, window, num_negatives=3, rng=rng)
    W_in, W_out = (W.astype(np.float32) for W in tables())
    table, lr, draws = noise_table(counts), 1e-4, 800
    ids, where = np.concatenate(sentences), np.repeat(np.arange(4), [3, 1, 20, 12])
    updates = np.empty((draws, 2, V, DIM))
    for draw in updates:
        model.W_in[:], model.W_out[:] = W_in, W_out
        model.train(ids, where, table, lr)
        draw[:] = (W_in - model.W_in) / lr, (W_out - model.W_out) / lr
    noise = np.bincount(table, minlength=V) / len(table)
    expected = expected_gradient(sentences, W_in, W_out, examples, window, 3, noise)
    # En errores típicos, más lo que se pierde al restar números de 32 bits.
    z = (updates.mean(axis=0) - expected) / (updates.std(axis=0) / np.sqrt(draws) + 2e-3)
    assert np.abs(z).max() < 5 and np.sqrt((z**2).mean()) < 1.7
    assert np.abs(expected).mean() > 0.5


def test_noise_table_follows_the_distribution():
    counts = np.random.default_rng(7).integers(0, 5000, size=300)
    share = np.bincount(noise_table(counts), minlength=300) / 30_000
    np.testing.assert_allclose(share, noise_distribution(counts), atol=1.1 / 30_000)
    assert (share[counts == 0] == 0).all()


@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_fast_learns_two_topics(examples):
    model = Word2Vec(V, 8, examples, 3, sample=0.05, rng=np.random.default_rng(8))
    history = model.fit(topics(), num_epochs=8, lr=0.1)
    assert len(history) == 8 and history[-1] < history[0]
    assert_two_topics(model.W_in)


@pytest.mark.parametrize("examples", [skipgram, cbow])
def test_fast_loss_is_the_slow_one(examples):
    """Al comenzar, con W_out nula: (1 + negativos) · log 2 por ejemplo."""
    model = Word2Vec(V, 8, examples, num_negatives=4, sample=0, rng=np.random.default_rng(9))
    assert model.fit(topics(), 1, lr=0)[0] == pytest.approx(5 * np.log(2), rel=1e-5)


@pytest.mark.parametrize("num_threads", [1, 2, 3])
@pytest.mark.parametrize("examples, vocab_size", [(skipgram, 5000), (cbow, 5000), (cbow, 50)])
def test_fast_is_repeatable_with_any_threads(num_threads, examples, vocab_size):
    import torch

    before = torch.get_num_threads()
    first, second = (
        Word2Vec(vocab_size, 20, examples, rng=np.random.default_rng(10)) for _ in "12"
    )
    rng = np.random.default_rng(11)
    sentences = [rng.integers(-1, vocab_size, size=30) for _ in range(60)]
    histories = [model.fit(sentences, 2, 0.025, num_threads) for model in (first, second)]
    assert histories[0] == histories[1]
    assert (first.W_in == second.W_in).all() and (first.W_out == second.W_out).all()
    alone = Word2Vec(vocab_size, 20, examples, rng=np.random.default_rng(10))
    alone.fit(sentences, 2)
    np.testing.assert_allclose(alone.W_in, first.W_in, atol=1e-6)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("examples", [skipgram, cbow])
@pytest.mark.parametrize("vocab_size", [1, 2, 50, 3000])
def test_fast_never_overflows(vocab_size, examples):
    """Sin submuestreo, con una palabra en la mitad del texto y la tasa más alta."""
    rng = np.random.default_rng(12)
    sentences = [
        np.where(rng.random(40) < 0.5, 0, rng.integers(vocab_size, size=40)) for _ in range(100)
    ]
    model = Word2Vec(vocab_size, 10, examples, sample=0, rng=rng)
    assert np.isfinite(model.fit(sentences, 6, lr=0.1)).all()
    assert np.abs(model.W_in).max() < 1e3 and np.abs(model.W_out).max() < 1e3


class Stream:
    """Un corpus que se vuelve a generar en cada recorrido."""

    def __init__(self, num_sentences):
        self.num_sentences = num_sentences

    def __iter__(self):
        rng = np.random.default_rng(13)
        for _ in range(self.num_sentences):
            yield rng.integers(50, size=200)


def test_memory_does_not_grow_with_the_corpus():
    import tracemalloc

    peaks = []
    for num_sentences in (500, 2000):
        model = Word2Vec(5000, 5, sample=1e-3, rng=np.random.default_rng(14))
        tracemalloc.start()
        model.fit(Stream(num_sentences), 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize(
    "options, message",
    [({"window": BLOCK}, f"no {BLOCK}"), ({"window": 0}, "no 0"), ({"num_negatives": 0}, "no 0")],
)
def test_fast_explains_bad_options(options, message):
    with pytest.raises(CourseError, match=message):
        Word2Vec(V, rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize(
    "sentences, message",
    [(iter([[0, 1]]), "se agotan"), ([[0, V]], f"a {V}"), ([[0], [1], []], "ningún ejemplo")],
)
def test_fast_explains_bad_corpora(sentences, message):
    with pytest.raises(CourseError, match=message):
        Word2Vec(V, sample=0, rng=np.random.default_rng(0)).fit(sentences)


def test_counting_does_not_wait_for_torch():
    code = "import sys, coursekit.embeddings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def our_word2vec_step(W_in, W_out, inputs, target):
    """El gradiente que usa `step`: lo que se mueven las tablas con tasa 1."""
    model = Word2VecScratch(V, DIM, num_negatives=0, rng=np.random.default_rng(0))
    model.W_in, model.W_out = W_in.copy(), W_out.copy()
    loss = model.step(inputs, target, None, lr=1.0)
    return loss, W_in - model.W_in


def softmax_error(W_in, W_out, inputs, target):
    h = W_in[inputs].mean(axis=0)
    p = np.exp(W_out @ h) / np.exp(W_out @ h).sum()
    return -np.log(p[target]), p - np.eye(V)[target]


def error_summed_before_the_product(W_in, W_out, inputs, target):
    """La suma de los errores de una softmax es cero: el gradiente también."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    gradient = np.zeros_like(W_in)
    gradient[inputs] = np.outer(e, W_out[target]).sum(axis=0)
    return loss, gradient


def gradient_not_divided(W_in, W_out, inputs, target):
    """La media del contexto se deriva como si fuera una suma."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    gradient = np.zeros_like(W_in)
    gradient[inputs] = W_out.T @ e
    return loss, gradient


def assert_input_gradient(step, inputs):
    W_in, W_out = tables()
    numeric, eps = np.zeros_like(W_in), 1e-5
    for place in np.ndindex(W_in.shape):
        change = np.zeros_like(W_in)
        change[place] = eps
        up, down = (step(W, W_out, inputs, 4)[0] for W in (W_in + change, W_in - change))
        numeric[place] = (up - down) / (2 * eps)
    np.testing.assert_allclose(step(W_in, W_out, inputs, 4)[1], numeric, atol=1e-8)


@regression(ours=our_word2vec_step, defective=error_summed_before_the_product)
def test_skipgram_gradient(step):
    """Defecto: el gradiente de la primera tabla, nulo en Skip-gram."""
    assert_input_gradient(step, [2])


@regression(ours=our_word2vec_step, defective=gradient_not_divided)
def test_cbow_gradient(step):
    """Defecto: el gradiente de la primera tabla, 2·ventana veces mayor en CBOW."""
    assert_input_gradient(step, [0, 1, 5, 6])


def context_predicts_the_centre(sentence, window, rng):
    return ((inputs_of, [target]) for [target], inputs_of in skipgram(sentence, window, rng))


@regression(ours=skipgram, defective=context_predicts_the_centre)
def test_skipgram_predicts_the_context(examples):
    """La palabra cuyo radio se sorteó es la entrada, no el objetivo."""
    dice = dice_of(1, 3, 1, 1, 1)
    inputs = Counter(str(inputs).strip("[]") for inputs, _ in examples(list("abcde"), 3, dice))
    assert inputs["'b'"] == 4 and inputs["'e'"] == 1


def only_full_windows(sentence, window, rng):
    for i in range(window, len(sentence) - window):
        yield [*sentence[i - window : i], *sentence[i + 1 : i + window + 1]], sentence[i]


@regression(ours=[skipgram, cbow], defective=only_full_windows)
def test_edges_are_targets(examples):
    """Defecto: los bordes de la frase nunca son objetivo."""
    pairs = examples(list(range(11)), 2, np.random.default_rng(0))
    assert {target for _, target in pairs} == set(range(11))


def uniform_from_zero_to_one(rng):
    return rng.random((50, 20))


@regression(
    ours=[
        lambda rng: Word2VecScratch(50, 20, rng=rng).W_in,
        lambda rng: Word2Vec(50, 20, rng=rng).W_in,
        lambda rng: GloVeScratch(50, 20, rng=rng).W,
    ],
    defective=uniform_from_zero_to_one,
)
def test_initial_vectors_have_both_signs(start):
    """Defecto: valores iniciales todos positivos."""
    assert 0.4 < (start(np.random.default_rng(0)) < 0).mean() < 0.6


def slow_loss(sentences):
    model = Word2VecScratch(V, DIM, num_negatives=4, rng=np.random.default_rng(0))
    return model.fit(sentences, 1, lr=0)[0]


def fast_loss(sentences):
    model = Word2Vec(V, DIM, num_negatives=4, sample=0, rng=np.random.default_rng(0))
    return model.fit(sentences, 1, lr=0)[0]


def summed_loss(sentences):
    pairs = [pair for s in sentences for pair in skipgram(s, 5, np.random.default_rng(0))]
    return slow_loss(sentences) * len(pairs)


@regression(ours=[slow_loss, fast_loss], defective=summed_loss)
def test_loss_is_a_mean(loss):
    """Al comenzar, (1 + negativos) · log 2, sea cual sea el largo del corpus."""
    for repeats in (1, 3):
        assert loss([[0, 1, 2, 3, 4, 5, 6]] * repeats) == pytest.approx(5 * math.log(2))


def masked_softmax(W_in, W_out, inputs, target, negatives):
    """La softmax de todo el vocabulario, calculada y luego tapada."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    rows = np.array([target, *negatives])
    return loss, W_out[rows].T @ e[rows], rows, np.outer(e[rows], W_in[inputs].mean(axis=0))


@regression(ours=negative_loss, defective=masked_softmax)
def test_negative_sampling_reads_few_rows(loss):
    """Con las demás filas a NaN, si se lee alguna se nota."""
    W_in, W_out = tables()
    W_out[[0, 1, 2]] = np.nan
    result = loss(W_in, W_out, [2], 4, [3, 5, 6])
    assert all(np.isfinite(part).all() for part in result)


def our_negative_step(W_in, W_out, negatives):
    model = Word2VecScratch(V, DIM, num_negatives=2, rng=np.random.default_rng(0))
    model.W_in, model.W_out = W_in.copy(), W_out.copy()
    model.rng = SimpleNamespace(choice=lambda *_, **__: negatives)
    model.step([2], 4, np.full(V, 1 / V), lr=0.1)
    return model.W_out


def updates_times_zero(W_in, W_out, negatives):
    e = 1 / (1 + np.exp(-W_out[negatives] @ W_in[2]))
    after = W_out.copy()
    after[negatives] -= 0.1 * np.zeros_like(e)[:, None] * W_in[2]
    return after


@regression(ours=our_negative_step, defective=updates_times_zero)
def test_negatives_are_pushed_away(step):
    """Defecto: muestreo negativo que multiplica por cero."""
    W_in, W_out = tables()
    negatives = np.array([0, 6])
    after = step(W_in, W_out, negatives)
    assert (after[negatives] @ W_in[2] < W_out[negatives] @ W_in[2] - 1e-3).all()


def uniform_noise(counts):
    return np.full(len(counts), 1 / len(counts))


def unigram_noise(counts):
    return counts / counts.sum()


@regression(
    ours=[noise_distribution, lambda c: np.bincount(noise_table(c)) / len(noise_table(c))],
    defective=[uniform_noise, unigram_noise],
)
def test_noise_is_unigram_to_three_quarters(noise):
    """Defecto: negativos uniformes."""
    counts = np.array([1600, 256, 81, 16, 1])
    weights = [1600**0.75, 64, 27, 8, 1]  # 256 = 4⁴, 81 = 3⁴, 16 = 2⁴
    np.testing.assert_allclose(noise(counts), np.array(weights) / sum(weights), atol=2e-3)


def unclamped(counts, sample):
    return np.sqrt(sample * counts.sum() / counts)


@regression(ours=keep_probability, defective=unclamped)
def test_keep_probability_is_one(keep):
    """Con frecuencia 1e-4 y umbral 1e-3, descartar tendría probabilidad -2,16."""
    p = keep(np.array([1, 9_999]), 1e-3)
    assert p[0] == 1 and 0 < p[1] < 0.1


def slow_fit(sentences, sample):
    return Word2VecScratch(11, sample=sample, dim=3, rng=np.random.default_rng(0)).fit(sentences)


def fast_fit(sentences, sample):
    return Word2Vec(11, sample=sample, dim=3, rng=np.random.default_rng(0)).fit(sentences)


def silent_fit(sentences, sample):
    """Con cero ejemplos la pérdida es la suma de nada."""
    keep = np.sqrt(sample * 11)
    kept = [[w for w in s if np.random.default_rng(0).random() < keep] for s in sentences]
    return [float(sum(len(s) for s in kept if len(s) > 1))] * 100


@regression(ours=[slow_fit, fast_fit], defective=silent_fit)
def test_nothing_left_is_an_error(train):
    """Defecto: un submuestreo que no deja nada, con pérdida 0."""
    with pytest.raises(CourseError, match="ningún ejemplo"):
        train([range(11)], 1e-9)


class ImpatientDice:
    """Un azar que se cansa: con mil sorteos para un paso, el bucle no tiene fin."""

    def __init__(self):
        self.rng, self.left = np.random.default_rng(0), 1000

    def choice(self, *args, **options):
        self.left -= 1
        assert self.left, "sorteo sin fin"
        return self.rng.choice(*args, **options)


def our_step_of_one_word(dice):
    model = Word2VecScratch(1, DIM, rng=np.random.default_rng(0))
    model.rng = dice
    return model.step([0], 0, np.ones(1), lr=0.1)


def draw_until_different(dice):
    negatives = []
    while len(negatives) < 5:
        word = dice.choice(1)
        if word != 0:
            negatives.append(word)


@regression(ours=our_step_of_one_word, defective=draw_until_different)
def test_one_word_vocabulary_ends(step):
    """Defecto: con un vocabulario de una palabra, un sorteo sin fin."""
    assert np.isfinite(step(ImpatientDice()))


# --- Las figuras ------------------------------------------------------------------------------


def test_the_games_hide_what_is_guessed():
    figure = guessing_games(["la", "niña", "bebe", "leche"], centre=2)
    shown = [[text.get_text() for text in ax.texts if text.get_text()] for ax in figure.axes]
    assert shown == [["la", "niña", "¿bebe?", "leche"], ["¿la?", "¿niña?", "bebe", "¿leche?"]]


def test_moved_numbers_are_the_ones_that_change():
    change = np.zeros((3, 2))
    change[1] = 0.5, -0.5
    figure = moved_numbers(["a", "b", "c"], {"softmax": (change, np.ones((3, 2)))})
    gray = to_rgba("#DDDDDD")
    moved = [[patch.get_facecolor() != gray for patch in ax.patches] for ax in figure.axes]
    assert moved == [[False, False, True, True, False, False], [True] * 6]
