"""Escalas de calificación: de los puntos a la nota que cada país escribe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from coursekit.errors import CourseError


@dataclass(frozen=True)
class Scale:
    """Una escala: dos rectas que se unen en la nota de aprobado.

    La nota va de `lowest`, sin puntos, a `passing`, con la fracción `demand` de los puntos, y de
    ahí a `highest`, con todos. El redondeo se hace una sola vez, al final, en decimal exacto y con
    el medio hacia arriba (10.5 es 11); se aprueba con la nota ya redondeada.

    Attributes:
        name: nombre con el que se elige, como `"0-20"`.
        lowest, highest: notas extremas.
        passing: nota mínima para aprobar.
        demand: fracción de los puntos con que se alcanza `passing` (la exigencia), entre 0 y 1.
        decimals: decimales con que se escribe la nota.
    """

    name: str
    lowest: float
    highest: float
    passing: float
    demand: float
    decimals: int

    def grade(self, points: float, max_points: float) -> float:
        """La nota que corresponde a unos puntos; fuera de rango valen los extremos."""
        return float(self._grade(points, max_points))

    def passes(self, points: float, max_points: float) -> bool:
        """Dice si la nota redondeada alcanza la de aprobado."""
        return self._grade(points, max_points) >= _exact(self.passing)

    def text(self, points: float, max_points: float) -> str:
        """La nota con sus decimales, como se escribe en un acta."""
        return str(self._grade(points, max_points))

    def _grade(self, points: float, max_points: float) -> Decimal:
        fraction = _exact(points) / _exact(max_points) if max_points > 0 else Decimal(0)
        fraction = min(max(fraction, Decimal(0)), Decimal(1))
        lowest, passing, highest, demand = map(
            _exact, (self.lowest, self.passing, self.highest, self.demand)
        )
        if fraction < demand:
            grade = lowest + (passing - lowest) * fraction / demand
        else:
            grade = passing + (highest - passing) * (fraction - demand) / (1 - demand)
        # Primero se borra el ruido de las divisiones: 10.4999… que debía ser 10.5.
        grade = grade.quantize(Decimal("1e-9"), ROUND_HALF_UP)
        return grade.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)


def _exact(number: float) -> Decimal:
    """El decimal que se lee: la suma 0.1 + 0.2 vale aquí 0.3."""
    return Decimal(f"{number:.9f}").normalize()


# nombre: nota mínima, máxima, de aprobado, exigencia y decimales. Sin exigencia propia, la escala
# es una sola recta: la nota de aprobado cae donde le toca.
SCALES = {
    "0-20": (0, 20, 11, None, 0),
    "0-10": (0, 10, 5, None, 1),
    "1-7": (1, 7, 4, 0.6, 1),
    "0-5": (0, 5, 3, None, 1),
}


def find_scale(name: str, passing: float | None = None, demand: float | None = None) -> Scale:
    """Busca una escala y, si se pide, cambia su aprobado o su exigencia.

    Args:
        name: `"0-20"` (se aprueba con 11), `"0-10"` (5), `"1-7"` (4, exigencia del 60 %) o
            `"0-5"` (3).
        passing: otra nota de aprobado; en México, `find_scale("0-10", passing=6)`.
        demand: fracción de los puntos que da el aprobado, entre 0 y 1; sin ella, la de la escala.

    Raises:
        CourseError: si la escala no existe o un valor no cabe en ella.
    """
    if name not in SCALES:
        raise CourseError(f"No hay ninguna escala «{name}». Las que hay: {', '.join(SCALES)}.")
    lowest, highest, usual_passing, usual_demand, decimals = SCALES[name]
    passing = usual_passing if passing is None else passing
    if not (math.isfinite(passing) and lowest < passing < highest):
        raise CourseError(
            f"En la escala {name} no se puede aprobar con {passing:g}: "
            f"elige una nota entre {lowest} y {highest}, sin los extremos."
        )
    if demand is None:
        demand = usual_demand or (passing - lowest) / (highest - lowest)
    if not (math.isfinite(demand) and 0 < demand < 1):
        raise CourseError(f"La exigencia {demand:g} no vale: debe estar entre 0 y 1, como 0.6.")
    return Scale(name, lowest, highest, passing, demand, decimals)
