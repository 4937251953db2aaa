"""The options of the commands: their names, their help, and where a TOML file sets them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reportgen import options as defaults

NETWORK = "Network"
INPUT = "Preprocessing"
MAPS = "Maps"
REPORT = "Report"
RUN = "Run"


def _option(*names: str, panel: str, **rest: Any) -> Any:  # noqa: ANN401 - typer's own type
    return typer.Option(*names, rich_help_panel=panel, **rest)


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the settings of a TOML file as the command's defaults."""
    if path is not None:
        from reportgen.settings import read_config  # noqa: PLC0415 - only where it is asked for

        names = {
            opt.lstrip("-"): parameter.name
            for parameter in context.command.params
            for opt in parameter.opts
            if parameter.name is not None and (opt.startswith("--") or not opt.startswith("-"))
        }
        settings = read_config(path, names.keys() - {"config", "help"})
        context.default_map = {names[key]: value for key, value in settings.items()}
    return path


Images = Annotated[
    Path, typer.Argument(metavar="IMAGES", help="Folder of pictures.", show_default=True)
]
Config = Annotated[
    Path | None,
    _option(
        "--config",
        panel=RUN,
        metavar="FILE",
        callback=_read_config,
        is_eager=True,
        help="TOML file of options, such as the run.toml of a report; what the command line says "
        "goes first.",
    ),
]

