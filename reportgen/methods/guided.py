"""Guided backpropagation and Guided Grad-CAM, for networks with ReLU."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.capture import logits_of
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def count_relus(model: nn.Module) -> int:
    """Return how many modules of a network guided backpropagation can reach.

    A ReLU that is called as a function, ``functional.relu(x)`` or ``x.relu()``, is no module.
    """
    return sum(isinstance(module, nn.ReLU | nn.ReLU6) for module in model.modules())


@contextmanager
def guided_relus(model: nn.Module) -> Iterator[int]:
    """Let every ReLU module pass back positive gradients only; restore all afterwards.

    No module is replaced. A hook on the *output* cuts the gradient before it gets to the ReLU,
    which then cuts it where the ReLU was closed; a backward hook of the module would not do, as
    torch refuses those of modules that work in place.

    Yields
    ------
    How many modules were found.

    Raises
    ------
    OptionError
        If there is none.
    """
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU | nn.ReLU6)]
    if not relus:
        raise OptionError(
            "guided Grad-CAM: this network has no ReLU layer that could be guided. Networks with "
            "other activations (GELU, SiLU), and those that call relu as a function, are out of "
            "its reach; take grad-cam or layer-cam.",
        )
    handles = [module.register_forward_hook(_guide) for module in relus]
    try:
        yield len(relus)
    finally:
        for handle in handles:
            handle.remove()


def _guide(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(torch.relu)  # type: ignore[no-untyped-call]


def guided_gradient(model: nn.Module, inputs: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    r"""Return the guided gradient of every picture in a batch.

    .. math::

        R^l = [A^l > 0] \, [R^{l+1} > 0] \, R^{l+1} \quad \text{at every ReLU}

    Parameters
    ----------
    model
        A classifier in evaluation mode whose parameters need no gradient.
    inputs
        ``(N, 3, height, width)``, normalised.
    score
        Logits ``(N, classes)`` → a scalar: the sum over the batch of each picture's target score.

    Returns
    -------
    ``(N, 3, height, width)``, of either sign, in units of the score per unit of the input.

    Raises
    ------
    OptionError
        If the network has no ReLU module.

    References
    ----------
    Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR Workshop 2015,
    the equation of guided backpropagation (figure 1).
    """
    start = inputs.detach().clone().requires_grad_()
    with torch.enable_grad(), guided_relus(model):
        (gradient,) = torch.autograd.grad(score(logits_of(model(start))), start)
    return gradient


def guided_grad_cam(gradient: Tensor, cam: Tensor) -> Tensor:
    r"""Return Guided Grad-CAM: the guided gradient where the Grad-CAM map is.

    .. math::

        R \odot \mathrm{Up}(L^c)

    Parameters
    ----------
    gradient
        ``(N, 3, height, width)`` from `guided_gradient`.
    cam
        ``(N, h, w)`` from `reportgen.methods.grad_cam.grad_cam`, ≥ 0.

    Returns
    -------
    ``(N, 3, height, width)``, of either sign.

    References
    ----------
    Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
    Localization", ICCV 2017, section 3.2, which gives it in words and no equation.
    """
    up = functional.interpolate(
        cam.unsqueeze(1), size=gradient.shape[2:], mode="bilinear", align_corners=False
    )
    return gradient * up
