"""Interfaz, búsqueda y bibliografía en español, donde las de origen se quedan en inglés."""

import gettext
from dataclasses import dataclass, field
from pathlib import Path

import pybtex.plugin
import sphinx
import sphinxcontrib.bibtex.plugin
from pybtex.style import template as bib
from pybtex.style.formatting import toplevel, unsrt
from pybtex.style.formatting.plain import Style as PlainStyle
from sphinx import locale
from sphinx.search.es import SearchSpanish
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from coursekit.text import without_accents

SPHINX_JS = Path(sphinx.__file__).parent / "search" / "minified-js"

INTERFACE = {
    "Link to this code": "Enlace a este código",
    "Link to this definition": "Enlace a esta definición",
    "Link to this equation": "Enlace a esta ecuación",
    "Link to this heading": "Enlace a este apartado",
    "Link to this image": "Enlace a esta imagen",
    "Link to this table": "Enlace a esta tabla",
    "Link to this term": "Enlace a este término",
    "Link to this toctree": "Enlace a este índice",
    "Permalink to this heading": "Enlace a este apartado",
    "Search": "Buscar",
    "Section Navigation": "Navegación de la sección",
    "next page": "página siguiente",
    "previous page": "página anterior",
    "By": "Por",
    "Open an issue": "Avisar de un error",
    "Open issue": "Avisar de un error",
    "Repository": "Repositorio",
    "Source repositories": "Código fuente del curso",
    "Source repository": "Repositorio del curso",
    "Suggest edit": "Proponer un cambio",
    "logo": "",
}


class _Mended(gettext.NullTranslations):
    """Un catálogo de traducciones con nuestras frases por delante."""

    def __init__(self, original):
        super().__init__()
        self.add_fallback(original)

    def gettext(self, message):
        return INTERFACE.get(message) or super().gettext(message)


def _mend_translations(app, config):
    for key, original in list(locale.translators.items()):
        if key[0] == "general":
            locale.translators[key] = _Mended(original)
    app.translator = locale.translators["general", "sphinx"]


# Lo mismo que ForgivingSpanish.stem, para la consulta que se escribe en el navegador.
JAVASCRIPT_STEM = """
var Stemmer = function () {
  const stemmer = new SpanishStemmer();
  const fold = (text) => text.normalize("NFD").replace(/\\p{M}/gu, "");
  this.stemWord = (word) =>
    fold(stemmer.stemWord(fold(word.toLowerCase()).replace(/([cs]i)on$/, "$1ón")));
};
"""


class ForgivingSpanish(SearchSpanish):
    """Búsqueda que no distingue acentos: índice y consulta pasan por la misma raíz.

    Reducir a la raíz pide la tilde de -ción y -sión, así que se repone antes.
    """

    stopwords = SearchSpanish.stopwords | {without_accents(word) for word in SearchSpanish.stopwords}
    js_stemmer_rawcode = ""
    js_stemmer_code = "\n".join([
        *((SPHINX_JS / name).read_text("utf-8") for name in ("base-stemmer.js", "spanish-stemmer.js")),
        JAVASCRIPT_STEM,
    ])

    def stem(self, word):
        plain = without_accents(word.lower())
        if plain.endswith(("cion", "sion")):
            plain = plain[:-2] + "ón"
        return without_accents(self.stemmer.stemWord(plain))


class SpanishBibliography(PlainStyle):
    """El estilo `plain` de BibTeX con «y», «ed.», «En» y «pp.»; los títulos, como en el .bib."""

    def format_names(self, role, as_sentence=True):
        people = bib.names(role, sep=", ", sep2=" y ", last_sep=" y ")
        return bib.sentence[people] if as_sentence else people

    def format_editor(self, e, as_sentence=True):
        people = bib.words[self.format_names("editor", as_sentence=False), "(ed.)"]
        return bib.sentence[people] if as_sentence else people

    def format_title(self, e, which_field, as_sentence=True):
        title = bib.field(which_field)
        return bib.sentence[title] if as_sentence else title

    def get_incollection_template(self, e):
        return toplevel[
            self.format_names("author"),
            self.format_title(e, "title"),
            bib.sentence[
                bib.words["En", bib.tag("em")[bib.field("booktitle")]],
                bib.optional[bib.words["pp.", unsrt.pages]],
                bib.optional_field("publisher"),
                bib.field("year"),
            ],
            self.format_web_refs(e),
        ]

    get_inproceedings_template = get_incollection_template

    def get_book_template(self, e):
        return toplevel[
            self.format_author_or_editor(e),
            self.format_btitle(e, "title"),
            bib.sentence[
                bib.optional[bib.words[bib.field("edition"), "ed."]],
                bib.field("publisher"),
                bib.field("year"),
            ],
            self.format_web_refs(e),
        ]

    def format_url(self, e):
        url = bib.field("url", raw=True)
        return bib.href(url)[url]


def _round_brackets():
    return BracketStyle(left="(", right=")")


@dataclass
class SpanishReferences(AuthorYearReferenceStyle):
    """Citas de autor y año con «y» y paréntesis: (Church y Hanks, 1990), Elman (1990)."""

    bracket_parenthetical: BracketStyle = field(default_factory=_round_brackets)
    bracket_textual: BracketStyle = field(default_factory=_round_brackets)
    person: PersonStyle = field(
        default_factory=lambda: PersonStyle(sep2=" y ", last_sep=" y ")
    )


def setup(app):
    app.add_search_language(ForgivingSpanish)
    pybtex.plugin.register_plugin("pybtex.style.formatting", "curso", SpanishBibliography)
    sphinxcontrib.bibtex.plugin.register_plugin(
        "sphinxcontrib.bibtex.style.referencing", "curso", SpanishReferences
    )
    # Después de que cada extensión haya añadido su catálogo.
    app.connect("config-inited", _mend_translations, priority=900)
