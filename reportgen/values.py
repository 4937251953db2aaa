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
    """How a picture becomes the network's input: resize, centre crop, scale, normalise."""

    resize: int
    """Length in pixels of the shorter side after resizing."""
    crop: Size
    """Size of the centre crop, the *view*."""
    mean: tuple[float, float, float]
    """Subtracted per RGB channel after scaling to 0…1."""
    std: tuple[float, float, float]
    """Divided by per RGB channel after the mean."""
    interpolation: str
    """``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``, antialiased as Pillow does it."""

    def describe(self) -> str:
        """Return the recipe as one line of text."""
        mean = ", ".join(f"{value:g}" for value in self.mean)
        std = ", ".join(f"{value:g}" for value in self.std)
        return (
            f"shorter side to {self.resize} px ({self.interpolation}), "
            f"centre crop {self.crop[0]}×{self.crop[1]}, scaled to 0–1, "
            f"mean ({mean}), std ({std})"
        )


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
    """One class to explain in one picture."""

    prediction: Prediction
    rank: int
    """1 for the class with the highest logit, 2 for the next, and so on."""


@dataclass(frozen=True, slots=True)
class ClassMap:
    """A raw class activation map, before any normalisation or resizing."""

    method: str
    layer: str
    target: int
    """Index of the target class."""
    values: Float32Array
    """``(height, width)`` float32 at the layer's own resolution, ≥ 0 for ReLU methods."""
    activation_shape: tuple[int, int, int]
    """``(channels, height, width)`` of the activation that the map was made from."""

    @property
    def peak(self) -> float:
        """The largest raw value (NaN where the map holds one)."""
        return float(self.values.max())


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that the network said about one picture."""

    predictions: tuple[Prediction, ...]
    """The top-k classes, best first."""
    targets: tuple[Target, ...]
    maps: tuple[ClassMap, ...]
    """For each target, each method and each of its layers, shallow to deep."""


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
    overlay_file: str | None
    """Relative path of the full-size PNG where ``--save-overlays`` wrote one."""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """One explained class of one picture."""

    prediction: Prediction
    rank: int
    """1 for the model's first choice, 2 for its second, and so on."""
    panels: tuple[Panel, ...]
    """In the order of the run's methods, and within a method shallow to deep."""


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


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Everything needed to trust a run and to do it again."""

    command: tuple[str, ...]
    """The command line, word by word, without interpreter paths."""
    created: datetime
    """Timezone-aware; from ``SOURCE_DATE_EPOCH`` where that is set."""
    seconds: float
    """Wall-clock time from discovery to the last map."""
    device: str
    """For example ``cpu (2 threads)``."""
    versions: tuple[tuple[str, str], ...]
    """``(package, version)``, reportgen and Python first."""
    model: ModelInfo
    preprocessing: Preprocessing
    methods: tuple[MethodInfo, ...]
    targets: tuple[str, ...]
    """What was asked for, in words, for example ``('first choice of each picture',)``."""
    top_k: int
    alpha: float
    """Share of heat in an overlay, 0…1; the picture has the rest."""
    colormap: str
    colorbar: Picture
    """The colour map from 0 (left) to 1 (right), a few pixels high."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run: what every output format is written from."""

    title: str
    run: RunInfo
    images: tuple[ImageRecord, ...]
    """In the order of discovery."""
    failures: tuple[FailureRecord, ...]

    def top_classes(self) -> tuple[tuple[str, int], ...]:
        """Return ``(category, number of images with it as first choice)``, most first."""
        counts: dict[str, int] = {}
        for image in self.images:
            category = image.predictions[0].category
            counts[category] = counts.get(category, 0) + 1
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


JsonObject = dict[str, Any]
