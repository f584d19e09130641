"""El sitio construido, como lo encuentra quien lo lee: en un navegador de verdad."""

import re
import threading
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from conftest import ROOT, needs_program
from coursesite.contents import contents

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
TOC = contents(ROOT)
REPOSITORY = CONFIG["repository"]["url"]

DESKTOP, PHONE = 1280, 390
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# Frases que el tema, Sphinx y sus extensiones escriben cuando no saben español.
ENGLISH = re.compile(
    r"\b(Toggle|Link to this|Permalink|Search(ing)?|Skip to|On this page|[Pp]revious|[Nn]ext page"
    r"|Show|Hide|Click to|Cop(y|ied)|Suggest edit|Open (an )?issue|Repository|Source repositor"
    r"|Contents|Built with|Created using|Launch|Download|Fullscreen|Back to top|Navigation"
    r"|Breadcrumb|Home|Version warning|light/dark|Note|Warning|Tip|Important|See also|Index"
    r"|Copyright|Definition|edition|URL:|pages|Main|Page|Math|Loading|Theme"
    r"|In Proceedings)\b"
)
# Fórmulas sin componer, con un error o con una orden que MathJax no conoce (la pinta de rojo).
FAILED_MATH = ".math:not(:has(mjx-container)), mjx-merror, mjx-mtext[style*='red']"
READ_ALOUD = ("title", "aria-label", "alt", "placeholder", "data-tooltip", "data-bs-original-title")


def documents(entry):
    """Nombres de las páginas del índice, en orden."""
    if "root" in entry:
        yield entry["root"]
    if "file" in entry:
        yield entry["file"]
    for child in entry.get("parts", entry.get("chapters", entry.get("sections", []))):
        yield from documents(child)


DOCUMENTS = list(documents(TOC))
NOTEBOOKS = [
    name for name in DOCUMENTS if (ROOT / f"{name}.md").exists()
    and "kernelspec:" in (ROOT / f"{name}.md").read_text("utf-8")[:600]
]
PAGES = [*(f"{name}.html" for name in DOCUMENTS), "search.html?q=red", "genindex.html"]


@dataclass
class Visit:
    """Lo que se vio al abrir una página."""

    address: str
    content: BeautifulSoup
    foreign: list
    width: int
    window: int
    complaints: list
    failed_math: list


