"""Lo que el curso publica: versiones para estudiantes, cuadernos de Colab y cifras del texto."""

from coursekit.publishing.glue import glue

__all__ = ["glue"]
