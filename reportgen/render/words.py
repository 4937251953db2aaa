"""Numbers about maps as sentences that claim no more than the numbers.

The word for a number is chosen by the number as it is printed, so that a reader who compares the
two with `THRESHOLDS` finds them to agree. Nothing here says why: the numbers cannot tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.render.filters import decimal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reportgen.values import Agreement, HeatReading


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which number on a word is used."""

    measure: str
    """What is measured: ``r``, ``overlap``, or ``quadrant``."""
    least: float
    """The smallest number, as printed, that the word is used for."""
    words: str


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("r", 0.9, "agree closely"),
    Threshold("r", 0.6, "agree partly"),
    Threshold("r", 0.3, "agree little"),
    Threshold("r", -1.0, "hardly agree"),
    Threshold("overlap", 0.6, "overlap closely"),
    Threshold("overlap", 0.3, "overlap partly"),
    Threshold("overlap", 0.1, "overlap little"),
    Threshold("overlap", 0.0, "hardly overlap"),
    Threshold("quadrant", 0.35, "lies in"),
    Threshold("quadrant", 0.0, "is spread over"),
)
"""What the words mean, from the strongest to the weakest of each measure.

``r``: two methods for one target, by Pearson's r over all pixels of the view. ``overlap``: the
maps of two targets, by intersection over union of the areas at half of the peak or more.
``quadrant``: where the heat of one map is, by the largest share of a quadrant.
"""

_NOISE = 1e-6
"""Fractions this close to 0 or 1 are there but for rounding in single precision."""

QUADRANTS = ("upper left", "upper right", "lower left", "lower right")
"""In the order of `HeatReading.quadrants`."""


def describe_heat(heat: HeatReading, title: str, target: str) -> str:
    """Say where the heat of one map lies.

    Parameters
    ----------
    heat
        The measurements.
    title
        Title of the method, for example ``Grad-CAM``.
    target
        Name of the class or group.
    """
    across, down = heat.centroid
    return (
        f"{_where(heat, title, target)}; its centre of mass is at {_percent(across)} of the width "
        f"and {_percent(down)} of the height. {_capital(_percent(heat.area))} of the view reaches "
        f"half of the peak."
    )


def _where(heat: HeatReading, title: str, target: str) -> str:
    largest = max(heat.quadrants)
    whose = f"{title} heat for “{target}”"
    if _words("quadrant", _as_printed(largest)) == "is spread over":
        return (
            f"The {whose} is spread over the quadrants, none of which has more than "
            f"{_percent(largest)} of it"
        )
    shown = _percent(largest)
    leaders = [
        name
        for name, share in zip(QUADRANTS, heat.quadrants, strict=True)
        if _percent(share) == shown
    ]
    place = f"the {leaders[0]} quadrant"
    if len(leaders) > 1:  # to name one of them alone would be to say that it has more
        place = f"each of the {' and '.join(leaders)} quadrants"
    return f"{_capital(shown)} of the {whose} lies in {place}"


def describe_agreement(agreement: Agreement, titles: Mapping[str, str]) -> str:
    """Say how alike the maps of two methods are for one target.

    Parameters
    ----------
    agreement
        The measurements, with two methods compared.
    titles
        Title of each method by its name; a method that is not there goes by its name.
    """
    first, second = (titles.get(name, name) for name in (agreement.first, agreement.second))
    areas = f"the areas at half of the peak or more overlap by {_percent(agreement.overlap)}"
    if not math.isfinite(agreement.correlation):
        return f"{first} and {second} have no correlation, as a map is constant; {areas}."
    words = _words("r", round(agreement.correlation, 2))
    return f"{first} and {second} {words} (r = {decimal(agreement.correlation)}; {areas})."


def describe_overlap(agreement: Agreement, titles: Mapping[str, str]) -> str:
    """Say how far the maps of two targets lie in the same place.

    Parameters
    ----------
    agreement
        The measurements, with two targets compared.
    titles
        Title of each method by its name; a method that is not there goes by its name.
    """
    method = titles.get(agreement.method, agreement.method)
    correlation = (
        f"r = {decimal(agreement.correlation)}"
        if math.isfinite(agreement.correlation)
        else "r is not defined, as a map is constant"
    )
    words = _words("overlap", _as_printed(agreement.overlap))
    return (
        f"The {method} maps of “{agreement.first}” and “{agreement.second}” "
        f"{words} (the areas at half of the peak or more by "
        f"{_percent(agreement.overlap)}; {_percent(agreement.shared)} of the heat is shared; "
        f"{correlation})."
    )


def _words(measure: str, number: float) -> str:
    """Return the words for ``number``; below every threshold, the weakest ones."""
    of_measure = [threshold for threshold in THRESHOLDS if threshold.measure == measure]
    return next((item.words for item in of_measure if number >= item.least), of_measure[-1].words)


def _percent(value: float) -> str:
    """Return a fraction (0…1) in whole percent; what would round to 0 or 100 says so."""
    whole = round(100 * value)
    if whole == 0 and value > _NOISE:
        return "less than 1%"
    if whole == 100 and value < 1 - _NOISE:  # noqa: PLR2004 - all of it
        return "more than 99%"
    return f"{whole}%"


def _as_printed(value: float) -> float:
    return round(100 * value) / 100


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
