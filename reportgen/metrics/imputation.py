"""Noisy linear imputation: fill holes in a picture so that their shape tells a network little."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NOISE = 0.01
"""Standard deviation of the noise on filled pixels, in units of the normalised input."""

_TOLERANCE = 1e-3
"""Residual, as a share of the first one, at which solving ends: what remains of the error is well
below `NOISE`."""
_MOST_ITERATIONS = 1000
_LEVELS = 8
"""Halvings of the grid in the preconditioner: 2⁸ pixels is as wide as the holes get."""


def impute(pictures: Tensor, missing: Tensor) -> Tensor:
    """Fill missing pixels with the weighted mean of their neighbours, all at once.

    Every missing pixel is to satisfy ``x_i = Σ_j w_ij x_j / Σ_j w_ij`` over its up to eight
    neighbours inside the picture, missing or not: ``w = 1/6`` at its sides and ``1/12`` at its
    corners ([1]_). The authors solve this sparse system directly; here it is done by
    preconditioned conjugate gradients, as it is symmetric and positive definite.

    Parameters
    ----------
    pictures
        ``(N, C, H, W)`` or ``(1, C, H, W)`` for the same picture in all of them.
    missing
        ``(N, 1, H, W)`` bool; at least one pixel of each has to be there.

    Returns
    -------
    ``(N, C, H, W)``; pixels that are not missing are unchanged.

    Raises
    ------
    ValueError
        If nothing is left of a picture to fill it from.

    References
    ----------
    .. [1] Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci, "A Consistent and Efficient
       Evaluation Strategy for Attribution Methods", ICML 2022.
    """
    if missing.flatten(1).all(dim=1).any():
        raise ValueError("expected at least one pixel to fill the others from, found none")
    # One at a time stays in a processor's cache; a GPU wants all of them at once.
    at_a_time = 1 if pictures.device.type == "cpu" else len(missing)
    every = pictures.expand(len(missing), -1, -1, -1)
    parts = [slice(start, start + at_a_time) for start in range(0, len(missing), at_a_time)]
    return torch.cat([_impute(every[part], missing[part]) for part in parts])


def _impute(pictures: Tensor, missing: Tensor) -> Tensor:
    known = torch.where(missing, 0, pictures)
    hole = missing.to(pictures.dtype)
    weights = _neighbours(torch.ones_like(hole))
    # The mean of what is there is nearer to the solution than zero is.
    begin = known.sum(dim=(2, 3), keepdim=True) / (1 - hole).sum(dim=(2, 3), keepdim=True) * hole
    goal = _neighbours(known) * hole
    return known + _solve(hole, weights, goal, begin)


def _solve(hole: Tensor, weights: Tensor, goal: Tensor, begin: Tensor) -> Tensor:
    """Solve ``weights x - neighbours(x) = goal`` inside the holes by conjugate gradients.

    Parameters
    ----------
    hole
        ``(N, 1, H, W)``, 1 where a pixel is missing.
    weights
        ``(N, 1, H, W)``: sum of the weights of every pixel's neighbours.
    goal, begin
        ``(N, C, H, W)``, zero outside the holes.
    """
    tiny = torch.finfo(goal.dtype).tiny
    solution = begin
    residual = goal - _apply(begin, hole, weights)
    better = _precondition(residual, hole)
    direction, size = better, _dot(residual, better)
    enough = size * _TOLERANCE**2
    for _ in range(_MOST_ITERATIONS):
        going = size > enough
        if not going.any():
            break
        applied = _apply(direction, hole, weights)
        # What is done stands still, so that no result depends on what else is in its batch.
        step = torch.where(going, size / _dot(direction, applied).clamp_min(tiny), 0)
        solution = solution + step * direction
        residual = residual - step * applied
        better = _precondition(residual, hole)
        new = _dot(residual, better)
        direction = better + torch.where(going, new / size.clamp_min(tiny), 0) * direction
        size = torch.where(going, new, size)
    return solution


def _apply(values: Tensor, hole: Tensor, weights: Tensor) -> Tensor:
    return (weights * values - _neighbours(values)) * hole


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Return the inner product of every channel with its counterpart, ``(N, C, 1, 1)``."""
    return (one * other).sum(dim=(2, 3), keepdim=True)


def _neighbours(values: Tensor) -> Tensor:
    """Return the sum over all eight neighbours, sides by 1/6, corners by 1/12, 0 beyond the edges.

    ``[1 2 1]ᵀ [1 2 1] / 12`` has these weights, and 1/3 in the middle, which is taken off.
    """
    across = 2 * values
    across[..., 1:] += values[..., :-1]
    across[..., :-1] += values[..., 1:]
    total = 2 * across
    total[..., 1:, :] += across[..., :-1, :]
    total[..., :-1, :] += across[..., 1:, :]
    return total.sub_(values, alpha=4).div_(12)


def _precondition(residual: Tensor, hole: Tensor) -> Tensor:
    """Approximate the inverse on ever coarser grids, so that wide holes take few iterations.

    Each level sums the residual over squares of ``2^l`` pixels, divides by what the operator does
    to such a square, its circumference, and spreads it again; this is additive (after Bramble,
    Pasciak and Xu, 1990), symmetric and positive.
    """
    grids = [residual]
    while len(grids) < _LEVELS:
        grids.append(_halved(grids[-1]))
    total = torch.zeros_like(grids[-1])
    for level in range(_LEVELS - 1, -1, -1):
        total = total + grids[level] / 2**level
        if level:
            height, width = grids[level - 1].shape[2:]
            total = _doubled(total)[:, :, :height, :width]
    return total * hole


def _halved(values: Tensor) -> Tensor:
    """Return the sums over squares of two by two pixels."""
    height, width = values.shape[2:]
    if height % 2 or width % 2:
        values = functional.pad(values, (0, width % 2, 0, height % 2))
    rows = values[:, :, ::2] + values[:, :, 1::2]
    return rows[..., ::2] + rows[..., 1::2]


def _doubled(values: Tensor) -> Tensor:
    """Return every pixel as a square of two by two."""
    count, channels, height, width = values.shape
    squares = values[:, :, :, None, :, None].expand(-1, -1, -1, 2, -1, 2)
    return squares.reshape(count, channels, 2 * height, 2 * width)
