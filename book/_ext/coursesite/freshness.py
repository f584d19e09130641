"""Vuelve a ejecutar los cuadernos cuando cambia aquello de lo que dependen.

jupyter-cache solo mira el código de las celdas. Aquí cada combinación de paquete, bibliotecas y
datos tiene su propia caché: al cambiar la carpeta, que es parte de la configuración, Sphinx
relee todas las páginas y myst-nb no encuentra resultados viejos.
"""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

LIBRARIES = ("matplotlib", "numpy", "scipy", "torch")


def fingerprint(package, data_folders=(), libraries=LIBRARIES):
    """Resume en un texto corto el paquete, las bibliotecas numéricas y los datos presentes.

    Args:
        package: carpeta del paquete; cuenta el contenido de todos sus archivos.
        data_folders: carpetas de datos; cuentan los nombres y los tamaños, no el contenido.
        libraries: distribuciones instaladas cuya versión cuenta.
    Returns:
        Doce cifras hexadecimales.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    for path in _files(package):
        digest.update(f"\0{path.relative_to(package)}\0".encode() + path.read_bytes())
    for name in libraries:
        digest.update(f"\0{name}={importlib.metadata.version(name)}".encode())
    for folder in data_folders:
        for path in _files(folder):
            digest.update(f"\0{path.relative_to(folder)}:{path.stat().st_size}".encode())
    return digest.hexdigest()[:12]


def _files(folder):
    return sorted(
        path
        for path in Path(folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def data_folders():
    """Devuelve las carpetas donde `coursekit.data` busca los datos."""
    import pooch

    given = os.environ.get("COURSEKIT_DATA")
    return [*([Path(given)] if given else []), pooch.os_cache("coursekit")]


def _choose_cache(app, config):
    found = fingerprint(Path(app.srcdir, "coursekit"), data_folders())
    config.nb_execution_cache_path = str(Path(app.outdir).parent / ".jupyter_cache" / found)


def setup(app):
    app.connect("config-inited", _choose_cache)
