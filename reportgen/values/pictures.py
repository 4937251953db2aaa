"""Pictures on their way to the network: discover → decode → preprocess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.language import _, pgettext

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    UInt8Array = NDArray[np.uint8]
    Float32Array = NDArray[np.float32]

Size = tuple[int, int]
"""``(width, height)`` in pixels."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file that discovery found."""

    path: Path
    """Where to read it."""
    name: str
    """Its path relative to the walked folder with ``/`` between parts; always printable text."""
    refused: str = ""
    """Why it is not to be opened, for the reader; empty for every file that may be."""
    url: str = ""
    """Where to read it if that is no file system of this machine; ``path`` is its name then."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as a person would see it: upright, first frame, 8-bit RGB."""

    file: ImageFile
    pixels: UInt8Array
    """``(height, width, 3)`` uint8, RGB, 0 to 255."""
    sha256: str
    """Hex digest of the file's bytes."""
    notes: tuple[str, ...] = ()
    """What decoding had to choose, for example ``first of 12 frames``."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the network's input: resize, crop or pad, scale, normalise."""

    resize: int | None
    """Length in pixels of the shorter side after resizing; of both sides in the mode ``squash``,
    where None means those of ``crop``."""
    crop: Size | None
    """Size of the *view*, what the network gets; None: every picture at its own size."""
    mean: tuple[float, float, float]
    """Subtracted per channel after scaling to 0…1, in the network's own channel order."""
    std: tuple[float, float, float]
    """Divided by per channel after the mean, in the network's own channel order."""
    interpolation: str
    """``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``, antialiased as Pillow does it."""
    mode: str = "shorter"
    """``shorter``: the shorter side to ``resize``, then a centre crop. ``squash``: both sides to
    ``crop``, proportions lost. ``letterbox``: all of the picture into ``crop``, padded with the
    mean colour. ``none``: no resizing at all; ``crop`` is None then."""
    channel_order: str = "rgb"
    """``rgb`` or ``bgr``: the order of the channels in the tensor."""

    def describe(self) -> str:
        """Return the recipe as one line of text."""
        steps = [self._resizing(), _("scaled to 0–1")]
        if self.channel_order != "rgb":
            steps.append(_("channels blue, green, red"))
        if (self.mean, self.std) == ((0, 0, 0), (1, 1, 1)):
            steps.append(_("not normalised"))
        else:
            for word, values in ((_("mean {values}"), self.mean), (_("std {values}"), self.std)):
                listed = ", ".join(f"{value:g}" for value in values)
                steps.append(word.format(values=f"({listed})"))
        return pgettext("clauses", ", ").join(steps)

    def _resizing(self) -> str:
        if self.crop is None:
            return _("every picture at its own size")
        view = f"{self.crop[0]}×{self.crop[1]}"
        text = _("shorter side to {side} px ({interpolation}), centre crop {view}")
        if self.mode == "squash" and self.resize is None:
            text = _("squashed to {view} ({interpolation})")
        elif self.mode == "squash":
            text = _("squashed to {side}×{side} ({interpolation}), centre crop {view}")
        elif self.mode == "letterbox":
            text = _("fitted into {view} ({interpolation}), padded with the mean colour")
        return text.format(side=self.resize, interpolation=self.interpolation, view=view)


@dataclass(frozen=True, slots=True)
class ViewGeometry:
    """Where the model's view lies in the original picture."""

    original: Size
    resized: Size
    crop_left: int
    """Left edge of the view, in pixels of the resized picture."""
    crop_top: int
    """Top edge of the view, in pixels of the resized picture."""
    view: Size

    def seen_fraction(self) -> tuple[float, float, float, float]:
        """Return the view as ``(left, top, width, height)`` fractions (0…1) of the original."""
        width, height = self.resized
        return (
            self.crop_left / width,
            self.crop_top / height,
            self.view[0] / width,
            self.view[1] / height,
        )


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One picture ready for the network, without its original pixels."""

    file: ImageFile
    sha256: str
    notes: tuple[str, ...]
    view: UInt8Array
    """``(height, width, 3)`` uint8 RGB: exactly the pixels that the model sees."""
    tensor: Float32Array
    """``(3, height, width)`` float32: the view scaled to 0…1 and normalised."""
    geometry: ViewGeometry
    whole: UInt8Array | None = None
    """``(height, width, 3)`` uint8 RGB: the whole picture as it was resized, of which the view is
    a part; None where it is padded or was not resized."""
