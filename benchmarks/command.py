"""Running a command, with its time and the memory that it takes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in one of what the system counts resident memory in."""
EMBEDDED = "efficientnet_lite0"
"""The network whose weights come with the installation; all others are measured with random ones,
which take no download and the same time."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that came to its end, or was stopped."""

    seconds: float
    peak: int
    """Bytes of resident memory, of whichever process of the command had most.

    Never less than what this process has at the start of the command, from which the system counts.
    """


def run(words: Sequence[str], *, cache: Path | None = None, kill_after: float | None = None) -> Ran:
    """Run a command in the repository and wait for it.

    Parameters
    ----------
    words
        The command.
    cache
        Folder of reportgen's cache, so that the user's own is neither used nor changed.
    kill_after
        Seconds after which the command is killed, if it still runs.

    Raises
    ------
    SystemExit
        If it fails, with what it had to say.
    """
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": "0",  # reports differ in nothing but that
        "PYTHONDONTWRITEBYTECODE": "",  # compiled once, as where it was installed for use
    }
    if cache is not None:
        environment["REPORTGEN_CACHE"] = os.fspath(cache)
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        if kill_after is not None:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return Ran(time.perf_counter() - started, 0)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(
                f"`{' '.join(words)}` was expected to succeed, and left with "
                f"{process.returncode}:\n{errors.read()}"
            )
    return Ran(seconds, usage.ru_maxrss * RSS_UNIT)


def new_place(work: Path) -> Path:
    """Return a new folder in ``work``, which is to be deleted only when everything is measured.

    To make a file where many were deleted in the last minutes takes ext4 far longer, as it looks
    past every one of their inodes.
    """
    return Path(tempfile.mkdtemp(dir=work))


def reportgen(*words: object) -> list[str]:
    """Return the command line of a call of reportgen."""
    return [sys.executable, "-m", "reportgen", *map(str, words)]


def build(images: Path, output: Path, model: str) -> list[str]:
    """Return the command line that makes a report, in the form that a large one has."""
    weights = () if model == EMBEDDED else ("--weights", "none")
    options = ("--output", output, "--model", model, *weights, "--folder", "--device", "cpu")
    return reportgen("build", images, *options, "--quiet")


def has_command(name: str) -> bool:
    """Return whether this version of reportgen has a command."""
    done = subprocess.run(
        reportgen(name, "--help"), cwd=REPOSITORY, capture_output=True, check=False
    )
    return done.returncode == 0


def alternating(measures: Sequence[Callable[[], float]], repeat: int) -> list[list[float]]:
    """Return what each gives, called in turn so many times, after once for the system's cache."""
    rounds = [[measure() for measure in measures] for _ in range(repeat + 1)]
    return [list(values) for values in zip(*rounds[1:], strict=True)]


def with_spread(values: Sequence[float], digits: int = 2) -> str:
    """Return median, smallest and largest as text."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def verdict(*, met: bool) -> str:
    """Return whether a goal is met, as text."""
    return "met" if met else "**not met**"
