"""La huella del código que produjo un resultado."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Los datos llevan su propia suma de comprobación; los demás no cambian ninguna cifra.
_ASIDE = ("coursekit.data", "coursekit.errors", "coursekit.files", "coursekit.experiments.runner")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(module: str) -> str:
    """SHA-256 del código de un módulo de coursekit y de todos los que importa.

    No cuentan los comentarios, los docstrings ni el formato: cambiarlos no envejece un resultado.
    Tampoco la lista de carreras, que está en EXPERIMENT: los ajustes se comparan una a una, y así
    añadir una carrera no obliga a repetir las demás.
    """
    modules = sorted(closure([module], _ASIDE))
    lines = (f"{name}\n{essence(name)}\n" for name in modules)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def closure(modules: Iterable[str], aside: tuple[str, ...] = ()) -> set[str]:
    """Esos módulos y los de coursekit que importan, directamente o no, menos los apartados."""
    found, pending = set(), list(modules)
    while pending:
        name = pending.pop()
        if name not in found and not name.startswith(aside):
            found.add(name)
            pending += imports(_tree(name))
    return found


def essence(module: str) -> str:
    """El código de un módulo sin lo que no cambia ninguna cifra: comentarios, docstrings y formato."""
    tree = deepcopy(_tree(module))
    tree.body = [node for node in tree.body if not _is_declaration(node)]
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _is_declaration(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT"


def imports(tree: ast.AST) -> Iterator[str]:
    """Los módulos de coursekit que un código importa; lo reexportado se busca en su archivo."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("coursekit"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("coursekit"):
            yield from (_home(node.module, alias.name) for alias in node.names)


def _home(module: str, name: str) -> str:
    """El módulo en que está definido lo que `from module import name` importa."""
    if not _path(module).name == "__init__.py":
        return module
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and name in (alias.name for alias in node.names):
            return _home(node.module, name)
    submodule = f"{module}.{name}"
    return submodule if _path(submodule).is_file() else module


@cache
def _path(module: str) -> Path:
    """Dónde está un módulo, sin importarlo: hacerlo cargaría torch."""
    package, *rest = module.split(".")
    place = Path(find_spec(package).origin).parent.joinpath(*rest)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _tree(module: str) -> ast.Module:
    path = _path(module)
    return _parse(path.read_text("utf-8"), str(path))


_parse = cache(ast.parse)  # un módulo se consulta muchas veces
