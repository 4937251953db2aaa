"""The files of a report, one function each.

To add an output format: write a function that yields its text and add one line to `FORMATS`.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from reportgen.language import N_
from reportgen.render.evidence import MEASURES, is_localised, is_measured, panels_of
from reportgen.render.links import INDEX
from reportgen.render.pages import (
    DEFAULTS,
    every_page,
    folder_pages,
    image_pages,
    is_folder,
    page_links,
    single_page,
)
from reportgen.render.records import finite, report_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from reportgen.render.pages import RenderOptions, Wanted
    from reportgen.values import Caution, ImageRecord, Localisation, Report

FIXED_COLUMNS = ("file", "status", "reason", "true_class", "right")
"""Columns of every ``predictions.csv``, before three for each of the first choices."""
MAP_COLUMNS = ("file", "target", "method", "layer", "state", "peak", "warnings")
"""Columns of ``metrics.csv`` that say which map it is, before the numbers about it."""
BOX_COLUMNS = ("pointing", "energy", "iou", "gt_known", "loc1", "loc5")


def _always(_report: Report) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """One file of the report."""

    filename: str
    """Its name in the report's folder."""
    label: str
    """What it is, as the page says it; in English."""
    write: Callable[[Report, RenderOptions], Iterable[str]]
    r"""Yields its text piece by piece, with ``\n`` at line ends."""
    written_when: Callable[[Report], bool] = _always
    """Whether a given report has this file at all."""


def html_page(report: Report, options: RenderOptions) -> Iterator[str]:
    """Yield the page as a single file; `render` writes several where that is the form.

    Raises `TemplateError` where a template is missing or fails.
    """
    return single_page(report, options, _others(report))


def json_record(report: Report, _options: RenderOptions) -> Iterator[str]:
    """Yield the report as strict JSON, without pictures; see ``report.schema.json``."""
    yield from _indented(report_record(report), "\n")
    yield "\n"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _indented(value: object, line: str) -> Iterator[str]:
    """Yield ``value`` as JSON, indented by two, with lists of numbers on one line each.

    The weights of hundreds of channels would otherwise be most of the file in spaces.
    """
    if isinstance(value, dict) and value:
        pairs = [(f"{_plain(name)}: ", item) for name, item in value.items()]
        yield from _nested("{", pairs, "}", line)
    elif isinstance(value, Iterator):  # images: too many to be held, and to be taken apart here
        yield from _lines(value, line)
    elif isinstance(value, list) and any(isinstance(item, str | dict | list) for item in value):
        yield from _nested("[", [("", item) for item in value], "]", line)
    else:
        yield _plain(value)


def _nested(start: str, items: Iterable[tuple[str, object]], end: str, line: str) -> Iterator[str]:
    """Yield every item on a line of its own after its label, between ``start`` and ``end``."""
    inner = f"{line}  "
    yield start
    number = 0
    for number, (label, item) in enumerate(items, 1):
        yield f"{',' if number > 1 else ''}{inner}{label}"
        yield from _indented(item, inner)
    yield f"{line}{end}" if number else end


def _lines(items: Iterator[object], line: str) -> Iterator[str]:
    """Yield every item as JSON on one line of its own."""
    inner = f"{line}  "
    start = "["
    for item in items:
        yield f"{start}{inner}{_plain(item)}"
        start = ","
    yield "[]" if start == "[" else f"{line}]"


def _plain(value: object) -> str:
    return _ENCODER.encode(value)


def csv_table(report: Report, _options: RenderOptions) -> Iterator[str]:
    """Yield one row for every image, first those that were done, then those that failed."""
    columns = min(report.run.top_k, report.run.model.classes)
    if report.images:
        columns = max(columns, len(report.images[0].predictions))
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
    OutputFormat(INDEX, N_("this page"), html_page),
    OutputFormat("report.json", N_("everything but the pictures"), json_record),
    OutputFormat("predictions.csv", N_("one row per image"), csv_table),
    OutputFormat(
        "metrics.csv",
        N_("one row per map"),
        metrics_table,
        lambda report: is_measured(report) or is_localised(report),
    ),
)


def _written(report: Report) -> tuple[OutputFormat, ...]:
    """Return the formats that this report has."""
    return tuple(item for item in FORMATS if item.written_when(report))


def _others(report: Report) -> tuple[OutputFormat, ...]:
    """Return the files that a page names as standing beside it."""
    return tuple(item for item in _written(report) if item.write is not html_page)


def render(
    report: Report,
    folder: Path,
    options: RenderOptions = DEFAULTS,
    digests: dict[str, str] | None = None,
    wanted: Wanted = every_page,
) -> tuple[str, ...]:
    r"""Write every format that ``report`` has into ``folder`` and return the file names.

    The folder has to exist. The files are UTF-8 with ``\n`` line ends on every platform. Each one
    appears only once it is complete. Where the form is a folder, the names are those of the pages
    too, but not those in the folder ``assets``; ``digests`` is given name and SHA-256 of those that
    are named by it. Pages of images come last; those that are not ``wanted`` when it is their turn
    are left to `render_pages`.

    Raises `TemplateError` where ``template_dir`` is not a folder or a template fails, and `OSError`
    where ``folder`` cannot be written.
    """
    names: list[str] = []
    digests = {} if digests is None else digests
    in_pages = is_folder(len(report.images), options)
    for item in _others(report) if in_pages else _written(report):
        _write(folder / item.filename, item.write(report, options))
        names.append(item.filename)
    if in_pages:
        pages = folder_pages(report, folder, options, _others(report), digests, wanted)
        names.extend(_write_pages(pages, folder))
    return tuple(names)


def render_pages(
    report: Report,
    folder: Path,
    options: RenderOptions,
    wanted: Wanted,
    digests: dict[str, str],
) -> None:
    """Write the pages of images that are ``wanted`` alone, of a report that is a folder.

    Raises as `render` does.
    """
    pages = image_pages(report, folder, options, _others(report), digests, wanted)
    deque(_write_pages(pages, folder), maxlen=0)


def _write_pages(pages: Iterator[tuple[str, Iterator[str]]], folder: Path) -> Iterator[str]:
    """Write one page after the other and yield their names."""
    for name, pieces in pages:
        _write(folder / name, pieces)
        yield name


def expected_files(images: int, options: RenderOptions) -> tuple[str, ...]:
    """Return the names of files that a report of so many images may have, as far as they are known.

    What lies in the folder ``assets`` is named by its content.
    """
    names = tuple(item.filename for item in FORMATS)
    if not is_folder(images, options):
        return names
    return (*names, *(page.href for page in page_links(images, options.page_size)))


MAIL_LIMIT = 18_000_000
"""Bytes of a single file from which on mail is likely to refuse it: servers take about 25 MB, and
an attachment grows by a third."""


def size_warning(page: Path) -> str | None:
    """Return what to say of a single file too large to be sent by mail; otherwise None."""
    size = page.stat().st_size
    if size <= MAIL_LIMIT:
        return None
    return (
        f"{page.name} has {size / 1e6:.1f} MB, and most mail servers will refuse it. Other ways: "
        "--compact, --folder, --zip FILE, --pdf FILE."
    )


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
