"""Las direcciones del curso: todas salen de `repository: url`, en _config.yml."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from coursekit.errors import CourseError


@dataclass(frozen=True)
class Addresses:
    """Direcciones públicas del curso.

    Args:
        repository: dirección del repositorio en GitHub, sin barra final.
    """

    repository: str

    @property
    def slug(self) -> str:
        """Dueño y nombre del repositorio: «dueño/nombre»."""
        return self.repository.removeprefix("https://github.com/")

    @property
    def site(self) -> str:
        """Dirección del sitio publicado, con barra final."""
        owner, name = self.slug.split("/")
        return f"https://{owner}.github.io/{name}/"

    def page(self, docname: str) -> str:
        """Dirección de una página del sitio."""
        return f"{self.site}{docname}.html"

    def colab(self, docname: str) -> str:
        """Dirección que abre en Colab el cuaderno generado de una página."""
        return (
            "https://colab.research.google.com/github/"
            f"{self.slug}/blob/cuadernos/{docname}.ipynb"
        )


def read_config(root: Path) -> dict:
    """Lee `_config.yml` de la carpeta del curso.

    Raises:
        CourseError: si la carpeta no tiene `_config.yml`.
    """
    path = Path(root, "_config.yml")
    if not path.is_file():
        raise CourseError(
            f"«{Path(root).resolve()}» no tiene _config.yml: "
            "ejecuta la orden en la carpeta del curso."
        )
    return yaml.safe_load(path.read_text("utf-8"))


def addresses(root: Path) -> Addresses:
    """Devuelve las direcciones del curso que vive en `root`.

    Raises:
        CourseError: si falta la dirección del repositorio o no es de la forma
            https://github.com/dueño/nombre.
    """
    url = str(read_config(root).get("repository", {}).get("url", "")).rstrip("/")
    if not url.startswith("https://github.com/") or url.count("/") != 4:
        raise CourseError(
            f"«repository: url» de _config.yml es «{url}»: "
            "escribe una dirección como https://github.com/dueño/nombre."
        )
    return Addresses(url)
