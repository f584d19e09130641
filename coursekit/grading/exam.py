"""El examen: un conjunto con sus casos ya sorteados, y la nota de una entrega."""

from __future__ import annotations

import hashlib
import json
import time
from functools import cached_property

import coursekit
from coursekit.exercises.exercise import Exercise, ExerciseSet
from coursekit.exercises.judging import Judge
from coursekit.exercises.running import describe_case
from coursekit.grading.jail.inside import wire
from coursekit.grading.jail.warden import Answer, Jail, Question, Testimony
from coursekit.grading.likeness import with_forms
from coursekit.grading.results import (
    CRASH,
    MISSING,
    OK,
    TIMEOUT,
    UNREADABLE,
    UNTRIED,
    WRONG,
    ExerciseGrade,
    Grade,
)  # fmt: skip
from coursekit.grading.submissions import Submission, Unreadable, open_answers, read_notebook

SECONDS = 20.0


class Exam:
    """Un conjunto con sus casos ya sorteados: lo que solo el juez tiene.

    Args:
        exercise_set: los ejercicios.
        seed: la semilla secreta.
        seconds: plazo de las celdas, y el de cada pregunta.
    """

    def __init__(self, exercise_set: ExerciseSet, seed: str, seconds: float = SECONDS):
        self.exercise_set, self.seed, self.seconds = exercise_set, seed, seconds
        self.cases = [exercise.draw(seed) for exercise in exercise_set.exercises]
        self.questions = [
            Question(exercise.name, tuple(cases), exercise.forbids)
            for exercise, cases in zip(exercise_set.exercises, self.cases)
        ]
        self.seed_fingerprint = _fingerprint_of_seed(seed)
        self.fingerprint = self._fingerprint()

    @cached_property
    def judges(self) -> list[Judge]:
        """Un juez por ejercicio, con lo esperado ya calculado."""
        return [
            Judge(exercise, cases, reveal=False)
            for exercise, cases in zip(self.exercise_set.exercises, self.cases)
        ]

    def _fingerprint(self) -> str:
        content = [coursekit.__version__, self.seed_fingerprint, self.seconds, self.exercise_set.id]
        for exercise, cases in zip(self.exercise_set.exercises, self.cases):
            described = [describe_case(case) for case in cases]
            sentences = [mistake.sentence for mistake in exercise.mistakes]
            content += [exercise.id, exercise.title, exercise.name, exercise.points, described, sentences]
        for question in self.exercise_set.open_questions:
            content += [question.id, question.question, question.rubric, question.points]
        return hashlib.sha256(json.dumps(wire.encode(content)).encode()).hexdigest()

    def digest(self, raw: bytes) -> str:
        """La huella de una entrega calificada con este examen."""
        return hashlib.sha256(self.fingerprint.encode() + raw).hexdigest()

    def nothing(self, state: str) -> tuple[ExerciseGrade, ...]:
        """Todos los ejercicios sin puntos, en un mismo estado."""
        return tuple(_failed(e, state) for e in self.exercise_set.exercises)


def _fingerprint_of_seed(seed: str) -> str:
    # Lento a propósito: de una semilla corta no se debe poder volver desde su huella.
    return hashlib.pbkdf2_hmac("sha256", seed.encode(), b"coursekit", 200_000).hex()[:16]


def grade_submission(submission: Submission, exam: Exam, jail: Jail, known: Grade | None = None) -> Grade:
    """Califica una entrega; pase lo que pase hay una nota.

    Args:
        known: la nota que tenía; si la entrega no ha cambiado, vale.

    Raises:
        JailError: si la cárcel deja de funcionar, que no es cosa de la entrega.
    """
    started = time.monotonic()
    raw, answers, notebook = b"", (), None
    try:
        raw = submission.read()
        if known and known.digest == exam.digest(raw):
            return known
        notebook = read_notebook(raw)
        answers = open_answers(notebook, exam.exercise_set.open_questions)
    except Unreadable as problem:
        state, reason = UNREADABLE, str(problem)
    except Exception as error:  # lo que nadie previó, también que no quepa en la memoria del juez
        state, reason = UNREADABLE, f"no se puede leer ({type(error).__name__})"
    if notebook is None:
        exercises = exam.nothing(MISSING)
    elif any(source.strip() for source in notebook.code):
        testimony = jail.examine(notebook.code, exam.questions, exam.seconds)
        state, reason, exercises = _judge(testimony, exam)
        exercises = with_forms(exercises, notebook.code, exam.exercise_set.exercises)
    else:
        state, reason = UNTRIED, "el cuaderno no tiene código"
        exercises = exam.nothing(UNTRIED)
    return Grade(
        submission.student, submission.file, state, reason, time.monotonic() - started,
        exercises, answers, exam.digest(raw),
    )  # fmt: skip


def _judge(testimony: Testimony, exam: Exam) -> tuple[str, str, tuple[ExerciseGrade, ...]]:
    exercises = tuple(
        _judge_exercise(judge, answer, testimony, exam.seconds)
        for judge, answer in zip(exam.judges, testimony.answers)
    )
    if testimony.state != OK:
        happened = testimony.reason or "las celdas matan el proceso"
        if testimony.state == TIMEOUT:
            happened = f"las celdas no terminan en {exam.seconds:g} segundos"
        rest = "se califican sus importaciones, definiciones y constantes"
        return testimony.state, f"{happened}; {rest}", exercises
    if all(exercise.state in (UNTRIED, MISSING) for exercise in exercises):
        return UNTRIED, "ningún ejercicio tiene respuesta", exercises
    for bad in (TIMEOUT, CRASH):
        names = [exercise.name for exercise in exercises if exercise.state == bad]
        if names:
            return bad, f"en {', '.join(names)}", exercises
    return OK, "", exercises


def _judge_exercise(judge: Judge, answer: Answer, testimony: Testimony, seconds: float) -> ExerciseGrade:
    exercise = judge.exercise
    if answer.state == OK:
        try:
            verdict = judge.verdict(answer.outcomes)
            mistake = verdict.mistake.sentence if verdict.mistake else None
            finding = verdict.finding + (f"; para verlo: {verdict.call}" if verdict.call else "")
            return ExerciseGrade(
                exercise.id, verdict.state, verdict.points, exercise.points, finding, mistake, exercise.title
            )
        except Exception as error:  # un valor que rompe la comparación no es el de quien acierta
            problem = f"tu respuesta no se puede comparar con lo que se pide ({type(error).__name__})"
            return _failed(exercise, WRONG, problem)
    if answer.state == MISSING:
        finding = f"tu cuaderno no define «{exercise.name}»"
        errors = [f"la celda {n} falla ({e})" for n, e in enumerate(testimony.cell_errors, 1) if e]
        return _failed(exercise, MISSING, "; ".join([finding, *errors[:1]]))
    if answer.state == TIMEOUT:
        return _failed(exercise, TIMEOUT, f"tu respuesta no termina en {seconds:g} segundos")
    return _failed(exercise, CRASH, answer.reason or "el proceso terminó antes de responder")


def _failed(exercise: Exercise, state: str, finding: str = "") -> ExerciseGrade:
    return ExerciseGrade(exercise.id, state, 0.0, exercise.points, finding, title=exercise.title)
