"""Read one file and make of it the picture a person would see: upright, RGB, eight bits.

Pillow decodes rather than OpenCV: it reads the header before the pixels, raises on a truncated
file where ``cv2.imdecode`` only warns on stderr, opens any path that Python can, and gives the
same pixels for the formats that both read.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from reportgen import remote
from reportgen.errors import ImageError
from reportgen.language import N_, _
from reportgen.mending import PNG, mend
from reportgen.options import DEFAULT_MAX_PIXELS
from reportgen.values import DecodedImage, ImageFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reportgen.values import UInt8Array

_BYTES_PER_PIXEL = 8
"""The most that a format takes: four channels of 16 bits each, not compressed."""
_BYTES_BESIDE = 64 * 2**20
"""For what stands beside the pixels of the largest picture: profiles, previews, more frames."""

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
"""Pillow's decoders that are tried; its one for PostScript would start Ghostscript on the file."""

_DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    struct.error,
    MemoryError,
    zlib.error,
)
"""What Pillow's decoders raise on damaged data; each carries its reason."""

# Pillow warns on stderr from half its bound on; below ours a picture is simply decoded.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Of EXIF data and the like that is damaged, which does no harm to the pixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_CAREFULLY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

_SRGB = (b"sRGB", "sRGB".encode("utf-16-be"))
"""The name in a colour profile, in its old and its new kind of text. Profiles are not parsed: what
does that is written in C, and the file is not to be trusted."""

_STRIP = 64
"""Rows of deep grey that are scaled at once."""

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, N_("a folder")),
    (stat.S_ISFIFO, N_("a named pipe")),
    (stat.S_ISSOCK, N_("a socket")),
    (stat.S_ISCHR, N_("a character device")),
    (stat.S_ISBLK, N_("a block device")),
)


def decode(
    file: ImageFile, *, max_pixels: int = DEFAULT_MAX_PIXELS, lenient: bool = False
) -> DecodedImage:
    """Read and decode one picture.

    The first frame of an animation is taken, EXIF orientation is applied, transparency is laid
    on white, and 16-bit and floating-point grey is brought to eight bits. A colour profile is not
    applied, as torchvision's and timm's transforms do not apply it, and the network was evaluated
    on such pixels; where it is not sRGB, a note says so.

    Parameters
    ----------
    file
        What discovery found.
    max_pixels
        Pictures with more are refused by their header.
    lenient
        Whether a damaged JPEG or PNG file is used as far as it goes.

    Raises
    ------
    ImageError
        With the reason, if the file cannot be read, is no image, is damaged or is too large.
    """
    _let_pillow_open(max_pixels)
    data = read(file, max_pixels)
    try:
        pixels, notes = _decoded(data, max_pixels)
    except ImageError as error:
        mended = mend(data, max_pixels) if lenient else None
        if mended is None:
            raise
        try:
            pixels, notes = _decoded(mended, max_pixels)
        except ImageError:
            raise error from None
        notes = (_("damaged or cut short: what is missing of it is filled with one colour"), *notes)
    return DecodedImage(
        file=file,
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        notes=notes,
    )


def _let_pillow_open(max_pixels: int) -> None:
    """Raise Pillow's own bound, of which it takes the double, where more was asked for.

    It is never lowered again: other threads may be opening pictures.
    """
    known = Image.MAX_IMAGE_PIXELS
    if known is not None and max_pixels > 2 * known:
        Image.MAX_IMAGE_PIXELS = max_pixels


def _decoded(data: bytes, max_pixels: int) -> tuple[UInt8Array, tuple[str, ...]]:
    """Return the pixels of a file, and what decoding chose."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(
                    _("{width}×{height} pixels, more than the {most:,} that are decoded").format(
                        width=width, height=height, most=max_pixels
                    ),
                )
            if width * height == 0:
                raise ImageError(_("has no pixels"))
            notes = _notes(image)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return np.asarray(_as_rgb(image)), notes
    except UnidentifiedImageError:
        raise ImageError(_not_an_image(data)) from None
    except Image.DecompressionBombError as error:
        raise ImageError(_("refused before decoding: {error}").format(error=error)) from None
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise ImageError(_("cannot be decoded: {error}").format(error=reason)) from None


def digest(file: ImageFile, max_pixels: int = DEFAULT_MAX_PIXELS) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises
    ------
    ImageError
        With the reason, if the file cannot be read.
    """
    return hashlib.sha256(read(file, max_pixels)).hexdigest()


