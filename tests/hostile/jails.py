"""Cómo se prueba el calificador: con cada protección, como root y como usuario corriente."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import missing_tool
from coursekit.grading.jail.ladder import try_out
from coursekit.grading.jail.protections import LADDER

RUNGS = {protection.name: protection for protection in LADDER}
ORDINARY = 54321


def rung(name):
    """Un peldaño que aquí tiene que funcionar."""
    if problem := try_out(RUNGS[name]):
        missing_tool(f"{name}: {problem}")
    return RUNGS[name]


def readable_python():
    """El principio de una orden en la que cualquier usuario puede leer este Python.

    En casa de root el intérprete puede estar en /root, cerrado a los demás; sin espacios de nombres,
    quien ejecuta una entrega no podría importar nada.
    """
    prefix = Path(sys.base_prefix)
    closed = [folder for folder in prefix.parents if not folder.stat().st_mode & 0o001]
    if not closed:
        return []
    top = closed[-1]
    command = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--perms", "0755", "--tmpfs", str(top)]
    for folder in reversed([folder for folder in prefix.parents if top in folder.parents]):
        command += ["--perms", "0755", "--dir", str(folder)]
    return [*command, "--ro-bind", str(prefix), str(prefix)]


def prefix(name):
    """El principio de la orden con que se prueba «protección[-usuario][-sin-anidar]»."""
    words, command = name.split("-"), []
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


def open_to_everyone(folder):
    """Que un usuario corriente llegue a una carpeta de pytest y escriba en ella."""
    folder.chmod(0o777)
    for parent in list(folder.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    return folder


def run_cli(*words, before=(), check=True, **options):
    command = [*before, sys.executable, "-m", "coursekit.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=500, **options)
    assert not check or done.returncode == 0, done.stderr + done.stdout
    return done
