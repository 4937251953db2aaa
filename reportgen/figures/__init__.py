"""Figures for a paper or a hand-in: PNG at 300 dpi, SVG with text as text, and captions.

`export` writes them; `layouts` says what stands where, `pixels` draws the maps, `paper` makes the
files with Matplotlib, and `captions` says what they show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.figures import captions, layouts
from reportgen.figures.pixels import painter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reportgen.figures.sheet import Sheet
    from reportgen.values import ImageRecord, Report, Target

FOLDER = "figures"
CAPTIONS = f"{FOLDER}/captions.txt"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, ready to be drawn."""

    name: str
    """Relative path without its suffix, at most 36 characters, unique within a report."""
    sheet: Sheet
    caption: str
    """One line of plain text."""


def export(report: Report, folder: Path) -> tuple[str, ...]:
    """Write every figure of a report, each as PNG and as SVG, and a file with all captions.

    Parameters
    ----------
    report
        The same report gives the same bytes.
    folder
        An existing folder, the report's; the files go into `FOLDER` in it.

    Returns
    -------
    The relative names of the files, in the order of the report; nothing where it has no image.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    if not report.images:
        return ()
    from reportgen.figures import paper  # noqa: PLC0415 - Matplotlib, slow to import

    (folder / FOLDER).mkdir(exist_ok=True)
    names, texts = [], []
    with paper.settings():
        for figure in figures(report):
            files = [f"{figure.name}.{suffix}" for suffix in ("png", "svg")]
            for name, data in zip(files, paper.draw(figure.sheet, figure.caption), strict=True):
                (folder / name).write_bytes(data)
            names += files
            inside = ", ".join(name.removeprefix(f"{FOLDER}/") for name in files)
            texts.append(f"{inside}\n{figure.caption}\n")
    (folder / CAPTIONS).write_text("\n".join(texts), encoding="utf-8", newline="\n")
    return (*names, CAPTIONS)


def figures(report: Report) -> Iterator[Figure]:
    """Yield every figure of a report, picture by picture."""
    for image in report.images:
        yield from _figures_of(image, report)


def _figures_of(image: ImageRecord, report: Report) -> Iterator[Figure]:
    run = report.run
    draws = painter(image, run)
    for record in image.targets:
        sheets = layouts.maps_of_target(draws, record, run.methods)
        caption = captions.maps_of_target(image, record, run)
        yield from _named(image, sheets, caption, "maps", _key(record.target))
    if len(image.targets) > 1:
        sheets = layouts.targets_abreast(draws, image, run.methods)
        yield from _named(image, sheets, captions.targets_abreast(image, run), "targets")
    if image.contrast is not None:
        sheet = layouts.contrast(draws, image, image.contrast)
        caption = captions.contrast(image, image.contrast, run)
        yield from _named(image, (sheet,), caption, "contrast")
    for mosaic in image.mosaics:
        sheets = layouts.features(mosaic)
        caption = captions.features(image, mosaic, run)
        yield from _named(image, sheets, caption, "features", mosaic.layer)


def _named(
    image: ImageRecord, sheets: tuple[Sheet, ...], caption: str, kind: str, *key: str
) -> Iterator[Figure]:
    """Yield one figure for each sheet, with names that say nothing of the picture's own."""
    for number, sheet in enumerate(sheets, 1):
        digest = _digest(image.name, kind, *key, str(number))
        # The pictures' own digest comes first, so that figures of one picture stand together.
        name = f"{FOLDER}/{image.sha256[:6]}-{kind}-{digest}"
        text = " ".join(filter(None, (caption, captions.part(number, len(sheets)))))
        yield Figure(name, sheet, text)


def _key(target: Target) -> str:
    """Return what tells a target from the others of a picture."""
    return f"{','.join(map(str, target.classes))}:{target.name if target.is_group else ''}"


def _digest(*parts: str) -> str:
    identity = "\0".join(parts)
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]
