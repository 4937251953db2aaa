"""The few pictures of a report that are worth a look first, and why.

Five rules, each with its measure and the worst case first:

wrong
    The first choice is not the label; the most probable mistakes first.
warning
    A warning that is not common to the run; the pictures with most kinds of them first.
uncertain
    The first choice has less than `UNCERTAIN`; the least probable first.
disagreement
    The first two methods point at different places for the first target: their maps correlate
    below `HARDLY_AGREE` where readings were asked for, else their centres of heat lie at least
    `APART` from one another.
border
    At least `BORDER` of the heat of the leading map is in the outer tenth of the view.

No picture comes twice. The first `EACH` of every rule come before further ones, so that a run with
many mistakes still shows what else there is.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.language import _
from reportgen.render.filters import decimal, percent
from reportgen.render.index import leading_map
from reportgen.render.layout import deepest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reportgen.values import Agreement, Caution, ImageRecord, MethodInfo, Report

MOST = 6
"""Pictures shown."""
EACH = 2
"""Pictures of one rule that come before the second round."""
UNCERTAIN = 0.5
"""Probability below which the network gives all other classes together more."""
HARDLY_AGREE = 0.3
"""Correlation below which two methods hardly agree, as in the readings."""
APART = 0.25
"""Distance of two centres of heat, as a share of the view's sides, that no blur explains."""
BORDER = 0.6
"""Share of the heat on the border, which has 36 % of a map that is the same everywhere."""
COMMON = 0.5
"""Share of the pictures above which a warning tells of the run and not of a picture."""
OF_THE_RUN = frozenset({"untrained"})
"""Warnings that tell of the run however few its pictures are."""
FEW = 3
"""Pictures up to which no warning is called common."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One picture that is worth a look."""

    number: int
    """On the page, from 1."""
    image: ImageRecord
    rule: str
    """``wrong``, ``warning``, ``uncertain``, ``disagreement`` or ``border``."""
    why: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What one rule says of one picture."""

    weight: float
    """What to sort by, smallest first."""
    number: int


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the pictures worth a look first, `MOST` at most, rule by rule; often none.

    The pictures are gone through once, and only those that are returned are asked for again.
    """
    found: dict[str, list[_Weighed]] = {rule: [] for rule in RULES}
    codes: list[set[str]] = []
    for number, image in enumerate(report.images, 1):
        for rule, weigh in RULES.items():
            weight = weigh(image, report.run.methods)
            if weight is not None:
                found[rule].append(_Weighed(weight, number))
        codes.append({item.code for item in cautions_of(image)})
    common = _common(codes)
    found["warning"] = [
        _Weighed(-len(own - common), number) for number, own in enumerate(codes, 1) if own - common
    ]
    for items in found.values():
        items.sort(key=lambda item: (item.weight, item.number))
    order = list(RULES)
    chosen = sorted(_choose(found), key=lambda item: order.index(item[0]))
    least = found["uncertain"][0].number if found["uncertain"] else 0
    return tuple(
        Finding(number, image, rule, _why(rule, image, report, common, least=number == least))
        for rule, number in chosen
        for image in [report.images[number - 1]]
    )


def _choose(ranked: Mapping[str, Sequence[_Weighed]]) -> list[tuple[str, int]]:
    """Return rule and picture of at most `MOST`, `EACH` of every rule before a further one."""
    taken: list[tuple[str, int]] = []
    for limit in (EACH, MOST):
        for rule, items in ranked.items():
            for item in items:
                own = sum(of == rule for of, _number in taken)
                if own >= limit or len(taken) >= MOST:
                    break
                if all(item.number != number for _of, number in taken):
                    taken.append((rule, item.number))
    return taken


def cautions_of(image: ImageRecord) -> Iterator[Caution]:
    """Yield the warnings of a picture, then of its targets and of their maps, in page order."""
    yield from image.cautions
    for record in image.targets:
        yield from record.cautions
        for panel in record.panels:
            yield from panel.cautions


def _common(codes: Sequence[set[str]]) -> frozenset[str]:
    """Return the warnings that are `COMMON`, from those of every picture."""
    if len(codes) <= FEW:
        return OF_THE_RUN
    often = Counter(code for own in codes for code in own)
    return OF_THE_RUN | {code for code, times in often.items() if times > COMMON * len(codes)}


# -- the rules: how much a picture is worth a look, smallest first, or not at all -------------


