"""Cuánto cuesta calificar una entrega, en procesador y en reloj, y cuánto un núcleo de Jupyter.

Se mide en la misma pasada y en la misma máquina: las entregas corrientes de un conjunto de NumPy y
otro de torch, con cada protección; 1, 2 y 4 trabajadores; y 300 entregas, un tercio hostiles.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "hostile"))
import entregas

from coursekit.grading.batch import Exam, grade_batch, grade_submission
from coursekit.grading.jail import Jail
from coursekit.grading.sandbox import LADDER, Settings, choose, try_out
from coursekit.grading.sets import load_set
from coursekit.grading.submissions import find_submissions

SETS = ("coocurrencia-ppmi", "rnn-desde-cero")
RUNGS = {protection.name: protection for protection in LADDER}


def assignment(set_id):
    """El cuaderno resuelto, sin las celdas que no responden a ningún ejercicio."""
    names = [exercise.name for exercise in load_set(set_id).exercises]
    notebook = jupytext.read(ROOT / "solutions" / f"{set_id}.md")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    needed = (
        [f"def {name}(" for name in names]
        + [f"{name} =" for name in names]
        + ["check(", "import numpy"]
    )
    notebook.cells = [c for c in code if any(word in c.source for word in needed)]
    return notebook


def spent():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def with_kernels(notebook, times):
    """Un núcleo de Jupyter nuevo por entrega: segundos de procesador y de reloj de cada una."""
    cpu, clock = spent(), time.perf_counter()
    for _ in range(times):
        NotebookClient(nbformat.from_dict(notebook), timeout=120).execute()
    return (spent() - cpu) / times, (time.perf_counter() - clock) / times


def with_jail(set_id, folder, protection):
    """Una cárcel ya levantada: segundos de procesador (juez y reclusos) y de reloj por entrega."""
    exam = Exam(load_set(set_id), "semilla", 20)
    submissions = find_submissions(folder)
    with Jail(protection, Settings(exam.exercise_set.imports)) as jail:
        assert grade_submission(submissions[0], exam, jail).points == 10
        cpu, clock = time.process_time(), time.perf_counter()
        inside = jail.cpu_seconds
        for submission in submissions:
            grade_submission(submission, exam, jail)
        count = len(submissions)
        cpu = (time.process_time() - cpu + jail.cpu_seconds - inside) / count
        return cpu, (time.perf_counter() - clock) / count


def copies(folder, notebook, count):
    for number in range(count):
        (folder / f"{number:03}.ipynb").write_text(nbformat.writes(notebook))


class PeakMemory(threading.Thread):
    """La mayor suma de memoria propia (RssAnon) de este proceso y de sus descendientes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self):
        while not self.done.wait(0.2):
            self.peak = max(self.peak, sum(map(anonymous_memory, family(os.getpid()))))


def family(root):
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
        except OSError:
            pass
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def anonymous_memory(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    # Pss reparte lo compartido entre quienes lo comparten: sumado, no cuenta nada dos veces.
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main():
    count, hostile_count = (4, 30) if "--rapido" in sys.argv else (30, 300)
    rungs = [p for p in LADDER if p.name in ("bubblewrap", "unshare", "proceso") and not try_out(p)]
    for set_id in SETS:
        notebook = assignment(set_id)
        kernel = with_kernels(notebook, 1 if count == 4 else 3)
        print(f"\n{set_id}, por entrega")
        print(f"  núcleo de Jupyter: {kernel[0]:.2f} s de procesador, {kernel[1]:.2f} s de reloj")
        with tempfile.TemporaryDirectory() as name:
            copies(Path(name), notebook, count)
            for protection in rungs:
                cpu, clock = with_jail(set_id, Path(name), protection)
                print(
                    f"  {protection.name}: {cpu * 1e3:.0f} ms de procesador "
                    f"({kernel[0] / cpu:.0f} veces menos), {clock * 1e3:.0f} ms de reloj"
                )
            for workers in (1, 2, 4):
                start = time.perf_counter()
                grade_batch(Path(name), set_id, "semilla", workers=workers, protection=choose())
                seconds = time.perf_counter() - start
                print(f"  {workers} trabajadores: {count} entregas en {seconds:.1f} s")

    hostile = [c for c in entregas.all_cases(port=9) if not c.name.startswith("inocente")]
    honest = entregas.innocents()
    cases = [
        hostile[number // 3 % len(hostile)] if number % 3 == 0 else honest[number % len(honest)]
        for number in range(hostile_count)
    ]
    for protection in rungs:
        with tempfile.TemporaryDirectory() as name:
            written = entregas.write(Path(name), cases)
            memory = PeakMemory()
            memory.start()
            start = time.perf_counter()
            batch = grade_batch(
                Path(name), entregas.SET, "s", workers=2, seconds=3, protection=protection
            )
            seconds = time.perf_counter() - start
            memory.done.set()
            wrong = [g.file for g in batch.grades if abs(g.points - written[g.file].points) > 1e-9]
            print(
                f"\n{protection.name}: {len(cases)} entregas, un tercio hostiles: {seconds:.0f} s, "
                f"{len(batch.grades)} filas, {len(wrong)} notas distintas de la debida, "
                f"{memory.peak / 1024:.0f} MB en el peor momento"
            )


if __name__ == "__main__":
    main()
