"""Leer el sitio: peso de las páginas, teclado, teléfono, papel, apuestas y primera página."""

import gzip
import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from bs4 import BeautifulSoup

from conftest import ROOT, missing_tool
from test_site import (  # noqa: F401 - los accesorios se usan por su nombre
    CONFIG,
    DOCUMENTS,
    NOTEBOOKS,
    REPOSITORY,
    TOC,
    browser,
    server,
    soups,
)  # fmt: skip

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
LECTURES = [name for name in NOTEBOOKS if name.startswith("book/")]
PAGES = [*(f"{name}.html" for name in DOCUMENTS), "search.html", "genindex.html"]
COURSE = CONFIG["title"]
OWNER, NAME = REPOSITORY.split("/")[-2:]


@pytest.fixture
def visit(browser, server):  # noqa: F811
    """Abre una página en un navegador sin nada guardado; falla si algo se queja en la consola."""
    opened, complaints = [], []

    def open_page(address, viewport=DESKTOP, base=server, **options):
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append((address, str(error))))
        page.on("console", lambda said: said.type in ("error", "warning")
                and complaints.append((address, said.text)))
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.goto(base + address, wait_until="networkidle")
        opened.append(context)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert complaints == []


# ---------------------------------------------------------------- peso


def weight(site, page):
    """Bytes comprimidos de los archivos que pidió una página."""
    paths = {site / unquote(urlsplit(url).path).lstrip("/") for url in page.requested}
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in paths if path.is_file())


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["ordenador", "teléfono"])
def test_first_view_is_light_and_quiet(site, visit, soups, viewport):  # noqa: F811
    heavy = {}
    for address in PAGES:
        page = visit(address, viewport)
        has_math = page.locator(".math").count() > 0
        assert has_math == any("mathjax" in url for url in page.requested), address
        assert not any("fontawesome" in url for url in page.requested), address
        if weight(site, page) > (700_000 if has_math else 250_000):
            heavy[address] = weight(site, page)
        page.close()
    assert heavy == {}


def test_every_icon_is_drawn(site, soups):  # noqa: F811
    drawn = (site / "_static/iconos.css").read_text("utf-8")
    used = {name for soup in soups.values() for tag in soup.select("[class*='fa-']")
            for name in tag["class"] if name.startswith("fa-")}
    assert [name for name in used - {"fa-solid", "fa-lg"} if f".{name}" not in drawn] == []
    assert len(used) > 10


# ---------------------------------------------------------------- teclado


@pytest.mark.parametrize("name", [TOC["root"], LECTURES[0], NOTEBOOKS[1], "book/referencia/notacion"])
def test_focus_is_always_visible(visit, name):
    page = visit(f"{name}.html")
    unseen, seen = [], 0
    for _ in range(120):
        page.keyboard.press("Tab")
        found = page.evaluate("""() => {
            const at = document.activeElement, label = at.closest("label");
            if (at === document.body) return null;
            const shown = [at, label].filter(Boolean).map(getComputedStyle);
            const ringed = shown.some(s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
            return [ringed, at.outerHTML.slice(0, 120)];
        }""")
        if found is None:
            break
        seen += 1
        if not found[0]:
            unseen.append(found[1])
    assert unseen == [] and seen > 20


@pytest.mark.parametrize("name", LECTURES)
def test_only_what_scrolls_is_a_tab_stop(visit, name):
    page = visit(f"{name}.html", PHONE)
    page.wait_for_function("Boolean(window.MathJax?.startup?.promise)")  # MathJax llega después
    page.evaluate("window.MathJax.startup.promise")
    page.wait_for_timeout(300)
    inline = "mjx-container:not([display])[tabindex], mjx-container:not([display]) [tabindex]"
    assert page.locator(inline).count() == 0
    unreachable = page.evaluate("""() =>
        [...document.querySelectorAll(
            ".bd-article :is(pre, mjx-container[display], .pst-scrollable-table-container)")]
        .filter(box => box.offsetParent && box.scrollWidth > box.clientWidth + 1 && box.tabIndex !== 0)
        .map(box => box.outerHTML.slice(0, 100))""")
    assert unreachable == []


# ---------------------------------------------------------------- teléfono


