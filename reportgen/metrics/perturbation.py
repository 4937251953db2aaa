"""Insertion and deletion: how the probability follows when pixels come or go by their heat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from reportgen.metrics.common import has_order, saliency_ranks, scored
from reportgen.values import Curve

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reportgen.metrics.common import Scorer

STEPS = 32
"""Steps from none to all pixels. The paper's code takes 224 pixels at a time, which is 224 steps
for its pictures, and as many forward passes; a curve that is not drawn finer needs no more."""

CURVE_POINTS = 33
"""Most points that a `Curve` keeps for drawing; its area is of all points."""

BLUR_SIDE = 11
BLUR_SIGMA = 5.0
"""Side and standard deviation, in pixels, of the blur that insertion begins with."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Both curves of one map."""

    deletion: Curve
    """Pixels give way to the mean colour; a low area is better."""
    insertion: Curve
    """Pixels come into the blurred picture; a high area is better."""


def curve_counts(pixels: int, steps: int) -> tuple[int, ...]:
    """Return how many pixels are changed at each point: every ``⌈pixels / steps⌉``, then all.

    Raises
    ------
    ValueError
        If ``steps`` is below 1.
    """
    if steps < 1:
        raise ValueError(f"expected at least 1 step, found {steps}")
    return (*range(0, pixels, math.ceil(pixels / steps)), pixels)


def perturb(  # noqa: PLR0913 - the network, the picture, its maps, and what a curve consists of
    score: Scorer,
    picture: Tensor,
    masks: Tensor,
    *,
    original: float,
    steps: int = STEPS,
    batch: int = 32,
) -> tuple[Perturbation | None, ...]:
    """Delete and insert the pixels of a picture by the heat of each of its maps.

    After [1]_ and the authors' code: pixels in order of decreasing saliency; deletion
    sets them to zero in the normalised input, which is the mean colour; insertion begins with the
    picture under `blur`. The area under ``(share of pixels, probability)`` is by the trapezoidal
    rule: ``Σ (f_i - f_{i-1}) (s_i + s_{i-1}) / 2``.

    ``torchcam.metrics.DeletionInsertionMetric`` is the same for deletion; its insertion begins
    with zeros unless it is given this blur. The authors' code divides its sum by the number of
    steps, which differs where the last step is a shorter one.

    Parameters
    ----------
    score
        The network's probability of the target.
    picture
        ``(3, H, W)``, normalised, on the network's device.
    masks
        ``(K, H, W)``, 0…1, from `masks_of`.
    original
        The probability for the whole picture, 0…1.
    steps
        Steps from none to all pixels; at least 1.
    batch
        Inputs in one forward pass.

    Returns
    -------
    One per mask; None for one that is constant, since it orders nothing. Of the forward passes two
    are for all masks together, and ``2 (len(curve_counts) - 2)`` for each.

    Raises
    ------
    ValueError
        If ``steps`` or ``batch`` is below 1.

    References
    ----------
    .. [1] V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of
       Black-box Models", BMVC 2018.
    """
    ordered = [row for row, mask in enumerate(masks) if has_order(mask)]
    counts = curve_counts(masks.shape[1] * masks.shape[2], steps)
    if not ordered:
        return (None,) * len(masks)
    nothing, blurred = torch.zeros_like(picture), blur(picture[None])[0]
    ends = torch.stack([nothing, blurred])
    empty, dim = scored(score, 2, lambda start, stop: ends[start:stop], batch=batch).tolist()
    ranks = saliency_ranks(masks[ordered]).to(picture.device)
    deletion = _inner(score, (picture, nothing), ranks, counts, batch)
    insertion = _inner(score, (blurred, picture), ranks, counts, batch)
    found: list[Perturbation | None] = [None] * len(masks)
    for row, deleted, inserted in zip(ordered, deletion, insertion, strict=True):
        found[row] = Perturbation(
            deletion=_curve(counts, [original, *deleted, empty]),
            insertion=_curve(counts, [dim, *inserted, original]),
        )
    return tuple(found)


def _inner(
    score: Scorer,
    ends: tuple[Tensor, Tensor],
    ranks: Tensor,
    counts: tuple[int, ...],
    batch: int,
) -> NDArray[np.float64]:
    """Score the points between the first and the last of each curve.

    Parameters
    ----------
    score
        The network's probability of the target.
    ends
        The input at the beginning and at the end of the curve, ``(3, H, W)`` each.
    ranks
        ``(K, H, W)``: the place of every pixel by decreasing heat.
    counts
        Pixels changed at each point, the two ends among them.
    batch
        Inputs in one forward pass.

    Returns
    -------
    ``(K, len(counts) - 2)`` float64.
    """
    before, after = ends
    inner = torch.tensor(counts[1:-1], device=ranks.device)

    def inputs(start: int, stop: int) -> Tensor:
        jobs = torch.arange(start, stop, device=ranks.device)
        changed = ranks[jobs // len(inner)] < inner[jobs % len(inner), None, None]
        return torch.where(changed[:, None], after, before)

    jobs = len(ranks) * len(inner)
    return scored(score, jobs, inputs, batch=batch).reshape(len(ranks), len(inner))


def _curve(counts: tuple[int, ...], scores: list[float]) -> Curve:
    fractions = np.asarray(counts, dtype=np.float64) / counts[-1]
    values = np.asarray(scores, dtype=np.float64)
    area = float((np.diff(fractions) * (values[1:] + values[:-1])).sum() / 2)
    kept = np.arange(len(values))
    if len(kept) > CURVE_POINTS:
        # Both ends always: they are the picture itself, and what is left of it.
        kept = np.linspace(0, len(values) - 1, CURVE_POINTS).round().astype(np.intp)
    return Curve(tuple(fractions[kept].tolist()), tuple(values[kept].tolist()), area)


def blur(inputs: Tensor) -> Tensor:
    """Blur inputs as the authors of RISE do for insertion.

    Parameters
    ----------
    inputs
        ``(N, 3, H, W)``, normalised.

    Returns
    -------
    The same shape: every channel under a kernel of `BLUR_SIDE` pixels; zeros, the mean colour,
    beyond the edges.
    """
    kernel = torch.from_numpy(_blur_kernel()).to(inputs)
    channels = inputs.shape[1]
    across = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    down = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    half = len(kernel) // 2
    wide = functional.conv2d(inputs, across, padding=(0, half), groups=channels)
    return functional.conv2d(wide, down, padding=(half, 0), groups=channels)


def _blur_kernel() -> NDArray[np.float32]:
    """Return one axis of the kernel, ``(BLUR_SIDE,)`` float32 with sum 1.

    The authors filter a single pixel in a field as small as the kernel with a Gaussian that
    reaches four standard deviations, mirrored at the edges of the field. What would fall outside
    comes back in, so the kernel is flatter than a Gaussian that is cut off.
    """
    reach = int(4 * BLUR_SIGMA + 0.5)
    gaussian = np.exp(-0.5 * (np.arange(-reach, reach + 1) / BLUR_SIGMA) ** 2)
    gaussian /= gaussian.sum()
    kernel = np.zeros(BLUR_SIDE)
    for offset, weight in zip(range(-reach, reach + 1), gaussian, strict=True):
        place = (BLUR_SIDE // 2 + offset) % (2 * BLUR_SIDE)
        kernel[min(place, 2 * BLUR_SIDE - 1 - place)] += weight
    return kernel.astype(np.float32)
