"""Time and memory of the whole command by number of images: ``python benchmarks/scale.py``.

For each number, in a process of its own each time: a first run with no report and an empty cache;
the same command again, with nothing new; and the report rendered once more. At one number also a
run that is killed halfway, and the same command after that. Pictures are 224×224 JPEG files, no two
with the same bytes. The memory of a run is the largest resident set of any of its processes.

10,000 images take some minutes with a small network and about 2 GB in the temporary folder.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import command
import pictures
import tables
from command import Ran, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NUMBERS = (100, 200, 1_000, 10_000)
SIZE = (224, 224)
FEW, MANY, GROWTH = 200, 10_000, 150
"""Numbers whose peaks are compared, and the MB that the larger may have more."""
AGAIN, AGAIN_SECONDS = 1_000, 3.0
"""Number at which a run with nothing new is judged, and its seconds beyond start-up at most."""
MB = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One number of images."""

    first: Ran
    again: Ran
    rendered: Ran | None
    """None where this version cannot render a run again."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that was killed, and the same command once more."""

    killed: Ran
    resumed: Ran
    same: bool
    """Whether the report has the bytes of one that nobody disturbed, but for the date."""


def measured(number: int, photos: Sequence[Path], model: str, work: Path) -> Row:
    """Make a report of so many images, make it again, and render it again."""
    images = pictures.some_of(photos[:number], work / "images")
    words = command.build(images, work / "report", model)
    first, again = (command.run(words, cache=work / "cache") for _ in range(2))
    rendered = None
    if command.has_command("render"):
        rendered = command.run(command.reportgen("render", work / "report", "--quiet"))
    return Row(first, again, rendered)


def resumed(number: int, photos: Sequence[Path], model: str, seconds: float, work: Path) -> Resumed:
    """Kill a run of so many images after ``seconds``, and give the same command again."""
    images = pictures.some_of(photos[:number], work / "images")
    words = command.build(images, work / "report", model)
    killed = command.run(words, cache=work / "cache", kill_after=seconds)
    again = command.run(words, cache=work / "cache")
    undisturbed = command.build(images, work / "undisturbed", model)
    command.run(undisturbed, cache=work / "another cache")
    same = _digests(work / "report") == _digests(work / "undisturbed")
    return Resumed(killed, again, same)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def start_up() -> float:
    """Return the seconds of ``reportgen --help``, the median of five."""
    words = command.reportgen("--help")
    (seconds,) = command.alternating([lambda: command.run(words).seconds], 5)
    return statistics.median(seconds)


def print_results(
    rows: Mapping[int, Row], stopped: tuple[int, Resumed] | None, help_seconds: float, model: str
) -> None:
    """Print the table, and whether the goals are met."""
    head = ("images", "ms per image", "first run s", "peak MB", "nothing new s", "peak MB")
    lines = [
        [
            f"{number:,}",
            f"{1_000 * row.first.seconds / number:.1f}",
            *_cells(row.first),
            *_cells(row.again),
            *_cells(row.rendered),
        ]
        for number, row in rows.items()
    ]
    print(tables.table([*head, "`render` s", "peak MB"], lines), end="\n\n")
    print(f"{model}, pictures of {SIZE[0]}×{SIZE[1]}, one run each, start-up included.\n")
    for goal in goals(rows, help_seconds):
        print(f"- {goal}")
    if stopped is not None:
        number, found = stopped
        print(
            f"- killed: {number:,} images, stopped after {found.killed.seconds:.1f} s; the same "
            f"command then takes {found.resumed.seconds:.1f} s, and its files have "
            f"{'the same bytes as' if found.same else '**other bytes than**'} an undisturbed run's."
        )


def _cells(ran: Ran | None) -> tuple[str, str]:
    if ran is None:
        return "", ""
    return f"{ran.seconds:.1f}", f"{ran.peak / MB:.0f}"


def goals(rows: Mapping[int, Row], help_seconds: float) -> list[str]:
    """Return each goal with what was found, where the numbers that it needs were run."""
    found = []
    if FEW in rows and MANY in rows:
        more = (rows[MANY].first.peak - rows[FEW].first.peak) / MB
        found.append(
            f"memory: peak at {MANY:,} images within {GROWTH} MB of that at {FEW}: {more:+.0f} MB, "
            f"{verdict(met=more <= GROWTH)}"
        )
    if AGAIN in rows:
        more = rows[AGAIN].again.seconds - help_seconds
        found.append(
            f"nothing new: at {AGAIN:,} images at most {AGAIN_SECONDS:.0f} s more than "
            f"`reportgen --help` ({help_seconds:.2f} s): {more:.1f} s more, "
            f"{verdict(met=more <= AGAIN_SECONDS)}"
        )
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--numbers", type=int, nargs="+", default=list(NUMBERS), metavar="N")
    parser.add_argument(
        "--model",
        default=command.EMBEDDED,
        help=f"{command.EMBEDDED} with its weights, or another with random ones; "
        "squeezenet1_1 is a fast one",
    )
    parser.add_argument(
        "--resume", type=int, default=FEW, metavar="N", help="images of the killed run; 0: none"
    )
    tables.add_update_option(parser)
    arguments = parser.parse_args(words)
    numbers = sorted(arguments.numbers)
    with tables.published("scale", arguments.update), tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = pictures.make(work / "photos", max(*numbers, arguments.resume), SIZE)
        help_seconds = start_up()
        rows: dict[int, Row] = {}
        for number in numbers:
            place = command.new_place(work)
            rows[number] = measured(number, photos, arguments.model, place)
            print(f"{number:,} images: {rows[number].first.seconds:.1f} s", file=sys.stderr)
        stopped = None
        if arguments.resume:
            half = _expected(rows, arguments.resume) / 2
            found = resumed(arguments.resume, photos, arguments.model, half, work / "stopped")
            stopped = arguments.resume, found
        print_results(rows, stopped, help_seconds, arguments.model)


def _expected(rows: Mapping[int, Row], number: int) -> float:
    """Return the seconds that so many images are likely to take, from the nearest number run."""
    nearest = min(rows, key=lambda other: abs(other - number))
    return rows[nearest].first.seconds * number / nearest


if __name__ == "__main__":
    main()
