"""La perplejidad sobre texto reservado.

Un modelo de lenguaje es aquí cualquier objeto con un método

    log_probs(windows) -> (N, T)

que recibe índices (N, T+1) y devuelve el logaritmo natural de la probabilidad de cada
símbolo de windows[:, 1:] dados los que lo preceden *en su fila*. Lo tienen las redes
(`coursekit.recurrent.LanguageModel`) y los n-gramas (`coursekit.ngrams.WittenBell` y
`KneserNey`).
"""

import numpy as np

from coursekit.errors import CourseError


def perplexity(log_probs) -> float:
    """exp de menos la media de log p; todos los símbolos pesan lo mismo.

    Args:
        log_probs: logaritmos naturales de probabilidades, de cualquier forma.
    """
    log_probs = np.asarray(log_probs, dtype=np.float64)
    if log_probs.size == 0 or log_probs.max() > 1e-6:
        raise CourseError(
            "La perplejidad necesita logaritmos de probabilidades, ninguno mayor que "
            f"0, y recibió {log_probs.size} valores: {log_probs.ravel()[:5].tolist()}."
        )
    return float(np.exp(-log_probs.mean()))


def perplexity_by_window(model, ids, num_steps: int) -> float:
    """Perplejidad del texto cortado en ventanas disjuntas, cada una leída sin memoria.

    Cada símbolo, salvo el primero del texto, se predice una sola vez; la última ventana
    puede ser más corta.

    Args:
        ids: índices del texto, en orden.
        num_steps: símbolos que se predicen en cada ventana.
    """
    ids = check_text(ids)
    if num_steps < 1:
        raise CourseError(f"num_steps={num_steps}: una ventana tiene al menos un paso.")
    starts = range(0, len(ids) - 1, num_steps)
    windows = [ids[start : start + num_steps + 1] for start in starts]
    last = windows.pop()
    # De 512 en 512 ventanas, para no llenar la memoria.
    blocks = [np.stack(windows[i : i + 512]) for i in range(0, len(windows), 512)]
    log_probs = [model.log_probs(block) for block in [*blocks, last[None]]]
    return perplexity(np.concatenate([np.ravel(block) for block in log_probs]))


def perplexity_by_stream(model, ids) -> float:
    """Perplejidad del texto leído de una vez: el modelo arrastra todo lo ya leído.

    Args:
        ids: índices del texto, en orden.
    """
    return perplexity(model.log_probs(check_text(ids)[None]))


def check_text(ids) -> np.ndarray:
    """Los índices como vector de NumPy.

    Raises:
        CourseError: si no es una sucesión de al menos dos enteros.
    """
    ids = np.asarray(ids)
    if ids.ndim != 1 or len(ids) < 2 or not np.issubdtype(ids.dtype, np.integer):
        raise CourseError(
            f"El texto llega con forma {ids.shape} y tipo {ids.dtype}: la perplejidad "
            "necesita una sucesión de al menos dos índices enteros."
        )
    return ids.astype(np.int64)
