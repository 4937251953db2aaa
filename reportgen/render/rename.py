"""Gives the variables of a script shorter names, one for each name and the same everywhere.

A name is exchanged for one that the script does not have, wherever it stands for a variable. So no
scope has to be known: what was the same variable still is, and what was another one still is. Where
it cannot be told from the tokens alone what a name stands for, it stays; so does one that somewhere
may stand for something that the script does not declare. Names of properties are left alone:
``{a}`` becomes ``{a:b}``. A function's own ``name`` is all that a script could see of it.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import count, product
from string import ascii_letters
from typing import TYPE_CHECKING

from reportgen.render.minify import lexemes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reportgen.render.minify import Lexeme

    _Span = tuple[int, int]

_RESERVED = frozenset(
    re.findall(
        r"\S+",
        "break case catch class const continue debugger default delete do else enum export "
        "extends false finally for function if implements import in instanceof interface new "
        "null package private protected public return super switch this throw true try typeof "
        "var void while with yield let static async await of get set as from arguments eval "
        "undefined NaN Infinity __proto__ constructor",
    )
)
"""What is no variable's name, or not everywhere."""
_UNCLEAR = frozenset(("with", "eval", "Function", "import", "export"))
"""Words by which a script can reach variables by name, or which no classic script has."""
_BEFORE_OBJECT = frozenset(
    re.findall(
        r"\S+",
        "const let var return typeof in of await yield case delete void throw new instanceof",
    )
)
_HEADS = frozenset(("if", "for", "while", "switch"))
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_CLOSING = frozenset(")]}")


def rename_variables(script: str) -> str:
    """Return ``script`` with short names for its variables; as it is where it cannot be read."""
    try:
        reading = _Reading(list(lexemes(script)))
    except (ValueError, IndexError):
        return script
    names = _choose(reading)
    parts: list[str] = []
    for at, role in enumerate(reading.roles):
        text = reading.text_left(at)
        if role and text in names:
            text = f"{text}:{names[text]}" if role == "shorthand" else names[text]
        parts += (reading.blank_left(at), text)
    end = script[sum(len(item.blank) + len(item.text) for item in reading.items) :]
    return "".join((*parts, end))


def _choose(reading: _Reading) -> dict[str, str]:
    """Return the new names by the old ones, the shortest for the most frequent."""
    uses: Counter[str] = Counter()
    spelt: Counter[str] = Counter()
    kept = set(reading.kept)
    for at, role in enumerate(reading.roles):
        if role:
            name = reading.items[at].text
            uses[name] += 1
            spelt[name] += role == "shorthand"
            if name in _RESERVED or not reading.is_declared(name, at):
                kept.add(name)
    names: dict[str, str] = {}
    given: dict[str, list[_Span]] = {}
    """Where each name that is in use stands for something."""
    for name, _ in uses.most_common():
        if name in kept:
            continue
        spans = reading.spans[name] if name not in reading.wide else [(0, len(reading.items))]
        short = next(
            short
            for short in _short_names()
            if short not in kept and not _overlap(given.get(short, ()), spans)
        )
        plain = uses[name] - spelt[name]
        saved = plain * (len(name) - len(short)) - spelt[name] * (len(short) + 1)
        # One that would gain nothing stays, unless its own name is another's by now.
        if saved <= 0 and not _overlap(given.get(name, ()), spans):
            short = name
        else:
            names[name] = short
        given.setdefault(short, []).extend(spans)
    return names


def _overlap(some: Iterable[_Span], others: Iterable[_Span]) -> bool:
    return any(a <= d and c <= b for a, b in some for c, d in others)


def _short_names() -> Iterator[str]:
    """Yield every name that a variable may have, the shortest first."""
    for length in count(1):
        for letters in product(ascii_letters, repeat=length):
            if (name := "".join(letters)) not in _RESERVED:
                yield name


