"""Los ejercicios: sus reglas, lo que dice la hoja, los errores clásicos y lo que lee quien se equivoca."""

import ast
import contextlib
import inspect
import io
import math
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import as_a_student
from coursekit.errors import CourseError
from coursekit.exercises import open_set
from coursekit.exercises.checking import PUBLIC_SEED
from coursekit.exercises.exercise import Exercise, ExerciseSet
from coursekit.exercises.judging import RIGHT, UNTRIED, WRONG, Judge
from coursekit.exercises.running import OF_NETWORKS, Chain, Step, run
from coursekit.exercises.sets import load_set, set_ids
from coursekit.exercises.values import first_difference, is_close, short, to_code, to_plain

ROOT = Path(__file__).parents[1]
SETS = [load_set(id) for id in set_ids()]
EXERCISES = [exercise for exercise_set in SETS for exercise in exercise_set.exercises]
BY_HAND = [exercise for exercise in EXERCISES if exercise.parts]
FUNCTIONS = [exercise for exercise in EXERCISES if not exercise.parts]
DETECTIVES = [exercise for exercise in FUNCTIONS if "tal como la recibiste" in exercise.mistakes[0].sentence]
MISTAKES = [(exercise, mistake) for exercise in FUNCTIONS for mistake in exercise.mistakes]
COUNTING, RECURRENT = load_set("coocurrencia-ppmi"), load_set("rnn-desde-cero")
ROWS = load_set("de-filas-a-vectores")
SEEDS = [PUBLIC_SEED, *(f"semilla {number}" for number in range(20))]


def named(value):
    return getattr(value, "title", None) or getattr(value, "sentence", None) or str(value)


@cache  # lo esperado y los errores clásicos se calculan una vez, y no por cada respuesta
def judge_of(exercise, seed):
    return Judge(exercise, exercise.draw(seed))


def verdict_of(exercise, answer, seed=PUBLIC_SEED):
    ours = judge_of(exercise, seed)
    return ours.verdict(run(answer, ours.cases))


