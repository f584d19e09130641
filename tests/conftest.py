"""Lo que comparten las pruebas: el sitio construido, el reparto y lo que puede faltar en un equipo."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"bwrap": "bubblewrap", "chromium": "chromium", "node": "npm"}

needs_real_data = pytest.mark.skipif(
    not os.environ.get("COURSEKIT_DATA"),
    reason="COURSEKIT_DATA no dice dónde están los datos reales",
)


def missing_tool(reason):
    """Una herramienta que falta se perdona en casa; en la integración continua nada se perdona."""
    pytest.skip(reason)


def needs_program(name):
    """Ruta de un programa del sistema; sin él la prueba espera, y la última línea dice cómo traerlo."""
    path = shutil.which(name)
    return path or missing_tool(f"falta {name}: apt install {PACKAGES[name]}")


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
    """Qué no se pudo probar por falta de un programa, y la orden que lo trae."""
    yield
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    found = [match for reason in skipped if (match := re.search(r"falta (\w+): apt install (\w+)", reason))]
    if found:
        programs, packages = (sorted({match[part] for match in found}) for part in (1, 2))
        terminalreporter.write_line(
            f"Sin probar por falta de {' y de '.join(programs)} ({len(found)} pruebas): "
            f"sudo apt install {' '.join(packages)}"
        )


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
    return FunctionType(function.__code__, {**function.__globals__, "__name__": "__main__", **names})
