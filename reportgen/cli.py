"""The command line: parses, hands over, reports. Nothing here imports torch at the top."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from reportgen import __version__
from reportgen import cli_options as opt
from reportgen import options as defaults
from reportgen.commands import Commands
from reportgen.errors import ReportgenError, RunInterrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INTERRUPTED = 130
FAILED = 2

METHODS = ",".join(defaults.DEFAULT_METHODS)

app = typer.Typer(
    name="reportgen",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From a folder of images to an HTML report of Grad-CAM and per-layer Layer-CAM.",
)


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


def _register(name: str, text: str, *, lab: bool) -> None:
    """Add a command that makes a report.

    ``build`` and ``lab`` take the same options; only what those left open mean differs.
    """

    @Commands.declared.command(name, help=text)
    def command(  # noqa: PLR0913 - one parameter per option is how typer declares them
        images: opt.Images = "images",
        *,
        model: opt.Model = None,
        weights: opt.Weights = "default",
        checkpoint: opt.Checkpoint = None,
        trust_checkpoint: opt.Trust = False,
        classes: opt.Classes = None,
        seed: opt.Seed = 0,
        device: opt.Device = "auto",
        preprocess: opt.Preprocess = None,
        input_size: opt.InputSize = None,
        resize_mode: opt.ResizeMode = None,
        interpolation: opt.Interpolation = None,
        mean: opt.Mean = None,
        std: opt.Std = None,
        channel_order: opt.ChannelOrder = None,
        methods: opt.Methods = METHODS,
        layers: opt.Layers = None,
        target: opt.Target = None,
        labels: opt.Labels = defaults.DEFAULT_LABELS,
        feature_maps: opt.FeatureMaps = None,
        feature_scale: opt.FeatureScale = "channel",
        feature_order: opt.FeatureOrder = "channel",
        reading: opt.Reading = None,
        fuse: opt.Fuse = False,
        fuse_gamma: opt.FuseGamma = None,
        degrid: opt.Degrid = False,
        guided: opt.Guided = False,
        smooth: opt.Smooth = False,
        metrics: opt.Metrics = False,
        boxes: opt.Boxes = None,
        alpha: opt.Alpha = defaults.DEFAULT_ALPHA,
        colormap: opt.Colormap = defaults.DEFAULT_COLORMAP,
        output: opt.Output = None,
        top_k: opt.TopK = defaults.DEFAULT_TOP_K,
        title: opt.Title = None,
        author: opt.Author = None,
        meta: opt.Meta = None,
        notes: opt.NotesFile = None,
        lang: opt.Lang = "en",
        single_file: opt.SingleFile = False,
        folder: opt.Folder = False,
        page_size: opt.PageSize = defaults.DEFAULT_PAGE_SIZE,
        compact: opt.Compact = False,
        zip_: opt.Zip = None,
        pdf: opt.Pdf = None,
        paper: opt.Paper = defaults.DEFAULT_PAPER,
        export: opt.Export = None,
        save_overlays: opt.SaveOverlays = False,
        save_maps: opt.SaveMaps = False,
        template_dir: opt.TemplateDir = None,
        force: opt.Force = False,
        open_: opt.Open = False,
        config: opt.Config = None,  # noqa: ARG001 - read by its callback, before all others
        recursive: opt.Recursive = True,
        follow_links: opt.FollowLinks = False,
        max_pixels: opt.MaxPixels = defaults.DEFAULT_MAX_PIXELS,
        lenient: opt.Lenient = False,
        batch_size: opt.BatchSize = defaults.DEFAULT_BATCH_SIZE,
        amp: opt.Amp = False,
        engine: opt.Engine = "local",
        address: opt.Address = None,
        workers: opt.Workers = None,
        cache: opt.Cache = True,
        cache_limit: opt.CacheLimit = defaults.DEFAULT_CACHE_LIMIT,
        quiet: opt.Quiet = False,
        verbose: opt.Verbose = False,
    ) -> None:
        if quiet and verbose:
            raise UsageError("--quiet and --verbose: give one of them, not both.")
        from reportgen import remote  # noqa: PLC0415 - urllib, which --help must not cost

        path, url = remote.split(images)
        options = defaults.BuildOptions(
            images=path,
            url=url,
            output=output,
            network=defaults.ModelOptions(
                model=model,
                weights=weights,
                checkpoint=checkpoint,
                trust_checkpoint=trust_checkpoint,
                classes=classes,
                seed=seed,
                device=device,
            ),
            preprocess=defaults.PreprocessOptions(
                preset=preprocess,
                input_size=input_size,
                resize_mode=resize_mode,
                interpolation=interpolation,
                mean=mean,
                std=std,
                channel_order=channel_order,
            ),
            layers=_split(layers),
            methods=_split(methods),
            targets=tuple(target or ()),
            labels=labels,
            features=defaults.FeatureOptions(
                layers=_split("last" if lab and feature_maps is None else feature_maps),
                scale=feature_scale,
                order=feature_order,
            ),
            reading=lab if reading is None else reading,
            fuse=fuse or fuse_gamma is not None,
            fuse_gamma=fuse_gamma,
            degrid=degrid,
            guided=guided,
            smooth=smooth,
            metrics=metrics,
            boxes=boxes,
            top_k=top_k,
            title=title,
            alpha=alpha,
            colormap=colormap,
            batch_size=batch_size,
            amp=amp,
            recursive=recursive,
            follow_links=follow_links,
            max_pixels=max_pixels,
            lenient=lenient,
            save_overlays=save_overlays,
            save_maps=save_maps,
            template_dir=template_dir,
            force=force,
            show_download=not quiet,
            author=author,
            meta=tuple(meta or ()),
            notes=notes,
            lang=lang,
            single_file=single_file,
            folder=folder,
            page_size=page_size,
            compact=compact,
            pdf=_with_suffix(pdf, ".pdf"),
            paper=paper,
            export=_split(export),
            zip=_with_suffix(zip_, ".zip"),
            lab=lab,
            engine=engine,
            address=address,
            workers=workers,
            cache=cache,
            cache_limit=cache_limit,
        )
        _make_report(options, quiet=quiet, verbose=verbose, show=open_)


def _make_report(
    options: defaults.BuildOptions, *, quiet: bool, verbose: bool, show: bool
) -> NoReturn:
    # OpenCV, rich and more, which --help must not cost.
    from reportgen import console, pipeline  # noqa: PLC0415

    observer = console.ConsoleObserver(quiet=quiet, verbose=verbose)
    with console.stoppable() as stop:
        outcome = pipeline.build(options, observer, stop)
    if not quiet:
        console.print_summary(outcome)
    _show(outcome.page, wanted=show)
    raise typer.Exit(outcome.exit_code)


def _show(page: Path, *, wanted: bool) -> None:
    from reportgen import console  # noqa: PLC0415 - see above

    if wanted and not console.open_in_browser(page):
        console.print_note("--open: no browser was found; open the address above yourself.")


_register(
    "build",
    "Classify every image of a folder, explain it, and write the report.",
    lab=False,
)
_register(
    "lab",
    "Make the report that the cat and dog lab sheet asks for.\n\n"
    "Every channel of the last convolution, Grad-CAM and Layer-CAM of cat and dog side by side, "
    "the structure of the network, and a reading of every map in numbers. With a checkpoint of two "
    "classes, class 0 is cat and class 1 dog, and pictures go in as cv2.imread and ToTensor give "
    "them; without one, the embedded network answers through the groups @cats and @dogs. Takes "
    "every option of build.",
    lab=True,
)


@Commands.declared.command()
def render(  # noqa: PLR0913 - one parameter per option is how typer declares them
    run: opt.FinishedRun,
    *,
    output: opt.RenderOutput = None,
    title: opt.Title = None,
    author: opt.Author = None,
    meta: opt.Meta = None,
    notes: opt.NotesFile = None,
    single_file: opt.SingleFile = False,
    folder: opt.Folder = False,
    page_size: opt.RenderPageSize = None,
    template_dir: opt.TemplateDir = None,
    export: opt.Export = None,
    pdf: opt.Pdf = None,
    paper: opt.RenderPaper = None,
    force: opt.Force = False,
    open_: opt.Open = False,
    quiet: opt.Quiet = False,
) -> None:
    """Render the report of a finished run again: another form, other templates, another title.

    Nothing is computed. What is not given stays as the run has it.
    """
    from reportgen import console  # noqa: PLC0415 - see above
    from reportgen.rerender import rerender  # noqa: PLC0415 - Jinja2, which --help need not load

    options = defaults.RenderAgainOptions(
        run=run,
        output=output,
        title=title,
        author=author,
        meta=None if meta is None else tuple(meta),
        notes=notes,
        template_dir=template_dir,
        single_file=single_file,
        folder=folder,
        page_size=page_size,
        export=_split(export),
        pdf=_with_suffix(pdf, ".pdf"),
        paper=paper,
        force=force,
    )
    outcome = rerender(options, console.ConsoleObserver(quiet=quiet))
    if not quiet:
        console.print_summary(outcome)
    _show(outcome.page, wanted=open_)


@Commands.declared.command()
def verify(run: opt.FinishedRun) -> None:
    """Check a finished report against its manifest: what was changed, and what is missing."""
    from reportgen import console  # noqa: PLC0415 - see above
    from reportgen.folder import differences, read_manifest  # noqa: PLC0415 - for this command only

    found = differences(run)
    for line in found:
        typer.echo(console.one_line(line))
    count = len(read_manifest(run) or {})
    if found:
        console.print_error(f"{len(found)} of {count} files are not as they were written.")
        raise typer.Exit(1)
    typer.echo(f"All {count} files are as they were written.")


@Commands.declared.command()
def clean(limit: opt.CleanLimit = 0) -> None:
    """Empty the cache of finished records, or bring it down to a size."""
    from reportgen.store import Cache, cache_folder, remove_cache  # noqa: PLC0415 - see above

    folder = cache_folder()
    if limit:
        with Cache(folder) as cache:
            before = cache.size
            cache.trim(limit)
            freed, left = before - cache.size, cache.size
    else:
        freed, left = remove_cache(folder), 0
    typer.echo(f"{freed / 1e6:.1f} MB freed, {left / 1e6:.1f} MB left in {folder}")


@Commands.declared.command()
def compare(  # noqa: PLR0913 - one parameter per option is how typer declares them
    runs: opt.Runs,
    *,
    output: opt.ComparisonOutput = None,
    title: opt.ComparisonTitle = None,
    lang: opt.Lang = "en",
    template_dir: opt.TemplateDir = None,
    force: opt.Force = False,
    open_: opt.Open = False,
) -> None:
    """Compare finished runs over the same images: networks, checkpoints or options."""
    from reportgen import comparing, console, language  # noqa: PLC0415 - see above

    language.activate(lang)
    outcome = comparing.compare(runs, output, title=title, template_dir=template_dir, force=force)
    console.print_comparison(outcome)
    _show(outcome.page, wanted=open_)


@Commands.declared.command()
def models(
    text: Annotated[
        str, typer.Argument(metavar="FILTER", help="Only names that contain this text.")
    ] = "",
) -> None:
    """List the networks that --model takes."""
    from reportgen import console  # noqa: PLC0415 - see above
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


@Commands.declared.command()
def layers(  # noqa: PLR0913 - one parameter per option is how typer declares them
    model: opt.Model = None,
    *,
    weights: opt.Weights = "default",
    checkpoint: opt.Checkpoint = None,
    trust_checkpoint: opt.Trust = False,
    classes: opt.Classes = None,
    seed: opt.Seed = 0,
) -> None:
    """List the layers of a network in the order in which they run."""
    from reportgen import console  # noqa: PLC0415 - see above
    from reportgen.listing import LAYER_HEADERS, layer_rows  # noqa: PLC0415 - imports torch

    rows, caption = layer_rows(
        defaults.ModelOptions(
            model=model,
            weights=weights,
            checkpoint=checkpoint,
            trust_checkpoint=trust_checkpoint,
            classes=classes,
            seed=seed,
            device="cpu",
        )
    )
    console.print_table(LAYER_HEADERS, rows, caption=caption)


def main() -> None:
    """Run the command line and leave with its exit code."""
    # On Linux torch then asks for large memory pages, of which the system has to clear fewer. It
    # looks for this once, when it first needs memory.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
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
    except RunInterrupted as stopped:
        _print_error(str(stopped))
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - see above
        _print_error(_explain(error))
        return FAILED
    else:
        return 0
    _print_error("interrupted; the old report, if any, stands.")
    return INTERRUPTED


def _print_error(text: str) -> None:
    from reportgen import console  # noqa: PLC0415 - see above

    console.print_error(text)


def _explain(error: Exception) -> str:
    """Return what to tell the user; a traceback comes before it where the fault is not theirs."""
    import traceback  # noqa: PLC0415 - for this only

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


def _with_suffix(path: Path | None, suffix: str) -> Path | None:
    return path and path.with_name(f"{path.name.removesuffix(suffix)}{suffix}")


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
