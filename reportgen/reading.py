"""Measure maps as they are drawn over the view: where the heat lies, and how alike two maps are.

All numbers are of the drawn map: divided by its maximum, resized bilinearly to the view, before it
is coloured. None of them depends on the scale of the raw map. The share of heat in a region is the
sum of the drawn map there over its sum everywhere.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.normalise import map_state, normalise
from reportgen.values import Agreement, HeatReading, MapState, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from reportgen.values import ClassMap, Float32Array, Size, TargetMaps

BORDER = 0.1
"""Share of the view's width and height, on each side, that is its border."""

COMPARED_SIDE = 56
"""Longest side in pixels at which the maps of several layers are compared."""

PEAK_SHARE = 0.5
"""Share of its peak that a map reaches in what counts as its area."""

_FLAT = 1e-6
"""Range, as a share of its peak, up to which a drawn map is constant: rounding leaves as much."""


def read_maps(
    maps: Sequence[ClassMap], view: Size, heats: Sequence[HeatReading | None] | None = None
) -> Reading:
    """Measure the deepest map of every method.

    Parameters
    ----------
    maps
        Raw maps of one target, each method's from shallow to deep.
    view
        Size of the picture that they are drawn on.
    heats
        What `read_map` says of each of them, where that is known.

    Returns
    -------
    One `HeatReading` per method whose deepest map has something to show, in the order that the
    methods come in, and the first two methods compared where both have one.
    """
    known = heats if heats is not None else [read_map(raw, view) for raw in maps]
    deepest = {raw.method: (raw, heat) for raw, heat in zip(maps, known, strict=True)}
    agree = None
    if len(deepest) > 1:
        first, second, *_ = deepest
        one, other = (_drawn(deepest[method][0], view) for method in (first, second))
        if one is not None and other is not None:
            agree = _agreement((first, second), deepest[second][0], one, other)
    found = tuple(heat for _raw, heat in deepest.values() if heat is not None)
    return Reading(heats=found, methods_agree=agree)


def read_map(raw: ClassMap, view: Size) -> HeatReading | None:
    """Measure one map as drawn over a view of size ``view``; None where it has nothing to show."""
    drawn = _drawn(raw, view)
    return None if drawn is None else _heat(raw, drawn)


def peak_place(raw: ClassMap) -> tuple[float, float]:
    """Return the middle of the cell where ``raw`` is highest, the first of several.

    As ``(x, y)`` fractions (0…1) of the map from its upper left corner.
    """
    height, width = raw.values.shape
    row, column = divmod(int(raw.values.argmax()), width)
    return (column + 0.5) / width, (row + 0.5) / height


def layers_agree(maps: Sequence[ClassMap], view: Size) -> float | None:
    """Say how alike the maps of one method at several layers are.

    Parameters
    ----------
    maps
        Raw maps of one target, each method's from shallow to deep.
    view
        Size of the picture that they are drawn on.

    Returns
    -------
    Mean Pearson's r, -1…1, of the deepest map and each of the others, of the first method that has
    several; None where fewer than two can be compared. The maps are compared at `COMPARED_SIDE`
    pixels at most, as neighbouring pixels of an enlarged map say the same.
    """
    by_method: dict[str, list[ClassMap]] = {}
    for raw in maps:
        by_method.setdefault(raw.method, []).append(raw)
    several = next((found for found in by_method.values() if len(found) > 1), [])
    scale = min(1.0, COMPARED_SIDE / max(view))
    size = max(1, round(view[0] * scale)), max(1, round(view[1] * scale))
    drawn = [values for raw in several if (values := _drawn(raw, size)) is not None]
    found = [correlation(values, drawn[-1]) for values in drawn[:-1]]
    known = [value for value in found if math.isfinite(value)]
    return sum(known) / len(known) if known else None


def compare_targets(targets: Sequence[TargetMaps], view: Size) -> tuple[Agreement, ...]:
    """Compare every two targets by the deepest map of every method.

    Parameters
    ----------
    targets
        The targets of one picture with their raw maps.
    view
        Size of the picture that the maps are drawn on.

    Returns
    -------
    Pair by pair in the order of the targets, and within a pair method by method; without the maps
    that have nothing to show.
    """
    if len(targets) < 2:  # noqa: PLR2004 - a pair
        return ()
    deepest = [_deepest(item.maps) for item in targets]
    drawn = [
        {method: _drawn(raw, view) for method, raw in of_target.items()} for of_target in deepest
    ]
    found = []
    for first, second in combinations(range(len(targets)), 2):
        names = targets[first].target.name, targets[second].target.name
        for method, one in drawn[first].items():
            other = drawn[second].get(method)
            if one is not None and other is not None:
                found.append(_agreement(names, deepest[second][method], one, other))
    return tuple(found)


