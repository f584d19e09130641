"""La prueba del intruso, la comprobación visible y las figuras de palabras."""

import matplotlib
import numpy as np
import pytest
import scipy.sparse as sp
from bs4 import BeautifulSoup

matplotlib.use("Agg")

from coursekit.bootstrap import bootstrap_interval
from coursekit.data import load_sample
from coursekit.embeddings import (
    analogies,
    analogy,
    associations,
    keyed_vectors,
    nearest,
    odd_one_out,
    read_analogies,
    similarity,
)
from coursekit.errors import CourseError
from coursekit.lecture import Table, Verdict, compare, settle
from coursekit.plots import scatter_words
from coursekit.plots.words import sliding_window
from coursekit.text import vocab

WORDS = ["pan", "vino", "queso", "mesa", "nada"]
VOCAB = vocab(dict.fromkeys(WORDS, 1))
VECTORS = np.array([[1, 0.1, 0], [1, 0, 0.2], [0.9, 0.1, 0], [0, 1, 1], [0, 0, 0]])


@pytest.mark.parametrize("vectors", [VECTORS, sp.csr_array(VECTORS)], ids=["densa", "dispersa"])
def test_odd_one_out_is_the_least_similar_whatever_its_place(vectors):
    for order in (["pan", "vino", "queso", "mesa"], ["mesa", "queso", "vino", "pan"]):
        assert odd_one_out(order, vectors, VOCAB) == "mesa"


@pytest.mark.parametrize(
    "ask",
    [
        lambda vectors: nearest("pan", vectors, VOCAB),
        lambda vectors: associations("pan", vectors, VOCAB),
        lambda vectors: odd_one_out(["pan", "vino", "mesa"], vectors, VOCAB),
        lambda vectors: analogy("pan", "vino", "mesa", vectors, VOCAB),
        lambda vectors: analogies(read_analogies(["pan vino mesa queso"]), vectors, VOCAB),
        lambda vectors: similarity([("pan", "vino", 1.0)] * 30, vectors, VOCAB),
        lambda vectors: keyed_vectors(vectors, VOCAB),
    ],
)
def test_every_question_needs_one_finite_vector_per_word(ask):
    """Con un NaN, argmax elige siempre esa palabra: parecería que acierta."""
    with pytest.raises(CourseError, match=r"\(5, dim\), uno por palabra, no \(4, 3\)"):
        ask(VECTORS[:4])
    exploded = VECTORS.copy()
    exploded[3, 1] = np.nan
    with pytest.raises(CourseError, match="no son finitos"):
        ask(exploded)


def test_odd_one_out_agrees_with_a_slow_loop():
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(12)]
    vectors, index = rng.normal(size=(12, 6)), vocab(dict.fromkeys(words, 1))
    for _ in range(20):
        four = [str(word) for word in rng.choice(words, 4, replace=False)]

        def closeness(word, four=four):
            u = vectors[index[word]]
            others = [vectors[index[other]] for other in four if other != word]
            return sum(u @ v / np.linalg.norm(u) / np.linalg.norm(v) for v in others)

        assert odd_one_out(four, vectors, index) == min(four, key=closeness)


def test_odd_one_out_accepts_a_null_vector_and_refuses_unknown_words():
    assert odd_one_out(["pan", "vino", "nada"], VECTORS, VOCAB) == "nada"
    with pytest.raises(CourseError, match="«panes» no está en el vocabulario"):
        odd_one_out(["pan", "vino", "panes"], VECTORS, VOCAB)
    with pytest.raises(CourseError, match="hacen falta tres"):
        odd_one_out(["pan", "vino"], VECTORS, VOCAB)


def test_bootstrap_interval_agrees_with_the_binomial():
    hits = [1] * 60 + [0] * 40
    low, high = bootstrap_interval(hits, np.random.default_rng(0))
    margin = 1.96 * np.sqrt(0.6 * 0.4 / 100)
    assert low == pytest.approx(0.6 - margin, abs=0.02)
    assert high == pytest.approx(0.6 + margin, abs=0.02)
    assert bootstrap_interval([1, 1, 1], np.random.default_rng(0)) == (1, 1)


