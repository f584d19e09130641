"""La escalera de protecciones: con qué se encierra en este equipo el código ajeno.

bubblewrap → unshare → docker → podman → proceso. Las cuatro primeras dejan ver solo el intérprete y
sus bibliotecas, sin red; la última solo pone límites, y lo dice. En todas, la nota está a salvo: el
juez es otro proceso. Lo que cambia es qué arriesga el equipo.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import coursekit
from coursekit.errors import CourseError

_PACKAGE = Path(coursekit.__file__).resolve().parent
_INSIDE = _PACKAGE / "grading" / "jail" / "inside.py"
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives",
    "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip
_IMAGE = "coursekit-vacia"
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
        processes: procesos e hilos que puede tener una entrega.
        uid: usuario al que se cambia si quien califica es root.
        layout: qué se ve dentro, si es el propio proceso quien lo limita: o cambia de raíz, o se
            confina con Landlock.
        change_root, confine: cuál de las dos cosas.
        nested: si cada entrega ha de intentar tener espacios de nombres propios.
        folder: carpeta de trabajo.
    """

    imports: tuple[str, ...]
    megabytes: int = 1024
    processes: int = 64
    uid: int | None = None
    layout: dict | None = None
    change_root: bool = False
    confine: bool = False
    nested: bool = True
    folder: str = "/tmp"


@dataclass(frozen=True)
class Protection:
    """Un peldaño de la escalera, con lo que garantiza."""

    name: str
    promise: str

    def command(self, settings: Settings) -> list[str]:
        """La orden que arranca el proceso precargado con esta protección."""
        return _COMMANDS[self.name](settings)

    @property
    def exposes_host(self) -> bool:
        """Si una entrega hostil puede hacer daño a este equipo."""
        return self.name == "proceso"


LADDER = (
    Protection(
        "bubblewrap", "sin red, sin tus archivos y sin privilegios; lo instala tu distribución"
    ),
    Protection("unshare", "sin red, sin tus archivos y sin privilegios; lo trae Linux"),
    Protection("docker", "sin red y sin tus archivos, en un contenedor"),
    Protection("podman", "sin red y sin tus archivos, en un contenedor"),
    Protection(
        "proceso", "solo límites de tiempo, memoria y procesos: este equipo NO queda protegido"
    ),
)


def choose(name: str | None = None) -> Protection:
    """La mejor protección que funciona en este equipo, o la que se pide.

    Raises:
        CourseError: si la pedida no existe o no funciona aquí, o si no funciona ninguna.
    """
    if name:
        known = {protection.name: protection for protection in LADDER}
        if name not in known:
            raise CourseError(
                f"No hay ninguna protección «{name}». Las que hay: {', '.join(known)}."
            )
        if problem := try_out(known[name]):
            raise CourseError(f"La protección «{name}» no funciona aquí: {problem}.")
        return known[name]
    problems = []
    for protection in LADDER:
        problem = try_out(protection)
        if problem is None:
            return protection
        problems.append(f"{protection.name}: {problem}")
    raise CourseError(
        "No hay forma de ejecutar entregas en este equipo. " + "; ".join(problems) + "."
    )


def try_out(protection: Protection) -> str | None:
    """Arranca la protección con nada dentro; el motivo si no funciona, o `None`."""
    from coursekit.grading.jail.warden import Jail, JailError

    if sys.platform == "win32":
        return (
            "Windows no sabe bifurcar procesos; usa WSL2 (https://learn.microsoft.com/windows/wsl)"
        )
    if missing := _missing_tool(protection.name):
        return missing
    try:
        with Jail(protection, Settings(imports=())):
            return None
    except JailError as error:
        return str(error)


def _missing_tool(name: str) -> str | None:
    tool = {"bubblewrap": "bwrap", "proceso": None}.get(name, name)
    if name != "proceso" and sys.platform != "linux":
        return "solo existe en Linux"
    if tool and not shutil.which(tool):
        return f"no está instalado (no hay ninguna orden {tool})"
    return None


def diagnose() -> str:
    """Qué protección tiene este equipo, en español, peldaño a peldaño."""
    lines = ["Protecciones, de mejor a peor:"]
    chosen = None
    for protection in LADDER:
        problem = try_out(protection)
        mark = "✘" if problem else "✔"
        chosen = chosen or (None if problem else protection)
        lines.append(f"  {mark} {protection.name}: {problem or protection.promise}.")
    try:
        import pyseccomp  # noqa: F401

        lines.append("  ✔ filtro de llamadas al sistema (seccomp).")
    except (ImportError, RuntimeError, OSError):
        lines.append("  ✘ filtro de llamadas al sistema: falta pyseccomp o libseccomp.")
    if os.name == "posix" and os.geteuid() == 0:
        lines.append(f"Eres root: las entregas se ejecutan con otro usuario (uid {free_uid()}).")
    if chosen is None:
        lines.append("Este equipo no puede calificar.")
    else:
        lines.append(f"Se usará «{chosen.name}»: {chosen.promise}.")
        if chosen.exposes_host:
            lines.append("Para proteger el equipo instala bubblewrap: sudo apt install bubblewrap.")
    return "\n".join(lines)


