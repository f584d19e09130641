"""Las llamadas al sistema que una entrega no puede hacer, compiladas para seccomp."""

from __future__ import annotations

import errno
import os

try:
    import pyseccomp
except (ImportError, RuntimeError, OSError):  # sin la biblioteca del sistema, tampoco se importa
    pyseccomp = None

# Redes, depuración, montajes, rincones del núcleo y memoria que ningún límite cuenta.
_FORBIDDEN = """socket ptrace process_vm_readv process_vm_writev mount umount2 pivot_root chroot
unshare setns bpf perf_event_open userfaultfd keyctl add_key request_key io_uring_setup
open_by_handle_at name_to_handle_at kexec_load kexec_file_load init_module finit_module
delete_module reboot swapon swapoff acct quotactl syslog fsopen fsmount fspick move_mount open_tree
mount_setattr pidfd_getfd process_madvise kcmp shmget semget msgget mq_open memfd_create
memfd_secret vmsplice fanotify_init lookup_dcookie io_setup""".split()
# De quién es un archivo, quién lo abre y de cuándo es: Landlock no lo vigila. Las últimas, por su número,
# el mismo en toda arquitectura: fchmodat2, setxattrat, removexattrat y file_setattr.
_ATTRIBUTES = (
    *"""chmod fchmod fchmodat chown fchown lchown fchownat setxattr lsetxattr fsetxattr removexattr
    lremovexattr fremovexattr utime utimes futimesat utimensat""".split(),
    452, 463, 466, 469,
)  # fmt: skip
# Poner límites o quitar turno a otro: qué argumento dice a quién, y lo que vale si es a uno mismo.
_LIMITS = (
    ("prlimit64", 0, 0), ("sched_setaffinity", 0, 0), ("sched_setscheduler", 0, 0), ("sched_setparam", 0, 0),
    ("sched_setattr", 0, 0), ("setpriority", 0, 0), ("setpriority", 1, 0), ("ioprio_set", 0, 1),
    ("ioprio_set", 1, 0),
)  # fmt: skip
# Montajes, cgroup, UTS, IPC, usuario, PID y red: espacios de nombres nuevos con `clone`.
_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open")
_SET_DUMPABLE = 4
_INT = 0xFFFFFFFF  # el núcleo mira 32 bits de un entero; comparar los 64 se burla con los otros


def compile_filter(judges: tuple[int, ...], jailed: bool = True) -> bytes:
    """El programa que prohíbe esas llamadas; vacío si falta con qué escribirlo.

    Se compila fuera y una vez: hacerlo en cada entrega costaría más que aplicarlo.

    Args:
        judges: procesos a los que no se puede mandar señales ni aun donde se ven.
        jailed: si los archivos de fuera no están a la vista.
    """
    if pyseccomp is None:
        return b""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse, same = pyseccomp.ERRNO(errno.EPERM), pyseccomp.MASKED_EQ
    for name in _FORBIDDEN:
        _add(rules, refuse, name)
    for bit in _NAMESPACES:
        _add(rules, refuse, "clone", pyseccomp.Arg(0, same, bit, bit))
    # Sus argumentos están en memoria, donde el filtro no llega: sin ella, glibc usa `clone`.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    # Reservar disco sin escribirlo, que ningún tope mide; glibc lo hace entonces escribiendo.
    _add(rules, pyseccomp.ERRNO(errno.EOPNOTSUPP), "fallocate")
    # El otro es el proceso precargado o el juez.
    for name, place, me in _LIMITS:
        _add(rules, refuse, name, pyseccomp.Arg(place, pyseccomp.NE, me))
    for name in () if jailed else _ATTRIBUTES:
        _add(rules, pyseccomp.ERRNO(0), name)  # como si se hiciera: quien copia un archivo también lo pide
    # Esconder su memoria y sus archivos a quien los mide.
    _add(rules, refuse, "prctl", pyseccomp.Arg(0, same, _INT, _SET_DUMPABLE))
    # Matar «a todos» alcanzaría, donde no hay espacios de nombres, al proceso precargado.
    for pid in (-1, *judges, *(-judge for judge in judges)):
        for name in _SIGNALS if pid > 0 else ("kill",):
            _add(rules, refuse, name, pyseccomp.Arg(0, same, _INT, pid & _INT))
    with os.fdopen(os.memfd_create("filtro"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules, action: int, name: str | int, *arguments) -> None:
    try:
        rules.add_rule(action, name, *arguments)
    except (OSError, ValueError, RuntimeError):
        pass  # esta arquitectura no la tiene
