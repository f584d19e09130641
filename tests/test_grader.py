"""El calificador: entregas hostiles, cárcel, cable, lectura de cuadernos, lotes y partes."""

import base64
import dataclasses
import io
import json
import os
import re
import socket
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import missing_tool

sys.path.insert(0, str(Path(__file__).parent / "hostile"))
import entregas
from jails import RUNGS, prefix, public_folder, run_cli, rung

from coursekit import cli
from coursekit.errors import CourseError
from coursekit.exercises.exercise import Exercise, ExerciseSet, Mistake, OpenQuestion
from coursekit.exercises.judging import Judge
from coursekit.exercises.running import Chain, Step, describe_case, restore_case, run
from coursekit.exercises.values import to_plain
from coursekit.grading.batch import grade_batch
from coursekit.grading.exam import Exam
from coursekit.grading.jail import protections as sandbox
from coursekit.grading.jail.inside import wire
from coursekit.grading.jail.inside.cells import new_namespace, parse_cell, run_cells
from coursekit.grading.jail.ladder import choose, try_out
from coursekit.grading.jail.protections import LADDER, Settings
from coursekit.grading.jail.warden import Jail, JailError, Question
from coursekit.grading.journal import merge, read_journal
from coursekit.grading.submissions import Unreadable, find_submissions, read_notebook

SET = entregas.SET
SECONDS = 2.0
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="el calificador se prueba en Linux"),
    pytest.mark.xdist_group("cárcel"),
]


def comparable(batch):
    """Todo menos los segundos."""
    return [dataclasses.replace(grade, seconds=0) for grade in batch.grades]


# --- Entregas hostiles -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def listener():
    """Un servidor que apunta cuanto le llega, por TCP y por UDP, en el mismo puerto."""
    heard, tcp = [], socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))

    def accept():
        while True:
            try:
                heard.append(tcp.accept())
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    udp.setblocking(False)
    yield port, heard, udp
    tcp.close()
    udp.close()


def process_table():
    """De cada proceso vivo, su padre y su orden."""
    table = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
            words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        table[int(entry)] = int(stat.rpartition(")")[2].split()[1]), words
    return table


def survivors():
    """Procesos de entregas sin calificador que responda de ellos: los de otro en marcha no cuentan."""
    table = process_table()

    def from_a_jail(pid):
        words = table.get(pid, (0, []))[1]
        return b"777" in words or any(word.endswith(b"inside/__main__.py") for word in words)

    lost = set()
    for pid in filter(from_a_jail, table):
        top = pid
        while from_a_jail(top):
            top = table[top][0]
        if not any(b"python" in word for word in table.get(top, (0, []))[1]):
            lost.add(pid)
    return lost


def traces(home):
    """Lo que una entrega podría dejar en el equipo: procesos y archivos."""
    places = ("/", "/etc", "/usr", "/tmp", "/var/tmp", "/dev/shm", "/root", "/home")
    # Lo que quien prueba no puede leer, una entrega, con menos permisos, tampoco lo cambia.
    readable = [Path(place) for place in places if os.access(place, os.R_OK | os.X_OK)]
    folders = [*readable, home / "temporal", sandbox._PACKAGE]
    return survivors(), {str(path) for folder in folders for path in folder.iterdir()}


# De la segunda en adelante, los ataques a los demás y una parte de los otros: cada vez, otra.
SHARES = {
    "bubblewrap": (0, 1), "bubblewrap-usuario": (0, 8), "bubblewrap-sin-anidar": (1, 32),
    "bubblewrap-usuario-sin-anidar": (17, 32), "unshare": (2, 8), "unshare-usuario": (4, 8),
    "proceso": (3, 12), "proceso-usuario": (9, 12),
}  # fmt: skip


@pytest.fixture(scope="module", params=SHARES)
def hostile(request, listener, tmp_path_factory):
    """El lote hostil calificado con cada protección, y qué había en el equipo antes y después."""
    protection, before_command = prefix(request.param)
    if not before_command:
        rung(protection)
    port, heard, udp = listener
    with public_folder() as home:
        folder, out, temporary = home / "entregas", home / "salida", home / "temporal"
        for place in (folder, out, temporary):
            place.mkdir()
            place.chmod(0o777)
        written = entregas.write(folder, entregas.all_cases(port, *SHARES[request.param]))
        before = traces(home)
        done = run_cli(
            "calificar", folder, "--conjunto", SET, "--salida", out, "--semilla", "secreta",
            "--plazo", SECONDS, "--trabajadores", 2, "--proteccion", protection,
            before=before_command, env={"TMPDIR": str(temporary)},
        )  # fmt: skip
        grades = {grade.file: grade for grade in read_journal(out / "lote.jsonl")}
        yield grades, written, before, traces(home), heard, udp, out, done


def test_every_submission_has_the_row_it_must_have(hostile):
    grades, written, *_ = hostile
    assert set(grades) == set(written) and len(written) > 30
    wrong = []
    for file, case in written.items():
        grade = grades[file]
        states = {exercise.id: exercise.state for exercise in grade.exercises}
        said = " ".join([grade.reason, *(exercise.finding for exercise in grade.exercises)])
        right = (
            case.state in (grade.state, entregas.ANY)
            and abs(grade.points - case.points) < 1e-9
            and all(
                states[id] != "correcto" and state in (states[id], "")
                for id, state in case.lost.items()
            )
            and case.says in said
        )
        if not right:
            wrong.append(f"{case.name}: {case.points} {case.lost}; {grade.state} {grade.points} {said[:400]}")
    assert not wrong


