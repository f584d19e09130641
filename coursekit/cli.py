"""La orden `coursekit`: datos, cuadernos, experimentos y calificación desde la terminal."""

import argparse
import errno
import os
import re
import secrets
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
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        return _complain(f"No se puede escribir en {error.filename or 'el disco'}: {error.strerror}.")


def _complain(problem: object) -> int:
    print(problem, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    """Cada orden añade aquí su analizador y la función `run(options) -> int` que la cumple."""
    parser = argparse.ArgumentParser(prog="coursekit", description="Herramientas del curso.")
    commands = parser.add_subparsers(title="órdenes", metavar="ORDEN", required=True)
    _add_data(commands)
    _add_notebooks(commands)
    _add_experiments(commands)
    _add_grading(commands)
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
    text = "genera los ejercicios a partir de las soluciones"
    command = commands.add_parser("cuadernos", help=text, description=text)
    command.add_argument(
        "--comprobar", action="store_true", help="solo comprueba que están al día; no escribe nada"
    )
    command.set_defaults(run=_notebooks)


def _add_experiments(commands: argparse._SubParsersAction) -> None:
    text = "corre un experimento largo y guarda sus cifras; sin nombre, dice cuáles hay"
    command = commands.add_parser("experimento", help=text, description=text)
    command.add_argument("name", nargs="?", metavar="NOMBRE", help="el experimento")
    command.add_argument(
        "--salida",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="carpeta de NOMBRE.json; si ya está, se corre solo lo que falte",
    )
    either = command.add_mutually_exclusive_group()
    either.add_argument(
        "--confirmar",
        action="store_true",
        help="repite solo el comienzo de lo que se midió con otro código, para ver si sus cifras valen",
    )
    either.add_argument(
        "--comprobar",
        action="store_true",
        help="solo dice si los resultados publicados son del código de hoy",
    )
    command.set_defaults(run=_experiment)


_SEED_HELP = (
    "semilla secreta de los casos, o @ARCHIVO que la tiene; también vale la variable COURSEKIT_SEMILLA"
)


def _add_grading(commands: argparse._SubParsersAction) -> None:
    text = "califica una carpeta o un zip de entregas, sin fiarse de ellas"
    command = commands.add_parser("calificar", help=text, description=text)
    add = command.add_argument
    add(
        "submissions",
        nargs="?",
        type=Path,
        metavar="ENTREGAS",
        help="carpeta con un cuaderno o una carpeta por estudiante, o el zip de Moodle o de Drive",
    )
    add("--conjunto", metavar="ID", help="conjunto de ejercicios: el nombre del cuaderno")
    add("--salida", type=Path, metavar="DIR", help="carpeta de los informes")
    add(
        "--semilla",
        metavar="TEXTO",
        help=f"{_SEED_HELP}; sin ella se inventa una y queda en DIR/semilla.txt",
    )
    _add_scale(command)
    add("--trabajadores", type=_positive, metavar="N", help="entregas a la vez (una por núcleo)")
    add(
        "--plazo",
        type=_seconds,
        default=20.0,
        metavar="SEGUNDOS",
        help="lo que pueden tardar las celdas, y cada pregunta (%(default)g)",
    )
    add("--proteccion", metavar="NOMBRE", help="la que se usa, en lugar de la mejor que haya")
    add(
        "--parte",
        type=_part,
        default=(1, 1),
        metavar="i/n",
        help="califica solo una parte; las une «coursekit reunir»",
    )
    add("--dask", metavar="DIRECCIÓN", help="reparte el trabajo con este planificador de Dask")
    _add_formats(command)
    add("--diagnostico", action="store_true", help="dice qué protección tiene este equipo")
    command.set_defaults(run=_grade)

    text = "une las partes de un lote calificado por separado"
    command = commands.add_parser("reunir", help=text, description=text)
    command.add_argument(
        "parts", nargs="+", type=Path, metavar="PARTE", help="la carpeta de salida de cada parte"
    )
    command.add_argument(
        "--salida", type=Path, required=True, metavar="DIR", help="la del lote entero"
    )
    _add_scale(command)
    _add_formats(command)
    command.set_defaults(run=_merge)

    text = "prepara lo que otra plataforma necesita para calificar"
    command = commands.add_parser("empaquetar", help=text, description=text)
    command.add_argument(
        "platform",
        choices=["gradescope", "nbgrader"],
        metavar="PLATAFORMA",
        help="gradescope (el zip de su «autograder») o nbgrader (el cuaderno fuente)",
    )
    command.add_argument("--conjunto", required=True, metavar="ID", help="conjunto de ejercicios")
    command.add_argument("--semilla", metavar="TEXTO", help=_SEED_HELP)
    command.add_argument(
        "--salida", type=Path, required=True, metavar="ARCHIVO", help="lo que se escribe"
    )
    _add_scale(command)
    command.set_defaults(run=_pack)


def _add_scale(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--escala", default="0-20", metavar="ESCALA", help="0-20, 0-10, 1-7 o 0-5 (%(default)s)"
    )
    command.add_argument("--aprobado", type=float, metavar="NOTA", help="otra nota de aprobado")
    command.add_argument(
        "--exigencia",
        type=float,
        metavar="FRACCIÓN",
        help="fracción de los puntos con que se aprueba",
    )


def _add_formats(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--moodle",
        type=Path,
        metavar="HOJA",
        help="llena una copia de la hoja de calificación descargada de Moodle",
    )
    command.add_argument("--gradescope", action="store_true", help="un results.json por entrega")
    command.add_argument("--ags", action="store_true", help="las notas para LTI, en ags.json")


def _list_data(_: argparse.Namespace) -> int:
    rows = [("NOMBRE", "TAMAÑO", "DÓNDE", "LICENCIA")]
    for name, dataset in data.DATASETS.items():
        size = f"{dataset.size / 1e6:.1f} MB"
        place = registry.where(name)
        if place == registry.ABSENT and (dataset.urls or dataset.parts):
            place = "no está: se descarga"
        rows.append((name, size, place, dataset.licence))
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
    # Lo que hace páginas y ejercicios vive con el libro: una instalación de estudiante no lo lleva.
    extensions = Path.cwd() / "book" / "_ext"
    if not extensions.is_dir():
        raise CourseError(
            f"«{Path.cwd()}» no tiene book/_ext: ejecuta la orden en la carpeta del curso."
        )
    sys.path.insert(0, str(extensions))
    try:
        from coursesite.students import main as write_exercises
    except ModuleNotFoundError as error:
        missing = error.name.partition(".")[0]
        raise CourseError(
            f"Falta {missing}, con lo que se construye el libro: en la carpeta del curso, "
            'python -m pip install -c constraints.txt -e ".[dev]"'
        ) from None

    return write_exercises(options.comprobar)


def _experiment(options: argparse.Namespace) -> int:
    from coursekit import experiments

    if options.comprobar:
        every = experiments.all_experiments().values()
        one = [experiments.find_experiment(options.name)] if options.name else []
        experiments.check_published(one or every)
        print("Los resultados publicados son del código de hoy.")
        return 0
    if options.name is None:
        if options.confirmar:
            raise CourseError("Falta NOMBRE: di qué experimento quieres confirmar.")
        for name, experiment in experiments.all_experiments().items():
            print(f"{name}: {experiment.title}")
        return 0
    experiment = experiments.find_experiment(options.name)
    path = options.salida / f"{experiment.name}.json"
    if options.confirmar:
        problems = experiments.confirm_experiment(experiment, path)
        if problems:
            listed = "\n".join(f"  {problem}." for problem in problems)
            raise CourseError(f"Hay que correr otra vez, sin --confirmar:\n{listed}")
        print(f"{experiment.title}. Confirmado en {path}: las cifras son las del código de hoy.")
        return 0
    result = experiments.run_experiment(experiment, path)
    print(f"{experiment.title}. Guardado en {path}.\n\n{experiments.table(result)}")
    return 0


def _grade(options: argparse.Namespace) -> int:
    from coursekit.grading.batch import grade_batch
    from coursekit.grading.jail import ladder
    from coursekit.grading.journal import only_one

    if options.diagnostico:
        print(ladder.diagnose())
        return 0
    needed = {
        "ENTREGAS": options.submissions,
        "--conjunto": options.conjunto,
        "--salida": options.salida,
    }
    for name, value in needed.items():
        if not value:
            raise CourseError(f"Falta {name}. Mira «coursekit calificar --help».")
    scale = _scale(options)  # antes de empezar: una escala mal escrita no debe costar una hora
    seed = _given_seed(options)
    if options.parte != (1, 1) and not seed:
        raise CourseError("Para calificar por partes hace falta --semilla: la misma en todas.")
    if options.salida.resolve().is_relative_to(options.submissions.resolve()):
        raise CourseError(
            f"{options.salida} está dentro de las entregas: elige otra carpeta para --salida."
        )
    protection = None
    if not options.dask:
        protection = ladder.choose(options.proteccion)
        if protection.exposes_host:
            print(f"⚠ Protección «{protection.name}»: {protection.promise}.", file=sys.stderr)
    with only_one(options.salida):
        batch = grade_batch(
            options.submissions, options.conjunto, seed or _kept_seed(options.salida),
            workers=options.trabajadores, seconds=options.plazo, protection=protection,
            part=options.parte, journal=options.salida / _JOURNAL, dask=options.dask,
            progress=sys.stderr.isatty(),
        )  # fmt: skip
        return _report(batch, scale, options)


def _merge(options: argparse.Namespace) -> int:
    from coursekit.grading.journal import merge, only_one, write_journal

    scale = _scale(options)
    share, batch = merge([part / _JOURNAL for part in options.parts])
    with only_one(options.salida):
        write_journal(options.salida / _JOURNAL, share, batch.grades)
        return _report(batch, scale, options)


def _pack(options: argparse.Namespace) -> int:
    from coursekit.grading.platforms import gradescope, nbgrader

    seed = _given_seed(options)
    if not seed:
        raise CourseError("Falta --semilla. Mira «coursekit empaquetar --help».")
    if options.platform == "gradescope":
        gradescope.write_autograder(options.conjunto, seed, _scale(options), options.salida)
    else:
        import nbformat

        source = Path("solutions", f"{options.conjunto}.md")
        if not source.is_file():
            raise CourseError(f"No está {source}: ejecuta esta orden en la carpeta del curso.")
        nbformat.write(nbgrader.source_notebook(source, seed), options.salida)
    print(f"Escrito {options.salida}. Lleva la semilla: no lo repartas.")
    return 0


_JOURNAL = "lote.jsonl"
_SEED_VARIABLE = "COURSEKIT_SEMILLA"


def _report(batch, scale, options: argparse.Namespace) -> int:
    """Escribe los informes y lo que se haya pedido para otras plataformas."""
    import json

    from coursekit.files import write_whole
    from coursekit.grading import by_hand, reports
    from coursekit.grading.platforms import gradescope, lti, moodle

    folder = options.salida
    batch = by_hand.with_points(batch, folder / "abiertas.csv")
    reports.write_reports(batch, scale, folder)
    if waiting := by_hand.write_sheet(batch, folder / "abiertas.csv"):
        print(f"Respuestas abiertas sin puntos: {waiting}.")
        print(f"Llena la columna «puntos» de {folder / 'abiertas.csv'} y repite esta orden.")
    if options.moodle:
        sheet = moodle.fill_sheet(options.moodle, batch, scale, folder / "moodle.csv")
        print(f"Hoja de Moodle: {sheet.filled} filas llenas, en {folder / 'moodle.csv'}.")
        for student in sheet.missing:
            print(f"  No está en la hoja, o no se sabe cuál es su fila: {student}")
        for student in sheet.ungraded:
            print(f"  Sin entrega: {student}")
    names = reports.feedback_names(batch.grades)
    if options.gradescope:
        for grade in batch.grades:
            results = gradescope.results(grade, scale)
            path = folder / "gradescope" / f"{names[grade.file]}.json"
            write_whole(path, json.dumps(results, ensure_ascii=False, indent=1))
    if options.ags:
        scores = lti.scores(batch, scale)
        write_whole(folder / "ags.json", json.dumps(scores, ensure_ascii=False, indent=1))
        print(f"Notas para LTI, en {folder / 'ags.json'}. {lti.NOTICE}")
    troubled = sum(grade.state not in ("ok", "sin intentar") for grade in batch.grades)
    print(f"{len(batch.grades)} entregas calificadas; {troubled} con problemas.")
    print(f"Notas: {folder / 'notas.csv'}; resumen: {folder / 'resumen.html'}")
    return 0


def _scale(options: argparse.Namespace):
    from coursekit.grading.scales import find_scale

    return find_scale(options.escala, options.aprobado, options.exigencia)


def _given_seed(options: argparse.Namespace) -> str | None:
    """La semilla de la opción, de un archivo (`@ruta`) o del entorno; deja de verse en la orden.

    Raises:
        CourseError: si el archivo no se lee o está vacío.
    """
    from coursekit.grading.secrecy import conceal

    seed = options.semilla or os.environ.pop(_SEED_VARIABLE, "")
    conceal(seed)
    if not seed:
        return None
    return _read_seed(Path(seed[1:])) if seed.startswith("@") else seed


def _kept_seed(folder: Path) -> str:
    """La semilla de otra vez, o una nueva que solo puede leer quien califica."""
    from coursekit.files import write_whole

    path = folder / "semilla.txt"
    if not path.exists():
        write_whole(path, secrets.token_hex(16) + "\n", mode=0o600)
        print(f"Semilla nueva, guardada en {path}: no la publiques.")
    return _read_seed(path)


def _read_seed(path: Path) -> str:
    try:
        seed = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise CourseError(f"No se puede leer la semilla de {path}.") from None
    if not seed:
        raise CourseError(f"El archivo {path} está vacío y ahí tenía que estar la semilla.")
    return seed


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} no es un número entero positivo")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,5}(\.\d+)?", text) or float(text) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} no es un número de segundos")
    return float(text)


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} no es una parte como 2/8")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
