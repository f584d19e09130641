"""Correr un experimento, o confirmar que sus cifras son las del código de hoy.

Cada carrera se guarda en cuanto termina, y con ella una carrera corta: el mismo camino con poco
texto. Cuando el código cambia, basta repetir la corta para saber si las cifras valen. No ve lo que
solo obra más tarde, como un recorte que al comienzo nunca se alcanza: si eso es lo que cambia, la
carrera se corre otra vez.
"""

import math
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

from tqdm import tqdm

from coursekit import data
from coursekit.errors import CourseError
from coursekit.experiments.provenance import fingerprint
from coursekit.experiments.results import load_results, read_results, write_results

# Dos procesadores no suman en el mismo orden: con números de 32 bits coinciden siete cifras.
TOLERANCE = 1e-7
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "gensim")


@dataclass(frozen=True)
class Run:
    """Una carrera: qué se entrena, con qué ajustes y con qué semilla."""

    model: str
    settings: dict
    seed: int


@dataclass(frozen=True)
class Experiment:
    """Un experimento.

    Args:
        name: nombre con el que se pide y se guarda.
        title: qué se mide.
        data: conjuntos de datos que lee, por su nombre en `coursekit.data`.
        runs: las carreras, en su orden.
        measure: `measure(run, short)`, de una carrera a sus cifras; la misma carrera da siempre
            las mismas, salvo los segundos, que llevan `seconds` en el nombre. Con `short`, las de
            la carrera corta: segundos, y alguna cifra que note cualquier cambio.
        module: el módulo que lo define; de él y de lo que importa sale la huella del código.
    """

    name: str
    title: str
    data: tuple[str, ...]
    runs: tuple[Run, ...]
    measure: Callable[[Run, bool], dict]
    module: str


@cache
def all_experiments() -> dict[str, Experiment]:
    """Los experimentos, por su nombre: el EXPERIMENT de cada módulo de este cuarto que lo tenga."""
    package = "coursekit.experiments"
    names = [module.name for module in pkgutil.iter_modules(import_module(package).__path__)]
    modules = [import_module(f"{package}.{name}") for name in names]
    found = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]
    return {experiment.name: experiment for experiment in found}


def find_experiment(name: str) -> Experiment:
    """El experimento de ese nombre.

    Raises:
        CourseError: si no hay ninguno con ese nombre.
    """
    found = all_experiments()
    if name not in found:
        raise CourseError(f"No hay ningún experimento «{name}»; los que hay son {', '.join(found)}.")
    return found[name]


def run_experiment(experiment: Experiment, path: Path) -> dict:
    """Corre lo que falte y devuelve el resultado entero.

    Cada carrera se guarda al terminar: si se interrumpe, la vez siguiente continúa en la primera
    que falta. Una carrera hecha con otro código, otros ajustes u otros datos se repite.

    Args:
        experiment: el experimento.
        path: el archivo JSON del resultado.

    Raises:
        CourseError: si faltan los datos completos o el archivo no es un resultado.
    """
    done = _by_run(read_results(path)) if path.exists() else {}
    missing, stale = stale_runs(experiment, _result(experiment, done))
    pending = [run for run in experiment.runs if run in missing or run in stale]
    if pending:
        _require_data(experiment)
    for run in tqdm(pending, f"«{experiment.name}»", unit="carrera", disable=None):
        figures, seconds = _measure(experiment, run, short=False)
        short, short_seconds = _measure(experiment, run, short=True)
        done[run.model, run.seed] = {
            "model": run.model,
            "seed": run.seed,
            "settings": run.settings,
            "figures": figures,
            "cpu_seconds": seconds,
            "short": {**short, "cpu_seconds": short_seconds},
            "code": fingerprint(experiment.module),
            "data": _checksums(experiment),
            **_circumstances(),
        }
        write_results(path, _result(experiment, done))
    return _result(experiment, done)


