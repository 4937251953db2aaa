"""Encode pixels for the report: small JPEG thumbnails, and PNG without loss."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from reportgen.values import Picture

if TYPE_CHECKING:
    from reportgen.values import UInt8Array

THUMBNAIL_SIDE = 224
"""Longest side of a thumbnail in pixels."""

INTERPOLATED = 0.6
"""Scale from which on a picture is interpolated. Each pixel along an axis then counts a third,
``2 - 1/0.6``, or more in what is made of it; at a half, some would be left out."""

MAX_BITS = 1.1
"""Bits per pixel that a thumbnail may take: busy pictures are compressed more, so that no picture
makes a report much larger than another does."""

SMALLEST = 1024
"""Bytes that any thumbnail may take: of a tiny one, headers are the most part."""

# Not progressive: at this size that is three times the work, for files that are no smaller.
_SMALL = (cv2.IMWRITE_JPEG_OPTIMIZE, 1)

QUALITIES = (84, 78, 72, 66, 60, 54, 48, 42, 36, 30)
"""JPEG qualities, best first; the last is taken whatever its size."""

LAST = len(QUALITIES) - 1

SURELY = 0.97
"""Share of the bytes that a picture may take below which a better quality is worth a try."""

_PROBE = 60
"""Quality at which a picture is encoded once, without optimisation, to guess its other sizes."""

_SHARES = (1.48, 1.25, 1.09, 0.98, 0.89, 0.83, 0.77, 0.71, 0.65, 0.58)
"""Size at each of `QUALITIES` over that of the probe: means over photos and overlays of them,
from which single pictures differ by 5 %. A guess to begin at; what is taken has been measured."""


def shrink(pixels: UInt8Array, side: int = THUMBNAIL_SIDE) -> UInt8Array:
    """Return the picture with its longer side at most ``side`` pixels.

    Averaged by area; interpolated, which is faster, where that takes in every pixel as well.

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
    near = min(size[0] / width, size[1] / height) >= INTERPOLATED
    way = cv2.INTER_LINEAR if near else cv2.INTER_AREA
    return cv2.resize(pixels, size, interpolation=way)  # type: ignore[return-value]


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
        Bits per pixel to stay below; about the first of `QUALITIES` that does is taken.
    """
    return Thumbnails(max_bits)(shrink(pixels, side))


class Thumbnails:
    """Encodes pictures of one size that are alike, such as the overlays of one photo, as JPEG.

    The quality of each is looked for where that of the one before was found.

    Parameters
    ----------
    max_bits
        Bits per pixel to stay below.
    """

    def __init__(self, max_bits: float = MAX_BITS) -> None:
        self._max_bits = max_bits
        self._place: int | None = None

    def __call__(self, pixels: UInt8Array) -> Picture:
        """Encode ``(height, width, 3)`` uint8 RGB."""
        height, width = pixels.shape[:2]
        most = max(SMALLEST, self._max_bits * width * height / 8)
        bgr = _reversed(pixels)
        data, self._place = _jpeg(
            bgr, most, _guess(bgr, most) if self._place is None else self._place
        )
        return Picture("image/jpeg", data, (width, height))


def _reversed(pixels: UInt8Array) -> UInt8Array:
    """Return RGB as the BGR that OpenCV writes."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def _jpeg(pixels: UInt8Array, most: float, place: int) -> tuple[bytes, int]:
    """Encode ``(height, width, 3)`` BGR in ``most`` bytes if it can, and say at which quality.

    Begins at ``place`` and goes where the usual sizes lead from there; a better quality is tried
    once, where it will most likely do.
    """
    data = _at_quality(pixels, place)
    likely = _likely(len(data) / _SHARES[place], SURELY * most)
    if likely < place and len(data) <= most:
        better = _at_quality(pixels, likely)
        return (better, likely) if len(better) <= most else (data, place)
    while len(data) > most and place + 1 < len(QUALITIES):
        place = max(place + 1, _likely(len(data) / _SHARES[place], most))
        data = _at_quality(pixels, place)
    return data, place


def _likely(probe: float, most: float) -> int:
    """Return the best place in `QUALITIES` that will most likely do, by the size of the probe."""
    return next((it for it, share in enumerate(_SHARES) if share * probe <= most), LAST)


def _guess(pixels: UInt8Array, most: float) -> int:
    """Return the place in `QUALITIES` that will most likely do."""
    return _likely(len(_encode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, _PROBE))), most)


def _at_quality(pixels: UInt8Array, place: int) -> bytes:
    return _encode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITIES[place], *_SMALL))


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
    # and take a fifth less room so. Runs alone, for the same reason: looking for longer matches
    # takes twice the time and makes them a little larger.
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    filtered = np.zeros((height, width + 1), dtype=np.uint8)  # a row begins with its filter: none
    filtered[:, 1:] = levels
    rows = packer.compress(filtered.tobytes()) + packer.flush()
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
