"""The values that flow between the stages, all frozen.

discover → decode → preprocess → forward and backward → maps → overlays → records → render

Nothing here imports torch: everything behind the network, rendering above all, works on these
alone. Array layouts, dtypes and ranges are given with each field. Sizes are always
``(width, height)`` in pixels, array shapes always ``(height, width, …)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    UInt8Array = NDArray[np.uint8]
    Float32Array = NDArray[np.float32]

Size = tuple[int, int]
"""``(width, height)`` in pixels."""


# -- discover, decode, preprocess ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file that discovery found."""

    path: Path
    """Where to read it."""
    name: str
    """Its path relative to the walked folder with ``/`` between parts; always printable text."""


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as a person would see it: upright, first frame, 8-bit RGB."""

    file: ImageFile
    pixels: UInt8Array
    """``(height, width, 3)`` uint8, RGB, 0 to 255."""
    sha256: str
    """Hex digest of the file's bytes."""
    notes: tuple[str, ...] = ()
    """What decoding had to choose, for example ``first of 12 frames``."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the network's input: resize, crop or pad, scale, normalise."""

    resize: int | None
    """Length in pixels of the shorter side after resizing; of both sides in the mode ``squash``,
    where None means those of ``crop``."""
    crop: Size | None
    """Size of the *view*, what the network gets; None: every picture at its own size."""
    mean: tuple[float, float, float]
    """Subtracted per channel after scaling to 0…1, in the network's own channel order."""
    std: tuple[float, float, float]
    """Divided by per channel after the mean, in the network's own channel order."""
    interpolation: str
    """``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``, antialiased as Pillow does it."""
    mode: str = "shorter"
    """``shorter``: the shorter side to ``resize``, then a centre crop. ``squash``: both sides to
    ``crop``, proportions lost. ``letterbox``: all of the picture into ``crop``, padded with the
    mean colour. ``none``: no resizing at all; ``crop`` is None then."""
    channel_order: str = "rgb"
    """``rgb`` or ``bgr``: the order of the channels in the tensor."""

    def describe(self) -> str:
        """Return the recipe as one line of text."""
        steps = [self._resizing(), "scaled to 0–1"]
        if self.channel_order != "rgb":
            steps.append("channels blue, green, red")
        if (self.mean, self.std) == ((0, 0, 0), (1, 1, 1)):
            steps.append("not normalised")
        else:
            for word, values in (("mean", self.mean), ("std", self.std)):
                steps.append(f"{word} ({', '.join(f'{value:g}' for value in values)})")
        return ", ".join(steps)

    def _resizing(self) -> str:
        if self.crop is None:
            return "every picture at its own size"
        view = f"{self.crop[0]}×{self.crop[1]}"
        if self.mode == "squash":
            if self.resize is None:
                return f"squashed to {view} ({self.interpolation})"
            square = f"{self.resize}×{self.resize}"
            return f"squashed to {square} ({self.interpolation}), centre crop {view}"
        if self.mode == "letterbox":
            return f"fitted into {view} ({self.interpolation}), padded with the mean colour"
        return f"shorter side to {self.resize} px ({self.interpolation}), centre crop {view}"


@dataclass(frozen=True, slots=True)
class ViewGeometry:
    """Where the model's view lies in the original picture."""

    original: Size
    resized: Size
    crop_left: int
    """Left edge of the view, in pixels of the resized picture."""
    crop_top: int
    """Top edge of the view, in pixels of the resized picture."""
    view: Size

    def seen_fraction(self) -> tuple[float, float, float, float]:
        """Return the view as ``(left, top, width, height)`` fractions (0…1) of the original."""
        width, height = self.resized
        return (
            self.crop_left / width,
            self.crop_top / height,
            self.view[0] / width,
            self.view[1] / height,
        )


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One picture ready for the network, without its original pixels."""

    file: ImageFile
    sha256: str
    notes: tuple[str, ...]
    view: UInt8Array
    """``(height, width, 3)`` uint8 RGB: exactly the pixels that the model sees."""
    tensor: Float32Array
    """``(3, height, width)`` float32: the view scaled to 0…1 and normalised."""
    geometry: ViewGeometry


# -- forward, backward, maps -----------------------------------------------------------------


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


# -- overlays --------------------------------------------------------------------------------


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


# -- records: what a report is rendered from -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image, ready to be embedded."""

    mime: str
    """``image/jpeg`` or ``image/png``."""
    data: bytes = field(repr=False)
    size: Size


