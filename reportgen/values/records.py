"""Records: one picture, drawn, measured and encoded, as a report is rendered from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reportgen.values.evidence import Caution, Faithfulness, Localisation
    from reportgen.values.maps import MapState, Prediction, Target
    from reportgen.values.measures import Agreement, HeatReading, Reading
    from reportgen.values.pictures import ImageFile, Size, ViewGeometry


Box = tuple[float, float, float, float]
"""``(left, top, width, height)`` in pixels of a picture."""


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
    grey: Picture | None
    """The map itself, PNG without loss, one pixel per cell: level ``round(255 · value / peak)``,
    negative values as 0. In a compact report large maps are averaged to fewer cells. None unless
    SHOWN."""
    overlay: Picture | None
    """Thumbnail of the map over the view, JPEG; None unless SHOWN, and in a compact report."""
    heat: HeatReading | None
    """Where the heat lies; None unless SHOWN."""
    overlay_file: str | None
    """Relative path of the full-size PNG where ``--save-overlays`` wrote one."""
    original_file: str | None
    """The same over the original picture."""
    cautions: tuple[Caution, ...] = ()
    """What was measured of this map, or is known of its layer, that speaks against it."""
    faithfulness: Faithfulness | None = None
    """None unless ``--metrics`` asked for it, and where the map has nothing to show."""
    localisation: Localisation | None = None
    """None unless ``--boxes`` has a box of the target in the view."""
    peak_at: tuple[float, float] | None = None
    """Middle of the cell where the map is highest, as ``(x, y)`` fractions (0…1) of the map from
    its upper left corner; None unless SHOWN."""


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
    cautions: tuple[Caution, ...] = ()
    """What holds for all maps of the target: an improbable class, a network without training."""
    layers_agree: float | None = None
    """Mean Pearson's r, -1…1, of the deepest map and each other map of the first method of several
    layers; None with fewer than two maps that can be compared."""
    guided: Picture | None = None
    """Guided Grad-CAM, grey where there is none; None unless ``--guided`` asked for it."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two targets of one picture by one method at its deepest layer, one map less the other."""

    first: int
    """Place of the target in `ImageRecord.targets`, from 0: the first choice where it is one."""
    second: int
    """The true class where the first is not it, otherwise the next choice."""
    method: str
    layer: str
    grey: Picture
    """``first - second`` in raw values, PNG without loss, one pixel per cell:
    ``round(127.5 + 127.5 · difference / peak)``."""
    peak: float
    """Largest absolute difference, in units of logit."""


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
    """The whole original picture; at the model's own scale, with its proportions there, wherever
    the view is a part of it."""
    photo_box: Box
    """Where the model's view lies in ``photo``; beyond its edges where the view is padded."""
    view: Picture | None
    """What the model saw, where that is not exactly the ``photo_box`` of ``photo``: padded, or at
    another scale."""
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
    maps_file: str | None = None
    """Relative path of the raw maps where ``--save-maps`` wrote them."""
    cautions: tuple[Caution, ...] = ()
    """What holds for the picture as a whole: maps of two targets that are all but identical."""
    contrast: Contrast | None = None
    """None with fewer than two targets that can be compared."""
    note: str = ""
    """Markdown of the author's, from ``--notes``."""

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
class Made:
    """What was made of one picture."""

    file: ImageFile
    record: ImageRecord | FailureRecord
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What the record names beside itself: path relative to the report's folder → content."""
    lasting: bool = True
    """Whether the same picture would give the same again: not where the network failed on it."""
