"""Look once through a network to learn what each layer gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import nn

from reportgen.capture import Capture, logits_of, quiet_mode
from reportgen.layers.layout import Layout, infer_layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One named module as it ran."""

    name: str
    type: str
    """Class name of the module."""
    output_shape: tuple[int, ...]
    """Without the batch dimension."""
    layout: Layout | None
    """How it lies over the picture; None where it does not."""
    reached: bool
    """Whether a gradient of the logits arrives at more than the prefix tokens."""

    @property
    def problem(self) -> str | None:
        """Why the layer cannot carry a map, or None where it can."""
        if self.layout is None:
            shape = "×".join(str(side) for side in self.output_shape)
            return f"its output ({shape}) does not lie over the picture"
        if not self.reached:
            return "no gradient of the logits reaches its places"
        return None


@dataclass(frozen=True)
class Survey:
    """All layers of a network, in the order in which they finished."""

    layers: tuple[LayerInfo, ...]
    modules: Mapping[str, nn.Module]
    classes: int
    """Number of logits."""

    @cached_property
    def usable(self) -> tuple[LayerInfo, ...]:
        """The layers that can carry a map."""
        return tuple(layer for layer in self.layers if layer.problem is None)

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Layer name → its position in ``layers``."""
        return {layer.name: position for position, layer in enumerate(self.layers)}


def survey(model: nn.Module, input_size: tuple[int, int]) -> Survey:
    """Run one random picture through ``model`` and note what every named module gave.

    Parameters
    ----------
    model
        A classifier of ``(1, 3, height, width)`` pictures.
    input_size
        ``(height, width)``.

    Returns
    -------
    Modules that did not run, or gave no floating-point tensor, are left out. A module called
    several times stands where it was last called.
    """
    reference = next(model.parameters(), torch.empty(0))
    generator = torch.Generator().manual_seed(0)
    picture = torch.randn((1, 3, *input_size), generator=generator)
    picture = picture.to(device=reference.device, dtype=reference.dtype)
    names = [name for name, _ in model.named_modules() if name]
    with quiet_mode(model), Capture(model, names) as capture:
        logits = logits_of(model(picture))
        gradients = capture.gradients(logits.amax(), keep_graph=False)
        finished = list(capture.activations)
        shapes = {name: tuple(capture.activations[name].shape) for name in finished}
    modules = dict(model.named_modules())
    layers = tuple(
        _layer_info(name, modules[name], shapes[name], gradients[name], input_size)
        for name in finished
    )
    return Survey(layers=layers, modules=modules, classes=logits.shape[1])


def _layer_info(
    name: str,
    module: nn.Module,
    shape: tuple[int, ...],
    gradient: Tensor,
    input_size: tuple[int, int],
) -> LayerInfo:
    layout = infer_layout(shape, input_size)
    places = gradient if layout is None else layout.to_grid(gradient)
    return LayerInfo(
        name=name,
        type=type(module).__name__,
        output_shape=shape[1:],
        layout=layout,
        reached=bool(places.count_nonzero() > 0),
    )
