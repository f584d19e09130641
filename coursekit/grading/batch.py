"""Califica un lote: encarga cada entrega a una cárcel, juzga lo que vuelve y no repite trabajo."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import coursekit
from coursekit.errors import CourseError
from coursekit.files import write_whole
from coursekit.grading.jail import wire
from coursekit.exercises.exercise import Exercise, ExerciseSet
from coursekit.grading.jail.warden import Answer, Jail, JailError, Question, Testimony
from coursekit.exercises.judging import UNTRIED, WRONG, Judge
from coursekit.grading.results import (
    CRASH, MISSING, OK, TIMEOUT, UNREADABLE, Batch, ExerciseGrade, Grade, OpenAnswer,
)  # fmt: skip
from coursekit.exercises.running import describe_case
from coursekit.grading.jail.protections import Protection, Settings, choose
from coursekit.exercises.sets import load_set
from coursekit.grading.submissions import (
    Submission, Unreadable, find_submissions, open_answers, read_notebook,
)  # fmt: skip

SECONDS = 20.0


class Exam:
    """Un conjunto con sus casos ya sorteados y lo esperado ya calculado: lo que solo el juez tiene.

    Args:
        exercise_set: los ejercicios.
        seed: la semilla secreta.
        seconds: plazo de las celdas, y el de cada pregunta.
    """

    def __init__(self, exercise_set: ExerciseSet, seed: str, seconds: float = SECONDS):
        self.exercise_set, self.seed, self.seconds = exercise_set, seed, seconds
        self.judges = [
            Judge(exercise, exercise.draw(seed), reveal=False)
            for exercise in exercise_set.exercises
        ]
        self.questions = [
            Question(j.exercise.name, tuple(j.cases), j.exercise.forbids) for j in self.judges
        ]
        self.seed_fingerprint = _fingerprint_of_seed(seed)
        self.fingerprint = self._fingerprint()

    def _fingerprint(self) -> str:
        content = [coursekit.__version__, self.seed_fingerprint, self.seconds, self.exercise_set.id]
        for judge in self.judges:
            exercise = judge.exercise
            cases = [describe_case(case) for case in judge.cases]
            sentences = [mistake.sentence for mistake in exercise.mistakes]
            content += [exercise.id, exercise.name, exercise.points, cases, sentences]
        return hashlib.sha256(json.dumps(wire.encode(content)).encode()).hexdigest()

    def digest(self, raw: bytes) -> str:
        """La huella de una entrega calificada con este examen."""
        return hashlib.sha256(self.fingerprint.encode() + raw).hexdigest()


def _fingerprint_of_seed(seed: str) -> str:
    # Lento a propósito: de una semilla corta no se debe poder volver desde su huella.
    return hashlib.pbkdf2_hmac("sha256", seed.encode(), b"coursekit", 200_000).hex()[:16]


# --- Una entrega -----------------------------------------------------------------------------


def grade_submission(submission: Submission, exam: Exam, jail: Jail) -> Grade:
    """Califica una entrega; pase lo que pase hay una nota.

    Raises:
        JailError: si la cárcel deja de funcionar, que no es cosa de la entrega.
    """
    started = time.monotonic()
    raw, answers = b"", ()
    try:
        raw = submission.read()
        notebook = read_notebook(raw)
        answers = open_answers(notebook, exam.exercise_set.open_questions)
        if any(source.strip() for source in notebook.code):
            testimony = jail.examine(notebook.code, exam.questions, exam.seconds)
            state, reason, exercises = _judge(testimony, exam)
        else:
            state, reason = UNTRIED, "el cuaderno no tiene código"
            exercises = _nothing(exam, UNTRIED)
    except Unreadable as problem:
        state, reason = UNREADABLE, str(problem)
        exercises = _nothing(exam, MISSING)
    return Grade(
        submission.student, submission.file, state, reason, time.monotonic() - started,
        exercises, answers, exam.digest(raw),
    )  # fmt: skip


def _nothing(exam: Exam, state: str) -> tuple[ExerciseGrade, ...]:
    return tuple(ExerciseGrade(e.id, state, 0.0, e.points) for e in exam.exercise_set.exercises)


def _judge(testimony: Testimony, exam: Exam) -> tuple[str, str, tuple[ExerciseGrade, ...]]:
    exercises = tuple(
        _judge_exercise(judge, answer, testimony, exam.seconds)
        for judge, answer in zip(exam.judges, testimony.answers)
    )
    reasons = []
    state = testimony.state
    if state == TIMEOUT:
        reasons.append(f"las celdas no terminan en {exam.seconds:g} segundos")
    elif state == CRASH:
        reasons.append("las celdas matan el proceso")
    if reasons:
        reasons.append("se califican sus importaciones, definiciones y constantes")
        return state, "; ".join(reasons), exercises
    if all(exercise.state in (UNTRIED, MISSING) for exercise in exercises):
        return UNTRIED, "ningún ejercicio tiene respuesta", exercises
    for bad in (TIMEOUT, CRASH):
        ids = [exercise.id for exercise in exercises if exercise.state == bad]
        if ids:
            return bad, f"en {', '.join(ids)}", exercises
    return OK, "", exercises


def _judge_exercise(
    judge: Judge, answer: Answer, testimony: Testimony, seconds: float
) -> ExerciseGrade:
    exercise = judge.exercise
    if answer.state == OK:
        try:
            verdict = judge.verdict(answer.outcomes)
        except Exception as error:  # un valor que rompe la comparación no es el de quien acierta
            problem = (
                f"tu respuesta no se puede comparar con lo que se pide ({type(error).__name__})"
            )
            return _failed(exercise, WRONG, problem)
        mistake = verdict.mistake.sentence if verdict.mistake else None
        finding = verdict.finding + (f"; para verlo: {verdict.call}" if verdict.call else "")
        return ExerciseGrade(
            exercise.id, verdict.state, verdict.points, exercise.points, finding, mistake
        )
    if answer.state == MISSING:
        finding = f"tu cuaderno no define «{exercise.name}»"
        errors = [f"la celda {n} falla ({e})" for n, e in enumerate(testimony.cell_errors, 1) if e]
        return _failed(exercise, MISSING, "; ".join([finding, *errors[:1]]))
    if answer.state == TIMEOUT:
        return _failed(exercise, TIMEOUT, f"tu respuesta no termina en {seconds:g} segundos")
    return _failed(exercise, CRASH, answer.reason or "el proceso terminó antes de responder")


def _failed(exercise: Exercise, state: str, finding: str) -> ExerciseGrade:
    return ExerciseGrade(exercise.id, state, 0.0, exercise.points, finding)


# --- Un lote ---------------------------------------------------------------------------------


def grade_batch(
    folder: Path,
    exercise_set: ExerciseSet | str,
    seed: str,
    *,
    workers: int | None = None,
    seconds: float = SECONDS,
    protection: Protection | None = None,
    part: tuple[int, int] = (1, 1),
    journal: Path | None = None,
    dask: str | None = None,
    progress: bool = False,
) -> Batch:
    """Califica una carpeta o un zip de entregas.

    Args:
        folder: las entregas.
        exercise_set: el conjunto, o su nombre.
        seed: semilla secreta de los casos; la misma da las mismas notas.
        workers: cárceles a la vez; por omisión, una por núcleo.
        seconds: plazo de las celdas de una entrega, y el de cada pregunta.
        protection: con qué se encierra; por omisión, lo mejor que haya.
        part: `(i, n)` califica solo la parte `i` de `n`.
        journal: archivo donde se anota cada nota en cuanto se sabe; lo ya anotado no se repite.
        dask: dirección de un planificador de Dask que reparte el trabajo.
        progress: si se dibuja una barra.

    Returns:
        Una nota por entrega, siempre.

    Raises:
        CourseError: si no hay entregas o este equipo no puede ejecutarlas.
    """
    if isinstance(exercise_set, str):
        exercise_set = load_set(exercise_set)
    index, count = part
    submissions = find_submissions(Path(folder))[index - 1 :: count]
    exam = Exam(exercise_set, seed, seconds)
    batch = Batch(exercise_set.id, exercise_set.title, exam.seed_fingerprint, ())
    known = {(g.file, g.digest): g for g in read_journal(journal, batch)} if journal else {}
    grades, pending = [], []
    for submission in submissions:
        old = known.get((submission.file, exam.digest(_bytes_of(submission)))) if known else None
        (pending if old is None else grades).append(old or submission)

    with _Journal(journal, batch, grades) as notebook, _bar(len(submissions), progress) as bar:
        bar.update(len(grades))

        def note(grade: Grade) -> None:
            grades.append(grade)
            notebook.write(grade)
            bar.update(1)

        if dask:
            _grade_with_dask(pending, exam, dask, note)
        elif pending:
            _grade_here(pending, exam, workers or os.cpu_count() or 1, protection or choose(), note)
    batch = dataclasses.replace(batch, grades=_sorted(grades))
    if journal:
        write_journal(journal, batch)
    return batch


def _sorted(grades: Iterable[Grade]) -> tuple[Grade, ...]:
    return tuple(sorted(grades, key=lambda grade: (grade.student, grade.file)))


def _bytes_of(submission: Submission) -> bytes:
    try:
        return submission.read()
    except Unreadable:
        return b""


@contextlib.contextmanager
def _bar(total: int, visible: bool):
    from tqdm.auto import tqdm

    with tqdm(total=total, desc="Calificando", unit="entrega", disable=not visible) as bar:
        yield bar


def _grade_here(
    pending: Sequence[Submission],
    exam: Exam,
    workers: int,
    protection: Protection,
    note: Callable[[Grade], None],
) -> None:
    """Un hilo por cárcel: el juez espera casi siempre, y quien trabaja es el proceso de dentro."""
    todo, done = queue.SimpleQueue(), queue.SimpleQueue()
    for submission in pending:
        todo.put(submission)
    stop = threading.Event()

    def work() -> None:
        try:
            with Jail(protection, Settings(exam.exercise_set.imports)) as jail:
                while not stop.is_set():
                    done.put(grade_submission(todo.get_nowait(), exam, jail))
        except queue.Empty:
            pass
        except BaseException as error:  # se cuenta a quien espera, que decide
            done.put(error)

    threads = [threading.Thread(target=work) for _ in range(min(workers, len(pending)))]
    for thread in threads:
        thread.start()
    try:
        for _ in pending:
            result = done.get()
            if isinstance(result, JailError):
                raise CourseError(
                    f"La protección «{protection.name}» ha dejado de funcionar: {result}."
                )
            if isinstance(result, BaseException):
                raise result
            note(result)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# --- Dask ------------------------------------------------------------------------------------


def _grade_with_dask(
    pending: Sequence[Submission], exam: Exam, address: str, note: Callable[[Grade], None]
) -> None:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise CourseError('Falta Dask: pip install "coursekit[dask]".') from None
    try:
        client = Client(address, timeout=5)
    except (OSError, ValueError) as error:
        raise CourseError(f"No hay ningún planificador de Dask en {address} ({error}).") from None
    with client:
        workers = max(1, len(client.scheduler_info()["workers"]))
        size = max(1, min(25, -(-len(pending) // (4 * workers))))
        shares = [pending[start : start + size] for start in range(0, len(pending), size)]
        packed = [[(s.student, s.file, _pack(s)) for s in share] for share in shares]
        futures = client.map(
            _grade_share, packed, set_id=exam.exercise_set.id, seed=exam.seed, seconds=exam.seconds,
            pure=False,
        )  # fmt: skip
        for _, grades in as_completed(futures, with_results=True):
            for grade in grades:
                note(grade_from_dict(grade))


def _pack(submission: Submission) -> bytes | str:
    """Los bytes, o el motivo por el que no se leen: la otra máquina no ve los archivos."""
    try:
        return submission.read()
    except Unreadable as problem:
        return str(problem)


def _unpack(content: bytes | str) -> bytes:
    if isinstance(content, str):
        raise Unreadable(content)
    return content


def _grade_share(share: list, set_id: str, seed: str, seconds: float) -> list[dict]:
    """Lo que hace un trabajador de Dask con su parte."""
    exam = Exam(load_set(set_id), seed, seconds)
    with Jail(choose(), Settings(exam.exercise_set.imports)) as jail:
        return [
            dataclasses.asdict(grade_submission(Submission(student, file, read), exam, jail))
            for student, file, content in share
            for read in [partial(_unpack, content)]
        ]


# --- El diario -------------------------------------------------------------------------------


def grade_from_dict(data: dict) -> Grade:
    """La nota que escribió `dataclasses.asdict`."""
    exercises = tuple(ExerciseGrade(**exercise) for exercise in data["exercises"])
    answers = tuple(OpenAnswer(**answer) for answer in data["open_answers"])
    return Grade(**(data | {"exercises": exercises, "open_answers": answers}))


def _header(batch: Batch) -> dict:
    return {"conjunto": batch.set_id, "título": batch.title, "semilla": batch.seed_fingerprint}


def _line(data: dict) -> str:
    return json.dumps(data, ensure_ascii=True) + "\n"


class _Journal:
    """El diario abierto para anotar; sin archivo, no anota nada."""

    def __init__(self, path: Path | None, batch: Batch, grades: Sequence[Grade]):
        self._path, self._start = path, dataclasses.replace(batch, grades=tuple(grades))
        self._file = None

    def __enter__(self) -> _Journal:
        if self._path:
            write_journal(self._path, self._start)
            self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *exception) -> None:
        if self._file:
            self._file.close()

    def write(self, grade: Grade) -> None:
        if self._file:
            self._file.write(_line(dataclasses.asdict(grade)))
            self._file.flush()


def write_journal(path: Path, batch: Batch) -> None:
    """Escribe el diario entero, o nada."""
    lines = [_header(batch), *map(dataclasses.asdict, batch.grades)]
    write_whole(path, "".join(map(_line, lines)))


def read_journal(path: Path, batch: Batch | None = None) -> tuple[Grade, ...]:
    """Las notas de un diario; ninguna si es de otro conjunto o de otra semilla."""
    if not path.is_file():
        return ()
    lines = path.read_text("utf-8").splitlines()
    grades = []
    # La última línea pudo quedar a medias.
    with contextlib.suppress(ValueError, TypeError, KeyError):
        if batch and json.loads(lines[0]) != _header(batch):
            return ()
        for line in lines[1:]:
            grades.append(grade_from_dict(json.loads(line)))
    return tuple(grades)


def merge(journals: Sequence[Path]) -> Batch:
    """Une los diarios de las partes de un mismo lote.

    Raises:
        CourseError: si falta alguno o no son del mismo conjunto y semilla.
    """
    headers = []
    for path in journals:
        try:
            headers.append(json.loads(path.read_text("utf-8").splitlines()[0]))
        except (OSError, ValueError, IndexError):
            raise CourseError(f"En {path.parent} no hay un lote calificado.") from None
    for path, header in zip(journals, headers):
        if header != headers[0]:
            raise CourseError(f"{path.parent} es de otro conjunto o de otra semilla.")
    grades = {grade.file: grade for path in journals for grade in read_journal(path)}
    first = headers[0]
    return Batch(first["conjunto"], first["título"], first["semilla"], _sorted(grades.values()))