def test_there_are_at_least_sixty_hostile_submissions():
    cases = {case.name for case in entregas.all_cases(port=9)}
    assert len([name for name in cases if not name.startswith("inocente")]) >= 60


def test_innocents_have_the_grade_they_would_have_alone(hostile, tmp_path):
    grades, written, *_ = hostile
    folder = tmp_path / "solas"
    alone = entregas.write(folder, entregas.innocents())
    expected = {
        alone[grade.file].name: grade.exercises
        for grade in grade_batch(folder, SET, "secreta", workers=1).grades
    }
    innocents = [
        (case.name, grades[file]) for file, case in written.items() if case.name in expected
    ]
    assert len(innocents) > 6
    for name, grade in innocents:
        assert grade.exercises == expected[name]


def test_nothing_survives_a_run(hostile):
    _, _, (processes, files), (processes_after, files_after), heard, udp, *_ = hostile
    assert processes_after - processes == set()
    assert [name for name in files_after - files if "huella" in name or "/temporal/" in name] == []
    assert heard == []
    with pytest.raises(BlockingIOError):
        udp.recv(1)


def test_reports_of_a_hostile_batch_name_no_expected_value(hostile):
    """Lo esperado de un caso secreto no sale en ningún informe."""
    *_, out, done = hostile
    text = "".join(
        path.read_text("utf-8")
        for path in out.rglob("*")
        if path.suffix in (".html", ".md", ".json")
    )
    assert not re.search(r"se esperaba (?!un|una|[(])", text)
    assert "entregas calificadas" in done.stdout
    assert ("NO queda protegido" in done.stderr) == ("proceso" in done.args)


# --- La cárcel -------------------------------------------------------------------------------

SECRET = "valor-que-solo-sabe-el-juez-8f2a"
TINY = ExerciseSet(
    "diminuto",
    "Diminuto",
    (
        Exercise(
            "saluda",
            "greet",
            1,
            lambda name: name + SECRET,
            hints=(),
            mistakes=(Mistake(lambda n: SECRET * 2, ""),),
            cases=lambda rng: [("ana",), (str(rng.integers(10**6)),)],
        ),
    ),
)


def tiny_notebook(folder, code, name="ana.ipynb"):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(entregas.notebook([code]))
    return folder


def grade_tiny(folder, code, exercise_set=TINY, **options):
    (grade,) = grade_batch(
        tiny_notebook(folder, code), exercise_set, "s", workers=1, **options
    ).grades
    return grade


def test_no_process_of_the_jail_holds_what_only_the_judge_knows(tmp_path):
    """Se busca en la memoria de todos los procesos de dentro, con una entrega en marcha."""
    if os.geteuid() != 0:
        missing_tool("solo root puede leer la memoria de otro usuario")
    exam = Exam(TINY, "semilla-" + SECRET)
    marks = (SECRET.encode(), b"semilla-")
    with Jail(rung("bubblewrap"), Settings(TINY.imports)) as jail:
        code = (
            "import time\nmarca = 'esto-' + 'si-esta'\ndef greet(name):\n    time.sleep(9)\n    return name"
        )
        thread = threading.Thread(target=jail.examine, args=([code], exam.questions, 10))
        thread.start()
        found = {}
        # Se relee hasta dar con la marca de la entrega: entonces está todo lo que hay que mirar.
        while thread.is_alive() and not any(b"esto-si-esta" in memory for memory in found.values()):
            for pid in descendants(jail._process.pid) - {jail._process.pid}:
                found[pid] = memory_of(pid)
        thread.join()
    assert any(b"esto-si-esta" in memory for memory in found.values())
    assert [pid for pid, memory in found.items() if any(mark in memory for mark in marks)] == []


def descendants(root):
    parents = {pid: parent for pid, (parent, _) in process_table().items()}
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def memory_of(pid):
    memory = b""
    try:
        with open(f"/proc/{pid}/mem", "rb") as source:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                start, end = (int(number, 16) for number in line.split()[0].split("-"))
                if "rw-p" in line and end - start < 64 << 20:
                    source.seek(start)
                    memory += source.read(end - start)
    except OSError:
        pass
    return memory


@pytest.mark.parametrize("name", ["bubblewrap", "unshare"])
def test_jail_sees_libraries_and_nothing_else(name, tmp_path):
    libraries = [Path(place).resolve() for place in (sys.prefix, sys.base_prefix)]
    around = [path for folder in (entregas.ROOT, Path.home()) for path in folder.iterdir()]
    private = [str(path) for path in around if not any(lib.is_relative_to(path) for lib in libraries)]
    code = """
        import os, coursekit.text
        from coursekit.exercises import check, hint, open_set
        check('saluda', None); hint('saluda')
        check, hint = open_set('diminuto')
        check('saluda', None); hint('saluda')
        seen = [os.getuid(), sorted(os.listdir('/')), os.listdir('/proc'), dict(os.environ),
                os.path.exists('PROJECT/solutions'), os.path.exists('PROJECT/coursekit'),
                sorted(os.listdir('/curso/coursekit/exercises')), os.access('/curso', os.W_OK),
                [name for name in PRIVATE if os.path.lexists(name)]]
        """.replace("PROJECT", str(entregas.ROOT)).replace("PRIVATE", repr(private))
    with Jail(rung(name), Settings(("numpy",))) as jail:
        testimony = jail.examine([entregas.textwrap.dedent(code)], [Question("seen", ((),))], 5)
    assert testimony.cell_errors == (None,)
    uid, root, proc, environment, solutions, package, exercises, writable, found = (
        testimony.answers[0].outcomes[0].value
    )
    # Python y sus bibliotecas se ven donde estén: también en casa de quien prueba.
    forbidden = {"home", "etc/passwd", "var", "opt", "srv"} - {place.parts[1] for place in libraries}
    assert uid != 0 and not forbidden & set(root) and proc == [] and private and not found
    assert not any(
        word in str(environment) for word in ("COURSEKIT", "TOKEN", "SSH", os.environ["PATH"])
    )
    assert (solutions, package, writable) == (False, False, False)
    assert exercises == ["__init__.py", "running.py", "values.py"]


