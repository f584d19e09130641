"""Los experimentos largos que están detrás de las tablas publicadas, y sus resultados."""

from coursekit.experiments.results import load_results, summary, table
from coursekit.experiments.runner import (
    EXPERIMENTS,
    Experiment,
    Run,
    find_experiment,
    run_experiment,
)

__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Run",
    "find_experiment",
    "load_results",
    "run_experiment",
    "summary",
    "table",
]
