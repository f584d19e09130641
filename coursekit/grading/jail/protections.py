"""La escalera de protecciones: con qué se encierra en este equipo el código ajeno.

bubblewrap → unshare → proceso. Las dos primeras enseñan la misma lista de carpetas, de solo lectura, y
nada más, sin red; la última solo pone límites, y lo dice. En todas, la nota está a salvo: el juez es
otro proceso. Lo que cambia es qué arriesga el equipo.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import coursekit
from coursekit.grading.jail.calls import compile_filter
from coursekit.grading.jail.inside.kernel import DEVICES, MEGABYTES

_PACKAGE = Path(coursekit.__file__).resolve().parent
# Lo que del curso se ve dentro: lo que un cuaderno puede importar y lo que lo ejecuta. Ni soluciones,
# ni casos, ni juez. `exercises/__init__.py` es dentro el de `inside/exercises.py`.
VISIBLE = (
    "__init__.py", "bootstrap.py", "errors.py", "files.py", "lecture.py", "text", "data", "training", "plots",
    "embeddings", "ngrams", "recurrent", "classification",
    "exercises/running.py", "exercises/values.py",
    "grading/__init__.py", "grading/jail/__init__.py", "grading/jail/inside",
)  # fmt: skip
_COURSE = "/curso"
_MAIN = "coursekit/grading/jail/inside/__main__.py"
_SYSTEM = (
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32",
    "/usr/lib64", "/usr/local/bin", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/alternatives", "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "MPLBACKEND": "Agg",
    "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    # Con páginas grandes, bifurcar un proceso que ha cargado torch cuesta la tercera parte.
    "PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Lo que el proceso precargado necesita saber.

    Attributes:
        imports: bibliotecas que se importan una vez.
        megabytes: memoria de cada entrega por encima de la del proceso precargado.
        most: procesos e hilos que puede tener una entrega.
        allowed: el tope que el núcleo les pone, donde cuenta también los de otros.
        uid: usuario al que se cambia si quien califica es root.
        course: carpeta con lo que del curso se ve dentro, tal como está fuera.
        folder: carpeta de trabajo, vista desde dentro.
        path: dónde se buscan los módulos.
        mounts: cada ruta visible y de dónde sale; sin origen, una carpeta vacía.
        change_root, confine: si es el propio proceso quien limita lo que ve, y cómo: cambia de raíz,
            o se confina con Landlock.
        nested: si cada entrega ha de intentar tener espacios de nombres propios.
        filter: el programa de seccomp, en base64.
    """

    imports: tuple[str, ...]
    megabytes: int = 1024
    most: int = 32
    allowed: int = 32
    uid: int | None = None
    course: str = ""
    folder: str = "/tmp"
    path: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str | None], ...] = ()
    change_root: bool = False
    confine: bool = False
    nested: bool = True
    filter: str = ""


@dataclass(frozen=True)
class Protection:
    """Un peldaño de la escalera.

    Attributes:
        name: nombre con el que se elige.
        promise: lo que garantiza, o lo que no.
        tool: orden del sistema que usa, o ninguna.
        command: la orden que arranca el proceso precargado.
        exposes_host: si una entrega hostil puede hacer daño a este equipo.
    """

    name: str
    promise: str
    tool: str | None
    command: Callable[[Settings], list[str]]
    exposes_host: bool = False

    @property
    def missing(self) -> str | None:
        """Por qué no se puede ni probar, o `None`."""
        if self.tool and not shutil.which(self.tool):
            return f"no está instalado (no hay ninguna orden {self.tool})"
        return None


def settings_for(
    protection: Protection, settings: Settings, course: Path, folder: Path, uid: int | None
) -> Settings:
    """Completa los ajustes con lo que depende del equipo.

    Args:
        course: la carpeta que dejó `stage`.
        folder: una carpeta vacía de este equipo, para la protección que no tiene otra.
        uid: usuario con que se ejecuta, si quien califica es root.
    """
    jailed = not protection.exposes_host
    mounts = [*_visible(), *([(_COURSE, str(course))] if jailed else [])]
    here = _COURSE if jailed else str(course)
    settings = replace(
        settings, uid=uid, course=str(course), path=(here, *_search_path()),
        folder=_scratch(mounts) if jailed else str(folder), mounts=tuple(sorted(mounts)),
        nested=jailed, change_root=protection.name == "unshare", confine=not jailed,
        filter=base64.b64encode(compile_filter((os.getpid(), os.getppid()), jailed)).decode(),
    )  # fmt: skip
    if uid is None and (not jailed or _kernel() < (5, 14)):
        # Ahí el tope de procesos cuenta también los que el docente tiene abiertos.
        settings = replace(settings, allowed=settings.most + _own_processes())
    return settings


def stage(place: Path) -> Path:
    """Copia en una carpeta lo que del curso se ve dentro de la cárcel.

    Returns:
        La carpeta, con `coursekit/` dentro.
    """
    course = place / "curso"
    for name in VISIBLE:
        source, target = _PACKAGE / name, course / "coursekit" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    inside = course / "coursekit/grading/jail/inside"
    shutil.move(inside / "exercises.py", course / "coursekit/exercises/__init__.py")
    subprocess.run(["chmod", "-R", "a+rX", course], check=True)
    return course


def free_uid() -> int | None:
    """Un usuario que no es de nadie ni tiene procesos; nunca se califica como root."""
    import pwd

    if os.geteuid() != 0:
        return None
    taken = {entry.pw_uid for entry in pwd.getpwall()} | set(_owners())
    # Según el proceso, y no al azar: dos jueces a la vez no deben dar con el mismo.
    uids = [61_000 + (os.getpid() + number) % 4_000 for number in range(4_000)]
    return next(uid for uid in uids if uid not in taken)


