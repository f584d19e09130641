"""Secuencias: de una lista de índices a lotes de entradas y objetivos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coursekit.errors import CourseError

if TYPE_CHECKING:
    import torch


def windows(
    ids: Sequence[int], num_steps: int, generator: torch.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Corta un texto en ventanas que no se solapan, a partir de un comienzo al azar.

    Cada época con otro comienzo muestra cada letra en otro lugar de su ventana.

    Args:
        ids: los índices del texto.
        num_steps: el largo de cada ventana.
        generator: de dónde sale el comienzo, entre 0 y ``num_steps - 1``; sin él, es 0.

    Returns:
        X e Y, enteros de forma (ventanas, num_steps); Y es X corrida un lugar.

    Raises:
        CourseError: si el texto no alcanza para una ventana.

    Source: la partición de Zhang et al., *Dive into Deep Learning*, sección 9.3.
    """
    import torch

    ids = _as_ids(ids)
    _check_positive(num_steps=num_steps)
    if len(ids) <= num_steps:
        raise CourseError(
            f"El texto tiene {len(ids)} símbolos y una ventana de {num_steps} pasos necesita "
            f"{num_steps + 1}: usa un texto más largo o ventanas más cortas."
        )
    start = 0
    if generator is not None:
        # En un texto corto, el comienzo deja lugar al menos para una ventana.
        num_starts = min(num_steps, len(ids) - num_steps)
        start = int(torch.randint(num_starts, (), generator=generator))
    num_windows = (len(ids) - 1 - start) // num_steps
    end = start + num_windows * num_steps
    return ids[start:end].view(-1, num_steps), ids[start + 1 : end + 1].view(-1, num_steps)


def streams(
    ids: Sequence[int], batch_size: int, num_steps: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Recorre un texto por `batch_size` tramos paralelos, cada uno leído de corrido.

    La fila i de un lote continúa la fila i del anterior: el estado oculto puede pasar de uno a
    otro.

    Args:
        ids: los índices del texto.
        batch_size: en cuántos tramos se parte el texto.
        num_steps: cuántos pasos tiene un lote.

    Returns:
        Un iterador de pares X, Y de forma (batch_size, num_steps), el último quizá con menos
        pasos; Y es X corrida un lugar.

    Raises:
        CourseError: si el texto no alcanza para un paso de cada tramo.
    """
    ids = _as_ids(ids)
    _check_positive(batch_size=batch_size, num_steps=num_steps)
    length = (len(ids) - 1) // batch_size
    if length < 1:
        raise CourseError(
            f"El texto tiene {len(ids)} símbolos y {batch_size} tramos necesitan al menos "
            f"{batch_size + 1}: usa un texto más largo o menos tramos."
        )
    X = ids[: batch_size * length].view(batch_size, length)
    Y = ids[1 : batch_size * length + 1].view(batch_size, length)
    return zip(X.split(num_steps, dim=1), Y.split(num_steps, dim=1))


def batches_by_length(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """Agrupa textos de largo parecido, para gastar poco relleno, en lotes en orden al azar.

    Args:
        lengths: el largo de cada texto.
        batch_size: cuántos textos tiene un lote; uno puede tener menos.
        generator: de dónde sale el azar; cada llamada da otro orden.

    Returns:
        Los lotes, cada uno como lista de posiciones en `lengths`; cada texto está en uno solo.

    Raises:
        CourseError: si no hay textos o `batch_size` no es positivo.
    """
    import torch

    _check_positive(batch_size=batch_size)
    lengths = torch.as_tensor(lengths)
    if len(lengths) == 0:
        raise CourseError("No hay textos que repartir en lotes: la lista de largos está vacía.")
    # Ordenar de forma estable después de barajar: los textos de igual largo cambian de lote.
    shuffled = torch.randperm(len(lengths), generator=generator)
    by_length = shuffled[lengths[shuffled].argsort(stable=True)]
    batches = [batch.tolist() for batch in by_length.split(batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def collate_padded(
    sequences: Sequence[Sequence[int]], padding_value: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Junta secuencias de distinto largo en un tensor, con relleno al final de las cortas.

    Args:
        sequences: las secuencias de índices, ninguna vacía.
        padding_value: el índice que rellena; conviene que sea un token especial, ``<pad>``.

    Returns:
        Las secuencias, de forma (lote, la más larga), y sus largos, de forma (lote,).

    Raises:
        CourseError: si el lote o una de sus secuencias están vacíos.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    sequences = [_as_ids(sequence) for sequence in sequences]
    if not sequences:
        raise CourseError("El lote está vacío: hace falta al menos una secuencia.")
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    if not lengths.all():
        raise CourseError(
            f"La secuencia {int(lengths.argmin())} del lote está vacía: quítala o pon en ella un "
            "token como <unk>."
        )
    return pad_sequence(sequences, batch_first=True, padding_value=padding_value), lengths


def _as_ids(ids: Sequence[int]) -> torch.Tensor:
    import torch

    try:
        ids = torch.as_tensor(ids)
    except (TypeError, ValueError, RuntimeError):
        ids = None
    # Una lista vacía se vuelve un tensor de reales.
    valid = ids is not None and ids.ndim == 1 and (not ids.is_floating_point() or not len(ids))
    if not valid:
        raise CourseError(
            "Se esperaba una sola lista de índices enteros: convierte antes los tokens con el "
            "vocabulario, vocab(tokens)."
        )
    return ids.long()


def _check_positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise CourseError(f"{name} debe ser un entero positivo y es {size}.")
