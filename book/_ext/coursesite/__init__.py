"""Lo que el sitio del curso añade a Jupyter Book.

- `contents`: cuelga de cada lección sus hojas;
- `students`: al empezar, saca los ejercicios de las soluciones;
- `freshness`: ejecuta las páginas que lo necesitan, dos a la vez, y solo esas;
- `spanish`: interfaz, búsqueda y bibliografía en español;
- `pages`: botones, direcciones, fórmulas sin servidores ajenos y arreglos de accesibilidad;
- `notebooks`: al terminar, saca los cuadernos de Colab de lo que se acaba de construir.
"""

import hashlib
import sys
from functools import wraps
from pathlib import Path

from sphinx.util import logging

from coursekit.errors import CourseError
from coursesite import contents, freshness, notebooks, pages, spanish, students

logger = logging.getLogger(__name__)


def setup(app):
    # Sphinx no nota que la extensión cambia; como parte de la configuración, sí.
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    app.add_config_value("coursesite", hashlib.sha256(code).hexdigest(), "env")
    for part in (spanish, pages):
        part.setup(app)
    for event, handler in (
        ("config-inited", contents.before_reading_the_contents),
        ("builder-inited", students.before_reading),
        ("source-read", freshness.mark),
        ("env-get-outdated", freshness.outdated),
        ("env-before-read-docs", freshness.execute),
        ("build-finished", notebooks.after_building),
    ):
        app.connect(event, _in_one_sentence(handler))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _in_one_sentence(handler):
    """Un CourseError detiene la construcción con su frase, sin la traza de Jupyter Book."""

    @wraps(handler)
    def wrapped(*arguments):
        try:
            return handler(*arguments)
        except CourseError as error:
            logger.error("%s", error)
            sys.exit(1)

    return wrapped
