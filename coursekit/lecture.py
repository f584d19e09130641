"""Lo que una lección usa del curso: cifras que pasan al texto, comprobaciones, tablas y apuestas."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from numbers import Number

import numpy as np

GLUE_PREFIX = "application/papermill.record/"  # con él, ni Jupyter ni Colab muestran la salida


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
    metadata["scrapbook"] = {"name": name, "mime_prefix": GLUE_PREFIX}
    display({GLUE_PREFIX + mime: part for mime, part in data.items()}, raw=True, metadata=metadata)


def compare(name: str, ours, reference, tolerance: float = 1e-6) -> None:
    """Imprime si dos resultados coinciden: exactos o, si no, cuánto difieren como mucho.

    Args:
        name: qué se compara.
        ours, reference: arreglos, tensores, matrices dispersas o números de la misma forma.
        tolerance: diferencia absoluta admitida.

    Raises:
        AssertionError: si difieren en forma o en más de `tolerance`.
    """
    ours, reference = _dense(ours), _dense(reference)
    assert ours.shape == reference.shape, f"{name}: formas {ours.shape} y {reference.shape}"
    largest = float(np.abs(ours - reference).max(initial=0))
    assert math.isfinite(largest), f"{name}: hay números que no son finitos"
    said = "exacto"
    if largest:
        # Una potencia de diez: la última cifra de una diferencia de redondeo no significa nada. Los
        # espacios no se parten: en un teléfono el renglón dobla por la coma.
        bound = f"diferencia\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}1e{math.floor(math.log10(largest)) + 1}"
        said = f"{'aproximado' if largest <= tolerance else 'distinto'}, {bound}"
    print(f"{name}: {said}")
    assert largest <= tolerance, f"{name}: la diferencia máxima es {largest}"


def _dense(value) -> np.ndarray:
    if hasattr(value, "toarray"):
        return value.toarray()
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


class Table:
    """Una tabla de resultados: HTML en el sitio y en Colab, columnas alineadas donde no lo hay.

    Args:
        caption: qué muestra.
        columns: el formato de cada columna (como el de `format`), por su título.
        rows: las filas; cada una, un valor por columna. `None` deja el hueco.
    Raises:
        ValueError: si una fila no tiene un valor por columna.
    """

    def __init__(self, caption: str, columns: dict[str, str], rows: Iterable[Sequence]):
        self.caption, self.titles = caption, list(columns)
        rows = list(rows)
        self.cells = [
            ["" if value is None else format(value, spec)
             for value, spec in zip(row, columns.values(), strict=True)]
            for row in rows
        ]  # fmt: skip
        # Los números, a la derecha: así se comparan de un vistazo.
        self.numeric = [
            all(isinstance(row[i], Number | None) for row in rows) for i in range(len(columns))
        ]

    def __repr__(self):
        lines = [self.titles, *self.cells]
        widths = [max(map(len, column)) for column in zip(*lines)]
        aligned = (
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, self.numeric)
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.caption, *aligned])

    def _repr_html_(self):
        head, *body = [self._row(self.titles, "th"), *(self._row(cells, "td") for cells in self.cells)]
        return "\n".join([
            '<table class="dataframe resultados">', f"<caption>{escape(self.caption)}</caption>",
            "<thead>", head, "</thead>", "<tbody>", *body, "</tbody>", "</table>",
        ])  # fmt: skip

    def _row(self, cells, tag):
        sides = ['style="text-align: right"' if number else 'style="text-align: left"'
                 for number in self.numeric]
        inside = (f"<{tag} {side}>{escape(cell)}</{tag}>" for cell, side in zip(cells, sides))
        return f"<tr>{''.join(inside)}</tr>"


class Verdict:
    """Cómo quedó una apuesta; el sitio la enseña a quien apostó en la página."""

    def __init__(self, number: int, bet: str | None, right: str, why: str):
        self.number, self.right, self.why = number, right, why
        self.yours = ""
        if bet is not None:
            self.yours = "Acertaste." if bet == right else f"Dijiste {bet})."

    def __repr__(self):
        said = f"Apuesta {self.number}: la respuesta es {self.right}). {self.yours}".rstrip()
        return f"{said}\n{self.why}"

    def _repr_html_(self):
        return (
            f'<div class="veredicto" data-apuesta="{self.number}" data-respuesta="{self.right}">\n'
            f"<p><strong>Apuesta {self.number}: la respuesta es {self.right}).</strong> {self.yours}</p>\n"
            f"<p>{escape(self.why)}</p>\n</div>"
        )


def settle(number: int, bet: str | None, right: str, why: str) -> None:
    """Muestra cómo quedó una apuesta de la lección.

    Args:
        number: número de la apuesta.
        bet: la letra apostada, o `None` si no se apostó.
        right: la letra de la respuesta.
        why: por qué es esa, en una o dos frases que se entienden solas.
    """
    verdict = Verdict(number, bet, right, why)
    try:
        from IPython.display import display
    except ImportError:
        print(verdict)
    else:
        display(verdict)
