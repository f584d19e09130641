"""Textos inventados de los que se sabe todo: frases, sílabas y palabras al azar.

Las dos primeras clases son los experimentos de Elman (1990), «Finding Structure in Time».
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursekit.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Sequence

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

SYLLABLES = {"b": "ba", "d": "dii", "g": "guuu"}
CONSONANTS, VOWELS = "bcdfglmnprst", "aeiou"


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


def elman_next_words(words: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    """La probabilidad exacta de cada palabra, dado todo lo anterior de un chorro de frases.

    En el chorro las frases van seguidas, sin punto: tras «niña sube» puede venir el objeto
    («caja») o la frase siguiente. Se lleva la cuenta de qué plantilla y qué hueco pueden venir
    ahora, como en un modelo oculto de Márkov cuyos estados son los huecos.

    Args:
        words: el chorro, desde el comienzo de una frase.
        vocabulary: las palabras, en el orden de las columnas.

    Returns:
        Matriz (len(words) + 1, len(vocabulary)); la fila t, la distribución de la palabra t.

    Raises:
        CourseError: si la gramática no puede dar ese chorro.
    """
    import numpy as np

    slots = [(number, i) for number, template in enumerate(TEMPLATES) for i in range(len(template))]
    emission = np.zeros((len(slots), len(vocabulary)))
    start = np.array([i == 0 for _, i in slots]) / len(TEMPLATES)
    transition = np.zeros((len(slots), len(slots)))
    for row, (number, i) in enumerate(slots):
        options = WORD_CLASSES[TEMPLATES[number][i]]
        emission[row] = np.isin(vocabulary, options) / len(options)
        if i + 1 < len(TEMPLATES[number]):
            transition[row, row + 1] = 1
        else:
            transition[row] = start
    column = {word: j for j, word in enumerate(vocabulary)}
    belief, rows = start, [start @ emission]
    for word in words:
        belief = belief * emission[:, column[word]] if word in column else 0 * belief
        if not belief.any():
            raise CourseError(f"La gramática no puede dar «{word}» en ese lugar del chorro.")
        belief = belief / belief.sum() @ transition
        rows.append(belief @ emission)
    return np.stack(rows)


def elman_letters(num_syllables: int, rng: np.random.Generator) -> str:
    """Sílabas seguidas, elegidas al azar: la consonante es imprevisible; sus vocales, no.

    Args:
        num_syllables: cuántas sílabas, de «ba», «dii» y «guuu».
        rng: generador de NumPy; con la misma semilla sale el mismo texto.

    Raises:
        CourseError: si `num_syllables` es menor que 1.

    Source: Elman (1990), «Finding Structure in Time», el experimento de las letras.
    """
    if num_syllables < 1:
        raise CourseError(f"Pide al menos una sílaba: num_syllables es {num_syllables}.")
    return "".join(SYLLABLES[letter] for letter in rng.choice(list(SYLLABLES), num_syllables))


def invented_words(
    num_words: int, shortest: int, longest: int, rng: np.random.Generator
) -> list[str]:
    """Palabras que no existen y se pueden leer: consonante, vocal, consonante…

    Args:
        num_words: cuántas palabras.
        shortest, longest: entre cuántas letras; todos los largos son igual de probables.
        rng: generador de NumPy; con la misma semilla salen las mismas palabras.

    Raises:
        CourseError: si se piden menos de una palabra o de una letra, o largos al revés.
    """
    if num_words < 1 or not 1 <= shortest <= longest:
        raise CourseError(
            f"No hay {num_words} palabras de {shortest} a {longest} letras: pide al menos una "
            "palabra, de al menos una letra, y el largo menor primero."
        )
    lengths = rng.integers(shortest, longest + 1, num_words)
    return [
        "".join(rng.choice(list((CONSONANTS, VOWELS)[i % 2])) for i in range(length))
        for length in lengths
    ]
