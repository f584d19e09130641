"""Similitud y analogías, contra scipy, gensim, bucles lentos y los ficheros de verdad."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from conftest import needs_real_data
from coursekit.embeddings import analogies, analogy, read_analogies, read_pairs, similarity
from coursekit.embeddings.evaluation import word_rows
from coursekit.embeddings.neighbours import unit_rows
from coursekit.embeddings.similarity import spearman
from coursekit.errors import CourseError
from coursekit.text import Vocab, without_accents
from regression import regression

pytestmark = pytest.mark.filterwarnings("error")
REAL_DATA = os.environ.get("COURSEKIT_DATA")

WORDS = [f"w{i}" for i in range(40)]
VOCAB = Vocab(WORDS)
VECTORS = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


def some_pairs(num_pairs=60, seed=1):
    """Parejas con notas repetidas y, a veces, una palabra desconocida («w40» a «w44»)."""
    rng = np.random.default_rng(seed)
    names = [f"w{i}" for i in range(45)]
    return [(*map(str, rng.choice(names, 2)), float(rng.integers(5))) for _ in range(num_pairs)]


def keyed(vectors=VECTORS, words=WORDS):
    peer = KeyedVectors(vectors.shape[1])
    peer.add_vectors(words, vectors)
    return peer


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12))
def test_spearman_is_scipys_also_with_ties(points):
    x, y = np.array(points).T
    ours = spearman(x, y)
    if np.ptp(x) and np.ptp(y):
        assert ours == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert np.isnan(ours)


def test_similarity_is_gensims(tmp_path):
    pairs = some_pairs()
    path = tmp_path / "pairs.tsv"
    path.write_text("# título\n" + "".join("{}\t{}\t{}\n".format(*pair) for pair in pairs))
    _, (rho, _), unknown = keyed().evaluate_word_pairs(str(path))
    assert read_pairs(path.read_text().splitlines()) == pairs
    result = similarity(pairs, VECTORS, VOCAB)
    assert result.spearman == pytest.approx(rho, abs=1e-6)
    assert result.coverage == pytest.approx(1 - unknown / 100)
    assert result.num_used < result.num_asked == 60
    sparse = similarity(pairs, sp.csr_array(VECTORS), VOCAB)
    assert sparse.spearman == pytest.approx(result.spearman)


def test_interval_is_repeatable_and_near_the_theory():
    """Con notas que siguen al coseno con ruido: 1.96/√(n-3) en la escala de Fisher."""
    rng = np.random.default_rng(3)
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    chosen = rng.integers(40, size=(300, 2))
    noisy = (unit[chosen[:, 0]] * unit[chosen[:, 1]]).sum(1) + rng.normal(0, 0.4, 300)
    pairs = [(WORDS[i], WORDS[j], score) for (i, j), score in zip(chosen, noisy)]
    result = similarity(pairs, VECTORS, VOCAB)
    first, second = (result.interval(np.random.default_rng(4)) for _ in "12")
    assert first == second
    centre, margin = np.arctanh(result.spearman), 1.96 / np.sqrt(297)
    assert first[0] == pytest.approx(np.tanh(centre - margin), abs=0.03)
    assert first[1] == pytest.approx(np.tanh(centre + margin), abs=0.03)


def test_similarity_explains_bad_input():
    with pytest.raises(CourseError, match="^Solo 0 de 60 parejas"):
        similarity(some_pairs(), VECTORS[:1], Vocab(["otra"]))
    with pytest.raises(CourseError, match="^Solo 0 de 0 parejas"):
        similarity([], VECTORS, VOCAB)
    with pytest.raises(CourseError, match="todos iguales"):
        similarity(some_pairs(), 0 * VECTORS, VOCAB)
    for line in ("sol luna 3", "sol\tluna", "sol\tluna\tmucho"):
        with pytest.raises(CourseError, match="sol.*tabuladores"):
            read_pairs([line])


def test_accents_and_capitals_fold_to_the_most_frequent_word():
    assert without_accents("Corazón año pingüino") == "Corazon ano pinguino"
    vocab = Vocab(["año", "corazón", "Ano", "está", "esta"])
    words = ["AÑO", "ano", "corazon", "esta"]
    assert word_rows(words, vocab).tolist() == [0, 2, -1, 4]
    assert word_rows(words, vocab, fold_accents=True).tolist() == [0, 0, 1, 3]
    decomposed = "corazo\u0301n"
    assert word_rows([[decomposed, "x"]], vocab, fold_accents=True).tolist() == [[1, -1]]


@pytest.mark.parametrize("kind", [np.array, sp.csr_array, sp.csr_matrix])
def test_unit_rows_leave_a_null_row_null(kind):
    unit = unit_rows(kind([[3.0, 4.0], [0, 0]]))
    unit = unit.toarray() if sp.issparse(unit) else unit
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0]])


# --- Analogías --------------------------------------------------------------------------------

LINES = [": capitales", *(" ".join(f"w{(7 * i + j * j) % 43}" for j in range(4))
                          for i in range(30)), "", ": otras\n", "W1 w2 w3 w4\n"]  # fmt: skip


def slow_answer(vectors, a, b, c, method, exclude_inputs):
    """La definición, palabra por palabra."""

    def cosine(i, j):
        u, v = vectors[i].astype(float), vectors[j].astype(float)
        return u @ v / np.linalg.norm(u) / np.linalg.norm(v)

    best, answer = -np.inf, None
    for x in range(len(vectors)):
        if exclude_inputs and x in (a, b, c):
            continue
        A, B, C = cosine(x, a), cosine(x, b), cosine(x, c)
        score = B - A + C
        if method == "mul":
            score = (1 + B) / 2 * (1 + C) / 2 / ((1 + A) / 2 + 0.001)
        if score > best:
            best, answer = score, x
    return answer


def reachable(method, exclude_inputs):
    """Preguntas cuya respuesta buena es, en la mitad, la que da el bucle lento."""
    questions = []
    for i, question in enumerate(read_analogies(LINES)):
        words = [w.lower() for w in (question.a, question.b, question.c)]
        if i % 2 and all(w in VOCAB for w in words):
            answer = slow_answer(VECTORS, *(VOCAB[w] for w in words), method, exclude_inputs)
            questions.append(type(question)(question.section, *words, WORDS[answer]))
        else:
            questions.append(question)
    return questions


@pytest.mark.parametrize("method", ["add", "mul"])
@pytest.mark.parametrize("exclude_inputs", [True, False])
def test_analogies_are_the_slow_loop(method, exclude_inputs):
    questions = reachable(method, exclude_inputs)
    result = analogies(questions, VECTORS, VOCAB, method, exclude_inputs, block_size=7)
    expected, sections = [], []
    for q in questions:
        words = [w.lower() for w in (q.a, q.b, q.c, q.d)]
        if all(w in VOCAB for w in words):
            a, b, c, d = (VOCAB[w] for w in words)
            expected.append(slow_answer(VECTORS, a, b, c, method, exclude_inputs) == d)
            sections.append(q.section)
    assert 0 < sum(expected) < len(expected) < result.num_asked == 31
    assert result.hits.tolist() == expected and result.sections == sections
    assert result.accuracy == np.mean(expected) and result.coverage == len(expected) / 31
    low, high = result.interval(np.random.default_rng(0))
    assert 0 <= low < result.accuracy < high <= 1
    right, asked = zip(*result.by_section().values())
    assert list(result.by_section()) == ["capitales", "otras"]
    assert sum(right) == sum(expected) and sum(asked) == len(expected)


def test_analogies_are_gensims(tmp_path):
    questions = reachable("add", True)
    lines = [f"{q.a} {q.b} {q.c} {q.d}\n" for q in questions]
    path = tmp_path / "questions.txt"
    path.write_text(": todas\n" + "".join(lines))
    _, sections = keyed().evaluate_word_analogies(str(path))
    result = analogies(questions, VECTORS, VOCAB)
    assert result.hits.sum() == len(sections[-1]["correct"]) > 0
    assert len(result.hits) - result.hits.sum() == len(sections[-1]["incorrect"])


def test_without_exclusion_the_answer_is_an_input_word():
    """El defecto que se esconde al excluir: rey es lo más parecido a hombre→rey, mujer."""
    vocab = Vocab(["hombre", "mujer", "rey", "reina", "mesa"])
    vectors = [[1, 0, 0.2], [0.9, 0.4, 0.2], [1, 0, 1], [0, 0.9, 0.9], [-1, 0.1, 0]]
    question = read_analogies(["hombre rey mujer reina"])
    for method in ("add", "mul"):
        assert analogies(question, vectors, vocab, method).hits.tolist() == [1]
        free = analogies(question, vectors, vocab, method, exclude_inputs=False)
        assert free.hits.tolist() == [0]
        words = [w for w, _ in analogy("hombre", "rey", "mujer", vectors, vocab, method=method)]
        assert words == ["reina", "mesa"]
        [(first, _)] = analogy("hombre", "rey", "mujer", vectors, vocab, 1, method, False)
        assert first == "rey"


@pytest.mark.parametrize("method", ["add", "mul"])
def test_sparse_vectors_answer_like_dense_ones(method):
    questions, sparse = reachable(method, True), sp.csr_array(VECTORS)
    dense = analogies(questions, VECTORS, VOCAB, method)
    assert (analogies(questions, sparse, VOCAB, method).hits == dense.hits).all()
    words = VOCAB.get_itos()[:3]
    found, expected = (analogy(*words, X, VOCAB, method=method) for X in (sparse, VECTORS))
    assert [w for w, _ in found] == [w for w, _ in expected]
    np.testing.assert_allclose([v for _, v in found], [v for _, v in expected], rtol=1e-5)


def test_analogies_fold_accents():
    vocab = Vocab(["lima", "perú", "bogotá", "colombia"])
    question = read_analogies(["Lima Peru Bogota Colombia"])
    assert analogies(question, np.eye(4), vocab, fold_accents=True).coverage == 1
    with pytest.raises(CourseError, match="Ninguna de las 1 analogías"):
        analogies(question, np.eye(4), vocab)


def test_analogies_explain_bad_input():
    with pytest.raises(CourseError, match="«add» o «mul», no 'sum'"):
        analogies(read_analogies(LINES), VECTORS, VOCAB, method="sum")
    with pytest.raises(CourseError, match="«w99» no está"):
        analogy("w1", "w2", "w99", VECTORS, VOCAB)
    with pytest.raises(CourseError, match="Madrid.*cuatro"):
        read_analogies([": x", "Madrid España Lima"])


# --- Los ficheros de verdad -------------------------------------------------------------------


@needs_real_data
@pytest.mark.parametrize(
    "name, num_pairs",
    [
        ("similitud_en/wordsim353.tsv", 353),
        ("similitud_en/simlex999.txt", 999),
        ("similitud_es/rg65_es.tsv", 65),
        ("similitud_es/mc30_es.tsv", 30),
        ("similitud_es/wordsim353_es.tsv", 352),
        ("similitud_es/semeval2017_es.tsv", 500),
    ],
)
def test_real_pairs_are_read_whole(name, num_pairs):
    text = (Path(REAL_DATA) / name).read_text("utf-8")
    pairs = read_pairs(text.splitlines())
    assert len(pairs) == num_pairs
    assert all(0 <= score <= 10 and a and b for a, b, score in pairs)


@needs_real_data
@pytest.mark.parametrize(
    "name, num_questions, num_sections",
    [("en/questions-words", 19_544, 14), ("es/questions-words-es", 14_764, 12)],
)
def test_real_analogies_are_read_whole(name, num_questions, num_sections):
    path = Path(REAL_DATA) / f"similitud_{name}.txt.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    questions = read_analogies(text.splitlines())
    assert len(questions) == num_questions
    assert len({q.section for q in questions}) == num_sections


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def pairs_and_vectors(extra=0):
    """25 parejas con notas muy desiguales y vectores en el plano; `extra`, sin vector."""
    rng = np.random.default_rng(0)
    vocab = Vocab([f"w{i}" for i in range(50)])
    vectors = rng.normal(size=(50, 2))
    firsts = [f"W{i}" if i % 2 else f"w{i}" for i in range(25)]
    pairs = [(w, f"w{i + 25}", float(np.exp(rng.normal() * 3))) for i, w in enumerate(firsts)]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (unit[:25] * unit[25:]).sum(axis=1)
    return pairs + [("nadie", f"w{i}", 1e3) for i in range(extra)], vectors, vocab, cosines


def our_similarity(pairs, vectors, vocab):
    result = similarity(pairs, vectors, vocab)
    return result.spearman, result.coverage


def slow_similarity(pairs, vectors, vocab, measure, known):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [tuple(map(known, pair[:2])) for pair in pairs]
    rows = [[unit[vocab[w]] if w in vocab else np.zeros(2) for w in pair] for pair in words]
    rho = measure([first @ second for first, second in rows], [pair[2] for pair in pairs])[0]
    return rho, np.mean([first in vocab and second in vocab for first, second in words])


def pearson_first(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, pearsonr, str.lower)


def absent_words_as_zeros(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, spearmanr, str.lower)


def case_kept(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, spearmanr, str)


@regression(ours=our_similarity, defective=pearson_first)
def test_similarity_is_of_ranks(measure):
    """Defecto: Pearson en vez de Spearman."""
    pairs, vectors, vocab, cosines = pairs_and_vectors()
    expected = spearmanr(cosines, [score for *_, score in pairs]).statistic
    assert measure(pairs, vectors, vocab)[0] == pytest.approx(expected)


@regression(
    ours=our_similarity, defective=[absent_words_as_zeros, case_kept]
)
def test_pairs_out_of_the_vocabulary(measure):
    """Lo que falta se dice y no cuenta; «W1» y «w1» son la misma palabra."""
    pairs, vectors, vocab, cosines = pairs_and_vectors(extra=25)
    expected = spearmanr(cosines, [score for *_, score in pairs[:25]]).statistic
    assert measure(pairs, vectors, vocab) == (pytest.approx(expected), 0.5)
