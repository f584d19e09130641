"""Lo que el calificador promete: una prueba, al menos, por cada promesa de la guía docente."""

import ast
import dataclasses
import faulthandler
import io
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from pathlib import Path

import entregas
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from jails import ORDINARY, prefix, public_folder, run_cli, rung

from conftest import ROOT, missing_tool
from coursekit import cli
from coursekit.errors import CourseError
from coursekit.exercises.exercise import Exercise, ExerciseSet, OpenQuestion
from coursekit.exercises.judging import Judge
from coursekit.exercises.running import Outcome
from coursekit.exercises.sets import load_set
from coursekit.exercises.values import short
from coursekit.grading import batch as batches
from coursekit.grading.batch import grade_batch
from coursekit.grading.jail import warden
from coursekit.grading.jail.inside import kernel, wire
from coursekit.grading.jail.protections import free_uid
from coursekit.grading.jail.warden import Jail
from coursekit.grading.journal import Share, _checksum, _header_line, merge, read_journal, write_journal
from coursekit.grading.platforms.moodle import fill_sheet
from coursekit.grading.results import ExerciseGrade
from coursekit.grading.scales import find_scale
from coursekit.grading.submissions import Notebook, Unreadable, find_submissions, open_answers

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="el calificador se prueba en Linux"),
    pytest.mark.xdist_group("cárcel"),
]
GOOD = entregas.notebook(["x = 1"])
CLEAR = ExerciseSet(
    "claro", "Claro",
    (Exercise("dobla", "double", 1, lambda x: 2 * x, (), (), cases=lambda rng: [(int(rng.integers(9)),)]),),
)  # fmt: skip
RIGHT = "def double(x): return 2 * x"


def write(folder, **codes):
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in codes.items():
        (folder / f"{name}.ipynb").write_bytes(entregas.notebook([code]))
    return folder


def points(batch):
    return {grade.student: grade.points for grade in batch.grades}


# --- 1. Un valor no hace daño al juez --------------------------------------------------------

SETS = [load_set("coocurrencia-ppmi"), load_set("rnn-desde-cero")]
JUDGES = [Judge(e, e.draw("s"), reveal=False) for one in SETS for e in one.exercises]

# Un mensaje se describe en pocas palabras y se escribe después: así cabe en la memoria de la prueba.
leaves = st.sampled_from(["null", "true", "1", "-2.5", "NaN", "1e999", '"a"', "9" * 4000, "{}", "[]"])
shapes = st.lists(st.sampled_from([0, 1, 2, 2**10, 2**22, 2**30, 2**39]), max_size=4)
arrays = st.builds(
    lambda dtype, shape, raw: json.dumps({"array": [dtype, shape, raw]}),
    st.sampled_from(["<f8", "|b1", "|u1", "<f2"]), shapes, st.sampled_from(["", "AAAAAAAAAAA="]),
)  # fmt: skip
texts = st.integers(1, 60_000).map(lambda n: ("text", n))
recipes = st.recursive(
    leaves | arrays | texts,
    lambda inner: st.tuples(
        st.sampled_from(["list", "tuple", "dict", "deep"]), inner,
        st.sampled_from([1, 2, 3, 7, 500, 20_000, 250_000]), st.none() | inner,
    ),
    max_leaves=6,
)  # fmt: skip


