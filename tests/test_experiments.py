"""Los experimentos: se reanudan, se confirman, y dicen de dónde sale cada cifra."""

import json
import math
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from conftest import needs_real_data
from coursekit import cli, data, experiments
from coursekit.errors import CourseError
from coursekit.experiments import provenance, results, runner, vectors
from coursekit.experiments.runner import Experiment, Run

PUBLISHED = Path(experiments.__file__).parent / "published"
SETTINGS = {"size": 2}


RUNS = (Run("a", SETTINGS, 0), Run("a", SETTINGS, 1), Run("b", {}, 0))


class Toy:
    """Un experimento que cuenta cuántas veces se midió cada carrera."""

    def __init__(self, runs=RUNS):
        self.measured = []
        self.fail_at = None
        self.experiment = Experiment(
            "prueba", "Una prueba", (), runs, self.measure, "coursekit.training.metrics"
        )

    def measure(self, run, short):
        if short:
            return {"curve": [1]}
        self.measured.append((run.model, run.seed))
        if self.measured[-1] == self.fail_at:
            raise KeyboardInterrupt
        return {"score": run.seed + len(run.settings), "curve": [1, 2]}


def test_every_run_is_stored_with_its_circumstances(tmp_path):
    result = experiments.run_experiment(Toy().experiment, tmp_path / "prueba.json")
    assert json.loads((tmp_path / "prueba.json").read_text("utf-8")) == result
    assert [(r["model"], r["seed"]) for r in result["runs"]] == [("a", 0), ("a", 1), ("b", 0)]
    record = result["runs"][0]
    assert record["figures"] == {"score": 1, "curve": [1, 2]}
    assert record["short"]["curve"] == [1] and record["short"]["cpu_seconds"] >= 0
    assert record["settings"] == SETTINGS
    assert re.fullmatch("[0-9a-f]{64}", record["code"])
    assert record["versions"]["torch"] and record["machine"]["cores"] >= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])


def test_an_interrupted_experiment_goes_on_where_it_stopped(tmp_path):
    path, toy = tmp_path / "prueba.json", Toy()
    toy.fail_at = ("a", 1)
    with pytest.raises(KeyboardInterrupt):
        experiments.run_experiment(toy.experiment, path)
    assert [r["seed"] for r in results.read_results(path)["runs"]] == [0]
    toy.fail_at, toy.measured = None, []
    result = experiments.run_experiment(toy.experiment, path)
    assert toy.measured == [("a", 1), ("b", 0)]
    assert len(result["runs"]) == 3
    toy.measured = []
    assert experiments.run_experiment(toy.experiment, path) == result
    assert toy.measured == []


@pytest.mark.parametrize("change", ["code", "settings", "data"])
def test_a_run_made_under_other_conditions_is_repeated(tmp_path, monkeypatch, change):
    path, toy = tmp_path / "prueba.json", Toy()
    experiments.run_experiment(toy.experiment, path)
    result = results.read_results(path)
    result["runs"][1][change] = "otro" if change == "code" else {"otro": 1}
    results.write_results(path, result)
    toy.measured = []
    experiments.run_experiment(toy.experiment, path)
    assert toy.measured == [("a", 1)]


def test_a_run_that_left_the_experiment_leaves_the_result(tmp_path):
    path = tmp_path / "prueba.json"
    experiments.run_experiment(Toy().experiment, path)
    result = experiments.run_experiment(Toy((Run("b", {}, 0),)).experiment, path)
    assert [r["model"] for r in result["runs"]] == ["b"]


def test_a_figure_that_is_not_a_number_is_refused(tmp_path):
    toy = Toy()
    toy.experiment = Experiment(
        "x", "x", (), (Run("a", {}, 0),), lambda *_: {"score": math.nan}, "coursekit.training"
    )
    with pytest.raises(ValueError):
        experiments.run_experiment(toy.experiment, tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_samples_do_not_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSEKIT_DATA", raising=False)
    monkeypatch.setattr(data.registry, "cache_folder", lambda: tmp_path)
    toy = Experiment("x", "x", ("quijote",), (Run("a", {}, 0),), lambda *_: {}, "coursekit.cli")
    with pytest.raises(CourseError, match="necesita los datos completos.*quijote"):
        experiments.run_experiment(toy, tmp_path / "x.json")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"experiment": 1, "title": 1, "runs": [{}]}'])
