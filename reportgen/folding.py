"""Batch normalisation folded into the convolution before it: the same function with less to do.

In evaluation mode a batch normalisation multiplies every channel by a constant and adds another,
which the weights of the convolution can do as well (Jacob et al., CVPR 2018, section 3.2).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from reportgen.capture import Capture, logits_of, quiet_mode
from reportgen.pacing import sharing_copy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reportgen.layers import LayerInfo, Survey

TOLERANCE = 1e-4
"""Largest difference that rounding may make, as a share of a layer's largest output."""


def folded(module: nn.Module, known: Survey, kept: Collection[str]) -> tuple[nn.Module, int]:
    """Return the network without the batch normalisations that a convolution can take over.

    Which follows on which is guessed from the order in which they ran; whether the guess is right
    is seen by comparing.

    Parameters
    ----------
    module
        The network. It stays as it is.
    known
        What was learned of it, with the picture that it was learned on.
    kept
        Names of the layers whose outputs are looked at; they have the same outputs afterwards.

    Returns
    -------
    A copy that shares all other weights, and how many were folded; ``module`` itself, and 0, where
    that cannot be done, or where the copy does not give the same for the picture.
    """
    pairs = list(_pairs(module, known, kept))
    if not pairs or known.probe is None:
        return module, 0
    picture, logits, outputs = known.probe.picture, known.probe.logits, known.probe.outputs
    try:
        with quiet_mode(module), torch.no_grad():
            copied = sharing_copy(module)
            for convolution, norm in pairs:
                _fold(copied, convolution, norm)
            with Capture(copied, kept) as capture:
                found = logits_of(copied(picture))
                same = _is_close(logits, found) and all(
                    _is_close(outputs[name], capture.activations[name]) for name in kept
                )
    except Exception:  # noqa: BLE001 - networks of any origin; it is done without
        same = False
    return (copied, len(pairs)) if same else (module, 0)


def _pairs(module: nn.Module, known: Survey, kept: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield every convolution whose output most likely goes into a normalisation, and that."""
    names = Counter(id(part) for _, part in module.named_modules(remove_duplicate=False))
    shapes = {layer.name: layer.output_shape for layer in known.layers}
    for place, norm in enumerate(shapes):
        if _act_of(known.modules[norm]) is None:
            continue
        convolution = _before(norm, known.layers[:place], kept)
        if (
            convolution
            and convolution not in kept
            and shapes[convolution] == shapes[norm]
            and _has_own_weights(known.modules[convolution])
            and all(
                names[id(part)] == 1 and not part._forward_hooks and not part._forward_pre_hooks  # noqa: SLF001 - torch has no other
                for part in (known.modules[convolution], known.modules[norm])
            )
        ):
            yield convolution, norm


def _before(norm: str, ran: Sequence[LayerInfo], kept: Collection[str]) -> str:
    """Return what ran before a normalisation, its own parts left aside.

    So are blocks that just give what the last of their layers gave.
    """
    for layer in reversed(ran):
        passed_on = layer.same_as is not None and layer.name not in kept
        if not passed_on and not layer.name.startswith(f"{norm}."):
            return layer.name
    return ""


def _act_of(part: nn.Module) -> nn.Module | None:
    """Return what a batch normalisation does besides, or None where it is none that is known."""
    if not isinstance(part, nn.BatchNorm2d) or part.running_mean is None:
        return None
    if type(part) is nn.BatchNorm2d:
        return nn.Identity()
    if _is_of_timm(part, "BatchNormAct2d"):
        return nn.Sequential(OrderedDict(part.named_children()))  # the activation that follows
    return None


def _has_own_weights(part: nn.Module) -> bool:
    """Say whether a convolution applies the weights that it has, and none made from them."""
    return type(part) is nn.Conv2d or _is_of_timm(part, "Conv2dSame")


def _is_of_timm(part: nn.Module, name: str) -> bool:
    kind = type(part)
    return kind.__name__ == name and kind.__module__.startswith("timm.")


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    first, second = module.get_submodule(convolution), module.get_submodule(norm)
    act = _act_of(second)
    if not isinstance(first, nn.Conv2d) or not isinstance(second, nn.BatchNorm2d) or act is None:
        raise AssertionError(f"'{convolution}' and '{norm}' are another pair in the copy")
    mean, variance = second.running_mean, second.running_var
    if mean is None or variance is None:
        raise AssertionError(f"'{norm}' has other statistics in the copy")
    first.weight, first.bias = fuse_conv_bn_weights(
        first.weight,
        first.bias,
        mean,
        variance,
        second.eps,
        second.weight,
        second.bias,
    )
    parent, _, attribute = norm.rpartition(".")
    setattr(module.get_submodule(parent), attribute, act.eval())


def _is_close(before: Tensor, after: Tensor) -> bool:
    if after.shape != before.shape:
        return False
    # Not so, too, where one of them is not a number.
    return bool((after - before).abs().amax() <= TOLERANCE * before.abs().amax())