def test_student_never_runs_as_root(tmp_path):
    if os.geteuid() != 0:
        missing_tool("esto se prueba siendo root")
    for name in ("bubblewrap", "unshare"):
        with Jail(rung(name), Settings(())) as jail:
            seen = jail.examine(["import os\nseen = os.getuid()"], [Question("seen", ((),))], 5)
        assert seen.answers[0].outcomes[0].value > 60_000


def test_a_jail_that_dies_is_raised_again(tmp_path):
    question = Question("greet", (("x",),))
    with Jail(rung("bubblewrap"), Settings(())) as jail:
        first = jail.examine(["def greet(name): return name"], [question], 5)
        jail._process.kill()
        jail._process.wait()
        jail.examine(["def greet(name): return name"], [question], 5)
        again = jail.examine(["def greet(name): return name"], [question], 5)
    assert first == again and again.answers[0].outcomes[0].value == "x"


def test_a_tool_that_is_missing_or_fails_is_said_in_spanish(monkeypatch):
    monkeypatch.setenv("PATH", "/nada")
    assert "no está instalado" in try_out(RUNGS["bubblewrap"])
    with pytest.raises(CourseError, match="«unshare» no funciona aquí"):
        choose("unshare")
    with pytest.raises(CourseError, match="Las que hay: bubblewrap"):
        choose("nada")


def test_diagnosis_says_in_spanish_what_this_machine_has():
    text = run_cli("calificar", "--diagnostico").stdout
    assert "Se usará «bubblewrap»" in text or "CI" not in os.environ
    for protection in LADDER:
        assert f" {protection.name}: " in text


# --- Clases y entrenamientos: la cárcel no sabe nada de ellos ---------------------------------


class Affine(torch.nn.Module):
    """Una capa por hacer: el estudiante escribe la suya con el mismo nombre."""

    def __init__(self, num_inputs, num_outputs):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(num_outputs, num_inputs))
        self.bias = torch.nn.Parameter(torch.zeros(num_outputs))

    def forward(self, X):
        return X @ self.weight.T + self.bias


class WithoutBias(Affine):
    def forward(self, X):
        return X @ self.weight.T


def module_cases(rng):
    def draw(*shape):
        return torch.from_numpy(rng.normal(size=shape)).float()

    return [
        Chain(
            (3, 2),
            (
                Step("load_state_dict", ({"weight": draw(2, 3), "bias": draw(2)},), keep=False),
                Step("__call__", (draw(5, 3),)),
                Step("__call__", (draw(1, 3),)),
            ),
        )
        for _ in range(2)
    ]


class Centroids:
    def __init__(self, means):
        self.means = means

    def predict(self, X):
        return np.linalg.norm(X[:, None] - self.means, axis=2).argmin(1)


def train(X, y):
    return Centroids(np.stack([X[y == label].mean(0) for label in np.unique(y)]))


def training_cases(rng):
    centers = rng.normal(0, 10, (3, 2))
    labels = rng.integers(0, 3, 90)
    X = centers[labels] + rng.normal(size=(90, 2))
    return [Chain((X[:60], labels[:60]), (Step("predict", (X[60:],)),), target=labels[60:])]


def accuracy(case, value):
    predicted = np.asarray(value[0])
    if predicted.shape != case.target.shape:
        return f"tus predicciones tienen forma {predicted.shape}"
    hits = float((predicted == case.target).mean())
    return (
        None
        if hits >= 0.9
        else f"aciertas el {hits:.0%} de lo que no habías visto y se pide el 90 %"
    )


CHAINS = ExerciseSet(
    "cadenas",
    "Cadenas",
    (
        Exercise(
            "capa",
            "Affine",
            4,
            Affine,
            hints=(),
            cases=module_cases,
            mistakes=(Mistake(WithoutBias, "olvidas el sesgo."),),
        ),
        Exercise(
            "entrena",
            "train",
            6,
            train,
            hints=(),
            cases=training_cases,
            accepts=accuracy,
            mistakes=(),
        ),
    ),
    imports=("numpy", "torch"),
)
MODULE = """
import numpy as np
import torch

class Affine(torch.nn.Module):
    def __init__(self, num_inputs, num_outputs):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(num_outputs, num_inputs))
        self.bias = torch.nn.Parameter(torch.zeros(num_outputs))

    def forward(self, X):
        return X @ self.weight.T + self.bias

class Model:
    def __init__(self, X, y): self.X, self.y = X, y
    def predict(self, X):
        return [int(self.y[np.abs(self.X - x).sum(1).argmin()]) for x in X]

def train(X, y):
    return Model(X, y)
"""


