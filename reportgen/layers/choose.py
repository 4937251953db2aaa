"""Choose the layers that suit a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from reportgen.errors import LayerError

if TYPE_CHECKING:
    from reportgen.layers.layout import Grid
    from reportgen.layers.survey import LayerInfo, Survey


@dataclass(frozen=True, slots=True)
class DefaultLayers:
    """The layers explained where the user names none."""

    last: str
    """Output of the last convolutional block: for methods of one layer (Grad-CAM)."""
    stages: tuple[str, ...]
    """One per resolution, shallow to deep: for methods of every layer (Layer-CAM)."""


KNOWN_DEFAULTS: dict[str, DefaultLayers] = {
    # As in the lab and in the paper's own AlexNet example: the convolutions and the last pool.
    "alexnet": DefaultLayers(
        last="features",
        stages=("features.0", "features.3", "features.6", "features.9", "features.12"),
    ),
}
"""Architecture name → defaults, where the rule of `default_layers` is not what people expect."""

SPREAD = 5
"""How many blocks to show of a network that keeps one resolution throughout."""

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)

_NOT_A_BLOCK = frozenset(
    {"Dropout", "Dropout2d", "Identity", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "Permute"}
)
"""Types that only pass on, pool to a fixed size or reorder what came before."""


def default_layers(survey: Survey, architecture: str) -> DefaultLayers:
    """Return the layers that suit a network.

    `KNOWN_DEFAULTS` first, where the network has all of those layers; otherwise `by_rule`.

    Raises
    ------
    LayerError
        If no layer of the network can carry a map.
    """
    known = KNOWN_DEFAULTS.get(architecture)
    if known is not None and {known.last, *known.stages} <= {layer.name for layer in survey.usable}:
        return known
    return by_rule(survey)


def by_rule(survey: Survey) -> DefaultLayers:
    """Return one layer per resolution: the last that gives it along the trunk.

    A network that keeps one resolution from its patches on (a vision transformer) is sampled at
    `SPREAD` evenly spaced blocks instead, at the last layer in each that a gradient still
    reaches place by place.

    Raises
    ------
    LayerError
        If no layer of the network can carry a map.
    """
    candidates = worth_explaining(survey)
    if not candidates:
        raise LayerError(
            "--model: no layer of this network gives a grid of places, so no class activation "
            "map can be made. Use a convolutional network or a vision transformer.",
        )
    trunk = _without_transitions(candidates, survey) or candidates
    stages = _last_per_resolution(trunk)
    blocks = _longest_run_of_blocks(candidates)
    if len(stages) <= 2 or _is_the_trunk(blocks, candidates):  # noqa: PLR2004 - patches and one more: nothing to compare
        stages = _spread_over_blocks(blocks, candidates) or stages
    names = tuple(layer.name for layer in stages)
    return DefaultLayers(last=names[-1], stages=names)


def last_convolution(survey: Survey) -> str:
    """Return the last convolution before the head, for feature maps.

    Where a network has none whose output lies over the picture, its last block that does.

    Raises
    ------
    LayerError
        If no layer of the network gives a grid of places.
    """
    placed = [layer for layer in survey.layers if layer.layout is not None]
    before_head = [layer for layer in placed if not _is_logits(layer, survey)] or placed
    found = [
        layer for layer in before_head if isinstance(survey.modules[layer.name], CONVOLUTIONS)
    ] or before_head
    if not found:
        raise LayerError(
            "--feature-maps: no layer of this network gives a grid of places, so there are no "
            "feature maps. Use a convolutional network or a vision transformer.",
        )
    return found[-1].name


def worth_explaining(survey: Survey) -> list[LayerInfo]:
    """Return the usable layers that compute something of their own before the head.

    A convolution with one channel per class is a head (SqueezeNet has one): its channels are
    the logits laid out in space, which no other class's gradient reaches. And where a gradient
    reaches the inside of a block but no longer its output (the last of a vision transformer),
    only layers as wide as the block count: queries, keys and values are another space.
    """
    blocks = [
        layer
        for layer in survey.usable
        if layer.type not in _NOT_A_BLOCK and not _is_other_space(layer, survey)
    ]
    before_head = [layer for layer in blocks if not _is_logits(layer, survey)]
    return before_head or blocks


def _is_logits(layer: LayerInfo, survey: Survey) -> bool:
    return layer.layout is not None and layer.layout.channels == survey.classes


def _is_other_space(layer: LayerInfo, survey: Survey) -> bool:
    around = [survey.layers[survey.order[name]] for name in _ancestors(layer.name, survey)]
    return any(
        block.layout is not None
        and not block.reached
        and block.layout.grid == _grid(layer)
        and block.layout.channels != _channels(layer)
        for block in around
    )


def _grid(layer: LayerInfo) -> Grid:
    assert layer.layout is not None  # noqa: S101 - candidates are usable layers
    return layer.layout.grid


def _channels(layer: LayerInfo) -> int:
    assert layer.layout is not None  # noqa: S101 - candidates are usable layers
    return layer.layout.channels


def _without_transitions(layers: list[LayerInfo], survey: Survey) -> list[LayerInfo]:
    """Drop the layers inside a block that changes the resolution which still have the old one.

    The first convolution of such a block runs after the end of the stage before, and would
    wrongly count as that stage's last layer.
    """
    spans: dict[str, set[Grid]] = {}
    for layer in survey.usable:
        for block in _around(layer.name):
            spans.setdefault(block, set()).add(_grid(layer))
    ends = {layer.name: _grid(layer) for layer in survey.usable}

    def belongs_to_stage_before(layer: LayerInfo) -> bool:
        return any(
            len(spans[block]) <= 2 and ends.get(block, _grid(layer)) != _grid(layer)  # noqa: PLR2004 - in, out
            for block in _around(layer.name)
        )

    return [layer for layer in layers if not belongs_to_stage_before(layer)]


def _around(name: str) -> list[str]:
    """Return the names of the modules around a layer, outermost first, without itself."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _ancestors(name: str, survey: Survey) -> list[str]:
    """Return those of the modules around a layer that ran."""
    return [block for block in _around(name) if block in survey.order]


