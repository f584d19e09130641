"""Dónde se busca un conjunto de datos, en qué orden, y cómo se comprueba."""

import csv
import gzip
import hashlib
import os
import shutil
import tarfile
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from coursekit.data import notice, readers
from coursekit.data.catalogue import DATASETS, Dataset
from coursekit.data.corpus import Corpus, load_sample
from coursekit.data.parts import DownloadError, announce, gather
from coursekit.errors import CourseError
from coursekit.files import write_whole

FOLDER = "carpeta COURSEKIT_DATA"
CACHE = "caché de este equipo"
ABSENT = "no está: muestra"

_TIMEOUT = (3, 10)  # segundos para conectar y entre dos bloques de datos
_ATTEMPTS = 2
_SILENT = "no responde"
_CUT = "cortó la descarga"


class _Unavailable(CourseError):
    """El conjunto no está en este equipo ni se pudo descargar: la muestra puede sustituirlo.

    Args:
        dataset: el conjunto.
        damage: qué le pasa a la copia que hay en la caché, si hay una.
        error: por qué no se pudo descargar, y qué hacer.
    """

    def __init__(self, dataset: Dataset, damage: str, error: DownloadError) -> None:
        found = damage or "no está en COURSEKIT_DATA ni en la caché"
        path = dataset.archive or dataset.path
        super().__init__(
            f"«{dataset.name}» {found} y {error} o deja una copia en COURSEKIT_DATA/{path}."
        )
        self.reason = f"{damage} y {error.reason}" if damage else error.reason
        self.advice = error.advice


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


def places() -> list[tuple[str, Path]]:
    """Las carpetas de este equipo en las que se busca, con su nombre, en orden."""
    folder = data_folder()
    return [(FOLDER, folder)] * bool(folder) + [(CACHE, cache_folder())]


