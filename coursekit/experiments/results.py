"""Los resultados guardados: leerlos, comprobar su forma y resumirlos."""

import json
import math
import statistics
from importlib import resources
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.files import write_whole

_RECORD = {
    "model": str, "seed": int, "settings": dict, "figures": dict, "cpu_seconds": (int, float),
    "short": dict, "code": str, "data": dict, "versions": dict, "machine": dict, "date": str,
}  # fmt: skip


def load_results(name: str) -> dict:
    """El resultado publicado de un experimento, que viene con el paquete.

    Raises:
        CourseError: si no hay un resultado con ese nombre.
    """
    file = resources.files("coursekit.experiments").joinpath("published", f"{name}.json")
    if not file.is_file():
        raise CourseError(
            f"No hay ningún resultado guardado de «{name}»: créalo con coursekit experimento {name}."
        )
    with resources.as_file(file) as path:
        return read_results(path)


def read_results(path: Path) -> dict:
    """Lee un resultado.

    Raises:
        CourseError: si el archivo no se puede leer o no tiene la forma de un resultado.
    """
    try:
        result = json.loads(path.read_text("utf-8"))
        problem = _problem(result)
    except (OSError, ValueError):
        problem = "no se puede leer como JSON"
    if problem:
        raise CourseError(f"{path} no es el resultado de un experimento: {problem}.")
    return result


def write_results(path: Path, result: dict) -> None:
    """Guarda un resultado, entero o nada."""
    write_whole(path, json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def over_seeds(result: dict) -> dict[str, dict[str, tuple[float, float, int]]]:
    """Media, desviación típica y número de semillas de cada cifra, por modelo.

    Las listas (las curvas) no se resumen; con una sola semilla la desviación es NaN.
    """
    groups: dict[str, dict[str, list[float]]] = {}
    for record in result["runs"]:
        figures = groups.setdefault(record["model"], {})
        for name, value in record["figures"].items():
            if not isinstance(value, list):
                figures.setdefault(name, []).append(value)
    return {
        model: {name: _spread(values) for name, values in figures.items()}
        for model, figures in groups.items()
    }


def table(result: dict) -> str:
    """El resumen como texto: una fila por modelo, una columna por cifra."""
    groups = over_seeds(result)
    names = list(dict.fromkeys(name for figures in groups.values() for name in figures))
    rows = [["modelo", "semillas", *names]]
    for model, figures in groups.items():
        seeds = max((count for _, _, count in figures.values()), default=0)
        cells = [_cell(*figures[name]) if name in figures else "" for name in names]
        rows.append([model, str(seeds), *cells])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _spread(values: list[float]) -> tuple[float, float, int]:
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    return statistics.fmean(values), deviation, len(values)


def _cell(mean: float, deviation: float, count: int) -> str:
    return f"{mean:.4g}" if count == 1 else f"{mean:.4g} ± {deviation:.2g}"


def _problem(result) -> str | None:
    """Qué le falta a un resultado para serlo, o nada."""
    if not isinstance(result, dict) or not {"experiment", "title", "runs"} <= result.keys():
        return "le faltan experiment, title o runs"
    for number, record in enumerate(result["runs"]):
        for key, kind in _RECORD.items():
            if not isinstance(record.get(key), kind):
                return f"en la carrera {number}, {key} falta o no es del tipo debido"
        for name, value in [*record["figures"].items(), *record["short"].items()]:
            numbers = value if isinstance(value, list) else [value]
            if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
                return f"en la carrera {number}, la cifra {name} no es un número"
    return None
