"""What the user sees on the terminal: progress, the summary, tables, errors.

Everything about a run goes to stderr but the summary and the tables, which are the result.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.progress import Task

    from reportgen.comparing import ComparisonOutcome
    from reportgen.progress import Outcome
    from reportgen.values import FailureRecord

PLAIN_WIDTH = 400
"""Columns where the output is no terminal: a table that is read by a program must not wrap."""

PLAIN_LINES = 10
"""At most about this many progress lines where the output is no terminal."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False)  # :cat: may be in a file's name
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, emoji=False, width=PLAIN_WIDTH)
    return console


class RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """Return the speed since the bar began to move."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} images/s" if speed else "– images/s", style="progress.data.speed")


class ConsoleObserver:
    """Shows a run: a bar on a terminal, plain lines in a pipe, failures only when quiet."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._console = _console(stderr=True)
        self._quiet = quiet
        self._verbose = verbose
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._total = 0
        self._done = 0
        self._started = 0.0
        self._work = ""
        self._workers = ""

    def stage(self, text: str) -> None:
        """Name a stage that has no count."""
        if not self._quiet:
            self._console.print(f"{escape(text)} …", style="dim")

    def detail(self, text: str) -> None:
        """Print something for ``--verbose``."""
        if self._verbose:
            self._console.print(f"  {escape(text)}", style="dim", soft_wrap=True)

    def start(self, total: int, work: str = "Explaining") -> None:
        """Begin to count images."""
        self._total, self._done = total, 0  # it may begin again
        self._started = time.perf_counter()
        self._work, self._workers = work, ""
        if self._quiet or not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn("time left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(escape(work), total=total)
        self._bar.start()

    def workers(self, count: int) -> None:
        """Show how many processes compute."""
        self._workers = f", {count} worker{'s' if count > 1 else ''}"
        if self._bar is not None:
            self._bar.update(self._task, description=escape(f"{self._work}{self._workers}"))

    def advance(self) -> None:
        """Count one image."""
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
        elif not self._quiet and self._is_milestone():
            seconds = max(time.perf_counter() - self._started, 1e-9)
            rate = self._done / seconds
            left = (self._total - self._done) / rate
            self._console.print(
                f"{self._done}/{self._total} images, {rate:.1f} images/s{self._workers}, "
                f"{left:.0f} s left"
            )

    def failed(self, failure: FailureRecord) -> None:
        """Name an image that failed, above the bar; never silenced."""
        self._console.print(
            f"[red]failed[/red] {escape(one_line(failure.name))}: "
            f"{escape(one_line(failure.reason))}",
            soft_wrap=True,
        )

    def finish(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _is_milestone(self) -> bool:
        step = max(1, -(-self._total // PLAIN_LINES))
        return self._done % step == 0 or self._done == self._total


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C as a wish to stop after the batch; the second stops at once.

    Gives a function that says whether that was wished.
    """
    wished = False

    def note(_signal: int, _frame: object) -> None:
        nonlocal wished
        wished = True
        signal.signal(signal.SIGINT, before)
        print_note("stopping after this batch; Ctrl-C again stops at once")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may set this
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: wished
    finally:
        signal.signal(signal.SIGINT, before)


def print_summary(outcome: Outcome) -> None:
    """Print what came of a run, the report's address last."""
    console = _console(stderr=False)
    total = outcome.images + len(outcome.failures)
    most = ", ".join(f"{one_line(name)} {count}" for name, count in outcome.top_classes[:5])
    rows = [
        ("Images", f"{outcome.images} of {total} in the report"),
        ("Failures", str(len(outcome.failures))),
        ("Top classes", most or "none"),
        ("Time", f"{outcome.seconds:.1f} s"),
        ("Report", str(outcome.page)),
    ]
    if outcome.computed is not None and outcome.computed < total:
        rows.insert(1, ("Computed", f"{outcome.computed} of {total}; the rest was known"))
    if outcome.evaluation is not None:
        right, labelled = outcome.evaluation.right, outcome.evaluation.images
        place = [name for name, _text in rows].index("Time")
        rows.insert(place, ("Right", f"{right} of {labelled} ({right / labelled:.1%})"))
    if outcome.archive is not None:
        rows.append(("ZIP", str(outcome.archive)))
    if outcome.pdf is not None:
        rows.append(("PDF", str(outcome.pdf)))
    console.print()
    for name, text in rows:
        bad = name == "Failures" and outcome.failures
        console.print(
            f"[dim]{name:<12}[/dim] {'[red]' if bad else ''}{escape(text)}", soft_wrap=True
        )
    for remark in outcome.remarks:
        console.print(f"[yellow]note[/yellow] {escape(remark)}", soft_wrap=True)
    console.print(outcome.page.resolve().as_uri(), soft_wrap=True, markup=False)


def print_comparison(outcome: ComparisonOutcome) -> None:
    """Print what came of a comparison, the page's address last."""
    rows = [
        ("Runs", str(outcome.runs)),
        ("Images", f"{outcome.images} in two runs or more"),
        ("Flipped", f"{outcome.flips} with different first choices"),
        ("Comparison", str(outcome.page)),
    ]
    if outcome.alone:
        rows.insert(2, ("Unmatched", f"{outcome.alone} in one run only"))
    console = _console(stderr=False)
    for name, text in rows:
        console.print(f"[dim]{name:<12}[/dim] {escape(text)}", soft_wrap=True)
    console.print(outcome.page.resolve().as_uri(), soft_wrap=True, markup=False)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> None:
    """Print a table; without lines and never wrapped where it is read by a program."""
    console = _console(stderr=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        table.add_column(header, no_wrap=True)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    console.print(caption, style="dim", soft_wrap=True)


def print_error(text: str) -> None:
    """Print why a command was not carried out."""
    _console(stderr=True).print(f"[bold red]error[/bold red] {escape(text)}", soft_wrap=True)


def print_note(text: str) -> None:
    """Print one line beside the result."""
    _console(stderr=True).print(escape(text), soft_wrap=True)


def open_in_browser(page: Path) -> bool:
    """Open the report; False where there is no browser to do it."""
    import webbrowser  # noqa: PLC0415 - for --open only

    return webbrowser.open(page.resolve().as_uri())


def one_line(text: str) -> str:
    """Return untrusted text with control characters made visible, so it cannot move the cursor."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
