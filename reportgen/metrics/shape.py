"""Complexity and coherency of a map, and their harmonic mean with the average drop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from reportgen.metrics.common import masks_of

if TYPE_CHECKING:
    from reportgen.values import Float32Array

Explainer = Callable[[Tensor], "Sequence[Float32Array]"]
"""From inputs ``(N, 3, H, W)`` to one raw map ``(height, width)`` each: of the same targets, by the
same method at the same layer as the maps that it is compared with."""


def complexities(masks: Tensor) -> tuple[float, ...]:
    """Return how much of the picture each map lights up.

    ``Complexity = ‖mask‖₁ / (H W)`` ([1]_), 0…1: lower says the same with less. It is
    the mean of the map, as in ``pytorch_grad_cam.metrics.arcc.Complexity``.

    Parameters
    ----------
    masks
        ``(K, H, W)``, 0…1, from `masks_of`.

    References
    ----------
    .. [1] S. Poppi, M. Cornia, L. Baraldi, R. Cucchiara, "Revisiting the Evaluation of Class
       Activation Mapping for Explainability: A Novel Metric and Experimental Analysis", CVPR
       Workshops 2021.
    """
    return tuple(masks.abs().double().mean(dim=(1, 2)).tolist())


def coherencies(explain_again: Explainer, pictures: Tensor, masks: Tensor) -> tuple[float, ...]:
    """Compare each map with the map of the picture seen through it.

    ``Coherency = (r(CAM(x), CAM(CAM(x) ∘ x)) + 1) / 2`` with Pearson's r over pixels (Poppi et
    al., 2021), 0…1: 1 where showing what matters leaves what matters the same. Both
    maps are compared as drawn over the input.

    Where one of the two is constant, as a map without positive evidence is, r does not exist; the
    authors' code then counts 0, and so does this. ``pytorch_grad_cam.metrics.arcc.Coherency``
    comes to 0.5 there, as if r were 0.

    Parameters
    ----------
    explain_again
        Gives a map of each input.
    pictures
        ``(N, 3, H, W)``, normalised, on the network's device.
    masks
        ``(N, H, W)``, 0…1, from `masks_of`: one map of each picture.

    Returns
    -------
    One per picture. It takes N forward and N backward passes.

    Raises
    ------
    ValueError
        If a second map is not finite.
    """
    again = explain_again(pictures * masks.to(pictures)[:, None])
    second = masks_of(again, (masks.shape[2], masks.shape[1]))
    return tuple(
        _coherency(one.double().numpy(), other.double().numpy())
        for one, other in zip(masks.cpu(), second, strict=True)
    )


def _coherency(one: np.ndarray[tuple[int, ...]], other: np.ndarray[tuple[int, ...]]) -> float:
    if min(np.ptp(one), np.ptp(other)) <= 0:
        return 0.0
    first, second = one - one.mean(), other - other.mean()
    spread = math.sqrt(float(np.vdot(first, first)) * float(np.vdot(second, second)))
    return (min(1.0, max(-1.0, float(np.vdot(first, second)) / spread)) + 1) / 2


def adcc(drop: float, coherency: float, complexity: float) -> float:
    """Return the harmonic mean of coherency, simplicity and confidence kept.

    ``ADCC = 3 (1 / Coherency + 1 / (1 - Complexity) + 1 / (1 - AverageDrop))⁻¹`` (Poppi et al.,
    2021), 0…1, all three arguments 0…1; 0 where one of its parts is 0, the limit.
    The authors' published code lacks the power of minus one.
    """
    parts = (coherency, 1 - complexity, 1 - drop)
    return 0.0 if min(parts) <= 0 else len(parts) / sum(1 / part for part in parts)
