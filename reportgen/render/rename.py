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
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reportgen.render.reading import Span

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
        if role and text in names:
            text = f"{text}:{names[text]}" if role == "shorthand" else names[text]
        # After these a line may end without a word.
        ended = parts[-1:] in ([";"], [","])
        parts += ("" if ended else reading.blank_left(at), text)
    end = script[sum(len(item.blank) + len(item.text) for item in reading.items) :]
    return "".join((*parts, end))


def _choose(reading: Reading) -> dict[str, str]:
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
    given: dict[str, list[Span]] = {}
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


def _overlap(some: Iterable[Span], others: Iterable[Span]) -> bool:
    return any(a <= d and c <= b for a, b in some for c, d in others)


def _short_names() -> Iterator[str]:
    """Yield every name that a variable may have, the shortest first."""
    for length in count(1):
        for letters in product(ascii_letters, repeat=length):
            if (name := "".join(letters)) not in _RESERVED:
                yield name
