"""El lado de dentro de la cárcel: un proceso precargado que se bifurca por cada entrega.

Se ejecuta como programa suelto (`python -S __main__.py AJUSTES`). El proceso precargado importa las
bibliotecas una vez y no lee nunca una entrega: por cada una nace un recluso (`inmate`), en espacios de
nombres propios, y aquí solo se mide cuánto gasta, se le corta si se pasa y se limpia tras él.

La entrada es un canal de mensajes con el juez. Llega `entrega`, con dos tuberías recién hechas (el
encargo y las respuestas), y luego `fin`; salen `listo`, lo que va `gastado`, el `tope` que pasó, si ha
`muerto`, y `limpio`. Donde no puede haber espacios de nombres por entrega, el proceso precargado sirve
a una sola y termina: lo que ella le hiciera muere con él.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

import kernel  # a su lado: del paquete todavía no se ve nada

_TICK, _WARNINGS = 0.1, 6


def main() -> None:
    settings = json.loads(sys.argv[1])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))  # el tope del juez no es el de la cárcel
    if settings["change_root"]:
        kernel.change_root(settings["mounts"], settings["folder"])
    sys.path[:] = settings["path"]
    global cells, inmates, usage
    cells, inmates, usage = (
        importlib.import_module(f"coursekit.grading.jail.inside.{name}")
        for name in ("cells", "inmate", "usage")
    )
    for name in settings["imports"]:
        importlib.import_module(name)
    cells.seed_everything()
    settings["address_space"] = kernel.address_space(settings["megabytes"])
    kernel.go_first()
    settings["filter"] = base64.b64decode(settings["filter"])
    kernel.become(settings["uid"])
    open(os.__file__).close()  # en casa de root, otro usuario puede no llegar a las bibliotecas
    os.chdir(settings["folder"])
    settings["nested"] = settings["nested"] and _can_nest(settings["folder"])
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=0) as control:
        _serve(settings, control)


def _can_nest(folder: str) -> bool:
    """Prueba si cada entrega puede tener sus espacios de nombres."""
    try:
        child = kernel.fork_isolated(folder)
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _serve(settings: dict, control: socket.socket) -> None:
    _say(control, listo=usage.spent(), anida=settings["nested"])
    while True:
        order, pipes, *_ = socket.recv_fds(control, 64, 2)
        if order != b"entrega":
            return
        inmate = kernel.fork_isolated(settings["folder"]) if settings["nested"] else os.fork()
        if inmate == 0:
            inmates.live(settings, *pipes)
        for pipe in pipes:
            os.close(pipe)
        _watch(inmate, settings, control)
        # Sin «limpio», el juez derriba la cárcel entera y levanta otra.
        if not _kill_everyone():
            return
        _say(control, limpio=usage.spent())
        if not settings["nested"]:
            return


def _say(control: socket.socket, **words: object) -> None:
    control.send(json.dumps(words).encode())


def _watch(inmate: int, settings: dict, control: socket.socket) -> None:
    """Vigila al recluso hasta que el juez manda terminar."""
    meter, warnings = usage.Meter(settings), _WARNINGS
    death = os.pidfd_open(inmate)
    watched = [control, death]
    while control not in (ready := select.select(watched, [], [], _TICK)[0]):
        if death in ready:
            watched.remove(death)
            _say(control, muerto=os.waitstatus_to_exitcode(os.waitpid(inmate, 0)[1]))
        elif death in watched:
            _say(control, gastado=meter.read())
            if meter.excess and warnings and meter.excess != usage.FULL:
                # Primero a lo que puso en marcha: quizá sea una pregunta, y las demás pueden seguir.
                # Mientras, el recluso está parado: si pone en marcha otros más deprisa, no se acabaría.
                warnings -= 1
                _signal(inmate, signal.SIGSTOP)
                _kill(lambda: set(usage.family()) - {inmate})
                _signal(inmate, signal.SIGCONT)
            elif meter.excess:
                _say(control, tope=meter.excess)
                watched.remove(death)
                _kill_everyone()
    os.close(death)
    control.recv(64)


def _kill_everyone() -> bool:
    """Acaba con el recluso y con cuanto dejó en marcha; `False` si algo sobrevive."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        _kill(lambda: set(usage.family()))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        time.sleep(0.0005)
    return False


def _kill(find: Callable[[], set[int]]) -> None:
    """Mata a unos procesos que mientras tanto pueden ser más."""
    family = set()
    # Primero se les para: matarlos de uno en uno haría sitio a una bomba de procesos.
    while found := find() - family:
        family |= found
        for pid in found:
            _signal(pid, signal.SIGSTOP)
    for pid in family:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


if __name__ == "__main__":
    main()
