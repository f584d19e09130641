"""Cuánto gasta una entrega: ella y todo lo que puso en marcha."""

from __future__ import annotations

import os
import resource
import stat
import time
from dataclasses import dataclass

_PAGE, _HERTZ = resource.getpagesize(), os.sysconf("SC_CLK_TCK")
FULL = "llena el disco"
_MOST_DISK, _MOST_FILES, _DEEPEST = 64 << 20, 4096, 64
_MOST_MORE = 16  # procesos e hilos que se admiten un momento, mientras mueren otros


@dataclass(frozen=True)
class Process:
    """Un proceso de la entrega, según `/proc`: segundos de procesador, hilos y bytes."""

    running: bool
    seconds: float
    threads: int
    resident: int


def spent() -> float:
    """Segundos de procesador gastados hasta ahora, por este proceso y los que han terminado."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def family() -> dict[int, Process]:
    """Los procesos vivos que descienden de este."""
    parents, found = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                words = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if words[0] not in (b"Z", b"X"):
            parents[int(entry)] = int(words[1]), words
    me = more = {os.getpid()}
    seen = set(me)
    while more := {pid for pid, (parent, _) in parents.items() if parent in more} - seen:
        seen |= more
    for pid in seen - me:
        words = parents[pid][1]
        seconds = sum(map(int, words[11:15])) / _HERTZ
        found[pid] = Process(words[0] == b"R", seconds, int(words[17]), int(words[21]) * _PAGE)
    return found


class Meter:
    """El contador de una entrega.

    El plazo se cobra en tiempo de procesador, y en tiempo de reloj solo mientras nadie de la entrega
    tiene nada que hacer, o cambian sus procesos: a quien espera turno en un equipo cargado no se le
    cobra la espera.

    Args:
        settings: los ajustes de la cárcel.

    Attributes:
        excess: el tope que está pasando, o `None`.
    """

    def __init__(self, settings: dict):
        self._settings, self.excess = settings, None
        self._charged = self._last_seconds = 0.0
        self._start = self._last = time.monotonic()
        self._reaped = _reaped()
        self._own, self._seen = _own_resident(), set()

    def read(self) -> float:
        """Los segundos que van cobrados; de paso, mira los topes."""
        processes = family()
        seconds = sum(process.seconds for process in processes.values()) + _reaped() - self._reaped
        now = time.monotonic()
        step, elapsed = max(0.0, seconds - self._last_seconds), now - self._last
        waiting = any(process.running for process in processes.values())
        # Si nacieron o murieron procesos, lo que gastaron los muertos quizá no lo cuenta nadie.
        self._charged += step if waiting and processes.keys() == self._seen else max(step, elapsed)
        self._seen = processes.keys()
        self._last_seconds, self._last = max(seconds, self._last_seconds), now
        self.excess = self._excess(processes)
        return self._charged

    def _excess(self, processes: dict[int, Process]) -> str | None:
        if sum(process.threads for process in processes.values()) > self._settings["most"] + _MOST_MORE:
            return "abre demasiados procesos"
        if self._uses_too_much_memory(processes):
            return "gasta demasiada memoria"
        # Con espacios de nombres propios, sus carpetas ya tienen tope.
        if not self._settings["nested"] and self._fills_the_disk(processes):
            return FULL
        return None

    def _uses_too_much_memory(self, processes: dict[int, Process]) -> bool:
        limit = (self._settings["megabytes"] * 3 // 2) << 20
        # Lo que comparte con el proceso precargado no es suyo. Entre ellos también comparten, pero
        # contarlo bien es caro: solo cuando contándolo mal parece demasiado.
        if sum(max(0, p.resident - self._own) for p in processes.values()) <= limit:
            return False
        return sum(_proportional(*process) for process in processes.items()) > limit + self._own

    def _fills_the_disk(self, processes: dict[int, Process]) -> bool:
        folder = self._settings["folder"]
        if self._settings["confine"]:
            return _is_full(folder) or sum(map(_nameless, processes)) > _MOST_DISK
        return any(map(_is_crowded, (folder, "/dev/shm")))


def _reaped() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _own_resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE


def _proportional(pid: int, process: Process) -> int:
    """La memoria de un proceso, con su parte de la que comparte; de quien no la deja ver, toda."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return process.resident


def _nameless(pid: int) -> int:
    """Lo que ocupan los archivos que un proceso tiene abiertos y ya no están en ninguna carpeta."""
    size = 0
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            status = os.stat(entry.path)
            size += status.st_size if stat.S_ISREG(status.st_mode) and not status.st_nlink else 0
    except OSError:
        pass  # acaba de nacer o ya ha terminado
    return size


def _is_crowded(folder: str) -> bool:
    """Si una carpeta que es un disco en memoria tiene demasiado dentro."""
    disk = os.statvfs(folder)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    return used > _MOST_DISK or disk.f_files - disk.f_ffree > _MOST_FILES


def _is_full(folder: str) -> bool:
    """Si hay demasiado dentro de una carpeta; sin recorrer más de lo que se admite."""
    size = count = 0
    pending = [(os.open(folder, os.O_RDONLY | os.O_DIRECTORY), 0)]
    try:
        while pending:
            place, depth = pending.pop()
            try:
                for entry in os.scandir(place):
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        inner = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=place)
                        pending.append((inner, depth + 1))
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                    if size > _MOST_DISK or count > _MOST_FILES or len(pending) + depth > _DEEPEST:
                        return True
            except OSError:
                continue  # la borraron o la cerraron mientras se miraba
            finally:
                os.close(place)
    finally:
        for place, _ in pending:
            os.close(place)
    return False
