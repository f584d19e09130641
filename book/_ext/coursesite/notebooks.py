"""De las páginas del curso a los cuadernos que se abren en Colab y en Jupyter."""

import ast
from functools import partial
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_cache import get_cache
from myst_nb.core.variables import format_plain_text
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from sphinx.util import logging

from coursekit.data import DATASETS, stand_ins
from coursekit.data.parts import amount
from coursekit.errors import CourseError
from coursekit.files import write_whole
from coursekit.lecture import GLUE_PREFIX
from coursesite import files, myst
from coursesite.freshness import is_executed, sets_of
from coursesite.plain import Listing, Page
from coursesite.references import Site

FOLDER = "cuadernos"  # en _build
SAMPLES = "muestras.txt"  # en _build: las páginas que se apoyan en una muestra, una por línea
INSTALL = """\
#@title Prepara Colab (fuera de Colab esta celda no hace nada)
import sys

if "google.colab" in sys.modules:
    %pip install -q git+{repository}"""
HEADER = "Este cuaderno es la página [{title}]({url}) del curso *{course}*."
DATA = (
    " Los datos, unos {size}, se descargan la primera vez que se usan; si no hay red, un aviso dice que "
    "los sustituye una muestra, y entonces tus resultados no serán los que cuenta el texto, que son los "
    "de los datos completos."
)
FOLDED = "#@title Código (haz doble clic para verlo)"
# Las etiquetas que también significan algo fuera del sitio.
KEPT_TAGS = {"raises-exception", "nbval-ignore-output", "nbval-skip"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
}

logger = logging.getLogger(__name__)


def after_building(app, exception):
    """Escribe `_build/cuadernos/`, un cuaderno por página con código, y qué páginas usan una muestra.

    Raises:
        CourseError: si una página tiene algo que un cuaderno no puede mostrar; nombra archivo y
            línea.
    """
    if exception or app.builder.name != "html":
        return
    runs = _runs(app)
    folder = Path(app.outdir).parent / FOLDER
    generated = notebooks(app, runs)
    samples = {docname: ", ".join(stand_ins(run)) for docname, run in runs.items()}
    lines = [f"{docname}: una muestra sustituye a {names}\n" for docname, names in samples.items() if names]
    write_whole(folder.with_name(SAMPLES), "".join(lines))
    changed = [path.stem for path in files.write(generated, folder, "**/*.ipynb")]
    logger.info("Cuadernos: %s, de ellos %s distintos", len(generated), len(changed))


def _runs(app) -> dict[str, NotebookNode]:
    """Cada página con código, con las salidas de su ejecución si la tuvo."""
    pages = (name for name in app.env.found_docs if "kernelspec" in app.env.metadata[name])
    return {docname: _read(app, docname) for docname in sorted(pages)}


def notebooks(app, runs: dict[str, NotebookNode]) -> dict[Path, str]:
    """El contenido de cada cuaderno, a partir de lo que Sphinx y myst-nb tienen del sitio."""
    site, md = Site(app), myst.parser(app.srcdir)
    course = {
        "repository": app.config.html_theme_options["repository_url"],
        "course": app.config.html_title,
    }
    return {
        Path(app.outdir).parent / FOLDER / files.notebook_file(docname):
            nbformat.writes(_notebook(docname, site, md, runs, course)) + "\n"
        for docname in runs
    }  # fmt: skip


