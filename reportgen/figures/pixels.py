"""The pixels of a figure's panels: the view, and maps drawn on it anew from their grey levels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from reportgen import overlay

if TYPE_CHECKING:
    from reportgen.values import Float32Array, ImageRecord, Picture, RunInfo, Size, UInt8Array

_TALLEST = 1.5
"""Height of a panel, at most, as a multiple of its column's width."""


@dataclass(frozen=True, slots=True)
class Painter:
    """Draws the maps of one picture as its report does."""

    view: UInt8Array
    """``(height, width, 3)`` uint8 RGB, the pixels that the model saw."""
    colormap: str
    alpha: float

    @property
    def size(self) -> Size:
        """Width and height of the view."""
        return self.view.shape[1], self.view.shape[0]

    def heat(self, grey: Picture) -> UInt8Array:
        """Return a map alone, ``(height, width, 3)`` uint8 RGB of the size of the view."""
        return overlay.colour(_values(grey), self.size, self.colormap)

    def overlay(self, grey: Picture) -> UInt8Array:
        """Return a map over the view, ``alpha · heat + (1 - alpha) · view``, of the same shape."""
        return cv2.addWeighted(self.heat(grey), self.alpha, self.view, 1 - self.alpha, 0)  # type: ignore[return-value]

    def contrast(self, grey: Picture) -> UInt8Array:
        """Return one map less another, ``(height, width, 3)`` uint8 RGB of the size of the view."""
        resized = cv2.resize(_values(grey), self.size, interpolation=cv2.INTER_LINEAR)
        return difference_colours()[(255 * resized).round().astype(np.uint8)]


def painter(image: ImageRecord, run: RunInfo) -> Painter:
    """Return what draws the maps of ``image`` with the run's colours."""
    return Painter(view_of(image), run.colormap, run.alpha)


def difference_colours() -> UInt8Array:
    """Return the colours of one map less another, ``(256, 3)`` uint8 RGB; the middle is zero."""
    named = {palette.name: palette.colours for palette in overlay.palettes()}
    return np.frombuffer(named[overlay.DIFFERENCE], np.uint8).reshape(256, 3)


def view_of(image: ImageRecord) -> UInt8Array:
    """Return what the model saw of a picture.

    Returns
    -------
    ``(height, width, 3)`` uint8 RGB: the record's own view, or the part of the photo that is the
    view, at the size that the model saw.
    """
    if image.view is not None:
        return pixels_of(image.view)
    photo = _open(image.photo).convert("RGB")
    left, top, width, height = image.photo_box
    box = (
        max(left, 0.0),
        max(top, 0.0),
        min(left + width, photo.width),
        min(top + height, photo.height),
    )
    # Of the very pixels where the box is as large as the view.
    return np.asarray(photo.resize(image.geometry.view, Image.Resampling.BILINEAR, box=box))


def pixels_of(picture: Picture) -> UInt8Array:
    """Decode a picture to ``(height, width, 3)`` uint8 RGB."""
    return np.asarray(_open(picture).convert("RGB"))


def _values(grey: Picture) -> Float32Array:
    """Decode a map to ``(height, width)`` float32, 0…1."""
    return np.asarray(_open(grey).convert("L"), dtype=np.float32) / np.float32(255)


def _open(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def colours_of(picture: Picture) -> UInt8Array | None:
    """Return the palette of an indexed picture, ``(colours, 3)`` uint8 RGB; None without one."""
    found = _open(picture).getpalette("RGB")
    return None if found is None else np.array(found, np.uint8).reshape(-1, 3)


def fit(size: Size, width: int, tallest: float = _TALLEST) -> Size:
    """Return ``size`` in its proportions, ``width`` wide or less where it would get too high."""
    high = width * size[1] / size[0]
    scale = min(1.0, tallest * width / high)
    return max(1, round(width * scale)), max(1, round(high * scale))


def scaled(pixels: UInt8Array, size: Size, *, cells: bool = False) -> UInt8Array:
    """Return pixels at the size that they have on the sheet.

    Parameters
    ----------
    pixels
        ``(height, width, 3)`` uint8 RGB.
    size
        Width and height; smaller is averaged by area.
    cells
        Whether every pixel keeps its edges where the picture is enlarged, instead of going over
        into the next.
    """
    if size[0] < pixels.shape[1]:
        method = cv2.INTER_AREA
    else:
        method = cv2.INTER_NEAREST if cells else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=method)  # type: ignore[return-value]
