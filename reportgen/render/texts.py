"""Takes the texts out of a script, which are data: what it says is asked for by number.

``t("Copy")`` becomes ``t(0)``, and the page holds the texts beside the script, in its language.
``t("{n} of {total}", {n, total: 3})`` becomes ``t(1, n, 3)``, where the text is ``{0} of {1}``.
A text that a script puts together itself stays where it is, and is shown as it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from reportgen.render.minify import lexemes
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = re.compile(r'"(?:[^"\\\n\r]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
"""A text that JSON writes in the same way."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Text(NamedTuple):
    """A text that a script says."""

    english: str
    numbered: bool
    """Whether its values come in the order of its placeholders, without their names."""

    def shown(self, translated: str) -> str:
        """Return a translation with the placeholders that the script fills."""
        names = placeholders(self.english) if self.numbered else []
        numbers = {name: str(number) for number, name in enumerate(names)}
        return _PLACEHOLDER.sub(lambda m: f"{{{numbers.get(m[1], m[1])}}}", translated)


class _Call(NamedTuple):
    """A call that asks for a text, by its tokens."""

    at: int
    text: str
    gone: tuple[int, ...] | None
    """What names its values; None where they have to keep their names."""


def placeholders(text: str) -> list[str]:
    """Return the names of the placeholders in ``text``, each once, in their order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))


def take_texts(script: str) -> tuple[str, tuple[Text, ...]]:
    """Return ``script``, already minified, with numbers for its texts, and these texts.

    A script that cannot be read is left as it is.
    """
    try:
        reading = Reading(list(lexemes(script)))
    except (ValueError, IndexError):
        return script, ()
    calls = list(_calls(reading))
    named = {call.text for call in calls if call.gone is None}
    numbers: dict[str, int] = {}
    said: dict[int, str] = {}
    for call in calls:
        said[call.at] = str(numbers.setdefault(call.text, len(numbers)))
        if call.text not in named:
            said.update(dict.fromkeys(call.gone or (), ""))
    parts = [f"{item.blank}{said.get(at, item.text)}" for at, item in enumerate(reading.items)]
    return "".join(parts), tuple(Text(text, text not in named) for text in numbers)


def _calls(reading: Reading) -> Iterator[_Call]:
    """Yield the calls that ask for a text that stands there in full."""
    for at, item in enumerate(reading.items):
        called = [reading.text(at - 2), reading.text(at - 1)] == ["t", "("]
        ends = reading.text(at + 1) in {",", ")"}
        plain = item.kind == "string" and _PLAIN.fullmatch(item.text)
        if called and ends and plain and reading.text(at - 3) != ".":
            text = json.loads(item.text)
            yield _Call(at, text, _names(reading, at, placeholders(text)))


def _names(reading: Reading, at: int, wanted: list[str]) -> tuple[int, ...] | None:
    """Return the tokens that name a text's values; None where they are not as ``wanted``."""
    if reading.text(at + 1) == ")":
        return None if wanted else ()
    opens = at + 2
    if reading.kinds.get(opens) != "object" or reading.text(reading.close[opens] + 1) != ")":
        return None
    found: list[str] = []
    gone = [opens]
    place, end = opens + 1, reading.close[opens]
    while place < end:
        found.append(reading.text(place))
        if reading.is_key(place):
            gone += (place, place + 1)
        elif reading.roles[place] != "shorthand":
            return None
        while place < end and reading.text(place) != ",":
            place = reading.close.get(place, place) + 1
        place += 1
    if reading.text(end - 1) == ",":
        gone.append(end - 1)
    return (*gone, end) if found == wanted else None
