"""Gives the custom properties that a style sheet sets, such as colours and fonts, short names.

What elements, scripts or templates set, such as the ``--p`` of a bar, is not among them and stays.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from string import ascii_lowercase

_DECLARED = re.compile(r"[{;](--[\w-]+):", re.ASCII)
_NAME = re.compile(r"(?<![\w-])--[\w-]+", re.ASCII)


def shorten_properties(style: str) -> str:
    """Return ``style``, already minified, with short names for the properties that it sets."""
    declared = set(_DECLARED.findall(style))
    uses = Counter(_NAME.findall(style))
    letters = (
        "--" + "".join(name)
        for length in (1, 2)
        for name in product(ascii_lowercase, repeat=length)
    )
    free = (name for name in letters if name not in uses)
    wanted = [name for name, _ in uses.most_common() if name in declared]
    names = dict(zip(wanted, free, strict=False))
    return _NAME.sub(lambda found: names.get(found[0], found[0]), style)
