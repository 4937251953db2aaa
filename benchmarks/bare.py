"""The least that the maps can cost: one forward, one backward, the maps and their upsampling.

Written as somebody would who has this one thing to do: parameters frozen, the graph begun at the
first layer that is explained, one backward pass for all layers, activations modified in place
wherever autograd allows it.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from networks import Network


def prepared(network: Network, memory_format: torch.memory_format) -> nn.Module:
    """Return a copy of the network for `explain`, frozen and laid out in memory as given."""
    module = copy.deepcopy(network.module).eval().requires_grad_(requires_grad=False)
    module = module.to(memory_format=memory_format)
    picture = torch.zeros((1, 3, 224, 224))
    try:
        explain(network, module, picture, 1)
    except RuntimeError:  # a ReLU would overwrite an activation that the maps need
        for part in module.modules():
            if hasattr(part, "inplace"):
                setattr(part, "inplace", False)  # noqa: B010 - only some modules have it
        explain(network, module, picture, 1)
    return module


def explain(network: Network, module: nn.Module, inputs: Tensor, batch_size: int) -> None:
    """Compute the maps of ``inputs``, ``(N, 3, H, W)`` normalised, and do nothing with them."""
    for _ in maps(network, module, inputs, batch_size):
        pass


def maps(
    network: Network, module: nn.Module, inputs: Tensor, batch_size: int
) -> Iterator[list[NDArray[np.float32]]]:
    """Yield, batch by batch, one ``(N, H, W)`` array per place of the network, not normalised."""
    layers = network.layers
    size = (inputs.shape[2], inputs.shape[3])
    with _kept(module, layers) as kept:
        for batch in torch.split(inputs, batch_size):
            logits = module(batch)
            score = logits.gather(1, logits.argmax(dim=1, keepdim=True)).sum()
            gradients = torch.autograd.grad(score, [kept[layer] for layer in layers])
            pairs = {
                layer: (
                    network.layouts[layer].to_grid(kept[layer].detach()),
                    network.layouts[layer].to_grid(gradient),
                )
                for layer, gradient in zip(layers, gradients, strict=True)
            }
            raw = [_MAPS[method](*pairs[layer]) for method, layer in network.places]
            yield [
                functional.interpolate(values[:, None], size, mode="bilinear")[:, 0].numpy()
                for values in raw
            ]


@contextmanager
def _kept(module: nn.Module, layers: tuple[str, ...]) -> Iterator[dict[str, Tensor]]:
    """Keep the output of layers, by name, and begin the graph at the first of them."""
    kept: dict[str, Tensor] = {}

    def keep(layer: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            kept[layer] = output if output.requires_grad else output.requires_grad_()

        return hook

    handles = [module.get_submodule(layer).register_forward_hook(keep(layer)) for layer in layers]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


def _grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * activation).sum(dim=1).relu()


def _layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    return (gradient.relu() * activation).sum(dim=1).relu()


_MAPS = {"grad-cam": _grad_cam, "layer-cam": _layer_cam}
