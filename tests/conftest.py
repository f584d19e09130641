"""Lo que comparten las pruebas: el sitio construido, el reparto y lo que puede faltar en un equipo."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import FunctionType

import pytest

# Antes de que nadie importe torch. Las pruebas van en dos procesos: con más hilos que núcleos, los
# de OpenMP giran esperándose unos a otros y un paso de entrenamiento llega a durar diez veces más.
os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / "_build/herramientas"  # lo que deja ahí «make herramientas»
PACKAGES = {"bwrap": "bubblewrap", "chromium": "chromium", "node": "npm"}
REAL_DATA = "COURSEKIT_DATA no dice dónde están los datos reales"

needs_real_data = pytest.mark.skipif(not os.environ.get("COURSEKIT_DATA"), reason=REAL_DATA)


def missing_tool(reason):
    """Una herramienta que falta se perdona en casa; en la integración continua nada se perdona."""
    pytest.skip(reason)


def needs_program(name):
    """Ruta de un programa del sistema; sin él la prueba espera, y la última línea dice cómo traerlo."""
    path = shutil.which(name)
    return path or missing_tool(f"falta {name}: sudo apt install {PACKAGES[name]}")


def needs_tool(path):
    """Ruta, en `TOOLS`, de lo que tampoco es del entorno y trae `make herramientas`."""
    name = Path(path).name
    return TOOLS / path if (TOOLS / path).exists() else missing_tool(f"falta {name}: make herramientas")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """En la integración continua lo que se salta falla; los datos reales, si no están, no son de nadie."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and "COURSEKIT_DATA" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"en la integración continua nada se salta: {report.longrepr[2]}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Qué no se pudo probar por algo que falta, y con qué orden se trae."""
    yield
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    if line := untested(skipped):
        terminalreporter.write_line(line)


def untested(reasons):
    """La línea que resume los motivos «falta COSA: ORDEN», cada cosa y cada orden una vez."""
    found = [match.groups() for reason in reasons if (match := re.search(r"falta (.+?): ([\w ]+)", reason))]
    said = []
    if found:
        names, orders = (sorted(set(part)) for part in zip(*found))
        apt = "sudo apt install"
        packages = [order.removeprefix(apt) for order in orders if order.startswith(apt)]
        orders = [apt + "".join(packages)] * bool(packages) + [o for o in orders if not o.startswith(apt)]
        said.append(f"por falta de {', '.join(names)} ({len(found)} pruebas): {' && '.join(orders)}")
    if without_data := sum(REAL_DATA in reason for reason in reasons):
        said.append(f"sin la carpeta de datos reales, COURSEKIT_DATA ({without_data} pruebas)")
    return f"Sin probar {'; '.join(said)}" if said else ""


@pytest.hookimpl(tryfirst=True)  # antes que xdist, que lee las marcas en este mismo momento
def pytest_collection_modifyitems(items):
    """Reparte por archivos, con lo que más tarda primero.

    Lo que comparte algo (el sitio construido; el equipo, en el que se buscan las huellas de una
    entrega) lleva el mismo `xdist_group` y va en un solo proceso.
    """
    order = ["sitio", "cárcel"]

    def group(item):
        return item.get_closest_marker("xdist_group").args[0]

    for item in items:
        if "site" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("sitio"))
        elif not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if group(item) not in order:
            order.append(group(item))
    items.sort(key=lambda item: order.index(group(item)))


@pytest.fixture(scope="session")
def site():
    """Carpeta del sitio, construido o puesto al día con `make sitio` (-W -n: sin un aviso)."""
    build = subprocess.run(
        ["make", "--no-print-directory", "sitio"], cwd=ROOT, capture_output=True, text=True
    )
    if build.returncode:
        said = re.sub(r"\x1b\[[\d;]*m", "", build.stdout + build.stderr).splitlines()
        wrong = [line for line in said if re.search(r"WARNING: |ERROR: |^\w*Error: ", line)]
        pytest.fail("\n".join(["«make sitio» no termina bien:", *(wrong or said[-40:])]))
    return ROOT / "_build" / "html"


def as_a_student(exercise, function=None):
    """La referencia de un ejercicio (u otra función suya) como si se hubiera escrito en un cuaderno."""
    function = function or exercise.reference
    names = {used.name: as_a_student(used) for used in exercise.uses}
    globals_ = {**function.__globals__, "__name__": "__main__", **names}
    return FunctionType(function.__code__, globals_, argdefs=function.__defaults__)
