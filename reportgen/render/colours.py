"""Colour maps on the page: as SVG filters that colour grey maps, and as a sheet for the viewer."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from markupsafe import Markup
from PIL import Image

from reportgen.values import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import Palette, RunInfo


def palette_named(run: RunInfo, name: str) -> Palette:
    """Return the colour map called ``name``, which the run has."""
    return next(palette for palette in run.palettes if palette.name == name)


STEP = 5
"""Every how many of the 256 colours a filter names one; it is linear in between."""


def component_transfer(palette: Palette) -> Markup:
    """Return the content of an SVG ``filter`` that turns grey levels into ``palette``.

    The filter has to work in sRGB (``color-interpolation-filters="sRGB"``).
    """
    functions = "".join(
        f'<feFunc{name} type="table" tableValues="{_table(palette.colours[channel::3])}"/>'
        for channel, name in enumerate("RGB")
    )
    return Markup(f"<feComponentTransfer>{functions}</feComponentTransfer>")  # noqa: S704 - numbers


def _table(levels: bytes) -> str:
    return " ".join(f"{level / 255:.3f}".rstrip("0").rstrip(".") for level in levels[::STEP])


def sheet(palettes: Sequence[Palette]) -> Picture:
    """Return all colour maps as one PNG, a row of 256 pixels for each, without loss."""
    pixels = b"".join(palette.colours for palette in palettes)
    image = Image.frombytes("RGB", (256, len(palettes)), pixels)
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return Picture("image/png", buffer.getvalue(), image.size)
