"""El lado de dentro de la cárcel: un proceso precargado que se bifurca por cada entrega.

Se ejecuta como programa suelto (`python inside.py AJUSTES`). El proceso precargado importa las
bibliotecas una vez y no lee nunca una entrega: por cada una nace un *recluso*, en espacios de
nombres propios, que lee el encargo, ejecuta las celdas y se bifurca otra vez para contestar. De aquí
no sale un veredicto, solo los valores que la respuesta dio en cada caso: nada que falsificar.

Por la entrada llegan `E` y un encargo, o `.` (terminar con él); por la salida van las tramas del
recluso; por la de errores, las líneas del proceso precargado: `listo`, `muerto`, `limpio`.
"""

from __future__ import annotations

import os
import sys

# Se busca donde está el paquete y no en la carpeta de este archivo, que taparía otros módulos.
sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

import contextlib
import gc
import importlib
import json
import random
import resource
import select
import shutil
import signal
import time
import types
from pathlib import Path

import coursekit

_EXERCISES, _JAIL = "coursekit.exercises", "coursekit.grading.jail"
_SPARE_BYTES = 256 << 20


def main() -> None:
    settings = json.loads(sys.argv[1])
    _install_stub()
    if settings["change_root"]:
        kernel.change_root(**settings["layout"], folder=settings["folder"])
    for name in settings["imports"]:
        importlib.import_module(name)
    _seed_everything()
    global _filter
    _filter = kernel.compile_filter() if kernel else b""
    settings["address_space"] = _address_space(settings["megabytes"])
    _become(settings["uid"])
    os.chdir(settings["folder"])
    if kernel and settings["confine"]:
        settings["layout"]["readonly"].append("/proc")
        kernel.confine(**settings["layout"], writable=[settings["folder"]])
    settings["nested"] = settings["nested"] and _can_nest(settings["folder"])
    gc.collect()
    gc.freeze()
    _say("listo", _spent())
    _serve(settings)


def _install_stub() -> None:
    """`coursekit.exercises` sin ejercicios: se abre cualquier conjunto, y `check` y `hint` no hacen nada."""
    global kernel, wire, running, cells
    stub = types.ModuleType(_EXERCISES)
    nothing = lambda *arguments, **options: None  # noqa: E731
    stub.open_set = lambda *arguments, **options: (nothing, nothing)
    sys.modules[_EXERCISES] = coursekit.exercises = stub
    stub.__path__ = [os.path.join(os.path.dirname(coursekit.__file__), "exercises")]
    running = importlib.import_module(f"{_EXERCISES}.running")
    stub.__path__ = []
    wire, cells = (importlib.import_module(f"{_JAIL}.{name}") for name in ("wire", "cells"))
    kernel = importlib.import_module(f"{_JAIL}.kernel") if sys.platform == "linux" else None


def _become(uid: int | None) -> None:
    """Deja de ser root, si lo era, y cierra la puerta a recuperar privilegios."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if kernel:
        kernel.drop_privileges()
        kernel.adopt_orphans()
        kernel.hide_memory()


def _address_space(megabytes: int) -> int | None:
    """El espacio de direcciones de una entrega: lo ya cargado y `megabytes` más."""
    if not kernel:
        return None
    # Si aun así falta memoria, que el núcleo elija a estos procesos y no a los del docente.
    Path("/proc/self/oom_score_adj").write_text("1000")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize() + (megabytes << 20)


def _can_nest(folder: str) -> bool:
    """Prueba si cada entrega puede tener sus espacios de nombres."""
    try:
        child = kernel.fork_isolated(folder)
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _say(*words: object) -> None:
    os.write(2, (" ".join(map(str, words)) + "\n").encode())


# --- El proceso precargado ---------------------------------------------------------------------


def _serve(settings: dict) -> None:
    while os.read(0, 1) == b"E":
        busy, reading = os.pipe()
        inmate = kernel.fork_isolated(settings["folder"]) if settings["nested"] else os.fork()
        if inmate == 0:
            os.close(busy)
            _imprison(settings, reading)
        os.close(reading)
        os.read(busy, 1)  # termina cuando el recluso ha leído su encargo
        os.close(busy)
        _wait_for_order(inmate)
        if not _kill_everyone(inmate):
            return  # sin «limpio», el juez derriba la cárcel entera y levanta otra
        if not settings["nested"]:
            _empty_folders(settings["folder"], *([] if settings["confine"] else ["/dev/shm"]))
        _say("limpio", _spent())


def _spent() -> float:
    """Segundos de procesador gastados hasta ahora, aquí y en todas las entregas."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _wait_for_order(inmate: int) -> None:
    """Espera a que el juez mande terminar; si el recluso muere antes, lo anuncia."""
    alive = True
    while not select.select([0], [], [], 0.01 if alive else None)[0]:
        code = _reap(inmate)
        if code is not None:
            alive = False
            _say("muerto", code)
    os.read(0, 1)


def _reap(inmate: int) -> int | None:
    """Recoge a los hijos terminados; el código de salida del recluso si es uno de ellos."""
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == inmate:
                return os.waitstatus_to_exitcode(found[1])
    except ChildProcessError:
        return 0
    return None


