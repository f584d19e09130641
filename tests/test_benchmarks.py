"""La tabla de rendimiento: que se arma y se imprime; lo que dicen sus cifras no se prueba."""

import subprocess
import sys

import pytest
import torch

from benchmarks import rnn
from benchmarks.__main__ import NAMES
from benchmarks.measuring import HEADER, Row, alone, by_turns, table
from conftest import ROOT


@pytest.fixture
def threads():
    """Las mediciones eligen los hilos de torch: después se vuelve a los que había."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_small_measurements_fill_the_table(threads, monkeypatch):
    monkeypatch.setattr(rnn, "SHAPES", [(2, 3, 4)])
    monkeypatch.setattr(rnn, "SECONDS", 0)
    rows = list(rnn.rows())
    assert len(rows) == 6
    assert all(row.ratio > 0 for row in rows)
    head, rule, *lines = table(rows).splitlines()
    assert [title.strip() for title in head.split("  ") if title.strip()] == list(HEADER)
    assert len(lines) == 6 and len({len(line) for line in (head, rule, *lines)}) == 1


def test_the_ratio_is_ours_over_the_peer():
    row = Row("palabras por segundo", 2, 1500.0, 500.0, "otro programa", "≥ 3")
    assert row.ratio == 3
    (*_, line) = table([row]).splitlines()
    assert [cell.strip() for cell in line.split("  ") if cell] == [
        "palabras por segundo", "2", "1,500", "500", "otro programa", "3", "≥ 3",
    ]  # fmt: skip


def test_turns_alternate_and_give_the_median():
    calls = []
    by_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 1)
    assert calls == ["a", "b"] * 3


def test_the_names_are_the_modules():
    modules = {path.stem for path in (ROOT / "tests/benchmarks").glob("*.py")}
    assert modules == {*NAMES, "measuring", "__main__"}


def test_each_measurement_has_a_process_of_its_own():
    assert alone(sum, [1, 2]) == 3


def test_an_unknown_name_is_explained():
    command = [sys.executable, "-m", "tests.benchmarks", "nada"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "nada" in done.stderr and "word2vec" in done.stderr
    assert not done.stdout
