"""Tell by its shape alone how a layer's output lies over the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from reportgen.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from torch import Tensor

Kind = Literal["channels_first", "channels_last", "tokens"]

Grid = tuple[int, int]
"""``(height, width)`` in cells."""

MAX_PREFIX_TOKENS = 16
"""Class, distillation and register tokens before the grid; no published network has more."""

MAX_LOST_CELLS = 4
"""Rows and columns that a chain of unpadded convolutions may cost at one resolution."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a layer's output as a grid of ``channels × height × width``."""

    kind: Kind
    channels: int
    height: int
    width: int
    prefix: int = 0
    """Tokens before the grid (class and register tokens); they belong to no place."""
    folds: int = 0
    """How often tokens were taken apart into the four places of every 2×2 before they were put
    in rows; 0: row by row. Hiera does so, that its pooling finds neighbours side by side."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        return self.channels, self.height, self.width

    @property
    def grid(self) -> Grid:
        """``(height, width)``."""
        return self.height, self.width

    def to_grid(self, output: Tensor) -> Tensor:
        """Return ``output`` as ``(batch, channels, height, width)``."""
        if self.kind == "channels_first":
            return output
        if self.kind == "channels_last":
            return output.permute(0, 3, 1, 2)
        sequence = output[:, self.prefix :].transpose(1, 2)
        return _in_rows(sequence, self.grid, self.folds)


def infer_layout(
    shape: tuple[int, ...], picture: Grid, grids: Collection[Grid] = ()
) -> Layout | None:
    """Return the layout of an output, or None where it cannot lie over the picture.

    Parameters
    ----------
    shape
        Shape of the output with the batch first: ``(N, C, H, W)`` of a convolution,
        ``(N, H, W, C)`` of Swin, or ``(N, tokens, C)`` of a vision transformer.
    picture
        ``(height, width)`` of the network's input.
    grids
        The only grids that tokens may make, where other layers have shown which there are. Of
        their number alone almost any can be a square and a few more.

    Notes
    -----
    A pair of dimensions can be a grid only if it has the picture's proportions up to the
    rounding of strides. Where both readings of a 4-D shape fit, channels come first.
    """
    if len(shape) == 4:  # noqa: PLR2004 - batch and three more
        _, first, second, third = shape
        if _is_grid(second, third, picture):
            return Layout("channels_first", first, second, third)
        if _is_grid(first, second, picture):
            return Layout("channels_last", third, first, second)
        return None
    if len(shape) == 3:  # noqa: PLR2004 - batch, tokens, channels
        return _token_layout(shape[1], shape[2], grids or _patch_grids(picture))
    return None


def at(layout: Layout, shape: tuple[int, ...], picture: Grid) -> Layout | None:
    """Return the layout of the same layer for a picture of another size.

    Parameters
    ----------
    layout
        What `reportgen.layers.survey` learnt for one size.
    shape
        Shape of the layer's output for the other picture, with the batch first.
    picture
        ``(height, width)`` of that picture as the network got it.

    Returns
    -------
    A layout of the same kind and number of channels, or None where the output is no grid of more
    than one place any more. Height and width are read off a 4-D output. Of tokens as many are
    taken off the front as before, and the rest is split into the two factors that fit the
    picture best.
    """
    dimensions = 3 if layout.kind == "tokens" else 4
    channels = shape[1] if layout.kind == "channels_first" else shape[-1]
    if len(shape) != dimensions or channels != layout.channels:
        return None
    if layout.kind == "tokens":
        return _tokens_at(layout, shape[1], picture)
    height, width = shape[2:] if layout.kind == "channels_first" else shape[1:3]
    return replace(layout, height=height, width=width) if height * width > 1 else None


def layout_at(layout: Layout, name: str, activation: Tensor, picture: Grid) -> Layout:
    """Return `at` for the named layer's activation.

    Raises
    ------
    LayerError
        If the activation is no grid over a picture of that size.
    """
    found = at(layout, tuple(activation.shape), picture)
    if found is None:
        sides = "×".join(str(side) for side in activation.shape[1:])
        raise LayerError(
            f"--layers: '{name}' cannot carry a map for a picture of {picture[1]}×{picture[0]}: "
            f"its output ({sides}) does not lie over it. Take a shallower layer or a larger "
            f"--input-size.",
        )
    return found


def halvings(grids: Iterable[Grid]) -> set[Grid]:
    """Return the grids and all that come of them by halving, rounded up as strides do."""
    found: set[Grid] = set()
    new = set(grids)
    while new:
        found |= new
        halves = {(-(-height // 2), -(-width // 2)) for height, width in new}
        new = {half for half in halves if half[0] * half[1] > 1} - found
    return found


def is_attention(layout: Layout, picture: Grid, token_counts: Collection[int]) -> bool:
    """Say whether a square output is rather attention weights, tokens × tokens.

    ``(N, heads, 49, 49)`` has a square picture's proportions too. Both must be so: there are as
    many tokens somewhere, and no stride leads from the picture to such a grid.
    """
    side = layout.height
    return (
        layout.kind == "channels_first"
        and layout.width == side
        and side in token_counts
        and not any(
            picture[0] // stride - MAX_LOST_CELLS <= side <= -(-picture[0] // stride)
            for stride in range(1, picture[0] + 1)
        )
    )


def _in_rows(sequence: Tensor, grid: Grid, folds: int) -> Tensor:
    """Return ``(N, C, places)`` as ``(N, C, height, width)``."""
    height, width = grid
    if not folds:
        return sequence.reshape(*sequence.shape[:2], height, width)
    quarter = (height // 2, width // 2)
    upper_left, upper_right, lower_left, lower_right = (
        _in_rows(part, quarter, folds - 1) for part in sequence.chunk(4, dim=2)
    )
    upper = torch.stack([upper_left, upper_right], dim=-1)
    lower = torch.stack([lower_left, lower_right], dim=-1)
    return torch.stack([upper, lower], dim=3).reshape(*sequence.shape[:2], height, width)


def _is_grid(height: int, width: int, picture: Grid) -> bool:
    """Say whether ``height × width`` can be the picture divided by one stride.

    Unpadded convolutions take the same few cells off both sides, so some are given back.
    """
    if height * width <= 1 or height > picture[0] or width > picture[1]:
        return False
    aspect = picture[1] / picture[0]
    return any(
        abs((height + lost) * aspect - (width + lost)) <= max(1.0, aspect)
        for lost in range(MAX_LOST_CELLS + 1)
    )


def _patch_grids(picture: Grid) -> Iterator[Grid]:
    """Yield the grid of every square patch."""
    for patch in range(1, min(picture) + 1):
        yield picture[0] // patch, picture[1] // patch


def _token_layout(tokens: int, channels: int, grids: Iterable[Grid]) -> Layout | None:
    """Find the grid that leaves the fewest tokens over for class and registers."""
    best: Layout | None = None
    for height, width in grids:
        places = height * width
        prefix = tokens - places
        # Fewer than places, or any small number would be a grid of 2×2 and some more.
        fits = places > 1 and 0 <= prefix < min(MAX_PREFIX_TOKENS + 1, places)
        if fits and (best is None or prefix < best.prefix):
            best = Layout("tokens", channels, height, width, prefix)
    return best


def _tokens_at(layout: Layout, tokens: int, picture: Grid) -> Layout | None:
    grid = _factors(tokens - layout.prefix, picture)
    if grid is None or any(cells % 2**layout.folds for cells in grid):
        return None
    return replace(layout, height=grid[0], width=grid[1])


def _factors(places: int, picture: Grid) -> Grid | None:
    """Split a number of places into the height and width that fit the picture best."""
    pairs = [(height, places // height) for height in range(1, places + 1) if places % height == 0]
    fitting = [pair for pair in pairs if _is_grid(*pair, picture)]
    if not fitting:
        return None
    aspect = math.log(picture[1] / picture[0])
    return min(fitting, key=lambda grid: abs(math.log(grid[1] / grid[0]) - aspect))