@pytest.mark.parametrize("name", LECTURES)
def test_results_fit_a_phone(visit, name):
    page = visit(f"{name}.html", PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    too_wide = page.evaluate("""() =>
        [...document.querySelectorAll(".cell_output, .cell_output :is(pre, table)")]
        .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.innerText.slice(0, 100))""")
    assert too_wide == []
    assert page.locator("table.resultados caption").count() >= 2


@pytest.mark.parametrize("name", [*LECTURES, "book/referencia/notacion"])
def test_tables_of_symbols_fit_a_phone_with_their_names_whole(visit, name):
    page = visit(f"{name}.html", PHONE)
    tables = page.locator(".pst-scrollable-table-container:has(th:has-text('Símbolo'))")
    assert tables.count() or "notacion" not in name
    for table in tables.all():
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth"), table.inner_text()[:80]
        cut = table.locator("code").evaluate_all("""names => names.filter(
            name => !/ /.test(name.innerText) && name.getClientRects().length > 1).map(n => n.innerText)""")
        assert cut == []


@pytest.mark.parametrize("name", LECTURES)
def test_no_figure_shrinks_below_half(visit, name):
    page = visit(f"{name}.html", PHONE)
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    figures = page.locator(".cell_output img")
    sizes = figures.evaluate_all("all => all.map(i => [i.naturalWidth, i.clientWidth])")
    assert sizes and [size for size in sizes if size[0] > 2 * size[1]] == []


@pytest.mark.parametrize("name", LECTURES)
def test_long_equations_scroll_beside_their_number(visit, name):
    page = visit(f"{name}.html", PHONE)
    page.wait_for_function("Boolean(window.MathJax?.startup?.promise)")  # MathJax llega después
    page.evaluate("window.MathJax.startup.promise")
    overlapping, cued = page.evaluate("""() => {
        const boxes = [...document.querySelectorAll("div.math")].filter(box => box.querySelector(".eqno"));
        const apart = box => box.querySelector("mjx-container").getBoundingClientRect().right
            <= box.querySelector(".eqno").getBoundingClientRect().left + 1;
        const cued = box => getComputedStyle(box.querySelector("mjx-container")).backgroundImage !== "none";
        return [boxes.filter(box => !apart(box)).map(box => box.id), boxes.every(cued)];
    }""")
    assert overlapping == [] and cued


# ---------------------------------------------------------------- títulos, dirección y tarjeta


def test_titles_tell_pages_apart(site, soups):  # noqa: F811
    titles = {name: soup.title.text for name, soup in soups.items()}
    assert len(set(titles.values())) == len(titles)
    assert titles[TOC["root"]] == COURSE
    for name, soup in soups.items():
        for folder, start in (("exercises", "Ejercicios: "), ("solutions", "Soluciones: ")):
            if name.startswith(folder):
                assert soup.title.text.startswith(start) and soup.h1.text.startswith(start), name


def test_notebooks_have_names_of_their_own(site):
    names = [path.name for path in (site.parent / "cuadernos").rglob("*.ipynb")]
    assert len(names) == len(NOTEBOOKS) == len(set(names))


def test_every_page_says_what_it_is_to_whoever_shares_it(site):
    for address in [*PAGES, "404.html", "index.html"]:
        soup = BeautifulSoup((site / address).read_text("utf-8"), "html.parser")
        said = {tag.get("property", tag.get("name")): tag["content"] for tag in soup.select("meta[content]")}
        assert 30 < len(said["description"]) <= 201, address
        assert said["og:description"] == said["description"], address
        assert said["og:title"] and "not set" not in said["og:title"], address
        image = said["og:image"].removeprefix(f"https://{OWNER}.github.io/{NAME}/")
        assert (site / image).is_file(), image


def test_equations_are_numbered_by_page(soups):  # noqa: F811
    for name in LECTURES:
        numbers = [tag.contents[0] for tag in soups[name].select(".eqno")]
        assert numbers == [f"({n})" for n in range(1, len(numbers) + 1)] and numbers, name


def test_issue_reports_are_in_spanish(soups):  # noqa: F811
    for name, soup in soups.items():
        [link] = soup.select(".btn-source-issues-button")
        assert f"title=Error+en+{name.replace('/', '%2F')}&" in link["href"]
        assert "Issue" not in link["href"]


def test_a_lost_address_under_the_repository_shows_the_page(site, tmp_path, visit):
    """GitHub Pages enseña 404.html en cualquier carpeta, y el sitio vive en /curso/."""
    (tmp_path / NAME).symlink_to(site)

    class Pages(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if not Path(self.translate_path(self.path)).exists():
                self.path = f"/{NAME}/404.html"
            super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=tmp_path)) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        page = visit(f"{NAME}/no/existe/esto.html", base=f"http://127.0.0.1:{running.server_port}/")
        assert page.locator("article h1").inner_text() == "Esta página no existe"
        missing = [url for url in page.requested[1:]
                   if not (tmp_path / unquote(urlsplit(url).path).lstrip("/")).is_file()]
        assert missing == []
        page.click("article a >> nth=0")
        assert page.locator("article h1").inner_text().startswith(COURSE)
        running.shutdown()


# ---------------------------------------------------------------- buscar


def test_an_unsuccessful_search_is_told_in_good_spanish(visit):
    page = visit("search.html?q=murcielagonauta")
    page.wait_for_selector("#search-results .search-summary:not(:empty)")
    assert "Ninguna página contiene lo que buscas" in page.locator("#search-results").inner_text()
    page = visit("search.html?q=perplejidad")
    page.wait_for_selector("#search-results li p.context")
    assert page.locator("#buscar-sin-servidor").is_hidden()


