"""Draw raw maps on the pixels that the model saw, and from there on the original picture.

The one place where maps are coloured.

The arithmetic is the lab's: divide by the map's own maximum, resize bilinearly to the view,
``uint8(255 · cam)``, OpenCV's colour map, ``alpha · heat + (1 - alpha) · picture``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.normalise import map_state, normalise
from reportgen.values import ClassMap, MapState, Overlay, Palette

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reportgen.values import Float32Array, Size, UInt8Array, ViewGeometry

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

DIFFERENCE = "difference"
"""Name of the palette for one map less another: its middle is zero."""


def colour(normalised: Float32Array, size: Size, colormap: str) -> UInt8Array:
    """Resize a normalised map bilinearly to ``size`` (width, height) and colour it.

    Returns
    -------
    ``(height, width, 3)`` uint8 RGB.
    """
    return _coloured(_resize(normalised, size), colormap)


def palette(colormap: str) -> UInt8Array:
    """Return the 256 colours of a colour map, lowest first, as ``(256, 3)`` uint8 RGB."""
    levels = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    return _apply(levels, colormap)[:, 0]


def palettes() -> tuple[Palette, ...]:
    """Return every colour map that a page can draw with, `DIFFERENCE` last."""
    named = [Palette(name, palette(name).tobytes()) for name in COLORMAPS]
    return (*named, Palette(DIFFERENCE, _diverging().tobytes()))


def levels(values: Float32Array) -> UInt8Array:
    """Return a raw map with something to show as grey levels.

    Returns
    -------
    ``(height, width)`` uint8, the shape of ``values``: ``round(255 · value / peak)``, 0 where it is
    negative.
    """
    return _rounded(normalise(values))


def reduced(values: Float32Array, side: int) -> UInt8Array:
    """Return `levels` of a raw map averaged down to at most ``side`` cells along each side."""
    height, width = values.shape
    size = min(width, side), min(height, side)
    averaged: Float32Array = cv2.resize(  # type: ignore[assignment]
        normalise(values), size, interpolation=cv2.INTER_AREA
    )
    return _rounded(averaged)


def enlarged(values: Float32Array, view: Size, side: int) -> UInt8Array:
    """Return `levels` of a raw map as drawn over ``view``, at most ``side`` pixels long."""
    scale = min(1.0, side / max(view))
    size = max(1, round(view[0] * scale)), max(1, round(view[1] * scale))
    return _rounded(_shrunk(normalise(values), size))


def _rounded(normalised: Float32Array) -> UInt8Array:
    return np.rint(255 * np.clip(normalised, 0, 1)).astype(np.uint8)


def _diverging() -> UInt8Array:
    """Return ``(256, 3)`` uint8 RGB from blue through white, at the middle, to red."""
    ends = np.array([[33, 102, 172], [247, 247, 247], [178, 24, 43]], dtype=np.float64)
    places = np.linspace(0, 2, 256)
    colours = [np.interp(places, [0, 1, 2], ends[:, channel]) for channel in range(3)]
    return np.stack(colours, axis=1).round().astype(np.uint8)


def _resize(normalised: Float32Array, size: Size) -> Float32Array:
    return cv2.resize(normalised, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _shrunk(normalised: Float32Array, size: Size) -> Float32Array:
    """Resize to a size below the view's: cells smaller than its pixels are averaged.

    To interpolate would step over some of them.
    """
    height, width = normalised.shape
    if width > size[0] and height > size[1]:
        return cv2.resize(normalised, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    return _resize(normalised, size)


def _coloured(values: Float32Array, colormap: str) -> UInt8Array:
    # Truncated, not rounded, as np.uint8() does in the formula that this reproduces.
    return _apply((255 * values).astype(np.uint8), colormap)


def _apply(levels: UInt8Array, colormap: str) -> UInt8Array:
    return cv2.applyColorMap(levels, _colours(colormap))  # type: ignore[return-value]


@lru_cache(maxsize=len(COLORMAPS))
def _colours(colormap: str) -> UInt8Array:
    """Return OpenCV's own 256 colours, lowest first, as ``(256, 1, 3)`` uint8 RGB."""
    every = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    bgr = cv2.applyColorMap(every, COLORMAPS[colormap])
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def draw(
    source: ClassMap, view: UInt8Array, *, alpha: float, colormap: str, shrunk: bool = False
) -> Overlay:
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
    shrunk
        Whether ``view`` is smaller than what the model saw: a map with cells smaller than its
        pixels is averaged then, as they were.

    Returns
    -------
    The overlay; without pictures where the map is zero everywhere or not finite.
    """
    state = map_state(source.values)
    if state is not MapState.SHOWN:
        return Overlay(source=source, state=state, heat=None, blend=None)
    size = view.shape[1], view.shape[0]
    resized = (_shrunk if shrunk else _resize)(normalise(source.values), size)
    heat = _coloured(resized, colormap)
    return Overlay(source=source, state=state, heat=heat, blend=_blend(heat, view, alpha))


def _blend(heat: UInt8Array, picture: UInt8Array, alpha: float) -> UInt8Array:
    return cv2.addWeighted(heat, alpha, picture, 1 - alpha, 0)  # type: ignore[return-value]


def draw_on_original(
    source: ClassMap, original: UInt8Array, geometry: ViewGeometry, *, alpha: float, colormap: str
) -> UInt8Array | None:
    """Blend a raw map with the whole original picture, mapped back through crop and resize.

    Parameters
    ----------
    source
        The raw map, at its layer's resolution.
    original
        ``(height, width, 3)`` uint8 RGB: the decoded picture, or the same picture at any other
        size. The geometry is taken as fractions of it, so that a reduced copy will do.
    geometry
        Where the model's view lies in the original.
    alpha
        Share of heat in the blend, 0…1.
    colormap
        A name in `COLORMAPS`.

    Returns
    -------
    ``(height, width, 3)`` uint8 RGB of the size of ``original``: heat where the model looked (a
    pixel counts as seen where its centre is), the plain picture elsewhere. Equal to the blend of
    `draw` where the view is the whole original at its own size. None where the map is zero
    everywhere or not finite.
    """
    if map_state(source.values) is not MapState.SHOWN:
        return None
    drawn = original.copy()
    over_view = _resize(normalise(source.values), geometry.view)
    values, seen = on_original(over_view, (original.shape[1], original.shape[0]), geometry)
    if values.size:
        drawn[seen] = _blend(_coloured(values, colormap), original[seen], alpha)
    return drawn


def on_original(
    over_view: Float32Array, size: Size, geometry: ViewGeometry
) -> tuple[Float32Array, tuple[slice, slice]]:
    """Map values given over the view back to the original's pixels.

    Pixel centres are mapped to pixel centres, by the exact ratio of each axis, and values are
    interpolated bilinearly between the centres of the view's pixels; where one pixel of the
    original covers several of the view, over its whole area. The values of padding are not used.

    Parameters
    ----------
    over_view
        ``(height, width)`` float32, the size of ``geometry.view``.
    size
        ``(width, height)`` of the original, or of a reduced copy of it.
    geometry
        Where the view lies in the original.

    Returns
    -------
    ``(height, width)`` float32 of the rectangle that the model saw, and its ``(rows, columns)`` in
    a picture of ``size``. Empty where that holds no pixel's centre.
    """
    columns = _axis(size[0], geometry.resized[0], geometry.crop_left, geometry.view[0])
    rows = _axis(size[1], geometry.resized[1], geometry.crop_top, geometry.view[1])
    half = _interpolate(over_view, rows)
    return _interpolate(half.T, columns).T, (rows.seen, columns.seen)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where to read the values for the pixels of the original, along one axis."""

    seen: slice
    """The pixels of the original whose centres lie in the view."""
    before: NDArray[np.intp]
    """``(pixels, samples)``: the view's pixel whose centre is at or before each sample."""
    after: NDArray[np.intp]
    share: Float32Array
    """``(pixels, samples)``, 0…1: how far each sample is from ``before`` to ``after``."""


