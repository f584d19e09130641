"""Diagramas de la parte de palabras."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from coursekit.plots import PALETTE, WIDEST

CENTER, CONTEXT, REST = PALETTE[1], PALETTE[0], "#777777"


def sliding_window(words: Sequence[str], window: int) -> Axes:
    """Una frase repetida en filas: en cada una, otra palabra al centro y sus contextos marcados.

    Args:
        words: las palabras de la frase.
        window: cuántas palabras se miran a cada lado.
    """
    width = min(1.15 * len(words) + 0.4, WIDEST)
    _, ax = plt.subplots(figsize=(width, 0.5 * len(words) + 0.2))
    for row in range(len(words)):
        first, last = max(0, row - window), min(len(words) - 1, row + window)
        box = (first - 0.46, -row - 0.36), last - first + 0.92, 0.72
        ax.add_patch(FancyBboxPatch(*box, boxstyle="round,pad=0,rounding_size=0.2",
                                    facecolor="#E8F1F8", edgecolor=CONTEXT, linewidth=1))
        for column, word in enumerate(words):
            near = first <= column <= last
            color = CENTER if column == row else CONTEXT if near else REST
            weight = "bold" if column == row else "normal"
            ax.text(column, -row, word, color=color, weight=weight, ha="center", va="center")
    ax.set(xlim=(-0.6, len(words) - 0.4), ylim=(-len(words) + 0.5, 0.5))
    ax.axis("off")
    return ax


def pieces_by_row(rows: Sequence[tuple[str, Sequence[str]]]) -> Axes:
    """Palabras partidas en trozos, una por fila; cada trozo, una caja.

    Args:
        rows: de cada fila, lo que la nombra y sus trozos.
    """
    _, ax = plt.subplots(figsize=(WIDEST, 0.36 * len(rows) + 0.1))
    for row, (name, pieces) in enumerate(rows):
        left = 0.0
        for number, piece in enumerate(pieces):
            face = ("#E8F1F8", "#FBE9DD")[number % 2]  # dos tonos: se ve dónde acaba cada una
            ax.add_patch(Rectangle((left + 0.06, -row - 0.36), len(piece) - 0.12, 0.72, facecolor=face,
                                   edgecolor=(CONTEXT, CENTER)[number % 2], linewidth=1))
            for place, letter in enumerate(piece):
                ax.text(left + place + 0.5, -row, letter, ha="center", va="center", family="monospace")
            left += len(piece)
        ax.text(-0.5, -row, name, ha="right", va="center", color=REST)
    widest = max(len("".join(pieces)) for _, pieces in rows)
    ax.set(xlim=(-0.3 * widest, widest + 0.3), ylim=(-len(rows) + 0.5, 0.5))
    ax.axis("off")
    return ax
