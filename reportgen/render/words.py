"""Numbers about maps as sentences that claim no more than the numbers.

The word for a number is chosen by the number as it is printed, so that a reader who compares the
two with `THRESHOLDS` finds them to agree. Nothing here says why: the numbers cannot tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.language import N_, _
from reportgen.render.filters import decimal, percent
from reportgen.render.layout import hottest
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reportgen.values import Agreement, HeatReading, Localisation, Panel


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which number on a word is used."""

    measure: str
    """What is measured: ``r``, ``overlap``, or ``quadrant``."""
    least: float
    """The smallest number, as printed, that the word is used for."""
    words: str
    """In English; a reader is told them in the report's language."""


SPREAD = N_("is spread over")

THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("r", 0.9, N_("agree closely")),
    Threshold("r", 0.6, N_("agree partly")),
    Threshold("r", 0.3, N_("agree little")),
    Threshold("r", -1.0, N_("hardly agree")),
    Threshold("overlap", 0.6, N_("overlap closely")),
    Threshold("overlap", 0.3, N_("overlap partly")),
    Threshold("overlap", 0.1, N_("overlap little")),
    Threshold("overlap", 0.0, N_("hardly overlap")),
    Threshold("quadrant", 0.35, N_("lies in")),
    Threshold("quadrant", 0.0, SPREAD),
)
"""What the words mean, from the strongest to the weakest of each measure.

``r``: two methods for one target, by Pearson's r over all pixels of the view. ``overlap``: the
maps of two targets, by intersection over union of the areas at half of the peak or more.
``quadrant``: where the heat of one map is, by the largest share of a quadrant.
"""

_NOISE = 1e-6
"""Fractions this close to 0 or 1 are there but for rounding in single precision."""

QUADRANTS = (N_("upper left"), N_("upper right"), N_("lower left"), N_("lower right"))
"""In the order of `HeatReading.quadrants`."""


PLACES = (
    (N_("peak upper left"), N_("peak at the top"), N_("peak upper right")),
    (N_("peak at the left"), N_("peak in the centre"), N_("peak at the right")),
    (N_("peak lower left"), N_("peak at the bottom"), N_("peak lower right")),
)
"""Where a map is hottest, by thirds of the view, from the top and from the left."""

WIDE = 0.5
"""Share of the view that reaches half of the peak, from which a map is spread over the picture."""


def describe_panel(panel: Panel, title: str, target: str) -> str:
    """Say what a map shows, and where, to those who do not see it.

    Parameters
    ----------
    panel
        The map.
    title
        Title of its method, for example ``Grad-CAM``.
    target
        Name of the class or group.

    Returns
    -------
    For example ``Grad-CAM for “tabby” at bn2, peak upper left``.
    """
    return _("{method} for “{target}” at {layer}, {place}").format(
        method=title, target=target, layer=panel.layer, place=_place(panel)
    )


def _place(panel: Panel) -> str:
    if panel.grey is None:
        return state_words(panel)
    across, down = panel.peak_at or hottest(panel.grey)
    place = _(PLACES[min(int(3 * down), 2)][min(int(3 * across), 2)])
    if panel.heat is not None and panel.heat.area >= WIDE:
        return _("spread over the picture, {place}").format(place=place)
    return place


def state_words(panel: Panel) -> str:
    """Say why ``panel`` has no picture."""
    if panel.state is MapState.NOT_FINITE:
        return _("map is not finite")
    return _("no positive evidence")


def describe_hit(found: Localisation) -> str:
    """Say how well a map finds the boxes of its target."""
    several = len(found.boxes) > 1
    if found.hit:
        where = _("peak hits the boxes") if several else _("peak hits the box")
    else:
        where = _("peak misses the boxes") if several else _("peak misses the box")
    return _("IoU {iou}, energy {energy}, {where}").format(
        iou=decimal(found.iou), energy=percent(found.energy), where=where
    )


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
    return _(
        "{where}; its centre of mass is at {across} of the width and {down} of the height. {area} "
        "of the view reaches half of the peak."
    ).format(
        where=_where(heat, title, target),
        across=_percent(across),
        down=_percent(down),
        area=_capital(_percent(heat.area)),
    )


def _where(heat: HeatReading, title: str, target: str) -> str:
    largest = max(heat.quadrants)
    shown = _percent(largest)
    if _words("quadrant", _as_printed(largest)) == _(SPREAD):
        return _(
            "The {method} heat for “{target}” is spread over the quadrants, none of which has more "
            "than {share} of it"
        ).format(method=title, target=target, share=shown)
    leaders = [
        _(name)
        for name, share in zip(QUADRANTS, heat.quadrants, strict=True)
        if _percent(share) == shown
    ]
    place = _("the {quadrant} quadrant").format(quadrant=leaders[0])
    if len(leaders) > 1:  # to name one of them alone would be to say that it has more
        place = _("each of the {quadrants} quadrants").format(quadrants=_(" and ").join(leaders))
    return _("{share} of the {method} heat for “{target}” lies in {place}").format(
        share=_capital(shown), method=title, target=target, place=place
    )


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
    overlap = _percent(agreement.overlap)
    if not math.isfinite(agreement.correlation):
        return _(
            "{first} and {second} have no correlation, as a map is constant; the areas at half of "
            "the peak or more overlap by {overlap}."
        ).format(first=first, second=second, overlap=overlap)
    return _(
        "{first} and {second} {agree} (r = {r}; the areas at half of the peak or more overlap by "
        "{overlap})."
    ).format(
        first=first,
        second=second,
        agree=_words("r", round(agreement.correlation, 2)),
        r=decimal(agreement.correlation),
        overlap=overlap,
    )


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
    correlation = _("r is not defined, as a map is constant")
    if math.isfinite(agreement.correlation):
        correlation = _("r = {r}").format(r=decimal(agreement.correlation))
    return _(
        "The {method} maps of “{first}” and “{second}” {overlap_in_words} (the areas at half of "
        "the peak or more by {overlap}; {shared} of the heat is shared; {correlation})."
    ).format(
        method=method,
        first=agreement.first,
        second=agreement.second,
        overlap_in_words=_words("overlap", _as_printed(agreement.overlap)),
        overlap=_percent(agreement.overlap),
        shared=_percent(agreement.shared),
        correlation=correlation,
    )


def _words(measure: str, number: float) -> str:
    """Return the words for ``number``; below every threshold, the weakest ones."""
    of_measure = [threshold for threshold in THRESHOLDS if threshold.measure == measure]
    found = next((item.words for item in of_measure if number >= item.least), of_measure[-1].words)
    return _(found)


def _percent(value: float) -> str:
    """Return a fraction (0…1) in whole percent; what would round to 0 or 100 says so."""
    whole = round(100 * value)
    if whole == 0 and value > _NOISE:
        return _("less than 1%")
    if whole == 100 and value < 1 - _NOISE:  # noqa: PLR2004 - all of it
        return _("more than 99%")
    return f"{whole}%"


def _as_printed(value: float) -> float:
    return round(100 * value) / 100


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