def _kill_everyone(inmate: int) -> bool:
    """Acaba con el recluso y con cuanto dejó en marcha; `False` si algo sobrevive."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        # Primero se les para: matarlos de uno en uno haría sitio a una bomba de procesos.
        family = set()
        while (found := _descendants(inmate)) - family:
            family |= found
            for pid in found:
                _signal(pid, signal.SIGSTOP)
        for pid in family:
            _signal(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        time.sleep(0.0005)
    return False


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _descendants(inmate: int) -> set[int]:
    """Los procesos vivos que descienden de este, según /proc; donde no lo hay, el recluso."""
    if not os.path.isdir("/proc/self"):
        return {inmate}
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(entry)] = int(parent)
    found, more = set(), {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    return found


def _empty_folders(*folders: str) -> None:
    """Que la entrega siguiente no encuentre nada de esta, donde comparten carpetas."""
    for folder in filter(os.path.isdir, folders):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)


# --- El recluso --------------------------------------------------------------------------------


def _imprison(settings: dict, reading: int) -> None:
    """La vida del recluso: se pone límites, lee el encargo, cierra las puertas y lo cumple."""
    try:
        _prepare(settings)
        job = wire.loads(_read_frame(0))
        os.close(reading)
        channel = _close_doors()
        _serve_sentence(job, channel)
    except BaseException as error:
        os.write(2, f"fallo {error!r:.300}\n".encode())
    finally:
        os._exit(3)


def _prepare(settings: dict) -> None:
    os.setsid()
    if settings["nested"]:
        kernel.drop_privileges()
        os.chdir(settings["folder"])
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 32 << 20,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: settings["processes"],
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    if settings["address_space"]:
        space = settings["address_space"]
        resource.setrlimit(resource.RLIMIT_AS, (space, space + _SPARE_BYTES))
    if kernel:
        kernel.apply_filter(_filter)


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


def _close_doors() -> int:
    """Entrada, salida y errores dan a la nada; queda un solo canal hacia el juez."""
    channel = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.set_inheritable(channel, False)
    return channel


def _serve_sentence(job: dict, channel: int) -> None:
    namespace, me = cells.new_namespace(), os.getpid()
    _seed_everything()
    errors = cells.run_cells(job["cells"], namespace, job["rescue"])
    if os.getpid() != me:
        os._exit(0)  # una celda se bifurcó: los hijos no declaran
    _spare_memory()
    _write_frame(channel, json.dumps({"cells": errors}).encode())
    # Una alarma que dejó una celda no debe sonar en medio de una pregunta.
    signal.setitimer(signal.ITIMER_REAL, 0)
    _answer_all(job["questions"], namespace, job["seconds"], channel)
    os._exit(0)


def _spare_memory() -> None:
    """Un respiro tras las celdas: si llenaron la memoria, aún se puede preguntar."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _write_frame(channel: int, text: bytes) -> None:
    data = memoryview(wire.frame(text))
    while data:
        data = data[os.write(channel, data) :]


def _answer_all(questions: list[dict], namespace: dict, seconds: float, channel: int) -> None:
    """Contesta las preguntas desde un hijo, cada una con su plazo.

    Si el hijo muere o se cuelga, pierde solo la pregunta en que estaba: otro sigue con las demás.
    Uno por pregunta aislaría lo mismo, pero bifurcarse es lo más caro que aquí se hace.
    """
    pending = list(questions)
    while pending:
        source, child = _start_answering(pending, namespace)
        problem = _relay(source, channel, pending, seconds)
        os.close(source)
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if pending:
            pending.pop(0)
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


def _relay(source: int, channel: int, pending: list[dict], seconds: float) -> str:
    """Pasa las respuestas al juez según llegan; el motivo por el que no llegan más."""
    buffer, deadline = bytearray(), time.monotonic() + seconds
    while pending:
        left = deadline - time.monotonic()
        if left <= 0:
            return "tiempo agotado"
        if not select.select([source], [], [], left)[0]:
            continue
        piece = os.read(source, 1 << 16)
        buffer += piece
        try:
            while pending and (answer := wire.take_frame(buffer)) is not None:
                _write_frame(channel, answer)
                pending.pop(0)
                deadline = time.monotonic() + seconds
        except wire.WireError:
            return "caída"
        if not piece:
            return "caída"
    return ""


def _fork_patiently() -> int:
    """Se bifurca; si una pregunta llenó el cupo de procesos, espera a que terminen de morir."""
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
        return json.dumps({"state": "falta"}).encode()
    _seed_everything()
    cases = question["cases"]
    try:
        restored = [running.restore_case(case) for case in wire.decode(cases, tensors=True)]
        outcomes = running.run(namespace[question["name"]], restored, tuple(question["forbids"]))
        described = [(outcome.value, outcome.error, outcome.untried) for outcome in outcomes]
        return wire.dumps({"state": "respuesta", "outcomes": wire.encode(described)})
    except wire.WireError as error:
        return json.dumps({"state": "caída", "reason": f"{error}"}).encode()
    except BaseException as error:
        failed = (None, cells.describe_error(error), False)
        return wire.dumps({"state": "respuesta", "outcomes": wire.encode([failed] * len(cases))})


def _seed_everything() -> None:
    """Que una respuesta al azar sin semilla dé siempre lo mismo."""
    random.seed(0)
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(0)
        np.random.bit_generator.randbits = random.Random(0).getrandbits
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(0)


if __name__ == "__main__":
    main()
