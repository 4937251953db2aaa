"""Tables of what was measured about maps: warnings, faithfulness, and hits on boxes.

Everything here takes values and returns values; how they stand is for the templates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.language import N_, _
from reportgen.render.filters import decimal, percent
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reportgen.values import (
        Faithfulness,
        ImageRecord,
        LocalisationSummary,
        Panel,
        Report,
        TargetRecord,
    )

ABSENT = "–"
"""Stands where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table of faithfulness."""

    name: str
    """As in ``report.json`` and ``metrics.csv``."""
    title: str
    """In English."""
    higher_is_better: bool
    of: Callable[[Faithfulness], float | None]
    """The number, or whether it is so; None where it was not measured."""
    meaning: str
    """What it is, in a sentence or two; in English."""

    @property
    def direction(self) -> str:
        """Say which way is good, in English."""
        return N_("higher is better") if self.higher_is_better else N_("lower is better")


MEASURES: tuple[Measure, ...] = (
    Measure(
        "average_drop",
        N_("average drop"),
        higher_is_better=False,
        of=lambda found: found.drop,
        meaning=N_(
            "How much of the probability is lost when the network sees the picture through "
            "the map, as a share of it, averaged over maps (Chattopadhay et al., 2018)."
        ),
    ),
    Measure(
        "increase",
        N_("increase"),
        higher_is_better=True,
        of=lambda found: found.increased,
        meaning=N_(
            "Whether the probability rises instead; over maps, the share of those where it does."
        ),
    ),
    Measure(
        "insertion_auc",
        N_("insertion AUC"),
        higher_is_better=True,
        of=lambda found: found.insertion.auc if found.insertion else None,
        meaning=N_(
            "Area under the probability while the hottest pixels come into the blurred "
            "picture, hottest first (Petsiuk et al., 2018)."
        ),
    ),
    Measure(
        "deletion_auc",
        N_("deletion AUC"),
        higher_is_better=False,
        of=lambda found: found.deletion.auc if found.deletion else None,
        meaning=N_(
            "Area under the probability while the hottest pixels give way to the mean "
            "colour, hottest first."
        ),
    ),
    Measure(
        "road",
        "ROAD",
        higher_is_better=True,
        of=lambda found: found.road.combined if found.road else None,
        meaning=N_(
            "Half the difference of the mean probability without the least important pixels "
            "(dashed) and without the most important ones, which are imputed from their neighbours "
            "(Rong et al., 2022)."
        ),
    ),
    Measure(
        "complexity",
        N_("complexity"),
        higher_is_better=False,
        of=lambda found: found.complexity,
        meaning=N_("Mean of the map: the less is hot, the simpler the map (Poppi et al., 2021)."),
    ),
    Measure(
        "coherency",
        N_("coherency"),
        higher_is_better=True,
        of=lambda found: found.coherency,
        meaning=N_(
            "How like the map is to the map of the picture seen through it: 1 the same, 0 "
            "the opposite."
        ),
    ),
    Measure(
        "adcc",
        "ADCC",
        higher_is_better=True,
        of=lambda found: found.adcc,
        meaning=N_("Harmonic mean of coherency, 1 − complexity and 1 − drop."),
    ),
)
"""In the order of the table's columns."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as it is printed."""

    text: str
    best: bool
    """Whether no other row of its column is better, and some row is worse."""


@dataclass(frozen=True, slots=True)
class FaithfulnessRow:
    """One map and its numbers, in the order of `MEASURES`."""

    panel: Panel
    found: Faithfulness
    cells: tuple[Cell, ...]

    @property
    def drawn(self) -> bool:
        """Whether it has a curve; a constant map has none."""
        return any((self.found.insertion, self.found.deletion, self.found.road))


def faithfulness_rows(record: TargetRecord) -> tuple[FaithfulnessRow, ...]:
    """Return a row for every map of a target that was measured."""
    measured = [(panel, panel.faithfulness) for panel in record.panels if panel.faithfulness]
    columns = [_column([found for _, found in measured], measure) for measure in MEASURES]
    return tuple(
        FaithfulnessRow(panel, found, tuple(column[row] for column in columns))
        for row, (panel, found) in enumerate(measured)
    )


