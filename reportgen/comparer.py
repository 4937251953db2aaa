"""Compare what several runs made of one picture.

The maps are those that the report shows, with 255 steps from zero to the peak. Where layers have
different names, see `reportgen.pairing.paired_layers`; where views differ, `reportgen.alignment`.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from reportgen import encode, overlay
from reportgen.alignment import PlacedMap, compare_maps, decode_levels
from reportgen.errors import RunFileError
from reportgen.pairing import paired_layers, paired_targets
from reportgen.values import (
    ComparedImage,
    ComparedMap,
    ComparedTarget,
    MapAgreement,
    MapRow,
    MapState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reportgen.pairing import PairedTargets
    from reportgen.store import ImageEntry, RunReader
    from reportgen.values import Box, ImageRecord, Panel, Size, TargetRecord

SMOOTH_SIDE = 224
"""Longest side in pixels of a map enlarged for the page."""

COARSE = 64
"""Longest side in cells up to which a map is enlarged for the page: some browsers print cells
where the screen shows a smooth map."""


class Comparer:
    """Reads one picture from every run and compares what they made of it.

    Parameters
    ----------
    readers
        The runs. Layers are named after those of the first.
    """

    def __init__(self, readers: Sequence[RunReader]) -> None:
        self._readers = readers
        runs = [reader.report.run for reader in readers]
        self._classes = [run.model.classes for run in runs]
        self._layers = [paired_layers(runs[0], run) for run in runs]
        self._places = [
            (method.name, layer) for method in runs[0].methods for layer in method.layers
        ]

    def image(self, entries: Sequence[Sequence[ImageEntry]], *, detail: bool) -> ComparedImage:
        """Compare one picture; its pictures are kept where it is shown in ``detail``."""
        records = [
            reader.image(of_run[0]) if of_run else None
            for reader, of_run in zip(self._readers, entries, strict=True)
        ]
        try:
            return self._image(records, entries, detail=detail)
        except (ValueError, ZeroDivisionError) as error:
            name = next(of_run[0].name for of_run in entries if of_run)
            raise RunFileError(
                f"compare: the maps of '{name}' cannot be read ({error}). Make the reports again.",
            ) from error

    def _image(
        self,
        records: Sequence[ImageRecord | None],
        entries: Sequence[Sequence[ImageEntry]],
        *,
        detail: bool,
    ) -> ComparedImage:
        present = [record for record in records if record]
        largest = max(present, key=lambda record: math.prod(record.photo.size))
        boxes = tuple(
            _scaled(record.geometry.seen_fraction(), largest.photo.size) if record else None
            for record in records
        )
        return ComparedImage(
            sha256=present[0].sha256,
            names=tuple(tuple(entry.name for entry in of_run) for of_run in entries),
            label=next((record.label for record in present if record.label), None),
            predictions=tuple(record.predictions if record else () for record in records),
            rights=tuple(record.right if record else None for record in records),
            choices=self._choices(records),
            targets=tuple(self._targets(records, detail=detail)),
            photo=largest.photo if detail else None,
            frame=_union(box for box in boxes if box),
            boxes=boxes,
        )

    def _choices(self, records: Sequence[ImageRecord | None]) -> tuple[int | str | None, ...]:
        """Return first choices so that they can be compared.

        An index means the same class only where the networks have as many.
        """
        counts = {count for count, record in zip(self._classes, records, strict=True) if record}
        firsts = [record.predictions[0] if record else None for record in records]
        if len(counts) == 1:
            return tuple(None if first is None else first.index for first in firsts)
        return tuple(None if first is None else first.category for first in firsts)

    def _targets(
        self, records: Sequence[ImageRecord | None], *, detail: bool
    ) -> Iterator[ComparedTarget]:
        targets = [record.targets if record else () for record in records]
        for paired in paired_targets(targets, self._classes):
            yield ComparedTarget(
                targets=tuple(record.target if record else None for record in paired.records),
                same=paired.same,
                rows=tuple(self._rows(records, paired, detail=detail)),
            )

    def _rows(
        self, records: Sequence[ImageRecord | None], paired: PairedTargets, *, detail: bool
    ) -> Iterator[MapRow]:
        panels = [_panels(record) for record in paired.records]
        for place in self._places:
            method, _layer = place
            here = [
                found.get((method, layers.get(place, "")))
                for found, layers in zip(panels, self._layers, strict=True)
            ]
            if sum(item is not None for item in here) < 2:  # noqa: PLR2004 - nothing to compare
                continue
            maps = [
                _placed(panel, record) if panel and record else None
                for panel, record in zip(here, records, strict=True)
            ]
            yield MapRow(
                method=method,
                maps=tuple(
                    _compared_map(panel, record.geometry.view, placed, detail=detail)
                    if panel and record
                    else None
                    for panel, record, placed in zip(here, records, maps, strict=True)
                ),
                agreements=tuple(_agreements(here, maps)),
            )


def _panels(record: TargetRecord | None) -> Mapping[tuple[str, str], Panel]:
    return {(panel.method, panel.layer): panel for panel in record.panels} if record else {}


def _placed(panel: Panel, record: ImageRecord) -> PlacedMap | None:
    """Return a map with what it takes to lay it over another; None with nothing to show."""
    if panel.state is not MapState.SHOWN or panel.grey is None:
        return None
    geometry = record.geometry
    return PlacedMap(decode_levels(panel.grey), geometry.seen_fraction(), geometry.view)


def _compared_map(
    panel: Panel, view: Size, placed: PlacedMap | None, *, detail: bool
) -> ComparedMap:
    shown = placed is not None and detail
    smooth = None
    if placed is not None and shown and max(placed.values.shape) <= COARSE:
        smooth = encode.grey_jpeg(overlay.enlarged(placed.values, view, SMOOTH_SIDE))
    return ComparedMap(
        layer=panel.layer,
        peak=panel.peak,
        state=panel.state,
        map_size=panel.map_size,
        cautions=panel.cautions,
        grey=panel.grey if shown else None,
        smooth=smooth,
    )


def _agreements(
    panels: Sequence[Panel | None], maps: Sequence[PlacedMap | None]
) -> Iterator[MapAgreement]:
    present = [place for place, panel in enumerate(panels) if panel]
    for first, second in combinations(present, 2):
        one, other = maps[first], maps[second]
        one_sided = (one is None) != (other is None)
        correlation, overlap = math.nan, 0.0 if one_sided else math.nan
        if one is not None and other is not None:
            correlation, overlap = compare_maps(one, other)
        yield MapAgreement(first, second, correlation, overlap, one_sided)


def _scaled(fractions: Box, size: Size) -> Box:
    (left, top, width, height), (across, down) = fractions, size
    return left * across, top * down, width * across, height * down


def _union(boxes: Iterable[Box]) -> Box:
    edges = [(left, top, left + width, top + height) for left, top, width, height in boxes]
    lefts, tops, rights, bottoms = zip(*edges, strict=True)
    left, top = min(lefts), min(tops)
    return left, top, max(rights) - left, max(bottoms) - top
