"""Frases de dos y tres palabras generadas por una gramática de plantillas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursekit.errors import CourseError

if TYPE_CHECKING:
    import numpy as np

WORD_CLASSES = {
    "humano": ["abuela", "panadero", "niña", "marinero"],
    "animal": ["gato", "burro", "gallina"],
    "cosa": ["piedra", "caja", "rueda"],
    "monstruo": ["ogro", "dragón"],
    "frágil": ["jarrón", "espejo", "taza"],
    "comida": ["pan", "queso", "sopa"],
    "intransitivo": ["duerme", "piensa"],
    "transitivo": ["persigue", "busca"],
    "movimiento": ["gira", "sube", "baja"],  # con objeto o sin él: «sube caja», «caja sube»
    "percepción": ["huele", "toca"],
    "destrucción": ["rompe", "aplasta"],
    "ingestión": ["come", "devora"],
}

TEMPLATES = [
    ("humano", "ingestión", "comida"),
    ("humano", "percepción", "cosa"),
    ("humano", "destrucción", "frágil"),
    ("humano", "intransitivo"),
    ("humano", "transitivo", "humano"),
    ("humano", "movimiento", "cosa"),
    ("humano", "movimiento"),
    ("animal", "ingestión", "comida"),
    ("animal", "transitivo", "animal"),
    ("animal", "movimiento", "cosa"),
    ("animal", "movimiento"),
    ("cosa", "movimiento"),
    ("monstruo", "destrucción", "frágil"),
    ("monstruo", "ingestión", "humano"),
    ("monstruo", "ingestión", "animal"),
    ("monstruo", "ingestión", "comida"),
]


def elman_sentences(num_sentences: int, rng: np.random.Generator) -> list[list[str]]:
    """Frases al azar: se elige una plantilla y, en cada hueco, una palabra de su clase.

    Args:
        num_sentences: cuántas frases.
        rng: generador de NumPy; con la misma semilla salen las mismas frases.

    Returns:
        Lista de frases; cada una, una lista de dos o tres palabras.

    Raises:
        CourseError: si `num_sentences` es menor que 1.

    Source: plantillas y clases de Elman (1990), «Finding Structure in Time», tablas 3 y 4,
        con vocabulario en español propio de este curso.
    """
    if num_sentences < 1:
        raise CourseError(f"Pide al menos una frase: num_sentences es {num_sentences}.")

    def draw(options: list) -> object:
        return options[rng.integers(len(options))]

    return [[draw(WORD_CLASSES[name]) for name in draw(TEMPLATES)] for _ in range(num_sentences)]