def message(recipe):
    """El texto que describe una receta; hasta lo que cabe en una trama."""
    if isinstance(recipe, str):
        return recipe
    if recipe[0] == "text":
        return '"' + "x" * recipe[1] + '"'
    kind, inner, times, last = recipe
    inner, last = message(inner), message(last) if last is not None else None
    if kind == "deep":
        return "[" * min(times, 900) + inner + "]" * min(times, 900)
    item = f"[{inner},{inner}]" if kind == "dict" else inner
    times = max(1, min(times, (wire.MAX_BYTES - len(last or "")) // (len(item) + 1)))
    body = ",".join([item] * times + ([last] if last is not None and kind != "dict" else []))
    return f"[{body}]" if kind == "list" else f'{{"{kind}":[{body}]}}'


@pytest.fixture(scope="module")
def half_a_gigabyte():
    """Este proceso, con medio giga más de lo que ya tiene: pasarse es un error, y no un error que se calla."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (kernel.address_space(512), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


NOTHING = '{"array":["<f8",[1073741824,0],""]}'
ROWS = '{"array":["<f8",[4194304,0],""]}'


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(recipes)
@example(NOTHING)
@example(("list", ROWS, 20_000, None))
@example(("list", '"a"', 20_000, ("text", 60_000)))
@example(("list", ("list", '"a"', 100, None), 200, ("list", ("text", 60_000), 1, None)))
@example(("list", "[]", 250_000, None))
@example(("list", "[]", 2_000_000, None))
@example(("dict", ("tuple", "0", 30, None), 20_000, None))
@example(("list", '{"array":["|u1",[8],"AAAAAAAAAAA="]}', 20_000, None))
def test_what_an_answer_says_costs_the_judge_what_it_weighs(half_a_gigabyte, recipe):
    text, start = message(recipe).encode(), time.process_time()
    try:
        value = wire.decode(wire.loads(text))
    except wire.WireError as error:
        assert "MemoryError" not in str(error)
        return
    for judge in JUDGES:
        try:
            judge.verdict([Outcome(value)] * len(judge.cases))
        except MemoryError:
            raise
        except Exception:
            pass  # se califica como incorrecto: lo prueba otra
    # Lo que cuesta más de lo que pesa no tarda el doble: no termina. El margen es para un equipo ocupado.
    assert time.process_time() - start < 60


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=2), inner, max_size=9)
    | st.lists(inner, max_size=3).map(tuple),
)  # fmt: skip


@given(plain.filter(lambda value: not isinstance(value, float)))
def test_a_value_is_shown_as_python_writes_it(value):
    whole = " ".join(repr(value).split())
    assert short(value) == (whole if len(whole) <= 70 else whole[:69] + "…")


def seconds_of(action):
    start = time.process_time()
    action()
    return time.process_time() - start


def test_showing_a_value_costs_what_is_shown():
    # Escribirlo entero serían varios segundos, y se escribe una vez por error clásico.
    for value in ([np.zeros(1, "u1")] * 150_000, {n: [np.zeros(1)] * 30 for n in range(5000)}):
        assert seconds_of(lambda: short(value)) < 0.5  # noqa: B023


def test_keys_chosen_to_collide_do_not_cross():
    # -1 y -2 tienen la misma huella: todas estas tuplas chocan, y compararlas es recorrerlas.
    tuples = [{"tuple": [0.0] * 20 + list(tail)} for tail in itertools.product((-1, -2), repeat=12)]
    with pytest.raises(wire.WireError):
        wire.decode({"dict": [[key, 1] for key in tuples]})


def test_errors_of_cells_are_a_list_or_nothing():
    for errors in ("x" * 10, {"x": 1}, 3):
        assert warden._read_cell_errors(json.dumps({"cells": errors}).encode()) == ()
    assert warden._read_cell_errors(b'{"cells": [null, "x"]}') == (None, "x")


def test_reading_answers_costs_what_they_weigh():
    cells = (("markdown", "**Respuesta (a):** uno"), *[("markdown", "x" * 40)] * 180_000)
    question = OpenQuestion("a", "¿?", "", 1)
    assert seconds_of(lambda: open_answers(Notebook(cells), [question])) < 2
    (answer,) = open_answers(Notebook(cells[:3]), [question])
    assert answer.answer == "uno\n" + "x" * 40 + "\n" + "x" * 40


def break_judge(how):
    """Un conjunto cuya comparación, nuestra, hace `how` con quien contesta «daño»."""

    def accepts(case, value):
        if value == "daño":
            how()
        return None

    exercise = dataclasses.replace(CLEAR.exercises[0], accepts=accepts)
    return dataclasses.replace(CLEAR, exercises=(exercise,))


def abort():
    """Sin el volcado de pytest, que llenaría la pantalla de quien prueba de errores esperados."""
    faulthandler.disable()
    os.abort()


@pytest.mark.parametrize(
    "how",
    [abort, lambda: np.empty(4 << 30, "u1"), lambda: os.kill(os.getpid(), 9), lambda: sum(iter(int, 1)),
     lambda: exec("raise SystemExit")],
    ids=["aborta", "memoria", "muere", "no termina", "sale"],
)  # fmt: skip
def test_a_submission_that_breaks_the_judge_costs_its_own_row(tmp_path, monkeypatch, how):
    monkeypatch.setattr(batches, "JUDGE_SECONDS", 0.5)
    folder = write(tmp_path / "e", ana=RIGHT, mal="def double(x): return 'daño'", zoe=RIGHT)
    journal = tmp_path / "lote.jsonl"
    for _ in range(2):  # también al reanudar
        batch = grade_batch(folder, break_judge(how), "s", workers=2, journal=journal)
        assert points(batch) == {"ana": 1, "mal": 0, "zoe": 1}


# --- 2. Todo lo que hay en la carpeta tiene su fila ------------------------------------------


def deep_tree(path, levels=1500):
    path.mkdir()
    place = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


def broken_zips():
    """Zip rotos de todas las maneras que se ven."""

    def packed(method, name="tarea.ipynb"):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", method) as archive:
            archive.writestr(name, GOOD)
        return bytearray(target.getvalue())

    for name, method in (("deflate", 8), ("bzip2", 12), ("lzma", 14)):
        whole = packed(method)
        for place in (30 + 11, 30 + 14, 30 + 30):
            bad = bytearray(whole)
            bad[place : place + 6] = b"\xff" * 6
            yield f"{name}-{place}", bytes(bad)
    names = packed(8)
    places = [match.start() for match in re.finditer(b"tarea", names)]
    for place in places:
        names[place : place + 2] = b"\xff\xfe"
    for header, flag in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        names[names.index(header) + flag + 1] |= 8  # dice que el nombre es UTF-8
    yield "nombres", bytes(names)
    offset = packed(8)
    end = offset.rindex(b"PK\x05\x06")
    offset[end + 16 : end + 20] = b"\xff\xff\xff\x7f"
    yield "lejos", bytes(offset)
    yield (
        "zip64",
        bytes(packed(8)[:-22])
        + b"PK\x06\x06"
        + b"\xff" * 52
        + b"PK\x06\x07"
        + b"\xff" * 16
        + bytes(offset[end:]),
    )
    huge = packed(14)
    huge[30 + 11 + 5 : 30 + 11 + 9] = b"\xff\xff\xff\xff"  # un diccionario de cuatro gigas
    yield "diccionario", bytes(huge)


@pytest.fixture
def odd_folder(tmp_path):
    folder = write(tmp_path / "entregas", ana=RIGHT, zoe=RIGHT)
    deep_tree(folder / "honda")
    for name, content in broken_zips():
        (folder / f"{name}.zip").write_bytes(content)
    for name in ("solo punto/.ipynb", "solo ds/.DS_Store", "solo copias/.ipynb_checkpoints/t.ipynb"):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(GOOD if name.endswith(".ipynb") else b"x")
    for name in (
        "suelto.py",
        "tarea.ipynb.txt",
        "Eva.ipynb",
        "eva.ipynb",
        "Jos\u00e9.ipynb",
        "Jose\u0301.ipynb",
    ):
        (folder / name).write_bytes(GOOD)
    (folder / "carpeta.ipynb").mkdir()
    (folder / "de nadie.ipynb").symlink_to("no existe")
    os.mkfifo(folder / "tubo.ipynb")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.ipynb")).write_bytes(GOOD)
    (folder / "\\udcff\\udcfe.ipynb").write_bytes(GOOD)  # se escribe igual que la anterior
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_every_file_and_folder_gives_a_row(odd_folder):
    batch = grade_batch(odd_folder, CLEAR, "s", workers=2)
    assert len(batch.grades) == len(list(odd_folder.iterdir()))
    assert len({grade.file for grade in batch.grades}) == len(batch.grades)
    states = {grade.file: (grade.state, grade.reason) for grade in batch.grades}
    for name in ("suelto.py", "tarea.ipynb.txt", "honda", "solo ds", "solo copias", "carpeta.ipynb",
                 "de nadie.ipynb", "tubo.ipynb", *(f"{name}.zip" for name, _ in broken_zips())):  # fmt: skip
        state, reason = states[name]
        assert state == "ilegible" and reason, name
    assert states["solo punto/.ipynb"][0] == "sin intentar"
    for submission in find_submissions(odd_folder):
        try:
            submission.read()
        except Unreadable as problem:
            assert str(problem)
    assert points(batch)["ana"] == points(batch)["zoe"] == 1


def flipped_zip():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tarea.ipynb", GOOD)
        archive.writestr("otra/tarea.ipynb", GOOD)
    return whole.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(flipped_zip()) - 1), st.integers(0, 255)), max_size=6))
def test_a_zip_with_any_bytes_changed_is_read_or_says_why_not(tmp_path, changes):
    raw = bytearray(flipped_zip())
    for place, byte in changes:
        raw[place] = byte
    (tmp_path / "ana.zip").write_bytes(raw)
    (submission,) = find_submissions(tmp_path)
    try:
        assert isinstance(submission.read(), bytes)
    except Unreadable as problem:
        assert str(problem)


def test_the_results_cannot_be_among_the_submissions(tmp_path, capsys):
    folder = write(tmp_path / "e", ana=RIGHT)
    for out in (folder / "notas", folder, tmp_path / "x" / ".." / "e" / "notas"):
        assert cli.main(["calificar", str(folder), "--conjunto", entregas.SET, "--salida", str(out)]) == 1
        assert "está dentro de las entregas" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["ana.ipynb"]


# --- 3. Nada pasa de una entrega a la siguiente, y 5. la cárcel ve lo que debe ---------------

ASK = """
import sys
sys.path[:0] = {path!r}
from coursekit.grading.jail.protections import LADDER, Settings
from coursekit.grading.jail.warden import Jail, Question
(protection,) = [rung for rung in LADDER if rung.name == {name!r}]
with Jail(protection, Settings(("numpy",), megabytes={megabytes})) as jail:
    for code in {codes!r}:
        seen = jail.examine([code], [Question("seen", ((),))], {seconds})
        outcomes = seen.answers[0].outcomes
        print(repr(outcomes[0].value if outcomes else (seen.state, seen.reason)))
"""
JAILS = ["bubblewrap", "bubblewrap-usuario", "bubblewrap-usuario-sin-anidar", "unshare", "unshare-usuario"]


def ask(spec, *codes, path=(), megabytes=1024, seconds=20, **options):
    """Lo que vale `seen` en una entrega, y en la siguiente, y en la otra; o qué les pasó."""
    name, before = prefix(spec)
    if not before:
        rung(name)
    codes = [textwrap.dedent(code) for code in codes]
    program = ASK.format(path=list(path), name=name, codes=codes, megabytes=megabytes, seconds=seconds)
    command = [*before, sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=100, **options)
    assert done.returncode == 0, done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


WRITABLE = """
import os, stat
seen = []
for folder, folders, files in os.walk('/'):
    if folder.startswith(('/proc', '/sys')): folders.clear(); continue
    if os.access(folder, os.W_OK): seen.append(folder)
    seen += [f'{folder}/{name}' for name in files if os.access(f'{folder}/{name}', os.W_OK)
             and not stat.S_ISCHR(os.stat(f'{folder}/{name}').st_mode)]
    folders[:] = [name for name in folders if not os.path.islink(f'{folder}/{name}')]
"""


@pytest.mark.parametrize("spec", JAILS)
def test_only_two_small_folders_can_be_written_and_each_finds_them_empty(spec):
    note = "import os\nseen = []\nfor p in ('/tmp/n', '/dev/shm/n'):\n    seen.append(os.path.exists(p)); open(p, 'w')"
    size = "import os\nd = [os.statvfs(p) for p in ('/tmp', '/dev/shm')]\nseen = [x.f_blocks * x.f_frsize >> 20 for x in d]"
    writable, first, second, sizes = ask(spec, WRITABLE, note, note, size)
    assert sorted(writable) == ["/dev/shm", "/tmp"]
    assert first == second == [False, False]
    assert max(sizes) <= 32


@pytest.mark.parametrize("spec", JAILS)
def test_nothing_of_the_course_but_the_list_is_visible(spec):
    look = """
        import os, sys
        seen = []
        for folder, folders, files in os.walk('/'):
            folders[:] = [f for f in folders if f not in ('proc', 'sys')]
            seen += [f'{folder}/{name}' for name in files if name.endswith(('.ipynb', '.md', '.jsonl', '.txt'))]
        seen = [seen, sys.path, 'coursekit.exercises.sets' in sys.modules]
        """
    ((files, path, sets),) = ask(spec, look)
    assert not sets and not any(str(ROOT) == entry for entry in path)
    own = [f for f in files if f.startswith(str(ROOT)) and "/site-packages/" not in f]
    assert own == [] and not any(name in f for f in files for name in ("solutions/", "semilla", "lote.jsonl"))


def test_a_course_cloned_among_the_system_libraries_shows_no_more(tmp_path):
    if os.geteuid() != 0:
        missing_tool("solo root puede copiar el curso en /usr")
    places = [Path("/usr/src/curso-de-prueba"), Path("/usr/lib/curso-de-prueba")]
    try:
        for course in places:
            shutil.copytree(ROOT / "coursekit", course / "coursekit")
            (course / "solutions").mkdir()
            (course / "solutions" / "x.md").write_text("solución")
            look = f"import os\nseen = [os.path.join(p, n) for p, _, names in os.walk('{course}') for n in names]"
            for spec in ("bubblewrap", "unshare"):
                assert ask(spec, look, path=[str(course)]) == [[]]
    finally:
        for course in places:
            shutil.rmtree(course, ignore_errors=True)


def test_a_plain_submission_changes_no_permission_and_reserves_no_disk():
    """Ni los de la cárcel de la siguiente, que es del mismo usuario."""
    change = """
        import ctypes, os, shutil, sys
        here = os.getcwd()
        home = os.path.dirname(here)
        for path in (home, os.path.dirname(home), f'{home}/curso', f'{home}/curso/coursekit', *sys.path):
            for how in (lambda: os.chmod(path, 0), lambda: os.utime(path, (0, 0)),
                        lambda: ctypes.CDLL(None).syscall(452, -100, path.encode(), 0, 0)):
                try: how()
                except OSError: pass
        open('a', 'w').write('x')
        shutil.copy2('a', 'b')
        seen = open('b').read()
        """
    reserve = """
        import ctypes, os
        fd = os.open('x', os.O_RDWR | os.O_CREAT)
        seen = ctypes.CDLL(None).fallocate(fd, 1, ctypes.c_long(0), ctypes.c_long(1 << 30))
        """
    assert ask("proceso-usuario", change, reserve, "seen = 3") == ["x", -1, 3]


def test_judges_that_start_together_choose_different_users():
    if os.geteuid() != 0:
        pytest.skip("solo root califica con otro usuario")
    hear, tell = os.pipe()
    children = []
    for _ in range(200):
        if (child := os.fork()) == 0:
            os.write(tell, f"{free_uid()}\n".encode())
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    os.close(tell)
    with os.fdopen(hear) as file:
        uids = file.read().split()
    assert len(set(uids)) == len(uids) == 200


def test_every_package_that_a_student_imports_is_visible():
    from coursekit.grading.jail.protections import VISIBLE

    used = set()
    for source in [*ROOT.glob("exercises/*.md"), *ROOT.glob("book/**/*.md")]:
        for rooms in re.findall(r"(?m)^(?:from|import) coursekit\.([\w.]+)", source.read_text("utf-8")):
            used.add(rooms.split(".")[0])
    visible = {name.removesuffix(".py").split("/")[0] for name in VISIBLE} | {"exercises"}
    # Los experimentos publicados los lee el libro, y calificar es cosa del docente.
    assert used - visible - {"experiments", "grading"} == set() and used


def test_where_nothing_nests_each_submission_has_a_jail_of_its_own_and_it_says_the_cost():
    _, before = prefix("bubblewrap-sin-anidar")
    rung("bubblewrap")
    said = run_cli("calificar", "--diagnostico", before=before).stdout
    assert re.search(
        r"cada una estrena la suya, que cuesta \d+\.\d s con NumPy y \d+\.\d s con PyTorch", said
    )
    assert "estrena" not in run_cli("calificar", "--diagnostico").stdout


def test_a_fall_is_never_taken_from_the_journal(tmp_path, monkeypatch):
    log, real = tmp_path / "encargos", Jail.examine

    def examine(jail, *rest):
        with log.open("a") as file:
            file.write("x")
        return real(jail, *rest)

    monkeypatch.setattr(Jail, "examine", examine)
    folder = write(tmp_path / "e", ana=RIGHT, cae="import os\nos._exit(0)")
    for expected in (2, 3):
        grade_batch(folder, CLEAR, "s", workers=1, seconds=3, journal=tmp_path / "lote.jsonl")
        assert len(log.read_text()) == expected


# --- 4. Los límites son de la entrega entera -------------------------------------------------


def test_a_neighbour_is_not_out_of_time_because_another_spins_forty_children(tmp_path):
    spins = next(c for c in entregas.against_others() if c.name == "cuarenta_hijos").content
    works = "import time\nend = time.process_time() + 1.2\nwhile time.process_time() < end: pass\n" + RIGHT
    folder = write(tmp_path / "e", **{f"b{n}": works for n in range(2)})
    for n in range(2):
        (folder / f"a{n}.ipynb").write_bytes(spins)
    batch = grade_batch(folder, CLEAR, "s", workers=4, seconds=2)
    assert [(g.state, g.points) for g in batch.grades if g.student.startswith("b")] == [("ok", 1)] * 2


def test_frames_sent_just_before_each_deadline_do_not_stretch_it(tmp_path):
    code = entregas.WIRE + textwrap.dedent("""
        import time
        send({'cells': []})
        for _ in range(40):
            time.sleep(0.9)
            send({'state': 'tiempo agotado'})
        """)
    exercises = tuple(dataclasses.replace(CLEAR.exercises[0], id=f"e{n}") for n in range(12))
    batch = grade_batch(
        write(tmp_path / "e", ana=code),
        dataclasses.replace(CLEAR, exercises=exercises),
        "s",
        seconds=1,
        workers=1,
    )
    assert batch.grades[0].seconds < 4 * 1 + 3


def test_the_time_of_children_that_nobody_waits_for_is_counted(tmp_path):
    code = """
        import os, signal, time
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # lo que gastan no llega a nadie
        while True:
            try:
                if os.fork() == 0:
                    end = time.process_time() + 0.008
                    while time.process_time() < end: pass
                    os._exit(0)
            except OSError: pass
        """
    (grade,) = grade_batch(write(tmp_path / "e", ana=code), CLEAR, "s", seconds=1, workers=1).grades
    assert grade.state == "tiempo agotado" and grade.seconds < 8


def test_several_loops_do_not_take_the_time_of_the_rest(tmp_path):
    loops = "".join(f"def f{n}(x):\n    while True: pass\n" for n in range(4))
    exercises = tuple(
        dataclasses.replace(CLEAR.exercises[0], id=f"e{n}", name=f"f{n}" if n < 4 else "double")
        for n in range(6)
    )
    batch = grade_batch(
        write(tmp_path / "e", ana=loops + RIGHT), dataclasses.replace(CLEAR, exercises=exercises), "s",
        seconds=1, workers=1,
    )  # fmt: skip
    assert [e.state for e in batch.grades[0].exercises] == ["tiempo agotado"] * 4 + ["correcto"] * 2


@pytest.mark.parametrize("name", ["bubblewrap", "unshare", "proceso"])
def test_memory_is_counted_over_all_the_processes_of_a_submission(name):
    code = """
        import ctypes, os, time
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # que no se pueda mirar su memoria
        while True:
            try:
                if os.fork() == 0:
                    x = b'x' * (30 << 20)
                    time.sleep(60)
                while os.waitpid(-1, os.WNOHANG)[0]: pass
            except OSError: pass
            time.sleep(0.1)  # más deprisa, con poco procesador, ninguno llega a llenar lo suyo
        """
    shared = """
        import os
        x = b'x' * (40 << 20)
        for _ in range(6):
            if os.fork() == 0:
                sum(x)
                os._exit(0)
        while True:
            try: os.wait()
            except ChildProcessError: break
        seen = 'entre todos, la misma'
        """
    # Con plazo de sobra: en un equipo cargado, matar seis veces a tantos hijos es lento.
    assert ask(name, code, shared, megabytes=64, seconds=60) == [
        ("caída", "gasta demasiada memoria"), "entre todos, la misma",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fills",
    ["for n in range(10**5): open(f'a{n}', 'w').close()",
     "for n in range(40): open(f'a{n}', 'wb').write(bytes(8 << 20))",
     "for n in range(3000): os.mkdir('d'); os.chdir('d')"],
    ids=["nombres", "bytes", "hondura"],
)  # fmt: skip
def test_a_plain_process_that_fills_the_disk_is_cut_and_leaves_nothing(fills):
    code = f"import os, time\n{fills}\ntime.sleep(30)\n"
    with public_folder() as place:
        seen = ask("proceso", code, "seen = 3", env=os.environ | {"TMPDIR": str(place)})
        assert seen == [("caída", "llena el disco"), 3]
        assert list(place.iterdir()) == []


# --- 5. La semilla ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["opción", "entorno", "archivo"])
def test_nobody_reads_the_seed_in_the_process_table(tmp_path, how):
    folder, seed = write(tmp_path / "e", ana="import time\ntime.sleep(3)"), "la-semilla-que-nadie-ve"
    (tmp_path / "s.txt").write_text(seed + "\n")
    words, environment = ["--semilla", seed], {}
    if how == "entorno":
        words, environment = [], {"COURSEKIT_SEMILLA": seed}
    elif how == "archivo":
        words = ["--semilla", f"@{tmp_path / 's.txt'}"]
    command = [sys.executable, "-m", "coursekit.cli", "calificar", str(folder), "--conjunto", entregas.SET,
               "--salida", str(tmp_path / "o"), *words]  # fmt: skip
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    while not (tmp_path / "o" / "lote.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.05)
    seen = [
        path
        for kind in ("cmdline", "environ")
        for path in Path("/proc").glob(f"[0-9]*/{kind}")
        if seed.encode() in read_if_any(path)
    ]
    assert process.wait() == 0 and seen == []
    seeds = {json.loads((tmp_path / "o" / "lote.jsonl").read_text().splitlines()[0])["seed_fingerprint"]}
    with_option = tmp_path / "otra"
    run_cli(
        "calificar",
        folder,
        "--conjunto",
        entregas.SET,
        "--salida",
        with_option,
        "--semilla",
        seed,
        "--plazo",
        1,
    )
    assert seeds == {json.loads((with_option / "lote.jsonl").read_text().splitlines()[0])["seed_fingerprint"]}


def read_if_any(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_an_empty_seed_is_an_error(tmp_path, capsys):
    folder, out = write(tmp_path / "e", ana=RIGHT), tmp_path / "o"
    out.mkdir()
    (out / "semilla.txt").write_text("\n")
    (tmp_path / "vacía").write_text(" ")
    words = ["calificar", str(folder), "--conjunto", entregas.SET, "--salida", str(out)]
    for more in ([], ["--semilla", f"@{tmp_path / 'vacía'}"], ["--semilla", "@/no/hay"]):
        assert cli.main([*words, *more]) == 1
        assert re.search("está vacío|No se puede leer", capsys.readouterr().err)


# --- 6. El lote sobrevive a todo lo que lo rodea ---------------------------------------------


@pytest.fixture
def classroom(tmp_path):
    return write(
        tmp_path / "entregas",
        **{f"alumno{n}": RIGHT if n % 2 else f"def double(x): return {n}" for n in range(6)},
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", bytes(range(256)) * 50, b"{}", b"[1]\n[2]\n", b'{"version": 99}\n{"student": 3}\n',
     b"null\nnull", "ñ".encode("utf-16")],
)  # fmt: skip
def test_any_journal_is_a_journal_or_nothing(classroom, tmp_path, content):
    journal = tmp_path / "lote.jsonl"
    journal.write_bytes(content)
    batch = grade_batch(classroom, CLEAR, "s", workers=1, journal=journal)
    assert sum(points(batch).values()) == 3 and merge([journal])[1] == batch


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4000), st.binary(max_size=5))
def test_a_bitten_journal_loses_only_what_was_bitten(tmp_path, place, bite):
    folder, journal = write(tmp_path / "e", ana=RIGHT, eva=RIGHT, leo=RIGHT), tmp_path / "lote.jsonl"
    whole = grade_batch(folder, CLEAR, "s", workers=1, journal=journal)
    raw = journal.read_bytes()
    journal.write_bytes(raw[:place] + bite)
    assert points(grade_batch(folder, CLEAR, "s", workers=1, journal=journal)) == points(whole)


def test_points_are_never_more_than_they_can_be_nor_nothing_at_all(classroom, tmp_path):
    for value in (1.5, -0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError):
            ExerciseGrade("x", "correcto", value, 1.0)
    journal = tmp_path / "p" / "lote.jsonl"
    batch = grade_batch(classroom, CLEAR, "s", workers=1, journal=journal)
    for value in ("300", "NaN", "-1", "1e999"):
        journal.write_text(re.sub(r'"points": [\d.]+', f'"points": {value}', journal.read_text()))
        assert read_journal(journal) == ()
        with pytest.raises(CourseError, match="no es lo que se escribió"):
            merge([journal])
        assert points(grade_batch(classroom, CLEAR, "s", workers=1, journal=journal)) == points(batch)


def test_shares_that_do_not_fit_are_refused_by_name(classroom, tmp_path):
    def share(name, part, folder=classroom, seed="s", seconds=5):
        path = tmp_path / name / "lote.jsonl"
        grade_batch(folder, CLEAR, seed, workers=1, part=part, journal=path, seconds=seconds)
        return path

    one, two, three = (share(f"p{n}", (n, 3)) for n in (1, 2, 3))
    whole = grade_batch(classroom, CLEAR, "s", workers=1)
    assert points(merge([three, one, two])[1]) == points(whole)

    def refused(paths, *words):
        with pytest.raises(CourseError) as problem:
            merge(paths)
        assert all(word in str(problem.value) for word in words), problem.value

    refused([one, three], "2/3")
    refused([one, one, two, three], "p1", "1/3")
    refused([one, two, share("otra", (3, 3), seed="x")], "otra", "otra semilla")
    refused([one, two, share("plazo", (3, 3), seconds=6)], "plazo")
    refused([one, two, share("cuartos", (3, 4))], "cuartos", "4")
    refused(
        [one, two, share("ajena", (3, 3), folder=write(tmp_path / "f", ana=RIGHT, b=RIGHT, c=RIGHT))], "ajena"
    )
    refused([one, two, tmp_path / "nada" / "lote.jsonl"], "nada")
    text = three.read_text()
    three.write_text(text.replace('"points": 0.0', '"points": 1.0'))
    refused([one, two, three], "p3", "no es lo que se escribió")
    three.write_text("".join(text.splitlines(keepends=True)[:-1]))
    refused([one, two, three], "p3")
    three.write_text(re.sub(r'"suma": "\w+"', '"suma": null', text))
    refused([one, two, three], "p3", "a medias")


@pytest.mark.parametrize("change", [
    {"part": (0, 1)}, {"part": (2, 1)}, {"part": ("1", 2)}, {"part": (1,)}, {"part": (1, 10**12)},
    {"files": ({},)}, {"title": 3},
])  # fmt: skip
def test_a_header_that_cannot_be_is_refused(tmp_path, change):
    share = dataclasses.replace(Share("x", "X", "s", "e", (1, 1), ()), **change)
    path = tmp_path / "p" / "lote.jsonl"
    write_journal(path, dataclasses.replace(share, part=(1, 1)), ())
    path.write_text(_header_line(share, _checksum(share, "")))
    with pytest.raises(CourseError, match="no hay un lote calificado"):
        merge([path])


def tree(folder):
    """Los informes, sin los segundos."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lote.jsonl":
            text = path.read_text("utf-8-sig")
            text = re.sub(r";[^;\n]*\n", "\n", text) if path.suffix == ".csv" else text
            texts[path.relative_to(folder)] = text.partition('"segundos"')[0]
    return texts


def jailed():
    """Los procesos precargados que hay en marcha."""
    return [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"inside/__main__.py" in read_if_any(p)]


def test_killed_at_any_moment_it_goes_on_and_gives_the_same(tmp_path):
    folder = write(tmp_path / "e", **{f"a{n}": "import time\ntime.sleep(0.3)" for n in range(6)})
    words = [
        "calificar",
        folder,
        "--conjunto",
        entregas.SET,
        "--semilla",
        "s",
        "--trabajadores",
        2,
        "--salida",
    ]
    run_cli(*words, tmp_path / "entera")
    before = len(jailed())
    for wanted in (1, 3):
        command = [sys.executable, "-m", "coursekit.cli", *map(str, words), str(tmp_path / "cortada")]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(tmp_path)}
        )
        journal = tmp_path / "cortada" / "lote.jsonl"
        while not journal.exists() or len(read_journal(journal)) < wanted:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 10
    while len(jailed()) > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(jailed()) <= before
    run_cli(*words, tmp_path / "cortada")
    assert tree(tmp_path / "cortada") == tree(tmp_path / "entera")


