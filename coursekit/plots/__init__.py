"""Las figuras del curso: un solo estilo, una sola paleta."""

from collections.abc import Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

# Pulgadas que caben en un teléfono sin que la letra baje de unos nueve puntos de pantalla.
WIDEST = 5.4

# Okabe e Ito (2008): se distinguen también con daltonismo. Sin el amarillo, que no se lee
# sobre blanco.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
COLORMAP = "Blues"


def use_style() -> None:
    """Pone el estilo del curso en todas las figuras que siguen."""
    plt.rcParams.update(
        {
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "figure.facecolor": "white",
            "figure.figsize": (5, 3.2),
            "font.size": 10,
            "grid.alpha": 0.3,
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def heatmap(matrix, row_labels: Sequence[str], col_labels: Sequence[str]) -> Axes:
    """Una matriz densa como cuadrícula de color con el valor escrito en cada celda."""
    matrix = np.asarray(matrix)
    rows, cols = matrix.shape
    _, ax = plt.subplots(figsize=(min(1 + 0.5 * cols, WIDEST), 0.8 + 0.38 * rows))
    ax.imshow(matrix, cmap=COLORMAP, aspect="auto")
    ax.set_xticks(range(cols), col_labels, rotation=45, ha="right")
    ax.set_yticks(range(rows), row_labels)
    ax.grid(False)
    middle = (matrix.min() + matrix.max()) / 2
    for (row, col), value in np.ndenumerate(matrix):
        # Los ceros, en gris: la vista va a lo que hay.
        color = "#AAAAAA" if value == 0 else "white" if value > middle else "black"
        ax.text(col, row, f"{value:.3g}", ha="center", va="center", color=color, fontsize="small")
    return ax


def scatter_words(
    vectors2d, words: Sequence[str], colors: Sequence[int] | None = None
) -> Axes:
    """Palabras en el plano: un punto y su nombre por cada fila de `vectors2d` (N, 2).

    Args:
        vectors2d: coordenadas (N, 2).
        words: los N nombres.
        colors: el número de color de la paleta de cada punto; sin él, todos iguales.
    """
    figure, ax = plt.subplots(figsize=(WIDEST, 4.6))
    points = np.asarray(vectors2d)
    shades = [PALETTE[i % len(PALETTE)] for i in colors or [0] * len(words)]
    ax.scatter(*points.T, s=24, c=shades)
    ax.margins(0.2, 0.12)
    figure.draw_without_rendering()
    dots = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in ax.transData.transform(points)]
    taken = []
    for i, (word, point) in enumerate(zip(words, points)):
        label = ax.annotate(word, point, xytext=(4, 3), textcoords="offset points")
        # Cada nombre prueba los lados de su punto, cada vez más lejos, hasta no pisar nada.
        for y, x in product((3, -11, 13, -21, 23, -31), (5, -5)):
            label.set(position=(x, y), horizontalalignment="left" if x > 0 else "right")
            box = label.get_window_extent()
            if not any(map(box.overlaps, taken + dots[:i] + dots[i + 1 :])):
                break
        taken.append(box)
    return ax