@pytest.mark.parametrize("word", ["perplejidad", "ventana", "gradiente", "surprise"])
def test_snippets_are_of_the_text_and_fit_a_phone(visit, word):
    """Ni botones, ni el índice impreso, ni LaTeX; «surprise» está en una línea larga de código."""
    page = visit(f"search.html?q={word}", PHONE)
    page.wait_for_selector("#search-results li p.context")
    page.wait_for_load_state("networkidle")
    for snippet in page.locator("#search-results p.context").all_inner_texts():
        assert not re.search("En esta página|Avisar de un error|Abrir en Colab|Repositorio", snippet)
        assert not re.search(r"\\\(|\\[a-z]+\{", snippet), snippet
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_search_without_a_server_finds_pages_and_says_why_there_are_no_snippets(site, visit):
    page = visit("search.html?q=perplejidad", base=f"file://{site}/")
    page.wait_for_selector("#search-results li")
    assert "make servir" in page.locator("#buscar-sin-servidor").inner_text()


# ---------------------------------------------------------------- apuestas y cuestionario


def bets(soup):
    return soup.select(".admonition.apuesta")


@pytest.mark.parametrize("name", LECTURES)
def test_every_bet_has_options_and_is_settled_once(soups, name):  # noqa: F811
    assert len(bets(soups[name])) >= 3
    for number, box in enumerate(bets(soups[name]), start=1):
        assert box.select_one(".admonition-title").text == f"Apuesta {number}"
        letters = [item.text.strip()[:2] for item in box.select("li")]
        assert letters == ["a)", "b)", "c)", "d)"][: len(letters)] and len(letters) >= 2
        [verdict] = soups[name].select(f".veredicto[data-apuesta='{number}']")
        assert f"{verdict['data-respuesta']})" in letters
        assert len(verdict.select("p")[1].text) > 30, "falta la explicación"
    assert "no apostaste" not in soups[name].text


