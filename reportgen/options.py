"""What one run was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_MODEL = "efficientnet_lite0"
DEFAULT_METHODS = ("grad-cam", "layer-cam")
DEFAULT_TARGETS = ("top1",)
DEFAULT_TOP_K = 5
DEFAULT_ALPHA = 0.3
DEFAULT_COLORMAP = "jet"
DEFAULT_BATCH_SIZE = 16

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which network."""

    model: str = DEFAULT_MODEL
    weights: str = "default"
    checkpoint: Path | None = None
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """All options of ``reportgen build``; the defaults are the command's."""

    images: Path
    output: Path | None = None
    network: ModelOptions
    layers: tuple[str, ...] = ()
    methods: tuple[str, ...] = DEFAULT_METHODS
    targets: tuple[str, ...] = DEFAULT_TARGETS
    top_k: int = DEFAULT_TOP_K
    title: str | None = None
    alpha: float = DEFAULT_ALPHA
    colormap: str = DEFAULT_COLORMAP
    batch_size: int = DEFAULT_BATCH_SIZE
    recursive: bool = True
    save_overlays: bool = False
    template_dir: Path | None = None
    force: bool = False
    show_download: bool = True
    command: tuple[str, ...] = ()
    """The command line as typed, for the report."""