def _owners() -> list[int]:
    """De quién es cada proceso en marcha."""
    owners = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            owners.append(os.stat(f"/proc/{entry}").st_uid)
        except OSError:
            continue
    return owners


def _own_processes() -> int:
    return 4 * _owners().count(os.getuid()) + 64


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])


def environment(settings: Settings) -> dict[str, str]:
    """Las variables de entorno de dentro; ninguna de las del docente."""
    return _ENVIRONMENT | dict.fromkeys(("HOME", "MPLCONFIGDIR", "TMPDIR"), settings.folder)


# --- Qué se ve dentro ------------------------------------------------------------------------


def _site() -> list[str]:
    """Las carpetas de paquetes instalados de este Python."""
    folders = [*site.getsitepackages(), *([site.getusersitepackages()] * bool(site.ENABLE_USER_SITE))]
    folders += [path for path in sys.path if path.endswith(("/site-packages", "/dist-packages"))]
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def _python() -> list[str]:
    """El intérprete y su biblioteca; de un entorno virtual, la de aquel con que se hizo."""
    library = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    shared = [sysconfig.get_config_var("LIBDIR"), f"{sys.base_prefix}/lib"]
    return [os.path.realpath(sys.executable), *library, *filter(None, shared)]


def _visible() -> list[tuple[str, str | None]]:
    """La lista de lo que se ve, sin lo que ya está dentro de otro; el curso, si cae en ella, tapado."""
    seen: list[str] = []
    for path in sorted({*_SYSTEM, *_python(), *_site()}):
        if os.path.exists(path) and path != "/" and not _inside(path, seen):
            seen.append(path)
    course = _PACKAGE if str(_PACKAGE.parent) in _site() else _PACKAGE.parent
    if not _inside(str(course), seen):
        return [(path, path) for path in seen]
    below = [path for path in {*_python(), *_site()} if _inside(path, [str(course)])]
    return [*((path, path) for path in [*seen, *below]), (str(course), None)]


def _inside(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _search_path() -> list[str]:
    library = os.path.dirname(os.__file__)
    return [*(path for path in sys.path if _inside(path, [library]) and path not in _site()), *_site()]


def _scratch(mounts: list[tuple[str, str | None]]) -> str:
    """La carpeta de trabajo de dentro. Nace vacía: no puede contener nada que haya que ver."""
    folders = ("/tmp", "/var/tmp", "/mnt")
    return next(f for f in folders if not any(_inside(path, [f]) for path, _ in mounts))


# --- Cómo se arranca -------------------------------------------------------------------------


def _inner(settings: Settings, course: str | None = None) -> list[str]:
    # Sin `site` no hay archivos .pth: nada de lo instalado «en desarrollo» se cuela en la búsqueda.
    program = f"{course or settings.course}/{_MAIN}"
    return [os.path.realpath(sys.executable), "-S", program, json.dumps(vars(settings))]


def _bubblewrap(settings: Settings) -> list[str]:
    # El proceso precargado es el 1: otro, de bubblewrap, sería del mismo usuario y estaría sin filtrar.
    command = ["bwrap", "--as-pid-1", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    if settings.uid is None:
        command.append("--unshare-user")
    else:  # root los necesita para dejar de serlo, ya dentro
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    # Sin esto bubblewrap crea las carpetas intermedias cerradas a cualquiera que no sea root.
    parents = {str(parent) for path, _ in settings.mounts for parent in Path(path).parents} - {"/"}
    for path in sorted(parents):
        command += ["--perms", "0755", "--dir", path]
    closed = ["/dev", "/"]
    for path, source in settings.mounts:
        command += ["--ro-bind", source, path] if source else ["--perms", "0755", "--tmpfs", path]
        closed[:0] = [] if source else [path]
    command += ["--proc", "/proc", "--perms", "0755", "--tmpfs", "/dev"]
    for path in DEVICES:
        command += ["--dev-bind", path, path]
    size = ["--size", str(MEGABYTES << 20)] if _knows_size() else []
    for path in ("/dev/shm", settings.folder):
        command += ["--perms", "1777", *size, "--tmpfs", path]
    for path in closed:
        command += ["--remount-ro", path]
    return [*command, "--chdir", settings.folder, "--", *_inner(settings, _COURSE)]


@cache
def _knows_size() -> bool:
    """Si este bubblewrap pone tope a una carpeta en memoria (desde el 0.7)."""
    return "--size" in subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout


def _unshare(settings: Settings) -> list[str]:
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts"]
    if settings.uid is None:
        # Con su propio número: de un usuario «root» ficticio no se puede anidar otro.
        command += ["--map-current-user", "--keep-caps"]
    return [*command, *_inner(settings)]


LADDER = (
    Protection(
        "bubblewrap", "sin red, sin tus archivos y sin privilegios; lo instala tu distribución",
        "bwrap", _bubblewrap,
    ),
    Protection("unshare", "sin red, sin tus archivos y sin privilegios; lo trae Linux", "unshare", _unshare),
    Protection(
        "proceso",
        "solo límites de tiempo, memoria, procesos y disco. Este equipo NO queda protegido: según el "
        "núcleo que tenga, una entrega hostil puede leer y cambiar tus archivos, usar la red y mandar "
        "señales a tus procesos",
        None, _inner, exposes_host=True,
    ),
)  # fmt: skip
