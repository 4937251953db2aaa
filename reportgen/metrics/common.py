"""What every faithfulness metric begins with: maps as masks over the input, and inputs scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor

from reportgen.normalise import map_state, normalise
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reportgen.values import Float32Array, Size

Scorer = Callable[[Tensor], Tensor]
"""From inputs ``(M, 3, H, W)`` to the probability of one target, ``(M,)``, 0…1: the softmax of a
class, or its sum over the classes of a group."""


def masks_of(maps: Sequence[Float32Array], size: Size) -> Tensor:
    """Turn raw maps into masks over the network's input.

    A mask is the map as an overlay draws it, ``resize(map / max(map))`` bilinearly, without what
    is below zero. The papers that this package follows scale a map from its minimum to its
    maximum or leave the scale open; dividing by the maximum keeps zero at zero, and is the same
    wherever a map has a zero, as ReLU methods mostly do.

    Parameters
    ----------
    maps
        Raw maps, each ``(height, width)`` float32 and finite, of any resolution.
    size
        ``(width, height)`` of the input.

    Returns
    -------
    ``(maps, H, W)`` float32, 0…1; zero everywhere for a map without positive evidence.

    Raises
    ------
    ValueError
        If a map is not finite: there is nothing to measure, and no number should come of it.
    """
    masks = np.zeros((len(maps), size[1], size[0]), dtype=np.float32)
    for mask, raw in zip(masks, maps, strict=True):
        state = map_state(raw)
        if state is MapState.NOT_FINITE:
            raise ValueError("a map that is not finite cannot be measured; leave it out")
        if state is MapState.SHOWN:
            drawn = cv2.resize(normalise(raw), size, interpolation=cv2.INTER_LINEAR)
            np.clip(drawn, 0, 1, out=mask)
    return torch.from_numpy(masks)


def scored(
    score: Scorer,
    count: int,
    build: Callable[[int, int], Tensor],
    *,
    batch: int,
) -> NDArray[np.float64]:
    """Score inputs that are built only when their batch is due.

    Parameters
    ----------
    score
        The network's probability of the target.
    count
        Number of inputs in all.
    build
        From ``start`` and ``stop`` to those inputs, ``(stop - start, 3, H, W)``.
    batch
        Inputs built and scored at a time; at least 1.

    Returns
    -------
    ``(count,)`` float64.

    Raises
    ------
    ValueError
        If ``batch`` is below 1, or the scorer does not give one number per input.
    """
    if batch < 1:
        raise ValueError(f"expected at least 1 input at a time, found {batch}")
    found = np.empty(count, dtype=np.float64)
    with torch.no_grad():
        for start in range(0, count, batch):
            stop = min(start + batch, count)
            values = score(build(start, stop))
            if values.shape != (stop - start,):
                raise ValueError(
                    f"expected one score for each of {stop - start} inputs, found the shape "
                    f"{tuple(values.shape)}",
                )
            found[start:stop] = values.cpu().double().numpy()
    return found


def has_order(mask: Tensor) -> bool:
    """Say whether a mask tells any pixel from another: one that is constant orders nothing."""
    return bool(mask.min() < mask.max())


def saliency_ranks(masks: Tensor) -> Tensor:
    """Return the place of every pixel of each mask by decreasing value, from 0.

    Pixels of equal value keep the order in which they lie, row by row; a sort that is not stable
    would give other numbers on another machine.

    Parameters
    ----------
    masks
        ``(K, H, W)``.

    Returns
    -------
    ``(K, H, W)`` int64, 0…HW - 1.
    """
    order = masks.flatten(1).argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1).view_as(masks)
