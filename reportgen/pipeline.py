"""The order of the stages, from a folder of pictures to a report in its place.

What needs the network is in `reportgen.computing`, which is imported only where something is new.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen import delivery, engines, provenance, render
from reportgen.beside import Beside
from reportgen.discover import discover, discover_remote
from reportgen.errors import CacheError, OptionError, RunFileError
from reportgen.folder import MANIFEST, PAGE, OutputFolder, differences, empty, manifest_hash
from reportgen.identity import fingerprint
from reportgen.known import Known
from reportgen.language import activate
from reportgen.locking import locked
from reportgen.naming import slug
from reportgen.options import COLORMAP_NAMES, DEFAULT_MODEL
from reportgen.progress import Observer, Outcome
from reportgen.rerender import page_alone, write_again
from reportgen.settings import RUN_FILE, of_page, write_run
from reportgen.store import RUN_STORE, RunReader, RunWriter, cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reportgen.computing import Filled
    from reportgen.engines import Engine
    from reportgen.identity import Fingerprint, Input
    from reportgen.options import BuildOptions, RenderAgainOptions
    from reportgen.settings import Value
    from reportgen.values import ImageFile


def build(
    options: BuildOptions, observer: Observer, stop: Callable[[], bool] = lambda: False
) -> Outcome:
    """Run everything, from a folder of pictures to a report in its place.

    What was computed before is taken from the cache, or from the report that stands there. Where
    nothing at all is new the report stays as it is, and no network is loaded.

    Parameters
    ----------
    options
        What to do.
    observer
        Who is told how far the run is.
    stop
        Asked after every batch: whether to end here, with what was computed kept for next time.

    Raises
    ------
    UsageError
        If the options cannot be carried out; nothing has been written then.
    RunInterrupted
        If ``stop`` said so.
    """
    started = time.perf_counter()
    created = provenance.now()
    _check_options(options)
    activate(options.lang)
    path = options.output or default_output(options)
    images = _find(options, path)
    with locked(path), engines.choose(options, observer) as engine:
        output = OutputFolder(path, force=options.force)
        inputs = engine.look(images, options.max_pixels)
        mark = fingerprint(options, inputs)
        kept = cache_folder() if options.cache else None
        earlier = None if options.save_overlays or options.save_maps else path
        computed = 0
        with Known(kept, earlier, observer) as known:
            stands = _stands(path, mark.whole, known, options)
            again = None if stands else _page_alone(path, mark.but_for_page, known, options)
            given = of_page(options)
            if again is not None:
                known.forget_report()  # it is about to be replaced
                write_again(again, observer)
            elif not stands:
                filled = _make(options, inputs, output, engine, known, created, observer, stop)
                options, computed = filled.options, filled.computed
            if not stands:
                _note(path, mark, given, known)
        with RunReader(path) as run:
            report = run.whole
            if stands:
                observer.stage("Nothing is new: the report stands as it was made")
            else:
                delivery.deliver(report, path, images, options, observer)
            if stands or again is not None:
                for failure in report.failures:
                    observer.failed(failure)
            return Outcome(
                images=len(run),
                failures=report.failures,
                top_classes=run.top_classes(),
                computed=computed,
                seconds=time.perf_counter() - started,
                page=path / PAGE,
                archive=options.zip,
                pdf=options.pdf,
                remarks=delivery.remarks(path / PAGE),
                evaluation=report.evaluation,
            )


def _find(options: BuildOptions, output: Path) -> tuple[ImageFile, ...]:
    """Return the pictures of the run, from this machine or another."""
    if options.url:
        return discover_remote(options.url, recursive=options.recursive, own_report=MANIFEST)
    return discover(
        options.images,
        recursive=options.recursive,
        follow_links=options.follow_links,
        leave_out=(output,),
        own_report=MANIFEST,
    )


def default_output(options: BuildOptions) -> Path:
    """Return ``reports/<folder name>-<model or checkpoint name>``."""
    network = options.network
    model = network.model.rpartition(":")[2] if network.model else DEFAULT_MODEL
    if network.model is None and network.checkpoint is not None:
        model = network.checkpoint.stem
    return Path("reports") / f"{slug(options.images.resolve().name)}-{slug(model)}"


def _check_options(options: BuildOptions) -> None:
    """Refuse what can be refused before anything is loaded."""
    choices = {
        "colormap": (options.colormap, COLORMAP_NAMES),
        "feature-scale": (options.features.scale, ("channel", "layer")),
        "feature-order": (options.features.order, ("channel", "weight")),
    }
    for name, (found, known) in choices.items():
        if found not in known:
            raise OptionError(f"--{name}: expected one of {', '.join(known)}, found '{found}'.")
    if not 0 <= options.alpha <= 1:
        raise OptionError(f"--alpha: a share from 0 to 1 is expected, found {options.alpha}.")
    engines.check(options)
    delivery.check(options)


def _place(path: Path) -> str:
    """Return the name under which the cache notes what a folder was made from."""
    return f"report in {path.resolve()}"


def _stands(path: Path, mark: str, known: Known, options: BuildOptions) -> bool:
    """Say whether the report in ``path`` is, whole and unchanged, what would be made now."""
    # A ZIP or PDF file lies elsewhere, and is made anew when it is asked for.
    if not mark or options.zip or options.pdf or not (path / MANIFEST).is_file():
        return False
    made_from = f"{mark} {manifest_hash(path)}"
    return known.fact(_place(path)) == made_from and not differences(path)


def _place_but_for_page(path: Path) -> str:
    """Return the name under which that is noted without what the page alone shows, and this."""
    return f"{_place(path)}, but for its page"


def _note(path: Path, mark: Fingerprint, given: Mapping[str, Value | None], known: Known) -> None:
    """Note what the report that stands in ``path`` now was made from."""
    whole = manifest_hash(path)
    known.note(_place(path), f"{mark.whole} {whole}")
    known.note(_place_but_for_page(path), json.dumps([mark.but_for_page, whole, given]))


def _page_alone(
    path: Path, mark: str, known: Known, options: BuildOptions
) -> RenderAgainOptions | None:
    """Return how to render the report in ``path`` again, if no more than that is needed."""
    noted = known.fact(_place_but_for_page(path))
    # The archive repeats the run with every option settled, which only the network can tell.
    if not mark or options.zip or noted is None or not (path / MANIFEST).is_file():
        return None
    made_from, whole, before = json.loads(noted)
    if [made_from, whole] != [mark, manifest_hash(path)] or differences(path):
        return None
    return page_alone(options, path, before)


def _make(  # noqa: PLR0913, PLR0917 - all that a run is made from
    options: BuildOptions,
    inputs: Sequence[Input],
    output: OutputFolder,
    engine: Engine,
    known: Known,
    created: datetime,
    observer: Observer,
    stop: Callable[[], bool],
) -> Filled:
    """Compute what is not known, render, and put the report in its place."""
    form = delivery.render_options(options)
    output.check([*render.expected_files(len(inputs), form), RUN_FILE, RUN_STORE])
    render.check_templates(options.template_dir)
    from reportgen.computing import fill  # noqa: PLC0415 - torch, seconds that a look need not cost

    with output.staging() as staging, Beside(len(inputs), form) as beside:

        def filled_anew() -> Filled:
            with RunWriter(staging / RUN_STORE) as store:
                return fill(
                    options,
                    inputs,
                    store,
                    engine=engine,
                    staging=staging,
                    known=known,
                    created=created,
                    observer=observer,
                    stop=stop,
                )

        try:
            filled = filled_anew()
        except (CacheError, RunFileError) as error:  # what was known cannot be read after all
            known.forget(error)
            empty(staging)
            filled = filled_anew()
        observer.stage("Writing the report")
        with RunReader(staging / RUN_STORE) as run:
            report = run.whole
            digests: dict[str, str] = {}
            beside.render(report, run.path, staging, digests)
            delivery.export(report, staging, options, observer)
        write_run(filled.options, output.path, staging / RUN_FILE)
        known.forget_report()  # it is about to be replaced
        output.commit(staging, digests)
    return filled
