"""Encode pixels for the report: small JPEG thumbnails, and PNG without loss."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import cv2
from PIL import Image

from reportgen.values import Picture

if TYPE_CHECKING:
    from reportgen.values import UInt8Array

THUMBNAIL_SIDE = 224
"""Longest side of a thumbnail in pixels."""

MAX_BITS = 1.1
"""Bits per pixel that a thumbnail may take: busy pictures are compressed more, so that no picture
makes a report much larger than another does."""

SMALLEST = 1024
"""Bytes that any thumbnail may take: of a tiny one, headers are the most part."""

_SMALL = (cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)

QUALITIES = (84, 78, 72, 66, 60, 54, 48, 42, 36, 30)
"""JPEG qualities in the order in which they are tried; the last is taken whatever its size."""


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


def thumbnail(
    pixels: UInt8Array, side: int = THUMBNAIL_SIDE, max_bits: float = MAX_BITS
) -> Picture:
    """Shrink to at most ``side`` pixels along the longer side and encode as JPEG.

    Parameters
    ----------
    pixels
        ``(height, width, 3)`` uint8 RGB. Never enlarged.
    side
        Longest side of the result in pixels.
    max_bits
        Bits per pixel to stay below; the first of `QUALITIES` that does is taken.
    """
    small = shrink(pixels, side)
    height, width = small.shape[:2]
    most = max(SMALLEST, max_bits * width * height / 8)
    return Picture("image/jpeg", _jpeg(_reversed(small), most), (width, height))


def _reversed(pixels: UInt8Array) -> UInt8Array:
    """Return RGB as the BGR that OpenCV writes."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def _jpeg(pixels: UInt8Array, most: float) -> bytes:
    """Encode ``(height, width, 3)`` BGR or ``(height, width)`` grey in ``most`` bytes if it can."""
    data = b""
    for quality in QUALITIES:
        data = _encode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality, *_SMALL))
        if len(data) <= most:
            break
    return data


def png(pixels: UInt8Array) -> bytes:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss."""
    return _encode(".png", _reversed(pixels), ())


def png_picture(pixels: UInt8Array) -> Picture:
    """Encode ``(height, width, 3)`` uint8 RGB pixels without loss, ready to embed."""
    return Picture("image/png", png(pixels), (pixels.shape[1], pixels.shape[0]))


def grey_png(levels: UInt8Array) -> Picture:
    """Encode ``(height, width)`` uint8 levels as a grey PNG, without loss and without metadata."""
    height, width = levels.shape
    # Rows as they are, without prediction from their neighbours: maps are mostly zeros and noise,
    # and take a fifth less room so.
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in levels), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return Picture("image/png", data, (width, height))


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a part of a PNG file."""
    size, check = len(content), zlib.crc32(name + content)
    return struct.pack(">I", size) + name + content + struct.pack(">I", check)


def grey_jpeg(levels: UInt8Array) -> Picture:
    """Encode ``(height, width)`` uint8 levels of a smooth map as a small grey JPEG."""
    data = _encode(".jpg", levels, (cv2.IMWRITE_JPEG_QUALITY, 60, *_SMALL))
    return Picture("image/jpeg", data, (levels.shape[1], levels.shape[0]))


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
    done, data = cv2.imencode(suffix, pixels, parameters)
    if not done:
        raise AssertionError(f"OpenCV could not encode {pixels.shape} as {suffix}")
    return data.tobytes()