def test_a_file_that_is_not_a_result_is_never_overwritten(tmp_path, content):
    path = tmp_path / "prueba.json"
    path.write_text(content, "utf-8")
    with pytest.raises(CourseError, match="no es el resultado de un experimento"):
        experiments.run_experiment(Toy().experiment, path)
    assert path.read_text("utf-8") == content


def test_over_seeds_gives_mean_and_spread_of_the_seeds(tmp_path):
    result = experiments.run_experiment(Toy().experiment, tmp_path / "prueba.json")
    groups = experiments.over_seeds(result)
    assert groups["a"] == {"score": (1.5, pytest.approx(math.sqrt(0.5)), 2)}
    assert groups["b"]["score"][0] == 0 and math.isnan(groups["b"]["score"][1])
    lines = [re.split("  +", line) for line in experiments.table(result).splitlines()]
    assert lines == [["modelo", "semillas", "score"], ["a", "2", "1.5 ± 0.71"], ["b", "1", "0"]]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Un paquete diminuto: `top` usa una función reexportada por `room`, que viene de `room.used`."""
    files = {
        "__init__.py": "",
        "top.py": "from coursekit_toy.room import f\nfrom coursekit_toy import side\n"
        "LR = 0.1\nEXPERIMENT = ['una carrera']\n",
        "side.py": "x = 1\n",
        "room/__init__.py": "from coursekit_toy.room.used import f\n"
        "from coursekit_toy.room.other import g\n",
        "room/used.py": '"""Docstring."""\ndef f():\n    """Otro."""\n    return 1  # comentario\n',
        "room/other.py": "def g(): return 2\n",
    }
    for name, text in files.items():
        path = tmp_path / "coursekit_toy" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    provenance._path.cache_clear()
    yield tmp_path / "coursekit_toy"
    for name in [name for name in sys.modules if name.startswith("coursekit_toy")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name, old, new, changes",
    [
        ("room/used.py", "return 1", "return 3", True),
        ("side.py", "1", "2", True),
        ("top.py", "side\n", "side\ny = 0\n", True),
        ("top.py", "0.1", "0.2", True),
        ("top.py", "'una carrera'", "'una carrera', 'otra'", False),
        ("room/other.py", "2", "3", False),
        ("room/used.py", "Otro", "Distinto", False),
        ("room/used.py", "# comentario", "", False),
    ],
)
def test_fingerprint_follows_the_code_that_is_used(house, name, old, new, changes):
    before = provenance.fingerprint("coursekit_toy.top")
    path = house / name
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert (provenance.fingerprint("coursekit_toy.top") != before) is changes


def test_the_command_lists_runs_and_explains(tmp_path, capsys, monkeypatch):
    assert cli.main(["experimento"]) == 0
    listed = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(experiments.all_experiments())
    assert cli.main(["experimento", "nada"]) == 1
    assert "No hay ningún experimento «nada»" in capsys.readouterr().err
    toy = Toy()
    monkeypatch.setattr(experiments, "find_experiment", lambda name: toy.experiment)
    assert cli.main(["experimento", "prueba", "--salida", str(tmp_path)]) == 0
    assert "Una prueba" in capsys.readouterr().out
    assert (tmp_path / "prueba.json").is_file()


# Una fábrica diminuta: aprende la pendiente de una recta a pequeños pasos.
FACTORY = '''
from coursekit.experiments.runner import Experiment, Run
from coursekit_toy.descent import slope


def measure(run, short):
    curve = slope(run.settings["lr"], run.seed, 3 if short else 200)
    return {"curve": curve, "train_cpu_seconds": 0.0, "last": curve[-1]}


EXPERIMENT = Experiment(
    "fabrica", "Una recta", (), tuple(Run("recta", {"lr": 0.1}, seed) for seed in range(3)),
    measure, __name__,
)
'''
DESCENT = '''
import numpy as np


def slope(lr, seed, num_steps):
    x, w, curve = np.random.default_rng(seed).normal(size=50), 0.0, []
    for _ in range(num_steps):
        w -= lr * _gradient(w, x)
        curve.append(float(((w * x - 2 * x) ** 2).mean()))
    return curve


def _gradient(w, x):
    return 2 * ((w * x - 2 * x) * x).mean()
'''


@pytest.fixture
def factory(tmp_path, monkeypatch):
    """Un experimento medido y guardado; `edit` cambia su código y lo vuelve a importar."""
    folder = tmp_path / "coursekit_toy"
    folder.mkdir()
    sources = {"__init__.py": "", "factory.py": FACTORY, "descent.py": DESCENT}
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "fabrica.json"

    def edit(old="", new=""):
        for name, text in sources.items():
            (folder / name).write_text(text.replace(old, new) if old else text, "utf-8")
        for name in [name for name in sys.modules if name.startswith("coursekit_toy")]:
            del sys.modules[name]
        provenance._path.cache_clear()
        return import_module("coursekit_toy.factory").EXPERIMENT

    experiments.run_experiment(edit(), path)
    yield edit, path
    for name in [name for name in sys.modules if name.startswith("coursekit_toy")]:
        del sys.modules[name]


def test_a_harmless_change_is_confirmed_and_keeps_the_measurement(factory):
    edit, path = factory
    before = results.read_results(path)["runs"]
    experiment = edit("_gradient", "_derivative")
    assert experiments.stale_runs(experiment, results.read_results(path)) == (
        [], list(experiment.runs)
    )  # fmt: skip
    assert experiments.confirm_experiment(experiment, path) == []
    after = results.read_results(path)["runs"]
    for old, new in zip(before, after, strict=True):
        assert new["code"] == provenance.fingerprint(experiment.module) != old["code"]
        assert new["confirmed"].keys() == {"versions", "machine", "date"}
        changed = {"code": old["code"]}
        assert {key: new[key] for key in old} | changed == old
    assert experiments.stale_runs(experiment, results.read_results(path)) == ([], [])


def test_a_change_in_the_eighth_digit_is_another_machine(factory):
    edit, path = factory
    experiment = edit("return 2 * ", "return (2 + 1e-9) * ")
    assert experiments.confirm_experiment(experiment, path) == []


@pytest.mark.parametrize(
    "old, new, figure",
    [
        ("return 2 * ", "return (2 + 1e-6) * ", "curve[0] era"),
        ("        curve.append(", "        if len(curve) < 2: curve.append(", "curve[2] era"),
        ('"last": curve[-1]', '"last": curve[0]', "last era"),
        ('"last": curve[-1]', '"end": curve[-1]', "last era .* y ahora es nan"),
        ('curve, "train', 'curve, "new": 1, "train', "new era nan y ahora es 1"),
    ],
)
def test_a_change_of_figures_is_named_and_stays_stale(factory, old, new, figure):
    edit, path = factory
    before = path.read_text("utf-8")
    experiment = edit(old, new)
    problems = experiments.confirm_experiment(experiment, path)
    assert len(problems) == 3
    assert re.match(f"«recta», semilla 1: {figure}".replace("[", r"\["), problems[1])
    assert path.read_text("utf-8") == before


def test_seconds_are_never_compared(factory):
    edit, path = factory
    assert experiments.confirm_experiment(edit('seconds": 0.0', 'seconds": 9.0'), path) == []


def test_an_interrupted_confirmation_keeps_what_was_confirmed(factory):
    edit, path = factory
    stop = edit("    curve = slope", "    if run.seed == 1: raise KeyboardInterrupt\n    curve = slope")
    with pytest.raises(KeyboardInterrupt):
        experiments.confirm_experiment(stop, path)
    assert ["confirmed" in r for r in results.read_results(path)["runs"]] == [True, False, False]


@pytest.mark.parametrize("change", [{"settings": {"lr": 9}}, {"data": {"otro": "1"}}])
def test_other_settings_or_data_cannot_be_confirmed(factory, change):
    edit, path = factory
    result = results.read_results(path)
    result["runs"][1] |= change
    results.write_results(path, result)
    problems = experiments.confirm_experiment(edit("_gradient", "_derivative"), path)
    assert problems == ["«recta», semilla 1: no está, o se midió con otros ajustes o datos"]
    assert ["confirmed" in r for r in results.read_results(path)["runs"]] == [True, False, True]


def test_the_command_confirms_or_says_what_to_repeat(factory, capsys, monkeypatch):
    edit, path = factory
    order = ["experimento", "fabrica", "--confirmar", "--salida", str(path.parent)]
    for old, new, status in (("_gradient", "_g", 0), ("return 2 * ", "return 3 * ", 1)):
        found = {"fabrica": edit(old, new)}
        monkeypatch.setattr(experiments, "find_experiment", found.__getitem__)
        assert cli.main(order) == status
    said = capsys.readouterr()
    assert "las cifras son las del código de hoy" in said.out
    assert "Hay que correr otra vez, sin --confirmar:\n  «recta», semilla 0: curve[0] era" in said.err
    assert cli.main(["experimento", "--confirmar"]) == 1
    assert "Falta NOMBRE" in capsys.readouterr().err


def test_a_stale_result_is_not_published(factory, capsys, monkeypatch):
    edit, path = factory
    monkeypatch.setattr(runner, "load_results", lambda name: results.read_results(path))
    for old, new, status in (("", "", 0), ("_gradient", "_g", 1)):
        found = {"fabrica": edit(old, new)}
        monkeypatch.setattr(experiments, "all_experiments", found.copy)
        assert cli.main(["experimento", "--comprobar"]) == status
    assert "no son del código de hoy: «fabrica» (3 carreras)" in capsys.readouterr().err


def test_publishing_begins_by_checking_the_results():
    workflow = (PUBLISHED.parents[2] / ".github/workflows/publicar.yml").read_text("utf-8")
    steps = [line.split("run: ")[1] for line in workflow.splitlines() if "run: " in line]
    check = ".venv/bin/coursekit experimento --comprobar"
    assert steps[:3] == ["make entorno", check, "make libro"]


@pytest.mark.parametrize("name", experiments.all_experiments())
def test_published_result_matches_its_experiment_and_its_data(name):
    """El código puede haber cambiado sin cambiar las cifras: es un aviso, que detiene la publicación."""
    experiment = experiments.find_experiment(name)
    published = experiments.load_results(name)
    assert published["experiment"] == name
    declared = [(run.model, run.seed, run.settings) for run in experiment.runs]
    assert [(r["model"], r["seed"], r["settings"]) for r in published["runs"]] == declared
    for record in published["runs"]:
        assert record["data"] == {key: data.DATASETS[key].sha256 for key in experiment.data}
    try:
        experiments.check_published([experiment])
    except CourseError as stale:
        warnings.warn(str(stale), stacklevel=1)


def test_every_published_result_has_its_experiment():
    assert {path.stem for path in PUBLISHED.iterdir()} == set(experiments.all_experiments())


# --- Los vectores: nada de lo que mide elige ----------------------------------------------------------


def test_a_smaller_sample_is_inside_the_larger_one():
    texts = [[f"{i}"] * (1 + i % 5) for i in range(200)]
    small, large = ({text[0] for text in vectors.some(texts, n)} for n in (100, 300))
    assert small < large < {text[0] for text in texts}
    assert 100 <= sum(len(text) for text in texts if text[0] in small) < 105
    assert vectors.some(texts, None) is texts


@needs_real_data
@pytest.mark.parametrize("name, shared", [("novelas", 30), ("imdb_unsup", 9)])
def test_no_pair_is_used_to_choose_and_to_measure(name, shared):
    development = vectors.pairs_of(vectors.CHOOSE[name])
    everything = vectors.pairs_of(vectors.TESTS[name])
    measured = vectors.pairs_of(vectors.TESTS[name], but=development)
    keys = [set(map(vectors.key, pairs)) for pairs in (development, everything, measured)]
    assert keys[1] - keys[0] == keys[2] and len(keys[1] & keys[0]) == shared


@pytest.mark.parametrize("record", experiments.load_results("vectores")["runs"], ids=lambda r: r["model"])
def test_settings_are_the_best_on_the_pairs_for_choosing(record):
    settings, figures = record["settings"], record["figures"]
    for axis, values in settings["choose"].items():
        scores = figures[f"choose_{axis}_development"]
        assert figures[f"chosen_{axis}"] == values[scores.index(max(scores))]
    for test in vectors.TESTS[settings["corpus"]]:
        cosines, scores = figures[f"{test}_cosines"], figures[f"{test}_scores"]
        assert len(cosines) == len(scores) == figures[f"{test}_pairs"]
        assert spearmanr(cosines, scores).statistic == pytest.approx(figures[f"{test}_spearman"], abs=1e-3)
