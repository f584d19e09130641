"""La orden `coursekit`: salidas, códigos y textos en español."""

import argparse
import hashlib
import re
import subprocess
import sys
import types
from dataclasses import replace

import pytest

from conftest import ROOT
from coursekit import cli, data
from coursekit.data import registry
from coursekit.errors import CourseError


@pytest.fixture(autouse=True)
def empty_places(tmp_path, monkeypatch):
    """Ni carpeta de datos ni caché ni red."""
    monkeypatch.delenv("COURSEKIT_DATA", raising=False)
    monkeypatch.setattr(registry, "cache_folder", lambda: tmp_path / "caché")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Un registro con dos conjuntos diminutos: `presente` está en la carpeta; `ausente`, no."""
    known = data.DATASETS["novelas"]
    digest = hashlib.sha256("hola\nadiós".encode()).hexdigest()
    entries = dict(data.DATASETS)
    data.DATASETS.clear()
    for name in ("presente", "ausente"):
        data.DATASETS[name] = replace(
            known, name=name, path=f"{name}.txt", sha256=digest, size=1_500_000, parts=()
        )
    folder = tmp_path / "datos"
    folder.mkdir()
    (folder / "presente.txt").write_text("hola\nadiós\n", "utf-8")
    monkeypatch.setenv("COURSEKIT_DATA", str(folder))
    yield folder
    data.DATASETS.clear()
    data.DATASETS.update(entries)  # en su orden, que es el que se enseña


def run(capsys, *arguments):
    """Código de salida y lo que se escribió por cada salida."""
    try:
        status = cli.main(arguments)
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize("arguments", [("datos",), ("datos", "listar")])
def test_list_says_where_each_set_is(toy, capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    rows = [re.split(r"  +", line) for line in out.splitlines()]
    licence = "dominio público; marcado CC BY 4.0"
    assert rows == [
        ["NOMBRE", "TAMAÑO", "DÓNDE", "LICENCIA"],
        ["presente", "1.5 MB", "carpeta COURSEKIT_DATA", licence],
        ["ausente", "1.5 MB", "no está: muestra", licence],
    ]


def test_list_of_the_real_registry(capsys):
    status, out, _ = run(capsys, "datos")
    assert status == 0
    assert all(name in out for name in data.DATASETS)


def test_list_with_a_wrong_folder_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv("COURSEKIT_DATA", "/no/existe")
    status, out, err = run(capsys, "datos")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "COURSEKIT_DATA vale «/no/existe», que no existe" in err


def test_download_goes_on_after_a_failure(toy, capsys):
    status, out, err = run(capsys, "datos", "descargar", "ausente", "inventado", "presente")
    assert status == 1
    assert out == f"presente: correcto, {toy / 'presente.txt'}\n"
    first, second = err.splitlines()
    assert "«ausente» no está" in first and "descarga directa" in first
    assert "No conozco el conjunto de datos «inventado»" in second


def test_list_tells_what_can_be_downloaded(toy, capsys):
    entry = replace(data.DATASETS["ausente"], urls=("https://example.org/a",))
    data.DATASETS["ausente"] = entry
    assert re.search("ausente .*no está: se descarga ", run(capsys, "datos")[1])


def test_verify_checks_what_is_present(toy, capsys):
    assert run(capsys, "datos", "verificar") == (
        0, f"presente: correcto, {toy / 'presente.txt'}\n", ""
    )
    status, _, err = run(capsys, "datos", "verificar", "ausente")
    assert status == 1 and "coursekit datos descargar ausente" in err
    (toy / "presente.txt").write_text("otra cosa", "utf-8")
    status, out, err = run(capsys, "datos", "verificar")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "no contiene el texto que usa el curso" in err


def test_verify_with_nothing_present(capsys):
    status, out, err = run(capsys, "datos", "verificar")
    assert (status, err) == (0, "") and "No hay ningún conjunto" in out


@pytest.mark.parametrize("arguments, check", [((), False), (("--comprobar",), True)])
@pytest.mark.parametrize("status", [0, 1])
def test_notebooks_is_asked_and_answers(monkeypatch, capsys, arguments, check, status):
    asked = []
    stand_in = types.SimpleNamespace(main=lambda check: asked.append(check) or status)
    monkeypatch.setitem(sys.modules, "coursesite.students", stand_in)
    assert run(capsys, "cuadernos", *arguments)[0] == status
    assert asked == [check]


@pytest.mark.parametrize("problem, text", [
    (CourseError("Algo pasó: haz esto."), "Algo pasó: haz esto.\n"),
    (KeyboardInterrupt(), "Interrumpido.\n"),
])
def test_problems_are_one_sentence_and_status_one(monkeypatch, capsys, problem, text):
    def fail(check):
        raise problem

    stand_in = types.SimpleNamespace(main=fail)
    monkeypatch.setitem(sys.modules, "coursesite.students", stand_in)
    assert run(capsys, "cuadernos") == (1, "", text)


@pytest.mark.parametrize("module", ["IPython", "jupytext", "myst_nb", "sphinx"])
def test_notebooks_without_what_builds_the_book_says_what_to_install(module):
    code = (  # en otro proceso: en este el módulo ya puede estar importado
        f"import sys; sys.modules[{module!r}] = None; from coursekit import cli; "
        "sys.exit(cli.main(['cuadernos', '--comprobar']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith(f"Falta {module}, ") and "pip install -c" in done.stderr


HELP = [(), ("datos",), ("datos", "listar"), ("datos", "descargar"), ("datos", "verificar"),
        ("cuadernos",)]
MISTAKES = [
    (), ("dato",), ("datos", "borrar"), ("datos", "descargar"), ("datos", "--todo"),
    ("cuadernos", "--comprobar=sí"), ("cuadernos", "ya"),
]
ENGLISH = re.compile(
    r"\b(usage|options?|optional|positional|arguments?|error|show|message|exit|invalid|choice|"
    r"choose|from|required|following|unrecognized|expected|ignored|explicit|the|and|this)\b"
)


@pytest.mark.parametrize("command", HELP)
def test_help_is_spanish(capsys, command):
    status, out, err = run(capsys, *command, "-h")
    assert (status, err) == (0, "")
    assert out.startswith("uso: coursekit") and "opciones:" in out
    assert not ENGLISH.findall(out)


@pytest.mark.parametrize("arguments", MISTAKES)
def test_usage_mistakes_are_spanish(capsys, arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("uso: coursekit")
    assert not ENGLISH.findall(err)


def test_argparse_itself_stays_as_it_was(capsys):
    run(capsys, "datos", "-h")
    assert argparse.ArgumentParser(prog="otro").format_usage() == "usage: otro [-h]\n"


def test_command_runs_as_a_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "coursekit.cli", "datos", "descargar", "inventado"],
        capture_output=True, text=True, encoding="utf-8",
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "«inventado»" in done.stderr
