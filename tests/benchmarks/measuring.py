"""Lo que comparten las mediciones: la fila, los turnos, el proceso propio y la tabla."""

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context

HEADER = (
    "qué se mide", "hilos", "nuestro", "referencia", "con quién se compara", "razón", "meta",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Una fila de la tabla.

    Args:
        what: qué se mide, con su unidad.
        num_threads: hilos de lo nuestro.
        ours: lo nuestro.
        peer: la referencia, medida en la misma tanda.
        against: quién es la referencia.
        goal: lo que debe cumplir la razón, si se ha fijado.
    """

    what: str
    num_threads: int
    ours: float
    peer: float
    against: str
    goal: str = "—"

    @property
    def ratio(self) -> float:
        """Lo nuestro entre la referencia."""
        return self.ours / self.peer


def by_turns(ways: dict[str, Callable], num_threads: int, seconds=0.0) -> dict[str, float]:
    """Lo que tarda cada manera: la mediana de sus turnos.

    Se hace una vez cada una, y vuelta a empezar, hasta agotar los segundos y al menos tres veces:
    así la carga de la máquina toca a todas por igual. Con un hilo son segundos de CPU, que
    dependen poco de quién más la use; con más, de reloj.
    """
    clock = time.process_time if num_threads == 1 else time.perf_counter
    taken = {name: [] for name in ways}
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < 3 or time.perf_counter() < stop:
        for name, way in ways.items():
            start = clock()
            way()
            taken[name].append(clock() - start)
        rounds += 1
    return {name: statistics.median(times) for name, times in taken.items()}


def alone(function: Callable, *arguments):
    """Lo que da una función en un proceso recién nacido, sin los hilos ni la memoria de otras."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def run(name: str) -> list[Row]:
    """Las filas de una medición, que se anuncian según salen."""
    rows = []
    # La salida es solo para la tabla: por ella dicen los datos de dónde vienen.
    with redirect_stdout(sys.stderr):
        for row in import_module(f".{name}", __package__).rows():
            print(f"  {row.what}, hilos: {row.num_threads}: {row.ratio:.3g}", flush=True)
            rows.append(row)
    return rows


def table(rows: Iterable[Row]) -> str:
    """Las filas en columnas: lo que se lee, a la izquierda; las cifras, a la derecha."""
    lines = [HEADER]
    for row in rows:
        ours, peer, ratio = map(figure, (row.ours, row.peer, row.ratio))
        lines.append((row.what, str(row.num_threads), ours, peer, row.against, ratio, row.goal))
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["─" * width for width in widths])
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, "<>>><><", widths))
        for line in lines
    )


def figure(value: float) -> str:
    """Tres cifras significativas, o las enteras si son más."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