def _last_per_resolution(layers: list[LayerInfo]) -> list[LayerInfo]:
    """Return the last layer of each resolution, in the order in which they ran."""
    last: dict[Grid, LayerInfo] = {}
    for layer in layers:
        last.pop(_grid(layer), None)
        last[_grid(layer)] = layer
    return list(last.values())


def _longest_run_of_blocks(layers: list[LayerInfo]) -> list[str]:
    """Return the names of the most numerous siblings that hold usable layers of their own.

    Siblings are the children of one module whose names end in a number, ``blocks.3`` or
    ``encoder.layers.encoder_layer_3``.
    """
    siblings: dict[str, dict[str, None]] = {}
    for layer in layers:
        for block in _around(layer.name):
            if block[-1].isdecimal():
                siblings.setdefault(block.rpartition(".")[0], {})[block] = None
    return max((list(blocks) for blocks in siblings.values()), key=len, default=[])


def _inside(block: str, layers: list[LayerInfo]) -> list[LayerInfo]:
    """Return the block itself and what is in it."""
    return [layer for layer in layers if layer.name == block or layer.name.startswith(f"{block}.")]


def _deputy(block: str, layers: list[LayerInfo]) -> LayerInfo:
    """Return the block itself, or else the last layer at the top of what is in it.

    The deeper ones may be values or keys, in a space of their own.
    """
    inside = _inside(block, layers)
    depth = min(layer.name.count(".") for layer in inside)
    return [layer for layer in inside if layer.name.count(".") == depth][-1]


def _is_the_trunk(blocks: list[str], layers: list[LayerInfo]) -> bool:
    """Say whether blocks of one resolution, the last one, are most of the network.

    Other resolutions are steps on the way to the patches then (XCiT has two).
    """
    inside = [layer for block in blocks for layer in _inside(block, layers)]
    grids = {_grid(layer) for layer in inside}
    return grids == {_grid(layers[-1])} and len(inside) > len(layers) / 2


def _spread_over_blocks(blocks: list[str], layers: list[LayerInfo]) -> list[LayerInfo]:
    """Return the last layer of evenly spaced blocks.

    Their last layer with a gradient stands for them, which in the last block of a vision
    transformer is the normalisation before its attention: what comes later reaches the logits
    through the class token only.
    """
    if not blocks:
        return []
    count = min(SPREAD, len(blocks))
    step = len(blocks) / count
    picked = [blocks[int((index + 1) * step + 1e-9) - 1] for index in range(count)]
    last_inside = [_deputy(block, layers) for block in picked]
    # The same place in every block, so that the maps differ by depth and by nothing else.
    inside_last = last_inside[-1].name.removeprefix(picked[-1])
    names = {layer.name: layer for layer in layers}
    return [
        names.get(f"{block}{inside_last}", fallback)
        for block, fallback in zip(picked, last_inside, strict=True)
    ]