@pytest.fixture(scope="module")
def chain_grades(tmp_path_factory):
    """Varias entregas del conjunto de clases y entrenamientos."""
    folder = tmp_path_factory.mktemp("cadenas")
    variants = {
        "bien": MODULE,
        "sin_sesgo": MODULE.replace(" + self.bias", ""),
        "sin_hacer": MODULE.replace(
            "return X @ self.weight.T + self.bias", "raise NotImplementedError"
        ).replace("return Model(X, y)", "return ..."),
        "sin_return": MODULE.replace("return Model(X, y)", "Model(X, y)"),
        "sin_metodo": MODULE.replace("def predict", "def predice").replace(
            "class Affine(torch.nn.Module)", "class Affine"
        ),
        "siempre_cero": MODULE.replace("return [int", "return [0 * int"),
        "busca_lo_secreto": MODULE.replace(
            "return Model(X, y)",
            "import gc"
            "; return [o for o in gc.get_objects() if type(o).__name__ == 'Chain'][0].target and None",
        ),
        "bucle": MODULE.replace("return Model(X, y)", "while True: pass"),
    }
    for name, code in variants.items():
        tiny_notebook(folder, code, f"{name}.ipynb")
    graded = grade_batch(folder, CHAINS, "s", workers=2, seconds=5)
    return {grade.student: grade.exercises for grade in graded.grades}


@pytest.mark.parametrize(
    "name, states, words",
    [
        ("bien", ("correcto", "correcto"), ""),
        ("sin_sesgo", ("incorrecto", "correcto"), "en el caso 1, en el elemento 0, en la posición"),
        ("sin_hacer", ("sin intentar", "sin intentar"), ""),
        ("sin_return", ("correcto", "incorrecto"), "¿falta un return?"),
        ("sin_metodo", ("incorrecto", "incorrecto"), "has no attribute 'predict'"),
        ("siempre_cero", ("correcto", "incorrecto"), "de lo que no habías visto"),
        ("busca_lo_secreto", ("correcto", "incorrecto"), "devuelve None"),
        ("bucle", ("correcto", "tiempo agotado"), "no termina"),
    ],
)
def test_classes_and_trainings_are_graded_without_special_code(chain_grades, name, states, words):
    exercises = chain_grades[name]
    assert tuple(exercise.state for exercise in exercises) == states
    assert words in " ".join(exercise.finding for exercise in exercises)
    if name == "sin_sesgo":
        assert exercises[0].mistake == "olvidas el sesgo."


def test_what_only_the_judge_knows_is_not_in_the_description_of_a_case():
    case = Chain((1,), (Step("f", (2,)), Step("g", keep=False)), target=SECRET)
    description = wire.loads(wire.dumps(wire.encode(describe_case(case))))
    assert SECRET not in str(description)
    assert restore_case(wire.decode(description)) == dataclasses.replace(case, target=None)
    assert restore_case(describe_case((1, "a"))) == (1, "a")


def test_what_an_exercise_forbids_is_forbidden_inside():
    code = """
        import torch
        def rnn(x): return torch.nn.RNN(1, 1)(torch.ones(1, 1, 1))[0]
        def mine(x): return x
        """
    questions = [Question(name, ((1.0,),), ("torch.nn.modules.rnn",)) for name in ("rnn", "mine")]
    with Jail(choose(), Settings(("torch",))) as jail:
        testimony = jail.examine([entregas.textwrap.dedent(code)], questions, 10)
    used, mine = (answer.outcomes[0] for answer in testimony.answers)
    assert used.error == "usa: RNN, de torch.nn.modules.rnn" and mine.value == 1


def test_hidden_findings_keep_expected_values_to_themselves():
    exercise = Exercise(
        "e", "f", 1, lambda x: {"clave": x}, hints=(), mistakes=(), cases=lambda rng: [(12345,)]
    )
    judge = Judge(exercise, exercise.draw("s"), reveal=False)
    for value in ({"clave": 1}, {}, 3, {"otra": 1}, None, {"clave": "x"}):
        finding = judge.verdict(run(lambda x, v=value: v, judge.cases)).finding
        assert (
            finding
            and "12345" not in finding
            and "«clave»" not in finding
            and "'clave'" not in finding.replace("en la clave 'clave'", "")
        )


# --- El cable --------------------------------------------------------------------------------

arrays = st.builds(
    lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
    st.sampled_from("b1 i1 i4 i8 u1 u8 f4 f8".split()),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.integers(0, 99),
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
keys = st.integers() | st.text(max_size=3) | st.tuples(st.text(max_size=2), st.integers())
values = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=10,
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tuple", "dict", "array", "tensor", "x"]), inner, max_size=2
        )
    ),
    max_leaves=20,
)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    return a == b


@given(values)
def test_wire_returns_what_it_was_given(value):
    assert same(wire.decode(wire.loads(wire.dumps(wire.encode(value)))), value)


@given(anything)
def test_wire_reads_anything_or_says_no(data):
    try:
        plain = wire.decode(json.loads(json.dumps(data)))
    except wire.WireError:
        return
    wire.encode(plain)


