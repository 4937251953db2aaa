"""Layer-CAM maps of several layers as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import Float32Array, Size


def fuse(maps: Sequence[Float32Array], size: Size, *, gamma: float | None = None) -> Float32Array:
    r"""Return the largest value that any of the layers' maps has at each place.

    .. math::

        \hat M_l = \begin{cases} M_l / \max M_l & \text{deepest layer, or no } \gamma \\
            \tanh(\gamma \, M_l / \max M_l) & \text{the layers before it} \end{cases}, \qquad
        M = \max_l \mathrm{Up}(\hat M_l)

    Parameters
    ----------
    maps
        Raw maps of one target, ``(h, w)`` float32 ≥ 0 of any sizes, shallow to deep.
    size
        ``(width, height)`` of the view in pixels.
    gamma
        Raises the small values of the shallow maps, which the few large ones leave dark; the
        paper takes 2. None: no scaling.

    Returns
    -------
    ``(height, width)`` float32, 0…1, at the size of the view; NaN where a map is. A map without
    any positive value adds nothing.

    Notes
    -----
    Raw maxima differ by orders of magnitude from layer to layer, so each map is divided by its
    own before they are compared, as published; which map is how strong is lost with that. How
    many of the layers count as shallow the paper finds by trial; here all but the deepest do.
    As in every overlay a map is normalised first and resized bilinearly then.

    References
    ----------
    Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
    IEEE Transactions on Image Processing 30, 2021, equation 9 for the scaling, and the
    element-wise maximum after it.
    """
    if not maps:
        raise ValueError("there is no map to fuse")
    fused: Float32Array = np.zeros((size[1], size[0]), np.float32)
    for position, raw in enumerate(maps):
        if raw.max() <= 0:
            continue
        scaled = raw / raw.max()
        if gamma is not None and position < len(maps) - 1:
            scaled = np.tanh(np.float32(gamma) * scaled)
        fused = np.maximum(fused, cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR))
    return fused
