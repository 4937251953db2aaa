"""The one module that knows the order of the stages."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from reportgen import delivery, encode, overlay, provenance, render
from reportgen.capture import quiet_mode
from reportgen.combining import FUSION_SOURCE, explain, fusion_info
from reportgen.decode import decode
from reportgen.discover import discover
from reportgen.errors import ImageError, LayerError, OptionError
from reportgen.evaluation import evaluate
from reportgen.folder import MANIFEST, PAGE, OutputFolder
from reportgen.language import _, activate, enumeration
from reportgen.localisation import summarise
from reportgen.measuring import measure, rankings, verdict_of
from reportgen.naming import slug
from reportgen.notes import parse_author, parse_meta
from reportgen.options import DEFAULT_MODEL
from reportgen.plan import Plan, prepare
from reportgen.preprocess import preprocess
from reportgen.progress import Observer, Outcome
from reportgen.recording import Prepared, Recorder
from reportgen.recording import prepare as prepare_record
from reportgen.settings import RUN_FILE, command_line, write_run
from reportgen.store import RUN_STORE, RunWriter
from reportgen.streaming import chunks, in_order
from reportgen.targets import describe
from reportgen.values import (
    Explanation,
    FailureRecord,
    FrontMatter,
    ImageRecord,
    MethodInfo,
    Report,
    RunInfo,
    TrueClass,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reportgen.options import BuildOptions
    from reportgen.values import ImageFile

WORKERS = 4
"""Threads that decode and encode beside the network; both release the interpreter lock."""

PASS_PIXELS = 16 * 512 * 512
"""Pixels that go through the network at once where every picture has its own size."""


def build(options: BuildOptions, observer: Observer) -> Outcome:
    """Run everything, from a folder of pictures to a report in its place.

    Raises
    ------
    UsageError
        If the options cannot be carried out; nothing has been written then.
    """
    started = time.perf_counter()
    created = provenance.now()
    _check_options(options)
    activate(options.lang)
    path = options.output or default_output(options)
    images = discover(
        options.images, recursive=options.recursive, leave_out=(path,), own_report=MANIFEST
    )
    output = OutputFolder(path, force=options.force)
    expected = render.expected_files(len(images), delivery.render_options(options))
    output.check([*expected, RUN_FILE, RUN_STORE])
    render.check_templates(options.template_dir)
    plan = prepare(options, images, observer)
    with output.staging() as staging:
        records = _observed(plan, _records(images, plan, staging), len(images), observer)
        report = _stored(plan, records, created, staging / RUN_STORE)
        observer.stage("Writing the report")
        render.render(report, staging, delivery.render_options(options))
        delivery.export(report, staging, options, observer)
        write_run(plan.options, path, staging / RUN_FILE)
        output.commit(staging)
    delivery.deliver(report, path, images, plan.options, observer)
    return Outcome(
        images=len(report.images),
        failures=report.failures,
        top_classes=report.top_classes(),
        seconds=time.perf_counter() - started,
        page=path / PAGE,
        archive=options.zip,
        pdf=options.pdf,
        remarks=delivery.remarks(path / PAGE),
        evaluation=report.evaluation,
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
        "colormap": (options.colormap, tuple(overlay.COLORMAPS)),
        "feature-scale": (options.features.scale, ("channel", "layer")),
        "feature-order": (options.features.order, ("channel", "weight")),
    }
    for name, (found, known) in choices.items():
        if found not in known:
            raise OptionError(f"--{name}: expected one of {', '.join(known)}, found '{found}'.")
    if not 0 <= options.alpha <= 1:
        raise OptionError(f"--alpha: a share from 0 to 1 is expected, found {options.alpha}.")
    delivery.check(options)


def _stored(
    plan: Plan,
    records: Iterable[ImageRecord | FailureRecord],
    created: datetime,
    path: Path,
) -> Report:
    """Put every record into the store as it is made, and return the report of them all."""
    done = []
    with RunWriter(path) as store:
        for record in records:
            store.add(record)
            done.append(record)
        report = _report(plan, done, created)
        store.finish(report)
    return report


def _report(
    plan: Plan, records: Sequence[ImageRecord | FailureRecord], created: datetime
) -> Report:
    images = tuple(record for record in records if isinstance(record, ImageRecord))
    ranked = rankings(images)
    return Report(
        title=plan.options.title or _default_title(plan),
        run=_run_info(plan, created),
        images=images,
        failures=tuple(record for record in records if isinstance(record, FailureRecord)),
        evaluation=evaluate(images, plan.loaded.categories),
        rankings=ranked,
        verdict=verdict_of(ranked, {info.name: info.title for info in _method_infos(plan)}),
        localisation=summarise(
            ((panel.method, panel.layer), panel.localisation)
            for image in images
            for target in image.targets
            for panel in target.panels
            if panel.localisation is not None
        ),
        boxes="; ".join((plan.boxes.origin, *plan.boxes.notes)),
        front=FrontMatter(
            parse_author(plan.options.author), parse_meta(plan.options.meta), plan.notes.report
        ),
    )


def _observed(
    plan: Plan, records: Iterable[ImageRecord | FailureRecord], total: int, observer: Observer
) -> Iterator[ImageRecord | FailureRecord]:
    """Pass the records on and tell the observer of each."""
    observer.start(total, plan.work)
    for record in records:
        if isinstance(record, FailureRecord):
            observer.failed(record)
        observer.advance()
        yield record
    observer.finish()


def _records(
    images: Iterable[ImageFile], plan: Plan, staging: Path
) -> Iterator[ImageRecord | FailureRecord]:
    """Yield one record per picture, in order, decoding and encoding beside the network."""
    batch_size = plan.options.batch_size
    recorder = Recorder(plan, staging)

    def finish(
        item: FailureRecord | tuple[Prepared, Explanation],
    ) -> ImageRecord | FailureRecord:
        return item if isinstance(item, FailureRecord) else recorder.record(*item)

    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="reportgen")
    try:
        with quiet_mode(plan.loaded.module):
            prepared = in_order(pool, lambda image: _prepare(image, plan), images, 2 * batch_size)
            explained = _explained(prepared, plan, batch_size)
            yield from in_order(pool, finish, explained, 2 * batch_size)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(image: ImageFile, plan: Plan) -> Prepared | FailureRecord:
    """Decode and preprocess one picture; a picture that cannot be done becomes a failure."""
    index = plan.labels.by_name.get(image.name)
    label = None if index is None else TrueClass(index, plan.loaded.categories[index])
    try:
        decoded = decode(image)
        source = preprocess(decoded, plan.recipe)
        return prepare_record(source, decoded.pixels, label, plan.options)
    except ImageError as error:
        return FailureRecord(image.name, str(error))


def _explained(
    prepared: Iterable[Prepared | FailureRecord], plan: Plan, batch_size: int
) -> Iterator[FailureRecord | tuple[Prepared, Explanation]]:
    """Run the network batch by batch; failures pass through in their place."""
    for chunk in chunks(prepared, batch_size):
        batch = [item for item in chunk if isinstance(item, Prepared)]
        found: dict[int, Explanation | FailureRecord] = {}
        for group in _of_one_size(batch):
            found.update(zip(map(id, group), _explain(group, plan), strict=True))
        for item in chunk:
            result = item if isinstance(item, FailureRecord) else found[id(item)]
            if isinstance(result, FailureRecord):
                yield result
            elif isinstance(item, Prepared):
                yield item, result


def _of_one_size(batch: Iterable[Prepared]) -> Iterator[list[Prepared]]:
    """Split a batch into what can go through the network together."""
    groups: dict[tuple[int, ...], list[Prepared]] = {}
    for item in batch:
        groups.setdefault(item.model_input.tensor.shape, []).append(item)
    for (*_channels, height, width), group in groups.items():
        yield from chunks(group, max(1, PASS_PIXELS // (height * width)))


def _explain(group: list[Prepared], plan: Plan) -> Iterable[Explanation | FailureRecord]:
    """Run the network on pictures of one size."""
    stacked = np.stack([item.model_input.tensor for item in group])
    inputs = torch.from_numpy(stacked).to(plan.device)
    labels = [None if item.label is None else item.label.index for item in group]
    names = [item.model_input.file.name for item in group]
    try:
        found = explain(plan.loaded.module, inputs, plan.attribution, labels)
        if plan.options.metrics:
            found = measure(plan.loaded.module, inputs, found, plan.attribution)
    except (RuntimeError, ValueError, AssertionError, LayerError) as error:
        if plan.recipe.crop is not None:  # a size that the network has taken before
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        size = f"{stacked.shape[3]}×{stacked.shape[2]}"
        reason = _(
            "the network does not take a picture of {size} ({error}); try --input-size"
        ).format(size=size, error=lines[0])
        return [FailureRecord(name, reason) for name in names]
    broken = _("the network's logits for it are not finite numbers")
    return [
        item if math.isfinite(item.predictions[0].probability) else FailureRecord(name, broken)
        for name, item in zip(names, found, strict=True)
    ]


def _method_infos(plan: Plan) -> Iterator[MethodInfo]:
    for method, layers in plan.attribution.methods:
        yield MethodInfo(method.name, method.title, method.formula, method.citation, layers)
        fused = fusion_info(plan.attribution) if method.name == FUSION_SOURCE else None
        if fused is not None:
            yield fused


def _run_info(plan: Plan, created: datetime) -> RunInfo:
    options, attribution = plan.options, plan.attribution
    return RunInfo(
        command=command_line(options),
        created=created,
        device=provenance.describe_device(plan.device),
        versions=provenance.versions(),
        model=plan.loaded.info,
        preprocessing=plan.recipe,
        recipe_origin=plan.recipe_origin,
        structure=plan.structure,
        methods=tuple(_method_infos(plan)),
        targets=tuple(describe(target, plan.loaded.categories) for target in attribution.targets),
        categories_origin=plan.loaded.categories_origin,
        labels=plan.labels.origin,
        top_k=attribution.top_k,
        alpha=options.alpha,
        colormap=options.colormap,
        colorbar=encode.png_picture(overlay.colorbar(options.colormap)),
        palettes=overlay.palettes(),
        language=options.lang,
    )


def _default_title(plan: Plan) -> str:
    titles = [method.title for method, _layers in plan.attribution.methods]
    return _("{methods} of {folder}").format(
        methods=enumeration(titles), folder=plan.options.images.resolve().name
    )
