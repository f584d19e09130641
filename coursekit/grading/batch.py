"""Califica un lote: cada juez es un proceso con memoria propia, y nada se califica dos veces."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import resource
import signal
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.exercises.exercise import ExerciseSet
from coursekit.exercises.sets import load_set
from coursekit.grading.exam import SECONDS, Exam, grade_submission
from coursekit.grading.jail.inside import kernel
from coursekit.grading.jail.ladder import choose
from coursekit.grading.jail.protections import Protection, Settings
from coursekit.grading.jail.warden import Jail, JailError, jail_place
from coursekit.grading.journal import Journal, Share, read_grade, read_journal, write_journal
from coursekit.grading.results import CRASH, Batch, Grade
from coursekit.grading.submissions import Submission, Unreadable, find_submissions

# Lo que un juez puede gastar, por encima de lo que ya tiene, en leer y comparar una entrega.
JUDGE_MEGABYTES, JUDGE_SECONDS, MOST_DEATHS = 512, 120.0, 3


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
        workers: jueces a la vez, cada uno con su cárcel; por omisión, uno por núcleo.
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
    submissions = find_submissions(Path(folder))
    files = tuple(submission.file for submission in submissions)
    exam = Exam(exercise_set, seed, seconds)
    share = Share(exercise_set.id, exercise_set.title, exam.seed_fingerprint, exam.fingerprint, part, files)
    own = [submission for submission in submissions if submission.file in set(share.own)]
    # Una caída pudo venir de fuera (se fue la memoria del equipo, alguien mató un proceso): se repite.
    old = [grade for grade in read_journal(journal) if not grade.crashed] if journal else []
    known = {grade.file: grade for grade in old if grade.file in share.own}
    grades = []
    with Journal(journal, share, tuple(known.values())) as notebook, _bar(len(own), progress) as bar:

        def note(grade: Grade) -> None:
            grades.append(grade)
            if known.get(grade.file) != grade:
                notebook.write(grade)
            bar.update(1)

        if dask:
            _grade_with_dask(own, exam, known, dask, note)
        else:
            workers = workers or os.cpu_count() or 1
            _grade_here(own, exam, known, workers, protection or choose(), note)
    batch = share.batch(grades)
    if journal:
        write_journal(journal, share, batch.grades)
    return batch


@contextmanager
def _bar(total: int, visible: bool):
    from tqdm.auto import tqdm

    with tqdm(total=total, desc="Calificando", unit="entrega", disable=not visible) as bar:
        yield bar


# --- Los jueces ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bench:
    """Lo que todos los jueces de un lote comparten."""

    submissions: Sequence[Submission]
    exam: Exam
    known: dict[str, Grade]
    protection: Protection
    place: Path


class _Judge:
    """Un juez: un proceso que lee, encarga a su cárcel y compara, con memoria y tiempo contados.

    Si una entrega lo tumba, cae él y no el lote.

    Attributes:
        task: el número de la entrega que tiene entre manos, o `None`.
    """

    def __init__(self, bench: _Bench):
        self.pipe, theirs = multiprocessing.connection.Pipe()
        self.task: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self.pipe.close()
                _sit(bench, theirs)
            finally:
                os._exit(1)
        theirs.close()

    def take(self, number: int) -> None:
        self.task, self._mark = number, self._seconds()
        with suppress(OSError):  # si ha muerto, se verá al escucharlo
            self.pipe.send_bytes(str(number).encode())

    def hear(self) -> dict | None:
        """Lo que dice, o `None` si ha muerto."""
        try:
            return json.loads(self.pipe.recv_bytes())
        except (EOFError, OSError, ValueError):
            return None

    @property
    def overspent(self) -> bool:
        """Si la entrega que juzga le cuesta más de lo que ninguna debe."""
        return self.task is not None and self._seconds() - self._mark > JUDGE_SECONDS

    def _seconds(self) -> float:
        try:
            words = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def dismiss(self) -> None:
        """Acaba con él; su cárcel cae al quedarse sin nadie al otro lado."""
        self.pipe.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _sit(bench: _Bench, pipe: multiprocessing.connection.Connection) -> None:
    """La vida de un juez; si algo falla de un modo que nadie esperaba, muere y se le releva."""
    kernel.die_with_parent()
    kernel.hide_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # decide quien reparte
    exam = bench.exam
    try:
        with Jail(bench.protection, Settings(exam.exercise_set.imports), bench.place) as jail:
            _ = exam.judges  # antes del tope: lo que cuesta lo esperado no es de ninguna entrega
            hard = resource.getrlimit(resource.RLIMIT_AS)[1]
            resource.setrlimit(resource.RLIMIT_AS, (kernel.address_space(JUDGE_MEGABYTES), hard))
            pipe.send_bytes(b"{}")
            while True:
                submission = bench.submissions[int(pipe.recv_bytes())]
                grade = grade_submission(submission, exam, jail, bench.known.get(submission.file))
                pipe.send_bytes(json.dumps(asdict(grade)).encode())
    except JailError as error:
        pipe.send_bytes(json.dumps({"cárcel": str(error)}).encode())


def _grade_here(
    submissions: Sequence[Submission],
    exam: Exam,
    known: dict[str, Grade],
    workers: int,
    protection: Protection,
    note: Callable[[Grade], None],
) -> None:
    """Reparte las entregas entre los jueces y releva al que muere."""
    todo, tried, deaths = deque(range(len(submissions))), set(), 0
    with jail_place() as place:
        bench = _Bench(submissions, exam, known, protection, place)
        crew = [_Judge(bench) for _ in range(min(workers, len(submissions)))]
        try:
            while crew:
                ready = multiprocessing.connection.wait([judge.pipe for judge in crew], timeout=1)
                for judge in [j for j in crew if j.pipe in ready or j.overspent]:
                    overspent = judge.overspent
                    message = judge.hear() if judge.pipe in ready else None
                    if message and "cárcel" in message:
                        raise CourseError(
                            f"La protección «{protection.name}» ha dejado de funcionar: {message['cárcel']}."
                        )
                    if message:
                        note(read_grade(message))
                    task, judge.task = judge.task, None
                    if message is None:
                        judge.dismiss()
                        crew.remove(judge)
                        deaths += task is None
                        if deaths > MOST_DEATHS:
                            raise CourseError("Los jueces mueren antes de empezar: ¿falta memoria?")
                        if task is not None and (overspent or task in tried):
                            note(_hurtful(submissions[task], exam))
                        elif task is not None:
                            tried.add(task)  # quizá lo mató otro: se repite una vez
                            todo.appendleft(task)
                        if todo:
                            crew.append(_Judge(bench))
                    elif todo:
                        judge.take(todo.popleft())
                    else:
                        judge.dismiss()
                        crew.remove(judge)
        finally:
            for judge in crew:
                judge.dismiss()


def _hurtful(submission: Submission, exam: Exam) -> Grade:
    """La nota de una entrega que tumba a quien la juzga."""
    return Grade(
        submission.student, submission.file, CRASH, "lo que contesta no se puede ni leer", 0.0,
        exam.nothing(CRASH), (), exam.digest(b""),
    )  # fmt: skip


# --- Dask ------------------------------------------------------------------------------------


def _grade_with_dask(
    submissions: Sequence[Submission],
    exam: Exam,
    known: dict[str, Grade],
    address: str,
    note: Callable[[Grade], None],
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
        pending = []
        for submission in submissions:
            old, content = known.get(submission.file), _pack(submission)
            if old and isinstance(content, bytes) and old.digest == exam.digest(content):
                note(old)
            else:
                pending.append((submission.student, submission.file, content))
        workers = max(1, len(client.scheduler_info()["workers"]))
        size = max(1, min(25, -(-len(pending) // (4 * workers))))
        futures = client.map(
            _grade_share, [pending[start : start + size] for start in range(0, len(pending), size)],
            set_id=exam.exercise_set.id, seed=exam.seed, seconds=exam.seconds, pure=False,
        )  # fmt: skip
        for _, grades in as_completed(futures, with_results=True):
            for grade in grades:
                note(read_grade(grade))


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
    exam, grades = Exam(load_set(set_id), seed, seconds), []
    submissions = [Submission(student, file, partial(_unpack, content)) for student, file, content in share]
    _grade_here(submissions, exam, {}, 1, choose(), grades.append)
    return [asdict(grade) for grade in grades]
