"""Run a network once to see that it is a classifier, and of how many classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from reportgen.capture import logits_of, quiet_mode
from reportgen.values import Preprocessing

if TYPE_CHECKING:
    from reportgen.errors import ModelError

USUAL_SIDE = 224

_SIDES = (USUAL_SIDE, 299, 384, 512, 256, 128, 64, 32, 28)
"""Sides of pictures that networks are made for, the usual ones first."""

_SMALL = 64
"""Networks for pictures of this size or less are shown the whole picture, without a crop."""

_MARGIN = 256 / 224
"""How much larger than its centre crop a picture is made, as for ImageNet."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one run showed."""

    classes: int
    side: int
    """Side in pixels of the square picture that it took."""


def probe(module: nn.Module, what: str, error: type[ModelError], side: int | None = None) -> Probe:
    """Run a black picture through a network, of several sizes until one fits.

    Parameters
    ----------
    module
        In any mode; left as it is.
    what
        The network as the start of an error message, for example ``--checkpoint: 'net.pth'``.
    error
        What to raise.
    side
        The size to try first.

    Raises
    ------
    ModelError
        Of the given class, if the network takes no RGB picture of any usual size, or gives
        something else than one row of logits.
    """
    sides = dict.fromkeys((side, *_SIDES) if side is not None else _SIDES)
    failures: list[Exception] = []
    with quiet_mode(module), torch.no_grad():
        for tried in sides:
            try:
                output = module(torch.zeros(1, 3, tried, tried))
            except Exception as failure:  # noqa: BLE001 - a network may raise anything
                failures.append(failure)
                continue
            try:
                logits = logits_of(output)
            except TypeError as failure:
                raise error(f"{what} is no image classifier: {failure}.") from failure
            if logits.shape[0] != 1 or logits.shape[1] == 0:
                raise error(
                    f"{what} is no image classifier: for one picture it gives logits of shape "
                    f"{tuple(logits.shape)}, but (1, classes) is expected.",
                )
            return Probe(int(logits.shape[1]), tried)
    raise error(_why_not(module, what, failures[0])) from failures[0]


def assumed_recipe(side: int = USUAL_SIDE) -> Preprocessing:
    """Return ImageNet's usual recipe for pictures of a size."""
    return Preprocessing(
        resize=side if side <= _SMALL else round(side * _MARGIN),
        crop=(side, side),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        interpolation="bilinear",
    )


def _why_not(module: nn.Module, what: str, failure: Exception) -> str:
    first = next((layer for layer in module.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is not None and first.in_channels != 3:  # noqa: PLR2004 - red, green and blue
        return (
            f"{what} takes pictures of {first.in_channels} channel(s), but reportgen gives RGB "
            f"pictures of 3. Give a network for colour pictures, or one that makes the channels "
            f"it needs of them itself."
        )
    reason = str(failure).strip().splitlines()
    return (
        f"{what} fails on RGB pictures of every usual size from {min(_SIDES)} to {max(_SIDES)} "
        f"({type(failure).__name__}: {reason[0] if reason else ''}). A network is expected that "
        f"takes a float tensor of shape (batch, 3, height, width) and gives logits of shape "
        f"(batch, classes)."
    )