@given(st.binary(max_size=200))
def test_wire_survives_noise(noise):
    buffer = bytearray(noise)
    try:
        while (message := wire.take_frame(buffer)) is not None:
            wire.decode(wire.loads(message))
    except wire.WireError:
        pass


def test_frames_come_out_whole_however_they_arrive():
    stream, buffer, out = (
        wire.frame(b"uno") + wire.frame(b"") + wire.frame(b"tres"),
        bytearray(),
        [],
    )
    for byte in stream:
        buffer.append(byte)
        while (message := wire.take_frame(buffer)) is not None:
            out.append(message)
    assert out == [b"uno", b"", b"tres"] and not buffer


@pytest.mark.parametrize(
    "data",
    [
        {"array": ["<f8", [2], base64.b64encode(b"1234").decode()]},
        {"array": ["|O", [1], base64.b64encode(bytes(8)).decode()]},
        {"array": ["<M8[s]", [1], base64.b64encode(bytes(8)).decode()]},
        {"array": ["<f8", [-1], ""]},
        {"array": ["<f8", [0, 2**62], ""]},
        {"array": ["<f8", [2**30, 0], ""]},
        [{"array": ["<f8", [2**22, 0], ""]}] * 3,
        {"array": ["<f8", [True], base64.b64encode(bytes(8)).decode()]},
        {"array": ["<f8", [1], "no es base64!"]},
        {"array": ["<f8", [1]]},
        {"array": [["<f8"], [1], ""]},
        {"tensor": ["<f8", [0], ""]},
        {"dict": [[[1], 2]]},
        {"dict": [[1, 2, 3]]},
        {"dict": [[i, 0] for i in range(wire.MAX_KEYS + 1)]},
        {"pickle": []},
        {"tuple": 3},
        {},
        {"a": [], "b": []},
        [0] * (wire.MAX_ITEMS + 1),
    ],
)
def test_wire_rejects_what_it_did_not_write(data):
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_wire_limits():
    with pytest.raises(wire.WireError):
        wire.take_frame(bytearray(b"\xff\xff\xff\xff"))
    with pytest.raises(wire.WireError):
        wire.loads(b"[" * 100_000)
    with pytest.raises(wire.WireError):
        wire.dumps("x" * 100, limit=50)
    for stranger in (
        object(),
        {1, 2},
        b"x",
        1j,
        np.array([object()]),
        np.float32(1),
        type("I", (int,), {})(3),
    ):
        with pytest.raises(wire.WireError):
            wire.encode(stranger)


def test_tensors_cross_as_tensors():
    tensor = torch.arange(6.0).reshape(2, 3)
    back = wire.decode(wire.loads(wire.dumps(wire.encode((tensor, tensor > 2)))), tensors=True)
    assert torch.equal(back[0], tensor) and back[1].dtype == torch.bool


def test_plain_values_are_of_exact_types():
    class Text(str):
        def __str__(self):
            return "otro"

        __repr__ = __format__ = __str__

    class Number(int):
        def __int__(self):
            return 7

    class Real(float):
        def __float__(self):
            return 7.0

    plain = to_plain([Text("a"), Number(1), True, np.float32(2), {Text("k"): Number(3)}])
    assert plain == ["a", 1, True, 2.0, {"k": 3}]
    assert [type(item) for item in plain] == [str, int, bool, float, dict]
    assert type(to_plain(Real(1.5))) is float


# --- Leer cuadernos --------------------------------------------------------------------------


@given(st.binary(max_size=300) | anything.map(lambda data: json.dumps(data).encode()))
def test_reader_reads_or_says_why_not(raw):
    try:
        notebook = read_notebook(raw)
    except Unreadable as problem:
        assert str(problem)
    else:
        assert all(isinstance(source, str) for source in notebook.code)


GOOD = entregas.notebook(["x = 1", "y = 2"])


@given(st.integers(0, len(GOOD)), st.binary(max_size=3))
def test_reader_survives_any_bite(place, bite):
    raw = GOOD[:place] + bite + GOOD[place + len(bite) :]
    try:
        read_notebook(raw)
    except Unreadable:
        pass


old = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "worksheets cells cell_type input source outputs metadata level prompt_number".split()
            ),
            inner | st.sampled_from(["code", "markdown", "heading", "html"]),
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(old, st.sampled_from([1, 2, 3, 4, "x", None]))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_reader_survives_old_formats(content, version):
    raw = json.dumps(
        {"nbformat": version, "nbformat_minor": 0, "worksheets": content, "cells": content}
    )
    try:
        read_notebook(raw.encode())
    except Unreadable:
        pass


@pytest.mark.parametrize(
    "source, kept",
    [
        ("%matplotlib inline\nx = 1", "x = 1"),
        ("!pip install \\\n  numpy\nx = 1", "x = 1"),
        ("if True:\n    !ls\nx = 1", "x = 1"),
        ("files = !ls\nx = 1", "x = 1"),
        ("print?\nx = 1\n?print", "x = 1"),
        ("%%time\nx = 1", "x = 1"),
        ("%%bash\nrm x", ""),
        ("%time x = 1", "x = 1"),
        ('t = """\n%no\n!tampoco\n"""', "tampoco"),
        ("x = (7\n     % 4)", "% 4"),
        ("x = 1\r\n%ls\r\n", "x = 1"),
    ],
)
def test_ipython_commands_are_removed_and_python_is_kept(source, kept):
    import ast

    tree = parse_cell(source)
    assert kept in ast.unparse(tree)
    compile(tree, "celda", "exec")


