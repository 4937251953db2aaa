"""A finished run: everything that every output format is written from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reportgen.language import N_

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reportgen.values.evidence import LocalisationSummary, Ranking
    from reportgen.values.measures import Evaluation
    from reportgen.values.pictures import Preprocessing
    from reportgen.values.records import FailureRecord, ImageRecord, Picture


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


FEATURE_MAPS = N_("feature maps")
"""Stands for them beside the titles of methods; in English."""


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
class Palette:
    """One colour map."""

    name: str
    colours: bytes = field(repr=False)
    """256 colours, lowest first, three bytes each: red, green, blue."""


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
    palettes: tuple[Palette, ...] = ()
    """Every colour map that a reader may choose; the run's own is the one named ``colormap``."""
    language: str = "en"
    """That the report's texts are in, a key of `reportgen.language.LANGUAGES`."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the author says of the report."""

    author: str = ""
    meta: tuple[tuple[str, str], ...] = ()
    """Keys and values as given, for example ``("course", "CV 101")``."""
    notes: str = ""
    """Markdown for the whole report; notes on one image are in its record."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished run: what every output format is written from."""

    title: str
    run: RunInfo
    images: Sequence[ImageRecord]
    """In the order of discovery; where a run is too large to be held, each read when it is asked
    for."""
    failures: tuple[FailureRecord, ...]
    evaluation: Evaluation | None = None
    """None where no picture has a label."""
    rankings: tuple[Ranking, ...] = ()
    """Methods and layers compared by each metric over the run's pictures; empty unless
    ``--metrics`` asked for it."""
    verdict: str = ""
    """One sentence on which method and layer that supports; empty without rankings."""
    localisation: tuple[LocalisationSummary, ...] = ()
    """Every method at every layer against the boxes; empty without ``--boxes``."""
    boxes: str = ""
    """Where the boxes came from, and what of them was left out, as text."""
    front: FrontMatter = FrontMatter()

    def top_classes(self) -> tuple[tuple[str, int], ...]:
        """Return ``(category, number of images with it as first choice)``, most first."""
        counts: dict[str, int] = {}
        for image in self.images:
            category = image.predictions[0].category
            counts[category] = counts.get(category, 0) + 1
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


JsonObject = dict[str, Any]
