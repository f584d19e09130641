"""Los experimentos: se reanudan, se guardan enteros y dicen de dónde sale cada cifra."""

import json
import math
import re
import sys
from pathlib import Path

import pytest

from coursekit import cli, data, experiments
from coursekit.errors import CourseError
from coursekit.experiments import provenance, results, runner
from coursekit.experiments.runner import Experiment, Run

PUBLISHED = Path(experiments.__file__).parent / "published"
SETTINGS = {"size": 2}


class Toy:
    """Un experimento que cuenta cuántas veces se midió cada carrera."""

    def __init__(self, runs=(Run("a", SETTINGS, 0), Run("a", SETTINGS, 1), Run("b", {}, 0))):
        self.measured = []
        self.fail_at = None
        self.experiment = Experiment(
            "prueba", "Una prueba", (), runs, self.measure, "coursekit.training.metrics"
        )

    def measure(self, run):
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
        "x", "x", (), (Run("a", {}, 0),), lambda _: {"score": math.nan}, "coursekit.training"
    )
    with pytest.raises(ValueError):
        experiments.run_experiment(toy.experiment, tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def test_samples_do_not_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSEKIT_DATA", raising=False)
    monkeypatch.setattr(data.registry, "cache_folder", lambda: tmp_path)
    toy = Experiment("x", "x", ("quijote",), (Run("a", {}, 0),), lambda _: {}, "coursekit.cli")
    with pytest.raises(CourseError, match="necesita los datos completos.*quijote"):
        experiments.run_experiment(toy, tmp_path / "x.json")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"experiment": 1, "title": 1, "runs": [{}]}'])
def test_a_file_that_is_not_a_result_is_never_overwritten(tmp_path, content):
    path = tmp_path / "prueba.json"
    path.write_text(content, "utf-8")
    with pytest.raises(CourseError, match="no es el resultado de un experimento"):
        experiments.run_experiment(Toy().experiment, path)
    assert path.read_text("utf-8") == content


def test_summary_gives_mean_and_spread_of_the_seeds(tmp_path):
    result = experiments.run_experiment(Toy().experiment, tmp_path / "prueba.json")
    groups = experiments.summary(result)
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
    assert listed == list(experiments.EXPERIMENTS)
    assert cli.main(["experimento", "nada"]) == 1
    assert "No hay ningún experimento «nada»" in capsys.readouterr().err
    toy = Toy()
    monkeypatch.setattr(experiments, "find_experiment", lambda name: toy.experiment)
    assert cli.main(["experimento", "prueba", "--salida", str(tmp_path)]) == 0
    assert "Una prueba" in capsys.readouterr().out
    assert (tmp_path / "prueba.json").is_file()


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_published_result_matches_its_experiment_its_data_and_its_code(name):
    experiment = experiments.find_experiment(name)
    published = experiments.load_results(name)
    assert published["experiment"] == name
    declared = [(run.model, run.seed, run.settings) for run in experiment.runs]
    assert [(r["model"], r["seed"], r["settings"]) for r in published["runs"]] == declared
    for record in published["runs"]:
        assert record["code"] == provenance.fingerprint(experiment.module), (
            "el código cambió desde que se midió: repite "
            f"coursekit experimento {name} --salida coursekit/experiments/published"
        )
        assert record["data"] == {key: data.DATASETS[key].sha256 for key in experiment.data}


def test_every_published_result_has_its_experiment():
    assert {path.stem for path in PUBLISHED.iterdir()} == set(experiments.EXPERIMENTS)
