"""What the network said: forward and backward → maps → overlays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reportgen.values.evidence import Faithfulness
    from reportgen.values.pictures import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class with what the network gave it."""

    index: int
    category: str
    logit: float
    probability: float
    """Softmax over all logits, 0…1."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to explain in one picture: a class, or a group of classes taken together."""

    name: str
    """The category, or the group's name."""
    classes: tuple[int, ...]
    """Index of the class; of a group, of all its classes."""
    logit: float
    """What is explained: the class's logit, or the logsumexp of the group's logits."""
    probability: float
    """Softmax over all logits, 0…1; of a group the sum over its classes."""
    rank: int | None
    """1 for the class with the highest logit, 2 for the next; None for a group."""
    members: tuple[str, ...] = ()
    """Categories of a group's classes, in the order of ``classes``; empty for a class."""

    @property
    def is_group(self) -> bool:
        """Whether it was asked for as a group, of one class or more."""
        return self.rank is None


@dataclass(frozen=True, slots=True)
class ClassMap:
    """A raw class activation map, before any normalisation or resizing."""

    method: str
    layer: str
    values: Float32Array
    """``(height, width)`` float32 at the layer's own resolution, ≥ 0 for ReLU methods."""
    activation_shape: tuple[int, int, int]
    """``(channels, height, width)`` of the activation that the map was made from."""

    @property
    def peak(self) -> float:
        """The largest raw value (NaN where the map holds one)."""
        return float(self.values.max())


@dataclass(frozen=True, slots=True)
class TargetMaps:
    """All maps of one target of one picture."""

    target: Target
    maps: tuple[ClassMap, ...]
    """Each method at each of its layers, shallow to deep."""
    faithfulness: tuple[Faithfulness | None, ...] = ()
    """One per map, None where it has nothing to show; empty where nothing was measured."""
    guided: Float32Array | None = None
    """``(3, height, width)`` float32, of either sign, in the network's channel order: Guided
    Grad-CAM at the input, where it was asked for."""


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """Every channel of one layer's output for one picture."""

    layer: str
    values: Float32Array
    """``(channels, height, width)`` float32, as the layer gave them."""
    weights: tuple[Float32Array, ...]
    """For each target of the picture, ``(channels,)``: the Grad-CAM weight of every channel, the
    mean over space of the gradient of the target's logit."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that the network said about one picture."""

    predictions: tuple[Prediction, ...]
    """The top-k classes, best first."""
    targets: tuple[TargetMaps, ...]
    features: tuple[FeatureMaps, ...] = ()
    """One per layer asked for with ``--feature-maps``."""
    label_rank: int | None = None
    """Place of the true class among all classes by logit, from 1; None without a label."""


class MapState(Enum):
    """What a raw map can be used for."""

    SHOWN = "shown"
    NO_EVIDENCE = "no positive evidence"
    NOT_FINITE = "not finite"


@dataclass(frozen=True, slots=True)
class Overlay:
    """A map drawn on exactly the pixels that the model saw."""

    source: ClassMap
    state: MapState
    heat: UInt8Array | None
    """``(height, width, 3)`` uint8 RGB, the coloured map alone; None unless SHOWN."""
    blend: UInt8Array | None
    """``(height, width, 3)`` uint8 RGB, heat over the view; None unless SHOWN."""
