"""Ejecuta las celdas de un cuaderno ajeno; solo se usa dentro de la cárcel.

Las órdenes de IPython (`%`, `!`, `?`) se quitan, salvo `%%writefile`, que se cumple. Cuando una
sentencia falla se sigue con la siguiente: así una línea de Colab que aquí no puede funcionar no se
lleva por delante lo que venía debajo.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import importlib.util
import inspect
import linecache
import random
import re
import sys
import types
from collections.abc import Callable
from functools import cache

_MAGIC = re.compile(r"\s*[%!?]|\s*[\w, ]+=\s*[%!]|.*\?\s*$")
_TIMED = re.compile(r"(\s*)%time\s+(.*)")
# Estas órdenes de celda ejecutan su contenido como Python; las demás (%%bash, %%html…), no.
_PYTHON_CELLS = ("%%time", "%%capture", "%%prun")
_WRITES = re.compile(r"%%(?:writefile|file)\s+(?P<append>-a\s+|--append\s+)?(?P<path>\S+)\s*")
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MOST_MAGICS = 100


def parse_cell(source: str, name: str = "<celda>") -> ast.Module:
    """Analiza una celda sin sus órdenes de IPython.

    Solo se quitan las líneas en las que el análisis tropieza: una cadena de varias líneas puede
    llevar renglones que empiezan por `%`.

    Raises:
        SyntaxError: si lo que queda no es Python.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if written := _WRITES.fullmatch(lines[first]):
            return _writing(written, "\n".join([*lines[first + 1 :], ""]))
        if not lines[first].startswith(_PYTHON_CELLS):
            return ast.Module(body=[], type_ignores=[])
        lines[first] = ""
    for _ in range(_MOST_MAGICS):
        try:
            return ast.parse("\n".join(lines), name)
        except SyntaxError as error:
            row = (error.lineno or 0) - 1
            if not 0 <= row < len(lines) or not _MAGIC.match(lines[row]):
                raise
            _remove_magic(lines, row)
    raise SyntaxError("demasiadas órdenes de IPython")


def _writing(order: re.Match, content: str) -> ast.Module:
    """La celda que escribe su contenido en un archivo, para importarlo después."""
    path, mode = order["path"].strip("\"'"), "a" if order["append"] else "w"
    return ast.parse(f"with open({path!r}, {mode!r}) as file_: file_.write({content!r})\ndel file_")


def _remove_magic(lines: list[str], row: int) -> None:
    if timed := _TIMED.match(lines[row]):
        lines[row] = timed[1] + timed[2]
        return
    while lines[row].endswith("\\") and row + 1 < len(lines):
        lines[row] = _indent(lines[row]) + "pass"
        row += 1
        lines[row] = _indent(lines[row - 1]) + lines[row].lstrip()
    lines[row] = _indent(lines[row]) + "pass"


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def new_namespace() -> dict:
    """El espacio de nombres en que se ejecuta el cuaderno: un `__main__` limpio, con sus muebles."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.path.insert(0, "")  # lo que el cuaderno escribe a su lado se puede importar
    vars(main).update(display=_nothing, get_ipython=_nothing)
    # Sin nadie que los pinte, los adornos de un cuaderno no hacen nada, pero existen.
    _furnish("tqdm.notebook", lambda name: getattr(_tqdm(), {"tnrange": "trange"}.get(name, name)))
    if not importlib.util.find_spec("IPython"):
        _furnish("IPython", lambda name: _nothing)
        _furnish("IPython.display", lambda name: _nothing)
    return vars(main)


def _nothing(*arguments, **options) -> None:
    """Lo que hace aquí una orden que solo enseña algo."""


def _tqdm() -> types.ModuleType:
    return importlib.import_module("tqdm.std")


def _furnish(name: str, find: Callable[[str], object]) -> None:
    def find_public(attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return find(attribute)

    module = types.ModuleType(name)
    module.__getattr__ = find_public
    sys.modules[name] = module


def run_cells(cells: list[str], namespace: dict, only_definitions: bool = False) -> list[str | None]:
    """Ejecuta las celdas en orden, sentencia a sentencia; la que falla no detiene a las demás.

    Args:
        cells: código de cada una.
        namespace: dónde; queda modificado.
        only_definitions: solo importaciones, definiciones y constantes (la pasada de rescate).

    Returns:
        Por celda, el primer error que dio, o `None`.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    errors = []
    for number, source in enumerate(cells, start=1):
        name = f"<celda {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            body = parse_cell(source, name).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            errors.append(describe_error(error))
            continue
        failure = None
        for statement in body:
            if only_definitions and not _defines(statement):
                continue
            flags |= _future_flags(statement)
            module = ast.Module(body=[statement], type_ignores=[])
            try:
                _execute(compile(module, name, "exec", flags, dont_inherit=True), namespace)
            except BaseException as error:  # también SystemExit y KeyboardInterrupt
                failure = failure or describe_error(error)
        errors.append(failure)
    return errors


def _execute(code: types.CodeType, namespace: dict) -> None:
    waiting = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:  # un `await` suelto, que en un cuaderno vale
        _loop().run_until_complete(waiting)


@cache
def _loop():
    import asyncio

    return asyncio.new_event_loop()


def seed_everything() -> None:
    """Que una respuesta al azar sin semilla dé siempre lo mismo."""
    random.seed(0)
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(0)
        np.random.bit_generator.randbits = random.Random(0).getrandbits
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(0)


def describe_error(error: BaseException) -> str:
    """El tipo y el principio del mensaje; el mensaje mismo puede ser una trampa."""
    try:
        return f"{type(error).__name__}: {str(error)[:300]}"
    except BaseException:
        return "un error que no se puede describir"


def _defines(statement: ast.stmt) -> bool:
    if isinstance(statement, _DEFINITIONS):
        return True
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return False
    if isinstance(statement.value, ast.Lambda):
        return True
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _future_flags(statement: ast.stmt) -> int:
    if not isinstance(statement, ast.ImportFrom) or statement.module != "__future__":
        return 0
    features = (getattr(__future__, alias.name, None) for alias in statement.names)
    return sum(feature.compiler_flag for feature in features if feature)
