"""Lo que la lección de la sorpresa dibuja."""

import matplotlib
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from coursekit.plots.surprise import question_game


def test_the_painted_area_is_the_mean_number_of_questions():
    p = [1 / 2, 1 / 4, 1 / 8, 1 / 8]
    plans = {"primero la 2": [1, 2, 3, 3], "primero la 3": [1, 3, 2, 3]}
    for ax, (name, depths) in zip(question_game(p, plans), plans.items()):
        area = sum(box.get_width() * box.get_height() for box in ax.patches)
        assert area == pytest.approx(sum(q * depth for q, depth in zip(p, depths)))
        assert ax.get_title() == name
        assert sorted(text.get_text() for text in ax.texts) == ["1", "2", "3", "4"]
        assert sum(box.get_width() for box in ax.patches if box.get_y() == 0) == pytest.approx(1)
    plt.close("all")
