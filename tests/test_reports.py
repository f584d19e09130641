"""Los informes de un lote: notas, comentarios y resumen, con nombres y textos hostiles."""

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from fractions import Fraction

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import needs_program
from coursekit.errors import CourseError
from coursekit.grading.printable import printable, printable_lines
from coursekit.grading.reports import feedback_names, notes_csv, notes_json, write_reports
from coursekit.grading.results import Batch, ExerciseGrade, Grade, OpenAnswer
from coursekit.grading.scales import SCALES, find_scale

VIGESIMAL = find_scale("0-20")
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
NAMES_OF_STRANGERS = [
    "Ana Pérez", "ana perez", "=HYPERLINK(\"http://x\";\"y\")", "+1", "-1+2", "@SUM(A1)", "\t=1+1",
    "＝1", SCRIPT, "../../etc/passwd", "C:\\con", "CON", "nul.txt", "", ".", "\u202egpj.exe",
    "\x1b]0;pwned\x07\x1b[2J", "a\x00b", "dos\nlíneas\r\n=1", "\ud800", "Z" + "\u0301" * 500,
    "x" * 5000, "'; DROP TABLE notas;--", "{{ 7*7 }}", "[aquí](javascript:alert(1))",
    "ana-perez-0123456789ab", "😀", "王小明", "`código` *énfasis* http://malo.example www.malo.example",
]  # fmt: skip


def exercise(state="correcto", points=2.0, **rest):
    return ExerciseGrade(rest.pop("id", "ppmi"), state, points, 2.0, **rest)


def grade(student="Ana", file=None, state="ok", reason="", seconds=0.5, exercises=None, answers=()):
    exercises = (exercise(), exercise("incorrecto", 0.0, id="contar")) if exercises is None else exercises
    return Grade(student, file or f"{student}.ipynb", state, reason, seconds, exercises, answers, "d")


def batch(*grades):
    return Batch("coocurrencia-ppmi", "Coocurrencia y PPMI", "3f9a", grades)


def hostile_batch():
    wrong = exercise("incorrecto", 0.0, finding=f"tu valor es {SCRIPT}\x1b[31m", mistake=f"es {SCRIPT}")
    answers = (OpenAnswer("porque", f"¿Por qué {SCRIPT}?", "Una\nrúbrica", f"{SCRIPT}\n\u202efin", 2.0),)
    grades = [
        replace(
            grade(name, f"{place}.ipynb", "caída", f"murió: {SCRIPT}", 1.0, (wrong,), answers),
            digest=str(place),
        )
        for place, name in enumerate(NAMES_OF_STRANGERS)
    ]
    return batch(*grades)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("informes") / "salida"
    write_reports(hostile_batch(), VIGESIMAL, folder)
    return folder


# --- Escalas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, points, mark, passes",
    [
        ("0-20", 0, "0", False), ("0-20", 10, "20", True), ("0-20", 5.25, "11", True),
        ("0-20", 5.24, "10", False), ("0-10", 5, "5.0", True), ("0-10", 4.95, "5.0", True),
        ("0-10", 4.94, "4.9", False), ("1-7", 0, "1.0", False), ("1-7", 6, "4.0", True),
        ("1-7", 3, "2.5", False), ("1-7", 8, "5.5", True), ("1-7", 10, "7.0", True),
        ("0-5", 6, "3.0", True), ("0-5", 5.8, "2.9", False), ("0-5", 10, "5.0", True),
    ],
)  # fmt: skip
def test_scales_of_each_country(name, points, mark, passes):
    scale = find_scale(name)
    assert (scale.text(points, 10), scale.passes(points, 10)) == (mark, passes)


def test_pass_mark_and_demand_can_be_chosen():
    mexico = find_scale("0-10", passing=6)
    assert (mexico.text(5.9, 10), mexico.passes(5.9, 10), mexico.passes(6, 10)) == ("5.9", False, True)
    assert find_scale("0-10", passing=5.9).passes(5.9, 10)  # 5.9 en binario es un poco más
    strict = find_scale("1-7", demand=0.7)
    assert (strict.text(7, 10), strict.passes(6.9, 10)) == ("4.0", True)  # 3.957 se escribe 4.0
    for wrong in [
        ("0-100",),
        ("0-20", 20),
        ("0-20", 0),
        ("0-20", float("nan")),
        ("1-7", 4, 0.0),
        ("1-7", 4, 60),
    ]:
        with pytest.raises(CourseError):
            find_scale(*wrong)


