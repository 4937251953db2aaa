"""Notes written in Markdown, as HTML that can do no harm.

No HTML of the author's passes, no picture is loaded, and links lead to web pages, to mail, and to
places of the report. Formulas between dollar signs are left as they are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jinja2 import pass_context
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jinja2.runtime import Context
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    from reportgen.values import Report

LAST_HEADING = 6
"""Level of the smallest heading that HTML has."""

_OUTSIDE = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_PLACE = re.compile(r"#[A-Za-z][\w-]*")
_IMAGE = re.compile(r"#image-([1-9][0-9]{0,8})((?:-[a-z0-9]+)*)")
_MATHS = re.compile(r"\$\$(?:\\.|[^\\$])+\$\$|\$(?![\s$])(?:\\.|[^\\$])+(?<!\s)\$(?!\d)", re.DOTALL)


@pass_context
def markdown(context: Context, text: str, level: int) -> Markup:
    """Return ``text`` as HTML: the template filter, which knows the report's pictures.

    Parameters
    ----------
    context
        Of the template: has the ``report`` with the pictures of the page, the ``offset`` of their
        numbers, and the ``total`` of the run's pictures.
    text
        Markdown, untrusted.
    level
        Of the headings with which the text's own begin, 1 to 6.
    """
    places = Places(
        context["report"], context["offset"], context["total"], context.environment.globals
    )
    return to_html(text, level, places.find)


def to_html(text: str, level: int, find: Callable[[str], str | None]) -> Markup:
    """Return ``text`` as HTML.

    Parameters
    ----------
    text
        Markdown: CommonMark, with tables and strikethrough.
    level
        Of the headings with which the text's own begin; none is left out below, so that the
        outline of the page has no gaps.
    find
        Returns the address of what a link names that is neither a web page nor mail, or None.
    """
    html: str = _parser().render(text, {"level": level, "find": find})
    return Markup(html)  # noqa: S704 - the parser escapes all text, see above


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a report that an author may link to."""

    report: Report
    """With the pictures of the page."""
    offset: int
    """Number of pictures on the pages before this one."""
    total: int
    """Number of pictures in the run."""
    links: Mapping[str, Any]
    """Has ``image_href`` and ``part_href``, see `reportgen.render.links.Links`."""

    def find(self, link: str) -> str | None:
        """Return the address of an anchor, or of the picture of the page with that name, or None.

        An anchor may go on after a picture's number, to one of its targets.
        """
        if found := _IMAGE.fullmatch(link):
            number = int(found[1])
            return self._picture(number) + found[2] if number <= self.total else None
        if _PLACE.fullmatch(link):
            return str(self.links["part_href"](link[1:]))
        name = unquote(link).removeprefix("./")
        for number, image in enumerate(self.report.images, self.offset + 1):
            if image.name == name:
                return self._picture(number)
        return None

    def _picture(self, number: int) -> str:
        return str(self.links["image_href"](number))


# -- the parser ------------------------------------------------------------------------------


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - most reports have no notes

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "maths", _take_maths)
    parser.core.ruler.push("tame", _tame)
    return parser


def _take_maths(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - as rules are called
    """Take a formula as it is, so that its stars and underscores are not read as emphasis."""
    found = _MATHS.match(state.src, state.pos, state.posMax)
    if state.src[state.pos] != "$" or found is None:
        return False
    if not silent:
        state.push("text", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _tame(state: StateCore) -> None:
    """Change what was parsed to what may stand on the page."""
    _shift_headings(state.tokens, state.env["level"])
    for token in state.tokens:
        _align_by_class(token)
        if token.children:
            token.children = list(_links(token.children, state.env))


def _shift_headings(tokens: Sequence[Token], level: int) -> None:
    """Let headings begin at ``level`` and go down by one at a time, whatever they were."""
    above: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            own = int(token.tag[1:])
            while above and above[-1] >= own:
                above.pop()
            above.append(own)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(level + len(above) - 1, LAST_HEADING)}"


def _align_by_class(token: Token) -> None:
    """Replace the style of a table's cell, which a strict policy refuses, by the page's class."""
    if token.attrs.pop("style", "") == "text-align:right":
        token.attrSet("class", "number")


def _links(tokens: Sequence[Token], env: Mapping[str, Any]) -> Iterator[Token]:
    """Yield ``tokens`` with addresses checked; a link that leads nowhere is only its text.

    A picture becomes a link to itself: the page may load none.
    """
    closing: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            address = _address(str(token.attrs["href"]), env["find"])
            closing.append(address is not None)
            if address is not None:
                token.attrs = _attributes(address)
                yield token
        elif token.type == "link_close":
            if closing.pop():
                yield token
        elif token.type == "image":
            yield from _instead(token, env, linked=any(closing))
        else:
            yield token


def _instead(image: Token, env: Mapping[str, Any], *, linked: bool) -> Iterator[Token]:
    """Yield the text of a picture, as a link to it where it does not stand in one."""
    from markdown_it.token import Token  # noqa: PLC0415 - as in `_parser`

    address = _address(str(image.attrs["src"]), env["find"])
    text = Token("text", "", 0, content=_plain(image.children or []) or address or "")
    if address is None or linked:
        yield text
        return
    yield Token("link_open", "a", 1, attrs=_attributes(address))
    yield text
    yield Token("link_close", "a", -1)


def _plain(tokens: Sequence[Token]) -> str:
    return "".join(token.content or _plain(token.children or []) for token in tokens)


def _address(link: str, find: Callable[[str], str | None]) -> str | None:
    """Return where ``link`` may lead, or None where it may not."""
    return link if _OUTSIDE.match(link) else find(link)


def _attributes(address: str) -> dict[str, str | int | float]:
    outside = _OUTSIDE.match(address)
    return {"href": address, **({"rel": "noopener noreferrer"} if outside else {})}
