"""Ejercicios que se comprueban solos: especificación, comprobación, pistas y juicio."""

from coursekit.grading.notebook import check, hint

__all__ = ["check", "hint"]
