"""Finished runs made by hand, whose maps are known cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from reportgen.values import (
    FailureRecord,
    ImageRecord,
    MapState,
    MethodInfo,
    ModelInfo,
    Panel,
    Picture,
    Prediction,
    Preprocessing,
    Report,
    RunInfo,
    Target,
    TargetRecord,
    TrueClass,
    ViewGeometry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from reportgen.values import Size

CLASSES = ("tabby", "lynx", "beagle")
MAP = [[1.0, 0.2], [0.4, 0.0]]


def grey(values: ArrayLike) -> Picture:
    """Return ``(height, width)`` values from 0 to 1 as the report keeps them."""
    levels = np.rint(255 * np.asarray(values, dtype=np.float64)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return Picture("image/png", buffer.getvalue(), (levels.shape[1], levels.shape[0]))


def panel(
    values: ArrayLike | None, *, method: str = "grad-cam", layer: str = "features.10"
) -> Panel:
    """Return a map; None is one without positive evidence."""
    picture = None if values is None else grey(values)
    size = picture.size if picture else (2, 2)
    return Panel(
        method=method,
        layer=layer,
        activation_shape=(8, size[1], size[0]),
        map_size=size,
        peak=0.5 if picture else 0.0,
        state=MapState.SHOWN if picture else MapState.NO_EVIDENCE,
        grey=picture,
        overlay=None,
        heat=None,
        overlay_file=None,
        original_file=None,
    )


def target(*panels: Panel, index: int = 0, name: str = "") -> TargetRecord:
    """Return the maps of one class."""
    return TargetRecord(Target(name or CLASSES[index], (index,), 3.5, 0.7, 1), panels)


def image(  # noqa: PLR0913 - one argument for each thing that a test varies
    name: str = "a.png",
    *targets: TargetRecord,
    content: str = "",
    first: int = 0,
    label: int | None = None,
    view: Size = (32, 32),
    seen: tuple[int, int, int, int] = (0, 0, 64, 32),
) -> ImageRecord:
    """Return a picture of 64 by 32 of which the network saw ``seen``: left, top, width, height."""
    left, top, width, height = seen
    scale = view[0] / width, view[1] / height
    order = [first, *(index for index in range(len(CLASSES)) if index != first)]
    return ImageRecord(
        name=name,
        sha256=sha256((content or name).encode()).hexdigest(),
        notes=(),
        geometry=ViewGeometry(
            (64, 32),
            (round(64 * scale[0]), round(32 * scale[1])),
            round(left * scale[0]),
            round(top * scale[1]),
            view,
        ),
        photo=grey(np.full((32, 64), 0.5)),
        photo_box=(left, top, width, height),
        view=None,
        predictions=tuple(
            Prediction(index, CLASSES[index], 3.5 - rank, 0.7 / (rank + 1))
            for rank, index in enumerate(order)
        ),
        targets=targets or (target(panel(MAP)),),
        label=None if label is None else TrueClass(label, CLASSES[label]),
        label_rank=None if label is None else order.index(label) + 1,
    )


def report(
    *images: ImageRecord,
    layers: Sequence[str] = ("features.10",),
    architecture: str = "torchvision alexnet",
    methods: Sequence[str] = ("grad-cam",),
    failures: tuple[FailureRecord, ...] = (),
) -> Report:
    """Return a run over ``images`` with every method at ``layers``."""
    return Report(
        title="A run",
        run=RunInfo(
            command=("reportgen", "build", "photos"),
            created=datetime(2025, 11, 23, 3, 16, 42, tzinfo=UTC),
            device="cpu (2 threads)",
            versions=(("reportgen", "0.1.0"),),
            model=ModelInfo(
                name=architecture.rpartition(" ")[2],
                source="torchvision",
                architecture=architecture,
                weights="IMAGENET1K_V1",
                weights_sha256="cd" * 32,
                trained=True,
                parameters=1000,
                classes=len(CLASSES),
            ),
            preprocessing=Preprocessing(256, (32, 32), (0, 0, 0), (1, 1, 1), "bilinear"),
            recipe_origin="from the weights",
            structure=(),
            methods=tuple(
                MethodInfo(method, method.title(), "Σ", "nobody", tuple(layers))
                for method in methods
            ),
            targets=("first choice of each picture",),
            categories_origin="from the weights",
            labels="",
            top_k=3,
            alpha=0.3,
            colormap="jet",
            colorbar=grey([[0.0, 1.0]]),
        ),
        images=images,
        failures=failures,
    )
