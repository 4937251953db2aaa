"""Computing here: pictures in, their records out, with decoding and encoding beside the network."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from reportgen.capture import quiet_mode
from reportgen.closing import Closing
from reportgen.combining import explain
from reportgen.decode import decode
from reportgen.errors import ImageError, LayerError, UnreachableError
from reportgen.language import _
from reportgen.measuring import measure
from reportgen.pacing import Networks, few_threads
from reportgen.precision import autocast
from reportgen.preprocess import preprocess
from reportgen.progress import Silent
from reportgen.recording import Prepared, prepare, record
from reportgen.resilience import Resilient, limited, out_of_memory
from reportgen.streaming import chunks, in_order
from reportgen.values import Explanation, FailureRecord, Made, TrueClass

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Self

    from torch import Tensor, nn

    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import ImageFile

ExplainAll = Resilient["Prepared", "Explanation | Made"]

PASS_PIXELS = 16 * 512 * 512
"""Pixels that go through the network at once where every picture has its own size."""


class Maker(Closing):
    """Takes passes of pictures from their files to their records, as a context manager.

    Every engine makes its records by it: so the same pass gives the same numbers to the last bit,
    wherever it is made, as long as torch has as many threads.

    Parameters
    ----------
    plan
        The run's; its pace says how many passes may be made at the same time.
    observer
        Is told when fewer pictures go through the network at once.
    """

    def __init__(self, plan: Plan, observer: Observer) -> None:
        self._plan = plan
        self._networks = Networks(plan.loaded.module, plan.pace.networks)
        self._explain_all: ExplainAll = Resilient(
            self._explain_some,
            lambda item, reason: replace(_failed(item.model_input.file, reason), lasting=False),
            observer,
            most=plan.pace.pictures,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(few_threads(self._plan.pace.threads))
        self._stack.enter_context(quiet_mode(self._plan.loaded.module))
        return self

    def close(self) -> None:
        """Let torch and the network be as they were."""
        self._stack.close()

    def __call__(self, files: list[ImageFile]) -> list[Made]:
        """Take the pictures of one pass from their files to their records."""
        prepared = [_prepare(file, self._plan) for file in files]
        explained = _explained(prepared, self._explain_all)
        return [
            item
            if isinstance(item, Made)
            else Made(item[0].model_input.file, *record(*item, self._plan))
            for item in explained
        ]

    def each(self, images: Iterable[ImageFile]) -> Iterator[list[Made]]:
        """Make one pass after the other in the calling thread."""
        # The number of threads holds for the thread that sets it alone.
        torch.set_num_threads(self._plan.pace.threads)
        yield from map(self, passes(images, self._plan))

    def _explain_some(self, group: list[Prepared], most: int) -> list[Explanation | Made]:
        plan = self._plan
        with (
            self._networks.one() as network,
            autocast(network, plan.device, wanted=plan.options.amp),
        ):
            return list(_explain(network, group, limited(plan, most)))


def passes(images: Iterable[ImageFile], plan: Plan) -> Iterator[list[ImageFile]]:
    """Cut pictures into batches as they come, and a batch into passes of the plan's pace.

    The first ``batch_size`` of them, then the next, whether or not some of them will fail. So the
    same pictures from the beginning of a batch on make the same passes.
    """
    for batch in chunks(images, plan.options.batch_size):
        yield from chunks(batch, plan.pace.pictures)


def compute(
    images: Iterable[ImageFile], plan: Plan, observer: Observer | None = None
) -> Generator[Made]:
    """Yield what was made of every picture, in order.

    A thread takes a pass all the way from the files to the records; what waits for its turn is
    bounded by the number of threads.
    """
    pace = plan.pace
    with Maker(plan, observer or Silent()) as make:
        pool = ThreadPoolExecutor(
            pace.workers, "reportgen", initializer=torch.set_num_threads, initargs=(pace.threads,)
        )
        try:
            for made in in_order(pool, make, passes(images, plan), pace.workers + 2):
                yield from made
        finally:
            pool.shutdown(cancel_futures=True)


def _failed(file: ImageFile, reason: str) -> Made:
    return Made(file, FailureRecord(file.name, reason))


def _prepare(image: ImageFile, plan: Plan) -> Prepared | Made:
    """Decode and preprocess one picture; a picture that cannot be done becomes a failure."""
    index = plan.labels.by_name.get(image.name)
    label = None if index is None else TrueClass(index, plan.loaded.categories[index])
    try:
        decoded = decode(image, max_pixels=plan.options.max_pixels, lenient=plan.options.lenient)
        source = preprocess(decoded, plan.recipe)
        return prepare(source, decoded.pixels, label, plan.options)
    except UnreachableError as error:
        return replace(_failed(image, str(error)), lasting=False)
    except ImageError as error:
        return _failed(image, str(error))


def _explained(
    prepared: list[Prepared | Made], explain_all: ExplainAll
) -> Iterator[Made | tuple[Prepared, Explanation]]:
    """Run the network on what was decoded; failures pass through in their place."""
    batch = [item for item in prepared if isinstance(item, Prepared)]
    found: dict[int, Explanation | Made] = {}
    for group in _of_one_size(batch):
        found.update(zip(map(id, group), explain_all(group), strict=True))
    for item in prepared:
        result = item if isinstance(item, Made) else found[id(item)]
        if isinstance(result, Made):
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


def _on_device(group: list[Prepared], device: torch.device) -> Tensor:
    """Return the pictures as ``(N, 3, height, width)`` float32 on the network's device."""
    inputs = torch.from_numpy(np.stack([item.model_input.tensor for item in group]))
    if device.type == "cuda":  # from pinned memory the copy goes on beside what the GPU is doing
        return inputs.pin_memory().to(device, non_blocking=True)
    return inputs.to(device)


def _explain(network: nn.Module, group: list[Prepared], plan: Plan) -> Iterable[Explanation | Made]:
    """Run the network on pictures of one size."""
    inputs = _on_device(group, plan.device)
    labels = [None if item.label is None else item.label.index for item in group]
    files = [item.model_input.file for item in group]
    try:
        found = explain(network, inputs, plan.attribution, labels)
        if plan.options.metrics:
            found = measure(network, inputs, found, plan.attribution)
    except (RuntimeError, ValueError, AssertionError, LayerError) as error:
        # A size that the network has taken before, or what may be due to one picture of several.
        if plan.recipe.crop is not None or len(group) > 1 or out_of_memory(error):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        size = f"{inputs.shape[3]}×{inputs.shape[2]}"
        reason = _(
            "the network does not take a picture of {size} ({error}); try --input-size"
        ).format(size=size, error=lines[0])
        return [_failed(file, reason) for file in files]
    broken = _("the network's logits for it are not finite numbers")
    return [
        item if math.isfinite(item.predictions[0].probability) else _failed(file, broken)
        for file, item in zip(files, found, strict=True)
    ]