def settings_for(protection: Protection, settings: Settings) -> Settings:
    """Completa los ajustes con lo que depende del equipo."""
    settings = replace(settings, folder=_scratch())
    if os.geteuid() == 0:
        settings = replace(settings, uid=free_uid())
    else:
        # El tope de procesos cuenta también los que el docente tiene abiertos.
        settings = replace(settings, processes=settings.processes + _own_processes())
    if protection.name in ("unshare", "proceso"):
        readonly, hidden = _layout()
        settings = replace(settings, layout={"readonly": readonly, "hidden": hidden})
    if protection.name == "unshare":
        settings = replace(settings, change_root=True)
    if protection.name == "proceso":
        folder = tempfile.mkdtemp(prefix="coursekit-")
        if settings.uid is not None:
            os.chown(folder, settings.uid, settings.uid)
        settings = replace(settings, nested=False, confine=True, folder=folder)
    return settings


_next_uid = 0


def free_uid() -> int:
    """Un usuario que no es de nadie, distinto cada vez: nunca se califica como root."""
    import pwd

    global _next_uid
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    while True:
        uid = 61_000 + (os.getpid() * 8 + _next_uid) % 4_000
        _next_uid += 1
        if uid not in taken:
            return uid


def _own_processes() -> int:
    try:
        owners = [
            os.stat(f"/proc/{entry}").st_uid for entry in os.listdir("/proc") if entry.isdigit()
        ]
    except OSError:
        return 512
    return 4 * owners.count(os.getuid()) + 64


def environment(settings: Settings) -> dict[str, str]:
    """Las variables de entorno de dentro; ninguna de las del docente."""
    variables = dict(_ENVIRONMENT)
    variables |= dict.fromkeys(("HOME", "MPLCONFIGDIR", "TMPDIR"), settings.folder)
    if site.ENABLE_USER_SITE:
        variables["PYTHONUSERBASE"] = site.getuserbase()
    return variables


def _layout() -> tuple[list[str], list[str]]:
    """Qué se ve dentro (de solo lectura) y qué queda tapado."""
    wanted = [*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages()]
    wanted += [sysconfig.get_path("stdlib"), os.path.dirname(os.path.realpath(sys.executable))]
    if site.ENABLE_USER_SITE:
        wanted.append(site.getusersitepackages())
    readonly = []
    for path in sorted({str(path) for path in wanted} | {str(_PACKAGE)}):
        inside = any(path == other or path.startswith(other + "/") for other in readonly)
        if os.path.exists(path) and path != "/" and not inside:
            readonly.append(path)
    return readonly, [str(_PACKAGE / "exercises" / "sets")]


def _scratch() -> str:
    """La carpeta de trabajo de dentro. Nace vacía: no puede contener nada que haya que ver."""
    visible, _ = _layout()
    return next(
        folder
        for folder in ("/tmp", "/var/tmp", "/mnt")
        if not any(path.startswith(folder + "/") for path in visible)
    )


def _inner(settings: Settings) -> list[str]:
    return [sys.executable, str(_INSIDE), json.dumps(vars(settings))]


def _bubblewrap(settings: Settings) -> list[str]:
    readonly, hidden = _layout()
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    if settings.uid is None:
        command.append("--unshare-user")
    else:  # root los necesita para dejar de serlo, ya dentro
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    # Sin esto bubblewrap crea las carpetas intermedias cerradas a cualquiera que no sea root.
    parents = {str(parent) for path in readonly for parent in Path(path).parents} - {"/"}
    for path in sorted(parents):
        command += ["--perms", "0755", "--dir", path]
    for path in readonly:
        command += ["--ro-bind", path, path]
    for path in hidden:
        command += ["--tmpfs", path, "--remount-ro", path]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777"]
    command += ["--tmpfs", settings.folder, "--chdir", settings.folder]
    return [*command, "--", *_inner(settings)]


def _unshare(settings: Settings) -> list[str]:
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--uts"]
    if settings.uid is None:
        command.append("--map-root-user")
    return [*command, *_inner(settings)]


def _container(tool: str, settings: Settings) -> list[str]:
    readonly, hidden = _layout()
    uid = settings.uid if settings.uid is not None else os.getuid()
    command = [tool, "run", "--rm", "--interactive", "--network", "none", "--read-only"]
    command += "--cap-drop ALL --security-opt no-new-privileges".split()
    command += "--pids-limit 256 --ulimit nofile=1024:1024 --ulimit nproc=512:512".split()
    command += ["--user", f"{uid}:{uid}", "--memory", f"{settings.megabytes + 1024}m"]
    command += ["--workdir", settings.folder]
    for path in readonly:
        command += ["--volume", f"{path}:{path}:ro"]
    for path in hidden:
        # podman copiaría dentro lo que se quiere tapar.
        command += ["--tmpfs", f"{path}:ro,size=4k" + ",notmpcopyup" * (tool == "podman")]
    for name, value in environment(settings).items():
        command += ["--env", f"{name}={value}"]
    command += ["--tmpfs", f"{settings.folder}:rw,size=64m,mode=1777", _IMAGE]
    return [*command, *_inner(replace(settings, uid=None))]


def _container_command(tool: str):
    def command(settings: Settings) -> list[str]:
        # Una imagen sin nada: todo lo que se ejecuta son las carpetas del equipo, de solo lectura.
        if subprocess.run([tool, "image", "inspect", _IMAGE], capture_output=True).returncode:
            empty = bytes(10240)  # un archivo tar vacío
            subprocess.run([tool, "import", "-", _IMAGE], input=empty, capture_output=True)
        return _container(tool, settings)

    return command


_COMMANDS = {
    "bubblewrap": _bubblewrap,
    "unshare": _unshare,
    "docker": _container_command("docker"),
    "podman": _container_command("podman"),
    "proceso": _inner,
}
