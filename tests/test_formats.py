"""Los formatos de otras plataformas: Gradescope, Moodle, LTI y nbgrader."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import datetime, timezone

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import ROOT, as_a_student, needs_tool
from coursekit.errors import CourseError
from coursekit.exercises.sets import load_set, set_ids
from coursekit.grading.platforms import gradescope, lti
from coursekit.grading.platforms.moodle import MARK, fill_sheet
from coursekit.grading.platforms.nbgrader import assert_right, source_notebook
from coursekit.grading.results import Batch, ExerciseGrade, Grade, OpenAnswer
from coursekit.grading.scales import find_scale

pytestmark = pytest.mark.xdist_group("cárcel")
SCALE = find_scale("0-20")
SCRIPT = "<script>alert(1)</script>"
SETS = set_ids()


def grade(student, file=None, points=1.5, state="ok", reason="", answers=()):
    exercises = (
        ExerciseGrade("ppmi", "correcto" if points else "incorrecto", points, 1.5),
        ExerciseGrade("contar", "incorrecto", 0.0, 0.5, f"tu valor es {SCRIPT}\x1b[0m", "miras a la derecha"),
    )
    return Grade(student, file or f"{student}.ipynb", state, reason, 1.6, exercises, answers, "d")


def batch(*grades):
    return Batch("coocurrencia-ppmi", "Coocurrencia", "f", grades)


# --- Gradescope --------------------------------------------------------------------------------


def test_gradescope_results_follow_their_format():
    results = gradescope.results(grade("Ana", state="caída", reason="murió\x1b[2J"), SCALE)
    assert json.loads(json.dumps(results)) == results
    assert (results["score"], results["execution_time"]) == (1.5, 2)
    assert results["output"] == "Nota: 15 en la escala 0-20. Caída: Murió�[2J."
    assert {results[key] for key in results if key.endswith("_format")} == {"text"}
    assert results["stdout_visibility"] == "hidden"
    allowed = {"score", "max_score", "status", "name", "number", "output", "visibility"}
    assert all(test.keys() == allowed for test in results["tests"])
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in results["tests"]] == [
        ("ppmi", 1.5, 1.5, "passed"), ("contar", 0.0, 0.5, "failed"),
    ]  # fmt: skip
    assert "Es un error clásico: Miras a la derecha." in results["tests"][1]["output"]


@pytest.fixture(scope="module")
def autograder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradescope")
    gradescope.write_autograder("coocurrencia-ppmi", "muy secreta", SCALE, folder / "a.zip")
    gradescope.write_autograder("coocurrencia-ppmi", "muy secreta", SCALE, folder / "b.zip")
    return folder


def test_gradescope_zip_holds_what_it_needs_and_is_the_same_every_time(autograder):
    assert (autograder / "a.zip").read_bytes() == (autograder / "b.zip").read_bytes()
    with zipfile.ZipFile(autograder / "a.zip") as archive:
        names = set(archive.namelist())
        assert {"setup.sh", "run_autograder", "requirements.txt"} <= names
        assert {"coursekit/__init__.py", "coursekit/grading/templates/resumen.html"} <= names
        assert not [name for name in names if "__pycache__" in name]
        for name in ("setup.sh", "run_autograder"):
            assert archive.getinfo(name).external_attr >> 16 == 0o755
            assert b"\r" not in archive.read(name)
            assert b"muy secreta" not in archive.read(name)
        assert re.search(rb"(?m)^torch", archive.read("requirements.txt"))
        assert b";" not in archive.read("requirements.txt")


def test_gradescope_scripts_are_valid(autograder, tmp_path):
    with zipfile.ZipFile(autograder / "a.zip") as archive:
        archive.extractall(tmp_path)
    subprocess.run(["bash", "-n", tmp_path / "setup.sh"], check=True)
    compile((tmp_path / "run_autograder").read_text("utf-8"), "run_autograder", "exec")


@pytest.mark.parametrize(
    "notebooks, score, said", [(1, 10.0, "Nota: 20"), (0, 0, "no hay ninguno"), (2, 0, "hay 2")]
)
def test_gradescope_autograder_grades_as_it_would_there(autograder, tmp_path, notebooks, score, said):
    with zipfile.ZipFile(autograder / "a.zip") as archive:
        archive.extractall(tmp_path / "source")
    (tmp_path / "submission").mkdir()
    for number in range(notebooks):
        nbformat.write(solved("coocurrencia-ppmi"), tmp_path / "submission" / f"cuaderno{number}.ipynb")
    subprocess.run(
        [sys.executable, tmp_path / "source" / "run_autograder"], check=True, timeout=120,
        env=os.environ | {"AUTOGRADER": str(tmp_path)}, cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    results = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert results["score"] == score and said in results["output"]


def solved(set_id):
    import jupytext

    notebook = jupytext.read(ROOT / "solutions" / f"{set_id}.md", fmt="md:myst")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


# --- Moodle ------------------------------------------------------------------------------------

ENGLISH = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments"
)
SPANISH = (
    "Identificador;Nombre completo;Dirección de correo;Estado;Calificación;Calificación máxima;"
    "La calificación puede ser cambiada;Última modificación (entrega);"
    "Última modificación (calificación);Comentarios de retroalimentación"
)
PEOPLE = [(101, "Ana Pérez"), (102, "Luis Muñoz"), (103, "Eva López"), (104, "Eva López"), (105, "=Nadie")]


def moodle_sheet(path, header=ENGLISH, encoding="utf-8-sig", newline="\r\n", maximum="20.00", feedback=""):
    delimiter = next(mark for mark in ",;\t" if mark in header)
    word = "Participant " if "Grade" in header else "Participante "
    rows = [
        [f"{word}{n}", name, f"p{n}@u.example", 'Submitted, "late"', "", maximum, "Yes", "-", "-", feedback]
        for n, name in PEOPLE
    ]
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(header + newline)
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows(rows)
    return path


def read_sheet(path, encoding="utf-8-sig", delimiter=","):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


LOT = batch(
    grade("Ana Pérez", "Ana Pérez_101_assignsubmission_file_/tarea.ipynb"),
    grade("Luis Muñoz", "Luis Muñoz_102_assignsubmission_file_tarea.ipynb", points=0.0),
    grade("Eva López", "Eva López_104_assignsubmission_file_/x.ipynb"),
    grade("Desconocido", "Desconocido_999_assignsubmission_file_/x.ipynb"),
)


@pytest.mark.parametrize("header", [ENGLISH, SPANISH, ENGLISH.replace(",", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_moodle_sheet_keeps_its_shape_and_gains_grades(tmp_path, header, encoding, newline):
    delimiter = next(mark for mark in ",;\t" if mark in header)
    sheet = moodle_sheet(tmp_path / "hoja.csv", header, encoding, newline)
    done = fill_sheet(sheet, LOT, SCALE, tmp_path / "lleno.csv")
    before, after = (read_sheet(tmp_path / n, encoding, delimiter) for n in ("hoja.csv", "lleno.csv"))
    assert (done.filled, done.missing, done.ungraded) == (3, ("Desconocido",), ("Eva López", "=Nadie"))
    assert [row[4] for row in after] == [before[0][4], "15", "0", "", "15", ""]
    assert [row[:4] + row[5:9] for row in after] == [row[:4] + row[5:9] for row in before]
    assert after[1][9].startswith(MARK) and after[3] == before[3]
    raw = (tmp_path / "lleno.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert (b"\r" in raw) == (newline == "\r\n")


def test_moodle_feedback_is_escaped_and_replaces_only_our_own(tmp_path):
    sheet = moodle_sheet(tmp_path / "hoja.csv", feedback="Buen trabajo. ")
    fill_sheet(sheet, LOT, SCALE, tmp_path / "uno.csv")
    fill_sheet(tmp_path / "uno.csv", LOT, SCALE, tmp_path / "dos.csv")
    assert (tmp_path / "uno.csv").read_bytes() == (tmp_path / "dos.csv").read_bytes()
    comment = read_sheet(tmp_path / "dos.csv")[1][9]
    assert comment.startswith(f"Buen trabajo. {MARK}") and comment.count(MARK) == 1
    assert SCRIPT not in comment and "&lt;script&gt;" in comment and "\x1b" not in comment


def test_moodle_matches_by_name_email_or_number_without_guessing(tmp_path):
    sheet = moodle_sheet(tmp_path / "hoja.csv")
    lot = batch(grade("ANA  perez"), grade("p102@u.example"), grade("Eva López"), grade("Zoe"))
    done = fill_sheet(sheet, lot, SCALE, tmp_path / "lleno.csv")
    assert [row[4] for row in read_sheet(tmp_path / "lleno.csv")[1:]] == ["15", "15", "", "", ""]
    assert done.missing == ("Eva López", "Zoe")
    split = tmp_path / "partido.csv"
    split.write_text(
        "Identificador,Nombre,Apellido(s),Número de ID,Calificación\n"
        "Participante 1,Ana,Pérez,A-7,\nParticipante 2,Luis,Muñoz,A-8,\n",
        "utf-8",
    )
    done = fill_sheet(split, batch(grade("Pérez Ana"), grade("a_8")), SCALE, tmp_path / "lleno.csv")
    assert done.filled == 2


def test_moodle_nobody_takes_the_row_of_another(tmp_path):
    sheet = moodle_sheet(tmp_path / "hoja.csv")
    thief = grade("Luis", "Luis_102_assignsubmission_file_/Ana Pérez_101_assignsubmission_file_/x.ipynb")
    flat = grade("Eva", "Eva López_103_assignsubmission_file_A_101_assignsubmission_file_x.ipynb")
    renamed = grade("Ana Pérez", "Ana Pérez_999_assignsubmission_file_/x.ipynb")
    profile = grade("Otra", "A_101_assignsubmission_file__104_assignsubmission_file_/x.ipynb")
    fill_sheet(sheet, batch(thief, flat, renamed, profile), SCALE, tmp_path / "lleno.csv")
    assert [row[4] for row in read_sheet(tmp_path / "lleno.csv")[1:]] == ["", "15", "15", "15", ""]
    twice = batch(LOT.grades[0], grade("Ana Pérez"))
    done = fill_sheet(sheet, twice, SCALE, tmp_path / "lleno.csv")
    assert done.filled == 0 and len(done.missing) == 2  # dos piden la misma fila


@pytest.mark.parametrize(
    "file",
    [
        "Eva_103_assignsubmission_file_/x.ipynb",
        "Eva_103_assignsubmission_file_/Ana_101_assignsubmission_file_/x.ipynb",
        "Eva_103_assignsubmission_file_/Ana_101_assignsubmission_file_x.ipynb",
        "Eva_103_assignsubmission_file_Ana_101_assignsubmission_file_x.ipynb",
        "Eva_103_assignsubmission_file_x.zip/Ana_101_assignsubmission_file_/x.ipynb",
        "A_101_assignsubmission_file__103_assignsubmission_file_/x.ipynb",
        "Eva_103_assignsubmission_file/x.ipynb",
    ],
)
def test_moodle_participant_is_the_one_moodle_wrote(tmp_path, file):
    sheet = moodle_sheet(tmp_path / "hoja.csv")
    fill_sheet(sheet, batch(grade("Ana Pérez", file)), SCALE, tmp_path / "lleno.csv")
    assert [row[4] for row in read_sheet(tmp_path / "lleno.csv")[1:]] == ["", "", "15", "", ""]


def test_moodle_other_maximum_takes_the_share_of_the_points(tmp_path):
    sheet = moodle_sheet(tmp_path / "hoja.csv", SPANISH, maximum="100,00")
    fill_sheet(sheet, LOT, SCALE, tmp_path / "lleno.csv")
    assert read_sheet(tmp_path / "lleno.csv", delimiter=";")[1][4] == "75,00"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=6))
)
def test_moodle_cells_that_are_not_ours_come_out_as_they_came_in(tmp_path, rows):
    table = [["Identifier", "Full name", "Grade"], *rows]
    with (tmp_path / "hoja.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(table)
    fill_sheet(tmp_path / "hoja.csv", LOT, SCALE, tmp_path / "lleno.csv")
    after = read_sheet(tmp_path / "lleno.csv", "utf-8")
    assert [row for row in after if "101" not in row[0]] == [row for row in table if "101" not in row[0]]


def test_moodle_odd_rows_are_kept(tmp_path):
    sheet = tmp_path / "hoja.csv"
    sheet.write_text("Identifier,Grade\nParticipant 101\n\n\"Participant 7\nx\",,extra\n", "utf-8")
    done = fill_sheet(
        sheet, batch(grade("A", "A_101_assignsubmission_file_/x.ipynb")), SCALE, tmp_path / "b.csv"
    )
    assert read_sheet(tmp_path / "b.csv") == [
        ["Identifier", "Grade"],
        ["Participant 101", "15"],
        [],
        ["Participant 7\nx", "", "extra"],
    ]
    assert done.filled == 1


@pytest.mark.parametrize(
    "title",
    ["Feedback comments", "Comentarios de retroalimentación", "Comentarios",
     "COMENTARIOS DE LA RETROALIMENTACIÓN",
     "Comentarios de retroalimentación (texto)", "Retroalimentación"],
)  # fmt: skip
def test_moodle_feedback_column_is_found_by_its_translations(tmp_path, title):
    sheet = moodle_sheet(tmp_path / "hoja.csv", SPANISH.replace("Comentarios de retroalimentación", title))
    fill_sheet(sheet, LOT, SCALE, tmp_path / "lleno.csv")
    assert read_sheet(tmp_path / "lleno.csv", delimiter=";")[1][9].startswith(MARK)


@pytest.mark.parametrize(
    "content", [b"", b"hola", b"nombre,nota\nAna,3\n", b"\xff\xfe\x00", b"PK\x03\x04\x00\x81", b"x" * 200_000]
)
def test_moodle_refuses_other_files_kindly(tmp_path, content):
    (tmp_path / "hoja.csv").write_bytes(content)
    with pytest.raises(CourseError):
        fill_sheet(tmp_path / "hoja.csv", LOT, SCALE, tmp_path / "lleno.csv")
    assert not (tmp_path / "lleno.csv").exists()


# --- LTI ---------------------------------------------------------------------------------------


def test_ags_scores_follow_the_standard():
    waiting = grade("Eva", answers=(OpenAnswer("i", "q", "r", "a", 1.0),))
    broken = grade("Luis\x1b", points=0.0, state="ilegible", reason="no es un cuaderno")
    moment = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
    export = lti.scores(batch(grade("Ana"), waiting, broken), SCALE, moment)
    assert json.loads(json.dumps(export)) == export
    assert "userId" in export["aviso"]  # ningún archivo de entregas dice el de la plataforma
    scores = [note["score"] for note in export["notas"]]
    keys = {"scoreGiven", "scoreMaximum", "comment", "timestamp", "activityProgress", "gradingProgress"}
    assert all(score.keys() == keys for score in scores)
    assert (scores[0]["scoreGiven"], scores[0]["scoreMaximum"]) == (15, 20)
    assert scores[0]["timestamp"] == "2026-05-01T12:00:00.000+00:00"
    assert [score["gradingProgress"] for score in scores] == ["FullyGraded", "PendingManual", "PendingManual"]
    assert [note["estudiante"] for note in export["notas"]] == ["Ana", "Eva", "Luis�"]
    now = lti.scores(batch(grade("Ana")), SCALE)["notas"][0]["score"]["timestamp"]
    assert datetime.fromisoformat(now).tzinfo


# --- nbgrader ----------------------------------------------------------------------------------


@pytest.mark.parametrize("set_id", SETS)
def test_nbgrader_notebook_is_valid_and_complete(set_id):
    source = ROOT / "solutions" / f"{set_id}.md"
    notebook = source_notebook(source, "secreta")
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) == nbformat.writes(source_notebook(source, "secreta"))
    marked = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    ids = [mark["grade_id"] for mark in marked]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]+", id) for id in ids)
    tests = {mark["grade_id"]: mark["points"] for mark in marked if mark["grade"]}
    assert tests == {exercise.id: exercise.points for exercise in load_set(set_id).exercises}
    for mark in marked:
        assert mark["schema_version"] == 3 and mark["task"] is False
        assert mark["solution"] != mark["grade"] and mark["locked"] == mark["grade"]
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "SOLUCIÓN" not in text and "Este es el cuaderno resuelto" not in text
    assert text.count("### BEGIN SOLUTION") == text.count("### END SOLUTION") > 0
    assert text.count("### BEGIN HIDDEN TESTS") == text.count("### END HIDDEN TESTS") == len(tests)


def test_nbgrader_hidden_test_fails_without_telling():
    exercise = load_set("coocurrencia-ppmi").find("contar")
    assert_right("coocurrencia-ppmi", exercise.id, as_a_student(exercise), "secreta")
    for answer, state in ((exercise.mistakes[0].answer, "incorrecto"), (..., "sin intentar")):
        with pytest.raises(AssertionError) as failure:
            assert_right("coocurrencia-ppmi", exercise.id, answer, "secreta")
        assert str(failure.value).splitlines()[0] == state


def test_nbgrader_itself_generates_and_grades(tmp_path):
    """Con el programa verdadero."""
    program = needs_tool("nbgrader/bin/nbgrader")
    name = "coocurrencia-ppmi"
    env = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def nbgrader(*words):
        done = subprocess.run([program, *words], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]

    source = tmp_path / "source" / name / f"{name}.ipynb"
    source.parent.mkdir(parents=True)
    notebook = source_notebook(ROOT / "solutions" / f"{name}.md", "secreta")
    nbformat.write(notebook, source)
    nbgrader("generate_assignment", name)
    release = (tmp_path / "release" / name / source.name).read_text("utf-8")
    assert "HIDDEN" not in release and "secreta" not in release and "BEGIN SOLUTION" not in release
    for student in ("vacía", "resuelta"):
        handed = nbformat.reads(release, 4)
        for cell, solved_cell in zip(handed.cells, notebook.cells, strict=True):
            if student == "resuelta" and solved_cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = solved_cell.source
        path = tmp_path / "submitted" / student / name / source.name
        path.parent.mkdir(parents=True)
        nbformat.write(handed, path)
    nbgrader("autograde", name)
    nbgrader("export")
    with (tmp_path / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: row["raw_score"] for row in csv.DictReader(file)}
    assert scores == {"vacía": "0.0", "resuelta": "10.0"}
