"""Botones, direcciones, cabecera y fórmulas de cada página, y arreglos de accesibilidad."""

import hashlib
import importlib.util
import re
import shutil
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from docutils import nodes
from sphinx.errors import ConfigError

from coursesite import card, contents, files, letters

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "_static"
# Las piezas de MathJax que componen TeX: juntas pesan cien kilobytes menos que tex-chtml.js.
MATHJAX_PARTS = (
    "startup.js", "core.js", "input/tex.js", "input/tex/extensions", "output/chtml.js",
    "output/chtml/fonts/tex.js", "output/chtml/fonts/woff-v2", "a11y/assistive-mml.js",
)  # fmt: skip
MATHJAX_LOAD = ["input/tex", "output/chtml", "a11y/assistive-mml"]
# Lo que Jupyter Book pone en todas las páginas y aquí nadie usa.
UNUSED_ASSETS = ("thebe", "design-tabs.js")

# Lo que el tema escribe tal cual, sin pasar por las traducciones, y sus faltas de accesibilidad:
# texto fuera de toda región, botones sin nombre y papeles de ARIA que ya no existen.
MENDS = {
    'title="Toggle primary sidebar"': 'title="Mostrar u ocultar el índice del curso"',
    'title="Toggle secondary sidebar"': 'title="Mostrar u ocultar el índice de la página"',
    'aria-label="Main"': 'aria-label="Lecciones"',
    'aria-label="Page"': 'aria-label="Índice de la página"',
    '<div class="bd-sidebar-primary': '<div role="complementary" aria-label="Índice del curso"'
                                      ' class="bd-sidebar-primary',
    "<summary><span": '<summary aria-label="Mostrar u ocultar los apartados"><span',
    ' aria-label="Toggle hidden content"': "",
    ' role="doc-biblioentry"': "",
    ' role="doc-backlink"': "",
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    # Las imágenes se piden al llegar a ellas; la primera vista no las espera.
    "<img alt=": '<img loading="lazy" alt=',
}
LOCAL_ADDRESS = re.compile(r'\b(href|src|action|data-content_root)="(?![a-z]+:|[/#])(?:\./)?')


def _configure(app, config):
    repository = config.html_theme_options["repository_url"].rstrip("/")
    if not (address := re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository)):
        raise ConfigError(
            f"«repository: url» de _config.yml es «{repository}»: "
            "escribe una dirección como https://github.com/dueño/nombre."
        )
    # De aquí salen todas las direcciones públicas.
    config.html_theme_options["repository_url"] = repository
    config.html_baseurl = "https://{}.github.io/{}/".format(*address.groups())
    config.html_theme_options["extra_footer"] = (
        f"<p>{config.author}, {config.copyright}. Código y texto libres: "
        f'las licencias están en el <a href="{repository}">repositorio</a>.</p>'
    )
    config.html_static_path.append(str(STATIC))
    config.templates_path.append(str(HERE / "templates"))
    config.html_additional_pages["404"] = "404.html"
    config.project = config.html_title
    config.html_context["default_mode"] = "auto"
    config.mathjax_path = "mathjax/startup.js"
    # Sin «ui/menu»: solo existe en inglés.
    config.mathjax3_config = {"loader": {"load": MATHJAX_LOAD}}


def _in_colab(repository):
    """Dónde abre Colab los cuadernos de un repositorio."""
    return repository.replace("github.com", "colab.research.google.com/github") + "/blob/cuadernos"


def fill_addresses(app, docname, source):
    """Escribe en una página las direcciones que salen de `repository: url`."""
    repository = app.config.html_theme_options["repository_url"]
    source[0] = source[0].replace("{{repositorio}}", repository)
    source[0] = source[0].replace("{{colab}}", _in_colab(repository))


def add_buttons(app, pagename, templatename, context, doctree):
    """Añade el botón de Colab a los cuadernos, lleva el de editar a la fuente y traduce el aviso."""
    repository = context["theme_repository_url"]
    report = urlencode({
        "title": f"Error en {pagename}",
        "body": f"Página: {app.config.html_baseurl}{pagename}.html\n\n"
                "Qué dice o qué hace:\n\nQué debería decir o hacer:\n",
    })  # fmt: skip
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            # Los ejercicios se generan: lo que se edita es su solución.
            button["url"] = button["url"].replace("/edit/main/exercises/", "/edit/main/solutions/")
            if button["label"] == "source-issues-button":
                button["url"] = f"{repository}/issues/new?{report}"
    if "kernelspec" in app.env.metadata.get(pagename, {}):
        context["header_buttons"].insert(0, {
            "type": "link",
            "url": f"{_in_colab(repository)}/{files.notebook_file(pagename)}",
            "text": "Abrir en Colab",
            "tooltip": "Abrir este cuaderno en Google Colab",
            "icon": "fas fa-rocket",
            "label": "colab-button",
        })


