"""La huella del código que produjo un resultado."""

import ast
import hashlib
from collections.abc import Iterator
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
    sources = {}
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in sources and not name.startswith(_ASIDE):
            sources[name] = _essence(name)
            pending += _imports(name)
    lines = (f"{name}\n{source}\n" for name, source in sorted(sources.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _essence(module: str) -> str:
    tree = _tree(module)
    tree.body = [node for node in tree.body if not _is_declaration(node)]
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _is_declaration(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT"


def _imports(module: str) -> Iterator[str]:
    """Los módulos de coursekit que importa; lo reexportado se busca en su archivo."""
    for node in ast.walk(_tree(module)):
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
    return submodule if find_spec(submodule) else module


@cache
def _path(module: str) -> Path:
    return Path(find_spec(module).origin)


def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text("utf-8"))