@given(st.sampled_from(list(SCALES)), st.integers(0, 400), st.integers(0, 400))
def test_more_points_never_lower_the_mark_and_rounding_is_exact(name, a, b):
    scale = find_scale(name)
    low, high = sorted((a, b))
    assert scale.lowest <= scale.grade(low / 10, 40) <= scale.grade(high / 10, 40) <= scale.highest
    share, demand = Fraction(high, 400), Fraction(scale.demand).limit_denominator(1000)
    lowest, passing, highest = map(int, (scale.lowest, scale.passing, scale.highest))
    if share < demand:
        exact = lowest + (passing - lowest) * share / demand
    else:
        exact = passing + (highest - passing) * (share - demand) / (1 - demand)
    unit = 10**scale.decimals
    half_up = Fraction((exact * unit + Fraction(1, 2)).__floor__(), unit)
    assert Fraction(scale.text(high / 10, 40)) == half_up


def test_sums_of_decimals_do_not_lose_the_half_point():
    assert find_scale("0-10").text(sum([0.1] * 3) + 0.15, 10) == "0.5"  # en binario, 0.45000000000000007
    assert find_scale("0-20").text(1.1 + 2.2 + 1.95, 10) == "11"
    assert find_scale("0-20").text(0, 0) == "0"


# --- Textos ajenos -----------------------------------------------------------------------------


@given(st.text(alphabet=st.characters()))
def test_printable_keeps_one_readable_line(text):
    shown = printable(text)
    assert len(shown) <= 301
    assert not [c for c in shown if unicodedata.category(c)[0] in "C" or c in "\n\t\u2028\u2029"]
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069]", printable_lines(text))
    shown.encode("utf-8")


def test_printable_shows_that_something_was_hidden():
    assert printable("a\x1b[31mb\u202ec\ud800") == "a�[31mb�c�"
    assert printable("José Ñandú 😀 王") == "José Ñandú 😀 王"
    assert printable("Jose\u0301") == "José"
    assert len(printable("Z" + "\u0301" * 500)) < 8
    assert printable_lines("a\r\nb\tc") == "a\nb\tc"


# --- notas.csv y notas.json --------------------------------------------------------------------


def test_one_row_per_submission_whatever_its_name_and_in_order(hostile_folder):
    raw = (hostile_folder / "notas.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = rows_of(raw.decode("utf-8-sig"))
    assert [row["archivo"] for row in rows] == [f"{i}.ipynb" for i in range(len(NAMES_OF_STRANGERS))]
    data = json.loads((hostile_folder / "notas.json").read_text("utf-8"))
    assert [row["archivo"] for row in data["entregas"]] == [row["archivo"] for row in rows]
    assert all((hostile_folder / row["comentarios"]).is_file() for row in rows)


def test_no_cell_is_a_formula(hostile_folder):
    for row in csv.reader((hostile_folder / "notas.csv").open(encoding="utf-8-sig"), delimiter=";"):
        assert not [cell for cell in row if re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)], row
        assert not [cell for cell in row if re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", cell)], row


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_names_give_as_many_rows(names):
    lot = batch(*(grade(name, f"{i}.ipynb") for i, name in enumerate(names)))
    assert len(rows_of(notes_csv(lot, VIGESIMAL))) == len(names)
    assert len(json.loads(notes_json(lot, VIGESIMAL))["entregas"]) == len(names)
    assert len({name.casefold() for name in feedback_names(lot.grades).values()}) == len(names)


def test_csv_columns_and_spanish_decimals():
    partial = (exercise(points=1.5), exercise("incorrecto", 0.0, id="contar"))
    row = rows_of(notes_csv(batch(grade("Ana", seconds=1.25, exercises=partial)), find_scale("0-10")))[0]
    assert row == {
        "estudiante": "Ana", "archivo": "Ana.ipynb", "ppmi": "1,5", "contar": "0", "total": "1,5",
        "máximo": "4", "nota": "3,8", "aprueba": "no", "estado": "ok", "motivo": "",
        "comentarios": "retro/ana.html", "segundos": "1,25",
    }  # fmt: skip


def test_only_seconds_change_from_run_to_run(tmp_path):
    def files(name, seconds):
        lot = batch(*(replace(g, seconds=seconds) for g in hostile_batch().grades))
        write_reports(lot, VIGESIMAL, tmp_path / name)
        return {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*")}

    first, second = files("a", 1.0), files("b", 2.0)
    changed = [path.name for path in first if first[path] != second[path]]
    assert first.keys() == second.keys() and sorted(changed) == ["notas.csv", "notas.json"]
    a, b = (json.loads((tmp_path / name / "notas.json").read_text("utf-8")) for name in "ab")
    assert a.pop("segundos") != b.pop("segundos") and a == b
    strip = [
        re.sub(rb";[^;]*\r\n", b"\r\n", x[next(p for p in x if p.name == "notas.csv")])
        for x in (first, second)
    ]
    assert strip[0] == strip[1]


def test_a_second_run_replaces_the_first_and_leaves_no_drafts(tmp_path):
    write_reports(batch(grade("Ana")), VIGESIMAL, tmp_path)
    write_reports(batch(grade("Ana", exercises=(exercise(),))), VIGESIMAL, tmp_path)
    assert "2,0;" not in (tmp_path / "notas.csv").read_text("utf-8-sig")
    assert rows_of((tmp_path / "notas.csv").read_text("utf-8-sig"))[0]["nota"] == "20"
    assert not list(tmp_path.rglob("*.nuevo"))


# --- Nombres de archivo ------------------------------------------------------------------------


def test_feedback_files_are_safe_and_stay_inside(hostile_folder):
    files = [p for p in hostile_folder.parent.rglob("*") if p.is_file()]
    assert {p.parent for p in files} == {hostile_folder, hostile_folder / "retro"}
    for path in (hostile_folder / "retro").iterdir():
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,80}\.(html|md)", path.name), path.name
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)", path.stem)