@dataclass(frozen=True, slots=True)
class Panel:
    """One map of one target by one method at one layer."""

    method: str
    """Name in the method registry, for example ``grad-cam``."""
    layer: str
    activation_shape: tuple[int, int, int]
    """``(channels, height, width)`` at the layer."""
    map_size: Size
    """Size of the raw map before it was resized to the view."""
    peak: float
    """Raw maximum of the map, in units of logit; comparable between maps of one method."""
    state: MapState
    heat: Picture | None
    """Thumbnail of the coloured map alone; None unless SHOWN."""
    overlay: Picture | None
    """Thumbnail of the map over the view; None unless SHOWN."""
    on_original: Picture | None
    """Thumbnail of the map over the whole original picture, mapped back through crop and resize;
    None unless SHOWN, and where the model's view is the original itself."""
    overlay_file: str | None
    """Relative path of the full-size PNG where ``--save-overlays`` wrote one."""
    original_file: str | None
    """The same over the original picture."""


@dataclass(frozen=True, slots=True)
class HeatReading:
    """Where the heat of one map lies, measured on the map as it is drawn over the view."""

    method: str
    layer: str
    quadrants: tuple[float, float, float, float]
    """Share of the heat in the upper left, upper right, lower left and lower right; sums to 1."""
    centroid: tuple[float, float]
    """Centre of mass as ``(x, y)`` fractions (0…1) of the view from its upper left corner."""
    area: float
    """Share (0…1) of the view where the map reaches half of its peak or more."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two maps are as drawn over the view."""

    first: str
    """Name of the first method, or of the first target."""
    second: str
    method: str
    """The method compared; of two methods the second one's name."""
    layer: str
    """Layer of the second map."""
    correlation: float
    """Pearson's r over all pixels of the view, -1…1; NaN where a map is constant."""
    overlap: float
    """Intersection over union (0…1) of the two areas at half of the peak or more."""
    shared: float
    """Share (0…1) of the heat in common: the sum over pixels of the smaller of both maps, each
    divided by its own sum."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the numbers say of one target's maps."""

    heats: tuple[HeatReading, ...]
    """One per method, at its deepest layer; without those that have no positive evidence."""
    methods_agree: Agreement | None
    """The first two methods compared; None where one of them has no map."""


@dataclass(frozen=True, slots=True)
class ChannelPicture:
    """One channel of a layer's output, drawn large."""

    channel: int
    weight: float
    """Its Grad-CAM weight for the target, in units of logit per activation."""
    peak: float
    """Largest raw value."""
    picture: Picture


@dataclass(frozen=True, slots=True)
class StrongestChannels:
    """The channels with the largest Grad-CAM weights for one target, largest first."""

    target: str
    channels: tuple[ChannelPicture, ...]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Every channel of one layer's output for one picture, as tiles of one picture."""

    layer: str
    shape: tuple[int, int, int]
    """``(channels, height, width)`` of the layer's output."""
    columns: int
    rows: int
    tile: Size
    """Size of one tile in ``picture``, without the gap."""
    gap: int
    """Pixels between two tiles, and around them all."""
    scale: str
    """``channel``: every tile from its own minimum to its own maximum; ``layer``: all tiles from
    the smallest to the largest value of the layer."""
    ordered_by: str
    """``channel``, or ``weight`` for the Grad-CAM weight of the first target."""
    order: tuple[int, ...]
    """Channel number of every tile, row by row."""
    minimum: float
    maximum: float
    weights: tuple[tuple[str, tuple[float, ...]], ...]
    """For each target its name and the Grad-CAM weight of every channel, by channel number."""
    picture: Picture
    file: str | None
    """Relative path of the full-size PNG where ``--save-overlays`` wrote one."""
    strongest: tuple[StrongestChannels, ...]
    """One per target."""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """One explained target of one picture."""

    target: Target
    panels: tuple[Panel, ...]
    """In the order of the run's methods, and within a method shallow to deep."""
    reading: Reading | None = None
    """None unless ``--reading`` asked for it."""


