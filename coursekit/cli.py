"""La orden `coursekit`: datos y cuadernos desde la terminal."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from coursekit import data
from coursekit.data import registry
from coursekit.errors import CourseError

# Los textos propios de argparse, que los pide en inglés a gettext.
_SPANISH = {
    "usage: ": "uso: ",
    "positional arguments": "argumentos",
    "options": "opciones",
    "show this help message and exit": "muestra esta ayuda y termina",
    "%(prog)s: error: %(message)s\n": "%(prog)s: %(message)s\n",
    "argument %(argument_name)s: %(message)s": "argumento %(argument_name)s: %(message)s",
    "invalid choice: %(value)r (choose from %(choices)s)":
        "no existe %(value)r (elige entre %(choices)s)",
    "the following arguments are required: %s": "falta %s",
    "unrecognized arguments: %s": "no entiendo %s",
    "ambiguous option: %(option)s could match %(matches)s":
        "la opción %(option)s es ambigua: puede ser %(matches)s",
    "ignored explicit argument %r": "no admite el valor %r",
    "expected one argument": "espera un valor",
    "expected at least one argument": "espera al menos un valor",
    "expected at most one argument": "espera como mucho un valor",
    "invalid %(type)s value: %(value)r": "el valor %(value)r no vale",
    "not allowed with argument %s": "no se puede usar junto con %s",
}


@contextmanager
def _argparse_in_spanish() -> Iterator[None]:
    """argparse solo habla otro idioma con catálogos instalados: se cambia su función traductora."""
    original = argparse._
    argparse._ = lambda message: _SPANISH.get(message, message)
    try:
        yield
    finally:
        argparse._ = original


def main(arguments: Sequence[str] | None = None) -> int:
    """Ejecuta una orden.

    Args:
        arguments: palabras de la orden; si faltan, las de la terminal.

    Returns:
        0 si todo fue bien; 1 si hubo un problema, ya explicado por la salida de errores.
    """
    with _argparse_in_spanish():
        options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CourseError as error:
        return _complain(error)
    except KeyboardInterrupt:
        return _complain("Interrumpido.")


def _complain(problem: object) -> int:
    print(problem, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    """Cada orden añade aquí su analizador y la función `run(options) -> int` que la cumple."""
    parser = argparse.ArgumentParser(prog="coursekit", description="Herramientas del curso.")
    commands = parser.add_subparsers(title="órdenes", metavar="ORDEN", required=True)
    _add_data(commands)
    _add_notebooks(commands)
    return parser


def _add_data(commands: argparse._SubParsersAction) -> None:
    text = "lista, descarga y comprueba los conjuntos de datos"
    command = commands.add_parser("datos", help=text, description=text)
    command.set_defaults(run=_list_data)
    actions = command.add_subparsers(title="acciones", metavar="ACCIÓN")
    for name, run, nargs, text in (
        ("listar", _list_data, None, "qué conjuntos hay y dónde está cada uno (por omisión)"),
        ("descargar", _download_data, "+", "los deja en este equipo, comprobados"),
        ("verificar", _verify_data, "*", "comprueba los nombrados o, sin nombres, los presentes"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(run=run)
        if nargs:
            known = ", ".join(data.DATASETS)
            action.add_argument("names", nargs=nargs, metavar="NOMBRE", help=known)


def _add_notebooks(commands: argparse._SubParsersAction) -> None:
    text = "genera los ejercicios y los cuadernos de Colab"
    command = commands.add_parser("cuadernos", help=text, description=text)
    command.add_argument(
        "--comprobar", action="store_true", help="solo comprueba que están al día; no escribe nada"
    )
    command.set_defaults(run=_notebooks)


def _list_data(_: argparse.Namespace) -> int:
    rows = [("NOMBRE", "TAMAÑO", "DÓNDE", "LICENCIA")]
    for name, dataset in data.DATASETS.items():
        size = f"{dataset.size / 1e6:.1f} MB"
        rows.append((name, size, registry.where(name), dataset.licence))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def _download_data(options: argparse.Namespace) -> int:
    return _each(options.names, data.fetch)


def _verify_data(options: argparse.Namespace) -> int:
    present = [name for name in data.DATASETS if registry.where(name) != registry.ABSENT]
    names = options.names or present
    if not names:
        print("No hay ningún conjunto en este equipo; las lecciones usan las muestras.")
    return _each(names, data.verify)


def _each(names: Sequence[str], action: Callable[[str], Path]) -> int:
    """Aplica la acción a cada conjunto; un fallo se cuenta y se sigue con los demás."""
    status = 0
    for name in names:
        try:
            print(f"{name}: correcto, {action(name)}")
        except CourseError as error:
            status = _complain(error)
    return status


def _notebooks(options: argparse.Namespace) -> int:
    from coursekit.publishing.notebooks import main as write_notebooks

    return write_notebooks(options.comprobar)


if __name__ == "__main__":
    sys.exit(main())
