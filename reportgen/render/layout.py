"""What belongs together on the page: panels by method, tables of pictures, cells and tiles.

Everything here takes values and returns values; how they are written is for the filters, and where
they stand is for the templates.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from itertools import groupby, islice
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reportgen.values import (
        Box,
        ClassCount,
        Evaluation,
        ImageRecord,
        MethodInfo,
        Mosaic,
        Panel,
        Picture,
        Report,
        Target,
        TargetRecord,
        ViewGeometry,
    )

ABREAST = 4
"""Targets above which a table of methods by targets is too wide to be compared at a glance."""
OVERVIEW_IMAGES = 12
"""Pictures above which one table of all of them is longer than it helps."""
MEMBERS = 8
"""Classes of a group that are named before the rest is only counted."""
COARSE = (4, 7, 10, 14, 20, 28, 40)
"""Cells along a side that a map is smoothed for on paper, where browsers draw every cell as a
block; the nearest is taken. A map of `FINE` cells or more is printed as it is."""
FINE = 48


@dataclass(frozen=True, slots=True)
class PanelGroup:
    """The panels of one method for one target, shallow to deep."""

    method: MethodInfo
    panels: tuple[Panel, ...]

    @property
    def single(self) -> bool:
        """Whether there is one panel only, which is then drawn large."""
        return len(self.panels) == 1


def by_method(panels: Iterable[Panel], methods: Sequence[MethodInfo]) -> tuple[PanelGroup, ...]:
    """Return consecutive panels of one method together, in the order they come in."""
    known = {method.name: method for method in methods}
    return tuple(
        PanelGroup(known[name], tuple(group))
        for name, group in groupby(panels, key=lambda panel: panel.method)
    )


def leading(groups: Sequence[PanelGroup]) -> PanelGroup:
    """Return the group to compare targets by: the first drawn large, or else the last."""
    return next((group for group in groups if group.single), groups[-1])


def deepest(record: TargetRecord, method: MethodInfo) -> Panel | None:
    """Return the panel of ``method`` at its deepest layer, or None where there is none."""
    return next((panel for panel in reversed(record.panels) if panel.method == method.name), None)


def compared(image: ImageRecord, methods: Sequence[MethodInfo]) -> tuple[MethodInfo, ...]:
    """Return the methods that some target of ``image`` has a panel of, in the run's order."""
    present = {panel.method for record in image.targets for panel in record.panels}
    return tuple(method for method in methods if method.name in present)


def abreast(image: ImageRecord) -> bool:
    """Return whether the targets of ``image`` fit side by side, one column each."""
    return len(image.targets) <= ABREAST


def overview(report: Report) -> tuple[Target, ...]:
    """Return the targets that head the columns of one table over all pictures, or nothing.

    There is such a table where every picture has the same two to four targets, and where the
    pictures are few.
    """
    if not 0 < len(report.images) <= OVERVIEW_IMAGES:
        return ()
    names = {tuple(item.target.name for item in image.targets) for image in report.images}
    first = tuple(item.target for item in report.images[0].targets)
    return first if len(names) == 1 and 1 < len(first) <= ABREAST else ()


def has_contrast(image: ImageRecord, method: MethodInfo) -> bool:
    """Return whether two targets of ``image`` are contrasted by ``method``."""
    return image.contrast is not None and image.contrast.method == method.name


def members(target: Target) -> tuple[str, ...]:
    """Return the first classes of a group by name, and how many more there are."""
    shown = target.members[:MEMBERS]
    rest = len(target.members) - len(shown)
    return (*shown, f"and {rest} more") if rest else shown


def has_readings(report: Report) -> bool:
    """Return whether any target of any picture has a reading, or any two are compared."""
    return any(
        image.overlaps or any(record.reading for record in image.targets) for image in report.images
    )


def averaged_to(report: Report) -> int:
    """Return how many cells along a side maps were averaged down to for the page, or 0."""
    panels = (panel for image in report.images for item in image.targets for panel in item.panels)
    return max(
        (
            max(panel.grey.size)
            for panel in panels
            if panel.grey and panel.grey.size != panel.map_size
        ),
        default=0,
    )


def is_compact(report: Report) -> bool:
    """Return whether the page has maps without pictures of them over the view."""
    panels = (panel for image in report.images for item in image.targets for panel in item.panels)
    return any(panel.grey and not panel.overlay for panel in panels)


