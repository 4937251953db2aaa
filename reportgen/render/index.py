"""All pictures of a report at a glance: what its contact sheet and its table are made of.

A report on one page has both in its markup. The index of a report on several pages holds
thousands of pictures and draws only those in sight, from a script of data that is written here.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reportgen.render.filters import coordinate
from reportgen.render.layout import by_method, leading, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reportgen.render.links import Links
    from reportgen.render.pictures import Pictures
    from reportgen.values import ImageRecord, MethodInfo, Panel, Prediction, Report

CHOICES = 5
"""Choices of a picture that the table has at most; its own section has all."""

_ESCAPES = str.maketrans({"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""``</script`` and ``<!--`` would end or change a script; older engines end a line at the rest."""


@dataclass(frozen=True, slots=True)
class LeadingMap:
    """The map that stands for a picture."""

    panel: Panel
    place: int
    """In `TargetRecord.panels` of the first target, from 1."""
    title: str
    """Of its method."""


def leading_map(image: ImageRecord, methods: Sequence[MethodInfo]) -> LeadingMap | None:
    """Return the map of the first target that is drawn large; None without any."""
    if not image.targets or not image.targets[0].panels:
        return None
    panels = image.targets[0].panels
    group = leading(by_method(panels, methods))
    panel = group.panels[-1]
    place = next(place for place, own in enumerate(panels, 1) if own is panel)
    return LeadingMap(panel, place, group.method.title)


def measures(image: ImageRecord, methods: Sequence[MethodInfo]) -> tuple[float | None, ...]:
    """Return what the maps of a picture are sorted by; None for what is not known.

    Returns
    -------
    Of the leading map the share of the view at half of the peak or more, the centre of heat from
    the left and from the top, and the share of heat on the border, each 0…1; of the first target
    the agreement of its layers, Pearson's r, -1…1.
    """
    lead = leading_map(image, methods)
    heat = lead.panel.heat if lead else None
    agree = image.targets[0].layers_agree if image.targets else None
    if heat is None:
        return (None, None, None, None, agree)
    return (heat.area, *heat.centroid, heat.border, agree)


def warning_count(image: ImageRecord) -> int:
    """Return how many warnings the picture, its targets and their maps have."""
    return len(image.cautions) + sum(
        len(record.cautions) + sum(len(panel.cautions) for panel in record.panels)
        for record in image.targets
    )


def raw(values: Iterable[float | None]) -> str:
    """Return numbers for a script, separated by spaces; ``-`` for what is not known."""
    return " ".join(
        "-" if value is None or not math.isfinite(value) else f"{value:.5g}" for value in values
    )


def row_values(image: ImageRecord, methods: Sequence[MethodInfo]) -> str:
    """Return the numbers of one row: its measures, then the probabilities of its choices."""
    chances = (item.probability for item in image.predictions[:CHOICES])
    return raw((*measures(image, methods), *chances))


# -- a report on several pages ---------------------------------------------------------------


def index_data(report: Report, pictures: Pictures, links: Links) -> str:
    """Return the script that gives the index its data: ``window.reportgenIndex = {…};``.

    Parameters
    ----------
    report
        The whole report.
    pictures
        Says in which file a picture is, relative to the index.
    links
        Says on which page an image is.

    Returns
    -------
    One line of JavaScript that holds a JSON object: ``names`` of classes; ``pages`` as file and
    number of the first image on it; ``rows``, each ``[file, classes, probabilities, true class or
    -1, warnings, measures, picture]`` with classes as places in ``names``. A picture is a file, or
    ``[photo, where it lies, the view, map, its classes]`` where the browser puts the overlay
    together, the last two empty where there is no map.
    """
    names: dict[tuple[int, str], int] = {}

    def place(index: int, category: str) -> int:
        return names.setdefault((index, category), len(names))

    pages: dict[str, int] = {}
    rows = []
    for number, image in enumerate(report.images, 1):
        pages.setdefault(links.image_href(number).partition("#")[0], number)
        choices: tuple[Prediction, ...] = image.predictions[:CHOICES]
        rows.append(
            [
                image.name,
                [place(item.index, item.category) for item in choices],
                [_short(item.probability) for item in choices],
                -1 if image.label is None else place(image.label.index, image.label.category),
                warning_count(image),
                [_short(value) for value in measures(image, report.run.methods)],
                _thumbnail(image, report.run.methods, pictures),
            ]
        )
    data = {
        "names": [category for _, category in names],
        "pages": list(pages.items()),
        "rows": rows,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A file name may hold half a surrogate pair, which UTF-8 has no bytes for.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return f"window.reportgenIndex={text.translate(_ESCAPES)};\n"


def _short(value: float | None) -> float | None:
    """Return ``value`` with the digits that sorting needs; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _thumbnail(
    image: ImageRecord, methods: Sequence[MethodInfo], pictures: Pictures
) -> str | list[Any]:
    """Return the file of the leading overlay, or what a browser puts it together from."""
    lead = leading_map(image, methods)
    if lead and lead.panel.overlay:
        return str(pictures.src(lead.panel.overlay))
    grey = lead.panel.grey if lead else None
    box = [float(coordinate(value)) for value in image.photo_box]
    base, frame = image.photo, [0.0, 0.0, *map(float, image.photo.size)]
    if image.view:
        base, frame = image.view, box
    return [
        str(pictures.src(base)),
        frame,
        box,
        str(pictures.src(grey)) if grey else "",
        look(grey) if grey else "",
    ]
