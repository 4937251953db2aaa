"""The sections of the page, in page order.

To add one: write ``templates/sections/<id>.html.j2`` and add one line to `SECTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.render.evidence import has_rankings

if TYPE_CHECKING:
    from collections.abc import Callable

    from reportgen.values import Report


def _always(_report: Report) -> bool:
    return True


def _has_images(report: Report) -> bool:
    return bool(report.images)


def _has_labels(report: Report) -> bool:
    return report.evaluation is not None


def _has_boxes(report: Report) -> bool:
    return bool(report.localisation)


def _has_failures(report: Report) -> bool:
    return bool(report.failures)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page with its own heading and entry in the navigation."""

    id: str
    """Anchor on the page; letters, digits and hyphens."""
    title: str
    """Heading, and text of the link in the navigation."""
    template: str
    """Template name relative to the templates folder."""
    shown_when: Callable[[Report], bool]
    """Whether a given report has this section at all."""


SECTIONS: tuple[Section, ...] = (
    Section("summary", "Summary", "sections/summary.html.j2", _always),
    Section("predictions", "Predictions", "sections/predictions.html.j2", _has_images),
    Section("labels", "Against the labels", "sections/labels.html.j2", _has_labels),
    Section("evidence", "Which layer, which method", "sections/evidence.html.j2", has_rankings),
    Section("boxes", "Against the boxes", "sections/boxes.html.j2", _has_boxes),
    Section("images", "Images", "sections/images.html.j2", _has_images),
    Section("failures", "Failures", "sections/failures.html.j2", _has_failures),
    Section("how", "How this was made", "sections/how.html.j2", _always),
)


def shown_sections(report: Report) -> tuple[Section, ...]:
    """Return the sections that this report has, in page order."""
    return tuple(section for section in SECTIONS if section.shown_when(report))