def _read(app, docname: str) -> NotebookNode:
    """Una página como la leyó myst-nb, con las salidas de su ejecución si la tuvo."""
    path = Path(app.env.mystnb_config.output_folder, f"{docname}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    if not is_executed(app.env, docname, Path(app.env.doc2path(docname)).read_text("utf-8")):
        return notebook
    return get_cache(app.env.mystnb_config.execution_cache_path).merge_match_into_notebook(notebook)[1]


def _notebook(docname, site, md, runs, course) -> NotebookNode:
    run = runs[docname]
    lines = (site.root / f"{docname}.md").read_text("utf-8").split("\n")
    page = Page(docname, site, md, partial(_glued, docname, runs))
    url, title = site.page(docname)
    header = HEADER.format(title=title, url=url, **course)
    if used := [DATASETS[name] for name in sets_of(docname, "\n".join(lines))]:
        sizes = (sum(part.size for part in dataset.parts) or dataset.size for dataset in used)
        header += DATA.format(size=amount(sum(sizes)))
    cells = [
        new_code_cell(INSTALL.format(**course), metadata={"cellView": "form"}),
        new_markdown_cell(header),
    ]
    defined = set()
    for cell, line in zip(run.cells, run.metadata.source_map, strict=True):
        if cell.cell_type == "markdown":
            while not lines[line].strip():  # la celda empieza en su primera línea con texto
                line += 1
            for piece in page.pieces(cell.source, line):
                if isinstance(piece, Listing):
                    source = "\n".join([*_imports(piece, defined, site.root), piece.source])
                    cells.append(new_code_cell(source))
                    defined |= _names(source)[1]
                else:
                    cells.append(new_markdown_cell(piece))
        elif "remove-cell" not in cell.metadata.get("tags", []):  # da cifras al texto del sitio
            cells.append(_code_cell(cell))
            defined |= _names(cell.source)[1]
    for number, cell in enumerate(cells):
        cell.id = f"celda-{number:03}"
    colab = {"name": Path(files.notebook_file(docname)).name, "provenance": [], "toc_visible": True}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={**METADATA, "colab": colab})
    nbformat.validate(notebook)
    return notebook


def _imports(listing: Listing, defined: set[str], root: Path) -> list[str]:
    """Las líneas que un listado necesita delante para ejecutarse solo en el cuaderno.

    Args:
        defined: los nombres que las celdas anteriores ya definen.
        root: carpeta del curso.
    """
    used, own = _names(listing.source)
    module = ".".join(listing.path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    missing, lines, beside = used - own - defined, [], set()
    for node in ast.parse(listing.path.read_text("utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [a for a in node.names if (a.asname or a.name.split(".")[0]) in missing]
            lines += [ast.unparse(node)] if node.names else []
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            beside |= {node.name} & missing
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            beside |= _names(node)[1] & missing
    if beside:
        lines.append(f"from {module} import {', '.join(sorted(beside))}")
    return [*lines, "", ""] if lines else []


def _code_cell(cell) -> NotebookNode:
    tags = set(cell.metadata.get("tags", []))
    source, outputs, metadata = cell.source, _joined(cell.outputs), {}
    if "remove-output" in tags:
        outputs = []
        tags.add("nbval-ignore-output")
    if tags & {"hide-input", "remove-input", "hide-cell"}:
        metadata["cellView"] = "form"
        if not source.startswith("%%"):  # una orden %% debe ser lo primero de su celda
            source = f"{FOLDED}\n{source}"
    if tags & KEPT_TAGS:
        metadata["tags"] = sorted(tags & KEPT_TAGS)
    return new_code_cell(
        source, outputs=outputs, execution_count=cell.execution_count, metadata=metadata
    )


def _joined(outputs):
    """Une los trozos seguidos de lo que se imprime: cuántos son depende del reloj."""
    joined = []
    for output in outputs:
        previous = joined[-1] if joined else {}
        if output.output_type == "stream" and previous.get("name") == output.name:
            output = NotebookNode(output, text=joined.pop().text + output.text)
        joined.append(output)
    return joined


def _names(code: str | ast.AST) -> tuple[set[str], set[str]]:
    """Los nombres que un código usa y los que define."""
    tree = ast.parse(TransformerManager().transform_cell(code)) if isinstance(code, str) else code
    used, defined = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.alias):
            defined.add(node.asname or node.name.split(".")[0])
    return used, defined


def _glued(docname, runs, text) -> str:
    """Da el valor de {glue:text}`clave:formato` o {glue:text}`página.md::clave:formato`."""
    key, _, spec = text.rpartition(":")
    if not key:
        key, spec = text, "s"
    page, _, name = key.rpartition("::")
    source = myst.neighbour(docname, page) if page else docname
    for cell in runs[source].cells if source in runs else ():
        for output in cell.get("outputs", ()):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == name:
                value = output["data"][f"{GLUE_PREFIX}text/plain"]
                try:
                    return format_plain_text(value, spec)
                except ValueError:
                    raise CourseError(f"«{name}» vale {value}: no admite «{spec}».") from None
    raise CourseError(f"ninguna celda de «{source}» guarda «{name}» con glue.")
