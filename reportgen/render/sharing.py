"""Lets a script write a long name or text that it repeats only once.

A property such as ``.addEventListener`` or a text such as ``"aria-label"`` that stands often
becomes a constant at the head of the script, ``a[b]`` for ``a.addEventListener``. What the script
does stays the same. Runs after the blanks have gone and before variables get their short names
(`reportgen.render.rename`), which makes the constants' names short as well.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from reportgen.render.minify import lexemes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reportgen.render.minify import Lexeme

STRICT = '"use strict";'

_PREFIX = "shared"
_SHORT = 2
"""Letters that a constant is reckoned to have in the end."""
_LEAST = 6
"""Letters of the shortest text that is shared."""
_PLAIN = re.compile(r'"([^"\\\n\r]*)"')
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
        items = list(lexemes(script))
    except ValueError:
        return script
    said = [_said(items, at) for at in range(len(items))]
    names = _choose(items, said)
    if not names or any(item.text.startswith(_PREFIX) for item in items if item.kind == "word"):
        return script
    head = ",".join(f'{name}="{text}"' for text, name in names.items())
    start = STRICT if script.startswith(STRICT) else ""
    body = "".join(_written(items, said, names)).removeprefix(start)
    return f"{start}const {head};{body}"


def _written(
    items: Sequence[Lexeme], said: Sequence[str], names: Mapping[str, str]
) -> Iterator[str]:
    """Yield what stands for each token, constants for what they are shared for."""
    worded = [item.kind in {"word", "number", "regex"} for item in items]
    for at, item in enumerate(items):
        name = names.get(said[at], "")
        yield item.blank
        if name and item.kind == "word":
            yield f"[{name}]"
        elif name:
            # `return"a"` needs a blank that it did not have, and so does `"a"in b`.
            yield " " if at and worded[at - 1] and not item.blank else ""
            yield name
            yield " " if at + 1 < len(items) and worded[at + 1] and not items[at + 1].blank else ""
        else:
            # `a.b` becomes `a[c]`, but `a?.b` becomes `a?.[c]`.
            access = item.text == "." and items[at + 1].kind == "word" and said[at + 1] in names
            yield "" if access and items[at - 1].text != "?" else item.text


def _said(items: Sequence[Lexeme], at: int) -> str:
    """Return the name or text that a constant could stand for at one token, or nothing."""
    item = items[at]
    before = items[at - 1].text if at else ";"
    after = items[at + 1].text if at + 1 < len(items) else ";"
    if item.kind == "word":
        access = before == "." and at > 1 and items[at - 2].text not in _NO_PROPERTY_OF
        return item.text if access and _NAME.fullmatch(item.text) else ""
    plain = _PLAIN.fullmatch(item.text) if item.kind == "string" else None
    directive = before in {";", "{", "}"} and after == ";"
    key = before in {"{", ",", "}", "get", "set", "async", "*"} and after in {":", "("}
    return plain[1] if plain and not directive and not key else ""


def _choose(items: Sequence[Lexeme], said: Sequence[str]) -> dict[str, str]:
    """Return the names of the constants by what is shorter with one, the most gainful first."""
    gains: Counter[str] = Counter()
    for item, text in zip(items, said, strict=True):
        if len(text) >= _LEAST:
            # `.name` becomes `[a]`, `"name"` becomes `a`.
            gains[text] += len(text) - _SHORT + (-1 if item.kind == "word" else 2)
    worth = [text for text, gain in gains.most_common() if gain > len(text) + _SHORT + 4]
    return {text: f"{_PREFIX}{number}" for number, text in enumerate(worth)}


def strict_once(scripts: Sequence[str]) -> str:
    """Return minified scripts as one. Where all are strict, that is said at its head alone.

    A script counts as strict where the function that makes it is.
    """
    if not scripts or not all(_STRICT_FUNCTION.search(script) for script in scripts):
        return "\n".join(scripts)
    parts = (_STRICT_FUNCTION.sub(r"\1", script, count=1) for script in scripts)
    return STRICT + "\n".join(parts)
