"""Layers and methods compared by a metric over the pictures of a run, and what that supports.

Values only: whatever made them, one number per picture and candidate. A candidate is a method at a
layer. All comparisons are paired, since every candidate explains the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reportgen.language import N_, _, enumeration, ngettext
from reportgen.values import MIN_IMAGES, Candidate, Interval, Metric, Ranking, Standing

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scores = Mapping[Candidate, Sequence[float]]
"""For each candidate one value per picture, in the same order of pictures; NaN for no value."""

RESAMPLES = 2000
"""Bootstrap resamples of the pictures."""

CONFIDENCE = 0.95

SEED = 20_260_101
"""Of the resampling: the same values always give the same intervals."""

_AT_A_TIME = 4_000_000
"""Most indices drawn at a time, so that a run of very many pictures fits into memory."""


METRICS = {
    metric.name: metric
    for metric in (
        Metric("average-drop", N_("average drop"), higher_is_better=False),
        Metric("increase", N_("increase in confidence"), higher_is_better=True),
        Metric("deletion", N_("deletion AUC"), higher_is_better=False),
        Metric("insertion", N_("insertion AUC"), higher_is_better=True),
        Metric("road", "ROAD", higher_is_better=True),
        Metric("coherency", N_("coherency"), higher_is_better=True),
        Metric("complexity", N_("complexity"), higher_is_better=False),
        Metric("adcc", "ADCC", higher_is_better=True),
        Metric("pointing", N_("pointing game"), higher_is_better=True),
        Metric("energy", N_("energy in the box"), higher_is_better=True),
        Metric("iou", N_("IoU with the box"), higher_is_better=True),
    )
}
"""Every metric that this package and `localisation` compute, by name."""


def rank(metric: Metric, scores: Scores) -> Ranking:
    """Order candidates by their mean over pictures, with bootstrap intervals.

    Intervals are ``[q(α/2), q(1 - α/2)]`` of `RESAMPLES` means over pictures drawn with
    replacement ([1]_, chapter 13, the percentile interval). Differences to the first are taken
    picture by picture before they are resampled. The first is chosen by the same pictures, so its
    lead is on average a little too large; the correction for several comparisons does not take
    this away.

    Parameters
    ----------
    metric
        What the values are, and which way is better.
    scores
        One value per picture for each candidate. Candidates without any value are left out.

    Raises
    ------
    ValueError
        If the candidates have different numbers of pictures.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993.
    """
    lengths = {len(values) for values in scores.values()}
    if len(lengths) > 1:
        raise ValueError(
            f"expected one value per picture for every candidate, found {sorted(lengths)} values",
        )
    table = {key: np.asarray(values, dtype=np.float64) for key, values in scores.items()}
    table = {key: values for key, values in table.items() if np.isfinite(values).any()}
    if not table:
        return Ranking(metric, (), 0)
    images = int(np.isfinite(np.stack(list(table.values()))).any(axis=0).sum())
    sign = 1 if metric.higher_is_better else -1
    means = {key: float(values[np.isfinite(values)].mean()) for key, values in table.items()}
    ordered = sorted(table, key=lambda key: -sign * means[key])
    level = 1 - (1 - CONFIDENCE) / max(1, len(ordered) - 1)
    standings = tuple(
        Standing(
            *key,
            rank=1 + sum(sign * means[other] > sign * means[key] for other in table),
            score=_interval(table[key], CONFIDENCE),
            behind=_difference(sign * (table[ordered[0]] - table[key]), level) if place else None,
        )
        for place, key in enumerate(ordered)
    )
    return Ranking(metric, standings, images)


def _difference(values: NDArray[np.float64], level: float) -> Interval | None:
    return _interval(values, level) if np.isfinite(values).any() else None


def _interval(values: NDArray[np.float64], level: float) -> Interval:
    """Return mean and percentile interval of the finite ones of ``values``, at least one."""
    values = values[np.isfinite(values)]
    random = np.random.default_rng(SEED)
    at_a_time = max(1, _AT_A_TIME // len(values))
    means = np.concatenate(
        [
            values[
                random.integers(0, len(values), (min(at_a_time, RESAMPLES - done), len(values)))
            ].mean(axis=1)
            for done in range(0, RESAMPLES, at_a_time)
        ],
    )
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    mean = float(values.mean())
    # A sum in another order may miss the mean of equal values by its last bit.
    return Interval(mean, min(low, mean), max(high, mean), len(values))


# -- in words --------------------------------------------------------------------------------


def verdict(rankings: Sequence[Ranking]) -> str:
    """Say in one sentence which method at which layer the evidence supports, or that none.

    Parameters
    ----------
    rankings
        One per metric that is to count. Metrics that do not test the network, `complexity` above
        all, are better left out: an empty map has the best of it.

    Returns
    -------
    In this order, the first that applies: nothing to compare; too few pictures (`MIN_IMAGES`);
    metrics that contradict each other, each with a leader that another shows to be behind; one
    candidate that leads by every metric that tells candidates apart; or that the differences are
    within chance.
    """
    usable = [ranking for ranking in rankings if len(ranking.standings) > 1]
    if not usable:
        return _("There is only one map per picture to measure, so there is nothing to compare.")
    images = min(_fewest(ranking) for ranking in usable)
    if images < MIN_IMAGES:
        return _(
            "{pictures} cannot tell layers and methods apart: at least {least} are needed before "
            "a lead in these numbers means anything."
        ).format(pictures=_pictures(images), least=MIN_IMAGES)
    supported = _supported(usable)
    if not supported:
        return _contradiction(usable, images)
    if len(supported) == 1:
        return _winner(usable, supported[0], images)
    apart = {row.candidate for ranking in usable for row in ranking.standings} - set(supported)
    facts = {
        "pictures": _pictures(images),
        "undecided": _and([_place(candidate) for candidate in supported]),
        "metrics": _and(_titles(usable)),
        "number": str(len(apart)),
    }
    if not apart:
        return _(
            "Over {pictures} no layer or method is shown to be better than another by {metrics}: "
            "the differences between {undecided} are within chance."
        ).format(**facts)
    return ngettext(
        "Over {pictures} the evidence does not decide between {undecided}, whose differences are "
        "within chance by {metrics}; the other {number} is behind.",
        "Over {pictures} the evidence does not decide between {undecided}, whose differences are "
        "within chance by {metrics}; the other {number} are behind.",
        len(apart),
    ).format(**facts)


def _fewest(ranking: Ranking) -> int:
    """Return the number of pictures behind the weakest comparison of a ranking."""
    shared = [row.behind.images if row.behind else 0 for row in ranking.standings[1:]]
    return min(shared)


def _supported(rankings: Sequence[Ranking]) -> list[Candidate]:
    """Return the candidates that no metric shows to be behind, in the order of the first one."""
    behind = {row.candidate for ranking in rankings for row in ranking.standings if row.is_behind}
    return [row.candidate for row in rankings[0].standings if row.candidate not in behind]


def _winner(rankings: Sequence[Ranking], winner: Candidate, images: int) -> str:
    deciding = [ranking for ranking in rankings if len(ranking.leaders) == 1]
    rest = [ranking for ranking in rankings if ranking not in deciding]
    if not rest:
        text = _(
            "Over {pictures} the evidence supports {winner}: it is ahead of all others by {by}."
        )
    elif deciding:
        text = _(
            "Over {pictures} the evidence supports {winner}: it is ahead of all others by {by}, "
            "and by {rest} none is shown to be better."
        )
    else:
        text = _(
            "Over {pictures} the evidence supports {winner}: it alone is not shown to be behind by "
            "any of {rest}, though none of these puts it ahead of all others."
        )
    return text.format(
        pictures=_pictures(images),
        winner=_place(winner),
        by=_and(_titles(deciding)),
        rest=_and(_titles(rest)),
    )


def _contradiction(rankings: Sequence[Ranking], images: int) -> str:
    favours = [
        _("{metric} favours {place}").format(
            metric=_(ranking.metric.title), place=_place(ranking.standings[0].candidate)
        )
        for ranking in rankings
    ]
    return _(
        "Over {pictures} the metrics contradict each other, so the evidence supports no single "
        "layer or method: {favours}."
    ).format(pictures=_pictures(images), favours=_and(favours))


def _place(candidate: Candidate) -> str:
    method, layer = candidate
    return _("{method} at {layer}").format(method=method, layer=layer)


def _titles(rankings: Sequence[Ranking]) -> list[str]:
    return [_(ranking.metric.title) for ranking in rankings]


def _pictures(count: int) -> str:
    return ngettext("{count} picture", "{count} pictures", count).format(count=count)


_NAMED = 4
"""Most things named in a sentence; of more the number says as much."""


def _and(words: Sequence[str]) -> str:
    if len(words) > _NAMED:
        more = _("{count} more").format(count=len(words) - _NAMED + 1)
        words = [*words[: _NAMED - 1], more]
    return enumeration(words)
