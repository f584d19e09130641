"""Elige la mejor protección que funciona en este equipo, y dice cuál es y qué cuesta."""

from __future__ import annotations

import importlib.util
import os
import sys

from coursekit.errors import CourseError
from coursekit.grading.jail import calls
from coursekit.grading.jail.protections import LADDER, Protection, Settings
from coursekit.grading.jail.warden import Jail, JailError


def choose(name: str | None = None) -> Protection:
    """La mejor protección que funciona en este equipo, o la que se pide.

    Raises:
        CourseError: si la pedida no existe o no funciona aquí, o si no funciona ninguna.
    """
    if sys.platform != "linux":
        raise CourseError(
            "Las entregas se califican en Linux. En Windows lo trae WSL2; en macOS, una máquina "
            "virtual. La guía docente dice cómo."
        )
    if name:
        known = {protection.name: protection for protection in LADDER}
        if name not in known:
            raise CourseError(f"No hay ninguna protección «{name}». Las que hay: {', '.join(known)}.")
        if problem := try_out(known[name]):
            raise CourseError(f"La protección «{name}» no funciona aquí: {problem}.")
        return known[name]
    problems = []
    for protection in LADDER:
        problem = try_out(protection)
        if problem is None:
            return protection
        problems.append(f"{protection.name}: {problem}")
    raise CourseError("No hay forma de ejecutar entregas en este equipo. " + "; ".join(problems) + ".")


def try_out(protection: Protection) -> str | None:
    """Arranca la protección con nada dentro; el motivo si no funciona, o `None`."""
    if protection.missing:
        return protection.missing
    try:
        with Jail(protection, Settings(imports=())):
            return None
    except JailError as error:
        return str(error)


def diagnose() -> str:
    """Qué protección tiene este equipo, en español, peldaño a peldaño."""
    lines = ["Protecciones, de mejor a peor:"]
    problems = {protection: try_out(protection) for protection in LADDER}
    for protection, problem in problems.items():
        lines.append(f"  {'✘' if problem else '✔'} {protection.name}: {problem or protection.promise}.")
    if calls.pyseccomp:
        lines.append("  ✔ filtro de llamadas al sistema (seccomp).")
    else:
        lines.append("  ✘ filtro de llamadas al sistema: falta pyseccomp o libseccomp.")
    if os.geteuid() == 0:
        lines.append("Eres root: las entregas se ejecutan con otro usuario, que no es de nadie.")
    chosen = next((protection for protection, problem in problems.items() if not problem), None)
    if chosen is None:
        return "\n".join([*lines, "Este equipo no puede calificar."])
    lines.append(f"Se usará «{chosen.name}»: {chosen.promise}.")
    lines += _cost(chosen)
    if chosen.exposes_host:
        lines.append("Para proteger el equipo instala bubblewrap: sudo apt install bubblewrap.")
    return "\n".join(lines)


def _cost(protection: Protection) -> list[str]:
    """Lo que cuesta que cada entrega estrene cárcel, si aquí no pueden compartirla."""
    libraries = {"NumPy": "numpy", "PyTorch": "torch"}
    costs = []
    for name, module in libraries.items():
        if importlib.util.find_spec(module):
            with Jail(protection, Settings(imports=(module,))) as jail:
                if jail.shared:
                    return []
                costs.append(f"{jail.start_seconds:.1f} s con {name}")
    return [
        "Aquí no se puede aislar unas entregas de otras dentro de una misma cárcel: cada una estrena la "
        f"suya, que cuesta {' y '.join(costs)} de procesador por entrega."
    ]