def _deepest(maps: Iterable[ClassMap]) -> dict[str, ClassMap]:
    """Return the last map of every method, methods in the order they come in."""
    return {raw.method: raw for raw in maps}


def _drawn(raw: ClassMap, view: Size) -> Float32Array | None:
    """Return the map as drawn, ``(height, width)`` float32 ≥ 0, or None with nothing to show."""
    if map_state(raw.values) is not MapState.SHOWN:
        return None
    drawn: Float32Array = cv2.resize(  # type: ignore[assignment]
        normalise(raw.values), view, interpolation=cv2.INTER_LINEAR
    )
    np.maximum(drawn, 0, out=drawn)
    # A view smaller than the map may fall between its few hot places.
    return drawn if drawn.max() > 0 else None


def _heat(raw: ClassMap, drawn: Float32Array) -> HeatReading:
    height, width = drawn.shape
    # Sums over the view weighted along both axes, the weights' names being the table's indices.
    table = _weights(height) @ drawn.astype(np.float64) @ _weights(width).T
    whole, half, inner, place = range(4)
    table /= table[whole, whole]
    upper_left = float(table[half, half])
    in_upper, in_left = float(table[half, whole]), float(table[whole, half])
    quadrants = (
        upper_left,
        in_upper - upper_left,
        in_left - upper_left,
        1 - in_upper - in_left + upper_left,
    )
    return HeatReading(
        method=raw.method,
        layer=raw.layer,
        # Differences of sums may leave −1e-17 where nothing is.
        quadrants=tuple(max(0.0, share) for share in quadrants),  # type: ignore[arg-type]
        centroid=(float(table[whole, place]), float(table[place, whole])),
        area=np.count_nonzero(_hot(drawn)) / drawn.size,
        border=max(0.0, 1 - float(table[inner, inner])),
    )


@lru_cache(maxsize=64)  # two per size of the view
def _weights(length: int) -> NDArray[np.float64]:
    """Return what the rows (or columns) of a view count in each sum over it.

    Returns
    -------
    ``(4, length)`` float64: 1 each; 1 in the first half, 0.5 for a row at the middle, else 0; 1
    inside the border, a part at its edge, else 0; the place of the row's centre, 0…1.
    """
    places = np.arange(length)
    edge = BORDER * length
    inside = np.clip(places + 1 - edge, 0, 1) * np.clip(length - edge - places, 0, 1)
    half = np.clip(length / 2 - places, 0, 1)
    return np.stack([np.ones(length), half, inside, (places + 0.5) / length])


def _hot(drawn: Float32Array) -> NDArray[np.bool_]:
    """Return where the map reaches `PEAK_SHARE` of its peak."""
    hot: NDArray[np.bool_] = drawn >= PEAK_SHARE * drawn.max()
    return hot


def _agreement(
    names: tuple[str, str],
    raw: ClassMap,
    one: Float32Array,
    other: Float32Array,
) -> Agreement:
    """Compare two drawn maps; ``raw`` is what the second was drawn from."""
    hot_one, hot_other = _hot(one), _hot(other)
    both = int(np.count_nonzero(hot_one & hot_other))
    either = int(np.count_nonzero(hot_one | hot_other))
    sums = float(one.sum(dtype=np.float64)), float(other.sum(dtype=np.float64))
    smaller = np.minimum(one * np.float32(1 / sums[0]), other * np.float32(1 / sums[1]))
    return Agreement(
        first=names[0],
        second=names[1],
        method=raw.method,
        layer=raw.layer,
        correlation=correlation(one, other),
        overlap=both / either,
        shared=min(1.0, float(smaller.sum(dtype=np.float64))),
    )


def correlation(one: Float32Array, other: Float32Array) -> float:
    """Return Pearson's r over all pixels, −1…1; NaN where a map is constant."""
    if any(np.ptp(drawn) <= _FLAT * drawn.max() for drawn in (one, other)):
        return math.nan
    first = one - one.mean(dtype=np.float64)
    second = other - other.mean(dtype=np.float64)
    spread = math.sqrt(float(np.vdot(first, first)) * float(np.vdot(second, second)))
    return min(1.0, max(-1.0, float(np.vdot(first, second)) / spread))
