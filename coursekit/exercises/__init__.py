"""Ejercicios que se comprueban solos: especificación, comprobación, pistas y juicio."""

from coursekit.exercises.checking import open_set

__all__ = ["open_set"]
