"""Reports made by hand, with synthetic pictures: the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from PIL import Image

from reportgen.values import (
    Agreement,
    Caution,
    ChannelPicture,
    ClassCount,
    Contrast,
    Curve,
    Evaluation,
    FailureRecord,
    Faithfulness,
    FrontMatter,
    HeatReading,
    ImageRecord,
    Interval,
    Localisation,
    LocalisationSummary,
    MapState,
    MethodInfo,
    Metric,
    ModelInfo,
    Mosaic,
    Palette,
    Panel,
    Picture,
    Prediction,
    Preprocessing,
    Ranking,
    Reading,
    Report,
    Road,
    RunInfo,
    Size,
    Standing,
    StrongestChannels,
    StructureLine,
    Target,
    TargetRecord,
    TrueClass,
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


def grey(size: Size, seed: int = 0) -> Picture:
    """Return a map as a grey PNG, hottest at a place that depends on ``seed``."""
    width, height = size
    across = (np.arange(width) + 0.5) / width - (0.3 + 0.1 * (seed % 5))
    down = (np.arange(height) + 0.5) / height - 0.4
    bump = np.exp(-12 * (across[None, :] ** 2 + down[:, None] ** 2))
    buffer = BytesIO()
    Image.fromarray(np.rint(255 * bump / bump.max()).astype(np.uint8)).save(buffer, "PNG")
    return Picture("image/png", buffer.getvalue(), size)


def palettes() -> tuple[Palette, ...]:
    """Return made-up colour maps under the names that a run has."""
    names = ("jet", "viridis", "magma", "cividis", "turbo", "difference")
    levels = np.arange(256)
    return tuple(
        Palette(
            name,
            np.stack([levels, levels[::-1], (levels * (seed + 1)) % 256], axis=1)
            .astype(np.uint8)
            .tobytes(),
        )
        for seed, name in enumerate(names)
    )


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


STRUCTURE = (
    StructureLine(0, "AlexNet(", "", ()),
    StructureLine(1, "(features): Sequential(", "features", ()),
    StructureLine(
        2,
        "(0): Conv2d(3, 64, kernel_size=(11, 11), stride=(4, 4), padding=(2, 2))",
        "features.0",
        ("Layer-CAM",),
    ),
    StructureLine(2, "(1): ReLU(inplace=True)", "features.1", ()),
    StructureLine(
        2,
        "(10): Conv2d(256, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
        "features.10",
        ("Grad-CAM", "Layer-CAM", "feature maps"),
    ),
    StructureLine(1, ")", "", ()),
    StructureLine(0, ")", "", ()),
)


def panel(  # noqa: PLR0913 - one argument for each thing that a test varies
    method: str,
    depth: int,
    *,
    view: Size = (48, 48),
    peak: float = 0.0123,
    state: MapState = MapState.SHOWN,
    overlay_file: str | None = None,
    original_file: str | None = None,
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
        grey=grey((shape[2], shape[1]), depth) if shown else None,
        overlay=picture(view, depth + 7) if shown else None,
        heat=heat(method, depth) if shown else None,
        overlay_file=overlay_file,
        original_file=original_file,
    )


def heat(method: str, depth: int) -> HeatReading:
    """Return where the heat of one map lies."""
    layer = LAYERS[depth] if depth < len(LAYERS) else f"features.{depth}"
    across = 0.3 + 0.1 * (depth % 5)
    return HeatReading(method, layer, (0.5, 0.3, 0.15, 0.05), (across, 0.4), 0.11, 0.04 * depth)


def predictions(best: int = 0) -> tuple[Prediction, ...]:
    """Return five predictions, best first, starting with the category number ``best``."""
    return tuple(
        Prediction(
            281 + (best + rank) % 5, CATEGORIES[(best + rank) % 5], 9.5 - 2.7 * rank, probability
        )
        for rank, probability in enumerate(PROBABILITIES)
    )


def target(  # noqa: PLR0913 - one argument for each thing that a test varies
    prediction: Prediction,
    rank: int,
    *,
    view: Size = (48, 48),
    states: dict[int, MapState] | None = None,
    layers: int = 5,
    saved: bool = False,
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
    single = panel(
        "grad-cam",
        4,
        view=view,
        overlay_file="overlays/a b/#cam.png" if saved else None,
        original_file="originals/a b/#cam.png" if saved else None,
    )
    return TargetRecord(explained(prediction, rank), (single, *grid), layers_agree=0.42)


def explained(prediction: Prediction, rank: int) -> Target:
    """Return the target that explains one predicted class."""
    return Target(
        prediction.category, (prediction.index,), prediction.logit, prediction.probability, rank
    )


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
        photo_box=(11, 3, 42, 42),
        view=None,
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
        recipe_origin="from the weights",
        structure=STRUCTURE,
        methods=METHODS,
        targets=("first choice of each picture",),
        categories_origin="from the weights",
        labels="",
        top_k=5,
        alpha=0.5,
        colormap="turbo",
        colorbar=picture((256, 8)),
        palettes=palettes(),
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


PAIR = ("cat", "dog")
"""Names of the targets that every picture of the full report has: a group and a class."""


def full_report() -> Report:
    """Return a report with everything in it that is only shown where it was asked for."""
    images = (
        full_image("cats/tabby.jpg", label=281, label_rank=1),
        full_image("dogs/beagle.png", best=1, label=162, label_rank=3),
        full_image("dogs/tall.png", best=2, label=283, label_rank=1, photo=(48, 64)),
        full_image("stray.webp", best=3),
    )
    return Report(
        title="Cats and dogs, and what AlexNet sees in them",
        run=replace(
            run(),
            targets=("cat (5 classes: 281 to 285)", "dog (class 162)"),
            labels="the folder of each picture",
        ),
        images=images,
        failures=(FailureRecord("broken.jpg", "truncated after 1200 of 5000 bytes"),),
        evaluation=Evaluation(
            images=3,
            right=2,
            in_top=3,
            top=5,
            unlabelled=1,
            classes=(
                ClassCount(162, "beagle", 1, 0, 0),
                ClassCount(281, "tabby", 1, 1, 1),
                ClassCount(282, "Egyptian cat", 0, 0, 1),
                ClassCount(283, "tiger cat", 1, 1, 1),
            ),
            confusion=((0, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 1)),
        ),
    )


def full_image(  # noqa: PLR0913 - one argument for each thing that a test varies
    name: str,
    *,
    best: int = 0,
    label: int | None = None,
    label_rank: int | None = None,
    view: Size = (48, 48),
    photo: Size = (64, 48),
) -> ImageRecord:
    """Return a picture with a group and a class as targets, readings and feature maps."""
    found = predictions(best)
    dog = Prediction(162, "beagle", 1.25, 0.0173)
    cat = Target("cat", (281, 282, 283, 284, 285), 9.9, 0.9126, None, CATEGORIES)
    records = (
        replace(
            target(found[0], 1, view=view, saved=True),
            target=cat,
            reading=reading((0.1, 0.2, 0.3, 0.4)),
        ),
        replace(
            target(dog, 37, view=view, saved=True),
            target=replace(explained(dog, 37), name="dog"),
            reading=reading((0.55, 0.25, 0.15, 0.05)),
        ),
    )
    names = {item.index: item.category for item in found} | {162: "beagle"}
    return replace(
        image(name, best=best, view=view),
        photo=picture(photo, best),
        photo_box=((photo[0] - 42) / 2, (photo[1] - 42) / 2, 42, 42),
        contrast=Contrast(0, 1, "grad-cam", LAYERS[-1], grey((13, 13), best), 0.0345),
        geometry=ViewGeometry((photo[0] * 20, photo[1] * 20), *_cut(photo)),
        targets=records,
        label=None if label is None else TrueClass(label, names[label]),
        label_rank=label_rank,
        overlaps=(
            Agreement("cat", "dog", "grad-cam", LAYERS[-1], 0.41, 0.12, 0.33),
            Agreement("cat", "dog", "layer-cam", LAYERS[-1], -0.2, 0.0, 0.08),
        ),
        mosaics=(mosaic(),),
    )


def _cut(photo: Size) -> tuple[Size, int, int, Size]:
    """Return where a centre crop of 224 lies after the shorter side became 256."""
    scale = 256 / min(photo)
    resized = (round(photo[0] * scale), round(photo[1] * scale))
    return resized, (resized[0] - 224) // 2, (resized[1] - 224) // 2, (224, 224)


def reading(quadrants: tuple[float, float, float, float]) -> Reading:
    """Return what two methods at the deepest layer say of a map."""
    _, upper_right, lower_left, lower_right = quadrants
    centroid = (upper_right + lower_right, lower_left + lower_right)
    return Reading(
        heats=tuple(
            HeatReading(name, LAYERS[-1], quadrants, centroid, area, 0.07)
            for name, area in (("grad-cam", 0.183), ("layer-cam", 0.094))
        ),
        methods_agree=Agreement("grad-cam", "layer-cam", "layer-cam", LAYERS[-1], 0.87, 0.61, 0.72),
    )


def mosaic(
    *, channels: int = 12, columns: int = 4, ordered_by: str = "channel", scale: str = "channel"
) -> Mosaic:
    """Return the channels of the deepest layer as tiles of 13×13 with a gap of one pixel."""
    rows = -(-channels // columns)
    weights = tuple(
        (name, tuple(sign * 0.0111111 * (channel - 3) for channel in range(channels)))
        for name, sign in zip(PAIR, (1, -1), strict=True)
    )
    by_weight = sorted(range(channels), key=lambda channel: -weights[0][1][channel])
    return Mosaic(
        layer=LAYERS[-1],
        shape=(channels, 13, 13),
        columns=columns,
        rows=rows,
        tile=(13, 13),
        gap=1,
        scale=scale,
        ordered_by=ordered_by,
        order=tuple(by_weight if ordered_by == "weight" else range(channels)),
        minimum=-3.25,
        maximum=17.5,
        weights=weights,
        picture=picture((columns * 14 + 1, rows * 14 + 1), 5),
        file="features/a b/#1.png",
        strongest=tuple(
            StrongestChannels(
                name,
                tuple(
                    ChannelPicture(channel, values[channel], 4.5 + channel, picture((13, 13), 9))
                    for channel in sorted(range(channels), key=lambda item: -values[item])[:8]
                ),
            )
            for name, values in weights
        ),
    )


CAUTIONS = (
    Caution("flat", "The map's values differ by 8% of its peak only."),
    Caution("border", "The border of the map is hotter than its inside."),
)
UNTRAINED = Caution("untrained", "The network's weights are random.")
ALIKE = Caution("alike", "The maps of cat and dog are all but identical.")


def measured_report() -> Report:
    """Return a report with warnings, measures, rankings, boxes and raw maps."""
    full = full_report()
    first, second, *rest = full.images
    return replace(
        full,
        images=(
            replace(measured_image(first), cautions=(ALIKE,), maps_file="maps/a b/#1.npz"),
            measured_image(second),
            *rest,
        ),
        rankings=(
            ranking(Metric("insertion", "insertion AUC", higher_is_better=True)),
            ranking(Metric("deletion", "deletion AUC", higher_is_better=False), candidates=2),
        ),
        verdict="Layer-CAM at features.8 leads by insertion, and no other metric contradicts it.",
        localisation=(
            LocalisationSummary("grad-cam", LAYERS[-1], 4, 3, 1, 2, 2, 2, 0.54, 0.62),
            LocalisationSummary("layer-cam", LAYERS[0], 4, 1, 0, 0, 0, 2, 0.21, 0.08),
        ),
        boxes="boxes.csv (4 boxes; 1 outside the view)",
    )


def measured_image(plain: ImageRecord) -> ImageRecord:
    """Return ``plain`` with the maps of its first target measured and warned of."""
    first, *rest = plain.targets
    panels = tuple(
        replace(
            item,
            cautions=CAUTIONS[: number % 3],
            faithfulness=faithfulness(number),
            localisation=localisation(number),
        )
        for number, item in enumerate(first.panels)
    )
    return replace(plain, targets=(replace(first, panels=panels, cautions=(UNTRAINED,)), *rest))


def faithfulness(number: int) -> Faithfulness:
    """Return the numbers of the map ``number``; the last of six is constant and has few."""
    if number == 5:
        return Faithfulness(1.0, False, None, None, None, 0.0, None, None)  # noqa: FBT003
    fractions = tuple(step / 10 for step in range(11))
    return Faithfulness(
        drop=0.11 + 0.13 * number,
        increased=number == 2,
        deletion=Curve(fractions, tuple(0.73 * (1 - x) ** (number + 2) for x in fractions), 0.21),
        insertion=Curve(
            fractions, tuple(0.73 * x ** (number + 1) for x in fractions), 0.3 + number / 90
        ),
        road=Road((20.0, 50.0, 80.0), (0.11, 0.21, 0.53), (0.52, 0.61, 0.7)),
        complexity=0.123456 + number / 50,
        coherency=None if number == 1 else 0.87,
        adcc=None if number == 1 else 0.781,
    )


def localisation(number: int) -> Localisation:
    """Return how the map ``number`` lies to one box, or to two."""
    given = ((20.0, 30.0, 150.0, 200.0), (160.0, 10.0, 220.0, 60.0))
    return Localisation(
        hit=number % 2 == 0,
        energy=0.541,
        iou=0.62 - number / 10,
        box=None if number == 4 else (33.0, 25.5, 171.0, 188.0),
        boxes=given[: 1 + number % 2],
        loc1=None if number == 3 else number == 0,
        loc5=None if number == 3 else number < 2,
    )


def ranking(metric: Metric, candidates: int = 6) -> Ranking:
    """Return every layer of Layer-CAM and Grad-CAM by ``metric``; the last is behind."""
    names = [("layer-cam", layer) for layer in reversed(LAYERS)] * 4
    sign = -1 if metric.higher_is_better else 1
    rows = []
    for number, (method, layer) in enumerate([("grad-cam", LAYERS[-1]), *names][:candidates]):
        mean = 0.512 + sign * 0.03 * number
        low = 0.03 * number - 0.05
        rows.append(
            Standing(
                method,
                layer,
                number + 1,
                Interval(mean, mean - 0.041, mean + 0.052, 36 - number),
                Interval(0.03 * number, low, 0.03 * number + 0.06, 35) if number else None,
            )
        )
    return Ranking(metric, tuple(rows), 36)


HOSTILE = HOSTILE_NAMES[0] + "\"' onload=alert(1) {{7*7}} \u2028 &amp; </title></style>"


def hostile_report() -> Report:
    """Return a report in which every untrusted text tries something."""
    full = measured_report()
    assert full.evaluation is not None
    return Report(
        title=HOSTILE,
        run=replace(
            full.run,
            command=("reportgen", HOSTILE),
            device=HOSTILE,
            recipe_origin=HOSTILE,
            categories_origin=HOSTILE,
            labels=HOSTILE,
            model=replace(run().model, name=HOSTILE, architecture=HOSTILE, weights=HOSTILE),
            targets=(HOSTILE,),
            methods=tuple(replace(item, layers=(HOSTILE,)) for item in METHODS),
            structure=(StructureLine(1, HOSTILE, HOSTILE, (HOSTILE,)),),
        ),
        images=tuple(hostile_image(name, number) for number, name in enumerate(HOSTILE_NAMES)),
        failures=(FailureRecord(name=HOSTILE, reason=HOSTILE),),
        evaluation=replace(
            full.evaluation,
            classes=tuple(replace(item, category=HOSTILE) for item in full.evaluation.classes),
        ),
        rankings=tuple(
            replace(
                item,
                metric=replace(item.metric, title=HOSTILE),
                standings=tuple(replace(row, layer=HOSTILE) for row in item.standings),
            )
            for item in full.rankings
        ),
        verdict=HOSTILE,
        localisation=tuple(replace(item, layer=HOSTILE) for item in full.localisation),
        boxes=HOSTILE,
    )


def hostile_image(name: str, number: int) -> ImageRecord:
    """Return a picture with ``name`` whose other texts are hostile; the first has everything."""
    plain = measured_image(full_image(name, best=number % 5, label=281, label_rank=2))
    return replace(
        plain,
        cautions=hostile_cautions((ALIKE,)),
        maps_file=HOSTILE,
        notes=(HOSTILE,),
        label=TrueClass(281, HOSTILE),
        predictions=tuple(replace(item, category=HOSTILE) for item in plain.predictions),
        targets=tuple(hostile_target(item) for item in plain.targets),
        overlaps=tuple(
            replace(item, first=HOSTILE, second=HOSTILE + "2", layer=HOSTILE)
            for item in plain.overlaps
        ),
        mosaics=tuple(hostile_mosaic(item) for item in plain.mosaics if number == 0),
    )


def hostile_target(plain: TargetRecord) -> TargetRecord:
    """Return ``plain`` with hostile names of target, layers and files."""
    assert plain.reading is not None
    assert plain.reading.methods_agree is not None
    return TargetRecord(
        target=replace(plain.target, name=HOSTILE, members=(HOSTILE,) * len(plain.target.members)),
        panels=tuple(
            replace(
                item,
                layer=HOSTILE,
                overlay_file=HOSTILE,
                original_file=HOSTILE,
                cautions=hostile_cautions(item.cautions),
            )
            for item in plain.panels
        ),
        reading=Reading(
            heats=tuple(replace(item, layer=HOSTILE) for item in plain.reading.heats),
            methods_agree=replace(plain.reading.methods_agree, layer=HOSTILE),
        ),
        cautions=hostile_cautions(plain.cautions),
    )


def hostile_cautions(plain: tuple[Caution, ...]) -> tuple[Caution, ...]:
    """Return ``plain`` with hostile texts."""
    return tuple(Caution(HOSTILE, HOSTILE) for _ in plain)


def hostile_mosaic(plain: Mosaic) -> Mosaic:
    """Return ``plain`` with hostile names of layer, targets and file."""
    return replace(
        plain,
        layer=HOSTILE,
        weights=tuple((HOSTILE, values) for _, values in plain.weights),
        file=HOSTILE,
        strongest=tuple(replace(item, target=HOSTILE) for item in plain.strongest),
    )


def everything_report() -> Report:
    """Return a report with every part that there is: measures, front matter, notes, failures."""
    full = untrained(measured_report())
    first, *rest = full.images
    return replace(
        full,
        images=(replace(first, note="The map is on the **ears**."), *rest),
        failures=(FailureRecord("broken.png", "is an empty file"),),
        front=FrontMatter("Anna Example", (("course", "Vision"),), "It looks at *heads*."),
    )


def untrained(of: Report) -> Report:
    """Return the same report of a model with random weights."""
    model = replace(of.run.model, trained=False, weights="random, seed 0")
    return replace(of, run=replace(of.run, model=model))