def printed(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()


# --- Reglas de un conjunto -------------------------------------------------------------------


@pytest.mark.parametrize("exercise_set", SETS, ids=lambda s: s.id)
def test_a_set_follows_the_rules(exercise_set):
    id, exercises = exercise_set.id, exercise_set.exercises
    assert exercise_set is load_set(id), f"«{id}»: el nombre del conjunto es el de su módulo"
    count = len(exercises)
    assert 4 <= count <= 6, f"«{id}»: un conjunto tiene de cuatro a seis ejercicios, no {count}"
    points = exercise_set.points
    assert points == 10, f"«{id}»: los puntos de un conjunto suman 10, no {points:g}"
    ids = [exercise.id for exercise in exercises]
    assert len(set(ids)) == len(ids), f"«{id}»: dos ejercicios tienen el mismo nombre: {ids}"
    for exercise in exercises:
        where = f"«{id}», «{exercise.id}»"
        assert exercise.title, f"{where}: falta el título, el de su apartado en la hoja"
        assert len(exercise.hints) >= 2, f"{where}: un ejercicio tiene al menos dos pistas"
        assert len(exercise.mistakes) >= 2, f"{where}: un ejercicio conoce al menos dos errores clásicos"
        fixed = len({len(exercise.draw(seed)) for seed in SEEDS}) == 1
        assert fixed, f"{where}: hay un caso por clase de entrada, tantos con una semilla como con otra"
        for mistake in exercise.mistakes:
            ends = mistake.sentence.endswith(".")
            assert ends, f"{where}: la frase de un error acaba en punto: {mistake.sentence}"


def test_every_set_has_its_sheet_and_every_sheet_its_set():
    assert {path.stem for path in (ROOT / "solutions").glob("*.md")} == set(set_ids())


def test_only_the_set_that_is_opened_is_imported():
    code = "import sys; from coursekit.exercises import open_set; assert 'numpy' in sys.modules; "
    code += "assert not any('sets.' in m for m in sys.modules); open_set('coocurrencia-ppmi'); "
    code += "print(*sorted(m for m in sys.modules if 'sets.' in m or m == 'torch'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["coursekit.exercises.sets.coocurrencia_ppmi"]


def test_two_sets_can_share_the_name_of_an_exercise():
    assert COUNTING.find("detective").name == "smoothed_ppmi"
    assert RECURRENT.find("detective").name == "stream_bits"


# --- Lo que dice la hoja ---------------------------------------------------------------------

NUMBERS = {"Cuatro": 4, "Cinco": 5, "Seis": 6}
TIMES = {"una hora": 60, "hora y cuarto": 75, "hora y media": 90, "hora y tres cuartos": 105}
TIMES["dos horas"] = 120


def sheet(exercise_set, folder="solutions"):
    return jupytext.read(ROOT / folder / f"{exercise_set.id}.md").cells


@pytest.mark.parametrize("exercise_set", SETS, ids=lambda s: s.id)
def test_titles_points_and_minutes_of_the_sheet_are_those_of_the_set(exercise_set):
    text = "\n".join(cell.source for cell in sheet(exercise_set) if cell.cell_type == "markdown")
    line = r"^## \d+\. (.+)\n\n\*([\d.]+) puntos? · (?:fácil|media|difícil) · (\d+) minutos\*$"
    said = re.findall(line, text, re.MULTILINE)
    exercises = exercise_set.exercises
    assert [(t, float(p)) for t, p, _ in said] == [(e.title, e.points) for e in exercises]
    opening = re.search(r"^(\w+) ejercicios, ([\d.]+) puntos, ([\w ]+)\.", text, re.MULTILINE)
    count, points, time = opening.groups()
    assert (NUMBERS[count], float(points)) == (len(exercises), exercise_set.points)
    minutes = sum(int(minutes) for *_, minutes in said)
    assert 0 <= TIMES[time] - minutes < 15, f"los ejercicios suman {minutes} minutos y la hoja dice {time}"


def code_without_comments(source):
    return ast.dump(ast.parse(textwrap.dedent(source)))


@pytest.mark.parametrize("exercise_set", SETS, ids=lambda s: s.id)
def test_what_a_solution_shows_is_the_reference(exercise_set):
    cells = [cell.source for cell in sheet(exercise_set) if "# SOLUCIÓN" in cell.source]
    for exercise in exercise_set.exercises:
        if exercise.parts:
            continue
        (shown,) = [source for source in cells if f"def {exercise.name}(" in source]
        definition = ast.parse(textwrap.dedent(inspect.getsource(exercise.reference))).body[0]
        definition.decorator_list = []
        assert code_without_comments(shown) == code_without_comments(ast.unparse(definition)), exercise.id


@pytest.mark.parametrize("exercise_set", SETS, ids=lambda s: s.id)
def test_the_table_of_variants_is_that_of_the_set(exercise_set):
    text = "\n".join(cell.source for cell in sheet(exercise_set, "exercises"))
    (table,) = re.findall(r"^\| var\S* \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [tuple(map(int, row.strip("|").split("|"))) for row in table.splitlines()]
    (by_hand,) = [exercise for exercise in exercise_set.exercises if exercise.parts]
    assert rows == [(n, *row) for n, row in enumerate(by_hand.reference.__globals__["VARIANTS"])]


@pytest.mark.parametrize("exercise", DETECTIVES, ids=named)
def test_the_function_handed_to_the_detective_has_all_its_faults(exercise):
    (exercise_set,) = [s for s in SETS if exercise in s.exercises]
    blocks = "\n".join(
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for cell in sheet(exercise_set, "exercises")
    )
    handed = [
        code
        for code in re.findall(r"```python\n(.*?)```", blocks, re.DOTALL)
        if f"def {exercise.name}" in code and "NotImplementedError" not in code
    ]
    (handed,) = handed
    names = dict(exercise.reference.__globals__)
    exec(handed, names)
    received = names[re.search(r"def (\w+)", handed)[1]]
    for seed in SEEDS:
        verdict = verdict_of(exercise, received, seed)
        assert verdict.mistake is exercise.mistakes[0], f"{verdict.finding} {verdict.mistake}"


def run_notebook(path):
    """Lo que imprime un cuaderno, con cada `check(...)` en su lugar."""
    names = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for cell in jupytext.read(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, str(path), "exec"), names)  # noqa: S102
    return [line for line in out.getvalue().splitlines() if line[:1] in "✔✘○"]


@pytest.mark.parametrize("exercise_set", SETS, ids=lambda s: s.id)
@pytest.mark.parametrize(
    "folder, mark, state", [("solutions", "✔", "correcto"), ("exercises", "○", "sin intentar")]
)
def test_solutions_are_right_and_skeletons_are_untried(exercise_set, folder, mark, state):
    answers = run_notebook(ROOT / folder / f"{exercise_set.id}.md")
    assert [line.split(":")[0] for line in answers] == [
        f"{mark} {exercise.id}" for exercise in exercise_set.exercises
    ]
    assert all(line.split(": ")[1].startswith(state) for line in answers)


# --- El juicio -------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=named)
def test_reference_earns_every_point(exercise):
    for seed in SEEDS:
        verdict = verdict_of(exercise, exercise.reference, seed)
        assert (verdict.state, verdict.points) == (RIGHT, exercise.points)


@pytest.mark.parametrize("exercise, mistake", MISTAKES, ids=named)
def test_classic_mistake_is_recognised_by_its_own_sentence(exercise, mistake):
    for seed in SEEDS:
        verdict = verdict_of(exercise, mistake.answer, seed)
        assert (verdict.state, verdict.points) == (WRONG, 0)
        assert verdict.mistake.sentence == mistake.sentence, verdict.finding


@pytest.mark.parametrize("seed", range(200))
def test_truncating_has_one_answer_on_every_machine(seed):
    """Un cambio en la duodécima cifra, como el de un procesador a otro, no llega a la respuesta."""
    detective = ROWS.find("detective")
    for weights, dim in detective.draw(str(seed)):
        nudged = weights * (1 + 1e-12 * np.random.default_rng(seed).normal(size=weights.shape))
        expected = detective.reference(weights, dim)
        np.testing.assert_allclose(detective.reference(nudged, dim), expected, atol=1e-8)


@pytest.mark.parametrize("exercise", EXERCISES, ids=named)
def test_untouched_answers_are_untried(exercise):
    def skeleton(*arguments):
        raise NotImplementedError("Escribe aquí tu solución.")

    for answer in (skeleton, ..., lambda *arguments: ...):
        verdict = verdict_of(exercise, answer)
        assert (verdict.state, verdict.points) == (UNTRIED, 0)


def test_an_edit_that_the_reference_does_not_have_is_refused():
    exercise = Exercise("e", "short", 1, short, ())
    with pytest.raises(ValueError, match="la referencia no dice «esto»"):
        exercise.mistaken(("esto", "aquello", "una frase."))


def test_same_seed_same_cases_and_other_seed_other_cases():
    exercise = COUNTING.find("ppmi")
    first, again, other = (exercise.draw(seed)[1][0] for seed in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_answers_cannot_change_their_cases():
    def vandal(counts):
        counts[:] = 0
        return counts

    exercise = COUNTING.find("ppmi")
    cases = exercise.draw("cuaderno")
    before = [case[0].copy() for case in cases]
    run(vandal, cases)
    for case, original in zip(cases, before):
        np.testing.assert_array_equal(case[0], original)


def test_an_answer_right_by_list_or_by_array_is_right():
    exercise = COUNTING.find("ppmi")
    answer = lambda counts: exercise.reference(counts).tolist()  # noqa: E731
    assert verdict_of(exercise, answer).state == RIGHT


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda counts: None, "¿falta un return?"),
        (lambda counts: counts[:, :1] * 1.0, "tu resultado tiene forma (3, 1) y se esperaba (3, 3)"),
        (lambda counts: counts / "a", "tu respuesta lanza un error"),
        (lambda counts: 7, "tu valor es 7 y se esperaba un arreglo de forma (3, 3)"),
        (lambda counts: object(), "un objeto de tipo object"),
    ],
)
def test_findings_say_what_is_wrong(answer, words):
    verdict = verdict_of(COUNTING.find("ppmi"), answer)
    assert verdict.state == WRONG and words in verdict.finding


