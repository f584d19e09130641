"""Ejecuta una página cuando cambia algo de lo que depende, y solo entonces.

jupyter-cache reconoce una página por su código y su núcleo. Lo demás de lo que dependen sus cifras
se resume en una huella que viaja en el nombre del núcleo; myst-nb guarda ese nombre, y en él la
encuentra la construcción siguiente.
"""

import ast
import hashlib
import importlib.metadata
import os
import platform
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path, PurePosixPath

from IPython.core.inputtransformer2 import TransformerManager
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from sphinx.util import logging
from traitlets.config import Config

import coursekit
from coursekit.data import registry
from coursekit.errors import CourseError
from coursekit.experiments import provenance
from coursesite import contents, myst

LIBRARIES = ("gensim", "matplotlib", "numpy", "scikit-learn", "scipy", "torch")
# El catálogo nombra todos los datos: de él cuenta solo lo que dice de los que la página usa.
CATALOGUE = "coursekit.data.catalogue"
# Se cambia en su sitio: así ninguna línea de la página se mueve.
KERNEL = re.compile(r"(?m)^(  display_name: .*)$")
CITED = re.compile(r"\{glue:\w+\}`([^`]+?)::")
PACKAGE = Path(coursekit.__path__[0])

logger = logging.getLogger(__name__)


@cache  # en una misma construcción no cambia, aunque al ejecutar la página se descarguen sus datos
def fingerprint(docname: str, text: str) -> str:
    """Resume en doce cifras aquello de lo que depende una página, además de su propio código.

    Son los módulos del curso que importa, directamente o no, sin comentarios ni docstrings; los
    conjuntos de datos, muestras y resultados que nombra ese código, con su lugar; y las versiones
    de Python y de las bibliotecas numéricas.

    Raises:
        CourseError: si la página o un módulo del que depende no es Python válido o no existe.
    """
    code, named = _read(docname, text)
    data = {
        name: (registry.where(name), re.sub(r" at 0x\w+", "", repr(registry.DATASETS[name])))
        for name in _sets(named)
    }
    named |= {registry.DATASETS[name].sample for name in data}
    files = [
        path.read_bytes()
        for folder in ("data/samples", "experiments/published")
        for path in sorted((PACKAGE / folder).iterdir())
        if path.stem in named
    ]
    versions = [platform.python_version(), *map(importlib.metadata.version, LIBRARIES)]
    everything = repr([code, data, files, versions])
    return hashlib.sha256(everything.encode()).hexdigest()[:12]


def used_sets(root: Path) -> list[str]:
    """Los conjuntos de datos que usan las páginas del índice, cada uno una vez."""
    toc = contents.contents(root)
    chapters = [chapter for part in toc.get("parts", [toc]) for chapter in part["chapters"]]
    pages = [page["file"] for chapter in chapters for page in (chapter, *chapter.get("sections", []))]
    used = {}
    for docname in pages:
        used |= dict.fromkeys(sets_of(docname, Path(root, f"{docname}.md").read_text("utf-8")))
    return list(used)


def sets_of(docname: str, text: str) -> list[str]:
    """Los conjuntos de datos que usa una página."""
    return _sets(_read(docname, text)[1]) if is_myst_markdown_notebook(text) else []


def _sets(named: set[str]) -> list[str]:
    # «imdb» nombra imdb_train
    return [name for name in registry.DATASETS if any(f"{name}_".startswith(f"{n}_") for n in named)]


def _read(docname: str, text: str) -> tuple[dict[str, str], set[str]]:
    """El código del curso que usa una página, por módulo, y lo que nombran ella y él."""
    try:
        tree = _parse(docname, text)
        modules = provenance.closure(_imported(docname, tree))
        code = {name: _essence(name) for name in sorted(modules - {CATALOGUE})}
    except SyntaxError as error:
        raise CourseError(
            f"{docname}.md no se puede ejecutar: {error.filename} no es Python válido en la línea "
            f"{error.lineno}."
        ) from error
    except FileNotFoundError as error:
        raise CourseError(
            f"{docname}.md no se puede ejecutar: importa {error.filename}, que no existe."
        ) from error
    return code, _strings(tree).union(*(_strings_of(name) for name in code if not _holds_data(name)))


def _parse(docname: str, text: str) -> ast.Module:
    cells = [c.source for c in read_myst_markdown_notebook(text).cells if c.cell_type == "code"]
    code = "\n".join(TransformerManager().transform_cell(cell) for cell in cells)
    return ast.parse(code, f"el código de {docname}.md")


