"""De `solutions/`, única fuente de los ejercicios, a la versión que recibe el estudiante."""

import ast
from pathlib import Path

import jupytext
from markdown_it import MarkdownIt

from coursekit.errors import CourseError
from coursekit.exercises.markers import CLOSING, OPENING, TAG
from coursesite import files, myst

NOTICE = "% Generado con «coursekit cuadernos» a partir de solutions/{name}: cambia la fuente."
# La versión de jupytext haría distinto el archivo en cada máquina.
METADATA_FILTER = "-jupytext.text_representation.jupytext_version"


def exercises(root: Path) -> dict[Path, str]:
    """Genera las versiones para estudiantes de todos los cuadernos de `solutions/`.

    Args:
        root: carpeta del curso.
    Returns:
        El contenido de cada archivo de `exercises/`.
    Raises:
        CourseError: si una región de solución está mal escrita; nombra archivo y celda.
    """
    md = myst.parser(root)
    return {
        Path(root, "exercises", source.name): student_version(
            source.read_text("utf-8"), source.name, md
        )
        for source in sorted(Path(root, "solutions").glob("*.md"))
    }


def before_reading(app):
    """Pone al día `exercises/` antes de que Sphinx mire qué páginas hay."""
    files.write(exercises(app.srcdir), Path(app.srcdir, "exercises"), "*.md")


def main(check: bool = False) -> int:
    """Genera los ejercicios de la carpeta actual, o comprueba que están al día.

    Args:
        check: compara sin escribir nada.
    Returns:
        0, o 1 si al comprobar algo es distinto.
    """
    root = Path.cwd()
    generated = exercises(root)
    act = files.differences if check else files.write
    changed = act(generated, root / "exercises", "*.md")
    verb = "no están al día" if check else "actualizados"
    state = f"{verb} {', '.join(path.name for path in changed)}" if changed else "al día"
    print(f"Ejercicios: {len(generated)} en exercises, {state}.")
    return 1 if check and changed else 0


def student_version(text: str, name: str, md: MarkdownIt) -> str:
    """Quita las soluciones de un cuaderno MyST.

    El título «Soluciones: …» pasa a «Ejercicios: …». Desaparecen las celdas con la etiqueta
    `solucion`, las regiones entre `# SOLUCIÓN` y `# FIN DE LA SOLUCIÓN` y los destinos
    `(etiqueta)=`, que quedan en la solución.

    Args:
        text: cuaderno con soluciones.
        name: nombre del archivo, para el aviso y los mensajes.
        md: analizador de `myst.parser`.
    """
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.metadata.setdefault("jupytext", {})["notebook_metadata_filter"] = METADATA_FILTER
    kept = []
    for number, cell in enumerate(notebook.cells, start=1):
        if TAG in cell.metadata.get("tags", []):
            continue
        where = f"solutions/{name}, celda {number}"
        if cell.cell_type == "code":
            cell.source = without_solution(cell.source, where)
        else:
            cell.source = _without_labels(cell.source, where, md)
            if not cell.source:
                continue
        kept.append(cell)
    if not kept or kept[0].cell_type != "markdown":
        raise CourseError(f"solutions/{name}: la primera celda debe ser el título, en Markdown.")
    title = kept[0].source.replace("# Soluciones: ", "# Ejercicios: ", 1)
    kept[0].source = f"{NOTICE.format(name=name)}\n\n{title}"
    notebook.cells = kept
    return jupytext.writes(notebook, fmt="md:myst")


def without_solution(source: str, where: str) -> str:
    """Cambia cada región de solución de una celda por lo que el estudiante completa.

    Dentro de una función queda `raise NotImplementedError(…)`; fuera, `nombre = ...` por cada
    nombre que la región asigna.

    Raises:
        CourseError: si una región no se cierra, no se abre, contiene otra, no tiene código o no
            deja Python válido.
    """
    lines = source.splitlines()
    regions = _regions(lines, where)
    if not regions:
        return source
    tree = _parse(source, where)
    for opening, closing in reversed(regions):  # de abajo arriba: los números siguen valiendo
        body = range(opening + 2, closing + 1)  # líneas de dentro, contadas desde 1
        statements = [
            node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno in body
        ]
        if not statements:
            raise CourseError(f"{where}: la región de la línea {opening + 1} no tiene código.")
        first = min(statements, key=lambda node: (node.lineno, node.col_offset))
        marker = lines[opening]
        indent = marker[: len(marker) - len(marker.lstrip())]
        if first.col_offset != len(indent.encode()):
            raise CourseError(
                f"{where}: «{OPENING}» de la línea {opening + 1} debe tener la sangría del código."
            )
        if _inside_function(tree, first):
            left = ['raise NotImplementedError("Escribe aquí tu solución.")']
        else:
            outermost = [node for node in statements if node.col_offset == first.col_offset]
            names = dict.fromkeys(name for node in outermost for name in _assigned(node))
            left = ["# Escribe aquí tu solución.", *(f"{name} = ..." for name in names)]
        lines[opening : closing + 1] = [indent + line for line in left]
    skeleton = "\n".join(lines)
    _parse(skeleton, f"{where}, sin la solución")
    return skeleton


def _regions(lines, where):
    regions, opening = [], None
    for number, line in enumerate(lines):
        mark = line.strip()
        if mark == OPENING:
            if opening is not None:
                raise CourseError(
                    f"{where}: hay otro «{OPENING}» en la línea {number + 1} "
                    f"antes de cerrar el de la línea {opening + 1}."
                )
            opening = number
        elif mark == CLOSING:
            if opening is None:
                raise CourseError(
                    f"{where}: «{CLOSING}» de la línea {number + 1} no cierra ninguna región."
                )
            regions.append((opening, number))
            opening = None
    if opening is not None:
        raise CourseError(
            f"{where}: falta «{CLOSING}» para la región de la línea {opening + 1}."
        )
    return regions


def _parse(source, where):
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise CourseError(
            f"{where}: el código no es Python válido en la línea {error.lineno}: {error.msg}."
        ) from error


def _inside_function(tree, statement):
    """Dice si lo que rodea más de cerca a la sentencia es una función y no una clase."""
    scopes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.lineno < statement.lineno <= node.end_lineno
    ]
    innermost = max(scopes, key=lambda node: node.lineno, default=None)
    return innermost is not None and not isinstance(innermost, ast.ClassDef)


def _assigned(node):
    """Nombres que una sentencia deja definidos, en orden; no los de sus bucles ni funciones."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Assign(targets=targets):
            yield from (name for target in targets for name in _stored(target))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            yield from _stored(target)
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    yield from _assigned(child)


def _stored(target):
    return [
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _without_labels(source, where, md):
    lines = source.splitlines()
    for token, start in myst.walk(md, source):
        name = (myst.directive(token) or [None])[0]
        if token.type == "math_block_label" or (name == "math" and ":label:" in token.content):
            raise CourseError(
                f"{where}: una ecuación con etiqueta saldría dos veces, aquí y en el ejercicio; "
                "numérala en la lección o deja la celda solo en la solución."
            )
        if token.type == "myst_target":
            lines[start] = None
    return "\n".join(line for line in lines if line is not None).strip()
