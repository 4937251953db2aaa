"""Look once through a network to learn what each layer gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from reportgen.capture import Capture, logits_of, quiet_mode
from reportgen.layers.layout import Layout, halvings, infer_layout, is_attention
from reportgen.layers.order import token_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    same_as: str | None = None
    """The layer inside it whose output it gives unchanged, as a sequence does its last layer's."""

    @property
    def problem(self) -> str | None:
        """Why the layer cannot carry a map, or None where it can."""
        if self.layout is None:
            shape = "×".join(str(side) for side in self.output_shape)
            return f"its output ({shape}) does not lie over the picture"
        if not self.reached:
            return "no gradient of the logits reaches its places"
        return None


@dataclass(frozen=True, slots=True)
class Probe:
    """The picture that a network was surveyed with, and all that came of it."""

    picture: Tensor
    """``(1, 3, height, width)``, random."""
    logits: Tensor
    """``(1, classes)``."""
    outputs: Mapping[str, Tensor]
    """Layer name → its output."""


@dataclass(frozen=True)
class Survey:
    """All layers of a network, in the order in which they finished."""

    layers: tuple[LayerInfo, ...]
    modules: Mapping[str, nn.Module]
    classes: int
    """Number of logits."""
    probe: Probe | None = None

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
        outputs = {name: output.detach() for name, output in capture.activations.items()}
    layouts = _layouts({name: tuple(out.shape) for name, out in outputs.items()}, input_size)
    layouts |= token_order(model, picture, outputs, layouts)
    same = _passed_on(outputs)
    modules = dict(model.named_modules())
    layers = tuple(
        LayerInfo(
            name=name,
            type=type(modules[name]).__name__,
            output_shape=tuple(output.shape[1:]),
            layout=layouts[name],
            reached=_is_reached(gradients[name], layouts[name]),
            same_as=same.get(name),
        )
        for name, output in outputs.items()
    )
    probe = Probe(picture, logits.detach(), outputs)
    return Survey(layers=layers, modules=modules, classes=logits.shape[1], probe=probe)


def _layouts(
    shapes: Mapping[str, tuple[int, ...]], picture: tuple[int, int]
) -> dict[str, Layout | None]:
    """Return the layout of every output, the plain ones helping with the doubtful ones.

    An output of another batch size than the picture's has windows or patches in its place and
    is nowhere in particular. Where there are 4-D outputs they show which grids there are, and
    tokens that make no such grid, nor a half of one, are something else.
    """
    known: dict[str, Layout | None] = {
        name: infer_layout(shape, picture) if shape[:1] == (1,) and len(shape) == 4 else None  # noqa: PLR2004 - N, C, H, W
        for name, shape in shapes.items()
    }
    sequences = {
        name: shape
        for name, shape in shapes.items()
        if shape[:1] == (1,) and len(shape) == 3  # noqa: PLR2004 - N, tokens, C
    }
    counts = _token_counts(known.values(), (shape[1] for shape in sequences.values()))
    for name, layout in known.items():
        if layout is not None and is_attention(layout, picture, counts):
            known[name] = None
    grids = halvings(layout.grid for layout in known.values() if layout is not None)
    for name, shape in sequences.items():
        known[name] = infer_layout(shape, picture, grids)
    return known


def _token_counts(layouts: Iterable[Layout | None], sequences: Iterable[int]) -> set[int]:
    places = {layout.height * layout.width for layout in layouts if layout is not None}
    return places | set(sequences)


def _passed_on(outputs: Mapping[str, Tensor]) -> dict[str, str]:
    """Return for each layer the one inside it that finished just before with the same values."""
    same: dict[str, str] = {}
    for before, name in pairwise(outputs):
        first, second = outputs[before], outputs[name]
        inside = before.startswith(f"{name}.")
        if inside and first.shape == second.shape and torch.equal(first, second):
            same[name] = before
    return same


def _is_reached(gradient: Tensor, layout: Layout | None) -> bool:
    places = gradient if layout is None else layout.to_grid(gradient)
    # Nearly always the first channel tells; to look through all of them takes as long as the pass.
    return bool(places[:, :1].any()) or bool(places.count_nonzero() > 0)