@lru_cache(maxsize=64)  # the same for every map of a picture, and for pictures of one size
def _axis(side: int, resized: int, offset: int, view: int) -> _Axis:
    """Place the samples of a picture ``side`` long, seen at ``resized``, cut at ``offset``."""
    ratio = resized / side
    # More than one sample per pixel where the original's pixels are the larger ones: reading at
    # the centres alone would step over a peak of one pixel.
    samples = max(1, math.ceil(ratio))
    centres = (np.arange(side)[:, np.newaxis] + 0.5) * ratio - offset
    inside = np.flatnonzero((centres[:, 0] >= 0) & (centres[:, 0] < view))
    seen = slice(inside[0], inside[-1] + 1) if inside.size else slice(0, 0)
    spread = ((np.arange(samples) + 0.5) / samples - 0.5) * ratio
    # Indices of the view's pixels, whose centres are at 0.5, 1.5, …; held within those that show
    # the picture, as what lies beyond them is padding.
    places = np.clip(centres[seen] + spread - 0.5, max(0, -offset), min(view, resized - offset) - 1)
    before = np.floor(places).astype(np.intp)
    after = np.ceil(places).astype(np.intp)
    return _Axis(seen, before, after, (places - before).astype(np.float32))


def _interpolate(values: Float32Array, axis: _Axis) -> Float32Array:
    """Return one row per pixel of ``axis``, the mean over its samples."""
    total = np.zeros((axis.before.shape[0], values.shape[1]), dtype=np.float32)
    for before, after, share in zip(axis.before.T, axis.after.T, axis.share.T, strict=True):
        low = values[before]
        # In this form a constant stays exactly constant; the truncation to 256 levels shows it.
        total += low + (values[after] - low) * share[:, np.newaxis]
    return total / np.float32(axis.before.shape[1])


def guided_pixels(values: Float32Array, channel_order: str) -> UInt8Array:
    """Draw Guided Grad-CAM: grey where it is zero, lighter and darker where it is not.

    Parameters
    ----------
    values
        ``(3, height, width)`` float32 of either sign, in the network's channel order.
    channel_order
        ``rgb`` or ``bgr``.

    Returns
    -------
    ``(height, width, 3)`` uint8 RGB. The scale is the 99.5th percentile of the absolute values, so
    that a few extreme pixels do not leave everything else grey.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).transpose(1, 2, 0)
    ordered = finite[:, :, ::-1] if channel_order == "bgr" else finite
    scale = float(np.percentile(np.abs(ordered), 99.5)) or 1.0
    pixels: UInt8Array = np.clip(127.5 + 127.5 * ordered / scale, 0, 255).round().astype(np.uint8)
    return np.ascontiguousarray(pixels)


def colorbar(colormap: str, size: tuple[int, int] = (256, 12)) -> UInt8Array:
    """Return the colour map from 0 (left) to 1 (right) as ``(height, width, 3)`` uint8 RGB."""
    ramp = np.linspace(0, 1, size[0], dtype=np.float32)[np.newaxis, :]
    return colour(np.repeat(ramp, size[1], axis=0), size, colormap)
