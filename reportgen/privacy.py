"""Take out of a picture's file what says where, when and by whom it was taken.

Not a pixel changes: segments and chunks are left out, nothing is encoded anew. What a picture needs
to look as it does stays: colour profile, gamma, and the EXIF orientation, alone in a new block.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORIENTATION = 0x0112
_UPRIGHT = 1

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DROPPED = {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}
_WEBP_DROPPED = {b"EXIF", b"XMP "}
_WEBP_FLAGS = 0x08 | 0x04
"""Bits of a VP8X chunk that announce EXIF and XMP."""

_ICC = b"ICC_PROFILE\0"
_APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_SOS, _EOI, _MARK = 0xDA, 0xD9, 0xFF
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers that stand alone, without a length."""


def without_metadata(data: bytes) -> bytes:
    """Return a picture's file without EXIF, GPS, XMP, IPTC, comments and what follows its end.

    JPEG, PNG and WebP files are cleaned. Other formats, and files that are not built as they should
    be, are returned as they are.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            return b"".join(_jpeg(data))
        if data.startswith(_PNG):
            return b"".join(_png(data))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError, ValueError, OSError):
        return data
    return data


def _orientation(data: bytes) -> bytes:
    """Return an EXIF block with the picture's orientation alone; nothing where it is upright."""
    with Image.open(io.BytesIO(data)) as image:
        value = image.getexif().get(_ORIENTATION, _UPRIGHT)
    if value not in range(2, 9):
        return b""
    exif = Image.Exif()
    exif[_ORIENTATION] = value
    return exif.tobytes()


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    turned = _orientation(data)
    if turned:
        yield struct.pack(">BBH", 0xFF, _APP1, len(turned) + 2) + turned
    at = 2
    while True:
        if data[at] != _MARK:
            raise ValueError("a marker was expected")
        marker = data[at + 1]
        if marker == _MARK:  # fill bytes may stand before a marker
            at += 1
            continue
        if marker == _EOI:
            yield data[at : at + 2]
            return
        end = at + 2
        if marker not in _ALONE:
            end += struct.unpack_from(">H", data, at + 2)[0]
        if marker == _SOS:
            end = _scan_end(data, end)
        if _is_kept(marker, data[at + 4 : at + 4 + len(_ICC)]):
            yield data[at:end]
        at = end


def _is_kept(marker: int, start: bytes) -> bool:
    """Say whether a segment is part of how the picture looks."""
    if marker in {_APP0, _APP14}:
        return True
    if marker == _APP2:
        return start == _ICC
    return not (_APP1 <= marker <= _APP15 or marker == _COM)


def _scan_end(data: bytes, at: int) -> int:
    """Return where the next marker after entropy-coded data begins."""
    while True:
        at = data.index(b"\xff", at)
        follows = data[at + 1]
        if follows != 0 and follows not in _ALONE and follows != _MARK:
            return at
        at += 1 if follows == _MARK else 2


def _png(data: bytes) -> Iterator[bytes]:
    yield data[:8]
    turned = _orientation(data).removeprefix(b"Exif\0\0")
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind == b"IDAT" and turned:
            yield _png_chunk(b"eXIf", turned)
            turned = b""
        if kind not in _PNG_DROPPED:
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end
    raise ValueError("no end was found")


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    from zlib import crc32  # noqa: PLC0415 - for turned PNG files only, which are rare

    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc32(kind + content))
    )


def _webp(data: bytes) -> bytes:
    turned = _orientation(data).removeprefix(b"Exif\0\0")
    chunks = []
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        chunk = data[at:end]
        if kind == b"VP8X":
            flags = chunk[8] & ~_WEBP_FLAGS | (0x08 if turned else 0)
            chunk = chunk[:8] + bytes([flags]) + chunk[9:]
        if kind not in _WEBP_DROPPED:
            chunks.append(chunk)
        at = end
    if turned:
        chunks.append(
            struct.pack("<4sI", b"EXIF", len(turned)) + turned + b"\0" * (len(turned) % 2)
        )
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
