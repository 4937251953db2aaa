"""From pictures to a filled store: what is known is taken over, the rest is computed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen import encode, overlay, provenance
from reportgen.combining import FUSION_SOURCE, fusion_info
from reportgen.decode import digest
from reportgen.errors import ImageError, RunInterrupted
from reportgen.evaluation import evaluate
from reportgen.identity import record_key, run_key
from reportgen.language import _, enumeration
from reportgen.localisation import summarise
from reportgen.measuring import rankings, verdict_of
from reportgen.notes import parse_author, parse_meta
from reportgen.plan import prepare
from reportgen.reuse import files_of, files_under_name, under_name
from reportgen.settings import command_line
from reportgen.store import Encoded, Found, RunWriter
from reportgen.streaming import chunks
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
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from reportgen.engines import Engine
    from reportgen.identity import Input
    from reportgen.known import Known
    from reportgen.options import BuildOptions
    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import Made

    Pictures = Sequence[tuple[Input, str]]


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of filling a store."""

    options: BuildOptions
    """With nothing left open."""
    computed: int
    """Pictures that went through the network; all others were known."""


def fill(  # noqa: PLR0913 - what to do, where to, and what stands around it
    options: BuildOptions,
    inputs: Sequence[Input],
    store: RunWriter,
    *,
    engine: Engine,
    staging: Path,
    known: Known,
    created: datetime,
    observer: Observer,
    stop: Callable[[], bool],
) -> Filled:
    """Put the record of every picture into ``store``, in order, and finish it.

    Parameters
    ----------
    options
        The run's.
    inputs
        The pictures, hashed.
    store
        New and empty.
    engine
        Where pictures are computed.
    staging
        Where the files go that records name.
    known
        What was computed before, and where every batch is kept.
    created
        Date of the report.
    observer
        Who is told how far it is.
    stop
        Asked after every batch: whether to end here.

    Raises
    ------
    UsageError
        If an option cannot be carried out.
    RunInterrupted
        If ``stop`` said so; every whole batch is kept.
    """
    plan = prepare(options, [item.file for item in inputs], observer, known)
    filling = _Filling(plan, store, engine, staging, known, observer, stop)
    observer.start(len(inputs), plan.work)
    try:
        failures = filling.run(inputs)
    finally:
        observer.finish()
    store.finish(_report(plan, store.images(), failures, created))
    known.trim(options.cache_limit)
    return Filled(plan.options, filling.computed)


