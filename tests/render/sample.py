"""Reports made by hand, with synthetic pictures: the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

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
    Size,
    TargetRecord,
    ViewGeometry,
)

CATEGORIES = ("tabby", "Egyptian cat", "tiger cat", "lynx", "Siamese cat, Siamese")
PROBABILITIES = (0.7312, 0.1874, 0.0551, 0.0102, 0.0002)
LAYERS = ("features.0", "features.3", "features.6", "features.8", "features.10")
SHAPES = ((64, 55, 55), (192, 27, 27), (384, 13, 13), (256, 13, 13), (256, 13, 13))

HOSTILE_NAMES = (
    "<script>alert(1)</script>.png",
    "{{7*7}}{% raw %}.png",
    "\"quoted\" 'name' & more.png",
    "=HYPERLINK(0)\u2028line.png",
    "\u202egnp.exe \u05d0\u05d1\u05d2.png",
    "deep/" + "n" * 250 + ".png",
)


def picture(size: Size, seed: int = 0) -> Picture:
    """Return a PNG with a smooth gradient that depends on ``seed``."""
    width, height = size
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    pixels = np.stack([across, down, np.full_like(across, seed * 37 % 256)], axis=-1)
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return Picture("image/png", buffer.getvalue(), size)


METHODS = (
    MethodInfo(
        "grad-cam",
        "Grad-CAM",
        "ReLU(Σₖ αₖ Aₖ), αₖ = mean of ∂y/∂Aₖ over all places",
        "Selvaraju et al., Grad-CAM, ICCV 2017",
        (LAYERS[-1],),
    ),
    MethodInfo(
        "layer-cam",
        "Layer-CAM",
        "ReLU(Σₖ ReLU(∂y/∂Aₖ) · Aₖ)",
        "Jiang et al., LayerCAM, IEEE TIP 2021",
        LAYERS,
    ),
)


def panel(  # noqa: PLR0913 - one argument for each thing that a test varies
    method: str,
    depth: int,
    *,
    view: Size = (48, 48),
    peak: float = 0.0123,
    state: MapState = MapState.SHOWN,
    overlay_file: str | None = None,
) -> Panel:
    """Return the panel of ``method`` at the layer number ``depth``."""
    shown = state is MapState.SHOWN
    shape = SHAPES[depth % len(SHAPES)]
    return Panel(
        method=method,
        layer=LAYERS[depth] if depth < len(LAYERS) else f"features.{depth}",
        activation_shape=shape,
        map_size=(shape[2], shape[1]),
        peak=peak,
        state=state,
        heat=picture(view, depth) if shown else None,
        overlay=picture(view, depth + 7) if shown else None,
        overlay_file=overlay_file,
    )


def predictions(best: int = 0) -> tuple[Prediction, ...]:
    """Return five predictions, best first, starting with the category number ``best``."""
    return tuple(
        Prediction(
            281 + (best + rank) % 5, CATEGORIES[(best + rank) % 5], 9.5 - 2.7 * rank, probability
        )
        for rank, probability in enumerate(PROBABILITIES)
    )


def target(
    prediction: Prediction,
    rank: int,
    *,
    view: Size = (48, 48),
    states: dict[int, MapState] | None = None,
    layers: int = 5,
) -> TargetRecord:
    """Return one target with Grad-CAM at the deepest layer and Layer-CAM at ``layers`` layers."""
    states = states or {}
    grid = [
        panel(
            "layer-cam",
            depth,
            view=view,
            peak=float("nan") if states.get(depth) is MapState.NOT_FINITE else 1.25e-5 * 40**depth,
            state=states.get(depth, MapState.SHOWN),
            overlay_file=f"overlays/a b/#{depth}?.png" if depth == 0 else None,
        )
        for depth in range(layers)
    ]
    return TargetRecord(prediction, rank, (panel("grad-cam", 4, view=view), *grid))


def image(  # noqa: PLR0913 - one argument for each thing that a test varies
    name: str = "cats/tabby.jpg",
    *,
    best: int = 0,
    targets: int = 1,
    states: dict[int, MapState] | None = None,
    view: Size = (48, 48),
    layers: int = 5,
) -> ImageRecord:
    """Return one record whose photo is wider than the view."""
    found = predictions(best)
    return ImageRecord(
        name=name,
        sha256="ab" * 32,
        notes=("first of 12 frames",),
        geometry=ViewGeometry((1280, 960), (341, 256), 58, 16, (224, 224)),
        photo=picture((64, 48), best),
        view=picture(view, best),
        predictions=found,
        targets=tuple(
            target(found[rank], rank + 1, view=view, states=states, layers=layers)
            for rank in range(targets)
        ),
    )


def run() -> RunInfo:
    """Return what a short run on a trained model would record."""
    return RunInfo(
        command=("reportgen", "my photos", "--target", "top1", "--out", "reports/it's here"),
        created=datetime(2025, 11, 23, 3, 16, 42, tzinfo=UTC),
        seconds=83.4,
        device="cpu (2 threads)",
        versions=(("reportgen", "0.1.0"), ("Python", "3.11.2"), ("torch", "2.9.1")),
        model=ModelInfo(
            name="alexnet",
            source="torchvision",
            architecture="torchvision alexnet",
            weights="IMAGENET1K_V1",
            weights_sha256="cd" * 32,
            trained=True,
            parameters=61_100_840,
            classes=1000,
        ),
        preprocessing=Preprocessing(
            256, (224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear"
        ),
        methods=METHODS,
        targets=("top1",),
        top_k=5,
        alpha=0.5,
        colormap="turbo",
        colorbar=picture((256, 8)),
    )


def report() -> Report:
    """Return three images: a plain one, one with two targets, one with maps not drawn."""
    return Report(
        title="Cats and what AlexNet sees in them",
        run=run(),
        images=(
            image(),
            image("cats/pair.png", best=1, targets=2),
            image(
                "odd.png",
                best=3,
                states={1: MapState.NO_EVIDENCE, 2: MapState.NOT_FINITE},
            ),
        ),
        failures=(FailureRecord("broken.jpg", "truncated after 1200 of 5000 bytes"),),
    )


def hostile_report() -> Report:
    """Return a report in which every untrusted text tries something."""
    hostile = HOSTILE_NAMES[0] + "\"' onload=alert(1) {{7*7}} \u2028 &amp; </title></style>"
    images = []
    for number, name in enumerate(HOSTILE_NAMES):
        plain = image(name, best=number % 5)
        images.append(
            replace(
                plain,
                notes=(hostile,),
                predictions=tuple(replace(item, category=hostile) for item in plain.predictions),
                targets=tuple(
                    replace(
                        item,
                        prediction=replace(item.prediction, category=hostile),
                        panels=tuple(
                            replace(one, layer=hostile, overlay_file=hostile) for one in item.panels
                        ),
                    )
                    for item in plain.targets
                ),
            )
        )
    return Report(
        title=hostile,
        run=replace(
            run(),
            command=("reportgen", hostile),
            device=hostile,
            model=replace(run().model, name=hostile, architecture=hostile, weights=hostile),
            targets=(hostile,),
        ),
        images=tuple(images),
        failures=(FailureRecord(name=hostile, reason=hostile),),
    )


def untrained(of: Report) -> Report:
    """Return the same report of a model with random weights."""
    model = replace(of.run.model, trained=False, weights="random, seed 0")
    return replace(of, run=replace(of.run, model=model))