def confirm_experiment(experiment: Experiment, path: Path) -> list[str]:
    """Repite la carrera corta de lo que se midió con otro código; si vuelve, lo fecha con el de hoy.

    Cada carrera se guarda al confirmarla. Del registro solo cambia la huella del código, y se añade
    `confirmed`: cuándo, dónde y con qué versiones.

    Args:
        experiment: el experimento.
        path: el archivo JSON del resultado.

    Returns:
        Una frase por carrera que no se pudo confirmar y hay que correr otra vez.

    Raises:
        CourseError: si faltan los datos completos o el archivo no es un resultado.
    """
    done = _by_run(read_results(path))
    missing, stale = stale_runs(experiment, _result(experiment, done))
    problems = [f"{_title(run)}: no está, o se midió con otros ajustes o datos" for run in missing]
    if stale:
        _require_data(experiment)
    seconds = sum(done[run.model, run.seed]["short"]["cpu_seconds"] for run in stale)
    text = f"«{experiment.name}», unos {seconds:.0f} s de CPU"
    for run in tqdm(stale, text, unit="carrera", disable=None):
        record = done[run.model, run.seed]
        found, _ = _measure(experiment, run, short=True)
        if difference := _first_difference(record["short"], found):
            problems.append(f"{_title(run)}: {difference}")
            continue
        record |= {"code": fingerprint(experiment.module), "confirmed": _circumstances()}
        write_results(path, _result(experiment, done))
    return problems


def check_published(experiments: Iterable[Experiment]) -> None:
    """Comprueba que los resultados publicados sean los del código, los ajustes y los datos de hoy.

    Raises:
        CourseError: si alguno no lo es; los nombra.
    """
    old = {}
    for experiment in experiments:
        missing, stale = stale_runs(experiment, load_results(experiment.name))
        old[experiment.name] = len(missing) + len(stale)
    if any(old.values()):
        names = ", ".join(f"«{name}» ({count} carreras)" for name, count in old.items() if count)
        raise CourseError(
            f"Hay resultados publicados que no son del código de hoy: {names}. Confírmalos con "
            "coursekit experimento NOMBRE --confirmar --salida coursekit/experiments/published."
        )


def stale_runs(experiment: Experiment, result: dict) -> tuple[list[Run], list[Run]]:
    """Las carreras que hay que correr y las que basta confirmar.

    Las primeras no están en el resultado, o se midieron con otros ajustes u otros datos; las
    segundas se midieron, y su código cambió después.
    """
    done, code = _by_run(result), fingerprint(experiment.module)
    missing, stale = [], []
    for run in experiment.runs:
        record = done.get((run.model, run.seed), {})
        same = {"settings": run.settings, "data": _checksums(experiment)}
        if any(record.get(key) != value for key, value in same.items()):
            missing.append(run)
        elif record["code"] != code:
            stale.append(run)
    return missing, stale


def _measure(experiment: Experiment, run: Run, short: bool) -> tuple[dict, float]:
    """Las cifras y los segundos de CPU que costaron."""
    start = time.process_time()
    figures = experiment.measure(run, short)
    return figures, round(time.process_time() - start, 1)


def _first_difference(stored: dict, found: dict) -> str | None:
    """La primera cifra que no vuelve, con su valor de antes y el de ahora; la que falta es NaN."""
    before, now = _numbers(stored), _numbers(found)
    for name in {**before, **now}:
        old, new = before.get(name, math.nan), now.get(name, math.nan)
        if not math.isclose(old, new, rel_tol=TOLERANCE):
            return f"{name} era {old} y ahora es {new}"
    return None


def _numbers(figures: dict) -> dict[str, float]:
    """Las cifras una a una, y de cada curva sus puntos; los segundos no son cifras."""
    numbers = {}
    for name, value in figures.items():
        if isinstance(value, list):
            numbers |= {f"{name}[{i}]": point for i, point in enumerate(value)}
        else:
            numbers[name] = value
    return {name: number for name, number in numbers.items() if "seconds" not in name}


def _title(run: Run) -> str:
    return f"«{run.model}», semilla {run.seed}"


def _by_run(result: dict) -> dict[tuple[str, int], dict]:
    return {(record["model"], record["seed"]): record for record in result["runs"]}


def _checksums(experiment: Experiment) -> dict[str, str]:
    return {name: data.DATASETS[name].sha256 for name in experiment.data}


def _result(experiment: Experiment, done: dict) -> dict:
    runs = [done[run.model, run.seed] for run in experiment.runs if (run.model, run.seed) in done]
    return {"experiment": experiment.name, "title": experiment.title, "runs": runs}


def _require_data(experiment: Experiment) -> None:
    for name in experiment.data:
        try:
            data.verify(name)
        except CourseError as error:
            raise CourseError(f"El experimento necesita los datos completos: {error}") from None


def _circumstances() -> dict:
    """Con qué y dónde se midió."""
    libraries = {name: metadata.version(name) for name in _LIBRARIES if _is_installed(name)}
    threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 1
    return {
        "versions": {"python": platform.python_version(), **libraries},
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "threads": threads},
        "date": date.today().isoformat(),
    }


def _is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _processor() -> str:
    """El nombre del procesador; Linux no lo da por `platform`."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
