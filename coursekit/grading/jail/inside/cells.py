"""Ejecuta las celdas de un cuaderno ajeno; solo se usa dentro de la cárcel.

Las órdenes de IPython (`%`, `!`, `?`) se quitan. Cuando una sentencia falla, lo que queda de su
celda se reduce a importaciones, definiciones y asignaciones de constantes: así una línea de Colab
que aquí no puede funcionar no se lleva por delante la función que venía debajo.
"""

from __future__ import annotations

import __future__
import ast
import linecache
import random
import re
import sys
import types

_MAGIC = re.compile(r"\s*[%!?]|\s*[\w, ]+=\s*[%!]|.*\?\s*$")
_TIMED = re.compile(r"(\s*)%time\s+(.*)")
# Estas órdenes de celda ejecutan su contenido como Python; las demás (%%bash, %%html…), no.
_PYTHON_CELLS = ("%%time", "%%capture", "%%prun")
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
    """El espacio de nombres en que se ejecuta el cuaderno: un `__main__` limpio."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    vars(main).update(display=lambda *objects, **options: None, get_ipython=lambda: None)
    return vars(main)


def run_cells(
    cells: list[str], namespace: dict, only_definitions: bool = False
) -> list[str | None]:
    """Ejecuta las celdas en orden.

    Args:
        cells: código de cada una.
        namespace: dónde; queda modificado.
        only_definitions: solo importaciones, definiciones y constantes (la pasada de rescate).

    Returns:
        Por celda, el error que dio, o `None`.
    """
    flags = 0
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
            if (only_definitions or failure) and not _defines(statement):
                continue
            flags |= _future_flags(statement)
            module = ast.Module(body=[statement], type_ignores=[])
            try:
                exec(compile(module, name, "exec", flags, dont_inherit=True), namespace)
            except BaseException as error:  # también SystemExit y KeyboardInterrupt
                failure = failure or describe_error(error)
        errors.append(failure)
    return errors


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