def add_front_page(app, pagename, templatename, context, doctree):
    """La letra tapada, solo en la primera página."""
    if pagename == app.config.root_doc:
        app.add_js_file(letters.SCRIPT, loading_method="defer")
        app.add_js_file("portada.js", loading_method="defer")


def fill_head(app, pagename, templatename, context, doctree):
    """Decide el título, el resumen y los archivos que pide la cabecera de una página."""
    course = app.config.project
    names = {"search": "Buscar", "404": "Esta página no existe"}
    title = app.env.titles[pagename].astext() if pagename in app.env.titles else \
        names.get(pagename, context.get("title", ""))
    context["pagetitle"] = title  # encabeza la página impresa
    context["page_title"] = course if title in ("", course) else f"{title} · {course}"
    context["page_summary"] = _summary(doctree) or _summary(app.env.get_doctree(app.config.root_doc))
    context["card_image"] = f"{app.config.html_baseurl}_static/{card.NAME}"
    has_math = 'class="math' in context.get("body", "")
    for kind in ("css_files", "script_files"):
        kept = []
        for asset in context[kind]:
            said = f"{asset.filename} {asset.attributes.get('body', '')}"
            if any(name in said.lower() for name in UNUSED_ASSETS) or asset in kept:
                continue
            if has_math or "mathjax" not in said.lower():
                kept.append(asset)
        context[kind] = kept


def _summary(doctree, longest=200):
    """El primer párrafo de la página que no está en un recuadro, hasta unas `longest` letras."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and len(text) > 30:
            return text if len(text) <= longest else f"{text[:longest].rpartition(' ')[0]}…"
    return ""


def _mend_pages(app):
    """Aplica MENDS a cada página en el momento de escribirla."""
    if app.builder.format != "html":
        return
    templates = app.builder.templates
    render = templates.render
    # GitHub Pages enseña 404.html en cualquier dirección: sus enlaces no pueden ser relativos.
    root = urlsplit(app.config.html_baseurl).path

    def render_and_mend(template, context):
        page = render(template, context)
        for old, new in MENDS.items():
            page = page.replace(old, new)
        return LOCAL_ADDRESS.sub(rf'\1="{root}', page) if template == "404.html" else page

    templates.render = render_and_mend


def _finish(app, exception):
    """Lleva al sitio las piezas de MathJax, la tarjeta y la página que redirige a la primera."""
    if exception or app.builder.format != "html":
        return
    [package] = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations
    for part in MATHJAX_PARTS:
        source = Path(package, "static", "mathjax", part)
        target = Path(app.outdir, "_static", "mathjax", part)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    letters.write_script(Path(app.outdir, "_static"))
    course, first_page = app.config.project, app.builder.get_target_uri(app.config.root_doc)
    card.draw(Path(app.outdir, "_static", card.NAME), course)
    context = {
        "project": course,
        "page_title": course,
        "page_summary": _summary(app.env.get_doctree(app.config.root_doc)),
        "pageurl": app.config.html_baseurl,
        "card_image": f"{app.config.html_baseurl}_static/{card.NAME}",
        "first_page": first_page,
    }
    index = app.builder.templates.render("index.html", context)
    Path(app.outdir, "index.html").write_text(index, "utf-8")


def _look(root):
    """Resume el índice, las plantillas y los archivos estáticos."""
    index = repr(contents.contents(root)).encode()
    paths = [*sorted(STATIC.iterdir()), *sorted((HERE / "templates").iterdir())]
    return hashlib.sha256(index + b"".join(path.read_bytes() for path in paths)).hexdigest()


def setup(app):
    # Sphinx no nota que cambian, y están en todas las páginas: se escriben todas.
    app.add_config_value("course_look", _look(app.srcdir), "html")
    app.add_css_file("curso.css")
    app.add_css_file("iconos.css")
    app.add_js_file("curso.js", loading_method="defer")
    app.connect("config-inited", _configure)
    app.connect("builder-inited", _mend_pages)
    app.connect("html-page-context", add_buttons, priority=900)
    app.connect("source-read", fill_addresses)
    app.connect("html-page-context", add_front_page)
    app.connect("html-page-context", fill_head, priority=901)
    app.connect("build-finished", _finish)
