"""Paquete del curso «Palabras, secuencias y textos»."""

__version__ = "0.1.0"
