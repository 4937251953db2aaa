"""Make a damaged JPEG or PNG file into one that can be decoded as far as it goes.

Pillow can be told to pass over damage, but only by a switch for the whole process, which would let
pictures through in other threads without a word. So the file is mended instead.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type of a PNG file → samples per pixel."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip
"""First column, first row, and steps across and down of each pass of an interlaced PNG file."""
_LAST_FILTER = 4
_PIECE = 4096
"""Bytes that are inflated at once: of the piece that holds the damage, what came out is lost."""


def mend(data: bytes, max_pixels: int) -> bytes | None:
    """Return ``data`` made whole with one colour in place of what is missing.

    Parameters
    ----------
    data
        The bytes of a file that cannot be decoded.
    max_pixels
        A PNG file that claims more is left alone.

    Returns
    -------
    None where nothing can be done: in other formats, and where not even the header is whole.
    """
    if data.startswith(_JPEG):
        # libjpeg takes an end that comes too early for the end, and fills up with grey.
        return data + _JPEG_END
    if data.startswith(PNG):
        return _mended_png(data, max_pixels)
    return None


def _mended_png(data: bytes, max_pixels: int) -> bytes | None:
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:  # noqa: PLR2004
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if colour not in _CHANNELS or not 0 < width * height <= max_pixels:
        return None
    bits = depth * _CHANNELS[colour]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    lengths = [_rows_of(width, height, bits, item) for item in passes]
    expected = sum(count * length for count, length in lengths)
    packed = b"".join(content for kind, content in chunks if kind == b"IDAT")
    rows = _sound(_inflated(packed, expected), lengths)
    if not rows:
        return None
    # No filter, no light: a row of zeros.
    pixels = zlib.compress(rows + bytes(expected - len(rows)), 1)
    first = next(place for place, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    kept = [(kind, content) for kind, content in chunks[:first] if kind in _KEPT]
    whole = [*kept, (b"IDAT", pixels), (b"IEND", b"")]
    return PNG + b"".join(_chunk(kind, content) for kind, content in whole)


_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
"""Chunks before the pixels that say how they look."""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of every chunk up to the end of the file, the last one cut short."""
    at = len(PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def _rows_of(
    width: int, height: int, bits: int, item: tuple[int, int, int, int]
) -> tuple[int, int]:
    """Return how many rows a pass has, and of how many bytes, with the number of the filter."""
    left, top, across, down = item
    columns, rows = -(-(width - left) // across), -(-(height - top) // down)
    return (rows, 1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else (0, 0)


def _sound(rows: bytes, lengths: list[tuple[int, int]]) -> bytes:
    """Return the rows before the first whose filter does not exist: from there on all is noise."""
    at = 0
    for count, length in lengths:
        for _row in range(count):
            if at >= len(rows) or rows[at] > _LAST_FILTER:
                return rows[:at]
            at += length
    return rows


def _inflated(data: bytes, most: int) -> bytes:
    """Return what can be inflated of ``data`` before the first damage, ``most`` bytes at most."""
    inflater = zlib.decompressobj()
    found = bytearray()
    for at in range(0, len(data), _PIECE):
        try:
            found += inflater.decompress(data[at : at + _PIECE], most - len(found) or 1)
        except zlib.error:
            break
        if len(found) >= most or inflater.eof:
            break
    return bytes(found[:most])
