"""Batch normalisation folded into the convolution before it: the same function with less to do.

In evaluation mode a batch normalisation multiplies every channel by a constant and adds another,
which the weights of the convolution can do as well (Jacob et al., CVPR 2018, section 3.2). It is a
fifth of the time of a small network.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from reportgen.capture import logits_of, quiet_mode
from reportgen.pacing import sharing_copy

if TYPE_CHECKING:
    from collections.abc import Collection

TOLERANCE = 1e-4
"""Largest difference that rounding may make, as a share of a layer's largest output."""


def folded(module: nn.Module, kept: Collection[str], picture: Tensor) -> tuple[nn.Module, int]:
    """Return the network without the batch normalisations that a convolution can take over.

    Parameters
    ----------
    module
        The network. It stays as it is.
    kept
        Names of the layers whose outputs are looked at; they have the same outputs afterwards.
    picture
        ``(1, 3, height, width)``: what the two networks are compared on.

    Returns
    -------
    A copy that shares all other weights, and how many were folded; ``module`` itself, and 0, where
    that cannot be done, or where the copy does not give the same on ``picture``.
    """
    parts = list(module.modules())
    if not any(map(_act_of, parts)) or any(isinstance(it, torch.jit.ScriptModule) for it in parts):
        return module, 0
    with quiet_mode(module), torch.no_grad():
        seen = _look(module, kept, picture)
        pairs = _pairs(module, seen, kept)
        try:
            copied = sharing_copy(module)
            for convolution, norm in pairs:
                _fold(copied, convolution, norm)
            again = _look(copied, kept, picture)
        except Exception:  # noqa: BLE001 - networks of any origin; it is done without
            return module, 0
    same = all(_is_close(seen.outputs[name], again.outputs.get(name)) for name in seen.outputs)
    return (copied, len(pairs)) if pairs and same else (module, 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of one forward pass."""

    calls: Counter[str] = field(default_factory=Counter)
    given: dict[int, tuple[str, Tensor, int]] = field(default_factory=dict)
    """Identity of what a convolution gave → its name, that tensor (so that no other has its
    identity), and how often that had been changed in place."""
    fed: dict[str, str] = field(default_factory=dict)
    """Batch normalisation → the convolution whose output it took as it was."""
    outputs: dict[str, Tensor] = field(default_factory=dict)
    """Layer that is looked at → its output; the logits under no name."""


def _look(module: nn.Module, kept: Collection[str], picture: Tensor) -> _Seen:
    seen = _Seen()
    handles = []
    for name, part in module.named_modules():

        def after(part: nn.Module, inputs: object, output: object, name: str = name) -> None:
            seen.calls[name] += 1
            if isinstance(part, nn.Conv2d) and isinstance(output, Tensor):
                seen.given[id(output)] = (name, output, output._version)  # noqa: SLF001 - the only way
            elif _act_of(part) is not None and isinstance(inputs, tuple) and inputs:
                source = seen.given.get(id(inputs[0]))
                # A normalisation does not work in place: what it took is still as it was.
                if source is not None and source[1]._version == source[2]:  # noqa: SLF001
                    seen.fed[name] = source[0]
            if name in kept and isinstance(output, Tensor):
                seen.outputs[name] = output.clone()

        handles.append(part.register_forward_hook(after))
    try:
        seen.outputs[""] = logits_of(module(picture)).clone()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _pairs(module: nn.Module, seen: _Seen, kept: Collection[str]) -> list[tuple[str, str]]:
    """Return the convolutions and normalisations that are called once each, one for the other."""
    parts = dict(module.named_modules())
    names = Counter(id(part) for _, part in module.named_modules(remove_duplicate=False))
    norms = Counter(seen.fed.values())
    return [
        (convolution, norm)
        for norm, convolution in seen.fed.items()
        if convolution not in kept
        and _has_own_weights(parts[convolution])
        and norms[convolution] == 1
        and all(
            seen.calls[name] == 1 and names[id(parts[name])] == 1 and not _is_hooked(parts[name])
            for name in (convolution, norm)
        )
    ]


def _act_of(part: nn.Module) -> nn.Module | None:
    """Return what a batch normalisation does besides, or None where it is none that is known."""
    if getattr(part, "running_mean", None) is None or getattr(part, "running_var", None) is None:
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


def _is_hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks)  # noqa: SLF001 - torch has no other


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    first, second = module.get_submodule(convolution), module.get_submodule(norm)
    act = _act_of(second)
    if not isinstance(first, nn.Conv2d) or not isinstance(second, nn.BatchNorm2d) or act is None:
        raise AssertionError(f"'{convolution}' and '{norm}' are another pair in the copy")
    joined = fuse_conv_bn_eval(first, second)
    _set(module, convolution, joined)
    _set(module, norm, act.eval())


def _set(module: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(module.get_submodule(parent), attribute, part)


def _is_close(before: Tensor, after: Tensor | None) -> bool:
    if after is None or after.shape != before.shape:
        return False
    largest = before.abs().amax()
    # Not so, too, where one of them is not a number.
    return bool((after - before).abs().amax() <= TOLERANCE * largest)
