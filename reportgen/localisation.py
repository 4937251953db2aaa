"""Whether the heat is on the object: maps against boxes, over the pixels that the model saw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.normalise import map_state, normalise
from reportgen.values import RIGHT_IOU, Localisation, LocalisationSummary, MapState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from reportgen.boxes import Box
    from reportgen.values import (
        Candidate,
        ClassMap,
        Float32Array,
        Rectangle,
        Size,
        Target,
        ViewGeometry,
    )

THRESHOLD = 0.15
"""Share of its peak that a map exceeds in what becomes its box (Grad-CAM, Layer-CAM)."""

TOP = 5


@dataclass(frozen=True, slots=True)
class BoxesInView:
    """The boxes of one target, over the pixels that the model saw."""

    boxes: tuple[Rectangle, ...]
    """Clipped to the view."""
    clipped: int
    """How many of these reach beyond the view, and are only in part in it."""
    lost: int
    """How many others lie outside altogether, cut away by the centre crop."""


# -- boxes in the view -----------------------------------------------------------------------


def boxes_of(boxes: Iterable[Box], target: Target) -> tuple[Box, ...]:
    """Return the boxes that hold for a target: of its class or classes, or of no class."""
    return tuple(
        box for box in boxes if box.class_index is None or box.class_index in target.classes
    )


def to_view(boxes: Iterable[Box], geometry: ViewGeometry) -> BoxesInView:
    """Map boxes from the original to the view.

    ``x_view = x · resized_width / original_width - crop_left``, the same for y; then cut off at
    the edges of the view, and at those of the picture, so that no box reaches into padding.

    Parameters
    ----------
    boxes
        In pixels of the original.
    geometry
        Where the view lies in the original.
    """
    across = geometry.resized[0] / geometry.original[0]
    down = geometry.resized[1] / geometry.original[1]
    left, right = _shown(geometry.resized[0], geometry.crop_left, geometry.view[0])
    top, bottom = _shown(geometry.resized[1], geometry.crop_top, geometry.view[1])
    found: list[Rectangle] = []
    clipped = lost = 0
    for box in boxes:
        whole = (
            box.xmin * across - geometry.crop_left,
            box.ymin * down - geometry.crop_top,
            box.xmax * across - geometry.crop_left,
            box.ymax * down - geometry.crop_top,
        )
        inside = (
            max(whole[0], left),
            max(whole[1], top),
            min(whole[2], right),
            min(whole[3], bottom),
        )
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            lost += 1
            continue
        clipped += inside != whole
        found.append(inside)
    return BoxesInView(tuple(found), clipped, lost)


def _shown(resized: int, offset: int, view: int) -> tuple[int, int]:
    """Return where along one axis of the view the picture begins and ends."""
    return max(0, -offset), min(view, resized - offset)


# -- measures --------------------------------------------------------------------------------


def localise(
    source: ClassMap,
    target: Target,
    boxes: Sequence[Rectangle],
    view: Size,
    *,
    tolerance: float = 0.0,
) -> Localisation:
    """Measure one map against the boxes of its target.

    Everything is of the map as drawn over the view: divided by its maximum, resized bilinearly,
    without what is below zero. A map without positive evidence hits nothing.

    - Pointing game ([1]_): hit if the peak is in a box. With a ``tolerance``, also if a pixel of a
      box lies no further from the peak than that; the paper allows 15 pixels. (TorchRay takes
      ``<``, and so with 0 never hits.) Of several equal peaks the first, row by row, counts.
    - Energy-based pointing game ([2]_): ``Σ_(i,j)∈box L_ij / Σ_ij L_ij``; of several boxes their
      union counts.
    - Box of the map ([3]_): the map where it exceeds `THRESHOLD` of its peak; the box around the
      largest connected segment, connected over corners too, of equal ones the uppermost. Against
      the given boxes by ``IoU = |A ∩ B| / |A ∪ B|``, the best of them.
    - loc1, loc5, GT-known ([3]_, [4]_, as ILSVRC counts): IoU of at least 0.5, and the class among
      the first one, or five, choices; GT-known without regard to choices. This is the accuracy;
      the papers print the error, one minus it.

    Layer-CAM's published evaluation differs in that it averages ten crops, works on the original
    picture, and takes the largest box of a contour instead of that of the largest segment.

    Parameters
    ----------
    source
        The raw map.
    target
        What it explains; its rank decides about loc1 and loc5.
    boxes
        Boxes of this target over the view, from `to_view`; at least one.
    view
        Size of the view, ``(width, height)``.
    tolerance
        Pixels of the view, 0 or more.

    Raises
    ------
    ValueError
        If there is no box, or the tolerance is negative.

    References
    ----------
    .. [1] J. Zhang, Z. Lin, J. Brandt, X. Shen, S. Sclaroff, "Top-down Neural Attention by
       Excitation Backprop", ECCV 2016.
    .. [2] H. Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
       Networks", CVPR Workshops 2020.
    .. [3] R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
       Gradient-based Localization", ICCV 2017.
    .. [4] P.-T. Jiang, C.-B. Zhang, Q. Hou, M.-M. Cheng, Y. Wei, "LayerCAM: Exploring
       Hierarchical Class Activation Maps for Localization", IEEE TIP 2021.
    """
    if not boxes or tolerance < 0:
        raise ValueError(
            f"expected at least one box and a tolerance from 0, found {len(boxes)} and {tolerance}",
        )
    drawn = _drawn(source.values, view)
    own = None if drawn is None else heat_box(drawn)
    best = 0.0 if own is None else max(iou(own, box) for box in boxes)
    return Localisation(
        hit=drawn is not None and _points_at(drawn, boxes, tolerance),
        energy=0.0 if drawn is None else _energy(drawn, boxes),
        iou=best,
        box=own,
        boxes=tuple(boxes),
        loc1=_located(target.rank, 1, best),
        loc5=_located(target.rank, TOP, best),
    )


def _located(rank: int | None, top: int, best: float) -> bool | None:
    return None if rank is None else rank <= top and best >= RIGHT_IOU


def _drawn(values: Float32Array, view: Size) -> Float32Array | None:
    """Return the map as drawn, ``(height, width)`` float32 ≥ 0, or None with nothing to show."""
    if map_state(values) is not MapState.SHOWN:
        return None
    resized = cv2.resize(normalise(values), view, interpolation=cv2.INTER_LINEAR)
    drawn: Float32Array = np.maximum(resized, 0)
    # A view smaller than the map may fall between its few hot places.
    return drawn if drawn.max() > 0 else None


def heat_box(drawn: Float32Array) -> Rectangle:
    """Return the box around the largest segment that exceeds `THRESHOLD` of the peak.

    Parameters
    ----------
    drawn
        ``(height, width)`` float32 with a positive maximum.
    """
    hot = (drawn > THRESHOLD * drawn.max()).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(hot, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]  # row 0 is the background
    largest = stats[1:][areas == areas.max()]
    segment = min(largest, key=lambda row: (row[cv2.CC_STAT_TOP], row[cv2.CC_STAT_LEFT]))
    left, top = int(segment[cv2.CC_STAT_LEFT]), int(segment[cv2.CC_STAT_TOP])
    width, height = int(segment[cv2.CC_STAT_WIDTH]), int(segment[cv2.CC_STAT_HEIGHT])
    return float(left), float(top), float(left + width), float(top + height)


def iou(one: Rectangle, other: Rectangle) -> float:
    """Return the intersection of two rectangles over their union, 0…1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Rectangle) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _points_at(drawn: Float32Array, boxes: Iterable[Rectangle], tolerance: float) -> bool:
    row, column = divmod(int(drawn.argmax()), drawn.shape[1])
    for box in boxes:
        rows, columns = _pixels(box, drawn.shape)
        beside = max(columns.start - column, 0, column - (columns.stop - 1))
        above = max(rows.start - row, 0, row - (rows.stop - 1))
        if math.hypot(beside, above) <= tolerance:
            return True
    return False


