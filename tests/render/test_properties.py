"""Colours and fonts have short names in the page, all else its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reportgen.render.environment import STYLES, make_environment, style_of
from reportgen.render.properties import shorten_properties

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    (
        ":root{--ink:#000;--rule:1px solid var(--line);--line:#111}a{color:var(--ink)}",
        ":root{--a:#000;--c:1px solid var(--b);--b:#111}a{color:var(--a)}",
    ),
    ("a{--room:1px;width:var(--room)}", "a{--a:1px;width:var(--a)}"),
    ("a{width:var(--p,0);b:var(--room)}", "a{width:var(--p,0);b:var(--room)}"),
    (
        ":root{--ink:#000}b{width:var(--a);c:var(--ink)}",
        ":root{--b:#000}b{width:var(--a);c:var(--b)}",
    ),
    (":root{--ink:#000}.x--ink{}", ":root{--a:#000}.x--ink{}"),
)


@pytest.mark.parametrize(("style", "expected"), CASES)
def test_what_a_style_sheet_becomes(style: str, expected: str) -> None:
    assert shorten_properties(style) == expected


def test_a_template_of_the_users_finds_the_names(tmp_path: Path) -> None:
    assert "--accent" not in style_of(make_environment(), STYLES)
    assert "--p" in style_of(make_environment(), STYLES)
    assert "--accent" in style_of(make_environment(tmp_path), STYLES)
