"""Lo que una lección comprueba a la vista: lo hecho a mano con su referencia, y las apuestas."""

import math

import numpy as np


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
