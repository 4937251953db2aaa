"""Computing here: pictures in, their records out, with decoding and encoding beside the network."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch

from reportgen.capture import quiet_mode
from reportgen.combining import explain
from reportgen.decode import decode
from reportgen.errors import ImageError, LayerError
from reportgen.language import _
from reportgen.measuring import measure
from reportgen.preprocess import preprocess
from reportgen.progress import Silent
from reportgen.recording import Prepared, prepare, record
from reportgen.resilience import Resilient, limited, out_of_memory
from reportgen.streaming import chunks, in_order
from reportgen.values import Explanation, FailureRecord, Made, TrueClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reportgen.plan import Plan
    from reportgen.progress import Observer
    from reportgen.values import ImageFile

WORKERS = 4
"""Threads that decode and encode beside the network; both release the interpreter lock."""

PASS_PIXELS = 16 * 512 * 512
"""Pixels that go through the network at once where every picture has its own size."""


def compute(
    images: Iterable[ImageFile], plan: Plan, observer: Observer | None = None
) -> Iterator[Made]:
    """Yield what was made of every picture, in order.

    Pictures go through the network in batches as they come: the first ``batch_size`` of them
    together, then the next, whether or not some of them fail. So the same pictures from the
    beginning of a batch on give the same numbers to the last bit.
    """
    batch_size = plan.options.batch_size

    def finish(item: Made | tuple[Prepared, Explanation]) -> Made:
        if isinstance(item, Made):
            return item
        return Made(item[0].model_input.file, *record(*item, plan))

    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="reportgen")
    try:
        with quiet_mode(plan.loaded.module):
            prepared = in_order(pool, lambda image: _prepare(image, plan), images, 2 * batch_size)
            explained = _explained(prepared, plan, batch_size, observer or Silent())
            yield from in_order(pool, finish, explained, 2 * batch_size)
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
    except ImageError as error:
        return _failed(image, str(error))


def _explained(
    prepared: Iterable[Prepared | Made], plan: Plan, batch_size: int, observer: Observer
) -> Iterator[Made | tuple[Prepared, Explanation]]:
    """Run the network batch by batch; failures pass through in their place."""
    explain_all: Resilient[Prepared, Explanation | Made] = Resilient(
        lambda group, most: _explain(group, limited(plan, most)),
        lambda item, reason: _failed(item.model_input.file, reason),
        observer,
        most=batch_size,
    )
    for chunk in chunks(prepared, batch_size):
        batch = [item for item in chunk if isinstance(item, Prepared)]
        found: dict[int, Explanation | Made] = {}
        for group in _of_one_size(batch):
            found.update(zip(map(id, group), explain_all(group), strict=True))
        for item in chunk:
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


def _explain(group: list[Prepared], plan: Plan) -> Iterable[Explanation | Made]:
    """Run the network on pictures of one size."""
    stacked = np.stack([item.model_input.tensor for item in group])
    inputs = torch.from_numpy(stacked).to(plan.device)
    labels = [None if item.label is None else item.label.index for item in group]
    files = [item.model_input.file for item in group]
    try:
        found = explain(plan.loaded.module, inputs, plan.attribution, labels)
        if plan.options.metrics:
            found = measure(plan.loaded.module, inputs, found, plan.attribution)
    except (RuntimeError, ValueError, AssertionError, LayerError) as error:
        # A size that the network has taken before, or what may be due to one picture of several.
        if plan.recipe.crop is not None or len(group) > 1 or out_of_memory(error):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        size = f"{stacked.shape[3]}×{stacked.shape[2]}"
        reason = _(
            "the network does not take a picture of {size} ({error}); try --input-size"
        ).format(size=size, error=lines[0])
        return [_failed(file, reason) for file in files]
    broken = _("the network's logits for it are not finite numbers")
    return [
        item if math.isfinite(item.predictions[0].probability) else _failed(file, broken)
        for file, item in zip(files, found, strict=True)
    ]