def test_nobody_can_take_the_name_of_another():
    honest = [grade("Ana Pérez", "1.ipynb"), grade("ana perez", "2.ipynb")]
    names = feedback_names(tuple(honest))
    forger = grade(names["1.ipynb"], "3.ipynb")
    with_forger = feedback_names((*honest, forger))
    assert len(set(with_forger.values())) == 3
    assert with_forger["1.ipynb"] == names["1.ipynb"]
    assert feedback_names((grade("Luis Muñoz", "x.ipynb"),)) == {"x.ipynb": "luis-munoz"}


# --- Páginas -----------------------------------------------------------------------------------


def test_pages_hold_nothing_from_students_but_text(hostile_folder):
    pages = list(hostile_folder.rglob("*.html"))
    assert len(pages) == len(NAMES_OF_STRANGERS) + 2
    for path in pages:
        page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        assert not page.find_all(["script", "img", "iframe", "object", "link", "form", "base"]), path
        assert not [t for t in page.find_all(True) if any(a.startswith("on") for a in t.attrs)], path
        assert all(a["href"].startswith("retro/") for a in page.find_all("a")), path
        assert page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", path.read_text("utf-8"))


def test_markdown_holds_nothing_from_students_but_text(hostile_folder):
    markdown = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    for path in (hostile_folder / "retro").glob("*.md"):
        page = BeautifulSoup(markdown.render(path.read_text("utf-8")), "html.parser")
        assert not page.find_all(["script", "img", "a"]), path
        assert [code.text for code in page.find_all("code")] == ["check"], path
        assert not re.search(r"https?://\S|(?<!\\)www\.\w", path.read_text("utf-8")), path
    text = BeautifulSoup(
        markdown.render((hostile_folder / "retro" / "c-con.md").read_text("utf-8")), "html.parser"
    ).text
    assert SCRIPT in text and "C:\\con" in text  # se lee tal cual


def test_feedback_tells_state_finding_and_mistake(tmp_path):
    wrong = exercise("incorrecto", 0.0, finding="tu resultado tiene forma (2, 3)", mistake="sobra un eje")
    write_reports(
        batch(grade(exercises=(wrong,), state="tiempo agotado", reason="60 s")), VIGESIMAL, tmp_path
    )
    html = BeautifulSoup((tmp_path / "retro/ana.html").read_text("utf-8"), "html.parser").get_text(
        " ", strip=True
    )
    for text in (html, (tmp_path / "retro/ana.md").read_text("utf-8").replace("**", "")):
        for said in (
            "Tu resultado tiene forma (2, 3).",
            "Es un error clásico: Sobra un eje.",
            "Tiempo agotado. 60 s.",
        ):
            assert said in " ".join(text.split()), said


