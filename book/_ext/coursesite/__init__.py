"""Lo que el sitio del curso añade a Jupyter Book.

- `freshness`: vuelve a ejecutar los cuadernos cuando cambia algo que Jupyter Book no mira;
- `spanish`: interfaz, búsqueda y bibliografía en español;
- `pages`: botones, direcciones, fórmulas sin servidores ajenos y arreglos de accesibilidad.
"""

from coursesite import freshness, pages, spanish


def setup(app):
    for part in (freshness, spanish, pages):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