def test_check_prints_one_clear_answer_for_each_state():
    check, _ = open_set("coocurrencia-ppmi")
    exercise = COUNTING.find("contar")
    assert printed(check, "contar", as_a_student(exercise)) == "✔ contar: correcto (2 puntos).\n"
    assert "sin intentar" in printed(check, "contar", ...)
    wrong = printed(check, "contar", as_a_student(exercise, exercise.mistakes[1].answer))
    assert wrong.startswith("✘ contar: incorrecto. En el caso 1, falta la clave (")
    assert "\n  Para verlo: count_pairs([[" in wrong
    assert "\n  Es un error clásico: miras solo a la derecha." in wrong
    assert 'hint("contar")' in wrong


def test_hints_come_in_steps_and_the_last_one_stays():
    hints = RECURRENT.find("recorte").hints
    _, hint = open_set("rnn-desde-cero")
    said = [printed(hint, "recorte") for _ in range(len(hints) + 1)]
    assert [text.split(": ", 1)[1].strip() for text in said] == [*hints, hints[-1]]
    _, another = open_set("rnn-desde-cero")
    assert hints[0] in printed(another, "recorte")


def test_unknown_exercise_suggests_the_closest():
    check, _ = open_set("coocurrencia-ppmi")
    with pytest.raises(CourseError, match="¿Querías decir «ppmi»?"):
        check("pmi", None)
    with pytest.raises(CourseError, match="coocurrencia-ppmi"):
        open_set("nada")


