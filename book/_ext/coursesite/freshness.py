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

import coursekit
from coursekit.data import registry

LIBRARIES = ("matplotlib", "numpy", "scipy", "torch")


def fingerprint(package, data, libraries=LIBRARIES):
    """Resume en un texto corto el paquete, las bibliotecas numéricas y los datos presentes.

    Args:
        package: carpeta del paquete; cuenta el contenido de todos sus archivos.
        data: dónde está cada conjunto de datos, por su nombre.
        libraries: distribuciones instaladas cuya versión cuenta.
    Returns:
        Doce cifras hexadecimales.
    """
    package = Path(package)
    versions = {name: importlib.metadata.version(name) for name in libraries}
    digest = hashlib.sha256(repr([platform.python_version(), versions, data]).encode())
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"\0{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _choose_cache(app, config):
    data = {name: registry.where(name) for name in registry.DATASETS}
    cache = Path(app.outdir).parent / ".jupyter_cache" / fingerprint(coursekit.__path__[0], data)
    config.nb_execution_cache_path = str(cache)
    # Las cachés viejas se quedan: volver atrás no cuesta otra ejecución. La del sitio construido
    # es siempre la más reciente, y así la encuentra coursesite.
    if (cache / "global.db").exists():
        os.utime(cache / "global.db")


def setup(app):
    app.connect("config-inited", _choose_cache)
