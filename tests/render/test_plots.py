"""The small plots, as markup."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from sample import localisation, ranking

from reportgen.render.plots import (
    axis,
    box_overlay,
    curve_plot,
    road_plot,
    scale_of,
    strip,
)
from reportgen.values import Curve, Interval, Metric, Ranking, Road

METRIC = Metric("m", "m", higher_is_better=True)


def spread(*means: float, width: float = 0.0) -> Ranking:
    """Return a ranking whose candidates have these means."""
    plain = ranking(METRIC, len(means))
    rows = tuple(
        replace(row, score=Interval(mean, mean - width, mean + width, 5))
        for row, mean in zip(plain.standings, means, strict=True)
    )
    return replace(plain, standings=rows)


def test_a_curve_goes_from_corner_to_corner() -> None:
    plot = curve_plot(Curve((0.0, 0.5, 1.0), (1.0, 0.25, 0.0), 0.375), "T")
    assert re.findall(r'points="([^"]*)"', plot) == ["12.0,6.0 84.0,59.2 156.0,77.0"]
    assert plot.startswith('<svg class="plot" viewBox="0 0 160 90" role="img"><title>T</title>')
    assert len(plot) < 500


def test_titles_are_escaped() -> None:
    plot = curve_plot(Curve((0.0,), (1.0,), 1.0), "</title><script>")
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in plot


def test_what_is_not_finite_or_outside_does_not_leave_the_plot() -> None:
    plot = curve_plot(Curve((0.0, 0.5, 1.0), (1.2, math.nan, -0.2), 0.5), "T")
    assert re.findall(r'points="([^"]*)"', plot) == ["12.0,6.0 156.0,77.0"]


def test_road_is_drawn_over_what_was_changed() -> None:
    plot = road_plot(Road((25.0, 75.0), (0.0, 0.5), (0.5, 1.0)), "T")
    lines = re.findall(r'class="(line[^"]*)" points="([^"]*)"', plot)
    assert lines == [
        ("line", "48.0,41.5 120.0,77.0"),
        ("line dashed", "48.0,6.0 120.0,41.5"),
    ]


def test_a_scale_has_round_ticks_within_the_ends() -> None:
    scale = scale_of(spread(0.5, 0.4, 0.362, width=0.05))
    assert scale.ticks == pytest.approx((0.35, 0.4, 0.45, 0.5, 0.55))
    assert re.findall(r">([^<]+)</text>", axis(scale)) == ["0.35", "0.40", "0.45", "0.50", "0.55"]
    wide = scale_of(spread(-0.5, 100.0))
    assert list(wide.ticks) == [0, 20, 40, 60, 80, 100]
    assert re.findall(r">([^<]+)</text>", axis(wide))[:2] == ["0", "20"]
    below = scale_of(spread(-0.4, 0.0))
    assert re.findall(r">([^<]+)</text>", axis(below))[0] == "−0.4"


@pytest.mark.parametrize("means", [(0.3,), (0.3, 0.3), (0.0, 0.0), (math.nan, 0.2), (math.nan,)])
def test_a_scale_of_one_value_still_has_room(means: tuple[float, ...]) -> None:
    scale = scale_of(spread(*means))
    assert scale.low < scale.high
    assert 1 <= len(scale.ticks) <= 7


def test_dots_and_lines_stand_where_their_numbers_are() -> None:
    found = spread(1.0, 0.0)
    scale = scale_of(found)
    first = replace(found.standings[0], score=Interval(0.5, 0.25, 0.75, 5))
    row = strip(first, scale)
    assert re.findall(r'class="interval" x1="([^"]*)" x2="([^"]*)"', row) == [("27.0%", "73.0%")]
    assert re.findall(r'cx="([^"]*)"', row) == ["50.0%"]
    assert scale.place(0.0) == "4.0%"
    assert scale.place(1.0) == "96.0%"


def test_a_dot_is_filled_unless_it_is_shown_to_be_behind() -> None:
    found = ranking(METRIC, 3)
    rows = [strip(row, scale_of(found)) for row in found.standings]
    assert ["leads" in row for row in rows] == [True, True, False]


def test_a_standing_without_numbers_has_no_dot() -> None:
    row = strip(spread(math.nan).standings[0], scale_of(spread(0.1, 0.2)))
    assert "circle" not in row
    assert "interval" not in row


def test_boxes_say_what_they_are() -> None:
    found = localisation(0)
    assert "<title>The given box, solid, and the box of the map, dashed</title>" in box_overlay(
        found, (224, 112)
    )
    assert 'viewBox="0 0 224 112"' in box_overlay(found, (224, 112))
    two = replace(localisation(1), box=None)
    assert "<title>The 2 given boxes, solid</title>" in box_overlay(two, (9, 9))
    odd = replace(found, boxes=((math.nan, 0.0, 1.0, 1.0),), box=None)
    assert "<rect" not in box_overlay(odd, (9, 9))
