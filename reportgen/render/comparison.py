"""A comparison of runs → one page that is complete in itself, and the data beside it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from itertools import combinations
from typing import TYPE_CHECKING

from reportgen.language import _, current
from reportgen.render.comparison_records import comparison_record
from reportgen.render.environment import (
    content_security_policy,
    make_environment,
    script_of,
    stream,
    style_of,
)
from reportgen.render.formats import harmless
from reportgen.render.records import finite
from reportgen.values import MapRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reportgen.values import ComparedImage, Comparison, LayerSummary

PAGE_TEMPLATE = "compare.html.j2"
STYLES = (
    "report.css",
    "styles/summary.css",
    "styles/maps.css",
    "styles/how.css",
    "styles/print.css",
    "styles/paper.css",
    "styles/compare.css",
)
"""Those of the report that are needed here, in its order, and the comparison's own."""
SCRIPTS = ("scripts/language.js", "report.js", "scripts/compare.js")

FILES = ("index.html", "comparison.json", "comparison.csv")
"""What `render` writes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page."""

    id: str
    title: str
    template: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How the first choices of two runs go together."""

    first: int
    second: int
    images: int
    """Pictures that both have."""
    same: int
    labelled: int
    lost: int
    """Right in the first, wrong in the second."""
    gained: int
    """Wrong in the first, right in the second."""


@dataclass(frozen=True, slots=True)
class FlipGroup:
    """Pictures for which two runs have the same two different first choices."""

    first: int
    second: int
    choices: tuple[str, str]
    images: tuple[tuple[int, ComparedImage], ...]
    """With their numbers on the page."""


def render(comparison: Comparison, folder: Path, *, template_dir: Path | None = None) -> None:
    r"""Write `FILES` into ``folder``, which has to exist, as UTF-8 with ``\n`` at line ends.

    Raises `TemplateError` where a template fails, and `OSError` where ``folder`` cannot be written.
    """
    pieces: dict[str, Iterable[str]] = {
        "index.html": html_page(comparison, template_dir),
        "comparison.json": json_record(comparison),
        "comparison.csv": csv_table(comparison),
    }
    for name in FILES:
        # A lone surrogate has no UTF-8 form; written as \udc80 it stays readable, and valid JSON.
        with (folder / name).open(
            "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as file:
            file.writelines(pieces[name])


def html_page(comparison: Comparison, template_dir: Path | None = None) -> Iterator[str]:
    """Yield the page; style, script and every picture are inline."""
    environment = make_environment(template_dir)
    script = script_of(environment, SCRIPTS)
    context = {
        "comparison": comparison,
        "runs": comparison.runs,
        "sections": sections(comparison),
        "tallies": tallies(comparison),
        "flip_groups": flip_groups(comparison),
        "renamed": renamed(comparison),
        "unpaired": unpaired(comparison),
        "layer_names": layer_names,
        "titles": {
            method.name: method.title for item in comparison.runs for method in item.run.methods
        },
        # One scale for all: the colours of two runs could not be compared otherwise.
        "colormap": comparison.runs[0].run.colormap,
        "alpha": comparison.runs[0].run.alpha,
        "palettes": {palette.name: palette for palette in comparison.palettes},
        "language": current(),
        "messages": script.texts,
        "style": style_of(environment, STYLES),
        "script": script.code,
        "policy": content_security_policy(script.code),
    }
    yield from stream(environment, PAGE_TEMPLATE, context)


def json_record(comparison: Comparison) -> Iterator[str]:
    """Yield the comparison as strict JSON, without pictures."""
    record = comparison_record(comparison)
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=1)
    yield from encoder.iterencode(record)
    yield "\n"


def csv_table(comparison: Comparison) -> Iterator[str]:
    """Yield one row for every picture that two runs have, the largest disagreement first."""
    parts = ("file", "index", "category", "probability", "right")
    letters = [item.letter for item in comparison.runs]
    header = ["sha256", "true_class", "flipped"]
    header += [f"{letter}_{part}" for letter in letters for part in parts]
    yield _csv_row([*header, "maps", "lowest_r", "lowest_iou", "one_sided"])
    for image in comparison.images:
        cells: list[object] = [
            image.sha256,
            harmless(image.label.category) if image.label else "",
            _answer(image.flipped),
        ]
        for names, predictions, right in zip(
            image.names, image.predictions, image.rights, strict=True
        ):
            if not names:
                cells += [""] * len(parts)
                continue
            best = predictions[0]
            cells += [harmless(names[0]), best.index, harmless(best.category)]
            cells += [finite(best.probability), _answer(right)]
        found = image.agreements
        overlaps = [item.overlap for item in found if finite(item.overlap) is not None]
        cells += [len(found), finite(image.lowest), min(overlaps, default=None)]
        yield _csv_row([*cells, sum(item.one_sided for item in found)])


def _answer(value: bool | None) -> str:  # noqa: FBT001 - the value itself, not a switch
    return "" if value is None else str(value).lower()


def _csv_row(cells: Sequence[object]) -> str:
    # With this terminator both of its characters are quoted where a cell holds them.
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


# -- what the templates ask for --------------------------------------------------------------


def sections(comparison: Comparison) -> tuple[Part, ...]:
    """Return the sections of the page, in page order."""
    found = [
        Part("summary", _("Summary"), "compare/summary.html.j2"),
        Part("flips", _("What flipped"), "compare/flips.html.j2"),
    ]
    if comparison.layers:
        found.append(Part("layers", _("Layer by layer"), "compare/layers.html.j2"))
    found += [
        Part("predictions", _("Predictions"), "compare/predictions.html.j2"),
        Part("images", _("Largest disagreements"), "compare/images.html.j2"),
    ]
    if comparison.alone or comparison.changed or renamed(comparison):
        found.append(Part("unmatched", _("Not in every run"), "compare/unmatched.html.j2"))
    found.append(Part("how", _("How this was made"), "compare/how.html.j2"))
    return tuple(found)


def renamed(comparison: Comparison) -> tuple[ComparedImage, ...]:
    """Return the pictures that have several names, in one run or between runs."""
    return tuple(
        image
        for image in comparison.images
        if len({name for names in image.names for name in names}) > 1
    )


def tallies(comparison: Comparison) -> tuple[Tally, ...]:
    """Return how first choices go together, for every two runs that share pictures."""
    found = []
    for first, second in combinations(range(len(comparison.runs)), 2):
        both = [image for image in comparison.images if image.names[first] and image.names[second]]
        if not both:
            continue
        rights = Counter((image.rights[first], image.rights[second]) for image in both)
        labelled = sum(count for pair, count in rights.items() if None not in pair)
        same = sum(not _differ(image, first, second) for image in both)
        lost, gained = rights[True, False], rights[False, True]
        found.append(Tally(first, second, len(both), same, labelled, lost, gained))
    return tuple(found)


def flip_groups(comparison: Comparison) -> tuple[FlipGroup, ...]:
    """Return the flips of every two runs by their two choices, the most frequent first."""
    groups: dict[tuple[int, int, str, str], list[tuple[int, ComparedImage]]] = {}
    for number, image in enumerate(comparison.images, 1):
        for first, second in combinations(range(len(comparison.runs)), 2):
            if _differ(image, first, second):
                one, other = (image.predictions[place][0].category for place in (first, second))
                groups.setdefault((first, second, one, other), []).append((number, image))
    found = [
        FlipGroup(first, second, (one, other), tuple(images))
        for (first, second, one, other), images in groups.items()
    ]
    return tuple(sorted(found, key=lambda item: (item.first, item.second, -len(item.images))))


def _differ(image: ComparedImage, first: int, second: int) -> bool:
    """Say whether two runs that both have the picture have different first choices."""
    return None not in (image.choices[first], image.choices[second]) and (
        image.choices[first] != image.choices[second]
    )


def layer_names(row: MapRow | LayerSummary) -> tuple[str | None, ...]:
    """Return the layer in each run; once where it has one name everywhere."""
    layers: tuple[str | None, ...]
    if isinstance(row, MapRow):
        layers = tuple(item.layer if item else None for item in row.maps)
    else:
        layers = row.layers
    named = {layer for layer in layers if layer is not None}
    return tuple(named) if len(named) == 1 else layers


def unpaired(comparison: Comparison) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return ``(letter, method, layers)`` of what was not compared, for want of a counterpart."""
    shown: set[tuple[int, str, str]] = set()
    for item in comparison.layers:
        shown.add((item.first, item.method, item.layers[0]))
        shown.add((item.second, item.method, item.layers[1]))
    found = []
    for place, run in enumerate(comparison.runs):
        for method in run.run.methods:
            left = tuple(x for x in method.layers if (place, method.name, x) not in shown)
            if left:
                found.append((run.letter, method.name, left))
    return tuple(found)
