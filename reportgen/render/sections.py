"""The sections of the page, in page order.

To add one: write ``templates/sections/<id>.html.j2`` and add one line to `SECTIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reportgen.language import N_
from reportgen.render.evidence import has_rankings

if TYPE_CHECKING:
    from collections.abc import Callable

    from reportgen.values import Report

Place = Literal["single", "index", "page"]
"""A page that has everything; of a report on several pages the first one; one with images."""

_FRONT: frozenset[Place] = frozenset(("single", "index"))
_FULL: frozenset[Place] = frozenset(("single", "page"))
_INDEX: frozenset[Place] = frozenset(("index",))


def _always(_report: Report) -> bool:
    return True


def _has_notes(report: Report) -> bool:
    return bool(report.front.notes)


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
    """Heading, and text of the link in the navigation; in English."""
    template: str
    """Template name relative to the templates folder."""
    shown_when: Callable[[Report], bool]
    """Whether a given report has this section at all."""
    on: frozenset[Place] = _FRONT
    """Where it stands."""


SECTIONS: tuple[Section, ...] = (
    Section("summary", N_("Summary"), "sections/summary.html.j2", _always),
    Section("notes", N_("Notes"), "sections/notes.html.j2", _has_notes),
    Section("predictions", N_("Predictions"), "sections/predictions.html.j2", _has_images, _FULL),
    Section("predictions", N_("Predictions"), "sections/index_table.html.j2", _has_images, _INDEX),
    Section("images", N_("Images"), "sections/pages.html.j2", _has_images, _INDEX),
    Section("labels", N_("Against the labels"), "sections/labels.html.j2", _has_labels),
    Section("evidence", N_("Which layer, which method"), "sections/evidence.html.j2", has_rankings),
    Section("boxes", N_("Against the boxes"), "sections/boxes.html.j2", _has_boxes),
    Section("images", N_("Images"), "sections/images.html.j2", _has_images, _FULL),
    Section("failures", N_("Failures"), "sections/failures.html.j2", _has_failures),
    Section("how", N_("How this was made"), "sections/how.html.j2", _always),
)


def shown_sections(report: Report, place: Place = "single") -> tuple[Section, ...]:
    """Return the sections that this report has at ``place``, in page order."""
    return tuple(
        section for section in SECTIONS if place in section.on and section.shown_when(report)
    )