def test_plain_values_are_copies_of_plain_types():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

    liar = np.arange(3.0).view(Liar)
    assert type(to_plain(liar)) is np.ndarray
    assert to_plain(torch.ones(2, requires_grad=True)).tolist() == [1, 1]
    assert to_plain((1, {"a": np.float32(2)}, {3})) == [1, {"a": 2.0}, (3,)]
    with pytest.raises(TypeError, match="object"):
        to_plain([object()])


@pytest.mark.parametrize(
    "expected, got, words",
    [
        (1.0, math.nan, "tu valor es nan y se esperaba 1"),
        (2, "dos", "se esperaba un número"),
        (np.array([1.0, 2.0]), [1.0, 2.0, 3.0], "tiene forma (3,) y se esperaba (2,)"),
        ([1.0, 2.0], np.ones(3), "tiene forma (3,) y se esperaba (2,)"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "tu lista tiene 3 elementos y se esperaban 2"),
        ([1, 2], 7, "tu valor es 7 y se esperaba una lista de 2 elementos"),
        ([1, 2], [1, "b"], "en el elemento 1, tu valor es 'b' y se esperaba un número"),
        ([1], [], "tu lista tiene 0 elementos y se esperaba 1"),
        (1.26302, 1.26329, "tu valor es 1.2633 y se esperaba 1.263"),
        (1.0002, 1, "tu valor es 1 y se esperaba 1.0002"),
        (np.eye(2), np.array([[1, 0], [0.5, 1]]), "en la posición (1, 0) tu valor es 0.5 y se esperaba 0"),
        (["a", "b"], ["a"], "tu lista tiene 1 elemento y se esperaban 2"),
        ("\xf1u", "n\u0303u", "se ve como el esperado, pero tiene 3 caracteres y no 2"),
        (["a", "b"], ["a", "c"], "en el elemento 1, tu valor es 'c' y se esperaba 'b'"),
        ({("a", "b"): 1}, {}, "falta la clave ('a', 'b')"),
        ({}, {"x": 1}, "sobra la clave 'x'"),
        ({"x": 1}, {"x": 2}, "en la clave 'x', tu valor es 2 y se esperaba 1"),
        ({"x": 1}, [1], "se esperaba un diccionario"),
        (True, 1, "tu valor es 1 y se esperaba True"),
    ],
)
def test_first_difference_names_the_place(expected, got, words):
    assert words in first_difference(to_plain(expected), to_plain(got), 1e-6)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(plain, plain)
def test_comparison_never_fails_and_accepts_only_what_is_equal(expected, got):
    assert first_difference(expected, to_plain(expected), 1e-9) is None
    difference = first_difference(expected, to_plain(got), 1e-9)
    assert difference is None or isinstance(difference, str)


