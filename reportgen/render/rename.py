"""Gives the variables of a script shorter names, the same to all that are never said together.

A variable's name is exchanged wherever it is said, for one that nothing else has which is said
where the variable holds. Where it cannot be told from the tokens alone what a name stands for, it
stays; so does one that somewhere may stand for something that the script does not declare. Names of
properties are left alone: ``{a}`` becomes ``{a:b}``. A function's own ``name`` is all that a script
could see of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from itertools import count, product
from string import ascii_letters
from typing import TYPE_CHECKING, NamedTuple

from reportgen.render.minify import lexemes
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportgen.render.reading import Span

_LETTERS = ascii_letters + "$_"
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


def rename_variables(script: str) -> str:
    """Return ``script`` with short names for its variables; as it is where it cannot be read."""
    try:
        reading = Reading(list(lexemes(script)))
    except (ValueError, IndexError):
        return script
    names = _choose(reading)
    parts: list[str] = []
    for at, role in enumerate(reading.roles):
        text = reading.text_left(at)
        if text and at in names:
            text = f"{text}:{names[at]}" if role == "shorthand" else names[at]
        # After these a line may end without a word.
        ended = parts[-1:] in ([";"], [","])
        parts += ("" if ended else reading.blank_left(at), text)
    end = script[sum(len(item.blank) + len(item.text) for item in reading.items) :]
    return "".join((*parts, end))


class _Variable(NamedTuple):
    """One variable: where it holds, and where it is said."""

    name: str
    span: Span
    places: list[int]
    """Tokens that say it, in their order."""

    def is_said_in(self, span: Span) -> bool:
        """Return whether it is said between two tokens."""
        at = bisect_left(self.places, span[0])
        return at < len(self.places) and self.places[at] <= span[1]

    def hinders(self, other: _Variable) -> bool:
        """Return whether two variables cannot have the same name.

        One may within the other's span, where the other is not said; but not in the block that a
        parameter is known in as well.
        """
        (start, end), (begin, last) = self.span, other.span
        if end < begin or last < start:
            return False
        if start < begin and last < end:
            return self.is_said_in(other.span)
        if begin < start and end < last:
            return other.is_said_in(self.span)
        return True


def _choose(reading: Reading) -> dict[int, str]:
    """Return new names by the tokens that are to say them, the shortest for the most frequent."""
    found, kept = _variables(reading)
    names: dict[int, str] = {}
    given: dict[str, list[_Variable]] = defaultdict(list)
    """Variables by the name that they have by now."""
    for variable in sorted(found, key=lambda item: -len(item.places)):
        name, _, places = variable

        def is_free(name: str, variable: _Variable = variable) -> bool:
            return not any(other.hinders(variable) for other in given[name])

        short = next(name for name in _short_names() if name not in kept and is_free(name))
        spelt = sum(reading.roles[at] == "shorthand" for at in places)
        saved = (len(places) - spelt) * (len(name) - len(short)) - spelt * (len(short) + 1)
        # One that would gain nothing stays, unless its own name is another's by now.
        if saved > 0 or not is_free(name):
            names.update(dict.fromkeys(places, short))
            name = short
        given[name].append(variable)
    return names


def _variables(reading: Reading) -> tuple[list[_Variable], set[str]]:
    """Return the variables that may get other names, and the names that have to stay."""
    places: dict[str, list[int]] = defaultdict(list)
    kept = set(reading.kept)
    for at, role in enumerate(reading.roles):
        if role:
            name = reading.items[at].text
            places[name].append(at)
            if name in _RESERVED or not reading.is_declared(name, at):
                kept.add(name)
    found: dict[tuple[str, Span], _Variable] = {}
    for name in places.keys() - kept:
        everywhere = (0, len(reading.items))
        spans = [everywhere] if name in reading.wide else reading.spans[name]
        for at in places[name]:
            # The innermost that holds there.
            span = max(span for span in spans if span[0] <= at <= span[1])
            found.setdefault((name, span), _Variable(name, span, [])).places.append(at)
    return sorted(found.values(), key=lambda item: item.places[0]), kept


def _short_names() -> Iterator[str]:
    """Yield every name that a variable may have, the shortest first."""
    for length in count(1):
        for letters in product(_LETTERS if length == 1 else ascii_letters, repeat=length):
            if (name := "".join(letters)) not in _RESERVED:
                yield name
