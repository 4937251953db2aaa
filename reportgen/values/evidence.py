"""Numbers about maps that are measured by asking the network, or somebody who knows."""

from __future__ import annotations

from dataclasses import dataclass

Candidate = tuple[str, str]
"""``(method, layer)``, as in the report."""

Rectangle = tuple[float, float, float, float]
"""``(xmin, ymin, xmax, ymax)``: edges in pixels of the view; the first pixel is 0…1."""

MIN_IMAGES = 8
"""Fewest pictures that support a verdict: of seven or fewer values, a percentile interval holds
the mean far less often than it says."""

RIGHT_IOU = 0.5
"""Intersection over union from which ILSVRC counts a box as right."""


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning."""

    code: str
    """For machines, for example ``flat``; never changes."""
    text: str
    """One sentence: what was measured, and what it means."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The target's probability as the hottest pixels are changed, hottest first."""

    fractions: tuple[float, ...]
    """Share of pixels changed, from 0 to 1, ascending; few enough to draw."""
    scores: tuple[float, ...]
    """The probability at each of them, 0…1."""
    auc: float
    """Area under the whole curve by the trapezoidal rule, 0…1."""


@dataclass(frozen=True, slots=True)
class Road:
    """The target's probability with pixels imputed, for one map."""

    percentiles: tuple[float, ...]
    """Share of the pixels that stayed, in percent."""
    most: tuple[float, ...]
    """The probability at each of them without the most important pixels, 0…1."""
    least: tuple[float, ...]
    """The same without the least important pixels."""

    @property
    def combined(self) -> float:
        """``(mean(least) - mean(most)) / 2``, -0.5…0.5; higher is better."""
        return (sum(self.least) - sum(self.most)) / (2 * len(self.percentiles))


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How well one map explains the network's probability for its target, measured."""

    drop: float
    """``max(0, Y - O) / Y``, 0…1, of the probability Y for the picture and O for the picture seen
    through the map (Chattopadhay et al., 2018). Lower is better."""
    increased: bool
    """Whether ``Y < O``."""
    deletion: Curve | None
    """The probability as the hottest pixels give way to the mean colour; a low area is better. None
    where the map is constant and orders nothing, as in the next two."""
    insertion: Curve | None
    """The probability as the hottest pixels come into the blurred picture; a high area is better
    (Petsiuk et al., 2018)."""
    road: Road | None
    """Rong et al., 2022; higher is better."""
    complexity: float
    """Mean of the map, 0…1: lower says the same with less (Poppi et al., 2021)."""
    coherency: float | None
    """``(r + 1) / 2``, 0…1, of the map and the map of the picture seen through it; None where it
    was not measured, as of methods that try out changed pictures."""
    adcc: float | None
    """Harmonic mean of coherency, 1 - complexity and 1 - drop, 0…1; None without coherency."""


@dataclass(frozen=True, slots=True)
class Localisation:
    """One map against the boxes of its target."""

    hit: bool
    """Pointing game: whether the peak is in a box, or within the tolerance of one."""
    energy: float
    """Energy-based pointing game: share (0…1) of the heat inside the boxes."""
    iou: float
    """Largest intersection over union (0…1) of the map's own box with a given one."""
    box: Rectangle | None
    """The map's own box; None without positive evidence."""
    boxes: tuple[Rectangle, ...]
    """The given boxes, at least one."""
    loc1: bool | None
    """Whether the target is the first choice and ``iou`` at least 0.5; None for a group."""
    loc5: bool | None
    """The same for the first five choices."""

    @property
    def gt_known(self) -> bool:
        """Whether ``iou`` is at least 0.5, whatever the network's choice."""
        return self.iou >= RIGHT_IOU


@dataclass(frozen=True, slots=True)
class LocalisationSummary:
    """All maps of a run by one method at one layer, against their boxes."""

    method: str
    layer: str
    maps: int
    """Maps with at least one box in view; what all shares below are of."""
    hits: int
    loc1: int
    loc5: int
    gt_known: int
    ranked: int
    """Maps that have a ``loc1`` and ``loc5``: those of classes, not of groups."""
    energy: float
    """Mean."""
    iou: float
    """Mean."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a number means."""

    name: str
    """Key, for example ``insertion``."""
    title: str
    """As written in a sentence, for example ``insertion AUC``."""
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over pictures with its percentile bootstrap interval."""

    mean: float
    low: float
    high: float
    images: int
    """Pictures that it is the mean of."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate's place by one metric."""

    method: str
    layer: str
    rank: int
    """From 1; candidates with equal means share the better place."""
    score: Interval
    """Of the metric itself, at 95 %."""
    behind: Interval | None
    """How much better the first one is, over the pictures that both have a value for: never a
    matter of sign, positive is in favour of the first. At 95 % for all candidates together
    (Bonferroni: each at 1 - 0.05 / number of comparisons). None for the first itself, and where
    the two have no picture in common."""

    @property
    def candidate(self) -> Candidate:
        """The method and the layer."""
        return self.method, self.layer

    @property
    def is_behind(self) -> bool:
        """Whether the first is better beyond what chance among the pictures explains."""
        behind = self.behind
        return behind is not None and behind.images >= MIN_IMAGES and behind.low > 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """All candidates by one metric, best first."""

    metric: Metric
    standings: tuple[Standing, ...]
    images: int
    """Pictures with a value for at least one candidate."""

    @property
    def leaders(self) -> tuple[Standing, ...]:
        """The first, and all that are not shown to be behind it."""
        return tuple(row for row in self.standings if row.rank == 1 or not row.is_behind)