@pytest.mark.filterwarnings("ignore:invalid escape")
@given(st.text(st.sampled_from("%!?=x1\"'\n\\ ():ab\t"), max_size=40))
def test_cells_parse_or_raise_a_syntax_error(source):
    try:
        parse_cell(source)
    except (SyntaxError, ValueError):
        pass


@pytest.fixture(autouse=True)
def same_interpreter(monkeypatch):
    """Ejecutar celdas cambia cosas del intérprete que aquí es también el de las pruebas."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("__main__", "tqdm.notebook"):
        if name in sys.modules:
            monkeypatch.setitem(sys.modules, name, sys.modules[name])


def test_what_can_run_after_an_error_runs():
    space = new_namespace()
    errors = run_cells(["1 / 0\nx = 5\ny = x + z\nw = x + 1\ndef f(): return 1"], space)
    assert errors == ["ZeroDivisionError: division by zero"]
    assert space["w"] == 6 and space["f"]() == 1 and "y" not in space


def test_what_a_notebook_has_and_a_program_has_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = new_namespace()
    cells = [
        "%%writefile vecinos.py\ndef two(): return 2",
        "%%writefile -a vecinos.py\ndef three(): return 3",
        "import vecinos\nx = vecinos.two() + vecinos.three()",
        "import asyncio\nawait asyncio.sleep(0)\nasync def f(): return 4\ny = await f()",
        "from tqdm.notebook import tqdm, trange\nz = [*tqdm([1]), *trange(1)]",
        "from IPython.display import display, clear_output\nclear_output()\nw = 1",
        "name = input()\nv = 1",
    ]
    errors = run_cells(cells, space)
    assert errors[:6] == [None] * 6 and errors[6].startswith(("EOFError", "OSError"))
    assert [space[name] for name in "xyzwv"] == [5, 4, [1, 0], 1, 1]


def test_rescue_runs_only_definitions():
    space = new_namespace()
    run_cells(
        ["import math\nx = [1, -2]\ny = print('no')\nclass A: pass\nwhile False: pass\nf = lambda: 0"],
        space,
        True,
    )
    assert {"math", "x", "A", "f"} <= set(space) and "y" not in space


# --- Encontrar entregas ----------------------------------------------------------------------


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def found(path):
    return [(submission.student, submission.file) for submission in find_submissions(path)]


def test_a_folder_with_a_notebook_or_a_folder_per_student(tmp_path):
    for name in (
        "ana.ipynb",
        "beto/tarea.ipynb",
        "beto/.ipynb_checkpoints/tarea.ipynb",
        "carla/sub/uno.ipynb",
        "carla/leeme.txt",
        "dani/informe.pdf",
        "notas.xlsx",
        ".oculto.ipynb",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(GOOD)
    (tmp_path / "eva").mkdir()
    (tmp_path / "fran").symlink_to("/etc")
    (tmp_path / "carla/otro.ipynb").write_bytes(GOOD + b"  ")
    assert found(tmp_path) == [
        (".oculto", ".oculto.ipynb"),
        ("ana", "ana.ipynb"),
        ("beto", "beto/tarea.ipynb"),
        ("carla", "carla/otro.ipynb"),
        ("dani", "dani"),
        ("eva", "eva"),
        ("fran", "fran"),
        ("notas.xlsx", "notas.xlsx"),
    ]
    for place, reason in ((4, "ningún cuaderno"), (5, "no se puede abrir"), (6, "no es un cuaderno")):
        with pytest.raises(Unreadable, match=reason):
            find_submissions(tmp_path)[place + 1].read()


def test_zips_of_moodle_and_of_drive(tmp_path):
    inner = io.BytesIO()
    zipped(inner, [("tarea.ipynb", GOOD)])
    moodle = zipped(
        tmp_path / "moodle.zip",
        [
            ("Ana Ruiz_123_assignsubmission_file_/tarea.ipynb", GOOD),
            ("Beto_Paz_124_assignsubmission_file_/tarea.zip", inner.getvalue()),
            ("Carla_125_assignsubmission_onlinetext_/onlinetext.html", b"hola"),
            ("Ana Ruiz_126_assignsubmission_file_/otra.ipynb", GOOD),
            ("__MACOSX/Ana/._tarea.ipynb", b"x"),
        ],
    )
    assert [student for student, _ in found(moodle)] == [
        "Ana Ruiz",
        "Ana Ruiz",
        "Beto_Paz",
        "Carla",
    ]
    assert find_submissions(moodle)[2].read() == GOOD
    flat = zipped(
        tmp_path / "plano.zip",
        [
            ("Ana Ruiz_123_assignsubmission_file_tarea.ipynb", GOOD),
            ("Beto_124_assignsubmission_file_informe.pdf", b"%PDF"),
        ],
    )
    assert [student for student, _ in found(flat)] == ["Ana Ruiz", "Beto"]
    drive = zipped(
        tmp_path / "drive.zip", [("Tarea 1/Ana.ipynb", GOOD), ("Tarea 1/Beto.ipynb", GOOD)]
    )
    assert [student for student, _ in found(drive)] == ["Ana", "Beto"]


def test_a_hostile_zip_gives_rows_and_touches_nothing(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(
            tmp_path / "z.zip",
            [
                ("../../../tmp/fuera.ipynb", GOOD),
                ("/etc/passwd.ipynb", GOOD),
                ("ana.ipynb", GOOD),
                ("ana.ipynb", b""),
                ("bomba.ipynb", bytes(100 << 20)),
                ("roto/x.zip", b"PK no"),
                ("C:\\dir\\eva.ipynb", GOOD),
            ],
        )
    graded = grade_batch(path, TINY, "s", workers=1, seconds=2)
    assert len(graded.grades) == len({grade.file for grade in graded.grades}) == 6
    reasons = {grade.file: grade.reason for grade in graded.grades}
    assert "pesa 105 MB" in reasons["bomba.ipynb"] and "zip" in reasons["roto/x.zip"]
    assert not Path("/tmp/fuera.ipynb").exists()
    raw = bytearray((tmp_path / "z.zip").read_bytes())
    raw[40:60] = bytes(20)
    (tmp_path / "z.zip").write_bytes(raw)
    assert any(
        "roto" in g.reason
        for g in grade_batch(tmp_path / "z.zip", TINY, "s", workers=1, seconds=2).grades
    )


@pytest.mark.parametrize(
    "name, words", [("nada", "No hay ninguna carpeta"), ("vacia", "no hay ningún cuaderno")]
)
def test_nothing_to_grade_is_said(tmp_path, name, words):
    (tmp_path / "vacia").mkdir()
    with pytest.raises(CourseError, match=words):
        find_submissions(tmp_path / name)


def test_open_answers_are_collected_for_grading_by_hand(tmp_path):
    import nbformat

    questions = (
        OpenQuestion("sentido", "¿Por qué?", "2 puntos: …", 2.0),
        OpenQuestion("otra", "¿Y?", "1 punto", 1.0),
    )
    cells = [
        nbformat.v4.new_markdown_cell("**Respuesta (sentido):** porque sí"),
        nbformat.v4.new_markdown_cell("y además <b>esto</b>"),
        nbformat.v4.new_code_cell("def greet(name): return 1"),
        nbformat.v4.new_markdown_cell("esto no"),
    ]
    (tmp_path / "ana.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    graded = grade_batch(
        tmp_path, dataclasses.replace(TINY, open_questions=questions), "s", workers=1
    )
    first, second = graded.grades[0].open_answers
    assert (first.question, first.rubric) == ("¿Por qué?", "2 puntos: …")
    assert first.answer == "porque sí\ny además <b>esto</b>" and second.answer == ""


# --- Lotes -----------------------------------------------------------------------------------


@pytest.fixture
def classroom(tmp_path):
    folder = tmp_path / "entregas"
    entregas.write(folder, [*entregas.innocents(), *entregas.innocents()])
    return folder


def outputs(folder):
    """Los informes sin lo que se sabe que cambia: los segundos."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lote.jsonl":
            text = path.read_text("utf-8-sig")
            if path.name == "notas.csv":
                text = re.sub(r";[^;\n]*\n", "\n", text)
            if path.name == "notas.json":
                text = text.partition('"segundos"')[0]
            texts[str(path.relative_to(folder))] = text
    return texts


