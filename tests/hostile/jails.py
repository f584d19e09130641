"""Cómo se prueba el calificador: con cada protección, como root y como usuario corriente."""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import ROOT, missing_tool, needs_program
from coursekit.grading.jail.ladder import try_out
from coursekit.grading.jail.protections import LADDER

RUNGS = {protection.name: protection for protection in LADDER}
ORDINARY = 54321


def rung(name):
    """Un peldaño que aquí tiene que funcionar."""
    if name == "bubblewrap":
        needs_program("bwrap")
    if problem := try_out(RUNGS[name]):
        missing_tool(f"{name}: {problem}")
    return RUNGS[name]


def readable_python():
    """El principio de una orden en la que cualquier usuario puede leer este Python y el paquete.

    En casa de root, o en una carpeta privada, están cerrados a los demás; sin espacios de nombres,
    quien ejecuta una entrega no podría importar nada.
    """
    places = sorted({Path(place).resolve() for place in (sys.base_prefix, sys.prefix, ROOT)})
    closed = {place: [top for top in place.parents if not top.stat().st_mode & 0o001] for place in places}
    if not any(closed.values()):
        return []
    command = [needs_program("bwrap"), "--dev-bind", "/", "/", "--cap-add", "ALL"]
    for top in sorted({tops[-1] for tops in closed.values() if tops}):
        command += ["--perms", "0755", "--tmpfs", str(top)]
        for place in [place for place in places if top in place.parents]:
            for folder in reversed([folder for folder in place.parents if top in folder.parents]):
                command += ["--perms", "0755", "--dir", str(folder)]
            command += ["--ro-bind", str(place), str(place)]
    return command


def prefix(name):
    """El principio de la orden con que se prueba «protección[-usuario][-sin-anidar]»."""
    words, command = name.split("-"), []
    if words[0] == "bubblewrap":
        needs_program("bwrap")
    if "usuario" in words:
        if os.geteuid() != 0:
            pytest.skip("quien prueba ya es un usuario corriente")
        command += [
            *readable_python(),
            "setpriv",
            f"--reuid={ORDINARY}",
            f"--regid={ORDINARY}",
            "--clear-groups",
        ]
    elif words[0] == "proceso":
        command += readable_python()
    if "anidar" in words:
        command += [sys.executable, str(Path(__file__).with_name("sin_anidar.py"))]
    return words[0], command


@contextmanager
def public_folder():
    """Una carpeta de cualquiera; las de pytest se cierran cada vez que alguien empieza otras pruebas."""
    folder = Path(tempfile.mkdtemp(prefix="pruebas-"))
    folder.chmod(0o777)
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def run_cli(*words, before=(), check=True, env=()):
    command = [*before, sys.executable, "-m", "coursekit.cli", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd="/", timeout=500, env=os.environ | dict(env)
    )
    assert not check or done.returncode == 0, f"{done.returncode}: {done.stderr}{done.stdout}"
    return done
