"""The shapes of a network's tensors, without the tensors, and whether a state dict fits them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]

_COUNT = 7919
"""A number of classes that is the size of nothing else: a prime far from any layer's width."""

_PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "backbone.",
    "net.",
    "network.",
    "encoder.",
    "state_dict.",
)
"""What wrappers put before every name: DataParallel, torch.compile, Lightning, …"""

_NEARLY_ALL = 0.8
_DEEPEST = 4

_COMPUTED = re.compile(
    r"(^|\.)(num_batches_tracked|relative_position_index|relative_coords_table|attn_mask"
    r"|position_ids|total_ops|total_params)$"
)
"""Counters and tables that the network computes itself, and what profilers leave behind."""

_SIDE_HEADS = re.compile(r"^(AuxLogits|aux1|aux2|aux_logits)\.")
"""Heads that only help training; networks are built without."""

_FILLING = frozenset(
    {
        "normal_",
        "uniform_",
        "trunc_normal_",
        "constant_",
        "ones_",
        "zeros_",
        "fill_",
        "zero_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "erfinv_",
        "mul_",
        "add_",
        "clamp_",
    }
)
"""Functions that give weights their first values."""

_OLD_NAMES = (
    # AlexNet and VGG of torch's ImageNet example, which wraps the features alone.
    (re.compile(r"(^|\.)features\.module\."), r"\1features."),
    # DenseNet of torchvision before 0.3, whose names had dots in them.
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)"), r"\1\2"),
    # Vision transformers of torchvision before 0.13.
    (re.compile(r"(encoder_layer_\d+\.mlp\.)linear_1\."), r"\g<1>0."),
    (re.compile(r"(encoder_layer_\d+\.mlp\.)linear_2\."), r"\g<1>3."),
)


@dataclass(frozen=True, slots=True)
class Outline:
    """What a network's state dict looks like, whatever its number of classes."""

    shapes: Shapes
    """Name → shape, for some number of classes."""
    head: Mapping[str, int]
    """Name → dimension of the number of classes, of every tensor that has it."""

    def count(self, state: Mapping[str, Tensor]) -> int | None:
        """Return the number of classes of a state dict; None where it has no such head."""
        for key, dimension in self.head.items():
            if key in state and state[key].ndim > dimension:
                return int(state[key].shape[dimension])
        return None

    @property
    def required(self) -> frozenset[str]:
        """Names that a state dict needs to have; the others are computed or optional."""
        return required(self.shapes)

    def misfit(self, state: Mapping[str, Tensor]) -> Misfit:
        """Compare a state dict, with any number of classes, with the network."""
        ours, theirs = self.required, required(state)
        return Misfit(
            missing=tuple(key for key in self.shapes if key in ours - theirs),
            unexpected=tuple(key for key in state if key in theirs - ours),
            reshaped=tuple(
                (key, self.shapes[key], tuple(state[key].shape))
                for key in self.shapes
                if key in ours & theirs and not self._same_shape(key, tuple(state[key].shape))
            ),
        )

    def _same_shape(self, key: str, shape: tuple[int, ...]) -> bool:
        ours, free = self.shapes[key], self.head.get(key)
        return len(ours) == len(shape) and all(
            dimension == free or one == other
            for dimension, (one, other) in enumerate(zip(ours, shape, strict=True))
        )


