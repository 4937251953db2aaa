"""A record that was made before, for a picture of the same bytes under another name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.naming import feature_name, maps_name, overlay_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reportgen.values import ImageRecord, Panel, Target


def under_name(record: ImageRecord, name: str, note: str) -> ImageRecord:
    """Return ``record`` as that of a picture called ``name``, with its author's ``note``."""
    if (record.name, record.note) == (name, note):
        return record

    def panel(old: Panel, target: Target) -> Panel:
        def file(suffix: str) -> str:
            return overlay_name(name, target, old.method, old.layer, suffix)

        return replace(
            old,
            overlay_file=old.overlay_file and file(""),
            original_file=old.original_file and file("original"),
        )

    return replace(
        record,
        name=name,
        note=note,
        maps_file=record.maps_file and maps_name(name),
        mosaics=tuple(
            replace(mosaic, file=mosaic.file and feature_name(name, mosaic.layer))
            for mosaic in record.mosaics
        ),
        targets=tuple(
            replace(item, panels=tuple(panel(old, item.target) for old in item.panels))
            for item in record.targets
        ),
    )


def files_under_name(
    files: Mapping[str, bytes], old: ImageRecord, new: ImageRecord
) -> dict[str, bytes]:
    """Return the files that ``old`` names under the names that ``new`` has for them."""
    names = zip(files_of(old), files_of(new), strict=True)
    return {there: files[here] for here, there in names if here in files}


def files_of(record: ImageRecord) -> Iterator[str]:
    """Yield every file that a record names, always in the same order."""
    named = [record.maps_file, *(mosaic.file for mosaic in record.mosaics)]
    for item in record.targets:
        for panel in item.panels:
            named += [panel.overlay_file, panel.original_file]
    yield from (name for name in named if name is not None)
