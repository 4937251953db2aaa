"""Tell by its shape alone how a layer's output lies over the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["channels_first", "channels_last", "tokens"]

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

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        return self.channels, self.height, self.width

    def to_grid(self, output: Tensor) -> Tensor:
        """Return ``output`` as ``(batch, channels, height, width)``."""
        if self.kind == "channels_first":
            return output
        if self.kind == "channels_last":
            return output.permute(0, 3, 1, 2)
        tokens = output[:, self.prefix :]
        grid = (output.shape[0], self.height, self.width, self.channels)
        return tokens.reshape(grid).permute(0, 3, 1, 2)


def infer_layout(shape: tuple[int, ...], picture: tuple[int, int]) -> Layout | None:
    """Return the layout of an output, or None where it cannot lie over the picture.

    Parameters
    ----------
    shape
        Shape of the output with the batch first: ``(N, C, H, W)`` of a convolution,
        ``(N, H, W, C)`` of Swin, or ``(N, tokens, C)`` of a vision transformer.
    picture
        ``(height, width)`` of the network's input.

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
        return _token_layout(shape[1], shape[2], picture)
    return None


def _is_grid(height: int, width: int, picture: tuple[int, int]) -> bool:
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


def _token_layout(tokens: int, channels: int, picture: tuple[int, int]) -> Layout | None:
    """Find the patch size whose grid leaves the fewest tokens over for class and registers."""
    best: Layout | None = None
    for patch in range(1, min(picture) + 1):
        height, width = picture[0] // patch, picture[1] // patch
        prefix = tokens - height * width
        fits = height * width > 1 and 0 <= prefix <= MAX_PREFIX_TOKENS
        if fits and (best is None or prefix < best.prefix):
            best = Layout("tokens", channels, height, width, prefix)
    return best