def _pooch():
    """pooch, sin el aviso que da tqdm al importarse donde no están los controles de Jupyter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def load(name: str) -> Corpus:
    """Corpus de una lección: carpeta de datos, caché, red o, si nada de eso lo da, su muestra.

    Una línea dice de dónde salió el texto.

    Args:
        name: `"quijote"`, `"novelas"` u otro de `DATASETS`.

    Raises:
        CourseError: si el nombre no está en el registro, si `COURSEKIT_DATA` no es una carpeta,
            si el fichero que hay en ella está dañado o si el conjunto no se consigue y no hay
            una muestra que lo sustituya.
    """
    dataset = _dataset(name)
    try:
        place, _, text = _obtain(dataset)
    except _Unavailable as error:
        if not dataset.sample:
            raise
        sample, rows = load_sample(dataset.sample), slice(*dataset.sample_rows)
        notice.show(
            name,
            f"Datos: «{sample.title}» en lugar de «{dataset.title}», porque «{name}» "
            f"{error.reason}. Las cifras no serán las publicadas: {error.advice} y repite.",
        )
        return replace(sample, documents=sample.documents[rows], labels=sample.labels[rows])
    print(f"Datos: «{dataset.title}», completo ({place}).")
    if dataset.labelled:
        labels, documents = readers.split_labels(text)
    else:
        labels, documents = [], text.split("\n")
    return Corpus(name, dataset.title, documents, False, dataset.citation, labels)


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
    for place, root in places():
        for path in (dataset.path, dataset.path + ".gz", dataset.archive):
            if path and os.path.exists(root / path):
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
    return _clean(dataset, raw)


def _clean(dataset: Dataset, raw: bytes) -> str:
    """Texto limpio del contenido de un fichero, comprobado como en `_read`."""
    try:
        text = dataset.reader(raw)
    except CourseError:
        raise
    except (LookupError, ValueError, csv.Error, tarfile.TarError):
        raise CourseError("no tiene el formato de este conjunto") from None
    digest = hashlib.sha256(raw if dataset.hash_of_file else text.encode()).hexdigest()
    if digest != dataset.sha256:
        raise CourseError(
            "no contiene el texto que usa el curso "
            f"(SHA-256 {digest[:8]}… en vez de {dataset.sha256[:8]}…)"
        )
    return text


def _obtain(dataset: Dataset) -> tuple[str, Path, str]:
    """Lugar, ruta y texto limpio de un conjunto, comprobado."""
    damage = ""
    found = _locate(dataset)
    if found:
        place, path = found
        try:
            return place, path, _read(dataset, path)
        except CourseError as error:
            # En la carpeta manda quien la preparó; lo de la caché se puede volver a descargar.
            if place == FOLDER:
                raise _damaged(path, error) from None
            damage = f"tiene en la caché una copia que {error}"
    path = cache_folder() / (dataset.archive or dataset.path)
    try:
        if dataset.parts:
            return CACHE, path, _assemble(dataset, path)
        if not dataset.urls:
            raise DownloadError("no tiene descarga directa", f"búscalo en {dataset.source}")
        download(dataset.urls, path, lambda temporary: _read(dataset, temporary))
    except DownloadError as error:
        raise _Unavailable(dataset, damage, error) from None
    return CACHE, path, _read(dataset, path)


def _assemble(dataset: Dataset, path: Path) -> str:
    """Deja en la caché un fichero rehecho a partir de los archivos de su fuente, y da su texto."""
    folder = path.with_name(path.name + ".partes")
    print(announce(dataset.title, dataset.parts))
    try:
        files = gather(dataset.parts, folder, _TIMEOUT)
        raw, text = _rebuild(dataset, files)
        write_whole(path, raw)
        shutil.rmtree(folder)
    except OSError:
        raise _full(path.parent) from None
    return text


def _rebuild(dataset: Dataset, files: Sequence[Path]) -> tuple[bytes, str]:
    named = ((part.name, file.read_bytes()) for part, file in zip(dataset.parts, files))
    try:
        raw = dataset.build(named)
        return raw, _clean(dataset, raw)
    except (LookupError, ValueError, CourseError):
        reason = f"los archivos de {dataset.source} no dan el texto que usa el curso"
        raise DownloadError(reason, "actualiza coursekit") from None


def _full(folder: Path) -> DownloadError:
    return DownloadError(
        f"no se puede guardar en la caché {folder}",
        "comprueba que hay espacio y permiso de escritura",
    )


def download(urls: Sequence[str], path: Path, check: Callable[[Path], object]) -> None:
    """Deja en `path` el fichero de la primera dirección que lo dé completo y correcto.

    Args:
        urls: direcciones, en el orden en que se prueban.
        path: dónde queda; lo que hubiera ahí se pierde.
        check: recibe lo descargado antes de que llegue a su sitio y, si no es lo que debe, lanza
            un CourseError que solo dice el motivo.

    Raises:
        DownloadError: si ninguna lo da o si no se puede guardar; la frase queda sin acabar, para
            que quien llama diga qué más se puede hacer.
    """
    failures: dict[str, str] = {}
    for url in urls:
        host = urlsplit(url).netloc
        if failures.get(host) == _SILENT:
            continue  # otra dirección del mismo servidor solo alargaría la espera
        for _ in range(_ATTEMPTS):
            failure = _attempt(url, path, check)
            if not failure:
                return
            failures[host] = failure
            if failure != _CUT:
                break
    tried = ", ".join(f"{host} {failure}" for host, failure in failures.items())
    raise DownloadError(f"no se pudo descargar ({tried})", "revisa tu conexión")


def _attempt(url: str, path: Path, check: Callable[[Path], object]) -> str | None:
    """Un intento de descarga: por qué falló, o nada si el fichero ya está en `path`."""
    import requests

    pooch = _pooch()

    def receive(url: str, temporary: str, _: object) -> None:
        pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT)(url, temporary, None)
        # Se comprueba antes de que pooch lo mueva a su sitio: un fichero malo no llega a él.
        check(Path(temporary))

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
        raise _full(path.parent) from None
    return None
