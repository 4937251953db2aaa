"""ROAD: take away the most and the least important pixels, and fill in what the rest suggests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from reportgen.metrics.common import has_order, saliency_ranks, scored
from reportgen.metrics.imputation import NOISE, impute
from reportgen.values import Road

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from reportgen.metrics.common import Scorer

PERCENTILES = (20.0, 40.0, 60.0, 80.0)
"""Share, in percent, of the pixels that stay."""


def road(  # noqa: PLR0913 - the network, the picture, its maps, and what is done to it
    score: Scorer,
    picture: Tensor,
    masks: Tensor,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    noise: float = NOISE,
    seed: int = 0,
    batch: int = 32,
) -> tuple[Road | None, ...]:
    """Score a picture without its most, and without its least, important pixels.

    After [1]_: what is removed is filled by noisy linear imputation (see `impute`), as an edge
    around removed pixels would itself give the class away. `Road.combined` is the score of
    ``pytorch_grad_cam.metrics.road.ROADCombined``; the paper shows both curves.

    At a percentile p, ``⌈p (HW - 1) / 100⌉`` pixels stay: what grad-cam keeps of a map without
    equal values. grad-cam compares with a threshold, and where many pixels are equal removes all
    of them at once: of a map that is zero in more than p percent of its pixels every single pixel,
    after which its system has no solution. Here pixels are counted; those of equal value go in the
    order in which they lie.

    Parameters
    ----------
    score
        The network's probability of the target.
    picture
        ``(3, H, W)``, normalised, on the network's device.
    masks
        ``(K, H, W)``, 0…1, from `masks_of`.
    percentiles
        Shares of the pixels that stay, each above 0 and below 100.
    noise
        Standard deviation of the noise on imputed pixels; the library's is not seeded.
    seed
        Of that noise. It is drawn once and is the same for all maps and percentiles, so that they
        differ by what was removed and nothing else.
    batch
        Inputs in one forward pass.

    Returns
    -------
    One per mask; None for one that is constant. It takes ``2 len(percentiles)`` forward passes
    for each of the others.

    Raises
    ------
    ValueError
        If a percentile is not above 0 and below 100, or there is none.

    References
    ----------
    .. [1] Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci, "A Consistent and Efficient
       Evaluation Strategy for Attribution Methods", ICML 2022.
    """
    if not percentiles or not all(0 < share < 100 for share in percentiles):  # noqa: PLR2004
        raise ValueError(f"expected percentiles above 0 and below 100, found {list(percentiles)}")
    ordered = [row for row, mask in enumerate(masks) if has_order(mask)]
    ranks = saliency_ranks(masks[ordered]).to(picture.device)
    pixels = masks.shape[1] * masks.shape[2]
    stay = [math.ceil(share * (pixels - 1) / 100) for share in percentiles]
    removed = _removals(pixels, stay).to(picture.device)
    grain = noise * torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    grain = grain.to(picture)

    def inputs(start: int, stop: int) -> Tensor:
        jobs = torch.arange(start, stop, device=ranks.device)
        places = ranks[jobs // len(removed)]
        first, last = removed[jobs % len(removed)].T[:, :, None, None]
        missing = ((places >= first) & (places < last))[:, None]
        filled: Tensor = impute(picture[None], missing) + grain * missing
        return filled

    found = scored(score, len(ordered) * len(removed), inputs, batch=batch)
    results: list[Road | None] = [None] * len(masks)
    for row, values in zip(
        ordered, found.reshape(len(ordered), 2, len(percentiles)).tolist(), strict=True
    ):
        results[row] = Road(tuple(percentiles), tuple(values[0]), tuple(values[1]))
    return tuple(results)


def _removals(pixels: int, stay: Sequence[int]) -> Tensor:
    """Return from which place to which pixels go, ``(2 len(stay), 2)``: the most important first.

    Parameters
    ----------
    pixels
        Number of pixels in all.
    stay
        How many of them stay, percentile by percentile.
    """
    most = [(0, pixels - count) for count in stay]
    least = [(count, pixels) for count in stay]
    return torch.tensor([*most, *least])
