"""Figuras de secuencias: la red desplegada, los cortes de un texto, la sorpresa letra a letra."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from coursekit.plots import PALETTE, WIDEST

INPUT, STATE, OUTPUT, *_ = PALETTE
LETTERS_PER_LINE = 18
LETTER_SIZE = 15  # puntos: en un teléfono la figura encoge a poco más de la mitad
BOX = {"boxstyle": "round,pad=0.4", "facecolor": "white", "linewidth": 1.5}


def unrolled_rnn(symbols: Sequence[str], states=None, predictions=None) -> Axes:
    """Una red recurrente desplegada: mismo color, mismos pesos en todos los pasos.

    Args:
        symbols: lo que entra en cada paso.
        states: (T, num_hiddens); sin él, los estados se escriben como símbolos.
        predictions: lo que la red cree que sigue, un texto por paso.
    """
    num_steps = len(symbols)
    _, ax = plt.subplots(figsize=(min(1.7 * num_steps + 1.6, WIDEST), 3.6))
    names = ["$\\mathbf{H}_0$\n" + ("" if states is None else "(0, 0)")]
    for t in range(1, num_steps + 1):
        state = "" if states is None else "(" + ",\n".join(f"{v:.2f}" for v in states[t - 1]) + ")"
        names.append(f"$\\mathbf{{H}}_{t}$\n{state}")
    for t, name in enumerate(names):
        _box(ax, t, 1, name.strip(), STATE)
        if t == 0:
            continue
        _box(ax, t, 0, symbols[t - 1], INPUT)
        _arrow(ax, (t, 0.2), (t, 0.62), INPUT)
        _arrow(ax, (t - 0.66, 1), (t - 0.34, 1), STATE)
        if predictions is not None:
            _box(ax, t, 2, predictions[t - 1], OUTPUT)
            _arrow(ax, (t, 1.38), (t, 1.8), OUTPUT)
    for y, name, color in [(0.45, "xh", INPUT), (1, "hh", STATE), (1.55, "hq", OUTPUT)]:
        if y < 1.5 or predictions is not None:
            ax.text(num_steps + 0.55, y, f"$\\mathbf{{W}}_{{{name}}}$", color=color, va="center")
    ax.set(xlim=(-0.5, num_steps + 0.9), ylim=(-0.35, 2.35 if predictions is not None else 1.45))
    ax.axis("off")
    return ax


def _box(ax, x, y, text, color):
    ax.text(x, y, text, ha="center", va="center", fontsize=10, bbox=BOX | {"edgecolor": color})


def _arrow(ax, start, end, color):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "linewidth": 2})


def gates(text: str, values: dict[str, Sequence[float]], letters_per_line: int = 22) -> Axes:
    """Lo que valen unas compuertas o una celda tras leer cada letra: azul 1, blanco 0, rojo −1.

    Args:
        text: la frase; si no cabe en un renglón, se parte.
        values: de cada fila, un número por letra de text, de −1 a 1.
    """
    grid, letters = np.array(list(values.values()), dtype=float), text.replace(" ", "·")
    num_lines = -(-len(letters) // letters_per_line)
    width = -(-len(letters) // num_lines)
    size = WIDEST, 0.4 + (0.35 + 0.27 * len(values)) * num_lines
    _, axes = plt.subplots(num_lines, figsize=size, squeeze=False)
    for line, ax in enumerate(axes[:, 0]):
        part = slice(line * width, (line + 1) * width)
        image = ax.imshow(grid[:, part], cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        ax.set_xticks(range(len(letters[part])), letters[part], fontsize=12)
        ax.set_yticks(range(len(values)), list(values))
        ax.set_xlim(-0.5, width - 0.5)
        ax.tick_params(length=0, labeltop=True, labelbottom=False)
        ax.grid(False)
        for side in ax.spines.values():
            side.set_visible(False)
    plt.colorbar(image, ax=list(axes[:, 0]), ticks=[-1, 0, 1])
    return axes[0, 0]


def text_cuts(text: str, cuts: dict[str, Sequence[tuple[int, int]]]) -> Axes:
    """El mismo texto cortado de varias maneras: un color por trozo, gris lo que queda fuera.

    Args:
        text: pocas letras, para que se lean.
        cuts: de cada manera, los trozos como pares (comienzo, final); los que se solapan van
            en renglones sucesivos.
    """
    rows = [row for name, spans in cuts.items() for row in _without_overlap(name, spans)]
    width = min(1.6 + 0.27 * len(text), WIDEST)
    _, ax = plt.subplots(figsize=(width, 0.6 + 0.36 * len(rows)))
    for y, (_, spans) in enumerate(rows):
        for x, letter in enumerate(text):
            ax.text(x + 0.5, y + 0.5, letter.replace(" ", "·"), ha="center", va="center",
                    color="black" if any(a <= x < b for a, b in spans) else "#999999")
        for number, (start, end) in enumerate(spans):
            color = PALETTE[number % 4]
            ax.add_patch(Rectangle((start + 0.04, y + 0.08), end - start - 0.08, 0.84,
                                   facecolor=color + "30", edgecolor=color, linewidth=1.5))
    ax.set(xlim=(0, len(text)), ylim=(len(rows), 0), xticks=[])
    ax.set_yticks([y + 0.5 for y in range(len(rows))], [name for name, _ in rows])
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _without_overlap(name, spans):
    """Reparte los trozos en renglones en los que ninguno pisa a otro; solo el primero se nombra."""
    rows = []
    for span in spans:
        row = next((row for row in rows if row[-1][1] <= span[0]), None)
        if row is None:
            rows.append([span])
        else:
            row.append(span)
    return [(name if number == 0 else "", row) for number, row in enumerate(rows)]


def parallel_streams(text: str, num_streams: int, num_steps: int) -> Axes:
    """Un texto repartido en tramos que se leen a la vez: cada columna de bloques es un lote."""
    length = len(text) // num_streams
    width = min(1.6 + 0.36 * length, WIDEST)
    _, ax = plt.subplots(figsize=(width, 0.9 + 0.42 * num_streams))
    for x in range(length):
        color = PALETTE[x // num_steps % 4]
        for y in range(num_streams):
            ax.add_patch(Rectangle((x, y + 0.08), 1, 0.84, facecolor=color + "30", edgecolor="white"))
            letter = text[y * length + x].replace(" ", "·")
            ax.text(x + 0.5, y + 0.5, letter, ha="center", va="center")
    for start in range(num_steps, length, num_steps):
        for y in range(num_streams):
            _arrow(ax, (start - 0.35, y + 0.14), (start + 0.4, y + 0.14), STATE)
    for start in range(0, length, num_steps):
        middle = (start + min(start + num_steps, length)) / 2
        ax.text(middle, -0.15, f"lote {start // num_steps + 1}", ha="center", va="bottom")
    ax.set(xlim=(0, length), ylim=(num_streams, -0.6), xticks=[])
    ax.set_yticks(np.arange(num_streams) + 0.5, [f"tramo {y + 1}" for y in range(num_streams)])
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def surprise(text: str, bits: dict[str, Sequence[float]]) -> Axes:
    """La sorpresa de cada letra, en bits, según varios modelos: un renglón por modelo.

    Args:
        text: la frase; su primera letra nadie la predice. Si no cabe en un renglón, se parte.
        bits: de cada modelo, −log₂ p de las letras de text[1:].
    """
    grid, letters = np.array(list(bits.values()), dtype=float), text[1:].replace(" ", "·")
    num_lines = -(-len(letters) // LETTERS_PER_LINE)
    width = -(-len(letters) // num_lines)
    size = WIDEST, 0.6 + 0.42 * len(bits) * num_lines
    _, axes = plt.subplots(num_lines, figsize=size, squeeze=False)
    for line, ax in enumerate(axes[:, 0]):
        start = line * width
        part = grid[:, start : start + width]
        image = ax.imshow(part, cmap="Blues", vmin=0, vmax=8, aspect="auto")
        for (y, x), value in np.ndenumerate(part):
            ax.text(x, y, letters[start + x], ha="center", va="center", fontsize=LETTER_SIZE,
                    color="white" if value > 4.5 else "black")
        ax.set_yticks(range(len(bits)), list(bits))
        ax.set(xticks=[], xlim=(-0.5, width - 0.5))
        ax.tick_params(length=0)
        ax.grid(False)
    plt.colorbar(image, ax=list(axes[:, 0]), label="sorpresa (bits)")
    return axes[0, 0]
