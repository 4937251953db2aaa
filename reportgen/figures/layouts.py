"""The four kinds of figure, each as sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reportgen import overlay
from reportgen.figures.pixels import (
    Painter,
    colours_of,
    difference_colours,
    fit,
    pixels_of,
)
from reportgen.figures.sheet import (
    GAP,
    HEIGHT,
    LINE,
    WIDTH,
    Block,
    Element,
    Frame,
    Pixels,
    Sheet,
    Words,
    columns,
    evenly,
    stack,
)
from reportgen.language import _
from reportgen.render.filters import percent, signed, significant, size_text
from reportgen.render.layout import PanelGroup, by_method, compared, deepest
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reportgen.values import (
        Contrast,
        ImageRecord,
        MethodInfo,
        Mosaic,
        Panel,
        Size,
        StrongestChannels,
        Target,
        TargetRecord,
        UInt8Array,
    )

LAYERS_ABREAST = 6
TARGETS_ABREAST = 4
CHANNELS_ABREAST = 8
_NARROW = 8
"""Pixels between a map and the overlay below it."""
_BAR = (600, 36)
"""Size of a colour bar."""
_MOSAIC_BAR = 900
"""Width of the colour bar of tiles, whose ends have more words."""
_MOSAIC_HEIGHT = HEIGHT - 500
"""Most of a sheet; the strongest channels and the foot are below."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A panel's place: its upper left corner and the size of its pictures."""

    left: int
    top: int
    size: Size


def maps_of_target(
    painter: Painter, record: TargetRecord, methods: Sequence[MethodInfo]
) -> tuple[Sheet, ...]:
    """Lay out every map of one target: methods with one map large, the others shallow to deep."""
    groups = by_method(record.panels, methods)
    singles = [group for group in groups if group.single]
    blocks = list(_large(painter, record.target, singles))
    for group in groups:
        if not group.single:
            parts = evenly(len(group.panels), LAYERS_ABREAST)
            blocks += [_layers(painter, group, part) for part in parts]
    return stack(blocks, _foot(painter))


def _large(painter: Painter, target: Target, groups: Sequence[PanelGroup]) -> Iterator[Block]:
    """Yield the view, and beside it map and overlay of each method with one map."""
    width, lefts = columns(3)
    size = fit(painter.size, width)
    below = LINE + size[1] + _NARROW
    for number in range(max(1, len(groups))):
        elements: list[Element] = []
        if number == 0:
            elements += [
                Words(lefts[0], 0, width, _("What the model saw"), strong=True),
                Pixels(lefts[0], LINE, size, painter.view),
                *_named(target, lefts[0], below, width),
            ]
        if groups:
            group = groups[number]
            elements += [
                Words(lefts[1], 0, width, group.method.title, strong=True),
                Words(lefts[2], 0, width, _("over what the model saw"), quiet=True),
                *_map(painter, group.panels[0], Cell(lefts[1], LINE, size)),
                *_overlay(painter, group.panels[0], Cell(lefts[2], LINE, size)),
                *_facts(group.panels[0], lefts[1], below, width),
            ]
        yield Block(below + 3 * LINE, tuple(elements))


def _layers(painter: Painter, group: PanelGroup, part: slice) -> Block:
    """Return maps above overlays, shallow to deep, with what they are of below."""
    panels = group.panels[part]
    # As wide as in the other rows of the same method, of which this may be the last.
    width, lefts = columns(max(3, part.stop - part.start))
    size = fit(painter.size, width)
    second = LINE + size[1] + _NARROW
    below = second + size[1] + _NARROW
    heading = _("{method}, shallow to deep").format(method=group.method.title)
    elements: list[Element] = [Words(0, 0, WIDTH, heading, strong=True)]
    for left, panel in zip(lefts, panels, strict=False):
        elements += [
            *_map(painter, panel, Cell(left, LINE, size)),
            *_overlay(painter, panel, Cell(left, second, size)),
            *_facts(panel, left, below, width),
        ]
    return Block(below + 3 * LINE, tuple(elements))


