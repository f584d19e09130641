"""El recluso: se pone límites, lee el encargo, ejecuta las celdas y contesta."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import time

from coursekit.exercises import running
from coursekit.grading.jail.inside import cells, kernel, semaphores, wire

_SPARE_BYTES = 256 << 20


def live(settings: dict, job: int, answers: int) -> None:
    """La vida del recluso; no vuelve.

    Args:
        settings: los ajustes de la cárcel.
        job: tubería de la que lee el encargo y, después, el número de la pregunta que hay que cortar.
        answers: tubería en la que contesta.
    """
    try:
        _prepare(settings)
        task = json.loads(_read_frame(job))
        _close_doors(job, answers)
        _serve_sentence(task, job, answers)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{error!r:.300}\n".encode())
    finally:
        os._exit(3)


def _prepare(settings: dict) -> None:
    os.setsid()
    kernel.adopt_orphans()
    kernel.hide_memory(False)
    if settings["nested"]:
        kernel.drop_privileges()
        os.chdir(settings["folder"])
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 32 << 20,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_NPROC: settings["allowed"],
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    space = settings["address_space"]
    resource.setrlimit(resource.RLIMIT_AS, (space, space + _SPARE_BYTES))
    if settings["confine"]:
        kernel.confine(settings["mounts"], settings["course"], settings["folder"])
        semaphores.install()
    kernel.apply_filter(settings["filter"])


def _read_frame(source: int) -> bytes:
    length = int.from_bytes(_read_exactly(source, 4), "big")
    return _read_exactly(source, length)


def _read_exactly(source: int, length: int) -> bytes:
    pieces = []
    while length:
        piece = os.read(source, min(length, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _close_doors(*pipes: int) -> None:
    """Entrada, salida y errores dan a la nada; con el juez quedan las dos tuberías."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    for pipe in pipes:
        os.set_inheritable(pipe, False)


def _serve_sentence(task: dict, orders: int, channel: int) -> None:
    namespace, me = cells.new_namespace(), os.getpid()
    cells.seed_everything()
    errors = cells.run_cells(task["cells"], namespace, task["rescue"])
    if os.getpid() != me:
        os._exit(0)  # una celda se bifurcó: los hijos no declaran
    _spare_memory()
    _write_frame(channel, json.dumps({"cells": errors}).encode())
    # Una alarma que dejó una celda no debe sonar en medio de una pregunta.
    signal.setitimer(signal.ITIMER_REAL, 0)
    _answer_all(task["questions"], namespace, orders, channel)
    os._exit(0)


def _spare_memory() -> None:
    """Un respiro tras las celdas: si llenaron la memoria, aún se puede preguntar."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _write_frame(channel: int, text: bytes) -> None:
    data = memoryview(wire.frame(text))
    while data:
        data = data[os.write(channel, data) :]


def _answer_all(questions: list[dict], namespace: dict, orders: int, channel: int) -> None:
    """Contesta las preguntas desde un hijo.

    Si el hijo muere, o el juez manda cortarlo, pierde solo la pregunta en que estaba: otro sigue con las
    demás. Uno por pregunta aislaría lo mismo, pero bifurcarse es lo más caro que aquí se hace.
    """
    done = 0
    while done < len(questions):
        source, child = _start_answering(questions[done:], namespace)
        done, problem = _relay(source, channel, done, len(questions), orders)
        os.close(source)
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _bury(child)
        if problem:
            done += 1
            _write_frame(channel, json.dumps({"state": problem, "code": code}).encode())


def _start_answering(questions: list[dict], namespace: dict) -> tuple[int, int]:
    source, sink = os.pipe()
    child = _fork_patiently()
    if child:
        os.close(sink)
        return source, child
    try:
        os.close(source)
        os.setpgid(0, 0)
        for question in questions:
            _write_frame(sink, _evaluate(question, namespace))
    finally:
        os._exit(0)


def _relay(source: int, channel: int, done: int, total: int, orders: int) -> tuple[int, str]:
    """Pasa las respuestas al juez según llegan; cuántas van, y por qué no llegan más, si faltan."""
    buffer = bytearray()
    while done < total:
        ready = select.select([source, orders], [], [])[0]
        if source in ready:
            piece = os.read(source, 1 << 16)
            buffer += piece
            try:
                while done < total and (answer := wire.take_frame(buffer)) is not None:
                    _write_frame(channel, answer)
                    done += 1
            except wire.WireError:
                return done, wire.CRASH
            if not piece and done < total:
                return done, wire.CRASH
        # La orden pudo cruzarse con la respuesta: dice de qué pregunta es.
        if orders in ready and os.read(orders, 1) in (b"", bytes([done % 256])):
            return done, wire.TIMEOUT
    return done, ""


def _bury(group: int) -> None:
    """Espera a que acabe de morir un grupo al que se mató: hasta entonces ocupa el cupo de procesos."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def _fork_patiently() -> int:
    """Se bifurca; si el cupo de procesos está lleno, espera un poco a los que estén terminando."""
    for _ in range(200):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # el recluso adopta a los huérfanos
                pass
        with contextlib.suppress(BlockingIOError):
            return os.fork()
        time.sleep(0.01)
    return os.fork()


def _evaluate(question: dict, namespace: dict) -> bytes:
    if question["name"] not in namespace:
        return json.dumps({"state": wire.MISSING}).encode()
    cells.seed_everything()
    cases = question["cases"]
    try:
        restored = [running.restore_case(case) for case in wire.decode(cases, tensors=True)]
        outcomes = running.run(namespace[question["name"]], restored, tuple(question["forbids"]))
        described = [(outcome.value, outcome.error, outcome.untried) for outcome in outcomes]
        return wire.dumps({"state": wire.OK, "outcomes": wire.encode(described)})
    except wire.WireError as error:
        return json.dumps({"state": wire.CRASH, "reason": f"{error}"}).encode()
    except BaseException as error:
        failed = (None, cells.describe_error(error), False)
        return wire.dumps({"state": wire.OK, "outcomes": wire.encode([failed] * len(cases))})
