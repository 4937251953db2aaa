"""Maps of two runs laid over each other, although their views of a picture may differ.

Two networks may see different parts of one picture, at different sizes. Where both looked is known
from the geometry, and there the maps are drawn on one grid: bilinearly, as a map is resized to its
view. Where the views are the same, the grid is the view, and the numbers are those of
`reportgen.reading`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.reading import PEAK_SHARE, correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reportgen.values import Box, Float32Array, Picture, Size

MAX_SIDE = 8192
"""Longest side in cells of a map that is read: more would be a mistake, or an attack."""

MAX_GRID = 1024
"""Longest side in pixels of the grid that two maps are compared on."""

_PNG_SIZE = slice(16, 24)
"""Where a PNG has its width and its height, four bytes each."""


@dataclass(frozen=True, slots=True)
class PlacedMap:
    """One map and where it lies."""

    values: Float32Array
    """``(height, width)`` float32, 0…1, cell by cell."""
    seen: Box
    """The view as ``(left, top, width, height)``, fractions of the original picture."""
    view: Size


def decode_levels(picture: Picture) -> Float32Array:
    """Return the map that a grey PNG holds.

    Returns
    -------
    ``(height, width)`` float32: level / 255.

    Raises
    ------
    ValueError
        If it is not such a picture of the size that it is said to have.
    """
    head = picture.data[_PNG_SIZE]
    size = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
    # Before decoding, which takes memory by what the file says of itself.
    if picture.mime != "image/png" or size != picture.size or not 0 < max(size) <= MAX_SIDE:
        raise ValueError(f"a map of {picture.size} cells is not what it says")
    levels = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if levels is None:
        raise ValueError(f"a map of {picture.size} cells cannot be decoded")
    return levels.astype(np.float32) / np.float32(255)


def compare_maps(one: PlacedMap, other: PlacedMap) -> tuple[float, float]:
    """Say how alike two maps are where both networks looked.

    Parameters
    ----------
    one, other
        Maps of one picture.

    Returns
    -------
    Pearson's r over all pixels there, -1…1, NaN where a map is constant; and the intersection over
    union, 0…1, of the areas at half of the peak or more, NaN where neither has any there. The peak
    is that of the whole map as drawn over its own view. Both NaN where the views have no part of
    the picture in common.
    """
    common = intersection(one.seen, other.seen)
    if common is None:
        return math.nan, math.nan
    grid = _grid(common, one, other)
    first, second = (_drawn(item, common, grid) for item in (one, other))
    hot, also_hot = _hot(one, common, first), _hot(other, common, second)
    either = int(np.count_nonzero(hot | also_hot))
    both = int(np.count_nonzero(hot & also_hot))
    return correlation(first, second), both / either if either else math.nan


def intersection(one: Box, other: Box) -> Box | None:
    """Return the part that two boxes have in common, None where that has no area."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    width = min(one[0] + one[2], other[0] + other[2]) - left
    height = min(one[1] + one[3], other[1] + other[3]) - top
    return (left, top, width, height) if min(width, height) > 0 else None


def _grid(common: Box, one: PlacedMap, other: PlacedMap) -> Size:
    """Return the size of the common part in pixels of the view that has fewer of them there."""
    sides = [
        min(common[2 + axis] / item.seen[2 + axis] * item.view[axis] for item in (one, other))
        for axis in (0, 1)
    ]
    scale = min(1.0, MAX_GRID / max(sides))
    return max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale))


def _drawn(item: PlacedMap, part: Box, grid: Size) -> Float32Array:
    """Return a part of a map, ``(height, width)`` float32, bilinearly on ``grid``."""
    across, down = (
        _weights(
            item.values.shape[1 - axis],
            (part[axis] - item.seen[axis]) / item.seen[2 + axis],
            part[2 + axis] / item.seen[2 + axis],
            grid[axis],
        )
        for axis in (0, 1)
    )
    drawn: Float32Array = (down @ item.values @ across.T).astype(np.float32)
    return drawn


def _weights(cells: int, start: float, length: float, samples: int) -> NDArray[np.float32]:
    """Return what each cell of a row gives to each sample: bilinear, as `cv2.resize` has it.

    Parameters
    ----------
    cells
        How many the row has.
    start, length
        The part of the row that is sampled, as fractions.
    samples
        How many, each at the middle of its share.

    Returns
    -------
    ``(samples, cells)`` float32, every row with the sum 1.
    """
    places = (start + (np.arange(samples) + 0.5) / samples * length) * cells - 0.5
    places = np.clip(places, 0, cells - 1)
    lower = np.minimum(places.astype(np.int64), max(0, cells - 2))
    weights = np.zeros((samples, cells), dtype=np.float32)
    rows = np.arange(samples)
    weights[rows, lower] = 1 - (places - lower)
    if cells > 1:
        weights[rows, lower + 1] = places - lower
    return weights


def _hot(item: PlacedMap, part: Box, drawn: Float32Array) -> NDArray[np.bool_]:
    """Return where a part of a map, as drawn, reaches `PEAK_SHARE` of the whole map's peak."""
    whole = drawn
    if part != item.seen:
        scale = min(1.0, MAX_GRID / max(item.view))
        size = max(1, round(item.view[0] * scale)), max(1, round(item.view[1] * scale))
        whole = _drawn(item, item.seen, size)
    peak = float(whole.max())
    # A view smaller than the map may fall between its few hot places.
    hot: NDArray[np.bool_] = (drawn >= PEAK_SHARE * peak) & (peak > 0)
    return hot
