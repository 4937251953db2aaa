"""The command line: parses, hands over, reports. Nothing here imports torch at the top."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reportgen import __version__, console
from reportgen import options as defaults
from reportgen.errors import ReportgenError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
FAILED = 2

app = typer.Typer(
    name="reportgen",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a folder of images to an HTML report of Grad-CAM and per-layer Layer-CAM.",
)

_NETWORK = "Network"
_MAPS = "Maps"
_REPORT = "Report"
_RUN = "Run"

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="Name of the network, as `reportgen models` lists it.",
        rich_help_panel=_NETWORK,
    ),
]
WeightsOption = Annotated[
    str,
    typer.Option(
        metavar="default|none",
        help="The network's default weights (downloaded on first use where they are not "
        "installed), or none: random weights, to try the plumbing.",
        rich_help_panel=_NETWORK,
    ),
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A local state dict for --model, instead of its default weights.",
        rich_help_panel=_NETWORK,
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Seeds torch before a network with random weights is built.",
        rich_help_panel=_NETWORK,
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda|mps",
        help="Where to compute; auto takes a GPU where there is one.",
        rich_help_panel=_NETWORK,
    ),
]


def _version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        typer.echo(f"reportgen {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    _version_flag: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Hold the options that belong to no command."""


@app.command()
def build(  # noqa: PLR0913 - one parameter per option is how typer declares them
    images: Annotated[
        Path, typer.Argument(metavar="IMAGES", help="Folder of pictures.", show_default=True)
    ] = Path("images"),
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder of the report.",
            show_default="reports/<folder name>-<model name>",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    model: ModelOption = defaults.DEFAULT_MODEL,
    weights: WeightsOption = "default",
    checkpoint: CheckpointOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    methods: Annotated[
        str,
        typer.Option(
            metavar="A,B", help="CAM methods, with commas between.", rich_help_panel=_MAPS
        ),
    ] = ",".join(defaults.DEFAULT_METHODS),
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Layers for Layer-CAM (for every method if Layer-CAM is not among them), with "
            "commas between: names from `reportgen layers`, or bare numbers N for features.N.",
            show_default="one per resolution",
            rich_help_panel=_MAPS,
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS",
            help="Class to explain: top1, top:K, a class name or an index; repeatable.",
            show_default="top1",
            rich_help_panel=_MAPS,
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Share of heat in an overlay; the picture has the rest.",
            rich_help_panel=_MAPS,
        ),
    ] = defaults.DEFAULT_ALPHA,
    colormap: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(defaults.COLORMAP_NAMES)}.",
            rich_help_panel=_MAPS,
        ),
    ] = defaults.DEFAULT_COLORMAP,
    top_k: Annotated[
        int,
        typer.Option(
            metavar="K",
            min=1,
            help="Classes listed for every picture.",
            rich_help_panel=_REPORT,
        ),
    ] = defaults.DEFAULT_TOP_K,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title of the report.", rich_help_panel=_REPORT),
    ] = None,
    save_overlays: Annotated[
        bool,
        typer.Option(
            "--save-overlays",
            help="Also write every overlay as a full-size PNG under overlays/.",
            rich_help_panel=_REPORT,
        ),
    ] = False,
    template_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with templates of your own, used before the built-in ones.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Use an output folder that holds other files; those are never touched.",
            rich_help_panel=_REPORT,
        ),
    ] = False,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Open the report when it is done.", rich_help_panel=_REPORT),
    ] = False,
    recursive: Annotated[
        bool,
        typer.Option(help="Look into sub-folders too.", rich_help_panel=_RUN),
    ] = True,
    batch_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Pictures per pass of the network.", rich_help_panel=_RUN
        ),
    ] = defaults.DEFAULT_BATCH_SIZE,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print failures and errors only.", rich_help_panel=_RUN),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Print layers, weights and recipe too.", rich_help_panel=_RUN
        ),
    ] = False,
) -> None:
    """Classify every image of a folder, explain it, and write the report."""
    if quiet and verbose:
        raise UsageError("--quiet and --verbose: give one of them, not both.")
    options = defaults.BuildOptions(
        images=images,
        output=output,
        network=defaults.ModelOptions(
            model=model, weights=weights, checkpoint=checkpoint, seed=seed, device=device
        ),
        layers=_split(layers),
        methods=_split(methods),
        targets=tuple(target or defaults.DEFAULT_TARGETS),
        top_k=top_k,
        title=title,
        alpha=alpha,
        colormap=colormap,
        batch_size=batch_size,
        recursive=recursive,
        save_overlays=save_overlays,
        template_dir=template_dir,
        force=force,
        show_download=not quiet,
        command=("reportgen", *sys.argv[1:]),
    )
    from reportgen import pipeline  # noqa: PLC0415 - torch, seconds that --help must not cost

    outcome = pipeline.build(options, console.ConsoleObserver(quiet=quiet, verbose=verbose))
    if not quiet:
        console.print_summary(outcome)
    if open_ and not console.open_in_browser(outcome.page):
        console.print_note("--open: no browser was found; open the address above yourself.")
    raise typer.Exit(outcome.exit_code)


