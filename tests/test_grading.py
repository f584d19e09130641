"""La comprobación de los ejercicios: estados, errores clásicos y avisos."""

import contextlib
import io
import math
from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from coursekit.errors import CourseError
from coursekit.exercises import check, hint
from coursekit.exercises.judging import RIGHT, UNTRIED, WRONG, judge
from coursekit.exercises.running import run
from coursekit.exercises.sets import all_sets, find_exercise, load_set
from coursekit.exercises.values import first_difference, short, to_plain

ROOT = Path(__file__).parents[1]
EXERCISES = [exercise for exercise_set in all_sets() for exercise in exercise_set.exercises]
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.mistakes]
SEEDS = ["cuaderno", "secreta", "otra"]


def verdict_of(exercise, answer, seed="cuaderno"):
    cases = exercise.draw(seed)
    return judge(exercise, cases, run(answer, cases))


def printed(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
@pytest.mark.parametrize("seed", SEEDS)
def test_reference_earns_every_point(exercise, seed):
    verdict = verdict_of(exercise, exercise.reference, seed)
    assert (verdict.state, verdict.points) == (RIGHT, exercise.points)


@pytest.mark.parametrize("exercise, mistake", MISTAKES, ids=lambda x: getattr(x, "id", x.__class__.__name__))
@pytest.mark.parametrize("seed", SEEDS)
def test_classic_mistake_is_recognised_by_its_own_sentence(exercise, mistake, seed):
    verdict = verdict_of(exercise, mistake.answer, seed)
    assert (verdict.state, verdict.points) == (WRONG, 0)
    assert verdict.mistake is mistake, f"{mistake.sentence} / {verdict.finding}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_untouched_answers_are_untried(exercise):
    def skeleton(*arguments):
        raise NotImplementedError("Escribe aquí tu solución.")

    for answer in (skeleton, ..., lambda *arguments: ...):
        verdict = verdict_of(exercise, answer)
        assert (verdict.state, verdict.points) == (UNTRIED, 0)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_every_exercise_has_hints_and_two_classic_mistakes(exercise):
    assert len(exercise.hints) >= 2 and len(exercise.mistakes) >= 2


def test_sets_have_four_to_six_exercises_unique_ids_and_ten_points():
    for exercise_set in all_sets():
        assert 4 <= len(exercise_set.exercises) <= 6
        assert exercise_set.points == 10
    ids = [exercise.id for exercise in EXERCISES]
    assert len(ids) == len(set(ids))


def test_same_seed_same_cases_and_other_seed_other_cases():
    exercise = find_exercise("ppmi")
    first, again, other = (exercise.draw(seed)[2][0] for seed in ("a", "a", "b"))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_answers_cannot_change_their_cases():
    def vandal(counts):
        counts[:] = 0
        return counts

    exercise = find_exercise("ppmi")
    cases = exercise.draw("cuaderno")
    before = [case[0].copy() for case in cases]
    run(vandal, cases)
    for case, original in zip(cases, before):
        np.testing.assert_array_equal(case[0], original)


def test_an_answer_right_by_list_or_by_array_is_right():
    exercise = find_exercise("ppmi")
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
    verdict = verdict_of(find_exercise("ppmi"), answer)
    assert verdict.state == WRONG and words in verdict.finding


def test_check_prints_one_clear_answer_for_each_state():
    reference = find_exercise("contar").reference
    assert printed(check, "contar", reference) == "✔ contar: correcto (2 puntos).\n"
    assert "sin intentar" in printed(check, "contar", ...)
    wrong = printed(check, "contar", find_exercise("contar").mistakes[1].answer)
    assert wrong.startswith("✘ contar: incorrecto. En el caso 1 (sentences = ")
    assert "Es un error clásico: miras solo a la derecha." in wrong
    assert 'hint("contar")' in wrong


def test_hints_come_in_steps_and_the_last_one_stays():
    hints = find_exercise("recorte").hints
    said = [printed(hint, "recorte") for _ in range(len(hints) + 1)]
    assert [text.split(": ", 1)[1].strip() for text in said] == [*hints, hints[-1]]


def test_unknown_exercise_suggests_the_closest():
    with pytest.raises(CourseError, match="¿Querías decir «ppmi»?"):
        check("pmi", None)
    with pytest.raises(CourseError, match="coocurrencia-ppmi"):
        load_set("nada")


def test_plain_values_are_copies_of_plain_types():
    class Liar(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

    liar = np.arange(3.0).view(Liar)
    assert type(to_plain(liar)) is np.ndarray
    assert to_plain(torch.ones(2, requires_grad=True)).tolist() == [1, 1]
    assert to_plain((1, {"a": np.float32(2)}, {3})) == [1, {"a": 2.0}, [3]]
    with pytest.raises(TypeError, match="object"):
        to_plain([object()])


@pytest.mark.parametrize(
    "expected, got, words",
    [
        (1.0, math.nan, "tu valor es nan y se esperaba 1"),
        (2, "dos", "se esperaba un número"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "tiene forma (3,) y se esperaba (2,)"),
        (np.eye(2), np.array([[1, 0], [0.5, 1]]), "en la posición (1, 0) tu valor es 0.5 y se esperaba 0"),
        (["a", "b"], ["a"], "tu lista tiene 1 elementos y se esperaban 2"),
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


def run_notebook(path):
    """Lo que imprime un cuaderno, con cada `check(...)` en su lugar."""
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for cell in jupytext.read(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, str(path), "exec"), names)  # noqa: S102
    return [line for line in out.getvalue().splitlines() if line[:1] in "✔✘○"]


@pytest.mark.parametrize("exercise_set", all_sets(), ids=lambda s: s.id)
@pytest.mark.parametrize(
    "folder, mark, state", [("solutions", "✔", "correcto"), ("exercises", "○", "sin intentar")]
)
def test_solutions_are_right_and_skeletons_are_untried(exercise_set, folder, mark, state):
    answers = run_notebook(ROOT / folder / f"{exercise_set.id}.md")
    assert [line.split(":")[0] for line in answers] == [
        f"{mark} {exercise.id}" for exercise in exercise_set.exercises
    ]
    assert all(line.split(": ")[1].startswith(state) for line in answers)


def test_every_set_has_its_notebook():
    names = {path.stem for path in (ROOT / "solutions").glob("*.md")}
    assert names == {exercise_set.id for exercise_set in all_sets()}
