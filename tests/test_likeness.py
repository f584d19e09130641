"""Entregas con las mismas funciones, salvo nombres y formato: se señalan para mirar y nada más."""

import ast
import csv
import inspect
import re
import time

import jupytext
import nbformat
import pytest
from bs4 import BeautifulSoup

from conftest import ROOT
from coursekit.exercises.sets import load_set
from coursekit.grading.batch import grade_batch
from coursekit.grading.likeness import MIN_SHARED, alike, normal_form, with_forms
from coursekit.grading.reports import write_reports
from coursekit.grading.results import ExerciseGrade, Grade
from coursekit.grading.scales import find_scale

pytestmark = pytest.mark.xdist_group("cárcel")
SET = load_set("coocurrencia-ppmi")

OWN = {
    "count_pairs": '''
def count_pairs(sentences, window):
    table = {}
    for words in sentences:
        for place in range(len(words)):
            left = words[max(0, place - window):place]
            right = words[place + 1:place + window + 1]
            for near in left + right:
                pair = (words[place], near)
                table[pair] = table.get(pair, 0) + 1
    return Counter(table)
''',
    "ppmi": '''
def ppmi(counts):
    rows, columns = counts.sum(1), counts.sum(0)
    weights = np.zeros(counts.shape)
    for i in range(len(rows)):
        for j in range(len(columns)):
            if counts[i, j] > 0:
                weights[i, j] = max(0, np.log2(counts[i, j] * counts.sum() / rows[i] / columns[j]))
    return weights
''',
    "strongest": '''
def strongest(word, words, matrix, k):
    found = []
    for other in words:
        weight = matrix[words.index(word), words.index(other)]
        if other != word and weight > 0:
            found.append((other, weight))
    found.sort(key=lambda pair: (-pair[1], pair[0]))
    return [pair[0] for pair in found[:k]]
''',
}
# Las mismas tres con otros nombres, otro formato, comentarios, documentación y anotaciones.
DISGUISED = {
    "count_pairs": '''
def count_pairs(frases: list, ventana: int = 2) -> Counter:
    """Cuenta parejas de vecinas."""
    d = {}
    for f in frases:

        for p in range( len(f) ):    # cada posición
            a = f[max(0, p - ventana) : p]; b = f[p + 1 : p + ventana + 1]
            for v in (a + b):
                "lo apunto"
                k = (f[p], v)
                d[k] = d.get(k, 0) + 1
    return Counter(d)
'''.replace(": int = 2", ": int"),
    "ppmi": '''
def ppmi(C):
    # márgenes
    f, c = C.sum(1), C.sum(0)
    P = np.zeros(C.shape)
    for a in range(len(f)):
        for b in range(len(c)):
            if C[a, b] > 0:
                P[a, b] = max(0, np.log2(C[a, b] * C.sum()
                                         / f[a] / c[b]))
    return P
''',
    "strongest": '''
def strongest(w, lista, M, n):
    res = []
    for x in lista:
        peso = M[lista.index(w), lista.index(x)]
        if x != w and peso > 0:
            res.append((x, peso))
    res.sort(key=lambda t: (-t[1], t[0]))
    return [t[0] for t in res[:n]]
''',
}
# Las de otra persona que pensó por su cuenta.
HONEST = {
    "count_pairs": '''
def count_pairs(sentences, window):
    counts = Counter()
    for s in sentences:
        for i, a in enumerate(s):
            for j, b in enumerate(s):
                if i != j and abs(i - j) <= window:
                    counts[a, b] += 1
    return counts
''',
    "ppmi": '''
def ppmi(counts):
    joint = counts / counts.sum()
    chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    ratio = np.where(joint > 0, joint, 1) / np.where(joint > 0, chance, 1)
    return np.log2(ratio).clip(min=0)
''',
    "strongest": OWN["strongest"].replace("found.sort(key=lambda pair: (-pair[1], pair[0]))",
                                          "found = sorted(found, key=lambda p: (-p[1], p[0]))"),
}  # fmt: skip


def notebook(answers, base="exercises"):
    """El cuaderno del curso con las respuestas en el lugar de las suyas."""
    sheet = jupytext.read(ROOT / base / f"{SET.id}.md", fmt="md:myst")
    sheet.nbformat, sheet.nbformat_minor = 4, 5
    for cell in sheet.cells:
        for name, source in answers.items():
            if cell.cell_type == "code" and re.search(rf"^def {name}\(", cell.source, re.M):
                cell.source = source
    return sheet


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aula")
    (folder / "entregas").mkdir()
    people = {
        "Ana": notebook(OWN), "Berta": notebook(DISGUISED), "Ciro": notebook(HONEST),
        "Dora": notebook({}, "solutions"), "Elio": notebook({"count_pairs": "# otra\n"}, "solutions"),
        # Dos funciones iguales pueden ser casualidad.
        "Fe": notebook(OWN | {"ppmi": HONEST["ppmi"]}),
        "Gil": notebook({}), "Copia de coocurrencia-ppmi (1)": notebook({}, "solutions"),
    }  # fmt: skip
    for name, sheet in people.items():
        nbformat.write(sheet, folder / "entregas" / f"{name}.ipynb")
    lot = grade_batch(folder / "entregas", SET, "s", workers=1)
    write_reports(lot, find_scale("0-20"), folder / "notas")
    return lot, folder / "notas"


