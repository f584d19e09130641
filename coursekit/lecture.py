"""Lo que una lección usa del curso: cifras que pasan al texto, comprobaciones a la vista y apuestas."""

import math

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
    """Imprime si dos resultados coinciden: exacto, aproximado y diferencia máxima.

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
    # Una potencia de diez: la última cifra de una diferencia de redondeo no significa nada.
    bound = f"menor que 1e{math.floor(math.log10(largest)) + 1}" if largest else "0"
    print(f"{name} | exacto: {_yes(largest == 0)} | aproximado: {_yes(largest <= tolerance)} "
          f"| diferencia máxima: {bound}")
    assert largest <= tolerance, f"{name}: la diferencia máxima es {largest}"


def _dense(value) -> np.ndarray:
    if hasattr(value, "toarray"):
        return value.toarray()
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _yes(condition: bool) -> str:
    return "sí" if condition else "no"


def settle(number: int, bet: str | None, right: str) -> None:
    """Imprime cómo quedó una apuesta de la lección.

    Args:
        number: número de la apuesta.
        bet: la letra apostada, o `None` si no se apostó.
        right: la letra de la respuesta.
    """
    if bet is None:
        verdict = "no apostaste"
    else:
        verdict = "acertaste" if bet == right else f"dijiste {bet})"
    print(f"Apuesta {number}: la respuesta es {right}). Tú: {verdict}.")