@pytest.fixture(scope="module")
def server(site):
    """Dirección del sitio, servido en este ordenador."""

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=site)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture(scope="module")
def browser():
    """Chromium sin ventana."""
    chromium = needs_program("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def visits(server, browser):
    """Cada página, abierta en un ordenador con modo claro y en un teléfono con modo oscuro."""
    from axe_playwright_python.sync_playwright import Axe

    axe, seen = Axe(), []
    for width, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        for address in PAGES:
            page, requests = context.new_page(), []
            page.on("request", lambda request, requests=requests: requests.append(request.url))
            page.goto(server + address, wait_until="networkidle")
            page.evaluate("window.MathJax?.startup?.promise")
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            if scheme != page.evaluate("document.documentElement.dataset.theme"):
                pytest.fail(f"{address} no sigue el modo {scheme} del sistema")
            foreign = [url for url in requests if not url.startswith((server, "data:"))]
            seen.append(Visit(
                address=f"{address} ({width}, {scheme})",
                content=BeautifulSoup(page.content(), "html.parser"),
                foreign=foreign,
                width=page.evaluate("document.documentElement.scrollWidth"),
                window=width,
                complaints=[
                    f"{problem['id']}: {node['html'][:120]}"
                    for problem in axe.run(page).response["violations"]
                    for node in problem["nodes"]
                ],
                failed_math=page.locator(FAILED_MATH).all_inner_texts(),
            ))
            page.close()
        context.close()
    return seen


@pytest.fixture(scope="module")
def soups(site):
    """Cada página del índice tal como está en el disco, por su nombre."""
    return {
        name: BeautifulSoup((site / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in DOCUMENTS
    }


def search(browser, server, query):
    page = browser.new_page()
    page.goto(f"{server}search.html?q={query}", wait_until="networkidle")
    page.wait_for_selector("#search-results .search-summary:not(:empty)")
    found = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.href)")
    page.close()
    return found


# ---------------------------------------------------------------- en el navegador


def test_nothing_comes_from_another_host(visits):
    assert [(v.address, v.foreign) for v in visits if v.foreign] == []


def test_no_page_scrolls_sideways(visits):
    assert [(v.address, v.width) for v in visits if v.width > v.window] == []


def test_every_page_is_accessible(visits):
    assert [(v.address, v.complaints) for v in visits if v.complaints] == []


def test_every_formula_is_typeset(visits):
    assert [(v.address, v.failed_math) for v in visits if v.failed_math] == []
    assert any(v.content.find("mjx-container") for v in visits)


def test_no_interface_text_is_in_english(visits):
    left_over = set()
    for visit in visits:
        # Ni el código, ni lo que va en cursiva por estar en inglés, ni los títulos citados.
        for quoted in visit.content.select("script, style, pre, code, em, cite, .citation, .math"):
            quoted.decompose()
        for cited in visit.content.select("[href*='bibliografia.html#'][title]"):
            del cited["title"]
        texts = list(visit.content.stripped_strings)
        for tag in visit.content.find_all(True):
            texts += [tag[name] for name in READ_ALOUD if name in tag.attrs]
        left_over |= {(visit.address, text[:80]) for text in texts if ENGLISH.search(text)}
    assert sorted(left_over) == []


@pytest.mark.parametrize(
    "query",
    ["tokenizacion", "tokenización", "TOKENIZACION", "analogia", "analogías", "compuertas"],
)
def test_search_forgives_accents_and_plurals(browser, server, query):
    assert any("glosario" in link for link in search(browser, server, query))


def test_search_of_an_absent_word_finds_nothing(browser, server):
    assert search(browser, server, "murcielagonauta") == []


# ---------------------------------------------------------------- en los archivos


def test_every_page_of_the_contents_is_built(site):
    assert [name for name in DOCUMENTS if not (site / f"{name}.html").is_file()] == []
    assert len(NOTEBOOKS) >= 6


def test_pages_speak_spanish_to_the_browser(soups):
    assert {soup.html["lang"] for soup in soups.values()} == {"es"}


def test_bibliography_is_in_spanish(soups):
    entries = [entry.get_text(" ", strip=True) for entry in
               soups["book/referencia/bibliografia"].select(".citation")]
    assert len(entries) >= 20
    assert [text for text in entries if re.search(r"\. In |\bpages\b|, editors?\b|URL:", text)] == []
    assert any("Church y Patrick Hanks" in text for text in entries)


def test_colab_links_name_a_generated_notebook(soups):
    start = REPOSITORY.replace("github.com", "colab.research.google.com/github") + "/blob/cuadernos/"
    suffixes = {"exercises": "-ejercicios", "solutions": "-soluciones"}
    for name, soup in soups.items():
        links = [a["href"] for a in soup.select("a[href*='colab.research.google.com']")]
        # La primera página lleva a la primera lección; las demás, cada una a su cuaderno.
        opened = NOTEBOOKS[0] if name == TOC["root"] else name
        suffix = suffixes.get(opened.split("/")[0], "")
        expected = [f"{start}{opened}{suffix}.ipynb"] if opened in NOTEBOOKS else []
        assert [link for link in links if "/blob/" in link] == expected, name
        for link in expected:
            assert (ROOT / "_build/cuadernos" / link.removeprefix(start)).is_file(), link


def test_edit_links_name_a_source_that_is_written_by_hand(soups):
    start = f"{REPOSITORY}/edit/main/"
    for soup in soups.values():
        [link] = [a["href"] for a in soup.select(".btn-source-edit-button")]
        source = link.removeprefix(start)
        assert (ROOT / source).is_file(), link
        assert not source.startswith("exercises/"), link


def test_only_the_configuration_names_the_repository():
    owner = REPOSITORY.split("/")[-2]
    sources = [
        path
        for folder in ("book", "solutions", "exercises", "coursekit")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".md", ".py", ".css", ".js", ".svg"}
    ]
    assert [path for path in sources if owner in path.read_text("utf-8")] == []


def test_images_say_what_they_show(soups):
    for name, soup in soups.items():
        silent = [img["src"] for img in soup.select("article img") if not img.get("alt", "").strip()]
        assert silent == [], name


def test_internal_links_lead_somewhere(site, soups):
    broken = []
    anchors = {}
    for name, soup in soups.items():
        page = site / f"{name}.html"
        for link in soup.select("a[href], link[href], img[src], script[src]"):
            target = link.get("href", link.get("src"))
            if urlsplit(target).scheme or target.startswith("//"):
                continue
            address, fragment = urldefrag(target)
            path = page.parent / unquote(urlsplit(address).path) if address else page
            path = path.resolve()
            if not path.exists():
                broken.append((name, target))
            elif fragment and path.suffix == ".html":
                if path not in anchors:
                    content = BeautifulSoup(path.read_text("utf-8"), "html.parser")
                    anchors[path] = {tag["id"] for tag in content.find_all(id=True)}
                if unquote(fragment) not in anchors[path]:
                    broken.append((name, target))
    assert broken == []
