"""Coocurrencia, PPMI, SVD y vecinos, contra bucles lentos, numpy y cuentas a mano."""

import math
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.embeddings import (
    associations,
    cooccurrence,
    encode,
    nearest,
    ppmi,
    truncated_svd,
)
from coursekit.errors import CourseError
from coursekit.text import Vocab
from regression import regression

pytestmark = pytest.mark.filterwarnings("error")
varied = settings(deadline=None)  # una máquina ocupada no es un fallo

V = 6
WORDS = ["sol", "luna", "mar", "río", "pez", "corazón"]
corpora = st.lists(st.lists(st.integers(-1, V - 1), max_size=8), max_size=5)
shifts = st.sampled_from([0.5, 1.0, 5.0])
smoothings = st.sampled_from([0.5, 0.75, 1.0])


def slow_cooccurrence(sentences, vocab_size, window, distance_weighting):
    """La definición: cada palabra con cada vecina, de una en una."""
    counts = np.zeros((vocab_size, vocab_size))
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j, context in enumerate(sentence):
                if 1 <= abs(i - j) <= window and word != -1 and context != -1:
                    counts[word, context] += 1 / abs(i - j) if distance_weighting else 1
    return counts


def slow_ppmi(counts, shift, smoothing):
    """La definición con probabilidades, celda por celda."""
    values = np.zeros_like(counts)
    for w, c in np.argwhere(counts > 0):
        joint = counts[w, c] / counts.sum()
        word = counts[w].sum() / counts.sum()
        context = counts[:, c].sum() ** smoothing / (counts.sum(0) ** smoothing).sum()
        values[w, c] = max(0, np.log(joint / (word * context) / shift) / np.log(2))
    return values


@pytest.fixture
def vocab():
    return Vocab(WORDS)


def test_encode_marks_unknown_words(vocab):
    encoded = encode([["mar", "y", "sol"], [], ["sol"]], vocab)
    assert [ids.tolist() for ids in encoded] == [[2, -1, 0], [], [0]]


def test_encode_rejects_text(vocab):
    with pytest.raises(CourseError, match="el mar"):
        encode(["el mar"], vocab)


def test_cooccurrence_by_hand():
    """«sol luna mar ? sol»: la desconocida separa mar de sol, y las oraciones también."""
    counts = cooccurrence([[0, 1, 2, -1, 0], [2, 2]], vocab_size=3, window=2)
    assert counts.toarray().tolist() == [[0, 1, 2], [1, 0, 1], [2, 1, 2]]
    assert np.issubdtype(counts.dtype, np.integer)


@varied
@given(corpora, st.integers(1, 9), st.booleans())
def test_cooccurrence_is_the_slow_loop(sentences, window, distance_weighting):
    counts = cooccurrence(sentences, V, window, distance_weighting)
    expected = slow_cooccurrence(sentences, V, window, distance_weighting)
    assert counts.format == "csr" and counts.shape == (V, V)
    np.testing.assert_allclose(counts.toarray(), expected, rtol=1e-12)


@varied
@given(corpora, st.integers(1, 9))
def test_cooccurrence_reads_the_same_backwards(sentences, window):
    backwards = [sentence[::-1] for sentence in sentences]
    counts = cooccurrence(sentences, V, window).toarray()
    assert (counts == counts.T).all()
    assert (counts == cooccurrence(backwards, V, window).toarray()).all()


@pytest.mark.parametrize(
    "sentences, window, message",
    [
        ([[0, 1]], 0, "no 0"),
        ([[0, V]], 2, f"a {V}"),
        ([[0, -2]], 2, "van de -2"),
        ([["sol", "mar"]], 2, "lista de índices"),
        ([0, 1, 2], 2, "lista de índices"),
        ([[0.5, 1.5]], 2, "lista de índices"),
    ],
)
def test_cooccurrence_explains_bad_input(sentences, window, message):
    with pytest.raises(CourseError, match=message):
        cooccurrence(sentences, V, window)


def test_ppmi_by_hand():
    """16 pares, filas de 8: P(0,0)=6/16 frente a 1/4, log2(1.5); P(0,1)=2/16, negativo."""
    result = ppmi(np.array([[6, 2], [2, 6]]))
    np.testing.assert_allclose(result.toarray(), np.log2(1.5) * np.eye(2))
    assert result.nnz == 2


@varied
@given(corpora, st.integers(1, 3), st.booleans(), shifts, smoothings)
def test_ppmi_is_the_definition(sentences, window, weighting, shift, smoothing):
    counts = cooccurrence(sentences, V, window, weighting)
    result = ppmi(counts, shift, smoothing)
    expected = slow_ppmi(counts.toarray().astype(float), shift, smoothing)
    np.testing.assert_allclose(result.toarray(), expected, atol=1e-12)
    assert (result.data > 0).all()


