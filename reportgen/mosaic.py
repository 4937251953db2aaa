"""Draw every channel of a layer's output as one picture of tiles.

Level 0 is kept for the gaps between the tiles and for places of the grid without a channel: it is
drawn in `GAP_COLOUR`, whatever the palette has there. Values take the levels 1 to 255, so that a
channel that is constant, and drawn in the palette's lowest colour, still shows as a tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reportgen.values import ChannelPicture, Mosaic, StrongestChannels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from reportgen.values import FeatureMaps, Float32Array, Picture, Size, UInt8Array

    Encode = Callable[[UInt8Array, UInt8Array], Picture]

GAP = 1
"""Pixels between two tiles, and around them all."""
GAP_COLOUR = (128, 128, 128)
"""RGB; a grey that is in no palette's way, on a light page as on a dark one."""
MAX_SIDE = 1120
"""Longest side of a mosaic in pixels, where the tiles are not at `MIN_TILE` already."""
MIN_WIDTH = 220
"""Width in pixels up to which small tiles are enlarged by whole factors."""
MIN_TILE = 4
"""Shorter side in pixels below which no tile is reduced."""
STRONGEST = 8
"""Channels drawn large for every target."""
LARGE_SIDE = 128
"""Longest side in pixels, at most, of a channel drawn large."""

_MOST_OBLONG = 2
_LEVELS = 254
"""Steps from the lowest level of a value, 1, to the highest, 255."""


def mosaic(  # noqa: PLR0913 - the options of one drawing
    features: FeatureMaps,
    targets: Sequence[str],
    *,
    scale: str,
    order: str,
    palette: UInt8Array,
    encode: Encode,
) -> Mosaic:
    """Draw all channels of a layer's output, and the strongest ones of every target large.

    Parameters
    ----------
    features
        The output, with one array of weights for every target.
    targets
        Names of the targets, in the same order.
    scale
        ``channel``: every channel from its own smallest to its own largest value; ``layer``: all
        from the smallest to the largest of the layer. Values that are not finite do not count,
        and are drawn as the smallest of their channel.
    order
        ``channel``, or ``weight``: by the weight for the first target, largest first.
    palette
        ``(256, 3)`` uint8 RGB; its colour 0 is not used.
    encode
        Makes a picture of ``(height, width)`` uint8 levels and a palette.

    Returns
    -------
    The mosaic, without a file.
    """
    scaled = _scaled(features.values, scale)
    channels, height, width = features.values.shape
    columns, rows = grid(channels)
    tile = tile_size((width, height), columns, rows)
    by_weight = order == "weight" and bool(features.weights)
    placed = _largest_first(features.weights[0]) if by_weight else np.arange(channels)
    palette = np.concatenate([np.array([GAP_COLOUR], np.uint8), palette[1:]])
    return Mosaic(
        layer=features.layer,
        shape=(channels, height, width),
        columns=columns,
        rows=rows,
        tile=tile,
        gap=GAP,
        scale=scale,
        ordered_by="weight" if by_weight else "channel",
        order=tuple(placed.tolist()),
        minimum=scaled.minimum,
        maximum=scaled.maximum,
        weights=tuple(
            (target, tuple(weights.tolist()))
            for target, weights in zip(targets, features.weights, strict=True)
        ),
        picture=encode(_assemble(scaled.draw(placed, tile), columns, rows), palette),
        file=None,
        strongest=tuple(
            StrongestChannels(target, _strongest(features.values, weights, scaled, palette, encode))
            for target, weights in zip(targets, features.weights, strict=True)
        ),
    )


