"""Lets a script write a long name or text that it repeats only once.

A property such as ``.addEventListener``, a text such as ``"aria-label"`` or an object of the
browser's such as ``document`` that stands often becomes a constant at the head of the script,
``a[b]`` for ``a.addEventListener``. What the script
does stays the same. Runs after the blanks have gone and before variables get their short names
(`reportgen.render.rename`), which makes the constants' names short as well.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from reportgen.render.minify import lexemes
from reportgen.render.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reportgen.render.minify import Lexeme

STRICT = '"use strict";'

_PREFIX = "shared"
_SHORT = 2
"""Letters that a constant is reckoned to have in the end."""
_LEAST = 3
"""Letters of the shortest text that is shared."""
_GLOBALS = frozenset(
    re.findall(
        r"\S+",
        "document window location Math Number Object String Boolean JSON Array Map Set Option URL "
        "Uint8Array Uint8ClampedArray Float32Array ImageData Image undefined",
    )
)
"""What every browser has from the start and nobody replaces."""
_DECLARED, _SPLIT = 2, -1
"""Letters that a constant takes beside its name and its value, by itself or among split words."""
_WORTH_SPLITTING = 5
"""Words that are split from one text in fewer letters than they take one by one."""
_PLAIN = re.compile(r'"([^"\\\n\r]*)"')
_WORD = re.compile(r'"[^"\\\s]+"')
_STRICT_FUNCTION = re.compile(r'((?:const \w+=)?\(\(\)=>\{)"use strict";')
_NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_NO_PROPERTY_OF = frozenset(("new", "import"))
"""Words whose dot is no access to a property: ``new.target``, ``import.meta``."""


def share_repeated(script: str) -> str:
    """Return ``script``, already minified, with a constant for what it repeats.

    Constants are named ``shared0`` and so on. A script that cannot be read, or that has such names
    itself, is left as it is.
    """
    try:
        reading = Reading(list(lexemes(script)))
    except (ValueError, IndexError):
        return script
    items = reading.items
    said = [_said(reading, at) for at in range(len(items))]
    names = _choose(said)
    if not names or any(item.text.startswith(_PREFIX) for item in items if item.kind == "word"):
        return script
    start = STRICT if script.startswith(STRICT) else ""
    written = _written(items, [(place, names.get(text, "")) for place, text in said])
    return f"{start}const{_head(names)};{''.join(written).removeprefix(start)}"


def _head(names: Mapping[_Repeated, str]) -> str:
    """Return what follows the keyword: several words are split from one text."""
    words = {name: text.constant[1:-1] for text, name in names.items() if _is_word(text)}
    if len(words) < _WORTH_SPLITTING:
        words = {}
    rest = [f"{name}={text.constant}" for text, name in names.items() if name not in words]
    split = f'[{",".join(words)}]="{" ".join(words.values())}".split(" ")'
    return ",".join([split, *rest]) if words else " " + ",".join(rest)


def _is_word(text: _Repeated) -> bool:
    return _WORD.fullmatch(text.constant) is not None


class _Repeated(NamedTuple):
    """What a constant may stand for."""

    constant: str
    """Its value, as a script says it."""
    length: int


_NOTHING = ("", _Repeated("", 0))
_PLACES = {"property": 1, "key": 2, "shorthand": 2, "text": -2, "global": 0}
"""Where something may stand, and how many letters more than its own a constant takes there."""


def _written(items: Sequence[Lexeme], shared: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what stands for each token, constants for what they are shared for."""
    worded = [item.kind in {"word", "number", "regex"} for item in items]
    for at, item in enumerate(items):
        place, name = shared[at]
        yield item.blank
        if name and place in {"property", "key"}:
            yield f"[{name}]"
        elif name and place == "shorthand":
            yield f"[{name}]:{item.text}"
        elif name and place == "text":
            # `return"a"` needs a blank that it did not have, and so does `"a"in b`.
            yield " " if at and worded[at - 1] and not item.blank else ""
            yield name
            yield " " if at + 1 < len(items) and worded[at + 1] and not items[at + 1].blank else ""
        elif name:
            yield name
        else:
            # `a.b` becomes `a[c]`, but `a?.b` becomes `a?.[c]`.
            access = item.text == "." and shared[at + 1][0] == "property" and shared[at + 1][1]
            yield "" if access and items[at - 1].text != "?" else item.text


def _said(reading: Reading, at: int) -> tuple[str, _Repeated]:
    """Return where and what a constant could stand for at one token."""
    item = reading.items[at]
    before, after = reading.text(at - 1), reading.text(at + 1)
    if item.kind == "word" and _NAME.fullmatch(item.text):
        return _said_by_word(reading, at)
    plain = _PLAIN.fullmatch(item.text) if item.kind == "string" else None
    directive = before in {"", ";", "{", "}"} and after in {"", ";"}
    key = before in {"{", ",", "}", "get", "set", "async", "*"} and after in {":", "("}
    if not plain or directive or key:
        return _NOTHING
    return "text", _Repeated(item.text, len(plain[1]))


def _said_by_word(reading: Reading, at: int) -> tuple[str, _Repeated]:
    name, before, after = (reading.text(at + step) for step in (0, -1, 1))
    text = _Repeated(f'"{name}"', len(name))
    if before == ".":
        return ("property", text) if reading.text(at - 2) not in _NO_PROPERTY_OF else _NOTHING
    if reading.is_key(at) or reading.roles[at] == "shorthand":
        place = reading.roles[at] or "key"
        return (place, text) if name != "__proto__" else _NOTHING
    if name not in _GLOBALS or reading.roles[at] != "variable" or reading.is_declared(name, at):
        return _NOTHING
    taken = before == "typeof" or after in {"++", "--"} or before in {"++", "--"}
    assigned = after == "=" and reading.text(at + 2) != "="
    return _NOTHING if taken or assigned else ("global", _Repeated(name, len(name)))


def _choose(said: Sequence[tuple[str, _Repeated]]) -> dict[_Repeated, str]:
    """Return the names of the constants by what is shorter with one, the most gainful first."""
    gains: Counter[_Repeated] = Counter()
    for place, text in said:
        if place and text.length >= _LEAST:
            # `.name` becomes `[a]`, `"name"` becomes `a`.
            gains[text] += text.length - _SHORT - _PLACES[place]
    found = [(text, gain - len(text.constant) - _SHORT) for text, gain in gains.most_common()]
    worth = [text for text, gain in found if gain > _DECLARED]
    if sum(map(_is_word, worth)) >= _WORTH_SPLITTING:
        worth = [text for text, gain in found if gain > (_SPLIT if _is_word(text) else _DECLARED)]
    return {text: f"{_PREFIX}{number}" for number, text in enumerate(worth)}


def strict_once(scripts: Sequence[str]) -> str:
    """Return minified scripts as one. Where all are strict, that is said at its head alone.

    A script counts as strict where the function that makes it is.
    """
    if not scripts or not all(_STRICT_FUNCTION.search(script) for script in scripts):
        return "\n".join(scripts)
    parts = (_STRICT_FUNCTION.sub(r"\1", script, count=1) for script in scripts)
    return STRICT + "\n".join(parts)
