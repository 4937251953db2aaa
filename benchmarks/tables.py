"""Markdown tables, printed and put into a document between markers.

A document has a place for what a script measured::

    <!-- benchmarks: compare -->
    …
    <!-- /benchmarks -->

``--update README.md`` puts there what the script printed, and the machine that it ran on.
"""

from __future__ import annotations

import io
import re
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import machine

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

END = "<!-- /benchmarks -->"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its first column to the left and the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def add_update_option(parser: argparse.ArgumentParser) -> None:
    """Let a script be called with ``--update FILE``."""
    parser.add_argument(
        "--update",
        type=Path,
        metavar="FILE",
        help="document to put the result into, between its markers",
    )


@contextmanager
def published(name: str, document: Path | None) -> Iterator[None]:
    """Print what is printed, and the machine; at the end put both into ``document``, if given.

    Raises
    ------
    SystemExit
        If the document has no place for ``name``; before anything is measured.
    """
    if document is not None:
        replaced(document.read_text("utf-8"), name, "", document)
    printed = _Tee()
    with redirect_stdout(printed):
        yield
        print(f"\n{machine.describe()}.")
    if document is not None:
        text = replaced(document.read_text("utf-8"), name, printed.getvalue(), document)
        document.write_text(text, "utf-8", newline="\n")


def replaced(text: str, name: str, content: str, document: Path) -> str:
    """Return a document's text with other content between the markers of ``name``.

    Raises
    ------
    SystemExit
        If they are not there exactly once.
    """
    start = f"<!-- benchmarks: {name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(END)}", re.DOTALL)
    found = len(pattern.findall(text))
    if found != 1:
        raise SystemExit(
            f"--update: '{document}' should have one place '{start} … {END}', found {found}. "
            f"Put these two lines where the result belongs."
        )
    return pattern.sub(lambda _: f"{start}\n\n{content.strip()}\n\n{END}", text)


class _Tee(io.StringIO):
    """Passes on what is written, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self._beside = sys.stdout

    def write(self, text: str) -> int:
        """Keep ``text`` and write it to the standard output of before."""
        self._beside.write(text)
        self._beside.flush()
        return super().write(text)