def grid(channels: int) -> tuple[int, int]:
    """Return ``(columns, rows)`` for so many tiles: full and nearly square where that is possible.

    The most nearly square pair of divisors is taken, columns not fewer than rows, where the grid
    is at most twice as wide as high; else a square with places left over.
    """
    for rows in range(math.isqrt(channels), 0, -1):
        if channels % rows == 0 and channels <= _MOST_OBLONG * rows * rows:
            return channels // rows, rows
    columns = math.isqrt(channels - 1) + 1
    return columns, -(-channels // columns)


def tile_size(native: Size, columns: int, rows: int) -> Size:
    """Return the size of one tile: as the layer gives it, where the mosaic then has a good size.

    Parameters
    ----------
    native
        Size of the layer's maps.
    columns, rows
        The grid.

    Returns
    -------
    ``native``; or reduced in proportion so that no side of the mosaic is longer than `MAX_SIDE`,
    though no tile gets a side below `MIN_TILE` so; or enlarged by the smallest whole factor that
    makes the mosaic `MIN_WIDTH` wide.
    """
    width, height = native
    room = [(MAX_SIDE - GAP) // count - GAP for count in (columns, rows)]
    share = min(room[0] / width, room[1] / height)
    if share < 1:
        share = min(1.0, max(share, MIN_TILE / min(native)))
        return _times(native, share)
    wanted = math.ceil(((MIN_WIDTH - GAP) / columns - GAP) / width)
    factor = max(1, min(wanted, math.floor(share)))
    return width * factor, height * factor


def _large_size(native: Size) -> Size:
    """Return the size of a channel drawn large: `LARGE_SIDE`, or less to stay a whole factor."""
    factor = LARGE_SIDE // max(native)
    if factor == 0:
        return _times(native, LARGE_SIDE / max(native))
    return native[0] * factor, native[1] * factor


def _times(size: Size, share: float) -> Size:
    # Rounded down to keep within limits; the little more is for 69 · (68 / 69) = 67.999….
    width, height = (max(1, math.floor(side * share + 1e-6)) for side in size)
    return width, height


@dataclass(frozen=True, slots=True)
class _Scaled:
    """A layer's output with the value of the lowest and of the highest level of every channel."""

    values: Float32Array
    """``(channels, height, width)`` float32, all finite."""
    low: NDArray[np.float64]
    """``(channels, 1, 1)``."""
    high: NDArray[np.float64]
    minimum: float
    """Smallest value of the layer; NaN where none is finite."""
    maximum: float

    def draw(self, channels: NDArray[np.intp], size: Size) -> UInt8Array:
        """Return some channels as ``(len(channels), height, width)`` uint8 levels, 1 to 255.

        Larger than the layer gives them, every value becomes a block; smaller, values are averaged.
        """
        height, width = self.values.shape[1:]
        if size[0] < width or size[1] < height:
            values = np.stack([_reduce(self.values[channel], size) for channel in channels])
        else:
            values = self.values[channels]
        low, high = self.low[channels], self.high[channels]
        steps = values - low
        steps *= _LEVELS / np.where(high > low, high - low, 1)
        # Averaging may round a hair beyond the ends.
        levels = (1 + np.clip(np.rint(steps, out=steps), 0, _LEVELS, out=steps)).astype(np.uint8)
        factor = max(1, size[0] // width)
        return levels.repeat(factor, axis=1).repeat(factor, axis=2)


def _reduce(values: Float32Array, size: Size) -> Float32Array:
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _scaled(values: Float32Array, scale: str) -> _Scaled:
    finite = np.isfinite(values)
    known = bool(finite.any())
    if not finite.all():
        least = np.where(finite, values, np.inf).min(axis=(1, 2), keepdims=True)
        overall = least.min() if known else 0
        values = np.where(finite, values, np.where(np.isfinite(least), least, overall))
        values = values.astype(np.float32)
    low = values.min(axis=(1, 2), keepdims=True).astype(np.float64)
    high = values.max(axis=(1, 2), keepdims=True).astype(np.float64)
    minimum, maximum = float(low.min()), float(high.max())
    if scale == "layer":
        low, high = np.full_like(low, minimum), np.full_like(high, maximum)
    if not known:
        minimum = maximum = math.nan
    return _Scaled(values, low, high, minimum, maximum)


def _largest_first(weights: Float32Array) -> NDArray[np.intp]:
    """Return channel numbers by weight, equal ones by number; what is not a number comes last."""
    return np.argsort(-weights, kind="stable")


def _strongest(
    raw: Float32Array,
    weights: Float32Array,
    scaled: _Scaled,
    palette: UInt8Array,
    encode: Encode,
) -> tuple[ChannelPicture, ...]:
    """Draw the channels with the largest weights, each as a picture of its own."""
    height, width = raw.shape[1:]
    chosen = _largest_first(weights)[:STRONGEST]
    drawn = scaled.draw(chosen, _large_size((width, height)))
    return tuple(
        ChannelPicture(
            channel=channel,
            weight=float(weights[channel]),
            peak=float(raw[channel].max()),
            picture=encode(levels, palette),
        )
        for channel, levels in zip(chosen.tolist(), drawn, strict=True)
    )


def _assemble(tiles: UInt8Array, columns: int, rows: int) -> UInt8Array:
    """Put tiles into a grid, row by row, with gaps between and around them.

    Parameters
    ----------
    tiles
        ``(count, height, width)`` uint8, no more than there are places.

    Returns
    -------
    ``(rows · (height + gap) + gap, columns · (width + gap) + gap)`` uint8.
    """
    count, height, width = tiles.shape
    places = np.zeros((rows * columns, height + GAP, width + GAP), np.uint8)
    places[:count, GAP:, GAP:] = tiles
    across = places.reshape(rows, columns, height + GAP, width + GAP).swapaxes(1, 2)
    picture = across.reshape(rows * (height + GAP), columns * (width + GAP))
    return np.pad(picture, ((0, GAP), (0, GAP)))