def _imported(docname: str, tree: ast.Module) -> Iterator[str]:
    """Los módulos que importa una página y, si tiene ejercicios, los conjuntos que nombra."""
    direct = list(provenance.imports(tree))
    yield from direct
    if any(module.startswith("coursekit.exercises") for module in direct):
        for name in sorted(_strings(tree) | {PurePosixPath(docname).name}):
            module = name.replace("-", "_")
            if module.isidentifier() and (PACKAGE / f"exercises/sets/{module}.py").is_file():
                yield f"coursekit.exercises.sets.{module}"


def _holds_data(module: str) -> bool:
    """Lo que guarda los datos los nombra todos: no por eso los usa la página."""
    return module == "coursekit.data" or module.startswith("coursekit.data.")


def _strings(tree: ast.AST) -> set[str]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


@cache
def _essence(module: str) -> str:
    return provenance.essence(module)


@cache
def _strings_of(module: str) -> set[str]:
    return _strings(ast.parse(_essence(module)))


def is_executed(env, docname: str, text: str) -> bool:
    """Dice si una página es un cuaderno de los que se ejecutan."""
    config, path = env.mystnb_config, PurePosixPath(env.doc2path(docname))
    excluded = any(path.match(pattern) for pattern in config.execution_excludepatterns)
    return config.execution_mode == "cache" and is_myst_markdown_notebook(text) and not excluded


def _marked(docname: str, text: str) -> str:
    """La página con su huella detrás del nombre del núcleo."""
    if not KERNEL.search(text):
        raise CourseError(f"{docname}.md no dice «display_name» de su núcleo en la cabecera.")
    return KERNEL.sub(rf"\1 ({fingerprint(docname, text)})", text, count=1)


def mark(app, docname, source):
    """Pone la huella en una página antes de que myst-nb la lea."""
    if is_executed(app.env, docname, source[0]):
        source[0] = _marked(docname, source[0])


def outdated(app, env, added, changed, removed):
    """Nombra las páginas cuya huella ya no es la de su última lectura, y las que citan sus cifras."""
    texts = {name: Path(env.doc2path(name)).read_text("utf-8") for name in env.found_docs}
    kept = Path(env.mystnb_config.execution_cache_path, "global.db").exists()
    stale = {
        docname
        for docname in texts.keys() - added - changed
        if is_executed(env, docname, texts[docname])
        and not (kept and env.metadata[docname]["kernelspec"]["display_name"].endswith(
            f"({fingerprint(docname, texts[docname])})"
        ))
    }  # fmt: skip
    renewed = stale | added | changed
    return stale | {
        docname
        for docname, text in texts.items()
        if any(myst.neighbour(docname, page) in renewed for page in CITED.findall(text))
    }


def execute(app, env, docnames):
    """Ejecuta las páginas que no están en la caché, tantas a la vez como núcleos hay.

    Sphinx lee las páginas de una en una y las encuentra aquí ya ejecutadas. Solo este hilo
    escribe en la caché: su base de datos no soporta a dos.

    Raises:
        CourseError: si alguna falla, con su error; lo que dio tiempo a ejecutar queda guardado.
    """
    config = env.mystnb_config
    os.environ["OMP_NUM_THREADS"] = "1"  # dos páginas a la vez, y cada una con un procesador
    # en claro, cada núcleo avisaría de que otros usuarios de la máquina pueden escucharlo
    private = Config(KernelManager={"transport_encryption": "auto"})
    store = get_cache(config.execution_cache_path)
    waiting = {}
    for docname in docnames:
        path = Path(env.doc2path(docname))
        text = path.read_text("utf-8")
        if is_executed(env, docname, text):
            notebook = read_myst_markdown_notebook(
                _marked(docname, text), env.myst_config, path=path
            )
            try:
                store.match_cache_notebook(notebook)
            except KeyError:
                waiting[path] = notebook
    failures = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {
            pool.submit(
                single_nb_execution, notebook, cwd=str(path.parent),
                timeout=config.execution_timeout, allow_errors=False, config=private,
            ): path
            for path, notebook in waiting.items()
        }  # fmt: skip
        for run in as_completed(runs):
            path = runs[run]
            if error := run.exception() or run.result().err:
                failures.append(f"{path} no se ejecuta:\n{error}")
                continue
            logger.info("%s: ejecutada en %.0f s", path, run.result().time)
            bundle = CacheBundleIn(
                run.result().nb, str(path), data={"execution_seconds": run.result().time}
            )
            store.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    if failures:
        raise CourseError("\n".join(failures))
