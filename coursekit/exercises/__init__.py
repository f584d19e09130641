"""Ejercicios que se comprueban solos: especificación, comprobación, pistas y juicio."""

from coursekit.exercises.checking import check, hint

__all__ = ["check", "hint"]
