"""What a run tells while it goes, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Evaluation, FailureRecord


class Observer(Protocol):
    """Somebody who wants to know how far a run is; the console, or a test."""

    def stage(self, text: str) -> None:
        """Take note that a stage without a count begins, such as loading the model."""
        ...

    def detail(self, text: str) -> None:
        """Take note of something that only a curious user wants to see."""
        ...

    def start(self, total: int, work: str = "Explaining") -> None:
        """Take note that ``total`` images are about to be done, and what is done with each."""
        ...

    def workers(self, count: int) -> None:
        """Take note of how many processes compute, where it is not this one."""
        ...

    def advance(self) -> None:
        """Take note that one more image is done or has failed."""
        ...

    def failed(self, failure: FailureRecord) -> None:
        """Take note of an image that could not be done."""
        ...

    def finish(self) -> None:
        """Take note that no image is left."""
        ...


class Silent:
    """An observer that takes note of nothing, for use from Python."""

    def stage(self, text: str) -> None:
        """Ignore a stage."""

    def detail(self, text: str) -> None:
        """Ignore a detail."""

    def start(self, total: int, work: str = "Explaining") -> None:
        """Ignore the beginning."""

    def workers(self, count: int) -> None:
        """Ignore a number of workers."""

    def advance(self) -> None:
        """Ignore an image."""

    def failed(self, failure: FailureRecord) -> None:
        """Ignore a failure; it stands in the outcome too."""

    def finish(self) -> None:
        """Ignore the end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; owns the exit code."""

    images: int
    """Images in the report."""
    failures: tuple[FailureRecord, ...]
    top_classes: tuple[tuple[str, int], ...]
    seconds: float
    page: Path
    """The report to open."""
    archive: Path | None = None
    """The ZIP file, where one was asked for."""
    pdf: Path | None = None
    """The PDF file, where one was asked for."""
    remarks: tuple[str, ...] = ()
    """What the user should know of the report, a sentence each."""
    evaluation: Evaluation | None = None
    """First choices against labels, where there are any."""
    computed: int | None = None
    """Of all images the ones that went through the network; None where nothing was to be computed,
    as when a run is rendered again."""

    @property
    def exit_code(self) -> int:
        """0 when every image is in the report, 1 when some failed."""
        return 1 if self.failures else 0