@dataclass(frozen=True, slots=True)
class TrueClass:
    """What a picture shows according to its label."""

    index: int
    category: str


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One picture in the report."""

    name: str
    """Relative path with ``/``; unique in the run; untrusted text."""
    sha256: str
    notes: tuple[str, ...]
    geometry: ViewGeometry
    photo: Picture
    """Thumbnail of the whole original picture."""
    view: Picture
    """Thumbnail of what the model saw."""
    predictions: tuple[Prediction, ...]
    targets: tuple[TargetRecord, ...]
    label: TrueClass | None = None
    """None where the picture has no label."""
    label_rank: int | None = None
    """Place of the true class among all classes by logit, from 1; None without a label."""
    overlaps: tuple[Agreement, ...] = ()
    """Every two targets compared, method by method; empty unless ``--reading`` asked for it."""
    mosaics: tuple[Mosaic, ...] = ()
    """One per layer of ``--feature-maps``."""

    @property
    def right(self) -> bool | None:
        """Whether the first choice is the true class; None without a label."""
        return None if self.label is None else self.label.index == self.predictions[0].index


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """One picture that could not be done."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A CAM method as the report presents it."""

    name: str
    """Registry name, for example ``layer-cam``."""
    title: str
    """As written in the literature, for example ``Layer-CAM``."""
    formula: str
    """One line of plain text."""
    citation: str
    layers: tuple[str, ...]
    """Where this run computed it, shallow to deep."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The network as the report presents it."""

    name: str
    """As given to ``--model``, for example ``efficientnet_lite0``."""
    source: str
    """Registry name of the model source, for example ``embedded``."""
    architecture: str
    """Class or function that built it, for example ``torchvision alexnet``."""
    weights: str
    """Where the weights came from, as text."""
    weights_sha256: str
    """Hex digest over all tensors of the state dict: names, dtypes, shapes and bytes."""
    trained: bool
    parameters: int
    classes: int


FEATURE_MAPS = "feature maps"


@dataclass(frozen=True, slots=True)
class StructureLine:
    """One line of the network as torch prints it."""

    depth: int
    """How far it is indented; 0 for the network itself."""
    text: str
    """For example ``(10): Conv2d(256, 256, kernel_size=(3, 3), …)``."""
    layer: str
    """Full name of the module; empty for the network itself and for closing brackets."""
    explained: tuple[str, ...]
    """Titles of the methods computed at this layer, `FEATURE_MAPS` where those are shown."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Everything needed to trust a run and to do it again."""

    command: tuple[str, ...]
    """The command line, word by word, with every option that changes the report; of paths the
    last part only."""
    created: datetime
    """Timezone-aware; from ``SOURCE_DATE_EPOCH`` where that is set."""
    device: str
    """For example ``cpu (2 threads)``."""
    versions: tuple[tuple[str, str], ...]
    """``(package, version)``, reportgen and Python first."""
    model: ModelInfo
    preprocessing: Preprocessing
    recipe_origin: str
    """Where the preprocessing came from, as text."""
    structure: tuple[StructureLine, ...]
    methods: tuple[MethodInfo, ...]
    targets: tuple[str, ...]
    """What was asked for, in words, for example ``('first choice of each picture',)``."""
    categories_origin: str
    """Where the names of the classes came from, as text; empty where they have none."""
    labels: str
    """Where the true classes came from, as text; empty where there are none."""
    top_k: int
    alpha: float
    """Share of heat in an overlay, 0…1; the picture has the rest."""
    colormap: str
    colorbar: Picture
    """The colour map from 0 (left) to 1 (right), a few pixels high."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How the pictures of one true class were classified."""

    index: int
    category: str
    images: int
    """Pictures with this label."""
    right: int
    """Of those, the ones whose first choice it is."""
    predicted: int
    """Labelled pictures whose first choice it is, whatever their label."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """First choices against labels, over the labelled pictures of a run."""

    images: int
    right: int
    in_top: int
    """Pictures whose true class is among the first ``top`` choices."""
    top: int
    unlabelled: int
    classes: tuple[ClassCount, ...]
    """Every class that occurs as a label or as a first choice, by index."""
    confusion: tuple[tuple[int, ...], ...] | None
    """Row by true class, column by first choice, both as in ``classes``; None where there are
    more than `MAX_CONFUSION` of them."""

    @property
    def accuracy(self) -> float:
        """Share (0…1) of labelled pictures whose first choice is right."""
        return self.right / self.images


MAX_CONFUSION = 50
"""Classes above which a confusion matrix can no longer be read."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run: what every output format is written from."""

    title: str
    run: RunInfo
    images: tuple[ImageRecord, ...]
    """In the order of discovery."""
    failures: tuple[FailureRecord, ...]
    evaluation: Evaluation | None = None
    """None where no picture has a label."""

    def top_classes(self) -> tuple[tuple[str, int], ...]:
        """Return ``(category, number of images with it as first choice)``, most first."""
        counts: dict[str, int] = {}
        for image in self.images:
            category = image.predictions[0].category
            counts[category] = counts.get(category, 0) + 1
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


JsonObject = dict[str, Any]
