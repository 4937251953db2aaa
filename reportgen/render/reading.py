"""Reads a script's tokens: what each bracket holds, and what every name stands for.

No tree is made of it. What cannot be told from the tokens alone raises an error, and whoever asked
leaves the script as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.render.minify import Lexeme

Span = tuple[int, int]
"""From token to token."""

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


class Reading:
    """What every name in a script stands for, as far as its tokens tell.

    Raises `ValueError` or `IndexError` where that cannot be told.
    """

    def __init__(self, items: list[Lexeme]) -> None:
        self.items = items
        self.roles = [""] * len(items)
        """``variable``, ``shorthand`` of a property with a variable's name, or nothing."""
        self.kept: set[str] = set()
        """Names in places where it is not clear what they stand for."""
        self.close: dict[int, int] = {}
        self.around = [-1] * len(items)
        """Bracket that each token is directly in; -1 for none."""
        self.kinds: dict[int, str] = {-1: "block"}
        """Of every bracket: block, object, class, ( or [ or ${."""
        self.spans: dict[str, list[Span]] = {}
        """Where a name is declared, from token to token."""
        self.wide: set[str] = set()
        """Names that may be known beyond that: by ``var``, or of a function in an inner block."""
        self._pair()
        self.opens = {end: start for start, end in self.close.items()}
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

    def is_key(self, at: int) -> bool:
        """Return whether a word is the name of a property that an object or a pattern has."""
        inside = self.kinds[self.around[at]] == "object"
        return inside and self.text(at + 1) == ":" and self.text(at - 1) in {"{", ","}

    def text(self, at: int) -> str:
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
        if not at or self.text(at - 1) != "}" or at - 1 not in self.opens:
            return False
        opener = self.opens[at - 1]
        before = self.text(opener - 1)
        if self.kinds[opener] != "block" or self.text(opener - 2) == ".":
            return False
        if before != ")":
            return before in {"else", "try", "finally"}
        head = self._open(opener - 1)
        if self.text(head - 2) == "function":
            return self.starts_statement(head - 2)
        return self.text(head - 1) in {*_HEADS, "catch"} and self.text(head - 2) != "."

    def _means_nothing(self, at: int) -> bool:
        """Return whether a token can go: a semicolon at a block's end, a comma at another's."""
        text, before = self.text(at), self.text(at - 1)
        closing = self.close.get(self.around[at]) == at + 1 and not self.items[at + 1].blank
        if not closing or not at or before in {";", "{", "[", "(", ",", ":", "else", "do"}:
            return False
        if text == ",":
            return True
        if text != ";" or self.kinds[self.around[at]] != "block":
            return False
        # `if (a);` has a statement without anything in it.
        return before != ")" or self.text(self._open(at - 1) - 1) not in {*_HEADS, "with", "await"}

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
                self.close[opened.pop()] = at
            inside = self.around[at] = opened[-1] if opened else -1
            if template:
                if text[-1] == "{":
                    self.kinds[at] = "${"
                    opened.append(at)
            elif self._is_word(at, "class"):
                classes.append(inside)
            elif item.kind != "mark":
                continue
            elif text in "([":
                self.kinds[at] = text
                opened.append(at)
            elif text == "{":
                if classes[-1:] == [inside]:
                    classes.pop()
                    self.kinds[at] = "class"
                else:
                    self.kinds[at] = self._brace(at, inside)
                opened.append(at)
            elif text == "?" and "?" not in {self.text(at - 1), self.text(at + 1)}:
                questions[inside] += self.text(at + 1) != "."
            elif text == ":" and questions[inside]:
                questions[inside] -= 1
                self.kinds[at] = "answer"
        if opened:
            raise ValueError("a bracket is not closed")

    def _brace(self, at: int, inside: int) -> str:
        """Return what a brace opens that is not the body of a class: a block or an object."""
        before, left = self.text(at - 1), self.kinds.get(at - 1)
        if left == "${":
            return "object"
        if before in {"++", "--"}:
            raise ValueError("an object or a block")
        if before == ":":
            return "object" if left == "answer" or self.kinds[inside] == "object" else "block"
        if self.items[at - 1].kind == "word" and at:
            value = before in _BEFORE_OBJECT and self.text(at - 2) != "."
            if value and self._ends_line(at):
                raise ValueError("an object or a block")
            return "object" if value else "block"
        return "block" if before in {"", ")", "]", "}", "{", ";", "=>"} else "object"

    # -- names -------------------------------------------------------------------------------

    def _look_at(self, at: int) -> None:
        """Settle what one word stands for."""
        name = self.text(at)
        if name in _UNCLEAR and self.text(at - 1) != ".":
            raise ValueError(f"{name} reaches names that are not seen")
        if "\\" in name:
            raise ValueError("a name is written with escapes")
        if not _NAME.fullmatch(name) or self.text(at - 1) == ".":
            return
        before, after, around = (
            self.text(at - 1),
            self.text(at + 1),
            self.kinds[self.around[at]],
        )
        if around == "class" or before in {"break", "continue"}:
            self.kept.add(name)
        elif around == "object" and self.starts_property(at):
            if after in {",", "}", "="}:
                self.roles[at] = "shorthand"
        elif after == ":" and self.kinds.get(at + 1) != "answer" and before != "case":
            self.kept.add(name)  # a label
        else:
            self.roles[at] = "variable"

    def starts_property(self, at: int) -> bool:
        """Return whether a word directly in an object is, or is part of, a property's name."""
        while self.items[at - 1].kind == "word" or self.text(at - 1) == "*":
            if self.text(at - 1) not in {"get", "set", "async", "*"}:
                return False
            at -= 1
        return self.text(at - 1) in {"{", ","}

    # -- declarations ------------------------------------------------------------------------

    def _declare(self, at: int) -> None:
        """Note what is declared at one token, if anything is."""
        text = self.text(at)
        if text == "=>":
            start = self._open(at - 1) if self.text(at - 1) == ")" else at - 1
            span = (start, self._body_end(at + 1))
            if start == at - 1:
                self._bind(start, span)
            else:
                self._bind_all(start, span)
                alone = start == at - 3 and self.roles[at - 2] == "variable"
                if alone and start and self.items[start - 1].kind == "mark":
                    self._needless |= {start, at - 1}
        elif text == "(" and self.text(self.close[at] + 1) == "{":
            if self._is_function(at):
                self._bind_all(at, (at, self.close[self.close[at] + 1]))
        elif self.roles[at] != "variable":
            return
        elif text in {"const", "let", "var"}:
            self._declare_variables(at)
        elif text in {"function", "class"} and self.starts_statement(at):
            body = self.around[at] < 0 or self.is_body(self.around[at])
            span = self._block(at, text == "class")
            at += 2 if self.text(at + 1) == "*" else 1
            self._bind(at, span)
            if not body:
                self.wide.add(self.text(at))

    def _declare_variables(self, at: int) -> None:
        keyword = self.text(at)
        span = self._block(at, keyword != "var")
        while True:
            start = at + 1
            at = self._bind(start, span)
            if keyword == "var":
                self.wide.update(item.text for item in self.items[start:at])
            at = self._expression_end(at)
            if self.text(at) != ",":
                break
        joined = self.text(at) == ";" and self.text(at + 1) == keyword != "var"
        if joined and self.kinds[self.around[at]] == "block":
            self._joined.add(at)

    def _block(self, at: int, lexical: bool) -> Span:  # noqa: FBT001
        """Return from where to where a declaration holds at least."""
        around = self.around[at]
        if around < 0:
            # Of the whole script. A function or `var` there is a property of the window too.
            return (0, len(self.items)) if lexical else (0, -1)
        end = self.close[around]
        if self.kinds[around] == "(":
            end = self._body_end(end + 1)
        return around, end

    def _bind_all(self, at: int, span: Span) -> None:
        """Declare the parameters, or the parts of a pattern, between a bracket and its end."""
        end = self.close[at]
        in_object = self.kinds[at] == "object"
        at += 1
        while at < end:
            if self.text(at) == "...":
                at += 1
            elif in_object:
                if self.text(at) == "[":
                    at = self.close[at] + 1
                elif self.roles[at] != "shorthand":
                    at += 1
                if self.text(at) == ":":
                    at += 1
            if self.text(at) != ",":
                at = self._bind(at, span)
                at = self._expression_end(at)
            at += 1

    def _bind(self, at: int, span: Span) -> int:
        """Declare the name or the pattern at one token; return the token after it."""
        if at in self.kinds and self.text(at) in {"[", "{"}:
            self._bind_all(at, span)
            return self.close[at] + 1
        if self.roles[at]:
            self.spans.setdefault(self.text(at), []).append(span)
        return at + 1

    def _is_function(self, at: int) -> bool:
        """Return whether the parentheses before a block hold what the block can name."""
        before = self.text(at - 1)
        around = self.kinds[self.around[at]]
        return (
            around in {"object", "class"}
            or before in {"catch", "function"}
            or ("function" in {self.text(at - 2), self.text(at - 3)} and before not in _HEADS)
        )

    def is_body(self, at: int) -> bool:
        """Return whether a block is all of a function."""
        before = self.text(at - 1)
        return before == "=>" or (before == ")" and self._is_function(self._open(at - 1)))

    def starts_statement(self, at: int) -> bool:
        """Return whether a statement begins with the word ``function`` or ``class`` at a token."""
        if self.text(at - 1) == "async":
            at -= 1
        around = self.kinds[self.around[at]]
        return around == "block" and (at == 0 or self.text(at - 1) in {";", "{", "}"})

    def _body_end(self, at: int) -> int:
        """Return the end of the statement, or of an arrow's body, that begins at one token."""
        if self.text(at) == "{":
            return self.close[at]
        return self._expression_end(at) - 1

    def _expression_end(self, at: int) -> int:
        """Return the first token after an expression: of a line that may end it, the next."""
        start = at
        while at < len(self.items):
            text = self.text(at)
            closes = text in _CLOSING or (
                self.items[at].kind == "template" and self.items[at].text[0] == "}"
            )
            if closes or text in {",", ";"} or (at > start and self._ends_line(at)):
                return at
            at = self.close.get(at, at) + 1
            while self.items[at - 1].kind == "template" and at - 1 in self.close:
                at = self.close[at - 1] + 1
        return at

    def _open(self, at: int) -> int:
        return self.opens[at]

    def _is_word(self, at: int, word: str) -> bool:
        return self.text(at) == word and self.text(at - 1) != "."

    def _ends_line(self, at: int) -> bool:
        """Return whether a line ends before a token, where minifying left it."""
        return "\n" in self.items[at].blank
