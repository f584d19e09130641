"""El Markdown del curso leído con el mismo analizador que usa el sitio."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from coursekit.errors import CourseError

FENCES = {"fence", "colon_fence"}
DIRECTIVE = re.compile(r"\{([^\s}]+)\}[ \t]*(.*)")


def parser(root: Path) -> MarkdownIt:
    """Crea el analizador con las extensiones del sitio.

    Los tokens `myst_role` y `link_open` llevan en `meta` dónde empieza y dónde acaba su texto
    («start» y «end», contados en el contenido de su token `inline`).

    Args:
        root: carpeta del curso, cuyo `_config.yml` dice qué extensiones son.
    Raises:
        CourseError: si la carpeta no tiene `_config.yml`.
    """
    path = Path(root, "_config.yml")
    if not path.is_file():
        raise CourseError(
            f"«{Path(root).resolve()}» no tiene _config.yml: "
            "ejecuta la orden en la carpeta del curso."
        )
    config = yaml.safe_load(path.read_text("utf-8"))
    extensions = config.get("parse", {}).get("myst_enable_extensions", [])
    md = create_md_parser(MdParserConfig(enable_extensions=set(extensions)), RendererHTML)
    rules = {rule.name: rule.fn for rule in md.inline.ruler.__rules__}
    for rule, token_type in (("myst_role", "myst_role"), ("link", "link_open")):
        md.inline.ruler.at(rule, _noting_position(rules[rule], token_type))
    md.add_render_rule("math_inline", _dollars)
    return md


def _dollars(renderer, tokens, index, options, env):
    """Al pasar a HTML el título de un desplegable, sus fórmulas siguen entre dólares."""
    return f"${escapeHtml(tokens[index].content)}$"


def _noting_position(rule, token_type):
    def wrapped(state, silent):
        start, known = state.pos, len(state.tokens)
        found = rule(state, silent)
        if found and not silent:
            token = next(token for token in state.tokens[known:] if token.type == token_type)
            token.meta.update(start=start, end=state.pos)
        return found

    return wrapped


def directive(token: Token) -> tuple[str, str] | None:
    """Separa el nombre y el resto de la primera línea de una directiva; None si no lo es."""
    match = token.type in FENCES and DIRECTIVE.match(token.info.strip())
    return (match[1], match[2]) if match else None


def neighbour(docname: str, path: str) -> str:
    """Nombra la página a la que lleva una ruta escrita en otra, como «../a/b.md»."""
    joined = posixpath.join("/", posixpath.dirname(docname), path)
    return posixpath.normpath(joined).removeprefix("/").removesuffix(".md")


def walk(md: MarkdownIt, text: str, line: int = 0) -> Iterator[tuple[Token, int]]:
    """Recorre los tokens de un texto y de las directivas que contiene.

    Args:
        line: línea de `text` en el archivo, desde 0.
    Returns:
        Pares (token, línea donde empieza).
    """
    for token in md.parse(text):
        start = line + (token.map[0] if token.map else 0)
        yield token, start
        if directive(token):
            yield from walk(md, token.content, start + 1)
