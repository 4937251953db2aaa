"""What a million pictures take, from what was measured: ``python benchmarks/cluster_cost.py FILE``.

``FILE`` is what ``ray_engine.py --json FILE`` has kept. Everything is that, multiplied; prices are
options, and stand under the table. Nothing here was measured at these numbers.
"""

from __future__ import annotations

import argparse
import json
import math
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tables
from reportgen.identity import Input
from reportgen.values import ImageFile

COUNTS = (1_000_000, 100_000_000)
CORES = (16, 256, 4_096)
PAGE = 50
"""Pictures of a page, the default of ``--page-size``."""
BLOCKS, BATCH = 4_096, 16
"""As in `reportgen.engines.on_ray`: most blocks of a run, and pictures of a batch."""
FILES = 13
"""Of a picture in a folder of pages by default: the photo, a map and an overlay of six layers."""
LISTED = 10_000
"""Pictures whose names and hashes are held to see what they take."""
GB = 1e9


@dataclass(frozen=True, slots=True)
class Each:
    """What one picture more takes."""

    core: float
    """Seconds of one core of a worker."""
    driver: float
    """Seconds of one core that the driver's own process takes, with its share of the pages."""
    report: float
    """Bytes of the report."""
    index: float
    """Bytes of its index."""
    store: float
    """Bytes of ``run.sqlite``."""
    memory: float
    """Bytes of the driver's memory: as measured, or what the lists of pictures and files take where
    that is more, as between few pictures it is not seen."""


@dataclass(frozen=True, slots=True)
class Prices:
    """In US dollars."""

    core_hour: float
    gigabyte_month: float
    thousand_gets: float


def each(measured: dict[str, Any], workers: int) -> Each:
    """Return what one picture more took on Ray."""
    few, many = measured["numbers"]
    row = measured["rows"][1]

    def slope(name: str) -> float:
        return float((row[name][1] - row[name][0]) / (many - few))

    return Each(
        core=row["per_image"] * workers,
        driver=slope("driver"),
        report=slope("report"),
        index=slope("index"),
        store=slope("store"),
        memory=max(listed(), slope("memory")),
    )


def listed() -> float:
    """Return the bytes that name, hash and key of a picture take, and the manifest of its files."""
    pictures: list[tuple[Input, str]] = []
    manifest: dict[str, str] = {}
    tracemalloc.start()
    try:
        for number in range(LISTED):
            name = f"{number:012}.jpg"
            picture = Input(ImageFile(Path("photos", name), name), f"{number:064x}")
            pictures.append((picture, f"{number:064x}"))
            for place in range(FILES):
                manifest[f"assets/{place:x}/{number:023x}.jpg"] = f"{number:062x}{place:02x}"
        return tracemalloc.get_traced_memory()[0] / len(pictures)
    finally:
        tracemalloc.stop()


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def amount(size: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size / 1e3:,.1f} kB"


def estimate(one: Each, count: int, prices: Prices, block: float) -> list[str]:
    """Return the cells of one column."""
    hours = one.core * count / 3_600
    blocks = min(BLOCKS, math.ceil(count / BATCH))
    size = one.report * count / GB
    return [
        f"{hours:,.0f} h",
        f"${hours * prices.core_hour:,.0f}",
        *(duration(max(one.core * count / cores, one.driver * count)) for cores in CORES),
        duration(one.driver * count),
        f"{blocks * block:.1f} s",
        f"${2 * count / 1_000 * prices.thousand_gets:,.2f}",
        amount(one.report * count),
        f"${size * prices.gigabyte_month:,.2f}",
        amount(one.store * count),
        f"{math.ceil(count / PAGE):,}",
        amount(one.index * count),
        amount(one.memory * count),
    ]


def print_results(measured: dict[str, Any], prices: Prices, workers: int) -> None:
    """Print the table, and what it is calculated from."""
    one = each(measured, workers)
    names = [
        "core-hours of the workers",
        "price of them",
        *(f"time with {cores:,} cores" for cores in CORES),
        "of it at least, for the driver",
        "Ray's own work on blocks",
        "price of reading from S3, twice each",
        "report on disk",
        "price of keeping it a month",
        "of it `run.sqlite`",
        f"pages of {PAGE}",
        "index page",
        "driver's memory beyond start",
    ]
    block = float(measured["overhead"]["block"])
    columns = [estimate(one, count, prices, block) for count in COUNTS]
    rows = [list(cells) for cells in zip(names, *columns, strict=True)]
    head = ("calculated for", *(f"{count:,} images" for count in COUNTS))
    print(tables.table(head, rows), end="\n\n")
    print(
        f"From {measured['model']} between {measured['numbers'][0]:,} and "
        f"{measured['numbers'][1]:,} pictures: for each picture {1e3 * one.core:.1f} ms of a "
        f"worker's core, {1e3 * one.driver:.1f} ms of the driver's, {amount(one.report)} of report "
        f"({amount(one.index)} of it in the index, {amount(one.store)} in `run.sqlite`), "
        f"{amount(one.memory)} of the driver's memory. The driver keeps up with "
        f"{one.core / one.driver:,.0f} cores. Prices: ${prices.core_hour} for an hour of a core, "
        f"${prices.gigabyte_month} for a gigabyte and month, ${prices.thousand_gets} for 1,000 "
        f"reads, transfer within a region free."
    )


def main() -> None:
    """Read, calculate, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what ray_engine.py --json has written")
    parser.add_argument("--core-hour", type=float, default=0.04, metavar="USD")
    parser.add_argument("--gigabyte-month", type=float, default=0.023, metavar="USD")
    parser.add_argument("--thousand-gets", type=float, default=0.0004, metavar="USD")
    tables.add_update_option(parser)
    options = parser.parse_args()
    prices = Prices(options.core_hour, options.gigabyte_month, options.thousand_gets)
    with tables.published("cluster cost", options.update):
        print_results(json.loads(options.file.read_text("utf-8")), prices, workers=2)


if __name__ == "__main__":
    main()
