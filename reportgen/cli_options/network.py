"""Which network, and how pictures become its input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from reportgen import options as defaults
from reportgen.cli_options.common import INPUT, NETWORK, option

Model = Annotated[
    str | None,
    option(
        "--model",
        "-m",
        panel=NETWORK,
        metavar="NAME",
        show_default=f"{defaults.DEFAULT_MODEL}, or what the checkpoint holds",
        help="Name of the network, as `reportgen models` lists it (timm:NAME for one of timm's); "
        "or package.module:factory for a Python class or function of your own, which is imported "
        "and run.",
    ),
]

Weights = Annotated[
    str,
    option(
        "--weights",
        panel=NETWORK,
        metavar="default|none",
        help="The network's default weights (downloaded on first use where they are not "
        "installed), or none: random weights, to try the plumbing.",
    ),
]

Checkpoint = Annotated[
    Path | None,
    option(
        "--checkpoint",
        panel=NETWORK,
        metavar="FILE",
        help="A file of your own weights: a whole saved module, a state dict or safetensors. No "
        "code in it is run.",
    ),
]

Trust = Annotated[
    bool,
    option(
        "--trust-checkpoint",
        panel=NETWORK,
        help="Load a checkpoint that was refused. It may then run any code with your rights: only "
        "for files of people you trust.",
    ),
]

Classes = Annotated[
    str | None,
    option(
        "--classes",
        panel=NETWORK,
        metavar="A,B|FILE",
        help="Names of the network's classes in order, or a text, JSON or CSV file of them.",
        show_default="those of the checkpoint or of ImageNet",
    ),
]

Seed = Annotated[
    int,
    option(
        "--seed",
        panel=NETWORK,
        metavar="N",
        help="Seeds torch before a network with random weights is built.",
    ),
]

Device = Annotated[
    str,
    option(
        "--device",
        panel=NETWORK,
        metavar="auto|cpu|cuda|mps",
        help="Where to compute; auto takes a GPU where there is one.",
    ),
]

Preprocess = Annotated[
    str | None,
    option(
        "--preprocess",
        panel=INPUT,
        metavar="auto|imagenet|unit",
        show_default="auto; in the lab unit for a network of its own",
        help="auto: the weights' own recipe; imagenet: resize 256, crop 224, mean and std; unit: "
        "0 to 1, the picture's own size.",
    ),
]

InputSize = Annotated[
    str | None,
    option("--input-size", panel=INPUT, metavar="N|WxH", help="Size of the network's input."),
]

ResizeMode = Annotated[
    str | None,
    option(
        "--resize-mode",
        panel=INPUT,
        metavar="shorter|squash|letterbox",
        help="Shorter side and centre crop, both sides squashed, or all of the picture with "
        "padding.",
    ),
]

Interpolation = Annotated[
    str | None,
    option(
        "--interpolation",
        panel=INPUT,
        metavar="NAME",
        help="nearest, bilinear, bicubic or lanczos.",
    ),
]

Mean = Annotated[
    str | None,
    option(
        "--mean", panel=INPUT, metavar="A,B,C", help="Subtracted per channel, on the scale 0 to 1."
    ),
]

Std = Annotated[
    str | None,
    option("--std", panel=INPUT, metavar="A,B,C", help="Divided by per channel, after the mean."),
]

ChannelOrder = Annotated[
    str | None,
    option(
        "--channel-order",
        panel=INPUT,
        metavar="rgb|bgr",
        show_default="rgb; in the lab bgr for a network of its own",
        help="Order of the channels; bgr for a network trained on what cv2.imread gives.",
    ),
]
