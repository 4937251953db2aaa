"""Find out in which order a sequence of tokens goes through the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from reportgen.capture import Capture, quiet_mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from reportgen.layers.layout import Layout

MAX_FOLDS = 3
"""More often than Hiera's three no published network takes its tokens apart."""

CLEAR = 0.65
"""Share of the change that must lie in the changed half for an order to be believed; tokens in a
wrong order have about 0.5."""


def token_order(
    model: nn.Module,
    picture: Tensor,
    outputs: Mapping[str, Tensor],
    layouts: Mapping[str, Layout | None],
) -> dict[str, Layout]:
    """Return the layouts of all token layers with their tokens in the right order.

    No shape tells in which order tokens are, so half of the picture is changed, once the left
    one and once the upper one: the tokens that change most must come to lie in that half. Where
    a layer has mixed the whole picture so far that this is not clear, the order is that of the
    layer with the same grid before it.

    Parameters
    ----------
    model
        As in `reportgen.layers.survey.survey`.
    picture
        ``(1, 3, height, width)``, what the network got.
    outputs
        Layer name → its output for that picture, in the order of execution.
    layouts
        Layer name → its layout, tokens read row by row.
    """
    tokens = {
        name: layout
        for name, layout in layouts.items()
        if layout is not None and layout.kind == "tokens"
    }
    if not tokens:
        return {}
    _, _, height, width = picture.shape
    half_changed = []
    for rows, columns in ((height, width // 2), (height // 2, width)):
        changed = picture.clone()
        changed[:, :, :rows, :columns] = picture.flip(1, 2, 3)[:, :, :rows, :columns]
        half_changed.append(_changes(model, changed, outputs, list(tokens)))
    left, upper = half_changed
    return _orders(tokens, left, upper)


def _changes(
    model: nn.Module, picture: Tensor, outputs: Mapping[str, Tensor], names: list[str]
) -> dict[str, Tensor]:
    """Return for each layer ``(1, tokens, 1)``: how much every token differs from ``outputs``."""
    with torch.no_grad(), quiet_mode(model), Capture(model, names) as capture:
        model(picture)
        return {
            name: (capture.activations[name].detach() - outputs[name])
            .abs()
            .mean(dim=2, keepdim=True)
            for name in names
        }


def _orders(
    tokens: Mapping[str, Layout], left: Mapping[str, Tensor], upper: Mapping[str, Tensor]
) -> dict[str, Layout]:
    found: dict[str, Layout] = {}
    order_of_grid: dict[tuple[int, int], int] = {}
    for name, layout in tokens.items():
        clear = _clear_order(layout, left[name], upper[name])
        if clear is not None:
            order_of_grid[layout.grid] = clear
        found[name] = replace(layout, folds=order_of_grid.get(layout.grid, 0))
    return found


def _clear_order(layout: Layout, left: Tensor, upper: Tensor) -> int | None:
    """Return the number of folds that puts the changes where they belong, if one does."""
    for folds in range(MAX_FOLDS + 1):
        if layout.height % 2**folds or layout.width % 2**folds:
            return None
        if _share_in_place(replace(layout, channels=1, folds=folds), left, upper) > CLEAR:
            return folds
    return None


def _share_in_place(layout: Layout, left: Tensor, upper: Tensor) -> float:
    """Return the smaller share of the change that lies in the changed half."""
    shares = []
    for change, rows, columns in (
        (left, layout.height, layout.width // 2),
        (upper, layout.height // 2, layout.width),
    ):
        grid = layout.to_grid(change)[0, 0]
        shares.append(float(grid[:rows, :columns].sum() / grid.sum().clamp_min(1e-30)))
    return min(shares)