def read(file: ImageFile, max_pixels: int = DEFAULT_MAX_PIXELS) -> bytes:
    """Return the bytes of a file, wherever it is.

    Raises
    ------
    ImageError
        With the reason, if it cannot be read, or is larger than a picture of so many pixels.
    """
    if file.refused:
        raise ImageError(file.refused)
    most = max_pixels * _BYTES_PER_PIXEL + _BYTES_BESIDE
    return remote.read(file.url, most) if file.url else _read(file.path, most)


def _read(path: Path, most: int) -> bytes:
    """Return the file's bytes; anything but a regular file is never opened."""
    try:
        _check_kind(path.stat())
        # Something else may stand there by now: opening it must neither wait nor take effect.
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            _check_kind(status)
            if status.st_size > most:
                raise ImageError(
                    _("{size:,} bytes, more than a picture that is decoded can have").format(
                        size=status.st_size
                    )
                )
            data = stream.read(status.st_size)
            if len(data) < status.st_size or stream.read(1):
                raise ImageError(_("changed while it was read"))
    except FileNotFoundError:
        missing = _("is a link to nothing") if path.is_symlink() else _("is no longer there")
        raise ImageError(missing) from None
    except OSError as error:
        raise ImageError(
            _("cannot be read: {error}").format(error=error.strerror or error)
        ) from None
    except MemoryError:
        raise ImageError(_("does not fit into memory")) from None
    if not data:
        raise ImageError(_("is an empty file"))
    return data


def _check_kind(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = (name for test, name in _KINDS if test(status.st_mode))
        kind = next(kinds, N_("not a regular file"))
        raise ImageError(_("is {kind}, not a file; it was not opened").format(kind=_(kind)))


def _not_an_image(data: bytes) -> str:
    head = data[:64]
    if b"\x00" not in head and all(byte >= 9 for byte in head):  # noqa: PLR2004 - tab and above
        return _("is text, not an image")
    sides = data[16:20], data[20:24]
    if data.startswith(PNG) and len(data) > 24 and bytes(4) in sides:  # noqa: PLR2004 - its header
        return _("has no pixels")  # which Pillow takes for no PNG at all
    return _("is not an image in a format that can be decoded")


def _notes(image: Image.Image) -> tuple[str, ...]:
    """Return what decoding chose on the user's behalf."""
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(_("first of {frames} frames").format(frames=frames))
    if image.getexif().get(0x0112) in range(2, 9):
        notes.append(_("turned upright by its EXIF orientation"))
    if image.has_transparency_data:
        notes.append(_("transparency laid on white"))
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and not any(name in profile for name in _SRGB):
        notes.append(_("its colour profile, which is not sRGB, is not applied"))
    return tuple(notes)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        return _grey_to_eight_bits(image).convert("RGB")
    if image.mode == "RGB" and not image.has_transparency_data:
        return image  # most pictures, for which `convert` would make a copy
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _grey_to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale deep grey to 0…255: 16-bit by its range, float by 0…1 where it fits, else by its own.

    Pillow's own ``convert`` clips such values at 255, which turns most of the picture white, and
    knows no transparent grey value at this depth.
    """
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite((low, high)).all():  # each is, as soon as one value is not
        raise ImageError(_("holds values that are not finite"))
    if image.mode != "F" and low >= 0 and high <= 65535:  # noqa: PLR2004 - the range of 16 bits
        low, high = 0.0, 65535.0
    elif image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    span = high - low or 1.0
    transparent = image.info.get("transparency")
    levels = np.empty(values.shape, dtype=np.uint8)
    # By strips: in double precision, the whole of the largest picture would take gigabytes.
    for top in range(0, len(values), _STRIP):
        strip = values[top : top + _STRIP].astype(np.float64)
        levels[top : top + _STRIP] = np.rint((strip - low) / span * 255)
        if transparent is not None:
            levels[top : top + _STRIP][strip == transparent] = 255
    return Image.fromarray(levels)
