"""Correr un experimento: una medida por carrera, guardada en cuanto termina."""

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import import_module, metadata
from pathlib import Path

from tqdm import tqdm

from coursekit import data
from coursekit.errors import CourseError
from coursekit.experiments.provenance import fingerprint
from coursekit.experiments.results import read_results, write_results

# El nombre con que se pide cada uno y el módulo que define su EXPERIMENT.
EXPERIMENTS = {
    "letras": "coursekit.experiments.letters",
    "vectores": "coursekit.experiments.vectors",
    "clasificacion": "coursekit.experiments.classifiers",
}
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
        measure: de una carrera a sus cifras; la misma carrera da siempre las mismas, salvo los
            segundos, que llevan `seconds` en el nombre.
        module: el módulo que lo define; de él y de lo que importa sale la huella del código.
    """

    name: str
    title: str
    data: tuple[str, ...]
    runs: tuple[Run, ...]
    measure: Callable[[Run], dict]
    module: str


def find_experiment(name: str) -> Experiment:
    """El experimento de ese nombre.

    Raises:
        CourseError: si no hay ninguno con ese nombre.
    """
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise CourseError(f"No hay ningún experimento «{name}»; los que hay son {known}.")
    return import_module(EXPERIMENTS[name]).EXPERIMENT


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
    done = {_key(record): record for record in read_results(path)["runs"]} if path.exists() else {}
    conditions = {
        "code": fingerprint(experiment.module),
        "data": {name: data.DATASETS[name].sha256 for name in experiment.data},
    }

    def is_current(run: Run) -> bool:
        record = done.get((run.model, run.seed), {})
        wanted = {**conditions, "settings": run.settings}
        return all(record.get(key) == value for key, value in wanted.items())

    pending = [run for run in experiment.runs if not is_current(run)]
    if pending:
        _require_data(experiment)
    for run in tqdm(pending, f"«{experiment.name}»", unit="carrera", disable=None):
        start = time.process_time()
        figures = experiment.measure(run)
        done[run.model, run.seed] = {
            "model": run.model,
            "seed": run.seed,
            "settings": run.settings,
            "figures": figures,
            "cpu_seconds": round(time.process_time() - start, 1),
            **conditions,
            **_circumstances(),
        }
        write_results(path, _result(experiment, done))
    return _result(experiment, done)


def _key(record: dict) -> tuple[str, int]:
    return record["model"], record["seed"]


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
