"""Registro de los conjuntos de datos: de dónde viene cada uno y en qué orden se busca."""

import gzip
import hashlib
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from coursekit.data import readers
from coursekit.data.corpus import Corpus, load_sample
from coursekit.errors import CourseError

FOLDER = "carpeta COURSEKIT_DATA"
CACHE = "caché de este equipo"
ABSENT = "no está: muestra"

_TIMEOUT = (3, 10)  # segundos para conectar y entre dos bloques de datos
_ATTEMPTS = 2
_SILENT = "no responde"
_CUT = "cortó la descarga"


@dataclass(frozen=True)
class Dataset:
    """Todo lo que hay que saber de un conjunto de datos.

    Args:
        name: nombre con el que se pide.
        title: título para mostrar.
        path: ruta dentro de `COURSEKIT_DATA` y de la caché; también vale comprimido, con `.gz`.
        urls: direcciones de descarga, en el orden en que se prueban.
        sha256: huella del texto limpio que da `reader`, no del fichero: así no cambia si la
            fuente lo recomprime, cambia los saltos de línea o retoca la licencia.
        size: bytes del fichero sin comprimir.
        licence: condiciones de uso.
        citation: cómo citarlo.
        source: página de la que procede.
        reader: de los bytes del fichero al texto limpio, con un documento por línea.
        sample: la muestra que lo sustituye cuando no se consigue.
    """

    name: str
    title: str
    path: str
    urls: tuple[str, ...]
    sha256: str
    size: int
    licence: str
    citation: str
    source: str
    reader: Callable[[bytes], str]
    sample: str


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="quijote",
            title="Don Quijote de la Mancha",
            path="quijote/2000-0.txt",
            urls=(
                "https://www.gutenberg.org/files/2000/2000-0.txt",
                "https://gutenberg.pglaf.org/2/0/0/2000/2000-0.txt",
                "https://www.gutenberg.org/cache/epub/2000/pg2000.txt",
            ),
            sha256="68f98669ba6797dbeccfdb76ff32846d2933a6f39ba6ed88b5f31db799625de5",
            size=2_226_045,
            licence="dominio público",
            citation="Miguel de Cervantes Saavedra, El ingenioso hidalgo don Quijote de la "
            "Mancha (1605 y 1615). Project Gutenberg, n.º 2000.",
            source="https://www.gutenberg.org/ebooks/2000",
            reader=readers.gutenberg,
            sample="relato",
        ),
        Dataset(
            name="novelas",
            title="97 novelas españolas (1840-1920)",
            path="texto_es/novelas_eltec_es.txt",
            urls=(),
            sha256="a804e3c86ed9222164c473327d4d1225946f3442ea8ac5f0326dbb6e6e90174c",
            size=50_631_618,
            licence="dominio público; marcado CC BY 4.0",
            citation="Borja Navarro Colorado (ed.), ELTeC-spa: Spanish Novel Corpus, "
            "COST Action «Distant Reading for European Literary History».",
            source="https://github.com/COST-ELTeC/ELTeC-spa",
            reader=readers.lines,
            sample="relato",
        ),
    )
}


class _Unavailable(CourseError):
    """El conjunto no está en este equipo ni se pudo descargar: la muestra puede sustituirlo."""


def data_folder() -> Path | None:
    """Carpeta que nombra la variable `COURSEKIT_DATA`, o nada si no está puesta.

    Raises:
        CourseError: si la variable nombra algo que no es una carpeta.
    """
    value = os.environ.get("COURSEKIT_DATA")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        problem = "no es una carpeta" if folder.exists() else "no existe"
        raise CourseError(
            f"COURSEKIT_DATA vale «{value}», que {problem}: pon en ella la ruta de tu carpeta "
            "de datos o quita la variable."
        )
    return folder


def cache_folder() -> Path:
    """Carpeta en la que esta plataforma guarda lo descargado."""
    return Path(_pooch().os_cache("coursekit"))


