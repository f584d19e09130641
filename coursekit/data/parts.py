"""Descarga de un conjunto que su fuente reparte en varios archivos, fijados uno a uno por su huella."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coursekit.errors import CourseError

_AT_ONCE = 4
_WAITS = (0.5, 2.0, 5.0)  # segundos, antes de cada nuevo intento
_SILENT = "no responde"
_CUT = "cortó la descarga"
_STALLED = "dejó de enviar datos"
_PASSING = {429, 500, 502, 503, 504}  # respuestas que otro intento puede mejorar


class DownloadError(CourseError):
    """Una descarga que no se pudo hacer: por qué, y qué puede hacer quien lee."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}: {advice}")
        self.reason, self.advice = reason, advice


@dataclass(frozen=True)
class Part:
    """Un archivo de la fuente, que ya no cambia.

    Args:
        url: dónde está.
        size: cuántos bytes tiene.
        digest: su huella SHA-256, o MD5 si es la que publica la fuente; en hexadecimal.
    """

    url: str
    size: int
    digest: str

    @property
    def name(self) -> str:
        """Nombre del archivo en su fuente."""
        return Path(unquote(urlsplit(self.url).path)).name

    def hasher(self):
        """Un cálculo nuevo de la huella que corresponde."""
        return hashlib.new("md5" if len(self.digest) == 32 else "sha256")


class _Failure(Exception):
    """Por qué no llegó un archivo, qué hacer y si otro intento puede traerlo."""

    def __init__(self, reason: str, advice: str = "revisa tu conexión", passing=True) -> None:
        super().__init__(reason)
        self.reason, self.advice, self.passing = reason, advice, passing


def announce(title: str, parts: Sequence[Part]) -> str:
    """Lo que va a llegar, para decirlo antes de empezar."""
    files = "un archivo" if len(parts) == 1 else f"{len(parts)} archivos"
    return f"Descargando «{title}»: {amount(sum(part.size for part in parts))} en {files}…"


def amount(size: int) -> str:
    """Un número de bytes, para leerlo."""
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{max(1, size // 1000)} kB"


def gather(parts: Sequence[Part], folder: Path, timeout: tuple[float, float]) -> list[Path]:
    """Deja en una carpeta todos los archivos, enteros y comprobados, unos pocos a la vez.

    Los que ya están y son los que deben no se piden otra vez: una descarga interrumpida se
    retoma donde quedó. De un archivo a medias no queda nada.

    Args:
        parts: los archivos.
        folder: dónde quedan; cada uno se llama como su huella.
        timeout: segundos para conectar y entre dos bloques de datos.

    Returns:
        Sus rutas, en el mismo orden.

    Raises:
        DownloadError: si alguno no llega.
        OSError: si no se pueden guardar.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / part.digest for part in parts]
    missing = [(part, path) for part, path in zip(parts, paths) if not _is_right(part, path)]
    total, left = sum(part.size for part in parts), sum(part.size for part, _ in missing)
    stop, lock = threading.Event(), threading.Lock()
    look = {"unit": "B", "unit_scale": True, "leave": False, "delay": 0.5}  # sin red, ni aparece
    with (
        tqdm(total=total, initial=total - left, **look) as bar,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):

        def count(received: int) -> None:
            with lock:
                bar.update(received)

        def bring(part: Part, path: Path) -> None:
            for attempt, wait in enumerate((0, *_WAITS)):
                if stop.wait(wait):
                    return
                try:
                    return _fetch(part, path, timeout, count, stop)
                except _Failure as failure:
                    # Sin red, nada llegó todavía: insistir más solo alargaría la espera.
                    hopeless = attempt and failure.reason == _SILENT and not bar.n
                    if attempt == len(_WAITS) or hopeless or not failure.passing:
                        stop.set()
                        raise

        jobs = {pool.submit(bring, part, path): part for part, path in missing}
        try:
            for job in as_completed(jobs):
                job.result()
        except _Failure as failure:
            host, present = urlsplit(jobs[job].url).netloc, sum(map(Path.is_file, paths))
            raise _explain(host, failure, present, len(parts)) from None
        finally:
            stop.set()  # lo que quede por pedir ya no se pide, tampoco si alguien pulsó Ctrl+C
    return paths


def _explain(host: str, failure: _Failure, present: int, total: int) -> DownloadError:
    kept = ""
    if present:
        kept = f"; {present} de {total} archivos ya están y no se volverán a pedir"
    reason = f"no se pudo descargar ({host} {failure.reason}{kept})"
    return DownloadError(reason, failure.advice)


def _is_right(part: Part, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != part.size:
        return False
    hasher = part.hasher()
    hasher.update(path.read_bytes())
    return hasher.hexdigest() == part.digest


def _fetch(
    part: Part,
    path: Path,
    timeout: tuple[float, float],
    count: Callable[[int], None],
    stop: threading.Event,
) -> None:
    """Un intento con un archivo: llega entero y bueno a su sitio, o no llega nada."""
    import requests

    received, hasher, answered = 0, part.hasher(), False
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with (
            os.fdopen(handle, "wb") as file,
            requests.get(part.url, stream=True, timeout=timeout) as response,
        ):
            answered = True
            response.raise_for_status()
            for block in response.iter_content(1 << 16):
                if stop.is_set():
                    return
                file.write(block)
                hasher.update(block)
                received += len(block)
                count(len(block))
        if hasher.hexdigest() != part.digest:
            reason = f"entregó otra cosa en lugar de «{part.name}»"
            raise _Failure(reason, "revisa tu conexión, actualiza coursekit")
        os.replace(draft, path)
    except requests.HTTPError as error:
        status = error.response.status_code
        reason = f"respondió con el código {status} al pedir «{part.name}»"
        if status in _PASSING:
            raise _Failure(reason) from None
        raise _Failure(reason, "actualiza coursekit", passing=False) from None
    except requests.exceptions.ChunkedEncodingError:
        raise _Failure(_CUT) from None
    except requests.RequestException:
        raise _Failure(_STALLED if answered else _SILENT) from None
    finally:
        if os.path.exists(draft):  # no llegó a su sitio
            os.unlink(draft)
            if received:
                count(-received)
