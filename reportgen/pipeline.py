"""The one module that knows the order of the stages."""

from __future__ import annotations

import math
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from reportgen import encode, overlay, provenance, render
from reportgen.attribution import explain_batch
from reportgen.capture import quiet_mode
from reportgen.decode import decode
from reportgen.discover import discover
from reportgen.errors import ImageError, OptionError
from reportgen.folder import MANIFEST, PAGE, OutputFolder
from reportgen.naming import overlay_name, slug
from reportgen.plan import Plan, prepare
from reportgen.preprocess import preprocess
from reportgen.progress import Observer, Outcome
from reportgen.targets import describe
from reportgen.values import (
    Explanation,
    FailureRecord,
    ImageRecord,
    MethodInfo,
    ModelInput,
    Overlay,
    Panel,
    Picture,
    Report,
    RunInfo,
    TargetRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from reportgen.options import BuildOptions
    from reportgen.values import ImageFile, Preprocessing

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 4
"""Threads that decode and encode beside the network; both release the interpreter lock."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture ready for the network, with a thumbnail in place of its original pixels."""

    model_input: ModelInput
    photo: Picture


def build(options: BuildOptions, observer: Observer) -> Outcome:
    """Run everything, from a folder of pictures to a report in its place.

    Raises
    ------
    UsageError
        If the options cannot be carried out; nothing has been written then.
    """
    started = time.perf_counter()
    created = provenance.now()
    _check_ranges(options)
    path = options.output or default_output(options)
    images = discover(
        options.images, recursive=options.recursive, leave_out=(path,), own_report=MANIFEST
    )
    output = OutputFolder(path, force=options.force)
    output.check(format_.filename for format_ in render.FORMATS)
    render.check_templates(options.template_dir)
    plan = prepare(options, observer)
    with output.staging() as staging:
        records = tuple(_observed(_records(images, plan, options, staging), len(images), observer))
        seconds = time.perf_counter() - started
        observer.stage("Writing the report")
        report = Report(
            title=options.title or _default_title(options, plan),
            run=_run_info(options, plan, created, seconds),
            images=tuple(record for record in records if isinstance(record, ImageRecord)),
            failures=tuple(record for record in records if isinstance(record, FailureRecord)),
        )
        render.render(report, staging, template_dir=options.template_dir)
        output.commit(staging)
    return Outcome(
        images=len(report.images),
        failures=report.failures,
        top_classes=report.top_classes(),
        seconds=time.perf_counter() - started,
        page=path / PAGE,
    )


def default_output(options: BuildOptions) -> Path:
    """Return ``reports/<folder name>-<model name>``."""
    folder = slug(options.images.resolve().name)
    return Path("reports") / f"{folder}-{slug(options.network.model.rpartition(':')[2])}"


def _check_ranges(options: BuildOptions) -> None:
    if options.colormap not in overlay.COLORMAPS:
        raise OptionError(
            f"--colormap: expected one of {', '.join(overlay.COLORMAPS)}, "
            f"found '{options.colormap}'.",
        )
    if not 0 <= options.alpha <= 1:
        raise OptionError(f"--alpha: a share from 0 to 1 is expected, found {options.alpha}.")


def _observed(
    records: Iterable[ImageRecord | FailureRecord], total: int, observer: Observer
) -> Iterator[ImageRecord | FailureRecord]:
    """Pass the records on and tell the observer of each."""
    observer.start(total)
    for record in records:
        if isinstance(record, FailureRecord):
            observer.failed(record)
        observer.advance()
        yield record
    observer.finish()


def _records(
    images: Iterable[ImageFile], plan: Plan, options: BuildOptions, staging: Path
) -> Iterator[ImageRecord | FailureRecord]:
    """Yield one record per picture, in order, decoding and encoding beside the network."""
    ahead = 2 * options.batch_size
    recipe = plan.loaded.preprocessing

    def finish(
        item: FailureRecord | tuple[Prepared, Explanation],
    ) -> ImageRecord | FailureRecord:
        return item if isinstance(item, FailureRecord) else _finish(*item, options, staging)

    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="reportgen")
    try:
        with quiet_mode(plan.loaded.module):
            prepared = _in_order(pool, lambda image: _prepare(image, recipe), images, ahead)
            explained = _explained(prepared, plan, options.batch_size)
            yield from _in_order(pool, finish, explained, ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(image: ImageFile, recipe: Preprocessing) -> Prepared | FailureRecord:
    """Decode and preprocess one picture; a picture that cannot be done becomes a failure."""
    try:
        decoded = decode(image)
        return Prepared(preprocess(decoded, recipe), encode.thumbnail(decoded.pixels))
    except ImageError as error:
        return FailureRecord(image.name, str(error))


def _explained(
    prepared: Iterable[Prepared | FailureRecord], plan: Plan, batch_size: int
) -> Iterator[FailureRecord | tuple[Prepared, Explanation]]:
    """Run the network batch by batch; failures pass through in their place."""
    for chunk in _chunks(prepared, batch_size):
        batch = [item for item in chunk if isinstance(item, Prepared)]
        found: Iterator[Explanation] = iter(())
        if batch:
            stacked = np.stack([item.model_input.tensor for item in batch])
            inputs = torch.from_numpy(stacked).to(plan.device)
            found = iter(explain_batch(plan.loaded.module, inputs, plan.attribution))
        for item in chunk:
            if isinstance(item, FailureRecord):
                yield item
                continue
            explanation = next(found)
            if math.isfinite(explanation.predictions[0].probability):
                yield item, explanation
            else:
                reason = "the network's logits for it are not finite numbers"
                yield FailureRecord(item.model_input.file.name, reason)


def _finish(
    prepared: Prepared, explanation: Explanation, options: BuildOptions, staging: Path
) -> ImageRecord:
    """Draw the overlays of one picture and encode them."""
    source = prepared.model_input
    panels: dict[int, list[Panel]] = {target.prediction.index: [] for target in explanation.targets}
    names = {target.prediction.index: target.prediction.category for target in explanation.targets}
    for raw in explanation.maps:
        drawn = overlay.draw(raw, source.view, alpha=options.alpha, colormap=options.colormap)
        saved = None
        if options.save_overlays and drawn.blend is not None:
            saved = overlay_name(
                source.file.name, raw.target, names[raw.target], raw.method, raw.layer
            )
            destination = staging / saved
            destination.parent.mkdir(exist_ok=True)
            destination.write_bytes(encode.png(drawn.blend))
        panels[raw.target].append(_panel(drawn, saved))
    return ImageRecord(
        name=source.file.name,
        sha256=source.sha256,
        notes=source.notes,
        geometry=source.geometry,
        photo=prepared.photo,
        view=encode.thumbnail(source.view),
        predictions=explanation.predictions,
        targets=tuple(
            TargetRecord(target.prediction, target.rank, tuple(panels[target.prediction.index]))
            for target in explanation.targets
        ),
    )


def _panel(drawn: Overlay, saved: str | None) -> Panel:
    raw = drawn.source
    height, width = raw.values.shape
    return Panel(
        method=raw.method,
        layer=raw.layer,
        activation_shape=raw.activation_shape,
        map_size=(width, height),
        peak=raw.peak,
        state=drawn.state,
        heat=None if drawn.heat is None else encode.thumbnail(drawn.heat),
        overlay=None if drawn.blend is None else encode.thumbnail(drawn.blend),
        overlay_file=saved,
    )


def _run_info(options: BuildOptions, plan: Plan, created: datetime, seconds: float) -> RunInfo:
    return RunInfo(
        command=options.command,
        created=created,
        seconds=seconds,
        device=provenance.describe_device(plan.device),
        versions=provenance.versions(),
        model=plan.loaded.info,
        preprocessing=plan.loaded.preprocessing,
        methods=tuple(
            MethodInfo(method.name, method.title, method.formula, method.citation, layers)
            for method, layers in plan.attribution.methods
        ),
        targets=tuple(
            describe(target, plan.loaded.categories) for target in plan.attribution.targets
        ),
        top_k=plan.attribution.top_k,
        alpha=options.alpha,
        colormap=options.colormap,
        colorbar=encode.png_picture(overlay.colorbar(options.colormap)),
    )


def _default_title(options: BuildOptions, plan: Plan) -> str:
    titles = " and ".join(method.title for method, _ in plan.attribution.methods)
    return f"{titles} of {options.images.resolve().name}"


def _in_order(
    pool: ThreadPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    ahead: int,
) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of ``items``, computing at most ``ahead`` beforehand.

    ``Executor.map`` would take in all items at once, and with them the memory of every picture.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
