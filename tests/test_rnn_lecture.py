"""Lo que la lección de redes recurrentes dibuja."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from coursekit.plots import sequences


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_unrolled_network_shows_every_symbol_state_and_prediction():
    states = np.array([[-0.76, 0.5], [0.25, -1.0]])
    ax = sequences.unrolled_rnn("sí", states, ["í", "·"])
    shown = [" ".join(text.split()) for text in texts(ax)]  # el estado va en dos renglones
    assert {"s", "í", "·"} <= set(shown)
    assert sum("(-0.76, 0.50)" in text for text in shown) == 1
    assert sum("(0.25, -1.00)" in text for text in shown) == 1


def test_arrows_of_the_same_matrix_share_their_colour():
    ax = sequences.unrolled_rnn("abc", np.zeros((3, 2)), list("bcd"))
    colours = [t.arrow_patch.get_edgecolor() for t in ax.texts if getattr(t, "arrow_patch", None)]
    assert len(colours) == 9 and sorted(colours.count(c) for c in set(colours)) == [3, 3, 3]


def test_overlapping_cuts_go_to_their_own_rows():
    ax = sequences.text_cuts("abcdef", {"juntos": [(0, 3), (3, 6)], "pisados": [(0, 3), (1, 4)]})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["juntos", "pisados", ""]
    boxes = [p for p in ax.patches if isinstance(p, Rectangle)]
    assert [round(p.get_x()) for p in boxes] == [0, 3, 0, 1]


def test_each_stream_reads_a_contiguous_piece():
    ax = sequences.parallel_streams("abcdefgh", num_streams=2, num_steps=2)
    placed = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text()
              for t in ax.texts if len(t.get_text()) == 1}
    assert "".join(placed[0, x] for x in range(4)) == "abcd"
    assert "".join(placed[1, x] for x in range(4)) == "efgh"
    assert {"lote 1", "lote 2"} <= set(texts(ax))


def test_surprise_belongs_to_the_letter_that_was_predicted():
    ax = sequences.surprise("a b", {"uno": [1.0, 7.0], "otro": [2.0, 3.0]})
    assert texts(ax) == ["·", "b", "·", "b"]
    assert ax.images[0].get_array().tolist() == [[1.0, 7.0], [2.0, 3.0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["uno", "otro"]