def test_bootstrap_resamples_whole_questions():
    """Con dos columnas iguales, su diferencia es cero en cualquier remuestreo de las filas."""
    pairs = np.repeat(np.arange(30)[:, None], 2, axis=1)
    spread = bootstrap_interval(pairs, np.random.default_rng(0), lambda drawn: np.ptp(drawn, axis=1).max())
    assert spread == (0, 0)
    medians = bootstrap_interval(pairs[:, 0], np.random.default_rng(0), np.median, num_draws=200)
    assert 5 < medians[0] < 14.5 < medians[1] < 25


def test_intruder_samples_have_three_related_words_and_share_no_question():
    samples = [load_sample(name) for name in ("intrusos", "intrusos_prueba")]
    items = [
        [intruder, *text.split()]
        for sample in samples for intruder, text in zip(sample.labels, sample.documents, strict=True)
    ]  # fmt: skip
    assert all(len(sample.labels) >= 90 for sample in samples)
    assert all(len(set(item)) == 4 for item in items)
    assert len({tuple(sorted(item)) for item in items}) == len(items)


def test_compare_shows_what_differs_and_fails_beyond_the_tolerance(capsys):
    compare("iguales", sp.csr_array(np.eye(2)), np.eye(2))
    compare("casi", 1.0, 1.0 + 3e-9)
    assert capsys.readouterr().out == (
        "iguales: exacto\n"
        "casi: aproximado, diferencia\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}1e-8\n"
    )
    with pytest.raises(AssertionError, match="distintos: la diferencia máxima es 0.5"):
        compare("distintos", [1.0, 2.0], [1.0, 2.5])
    with pytest.raises(AssertionError, match="formas"):
        compare("formas", [1.0], [[1.0]])


def test_settle_tells_each_outcome_of_a_bet(capsys):
    for bet in (None, "c", "a"):
        settle(2, bet, "c", "Porque sí.")
    assert capsys.readouterr().out.splitlines() == [
        "Apuesta 2: la respuesta es c).", "Porque sí.",
        "Apuesta 2: la respuesta es c). Acertaste.", "Porque sí.",
        "Apuesta 2: la respuesta es c). Dijiste a).", "Porque sí.",
    ]


def test_a_verdict_tells_the_page_the_bet_and_its_answer():
    verdict = BeautifulSoup(Verdict(2, None, "c", "2 < 3")._repr_html_(), "html.parser")
    assert verdict.div["data-apuesta"] == "2" and verdict.div["data-respuesta"] == "c"
    assert verdict.get_text(" ", strip=True) == "Apuesta 2: la respuesta es c). 2 < 3"


def test_a_table_reads_the_same_in_html_and_in_text():
    columns = {"modelo": "", "perplejidad": ".2f", "contadores": ","}
    table = Table("En la prueba", columns, [("6-gramas", 3.14159, 120_000), ("<red>", np.float64(12), None)])
    assert repr(table).splitlines() == [
        "En la prueba",
        "modelo    perplejidad  contadores",
        "6-gramas         3.14     120,000",
        "<red>           12.00",
    ]
    html = BeautifulSoup(table._repr_html_(), "html.parser")
    assert html.caption.text == "En la prueba"
    assert [[cell.text for cell in row.find_all(["th", "td"])] for row in html.find_all("tr")] == [
        ["modelo", "perplejidad", "contadores"], ["6-gramas", "3.14", "120,000"], ["<red>", "12.00", ""],
    ]
    with pytest.raises(ValueError):
        Table("Una fila corta", columns, [("6-gramas", 3.1)])


def test_names_on_the_map_do_not_overlap():
    points = [[0, 0], [0.01, 0.0], [0.02, 0.01], [5, 5]]
    ax = scatter_words(points, ["conde", "marqués", "duque", "mar"], colors=[0, 0, 1, 2])
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_the_window_is_drawn_over_every_word():
    ax = sliding_window(["el", "gato", "bebe"], window=1)
    assert [text.get_text() for text in ax.texts] == ["el", "gato", "bebe"] * 3
    widths = [patch.get_width() for patch in ax.patches]
    assert widths[1] > widths[0] == widths[2]