@varied
@given(corpora, shifts, smoothings)
def test_ppmi_does_not_depend_on_corpus_length(sentences, shift, smoothing):
    counts = cooccurrence(sentences, V)
    once, ten_times = (ppmi(n * counts, shift, smoothing).toarray() for n in (1, 10))
    np.testing.assert_allclose(once, ten_times, atol=1e-12)


def test_ppmi_of_independent_words_is_empty():
    assert ppmi(np.outer([1, 2, 3], [4, 5, 6])).nnz == 0


def test_ppmi_accepts_asymmetric_unsummed_and_stored_zeros():
    """Entradas repetidas que se suman, un cero guardado y filas distintas de columnas."""
    data, columns, row_starts = [1.0, 2.0, 4.0, 0.0], [1, 1, 2, 0], [0, 2, 3, 4]
    counts = sp.csr_array((data, columns, row_starts), shape=(3, 3))
    expected = slow_ppmi(counts.toarray(), 1, 0.75)
    np.testing.assert_allclose(ppmi(counts, smoothing=0.75).toarray(), expected)


def test_ppmi_leaves_counts_alone():
    counts = sp.csr_array(np.array([[6.0, 2.0], [2.0, 6.0]]))
    ppmi(counts)
    assert counts.toarray().tolist() == [[6, 2], [2, 6]]


@pytest.mark.parametrize(
    "counts, options, message",
    [
        (np.ones((2, 3)), {}, r"\(2, 3\)"),
        ([[1, -4], [1, 1]], {}, "-4"),
        ([[1, np.nan], [1, 1]], {}, "nan"),
        ([[1, np.inf], [1, 1]], {}, "inf"),
        (np.eye(2), {"shift": 0}, "no 0"),
        (np.eye(2), {"smoothing": -1}, "-1"),
    ],
)
def test_ppmi_explains_bad_input(counts, options, message):
    with pytest.raises(CourseError, match=message):
        ppmi(counts, **options)


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_svd_matches_numpy(power):
    matrix = np.random.default_rng(1).random((30, 20)) * (np.arange(20) + 1)
    vectors = truncated_svd(sp.csr_array(matrix), dim=5, power=power)
    U, S, _ = np.linalg.svd(matrix, full_matrices=False)
    expected = U[:, :5] * S[:5] ** power
    np.testing.assert_allclose(np.abs(vectors), np.abs(expected), atol=1e-8)
    # Los productos entre filas no dependen del signo de las columnas.
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-7)


def test_svd_fixes_the_signs():
    vectors = truncated_svd(np.random.default_rng(2).random((30, 20)), dim=5)
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(5)]
    assert (largest > 0).all()


def test_svd_is_repeatable_and_accepts_integers():
    matrix = sp.csr_array(np.random.default_rng(3).integers(0, 3, (40, 40)))
    first, second = (truncated_svd(matrix, dim=7, seed=4) for _ in range(2))
    assert (first == second).all()
    np.testing.assert_allclose(first, truncated_svd(matrix, 7, seed=5), atol=1e-8)


@pytest.mark.parametrize(
    "matrix, dim, message",
    [
        (np.eye(4), 4, "entre 1 y 3"),
        (np.eye(4), 0, "no 0"),
        (np.zeros((4, 4)), 2, "ceros"),
        (np.full((4, 4), np.nan), 2, "finitos"),
    ],
)
def test_svd_explains_bad_input(matrix, dim, message):
    with pytest.raises(CourseError, match=message):
        truncated_svd(matrix, dim)


@pytest.mark.parametrize("kind", [np.array, sp.csr_array, sp.csr_matrix])
def test_nearest_orders_by_cosine(vocab, kind):
    """A «sol» se parece «mar» (mismo ángulo); la longitud no cuenta; «pez» es nulo."""
    vectors = kind([[1.0, 0], [1, 1], [9, 0], [-1, 0], [0, 0], [0, 1]])
    result = nearest("sol", vectors, vocab)
    assert [word for word, _ in result] == ["mar", "luna", "corazón", "río"]
    cosines = [cosine for _, cosine in result]
    np.testing.assert_allclose(cosines, [1, np.sqrt(0.5), 0, -1], atol=1e-15)
    assert nearest("sol", vectors, vocab, k=2) == result[:2]


def test_nearest_explains_a_null_vector(vocab):
    with pytest.raises(CourseError, match="sol.*nulo"):
        nearest("sol", np.zeros((V, 2)), vocab)


def test_associations_skip_zeros_and_the_word_itself(vocab):
    weights = np.zeros((V, V))
    weights[0] = [9, 0, 2, 0, 3, 0]
    assert associations("sol", sp.csr_array(weights), vocab) == [("pez", 3), ("mar", 2)]
    assert associations("sol", weights, vocab, k=1) == [("pez", 3)]
    assert associations("mar", weights, vocab) == []


