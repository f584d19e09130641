"""Los puntos de las preguntas abiertas: de la hoja que llena el docente a la nota y a cada formato."""

import csv
import json
import re

import nbformat
import pytest

from coursekit import cli
from coursekit.errors import CourseError
from coursekit.exercises.exercise import Exercise, ExerciseSet, OpenQuestion
from coursekit.grading.batch import grade_batch
from coursekit.grading.by_hand import with_points, write_sheet
from coursekit.grading.reports import write_reports
from coursekit.grading.scales import find_scale

pytestmark = pytest.mark.xdist_group("cárcel")
SET = ExerciseSet(
    "dobles", "Dobles",
    (Exercise("doble", "double", 2.0, lambda n: 2 * n, (), cases=lambda rng: [(2,), (5,)]),),
    open_questions=(
        OpenQuestion("sentido", "¿Por qué?", "2 puntos: …", 2.0),
        OpenQuestion("otra", "¿Y si no?", "1 punto", 1.0),
    ),
)  # fmt: skip
WRITTEN = {"Ana": ("Porque sí;\ncon calma", "=1+1"), "Luis": ("No lo sé", "Nada"), "Mar": ("", "Quizá")}


def hand_in(folder, name, answers):
    cells = [nbformat.v4.new_code_cell("def double(n):\n    return n + n")]
    for question, answer in zip(SET.open_questions, answers):
        cells.append(nbformat.v4.new_markdown_cell(f"**Respuesta ({question.id}):** {answer}"))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Un lote calificado de verdad, y su diario."""
    folder = tmp_path_factory.mktemp("lote")
    (folder / "entregas").mkdir()
    for name, answers in WRITTEN.items():
        hand_in(folder / "entregas", name, answers)
    (folder / "parte").mkdir()
    lot = grade_batch(folder / "entregas", SET, "s", workers=1, journal=folder / "parte" / "lote.jsonl")
    assert [grade.points for grade in lot.grades] == [2, 2, 2]
    return folder, lot


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def fill(path, points, delimiter=";", encoding="utf-8-sig", **changes):
    """Lo que hace el docente: escribir puntos y guardar con su hoja de cálculo."""
    rows = read(path)
    for row in rows:
        row["puntos"] = points.get((row["estudiante"], row["pregunta"]), row["puntos"])
        row.update(changes if row["puntos"] else {})
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


ALL = {
    ("Ana", "sentido"): "1,5", ("Ana", "otra"): "1", ("Luis", "sentido"): "0", ("Luis", "otra"): "0.5",
    ("Mar", "otra"): "1",
}  # fmt: skip


def test_one_command_brings_the_points_back_into_grade_and_exports(graded, tmp_path, capsys):
    folder, _ = graded
    sheet = tmp_path / "hoja.csv"
    people = "Participant 1,Ana,,\nParticipant 2,Luis,,\n"
    sheet.write_text(f"Identifier,Full name,Grade,Feedback comments\n{people}")
    order = ["reunir", str(folder / "parte"), "--salida", str(tmp_path / "notas"), "--ags", "--gradescope"]
    order += ["--moodle", str(sheet)]

    def run():
        assert cli.main(order) == 0
        notes = {row["estudiante"]: row for row in read(tmp_path / "notas" / "notas.csv")}
        ags = json.loads((tmp_path / "notas" / "ags.json").read_text("utf-8"))["notas"]
        return notes, {note["estudiante"]: note["score"] for note in ags}, capsys.readouterr().out

    notes, scores, said = run()
    assert {(row["total"], row["máximo"], row["nota"], row["sentido"]) for row in notes.values()} == {
        ("2", "2", "20", "")
    }
    assert {score["gradingProgress"] for score in scores.values()} == {"PendingManual"}
    assert "Respuestas abiertas sin puntos: 6." in said

    fill(tmp_path / "notas" / "abiertas.csv", ALL)
    notes, scores, said = run()
    columns = ("sentido", "otra", "total", "nota")
    assert {name: tuple(row[column] for column in columns) for name, row in notes.items()} == {
        "Ana": ("1,5", "1", "4,5", "18"), "Luis": ("0", "0,5", "2,5", "10"), "Mar": ("0", "1", "3", "12"),
    }  # fmt: skip
    assert {row["máximo"] for row in notes.values()} == {"5"} and "sin puntos" not in said
    assert {name: score["scoreGiven"] for name, score in scores.items()} == {"Ana": 18, "Luis": 10, "Mar": 12}
    assert {score["gradingProgress"] for score in scores.values()} == {"FullyGraded"}
    assert "¿Por qué?: 1.5 de 2 puntos." in scores["Ana"]["comment"]
    results = json.loads((tmp_path / "notas" / "gradescope" / "ana.json").read_text("utf-8"))
    assert results["score"] == 4.5 and sum(test["score"] for test in results["tests"]) == 4.5
    with (tmp_path / "notas" / "moodle.csv").open(encoding="utf-8") as file:
        filled = list(csv.DictReader(file))
    assert [row["Grade"] for row in filled] == ["18", "10"]
    assert "¿Por qué?: 1.5 de 2 puntos." in filled[0]["Feedback comments"]
    for name in ("retro/ana.html", "retro/ana.md"):
        text = re.sub(r"<[^>]*>", " ", (tmp_path / "notas" / name).read_text("utf-8"))
        assert "1.5 de 2 puntos" in text and "4.5" in text, name
    before = (tmp_path / "notas" / "abiertas.csv").read_bytes()
    run()
    assert (tmp_path / "notas" / "abiertas.csv").read_bytes() == before


@pytest.mark.parametrize("delimiter, encoding", [(",", "utf-8"), ("\t", "utf-16"), (";", "cp1252")])
def test_any_spreadsheet_may_save_it(graded, tmp_path, delimiter, encoding):
    _, lot = graded
    path = tmp_path / "abiertas.csv"
    assert write_sheet(lot, path) == 6
    assert not [cell for row in read(path) for cell in row.values() if cell.startswith("=")]
    fill(path, ALL, delimiter, encoding)
    assert [grade.points for grade in with_points(lot, path).grades] == [4.5, 2.5, 3]


def test_half_read_answers_wait_and_are_pointed_out(graded, tmp_path):
    _, lot = graded
    write_sheet(lot, tmp_path / "abiertas.csv")
    fill(tmp_path / "abiertas.csv", {("Ana", "sentido"): "2"})
    half = with_points(lot, tmp_path / "abiertas.csv")
    assert [(grade.points, grade.max_points) for grade in half.grades] == [(4, 4), (2, 2), (2, 4)]
    write_reports(half, find_scale("0-20"), tmp_path)
    assert "Respuestas abiertas sin puntos: 2." in (tmp_path / "resumen.html").read_text("utf-8")
    assert with_points(lot, tmp_path / "no-hay.csv") == lot


@pytest.mark.parametrize(
    "points, changes, words",
    [
        ("2,5", {}, "2.5 puntos son más que el máximo, 2"), ("-1", {}, "«-1» no es un número"),
        ("dos", {}, "«dos» no es un número"), ("nan", {}, "«nan» no es"), ("1e3", {}, "«1e3» no es"),
        ("1", {"archivo": "Otra.ipynb"}, "no hay ninguna entrega «Otra.ipynb»"),
        ("1", {"pregunta": "tercera"}, "con la pregunta «tercera»"),
        ("1", {"huella": "h0"}, "Ana cambió su respuesta a «sentido»"),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_is_named_in_one_sentence(graded, tmp_path, points, changes, words):
    _, lot = graded
    path = tmp_path / "abiertas.csv"
    write_sheet(lot, path)
    fill(path, {("Ana", "sentido"): points}, **changes)
    with pytest.raises(CourseError) as problem:
        with_points(lot, path)
    assert words in str(problem.value) and "abiertas.csv, fila 2: " in str(problem.value)


def test_a_repeated_row_or_another_file_is_refused(graded, tmp_path):
    _, lot = graded
    path = tmp_path / "abiertas.csv"
    write_sheet(lot, path)
    fill(path, {("Ana", "sentido"): "1", ("Luis", "sentido"): "1"}, archivo="Ana.ipynb", huella="")
    with pytest.raises(CourseError, match="fila 3: repite la respuesta de Ana a «sentido»"):
        with_points(lot, path)
    for content in (b"", b"nombre,nota\nAna,3\n", b"PK\x03\x04\x00\x81"):
        path.write_bytes(content)
        with pytest.raises(CourseError):
            with_points(lot, path)


def test_a_changed_answer_keeps_its_points_once_confirmed(graded, tmp_path):
    _, lot = graded
    path = tmp_path / "abiertas.csv"
    write_sheet(lot, path)
    fill(path, {("Ana", "sentido"): "1"}, huella="")
    assert with_points(lot, path).grades[0].points == 3
