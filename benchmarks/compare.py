"""How long an image takes, beside the least it can: ``python benchmarks/compare.py``.

One Grad-CAM and one Layer-CAM per stage of each network, for the first choice of every picture:

- the bare loop, one forward and one backward pass in torch, in both memory formats;
- reportgen's engine, `reportgen.explain` on pixels, with its survey of the network;
- reportgen's whole command on 500×375 JPEG files: the seconds of `build` in a process of its own,
  as the slope between a small and a large number of images, so that imports and loading drop out;
- grad-cam and torchcam, as their documentation does it best, and as they are mostly written.

All are run in turn, and that several times over. Prints medians, the smallest and largest, and how
many times the faster bare loop that is.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

import bare
import command
import libraries
import machine
import networks
import pictures
import plot
import tables
from reportgen import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from networks import Network

MODELS = ("alexnet", "efficientnet_lite0", "resnet50", "timm:vit_small_patch16_224")
FORMATS = {"bare loop": torch.contiguous_format, "bare loop, channels_last": torch.channels_last}
ENGINE, COMMAND = "reportgen, engine", "reportgen, whole command"
LIBRARIES: dict[str, Callable[[Network, Tensor, int], None]] = {
    "torchcam, batched": libraries.torchcam_batched,
    "torchcam, one by one": libraries.torchcam_one_by_one,
    "grad-cam, batched": libraries.grad_cam_batched,
    "grad-cam, one by one": libraries.grad_cam_one_by_one,
}
PHOTO = (500, 375)
GOAL = 1.20
"""Times the bare loop that the whole command may take."""

Times = dict[str, dict[str, list[float]]]
"""Network → who is measured → seconds per image, round by round."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured."""

    models: tuple[str, ...]
    images: int
    """Images of all but the whole command."""
    command_images: tuple[int, int]
    """Small and large number of images of the whole command; none are run if they are equal."""
    repeat: int
    batch_size: int
    libraries: bool


def contestants(
    name: str, settings: Settings, photos: Sequence[Path], work: Path
) -> tuple[Network, dict[str, Callable[[], float]]]:
    """Return a network, and everybody who explains it as a function that returns seconds per image.

    Everybody has explained one batch already, so that what is done once is left out.
    """
    network = networks.load(name)
    inputs, pixels = networks.inputs(settings.images), _pixels(settings.images)
    size = settings.batch_size

    def loop(form: torch.memory_format) -> Callable[[int], None]:
        module = bare.prepared(network, form)
        laid_out = inputs.contiguous(memory_format=form)
        return lambda number: bare.explain(network, module, laid_out[:number], size)

    def library(run: Callable[[Network, Tensor, int], None]) -> Callable[[int], None]:
        return lambda number: run(network, inputs[:number], size)

    runs: dict[str, Callable[[int], None]] = {
        **{label: loop(form) for label, form in FORMATS.items()},
        ENGINE: lambda number: _engine(network, pixels[:number], size),
    }
    if settings.libraries:
        absent = libraries.missing()
        present = [label for label in LIBRARIES if label.partition(",")[0] not in absent]
        runs |= {label: library(LIBRARIES[label]) for label in present}
    for run in runs.values():
        run(min(size, settings.images))
    found = {label: _timed(run, settings.images) for label, run in runs.items()}
    if settings.command_images[0] < settings.command_images[1]:
        found[COMMAND] = _slope(name, settings, photos, work)
    return network, found


def _pixels(number: int) -> list[NDArray[np.uint8]]:
    """Return pictures of the size that the network sees."""
    shape = (networks.SIDE, networks.SIDE, 3)
    chance = np.random.default_rng(0)
    return [chance.integers(0, 256, shape, dtype=np.uint8) for _ in range(number)]


def _engine(network: Network, pixels: Sequence[NDArray[np.uint8]], batch_size: int) -> None:
    """Explain pixels with reportgen, and resize the maps to the pictures as everybody does."""
    loaded = network.loaded
    found = explain(
        loaded.module,
        pixels,
        categories=loaded.categories,
        recipe=loaded.preprocessing,
        batch_size=batch_size,
        architecture=loaded.architecture,
    )
    for explained in found:
        for target in explained.targets:
            for raw in target.maps:
                cv2.resize(raw.values, (networks.SIDE, networks.SIDE))


def _timed(run: Callable[[int], None], images: int) -> Callable[[], float]:
    def measure() -> float:
        gc.collect()
        started = time.perf_counter()
        run(images)
        return (time.perf_counter() - started) / images

    return measure


def _slope(
    name: str, settings: Settings, photos: Sequence[Path], work: Path
) -> Callable[[], float]:
    """Return what measures the whole command, each time with no report and no cache there."""
    few, many = settings.command_images
    folders = [work / str(number) for number in (few, many)]
    for folder, number in zip(folders, (few, many), strict=True):
        if not folder.exists():
            pictures.some_of(photos[:number], folder)

    def measure() -> float:
        seconds = []
        for folder in folders:
            place = command.new_place(work)
            words = command.build(folder, place / "report", name)
            seconds.append(command.run(words, cache=place / "cache").seconds)
        return (seconds[1] - seconds[0]) / (many - few)

    return measure


