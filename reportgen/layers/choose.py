"""Choose layers: by the user's names, or by what suits a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.errors import LayerError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

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

_NOT_A_BLOCK = frozenset(
    {"Dropout", "Dropout2d", "Identity", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "Permute"}
)
"""Types that only pass on, pool to a fixed size or reorder what came before."""


def default_layers(survey: Survey, architecture: str) -> DefaultLayers:
    """Return the layers that suit a network.

    `KNOWN_DEFAULTS` first; otherwise, for every resolution, the last layer that gives it along
    the trunk, and of those the last one. A network that keeps one resolution (a vision
    transformer) is sampled at `SPREAD` evenly spaced blocks instead, at the last layer in each
    that a gradient still reaches place by place.

    Raises
    ------
    LayerError
        If no layer of the network can carry a map.
    """
    if architecture in KNOWN_DEFAULTS:
        return KNOWN_DEFAULTS[architecture]
    candidates = _candidates(survey)
    if not candidates:
        raise LayerError(
            "--model: no layer of this network gives a grid of places, so no class activation "
            "map can be made. Use a convolutional network or a vision transformer.",
        )
    trunk = _without_transitions(candidates, survey) or candidates
    stages = _last_per_resolution(trunk)
    if len(stages) <= 2:  # noqa: PLR2004 - a patch embedding and one more: nothing to compare
        stages = _spread_over_blocks(candidates) or stages
    names = tuple(layer.name for layer in stages)
    return DefaultLayers(last=names[-1], stages=names)


def choose_layers(texts: Iterable[str], survey: Survey) -> tuple[str, ...]:
    """Turn the user's names into layers, without repeats, shallow to deep.

    Parameters
    ----------
    texts
        Full names such as ``layer4.1``; a bare number ``N`` means ``features.N``.
    survey
        What the network has.

    Raises
    ------
    LayerError
        With the nearest right names, if a layer does not exist or cannot carry a map.
    """
    names = {_resolve(text.strip(), survey) for text in texts if text.strip()}
    return tuple(sorted(names, key=survey.order.__getitem__))


def _resolve(text: str, survey: Survey) -> str:
    name = f"features.{text}" if text.isdecimal() and text not in survey.modules else text
    if name in survey.order:
        problem = survey.layers[survey.order[name]].problem
        if problem is None:
            return name
        raise LayerError(
            f"--layers: '{name}' cannot carry a map: {problem}. "
            f"The nearest layer that can is '{_nearest(name, survey)}'.",
        )
    if name in survey.modules:
        raise LayerError(
            f"--layers: '{name}' exists, but it did not run or gave no tensor. "
            f"`reportgen layers` lists the layers that can carry a map.",
        )
    known = [layer.name for layer in survey.usable]
    raise LayerError(
        f"--layers: there is no layer '{text}' in this model.{did_you_mean(name, known)} "
        f"`reportgen layers --model NAME` lists them all.",
    )


def _candidates(survey: Survey) -> list[LayerInfo]:
    """Return the usable layers that compute something of their own before the head.

    A convolution with one channel per class is a head (SqueezeNet has one): its channels are
    the logits laid out in space, which no other class's gradient reaches.
    """
    blocks = [layer for layer in survey.usable if layer.type not in _NOT_A_BLOCK]
    before_head = [layer for layer in blocks if layer.output_shape[0] != survey.classes]
    return before_head or blocks


def _nearest(name: str, survey: Survey) -> str:
    """Return the layer worth explaining that is closest in the order of execution."""
    position = survey.order[name]
    near = _candidates(survey) or survey.usable
    return min(near, key=lambda layer: abs(survey.order[layer.name] - position)).name


def _grid(layer: LayerInfo) -> tuple[int, int]:
    assert layer.layout is not None  # noqa: S101 - candidates are usable layers
    return layer.layout.height, layer.layout.width


def _without_transitions(layers: list[LayerInfo], survey: Survey) -> list[LayerInfo]:
    """Drop the layers inside a block that changes the resolution which still have the old one.

    The first convolution of such a block runs after the end of the stage before, and would
    wrongly count as that stage's last layer.
    """
    spans: dict[str, set[tuple[int, int]]] = {}
    for layer in survey.usable:
        for block in _ancestors(layer.name):
            spans.setdefault(block, set()).add(_grid(layer))
    ends = {layer.name: _grid(layer) for layer in survey.usable}

    def belongs_to_stage_before(layer: LayerInfo) -> bool:
        return any(
            len(spans[block]) <= 2 and ends.get(block, _grid(layer)) != _grid(layer)  # noqa: PLR2004 - in, out
            for block in _ancestors(layer.name)
        )

    return [layer for layer in layers if not belongs_to_stage_before(layer)]


def _ancestors(name: str) -> list[str]:
    """Return the names of the modules around a layer, outermost first, without itself."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _last_per_resolution(layers: list[LayerInfo]) -> list[LayerInfo]:
    """Return the last layer of each resolution, in the order in which they ran."""
    last: dict[tuple[int, int], LayerInfo] = {}
    for layer in layers:
        last.pop(_grid(layer), None)
        last[_grid(layer)] = layer
    return list(last.values())


def _spread_over_blocks(layers: list[LayerInfo]) -> list[LayerInfo]:
    """Return the last layer of evenly spaced blocks of the longest list of like blocks.

    Blocks are the children of one module that share a type, ``encoder.layers.encoder_layer_3``
    or ``blocks.3``; their last layer with a gradient stands for them, which in the last block of
    a vision transformer is the normalisation before its attention: what comes later reaches the
    logits through the class token only.
    """
    blocks = _longest_run_of_blocks(layers)
    if not blocks:
        return []
    count = min(SPREAD, len(blocks))
    step = len(blocks) / count
    picked = [blocks[int((index + 1) * step + 1e-9) - 1] for index in range(count)]
    last_inside = [
        [layer for layer in layers if layer.name == block or layer.name.startswith(f"{block}.")][-1]
        for block in picked
    ]
    # The same place in every block, so that the maps differ by depth and by nothing else.
    inside_last = last_inside[-1].name.removeprefix(picked[-1])
    names = {layer.name: layer for layer in layers}
    return [
        names.get(f"{block}{inside_last}", fallback)
        for block, fallback in zip(picked, last_inside, strict=True)
    ]


def _longest_run_of_blocks(layers: list[LayerInfo]) -> list[str]:
    """Return the names of the most numerous siblings that hold usable layers of their own."""
    siblings: dict[str, dict[str, None]] = {}
    for layer in layers:
        for block in _ancestors(layer.name):
            if block[-1].isdecimal():
                siblings.setdefault(block.rpartition(".")[0], {})[block] = None
    return max((list(blocks) for blocks in siblings.values()), key=len, default=[])
