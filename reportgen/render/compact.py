"""Says in fewer letters what a script says, where that is the same for sure.

Functions within a function become arrows at its head, where they would be hoisted to; ``const``
becomes ``let``, which binds alike where nothing is assigned again; ``true`` becomes ``!0``; a block
of one short statement loses its braces; ``if(a)b()`` becomes ``a&&b()``. What uses ``this``,
``arguments`` or ``new``, and what the tokens alone do not tell, stays. Runs before names are shared
and shortened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from reportgen.render.minify import lexemes
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN = frozenset(("this", "arguments", "super", "yield"))
"""What means something else in an arrow."""
_GOES_ON = frozenset("([`+-/*.,<>=?&|%^")
"""What might go on with the line before it."""
_NO_EXPRESSION = frozenset(
    ("let", "const", "var", "if", "for", "while", "do", "switch", "try", "function", "class")
) | {"async", "{", ";", "with"}
"""What a statement begins with that needs its braces, or may."""
_BEFORE_VALUE = frozenset("=([,;!&|?:+") | {"=>", "..."}
"""Marks before a value that is not called or made."""
_BEFORE_WHOLE = frozenset("([,:") | {"=>", "..."}
"""Marks after which a value reaches as far as it can."""
_NO_VALUE = _NO_EXPRESSION | {"return", "throw", "break", "continue", "yield", "debugger", ""}
"""What begins a statement that is no value, or is a literal's, a mark's or a bracket's place."""
_TRUTHS = {"true": "!0", "false": "!1"}


class _Function(NamedTuple):
    """A declaration, by its tokens."""

    start: int
    name: int
    body: int
    """Where the block opens."""
    end: int


def compact(script: str) -> str:
    """Return ``script``, already minified, in fewer letters; as it is where it cannot be read."""
    try:
        return _Compact(Reading(list(lexemes(script)))).text() + script[len(script.rstrip()) :]
    except (ValueError, IndexError):
        return script