def test_short_keeps_one_line():
    assert short(1 / 3) == "0.3333"
    assert short(np.zeros((2, 3))) == "un arreglo de forma (2, 3)"
    assert len(short("x" * 500)) == 70 and "\n" not in short("a\nb")


# --- Lo que lee quien se equivoca ------------------------------------------------------------


@pytest.mark.parametrize("exercise", BY_HAND, ids=named)
def test_by_hand_says_which_number_is_wrong_and_never_its_value(exercise):
    for variant in range(10):
        values = exercise.reference(variant)
        assert verdict_of(exercise, (variant, values)).state == RIGHT
        for place, (part, question) in enumerate(exercise.parts.items()):
            wrong = [x if i < place else 987.0 for i, x in enumerate(values)]
            verdict = verdict_of(exercise, (variant, wrong))
            assert verdict.state == WRONG and verdict.points == 0
            said = f"en el número {place + 1}, {part}, 987 no es lo que sale de tu tabla: {question}"
            assert verdict.finding == said and verdict.call == ""


@pytest.mark.parametrize("exercise", BY_HAND, ids=named)
def test_by_hand_variants_have_different_answers(exercise):
    answers = [np.array(exercise.reference(variant)) for variant in range(10)]
    for variant, values in enumerate(answers):
        right = [other for other in range(10) if verdict_of(exercise, (other, values)).state == RIGHT]
        assert right == [variant]


@pytest.mark.parametrize("exercise", BY_HAND, ids=named)
def test_by_hand_recognises_a_mistake_made_in_some_numbers_only(exercise):
    for variant in range(10):
        values = exercise.reference(variant)
        for mistake in exercise.mistakes:
            typical = mistake.answer(variant)
            wrong = [i for i, x in enumerate(values) if not is_close(typical[i], x, exercise.tolerance)]
            assert wrong, f"{mistake.sentence} no cambia nada en la variante {variant}"
            last = [typical[i] if i == wrong[-1] else x for i, x in enumerate(values)]
            assert verdict_of(exercise, (variant, typical)).mistake is mistake
            assert verdict_of(exercise, (variant, last)).mistake is not None


@pytest.mark.parametrize(
    "set_id, id, answer, words",
    [
        ("del-texto-a-los-numeros", "uniones_a_mano", (4, [14, 11, 41, 3]), "falla «olas»"),
        ("del-texto-a-los-numeros", "uniones_a_mano", (1, [14, 12, 41, 4]), "falla «olas»"),
        ("coocurrencia-ppmi", "pmi_a_mano", (0, [4, 0, 0.415, 0, 3]), "falta su logaritmo"),
    ],
)
def test_by_hand_blames_only_what_is_wrong(set_id, id, answer, words):
    """De quien acierta lo demás no se dice que se confundió en ello."""
    assert words in verdict_of(load_set(set_id).find(id), answer).mistake.sentence


def test_a_right_count_is_not_blamed_for_a_pair_lost_when_sorting():
    exercise = COUNTING.find("ventanas")

    def new_pairs(*arguments):
        return [pair for pair in exercise.reference(*arguments) if pair[0] < pair[1]]

    sentence = verdict_of(exercise, new_pairs).mistake.sentence
    assert "si allí comparas palabras" in sentence and "Si allí está bien, es aquí" in sentence


