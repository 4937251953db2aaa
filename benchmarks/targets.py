"""What another target costs: ``python benchmarks/targets.py``.

K targets of a picture take one forward pass and K backward passes, each from the logits to the
shallowest layer that is explained and no further. Measured in turn, on one batch: the forward pass
alone, one backward pass alone, and all of reportgen's maps for K targets, whose time is put beside
forward + K × backward.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

import networks
import tables
from command import EMBEDDED, verdict
from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import Capture, logits_of, quiet_mode
from reportgen.methods import METHODS
from reportgen.targets import TopClasses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from networks import Network

MODELS = ("alexnet", EMBEDDED, "resnet50")
TARGETS = (1, 2, 4)
ALLOWED = 1.1
"""Times forward + K × backward that K targets may take: the maps themselves cost something."""


def attribution(network: Network) -> Attribution:
    """Return what reportgen computes by default, for the first choice."""
    methods = ((METHODS["grad-cam"], (network.last,)), (METHODS["layer-cam"], network.stages))
    return Attribution(
        targets=(TopClasses(1),),
        methods=methods,
        layouts=network.layouts,
        categories=network.loaded.categories,
        top_k=5,
    )


def forward_and_back(network: Network, inputs: Tensor) -> tuple[float, float]:
    """Return the seconds of a forward pass that keeps its graph, and of the pass back."""
    with torch.enable_grad(), Capture(network.module, network.layouts) as capture:
        started = time.perf_counter()
        logits = logits_of(network.module(inputs))
        between = time.perf_counter()
        capture.gradients(logits.amax(dim=1).sum(), keep_graph=False)
        return between - started, time.perf_counter() - between


def explained(network: Network, inputs: Tensor, count: int) -> float:
    """Return the seconds of all maps of ``count`` targets."""
    plan = replace(attribution(network), targets=(TopClasses(count),))
    started = time.perf_counter()
    explain_batch(network.module, inputs, plan)
    return time.perf_counter() - started


def measured(name: str, images: int, repeat: int) -> list[list[str]]:
    """Return a network's rows."""
    network, inputs = networks.load(name), networks.inputs(images)
    alone: list[tuple[float, float]] = []
    found: dict[int, list[float]] = {count: [] for count in TARGETS}
    with quiet_mode(network.module):
        for number in range(repeat + 1):  # the first round is for what is done once
            alone.append(forward_and_back(network, inputs))
            for count in TARGETS:
                found[count].append(explained(network, inputs, count))
            if number == 0:
                alone.clear()
                found = {count: [] for count in TARGETS}
    forward, back = (statistics.median(times) for times in zip(*alone, strict=True))
    return [
        _row(name, count, (forward, back), statistics.median(found[count]), images)
        for count in TARGETS
    ]


def _row(
    name: str, count: int, alone: tuple[float, float], seconds: float, images: int
) -> list[str]:
    least = alone[0] + count * alone[1]
    cells = (alone[0], alone[1], least, seconds)
    return [
        name,
        f"{count}",
        *(f"{1_000 * cell / images:.1f}" for cell in cells),
        f"{seconds / least:.2f}",
        verdict(met=seconds <= ALLOWED * least),
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(MODELS), metavar="NAME")
    parser.add_argument("--images", type=int, default=8, metavar="N", help="pictures per pass")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="rounds")
    tables.add_update_option(parser)
    arguments = parser.parse_args(words)
    # As the command does: else the memory of further passes back is cleared page by page.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    head = ("network", "K", "forward", "backward", "forward + K × backward", "K targets", "times")
    with tables.published("targets", arguments.update):
        rows = [
            row
            for name in arguments.models
            for row in measured(name, arguments.images, arguments.repeat)
        ]
        print(tables.table((*head, f"at most {ALLOWED}"), rows), end="\n\n")
        print(
            f"Milliseconds per image, medians of {arguments.repeat} rounds; passes of "
            f"{arguments.images}, the layers that are explained by default."
        )


if __name__ == "__main__":
    main()