@app.command()
def models(
    text: Annotated[
        str, typer.Argument(metavar="FILTER", help="Only names that contain this text.")
    ] = "",
) -> None:
    """List the networks that --model takes."""
    from reportgen.models import list_models  # noqa: PLC0415 - imports torch

    rows = [
        (item.name, item.source, item.input_size, item.parameters, item.accuracy, item.weights)
        for item in list_models(text)
    ]
    if not rows:
        raise UsageError(
            f"FILTER: no model name contains '{text}'. `reportgen models` lists them all."
        )
    console.print_table(
        ("model", "source", "input", "parameters", "top-1 %", "weights"),
        rows,
        caption=f"{len(rows)} models; top-1 on ImageNet as their authors report it.",
    )


@app.command()
def layers(
    model: ModelOption = defaults.DEFAULT_MODEL,
    *,
    weights: WeightsOption = "default",
    checkpoint: CheckpointOption = None,
    seed: SeedOption = 0,
) -> None:
    """List the layers of a network in the order in which they run."""
    from reportgen.listing import layer_rows  # noqa: PLC0415 - imports torch

    rows, caption = layer_rows(
        defaults.ModelOptions(
            model=model, weights=weights, checkpoint=checkpoint, seed=seed, device="cpu"
        )
    )
    console.print_table(("layer", "type", "output", "default for", "note"), rows, caption=caption)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(app))


def run(command: Callable[[], object]) -> int:
    """Call a typer app and return its exit code; every error becomes one message and 2.

    A defect too: left to itself, Python would end with 1, which here means a written report.
    """
    try:
        command()
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED:  # typer makes this of Ctrl-C, without a word
            return leaving.code if isinstance(leaving.code, int) else FAILED
    except KeyboardInterrupt:
        pass
    except Exception as error:  # noqa: BLE001 - see above
        console.print_error(_explain(error))
        return FAILED
    else:
        return 0
    console.print_error("interrupted; nothing was written.")
    return INTERRUPTED


def _explain(error: Exception) -> str:
    """Return what to tell the user; a traceback comes before it where the fault is not theirs."""
    if isinstance(error, ReportgenError):
        return str(error)
    if isinstance(error, OSError):
        where = f"'{error.filename}': " if error.filename else ""
        return f"{where}{error.strerror or error}. The old report, if any, stands."
    if isinstance(error, ImportError):
        return (
            f"a package cannot be loaded: {error}. Install again with pip; where libGL or "
            f"libgthread is missing, `apt-get install libgl1 libglib2.0-0`, or "
            f"`pip install opencv-python-headless`."
        )
    traceback.print_exception(error)
    return "this is a defect of reportgen's, or of the network; see above. Nothing was written."


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
