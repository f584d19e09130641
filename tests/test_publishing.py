"""Versiones para estudiantes, Markdown llano y glue, en cursos diminutos y en el de verdad."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import jupytext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_output
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from coursekit.errors import CourseError
from coursekit.lecture import GLUE_PREFIX
from coursesite import files, myst, notebooks, pages, students
from coursesite.plain import Listing, Page
from coursesite.references import Site
from regression import regression

ROOT = Path(__file__).parents[1]
SITE = "https://escuela.github.io/curso-x/"
CONFIG = """\
title: Curso de prueba
repository:
  url: https://github.com/escuela/curso-x
parse:
  myst_enable_extensions: [amsmath, colon_fence, deflist, dollarmath]
"""
FRONT_MATTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
    jupytext_version: 1.16.0
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
BIBLIOGRAPHY = r"""
@misc{church1990, author = {Church, Kenneth and Hanks, Patrick}, year = {1990}, title = {A}}
@misc{jurafsky, author = {Jurafsky, Dan}, year = {2024}, title = {B}}
@misc{garcia2001, author = {Garc{\'\i}a Lorca, Ana and B, C and D, E}, year = {2001}, title = {C}}
"""
PAGES = {
    "book/inicio": "# Curso\n\n```{toctree}\nuna\ndos/otra\nglosario\nbibliografia\n```\n",
    "book/una": "# Una página\n\n$$\nx\n$$ (eq-a)\n\n$$\nx\n$$ (eq-b)\n",
    "book/dos/otra": "# Otra página\n\n(apartado)=\n## Cómo \\*no\\* contar\n\n$$\nx\n$$ (eq-lejos)\n",
    "book/glosario": "# Glosario\n\n```{glossary}\nVentana de contexto\n  Las vecinas.\n```\n",
    "book/bibliografia": "# Bibliografía\n\n```{bibliography}\n:all:\n```\n",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Una carpeta de curso."""
    root = tmp_path_factory.mktemp("curso")
    (root / "_config.yml").write_text(CONFIG)
    (root / "referencias.bib").write_text(BIBLIOGRAPHY)
    for name, text in PAGES.items():
        (root / f"{name}.md").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.md").write_text(text)
    (root / "modulo.py").write_text(
        "def f(x):\n    return x\n\n\nclass A:\n    def m(self):\n        pass\n"
    )
    return root


@pytest.fixture(scope="module")
def site_of_course(course):
    """Lo que Sphinx sabe de ese curso, que acaba de construir."""
    config = {
        "extensions": ["myst_parser", "sphinxcontrib.bibtex"],
        "bibtex_bibfiles": ["referencias.bib"],
        "html_baseurl": SITE,
        "myst_enable_extensions": ["dollarmath"],
        "numfig": True,
        "root_doc": "book/inicio",
    }
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            course, None, course / "_build/html", course / "_build/.doctrees", "html", config,
            status=None, warningiserror=True,
        )  # fmt: skip
        app.build()
    return Site(app)


@pytest.fixture(scope="module")
def md(course):
    return myst.parser(course)


@pytest.fixture
def page(site_of_course, md):
    return Page("book/una", site_of_course, md, lambda text: f"<{text}>")


# Versión del estudiante


def student_cells(body, md):
    text = students.student_version(FRONT_MATTER + "# Título\n\n" + body, "uno.md", md)
    return text, jupytext.reads(text, fmt="md:myst").cells


def in_code_cell(code, tags=""):
    return f"```{{code-cell}} ipython3\n{tags}{code}```\n"


def test_solution_inside_a_function_becomes_an_error_that_says_what_to_do():
    source = dedent('''\
        def ppmi(counts):
            """Documentada."""
            # SOLUCIÓN
            total = counts.sum()

            return total
            # FIN DE LA SOLUCIÓN


        class Red:
            def forward(self, X):
                if X is None:
                    # SOLUCIÓN
                    def ayuda():
                        return 1
                    # FIN DE LA SOLUCIÓN
                return X''')
    assert students.without_solution(source, "x") == dedent('''\
        def ppmi(counts):
            """Documentada."""
            raise NotImplementedError("Escribe aquí tu solución.")


        class Red:
            def forward(self, X):
                if X is None:
                    raise NotImplementedError("Escribe aquí tu solución.")
                return X''')


def test_solution_outside_functions_leaves_each_assigned_name_to_fill_in():
    source = dedent("""\
        # SOLUCIÓN
        a, (b, *c) = 1, (2, 3)
        d: int = 4
        d += 1
        for i in range(3):
            e = i
        with open("x") as archivo:
            g = [z for z in archivo]
        def h():
            interno = 1
        print(a)
        # FIN DE LA SOLUCIÓN
        class Red:
            # SOLUCIÓN
            capas = 2
            # FIN DE LA SOLUCIÓN""")
    assert students.without_solution(source, "x") == dedent("""\
        # Escribe aquí tu solución.
        a = ...
        b = ...
        c = ...
        d = ...
        e = ...
        g = ...
        h = ...
        class Red:
            # Escribe aquí tu solución.
            capas = ...""")


@pytest.mark.parametrize(
    "code, complaint",
    [
        ("# SOLUCIÓN\nx = 1", "falta «# FIN DE LA SOLUCIÓN» para la región de la línea 1"),
        ("x = 1\n# FIN DE LA SOLUCIÓN", "línea 2 no cierra ninguna región"),
        ("# SOLUCIÓN\n# SOLUCIÓN\nx = 1\n# FIN DE LA SOLUCIÓN", "hay otro «# SOLUCIÓN»"),
        ("# SOLUCIÓN\n# nada\n\n# FIN DE LA SOLUCIÓN", "línea 1 no tiene código"),
        ("def f():\n# SOLUCIÓN\n    x = 1\n# FIN DE LA SOLUCIÓN", "línea 2 debe tener la sangría"),
        ("# SOLUCIÓN\nx = = 1\n# FIN DE LA SOLUCIÓN", "no es Python válido en la línea 2"),
        ("# SOLUCIÓN\nif x:\n    y = 1\n# FIN DE LA SOLUCIÓN\nelse:\n    y = 2", "sin la solución"),
    ],
)
def test_badly_written_regions_are_named_with_file_and_cell(code, complaint, md):
    with pytest.raises(CourseError, match=complaint) as error:
        student_cells(in_code_cell("x = 0\n") + "\n" + in_code_cell(code + "\n"), md)
    assert "solutions/uno.md, celda 3" in str(error.value)


def test_tagged_cells_and_labels_disappear_and_the_rest_stays(md):
    text, cells = student_cells(
        "(meta-uno)=\n## Enunciado\n\n:::{note}\n(meta-dos)=\nLee esto.\n:::\n\n"
        + in_code_cell("secreto = 1\n", ":tags: [solucion]\n")
        + '\n+++ {"tags": ["solucion"]}\n\nPorque sí.\n\n+++\n\nFinal.\n\n'
        + in_code_cell("visible = 1\n", ":tags: [hide-input]\n")
        + "\n```{code-cell} ipython3\n```\n",
        md,
    )
    assert "secreto" not in text and "Porque" not in text and "meta-" not in text
    assert "## Enunciado" in text and "Lee esto." in text and "Final." in text
    assert [cell.source for cell in cells if cell.cell_type == "code"] == ["visible = 1", ""]
    assert cells[-2].metadata.tags == ["hide-input"]


def test_equation_labels_cannot_stand_in_both_versions(md):
    for equation in ("```{math}\n:label: eq-z\nx\n```\n", "$$\nx\n$$ (eq-z)\n"):
        with pytest.raises(CourseError, match="solutions/uno.md, celda 1: una ecuación"):
            student_cells(equation, md)


def test_exercises_say_where_they_come_from_and_survive_a_round_trip(md):
    text, cells = student_cells(in_code_cell("x = 1\n"), md)
    notice = "% Generado con «coursekit cuadernos» a partir de solutions/uno.md"
    assert cells[0].source.startswith(notice)
    assert "jupytext_version: " not in text
    assert jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst") == text


def test_writing_is_whole_and_only_when_something_changes(tmp_path):
    old, stray = tmp_path / "a.md", tmp_path / "sobra.md"
    files.write({old: "é\n"}, tmp_path, "*.md")
    os.utime(old, (1, 1))
    stray.write_text("x")
    wanted = {old: "é\n", tmp_path / "sub/b.md": "b"}
    assert files.differences(wanted, tmp_path, "*.md") == [stray, tmp_path / "sub/b.md"]
    assert stray.exists()
    files.write(wanted, tmp_path, "*.md")
    assert old.stat().st_mtime == 1
    assert [p.name for p in sorted(tmp_path.rglob("*")) if p.is_file()] == ["a.md", "b.md"]


def test_exercises_of_this_course_are_up_to_date():
    generated = students.exercises(ROOT)
    assert generated
    assert files.differences(generated, ROOT / "exercises", "*.md") == []


def test_command_says_what_differs_and_writes_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/uno.md").write_text(FRONT_MATTER + "# Uno\n")
    monkeypatch.chdir(tmp_path)
    assert students.main(check=True) == 1
    assert capsys.readouterr().out == "Ejercicios: 1 en exercises, no están al día uno.md.\n"
    assert not (tmp_path / "exercises/uno.md").exists()
    assert students.main() == 0
    assert capsys.readouterr().out == "Ejercicios: 1 en exercises, actualizados uno.md.\n"
    assert students.main(check=True) == 0
    assert capsys.readouterr().out == "Ejercicios: 1 en exercises, al día.\n"


def test_outside_the_course_the_command_explains_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match="no tiene _config.yml"):
        students.main()


# Direcciones


@pytest.mark.parametrize("url", ["", "https://gitlab.com/a/b", "https://github.com/sola"])
def test_bad_repository_address_is_shown(url):
    config = SimpleNamespace(html_theme_options={"repository_url": url})
    with pytest.raises(ConfigError, match=f"es «{url}»"):
        pages._configure(None, config)


# Directivas y roles


BIB = SITE + "book/bibliografia.html"
ROLES = {
    "{eq}`eq-a`": "(1)",
    "{eq}`eq-lejos`": f"[(1)]({SITE}book/dos/otra.html#equation-eq-lejos)",
    "{ref}`Apartado`": rf"[Cómo \*no\* contar]({SITE}book/dos/otra.html#apartado)",
    "{ref}`aquí <apartado>`": f"[aquí]({SITE}book/dos/otra.html#apartado)",
    "{term}`ventana de contexto`": (
        f"[ventana de contexto]({SITE}book/glosario.html#term-Ventana-de-contexto)"
    ),
    "{doc}`dos/otra`": f"[Otra página]({SITE}book/dos/otra.html)",
    "{doc}`ver <../book/dos/otra>`": f"[ver]({SITE}book/dos/otra.html)",
    "{doc}`/book/una`": f"[Una página]({SITE}book/una.html)",
    "{cite:t}`church1990`": f"[Church y Hanks (1990)]({BIB})",
    "{cite:p}`jurafsky,garcia2001`": (
        f"([Jurafsky, 2024]({BIB}); [García Lorca *et al.*, 2001]({BIB}))"
    ),
    "{glue:text}`media:.2f`": r"\<media:.2f>",
    "{abbr}`XYZ`": "XYZ",
    "[texto](dos/otra.md#sub)": f"[texto]({SITE}book/dos/otra.html#sub)",
    "[](dos/otra.md)": f"[Otra página]({SITE}book/dos/otra.html)",
    "[](#apartado)": rf"[Cómo \*no\* contar]({SITE}book/dos/otra.html#apartado)",
    "[con {eq}`eq-b`](dos/otra.md)": f"[con (2)]({SITE}book/dos/otra.html)",
}
UNTOUCHED = [
    "texto con *énfasis*, $x_{t}$ y `{eq}` suelto",
    "`` {eq}`eq-a` `` es código",
    r"\{eq\}`eq-a` tampoco",
    "[fuera](https://example.org/a.md) y <https://example.org>",
    "ñandú — ¿sí? 🙂",
]


@pytest.mark.parametrize("role", ROLES)
def test_role(role, page):
    assert page.pieces(role) == [ROLES[role]]


TABLE = "| a | b |\n|---|---|\n| {0} | {0} |"
FRAMES = ["{}", "# {}", "- {}\n- otra", "> {}", "1. x\n\n   {}", TABLE]


@settings(max_examples=150, deadline=None)
@given(
    blocks=st.lists(
        st.tuples(
            st.sampled_from(FRAMES),
            st.lists(st.sampled_from([*ROLES, *UNTOUCHED]), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_roles_change_where_they_stand_and_nothing_else_does(blocks, site_of_course, md):
    page = Page("book/una", site_of_course, md, lambda text: f"<{text}>")
    before = "\n\n".join(frame.format(" y ".join(parts)) for frame, parts in blocks)
    after = "\n\n".join(
        frame.format(" y ".join(ROLES.get(part, part) for part in parts)) for frame, parts in blocks
    )
    assert page.pieces(before) == [after]


def test_role_broken_over_two_lines_of_a_quote(page):
    [text] = page.pieces("> como dice {ref}`lo de\n> allí <apartado>` y sigue\n> más")
    assert text == f"> como dice [lo de allí]({SITE}book/dos/otra.html#apartado) y sigue\n> más"


def test_abbreviation_is_expanded_once_in_a_page(page):
    pmi = "{abbr}`PMI (información mutua puntual)`"
    assert page.pieces(f"{pmi} y {pmi}") == ["PMI (información mutua puntual) y PMI"]
    assert page.pieces(pmi) == ["PMI"]


def test_equations_carry_the_number_of_the_site(page):
    assert page.pieces("```{math}\n:label: eq-b\na\n= b\n```") == [r"$$ a = b \tag{2} $$"]
    assert page.pieces("$$\na\n$$ (eq-a)") == [r"$$ a \tag{1} $$"]
    assert page.pieces(":::{math}\na \\\\\nb\n\nc\n:::") == [
        r"$$ \begin{aligned}\begin{split}a \\ b\end{split} \\ c\end{aligned} $$"
    ]
    assert page.pieces("$$\na\n$$") == ["$$\na\n$$"]


def test_admonitions_become_quotes(page):
    body = "¿Cuál? {eq}`eq-a`\n\n- a\n- b"
    text = f":::{{admonition}} La *apuesta*\n:class: apuesta\n{body}\n:::\nSigue."
    assert page.pieces(text) == [
        "> **La *apuesta***\n>\n> ¿Cuál? (1)\n>\n> - a\n> - b\n\nSigue."
    ]
    for name, title in {
        "note": "Nota", "tip": "Truco", "warning": "Advertencia", "important": "Importante"
    }.items():  # fmt: skip
        assert page.pieces(f"```{{{name}}}\nTexto.\n```") == [f"> **{title}**\n>\n> Texto."]


def test_dropdowns_become_details_with_markdown_inside(page):
    text = "::::{dropdown} a) $x<y$ y *tal* {eq}`eq-a`\n**Sí.** Así:\n\n```{math}\nx\n```\n::::"
    assert page.pieces(text) == [
        "<details>\n<summary>a) $x&lt;y$ y <em>tal</em> (1)</summary>\n\n"
        "**Sí.** Así:\n\n$$ x $$\n\n</details>"
    ]


def test_directive_in_a_list_keeps_its_margin(page):
    text = "- uno\n\n  ```{note}\n  Texto.\n\n  Más.\n  ```\n- dos\n"
    assert page.pieces(text) == ["- uno\n\n  > **Nota**\n  >\n  > Texto.\n  >\n  > Más.\n\n- dos"]


def test_included_code_becomes_a_cell_of_its_own(page, course):
    text = "Antes.\n\n```{literalinclude} ../modulo.py\n:pyobject: f\n```\n\nDespués."
    listing = Listing("def f(x):\n    return x", course / "modulo.py")
    assert page.pieces(text) == ["Antes.", listing, "Después."]
    nested = "````{dropdown} Código\n```{literalinclude} ../modulo.py\n:pyobject: f\n```\n````"
    assert f"```python\n{listing.source}\n```" in page.pieces(nested)[0]
    method = "```{literalinclude} ../modulo.py\n:pyobject: A.m\n```"
    assert page.pieces(method) == ["```python\n    def m(self):\n        pass\n```"]


@pytest.mark.parametrize("known, lines", [
    ("", ["import math", "from otro import a as b", "from modulo import HALF, g", "", ""]),
    ("import math\nb = HALF = 1\ndef g(): pass", []),
    ("math, b = 1, 2", ["from modulo import HALF, g", "", ""]),
])
def test_a_listing_brings_what_no_cell_before_defines(tmp_path, known, lines):
    source = "def f(x):\n    y = math.sqrt(x)\n    return g(y) + HALF * b"
    path = tmp_path / "modulo.py"
    path.write_text(
        "import math, os\nfrom otro import a as b, c\n\nHALF = 0.5\ny = 3\n\n"
        f"def g(x):\n    return x\n\n{source}\n"
    )
    defined = notebooks._names(known)[1]
    assert notebooks._imports(Listing(source, path), defined, tmp_path) == lines


def test_targets_and_comments_vanish_but_code_is_left_alone(page):
    assert page.pieces("% comentario\n\n(meta)=\n# Título") == ["# Título"]
    code = "```text\n% no es un comentario\n(meta)=\n{eq}`eq-a`\n```"
    assert page.pieces(code) == [code]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("a\n\n```{video} x\n```", "línea 13: la directiva «video»"),
        ("a\n\nb {kbd}`x`", "línea 13: el rol «kbd»"),
        ("a\n\n:::{note}\nb\n\n{kbd}`x`\n:::", "línea 16: el rol «kbd»"),
        ("![foto](foto.png)", "línea 11: un cuaderno no puede mostrar «image»"),
        ("término\n: definición", "línea 11: un cuaderno no puede mostrar «dl_open»"),
        (":::\nsuelto\n:::", "no puede mostrar «colon_fence»"),
        ("{ref}`ninguna`", "línea 11: el sitio no conoce «ninguna»"),
        ("{eq}`eq-z`", "no numera la ecuación «eq-z»"),
        ("{doc}`perdida`", "no conoce «book/perdida»"),
        ("{term}`perdido`", "no conoce «perdido»"),
        ("[x](perdida.md)", "no conoce «book/perdida»"),
        ("{cite:p}`nadie`", "no tiene la referencia «nadie»"),
        ("```{literalinclude} ../modulo.py\n:pyobject: g\n```", "no se encuentra «g»"),
        ("```{literalinclude} ../nada.py\n:pyobject: f\n```", "«f» en «../nada.py»"),
        ("```{literalinclude} ../modulo.py\n```", "necesita «:pyobject:»"),
        ("```{note}\n:color: rojo\nx\n```", "directiva mal escrita"),
        ("| a |\n|---|\n| $x\\|y$ {eq}`eq-a` |", "no se puede localizar"),
    ],
)
def test_what_a_notebook_cannot_show_is_named_with_file_and_line(text, complaint, page):
    with pytest.raises(CourseError, match=complaint) as error:
        page.pieces(text, line=10)
    assert str(error.value).startswith("book/una.md, línea ")


# Salidas, cifras en el texto y celdas que solo existen para el sitio


def test_what_a_cell_prints_is_one_output_however_it_arrived():
    def stream(text, name="stdout"):
        return new_output("stream", text=text, name=name)

    image = new_output("display_data", {"text/plain": "figura"})
    arrived = [stream("a\n"), stream("b"), stream("!", "stderr"), stream("c"), image, stream("d")]
    assert notebooks._joined(arrived) == [
        stream("a\nb"), stream("!", "stderr"), stream("c"), image, stream("d")
    ]  # fmt: skip


def test_glued_values_come_from_the_run_of_their_page():
    output = {"metadata": {"scrapbook": {"name": "n"}}, "data": {f"{GLUE_PREFIX}text/plain": "2.345"}}
    cells = [{"cell_type": "code"}, {"outputs": [{}, output]}]
    runs = {"book/dos/otra": NotebookNode(cells=cells)}
    assert notebooks._glued("book/dos/otra", runs, "n:.1f") == "2.3"
    assert notebooks._glued("book/dos/otra", runs, "n") == "2.345"
    assert notebooks._glued("book/una", runs, "dos/otra.md::n:.2f") == "2.35"
    for docname, text, complaint in (
        ("book/una", "n", "ninguna celda de «book/una» guarda «n»"),
        ("book/dos/otra", "m:.1f", "ninguna celda de «book/dos/otra» guarda «m»"),
        ("book/dos/otra", "n:.1d", "«n» vale 2.345: no admite «.1d»"),
    ):
        with pytest.raises(CourseError, match=complaint):
            notebooks._glued(docname, runs, text)


# glue


COMPARE = """
import json
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
import numpy, myst_nb
from coursekit.lecture import glue

InteractiveShell.instance()
seen = []
for value in (2.5, "texto", numpy.arange(3), None, {"a": 1}):
    with capture_output() as ours:
        returned = glue("clave", value)
    with capture_output() as theirs:
        myst_nb.glue("clave", value, display=False)
    [a], [b] = ours.outputs, theirs.outputs
    seen.append([returned, a.data, a.metadata, b.data, b.metadata])
print(json.dumps(seen))
"""


def run_python(code):
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return result.stdout


def test_glue_emits_what_myst_nb_emits():
    seen = json.loads(run_python(COMPARE))
    assert len(seen) == 5
    for returned, data, metadata, expected_data, expected_metadata in seen:
        assert returned is None
        assert (data, metadata) == (expected_data, expected_metadata)
        assert list(data) == ["application/papermill.record/text/plain"]


def test_glued_scalars_take_a_format():
    values = "(numpy.float32(2.5), numpy.int64(3), __import__('torch').tensor(0.5))"
    code = re.sub(r"\(2\.5, .*\)", values, COMPARE)
    shown = [data for _, data, *_ in json.loads(run_python(code))]
    assert [list(data.values()) for data in shown] == [["2.5"], ["3"], ["0.5"]]


def test_glue_outside_a_notebook_is_silent_and_light():
    code = (
        "import sys; from coursekit.lecture import glue; "
        "heavy = {'IPython', 'torch', 'sphinx', 'jupytext', 'nbformat'} & set(sys.modules); "
        "print(heavy, glue('x', 1))"
    )
    assert run_python(code) == "set() None\n"
    shell = "from IPython.core.interactiveshell import InteractiveShell as Shell; "
    assert run_python(f"{shell}{code}; print(Shell.initialized())").endswith(" None\nFalse\n")
    assert run_python(f"import sys; sys.modules['IPython'] = None; {code}") == "{'IPython'} None\n"


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def our_handouts():
    """Las celdas de los ejercicios, como las recibe el estudiante."""
    pages = [path.read_text("utf-8") for path in (ROOT / "exercises").glob("*.md")]
    fence = r"^```\{code-cell\} ipython3\n((?::.*\n)*)(?:---\n(?s:.*?)\n---\n)?((?s:.*?))^```$"
    return [cell for page in pages for _, cell in re.findall(fence, page, re.MULTILINE)]


def body_to_be_written():
    return ["def read(texts):\n    # escribe aquí tu código\n\nread([])"]


@regression(ours=our_handouts, defective=body_to_be_written, raises=SyntaxError)
def test_handouts_are_python(cells):
    """Defecto: celdas de ejercicio que Python no puede leer."""
    assert cells()
    for cell in cells():
        ast.parse(re.sub(r"^[%!].*", "", cell, flags=re.MULTILINE))
