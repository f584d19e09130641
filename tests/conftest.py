"""Lo que comparten las pruebas: el sitio construido y las herramientas que pueden faltar."""

import os
import re
import subprocess
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[1]


def missing_tool(reason):
    """Una herramienta que falta se perdona en casa, no en la integración continua."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


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