def test_same_seed_same_bytes_whatever_the_order_and_the_parts(classroom, tmp_path):
    common = ("--conjunto", SET, "--semilla", "2026-I", "--plazo", "5")
    once, parts, whole = tmp_path / "una", [tmp_path / "p1", tmp_path / "p2"], tmp_path / "junta"
    run_cli("calificar", classroom, *common, "--salida", once, "--trabajadores", 2)
    for number, part in enumerate(parts, start=1):
        run_cli(
            "calificar",
            classroom,
            *common,
            "--salida",
            part,
            "--parte",
            f"{number}/2",
            "--trabajadores",
            1,
        )
    run_cli("reunir", *parts, "--salida", whole)
    assert outputs(once) == outputs(whole)
    assert "2026-I" not in "".join(outputs(once).values())
    assert sum(len(read_journal(part / "lote.jsonl")) for part in parts) == 6


def test_random_answers_get_the_same_grade_twice(tmp_path):
    drawn = "random.random(), np.random.rand(), np.random.default_rng().random(), hash('a')"
    code = f"import random, numpy as np\ndef greet(n): return str([{drawn}])"
    first, second = (grade_tiny(tmp_path / "x", code) for _ in range(2))
    assert first.exercises == second.exercises and "0." in first.exercises[0].finding


def test_errors_with_addresses_are_the_same_twice(tmp_path):
    code = "def greet(n): raise ValueError(object())"
    first, second = (grade_tiny(tmp_path / "x", code) for _ in range(2))
    assert first.exercises == second.exercises and "0x…" in first.exercises[0].finding


def test_a_second_run_grades_only_what_is_new_or_changed(classroom, tmp_path, monkeypatch):
    journal, graded = tmp_path / "salida" / "lote.jsonl", []
    log = tmp_path / "encargos"
    real = Jail.examine

    def examine(jail, cells, *rest):  # el juez es otro proceso: lo que hace se apunta en un archivo
        with log.open("a") as file:
            file.write("x\n")
        return real(jail, cells, *rest)

    monkeypatch.setattr(Jail, "examine", examine)

    def grade(seed="s", seconds=5):
        log.write_text("")
        batch = grade_batch(classroom, SET, seed, workers=1, journal=journal, seconds=seconds)
        graded[:] = log.read_text().split()
        return batch

    first = grade()
    assert len(graded) == 6
    assert grade() == first and graded == []
    (name,) = [path.name for path in classroom.iterdir() if path.name.startswith("001")]
    (classroom / name).write_bytes(entregas.notebook(["x = 1"]))
    (classroom / "nueva.ipynb").write_bytes(b"")
    grade()
    assert len(graded) == 1  # a la otra, vacía, no hay nada que preguntarle
    # Un corte de luz deja media línea: se pierde solo esa nota.
    text = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(text[:4]) + text[4][:20])
    again = grade()
    assert len(graded) == 3 and len(again.grades) == 7
    grade(seed="otra")
    assert len(graded) == 6


