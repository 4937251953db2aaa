"""What one run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_MODEL = "efficientnet_lite0"
DEFAULT_METHODS = ("grad-cam", "layer-cam")
DEFAULT_TARGETS = ("top1",)
DEFAULT_LABELS = "auto"
DEFAULT_TOP_K = 5
DEFAULT_ALPHA = 0.3
DEFAULT_COLORMAP = "jet"
DEFAULT_BATCH_SIZE = 32
AUTO_BATCH_SIZE = 0
"""Stands for a batch size that is to be found by measuring."""
DEFAULT_PAGE_SIZE = 50
DEFAULT_PAPER = "a4"
DEFAULT_CACHE_LIMIT = 4_000_000_000
"""Bytes; about 50,000 pictures with default options."""
DEFAULT_MAX_PIXELS = 178_956_970
"""Pillow's own bound, above which it takes a picture for an attack."""

COLORMAP_NAMES = (
    "jet",
    "viridis",
    "magma",
    "inferno",
    "plasma",
    "cividis",
    "turbo",
    "hot",
    "bone",
)
"""What ``--colormap`` takes; kept apart from OpenCV so that ``--help`` need not import it."""


LAB_CLASSES = ("cat", "dog")
"""What the lab's classes 0 and 1 are; given to a two-class network that names none itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which network."""

    model: str | None = None
    """None: what the checkpoint holds, or without one `DEFAULT_MODEL`."""
    weights: str = "default"
    checkpoint: Path | None = None
    trust_checkpoint: bool = False
    classes: str | None = None
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessOptions:
    """How a picture becomes the network's input; None leaves the choice to the preset."""

    preset: str | None = None
    """None: ``auto``, or in the lab what its sheet uses."""
    input_size: str | None = None
    resize_mode: str | None = None
    interpolation: str | None = None
    mean: str | None = None
    std: str | None = None
    channel_order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureOptions:
    """Which layers' channels to show, and how."""

    layers: tuple[str, ...] = ()
    scale: str = "channel"
    order: str = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """All options of ``reportgen build``; the defaults are the command's."""

    images: Path
    url: str = ""
    """Address of the folder of images if it is on no file system of this machine; ``images`` is
    its last part then."""
    output: Path | None = None
    network: ModelOptions = field(default_factory=ModelOptions)
    preprocess: PreprocessOptions = field(default_factory=PreprocessOptions)
    layers: tuple[str, ...] = ()
    methods: tuple[str, ...] = DEFAULT_METHODS
    targets: tuple[str, ...] = ()
    """Empty: `DEFAULT_TARGETS`, or in the lab its two classes."""
    labels: str = DEFAULT_LABELS
    """``auto``, ``none``, ``folders``, or the path of a CSV file."""
    features: FeatureOptions = field(default_factory=FeatureOptions)
    reading: bool = False
    top_k: int = DEFAULT_TOP_K
    title: str | None = None
    alpha: float = DEFAULT_ALPHA
    colormap: str = DEFAULT_COLORMAP
    batch_size: int = DEFAULT_BATCH_SIZE
    """Most pictures per pass of the network, or `AUTO_BATCH_SIZE`."""
    amp: bool = False
    """Whether the network computes in 16 bits where it can."""
    recursive: bool = True
    follow_links: bool = False
    """Whether links that lead out of the folder of images are followed."""
    max_pixels: int = DEFAULT_MAX_PIXELS
    """Pictures with more pixels are refused before decoding."""
    lenient: bool = False
    """Whether damaged JPEG and PNG files are used as far as they go."""
    save_overlays: bool = False
    save_maps: bool = False
    smooth: bool = False
    fuse: bool = False
    fuse_gamma: float | None = None
    degrid: bool = False
    guided: bool = False
    metrics: bool = False
    boxes: Path | None = None
    compact: bool = False
    """Whether the page shows maps without overlays of their own: less than half of the size."""
    lang: str = "en"
    single_file: bool = False
    """Everything in one page, however many pictures."""
    folder: bool = False
    """Pages of some pictures each and files beside them, however few pictures."""
    page_size: int = DEFAULT_PAGE_SIZE
    pdf: Path | None = None
    paper: str = DEFAULT_PAPER
    export: tuple[str, ...] = ()
    notes: Path | None = None
    author: str | None = None
    meta: tuple[str, ...] = ()
    """``KEY=VALUE`` each."""
    template_dir: Path | None = None
    force: bool = False
    show_download: bool = True
    cache: bool = True
    """Whether to take over what was computed before, and to keep what is computed."""
    cache_limit: int = DEFAULT_CACHE_LIMIT
    """Bytes that the cache may have at the end of the run."""
    engine: str = "local"
    """Where pictures are computed, a key of `reportgen.engines.ENGINES`."""
    address: str | None = None
    """``HOST:PORT`` of a Ray cluster's head, or ``auto``; None starts Ray on this machine."""
    workers: int | None = None
    """Processes that compute; None for as many as there are cores for."""
    zip: Path | None = None
    lab: bool = False
    """Whether options left open are filled in as the lab's sheet has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderAgainOptions:
    """All options of ``reportgen render``; None leaves a thing as the run has it."""

    run: Path
    output: Path | None = None
    """None: the run's own folder."""
    title: str | None = None
    author: str | None = None
    meta: tuple[str, ...] | None = None
    notes: Path | None = None
    template_dir: Path | None = None
    single_file: bool = False
    folder: bool = False
    page_size: int | None = None
    export: tuple[str, ...] = ()
    pdf: Path | None = None
    paper: str | None = None
    force: bool = False
