"""Maps averaged over slightly changed pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

FACTORS = (0.9, 1.0, 1.1)
"""What the input is multiplied with, as in the package grad-cam (``aug_smooth``)."""


def smooth(
    explain: Callable[[Tensor], Tensor],
    inputs: Tensor,
    *,
    flip: bool = True,
    factors: Sequence[float] = FACTORS,
) -> Tensor:
    r"""Return the mean of the maps of all changed inputs, each laid back over the input.

    .. math::

        \bar L(x) = \frac{1}{|T|} \sum_{t \in T} t^{-1}\bigl(L(t(x))\bigr)

    Parameters
    ----------
    explain
        Inputs ``(N, 3, height, width)`` → raw maps ``(..., h, w)``; it is called once per change.
    inputs
        ``(N, 3, height, width)``, normalised.
    flip
        Whether to take each change of the input mirrored left to right too.
    factors
        What to multiply the normalised input with, at least one; the maps stay as they are.

    Returns
    -------
    ``(..., h, w)``, of the range and the unit of what ``explain`` gives.

    Notes
    -----
    The raw maps are averaged, so that a change with little evidence counts for little and the unit
    remains; the package grad-cam averages maps that have each been scaled to 0…1.

    References
    ----------
    Test-time augmentation as in the package grad-cam (``aug_smooth``); there is no equation.
    """
    maps = [
        explain(again).flip(-1) if mirrored else explain(again)
        for again, mirrored in changed(inputs, flip=flip, factors=factors)
    ]
    return torch.stack(maps).mean(dim=0)


def changed(
    inputs: Tensor, *, flip: bool = True, factors: Sequence[float] = FACTORS
) -> Iterator[tuple[Tensor, bool]]:
    """Yield every changed form of the inputs, and whether it is mirrored.

    Of the change that changes nothing, ``inputs`` itself is given.
    """
    for factor in factors:
        yield inputs if factor == 1 else inputs * factor, False
        if flip:
            yield inputs.flip(-1) * factor, True
