"""Encode pixels for the report: small JPEG thumbnails, and PNG without loss."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
from PIL import Image

from reportgen.values import Picture

if TYPE_CHECKING:
    from reportgen.values import UInt8Array

THUMBNAIL_SIDE = 224
"""Longest side of a thumbnail in pixels."""

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 84, cv2.IMWRITE_JPEG_OPTIMIZE, 1)


def shrink(pixels: UInt8Array, side: int = THUMBNAIL_SIDE) -> UInt8Array:
    """Return the picture with its longer side at most ``side`` pixels, averaged by area.

    Parameters
    ----------
    pixels
        ``(height, width, 3)`` uint8 RGB. Never enlarged.
    side
        Longest side of the result in pixels.
    """
    height, width = pixels.shape[:2]
    scale = side / max(width, height)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def thumbnail(pixels: UInt8Array, side: int = THUMBNAIL_SIDE) -> Picture:
    """Shrink to at most ``side`` pixels along the longer side and encode as JPEG.

    Parameters
    ----------
    pixels
        ``(height, width, 3)`` uint8 RGB. Never enlarged.
    side
        Longest side of the result in pixels.
    """
    small = shrink(pixels, side)
    return Picture("image/jpeg", _encode(".jpg", small, _JPEG), (small.shape[1], small.shape[0]))


def png(pixels: UInt8Array) -> bytes:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss."""
    return _encode(".png", pixels, ())


def png_picture(pixels: UInt8Array) -> Picture:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss, ready to embed."""
    return Picture("image/png", png(pixels), (pixels.shape[1], pixels.shape[0]))


def indexed_png(levels: UInt8Array, palette: UInt8Array) -> Picture:
    """Encode levels with the colours they stand for: about half the size that RGB would have.

    Parameters
    ----------
    levels
        ``(height, width)`` uint8, indices of ``palette``.
    palette
        ``(256, 3)`` uint8 RGB.

    Returns
    -------
    A PNG with a palette and no metadata: the same pixels give the same bytes.
    """
    image = Image.fromarray(levels)
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return Picture("image/png", buffer.getvalue(), (levels.shape[1], levels.shape[0]))


def _encode(suffix: str, pixels: UInt8Array, parameters: tuple[int, ...]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), parameters)
    if not done:
        raise AssertionError(f"OpenCV could not encode {pixels.shape} as {suffix}")
    return data.tobytes()