class _Filling:
    """One run's way through its pictures."""

    def __init__(  # noqa: PLR0913, PLR0917 - see `fill`
        self,
        plan: Plan,
        store: RunWriter,
        engine: Engine,
        staging: Path,
        known: Known,
        observer: Observer,
        stop: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._store = store
        self._engine = engine
        self._staging = staging
        self._known = known
        self._observer = observer
        self._stop = stop
        self._fresh: dict[str, Found] = {}
        """What was computed and is not placed yet."""
        self._failed: dict[str, FailureRecord] = {}
        self._placed: set[str] = set()
        self.computed = 0

    def run(self, inputs: Sequence[Input]) -> tuple[FailureRecord, ...]:
        """Store what came of every picture, and return the failures."""
        run = run_key(self._plan)
        keys = [record_key(item, run, self._plan) if item.sha256 else "" for item in inputs]
        failures = []
        with closing(self._computed(*self._unknown(inputs, keys), len(inputs))) as batches:
            for item, key in zip(inputs, keys, strict=True):
                while key and not self._has(key):
                    self._take(next(batches))
                record = self._place(item, key)
                if isinstance(record, FailureRecord):
                    self._observer.failed(record)
                    failures.append(record)
                self._observer.advance()
        return tuple(failures)

    def _unknown(self, inputs: Sequence[Input], keys: Sequence[str]) -> tuple[Pictures, Pictures]:
        """Return the pictures to compute, each once: those tried before in vain, and all others."""
        wanted: dict[str, Input] = {}
        for item, key in zip(inputs, keys, strict=True):
            if key and key not in self._known:
                wanted.setdefault(key, item)
        again = [(item, key) for key, item in wanted.items() if self._known.was_tried(key)]
        return again, [
            (item, key) for key, item in wanted.items() if not self._known.was_tried(key)
        ]

    def _computed(
        self, again: Pictures, others: Pictures, total: int
    ) -> Generator[list[tuple[str, Found]]]:
        """Compute, and yield batch by batch what was kept.

        A batch is kept as a whole, with its failures, and what failed in a way that need not last
        is tried again by itself: so a run that goes on after it was killed makes the same batches
        of what is left, and the same numbers to the last bit.
        """
        known = total - len(again) - len(others)
        for pictures in filter(None, (*([one] for one in again), others)):
            with closing(self._batches(pictures)) as batches:
                for batch in batches:
                    yield batch
                    if self._stop():
                        raise RunInterrupted(self.computed, known, total)

    def _batches(self, pictures: Pictures) -> Generator[list[tuple[str, Found]]]:
        if not pictures:
            return
        size, most = self._plan.options.batch_size, self._plan.options.max_pixels
        files = [item.file for item, _key in pictures]
        with closing(self._engine.compute(files, self._plan)) as made:
            for batch in chunks(zip(pictures, made, strict=True), size):
                found = [(item, (key, _encoded(done))) for (item, key), done in batch]
                self._known.keep(
                    [pair for item, pair in found if _is_of(pair[1].record, item, most)]
                )
                self.computed += len(batch)
                yield [pair for _item, pair in found]

    def _take(self, batch: list[tuple[str, Found]]) -> None:
        for key, found in batch:
            if isinstance(found.record, FailureRecord):
                self._failed[key] = found.record
            else:
                self._fresh[key] = found

    def _has(self, key: str) -> bool:
        return any(key in where for where in (self._placed, self._fresh, self._failed, self._known))

    def _place(self, item: Input, key: str) -> ImageRecord | FailureRecord:
        """Store the record of one picture with its files, and return it."""
        name = item.file.name
        found = self._found(item, key)
        if isinstance(found.record, FailureRecord):
            record: ImageRecord | FailureRecord = FailureRecord(name, found.record.reason)
            self._store.add(record)
            return record
        record = under_name(found.record, name, self._plan.notes.by_name.get(name, ""))
        for file, data in files_under_name(found.files, found.record, record).items():
            destination = self._staging / file
            destination.parent.mkdir(exist_ok=True)
            destination.write_bytes(data)
        # A picture that was changed after it was hashed is not what its key says.
        encoded = found.encoded if record is found.record else None
        self._store.add(record, key if record.sha256 == item.sha256 else "", encoded)
        self._placed.add(key)
        return record

    def _found(self, item: Input, key: str) -> Found:
        if item.failure is not None:
            return Found(item.failure, {})
        if key in self._failed:
            return Found(self._failed[key], {})
        if key in self._fresh:
            return self._fresh.pop(key)
        record = self._store.find(key) if key in self._placed else None
        if record is None:
            return self._known.find(key)
        return Found(
            record, {name: (self._staging / name).read_bytes() for name in files_of(record)}
        )


def _encoded(made: Made) -> Found:
    """Return what was made, encoded once for both the cache and the run."""
    return Found(made.record, made.files, made.lasting, Encoded.of(made.record))


def _is_of(record: ImageRecord | FailureRecord, item: Input, max_pixels: int) -> bool:
    """Say whether a record is of the bytes that were hashed: not if they were changed meanwhile."""
    if isinstance(record, ImageRecord):
        return record.sha256 == item.sha256
    try:
        return digest(item.file, max_pixels) == item.sha256
    except ImageError:
        return False


def _report(
    plan: Plan,
    images: Sequence[ImageRecord],
    failures: tuple[FailureRecord, ...],
    created: datetime,
) -> Report:
    # Each of these reads every record of the run, which is to be had back from the drive for that.
    ranked = rankings(images) if plan.options.metrics else ()
    return Report(
        title=plan.options.title or _default_title(plan),
        run=_run_info(plan, created),
        images=images,
        failures=failures,
        evaluation=evaluate(images, plan.loaded.categories) if plan.labels.by_name else None,
        rankings=ranked,
        verdict=verdict_of(ranked, {info.name: info.title for info in _method_infos(plan)}),
        localisation=summarise(
            ((panel.method, panel.layer), panel.localisation)
            for image in (images if plan.boxes.by_name else ())
            for target in image.targets
            for panel in target.panels
            if panel.localisation is not None
        ),
        boxes="; ".join((plan.boxes.origin, *plan.boxes.notes)),
        front=FrontMatter(
            parse_author(plan.options.author), parse_meta(plan.options.meta), plan.notes.report
        ),
    )


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