# -- geometry --------------------------------------------------------------------------------


def unseen(geometry: ViewGeometry) -> float:
    """Return the fraction (0…1) of the original's area that the model never saw."""
    left, top, width, height = geometry.seen_fraction()
    across = max(0.0, min(1.0, left + width) - max(0.0, left))
    down = max(0.0, min(1.0, top + height) - max(0.0, top))
    return 1 - across * down


def padded(geometry: ViewGeometry) -> bool:
    """Return whether the model's view is larger than the resized picture in either direction."""
    return any(view > own for view, own in zip(geometry.view, geometry.resized, strict=True))


def squashed(image: ImageRecord) -> bool:
    """Return whether the photo has lost the original's proportions by more than rounding."""
    (width, height), original = image.photo.size, image.geometry.original
    within = 1 / width + 1 / height  # half a pixel of either side, and a little more
    return abs(math.log(width * original[1] / (height * original[0]))) > within


def stretched(picture: Picture, box: Box) -> bool:
    """Return whether ``picture`` fills ``box`` with other proportions than its own."""
    return abs(math.log(picture.size[0] * box[3] / (picture.size[1] * box[2]))) > SAME_ASPECT


SAME_ASPECT = 2e-3
"""Difference of two proportions, in logarithms, that moves no edge by half a pixel of a view."""


def hottest(grey: Picture) -> tuple[float, float]:
    """Return where the peak of a map lies, as ``(x, y)`` fractions (0…1) of its size."""
    return _hottest(grey.data)


@lru_cache(maxsize=64)  # a page says it of one map several times
def _hottest(data: bytes) -> tuple[float, float]:
    with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
        width, height = image.size
        levels = image.convert("L").tobytes()
    row, column = divmod(levels.index(max(levels)), width)
    return (column + 0.5) / width, (row + 0.5) / height


@cache
def _coarse(cells: int) -> int:
    return min(COARSE, key=lambda step: abs(math.log(step / cells)))


def look(picture: Picture, kind: str = "heat") -> str:
    """Return the classes of a grey map: what colours it, and how coarse it is, for paper."""
    cells = max(picture.size)
    if cells >= FINE:
        return kind
    return f"{kind} c{_coarse(cells)}"


# -- labels ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """One cell of the confusion matrix."""

    count: int
    share: float
    """Of all pictures of the row's class, 0…1."""
    right: bool
    """Whether the row's class is the column's."""
    predicted: str
    """The column's class."""


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """One true class."""

    true: ClassCount
    cells: tuple[ConfusionCell, ...]


def confusion_rows(evaluation: Evaluation) -> tuple[ConfusionRow, ...]:
    """Return the confusion matrix row by row, only the true classes that some picture has."""
    classes = evaluation.classes
    return tuple(
        ConfusionRow(true, tuple(_cells(true, classes, counts)))
        for true, counts in zip(classes, evaluation.confusion or (), strict=False)
        if true.images
    )


def _cells(
    true: ClassCount, classes: Iterable[ClassCount], counts: Iterable[int]
) -> Iterator[ConfusionCell]:
    for column, count in zip(classes, counts, strict=True):
        right = column.index == true.index
        yield ConfusionCell(count, count / true.images, right, column.category)


def numbered(report: Report, most: int, *, right: bool) -> tuple[tuple[int, ImageRecord], ...]:
    """Return the first ``most`` pictures classified as ``right`` says, numbered as on the page."""
    found = (
        (number, image)
        for number, image in enumerate(report.images, 1)
        if image.right is not None and image.right is right
    )
    return tuple(islice(found, most))


# -- feature maps ----------------------------------------------------------------------------


def tiles(mosaic: Mosaic) -> str:
    """Return what the script needs to name the tile under the pointer, as compact JSON."""
    plain = mosaic.order == tuple(range(len(mosaic.order)))
    record = {
        "columns": mosaic.columns,
        "tile": mosaic.tile,
        "gap": mosaic.gap,
        "size": mosaic.picture.size,
        "count": len(mosaic.order),
        "order": None if plain else mosaic.order,
        "weights": [[name, [_short(value) for value in values]] for name, values in mosaic.weights],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _short(value: float) -> float | None:
    """Return ``value`` with the three digits that are shown: a page may hold thousands."""
    return float(f"{value:.3g}") if math.isfinite(value) else None
