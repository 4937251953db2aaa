"""Encode pixels for the report: small JPEG thumbnails and lossless PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from reportgen.values import Picture

if TYPE_CHECKING:
    from reportgen.values import UInt8Array

THUMBNAIL_SIDE = 224
"""Longest side of a thumbnail in pixels."""

_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 84, cv2.IMWRITE_JPEG_OPTIMIZE, 1)


def thumbnail(pixels: UInt8Array, side: int = THUMBNAIL_SIDE) -> Picture:
    """Shrink to at most ``side`` pixels along the longer side and encode as JPEG.

    Parameters
    ----------
    pixels
        ``(height, width, 3)`` uint8 RGB. Never enlarged.
    side
        Longest side of the result in pixels.
    """
    height, width = pixels.shape[:2]
    scale = side / max(width, height)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return Picture("image/jpeg", _encode(".jpg", pixels, _JPEG), (pixels.shape[1], pixels.shape[0]))


def png(pixels: UInt8Array) -> bytes:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss."""
    return _encode(".png", pixels, ())


def png_picture(pixels: UInt8Array) -> Picture:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss, ready to embed."""
    return Picture("image/png", png(pixels), (pixels.shape[1], pixels.shape[0]))


def _encode(suffix: str, pixels: UInt8Array, parameters: tuple[int, ...]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), parameters)
    if not done:
        raise AssertionError(f"OpenCV could not encode {pixels.shape} as {suffix}")
    return data.tobytes()
