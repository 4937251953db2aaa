"""Computing in half the bits where a network can: autocast, off unless it is asked for."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def half_of(device: torch.device) -> torch.dtype:
    """Return the 16-bit type that a device computes in.

    bfloat16 has float32's range, so that no gradient becomes zero for being small; older GPUs
    have float16 only.
    """
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


@contextmanager
def autocast(module: nn.Module, device: torch.device, *, wanted: bool) -> Iterator[None]:
    """Let every forward pass of ``module`` run under autocast while the context lasts.

    Only the network's own layers do: what is made of its activations stays in float32. The backward
    pass takes the types of the forward pass by itself.

    Parameters
    ----------
    module
        The network; one thread at a time may run it.
    device
        Where it is.
    wanted
        False: nothing is changed.
    """
    if not wanted:
        yield
        return
    entered: list[ExitStack] = []

    def enter(_module: nn.Module, _inputs: object) -> None:
        stack = ExitStack()
        stack.enter_context(torch.autocast(device.type, half_of(device)))
        entered.append(stack)

    def leave(_module: nn.Module, _inputs: object, _output: object) -> None:
        # Also where the forward pass failed, which may be before or after the context was entered.
        if entered:
            entered.pop().close()

    handles = (
        module.register_forward_pre_hook(enter),
        module.register_forward_hook(leave, always_call=True),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
