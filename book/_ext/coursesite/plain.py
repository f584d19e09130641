"""De las directivas y los roles de MyST al Markdown que entienden Colab y Jupyter.

El texto no se recompone: se analiza con el analizador del sitio y solo se cambian los trozos que
un cuaderno no sabría mostrar, cada uno en el lugar exacto donde el analizador lo encontró.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from docutils.parsers.rst.directives import admonitions
from markdown_it import MarkdownIt
from markdown_it.token import Token
from myst_parser.parsers.directives import MarkupError, parse_directive_text
from sphinx.config import Config
from sphinx.directives.code import LiteralInclude, LiteralIncludeReader
from sphinx.directives.patches import MathDirective
from sphinx_design.dropdown import DropdownDirective

from coursekit.errors import CourseError
from coursesite import myst
from coursesite.references import Site

ADMONITIONS = {
    "admonition": (admonitions.Admonition, None),
    "important": (admonitions.Important, "Importante"),
    "note": (admonitions.Note, "Nota"),
    "tip": (admonitions.Tip, "Truco"),
    "warning": (admonitions.Warning, "Advertencia"),
}
# Lo que Colab y Jupyter muestran igual que el sitio; cualquier otra cosa es un error.
UNDERSTOOD = {
    "amsmath", "blockquote", "bullet_list", "code_block", "code_inline", "em", "hardbreak",
    "heading", "hr", "html_block", "html_inline", "inline", "link", "list_item", "math_block",
    "math_inline", "math_inline_double", "ordered_list", "paragraph", "softbreak", "strong",
    "table", "tbody", "td", "text", "th", "thead", "tr",
}  # fmt: skip
TITLED = re.compile(r"(.+?)\s*<([^<>]+)>", re.DOTALL)


@dataclass(frozen=True)
class Listing:
    """Un objeto del paquete que el cuaderno muestra como celda de código.

    Args:
        source: su código.
        path: el archivo en que está.
    """

    source: str
    path: Path


@dataclass
class Page:
    """La página que se convierte.

    Args:
        docname: su nombre en el sitio, como «book/palabras/coocurrencia-ppmi».
        site: lo que el sitio sabe de sus páginas.
        md: analizador de `myst.parser`.
        glued: da el valor que otra celda guardó con `glue`, con el formato pedido; recibe
            el texto del rol.
    """

    docname: str
    site: Site
    md: MarkdownIt
    glued: Callable[[str], str]
    _expanded: set = field(default_factory=set, init=False)

    def pieces(self, text: str, line: int = 0) -> list[str | Listing]:
        """Convierte una celda de Markdown.

        Args:
            text: contenido de la celda.
            line: línea del archivo donde empieza, desde 0.
        Returns:
            Los trozos de Markdown y, entre ellos, los listados que serán celdas de código.
        Raises:
            CourseError: si hay algo que un cuaderno no puede mostrar o una referencia que el
                sitio no conoce; nombra archivo y línea.
        """
        pieces, end = [""], 0
        for start, stop, new in sorted(self._edits(text, line), key=lambda edit: edit[0]):
            pieces[-1] += text[end:start]
            if isinstance(new, Listing):
                pieces += [new, ""]
            else:
                pieces[-1] += new
            end = stop
        pieces[-1] += text[end:]
        stripped = [piece.strip("\n") if isinstance(piece, str) else piece for piece in pieces]
        return [piece for piece in stripped if piece]

    def _nested(self, text, line):
        """Convierte lo que hay dentro de una directiva: ahí un listado no puede ser una celda."""
        return "\n\n".join(
            _fenced(piece.source) if isinstance(piece, Listing) else piece
            for piece in self.pieces(text, line)
        )

    def _edits(self, text, line):
        """Lo que hay que cambiar: (principio, final, texto nuevo)."""
        source = _Source(text)
        for token in self.md.parse(text):
            start = line + (token.map[0] if token.map else 0)
            kind = token.type.removesuffix("_open").removesuffix("_close")
            with _located(self.docname, start):
                if token.type in ("myst_target", "myst_line_comment"):
                    first, last = source.block(token)
                    yield first, last, ""
                elif token.type == "math_block_label":
                    first, last = source.block(token)
                    yield first, last, self._math(token.content, token.info)
                elif myst.directive(token):
                    yield self._directive(token, source, start)
                elif token.type == "inline":
                    yield from self._inline(token, source)
                elif kind not in UNDERSTOOD and token.type != "fence":
                    raise CourseError(f"un cuaderno no puede mostrar «{token.type}».")

    # Directivas

    def _directive(self, token, source, line):
        first, last = source.block(token)
        opening = source.lines[token.map[0]]
        before = opening[: opening.index(token.markup)]  # sangría, «>» o viñeta
        name, argument = myst.directive(token)
        if name in ADMONITIONS:
            new = self._admonition(name, argument, token, line)
        elif name == "dropdown":
            new = self._dropdown(argument, token, line)
        elif name == "math":
            parsed = _parse(MathDirective, argument, token)
            body = [*parsed.arguments, "\n".join(parsed.body)]
            new = self._math("\n\n".join(body), parsed.options.get("label"))
        elif name == "literalinclude":
            listing, whole = self._listing(argument, token)
            if whole and not before:
                return first, last, listing
            new = _fenced(listing.source)
        else:
            raise CourseError(f"la directiva «{name}» no se puede llevar a un cuaderno.")
        # Dentro de una lista o una cita, cada línea lleva lo que la suya tenía delante.
        margin = re.sub(r"[^>\s]", " ", before)
        following = source.lines[token.map[1] : token.map[1] + 1]
        if following and following[0].strip(" >"):
            new += "\n"  # sin la línea en blanco, el texto que sigue se pegaría a la cita
        indented = "\n".join((margin + part).rstrip() for part in new.split("\n"))
        return first, last, before + indented[len(margin) :]

    def _admonition(self, name, argument, token, line):
        directive, title = ADMONITIONS[name]
        parsed = _parse(directive, argument, token)
        title = title or self._nested(parsed.arguments[0], line)
        body = self._nested("\n".join(parsed.body), line + 1 + parsed.body_offset)
        if "dropdown" in parsed.options.get("class", []):
            return self._details(title, body)
        return "\n".join(f"> {part}".rstrip() for part in f"**{title}**\n\n{body}".split("\n"))

    def _dropdown(self, argument, token, line):
        parsed = _parse(DropdownDirective, argument, token)
        title = self._nested(parsed.arguments[0], line) if parsed.arguments else "Más"
        return self._details(
            title, self._nested("\n".join(parsed.body), line + 1 + parsed.body_offset)
        )

    def _details(self, title, body):
        summary = self.md.renderInline(title)
        return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"

    def _math(self, latex, label):
        # Todo en una línea: dentro de una cita, Jupyter leería como fórmula los «>» del margen.
        parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", latex) if part.strip()]
        parts = [r"\begin{split}" + p + r"\end{split}" if r"\\" in p else p for p in parts]
        latex = parts[0]
        if len(parts) > 1:
            latex = r"\begin{aligned}" + r" \\ ".join(parts) + r"\end{aligned}"
        if label is None:
            return f"$$ {latex} $$"
        _, number, _ = self.site.equation(label)
        return rf"$$ {latex} \tag{{{number.strip('()')}}} $$"

    def _listing(self, argument, token):
        """El código que se incluye y si es un objeto entero: un método no vale como celda."""
        parsed = _parse(LiteralInclude, argument, token)
        if "pyobject" not in parsed.options or "caption" in parsed.options:
            raise CourseError("«literalinclude» necesita «:pyobject:» y no admite «:caption:».")
        name, pyobject = parsed.arguments[0], parsed.options["pyobject"]
        path = Path(self.site.root, posixpath.dirname(self.docname), name).resolve()
        try:
            code, _ = LiteralIncludeReader(str(path), parsed.options, Config()).read()
        except (OSError, ValueError) as error:
            raise CourseError(f"no se encuentra «{pyobject}» en «{name}».") from error
        return Listing(code.strip("\n"), path), "." not in pyobject

    # Roles y enlaces

    def _inline(self, token, source):
        edits = []
        for child in token.children:
            kind = child.type.removesuffix("_open").removesuffix("_close")
            if child.type == "myst_role":
                edits.append((child.meta["start"], child.meta["end"], self._role(child)))
            elif child.type == "link_open" and "start" in child.meta:
                edits += self._link(child, token.content)
            elif kind not in UNDERSTOOD:
                raise CourseError(f"un cuaderno no puede mostrar «{child.type}».")
        if edits:
            places = source.places(token)
            yield from ((places[start], places[end - 1] + 1, new) for start, end, new in edits)

    def _role(self, token):
        name, content = token.meta["name"], token.content
        titled = TITLED.fullmatch(content)
        shown, target = titled.groups() if titled else (None, content)
        match name:
            case "eq":
                docname, number, url = self.site.equation(content)
                return number if docname == self.docname else f"[{number}]({url})"
            case "ref":
                url, title = self.site.label(target)
            case "term":
                url, title = self.site.term(target), target
            case "doc":
                url, title = self.site.page(myst.neighbour(self.docname, target))
            case "cite:p" | "cite:t":
                return self._citation(content, textual=name == "cite:t")
            case "glue:text":
                return _escaped(self.glued(content))
            case "abbr":
                return self._abbreviation(content)
            case _:
                raise CourseError(f"el rol «{name}» no se puede llevar a un cuaderno.")
        return f"[{_escaped(shown or title)}]({url})"

    def _citation(self, keys, textual):
        works = [self.site.citation(key.strip()) for key in keys.split(",")]
        if textual:
            return ", ".join(f"[{who} ({year})]({self.site.bibliography})" for who, year in works)
        return "(" + "; ".join(
            f"[{who}, {year}]({self.site.bibliography})" for who, year in works
        ) + ")"  # fmt: skip

    def _abbreviation(self, content):
        short, _, expansion = content.partition(" (")
        if short in self._expanded or not expansion:
            return _escaped(short)
        self._expanded.add(short)
        return _escaped(content)

    def _link(self, token, content):
        """Lleva al sitio publicado los enlaces a otras páginas del curso."""
        start, end = token.meta["start"], token.meta["end"]
        href = str(token.attrs["href"])
        if urlsplit(href).scheme:
            return []
        path, _, fragment = href.partition("#")
        if path:
            url, title = self.site.page(myst.neighbour(self.docname, path))
            url += f"#{fragment}" if fragment else ""
        else:
            url, title = self.site.label(fragment)
        if content.startswith("[]", start):
            return [(start, end, f"[{_escaped(title)}]({url})")]
        where = content.rfind(href, start, end)
        if where < 0:
            raise CourseError(f"el enlace a «{href}» debe escribirse como [texto](dirección).")
        return [(where, where + len(href), url)]


class _Source:
    """El texto por líneas, para ir de lo que dice un token al lugar exacto que ocupa."""

    def __init__(self, text):
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self._read = {}  # hasta dónde se ha leído cada línea: las celdas de una tabla comparten una

    def block(self, token):
        first, last = token.map
        while last > first + 1 and not self.lines[last - 1].strip(" >"):
            last -= 1  # una directiva sin cerrar abarca las líneas en blanco que siguen
        return self.starts[first], self.starts[last] - 1

    def places(self, token):
        """Devuelve la posición en el texto de cada carácter del contenido de un token."""
        places = []
        for number, part in enumerate(token.content.split("\n"), start=token.map[0]):
            line = self.lines[number].rstrip()
            column = len(line) - len(part.rstrip())
            if not line.endswith(part.rstrip()):  # una celda de tabla: lo que sigue a lo leído
                column = line.find(part, self._read.get(number, 0))
                self._read[number] = column + len(part)
            if column < 0:
                raise CourseError(f"no se puede localizar «{part}»; escribe «|» de otra forma.")
            start = self.starts[number] + column
            places += range(start, start + len(part) + 1)  # con el salto de línea
        return places


class _located:
    """Añade archivo y línea a los errores que aún no los llevan."""

    def __init__(self, docname, line):
        self.place = f"{docname}.md, línea {line + 1}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, CourseError) and ".md, línea " not in str(error):
            raise CourseError(f"{self.place}: {error}") from error


def _parse(directive, argument, token: Token):
    try:
        parsed = parse_directive_text(directive, argument, token.content)
    except MarkupError as error:
        raise CourseError(f"directiva mal escrita: {error}") from error
    if parsed.warnings:
        raise CourseError(f"directiva mal escrita: {parsed.warnings[0].msg}")
    return parsed


def _fenced(code):
    return f"```python\n{code}\n```"


def _escaped(text):
    return re.sub(r"([\\`*_\[\]<$])", r"\\\1", text)
