"""Takes the texts out of a script, which are data: what it says is asked for by number.

``t("Copy")`` becomes ``t(0)``, and the page holds the texts beside the script, in its language.
A text that a script puts together itself stays where it is, and is shown as it is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from reportgen.render.minify import lexemes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportgen.render.minify import Lexeme

_PLAIN = re.compile(r'"(?:[^"\\\n\r]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
"""A text that JSON writes in the same way."""


def take_texts(script: str) -> tuple[str, tuple[str, ...]]:
    """Return ``script``, already minified, with numbers for its texts, and these texts, in English.

    A script that cannot be read is left as it is.
    """
    try:
        items = list(lexemes(script))
    except ValueError:
        return script, ()
    numbers: dict[str, int] = {}
    parts = [
        f"{item.blank}{part}" for item, part in zip(items, _numbered(items, numbers), strict=True)
    ]
    return "".join(parts), tuple(numbers)


def _numbered(items: Sequence[Lexeme], numbers: dict[str, int]) -> Iterator[str]:
    """Yield what stands for each token; ``numbers`` gets the texts as they come."""
    # The end of the script stands for what is before its start.
    marks = [item.text if item.kind in {"mark", "word"} else "" for item in items]
    for at, item in enumerate(items):
        called = marks[max(at - 3, 0) : at][-2:] == ["t", "("] and marks[at - 3] != "."
        ends = marks[at + 1 : at + 2] in ([","], [")"])
        if called and ends and item.kind == "string" and _PLAIN.fullmatch(item.text):
            yield str(numbers.setdefault(json.loads(item.text), len(numbers)))
        else:
            yield item.text
