"""How fast a network is driven: pictures per pass, copies side by side, threads for each of them.

None of it changes a number by more than rounding, and none of it depends on a clock.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from queue import LifoQueue
from typing import TYPE_CHECKING

import cv2
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from reportgen.layers import Survey

PASS_BYTES = 32 * 2**20
"""Most bytes of a layer's output in one pass on the CPU. Larger blocks are given back to the system
when they are freed (glibc's ``DEFAULT_MMAP_THRESHOLD_MAX``), and clearing their pages anew for
every layer of every pass costs a third of the time."""

FEWEST = 4
"""Pictures of a pass below which reading the weights counts for more than what is saved so."""

MOST_COPIES = 4
"""Copies of the network beside each other; each holds the activations of its own pass."""

MOST_WORKERS = 8
"""Threads that decode and encode beside a network on an accelerator."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many of everything there are."""

    pictures: int
    """That go through the network together."""
    networks: int
    """Copies of the network, with the same weights, that run at the same time."""
    threads: int
    """Of torch's, for each of them."""
    workers: int
    """Threads that take pictures from file to record, one pass of pictures each."""

    def describe(self) -> str:
        """Return the pace as one line of text."""
        beside = f"{self.networks} beside each other with " if self.networks > 1 else ""
        return f"passes of {self.pictures}, {beside}{self.threads} torch threads each"


def pace(device: torch.device, known: Survey, *, batch_size: int, images: int, cores: int) -> Pace:
    """Choose how a run is driven.

    On the CPU every core has a pass of its own, all the way from the files to the records, as far
    as there are enough pictures: two passes on one core each have nothing to wait for, where one
    pass on two cores waits for the slower one after every layer. An accelerator has one pass at a
    time, and pictures are decoded and encoded around it.

    Parameters
    ----------
    device
        Where the network is.
    known
        What its layers give for one picture.
    batch_size
        Most pictures that may go through the network together.
    images
        Pictures of the whole run.
    cores
        Threads that torch would use by itself.
    """
    if device.type != "cpu":
        return Pace(batch_size, networks=1, threads=cores, workers=min(cores, MOST_WORKERS))
    pictures = min(batch_size, max(FEWEST, fitting(known)))
    networks = max(1, min(cores, MOST_COPIES, math.ceil(images / pictures)))
    if not _can_be_copied(known):
        return Pace(pictures, networks=1, threads=cores, workers=min(2, cores))
    return Pace(pictures, networks, threads=max(1, cores // networks), workers=networks)


def fitting(known: Survey) -> int:
    """Return how many pictures keep each layer's output within `PASS_BYTES`, as a power of two."""
    largest = max((math.prod(layer.output_shape) for layer in known.layers), default=1)
    most = max(1, PASS_BYTES // (4 * largest))
    return 1 << (int(most).bit_length() - 1)


def _can_be_copied(known: Survey) -> bool:
    """Say whether a copy would share the weights: TorchScript copies them outside of Python."""
    return not any(isinstance(item, torch.jit.ScriptModule) for item in known.modules.values())


class Networks:
    """A network and copies of it that share its weights, lent to one thread at a time.

    Parameters
    ----------
    module
        The network; hooks that a thread sets on its copy are seen by no other thread.
    count
        How many there are at most: one where the network refuses to be copied.
    """

    def __init__(self, module: nn.Module, count: int) -> None:
        self._free: LifoQueue[nn.Module] = LifoQueue()
        self._free.put(module)
        for _ in range(count - 1):
            try:
                self._free.put(sharing_copy(module))
            except Exception:  # noqa: BLE001 - networks of any origin; one alone does as well
                break

    @contextmanager
    def one(self) -> Iterator[nn.Module]:
        """Lend a network, waiting until there is one."""
        module = self._free.get()
        try:
            yield module
        finally:
            self._free.put(module)


def sharing_copy(module: nn.Module) -> nn.Module:
    """Return a copy of a network with the same weights, not with copies of them."""
    tensors = [*module.parameters(), *module.buffers()]
    return deepcopy(module, {id(tensor): tensor for tensor in tensors})


@contextmanager
def few_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads for a pass and OpenCV one, and restore both afterwards."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
