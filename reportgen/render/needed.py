"""Which of the style sheets and scripts a page needs; what it does not need, it does not carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.render.layout import has_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reportgen.render.sections import Place
    from reportgen.values import Report

    Condition = Callable[[Report, Place], bool]


def _index(_report: Report, place: Place) -> bool:
    return place == "index"


def _folder(_report: Report, place: Place) -> bool:
    return place != "single"


def _maps(_report: Report, place: Place) -> bool:
    return place != "index"


def _labels(report: Report, place: Place) -> bool:
    return place != "page" and report.evaluation is not None


# Pages of a folder share their files: there, what some page may need is given to all.


def _targets(report: Report, place: Place) -> bool:
    return place == "page" or (
        place == "single" and any(len(image.targets) > 1 for image in report.images)
    )


def _mosaics(report: Report, place: Place) -> bool:
    return place == "page" or (place == "single" and any(image.mosaics for image in report.images))


def _features(report: Report, place: Place) -> bool:
    return _mosaics(report, place) or (place == "single" and has_readings(report))


def _measured(report: Report, _place: Place) -> bool:
    return bool(report.rankings or report.localisation)


def _evidence(report: Report, place: Place) -> bool:
    return place != "page" and _measured(report, place)


CONDITIONS: dict[str, Condition] = {
    "styles/evidence.css": _evidence,
    "styles/features.css": _features,
    "styles/labels.css": _labels,
    "styles/measured.css": _measured,
    "styles/viewer.css": _maps,
    "styles/pages.css": _folder,
    "scripts/data.js": _index,
    "scripts/window.js": _index,
    "scripts/lines.js": _index,
    "scripts/mosaic.js": _mosaics,
    "scripts/tabs.js": _targets,
    "scripts/originals.js": _maps,
    "scripts/viewer/controls.js": _maps,
    "scripts/viewer/pixels.js": _maps,
    "scripts/viewer/maps.js": _maps,
    "scripts/viewer/panels.js": _maps,
    "scripts/viewer/scene.js": _maps,
    "scripts/viewer/stage.js": _maps,
    "scripts/viewer/save.js": _maps,
    "scripts/viewer/dialog.js": _maps,
}
"""When a file is needed; all others always are."""


def needed(names: Iterable[str], report: Report, place: Place) -> tuple[str, ...]:
    """Return those of ``names`` that ``report`` needs at ``place``, in their order."""
    return tuple(
        name for name in names if name not in CONDITIONS or CONDITIONS[name](report, place)
    )
