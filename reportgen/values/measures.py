"""Numbers about maps, and about predictions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeatReading:
    """Where the heat of one map lies, measured on the map as it is drawn over the view."""

    method: str
    layer: str
    quadrants: tuple[float, float, float, float]
    """Share of the heat in the upper left, upper right, lower left and lower right; sums to 1."""
    centroid: tuple[float, float]
    """Centre of mass as ``(x, y)`` fractions (0…1) of the view from its upper left corner."""
    area: float
    """Share (0…1) of the view where the map reaches half of its peak or more."""
    border: float
    """Share (0…1) of the heat in the outer tenth of the view on each side, which is 36 % of it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two maps are as drawn over the view."""

    first: str
    """Name of the first method, or of the first target."""
    second: str
    method: str
    """The method compared; of two methods the second one's name."""
    layer: str
    """Layer of the second map."""
    correlation: float
    """Pearson's r over all pixels of the view, -1…1; NaN where a map is constant."""
    overlap: float
    """Intersection over union (0…1) of the two areas at half of the peak or more."""
    shared: float
    """Share (0…1) of the heat in common: the sum over pixels of the smaller of both maps, each
    divided by its own sum."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the numbers say of one target's maps."""

    heats: tuple[HeatReading, ...]
    """One per method, at its deepest layer; without those that have no positive evidence."""
    methods_agree: Agreement | None
    """The first two methods compared; None where one of them has no map."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How the pictures of one true class were classified."""

    index: int
    category: str
    images: int
    """Pictures with this label."""
    right: int
    """Of those, the ones whose first choice it is."""
    predicted: int
    """Labelled pictures whose first choice it is, whatever their label."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """First choices against labels, over the labelled pictures of a run."""

    images: int
    right: int
    in_top: int
    """Pictures whose true class is among the first ``top`` choices."""
    top: int
    unlabelled: int
    classes: tuple[ClassCount, ...]
    """Every class that occurs as a label or as a first choice, by index."""
    confusion: tuple[tuple[int, ...], ...] | None
    """Row by true class, column by first choice, both as in ``classes``; None where there are
    more than `MAX_CONFUSION` of them."""

    @property
    def accuracy(self) -> float:
        """Share (0…1) of labelled pictures whose first choice is right."""
        return self.right / self.images


MAX_CONFUSION = 50
"""Classes above which a confusion matrix can no longer be read."""
