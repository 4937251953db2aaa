"""Read one file and make of it the picture a person would see: upright, RGB, eight bits.

Pillow decodes rather than OpenCV: it reads the header before the pixels, raises on a truncated
file where ``cv2.imdecode`` only warns on stderr, opens any path that Python can, and gives the
same pixels for the formats that both read.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from reportgen.errors import ImageError
from reportgen.language import N_, _
from reportgen.values import DecodedImage, ImageFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_PIXELS = 178_956_970
"""Pictures with more pixels than this are refused before decoding (Pillow's own error bound)."""

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
)
"""What Pillow's decoders raise on damaged data; each carries its reason."""

# Pillow warns on stderr from half that size on; below MAX_PIXELS a picture is simply decoded.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, N_("a folder")),
    (stat.S_ISFIFO, N_("a named pipe")),
    (stat.S_ISSOCK, N_("a socket")),
    (stat.S_ISCHR, N_("a character device")),
    (stat.S_ISBLK, N_("a block device")),
)


def decode(file: ImageFile) -> DecodedImage:
    """Read and decode one picture.

    The first frame of an animation is taken, EXIF orientation is applied, transparency is laid
    on white, and 16-bit and floating-point grey is brought to eight bits.

    Raises
    ------
    ImageError
        With the reason, if the file cannot be read, is no image, is truncated or is too large.
    """
    data = _read(file.path)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    _("{width}×{height} pixels, more than the {most:,} that are decoded").format(
                        width=width, height=height, most=MAX_PIXELS
                    ),
                )
            notes = _notes(image)
            image.load()
            pixels = np.asarray(_as_rgb(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError:
        raise ImageError(_not_an_image(data)) from None
    except Image.DecompressionBombError as error:
        raise ImageError(_("refused before decoding: {error}").format(error=error)) from None
    except _DAMAGE as error:
        raise ImageError(_("cannot be decoded: {error}").format(error=error)) from None
    return DecodedImage(
        file=file,
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        notes=notes,
    )


def digest(file: ImageFile) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises
    ------
    ImageError
        With the reason, if the file cannot be read.
    """
    return hashlib.sha256(_read(file.path)).hexdigest()


def _read(path: Path) -> bytes:
    """Return the file's bytes; anything but a regular file is never opened."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in _KINDS if test(mode)), N_("not a regular file"))
            raise ImageError(_("is {kind}, not a file; it was not opened").format(kind=_(kind)))
        data = path.read_bytes()
    except FileNotFoundError:
        missing = _("is a link to nothing") if path.is_symlink() else _("is no longer there")
        raise ImageError(missing) from None
    except OSError as error:
        raise ImageError(
            _("cannot be read: {error}").format(error=error.strerror or error)
        ) from None
    if not data:
        raise ImageError(_("is an empty file"))
    return data


def _not_an_image(data: bytes) -> str:
    head = data[:64]
    if b"\x00" not in head and all(byte >= 9 for byte in head):  # noqa: PLR2004 - tab and above
        return _("is text, not an image")
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
    return tuple(notes)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in {"I", "F"}:
        return _grey_to_eight_bits(image).convert("RGB")
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
    values = np.asarray(image, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ImageError(_("holds values that are not finite"))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= 65535:  # noqa: PLR2004 - the range of 16 bits
        low, high = 0.0, 65535.0
    elif image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    span = high - low or 1.0
    levels = np.rint((values - low) / span * 255).astype(np.uint8)
    transparent = image.info.get("transparency")
    if transparent is not None:
        levels[values == transparent] = 255
    return Image.fromarray(levels)
