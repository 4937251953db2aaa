"""Takes out of style sheets, scripts and templates what only their authors read.

Comments, indentation and the blanks between tokens go; nothing is reordered or rewritten. Scripts
are split into tokens as ECMAScript has them, nested template literals included; what cannot be
split is left as it is. Names are shortened elsewhere (`reportgen.render.rename`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jinja2.ext import Extension
from jinja2.lexer import Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2.lexer import TokenStream

# -- Style sheets --------------------------------------------------------------------------------

_STYLE = re.compile(
    r"""
    (?P<blank> (?: \s | /\*[\s\S]*?\*/ )+ )
    | (?P<end> ;? (?: \s | (?> /\*[\s\S]*?\*/ ) )* \} )
    | "(?:[^"\\]|\\[\s\S])*" | '(?:[^'\\]|\\[\s\S])*' | url\([^)"']*\) | \\[\s\S]
    | [\s\S]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STYLE_COMMENT = re.compile(r"/\*[\s\S]*?\*/")
_NO_BLANK_AFTER = frozenset("{};,:>(/<=")
_NO_BLANK_BEFORE = frozenset("{};,>)!/<=")
_COMBINING = frozenset("+~")
"""What has no blanks around it between selectors; in brackets it may be part of a sum."""
_BARE = re.compile(r"""(["'])([a-zA-Z][\w-]*)\1""", re.ASCII)
"""A text that an attribute can be compared with as it is."""


def minify_style(text: str) -> str:
    """Return the style sheet ``text`` without comments and without what means nothing.

    That is blanks, and quotation marks around the value of an attribute.
    """
    parts: list[str] = []
    blank = ""
    depth = 0
    for found in _STYLE.finditer(text):
        if found["blank"]:
            # A comment alone is no blank: `.a/**/.b` is one element, `.a .b` is two.
            blank = " " if _STYLE_COMMENT.sub("", found[0]) else "/**/"
            continue
        part = "}" if found["end"] else found[0]
        before = parts[-1][-1] if parts else "{"
        apart = before not in _NO_BLANK_AFTER and part[0] not in _NO_BLANK_BEFORE
        combined = not depth and (before in _COMBINING or part in _COMBINING)
        if (apart and not combined) or (blank and {before, part} == {"/", "*"}):
            parts.append(blank)
        if before == "=" and (bare := _BARE.fullmatch(part)):
            part = bare[2]
        parts.append(part)
        depth += (part == "(") - (part == ")")
        blank = ""
    return "".join(parts)


# -- Scripts -------------------------------------------------------------------------------------

_SCRIPT = re.compile(
    r"""
    (?P<blank> (?: \s | \ufeff | //[^\n\r\u2028\u2029]* | /\*[\s\S]*?\*/ )+ )
    | (?P<string> "(?:[^"\\\n\r]|\\(?:\r\n|[\s\S]))*" | '(?:[^'\\\n\r]|\\(?:\r\n|[\s\S]))*' )
    | (?P<number> \.?[0-9] (?: [eE][+-] | [\w.] )* )
    | (?P<word> (?: [\w$\#@\u200c\u200d] | \\u[0-9a-fA-F]{4} | \\u\{[0-9a-fA-F]+\} )+ )
    | (?P<mark> \+\+ | -- | => | \.\.\. | [^"'`] )
    """,
    re.VERBOSE,
)
_TEMPLATE = re.compile(r"[`}] (?: [^`\\$] | \\[\s\S] | \$(?!\{) )* (?: ` | \$\{ )", re.VERBOSE)
"""A template literal as far as its end or its next substitution, from its start or the last one."""
_REGEX = re.compile(
    r"/(?![*/])(?:[^/\\\[\n\r\u2028\u2029]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+/[\w$]*"
)

_BEFORE_VALUE = frozenset(
    ("await", "case", "delete", "in", "instanceof", "new", "of", "return", "throw", "typeof")
) | {"void", "yield"}
_BEFORE_STATEMENT = frozenset(("do", "else"))
_HEADED = frozenset(("if", "for", "while", "with"))
"""Words whose parentheses are followed by a statement."""
_CANNOT_END = frozenset("{([,;.?:=&|!~<>*%^+-/") | {"=>", "..."}
"""Marks after which no statement ends: the end of a line says nothing there."""
_CANNOT_START = frozenset(")]},;.?:&|=")
"""Marks that go on with what the line before them began, or close it."""
_ELSE_JOINED = frozenset(("++", "--", "<!", "->", "</", "//"))
"""Neighbours that would be another token, or an HTML comment or tag, without a blank."""


class Lexeme(NamedTuple):
    """A token of a script, and what stood before it."""

    kind: str
    text: str
    blank: str
    """Blanks and comments, as they stood."""


def minify_script(text: str) -> str:
    """Return the script ``text`` without comments and without blanks that mean nothing.

    The end of a line stays wherever it may end a statement.
    """
    try:
        items = list(lexemes(text))
    except ValueError:
        return text
    parts: list[str] = []
    before: Lexeme | None = None
    for item in items:
        if before is not None and item.blank:
            parts.append(_between(before, item))
        parts.append(item.text)
        before = item
    return "".join(parts)