def test_what_a_dead_order_left_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, other, elsewhere = tmp_path / "coursekit-muerta", tmp_path / "coursekit-ajena", tmp_path / "aparte"
    for folder in (dead / "trabajo-x" / "cerrada", other, elsewhere / "dentro"):
        folder.mkdir(parents=True)
    (dead / "trabajo-x" / "cerrada").chmod(0)
    (tmp_path / "coursekit-enlace").symlink_to(elsewhere)
    if os.geteuid() == 0:
        os.chown(other, ORDINARY, ORDINARY)
    with warden.jail_place() as alive, warden.jail_place() as second:
        assert alive.exists() and second.exists() and not dead.exists()
        assert (elsewhere / "dentro").exists() and (other.exists() or os.geteuid() != 0)
    assert not alive.exists() and not second.exists()


def test_two_orders_on_one_folder_and_the_second_says_so(tmp_path):
    folder, out = write(tmp_path / "e", ana="import time\ntime.sleep(3)"), tmp_path / "o"
    words = ["calificar", folder, "--conjunto", entregas.SET, "--semilla", "s", "--salida", out]
    first = subprocess.Popen(
        [sys.executable, "-m", "coursekit.cli", *map(str, words)], stdout=subprocess.DEVNULL
    )
    while not (out / "lote.jsonl").exists():
        time.sleep(0.05)
    second = run_cli(*words, check=False)
    assert second.returncode == 1 and "Otra orden está escribiendo" in second.stderr
    assert first.wait() == 0
    run_cli(*words)


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path):
    rung("bubblewrap")
    folder = write(tmp_path / "e", **{f"a{n}": RIGHT for n in range(12)})
    out = tmp_path / "o"
    out.mkdir()
    command = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL", "--size", "12288", "--tmpfs", str(out)]
    done = run_cli(
        "calificar",
        folder,
        "--conjunto",
        entregas.SET,
        "--semilla",
        "s",
        "--salida",
        out,
        before=command,
        check=False,
    )
    assert done.returncode == 1 and "No se puede escribir" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("top", ["Eva López_103_assignsubmission_file_", "eva"])
