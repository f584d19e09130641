"""Los cuadernos que salen de la construcción real del sitio: completos, limpios y reproducibles."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import jupytext
import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build/html"
FOLDER = ROOT / "_build/cuadernos"
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
OWNER, NAME = REPOSITORY.split("/")[-2:]
SITE = f"https://{OWNER}.github.io/{NAME}/"
SETS = sorted((ROOT / "solutions").glob("*.md"))
LECTURES = [p for p in sorted((ROOT / "book").rglob("*.md")) if "\nkernelspec:" in p.read_text()]


def page_name(path):
    return path.relative_to(ROOT).with_suffix("").as_posix()


@pytest.fixture(scope="module")
def books(site):
    """Cada cuaderno por el nombre de su página."""
    return {
        re.sub("-(ejercicios|soluciones)$", "", path.relative_to(FOLDER).with_suffix("").as_posix()):
            nbformat.read(path, as_version=4)
        for path in sorted(FOLDER.rglob("*.ipynb"))
    }


def texts(book):
    return [cell.source for cell in book.cells if cell.cell_type == "markdown"]


def codes(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_there_is_one_notebook_for_each_lecture_and_two_for_each_set(books):
    assert len(books) == len(LECTURES) + 2 * len(SETS) >= 6
    pages = {page_name(path) for path in LECTURES}
    for path in SETS:
        pages |= {f"exercises/{path.stem}", f"solutions/{path.stem}"}
    assert books.keys() == pages


def test_every_notebook_is_valid(books):
    for book in books.values():
        nbformat.validate(book)
        assert (book.nbformat, book.nbformat_minor) == (4, 5)
        assert book.metadata.kernelspec.name == "python3"
        assert len({cell.id for cell in book.cells}) == len(book.cells)


def test_another_build_leaves_the_same_bytes_whatever_was_there(site):
    def contents():
        return {path: path.read_bytes() for path in FOLDER.rglob("*.ipynb")}

    before = contents()
    min(before).write_text("{}")
    (FOLDER / "sobra.ipynb").write_text("{}")
    subprocess.run(
        ["make", "sitio"], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"}, check=True,
        capture_output=True,
    )  # fmt: skip
    assert contents() == before


# Un detector que no sabe nada del conversor: mira las líneas, fuera de los bloques de código.
RAW = {
    "directiva": re.compile(r"^[\s>*+-]*(`{3,}|~{3,}|:{3,})\s*\{"),
    "dos puntos": re.compile(r"^[\s>]*:{3,}"),
    "rol": re.compile(r"(?<!`)\{[\w:+-]+\}`"),
    "destino": re.compile(r"^[\s>]*\([^()\s]+\)=\s*$"),
    "comentario": re.compile(r"^% "),
    "corte": re.compile(r"^\+\+\+"),
    "etiqueta de ecuación": re.compile(r"\$\$\s*\([\w:-]+\)\s*$"),
    "opción": re.compile(r"^[\s>]*:(label|class|pyobject|name|open|tags):"),
    "sustitución": re.compile(r"\{\{"),
    "marca de solución": re.compile(r"# (FIN DE LA )?SOLUCIÓN"),
}


def raw_myst(text):
    inside, found = False, []
    for line in text.splitlines():
        found += [(name, line) for name, mark in RAW.items() if not inside and mark.search(line)]
        if re.match(r"^[\s>]*(```|~~~)", line):
            inside = not inside
    return found


def test_the_detector_detects():
    for text in ("```{note}", "> :::{tip} x", "a {eq}`b` c", "(meta)=", "% hola", ":label: x"):
        assert raw_myst(text), text
    assert not raw_myst("# Hola\n\n```python\n% x\n{eq}`b`\n```\n\n$x_{t}$ `{a}` $$ x \\tag{1} $$")


def test_no_notebook_shows_raw_myst(books):
    found = {name: raw_myst(text) for name, book in books.items() for text in texts(book)}
    assert {name: raw for name, raw in found.items() if raw} == {}


def test_included_code_is_the_code_of_the_package(books):
    pattern = re.compile(r"\{literalinclude\}\s+\S*?(coursekit/\S+)\.py\n:pyobject: (\w+)\s*\n")
    for path in [*LECTURES, *SETS]:
        cells = [cell.source for cell in codes(books[page_name(path)])]
        for module, name in pattern.findall(path.read_text("utf-8")):
            module = module.removesuffix("/__init__").replace("/", ".")
            code = inspect.getsource(getattr(importlib.import_module(module), name))
            assert any(cell.endswith(code.strip()) for cell in cells), f"{path.name}: {name}"


def names_in(code, kind):
    """Los nombres que el código lee (`ast.Load`) o a los que da valor (`ast.Store`), sin los argumentos."""
    nodes = list(ast.walk(ast.parse(code)))
    found = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}
    if kind is ast.Store:
        found |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        found |= {(node.asname or node.name).split(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return found


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_what_a_page_shows_runs_without_what_it_hides(path):
    """Quien copia las celdas de la página no tiene las que llevan `remove-cell`."""
    hidden, missing = set(), set()
    for cell in jupytext.read(path).cells:
        if cell.cell_type != "code":
            continue
        if "remove-cell" in cell.metadata.get("tags", ()):
            hidden |= names_in(cell.source, ast.Store)  # también lo que pisa
        else:
            given = names_in(cell.source, ast.Store)
            arguments = {node.arg for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.arg)}
            missing |= names_in(cell.source, ast.Load) & hidden - given - arguments
            hidden -= given
    assert missing == set()


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_what_the_site_removes_is_not_in_the_notebook(path, books):
    """Son cifras para la prosa y aserciones sobre ellas: en otro procesador detendrían el cuaderno."""
    cells = jupytext.read(path).cells
    removed = [cell.source for cell in cells if "remove-cell" in cell.metadata.get("tags", ())]
    left = [cell.source for cell in codes(books[page_name(path)])]
    assert removed and not [source for source in removed if any(source in cell for cell in left)]


def test_links_to_the_site_lead_somewhere(books):
    anchors = {}
    for name, book in books.items():
        for text in texts(book):
            for url in re.findall(rf"\({re.escape(SITE)}([^)\s]+)\)", text):
                page, _, fragment = unquote(url).partition("#")
                if page not in anchors:
                    html = BeautifulSoup((HTML / page).read_text("utf-8"), "html.parser")
                    anchors[page] = {tag["id"] for tag in html.select("[id]")}
                assert not fragment or fragment in anchors[page], f"{name}: {url}"
    assert len(anchors) >= len(books)


def test_install_cell_acts_in_colab_and_nowhere_else(books, monkeypatch):
    calls = []

    class Shell:
        def run_line_magic(self, name, line):
            calls.append((name, line))

    for book in books.values():
        first = book.cells[0]
        assert first.cell_type == "code" and "import sys" in first.source
        code = TransformerManager().transform_cell(first.source)
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
        exec(code, {"get_ipython": Shell})
        assert calls == []
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        exec(code, {"get_ipython": Shell})
        assert calls == [("pip", f"install -q git+{REPOSITORY}")]
        calls.clear()


def test_only_exercises_come_without_outputs(books):
    for name, book in books.items():
        printed = [(cell, output) for cell in codes(book) for output in cell.outputs]
        assert bool(printed) == (not name.startswith("exercises/")), name
        for cell, output in printed:
            expected = "raises-exception" in cell.metadata.get("tags", [])
            assert expected or output.output_type != "error", f"{name}: {cell.source}"


def test_each_question_of_the_quiz_has_one_right_answer_and_explains_all(books):
    option = re.compile(r"<summary>([a-z])\) .+?</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
    for path in LECTURES:
        name = page_name(path)
        text = "\n\n".join(texts(books[name]))
        quiz = re.split(r"\n## ", text.split("\n## Cuestionario\n")[1])[0]
        questions = re.split(r"\n\*\*\d+\. ", quiz)[1:]
        assert 3 <= len(questions) <= 5, name
        for number, question in enumerate(questions, start=1):
            letters, answers = zip(*option.findall(question), strict=True)
            assert "".join(letters) == "abcdefg"[: len(letters)] and len(letters) > 1
            verdicts = [re.match(r"\*\*(Sí|No)\.\*\* \S", answer) for answer in answers]
            assert all(verdicts), f"{name}, pregunta {number}: una opción no se explica"
            assert [v[1] for v in verdicts].count("Sí") == 1, f"{name}, pregunta {number}"
            assert all(len(answer.split()) >= 5 for answer in answers), f"{name}, {number}"


def run_cells(option, books, tmp_path, **environment):
    """Ejecuta una copia de los cuadernos con nbval y comprueba cuántas celdas han pasado.

    Tantos a la vez como núcleos hay, cada uno entero en un proceso y con un solo hilo de cálculo,
    como al construir el sitio.
    """
    for name, book in books.items():
        path = tmp_path / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, path)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", option, "-q", "-p", "no:cacheprovider", "-c", os.devnull,
         "--rootdir", tmp_path, "--nbval-cell-timeout=300", tmp_path,
         "-n", str(os.cpu_count()), "--dist", "loadfile"],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-5000:]
    assert f"{sum(len(codes(book)) for book in books.values())} passed" in result.stdout


def test_skeletons_run_from_start_to_end(books, tmp_path):
    skeletons = {name: book for name, book in books.items() if name.startswith("exercises/")}
    assert len(skeletons) == len(SETS)
    run_cells("--nbval-lax", skeletons, tmp_path)


def test_outputs_of_lectures_and_solutions_are_reproduced(books, tmp_path):
    executed = {name: book for name, book in books.items() if not name.startswith("exercises/")}
    assert len(executed) == len(LECTURES) + len(SETS)
    run_cells("--nbval", executed, tmp_path)


def test_lectures_run_on_samples_without_data_or_network(books, tmp_path):
    lectures = {page_name(path): books[page_name(path)] for path in LECTURES}
    closed = "http://127.0.0.1:9"
    run_cells(
        "--nbval-lax", lectures, tmp_path, COURSEKIT_DATA="", XDG_CACHE_HOME=str(tmp_path / "caché"),
        http_proxy=closed, https_proxy=closed,
    )  # fmt: skip
