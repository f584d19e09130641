"""El lado de fuera de la cárcel: la levanta, le encarga entregas y desconfía de lo que dice."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coursekit.exercises.running import Chain, Outcome, describe_case
from coursekit.grading.jail.inside import wire
from coursekit.grading.jail.inside.wire import CRASH, MISSING, OK, TIMEOUT
from coursekit.grading.jail.protections import (
    Protection,
    Settings,
    environment,
    free_uid,
    settings_for,
    stage,
)  # fmt: skip

# Lo que puede tardar en arrancar (importar torch desde un disco frío) y en limpiar.
_START_SECONDS, _CLEAN_SECONDS = 120, 15
# Una entrega entera, con su segunda pasada, tiene este número de plazos. Los plazos se cuentan en
# tiempo de procesador; en tiempo de reloj, que en un equipo cargado corre más, otras tantas veces.
_TOTAL, _WALL = 4, 4
# Una pregunta que no termina se manda cortar, y las demás siguen; si el recluso no obedece, se corta él.
_GRACE = 5.0  # también de procesador
# Tras varias que no terminan, el plazo de las que quedan va bajando, hasta un cuarto.
_LEAST_SHARE = 4
_MOST_OUTPUT = 4 * wire.MAX_BYTES
_PAUSE = 1.0  # antes de volver a intentar levantarla
_PLACE = "coursekit-"


class JailError(RuntimeError):
    """La cárcel no arranca o ha dejado de responder; no es culpa de una entrega."""


@dataclass(frozen=True)
class Question:
    """Lo que se pide a la cárcel: un nombre del cuaderno, los casos en que evaluarlo y sin qué módulos."""

    name: str
    cases: tuple[tuple | Chain, ...]
    forbids: tuple[str, ...] = ()

    @cached_property
    def encoded(self) -> dict:
        """Lo que se manda por el cable; el mismo para todas las entregas."""
        return {
            "name": self.name,
            "cases": wire.encode([describe_case(case) for case in self.cases]),
            "forbids": self.forbids,
        }


@dataclass(frozen=True)
class Answer:
    """Lo que la cárcel dice de una pregunta: resultados, si `state` es `ok`, o qué pasó."""

    state: str
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    heard: bool = True


@dataclass(frozen=True)
class Testimony:
    """Lo que la cárcel dice de una entrega.

    Attributes:
        state: `ok`, o qué pasó con sus celdas (`tiempo agotado`, `caída`).
        cell_errors: por celda, el error que dio, o `None`.
        answers: una por pregunta, en su orden.
        reason: el tope que pasó, si la cortaron por eso.
    """

    state: str
    cell_errors: tuple[str | None, ...]
    answers: tuple[Answer, ...]
    reason: str = ""


class Jail:
    """Una cárcel con su proceso precargado; una entrega cada vez.

    Args:
        protection: con qué se encierra.
        settings: bibliotecas que se precargan y límites.
        place: carpeta donde dejar lo que la cárcel necesita; si falta, una temporal.

    Attributes:
        shared: si sirve a una entrega tras otra, o estrena proceso precargado con cada una.
        start_seconds: segundos de procesador que costó arrancar la última vez.
        cpu_seconds: segundos de procesador gastados dentro en las entregas.
    """

    def __init__(self, protection: Protection, settings: Settings, place: Path | None = None):
        self.protection, self._wanted, self._place = protection, settings, place
        self._process = None
        self.shared, self.start_seconds, self.cpu_seconds = True, 0.0, 0.0

    def __enter__(self) -> Jail:
        with contextlib.ExitStack() as opened:
            self._home = opened.enter_context(jail_place(self._place))
            self._course, self._uid = stage(self._home), free_uid()
            self._start()
            opened.callback(self._stop)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._opened.close()

    def examine(self, cells: list[str], questions: list[Question], seconds: float) -> Testimony:
        """Ejecuta las celdas de una entrega y evalúa en ella las preguntas.

        Si las celdas se cuelgan o tumban el proceso, hay una segunda pasada que solo ejecuta
        importaciones, definiciones y constantes.

        Args:
            cells: código, sin tocar.
            questions: lo que se pregunta.
            seconds: plazo de las celdas, y el de cada pregunta.

        Raises:
            JailError: si la cárcel no vuelve a levantarse.
        """
        left = _TOTAL * seconds
        first, spent = self._patiently(cells, questions, seconds, left, rescue=False)
        if first.state == OK or (first.state == TIMEOUT and first.cell_errors):
            return first
        second, _ = self._patiently(cells, questions, seconds, left - spent, rescue=True)
        # Lo que llegó antes de la caída vale: lo dio el cuaderno entero.
        answers = tuple(a if a.heard else b for a, b in zip(first.answers, second.answers))
        errors = first.cell_errors or second.cell_errors
        return Testimony(first.state, errors, answers, first.reason)

    def _patiently(self, cells, questions, seconds, total, rescue) -> tuple[Testimony, float]:
        """Un intento que se repite si lo que falla es la cárcel, y no lo que hay dentro."""
        asked = [question.encoded for question in questions]
        job = {"cells": cells, "questions": asked, "rescue": rescue}
        frame = wire.frame(wire.dumps(job, limit=1 << 30))
        for last in (False, True):
            talk = _Talk(1 + len(questions), seconds, total)
            try:
                if self._process is None:
                    self._start()
                self._converse(frame, talk)
                self._clean()
                break
            except JailError:
                if last:
                    raise
                time.sleep(_PAUSE)
            except (OSError, _Silence):
                self._stop()
                talk.ending = CRASH
        return _testimony(talk, questions), talk.charged

    def _converse(self, frame: bytes, talk: _Talk) -> None:
        """Encarga la entrega y escucha, por tuberías que nadie más ha tocado."""
        job, feed = os.pipe()
        hear, answers = os.pipe()
        try:
            try:
                socket.send_fds(self._control, [b"entrega"], [job, answers])
            finally:
                os.close(job)
                os.close(answers)
            self._listen(frame, feed, hear, talk)
        finally:
            for pipe in (feed, hear):
                os.close(pipe)

    def _listen(self, frame: bytes, feed: int, hear: int, talk: _Talk) -> None:
        pending = memoryview(frame)
        with selectors.DefaultSelector() as ears:
            for pipe in (feed, hear):
                os.set_blocking(pipe, False)
            ears.register(feed, selectors.EVENT_WRITE)
            ears.register(hear, selectors.EVENT_READ)
            ears.register(self._control, selectors.EVENT_READ)
            while not talk.ending:
                ready = {key.fileobj for key, _ in ears.select(talk.patience)}
                if feed in ready:
                    try:
                        pending = pending[os.write(feed, pending) :]
                    except BrokenPipeError:
                        pending = b""
                    if not pending:
                        ears.unregister(feed)
                if hear in ready:
                    data = os.read(hear, 1 << 18)
                    talk.hear(data)
                    if not data:
                        ears.unregister(hear)
                # Murió, y ni queda nada suyo por leer ni el proceso precargado dice por qué.
                if self._control in ready:
                    talk.note(self._receive(0))
                elif talk.dead and hear not in ready:
                    talk.finish(CRASH)
                if talk.check_deadlines() and not pending:
                    with contextlib.suppress(OSError):
                        os.write(feed, bytes([talk.answered % 256]))

    def _clean(self) -> None:
        """Termina con la entrega y con todo lo que dejó; si no puede, derriba la cárcel."""
        self._control.send(b"fin")
        spent = self._wait_for("limpio", _CLEAN_SECONDS)["limpio"]
        self.cpu_seconds += spent - self._spent
        self._spent = spent
        if not self.shared:
            self._stop()

    # --- El proceso precargado -----------------------------------------------------------------

    def _start(self) -> None:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="trabajo-", dir=self._home))
            if self._uid is not None:
                os.chown(self._folder, self._uid, self._uid)
        except OSError as error:
            raise JailError(f"no arranca ({error.strerror})") from None
        settings = settings_for(self.protection, self._wanted, self._course, self._folder, self._uid)
        self._control, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._said = tempfile.TemporaryFile()
        try:
            with inside:
                self._process = subprocess.Popen(
                    self.protection.command(settings), stdin=inside, stdout=self._said,
                    stderr=self._said, env=environment(settings), cwd="/", start_new_session=True,
                )  # fmt: skip
            ready = self._wait_for("listo", _START_SECONDS)
        except OSError as error:
            self._stop()
            raise JailError(f"no arranca ({error.strerror})") from None
        except _Silence:
            self._stop()
            self._said.seek(0)
            said = self._said.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
            # De una traza importa el final; de lo que dice una herramienta, el principio.
            raise JailError(said[-1 if "Traceback" in said[0] else 0] if said else "no arranca") from None
        self._spent = self.start_seconds = ready["listo"]
        self.shared = ready["anida"]

    def _stop(self) -> None:
        """Derriba la cárcel; sus procesos mueren con ella."""
        process, self._process = self._process, None
        self._control.close()  # con la entrada cerrada, el proceso precargado termina
        if process is not None:
            try:
                process.wait(_CLEAN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._sweep()
        _remove(self._folder)

    def _sweep(self) -> None:
        """Si el proceso precargado murió mal, acaba con lo que quede de su usuario, que es suyo."""
        if self._uid is None:
            return
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if f"\nUid:\t{self._uid}\t" in Path(f"/proc/{entry}/status").read_text():
                    os.kill(int(entry), signal.SIGKILL)

    def _wait_for(self, word: str, seconds: float) -> dict:
        """Espera un aviso del proceso precargado; los demás que lleguen entretanto se tiran."""
        deadline = time.monotonic() + seconds
        while word not in (message := self._receive(deadline - time.monotonic())):
            pass
        return message

    def _receive(self, seconds: float) -> dict:
        self._control.settimeout(max(seconds, 0.001))
        try:
            message = self._control.recv(4096)
        except TimeoutError:
            raise _Silence from None
        if not message:
            raise _Silence
        return json.loads(message)


class _Silence(Exception):
    """El proceso precargado no contesta."""


class _Talk:
    """Lo que se va oyendo de una entrega en un intento, y los plazos que le corren.

    Args:
        expected: mensajes que tiene que mandar: el de las celdas y uno por pregunta.
        seconds: el plazo.
        total: lo que puede gastar en el intento entero.
    """

    def __init__(self, expected: int, seconds: float, total: float):
        self.messages, self.ending, self.reason = [], "", ""
        self.charged = 0.0
        self.dead = False
        self._expected, self._seconds, self._total = expected, seconds, total
        self._buffer, self._heard, self._mark = bytearray(), 0, 0.0
        self._share, self._told = 1, None
        self._end = time.monotonic() + _WALL * total + 1

    @property
    def answered(self) -> int:
        """Las preguntas que llevan respuesta."""
        return len(self.messages) - 1

    @property
    def patience(self) -> float:
        """Lo que se puede esperar a que pase algo."""
        return 0 if self.dead else max(0.0, self._end - time.monotonic())

    def finish(self, ending: str, reason: str = "") -> None:
        if not self.ending:
            self.ending, self.reason = ending, reason

    def hear(self, data: bytes) -> None:
        """Lo que llega por la tubería del recluso."""
        self._heard += len(data)
        self._buffer += data
        try:
            while len(self.messages) < self._expected:
                if (message := wire.take_frame(self._buffer)) is None:
                    break
                self.messages.append(message)
                if self._told is not None:
                    self._share = min(2 * self._share, _LEAST_SHARE)
                self._mark, self._told = self.charged, None
        except wire.WireError:
            self.finish(CRASH)
        if len(self.messages) == self._expected:
            self.finish(OK)
        elif self._heard > _MOST_OUTPUT:
            self.finish(CRASH)
        self.dead = self.dead or not data

    def note(self, message: dict) -> None:
        """Lo que avisa el proceso precargado."""
        self.charged = message.get("gastado", self.charged)
        self.dead = self.dead or "muerto" in message
        if "tope" in message:
            self.finish(CRASH, message["tope"])

    def check_deadlines(self) -> bool:
        """Mira los plazos; dice si toca mandar que se corte la pregunta en curso."""
        late = self.charged - self._mark - self._seconds / self._share
        if self.charged > self._total or time.monotonic() > self._end:
            self.finish(TIMEOUT)
        elif late > 0 and not self.messages:
            self.finish(TIMEOUT)
        elif late > 0 and self._told is None:
            self._told = self.charged
            return True
        elif self._told is not None and self.charged > self._told + _GRACE:
            self.finish(TIMEOUT)
        return False


def _testimony(talk: _Talk, questions: list[Question]) -> Testimony:
    cell_errors = _read_cell_errors(talk.messages[0]) if talk.messages else ()
    answers = [_read_answer(m, q) for m, q in zip(talk.messages[1:], questions)]
    reason = f"tu cuaderno {talk.reason}" if talk.reason else ""
    missing = Answer(talk.ending, reason=reason, heard=False)
    answers += [missing] * (len(questions) - len(answers))
    return Testimony(talk.ending, cell_errors, tuple(answers), talk.reason)


def _read_cell_errors(message: bytes) -> tuple[str | None, ...]:
    try:
        errors = wire.loads(message)["cells"]
    except (wire.WireError, TypeError, KeyError, IndexError):
        return ()
    if type(errors) is not list:  # un texto de ocho megas se recorrería letra a letra
        return ()
    return tuple(_tidy(error) if error is not None else None for error in errors)


def _read_answer(message: bytes, question: Question) -> Answer:
    try:
        data = wire.loads(message)
        state = data["state"]
        if state in (TIMEOUT, MISSING):
            return Answer(state)
        if state == CRASH:
            return Answer(CRASH, reason=_tidy(data.get("reason") or _cause(data.get("code"))))
        outcomes = tuple(
            Outcome(value, None if error is None else _tidy(error), untried is True)
            for value, error, untried in wire.decode(data["outcomes"])
        )
    except (wire.WireError, TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Answer(CRASH, reason="la respuesta no llegó entera")
    if len(outcomes) != len(question.cases):
        return Answer(CRASH, reason="la respuesta no llegó entera")
    return Answer(OK, outcomes)


def _tidy(text: object) -> str:
    """Un texto ajeno en una línea breve y sin direcciones de memoria, que cambian cada vez."""
    text = text[:2000] if type(text) is str else ""
    text = re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", text)
    return " ".join(text.split())[:300]


def _cause(code: object) -> str:
    if type(code) is int and -64 < code < 0:
        try:
            return f"el proceso murió ({signal.Signals(-code).name})"
        except ValueError:
            pass
    return "el proceso terminó por su cuenta"


@contextlib.contextmanager
def jail_place(inside: Path | None = None) -> Iterator[Path]:
    """Una carpeta temporal para lo que unas cárceles necesitan; se borra, por honda o cerrada que quede.

    Quien muere de golpe deja la suya, y la borra el siguiente: mientras vive, la tiene cerrada con llave.
    """
    if inside is None:
        _remove_dead()
    while True:
        place = Path(tempfile.mkdtemp(prefix=_PLACE, dir=inside))
        lock = os.open(place, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists():  # nadie la dio por muerta antes de cerrarla
            break
        os.close(lock)
    try:
        place.chmod(0o711)  # quien ejecuta las entregas puede ser otro usuario
        yield place
    finally:
        _remove(place)
        os.close(lock)


def _remove_dead() -> None:
    """Borra las carpetas de este usuario cuyo dueño ya no vive."""
    for place in Path(tempfile.gettempdir()).glob(f"{_PLACE}*"):
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            opened.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_uid == os.geteuid():
                _remove(place)


def _remove(folder: Path) -> None:
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run([*command, "--", folder], capture_output=True)
