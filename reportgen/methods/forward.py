"""What methods without gradients need: the network itself, to try out changed pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from reportgen.layers import Layout


@dataclass(frozen=True, slots=True)
class ForwardContext:
    """One layer of a network with a batch that has gone through it."""

    model: nn.Module
    """In evaluation mode (see `reportgen.capture.quiet_mode`), and without hooks of others."""
    inputs: Tensor
    """``(N, 3, height, width)``, normalised, on the model's device."""
    layer: str
    """Name as in ``model.named_modules()``."""
    layout: Layout
    """How the layer's output lies over pictures of this size (see `reportgen.layers.layout_at`)."""
    activation: Tensor
    """``(N, C, h, w)``: the layer's output for ``inputs`` as a grid, detached."""
    logits: Tensor
    """``(N, classes)``: what the model gave for ``inputs``, detached."""
    score: Callable[[Tensor, Tensor], Tensor]
    """(logits ``(M, classes)``, rows ``(M,)`` of the pictures that they belong to) → ``(M, T)``:
    the score of each of the T targets of that picture, a logit or a group's logsumexp. A picture
    with fewer targets than others has any finite number in the rest."""
    batch_size: int
    """Pictures per pass of the network."""


def scores_by_channel(
    context: ForwardContext,
    wanted: Tensor,
    otherwise: Tensor,
    forward: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Return the targets' scores of each picture as each of its channels changes it.

    Parameters
    ----------
    context
        The network and the batch.
    wanted
        ``(N, C)`` bool: which channels of which picture to try.
    otherwise
        ``(N, T)`` floating point: the scores to give the other channels.
    forward
        (rows ``(M,)``, channels ``(M,)``) → logits ``(M, classes)``, with M up to the batch size.

    Returns
    -------
    ``(N, T, C)``, with the dtype of ``otherwise``.
    """
    scores = otherwise.unsqueeze(2).repeat(1, 1, wanted.shape[1])
    rows, channels = wanted.nonzero(as_tuple=True)
    size = context.batch_size
    for row, channel in zip(torch.split(rows, size), torch.split(channels, size), strict=True):
        if len(row):  # nothing at all to try is one empty part
            scores[row, :, channel] = context.score(forward(row, channel), row).to(scores.dtype)
    return scores


def unchanged_scores(context: ForwardContext) -> Tensor:
    """Return the scores ``(N, T)`` of the pictures as they are."""
    rows = torch.arange(len(context.inputs), device=context.logits.device)
    return context.score(context.logits, rows)


def weighted(weights: Tensor, activation: Tensor) -> Tensor:
    """Return ``ReLU(Σₖ wₖ·Aₖ)``, ``(N, T, h, w)``, of weights ``(N, T, C)``."""
    return torch.einsum("ntc,nchw->nthw", weights.to(activation.dtype), activation).relu()


def needs_network(activation: Tensor, gradient: Tensor) -> NoReturn:  # noqa: ARG001 - as all
    """Stand in for ``compute`` of a method that takes no gradient.

    Raises
    ------
    TypeError
        Always.
    """
    raise TypeError("this method takes no gradient: call compute_forward with a ForwardContext")
