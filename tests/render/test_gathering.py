"""One block for each medium, with everything in its order."""

from __future__ import annotations

import pytest

from reportgen.render.environment import STYLES, make_environment, style_of
from reportgen.render.gathering import GATHERED, gather_media

CASES = (
    (
        "a{b:c}@media print{a{d:e}}f{g:h}@media print{i{j:k}}l{m:n}",
        "a{b:c}f{g:h}@media print{a{d:e}i{j:k}}l{m:n}",
    ),
    ("@media (width<40rem){a{b:c;d{e:f}}}", "@media (width<40rem){a{b:c;d{e:f}}}"),
    (
        '@media print{a{content:"}"}}b{content:"{"}@media print{c{}}',
        'b{content:"{"}@media print{a{content:"}"}c{}}',
    ),
    (
        "@media screen{a{b:c}}@import url(x);@media screen{d{}}",
        "@media screen{a{b:c}}@import url(x);@media screen{d{}}",
    ),
    ("a{b:c}\n", "a{b:c}\n"),
)


@pytest.mark.parametrize(("style", "expected"), CASES)
def test_what_a_style_sheet_becomes(style: str, expected: str) -> None:
    assert gather_media(style) == expected


def test_each_condition_stands_once_in_a_page() -> None:
    style = style_of(make_environment(), STYLES)
    assert [style.count(f"{condition}{{") for condition in GATHERED] == [1, 1, 1]
    assert style.index("@media (width<56rem){") < style.index("@media (width<40rem){")
