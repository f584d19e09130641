"""Figuras de lotes: el tensor con su relleno, y las casillas que ocupa cada manera de repartir."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from coursekit.plots import PALETTE, WIDEST

TEXT, PADDING = PALETTE[0], PALETTE[4]
SHIFT = 0.32  # cuánto asoma cada hoja por detrás de la anterior


def padded_tensor(ids, lengths: Sequence[int], num_features: int) -> Axes:
    """Un lote de índices y, detrás, una hoja por rasgo de su *embedding*: lote, secuencia, rasgos.

    Args:
        ids: (lote, pasos), con relleno a la derecha.
        lengths: cuántos pasos de cada fila no son relleno.
        num_features: hojas que se dibujan detrás.
    """
    ids = np.asarray(ids)
    rows, steps = ids.shape
    _, ax = plt.subplots(figsize=(WIDEST, 3.1))
    for sheet in reversed(range(num_features + 1)):
        for row, step in np.ndindex(rows, steps):
            x, y = step + sheet * SHIFT, row - sheet * SHIFT
            color = TEXT if step < lengths[row] else PADDING
            ax.add_patch(Rectangle((x, y), 1, 1, facecolor="white", edgecolor="none"))
            ax.add_patch(Rectangle((x, y), 1, 1, facecolor=color + "40", edgecolor=color))
            if sheet == 0:
                ax.text(x + 0.5, y + 0.5, ids[row, step], ha="center", va="center", fontsize=12)
    depth = num_features * SHIFT
    ax.text(steps / 2, rows + 0.45, f"secuencia: {steps} pasos →", ha="center", va="center")
    ax.text(-0.35, rows / 2, f"lote: {rows} textos →", ha="center", va="center", rotation=-90)
    ax.text(steps + depth + 0.2, rows / 2 - depth, f"rasgos:\n{num_features}", va="center")
    ax.set(xlim=(-0.8, steps + depth + 1.9), ylim=(rows + 0.8, -depth - 0.2), aspect="equal")
    ax.axis("off")
    return ax


def padding_by_strategy(batches: dict[str, Sequence[Sequence[int]]]) -> Figure:
    """Un panel por estrategia: cada fila es un texto, azul lo leído y amarillo el relleno.

    Args:
        batches: de cada título, unos lotes, y de cada lote, los largos de sus textos.
    """
    figure, axes = plt.subplots(len(batches), 1, figsize=(WIDEST, 1.75 * len(batches)), sharex=True)
    for ax, (name, some) in zip(axes, batches.items()):
        lengths = np.concatenate([np.asarray(batch) for batch in some])
        widths = np.concatenate([np.full(len(batch), max(batch)) for batch in some])
        rows = np.arange(len(lengths))
        ax.barh(rows, widths, height=1, color=PADDING, linewidth=0, label="relleno")
        ax.barh(rows, lengths, height=1, color=TEXT, linewidth=0, label="leído")
        for end in np.cumsum([len(batch) for batch in some])[:-1]:
            ax.axhline(end - 0.5, color="white", linewidth=1.5)
        ax.set(ylim=(len(rows) - 0.5, -0.5), yticks=[])
        ax.set_title(name, fontsize=10)
        ax.grid(False)
        ax.set_ylabel("reseñas")
    axes[-1].set_xlabel("columnas del lote")
    axes[-1].legend(loc="center right")
    return figure
