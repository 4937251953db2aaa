"""Which network a state dict belongs to, by the names and shapes of its tensors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from reportgen.models import embedded, torchvision_source
from reportgen.models.outline import Misfit, Outline, outline_of, required, variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

_FIRST_TENSORS = (
    ("alexnet", "features.0.weight"),
    ("vgg", "features.0.weight"),
    ("squeezenet", "features.0.weight"),
    ("densenet", "features.conv0.weight"),
    ("convnext", "features.1.0.layer_scale"),
    ("efficientnet_lite0", "conv_stem.weight"),
    ("efficientnet", "features.1.0.block.0.0.weight"),
    ("mobilenet_v2", "features.1.conv.0.0.weight"),
    ("mobilenet_v3", "features.1.block.0.0.weight"),
    ("swin", "features.1.0.attn.qkv.weight"),
    ("resnet", "conv1.weight"),
    ("resnext", "conv1.weight"),
    ("wide_resnet", "conv1.weight"),
    ("shufflenet", "conv1.0.weight"),
    ("googlenet", "conv1.conv.weight"),
    ("inception", "Conv2d_1a_3x3.conv.weight"),
    ("regnet", "stem.0.weight"),
    ("maxvit", "stem.0.0.weight"),
    ("mnasnet", "layers.0.weight"),
    ("vit", "conv_proj.weight"),
)
"""Start of a network's name → a tensor that it has, to look through likely networks only."""

_TIMM_TENSORS = ("conv_stem.weight", "patch_embed.proj.weight", "stem.conv.weight", "cls_token")


def identify(state: Mapping[str, Tensor], *, head_replaced: bool = False) -> str | None:
    """Return the name of the torchvision or embedded network that a state dict fits.

    Parameters
    ----------
    state
        With any of the usual prefixes.
    head_replaced
        Whether the layers around the head may be others than the network's own.

    Returns
    -------
    The name, or None. No two of these networks have the same names and shapes, so it is the only
    one.
    """
    for variant in variants(state):
        theirs = required(variant)
        for name in _likely(variant):
            outline = outline_for(name)
            same_names = _required(name) == theirs
            if same_names and outline.misfit(variant).size == 0:
                return name
            if head_replaced and _fits_but_head(name, variant):
                return name
    return None


def nearest(state: Mapping[str, Tensor]) -> tuple[str, Misfit] | None:
    """Return the network that a state dict fits best and what does not fit.

    None if most of it does not.
    """
    found = [
        (name, outline_for(name).misfit(variant))
        for variant in variants(state)
        for name in _likely(variant)
    ]
    found = [(name, misfit) for name, misfit in found if misfit.size * 2 < len(state)]
    return min(found, key=lambda item: item[1].size, default=None)


@cache
def outline_for(name: str) -> Outline:
    """Return the outline of a torchvision or embedded network."""
    if name == embedded.NAME:
        return outline_of(embedded.make)
    return outline_of(lambda classes: torchvision_source.make(name, classes))


@cache
def _required(name: str) -> frozenset[str]:
    return outline_for(name).required


def timm_hint(state: Mapping[str, Tensor]) -> str:
    """Return a sentence if the names look like timm's, else an empty string."""
    looks = any(key in variant for variant in variants(state) for key in _TIMM_TENSORS)
    return " The names look like timm's: try --model timm:NAME." if looks else ""


def _likely(state: Mapping[str, Tensor]) -> Iterator[str]:
    for name in (embedded.NAME, *torchvision_source.TorchvisionSource().names()):
        first = next((key for start, key in _FIRST_TENSORS if name.startswith(start)), None)
        if first is None or first in state:
            yield name


def _fits_but_head(name: str, state: Mapping[str, Tensor]) -> bool:
    """Whether everything fits but what lies in the same outermost module as the head."""
    outline = outline_for(name)
    if not outline.head:
        return False
    root = next(iter(outline.head)).partition(".")[0] + "."
    names = {key for key in _required(name) if not key.startswith(root)}
    if not names or names != {key for key in required(state) if not key.startswith(root)}:
        return False
    return all(outline.shapes[key] == tuple(state[key].shape) for key in names)
