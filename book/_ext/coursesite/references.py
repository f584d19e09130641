"""Lo que el sitio construido sabe y un cuaderno necesita: direcciones, títulos, números y citas."""

import posixpath
from functools import cached_property
from pathlib import Path

from bs4 import BeautifulSoup
from docutils.nodes import make_id
from pybtex.database import parse_file
from sphinx.util.inventory import InventoryFile

from coursekit.errors import CourseError
from coursesite.site import addresses

INVENTORY = "_build/html/objects.inv"
BIBLIOGRAPHY = "book/referencia/bibliografia"


class BuiltSite:
    """Resuelve las referencias de una página con el sitio que hay en `_build/html`.

    Args:
        root: carpeta del curso.
    Raises:
        CourseError: si el sitio no está construido; y en cada método, si el sitio no conoce
            aquello por lo que se pregunta.
    """

    def __init__(self, root: Path):
        self.root = Path(root)
        self.addresses = addresses(root)
        inventory = self.root / INVENTORY
        if not inventory.is_file():
            raise CourseError("El sitio no está construido: ejecuta «make libro».")
        with inventory.open("rb") as stream:
            self._inventory = InventoryFile.load(stream, self.addresses.site, posixpath.join)

    def _find(self, kind, name):
        try:
            _, _, url, title = self._inventory.get(kind, {})[name]
        except KeyError:
            raise CourseError(
                f"el sitio construido no conoce «{name}»; si es nuevo, ejecuta «make libro»."
            ) from None
        return url, title

    def label(self, name: str) -> tuple[str, str]:
        """Devuelve la dirección y el título del apartado que lleva una etiqueta."""
        return self._find("std:label", " ".join(name.lower().split()))

    def page(self, docname: str) -> tuple[str, str]:
        """Devuelve la dirección y el título de una página."""
        return self._find("std:doc", docname)

    def term(self, name: str) -> tuple[str, str]:
        """Devuelve la dirección de un término del glosario y el término."""
        known = {term.lower(): term for term in self._inventory.get("std:term", ())}
        return self._find("std:term", known.get(name.lower(), name))

    @cached_property
    def _equations(self) -> dict[str, tuple[str, str]]:
        """Página y número, «(3)», de cada ecuación numerada del sitio, por su identificador."""
        found = {}
        for docname in self._inventory["std:doc"]:
            page = self.root / "_build/html" / f"{docname}.html"
            html = page.read_text("utf-8") if page.is_file() else ""
            for number in BeautifulSoup(html, "html.parser").select(".math[id] > .eqno"):
                found[number.parent["id"]] = docname, number.contents[0].strip()
        return found

    def equation(self, label: str) -> tuple[str, str, str]:
        """Devuelve la página, el número, «(3)», y la dirección de una ecuación."""
        identifier = make_id(f"equation-{label}")
        if identifier not in self._equations:
            raise CourseError(
                f"el sitio construido no numera la ecuación «{label}»; "
                "si es nueva, ejecuta «make libro»."
            )
        docname, number = self._equations[identifier]
        return docname, number, f"{self.addresses.page(docname)}#{identifier}"

    @cached_property
    def _entries(self):
        return parse_file(str(self.root / "book/referencias.bib")).entries

    def citation(self, key: str) -> tuple[str, str]:
        """Devuelve los autores, «Church y Hanks», y el año de una referencia."""
        if key not in self._entries:
            raise CourseError(f"book/referencias.bib no tiene la referencia «{key}».")
        entry = self._entries[key]
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
        return self.addresses.page(BIBLIOGRAPHY)