class _Compact:
    """A script and what of it can be said otherwise."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.moved: dict[int, list[_Function]] = defaultdict(list)
        """By the block at whose head they go."""
        found = [item for at in range(len(reading.items)) if (item := self._function(at))]
        around = reading.around
        named = Counter((around[item.start], reading.text(item.name)) for item in found)
        for item in found:
            if named[around[item.start], reading.text(item.name)] == 1:
                self.moved[around[item.start]].append(item)
        self._gone = {item.start: item.end for block in self.moved.values() for item in block}
        self._heads = {self._head(block): block for block in self.moved}

    def text(self) -> str:
        """Return the whole script."""
        return self._between(0, len(self.reading.items))

    def _between(self, start: int, end: int) -> str:
        return "".join(self._pieces(start, end))

    def _pieces(self, at: int, end: int) -> Iterator[str]:
        """Yield the tokens from one to before another, as they are to be."""
        reading = self.reading
        while at < end:
            if at in self._gone:
                at = self._gone[at] + 1
            elif choice := self._choice(at):
                yield self.reading.items[at].blank
                yield choice[0]
                yield "" if reading.text(choice[1]) == "}" else ";"
                at = choice[1]
            elif (close := self._needless(at)) is not None:
                yield self.reading.items[at].blank
                yield self._between(at + 1, close).lstrip()
                at = close + 1
            elif (close := self._lone_statement(at)) is not None:
                inner = self._between(at + 1, close).rstrip(";")
                yield f" {inner}" if reading.text(at - 1) == "else" else inner
                yield "" if reading.text(close + 1) == "}" else ";"
                at = close + 1
            else:
                yield from self._token(at)
                at += 1
            if at - 1 in self._heads:
                yield "let " + ",".join(map(self._arrow, self.moved[self._heads[at - 1]])) + ";"

    def _token(self, at: int) -> Iterator[str]:
        reading, item = self.reading, self.reading.items[at]
        keyword = item.kind == "word" and reading.text(at - 1) != "."
        named = reading.kinds[reading.around[at]] in {"object", "class"} and (
            reading.starts_property(at)
        )
        if keyword and item.text == "void" and self._is_idle(at):
            yield item.blank
        elif keyword and item.text == "const" and not named:
            yield from (item.blank, "let")
        elif item.kind == "number" and item.text.startswith("0.") and not item.text[2:3].isalpha():
            yield from (item.blank, item.text[1:])
        elif keyword and item.text in _TRUTHS and not named and self._stands_alone(at):
            yield item.blank if "\n" in item.blank else ""
            yield _TRUTHS[item.text]
        else:
            yield from (item.blank, item.text)

    def _is_idle(self, at: int) -> bool:
        """Return whether ``void`` begins a statement, whose value nobody takes."""
        starts = self.reading.text(at - 1) in {";", "{", "}", "else"}
        return starts and self.reading.roles[at + 1] == "variable"

    def _stands_alone(self, at: int) -> bool:
        """Return whether a value is one for itself, to which nothing after it is done first."""
        after = self.reading.items[at + 1 : at + 2]
        optional = self.reading.text(at + 1) == "?" and self.reading.text(at + 2) == "."
        return not optional and not (after and after[0].text[0] in ".[(*`")

    def _needless(self, at: int) -> int | None:
        """Return where parentheses close that a value can do without."""
        reading = self.reading
        if reading.text(at) != "(" or reading.text(at - 1) not in _BEFORE_VALUE:
            return None
        close = reading.close[at]
        if self._is_whole(at, close):
            return close
        follows = reading.text(close + 1) == "=>" or not reading.roles[at + 1]
        place = at + 2
        while place < close:
            text = reading.text(place)
            if text == ".":
                place += 2
            elif text in {"[", "("}:
                place = reading.close[place] + 1
            else:
                return None
        return None if follows or place != close else close

    def _is_whole(self, at: int, close: int) -> bool:
        """Return whether parentheses hold all of an argument, or of what is assigned."""
        reading = self.reading
        before = reading.text(at - 1)
        assigned = before == "=" and reading.text(at - 2) not in {"=", "!", "<", ">"}
        level = [reading.text(place) for place in self._level(at + 1, close)]
        return (
            (assigned or before in _BEFORE_WHOLE)
            and reading.text(close + 1) in {",", ";", ")", "]", "}"}
            and not {",", "in"} & set(level)
            and close > at + 1
            and not (before == "=>" and level[0] == "{")
        )

    # -- functions -----------------------------------------------------------------------------

    def _function(self, at: int) -> _Function | None:
        """Return the function declared at a token, if it can be an arrow at its block's head."""
        reading = self.reading
        if reading.text(at) != "function" or not reading.starts_statement(at):
            return None
        start = at - (reading.text(at - 1) == "async")
        block = reading.around[start]
        if block < 0 or not reading.is_body(block) or reading.text(at + 1) == "*":
            return None
        body = reading.close[at + 2] + 1
        found = _Function(start, at + 1, body, reading.close[body])
        return found if self._is_plain(found) and self._can_go(found) else None

    def _is_plain(self, item: _Function) -> bool:
        """Return whether an arrow would do the same."""
        reading, name = self.reading, self.reading.text(item.name)
        words = [reading.text(at) for at in range(item.name, item.end)]
        made = any(
            reading.text(at) == "new" and reading.text(at + 1) in {name, "."}
            for at in range(len(reading.items))
        )
        strict = reading.items[item.body + 1].kind == "string"
        return not made and not strict and name not in reading.wide and not _OWN & set(words)

    def _can_go(self, item: _Function) -> bool:
        """Return whether its name is free at the head, and the rest holds together without it."""
        reading = self.reading
        block = reading.around[item.start]
        opener = reading.opens.get(block - 1, block - 1)
        if reading.text(block - 1) == "=>":
            opener = reading.opens.get(block - 2, block - 2)
        name = reading.text(item.name)
        if any(reading.text(at) == name for at in range(opener, block)):
            return False
        after = reading.items[item.end + 1]
        apart = after.text == "}" or ("\n" in after.blank and after.text[0] not in _GOES_ON)
        return apart or reading.text(item.start - 1) in {";", "{"}

    def _head(self, block: int) -> int:
        """Return the token after which the head of a block is: its brace, or its directive."""
        at = block
        while self.reading.items[at + 1].kind == "string" and self.reading.text(at + 2) == ";":
            at += 2
        return at

    def _arrow(self, item: _Function) -> str:
        """Return what declares one function, without its keyword."""
        reading = self.reading
        start = "async" if reading.text(item.start) == "async" else ""
        head = f"{reading.text(item.name)}={start}{self._between(item.name + 1, item.body)}=>"
        if reading.text(item.body + 1) == "return" and (last := self._only(item.body)):
            value = self._between(item.body + 2, last).lstrip()
            commas = any(reading.text(at) == "," for at in self._level(item.body + 2, last))
            return f"{head}({value})" if commas or value[:1] == "{" else head + value
        return head + self._between(item.body, item.end + 1)

    # -- statements ----------------------------------------------------------------------------

    def _level(self, start: int, end: int) -> Iterator[int]:
        """Yield the tokens between two that are in no bracket, and the brackets' own starts."""
        at = start
        while at < end:
            yield at
            at = self.reading.close.get(at, at) + 1

    def _only(self, block: int) -> int:
        """Return where the only statement of a block ends; 0 where it may have another."""
        reading = self.reading
        end = reading.close[block]
        if reading.text(end - 1) == ";":
            end -= 1
        level = list(self._level(block + 1, end))
        split = any(reading.text(at) == ";" for at in level)
        lines = any("\n" in reading.items[at].blank for at in level[1:])
        return 0 if split or lines or len(level) < 2 else end  # noqa: PLR2004 - two tokens

    def _lone_statement(self, at: int) -> int | None:
        """Return the end of a block that can do without its braces."""
        reading = self.reading
        if reading.text(at) != "{" or reading.kinds[at] != "block" or at in self._heads:
            return None
        before = reading.text(at - 1)
        if before == ")":
            head = reading.text(reading.opens[at - 1] - 1)
            if head not in {"if", "for", "while"} or reading.text(at - 2) == ".":
                return None
        elif before != "else" or reading.text(at - 2) == ".":
            return None
        simple = reading.items[at + 1].text not in _NO_EXPRESSION
        return reading.close[at] if simple and self._only(at) else None

    def _choice(self, at: int) -> tuple[str, int] | None:
        """Return an ``if`` between values as a value, and the token after it."""
        reading = self.reading
        head = at + 1
        if reading.text(at) != "if" or reading.text(head) != "(" or reading.text(at - 1) == ".":
            return None
        close = reading.close[head]
        asks = [reading.text(place) for place in self._level(head + 1, close)]
        plain = asks[:1] == ["!"] or reading.items[head + 1].kind == "word"
        asked = self._between(head + 1, close)
        end = self._valued(close + 1)
        if not plain or end is None or asks[0] in _NO_VALUE or not self._is_simple(head + 1, close):
            return None
        value = self._between(close + 2, end).strip("; ")
        if reading.text(end + 1) != "else":
            tight = self._is_simple(head + 1, close, tight=True) and (
                self._is_simple(close + 2, end, tight=True)
            )
            return (f"{asked}&&{value}", end + 1) if tight else None
        other = self._valued(end + 2)
        if other is None:
            return None
        return f"{asked}?{value}:{self._between(end + 3, other).strip('; ')}", other + 1

    def _valued(self, block: int) -> int | None:
        """Return the end of a block that is one statement, and that one a value."""
        end = self._lone_statement(block)
        if end is None or self.reading.text(block + 1) in _NO_VALUE:
            return None
        return end if self._is_simple(block + 1, end, assigned=True) else None

    def _is_simple(
        self, start: int, end: int, *, assigned: bool = False, tight: bool = False
    ) -> bool:
        """Return whether nothing in a value binds more loosely than a choice, or than ``&&``.

        ``assigned`` allows it to be an assignment; ``tight`` means the latter.
        """
        reading = self.reading
        for at in self._level(start, end):
            text, after, before = (reading.text(at + step) for step in (0, 1, -1))
            shifted = before in {"<", ">"} and reading.text(at - 2) == before
            compares = after == "=" or (before in {"=", "!", "<", ">"} and not shifted)
            loose = text in {",", "=>"} or (text == "?" and after != ".") or (tight and text == "|")
            if loose or (text == "=" and not assigned and not compares):
                return False
        return True