def test_a_row_of_moodle_is_filled_only_by_its_own_folder(tmp_path, top):
    folder = tmp_path / "e" / top
    folder.mkdir(parents=True)
    for name in ("Bob Paz_102_assignsubmission_file_x.ipynb", "Bob Paz_102_assignsubmission_file_"):
        if name.endswith(".ipynb"):
            (folder / name).write_bytes(entregas.notebook([RIGHT]))
    sheet = tmp_path / "hoja.csv"
    sheet.write_text("Identifier,Full name,Grade\nParticipant 102,Bob Paz,\nParticipant 103,Eva López,\n")
    fill_sheet(
        sheet, grade_batch(tmp_path / "e", CLEAR, "s", workers=1), find_scale("0-20"), tmp_path / "llena.csv"
    )
    rows = [line.split(",") for line in (tmp_path / "llena.csv").read_text().splitlines()[1:]]
    assert rows[0][2] == "" and rows[1][2] == ("20" if "103" in top else "")


def test_a_name_with_two_marks_takes_nobody_s_row(tmp_path):
    # Quien se llama en su perfil como una entrega de Bob, o así nombra su archivo.
    folder = write(tmp_path / "e", **{"Bob Paz_102_assignsubmission_file_x_103_assignsubmission_file_y": RIGHT})
    (folder / "Bob Paz_102_assignsubmission_file_x.ipynb").write_bytes(entregas.notebook([RIGHT]))
    (folder / "Eva_103_assignsubmission_file_Ana_101_assignsubmission_file_").write_bytes(b"x")
    (folder / "Ana_101_assignsubmission_file_x.ipynb").write_bytes(entregas.notebook([RIGHT]))
    sheet = tmp_path / "hoja.csv"
    sheet.write_text("Identifier,Full name,Grade\n" + "".join(f"Participant {n},x,\n" for n in (101, 102, 103)))
    batch = grade_batch(folder, CLEAR, "s", workers=1)
    assert len(batch.grades) == 4
    fill_sheet(sheet, batch, find_scale("0-20"), tmp_path / "llena.csv")
    rows = [line.split(",")[2] for line in (tmp_path / "llena.csv").read_text().splitlines()[1:]]
    assert rows == ["20", "", ""]


# --- 8. El proceso suelto dice lo que es -----------------------------------------------------


def test_a_plain_process_says_what_it_does_not_stop():
    _, before = prefix("proceso")
    with public_folder() as folder:
        write(folder / "e", ana=RIGHT)
        done = run_cli(
            "calificar", folder / "e", "--conjunto", entregas.SET, "--semilla", "s", "--salida", folder / "o",
            "--proteccion", "proceso", before=before,
        )  # fmt: skip
    for words in ("NO queda protegido", "tus archivos", "la red", "tus procesos"):
        assert words in done.stderr
