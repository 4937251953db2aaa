"""The networks that are measured, each with the layers that reportgen explains by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from command import EMBEDDED
from reportgen.layers import default_layers, survey
from reportgen.models import LoadedModel, ModelRequest, load_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from reportgen.layers import Layout

SIDE = 224


@dataclass(frozen=True, slots=True)
class Network:
    """A network, and where its maps are taken: the same for everybody who is measured."""

    loaded: LoadedModel
    last: str
    """Layer of Grad-CAM."""
    stages: tuple[str, ...]
    """Layers of Layer-CAM."""
    layouts: Mapping[str, Layout]

    @property
    def module(self) -> nn.Module:
        """The network itself."""
        return self.loaded.module

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer once."""
        return tuple(dict.fromkeys((*self.stages, self.last)))

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Method and layer of every map."""
        return (("grad-cam", self.last), *(("layer-cam", layer) for layer in self.stages))


def load(name: str) -> Network:
    """Build a network as the command does.

    Raises
    ------
    UsageError
        If there is no such network.
    """
    weights = "default" if name == EMBEDDED else "none"
    loaded = load_model(ModelRequest(name, weights=weights))
    known = survey(loaded.module, (SIDE, SIDE))
    layers = default_layers(known, loaded.architecture)
    layouts = {
        layer: layout
        for layer in (layers.last, *layers.stages)
        if (layout := known.layers[known.order[layer]].layout) is not None
    }
    return Network(loaded, layers.last, layers.stages, layouts)


def inputs(number: int) -> Tensor:
    """Return ``(number, 3, 224, 224)`` float32, normalised as far as time is concerned."""
    return torch.randn((number, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