def targets_abreast(
    painter: Painter, image: ImageRecord, methods: Sequence[MethodInfo]
) -> tuple[Sheet, ...]:
    """Lay out targets side by side, one row for each method at its deepest layer."""
    blocks = []
    parts = list(evenly(len(image.targets), TARGETS_ABREAST))
    # The first part is the longest.
    width, lefts = columns(parts[0].stop + 1, WIDTH // 3)
    size = fit(painter.size, width)
    for part in parts:
        records = image.targets[part]
        for number, method in enumerate(compared(image, methods)):
            top = 0 if number else 2 * LINE
            elements: list[Element] = []
            if number == 0:
                elements.append(Words(lefts[0], 0, width, _("What the model saw"), strong=True))
                for left, record in zip(lefts[1:], records, strict=False):
                    elements += _named(record.target, left, 0, width)
            cells = [Cell(left, top, size) for left in lefts[: len(records) + 1]]
            elements += _compared(painter, [deepest(item, method) for item in records], cells)
            below = top + size[1] + _NARROW
            elements.append(Words(lefts[0], below, width, method.title))
            blocks.append(Block(below + 3 * LINE, tuple(elements)))
    return stack(blocks, _foot(painter))


def _compared(
    painter: Painter, panels: Sequence[Panel | None], cells: Sequence[Cell]
) -> Iterator[Element]:
    """Yield the view, one overlay for every target, and what they are of below."""
    (width, height), top = cells[0].size, cells[0].top
    below = top + height + _NARROW
    yield Pixels(cells[0].left, top, cells[0].size, painter.view)
    for cell, panel in zip(cells[1:], panels, strict=True):
        if panel is not None:
            yield from _overlay(painter, panel, cell)
            yield Words(cell.left, below, width, _peak(panel), quiet=True)
    known = next((panel for panel in panels if panel is not None), None)
    if known is not None:
        shape = size_text(known.activation_shape)
        yield Words(cells[0].left, below + LINE, width, printable(known.layer), quiet=True)
        yield Words(cells[0].left, below + 2 * LINE, width, shape, quiet=True)


def contrast(painter: Painter, image: ImageRecord, found: Contrast) -> Sheet:
    """Lay out the view, two targets, and the map of the first less that of the second."""
    width, lefts = columns(4)
    size = fit(painter.size, width)
    below = 2 * LINE + size[1] + _NARROW
    elements: list[Element] = [
        Words(lefts[0], 0, width, _("What the model saw"), strong=True),
        Pixels(lefts[0], 2 * LINE, size, painter.view),
        Words(lefts[3], 0, width, _("First less second"), strong=True),
        Pixels(lefts[3], 2 * LINE, size, painter.contrast(found.grey)),
    ]
    for left, place in ((lefts[1], found.first), (lefts[2], found.second)):
        record = image.targets[place]
        elements += _named(record.target, left, 0, width)
        for panel in record.panels:
            if (panel.method, panel.layer) == (found.method, found.layer):
                elements += _overlay(painter, panel, Cell(left, 2 * LINE, size))
                elements.append(Words(left, below, width, _peak(panel), quiet=True))
    top = below + LINE + GAP // 2
    both = lefts[2] + width - lefts[1]
    ends = (f"{signed(-found.peak)}", "0", f"{signed(found.peak)}")
    elements += [
        *_bar(overlay.palette(painter.colormap), (lefts[1], top, both), _ends()),
        *_bar(difference_colours(), (lefts[3], top, width), ends),
    ]
    return Sheet(top + _BAR[1] + LINE, tuple(elements))


def features(mosaic: Mosaic) -> tuple[Sheet, ...]:
    """Lay out every channel of a layer as tiles, and the strongest of every target below."""
    tiles = pixels_of(mosaic.picture)
    size = fit((tiles.shape[1], tiles.shape[0]), WIDTH, _MOSAIC_HEIGHT / WIDTH)
    left = (WIDTH - size[0]) // 2
    heading = f"{mosaic.layer}  {size_text(mosaic.shape)}"
    blocks = [
        Block(
            LINE + size[1],
            (
                Words(left, 0, size[0], printable(heading), strong=True),
                Pixels(left, LINE, size, tiles, cells=True),
            ),
        ),
        *(_strongest(row) for row in mosaic.strongest if row.channels),
    ]
    colours = colours_of(mosaic.picture)
    ends = (
        (significant(mosaic.minimum), significant(mosaic.maximum))
        if mosaic.scale == "layer"
        else (_("minimum of each tile"), _("maximum of each tile"))
    )
    # The first colour of the palette is that of the gaps.
    bar = () if colours is None else tuple(_bar(colours[1:], (0, 0, _MOSAIC_BAR), ends))
    return stack(blocks, Block(_BAR[1] + LINE if bar else 0, bar))


def _strongest(row: StrongestChannels) -> Block:
    """Return the channels with the largest weights for one target, largest first."""
    width, lefts = columns(max(CHANNELS_ABREAST, len(row.channels)))
    heading = _("Largest Grad-CAM weights for “{target}”").format(target=row.target)
    elements: list[Element] = [Words(0, 0, WIDTH, printable(heading), strong=True)]
    lowest = 0
    for left, channel in zip(lefts, row.channels, strict=False):
        pixels = pixels_of(channel.picture)
        size = fit((pixels.shape[1], pixels.shape[0]), width)
        below = LINE + size[1] + _NARROW
        lowest = max(lowest, below + 3 * LINE)
        name = _("channel {number}").format(number=channel.channel)
        weight = _("weight {weight}").format(weight=signed(channel.weight))
        peak = _("peak {peak}").format(peak=significant(channel.peak))
        elements += [
            Pixels(left, LINE, size, pixels, cells=True),
            Words(left, below, width, name),
            Words(left, below + LINE, width, weight, quiet=True),
            Words(left, below + 2 * LINE, width, peak, quiet=True),
        ]
    return Block(lowest, tuple(elements))


# -- pieces ----------------------------------------------------------------------------------


def state_text(panel: Panel) -> str:
    """Say why a map is not shown."""
    if panel.state is MapState.NOT_FINITE:
        return _("map is not finite")
    return _("no positive evidence")


def printable(text: str) -> str:
    """Return untrusted text on one line, without signs that cannot be printed."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    ).strip()


def _named(target: Target, left: int, top: int, width: int) -> Iterator[Element]:
    yield Words(left, top, width, printable(target.name), strong=True)
    yield Words(left, top + LINE, width, percent(target.probability), quiet=True)


def _facts(panel: Panel, left: int, top: int, width: int) -> Iterator[Element]:
    yield Words(left, top, width, printable(panel.layer))
    yield Words(left, top + LINE, width, size_text(panel.activation_shape), quiet=True)
    yield Words(left, top + 2 * LINE, width, _peak(panel), quiet=True)


def _peak(panel: Panel) -> str:
    return _("peak {peak}").format(peak=significant(panel.peak))


def _map(painter: Painter, panel: Panel, cell: Cell) -> Iterator[Element]:
    yield from _drawn(painter.heat, panel, cell)


def _overlay(painter: Painter, panel: Panel, cell: Cell) -> Iterator[Element]:
    yield from _drawn(painter.overlay, panel, cell)


def _drawn(draw: Callable[..., UInt8Array], panel: Panel, cell: Cell) -> Iterator[Element]:
    """Yield a panel's picture, or an empty frame with the reason in it."""
    if panel.grey is not None:
        yield Pixels(cell.left, cell.top, cell.size, draw(panel.grey))
        return
    width, height = cell.size
    yield Frame(cell.left, cell.top, width, height)
    middle = cell.top + (height - LINE) // 2
    words = state_text(panel)
    yield Words(cell.left + width // 2, middle, width - GAP, words, quiet=True, align="center")


def _foot(painter: Painter) -> Block:
    bar = _bar(overlay.palette(painter.colormap), (0, 0, _BAR[0]), _ends())
    return Block(_BAR[1] + LINE, tuple(bar))


def _ends() -> tuple[str, str]:
    return "0", _("peak of each map")


def _bar(
    colours: UInt8Array, place: tuple[int, int, int], ends: tuple[str, ...]
) -> Iterator[Element]:
    """Yield a colour bar at ``(left, top, width)``, with two or three words below it."""
    left, top, width = place
    yield Pixels(left, top, (width, _BAR[1]), colours[np.newaxis])
    below, room = top + _BAR[1], width // len(ends)
    yield Words(left, below, room, ends[0])
    if len(ends) > 2:  # noqa: PLR2004 - one for the middle
        yield Words(left + width // 2, below, room, ends[1], align="center")
    yield Words(left + width, below, width - room, ends[-1], align="right")