Model = Annotated[
    str | None,
    _option(
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
    _option(
        "--weights",
        panel=NETWORK,
        metavar="default|none",
        help="The network's default weights (downloaded on first use where they are not "
        "installed), or none: random weights, to try the plumbing.",
    ),
]
Checkpoint = Annotated[
    Path | None,
    _option(
        "--checkpoint",
        panel=NETWORK,
        metavar="FILE",
        help="A file of your own weights: a whole saved module, a state dict or safetensors. No "
        "code in it is run.",
    ),
]
Trust = Annotated[
    bool,
    _option(
        "--trust-checkpoint",
        panel=NETWORK,
        help="Load a checkpoint that was refused. It may then run any code with your rights: only "
        "for files of people you trust.",
    ),
]
Classes = Annotated[
    str | None,
    _option(
        "--classes",
        panel=NETWORK,
        metavar="A,B|FILE",
        help="Names of the network's classes in order, or a text, JSON or CSV file of them.",
        show_default="those of the checkpoint or of ImageNet",
    ),
]
Seed = Annotated[
    int,
    _option(
        "--seed",
        panel=NETWORK,
        metavar="N",
        help="Seeds torch before a network with random weights is built.",
    ),
]
Device = Annotated[
    str,
    _option(
        "--device",
        panel=NETWORK,
        metavar="auto|cpu|cuda|mps",
        help="Where to compute; auto takes a GPU where there is one.",
    ),
]

Preprocess = Annotated[
    str | None,
    _option(
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
    _option("--input-size", panel=INPUT, metavar="N|WxH", help="Size of the network's input."),
]
ResizeMode = Annotated[
    str | None,
    _option(
        "--resize-mode",
        panel=INPUT,
        metavar="shorter|squash|letterbox",
        help="Shorter side and centre crop, both sides squashed, or all of the picture with "
        "padding.",
    ),
]
Interpolation = Annotated[
    str | None,
    _option(
        "--interpolation",
        panel=INPUT,
        metavar="NAME",
        help="nearest, bilinear, bicubic or lanczos.",
    ),
]
Mean = Annotated[
    str | None,
    _option(
        "--mean", panel=INPUT, metavar="A,B,C", help="Subtracted per channel, on the scale 0 to 1."
    ),
]
Std = Annotated[
    str | None,
    _option("--std", panel=INPUT, metavar="A,B,C", help="Divided by per channel, after the mean."),
]
ChannelOrder = Annotated[
    str | None,
    _option(
        "--channel-order",
        panel=INPUT,
        metavar="rgb|bgr",
        show_default="rgb; in the lab bgr for a network of its own",
        help="Order of the channels; bgr for a network trained on what cv2.imread gives.",
    ),
]

Methods = Annotated[
    str,
    _option("--methods", panel=MAPS, metavar="A,B", help="CAM methods, with commas between."),
]
Layers = Annotated[
    str | None,
    _option(
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
    _option(
        "--target",
        panel=MAPS,
        metavar="CLASS",
        show_default="top1; in the lab cat and dog",
        help="What to explain: top1, top:K, all, label (the true class), a class name or index, "
        "a group of ImageNet (@dogs), or a group of your own (pet=tabby,@dogs); repeatable.",
    ),
]
Labels = Annotated[
    str,
    _option(
        "--labels",
        panel=MAPS,
        metavar="auto|folders|none|FILE.csv",
        help="True classes, from the name of the folder of each picture or from a table of file "
        "and class; auto: from folders that are all named as classes.",
    ),
]
FeatureMaps = Annotated[
    str | None,
    _option(
        "--feature-maps",
        panel=MAPS,
        metavar="last|A,B",
        show_default="none; in the lab last",
        help="Show every channel of these layers' output; last is the last convolution.",
    ),
]
FeatureScale = Annotated[
    str,
    _option(
        "--feature-scale",
        panel=MAPS,
        metavar="channel|layer",
        help="Scale each tile by itself, or all by the layer's range.",
    ),
]
FeatureOrder = Annotated[
    str,
    _option(
        "--feature-order",
        panel=MAPS,
        metavar="channel|weight",
        help="Order the tiles by channel, or by Grad-CAM weight for the first target.",
    ),
]
Reading = Annotated[
    bool | None,
    _option(
        "--reading/--no-reading",
        panel=MAPS,
        show_default="no; in the lab yes",
        help="Measure where the heat of each map lies and how maps agree, and say it in words.",
    ),
]
Fuse = Annotated[
    bool,
    _option(
        "--fuse/--no-fuse",
        panel=MAPS,
        help="Also fuse Layer-CAM's layers into one map, by the largest value at each place.",
    ),
]
FuseGamma = Annotated[
    float | None,
    _option(
        "--fuse-gamma",
        panel=MAPS,
        metavar="G",
        min=0,
        help="Scale all but the deepest layer by tanh(G·M) before fusing; the paper takes 2.",
    ),
]
Degrid = Annotated[
    bool,
    _option(
        "--degrid/--no-degrid",
        panel=MAPS,
        help="At layers before a pooling or a stride, let Layer-CAM take the gradient of what "
        "follows, which has no grid in it.",
    ),
]
Guided = Annotated[
    bool,
    _option(
        "--guided/--no-guided",
        panel=MAPS,
        help="Also show Guided Grad-CAM, for networks with ReLU layers.",
    ),
]
Smooth = Annotated[
    bool,
    _option(
        "--smooth/--no-smooth",
        panel=MAPS,
        help="Average every map over the mirrored picture and three contrasts: six passes.",
    ),
]
Metrics = Annotated[
    bool,
    _option(
        "--metrics/--no-metrics",
        panel=MAPS,
        help="Measure how well each map explains the network (average drop, insertion, deletion, "
        "ROAD, coherency), and rank methods and layers on these pictures. Takes many passes.",
    ),
]
Boxes = Annotated[
    Path | None,
    _option(
        "--boxes",
        panel=MAPS,
        metavar="FILE",
        help="Boxes of the objects, to measure localisation: COCO JSON, Pascal VOC XML (a file or "
        "a folder of them) or CSV.",
    ),
]
Alpha = Annotated[
    float,
    _option(
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
    _option(
        "--colormap",
        panel=MAPS,
        metavar="NAME",
        help=f"One of {', '.join(defaults.COLORMAP_NAMES)}.",
    ),
]

Output = Annotated[
    Path | None,
    _option(
        "--output",
        "-o",
        panel=REPORT,
        metavar="DIR",
        help="Folder of the report.",
        show_default="reports/<folder name>-<model name>",
    ),
]
TopK = Annotated[
    int,
    _option("--top-k", panel=REPORT, metavar="K", min=1, help="Classes listed for every picture."),
]
Title = Annotated[
    str | None, _option("--title", panel=REPORT, metavar="TEXT", help="Title of the report.")
]
Zip = Annotated[
    Path | None,
    _option(
        "--zip",
        panel=REPORT,
        metavar="NAME",
        help="Also pack the report with its pictures into one ZIP file, to hand in.",
    ),
]
SaveOverlays = Annotated[
    bool,
    _option(
        "--save-overlays/--no-save-overlays",
        panel=REPORT,
        help="Also write every overlay as a full-size PNG under overlays/, on the model's view "
        "and on the original.",
    ),
]
SaveMaps = Annotated[
    bool,
    _option(
        "--save-maps/--no-save-maps",
        panel=REPORT,
        help="Also write the raw maps of every picture, as float32 in one .npz file under maps/.",
    ),
]
TemplateDir = Annotated[
    Path | None,
    _option(
        "--template-dir",
        panel=REPORT,
        metavar="DIR",
        help="Folder with templates of your own, used before the built-in ones.",
    ),
]
Force = Annotated[
    bool,
    _option(
        "--force",
        panel=REPORT,
        help="Use an output folder that holds other files; those are never touched.",
    ),
]
Open = Annotated[bool, _option("--open", panel=REPORT, help="Open the report when it is done.")]
Recursive = Annotated[
    bool, _option("--recursive/--no-recursive", panel=RUN, help="Look into sub-folders too.")
]
BatchSize = Annotated[
    int,
    _option(
        "--batch-size", panel=RUN, metavar="N", min=1, help="Pictures per pass of the network."
    ),
]
Quiet = Annotated[bool, _option("--quiet", "-q", panel=RUN, help="Print failures and errors only.")]
Verbose = Annotated[
    bool, _option("--verbose", "-v", panel=RUN, help="Print layers, weights and recipe too.")
]
