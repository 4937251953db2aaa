"""The first choice against the class that was, or might have been, the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reportgen.encode import grey_png
from reportgen.values import Contrast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import ClassMap, TargetMaps, TrueClass


def contrast(targets: Sequence[TargetMaps], label: TrueClass | None) -> Contrast | None:
    """Subtract the map of one target from that of another, in raw values.

    Parameters
    ----------
    targets
        All of one picture, with their maps, each method's from shallow to deep.
    label
        What the picture shows, where that is known.

    Returns
    -------
    The first method's deepest map of the first choice, less that of the true class, or where the
    first choice is the true class, or nothing is known, of the next choice. None with fewer than
    two targets, and where the maps are not finite or the same.
    """
    if len(targets) < 2:  # noqa: PLR2004 - a pair
        return None
    first, second = _pair(targets, label)
    one = _deepest(targets[first])
    other = next(raw for raw in targets[second].maps if _place(raw) == _place(one))
    difference = one.values.astype(np.float64) - other.values
    peak = float(np.abs(difference).max())
    if not np.isfinite(peak) or peak == 0:
        return None
    levels = np.rint(127.5 + 127.5 * difference / peak).astype(np.uint8)
    return Contrast(first, second, one.method, one.layer, grey_png(levels), peak)


def _pair(targets: Sequence[TargetMaps], label: TrueClass | None) -> tuple[int, int]:
    """Return the places of the two targets."""
    by_rank = sorted(range(len(targets)), key=lambda place: _rank(targets[place]))
    first, second = by_rank[:2]
    for place, item in enumerate(targets):
        if label is not None and item.target.classes == (label.index,) and place != first:
            second = place
    return first, second


def _rank(item: TargetMaps) -> float:
    """Return the target's place among all choices; groups come after, in the order given."""
    return float("inf") if item.target.rank is None else item.target.rank


def _deepest(item: TargetMaps) -> ClassMap:
    return [raw for raw in item.maps if raw.method == item.maps[0].method][-1]


def _place(raw: ClassMap) -> tuple[str, str]:
    return raw.method, raw.layer