@pytest.mark.parametrize("search", [nearest, associations])
def test_unknown_word_suggests_its_likes(vocab, search):
    with pytest.raises(CourseError, match="corazon.*corazón"):
        search("corazon", np.eye(V), vocab)
    with pytest.raises(CourseError, match="xyz"):
        search("xyz", np.eye(V), vocab)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def log_of_zero(counts):
    P = counts.toarray() / counts.sum()
    pmi = np.log2(P / (P.sum(1, keepdims=True) * P.sum(0)))
    return np.maximum(pmi, 0)


def eps_in_the_denominator(counts):
    P = counts.toarray() / counts.sum()
    with np.errstate(divide="ignore"):
        return np.maximum(np.log2(P / (P.sum(1, keepdims=True) * P.sum(0) + 1e-10)), 0)


@regression(
    ours=lambda counts: ppmi(counts).toarray(),
    defective=[log_of_zero, eps_in_the_denominator],
    raises=(AssertionError, RuntimeWarning),
)
def test_ppmi_is_quiet_and_exact(measure):
    """Dos palabras que se ven una vez, juntas, entre un millón de otras parejas."""
    n = 10**6 - 2
    counts = sp.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, n]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = measure(counts)
    assert values[0, 1] == pytest.approx(math.log2(10**6), abs=1e-9)
    assert values[0, 0] == values[0, 2] == 0


def dense_counts(sentences, vocab_size):
    counts = np.zeros((vocab_size, vocab_size))
    for s in sentences:
        for i, j in zip(s, s[1:]):
            counts[i, j] += 1
            counts[j, i] += 1
    return counts


@regression(
    ours=lambda sentences, V: ppmi(cooccurrence(sentences, V, window=1)),
    defective=dense_counts,
)
def test_ppmi_memory_is_sparse(build):
    """2.000 tipos: densa, 32 MB."""
    ids = np.random.default_rng(0).integers(2000, size=(50, 20))
    tracemalloc.start()
    build(ids, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def window_with_the_word_inside(sentences, vocab_size, window):
    """Lo que decía la prosa: la ventana 3 son dos palabras a cada lado."""
    return cooccurrence(sentences, vocab_size, max(window - 1, 1))


@regression(ours=cooccurrence, defective=window_with_the_word_inside)
def test_window_reaches_its_distance(count):
    """Defecto: una ventana de 3 que son «dos palabras a cada lado»."""
    for window in (1, 3, 5):
        first = count([range(9)], 9, window=window).toarray()[0]
        assert np.flatnonzero(first).tolist() == list(range(1, window + 1))


def first_of_the_row(word, matrix, vocab, k):
    """Los primeros de la fila, y la propia palabra se salta solo si cae entre ellos."""
    row = matrix.toarray()[vocab[word]]
    best = np.argsort(-row, kind="stable")[: k + 1]
    return [(vocab.lookup_token(i), row[i]) for i in best.tolist() if i != vocab[word]]


def only_without_zeros(word, matrix, vocab, k):
    row = matrix.toarray()[vocab[word]]
    best = [i for i in np.argsort(-row, kind="stable").tolist() if row[i] > 0][:k]
    return [(vocab.lookup_token(i), row[i]) for i in best]


@regression(ours=associations, defective=[first_of_the_row, only_without_zeros])
def test_associations_are_associations(search):
    """Defecto: asociaciones nulas o con la propia palabra."""
    vocab = Vocab("abcdef")
    matrix = sp.csr_array(np.array([[4.0, 2, 0, 1, 3, 0.5], [2, 0, 0, 0, 0, 0]] + [[0] * 6] * 4))
    assert [w for w, _ in search("a", matrix, vocab, 3)] == ["e", "b", "d"]
    assert [w for w, _ in search("b", matrix, vocab, 3)] == ["a"]


def our_pairs(sentence, vocab):
    counts = cooccurrence(encode([sentence], vocab), len(vocab), window=1)
    return counts.nnz, vocab(sentence)


def glued_pairs(sentence, vocab):
    known = [vocab[w] for w in sentence if w in vocab and w != "<unk>"]
    return cooccurrence([known], len(vocab), window=1).nnz, known


@regression(ours=our_pairs, defective=glued_pairs)
def test_unknown_words_keep_their_place(read):
    """«sol» y «mar» no son vecinas porque falte la palabra que las separa."""
    vocab = Vocab(["<unk>", "sol", "mar"], default_index=0)
    num_pairs, ids = read(["sol", "desconocida", "mar"], vocab)
    assert num_pairs == 0 and ids == [1, 0, 2]
