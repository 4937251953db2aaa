"""Compare finished runs over the same images: predictions, maps, and what flipped.

Pictures are matched by the hash of their bytes, so it does not matter what they are called. A
picture that a run has under several names is compared once. How one picture is compared is in
`reportgen.comparer`.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

from reportgen import overlay
from reportgen.comparer import Comparer
from reportgen.errors import OptionError
from reportgen.folder import PAGE, OutputFolder
from reportgen.language import _
from reportgen.locking import locked
from reportgen.naming import slug
from reportgen.render.comparison import FILES, render
from reportgen.store import RunReader
from reportgen.values import ComparedRun, Comparison, LayerSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reportgen.store import ImageEntry
    from reportgen.values import ComparedImage, MapAgreement

DETAILS = 50
"""Pictures that are shown with their maps; all others are in the table."""

MAX_RUNS = 6
"""Runs that one page can set side by side."""


@dataclass(frozen=True, slots=True)
class ComparisonOutcome:
    """What came of a comparison."""

    page: Path
    runs: int
    images: int
    """Pictures that two or more runs have."""
    flips: int
    """Of those, the ones with different first choices."""
    alone: int
    """Pictures that one run alone has."""


def compare(
    runs: Sequence[Path],
    output: Path | None = None,
    *,
    title: str | None = None,
    template_dir: Path | None = None,
    force: bool = False,
) -> ComparisonOutcome:
    """Compare finished runs and write the page, ``comparison.json`` and ``comparison.csv``.

    Parameters
    ----------
    runs
        Folders of finished reports, or their ``run.sqlite``; two to `MAX_RUNS`.
    output
        Folder to write; by default `default_output`.
    title
        Heading of the page; by default it names the models.
    template_dir
        Folder of the user's own templates.
    force
        Whether a folder with files of somebody else's may be used.

    Raises
    ------
    UsageError
        If a run cannot be read, no picture is in two of them, or the folder cannot be used;
        nothing has been written then.
    """
    path = output or default_output(runs)
    with ExitStack() as stack:
        readers = _open(runs, stack)
        if path.resolve() in {reader.path.parent.resolve() for reader in readers}:
            raise OptionError(
                f"--output: '{path}' is one of the runs, and would be replaced. Give another name.",
            )
        stack.enter_context(locked(path))
        folder = OutputFolder(path, force=force)
        folder.check(FILES)
        found = compare_runs(readers, title=title)
        with folder.staging() as staging:
            render(found, staging, template_dir=template_dir)
            folder.commit(staging)
    return ComparisonOutcome(
        page=path / PAGE,
        runs=len(found.runs),
        images=len(found.images),
        flips=len(found.flips),
        alone=len(found.alone),
    )


def default_output(runs: Sequence[Path]) -> Path:
    """Return ``reports/compare-<run>-<run>``."""
    return Path("reports") / "-".join(["compare", *(slug(_name(run)) for run in runs)])


def _name(run: Path) -> str:
    folder = run if run.is_dir() else run.parent
    return folder.resolve().name


def _open(runs: Sequence[Path], stack: ExitStack) -> list[RunReader]:
    if not 2 <= len(runs) <= MAX_RUNS:  # noqa: PLR2004 - there is nothing to compare one with
        raise OptionError(
            f"compare: from 2 to {MAX_RUNS} runs are expected, found {len(runs)}. Give the "
            "folders of finished reports.",
        )
    return [stack.enter_context(RunReader(run)) for run in runs]


def compare_runs(readers: Sequence[RunReader], *, title: str | None = None) -> Comparison:
    """Compare finished runs.

    One image of each run is in memory at a time, beside those that are shown in detail.

    Raises
    ------
    RunFileError
        If a run is damaged.
    OptionError
        If no picture is in two of the runs.
    """
    runs = tuple(_compared_run(number, reader) for number, reader in enumerate(readers))
    matched = _matched(readers)
    shared = [entries for entries in matched if sum(map(bool, entries)) > 1]
    if not shared:
        raise OptionError(
            "compare: the runs have no picture in common; pictures are matched by their bytes. "
            "Give runs over the same images.",
        )
    comparer = Comparer(readers)
    numbers = [(comparer.image(entries, detail=False), entries) for entries in shared]
    numbers.sort(key=lambda item: _disagreement(item[0]))
    detailed = tuple(comparer.image(entries, detail=True) for _image, entries in numbers[:DETAILS])
    images = (*detailed, *(image for image, _entries in numbers[DETAILS:]))
    return Comparison(
        title=title or _default_title(runs),
        runs=runs,
        images=images,
        details=len(detailed),
        layers=tuple(_summaries(images)),
        alone=tuple(
            (place, entries[place][0].name)
            for entries in matched
            if sum(map(bool, entries)) == 1
            for place in range(len(readers))
            if entries[place]
        ),
        changed=tuple(_changed(readers)),
        palettes=overlay.palettes(),
    )


def _compared_run(number: int, reader: RunReader) -> ComparedRun:
    report = reader.report
    return ComparedRun(
        letter=ascii_uppercase[number],
        name=_name(reader.path),
        title=report.title,
        run=report.run,
        images=len(reader),
        failures=tuple(failure.name for failure in report.failures),
        evaluation=report.evaluation,
    )


def _default_title(runs: Sequence[ComparedRun]) -> str:
    models = [item.run.model.name for item in runs]
    names = models if len(set(models)) == len(models) else [item.name for item in runs]
    return _("{runs} compared").format(runs=", ".join(names))


# -- pictures --------------------------------------------------------------------------------


def _matched(readers: Sequence[RunReader]) -> list[list[list[ImageEntry]]]:
    """Return, for every picture and every run, what the run calls it.

    Pictures are in the order of the first run, then of the second, and so on. Of several names of
    one picture, those that an earlier run has come first.
    """
    found: dict[str, list[list[ImageEntry]]] = {}
    for place, reader in enumerate(readers):
        for entry in reader.entries:
            found.setdefault(entry.sha256, [[] for _reader in readers])[place].append(entry)
    for entries in found.values():
        known: set[str] = set()
        for of_run in entries:
            of_run.sort(key=lambda entry: entry.name not in known)
            known.update(entry.name for entry in of_run)
    return list(found.values())


def _changed(readers: Sequence[RunReader]) -> Iterator[str]:
    """Yield every name that stands for different pictures in different runs."""
    contents: dict[str, set[str]] = {}
    for reader in readers:
        for entry in reader.entries:
            contents.setdefault(entry.name, set()).add(entry.sha256)
    yield from (name for name, hashes in contents.items() if len(hashes) > 1)


def _disagreement(image: ComparedImage) -> tuple[bool, bool, float]:
    """Return what images are sorted by, the largest disagreement first."""
    lowest = image.lowest if math.isfinite(image.lowest) else math.inf
    return not image.flipped, not image.one_sided, lowest


# -- over all pictures -----------------------------------------------------------------------


def _summaries(images: Sequence[ComparedImage]) -> Iterator[LayerSummary]:
    """Yield the means of every method and place of every two runs, over targets in common."""
    found: dict[tuple[str, int, int, str, str], list[MapAgreement]] = {}
    for image in images:
        for row in (row for target in image.targets if target.same for row in target.rows):
            for item in row.agreements:
                one, other = row.maps[item.first], row.maps[item.second]
                if one and other:
                    key = (row.method, item.first, item.second, one.layer, other.layer)
                    found.setdefault(key, []).append(item)
    for (method, first, second, *layers), items in sorted(
        found.items(),
        key=lambda item: item[0][1:3],  # stays shallow to deep within two runs
    ):
        values = [item.correlation for item in items if math.isfinite(item.correlation)]
        overlaps = [item.overlap for item in items if math.isfinite(item.overlap)]
        yield LayerSummary(
            method=method,
            first=first,
            second=second,
            layers=(layers[0], layers[1]),
            maps=len(items),
            one_sided=sum(item.one_sided for item in items),
            correlation=_mean(values),
            correlated=len(values),
            lowest=min(values, default=math.nan),
            overlap=_mean(overlaps),
        )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