@pytest.mark.parametrize(
    "answer, words",
    [
        (
            [2.0, 0.0, 0.415, 0.0, 3.0],
            "se escribe (variante, [gato–maúlla, gato–de, vino–de, gato–ladra, cota de maúlla])",
        ),
        ((12, [2.0, 0.0, 0.415, 0.0, 3.0]), "con tu variante, de 0 a 9, delante"),
        ((0, [2, 0, 0, 415, 0, 3]), "¿usaste coma decimal?"),
        ((0, [2.0, 0.0, 0.415]), "das 3 números y se piden 5"),
        ((0, ["2", 0, 0, 0, 0]), "'2' no es lo que sale de tu tabla"),
        (zip([1]), "tu respuesta devuelve un zip"),
    ],
)
def test_by_hand_says_how_to_write_the_answer(answer, words):
    verdict = verdict_of(COUNTING.find("pmi_a_mano"), answer)
    assert verdict.state == WRONG and words in verdict.finding


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=named)
def test_a_failed_case_can_be_pasted_and_is_the_same_case(exercise):
    """La línea que se imprime vuelve a llamar a la respuesta con los mismos argumentos."""
    cases = exercise.draw("secreta")
    judge = Judge(exercise, cases)
    for number, case in enumerate(cases):
        got = [*judge.expected]
        got[number] = run(lambda *arguments: "mal", cases[:1])[0]
        verdict = judge.verdict(got)
        place = f"en el caso {number + 1}, " if len(cases) > 1 else ""
        assert verdict.finding.startswith(f"{place}tu ")
        if not verdict.call:  # una línea de más de mil letras no se escribe: los textos y las tablas grandes
            steps = [] if isinstance(case, tuple) else case.steps
            calls = [step.arguments for step in steps] or [case]
            assert sum(len(repr(to_plain(argument))) for call in calls for argument in call) > 900
            continue
        received, case = called(verdict.call, exercise.name, case)
        assert len(received) == len(case)
        for mine, theirs in zip(received, case):
            assert type(mine) is type(theirs)
            assert first_difference(to_plain(theirs), to_plain(mine), 0) is None


def called(line, name, case):
    """Los argumentos con que una línea llama a la respuesta y los del caso; en una cadena, paso a paso."""
    if isinstance(case, tuple):
        return eval(line, {"np": np, "torch": torch, name: lambda *a: a}), case
    received = []

    class Recorder:
        def __init__(self, *arguments):
            received.append(arguments)

        def __getattribute__(self, method):
            return lambda *arguments: received.append(arguments)

    exec(line, {"np": np, "torch": torch, name: Recorder})
    # De lo que no es un método suyo (las formas, los gradientes) no hay línea que pegar.
    methods = [step for step in case.steps if step.method not in OF_NETWORKS]
    return tuple(received), (case.arguments, *(step.arguments for step in methods))


def test_a_chain_is_reproduced_step_by_step():
    chain = Chain((2,), (Step("load", (np.eye(2),), keep=False), Step("__call__", ([1.5],))))
    exercise = Exercise("e", "Net", 1, type("Net", (), {}), (), cases=lambda rng: [chain])
    verdict = verdict_of(exercise, lambda n: 3)
    line = "built = Net(2); built.load(np.array([[1.0, 0.0], [0.0, 1.0]])); built.__call__([1.5])"
    assert verdict.call == line


def test_a_case_too_large_to_paste_is_not_written():
    exercise = Exercise("e", "f", 1, lambda x: 1, (), cases=lambda rng: [(np.zeros(9999),)])
    assert verdict_of(exercise, lambda x: 2).call == ""


@pytest.mark.parametrize(
    "value, code",
    [
        (np.array([[0.1, 2], [3, 4]], dtype="f4"), "np.array([[0.1, 2.0], [3.0, 4.0]], dtype=np.float32)"),
        (torch.tensor([0.1, -2]), "torch.tensor([0.1, -2.0])"),
        (torch.tensor([0.1], dtype=torch.float64), "torch.tensor([0.1], dtype=torch.float64)"),
        (torch.arange(2), "torch.tensor([0, 1])"),
        (np.zeros((0,), int), "np.array([], dtype=np.int64)"),
        ({"a": (1,)}, "{'a': (1,)}"),
        (np.float64(2), "2.0"),
    ],
)
def test_values_are_written_as_code(value, code):
    assert to_code(value) == code


def test_calling_the_function_instead_of_passing_it_is_said():
    check, _ = open_set("coocurrencia-ppmi")
    ppmi, M = as_a_student(COUNTING.find("ppmi")), np.eye(2)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        check("ppmi", ppmi(M))
    said = '✘ ppmi: escribiste `ppmi(M)`: pasa la función, sin paréntesis: check("ppmi", ppmi)\n'
    assert out.getvalue() == said
    assert "`ppmi(…)`" in printed(check, "ppmi", M)