class _Reading:
    """What every name in a script stands for, as far as its tokens tell.

    Raises `ValueError` or `IndexError` where that cannot be told.
    """

    def __init__(self, items: list[Lexeme]) -> None:
        self.items = items
        self.roles = [""] * len(items)
        """``variable``, ``shorthand`` of a property with a variable's name, or nothing."""
        self.kept: set[str] = set()
        """Names in places where it is not clear what they stand for."""
        self._close: dict[int, int] = {}
        self._around = [-1] * len(items)
        """Bracket that each token is directly in; -1 for none."""
        self._kinds: dict[int, str] = {-1: "block"}
        """Of every bracket: block, object, class, ( or [ or ${."""
        self.spans: dict[str, list[_Span]] = {}
        """Where a name is declared, from token to token."""
        self.wide: set[str] = set()
        """Names that may be known beyond that: by ``var``, or of a function in an inner block."""
        self._pair()
        self._opens = {end: start for start, end in self._close.items()}
        self._joined: set[int] = set()
        """Semicolons between two declarations of one kind, which can be one."""
        self._needless: set[int] = set()
        """Parentheses around the one parameter of an arrow function."""
        for at, item in enumerate(items):
            if item.kind == "word":
                self._look_at(at)
        for at in range(len(items)):
            self._declare(at)

    def is_declared(self, name: str, at: int) -> bool:
        """Return whether the script declares what ``name`` stands for at one place."""
        return any(start <= at <= end for start, end in self.spans.get(name, ()))

    def _text(self, at: int) -> str:
        """Return a mark or word; of literals, which may look like either, nothing."""
        if not 0 <= at < len(self.items):
            return ""
        item = self.items[at]
        return item.text if item.kind in {"mark", "word"} else ""

    # -- what can go -------------------------------------------------------------------------

    def text_left(self, at: int) -> str:
        """Return what has to stand for a token."""
        if at in self._joined:
            return ","
        gone = at - 1 in self._joined or at in self._needless or self._means_nothing(at)
        return "" if gone else self.items[at].text

    def blank_left(self, at: int) -> str:
        """Return what has to stand before it."""
        needless = at - 2 in self._joined or self._after_statement(at)
        return "" if needless else self.items[at].blank

    def _after_statement(self, at: int) -> bool:
        """Return whether a token follows a block that ends a statement, as no expression does."""
        if not at or self._text(at - 1) != "}" or at - 1 not in self._opens:
            return False
        opener = self._opens[at - 1]
        before = self._text(opener - 1)
        if self._kinds[opener] != "block" or self._text(opener - 2) == ".":
            return False
        if before != ")":
            return before in {"else", "try", "finally"}
        head = self._open(opener - 1)
        if self._text(head - 2) == "function":
            return self._starts_statement(head - 2)
        return self._text(head - 1) in {*_HEADS, "catch"} and self._text(head - 2) != "."

    def _means_nothing(self, at: int) -> bool:
        """Return whether a token can go: a semicolon at a block's end, a comma at another's."""
        text, before = self._text(at), self._text(at - 1)
        closing = self._close.get(self._around[at]) == at + 1 and not self.items[at + 1].blank
        if not closing or not at or before in {";", "{", "[", "(", ",", ":", "else", "do"}:
            return False
        if text == ",":
            return True
        if text != ";" or self._kinds[self._around[at]] != "block":
            return False
        # `if (a);` has a statement without anything in it.
        return before != ")" or self._text(self._open(at - 1) - 1) not in {*_HEADS, "with", "await"}

    # -- brackets ----------------------------------------------------------------------------

    def _pair(self) -> None:  # noqa: C901, PLR0912 - one token after the other, each its own case
        opened: list[int] = []
        classes: list[int] = []
        """Bracket that each class is in whose body is still to come."""
        questions: Counter[int] = Counter()
        for at, item in enumerate(self.items):
            text = item.text
            template = item.kind == "template"
            closes = text[0] == "}" if template else item.kind == "mark" and text in _CLOSING
            if closes:
                self._close[opened.pop()] = at
            inside = self._around[at] = opened[-1] if opened else -1
            if template:
                if text[-1] == "{":
                    self._kinds[at] = "${"
                    opened.append(at)
            elif self._is_word(at, "class"):
                classes.append(inside)
            elif item.kind != "mark":
                continue
            elif text in "([":
                self._kinds[at] = text
                opened.append(at)
            elif text == "{":
                if classes[-1:] == [inside]:
                    classes.pop()
                    self._kinds[at] = "class"
                else:
                    self._kinds[at] = self._brace(at, inside)
                opened.append(at)
            elif text == "?" and "?" not in {self._text(at - 1), self._text(at + 1)}:
                questions[inside] += self._text(at + 1) != "."
            elif text == ":" and questions[inside]:
                questions[inside] -= 1
                self._kinds[at] = "answer"
        if opened:
            raise ValueError("a bracket is not closed")

    def _brace(self, at: int, inside: int) -> str:
        """Return what a brace opens that is not the body of a class: a block or an object."""
        before, left = self._text(at - 1), self._kinds.get(at - 1)
        if left == "${":
            return "object"
        if before in {"++", "--"}:
            raise ValueError("an object or a block")
        if before == ":":
            return "object" if left == "answer" or self._kinds[inside] == "object" else "block"
        if self.items[at - 1].kind == "word" and at:
            value = before in _BEFORE_OBJECT and self._text(at - 2) != "."
            if value and self._ends_line(at):
                raise ValueError("an object or a block")
            return "object" if value else "block"
        return "block" if before in {"", ")", "]", "}", "{", ";", "=>"} else "object"

    # -- names -------------------------------------------------------------------------------

    def _look_at(self, at: int) -> None:
        """Settle what one word stands for."""
        name = self._text(at)
        if name in _UNCLEAR and self._text(at - 1) != ".":
            raise ValueError(f"{name} reaches names that are not seen")
        if "\\" in name:
            raise ValueError("a name is written with escapes")
        if not _NAME.fullmatch(name) or self._text(at - 1) == ".":
            return
        before, after, around = (
            self._text(at - 1),
            self._text(at + 1),
            self._kinds[self._around[at]],
        )
        if around == "class" or before in {"break", "continue"}:
            self.kept.add(name)
        elif around == "object" and self._starts_property(at):
            if after in {",", "}", "="}:
                self.roles[at] = "shorthand"
        elif after == ":" and self._kinds.get(at + 1) != "answer" and before != "case":
            self.kept.add(name)  # a label
        else:
            self.roles[at] = "variable"

    def _starts_property(self, at: int) -> bool:
        """Return whether a word directly in an object is, or is part of, a property's name."""
        while self.items[at - 1].kind == "word" or self._text(at - 1) == "*":
            if self._text(at - 1) not in {"get", "set", "async", "*"}:
                return False
            at -= 1
        return self._text(at - 1) in {"{", ","}

    # -- declarations ------------------------------------------------------------------------

    def _declare(self, at: int) -> None:
        """Note what is declared at one token, if anything is."""
        text = self._text(at)
        if text == "=>":
            start = self._open(at - 1) if self._text(at - 1) == ")" else at - 1
            span = (start, self._body_end(at + 1))
            if start == at - 1:
                self._bind(start, span)
            else:
                self._bind_all(start, span)
                alone = start == at - 3 and self.roles[at - 2] == "variable"
                if alone and start and self.items[start - 1].kind == "mark":
                    self._needless |= {start, at - 1}
        elif text == "(" and self._text(self._close[at] + 1) == "{":
            if self._is_function(at):
                self._bind_all(at, (at, self._close[self._close[at] + 1]))
        elif self.roles[at] != "variable":
            return
        elif text in {"const", "let", "var"}:
            self._declare_variables(at)
        elif text in {"function", "class"} and self._starts_statement(at):
            body = self._around[at] < 0 or self._is_body(self._around[at])
            span = self._block(at, text == "class")
            at += 2 if self._text(at + 1) == "*" else 1
            self._bind(at, span)
            if not body:
                self.wide.add(self._text(at))

    def _declare_variables(self, at: int) -> None:
        keyword = self._text(at)
        span = self._block(at, keyword != "var")
        while True:
            start = at + 1
            at = self._bind(start, span)
            if keyword == "var":
                self.wide.update(item.text for item in self.items[start:at])
            at = self._expression_end(at)
            if self._text(at) != ",":
                break
        joined = self._text(at) == ";" and self._text(at + 1) == keyword != "var"
        if joined and self._kinds[self._around[at]] == "block":
            self._joined.add(at)

    def _block(self, at: int, lexical: bool) -> _Span:  # noqa: FBT001
        """Return from where to where a declaration holds at least."""
        around = self._around[at]
        if around < 0:
            # Of the whole script. A function or `var` there is a property of the window too.
            return (0, len(self.items)) if lexical else (0, -1)
        end = self._close[around]
        if self._kinds[around] == "(":
            end = self._body_end(end + 1)
        return around, end

    def _bind_all(self, at: int, span: _Span) -> None:
        """Declare the parameters, or the parts of a pattern, between a bracket and its end."""
        end = self._close[at]
        in_object = self._kinds[at] == "object"
        at += 1
        while at < end:
            if self._text(at) == "...":
                at += 1
            elif in_object:
                if self._text(at) == "[":
                    at = self._close[at] + 1
                elif self.roles[at] != "shorthand":
                    at += 1
                if self._text(at) == ":":
                    at += 1
            if self._text(at) != ",":
                at = self._bind(at, span)
                at = self._expression_end(at)
            at += 1

    def _bind(self, at: int, span: _Span) -> int:
        """Declare the name or the pattern at one token; return the token after it."""
        if at in self._kinds and self._text(at) in {"[", "{"}:
            self._bind_all(at, span)
            return self._close[at] + 1
        if self.roles[at]:
            self.spans.setdefault(self._text(at), []).append(span)
        return at + 1

    def _is_function(self, at: int) -> bool:
        """Return whether the parentheses before a block hold what the block can name."""
        before = self._text(at - 1)
        around = self._kinds[self._around[at]]
        return (
            around in {"object", "class"}
            or before in {"catch", "function"}
            or ("function" in {self._text(at - 2), self._text(at - 3)} and before not in _HEADS)
        )

    def _is_body(self, at: int) -> bool:
        """Return whether a block is all of a function."""
        before = self._text(at - 1)
        return before == "=>" or (before == ")" and self._is_function(self._open(at - 1)))

    def _starts_statement(self, at: int) -> bool:
        if self._text(at - 1) == "async":
            at -= 1
        around = self._kinds[self._around[at]]
        return around == "block" and (at == 0 or self._text(at - 1) in {";", "{", "}"})

    def _body_end(self, at: int) -> int:
        """Return the end of the statement, or of an arrow's body, that begins at one token."""
        if self._text(at) == "{":
            return self._close[at]
        return self._expression_end(at) - 1

    def _expression_end(self, at: int) -> int:
        """Return the first token after an expression: of a line that may end it, the next."""
        start = at
        while at < len(self.items):
            text = self._text(at)
            closes = text in _CLOSING or (
                self.items[at].kind == "template" and self.items[at].text[0] == "}"
            )
            if closes or text in {",", ";"} or (at > start and self._ends_line(at)):
                return at
            at = self._close.get(at, at) + 1
            while self.items[at - 1].kind == "template" and at - 1 in self._close:
                at = self._close[at - 1] + 1
        return at

    def _open(self, at: int) -> int:
        return self._opens[at]

    def _is_word(self, at: int, word: str) -> bool:
        return self._text(at) == word and self._text(at - 1) != "."

    def _ends_line(self, at: int) -> bool:
        """Return whether a line ends before a token, where minifying left it."""
        return "\n" in self.items[at].blank