@pytest.mark.parametrize("name", LECTURES)
def test_a_bet_is_played_with_the_keyboard_and_remembered(visit, name):
    page = visit(f"{name}.html")
    box = page.locator(".admonition.apuesta").first
    right = page.locator(".veredicto[data-apuesta='1']").get_attribute("data-respuesta")
    box.locator("input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert box.locator("input").first.is_checked()
    assert "la respuesta es" not in box.inner_text()
    assert 'apuesta_1 = "a"' in page.locator(".cell_input").filter(has_text="apuesta_1 =").first.inner_text()
    while page.evaluate("document.activeElement.textContent") != "Ver la respuesta":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = box.inner_text()
    assert f"la respuesta es {right})" in said
    outcome = "acertaste" if right == "a" else "no acertaste"
    assert f"Tú dijiste a): {outcome}." in said
    page.reload(wait_until="networkidle")
    assert box.locator("input").first.is_checked() and "la respuesta es" in box.inner_text()
    assert f"Tú dijiste a): {outcome}." in page.locator(".veredicto[data-apuesta='1']").inner_text()
    box.get_by_text("Borrar mi apuesta").click()
    page.reload(wait_until="networkidle")
    assert box.locator("input:checked").count() == 0
    assert "Tú dijiste" not in page.locator(".veredicto[data-apuesta='1']").inner_text()


def test_without_scripts_bets_and_answers_read_well(visit):
    page = visit(f"{LECTURES[0]}.html", java_script_enabled=False)
    assert page.locator(".admonition.apuesta li").first.is_visible()
    assert "la respuesta es" in page.locator(".veredicto").first.inner_text()


@pytest.mark.parametrize("name", LECTURES)
def test_the_quiz_keeps_what_was_answered(visit, name):
    page = visit(f"{name}.html")
    options = page.locator("#cuestionario details")
    right = options.evaluate_all(
        "all => all.findIndex(o => /^\\s*Sí/.test(o.querySelector('.sd-summary-content').textContent))"
    )
    wrong = options.count() - 1 if right != options.count() - 1 else 0
    for chosen in (right, wrong):
        options.nth(chosen).locator("summary").focus()
        page.keyboard.press("Enter")
    progress = page.locator(".cuestionario-progreso")
    page.wait_for_function("document.querySelector('.cuestionario-progreso').innerText.includes('2 de')")
    page.reload(wait_until="networkidle")
    assert "Has contestado 2 de" in progress.inner_text()
    assert options.nth(right).evaluate("o => o.open") and options.nth(wrong).evaluate("o => o.open")
    assert "acierto" in options.nth(right).get_attribute("class")
    page.get_by_text("Borrar mis respuestas").click()
    page.reload(wait_until="networkidle")
    assert page.locator("#cuestionario details[open]").count() == 0 and progress.inner_text() == ""


# ---------------------------------------------------------------- papel


@pytest.mark.parametrize("name", LECTURES)
def test_paper_cuts_no_line_of_code(visit, name):
    page = visit(f"{name}.html", {"width": 720, "height": 1000})
    page.emulate_media(media="print")
    cut = page.evaluate("""() => [...document.querySelectorAll(".bd-article pre")]
        .filter(box => box.offsetParent && box.scrollWidth > box.clientWidth + 1)
        .map(box => box.innerText.slice(0, 80))""")
    assert cut == []
    framed = page.locator(".bd-article :is(details.hide:not([open]), .copybtn, .apuesta-dicho:empty)")
    assert framed.evaluate_all("all => all.filter(box => box.offsetParent).length") == 0


# ---------------------------------------------------------------- primera página


def test_the_front_page_fits_one_screen(visit):
    page = visit("book/inicio.html")
    visible = ["text=Al terminar podrás", ".letra-tapada", "text=Empieza aquí", "text=Para docentes",
               "article >> text=Abrir en Colab", "#las-lecciones h2", "#las-lecciones p.caption >> nth=0",
               "#las-lecciones li >> nth=0"]
    for what in visible:
        box = page.locator(what).first.bounding_box()
        assert box["y"] + box["height"] <= DESKTOP["height"], what
    assert page.locator("article h1").count() == 1


def test_the_front_page_lists_the_contents(soups):  # noqa: F811
    links = [a["href"] for a in soups[TOC["root"]].select("#las-lecciones a.reference")]
    chapters = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
    assert links == [f"{name.removeprefix('book/')}.html" for name in chapters]
    start = soups[TOC["root"]].select_one(".portada a:-soup-contains('Empieza aquí')")
    assert start["href"] == links[0]
    [clone] = [block.text for block in soups[TOC["root"]].select("pre") if "make libro" in block.text]
    assert clone.startswith(f"git clone {REPOSITORY} ")


def test_letter_counts_are_those_of_the_book(monkeypatch):
    from coursekit.data import load
    from coursekit.text import letters as only_letters
    from coursesite import letters

    corpus = load("quijote")
    if corpus.is_sample:
        missing_tool("falta el «Quijote»: coursekit datos descargar quijote")
    saved = json.loads(letters.COUNTS.read_text("utf-8"))
    assert letters.table("".join(only_letters(corpus.text))) == saved
    assert letters.COUNTS.stat().st_size <= 60_000


def test_the_page_computes_the_probabilities_of_coursekit(visit):
    from coursekit.data import load
    from coursekit.ngrams import WittenBell
    from coursekit.text import letters as only_letters
    from coursesite import letters

    corpus = load("quijote")
    if corpus.is_sample:
        missing_tool("falta el «Quijote»: coursekit datos descargar quijote")
    saved = json.loads(letters.COUNTS.read_text("utf-8"))
    index = {symbol: number for number, symbol in enumerate(saved["symbols"])}
    text = "".join(only_letters(corpus.text))[: saved["num_counted"]]
    model = WittenBell(saved["order"], len(index)).fit([index[letter] for letter in text])
    histories = ["", "q", "qu", "en un lugar de la manch", "zzz", "ñx", *saved["phrases"]]
    page = visit("book/inicio.html")
    shown = page.evaluate("""histories => {
        const model = { ...LETRAS, levels: readCounts(LETRAS) };
        return histories.map(history => [...probabilities(model, history).values()]);
    }""", histories)
    for history, probabilities in zip(histories, shown):
        expected = model.probs([index[letter] for letter in history])
        assert np.allclose(probabilities, expected, rtol=1e-12, atol=0), history
        assert sum(probabilities) == pytest.approx(1)


def test_the_covered_letter_is_played_with_the_keyboard(visit):
    saved = json.loads((ROOT / "book/_static/letras.json").read_text("utf-8"))
    page = visit("book/inicio.html")
    place = saved["first_covered"]
    for letter in saved["phrases"][0][place : place + 2]:
        page.locator("#letra").press(letter if letter != " " else "Space")
        page.wait_for_selector(".letra-barras .cierta")
        page.keyboard.press("Enter")  # «Letra siguiente» tiene el foco
    shown = page.locator(".letra-frase")
    assert shown.inner_text().strip("…▮") == saved["phrases"][0][: place + 2].strip()
    page.locator("#letra").fill("ñ")
    assert re.search(r"tú, 2 de 3; el modelo, \d\.", page.locator(".letra-barras caption").inner_text())
    page.get_by_text("Otra frase").click()
    assert shown.inner_text().strip("…▮") == saved["phrases"][1][:place].strip()
    page.locator("#letra").press("7")
    assert "no es una de las letras" in page.locator(".letra-tapada").inner_text()