def test_open_answers_stand_together_under_their_rubric(hostile_folder, tmp_path):
    page = BeautifulSoup((hostile_folder / "abiertas.html").read_text("utf-8"), "html.parser")
    assert len(page.find_all("h2")) == 1 and len(page.select("article .answer")) == len(NAMES_OF_STRANGERS)
    assert "Una\nrúbrica" in page.text and SCRIPT in page.text
    write_reports(batch(grade()), VIGESIMAL, tmp_path)
    assert not (tmp_path / "abiertas.html").exists()


def summary_of(lot, folder, scale=VIGESIMAL):
    write_reports(lot, scale, folder)
    page = BeautifulSoup((folder / "resumen.html").read_text("utf-8"), "html.parser")
    tables = {}
    for table in page.find_all("table"):
        title = table.find_previous("h2").text
        tables[title] = [
            [c.get_text(" ", strip=True) for c in row.find_all(["td", "th"])]
            for row in table.tbody.find_all("tr")
        ]
    return page, tables


def test_summary_counts_what_happened(tmp_path):
    half = (exercise(), exercise("incorrecto", 0.0, id="contar", mistake="miras solo a la derecha"))
    none = (exercise("sin intentar", 0.0), exercise("tiempo agotado", 0.0, id="contar"))
    full = (exercise(), exercise(id="contar"))
    lot = batch(
        *(grade(n, exercises=half) for n in ("Ana", "Eva")),
        replace(grade("Luis", exercises=none, state="caída", reason="murió"), digest="l"),
        replace(grade("Mar", exercises=full), digest="m"),
    )
    page, tables = summary_of(lot, tmp_path)
    assert [li.b.text for li in page.select(".figures li")] == ["4", "1", "10.0", "10.0", "3"]
    assert "0: 1; 10: 2; 20: 1. Aprueban 1 de 4" in page.svg.title.text
    shown = {row[0]: row[2:] for row in tables["Ejercicios, del más difícil al más fácil"]}
    assert list(shown) == ["contar", "ppmi"]
    assert shown == {"contar": ["1 (25 %)", "3", "0"], "ppmi": ["3 (75 %)", "0", "1"]}
    assert tables["Errores clásicos"] == [["2", "contar", "Miras solo a la derecha."]]
    watch = {row[0]: row[2] for row in tables["A quién mirar"]}
    assert watch == {
        "Ana": "El mismo archivo, byte a byte, que Eva. A un paso del aprobado.",
        "Eva": "El mismo archivo, byte a byte, que Ana. A un paso del aprobado.",
        "Luis": "Caída: murió.",
    }
    assert tables["Todas las entregas"][0] == [
        "Ana",
        "10",
        "2",
        "ok",
        "✔\N{NO-BREAK SPACE}2",
        "✘\N{NO-BREAK SPACE}0",
    ]


@pytest.mark.parametrize("name", SCALES)
def test_histogram_counts_everyone_once(name, tmp_path):
    scale = find_scale(name)
    grades = [grade(f"e{i}", exercises=(ExerciseGrade("a", "correcto", i / 10, 10.0),)) for i in range(101)]
    page, _ = summary_of(batch(*grades), tmp_path, scale)
    assert sum(int(text.text) for text in page.select("svg .count")) == 101


def test_empty_batch_still_gives_every_report(tmp_path):
    write_reports(batch(), VIGESIMAL, tmp_path)
    assert rows_of((tmp_path / "notas.csv").read_text("utf-8-sig")) == []
    assert "Entregas" in (tmp_path / "resumen.html").read_text("utf-8")


def test_without_jinja_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(CourseError, match="calificar"):
        write_reports(batch(), VIGESIMAL, tmp_path)


# --- En un navegador de verdad -----------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    path = needs_program("chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=options)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "name", ["resumen", "retro/script-alert-1-script-img-src-x-onerror-alert-2", "abiertas"]
)
def test_pages_in_a_browser(hostile_folder, browser, name, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    requests, dialogs, complaints = [], [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((hostile_folder / f"{name}.html").as_uri())
    assert (len(requests), dialogs, complaints) == (1, [], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    context.close()
