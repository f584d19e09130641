"""El corpus que reciben las lecciones y las muestras que vienen con el paquete."""

from dataclasses import dataclass, field
from importlib import resources

from coursekit.data import readers
from coursekit.errors import CourseError

_CITATION = "Texto original de «Palabras, secuencias y textos», escrito para este curso."
_SAMPLES = {
    "relato": ("relato.txt", "Relato de muestra"),
    "resenas": ("resenas.tsv", "Reseñas de cine de muestra"),
    "titulares": ("titulares.tsv", "Titulares de muestra"),
    "argumentos": ("argumentos.tsv", "Argumentos de muestra"),
    "opuestos": ("opuestos.tsv", "Sinónimos y antónimos"),
    "intrusos": ("intrusos.tsv", "Prueba del intruso, preguntas de desarrollo"),
    "intrusos_prueba": ("intrusos_prueba.tsv", "Prueba del intruso, preguntas de prueba"),
}


@dataclass(frozen=True)
class Corpus:
    """Una colección de documentos.

    Args:
        name: nombre con el que se pide.
        title: título para mostrar.
        documents: un texto por documento; en las novelas y el relato, un párrafo.
        is_sample: si es una de las muestras que vienen con el paquete.
        citation: cómo citarlo.
        labels: una etiqueta por documento, o nada si no las hay.
    """

    name: str
    title: str
    documents: list[str] = field(repr=False)
    is_sample: bool
    citation: str
    labels: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """Todos los documentos en un solo texto, uno por línea."""
        return "\n".join(self.documents)


def load_sample(name: str) -> Corpus:
    """Muestra que viene con el paquete: no necesita red ni carpeta de datos.

    Args:
        name: `"relato"` (narración por capítulos), `"resenas"` (reseñas de cine con su
            etiqueta), `"titulares"` (titulares de prensa con su clase), `"argumentos"` (propuestas
            para una constitución, con su clase), `"intrusos"` (tres palabras parecidas, con la
            que no lo es como etiqueta), `"intrusos_prueba"` (otras, que no se miran al elegir) u
            `"opuestos"` (un sinónimo y un antónimo, con su palabra como etiqueta).

    Raises:
        CourseError: si no hay una muestra con ese nombre o falta en la instalación.
    """
    if name not in _SAMPLES:
        known = ", ".join(_SAMPLES)
        raise CourseError(f"No hay ninguna muestra «{name}»; las que hay son {known}.")
    filename, title = _SAMPLES[name]
    try:
        raw = resources.files("coursekit.data").joinpath("samples", filename).read_bytes()
    except OSError:
        raise CourseError(f"Falta la muestra «{name}»: reinstala coursekit.") from None
    if filename.endswith(".tsv"):
        labels, documents = readers.split_labels(readers.table(raw))
    else:
        labels, documents = [], readers.paragraphs(readers.decode(raw))
    return Corpus(name, title, documents, True, _CITATION, labels)
