"""La imagen que acompaña a un enlace al curso cuando alguien lo comparte."""

from pathlib import Path

NAME = "tarjeta.png"
BLUE, YELLOW = "#0b5cc4", "#ffd479"


def draw(path: Path, title: str) -> None:
    """Dibuja la tarjeta, de 1200 por 630 puntos: el título y la letra tapada de la primera página."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=BLUE)
    figure.text(0.07, 0.70, title, color="white", fontsize=46, weight="bold")
    figure.text(0.07, 0.40, "menores de eda▮", color=YELLOW, fontsize=54, family="monospace")
    figure.text(0.07, 0.16, "Máquinas que leen y escriben en español: lecciones ejecutadas,\n"
                            "modelos desde cero y ejercicios que se comprueban solos.",
                color="white", fontsize=23, linespacing=1.4)
    figure.savefig(path, metadata={"Software": None})
