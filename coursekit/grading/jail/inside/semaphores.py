"""Semáforos sin nombre, para `multiprocessing` donde no se puede escribir en /dev/shm.

Los suyos tienen nombre en una carpeta que comparten todos los procesos del equipo: dejarla abierta
dejaría pasar notas de una entrega a otra.
"""

from __future__ import annotations

import _multiprocessing
import ctypes
import errno
import mmap
import threading
import time

_libc = ctypes.CDLL(None, use_errno=True)
_RECURSIVE = 0


def install() -> None:
    """Que `multiprocessing` use estos; vale para procesos que nacen bifurcándose."""
    _multiprocessing.SemLock = SemLock


class _Moment(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class SemLock:
    """Lo que `multiprocessing.synchronize` espera de `_multiprocessing.SemLock`."""

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool):
        self.kind, self.maxvalue, self.name = kind, maxvalue, name
        self._memory = mmap.mmap(-1, 64)  # compartida con los hijos
        self.handle = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._address = ctypes.c_void_p(self.handle)
        if _libc.sem_init(self._address, 1, value) != 0:
            raise OSError(ctypes.get_errno(), "sem_init")
        self._held, self._holder = 0, None

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        if self.kind == _RECURSIVE and self._is_mine():
            self._held += 1
            return True
        if not block or (timeout is not None and timeout <= 0):
            wait = lambda: _libc.sem_trywait(self._address)  # noqa: E731
        elif timeout is None:
            wait = lambda: _libc.sem_wait(self._address)  # noqa: E731
        else:
            seconds, rest = divmod(time.time() + timeout, 1)
            moment = ctypes.byref(_Moment(int(seconds), int(rest * 1e9)))
            wait = lambda: _libc.sem_timedwait(self._address, moment)  # noqa: E731
        while wait() != 0:
            if ctypes.get_errno() != errno.EINTR:
                return False
        self._held, self._holder = self._held + 1, threading.get_ident()
        return True

    def release(self) -> None:
        if self.kind == _RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._held > 1:
                self._held -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._held -= 1
        _libc.sem_post(self._address)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exception) -> None:
        self.release()

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._holder == threading.get_ident()

    def _get_value(self) -> int:
        value = ctypes.c_int()
        _libc.sem_getvalue(self._address, ctypes.byref(value))
        return value.value

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._held = 0