def test_a_call_without_something_is_explained():
    check, _ = open_set("coocurrencia-ppmi")
    with pytest.raises(CourseError, match=r'Falta tu respuesta: check\("ppmi", ppmi\)'):
        check("ppmi")
    with pytest.raises(CourseError, match="nombre del ejercicio, entre comillas"):
        check(COUNTING.find("ppmi").reference)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda ids, *_: (i for i in ids), "devuelve un generator y no una lista; conviértelo con list(…)"),
        (lambda ids, *_: zip(ids, ids), "devuelve un zip y no una lista"),
        (lambda ids, *_: map(str, ids), "devuelve un map y no una lista"),
        (lambda ids, *_: {1: 2}.keys(), "devuelve un dict_keys y no una lista"),
        (lambda ids, *_: next(iter(())), "tu respuesta lanza un error (StopIteration"),
    ],
)
def test_what_is_returned_without_being_a_value_is_named(answer, words):
    assert words in verdict_of(load_set("ventana-que-aprende").find("ejemplos"), answer).finding


def test_a_set_is_not_a_sorted_list():
    exercise = COUNTING.find("ventanas")
    verdict = verdict_of(exercise, lambda *a: set(map(tuple, exercise.reference(*a))))
    assert "tu resultado es un conjunto" in verdict.finding and "sorted" in verdict.mistake.sentence
    assert first_difference(to_plain({1, 2}), to_plain({2, 1}), 0) is None
    assert "se esperaba un conjunto" in first_difference(to_plain({1}), to_plain([1]), 0)


@pytest.mark.parametrize("set_id, id", [("coocurrencia-ppmi", "ppmi"), ("rnn-desde-cero", "rnn")])
def test_models_already_made_are_not_accepted(set_id, id):
    check, _ = open_set(set_id)

    def ppmi(counts):
        from coursekit.embeddings import ppmi

        return ppmi(counts)

    def rnn(X, H, W_xh, W_hh, b_h):
        model = torch.nn.RNN(*W_xh.shape)
        return model(X, H[None])

    before = sys.getprofile()
    said = printed(check, id, {"ppmi": ppmi, "rnn": rnn}[id])
    assert "tu respuesta usa " in said and "aquí se trata de escribirlo" in said
    assert {"ppmi": "coursekit.embeddings", "rnn": "RNN, de torch.nn.modules.rnn"}[id] in said
    assert sys.getprofile() is before


@pytest.mark.parametrize(
    "exercise_set, user, used", [(ROWS, "vecinos", "cosenos"), (COUNTING, "ventanas", "contar")], ids=named
)
def test_one_mistake_that_costs_two_exercises_is_said_to_be_the_same(exercise_set, user, used):
    """Quien arrastra el error de otro ejercicio lee que es el mismo, y dónde está."""
    user, used = exercise_set.find(user), exercise_set.find(used)
    assert user.uses == (used,)
    for mistake in used.mistakes:
        names = user.reference.__globals__ | {used.name: mistake.answer}
        dragging = type(user.reference)(user.reference.__code__, names)
        verdict = verdict_of(user, dragging)
        if verdict.state == RIGHT:
            continue  # un error que aquí no se nota
        assert verdict.mistake.sentence.startswith(f"es el mismo de «{used.title}»")


def test_integers_are_named():
    def ppmi(counts):
        result = np.zeros_like(counts)
        result[:] = COUNTING.find("ppmi").reference(counts)
        return result

    assert "matriz de enteros" in verdict_of(COUNTING.find("ppmi"), ppmi).mistake.sentence


def test_a_set_is_written_with_its_references():
    written = ExerciseSet("uno", "Uno")

    @written.exercise("doble", "El doble", points=10, hints=("", ""), cases=lambda rng: [(2,)])
    def double(x):
        return x + x

    double.mistaken(("x + x", "x * x * x", "elevas al cubo."))
    double.planted(("x + x", "x", "falta sumar."), ("return", "return 1 +", "sobra uno."))
    assert double(4) == 8 and written.find("doble") is double and written.points == 10
    assert [m.answer(5) for m in double.mistakes] == [125, 6, 5, 11]
    assert double.mistakes[1].sentence == "es la función tal como la recibiste, con sus 2 fallos."
    assert double.mistakes[2].sentence == "queda un fallo: falta sumar."
