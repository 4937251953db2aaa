"""Sheets: what stands where on a figure, in device pixels, before anything is drawn.

A figure is as wide as the text of an A4 page, and its pixels are those of the PNG at `DPI`:
pictures are scaled to whole pixels once, and are not resampled again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reportgen.values import Size, UInt8Array

DPI = 300
WIDTH = 1890
"""160 mm, the width of the text on an A4 page."""
HEIGHT = 2835
"""240 mm: what is higher goes on in a figure of its own."""
GAP = 24
"""2 mm between panels."""
LINE = 38
"""Height of a line of text."""
TEXT = 7.5
"""Points; 31 pixels."""
HEADING = 8.5
"""Points of what heads a panel. Not bold: families without a bold face would be complained of."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture, and its size on the sheet."""

    left: int
    top: int
    size: Size
    pixels: UInt8Array = field(repr=False)
    """``(height, width, 3)`` uint8 RGB, at its own size."""
    cells: bool = False
    """Whether every pixel keeps its edges where the picture is enlarged, instead of going over into
    the next."""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text, made smaller or cut where it is wider than its place."""

    left: int
    """Left edge of the text, or its middle where it is centred."""
    top: int
    width: int
    text: str
    """Untrusted."""
    strong: bool = False
    quiet: bool = False
    align: str = "left"
    """``left``, ``center`` or ``right``."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An empty frame, where there is no picture to show."""

    left: int
    top: int
    width: int
    height: int


Element = Pixels | Words | Frame


@dataclass(frozen=True, slots=True)
class Block:
    """Elements that are not taken apart where a figure gets too high."""

    height: int
    elements: tuple[Element, ...]

    def at(self, top: int) -> Iterator[Element]:
        """Yield the elements with the block's upper edge at ``top``."""
        for element in self.elements:
            yield replace(element, top=element.top + top)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole figure, `WIDTH` wide."""

    height: int
    elements: tuple[Element, ...]


def stack(blocks: Iterable[Block], foot: Block) -> tuple[Sheet, ...]:
    """Put blocks below each other, and ``foot`` below the last of each sheet.

    Returns
    -------
    One sheet, or more where one would be higher than `HEIGHT`; a sheet has one block at least.
    """
    sheets: list[list[Block]] = [[]]
    for block in blocks:
        together = [*sheets[-1], block, foot]
        if sheets[-1] and _height(together) > HEIGHT:
            sheets.append([])
        sheets[-1].append(block)
    return tuple(_sheet([*blocks_of_one, foot]) for blocks_of_one in sheets)


def _height(blocks: list[Block]) -> int:
    return sum(block.height for block in blocks) + GAP * (len(blocks) - 1)


def _sheet(blocks: list[Block]) -> Sheet:
    elements: list[Element] = []
    top = 0
    for block in blocks:
        elements += block.at(top)
        top += block.height + GAP
    return Sheet(top - GAP, tuple(elements))


def columns(count: int, widest: int = WIDTH) -> tuple[int, tuple[int, ...]]:
    """Return the width and the left edges of ``count`` columns, none wider than ``widest``."""
    width = min((WIDTH - (count - 1) * GAP) // count, widest)
    return width, tuple(number * (width + GAP) for number in range(count))


def evenly(count: int, most: int) -> Iterator[slice]:
    """Yield slices of at most ``most`` out of ``count``, as equal as they can be."""
    rows = -(-count // most)
    per_row = -(-count // rows) if rows else 1
    for start in range(0, count, per_row):
        yield slice(start, min(start + per_row, count))
