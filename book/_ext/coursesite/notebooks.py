"""De las páginas del curso a los cuadernos que se abren en Colab y en Jupyter."""

import ast
import posixpath
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_cache import get_cache
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_nb.core.variables import format_plain_text
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from sphinx_external_toc.parsing import parse_toc_yaml

from coursekit.errors import CourseError
from coursesite import files, myst
from coursekit.lecture import GLUE_PREFIX
from coursesite.plain import Listing, Page
from coursesite.references import INVENTORY, BuiltSite
from coursesite.site import read_config
from coursesite.students import exercises

FOLDER = "_build/cuadernos"
SOURCES = ("book", "exercises", "solutions")
INSTALL = """\
#@title Prepara Colab (fuera de Colab esta celda no hace nada)
import sys

if "google.colab" in sys.modules:
    %pip install -q git+{repository}"""
HEADER = (
    "Este cuaderno es la página [{title}]({url}) del curso *{course}*. Los datos se descargan la "
    "primera vez que se usan; si no hay red, un aviso dice que los sustituye una muestra."
)
FOLDED = "#@title Código (haz doble clic para verlo)"
# Las etiquetas que también significan algo fuera del sitio.
KEPT_TAGS = {"raises-exception", "nbval-ignore-output", "nbval-skip"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
}


def docnames(root: Path) -> list[str]:
    """Nombra las páginas de las que sale un cuaderno: lecciones, ejercicios y soluciones."""
    return [
        path.relative_to(root).with_suffix("").as_posix()
        for path in _pages(root)
        if is_myst_markdown_notebook(path.read_text("utf-8"))
    ]


def _pages(root: Path) -> list[Path]:
    """Las fuentes de las páginas que el índice publica."""
    published = set(parse_toc_yaml(Path(root, "_toc.yml")))
    return [
        path
        for folder in SOURCES
        for path in sorted(Path(root, folder).rglob("*.md"))
        if path.relative_to(root).with_suffix("").as_posix() in published
    ]


def notebooks(root: Path) -> dict[Path, str]:
    """Genera todos los cuadernos a partir de las páginas y de la última construcción del sitio.

    Args:
        root: carpeta del curso.
    Returns:
        El contenido de cada archivo de `_build/cuadernos/`.
    Raises:
        CourseError: si el sitio no está construido o no está al día, o si una página tiene algo
            que un cuaderno no puede mostrar; nombra archivo y línea.
    """
    root = Path(root)
    site, md = BuiltSite(root), myst.parser(root)
    runs = {docname: _read(root, docname, md) for docname in docnames(root)}
    made = {docname: _notebook(docname, site, md, runs) for docname in runs}
    return {
        root / FOLDER / f"{docname}.ipynb": nbformat.writes(notebook) + "\n"
        for docname, notebook in made.items()
    }


def write_notebooks(root: Path) -> list[Path]:
    """Escribe `_build/cuadernos/` y devuelve los archivos que cambiaron."""
    return files.write(notebooks(root), Path(root, FOLDER), "**/*.ipynb")


def newer_than_site(root: Path) -> list[str]:
    """Nombra las páginas que el sitio construido aún no ha leído; todas, si no hay sitio."""
    inventory = Path(root, INVENTORY)
    built = inventory.stat().st_mtime if inventory.is_file() else 0
    return [
        path.relative_to(root).as_posix() for path in _pages(root) if path.stat().st_mtime > built
    ]


def main(check: bool = False) -> int:
    """Genera los ejercicios y los cuadernos de la carpeta actual; o comprueba que están al día.

    Los cuadernos salen del sitio construido: si hay páginas más nuevas, solo se hacen ejercicios.

    Args:
        check: compara sin escribir nada.
    Returns:
        0, o 1 si al comprobar algo es distinto.
    """
    root = Path.cwd()
    ready = _update("Ejercicios", exercises(root), root / "exercises", "*.md", check)
    if newer := newer_than_site(root):
        print(f"Cuadernos: salen del sitio, que no ha leído {newer[0]}; ejecuta «make libro».")
    else:
        ready &= _update("Cuadernos", notebooks(root), root / FOLDER, "**/*.ipynb", check)
    return 0 if ready else 1


