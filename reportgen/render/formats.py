"""The files of a report, one function each.

To add an output format: write a function that yields its text and add one line to `FORMATS`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from reportgen.render.environment import (
    PAGE,
    SCRIPTS,
    STYLES,
    assets,
    content_security_policy,
    make_environment,
    stream,
)
from reportgen.render.evidence import MEASURES, is_localised, is_measured, panels_of
from reportgen.render.records import finite, report_record
from reportgen.render.sections import shown_sections
from reportgen.render.words import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from reportgen.values import Caution, ImageRecord, Localisation, Report

FIXED_COLUMNS = ("file", "status", "reason", "true_class", "right")
"""Columns of every ``predictions.csv``, before three for each of the first choices."""
MAP_COLUMNS = ("file", "target", "method", "layer", "state", "peak", "warnings")
"""Columns of ``metrics.csv`` that say which map it is, before the numbers about it."""
BOX_COLUMNS = ("pointing", "energy", "iou", "gt_known", "loc1", "loc5")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What a format may need beside the report."""

    template_dir: Path | None = None
    """Folder of the user's own templates, looked into before the built-in ones."""


def _always(_report: Report) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One file of the report."""

    filename: str
    """Its name in the report's folder."""
    label: str
    """What it is, as the page says it."""
    write: Callable[[Report, RenderOptions], Iterable[str]]
    r"""Yields its text piece by piece, with ``\n`` at line ends."""
    written_when: Callable[[Report], bool] = _always
    """Whether a given report has this file at all."""


def html_page(report: Report, options: RenderOptions) -> Iterator[str]:
    """Yield the page, complete in itself: style, script and every picture are inline.

    Raises `TemplateError` where a template is missing or fails.
    """
    environment = make_environment(options.template_dir)
    script = assets(environment, SCRIPTS)
    yield from stream(
        environment,
        PAGE,
        {
            "report": report,
            "run": report.run,
            "sections": shown_sections(report),
            "titles": {method.name: method.title for method in report.run.methods},
            "thresholds": THRESHOLDS,
            "measures": MEASURES,
            "other_formats": [item for item in _written(report) if item.write is not html_page],
            "style": assets(environment, STYLES),
            "script": script,
            "policy": content_security_policy(script),
        },
    )


def json_record(report: Report, _options: RenderOptions) -> Iterator[str]:
    """Yield the report as strict JSON, without pictures; see ``report.schema.json``."""
    yield from _indented(report_record(report), "\n")
    yield "\n"


def _indented(value: object, line: str) -> Iterator[str]:
    """Yield ``value`` as JSON, indented by two, with lists of numbers on one line each.

    The weights of hundreds of channels would otherwise be most of the file in spaces.
    """
    if isinstance(value, dict) and value:
        pairs = [(f"{_plain(name)}: ", item) for name, item in value.items()]
        yield from _nested("{", pairs, "}", line)
    elif isinstance(value, list) and any(isinstance(item, str | dict | list) for item in value):
        yield from _nested("[", [("", item) for item in value], "]", line)
    else:
        yield _plain(value)


def _nested(start: str, items: list[tuple[str, object]], end: str, line: str) -> Iterator[str]:
    """Yield every item on a line of its own after its label, between ``start`` and ``end``."""
    inner = f"{line}  "
    yield start
    for number, (label, item) in enumerate(items):
        yield f"{',' if number else ''}{inner}{label}"
        yield from _indented(item, inner)
    yield f"{line}{end}"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def csv_table(report: Report, _options: RenderOptions) -> Iterator[str]:
    """Yield one row for every image, first those that were done, then those that failed."""
    columns = max(
        (len(image.predictions) for image in report.images),
        default=min(report.run.top_k, report.run.model.classes),
    )
    ranks = range(1, columns + 1)
    parts = ("index", "category", "probability")
    yield _csv_row([*FIXED_COLUMNS, *(f"top{rank}_{part}" for rank in ranks for part in parts)])
    for image in report.images:
        cells: list[object] = [harmless(image.name), "done", "", *_label_cells(image)]
        for item in image.predictions:
            cells += [item.index, harmless(item.category), finite(item.probability)]
        yield _csv_row([*cells, *[""] * (len(FIXED_COLUMNS) + 3 * columns - len(cells))])
    for failure in report.failures:
        cells = [harmless(failure.name), "failed", harmless(failure.reason), "", ""]
        yield _csv_row([*cells, *[""] * (3 * columns)])


