"""Lo que comparten las pruebas: el sitio construido y las herramientas que pueden faltar."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def missing_tool(reason):
    """Una herramienta que falta se perdona en casa, no en la integración continua."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


# Lo que no puede ir a la vez que otra cosa de su lista va en el mismo proceso, y lo que más tarda, antes.
GROUPS = {
    "sitio": ["test_notebooks", "test_site"],
    "cárcel": ["test_grader", "test_formats", "test_grading", "test_benchmarks"],
}


def pytest_collection_modifyitems(items):
    """Reparte las pruebas entre procesos por archivos, para no preparar dos veces lo mismo."""
    groups = {file: group for group, files in GROUPS.items() for file in files}
    order = [*GROUPS]
    for item in items:
        group = "sitio" if "site" in item.fixturenames else groups.get(item.path.stem, item.path.stem)
        item.add_marker(pytest.mark.xdist_group(group))
        if group not in order:
            order.append(group)
    items.sort(key=lambda item: order.index(item.get_closest_marker("xdist_group").args[0]))


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
