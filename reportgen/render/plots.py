"""Small plots as inline SVG: no script, no request, and text for those who cannot see them.

Each function takes values and returns markup; every text that comes from outside is escaped here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reportgen.language import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reportgen.values import Curve, Localisation, Ranking, Rectangle, Road, Size, Standing

WIDTH, HEIGHT = 160, 90
LEFT, RIGHT, TOP, BOTTOM = 12.0, 156.0, 6.0, 77.0
"""Edges of the unit square in a plot; the rest is for the ends of the axes."""
STEPS = 6
"""At most so many steps between the numbers under a scale."""
_MARGIN = 0.04
"""Share of a strip that stays free on either side, for the dot and the number under it."""


def curve_plot(curve: Curve, title: str) -> Markup:
    """Return the probability over the share of changed pixels, both from 0 to 1."""
    return _plot(title, _line(curve.fractions, curve.scores))


def road_plot(road: Road, title: str) -> Markup:
    """Return both lines of ROAD over the share of imputed pixels, the least important dashed."""
    changed = [1 - percentile / 100 for percentile in road.percentiles]
    return _plot(title, _line(changed, road.most) + _line(changed, road.least, " dashed"))


def _plot(title: str, lines: Markup) -> Markup:
    axes = Markup(
        '<path class="axes" d="M{left:.0f} {top:.0f}V{bottom:.0f}H{right:.0f}"/>'
        '<text x="2" y="{one:.0f}">1</text><text x="2" y="{foot}">0</text>'
        '<text x="{end:.0f}" y="{foot}">1</text>'
    ).format(
        left=LEFT,
        top=TOP,
        bottom=BOTTOM,
        right=RIGHT,
        one=TOP + 4,
        foot=HEIGHT - 3,
        end=RIGHT - 4,
    )
    head = Markup('<svg class="plot" viewBox="0 0 {} {}" role="img"><title>{}</title>')
    return head.format(WIDTH, HEIGHT, title) + axes + lines + Markup("</svg>")


def _line(across: Sequence[float], up: Sequence[float], kind: str = "") -> Markup:
    points = sorted((x, y) for x, y in zip(across, up, strict=True) if math.isfinite(x + y))
    text = " ".join(
        f"{LEFT + _inside(x) * (RIGHT - LEFT):.1f},{BOTTOM - _inside(y) * (BOTTOM - TOP):.1f}"
        for x, y in points
    )
    return Markup('<polyline class="line{}" points="{}"/>').format(kind, text)


def _inside(value: float) -> float:
    return min(max(value, 0.0), 1.0)


# -- dots with intervals ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    """What the strips of one table share, so that their dots can be compared."""

    low: float
    high: float
    ticks: tuple[float, ...]
    digits: int
    """Decimals that tell the ticks apart."""

    def place(self, value: float) -> str:
        """Return where ``value`` stands, as a percentage of the width."""
        fraction = _inside((value - self.low) / (self.high - self.low))
        return f"{100 * (_MARGIN + fraction * (1 - 2 * _MARGIN)):.1f}%"


def scale_of(ranking: Ranking) -> Scale:
    """Return the scale from the lowest to the highest end of all intervals, with round ticks."""
    ends = [
        value
        for row in ranking.standings
        for value in (row.score.low, row.score.mean, row.score.high)
        if math.isfinite(value)
    ] or [0.0]
    low, high = min(ends), max(ends)
    if high - low < 1e-9:  # noqa: PLR2004 - all the same: any width will do
        low, high = low - 0.05, high + 0.05
    step, digits = _step((high - low) / STEPS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Scale(low, high, ticks, digits)


def _step(least: float) -> tuple[float, int]:
    """Return the round step that is at least ``least``, and the decimals it has."""
    exponent = math.floor(math.log10(least))
    factor = next(item for item in (1, 2, 5, 10) if item * 10.0**exponent >= least * (1 - 1e-9))
    if factor == 10:  # noqa: PLR2004 - the next power of ten
        factor, exponent = 1, exponent + 1
    return factor * 10.0**exponent, max(0, -exponent)


def strip(standing: Standing, scale: Scale) -> Markup:
    """Return one row of a dot plot: the mean as a dot, its interval as a line.

    It is hidden from screen readers, as its numbers stand beside it.
    """
    score = standing.score
    parts = [
        Markup('<line class="tick" x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(scale.place(tick))
        for tick in scale.ticks
    ]
    if math.isfinite(score.low + score.high):
        parts.append(
            Markup('<line class="interval" x1="{}" x2="{}" y1="50%" y2="50%"/>').format(
                scale.place(score.low), scale.place(score.high)
            )
        )
    if math.isfinite(score.mean):
        kind = "" if standing.is_behind else " leads"
        parts.append(
            Markup('<circle class="dot{}" cx="{}" cy="50%" r="4"/>').format(
                kind, scale.place(score.mean)
            )
        )
    return _svg("strip", parts)


def axis(scale: Scale) -> Markup:
    """Return the numbers under the strips of one table."""
    return _svg(
        "strip axis",
        (
            Markup('<text x="{}" y="75%">{}</text>').format(
                scale.place(tick), f"{tick:z.{scale.digits}f}".replace("-", "−")
            )
            for tick in scale.ticks
        ),
    )


def _svg(kind: str, parts: Iterable[Markup]) -> Markup:
    return (
        Markup('<svg class="{}" aria-hidden="true">').format(kind)
        + Markup("").join(parts)
        + Markup("</svg>")
    )


# -- boxes over a map ------------------------------------------------------------------------


def box_overlay(found: Localisation, view: Size) -> Markup:
    """Return the given boxes, solid, and the map's own, dashed, to lie over a map of ``view``."""
    count = len(found.boxes)
    if found.box:
        about = ngettext(
            "The given box, solid, and the box of the map, dashed",
            "The {count} given boxes, solid, and the box of the map, dashed",
            count,
        )
    else:
        about = ngettext("The given box, solid", "The {count} given boxes, solid", count)
    head = Markup(
        '<svg class="boxes" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img">'
        "<title>{}</title>"
    ).format(view[0], view[1], about.format(count=count))
    rectangles = [_rectangle(box, "given") for box in found.boxes]
    if found.box:
        rectangles.append(_rectangle(found.box, "own"))
    return head + Markup("").join(rectangles) + Markup("</svg>")


def _rectangle(box: Rectangle, kind: str) -> Markup:
    left, top, right, bottom = box
    numbers = (left, top, right - left, bottom - top)
    if not all(map(math.isfinite, numbers)):
        return Markup("")
    texts = [escape(f"{max(number, 0.0):.1f}") for number in numbers]
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(kind, *texts)
