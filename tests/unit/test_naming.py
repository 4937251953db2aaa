"""Names of the files that we make."""

from __future__ import annotations

import re

import pytest

from reportgen.naming import feature_name, overlay_name, slug
from reportgen.values import Target

HOSTILE = [
    "a.jpg",
    "a.png",
    "A.JPG",
    "A.jpg",
    "sub/a.jpg",
    "sub-a.jpg",
    "sub\\a.jpg",
    "../../etc/passwd.png",
    "/root.png",
    ".png",
    "...",
    "-rf.png",
    "日本語.png",
    "한국어.png",
    "é.png",
    "e\u0301.png",
    "<script>alert(1)</script>.png",
    "a\nb.png",
    "a b.png",
    "a  b.png",
    "a:b*c?.png",
    "con.png",
    "a'\"`$(x).png",
    "\\xff.png",
    "\ud800.png",
    "\u202egnp.exe",
    "x" * 255,
    "x" * 254 + "y",
    "日" * 85,
    "",
]


def name(  # noqa: PLR0913, PLR0917 - one argument for each thing that a test varies
    image: str = "a.png",
    target: int = 3,
    category: str = "tabby",
    method: str = "grad-cam",
    layer: str = "features.12",
    kind: str = "",
    *,
    group: bool = False,
) -> str:
    asked = Target(category, (target,), 1.0, 0.5, None if group else 1)
    return overlay_name(image, asked, method, layer, kind)


@pytest.mark.parametrize("image", HOSTILE)
def test_safe_characters_and_length(image: str) -> None:
    made = name(image, category="Cardigan, 'Welsh' / corgi ☃" * 9, layer="layer.0." * 40)
    assert re.fullmatch(r"overlays/[A-Za-z0-9][A-Za-z0-9._-]*\.png", made)
    assert len(made.removeprefix("overlays/")) < 255
    assert ".." not in made.split("/")


def test_unique_even_where_case_does_not_count() -> None:
    made = [name(image).casefold() for image in HOSTILE]
    assert len(set(made)) == len(HOSTILE)


def test_every_part_of_the_identity_counts() -> None:
    made = {
        name(),
        name(target=4),
        name(method="layer-cam"),
        name(layer="features.13"),
        name(layer="features/12"),
        name(image="b.png"),
        name(kind="original"),
        name(group=True),
        name(group=True, category="tabbies"),
        feature_name("a.png", "features.12"),
        feature_name("a.png", "features.13"),
    }
    assert len(made) == 11


def test_the_same_overlay_has_the_same_name() -> None:
    assert name() == name()
    assert re.fullmatch(
        r"overlays/a\.png__3-tabby__grad-cam__features\.12__[0-9a-f]{8}\.png", name()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg", "a.jpg"),
        ("sub/a b.jpg", "sub-a-b.jpg"),
        ("Crème brûlée", "Creme-brulee"),
        ("../..", "x"),
        ("日本語", "x"),
        ("", "x"),
        ("--a--", "a"),
        ("a" * 60, "a" * 48),
        ("a" * 47 + "-b", "a" * 47),
    ],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_slug_length() -> None:
    assert slug("abcdef", longest=3) == "abc"
