"""Lo que Sphinx sabe del sitio y un cuaderno necesita: direcciones, títulos, números y citas."""

from pathlib import Path

from docutils.nodes import make_id

from coursekit.errors import CourseError


class Site:
    """Resuelve las referencias de una página con lo que Sphinx ha leído de todas.

    Args:
        app: la aplicación de Sphinx, con las páginas ya leídas.
    Raises:
        CourseError: en cada método, si el sitio no conoce aquello por lo que se pregunta.
    """

    def __init__(self, app):
        self.root = Path(app.srcdir)
        self._base, self._uri = app.config.html_baseurl, app.builder.get_target_uri
        self._env = app.env
        # Un término se cita con mayúsculas o sin ellas.
        self._known = {
            (kind, name.lower() if kind == "term" else name): (self._address(page, anchor), title)
            for name, title, kind, page, anchor, _ in app.env.get_domain("std").get_objects()
        }

    def _address(self, docname, anchor=""):
        return self._base + self._uri(docname) + (f"#{anchor}" if anchor else "")

    def _find(self, kind, name):
        if (kind, name) not in self._known:
            raise CourseError(f"el sitio no conoce «{name}».")
        return self._known[kind, name]

    def label(self, name: str) -> tuple[str, str]:
        """Devuelve la dirección y el título del apartado que lleva una etiqueta."""
        return self._find("label", " ".join(name.lower().split()))

    def page(self, docname: str) -> tuple[str, str]:
        """Devuelve la dirección y el título de una página."""
        return self._find("doc", docname)

    def term(self, name: str) -> str:
        """Devuelve la dirección de un término del glosario."""
        return self._find("term", name.lower())[0]

    def equation(self, label: str) -> tuple[str, str, str]:
        """Devuelve la página, el número, «(3)», y la dirección de una ecuación."""
        equations = self._env.get_domain("math").equations
        if label not in equations:
            raise CourseError(f"el sitio no numera la ecuación «{label}».")
        docname, number = equations[label]
        return docname, f"({number})", self._address(docname, make_id(f"equation-{label}"))

    def citation(self, key: str) -> tuple[str, str]:
        """Devuelve los autores, «Church y Hanks», y el año de una referencia."""
        entries = self._env.get_domain("cite").bibdata.data.entries
        if key not in entries:
            raise CourseError(f"la bibliografía no tiene la referencia «{key}».")
        entry = entries[key]
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        surnames = [
            " ".join(str(part) for part in person.rich_prelast_names + person.rich_last_names)
            for person in people
        ]
        if not surnames:
            raise CourseError(f"la referencia «{key}» no tiene autores.")
        if len(surnames) > 2:
            surnames = [f"{surnames[0]} *et al.*"]
        return " y ".join(surnames), entry.fields["year"]

    @property
    def bibliography(self) -> str:
        """Dirección de la página de bibliografía."""
        return self._address(next(iter(self._env.get_domain("cite").bibliographies)).docname)