def _energy(drawn: Float32Array, boxes: Iterable[Rectangle]) -> float:
    inside: NDArray[np.bool_] = np.zeros(drawn.shape, dtype=np.bool_)
    for box in boxes:
        inside[_pixels(box, drawn.shape)] = True
    return float(drawn[inside].sum(dtype=np.float64) / drawn.sum(dtype=np.float64))


def _pixels(box: Rectangle, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return rows and columns of the pixels whose centres are in a box, at least one of each.

    A box that falls between two centres has the pixel that its own centre lies in.
    """
    return _axis(box[1], box[3], shape[0]), _axis(box[0], box[2], shape[1])


def _axis(low: float, high: float, side: int) -> slice:
    first, last = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first >= last:
        first = int((low + high) / 2)
        last = first + 1
    first = min(max(first, 0), side - 1)
    return slice(first, max(first + 1, min(last, side)))


# -- over a run ------------------------------------------------------------------------------


def summarise(
    found: Iterable[tuple[Candidate, Localisation]],
) -> tuple[LocalisationSummary, ...]:
    """Count over all maps of a run.

    Parameters
    ----------
    found
        Method and layer of every map that was measured, with what was found.

    Returns
    -------
    One per method and layer, in the order in which they first come.
    """
    by_place: dict[tuple[str, str], list[Localisation]] = {}
    for place, item in found:
        by_place.setdefault(place, []).append(item)
    return tuple(_summary(*place, items) for place, items in by_place.items())


def _summary(method: str, layer: str, items: Sequence[Localisation]) -> LocalisationSummary:
    return LocalisationSummary(
        method=method,
        layer=layer,
        maps=len(items),
        hits=sum(item.hit for item in items),
        loc1=sum(item.loc1 is True for item in items),
        loc5=sum(item.loc5 is True for item in items),
        gt_known=sum(item.gt_known for item in items),
        ranked=sum(item.loc1 is not None for item in items),
        energy=math.fsum(item.energy for item in items) / len(items),
        iou=math.fsum(item.iou for item in items) / len(items),
    )
