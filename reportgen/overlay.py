"""Draw raw maps on the pixels that the model saw: the one place where maps are normalised.

The arithmetic is the lab's: divide by the map's own maximum, resize bilinearly to the view,
``uint8(255 · cam)``, OpenCV's colour map, ``alpha · heat + (1 - alpha) · picture``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.values import ClassMap, MapState, Overlay

if TYPE_CHECKING:
    from reportgen.values import Float32Array, UInt8Array

COLORMAPS: dict[str, int] = {
    "jet": cv2.COLORMAP_JET,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "plasma": cv2.COLORMAP_PLASMA,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "turbo": cv2.COLORMAP_TURBO,
    "hot": cv2.COLORMAP_HOT,
    "bone": cv2.COLORMAP_BONE,
}
"""Names accepted by ``--colormap``."""


def map_state(values: Float32Array) -> MapState:
    """Say whether a raw map has anything to show."""
    if not np.isfinite(values).all():
        return MapState.NOT_FINITE
    return MapState.SHOWN if values.max() > 0 else MapState.NO_EVIDENCE


def normalise(values: Float32Array) -> Float32Array:
    """Divide a raw map by its own maximum.

    Parameters
    ----------
    values
        ``(height, width)`` float32, finite, with a positive maximum.

    Returns
    -------
    ``(height, width)`` float32 with maximum 1.
    """
    normalised: Float32Array = values / values.max()
    return normalised


def colour(normalised: Float32Array, size: tuple[int, int], colormap: str) -> UInt8Array:
    """Resize a normalised map bilinearly to ``size`` (width, height) and colour it.

    Returns
    -------
    ``(height, width, 3)`` uint8 RGB.
    """
    resized = cv2.resize(normalised, size, interpolation=cv2.INTER_LINEAR)
    # Truncated, not rounded, as np.uint8() does in the formula that this reproduces.
    levels = (255 * resized).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, COLORMAPS[colormap]), cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def draw(source: ClassMap, view: UInt8Array, *, alpha: float, colormap: str) -> Overlay:
    """Colour a raw map and blend it with the view.

    Parameters
    ----------
    source
        The raw map, at its layer's resolution.
    view
        ``(height, width, 3)`` uint8 RGB, the pixels that the model saw.
    alpha
        Share of heat in the blend, 0…1.
    colormap
        A name in `COLORMAPS`.

    Returns
    -------
    The overlay; without pictures where the map is zero everywhere or not finite.
    """
    state = map_state(source.values)
    if state is not MapState.SHOWN:
        return Overlay(source=source, state=state, heat=None, blend=None)
    heat = colour(normalise(source.values), (view.shape[1], view.shape[0]), colormap)
    blend = cv2.addWeighted(heat, alpha, view, 1 - alpha, 0)
    return Overlay(source=source, state=state, heat=heat, blend=blend)  # type: ignore[arg-type]


def colorbar(colormap: str, size: tuple[int, int] = (256, 12)) -> UInt8Array:
    """Return the colour map from 0 (left) to 1 (right) as ``(height, width, 3)`` uint8 RGB."""
    ramp = np.linspace(0, 1, size[0], dtype=np.float32)[np.newaxis, :]
    return colour(np.repeat(ramp, size[1], axis=0), size, colormap)