def _between(left: Lexeme, right: Lexeme) -> str:
    """Return what must stand between neighbours that were apart: nothing, a blank or a line end."""
    goes_on = (left.kind == "mark" and left.text in _CANNOT_END) or (
        right.kind == "mark" and right.text in _CANNOT_START
    )
    if not goes_on and re.search(r"[\n\r\u2028\u2029]", right.blank):
        return "\n"
    worded = left.kind in {"word", "number", "regex"}
    merged = worded and right.kind in {"word", "number"}
    member = left.kind == "number" and right.text == "."
    pair = left.text[-1] + right.text[0]
    return " " if merged or member or pair in _ELSE_JOINED else ""


def lexemes(text: str) -> Iterator[Lexeme]:
    """Yield the tokens of a script. Raises `ValueError` where it is none."""
    place = _Place()
    blank = ""
    at = 0
    while at < len(text):
        if text[at] == "`" or (text[at] == "}" and place.opened[-1:] == ["${"]):
            kind, found = "template", _TEMPLATE.match(text, at)
        elif text[at] == "/" and place.value_follows and _REGEX.match(text, at):
            kind, found = "regex", _REGEX.match(text, at)
        else:
            found = _SCRIPT.match(text, at)
            kind = (found and found.lastgroup) or ""
        if found is None:
            raise ValueError(f"no token of a script at character {at}")
        at = found.end()
        if kind == "blank":
            blank = found[0]
            continue
        yield Lexeme(kind, found[0], blank)
        place.take(kind, found[0])
        blank = ""
    if place.opened:
        raise ValueError(f"{place.opened[-1]} is not closed")


class _Place:
    """Where in a script the reading stands: what is open, and what a slash would begin."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        """Open brackets: ``${``, ``[``, ``(`` or ``if(``, ``{`` of a block or ``={`` of a value."""
        self.value_follows = True
        """Whether a slash begins a regular expression; else it divides."""
        self._last = ("", "")
        self._word_is_name = False

    def take(self, kind: str, text: str) -> None:
        """Go past one token. Raises `ValueError` where a bracket closes that was never opened."""
        if kind == "template":
            self._take_template(text)
        elif kind == "word":
            self._word_is_name = self._last == ("mark", ".")
            self.value_follows = not self._word_is_name and (
                text in _BEFORE_VALUE or text in _BEFORE_STATEMENT
            )
        elif kind != "mark":
            self.value_follows = False
        elif text in {"(", "[", "{"}:
            self.opened.append(self._opening(text))
            self.value_follows = True
        elif text in {")", "]", "}"}:
            if not self.opened:
                raise ValueError(f"{text} closes nothing")
            self.value_follows = self.opened.pop() in {"if(", "{"}
        else:
            self.value_follows = text not in {"++", "--"}
        self._last = (kind, text)

    def _take_template(self, text: str) -> None:
        if text[0] == "}":
            self.opened.pop()
        self.value_follows = text[-1] == "{"
        if self.value_follows:
            self.opened.append("${")

    def _opening(self, text: str) -> str:
        kind, last = self._last
        keyword = last if kind == "word" and not self._word_is_name else ""
        if text == "(" and keyword in _HEADED:
            return "if("
        value = keyword in _BEFORE_VALUE or (
            kind == "mark" and last in _CANNOT_END - {"{", ";", "=>"}
        )
        return "={" if text == "{" and value else text


# -- Templates -----------------------------------------------------------------------------------

_VERBATIM = re.compile(r"<(/?)(pre|textarea|script|style)(?![\w-])", re.IGNORECASE)
_INDENT = re.compile(r"\n[ \t\n]+")


class Dedent(Extension):
    """Takes the indentation and the empty lines out of the page's markup.

    It is given the text of the templates alone, before anything is put into it, so that no name
    and no other datum is touched. What a template has in ``<pre>``, ``<textarea>``, ``<script>``
    and ``<style>`` is kept as it is.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens of a template, those of its markup without indentation."""
        within = ""
        before = Token(0, "block_end", "")
        for token in stream:
            after = token
            if token.type == "data":
                text = token.value
                # The end of a line after a block tag is part of the tag.
                if not within and before.type == "block_end" and before.lineno < token.lineno:
                    text = text.lstrip(" \t\n")
                text, within = _dedent(text, within)
                after = Token(token.lineno, token.type, text)
            yield after
            before = token


def _dedent(text: str, within: str) -> tuple[str, str]:
    """Return ``text`` without indentation and the element, if any, that is still to be kept.

    ``within`` is the element, if any, that ``text`` begins in.
    """
    parts: list[str] = []
    start = 0
    for tag in _VERBATIM.finditer(text):
        closing, name = bool(tag[1]), tag[2].lower()
        if closing != bool(within) or (closing and name != within):
            continue
        before = text[start : tag.start()]
        parts.append(before if within else _INDENT.sub("\n", before))
        within = "" if closing else name
        start = tag.start()
    parts.append(text[start:] if within else _INDENT.sub("\n", text[start:]))
    return "".join(parts), within