def _update(title, generated, folder, pattern, check):
    """Escribe lo que cambia, o solo lo nombra; dice si lo que queda es lo que debe ser."""
    act = files.differences if check else files.write
    changed = act(generated, folder, pattern)
    verb = "no están al día" if check else "actualizados"
    names = ", ".join(path.relative_to(folder).as_posix() for path in changed)
    state = f"{verb} {names}" if changed else "al día"
    print(f"{title}: {len(generated)} en {folder.relative_to(Path.cwd())}, {state}.")
    return not (check and changed)


def _read(root: Path, docname: str, md) -> NotebookNode:
    """Lee una página como la lee el sitio, con las salidas de su última ejecución si la tuvo."""
    path = root / f"{docname}.md"
    notebook = read_myst_markdown_notebook(
        path.read_text("utf-8"), md.options["myst_config"], add_source_map=True, path=path
    )
    if docname.startswith("exercises/"):
        return notebook
    # Cada versión del paquete tiene su caché: vale la más reciente que haya ejecutado la página.
    caches = root.glob("_build/.jupyter_cache/**/global.db")
    for cache in sorted(caches, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            return get_cache(cache.parent).merge_match_into_notebook(notebook)[1]
        except KeyError:
            continue
    raise CourseError(f"el sitio construido no ha ejecutado {docname}.md: ejecuta «make libro».")


def _notebook(docname, site, md, runs) -> NotebookNode:
    run = runs[docname]
    lines = (site.root / f"{docname}.md").read_text("utf-8").split("\n")
    page = Page(docname, site, md, partial(_glued, docname, runs))
    url, title = site.page(docname)
    header = HEADER.format(title=title, url=url, course=read_config(site.root)["title"])
    cells = [
        new_code_cell(
            INSTALL.format(repository=site.addresses.repository), metadata={"cellView": "form"}
        ),
        new_markdown_cell(header),
    ]
    dropped = _only_for_the_site(run.cells)
    for number, (cell, line) in enumerate(zip(run.cells, run.metadata.source_map)):
        if cell.cell_type == "markdown":
            while not lines[line].strip():  # la celda empieza en su primera línea con texto
                line += 1
            cells += _text_cells(page.pieces(cell.source, line))
        elif number not in dropped:
            cells.append(_code_cell(cell))
    for number, cell in enumerate(cells):
        cell.id = f"celda-{number:03}"
    colab = {"name": Path(docname).name + ".ipynb", "provenance": [], "toc_visible": True}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={**METADATA, "colab": colab})
    nbformat.validate(notebook)
    return notebook


def _text_cells(pieces) -> Iterator[NotebookNode]:
    for piece in pieces:
        if isinstance(piece, Listing):
            yield new_code_cell(piece.source)
        else:
            yield new_markdown_cell(piece)


def _code_cell(cell) -> NotebookNode:
    tags = set(cell.metadata.get("tags", []))
    source, outputs, metadata = cell.source, _joined(cell.outputs), {}
    if "remove-output" in tags:
        outputs = []
        tags.add("nbval-ignore-output")
    if tags & {"hide-input", "remove-input", "hide-cell", "remove-cell"}:
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


def _only_for_the_site(cells) -> set[int]:
    """Celdas ocultas que solo dan cifras al texto: nada de lo que definen hace falta después."""
    dropped, needed = set(), set()
    for number, cell in reversed(list(enumerate(cells))):
        if cell.cell_type != "code":
            continue
        nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(cell.source))))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        defined = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.alias):
                defined.add(node.asname or node.name.split(".")[0])
        hidden = "remove-cell" in cell.metadata.get("tags", [])
        if hidden and "glue" in used | defined and not defined & needed:
            dropped.add(number)
        else:
            needed |= used
    return dropped


def _glued(docname, runs, text) -> str:
    """Da el valor de {glue:text}`clave:formato` o {glue:text}`página.md::clave:formato`."""
    key, _, spec = text.rpartition(":")
    if not key:
        key, spec = text, "s"
    page, _, name = key.rpartition("::")
    source = (Path(docname).parent / page).as_posix() if page else docname
    source = posixpath.normpath(source).removesuffix(".md")
    for cell in runs[source].cells if source in runs else ():
        for output in cell.get("outputs", ()):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == name:
                value = output["data"][f"{GLUE_PREFIX}text/plain"]
                try:
                    return format_plain_text(value, spec)
                except ValueError:
                    raise CourseError(f"«{name}» vale {value}: no admite «{spec}».") from None
    raise CourseError(f"ninguna celda de «{source}» guarda «{name}» con glue.")
