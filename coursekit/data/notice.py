"""La nota de que una muestra ocupa el lugar de un conjunto: quien lee la ve, quien publica la cuenta."""

import html
import sys
from collections.abc import Mapping

_MARK = "coursekit_sample"
_STYLE = "border-left: 4px solid #b45309; margin: 0; padding: .4em .8em; overflow-wrap: anywhere"


def show(name: str, text: str) -> None:
    """Muestra la nota: una línea en la terminal, un párrafo que se parte en un cuaderno.

    Args:
        name: el conjunto que falta; queda apuntado en la salida, para `stand_ins`.
        text: lo que dice la nota.
    """
    ipython = sys.modules.get("IPython")
    if not ipython or not ipython.get_ipython():
        print(text)
        return
    note = f'<p role="note" style="{_STYLE}">{html.escape(text)}</p>'
    ipython.display.display(
        {"text/plain": text, "text/html": note}, raw=True, metadata={_MARK: name}
    )


def stand_ins(notebook: Mapping) -> list[str]:
    """Conjuntos en cuyo lugar usó una muestra un cuaderno ya ejecutado.

    Args:
        notebook: el cuaderno, como lo leen `json` o `nbformat`.
    """
    outputs = (output for cell in notebook["cells"] for output in cell.get("outputs", ()))
    names = (output.get("metadata", {}).get(_MARK) for output in outputs)
    return sorted({name for name in names if name})
