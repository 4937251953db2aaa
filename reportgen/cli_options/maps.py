"""What is explained, by which methods, and how maps are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from reportgen import options as defaults
from reportgen.cli_options.common import MAPS, option

Methods = Annotated[
    str,
    option("--methods", panel=MAPS, metavar="A,B", help="CAM methods, with commas between."),
]

Layers = Annotated[
    str | None,
    option(
        "--layers",
        panel=MAPS,
        metavar="A,B",
        show_default="auto: one per resolution",
        help="Layers for Layer-CAM (for every method if Layer-CAM is not among them): names or "
        "numbers from `reportgen layers`, patterns such as features.*, auto, stages, all-conv, "
        "last:N. A bare number N is features.N where there is one.",
    ),
]

Target = Annotated[
    list[str] | None,
    option(
        "--target",
        panel=MAPS,
        metavar="CLASS",
        show_default="top1; in the lab cat and dog",
        help="What to explain: top1, top:K, all, label (the true class), contrast (the first "
        "choice, and the true class or the next choice), a class name or index, a group of "
        "ImageNet (@dogs), or a group of your own (pet=tabby,@dogs); repeatable.",
    ),
]

Labels = Annotated[
    str,
    option(
        "--labels",
        panel=MAPS,
        metavar="auto|folders|none|FILE.csv",
        help="True classes, from the name of the folder of each picture or from a table of file "
        "and class; auto: from folders that are all named as classes.",
    ),
]

FeatureMaps = Annotated[
    str | None,
    option(
        "--feature-maps",
        panel=MAPS,
        metavar="last|A,B",
        show_default="none; in the lab last",
        help="Show every channel of these layers' output; last is the last convolution.",
    ),
]

FeatureScale = Annotated[
    str,
    option(
        "--feature-scale",
        panel=MAPS,
        metavar="channel|layer",
        help="Scale each tile by itself, or all by the layer's range.",
    ),
]

FeatureOrder = Annotated[
    str,
    option(
        "--feature-order",
        panel=MAPS,
        metavar="channel|weight",
        help="Order the tiles by channel, or by Grad-CAM weight for the first target.",
    ),
]

Reading = Annotated[
    bool | None,
    option(
        "--reading/--no-reading",
        panel=MAPS,
        show_default="no; in the lab yes",
        help="Measure where the heat of each map lies and how maps agree, and say it in words.",
    ),
]

Fuse = Annotated[
    bool,
    option(
        "--fuse/--no-fuse",
        panel=MAPS,
        help="Also fuse Layer-CAM's layers into one map, by the largest value at each place.",
    ),
]

FuseGamma = Annotated[
    float | None,
    option(
        "--fuse-gamma",
        panel=MAPS,
        metavar="G",
        min=0,
        help="Scale all but the deepest layer by tanh(G·M) before fusing; the paper takes 2.",
    ),
]

Degrid = Annotated[
    bool,
    option(
        "--degrid/--no-degrid",
        panel=MAPS,
        help="At layers before a pooling or a stride, let Layer-CAM take the gradient of what "
        "follows, which has no grid in it.",
    ),
]

Guided = Annotated[
    bool,
    option(
        "--guided/--no-guided",
        panel=MAPS,
        help="Also show Guided Grad-CAM, for networks with ReLU layers.",
    ),
]

Smooth = Annotated[
    bool,
    option(
        "--smooth/--no-smooth",
        panel=MAPS,
        help="Average every map over the mirrored picture and three contrasts: six passes.",
    ),
]

Metrics = Annotated[
    bool,
    option(
        "--metrics/--no-metrics",
        panel=MAPS,
        help="Measure how well each map explains the network (average drop, insertion, deletion, "
        "ROAD, coherency), and rank methods and layers on these pictures. Takes many passes.",
    ),
]

Boxes = Annotated[
    Path | None,
    option(
        "--boxes",
        panel=MAPS,
        metavar="FILE",
        help="Boxes of the objects, to measure localisation: COCO JSON, Pascal VOC XML (a file or "
        "a folder of them) or CSV.",
    ),
]

Alpha = Annotated[
    float,
    option(
        "--alpha",
        panel=MAPS,
        metavar="SHARE",
        min=0,
        max=1,
        help="Share of heat in an overlay; the picture has the rest.",
    ),
]

Colormap = Annotated[
    str,
    option(
        "--colormap",
        panel=MAPS,
        metavar="NAME",
        help=f"One of {', '.join(defaults.COLORMAP_NAMES)}.",
    ),
]
