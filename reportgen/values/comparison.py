"""Two or more finished runs over the same images, compared.

Everything that is given per run is a tuple in the order of `Comparison.runs`, with None where a
run lacks it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.values.evidence import Caution
    from reportgen.values.maps import MapState, Prediction, Target
    from reportgen.values.measures import Evaluation
    from reportgen.values.pictures import Size
    from reportgen.values.records import Box, Picture, TrueClass
    from reportgen.values.report import Palette, RunInfo


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the runs."""

    letter: str
    """``A`` for the first, ``B`` for the second and so on."""
    name: str
    """Last part of the report folder's path."""
    title: str
    run: RunInfo
    images: int
    failures: tuple[str, ...]
    """Names of the images that could not be done."""
    evaluation: Evaluation | None


@dataclass(frozen=True, slots=True)
class ComparedMap:
    """One run's map in a comparison."""

    layer: str
    peak: float
    """Raw maximum, in units of logit."""
    state: MapState
    map_size: Size
    cautions: tuple[Caution, ...]
    grey: Picture | None
    """The map, level / 255 of its peak, PNG without loss; None unless SHOWN, and where the image
    is not shown in detail."""
    smooth: Picture | None
    """The same resized bilinearly to the view, a grey JPEG, where ``grey`` is coarse."""


@dataclass(frozen=True, slots=True)
class MapAgreement:
    """How alike the maps of two runs are, where the views of both lie."""

    first: int
    """Place of the run in `Comparison.runs`, from 0."""
    second: int
    correlation: float
    """Pearson's r, -1…1, as in `Agreement`; NaN where a map is constant or has nothing to show."""
    overlap: float
    """Intersection over union (0…1) of the areas at half of the peak or more; 0 where only one of
    the maps has something to show, NaN where neither has."""
    one_sided: bool
    """Whether only one of the maps has something to show."""


@dataclass(frozen=True, slots=True)
class MapRow:
    """One method at one place of the network, in every run."""

    method: str
    maps: tuple[ComparedMap | None, ...]
    agreements: tuple[MapAgreement, ...]
    """Every two runs that have a map here."""


@dataclass(frozen=True, slots=True)
class ComparedTarget:
    """One explained target, in every run."""

    targets: tuple[Target | None, ...]
    same: bool
    """Whether it is one class or group; otherwise each run's own first target, for want of a
    common one."""
    rows: tuple[MapRow, ...]


@dataclass(frozen=True, slots=True)
class ComparedImage:
    """One picture, in every run that has it."""

    sha256: str
    names: tuple[tuple[str, ...], ...]
    """All names that it has in each run, the one that it is known by here first; empty where a
    run lacks it."""
    label: TrueClass | None
    predictions: tuple[tuple[Prediction, ...], ...]
    """Of each run, best first; empty where a run lacks the picture."""
    rights: tuple[bool | None, ...]
    """Whether each run's first choice is the true class; None without a label."""
    choices: tuple[int | str | None, ...]
    """The first choice of each run: its index where all networks have as many classes, otherwise
    its name; None where a run lacks the picture."""
    targets: tuple[ComparedTarget, ...]
    photo: Picture | None
    """The whole original; None where the image is not shown in detail."""
    frame: Box
    """What any run saw, in pixels of the largest of the runs' photos, which ``photo`` is."""
    boxes: tuple[Box | None, ...]
    """Where each run's view lies, in the same pixels."""

    @property
    def name(self) -> str:
        """The name in the first run that has it."""
        return next(names[0] for names in self.names if names)

    @property
    def flipped(self) -> bool:
        """Whether two runs have different first choices."""
        return len({*self.choices} - {None}) > 1

    @property
    def agreements(self) -> tuple[MapAgreement, ...]:
        """Of all its maps."""
        return tuple(
            found for target in self.targets for row in target.rows for found in row.agreements
        )

    @property
    def one_sided(self) -> bool:
        """Whether any of its maps has something to show in one run only."""
        return any(item.one_sided for item in self.agreements)

    @property
    def lowest(self) -> float:
        """The lowest correlation of any of its maps; NaN where there is none."""
        found = [item.correlation for item in self.agreements]
        return min((value for value in found if math.isfinite(value)), default=math.nan)


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One method at one place of the network in two runs, over all pictures."""

    method: str
    first: int
    second: int
    layers: tuple[str, str]
    """In the first and in the second run."""
    maps: int
    """Pairs of maps of one target that were compared."""
    one_sided: int
    """Of those, the ones of which only one map has something to show."""
    correlation: float
    """Mean over the pairs that have one; NaN where none has."""
    correlated: int
    """How many have one."""
    lowest: float
    overlap: float
    """Mean over the pairs that have one; NaN where none has."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs compared: what every output format is written from."""

    title: str
    runs: tuple[ComparedRun, ...]
    """At least two."""
    images: tuple[ComparedImage, ...]
    """Pictures that two or more runs have: those with different first choices first, then by the
    lowest correlation, one-sided maps before all others."""
    details: int
    """How many of them, from the first, are shown with their maps."""
    layers: tuple[LayerSummary, ...]
    alone: tuple[tuple[int, str], ...]
    """``(run, name)`` of every picture that one run alone has."""
    changed: tuple[str, ...]
    """Names that stand for different pictures in different runs."""
    palettes: tuple[Palette, ...]

    @property
    def flips(self) -> tuple[ComparedImage, ...]:
        """The pictures with different first choices."""
        return tuple(image for image in self.images if image.flipped)

    @property
    def labelled(self) -> bool:
        """Whether any picture has a label."""
        return any(image.label is not None for image in self.images)
