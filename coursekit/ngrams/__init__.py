"""Modelos de lenguaje que cuentan: el punto de comparación de toda red que escribe."""

from coursekit.ngrams.kneser_ney import KneserNey
from coursekit.ngrams.witten_bell import WittenBell

__all__ = ["KneserNey", "WittenBell"]
