"""The engine of a cluster beside the one of this machine: ``python benchmarks/ray_engine.py``.

Both make the report of the same pictures with two workers of one torch thread each, in turn, in a
process of their own with an empty cache. What counts is the slope between the two numbers of
pictures: start-up and model loading are left out of it, and stand in a column of their own. Memory
is that of the command's own process alone, the driver: what it has for itself, without the pages
that it shares with Ray's object store.

``--json FILE`` keeps what was measured, for ``cluster_cost.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command
import pictures
import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = (256, 1_024)
BLOCK, BLOCKS = 16, (50, 450)
"""Pictures of a block, and numbers of blocks that workers who do nothing get."""
GOAL = 0.85
"""Of the local engine's throughput that the cluster's has to reach."""
SIZE = (500, 375)
WORKERS = 2
EVERY = 0.25
"""Seconds between two looks at the driver's memory."""
MB = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One engine."""

    engine: str
    numbers: tuple[int, int]
    seconds: tuple[tuple[float, ...], tuple[float, ...]]
    """Of the whole command, at each number of pictures."""
    memory: tuple[int, int]
    """Bytes that the driver had for itself at most."""
    driver: tuple[float, float]
    """Processor seconds of the driver alone, at each number of pictures."""
    report: tuple[int, int]
    """Bytes of the whole report at each number."""
    index: tuple[int, int]
    """Bytes of its index, the rows of the table with it."""
    store: tuple[int, int]
    """Bytes of its ``run.sqlite``."""

    @property
    def per_image(self) -> float:
        """Seconds that one picture more takes."""
        few, many = (statistics.median(values) for values in self.seconds)
        return (many - few) / (self.numbers[1] - self.numbers[0])

    @property
    def start_up(self) -> float:
        """Seconds that a run without pictures would take."""
        return statistics.median(self.seconds[0]) - self.numbers[0] * self.per_image


@dataclass(frozen=True, slots=True)
class Ran:
    """One command."""

    seconds: float
    memory: int
    driver: float
    report: int
    index: int
    store: int


def run(words: list[str], report: Path, cache: Path) -> Ran:
    """Run a command that makes a report, and look at it meanwhile."""
    environment = {**os.environ, "REPORTGEN_CACHE": str(cache), "OMP_NUM_THREADS": ""}
    del environment["OMP_NUM_THREADS"]
    started = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=command.REPOSITORY, env=environment, stdout=subprocess.DEVNULL
    )
    peak, spent = 0, 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak, spent
        while not ended.wait(EVERY):
            peak = max(peak, own_memory(process.pid))
            spent = max(spent, own_seconds(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    if code:
        raise SystemExit(f"`{' '.join(words)}` was expected to succeed, and left with {code}.")
    sizes = {path: path.stat().st_size for path in report.rglob("*") if path.is_file()}
    return Ran(
        seconds,
        peak,
        spent,
        sum(sizes.values()),
        sizes[report / "index.html"] + sizes[report / "assets" / "data.js"],
        sizes[report / "run.sqlite"],
    )


def own_seconds(pid: int) -> float:
    """Return the processor seconds of a process without its children; 0 if it ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def own_memory(pid: int) -> int:
    """Return the bytes that a process shares with no file and no other process; 0 if it ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def measured(model: str, numbers: tuple[int, int], repeat: int, work: Path) -> list[Row]:
    """Run both engines in turn."""
    photos = pictures.make(work / "all", numbers[1], SIZE)
    folders = [pictures.some_of(photos[:number], work / f"{number}") for number in numbers]
    engines = {
        "local": (),
        f"Ray, {WORKERS} workers": ("--engine", "ray", "--workers", str(WORKERS)),
    }
    found: dict[str, tuple[list[Ran], list[Ran]]] = {name: ([], []) for name in engines}
    for turn in range(repeat):
        for name, words in engines.items():
            for place, folder in enumerate(folders):
                out = command.new_place(work)
                line = [*command.build(folder, out / "report", model), *words]
                found[name][place].append(run(line, out / "report", out / "cache"))
                print(f"round {turn + 1}, {name}: {found[name][place][-1]}", file=sys.stderr)
    return [_row(name, numbers, *runs) for name, runs in found.items()]


def _row(engine: str, numbers: tuple[int, int], few: list[Ran], many: list[Ran]) -> Row:
    return Row(
        engine,
        numbers,
        (tuple(one.seconds for one in few), tuple(one.seconds for one in many)),
        (max(one.memory for one in few), max(one.memory for one in many)),
        (
            statistics.median(one.driver for one in few),
            statistics.median(one.driver for one in many),
        ),
        (few[0].report, many[0].report),
        (few[0].index, many[0].index),
        (few[0].store, many[0].store),
    )


class Echo:
    """A worker that does nothing, and sends back as much as a real one."""

    def __init__(self, size: int) -> None:
        self._data = bytes(size)

    def __call__(self, table: Any) -> Iterator[Any]:  # noqa: ANN401 - of pyarrow's
        """Yield a table of as many rows as ``table`` has."""
        import pyarrow as pa  # noqa: PLC0415 - in the worker

        yield pa.table({"made": [self._data] * len(table)})


def overhead(record: int) -> dict[str, float]:
    """Measure what Ray takes by itself.

    Parameters
    ----------
    record
        Bytes that come back for each picture.

    Returns
    -------
    Seconds of starting Ray, of the first worker's first block, and of each further block.
    """
    # Not at the top: with Ray in this process, the commands above would be started by copying it.
    from reportgen.engines import cluster  # noqa: PLC0415
    from reportgen.engines.on_ray import stream  # noqa: PLC0415
    from reportgen.progress import Silent  # noqa: PLC0415
    from reportgen.values import ImageFile  # noqa: PLC0415

    began = time.perf_counter()
    cluster.start(Silent())
    started = time.perf_counter()
    places = cluster.Places(workers=WORKERS, cpus=1, gpus=0)
    block = [ImageFile(Path(f"{number}.jpg"), f"{number}.jpg") for number in range(BLOCK)]
    taken: list[float] = []
    for blocks in BLOCKS:
        before = time.perf_counter()
        results = stream([block] * blocks, places, Echo, (record,))
        first = None
        for table in results:
            del table
            first = first or time.perf_counter() - before
        taken.append(time.perf_counter() - before)
        print(f"{blocks} empty blocks: {taken[-1]:.2f} s", file=sys.stderr)
    cluster.stop()
    each = (taken[1] - taken[0]) / (BLOCKS[1] - BLOCKS[0])
    return {"start": started - began, "first": first or 0.0, "block": each}


def print_overhead(found: dict[str, float]) -> None:
    """Print what Ray takes by itself."""
    rows = [
        ["starting Ray on this machine", f"{found['start']:.1f} s"],
        ["from the first block to its result, workers started", f"{found['first']:.1f} s"],
        [
            f"each block of {BLOCK} pictures, both workers together",
            f"{1e3 * found['block']:.1f} ms",
        ],
    ]
    print(f"\n{tables.table(['what Ray takes by itself', 'time'], rows)}\n")
    print("With workers that do nothing, and results as large as real ones.")


def print_results(rows: list[Row], model: str) -> None:
    """Print the table, and whether the goal is met."""
    numbers = rows[0].numbers
    head = ("engine", *(f"{number:,} images s" for number in numbers), "ms per image", "images/s")
    lines = [
        [
            row.engine,
            *(command.with_spread(values, 1) for values in row.seconds),
            f"{1_000 * row.per_image:.1f}",
            f"{1 / row.per_image:.1f}",
            f"{row.start_up:.1f}",
            *(f"{memory / MB:.0f}" for memory in row.memory),
        ]
        for row in rows
    ]
    memory = (f"driver MB at {number:,}" for number in numbers)
    print(tables.table([*head, "start-up s", *memory], lines), end="\n\n")
    here, there = rows
    ratio = here.per_image / there.per_image
    print(
        f"{model}, pictures of {SIZE[0]}×{SIZE[1]}; {WORKERS} workers of one thread each, on the "
        f"cores that the local engine has.\n"
    )
    print(
        f"- Throughput of Ray over the local engine's: {ratio:.2f}; goal {GOAL}: "
        f"{command.verdict(met=ratio >= GOAL)}."
    )
    grown = (there.memory[1] - there.memory[0]) / MB
    print(f"- The driver has {grown:+.0f} MB more at {numbers[1]:,} images than at {numbers[0]:,}.")


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default=command.EMBEDDED)
    parser.add_argument("--numbers", type=int, nargs=2, default=NUMBERS, metavar="N")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep what was measured")
    tables.add_update_option(parser)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="reportgen-ray-") as folder,
        tables.published("ray", options.update),
    ):
        few, many = options.numbers
        rows = measured(options.model, (few, many), options.repeat, Path(folder))
        print_results(rows, options.model)
        alone = overhead(round(rows[1].report[1] / many))
        print_overhead(alone)
    if options.json is not None:
        kept = [
            asdict(row) | {"per_image": row.per_image, "start_up": row.start_up} for row in rows
        ]
        options.json.write_text(
            json.dumps(
                {"model": options.model, "numbers": (few, many), "rows": kept, "overhead": alone},
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
