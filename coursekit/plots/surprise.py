"""Figura de la sorpresa: un juego de preguntas de sí o no, dibujado por pisos."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from coursekit.plots import PALETTE, WIDEST


def question_game(p: Sequence[float], plans: dict[str, Sequence[int]]) -> list[Axes]:
    """Planes de preguntas: un piso por pregunta, y el área pintada es la media de preguntas.

    Args:
        p: la probabilidad de cada bola, que es el ancho de su columna.
        plans: de cada plan, en qué pregunta queda descubierta cada bola.
    """
    _, axes = plt.subplots(1, len(plans), figsize=(WIDEST, 2.6), sharey=True, squeeze=False)
    deepest = max(max(depths) for depths in plans.values())
    for ax, (name, depths) in zip(axes[0], plans.items()):
        start = 0.0
        # Las que se descubren antes, a la izquierda: lo que queda por preguntar está junto.
        for i in sorted(range(len(p)), key=lambda i: depths[i]):
            color = PALETTE[i % len(PALETTE)]
            for floor in range(depths[i]):
                ax.add_patch(Rectangle((start, floor), p[i], 1, facecolor=color + "30",
                                       edgecolor="white", linewidth=1.5))
            ax.text(start + p[i] / 2, depths[i] - 0.5, i + 1, ha="center", va="center",
                    color=color, fontweight="bold")
            start += p[i]
        ax.set(title=name, xlim=(0, 1), ylim=(deepest, 0), xticks=[0, 0.5, 1], xlabel="probabilidad")
        ax.set_yticks([y + 0.5 for y in range(deepest)], [f"{y + 1}.ª pregunta" for y in range(deepest)])
        ax.title.set_fontsize("medium")
        ax.tick_params(left=False)
        ax.grid(False)
    return list(axes[0])
