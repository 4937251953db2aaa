"""Gives what a part of the scripts offers to the others names of its own, instead of an object.

``const maps=(()=>{…return{lay,blend}})()`` becomes ``const[maps_lay,maps_blend]=(()=>{…return[lay,
blend]})()``, and ``maps.lay`` becomes ``maps_lay``: names of variables can be shortened, names of
properties cannot. An object that anything else is done with stays one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reportgen.render.minify import lexemes
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE = ["=", "(", "(", ")", "=>", "{"]
"""Tokens from a name to the body of the function that makes what it stands for."""


class _Part(NamedTuple):
    """A part of the scripts that is an object, by its tokens."""

    name: int
    given: int
    """Where the object opens that it returns."""
    members: dict[str, int]
    """Where the values of its properties begin."""


class _Use(NamedTuple):
    """A place where something is taken out of the object."""

    at: int
    pattern: int
    """Where a pattern opens that takes several; -1 where a dot takes one."""


def name_offers(script: str) -> str:
    """Return ``script``, already minified, with names for objects' members, as far as can be."""
    try:
        return _Offers(Reading(list(lexemes(script)))).text() + script[len(script.rstrip()) :]
    except (ValueError, IndexError):
        return script


class _Offers:
    """A script and what of it is written otherwise."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.texts: dict[int, str] = {}
        """What stands for a token, where that is another text."""
        self.joined: set[int] = set()
        """Tokens that need no blank before them any more."""
        words = {item.text for item in reading.items}
        for part in [part for at in range(len(reading.items)) if (part := self._part(at))]:
            name = reading.text(part.name)
            uses = self._uses(part)
            if uses is not None and words.isdisjoint(f"{name}_{key}" for key in part.members):
                self._open(part)
                for use in uses:
                    self._take(name, use)

    def text(self) -> str:
        """Return the whole script."""
        items = self.reading.items
        return "".join(
            ("" if at in self.joined else item.blank) + self.texts.get(at, item.text)
            for at, item in enumerate(items)
        )

    # -- what is offered ---------------------------------------------------------------------

    def _part(self, at: int) -> _Part | None:
        """Return the part that begins at a token, if one does that gives an object at its end."""
        reading = self.reading
        opens = at + 1 + len(_MADE)
        head = [reading.text(place) for place in range(at + 2, opens + 1)]
        if reading.text(at) != "const" or reading.around[at] >= 0 or head != _MADE:
            return None
        end = reading.close[opens]
        if [reading.text(place) for place in range(end + 1, end + 4)] != [")", "(", ")"]:
            return None
        returns = [
            place
            for place in range(opens, end)
            if reading.text(place) == "return" and self._body_of(place) == opens
        ]
        given = returns[0] + 1 if len(returns) == 1 else opens
        if reading.kinds.get(given) != "object":
            return None
        last = reading.close[given] + 1
        members = self._members(given) if end in {last, last + 1} else {}
        return _Part(at + 1, given, members) if members else None

    def _body_of(self, at: int) -> int:
        """Return the body of the function that a token is directly in."""
        at = self.reading.around[at]
        while at >= 0 and not (self.reading.kinds[at] == "block" and self.reading.is_body(at)):
            at = self.reading.around[at]
        return at

    def _members(self, given: int) -> dict[str, int]:
        """Return where the values of an object begin, by name; nothing where it has others too."""
        reading = self.reading
        found: dict[str, int] = {}
        at, end = given + 1, reading.close[given]
        while at < end:
            shorthand = reading.roles[at] == "shorthand" and reading.text(at + 1) != "="
            if not shorthand and not reading.is_key(at):
                return {}
            found[reading.text(at)] = at if shorthand else at + 2
            while at < end and reading.text(at) != ",":
                at = reading.close.get(at, at) + 1
            at += 1
        return found

    def _open(self, part: _Part) -> None:
        """Let the function return values in their order, and their names take them."""
        reading, name = self.reading, self.reading.text(part.name)
        names = ",".join(f"{name}_{key}" for key in part.members)
        close = reading.close[part.given]
        one = len(part.members) == 1
        self.texts[part.name] = names if one else f"[{names}]"
        self.texts[part.given] = " " if one else "["
        self.texts[close] = "" if one else "]"
        if not one:
            self.joined.add(part.name)
        for value in part.members.values():
            if reading.text(value - 1) == ":":
                self.texts[value - 2] = self.texts[value - 1] = ""
        if reading.text(close - 1) == ",":
            self.texts[close - 1] = ""

    # -- what is taken -----------------------------------------------------------------------

    def _uses(self, part: _Part) -> list[_Use] | None:
        """Return every place where something is taken; None where anything else is done too."""
        reading, name = self.reading, self.reading.text(part.name)
        places = [
            at
            for at, item in enumerate(reading.items)
            if item.text == name and reading.roles[at] and at != part.name
        ]
        uses = [self._use(at, part) for at in places]
        known = [use for use in uses if use]
        clear = name not in reading.kept and len(reading.spans[name]) == 1
        return known if clear and len(known) == len(uses) else None

    def _use(self, at: int, part: _Part) -> _Use | None:
        reading = self.reading
        if reading.text(at + 1) == ".":
            after, then = reading.text(at + 3), reading.text(at + 4)
            changed = after in {"++", "--"} or (after == "=" and then != "=") or then == "="
            known = reading.text(at + 2) in part.members and not changed
            return _Use(at, -1) if known or (after == "=" and then == "=") else None
        if reading.text(at - 1) != "=" or reading.text(at - 2) != "}":
            return None
        pattern = reading.opens[at - 2]
        ended = reading.text(at + 1) in {";", ","}
        declared = reading.text(pattern - 1) in {"const", ","} and reading.roles[at] == "variable"
        keys = [key for key, _ in self._taken(pattern)]
        plain = reading.kinds[pattern] == "object" and part.members.keys() >= set(keys) > set()
        return _Use(at, pattern) if ended and declared and plain else None

    def _taken(self, pattern: int) -> Iterator[tuple[str, str]]:
        """Yield the names in a pattern and what they are called there; an empty one for others."""
        reading = self.reading
        at, end = pattern + 1, reading.close[pattern]
        while at < end:
            key, after = reading.text(at), reading.text(at + 1)
            local = reading.text(at + 2) if after == ":" else key
            at += 3 if after == ":" else 1
            yield (key if reading.text(at) in {",", "}"} else ""), local
            at += 1

    def _take(self, name: str, use: _Use) -> None:
        """Name what is taken at one place."""
        reading, at = self.reading, use.at
        if use.pattern < 0:
            self.texts[at] = f"{name}_{reading.text(at + 2)}"
            self.texts[at + 1] = self.texts[at + 2] = ""
            return
        alone = reading.text(use.pattern - 1) == "const" and reading.text(at + 1) == ";"
        left = [
            f"{local}={name}_{key}"
            for key, local in self._taken(use.pattern)
            if not alone or not self._replaced(use.pattern, local, f"{name}_{key}")
        ]
        start, end = (use.pattern, at) if left else (use.pattern - 1, at + 1)
        self.texts.update(dict.fromkeys(range(start, end + 1), ""))
        if left:
            self.texts[start] = " " + ",".join(left)

    def _replaced(self, pattern: int, local: str, name: str) -> bool:
        """Call a variable by another name all over its block, if nothing else has it there."""
        reading = self.reading
        block = reading.around[pattern]
        if block < 0 or local in reading.kept:
            return False
        start, end = block, reading.close[block]
        within = [span for span in reading.spans[local] if start <= span[0] and span[1] <= end]
        if len(within) != 1:
            return False
        for at in range(start, end):
            if reading.text(at) == local and reading.roles[at] and at not in self.texts:
                spelt = reading.roles[at] == "shorthand"
                self.texts[at] = f"{local}:{name}" if spelt else name
        return True
