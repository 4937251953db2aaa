"""The one module that knows the order of the stages."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen import delivery, encode, overlay, provenance, render
from reportgen.combining import FUSION_SOURCE, fusion_info
from reportgen.discover import discover
from reportgen.engine import compute
from reportgen.errors import OptionError
from reportgen.evaluation import evaluate
from reportgen.folder import MANIFEST, PAGE, OutputFolder
from reportgen.language import _, activate, enumeration
from reportgen.localisation import summarise
from reportgen.measuring import rankings, verdict_of
from reportgen.naming import slug
from reportgen.notes import parse_author, parse_meta
from reportgen.options import DEFAULT_MODEL
from reportgen.plan import Plan, prepare
from reportgen.progress import Observer, Outcome
from reportgen.settings import RUN_FILE, command_line, write_run
from reportgen.store import RUN_STORE, RunWriter
from reportgen.targets import describe
from reportgen.values import (
    FailureRecord,
    FrontMatter,
    ImageRecord,
    MethodInfo,
    Report,
    RunInfo,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reportgen.options import BuildOptions
    from reportgen.values import Made


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
        options.images,
        recursive=options.recursive,
        follow_links=options.follow_links,
        leave_out=(path,),
        own_report=MANIFEST,
    )
    output = OutputFolder(path, force=options.force)
    expected = render.expected_files(len(images), delivery.render_options(options))
    output.check([*expected, RUN_FILE, RUN_STORE])
    render.check_templates(options.template_dir)
    plan = prepare(options, images, observer)
    with output.staging() as staging:
        records = _observed(
            plan, _written(compute(images, plan, observer), staging), len(images), observer
        )
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


def _written(made: Iterable[Made], staging: Path) -> Iterator[ImageRecord | FailureRecord]:
    """Write the files of every picture, and yield the records."""
    for item in made:
        for name, data in item.files.items():
            destination = staging / name
            destination.parent.mkdir(exist_ok=True)
            destination.write_bytes(data)
        yield item.record


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
