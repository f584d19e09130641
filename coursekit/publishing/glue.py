"""Cifras que pasan de una celda al texto de la página."""

PREFIX = "application/papermill.record/"  # con él, ni Jupyter ni Colab muestran la salida


def glue(name: str, value: object) -> None:
    r"""Guarda un valor con un nombre para citarlo en el texto con {glue:text}\`nombre\`.

    Emite lo mismo que `myst_nb.glue(name, value, display=False)`, sin necesitar myst_nb, salvo
    que un escalar de NumPy o de PyTorch se guarda como número, para poder darle formato. Fuera de
    un cuaderno no hace nada.

    Args:
        name: nombre con el que se cita; uno distinto por valor.
        value: cualquier objeto; se guarda tal como un cuaderno lo mostraría.
    """
    try:
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.display import display
    except ImportError:
        return
    if not InteractiveShell.initialized():
        return
    if getattr(value, "shape", None) == ():
        value = value.item()
    data, metadata = InteractiveShell.instance().display_formatter.format(value)
    metadata["scrapbook"] = {"name": name, "mime_prefix": PREFIX}
    display({PREFIX + mime: part for mime, part in data.items()}, raw=True, metadata=metadata)