def measured(settings: Settings) -> tuple[Times, dict[str, dict[str, str | list[str]]]]:
    """Run everybody in turn, and return their times and the layers of each network."""
    times: Times = {}
    layers: dict[str, dict[str, str | list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = pictures.make(work / "photos", max(settings.command_images), PHOTO)
        for name in settings.models:
            network, runs = contestants(name, settings, photos, work)
            layers[name] = {"grad-cam": network.last, "layer-cam": list(network.stages)}
            times[name] = {label: [] for label in runs}
            for number in range(settings.repeat):
                order = list(runs)
                # Each round begins with another, so that nobody always follows the same one.
                start = number % len(order)
                for label in order[start:] + order[:start]:
                    times[name][label].append(runs[label]())
                    milliseconds = 1_000 * times[name][label][-1]
                    done = f"{name}, round {number + 1}: {label} {milliseconds:.1f} ms per image"
                    print(done, file=sys.stderr)
    return times, layers


def best_of(found: Mapping[str, Sequence[float]]) -> str:
    """Return which bare loop is the faster one."""
    return min(FORMATS, key=lambda label: statistics.median(found[label]))


def ratios(times: Times) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Return network by network how many times the faster bare loop everybody takes.

    Returns
    -------
    Median of one over median of the other; smallest and largest of the rounds, each against the
    bare loop of the same round.
    """
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name, of_model in times.items():
        base = of_model[best_of(of_model)]
        found[name] = {}
        for label, seconds in of_model.items():
            rounds = [one / other for one, other in zip(seconds, base, strict=True)]
            middle = statistics.median(seconds) / statistics.median(base)
            found[name][label] = (middle, min(rounds), max(rounds))
    return found


def print_tables(times: Times, settings: Settings) -> None:
    """Print the ratios, the times, and what was done."""
    labels = list(dict.fromkeys(label for found in times.values() for label in found))
    labels.sort(key=_place)
    shares = ratios(times)
    heads = [name.rpartition(":")[2] for name in times]

    def row(label: str, cell: Callable[[str], str]) -> list[str]:
        return [label, *(cell(name) if label in times[name] else "" for name in times)]

    def share(label: str) -> Callable[[str], str]:
        return lambda name: "{:.2f} ({:.2f}–{:.2f})".format(*shares[name][label])

    def milliseconds(label: str) -> Callable[[str], str]:
        return lambda name: command.with_spread([1_000 * s for s in times[name][label]], 1)

    goal = ["*goal for the whole command*", *[f"{GOAL:.2f}"] * len(times)]
    rows = [row(label, share(label)) for label in labels]
    print(tables.table(["times the faster bare loop", *heads], [*rows, goal]), end="\n\n")
    rows = [row(label, milliseconds(label)) for label in labels]
    print(tables.table(["milliseconds per image", *heads], rows), end="\n\n")
    few, many = settings.command_images
    print(
        f"Median (smallest–largest) of {settings.repeat} rounds; {settings.images} images of "
        f"{networks.SIDE}×{networks.SIDE}, batches of {settings.batch_size}; the whole command on "
        f"{PHOTO[0]}×{PHOTO[1]} JPEG files, slope between {few} and {many}. "
        f"Random weights, but for {command.EMBEDDED}."
    )
    if settings.repeat == 1:
        print("One round only, to see that the script works: its figures mean little.")
    if settings.libraries and (absent := libraries.missing()):
        print(f"Left out, as not installed: {', '.join(absent)}.")


def _place(label: str) -> int:
    order = [*FORMATS, ENGINE, COMMAND, *LIBRARIES]
    return order.index(label)


def as_json(times: Times, layers: Mapping[str, object], settings: Settings) -> dict[str, object]:
    """Return all that was measured, as `plot` reads it."""
    return {
        "machine": machine.describe(),
        "images": settings.images,
        "command_images": list(settings.command_images),
        "repeat": settings.repeat,
        "batch_size": settings.batch_size,
        "goal": GOAL,
        "layers": layers,
        "seconds_per_image": times,
        "ratios": {
            name: {label: list(share) for label, share in found.items()}
            for name, found in ratios(times).items()
        },
    }


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=list(MODELS), metavar="NAME")
    parser.add_argument("--images", type=int, default=48, metavar="N")
    parser.add_argument(
        "--command-images",
        type=int,
        nargs=2,
        default=(64, 512),
        metavar="N",
        help="small and large number of images of the whole command",
    )
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="rounds")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N")
    parser.add_argument("--quick", action="store_true", help="a few images, once, to try it out")
    parser.add_argument("--no-command", action="store_true", help="leave the whole command out")
    parser.add_argument("--no-libraries", action="store_true", help="leave the libraries out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios there, as SVG")
    tables.add_update_option(parser)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    arguments = parsed(words)
    settings = Settings(
        models=tuple(arguments.models),
        images=arguments.images,
        command_images=(0, 0) if arguments.no_command else tuple(arguments.command_images),
        repeat=arguments.repeat,
        batch_size=arguments.batch_size,
        libraries=not arguments.no_libraries,
    )
    if arguments.quick:
        few = (0, 0) if arguments.no_command else (2, 4)
        settings = replace(settings, images=4, command_images=few, repeat=1)
    for name in libraries.missing() if settings.libraries else ():
        print(
            f"{name} is not installed and is left out; `pip install {name}` adds it, or "
            "`pip install 'reportgen[test]'` both libraries.",
            file=sys.stderr,
        )
    with tables.published("compare", arguments.update):
        times, layers = measured(settings)
        print_tables(times, settings)
    found = as_json(times, layers, settings)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8", newline="\n")
    if arguments.plot is not None:
        plot.draw(found, arguments.plot)


if __name__ == "__main__":
    main()
