"""Qué se ejecuta y qué se lee cuando cambia cada cosa: un libro diminuto, construido de verdad."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from conftest import ROOT
from coursekit.data import registry
from coursekit.errors import CourseError
from coursesite import freshness

REPOSITORY = "https://github.com/escuela/libro"
BOOK_TOC = """\
format: jb-book
root: inicio
chapters:
  - file: alfa
  - file: beta
  - file: cita
  - file: prosa
  - file: gamma
"""
HEADER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
# Cada página cuenta sus ejecuciones; alfa y beta se esperan: solo se ven si corren a la vez.
CELL = """\
```{{code-cell}} ipython3
import os, time
from pathlib import Path
with Path(os.environ["EJECUCIONES"]).open("a") as log:
    print("{name}", file=log)
{code}
```

"""
MEET = """\
places = [Path(os.environ["EJECUCIONES"] + name) for name in (".alfa", ".beta")]
places["{name}" == "beta"].touch()
deadline = time.monotonic() + 20
while not all(place.exists() for place in places) and time.monotonic() < deadline:
    time.sleep(0.05)
print("a la vez:", all(place.exists() for place in places), os.environ["OMP_NUM_THREADS"])
"""


def book_page(title, name, code, text=""):
    return f"{HEADER}# {title}\n\n{CELL.format(name=name, code=code)}{text}"


class Book:
    """Un libro diminuto con una copia del paquete y otra de la extensión."""

    def __init__(self, root: Path):
        self.root, self.package, self.data = root, root / "package/coursekit", root / "data"
        self.built = root / "libro/_build"
        self.log = root / "ejecuciones"
        shutil.copytree(
            ROOT / "coursekit", self.package, ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("book/_ext", "book/_static"):
            shutil.copytree(ROOT / name, root / name)
        self.data.mkdir()
        self.write("package/coursekit/comun.py", "STEP = 1  # un paso\n")
        self.write("package/coursekit/alfa.py", '"""Alfa."""\nfrom coursekit.comun import STEP\n')
        self.write("package/coursekit/exercises/sets/gamma.py", "POINTS = 1\n")
        # La configuración del curso, sin los archivos que aquí no hay.
        config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
        config |= {"title": "Libro de prueba", "repository": {"url": REPOSITORY}}
        del config["logo"], config["html"]["favicon"]
        self.write("libro/book/referencias.bib", "")
        config["sphinx"]["local_extensions"] = {"coursesite": str(root / "book/_ext")}
        self.write("libro/_config.yml", yaml.safe_dump(config, allow_unicode=True))
        self.write("libro/_toc.yml", BOOK_TOC)
        self.write("libro/inicio.md", "# Inicio\n\n(medio)=\n## Medio\n\nTexto.\n\n$$\ny\n$$ (eq-y)\n")
        self.write("libro/alfa.md", book_page(
            "Alfa", "alfa",
            "from coursekit.alfa import STEP\nfrom coursekit.lecture import glue\n"
            f"glue('paso', STEP)\n{MEET.format(name='alfa')}",
            "Dice {glue:text}`paso`, como {eq}`eq-y`.\n",
        ))  # fmt: skip
        self.write("libro/beta.md", book_page(
            "Beta", "beta",
            "from coursekit.data.registry import notice, where\nprint(where('quijote'))\n"
            "notice.show('quijote', 'Una muestra sustituye al Quijote.')\n"
            f"{MEET.format(name='beta')}",
        ))  # fmt: skip
        self.write("libro/cita.md", "# Cita\n\nAlfa dice «{glue:text}`alfa.md::paso:d`».\n")
        self.write("libro/prosa.md", "# Prosa\n")
        self.write("libro/gamma.md", "# La lección de la hoja gamma\n")
        self.write("libro/solutions/gamma.md", book_page(
            "Gamma", "gamma", "import coursekit.exercises\n# SOLUCIÓN\nx = 1\n# FIN DE LA SOLUCIÓN",
        ))  # fmt: skip

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def change(self, name, old, new):
        text = (self.root / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def build(self, status=0):
        """Construye el libro y devuelve las páginas ejecutadas, las leídas y lo que se dijo."""
        self.log.write_text("")
        done = subprocess.run(
            [Path(sys.executable).with_name("jupyter-book"), "build", "libro", "-W", "-n", "--keep-going"],
            cwd=self.root, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(self.root / "package"), "EJECUCIONES": str(self.log),
                 "COURSEKIT_DATA": str(self.data), "XDG_CACHE_HOME": str(self.root / "cache")},
        )  # fmt: skip
        said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
        assert done.returncode == status, said[-3000:]
        read = set(re.findall(r"reading sources\.\.\. \[ *\d+%\] ([\w/]+)", said))
        return sorted(self.log.read_text().split()), read, said

    def page(self, name):
        html = (self.built / f"html/{name}.html").read_text("utf-8")
        return " ".join(BeautifulSoup(html, "html.parser").select_one("article").get_text().split())

    def notebook(self, name):
        return nbformat.read(self.built / f"cuadernos/{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """El libro, ya construido una vez; cada prueba cambia algo y lo deja construido otra vez."""
    book = Book(tmp_path_factory.mktemp("curso"))
    book.first = book.build()
    return book


def test_one_build_runs_every_page_and_leaves_exercises_pages_and_notebooks(book):
    assert book.first[0] == ["alfa", "beta", "gamma"]
    assert "raise" not in book.page("exercises/gamma") and "x = ..." in book.page("exercises/gamma")
    written = {path.relative_to(book.built / "cuadernos").with_suffix("").as_posix()
               for path in book.built.rglob("cuadernos/**/*.ipynb")}
    assert written == {"alfa", "beta", "exercises/gamma-ejercicios", "solutions/gamma-soluciones"}
    said = (book.built / "muestras.txt").read_text("utf-8")
    assert said == "beta: una muestra sustituye a quijote\n"
    [_, header, _, cell, text] = book.notebook("alfa").cells
    site = "https://escuela.github.io/libro/"
    assert header.source == f"Este cuaderno es la página [Alfa]({site}alfa.html) del curso *Libro de prueba*."
    assert "Los datos, unos 2 MB, se descargan" in book.notebook("beta").cells[1].source
    assert re.fullmatch(rf"Dice \d+, como \[\(\d\)\]\({site}inicio.html#equation-eq-y\)\.", text.source)
    assert cell.outputs


@pytest.mark.skipif(os.cpu_count() < 2, reason="con un núcleo, las páginas van de una en una")
def test_two_pages_run_at_once_each_with_one_thread(book):
    for name in ("alfa", "beta"):
        assert "a la vez: True 1" in book.page(name)


def test_nothing_changed_runs_and_reads_nothing(book):
    assert book.build()[:2] == ([], set())


def test_what_changes_no_figure_runs_nothing(book):
    book.change("package/coursekit/alfa.py", "Alfa.", "Alfa, dicho mejor.")
    book.change("package/coursekit/comun.py", "# un paso", "# otro comentario")
    template = next((book.package / "grading/templates").glob("*.*"))
    template.write_text(template.read_text("utf-8") + "\n")
    book.write("package/coursekit/nuevo.py", "x = 1\n")
    book.change("package/coursekit/data/catalogue.py", "sin licencia explícita", "sin licencia")
    assert book.build()[:2] == ([], set())


def test_prose_runs_nothing_and_only_its_page_is_read(book):
    book.change("libro/beta.md", "# Beta\n", "# Beta\n\nUna frase nueva.\n")
    assert book.build()[:2] == ([], {"beta"})
    assert "Una frase nueva." in "".join(cell.source for cell in book.notebook("beta").cells)


def test_a_module_runs_the_pages_that_reach_it_and_those_that_cite_them_are_read(book):
    book.change("package/coursekit/comun.py", "STEP = 1", "STEP = 47")
    assert book.build()[:2] == (["alfa"], {"alfa", "cita"})
    assert "Dice 47," in book.page("alfa") and "«47»" in book.page("cita")
    assert "Dice 47," in book.notebook("alfa").cells[-1].source


def test_going_back_runs_nothing(book):
    for code in ("STEP = 1000 + ", "STEP = "):
        book.change("package/coursekit/comun.py", "STEP = ", code)
        runs = book.build()[0]
        book.change("package/coursekit/comun.py", code, "STEP = ")
    assert runs == []


def test_a_page_that_becomes_a_notebook_is_run(book):
    book.write("libro/prosa.md", book_page("Prosa", "prosa", "print('ya')"))
    assert book.build()[:2] == (["prosa"], {"prosa"})


def test_without_its_cache_every_page_runs_again(book):
    shutil.rmtree(book.built / ".jupyter_cache")
    assert {"alfa", "beta", "gamma"} <= set(book.build()[0])


def test_data_that_appear_run_only_the_pages_that_name_them(book):
    assert "no está: muestra" in book.page("beta")
    path = book.data / registry.DATASETS["quijote"].path
    path.parent.mkdir()
    path.write_text("x")
    assert book.build()[:2] == (["beta"], {"beta"})
    assert "carpeta COURSEKIT_DATA" in book.page("beta")


def test_an_exercise_set_runs_its_solutions(book):
    book.change("package/coursekit/exercises/sets/gamma.py", "POINTS = 1", "POINTS = 2")
    assert book.build()[:2] == (["gamma"], {"solutions/gamma"})


def test_a_solution_renews_its_exercise_in_the_same_build(book):
    book.change("libro/solutions/gamma.md", "x = 1", "x, y = 1, 2")
    runs, read, _ = book.build()
    assert runs == ["gamma"] and read == {"exercises/gamma", "solutions/gamma"}
    assert "y = ..." in book.page("exercises/gamma")
    assert "y = ..." in book.notebook("exercises/gamma-ejercicios").cells[-1].source


def test_notebooks_follow_the_pages_they_cite_without_being_read(book):
    assert "[(1)](" in book.notebook("alfa").cells[-1].source
    book.change("libro/inicio.md", "Texto.", "Texto.\n\n$$\nx\n$$ (eq-x)")
    runs, read, _ = book.build()
    assert runs == [] and "alfa" not in read
    assert "[(2)](" in book.notebook("alfa").cells[-1].source


def test_a_new_page_reaches_the_contents_of_every_page_and_runs_nothing(book):
    book.write("libro/nueva.md", "# Página nueva\n")
    book.change("libro/_toc.yml", "  - file: alfa\n", "  - file: nueva\n  - file: alfa\n")
    runs, read, _ = book.build()
    assert runs == [] and "alfa" not in read
    assert "Página nueva" in (book.built / "html/alfa.html").read_text("utf-8")


def test_a_change_of_the_extension_is_seen_in_every_page_and_runs_nothing(book):
    book.change("book/_ext/coursesite/pages.py", '"Abrir en Colab"', '"Abrir ya en Colab"')
    assert book.build()[0] == []
    assert "Abrir ya en Colab" in (book.built / "html/alfa.html").read_text("utf-8")


def test_a_syntax_error_below_is_one_sentence_that_names_the_file(book):
    book.change("package/coursekit/comun.py", "STEP =", "STEP = =")
    said = book.build(status=1)[2]
    path = book.package / "comun.py"
    assert f"ERROR: alfa.md no se puede ejecutar: {path} no es Python válido en la línea 1.\n" in said
    assert "Traceback" not in said
    book.change("package/coursekit/comun.py", "STEP = =", "STEP =")
    assert book.build()[0] == []


def test_a_page_that_fails_is_shown_once_and_the_others_are_kept(book):
    book.change("libro/alfa.md", "glue('paso', STEP)", "glue('paso', STEP); raise ValueError('¡ay!')")
    book.change("libro/beta.md", "print(where(", "time.sleep(2)\nprint('nuevo', where(")
    runs, _, said = book.build(status=1)
    assert runs == ["alfa", "beta"]
    assert "alfa.md no se ejecuta:" in said and "ValueError: ¡ay!" in said
    book.change("libro/alfa.md", "; raise ValueError('¡ay!')", "")
    assert book.build()[0] == []
    assert "nuevo" in book.page("beta")


def test_a_badly_written_solution_stops_the_build_with_its_sentence(book):
    book.change("libro/solutions/gamma.md", "# FIN DE LA SOLUCIÓN", "")
    said = book.build(status=1)[2]
    assert "ERROR: solutions/gamma.md, celda 2: falta «# FIN DE LA SOLUCIÓN»" in said
    book.change("libro/solutions/gamma.md", "\n```\n", "\n# FIN DE LA SOLUCIÓN\n```\n")
    book.build()


def test_versions_of_python_and_of_libraries_count(monkeypatch):
    fingerprint = freshness.fingerprint.__wrapped__
    text = book_page("P", "p", "x = 1")
    seen = [fingerprint("p", text)]
    with monkeypatch.context() as patch:
        patch.setattr(freshness.platform, "python_version", lambda: "9.9.9")
        seen.append(fingerprint("p", text))
    for library in freshness.LIBRARIES:
        version = importlib.metadata.version
        with monkeypatch.context() as patch:
            patch.setattr(importlib.metadata, "version",
                          lambda name: "9" if name == library else version(name))  # noqa: B023
            seen.append(fingerprint("p", text))
    assert len(set(seen)) == len(seen) == 2 + len(freshness.LIBRARIES)
    assert fingerprint("p", text) == seen[0]


@pytest.mark.parametrize("docname, code, loaded", [
    ("solutions/rnn-desde-cero", "check = 1", ["rnn_desde_cero"]),
    ("book/otra", "check, hint = open_set('coocurrencia-ppmi')", ["coocurrencia_ppmi"]),
    ("book/otra", "check = 1", []),
])
def test_a_page_counts_the_exercise_sets_that_it_opens(docname, code, loaded):
    tree = freshness._parse(docname, book_page("P", "p", f"import coursekit.exercises\n{code}"))
    sets = "coursekit.exercises.sets."
    assert [m for m in freshness._imported(docname, tree) if m.startswith(sets)] == [
        sets + name for name in loaded
    ]


@pytest.mark.parametrize("code, named", [
    ("load('quijote')", True), ("fetch('quijote2')", False), ("DATA = 'ag_news'", True),
])
def test_a_data_set_counts_when_its_name_is_written(code, named, monkeypatch):
    text = book_page("P", "p", code)
    before = freshness.fingerprint.__wrapped__("p", text)
    monkeypatch.setattr(registry, "where", lambda name: "en otro lugar")
    assert (freshness.fingerprint.__wrapped__("p", text) != before) is named


def test_every_data_set_of_the_catalogue_counts_for_itself_only(monkeypatch):
    text = book_page("P", "p", "from coursekit.data import load\nload('quijote')")
    before = freshness.fingerprint.__wrapped__("p", text)
    for name, same in (("novelas", True), ("quijote", False)):
        changed = replace(registry.DATASETS[name], sha256="0" * 64)
        with monkeypatch.context() as patch:
            patch.setitem(registry.DATASETS, name, changed)
            assert (freshness.fingerprint.__wrapped__("p", text) == before) is same


@pytest.mark.parametrize("code, complaint", [
    ("x = = 1", "p.md no se puede ejecutar: el código de p.md no es Python válido en la línea 5."),
    ("import coursekit.nada", "p.md no se puede ejecutar: importa .*nada.py, que no existe."),
])
def test_a_page_that_cannot_run_says_why(code, complaint):
    with pytest.raises(CourseError, match=complaint):
        freshness.fingerprint("p", book_page("P", "p", code))


def test_a_page_without_its_kernel_in_the_header_is_named():
    text = book_page("P", "p", "x = 1").replace("  display_name: Python 3\n", "")
    with pytest.raises(CourseError, match="p.md no dice «display_name»"):
        freshness._marked("p", text)


@pytest.mark.parametrize("file, counts", [
    ("data/samples/intrusos.tsv", True),  # la nombra la página
    ("data/samples/resenas.tsv", True),  # sustituye a un conjunto que nombra
    ("data/samples/titulares.tsv", False),
    ("experiments/published/letras.json", True),
    ("experiments/published/vectores.json", False),
])
def test_samples_and_stored_results_count_where_they_are_named(file, counts, tmp_path, monkeypatch):
    for folder in ("data/samples", "experiments/published"):
        shutil.copytree(freshness.PACKAGE / folder, tmp_path / folder)
    monkeypatch.setattr(freshness, "PACKAGE", tmp_path)
    code = "load_sample('intrusos'), load('imdb_train'), load_results('letras')"
    text = book_page("P", "p", f"from coursekit.data import load, load_sample\n{code}")
    before = freshness.fingerprint.__wrapped__("p", text)
    with (tmp_path / file).open("a") as stream:
        stream.write("\n")
    assert (freshness.fingerprint.__wrapped__("p", text) != before) is counts


def test_the_sets_that_the_pages_use_are_found_in_them(tmp_path, monkeypatch):
    """Son los que `make datos` trae; no los de una página que no está en el índice."""
    pages = {
        "alfa": "from coursekit import data\ncorpus = data.load('novelas')",
        "solutions/alfa": "from coursekit.data import load\nload('rg65_es')",
        "exercises/alfa": "x = ...",
        "beta": "from coursekit.data import load\n[load('novelas'), load('imdb_test')]",
        "suelta": "from coursekit.data import load\nload('quijote')",
    }
    for name, code in pages.items():
        path = tmp_path / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{HEADER}# {name}\n\n```{{code-cell}} ipython3\n{code}\n```\n", "utf-8")
    (tmp_path / "inicio.md").write_text("# load('glove_50d')\n", "utf-8")
    chapters = [{"file": name} for name in ("alfa", "beta", "inicio")]
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"root": "inicio", "chapters": chapters}))
    assert sorted(freshness.used_sets(tmp_path)) == ["imdb_test", "novelas", "rg65_es"]
    load = re.compile(r"(?m)^corpus = (?:data\.)?load\(\"([\w-]+)\"\)")
    pages = map(Path.read_text, (ROOT / "book").rglob("*-*.md"))
    loaded = {name for page in pages for name in load.findall(page)}
    ordered = subprocess.run(["make", "-n", "datos"], cwd=ROOT, capture_output=True, text=True).stdout
    [program] = re.findall(r"python -c '(.+)' \| xargs -r coursekit datos descargar", ordered)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert loaded and loaded <= set(done.stdout.split()), done.stderr
