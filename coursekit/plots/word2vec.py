"""Diagramas de word2vec."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from coursekit.plots import WIDEST
from coursekit.plots.words import CENTER, CONTEXT


def guessing_games(words: Sequence[str], centre: int) -> Figure:
    """Los dos juegos sobre una frase: en CBOW se adivina el centro; en Skip-gram, el contexto.

    Args:
        words: las palabras de la frase.
        centre: el lugar de la que está en el centro.
    """
    figure, axes = plt.subplots(2, 1, figsize=(WIDEST, 3.2))
    titles = "CBOW: el contexto adivina el centro", "Skip-gram: el centro adivina el contexto"
    for ax, title, inwards in zip(axes, titles, (True, False)):
        for i, word in enumerate(words):
            given = (i != centre) == inwards
            ax.text(i, 0, word if given else f"¿{word}?", ha="center", va="center", fontsize=12,
                    color=CENTER if i == centre else CONTEXT, weight="bold" if given else "normal")
            if i != centre:
                ends = [(i, 0.28), (centre + 0.12 * np.sign(i - centre), 0.28)]
                bend = 0.35 * np.sign(i - centre)
                start, end = ends if inwards else ends[::-1]
                ax.annotate("", end, start, arrowprops={
                    "arrowstyle": "->", "color": "#777777", "linewidth": 1.5,
                    "connectionstyle": f"arc3,rad={bend if inwards else -bend}"})  # fmt: skip
        ax.set_title(title, fontsize=11, loc="left")
        ax.set(xlim=(-0.6, len(words) - 0.4), ylim=(-0.35, 1.15))
        ax.axis("off")
    return figure


def moved_numbers(words: Sequence[str], updates: dict[str, Sequence[np.ndarray]]) -> Figure:
    """Qué números de las dos tablas mueve un ejemplo, según la pérdida.

    Args:
        words: las filas de las tablas.
        updates: de cada pérdida, lo que cambian `W_in` y `W_out`, (V, dim) cada una.
    """
    tables = [(f"{title}\nW_in", "\nW_out") for title in updates]
    figure, axes = plt.subplots(1, 2 * len(updates), figsize=(WIDEST, 0.6 + 0.24 * len(words)), sharey=True)
    changes = sum(map(tuple, updates.values()), ())
    for number, (ax, title, change) in enumerate(zip(axes, sum(tables, ()), changes)):
        for row, column in np.ndindex(change.shape):
            color = (CENTER, CONTEXT)[number % 2] if change[row, column] else "#DDDDDD"
            ax.add_patch(Rectangle((column + 0.06, row + 0.06), 0.88, 0.88, linewidth=0, facecolor=color))
        ax.set_title(title, fontsize=10, loc="left")
        ax.set(xlim=(0, change.shape[1]), ylim=(len(words), 0), xticks=[])
        ax.set_yticks(np.arange(len(words)) + 0.5, words)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.grid(False)
    return figure
