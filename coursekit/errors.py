"""El error que el curso muestra a quien lo usa: una frase, sin traza."""


class CourseError(ValueError):
    """Un problema explicado en una frase en español, con el valor que lo causa y qué hacer.

    En un cuaderno se muestra solo la frase: la traza de pila no ayuda a quien pasó un dato equivocado.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython llama a este método en lugar de imprimir la traza.
        return [f"⚠ {self}"]
