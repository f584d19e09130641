"""Llamadas al núcleo de Linux que Python no ofrece: espacios de nombres, montajes y privilegios."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Iterator

# Nuevos: montajes, IPC, usuario y PID. La red no hace falta: la cárcel ya nace sin ella.
_NAMESPACES = 0x00020000 | 0x08000000 | 0x10000000 | 0x20000000
_CLONE = {"x86_64": 56, "aarch64": 220}
_NOSUID, _NODEV, _NOEXEC, _RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = (
    2, 4, 8, 1, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
_DETACH = 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
MEGABYTES = 32  # de cada carpeta en memoria
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def fork_isolated(folder: str) -> int:
    """Como `os.fork`, pero el hijo nace en espacios de nombres propios y es en ellos el proceso 1.

    Cuando muere el proceso 1 de un espacio, el núcleo mata a todos los demás. Con `unshare` harían
    falta dos bifurcaciones, que es lo más caro de calificar una entrega.

    Args:
        folder: carpeta de trabajo, que el hijo encuentra vacía.

    Raises:
        OSError: si este equipo no lo permite.
    """
    uid, gid = os.getuid(), os.getgid()
    number = _CLONE.get(os.uname().machine)
    if number is None:
        raise OSError("arquitectura desconocida")
    # PyDLL no suelta el cerrojo de Python: el hijo nace con él.
    holding = ctypes.PyDLL(None, use_errno=True)
    child = holding.syscall(number, _NAMESPACES | signal.SIGCHLD, 0, 0, 0, 0)
    if child < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if child == 0:
        try:
            _settle(uid, gid, folder)
        except BaseException:
            os._exit(4)
    return child


def _settle(uid: int, gid: int, folder: str) -> None:
    """Lo primero en espacios nuevos: el mismo usuario de fuera, y carpetas en memoria vacías."""
    hide_memory(False)  # si no, los mapas de usuario no se pueden escribir
    maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for file, line in maps.items():
        with open(f"/proc/self/{file}", "w") as out:
            out.write(line)
    _mount(None, "/", None, _REC | _PRIVATE)
    for path, megabytes in ((folder, MEGABYTES), ("/dev/shm", MEGABYTES), ("/proc", 0)):
        mount_private(path, megabytes)


def mount_private(path: str, megabytes: int) -> None:
    """Monta en `path` una carpeta vacía en memoria, con tope; con 0 no admite nada."""
    options = f"size={megabytes}m,nr_inodes=4096,mode=1777" if megabytes else "nr_inodes=1,mode=555"
    _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, options)


def change_root(mounts: list[tuple[str, str | None]], folder: str) -> None:
    """Deja a la vista solo lo que se dice, de solo lectura; lo demás desaparece.

    Args:
        mounts: cada ruta visible y de dónde sale; sin origen, una carpeta vacía.
        folder: carpeta de trabajo; no puede contener ninguna de las visibles.
    """
    _mount(None, "/", None, _REC | _PRIVATE)
    mounts = [*mounts, *((device, device) for device in DEVICES)]
    # Abiertas ya: la raíz nueva se monta sobre una carpeta que puede tapar alguna.
    sources = {source: os.open(source, os.O_PATH) for _, source in mounts if source}
    root = folder
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    for path, source in mounts:
        target = root + path
        if source is None:
            os.makedirs(target, exist_ok=True)
            _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
            continue
        opened = f"/proc/self/fd/{sources[source]}"
        folders = target if os.path.isdir(opened) else os.path.dirname(target)
        os.makedirs(folders, exist_ok=True)
        if folders != target:
            open(target, "w").close()
        _mount(opened, target, None, _BIND | _REC)
        os.close(sources[source])
        if path not in DEVICES:
            # Al volver a montar hay que repetir las restricciones que ya tenía.
            kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC | 1024 | 2048 | 4096)
            relative = {1024: 1024, 2048: 2048, 4096: 1 << 21}
            flags = kept & 15 | sum(relative[bit] for bit in relative if kept & bit)
            _mount(None, target, None, _REMOUNT | _BIND | _RDONLY | flags)
    for path in ("/proc", folder, "/dev/shm", "/.antes"):
        os.makedirs(root + path, exist_ok=True)
    _mount("proc", root + "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    mount_private(root + folder, MEGABYTES)
    mount_private(root + "/dev/shm", MEGABYTES)
    os.chdir(root)
    _syscall_pivot_root(".", ".antes")
    os.chdir("/")
    _call("umount2", b"/.antes", _DETACH)
    os.rmdir("/.antes")
    for path in ("/", *(path for path, source in mounts if source is None)):
        _mount(None, path, None, _REMOUNT | _RDONLY | _NOSUID | _NODEV, "size=1m,mode=755")


def _mount(source, target, kind, flags, options=None) -> None:
    encode = lambda text: text.encode() if text else None  # noqa: E731
    names = map(encode, (source, target, kind))
    _call("mount", *names, ctypes.c_ulong(flags), encode(options))


def _syscall_pivot_root(new: str, old: str) -> None:
    # glibc no la envuelve y su número cambia con la arquitectura: 155 en x86-64, 41 en las demás.
    number = 155 if os.uname().machine == "x86_64" else 41
    _call("syscall", number, new.encode(), old.encode())


def confine(mounts: list[tuple[str, str | None]], course: str, folder: str) -> None:
    """Limita, con Landlock, los archivos que este proceso y sus hijos pueden tocar.

    También les quita TCP y las señales a procesos de fuera, si el núcleo sabe (Linux 6.12). Sin Linux
    5.13 no hace nada: la protección que lo usa no promete más.

    Args:
        mounts: lo que se puede leer; lo que no tiene origen, no.
        course: carpeta con lo que del curso se ve, que también se puede leer.
        folder: carpeta donde se puede todo.

    Source:
        https://docs.kernel.org/userspace-api/landlock.html
    """
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return
    everything = (1 << {1: 13, 2: 14}.get(version, 15)) - 1
    attributes = struct.pack("QQQ", everything, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _libc.syscall(_LANDLOCK_CREATE, attributes, size, 0)
    hidden = [path for path, source in mounts if source is None]
    for path in (course, *_without([path for path, source in mounts if source], hidden)):
        _allow(rules, path, _EXECUTE | _READ | (_LIST if os.path.isdir(path) else 0))
    _allow(rules, folder, everything)
    for path in DEVICES:
        _allow(rules, path, _READ | _WRITE)
    _call("syscall", _LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def _without(paths: list[str], hidden: list[str]) -> Iterator[str]:
    """Las mismas carpetas sin las ocultas: Landlock permite, no prohíbe."""
    for path in paths:
        if path in hidden:
            continue
        if any(secret.startswith(path + "/") for secret in hidden):
            yield from _without([entry.path for entry in os.scandir(path)], hidden)
        else:
            yield path


def _allow(rules: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH)
    except OSError:
        return  # lo que este usuario no puede abrir, la entrega tampoco
    _call("syscall", _LANDLOCK_ADD, rules, 1, struct.pack("=Qi", access, descriptor), 0)
    os.close(descriptor)


def become(uid: int | None) -> None:
    """Deja de ser root, si lo era, y cierra la puerta a recuperar privilegios."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    drop_privileges()
    adopt_orphans()
    hide_memory()


def address_space(megabytes: int) -> int:
    """El espacio de direcciones de este proceso y `megabytes` más."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize() + (megabytes << 20)


def hide_memory(hidden: bool = True) -> None:
    """Que ningún otro proceso del mismo usuario lea la memoria de este; o que sí, para medirla."""
    _call("prctl", _SET_DUMPABLE, int(not hidden), 0, 0, 0)


def die_with_parent() -> None:
    """Que este proceso muera con quien lo creó, aunque a ese lo maten."""
    _call("prctl", _SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def go_first() -> None:
    """Si falta memoria en el equipo, que el núcleo elija a este proceso y a sus hijos."""
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def adopt_orphans() -> None:
    """Los nietos que pierdan a su padre pasan a ser hijos de este proceso."""
    _call("prctl", _SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def drop_privileges() -> None:
    """Renuncia a toda capacidad y a ganar otras ejecutando programas."""
    _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def apply_filter(program: bytes) -> None:
    """Aplica a este proceso, y a los que nazcan de él, un programa de `calls.compile_filter`."""
    if program:
        code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
        _call("prctl", _SET_SECCOMP, 2, header, 0, 0)