@dataclass(frozen=True, slots=True)
class Misfit:
    """How a state dict differs from a network's."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    """``(name, the network's shape, the state dict's shape)``."""

    @property
    def size(self) -> int:
        """Number of differences; 0 where it fits."""
        return len(self.missing) + len(self.unexpected) + len(self.reshaped)

    def describe(self, most: int = 3) -> str:
        """Return the first few of each kind as one line of text."""
        reshaped = tuple(
            f"{key} ({_sides(ours)} expected, {_sides(theirs)} found)"
            for key, ours, theirs in self.reshaped
        )
        kinds = (
            ("missing", self.missing),
            ("not expected", self.unexpected),
            ("of another shape", reshaped),
        )
        return "; ".join(
            f"{len(items)} {kind}: {', '.join(items[:most])}{', …' if len(items) > most else ''}"
            for kind, items in kinds
            if items
        )


def outline_of(make: Callable[[int], nn.Module]) -> Outline:
    """Build a network without memory for its weights, and see what its head is.

    Parameters
    ----------
    make
        Number of classes → the network.
    """
    try:
        shapes = shapes_of(without_weights(partial(make, _COUNT)))
    except Exception:  # noqa: BLE001 - a network may compute with its own new weights
        shapes = shapes_of(make(_COUNT))
    head = {
        key: dimension
        for key, shape in shapes.items()
        for dimension, side in enumerate(shape)
        if side == _COUNT
    }
    return Outline(shapes, head)


def required(keys: Iterable[str]) -> frozenset[str]:
    """Leave out the names of tensors that the network computes itself, and of side heads."""
    return frozenset(key for key in keys if not (_COMPUTED.search(key) or _SIDE_HEADS.match(key)))


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in a network's state dict."""
    return {
        key: tuple(value.shape)
        for key, value in module.state_dict().items()
        if isinstance(value, torch.Tensor)
    }


def variants(state: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield a state dict as it is and without the prefixes that its names may have been given.

    A prefix is one of the known ones that nearly all names carry. The few names without it are
    kept at first and left out next: they may be a head beside a ``backbone``, or the weights of a
    loss function.
    """
    current = {_renamed(key): value for key, value in state.items()}
    yield current
    for _ in range(_DEEPEST):
        prefix = next((text for text in _PREFIXES if _share(current, text) >= _NEARLY_ALL), None)
        if prefix is None:
            return
        inner = {
            key.removeprefix(prefix): value
            for key, value in current.items()
            if key.startswith(prefix)
        }
        outer = {key: value for key, value in current.items() if not key.startswith(prefix)}
        current = outer | inner
        yield current
        if outer:
            yield inner


def best_variant(state: Mapping[str, Tensor], outline: Outline) -> dict[str, Tensor]:
    """Return the variant of a state dict that fits a network best."""
    return min(variants(state), key=lambda variant: outline.misfit(variant).size)


def load_weights(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a network the weights of a state dict that fits it.

    What the network computes itself is kept where the state dict lacks it, and what it does not
    have is passed over.
    """
    own = module.state_dict()
    for key in own:
        if key in state and own[key].shape == state[key].shape:
            own[key] = state[key]
    # As an OrderedDict with the versions of this network's own layers: without them some layers
    # would take the weights for those of an older version.
    module.load_state_dict(own)


def without_weights(make: Callable[[], nn.Module]) -> nn.Module:
    """Build a network whose weights take no memory and cannot be used."""
    with torch.random.fork_rng(devices=[]), _WeightsOnMeta():
        return make()


class _WeightsOnMeta(TorchFunctionMode):
    """Give the weights of layers no memory, and so no time for their initialisation either.

    `torch.device("meta")` would put every tensor there, also those that a network's constructor
    computes its own widths with.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401 - torch's signature
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        kwargs = dict(kwargs or {})
        if getattr(func, "__name__", "") in _FILLING:
            filled = args[0] if args else kwargs.get("tensor")
            if isinstance(filled, torch.Tensor) and filled.is_meta:
                return filled  # nothing to fill, and torch would work out how, slowly
        if func is torch.empty and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def _renamed(key: str) -> str:
    for pattern, new in _OLD_NAMES:
        key = pattern.sub(new, key)
    return key


def _share(state: Mapping[str, Tensor], prefix: str) -> float:
    return sum(key.startswith(prefix) for key in state) / len(state) if state else 0.0


def _sides(shape: tuple[int, ...]) -> str:
    return "×".join(str(side) for side in shape) or "scalar"