def watched(folder):
    page = BeautifulSoup((folder / "resumen.html").read_text("utf-8"), "html.parser")
    table = page.find("h2", string="A quién mirar").find_next("table")
    rows = [row.find_all("td") for row in table.tbody.find_all("tr")]
    return {row[0].get_text(strip=True): row[2].get_text(" ", strip=True) for row in rows}


def test_the_same_functions_in_disguise_are_flagged_and_nobody_else(classroom):
    lot, folder = classroom
    assert set(alike(lot.grades)) == {"Ana.ipynb", "Berta.ipynb"}
    titles = ", ".join(SET.find(id).title for id in ("contar", "ppmi", "asociaciones"))
    for one, other in (("Ana", "Berta"), ("Berta", "Ana")):
        said = f"Funciones iguales, salvo nombres y formato, a las de {other} ({titles})."
        assert said in watched(folder)[one]


def test_flagging_changes_no_grade_and_no_feedback(classroom):
    lot, folder = classroom
    points = {grade.student: grade.points for grade in lot.grades}
    assert points["Ana"] == points["Berta"] == points["Ciro"] > 0
    for path in (folder / "retro").iterdir():
        assert "iguales" not in path.read_text("utf-8")


def test_feedback_and_summary_name_exercises_by_title(classroom):
    _, folder = classroom
    for name in ("resumen.html", "retro/ana.html", "retro/ana.md"):
        text = BeautifulSoup((folder / name).read_text("utf-8"), "html.parser").get_text(" ")
        assert all(exercise.title in text for exercise in SET.exercises), name


def test_a_submission_called_as_a_copy_is_graded_and_says_so(classroom):
    lot, folder = classroom
    name = "Copia de coocurrencia-ppmi (1)"
    said = "l archivo se llama como una copia del cuaderno y no como un estudiante: averigua de quién es"
    with (folder / "notas.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["estudiante"]: row for row in csv.DictReader(file, delimiter=";")}
    assert (rows[name]["estado"], rows[name]["motivo"], rows[name]["nota"]) == ("ok", f"e{said}", "20")
    assert [row["estudiante"] for row in rows.values() if said in row["motivo"]] == [name]
    assert watched(folder)[name] == f"E{said}."


def form(source):
    return normal_form(ast.parse(source).body[0])


def test_normal_form_forgets_names_and_layout_and_nothing_else():
    for name, source in OWN.items():
        assert form(source) == form(DISGUISED[name]) != ""
        assert form(source) != form(HONEST[name])
    source = OWN["ppmi"]
    for right, wrong in (("log2", "log10"), ("> 0", ">= 0"), ("rows[i]", "rows[j]"), ("np.zeros", "np.ones")):
        assert form(source.replace(right, wrong)) != form(source), wrong
    assert form("def f(a):\n    return a + 1") == ""  # corta: cualquiera la escribiría


def test_the_reference_is_nobody_s_copy():
    exercise = SET.find("contar")
    source = inspect.getsource(exercise.reference)
    grades = (ExerciseGrade("contar", "correcto", 2.0, 2.0),)
    assert with_forms(grades, [source], (exercise,))[0].form == ""
    assert with_forms(grades, [OWN["count_pairs"]], (exercise,))[0].form
    untried = (ExerciseGrade("contar", "sin intentar", 0.0, 2.0),)
    assert with_forms(untried, [OWN["count_pairs"]], (exercise,))[0].form == ""


@pytest.mark.parametrize(
    "body",
    ["(" * 300 + ")" * 300, "-" * 10_000 + "1", "+".join("1" * 9_000), "x" * 50_000, "9" * 9_000, "\x00",
     "'\ud800'", "[" * 150 + "1" + "]" * 150, "\n    %magia" * 2000, "(lambda:" * 900 + "1" + ")" * 900],
)  # fmt: skip
def test_hostile_functions_are_read_in_little_time_or_ignored(body):
    exercise = SET.find("contar")
    grades = (ExerciseGrade("contar", "incorrecto", 0.0, 2.0),)
    started = time.process_time()
    with_forms(grades, [f"def count_pairs(a, b):\n    return {body}\n"] * 50, (exercise,))
    assert time.process_time() - started < 20


def test_three_hundred_submissions_are_compared_quickly_whatever_the_order():
    def grade(number):
        exercises = tuple(
            ExerciseGrade(f"e{i}", "correcto", 1.0, 1.0, form=f"{i}" if number % 2 else f"{i}-{number}")
            for i in range(8)
        )
        return Grade(f"s{number}", f"s{number}.ipynb", "ok", "", 0.0, exercises, (), f"{number}")

    grades = [grade(number) for number in range(300)]
    started = time.process_time()
    found = alike(grades)
    assert time.process_time() - started < 10
    assert len(found) == 150 and {len(pairs) for pairs in found.values()} == {149}
    assert all(len(same) >= MIN_SHARED for pairs in found.values() for _, same in pairs)
    assert found == alike(list(grades))
