"""``--batch-size auto``: how many pictures per pass are fastest, by a short measurement.

What was measured is noted with the cache, so that the same run on the same machine makes the same
choice again: where it goes on after it was killed, its numbers are the same to the last bit.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from reportgen.capture import quiet_mode
from reportgen.combining import explain
from reportgen.options import DEFAULT_BATCH_SIZE
from reportgen.pacing import few_threads
from reportgen.precision import autocast
from reportgen.resilience import out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reportgen.attribution import Attribution
    from reportgen.models import LoadedModel
    from reportgen.pacing import Pace

CANDIDATES = (4, 8, 16, 64, 128)
"""Sizes that are tried besides the default, which is tried first."""

CLEARLY = 0.08
"""Share of the time per picture that another size has to save to be taken."""

_ROUNDS = 3
"""Passes that are timed, after one that is not; the fastest counts."""


class Remembered(Protocol):
    """What is remembered of this machine from run to run."""

    def fact(self, name: str) -> str | None:
        """Return what was noted under ``name``, or None."""
        ...

    def note(self, name: str, value: str) -> None:
        """Note something for next time."""
        ...


def fastest(
    seconds: Callable[[int], float | None],
    effective: Callable[[int], int],
    images: int,
) -> int:
    """Return the fastest number of pictures per pass: the default, unless another clearly is.

    Parameters
    ----------
    seconds
        Pictures per pass → seconds per picture; None where memory does not suffice.
    effective
        Batch size → pictures that really go through together; sizes that come to the same are
        measured once.
    images
        Pictures of the run; larger passes are not tried.
    """
    usual = seconds(effective(DEFAULT_BATCH_SIZE))
    if usual is None:
        usual = float("inf")
    chosen, least = DEFAULT_BATCH_SIZE, usual * (1 - CLEARLY)
    tried = {effective(DEFAULT_BATCH_SIZE)}
    for size in CANDIDATES:
        if size > images or effective(size) in tried:
            continue
        tried.add(effective(size))
        found = seconds(effective(size))
        if found is not None and found < least:
            chosen, least = size, found
        if found is None and size > DEFAULT_BATCH_SIZE:
            break  # still larger ones do not fit either
    return chosen


def choose_batch_size(  # noqa: PLR0913 - all that a pass is made of
    loaded: LoadedModel,
    attribution: Attribution,
    *,
    device: torch.device,
    picture: tuple[int, int],
    amp: bool,
    images: int,
    paced: Callable[[int], Pace],
    notes: Remembered | None,
) -> int:
    """Return how many pictures are to go through the network together.

    Parameters
    ----------
    loaded
        The network, on its device.
    attribution
        What is computed of every picture.
    device
        Where the network is.
    picture
        ``(width, height)`` of the network's input.
    amp
        Whether passes run under autocast.
    images
        Pictures of the run: for no more than a pass of them, nothing is measured.
    paced
        Batch size → how the run would be driven.
    notes
        What was chosen before, and where the choice is noted; None: it is measured every time.
    """
    if images <= DEFAULT_BATCH_SIZE:
        return DEFAULT_BATCH_SIZE
    module, usual = loaded.module, paced(DEFAULT_BATCH_SIZE)
    weights = loaded.info.weights_sha256
    parts: list[object] = [
        weights,
        str(device),
        picture,
        amp,
        min(images, max(CANDIDATES)),
        usual.describe(),
    ]
    parts += [torch.__version__, *_work(attribution)]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    name = f"batch size for {digest}"
    noted = notes.fact(name) if notes is not None else None
    if noted is not None and noted.isdecimal() and int(noted) > 0:
        return int(noted)

    def seconds(pictures: int) -> float | None:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn((pictures, 3, picture[1], picture[0]), generator=generator)
        plan = replace(attribution, batch_size=pictures)
        try:
            whole = _timed(lambda: explain(module, inputs.to(device), plan, [0] * pictures))
            return whole / pictures
        except (RuntimeError, MemoryError) as error:
            if out_of_memory(error):
                return None
            raise

    with few_threads(usual.threads), quiet_mode(module), autocast(module, device, wanted=amp):
        chosen = fastest(seconds, lambda size: paced(size).pictures, images)
    if notes is not None:
        notes.note(name, str(chosen))
    return chosen


def _work(attribution: Attribution) -> Sequence[object]:
    methods = [(method.name, layers) for method, layers in attribution.methods]
    return [methods, repr(attribution.targets), attribution.features, attribution.smooth]


def _timed(run: Callable[[], object]) -> float:
    """Return the seconds of the fastest of a few runs."""
    run()
    found = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        run()
        found.append(time.perf_counter() - started)
    return min(found)