def _wrong(image: ImageRecord, _methods: Sequence[MethodInfo]) -> float | None:
    if image.label is None or image.right:
        return None
    return -_known(image.predictions[0].probability)


def _warned(_image: ImageRecord, _methods: Sequence[MethodInfo]) -> float | None:
    return None  # what is common is known after the last picture only


def _uncertain(image: ImageRecord, _methods: Sequence[MethodInfo]) -> float | None:
    chance = _known(image.predictions[0].probability)
    return chance if chance < UNCERTAIN and len(image.predictions) > 1 else None


def _disagreement(image: ImageRecord, methods: Sequence[MethodInfo]) -> float | None:
    agree = _methods_agree(image)
    if agree is not None:
        return agree.correlation if agree.correlation < HARDLY_AGREE else None
    apart = _apart(image, methods)
    return -apart if apart >= APART else None


def _border(image: ImageRecord, methods: Sequence[MethodInfo]) -> float | None:
    lead = leading_map(image, methods)
    heat = lead.panel.heat if lead else None
    return -heat.border if heat and heat.border >= BORDER else None


def _known(probability: float) -> float:
    """Return ``probability``, and 0 for one that is not finite."""
    return probability if math.isfinite(probability) else 0.0


def _methods_agree(image: ImageRecord) -> Agreement | None:
    """Return the first two methods compared for the first target, where readings were asked for."""
    reading = image.targets[0].reading if image.targets else None
    return reading.methods_agree if reading else None


def _apart(image: ImageRecord, methods: Sequence[MethodInfo]) -> float:
    """Return how far apart the first two methods centre, in sides of the view; 0 if unknown."""
    if len(methods) < 2 or not image.targets:  # noqa: PLR2004 - two methods
        return 0.0
    panels = [deepest(image.targets[0], method) for method in methods[:2]]
    heats = [panel.heat for panel in panels if panel is not None and panel.heat is not None]
    return math.dist(heats[0].centroid, heats[1].centroid) if len(heats) == len(panels) else 0.0


RULES: dict[str, Callable[[ImageRecord, Sequence[MethodInfo]], float | None]] = {
    "wrong": _wrong,
    "warning": _warned,
    "uncertain": _uncertain,
    "disagreement": _disagreement,
    "border": _border,
}
"""In the order that the findings stand in."""


# -- in words --------------------------------------------------------------------------------


def _why(
    rule: str, image: ImageRecord, report: Report, common: frozenset[str], *, least: bool
) -> str:
    """Return one sentence on why ``image`` was chosen by ``rule``."""
    if rule == "wrong":
        return _how_wrong(image)
    if rule == "warning":
        return next(item.text for item in cautions_of(image) if item.code not in common)
    if rule == "uncertain":
        return _how_certain(image, least=least)
    if rule == "disagreement":
        return _how_apart(image, report.run.methods)
    return _how_far_out(image, report.run.methods)


def _how_wrong(image: ImageRecord) -> str:
    first = image.predictions[0]
    return _("Taken for “{category}” with {probability}; the label is “{label}”.").format(
        category=first.category,
        probability=percent(first.probability),
        label=image.label.category if image.label else "",
    )


def _how_certain(image: ImageRecord, *, least: bool) -> str:
    first, second = image.predictions[:2]
    text = (
        _("Least certain: {probability}, {points} points ahead of “{category}”.")
        if least
        else _("Uncertain: {probability}, {points} points ahead of “{category}”.")
    )
    ahead = 100 * (_known(first.probability) - _known(second.probability))
    return text.format(
        probability=percent(first.probability),
        points=decimal(ahead, 1),
        category=second.category,
    )


def _how_apart(image: ImageRecord, methods: Sequence[MethodInfo]) -> str:
    agree = _methods_agree(image)
    if agree is None:
        return _("{one} and {other} centre {distance} of the view apart.").format(
            one=methods[0].title,
            other=methods[1].title,
            distance=percent(_apart(image, methods)),
        )
    titles = {method.name: method.title for method in methods}
    return _("{one} and {other} hardly agree (r = {correlation}).").format(
        one=titles.get(agree.first, agree.first),
        other=titles.get(agree.second, agree.second),
        correlation=decimal(agree.correlation),
    )


def _how_far_out(image: ImageRecord, methods: Sequence[MethodInfo]) -> str:
    lead = leading_map(image, methods)
    heat = lead.panel.heat if lead else None
    return _("{share} of the heat of {method} is on the border of the view.").format(
        share=percent(heat.border if heat else 0.0), method=lead.title if lead else ""
    )