def _label_cells(image: ImageRecord) -> tuple[str, str]:
    """Return the true class and whether the first choice is it, both empty without a label."""
    if image.label is None:
        return "", ""
    return harmless(image.label.category), "true" if image.right else "false"


def metrics_table(report: Report, _options: RenderOptions) -> Iterator[str]:
    """Yield one row for every map: what was measured of it, empty where it was not."""
    names = [measure.name for measure in MEASURES]
    yield _csv_row([*MAP_COLUMNS, *names, *BOX_COLUMNS])
    for image, record, panel in panels_of(report):
        found = panel.faithfulness
        yield _csv_row(
            [
                harmless(image.name),
                harmless(record.target.name),
                harmless(panel.method),
                harmless(panel.layer),
                panel.state.value,
                finite(panel.peak),
                _codes((*image.cautions, *record.cautions, *panel.cautions)),
                *(_number(measure.of(found)) if found else "" for measure in MEASURES),
                *_box_cells(panel.localisation),
            ]
        )


def _codes(cautions: Iterable[Caution]) -> str:
    return harmless(" ".join(dict.fromkeys(caution.code for caution in cautions)))


def _box_cells(found: Localisation | None) -> Sequence[object]:
    """Return the numbers about boxes in the order of `BOX_COLUMNS`."""
    if found is None:
        return [""] * len(BOX_COLUMNS)
    answers = (found.gt_known, found.loc1, found.loc5)
    return [
        _answer(found.hit),
        finite(found.energy),
        finite(found.iou),
        *(_answer(answer) for answer in answers),
    ]


def _number(value: float | None) -> object:
    if value is None or isinstance(value, bool):
        return _answer(value)
    return finite(value)


def _answer(value: bool | None) -> str:  # noqa: FBT001 - the value itself, not a switch
    return "" if value is None else str(value).lower()


def harmless(text: str) -> str:
    """Return ``text`` with a leading ``'`` where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _csv_row(cells: Sequence[object]) -> str:
    # With this terminator both of its characters are quoted where a cell holds them.
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


FORMATS: tuple[OutputFormat, ...] = (
    OutputFormat("index.html", "this page", html_page),
    OutputFormat("report.json", "everything but the pictures", json_record),
    OutputFormat("predictions.csv", "one row per image", csv_table),
    OutputFormat(
        "metrics.csv",
        "one row per map",
        metrics_table,
        lambda report: is_measured(report) or is_localised(report),
    ),
)


def _written(report: Report) -> tuple[OutputFormat, ...]:
    """Return the formats that this report has."""
    return tuple(item for item in FORMATS if item.written_when(report))


def render(report: Report, folder: Path, *, template_dir: Path | None = None) -> tuple[str, ...]:
    r"""Write every format that ``report`` has into ``folder`` and return the file names.

    The folder has to exist. The files are UTF-8 with ``\n`` line ends on every platform. Each one
    appears only once it is complete. Raises `TemplateError` where ``template_dir`` is not a folder
    or a template fails, and `OSError` where ``folder`` cannot be written.
    """
    options = RenderOptions(template_dir)
    formats = _written(report)
    for item in formats:
        _write(folder / item.filename, item.write(report, options))
    return tuple(item.filename for item in formats)


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Write ``pieces`` beside ``path`` first, so that a failure leaves no half of a file."""
    part = path.with_name(f"{path.name}.part")
    try:
        # A lone surrogate has no UTF-8 form; written as \udc80 it stays readable, and valid JSON.
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.writelines(pieces)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
