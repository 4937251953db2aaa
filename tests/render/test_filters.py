"""How single values are written."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sample import METHODS, panel

from reportgen.render import filters
from reportgen.values import ViewGeometry


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0%"),
        (0.0004, "<0.1%"),
        (0.0005, "0.1%"),
        (0.7312, "73.1%"),
        (0.9996, ">99.9%"),
        (1.0, "100.0%"),
        (math.nan, "not finite"),
    ],
)
def test_percent(value: float, text: str) -> None:
    assert filters.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0123, "0.0123"),
        (1.2e-05, "1.2e-05"),
        (1.0, "1.00"),
        (9.999, "10.0"),
        (0.001, "0.00100"),
        (12.34, "12.3"),
        (1234.0, "1234"),
        (123456.0, "1.2e+05"),
        (-0.5, "−0.500"),
        (math.inf, "not finite"),
    ],
)
def test_significant(value: float, text: str) -> None:
    assert filters.significant(value) == text


@pytest.mark.parametrize(("value", "text"), [(-1.5, "−1.50"), (12.345, "12.35"), (-0.001, "0.00")])
def test_decimal(value: float, text: str) -> None:
    assert filters.decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "0.2500"), (-1, "0.0000"), (2, "1.0000"), (math.nan, "0")]
)
def test_share_stays_between_0_and_1(value: float, text: str) -> None:
    assert filters.share(value) == text


def test_count_and_plural() -> None:
    assert filters.count(61100840) == "61\u202f100\u202f840"
    assert filters.plural(1, "image") == "1 image"
    assert filters.plural(0, "class", "classes") == "0 classes"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (121, "121st")],
)
def test_ordinal(number: int, text: str) -> None:
    assert filters.ordinal(number) == text


def test_moment() -> None:
    utc = datetime(2025, 11, 23, 3, 16, tzinfo=UTC)
    assert filters.moment(utc) == "2025-11-23 03:16 UTC"
    west = utc.astimezone(timezone(-timedelta(hours=3, minutes=30)))
    assert filters.moment(west) == "2025-11-22 23:46 UTC−03:30"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.24, "4.2 s"), (59.97, "1 min 00 s"), (185, "3 min 05 s"), (7260, "2 h 01 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert filters.duration(seconds) == text


def test_href_encodes_all_but_the_slash() -> None:
    assert filters.href("a b/#1?.png") == "a%20b/%231%3F.png"
    assert filters.href("javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert filters.href('"><script>') == "%22%3E%3Cscript%3E"


def test_a_name_is_its_folder_and_its_base() -> None:
    for name in ("a.png", "a/b c/d.png", "/x"):
        assert filters.folder_of(name) + filters.base_of(name) == name
    assert filters.folder_of("a/b.png") == "a/"


def test_unseen_is_the_area_outside_the_view() -> None:
    assert filters.unseen(ViewGeometry((100, 100), (50, 50), 0, 0, (50, 50))) == 0
    assert filters.unseen(ViewGeometry((200, 100), (100, 50), 25, 0, (50, 50))) == 0.5
    # A view larger than the picture was padded: nothing is unseen.
    assert filters.unseen(ViewGeometry((10, 10), (10, 10), -5, -5, (20, 20))) == 0


def test_panels_are_grouped_by_method_in_their_order() -> None:
    panels = [panel("layer-cam", 0), panel("layer-cam", 1), panel("grad-cam", 4)]
    groups = filters.by_method(panels, METHODS)
    assert [(group.method.title, len(group.panels), group.single) for group in groups] == [
        ("Layer-CAM", 2, False),
        ("Grad-CAM", 1, True),
    ]
    assert filters.leading(groups) is groups[1]
    assert filters.leading(groups[:1]) is groups[0]
