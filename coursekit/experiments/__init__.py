"""Los experimentos largos que están detrás de las tablas publicadas, y sus resultados."""

from coursekit.experiments.results import load_results, over_seeds, table
from coursekit.experiments.runner import (
    Experiment,
    Run,
    all_experiments,
    check_published,
    confirm_experiment,
    find_experiment,
    run_experiment,
    stale_runs,
)

__all__ = [
    "Experiment",
    "Run",
    "all_experiments",
    "check_published",
    "confirm_experiment",
    "find_experiment",
    "load_results",
    "over_seeds",
    "run_experiment",
    "stale_runs",
    "table",
]