def _column(found: Sequence[Faithfulness], measure: Measure) -> list[Cell]:
    values = [measure.of(item) for item in found]
    texts = [_text(value) for value in values]
    # A constant map points at nothing, and that is no way to be the best at it.
    fair = [value if item.insertion else None for value, item in zip(values, found, strict=True)]
    return _marked(fair, texts, higher=measure.higher_is_better)


def _text(value: float | None) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return decimal(value, 3)


def _marked(values: Sequence[float | None], texts: Sequence[str], *, higher: bool) -> list[Cell]:
    """Return cells with the best ones marked; those that are printed alike are alike."""
    sign = 1 if higher else -1
    known = {
        text: sign * value
        for value, text in zip(values, texts, strict=True)
        if value is not None and math.isfinite(value)
    }
    best = max(known, key=lambda text: known[text]) if len(known) > 1 else None
    return [
        Cell(text, value is not None and text == best)
        for value, text in zip(values, texts, strict=True)
    ]


# -- boxes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One method at one layer against the boxes."""

    summary: LocalisationSummary
    cells: tuple[Cell, ...]
    """Pointing game, energy, IoU, GT-known, top-1 and top-5 localisation."""


def box_rows(report: Report) -> tuple[BoxRow, ...]:
    """Return the table of all methods and layers against the boxes."""
    rows = report.localisation
    shares = (
        [(row.hits, row.maps) for row in rows],
        [(row.gt_known, row.maps) for row in rows],
        [(row.loc1, row.ranked) for row in rows],
        [(row.loc5, row.ranked) for row in rows],
    )
    pointing, known, first, five = (
        _marked(
            [part / whole if whole else None for part, whole in column],
            [_hits(part, whole) for part, whole in column],
            higher=True,
        )
        for column in shares
    )
    energies = [row.energy for row in rows]
    ious = [row.iou for row in rows]
    energy = _marked(energies, [percent(value) for value in energies], higher=True)
    iou = _marked(ious, [decimal(value) for value in ious], higher=True)
    columns = (pointing, energy, iou, known, first, five)
    return tuple(
        BoxRow(summary, tuple(column[number] for column in columns))
        for number, summary in enumerate(rows)
    )


def _hits(part: int, whole: int) -> str:
    if not whole:
        return ABSENT
    return _("{part} of {whole}, {share}").format(
        part=part, whole=whole, share=percent(part / whole)
    )


# -- what there is ---------------------------------------------------------------------------


def panels_of(report: Report) -> Iterator[tuple[ImageRecord, TargetRecord, Panel]]:
    """Yield every map of the report with its picture and its target."""
    for image in report.images:
        for record in image.targets:
            for panel in record.panels:
                yield image, record, panel


def is_warned(image: ImageRecord) -> bool:
    """Return whether the picture, one of its targets or one of their maps has a warning."""
    return bool(image.cautions) or any(
        record.cautions or any(panel.cautions for panel in record.panels)
        for record in image.targets
    )


def warned(report: Report) -> int:
    """Return how many pictures have a warning."""
    return sum(is_warned(image) for image in report.images)


def is_measured(report: Report) -> bool:
    """Return whether the maps have numbers of faithfulness: where one has, all that show have."""
    shown = (panel for _, _, panel in panels_of(report) if panel.state is MapState.SHOWN)
    first = next(shown, None)
    return first is not None and first.faithfulness is not None


def is_localised(report: Report) -> bool:
    """Return whether some map was held against boxes."""
    return bool(report.localisation)


def has_rankings(report: Report) -> bool:
    """Return whether methods and layers were compared over the pictures."""
    return bool(report.rankings or report.verdict)


def localised(record: TargetRecord) -> bool:
    """Return whether some map of the target was held against boxes."""
    return any(panel.localisation for panel in record.panels)
