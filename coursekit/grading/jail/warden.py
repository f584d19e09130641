"""El lado de fuera de la cárcel: la levanta, le encarga entregas y desconfía de lo que dice."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coursekit.grading.jail import wire
from coursekit.grading.results import CRASH, MISSING, OK, TIMEOUT
from coursekit.exercises.running import Chain, Outcome, describe_case
from coursekit.grading.jail.protections import Protection, Settings, environment, settings_for

# Lo que puede tardar en arrancar (importar torch desde un disco frío) y en limpiar.
_START_SECONDS, _CLEAN_SECONDS = 120, 15
# Margen, sobre el plazo, antes de intervenir desde fuera. Las celdas solo se paran así; a una
# pregunta la para antes el recluso, y aquí se espera por si también él se ha roto.
_CELLS_GRACE, _QUESTION_GRACE = 0.5, 5.0
_MOST_OUTPUT = 4 * wire.MAX_BYTES


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
    """

    state: str
    cell_errors: tuple[str | None, ...]
    answers: tuple[Answer, ...]


class Jail:
    """Una cárcel con su proceso precargado; una entrega cada vez.

    Args:
        protection: con qué se encierra.
        settings: bibliotecas que se precargan y límites.

    Attributes:
        cpu_seconds: segundos de procesador gastados dentro en las entregas.
    """

    def __init__(self, protection: Protection, settings: Settings):
        self.protection, self._wanted = protection, settings
        self._process = None
        self.cpu_seconds = 0.0

    def __enter__(self) -> Jail:
        self._start()
        return self

    def __exit__(self, *exception) -> None:
        self._stop()

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
        first = self._attempt(cells, questions, seconds, rescue=False)
        if first.state == OK:
            return first
        second = self._attempt(cells, questions, seconds, rescue=True)
        # Lo que llegó antes de la caída vale: lo dio el cuaderno entero.
        answers = tuple(a if a.heard else b for a, b in zip(first.answers, second.answers))
        return Testimony(first.state, first.cell_errors or second.cell_errors, answers)

    def _attempt(self, cells, questions, seconds, rescue) -> Testimony:
        asked = [question.encoded for question in questions]
        job = {"cells": cells, "questions": asked, "seconds": seconds, "rescue": rescue}
        if self._process is None:
            self._start()
        try:
            self._send(b"E" + wire.frame(wire.dumps(job, limit=1 << 30)))
            messages, ending = self._listen(1 + len(questions), seconds)
            self._clean()
        except (OSError, _Silence):
            messages, ending = [], CRASH
            self._stop()
        return _testimony(messages, ending, questions)

    def _listen(self, expected: int, seconds: float) -> tuple[list[bytes], str]:
        """Escucha al recluso; el plazo empieza de nuevo con cada mensaje."""
        messages, heard = [], bytearray()
        total, deadline = 0, time.monotonic() + seconds + _CELLS_GRACE
        try:
            while len(messages) < expected:
                dead = b"muerto" in self._said or b"fallo" in self._said
                before = len(heard)
                self._pump(0 if dead else deadline - time.monotonic(), heard)
                total += len(heard) - before
                while len(messages) < expected and (message := wire.take_frame(heard)) is not None:
                    messages.append(message)
                    deadline = time.monotonic() + seconds + _QUESTION_GRACE
                if total > _MOST_OUTPUT or (dead and len(heard) == before):
                    return messages, CRASH
                if time.monotonic() > deadline:
                    return messages, TIMEOUT
        except wire.WireError:
            return messages, CRASH
        return messages, OK

    def _clean(self) -> None:
        """Termina con la entrega y con todo lo que dejó; si no puede, derriba la cárcel."""
        self._send(b".")
        spent = float(self._hear(b"limpio", _CLEAN_SECONDS))
        self.cpu_seconds += spent - self._spent
        self._spent = spent
        rest = bytearray(1)
        while rest:  # lo que un recluso ya muerto dejó escrito no llega a la entrega siguiente
            rest.clear()
            self._pump(0, rest)

    # --- El proceso precargado -----------------------------------------------------------------

    def _start(self) -> None:
        self._settings = settings_for(self.protection, self._wanted)
        try:
            self._process = subprocess.Popen(
                self.protection.command(self._settings),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=environment(self._settings), cwd="/", bufsize=0, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._discard_folder()
            raise JailError(f"no arranca ({error.strerror})") from None
        self._reader = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            os.set_blocking(pipe.fileno(), False)
            self._reader.register(pipe, selectors.EVENT_READ)
        self._said = bytearray()
        try:
            self._spent = float(self._hear(b"listo", _START_SECONDS))
        except _Silence:
            said = self._said.decode("utf-8", "replace").strip().splitlines()
            self._stop(seconds=0)
            # De una traza importa el final; de lo que dice una herramienta, el principio.
            raise JailError(
                said[-1 if "Traceback" in said[0] else 0] if said else "no arranca"
            ) from None

    def _stop(self, seconds: float = 5) -> None:
        """Derriba la cárcel; sus procesos mueren con ella."""
        process, self._process = self._process, None
        if process is None:
            return
        self._reader.close()
        with contextlib.suppress(OSError):
            process.stdin.close()  # con la entrada cerrada, el proceso precargado termina
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()
        self._sweep()
        self._discard_folder()

    def _sweep(self) -> None:
        """Si el proceso precargado murió mal, acaba con lo que quede de su usuario, que es suyo."""
        uid = self._settings.uid
        if uid is None or not os.path.isdir("/proc/self"):
            return
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if f"\nUid:\t{uid}\t" in Path(f"/proc/{entry}/status").read_text():
                    os.kill(int(entry), signal.SIGKILL)

    def _discard_folder(self) -> None:
        if self._settings.confine:  # una carpeta de este equipo, hecha para esta cárcel
            shutil.rmtree(self._settings.folder, ignore_errors=True)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._process.stdin.write(view) :]

    def _hear(self, word: bytes, seconds: float) -> str:
        """Espera una línea del proceso precargado y devuelve lo que sigue a la palabra que busca.

        Lo que entretanto diga un recluso se tira.
        """
        deadline = time.monotonic() + seconds
        while not (
            found := re.search(rb"^" + word + rb"\b(.*)\n", bytes(self._said), re.MULTILINE)
        ):
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Silence
            self._pump(left, bytearray())
        rest = found[1].decode()
        self._said.clear()
        return rest

    def _pump(self, seconds: float, heard: bytearray) -> None:
        """Lee lo que haya; lo del recluso, en `heard`."""
        for key, _ in self._reader.select(max(seconds, 0)):
            data = os.read(key.fd, 1 << 18)
            if key.fileobj is self._process.stdout:
                heard += data
                if not data:
                    self._reader.unregister(key.fileobj)
            elif data:
                self._said += data
                del self._said[:-4096]
            else:
                raise _Silence


class _Silence(Exception):
    """El proceso precargado no contesta."""


def _testimony(messages: list[bytes], ending: str, questions: list[Question]) -> Testimony:
    cell_errors = ()
    if messages:
        cell_errors = _read_cell_errors(messages[0])
    answers = [_read_answer(m, q) for m, q in zip(messages[1:], questions)]
    missing = Answer(ending, heard=False)
    return Testimony(ending, cell_errors, (*answers, *[missing] * (len(questions) - len(answers))))


def _read_cell_errors(message: bytes) -> tuple[str | None, ...]:
    try:
        errors = wire.loads(message)["cells"]
        return tuple(_tidy(error) if error is not None else None for error in errors)
    except (wire.WireError, TypeError, KeyError, IndexError):
        return ()


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
    text = re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", text if type(text) is str else "")
    return " ".join(text.split())[:300]


def _cause(code: object) -> str:
    if type(code) is int and -64 < code < 0:
        try:
            return f"el proceso murió ({signal.Signals(-code).name})"
        except ValueError:
            pass
    return "el proceso terminó por su cuenta"
