"""Botones, direcciones, fórmulas servidas por el propio sitio y arreglos de accesibilidad."""

import importlib.util
import re
import shutil
from pathlib import Path

from sphinx.errors import ConfigError

STATIC = Path(__file__).parents[2] / "_static"
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")

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
}


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
    config.html_context["default_mode"] = "auto"
    config.mathjax_path = "mathjax/tex-chtml.js"


def add_buttons(app, pagename, templatename, context, doctree):
    """Añade el botón de Colab a los cuadernos y lleva el de editar a la fuente de la página."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            # Los ejercicios se generan: lo que se edita es su solución.
            button["url"] = button["url"].replace("/edit/main/exercises/", "/edit/main/solutions/")
    if "kernelspec" in app.env.metadata.get(pagename, {}):
        repository = context["theme_repository_url"]
        context["header_buttons"].insert(0, {
            "type": "link",
            "url": repository.replace("github.com", "colab.research.google.com/github")
            + f"/blob/cuadernos/{pagename}.ipynb",
            "text": "Abrir en Colab",
            "tooltip": "Abrir este cuaderno en Google Colab",
            "icon": "fas fa-rocket",
            "label": "colab-button",
        })


def _mend_pages(app):
    """Aplica MENDS a cada página en el momento de escribirla."""
    if app.builder.format != "html":
        return
    templates = app.builder.templates
    render = templates.render

    def render_and_mend(template, context):
        page = render(template, context)
        for old, new in MENDS.items():
            page = page.replace(old, new)
        return page

    templates.render = render_and_mend


def _copy_mathjax(app, exception):
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


def setup(app):
    # El índice está en todas las páginas: si cambia, se escriben todas.
    app.add_config_value("course_toc", Path(app.srcdir, "_toc.yml").read_text("utf-8"), "html")
    app.add_css_file("curso.css")
    app.add_js_file("curso.js", loading_method="defer")
    app.connect("config-inited", _configure)
    app.connect("builder-inited", _mend_pages)
    app.connect("html-page-context", add_buttons, priority=900)
    app.connect("build-finished", _copy_mathjax)
