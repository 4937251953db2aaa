"""The one place where raw maps are normalised: for drawing, and for measuring what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reportgen.values import MapState

if TYPE_CHECKING:
    from reportgen.values import Float32Array


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
