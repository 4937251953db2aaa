"""Colour a page's grey maps in advance, for print.

On screen an SVG filter colours them. What goes through a filter Chromium prints as pixels at 300
dpi, several times as large as the same map in a JPEG, and coarser where a map has few cells.
"""

from __future__ import annotations

import io
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote

import cv2
import numpy as np
from PIL import Image

from reportgen import encode, overlay

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import UInt8Array

SIDE = 168
"""Longest side in pixels of a map in print, where it has no more cells than that."""

_COLORMAP = re.compile(r'<body\b[^>]*\bdata-colormap="([a-z]+)"')
_IMAGE = re.compile(r"<image\b[^>]*>")
_CLASS = re.compile(r'\bclass="(heat|differ)\b[^"]*"')
_SOURCE = re.compile(r'\bhref="([^"]*)"')
_SHAPE = re.compile(r'\bwidth="([\d.]+)" height="([\d.]+)"')
_DATA = re.compile(r"data:image/\w+;base64,")


def bake(page: str, folder: Path) -> str:
    """Replace every map that a filter colours by one that has its colours.

    Parameters
    ----------
    page
        The text of a page of ours; any other comes back as it is.
    folder
        Of the page, where the maps are files beside it.
    """
    found = _COLORMAP.search(page)
    named = {palette.name: palette.colours for palette in overlay.palettes()}
    if found is None or found[1] not in named:
        return page
    colours = {
        "heat": np.frombuffer(named[found[1]], np.uint8).reshape(256, 3),
        "differ": np.frombuffer(named[overlay.DIFFERENCE], np.uint8).reshape(256, 3),
    }

    def baked(element: re.Match[str]) -> str:
        text = element[0]
        kind, source, shape = (part.search(text) for part in (_CLASS, _SOURCE, _SHAPE))
        if kind is None or source is None or shape is None:
            return text
        levels = _levels(_read(source[1], folder), (float(shape[1]), float(shape[2])))
        picture = encode.thumbnail(colours[kind[1]][levels], max(levels.shape))
        address = f"data:{picture.mime};base64,{b64encode(picture.data).decode('ascii')}"
        return _CLASS.sub("", _SOURCE.sub(lambda _old: f'href="{address}"', text))

    return _IMAGE.sub(baked, page)


def _read(source: str, folder: Path) -> bytes:
    inline = _DATA.match(source)
    if inline:
        return b64decode(source[inline.end() :])
    return (folder / unquote(source)).read_bytes()


def _levels(data: bytes, shape: tuple[float, float]) -> UInt8Array:
    """Return a map's levels at the size that is printed, ``(height, width)`` uint8."""
    with Image.open(io.BytesIO(data)) as opened:
        cells = np.asarray(opened.convert("L"), dtype=np.float32)
    scale = max(SIDE, *cells.shape) / max(shape)
    size = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    resized = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)
    return resized.round().astype(np.uint8)
