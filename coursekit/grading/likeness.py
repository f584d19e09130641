"""Funciones iguales salvo nombres y formato: quién conviene mirar, y nada más.

Aquí no se ejecuta nada ajeno: se lee, con el tamaño contado, y lo que no se entiende no se compara.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from coursekit.exercises.exercise import Exercise
from coursekit.grading.jail.inside.cells import parse_cell
from coursekit.grading.results import MISSING, UNTRIED, ExerciseGrade, Grade

# Una función corta tiene pocas maneras de escribirse, y dos personas honradas coinciden en una; que
# coincidan en varias que no son cortas ni la de la solución es lo que merece una mirada.
MIN_NODES, MIN_SHARED = 30, 3
_LONGEST_CELL, _LONGEST_CODE = 20_000, 60_000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NAMED = (*_FUNCTIONS, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


def with_forms(
    grades: Sequence[ExerciseGrade], cells: Iterable[str], exercises: Sequence[Exercise]
) -> tuple[ExerciseGrade, ...]:
    """Las mismas notas, cada una con la forma de su función si da para compararla.

    Args:
        grades: las notas de una entrega, una por ejercicio.
        cells: el código de sus celdas.
        exercises: los ejercicios; la forma de su referencia no se anota.
    """
    definitions = _definitions(cells, {exercise.name for exercise in exercises})
    return tuple(
        replace(grade, form=form)
        if grade.state not in (UNTRIED, MISSING)
        and (form := normal_form(definitions.get(exercise.name)))
        and form != _form_of_reference(exercise)
        else grade
        for grade, exercise in zip(grades, exercises)
    )


def alike(grades: Sequence[Grade]) -> dict[str, list[tuple[Grade, list[ExerciseGrade]]]]:
    """Por cada entrega, con cuáles coincide en `MIN_SHARED` funciones o más, y en qué ejercicios."""
    groups = defaultdict(list)
    for grade in grades:
        for exercise in grade.exercises:
            if exercise.form:
                groups[exercise.id, exercise.form].append(grade)
    found = {}
    for grade in grades:
        shared, others = defaultdict(list), {}
        for exercise in grade.exercises:
            for other in groups.get((exercise.id, exercise.form), ()):
                if other is not grade:
                    others[other.file] = other
                    shared[other.file].append(exercise)
        pairs = [(others[file], same) for file, same in shared.items() if len(same) >= MIN_SHARED]
        if pairs:
            found[grade.file] = pairs
    return found


def normal_form(definition: ast.AST | None) -> str:
    """La huella de una función o una clase sin nombres propios, anotaciones, comentarios ni formato.

    Returns:
        Una huella, o nada si es corta o tan enredada que no se puede recorrer.
    """
    if definition is None:
        return ""
    try:
        bound = _strip(definition)
        if sum(isinstance(node, (ast.stmt, ast.expr)) for node in ast.walk(definition)) < MIN_NODES:
            return ""
        _rename(definition, bound)
        return hashlib.sha256(ast.dump(definition).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    except (RecursionError, MemoryError, ValueError):
        return ""


def _definitions(cells: Iterable[str], names: set[str]) -> dict[str, ast.AST]:
    """La última definición de cada nombre en la raíz de una celda."""
    mark = re.compile(rf"^(?:async +)?(?:def|class) +(?:{'|'.join(map(re.escape, sorted(names)))})\b", re.M)
    found, left = {}, _LONGEST_CODE
    for source in cells:
        if not mark.search(source) or len(source) > min(left, _LONGEST_CELL):
            continue
        left -= len(source)
        try:
            body = parse_cell(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        found |= {node.name: node for node in body if isinstance(node, _FUNCTIONS) and node.name in names}
    return found


@cache
def _form_of_reference(exercise: Exercise) -> str:
    try:
        source = inspect.getsource(exercise.reference)
    except (OSError, TypeError):  # un valor, o una función que no está en ningún archivo
        return ""
    return normal_form(ast.parse(textwrap.dedent(source)).body[0])


def _strip(definition: ast.AST) -> set[str]:
    """Quita lo que no cambia lo que hace; devuelve los nombres que la función da por su cuenta."""
    definition.name, bound = "_", set()
    for node in ast.walk(definition):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
            node.annotation = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias) and node.asname:
            bound.add(node.asname)
        elif isinstance(node, _NAMED) and node.name:
            bound.add(node.name)
        if isinstance(node, _FUNCTIONS):
            node.decorator_list = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        for block in ("body", "orelse", "finalbody"):
            if isinstance(statements := getattr(node, block, None), list):
                setattr(node, block, [s for s in statements if not _says_nothing(s)])
    return bound


def _says_nothing(statement: ast.AST) -> bool:
    """Si es un texto suelto: una documentación o un comentario escrito como cadena."""
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant and isinstance(statement.value.value, str)


def _rename(definition: ast.AST, bound: set[str]) -> None:
    """Llama a cada nombre propio por el orden en que aparece."""
    order: dict[str, str] = {}
    for node in ast.walk(definition):
        field = {ast.Name: "id", ast.arg: "arg", ast.alias: "asname"}.get(type(node), "name")
        if field == "name" and not isinstance(node, _NAMED):
            continue
        if (name := getattr(node, field)) in bound:
            setattr(node, field, order.setdefault(name, f"_{len(order)}"))
