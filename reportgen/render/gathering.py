"""Puts what a style sheet says for one medium, in many places, into one block.

Each sheet of ours says at its end what is different on paper, and what in a narrow window; on a
page the same condition then stands a dozen times. What is gathered stands where the condition was
last met: so it still comes after all that it replaces, and narrower windows after wider ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GATHERED = ("@media (width<56rem)", "@media (width<40rem)", "@media print")
"""Conditions that nothing after them is meant to replace."""

_QUOTED_OR_BRACE = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]""", re.DOTALL)


def gather_media(style: str) -> str:
    """Return ``style``, already minified, with one block for each condition of `GATHERED`."""
    rules = list(_top_level(style))
    bodies: dict[str, list[str]] = {condition: [] for condition in GATHERED}
    last: dict[str, int] = {}
    for number, rule in enumerate(rules):
        condition, brace, body = rule.partition("{")
        if brace and condition in bodies:
            bodies[condition].append(body[:-1])
            last[condition] = number
    for number, rule in enumerate(rules):
        condition = rule.partition("{")[0]
        if condition in last:
            whole = f"{condition}{{{''.join(bodies[condition])}}}"
            rules[number] = whole if last[condition] == number else ""
    return "".join(rules)


def _top_level(style: str) -> Iterator[str]:
    """Yield rule by rule, each with what follows it up to the next."""
    depth = begin = 0
    for found in _QUOTED_OR_BRACE.finditer(style):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0 and found[0] in ("}", ";"):
            yield style[begin : found.end()]
            begin = found.end()
    yield style[begin:]