def _pooch():
    """pooch, sin el aviso que da tqdm al importarse donde no están los controles de Jupyter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def load(name: str) -> Corpus:
    """Corpus de una lección: carpeta de datos, caché, red o, si nada de eso lo da, su muestra.

    Imprime una línea que dice de dónde salió el texto.

    Args:
        name: `"quijote"`, `"novelas"` u otro de `DATASETS`.

    Raises:
        CourseError: si el nombre no está en el registro, si `COURSEKIT_DATA` no es una carpeta
            o si el fichero que hay en ella está dañado.
    """
    dataset = _dataset(name)
    try:
        place, _, text = _obtain(dataset)
    except _Unavailable as error:
        sample = load_sample(dataset.sample)
        print(f"Datos: «{sample.title}» en lugar de «{dataset.title}», porque {error}")
        return sample
    print(f"Datos: «{dataset.title}», completo ({place}).")
    return Corpus(name, dataset.title, text.split("\n"), False, dataset.citation)


def fetch(name: str) -> Path:
    """Ruta del fichero, comprobado; lo descarga si no está en este equipo.

    Raises:
        CourseError: si no se consigue o si el que hay en `COURSEKIT_DATA` está dañado.
    """
    return _obtain(_dataset(name))[1]


def verify(name: str) -> Path:
    """Ruta del fichero que ya está en este equipo, si su contenido es el que debe.

    Raises:
        CourseError: si no está o si está dañado.
    """
    dataset = _dataset(name)
    found = _locate(dataset)
    if not found:
        raise CourseError(
            f"«{name}» no está en este equipo: consíguelo con «coursekit datos descargar {name}»."
        )
    _, path = found
    try:
        _read(dataset, path)
    except CourseError as error:
        raise _damaged(path, error) from None
    return path


def where(name: str) -> str:
    """Dónde está ahora un conjunto: `FOLDER`, `CACHE` o `ABSENT`."""
    found = _locate(_dataset(name))
    return found[0] if found else ABSENT


def _dataset(name: str) -> Dataset:
    if name not in DATASETS:
        raise CourseError(
            f"No conozco el conjunto de datos «{name}»; los que hay son {', '.join(DATASETS)}."
        )
    return DATASETS[name]


def _damaged(path: Path, reason: CourseError) -> CourseError:
    return CourseError(f"El fichero {path} {reason}: bórralo o cámbialo por una copia buena.")


def _locate(dataset: Dataset) -> tuple[str, Path] | None:
    for place, root in ((FOLDER, data_folder()), (CACHE, cache_folder())):
        for path in (dataset.path, dataset.path + ".gz"):
            if root and os.path.exists(root / path):
                return place, root / path
    return None


def _read(dataset: Dataset, path: Path) -> str:
    """Texto limpio de un fichero; si no es el que debe, un CourseError que solo dice el motivo."""
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise CourseError("está cortado o dañado (no se puede descomprimir)") from None
    except OSError:
        raise CourseError("no se puede leer (¿tienes permiso?)") from None
    text = dataset.reader(raw)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != dataset.sha256:
        raise CourseError(
            "no contiene el texto que usa el curso "
            f"(SHA-256 {digest[:8]}… en vez de {dataset.sha256[:8]}…)"
        )
    return text


def _obtain(dataset: Dataset) -> tuple[str, Path, str]:
    """Lugar, ruta y texto limpio de un conjunto, comprobado."""
    problem = "no está en COURSEKIT_DATA ni en la caché"
    found = _locate(dataset)
    if found:
        place, path = found
        try:
            return place, path, _read(dataset, path)
        except CourseError as error:
            # En la carpeta manda quien la preparó; lo de la caché se puede volver a descargar.
            if place == FOLDER:
                raise _damaged(path, error) from None
            problem = f"tiene en la caché una copia que {error}"
    path = _download(dataset, problem)
    return CACHE, path, _read(dataset, path)


def _download(dataset: Dataset, problem: str) -> Path:
    """Descarga a la caché desde la primera dirección que dé el fichero correcto."""
    path = cache_folder() / dataset.path
    failures: dict[str, str] = {}
    for url in dataset.urls:
        host = urlsplit(url).netloc
        if failures.get(host) == _SILENT:
            continue  # otra dirección del mismo servidor solo alargaría la espera
        for _ in range(_ATTEMPTS):
            failure = _attempt(dataset, url, path)
            if not failure:
                return path
            failures[host] = failure
            if failure != _CUT:
                break
    if failures:
        tried = ", ".join(f"{host} {failure}" for host, failure in failures.items())
        raise _Unavailable(
            f"«{dataset.name}» {problem} y no se pudo descargar ({tried}): revisa tu conexión o "
            f"deja una copia en COURSEKIT_DATA/{dataset.path}."
        )
    raise _Unavailable(
        f"«{dataset.name}» {problem} y no tiene descarga directa (el curso lo preparó a partir de "
        f"{dataset.source}): si te pasan el fichero, déjalo en COURSEKIT_DATA/{dataset.path}; "
        "si no, sigue con la muestra."
    )


def _attempt(dataset: Dataset, url: str, path: Path) -> str | None:
    """Un intento de descarga: por qué falló, o nada si el fichero ya está en `path`."""
    import requests

    pooch = _pooch()

    def receive(url: str, temporary: str, _: object) -> None:
        pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT)(url, temporary, None)
        # Se comprueba antes de que pooch lo mueva a su sitio: un fichero malo no llega a él.
        _read(dataset, Path(temporary))

    pooch.get_logger().setLevel("WARNING")  # sus avisos son en inglés
    try:
        path.unlink(missing_ok=True)
        pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, downloader=receive)
    except requests.HTTPError as error:
        return f"respondió con el código {error.response.status_code}"
    except requests.exceptions.ChunkedEncodingError:
        return _CUT
    except requests.RequestException:
        return _SILENT
    except CourseError as error:
        return f"entregó un fichero que {error}: si lo ha revisado, actualiza coursekit"
    except OSError:
        raise _Unavailable(
            f"«{dataset.name}» no se puede guardar en la caché {path.parent}: comprueba que hay "
            "espacio y permiso de escritura, o usa una carpeta propia con COURSEKIT_DATA."
        ) from None
    return None