def test_parts_of_different_batches_are_not_merged(classroom, tmp_path):
    for seed in ("a", "b"):
        grade_batch(
            classroom, TINY, seed, workers=1, part=(1, 3), journal=tmp_path / seed / "lote.jsonl"
        )
    with pytest.raises(CourseError, match="otra semilla"):
        merge([tmp_path / "a/lote.jsonl", tmp_path / "b/lote.jsonl"])
    with pytest.raises(CourseError, match="no hay un lote calificado"):
        merge([tmp_path / "c/lote.jsonl"])


def test_a_comparison_that_breaks_still_gives_a_row(tmp_path):
    def explode(case, value):
        raise RuntimeError("fallo nuestro")

    broken = dataclasses.replace(
        TINY, exercises=(dataclasses.replace(TINY.exercises[0], accepts=explode),)
    )
    grade = grade_tiny(tmp_path / "x", "def greet(n): return 1", broken)
    assert (
        grade.exercises[0].state == "incorrecto"
        and "no se puede comparar" in grade.exercises[0].finding
    )


def test_a_jail_that_cannot_start_stops_the_batch_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Jail, "__enter__", lambda self: (_ for _ in ()).throw(JailError("no arranca"))
    )
    with pytest.raises(CourseError, match="ha dejado de funcionar: no arranca"):
        grade_batch(
            tiny_notebook(tmp_path / "x", "x = 1"), TINY, "s", protection=RUNGS["bubblewrap"]
        )


def test_dask_with_a_scheduler_and_two_workers(classroom, tmp_path):
    try:
        from distributed import LocalCluster
    except ImportError:
        missing_tool("falta dask.distributed")
    alone = grade_batch(classroom, SET, "s", workers=1, seconds=5)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        shared = grade_batch(
            classroom,
            SET,
            "s",
            seconds=5,
            dask=cluster.scheduler_address,
            journal=tmp_path / "lote.jsonl",
        )
    assert comparable(shared) == comparable(alone)
    assert len(read_journal(tmp_path / "lote.jsonl")) == 6


def test_no_dask_where_it_is_said_to_be(classroom):
    pytest.importorskip("distributed") if os.environ.get("CI") != "true" else None
    with pytest.raises(CourseError, match="No hay ningún planificador"):
        grade_batch(classroom, SET, "s", dask="tcp://127.0.0.1:1")


# --- La orden --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "Falta ENTREGAS"),
        (["x"], "Falta --conjunto"),
        (["x", "--conjunto", SET], "Falta --salida"),
        (["x", "--conjunto", SET, "--salida", "y", "--escala", "7"], "No hay ninguna escala «7»"),
        (["x", "--conjunto", SET, "--salida", "y", "--parte", "1/2"], "hace falta --semilla"),
        (["x", "--conjunto", "z", "--salida", "y", "--semilla", "s"], "No hay ningún conjunto «z»"),
        (["x", "--conjunto", SET, "--salida", "y", "--semilla", "s"], "No hay ninguna carpeta"),
    ],
)
def test_command_says_what_is_missing(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["calificar", *words]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "option, value",
    [
        ("--parte", "3/2"),
        ("--parte", "x"),
        ("--plazo", "-1"),
        ("--trabajadores", "0"),
        ("--plazo", "nan"),
    ],
)
def test_command_rejects_impossible_options(option, value, capsys):
    with pytest.raises(SystemExit):
        cli.main(["calificar", "x", option, value])
    assert "usage" not in capsys.readouterr().err


def test_a_seed_is_invented_once_and_kept_private(tmp_path, capsys):
    folder, out = tiny_notebook(tmp_path / "e", "x = 1"), tmp_path / "s"
    words = [
        "calificar",
        str(folder),
        "--conjunto",
        SET,
        "--salida",
        str(out),
        "--gradescope",
        "--ags",
    ]
    assert cli.main(words) == 0
    seed = (out / "semilla.txt").read_text()
    assert (out / "semilla.txt").stat().st_mode & 0o077 == 0
    assert "no la publiques" in capsys.readouterr().out
    assert cli.main(words) == 0 and (out / "semilla.txt").read_text() == seed
    assert (out / "gradescope" / "ana.json").is_file() and (out / "ags.json").is_file()
    others = [
        p.read_text("utf-8-sig") for p in out.rglob("*") if p.is_file() and p.name != "semilla.txt"
    ]
    assert not any(seed.strip() in text for text in others)


def test_gradescope_package(tmp_path):
    path = tmp_path / "g.zip"
    assert (
        cli.main(
            ["empaquetar", "gradescope", "--conjunto", SET, "--semilla", "s", "--salida", str(path)]
        )
        == 0
    )
    assert {"setup.sh", "run_autograder"} <= set(zipfile.ZipFile(path).namelist())
