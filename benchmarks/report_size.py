"""How large a report is and how fast it opens: ``python benchmarks/report_size.py``.

Explains the pictures of ``images/``, cut to 224×224, with the embedded network, and takes the bytes
per image of every form. Then makes reports of 1,000 and 10,000 images by repeating what was found,
each picture with bytes of its own, and opens them from disk in Chromium. Prints Markdown tables;
times are medians.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

import tables
from reportgen.options import BuildOptions
from reportgen.pdf import find_browser
from reportgen.pipeline import build
from reportgen.progress import Silent
from reportgen.render import RenderOptions, render
from reportgen.render.links import INDEX, page_name
from reportgen.store import read_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

    from reportgen.render.pages import Form
    from reportgen.values import ImageRecord, Picture, Report

IMAGES = Path(__file__).resolve().parent.parent / "images"
SIDE = 224
SAMPLE = 40
"""Images over which the bytes of one are averaged."""
SINGLE = 100
"""Images of the single file that is opened."""
LIMITS = {False: 60_000, True: 24_000}
"""Bytes of a single file per image at most, and of a compact one."""

LOAD, NODES, BLOCKED, KEYSTROKE = 1_000, 3_000, 100, 100
"""Goals: milliseconds to the load event, elements, milliseconds blocked, and per keystroke."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) longTasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
window.answers = [];
addEventListener("keydown", ({ timeStamp }) => {
  const answer = { start: timeStamp, changed: 0, painted: 0 };
  answers.push(answer);
  requestAnimationFrame(() => setTimeout(() => { answer.painted = performance.now(); }));
}, true);
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  if (answers.length) answers.at(-1).changed = performance.now();
}).observe(document.body, { subtree: true, childList: true, characterData: true }));
"""
"""Notes what blocks the page, and when a key is answered: at the last change or the next frame."""

READ = """() => ({
  load: performance.getEntriesByType("navigation")[0].loadEventEnd,
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
  blocked: longTasks.reduce((sum, time) => sum + Math.max(0, time - 50), 0),
  nodes: document.querySelectorAll("*").length,
})"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One page opened from disk several times; medians, times in milliseconds."""

    load: float
    paint: float
    blocked: float
    nodes: float
    keystroke: float | None
    """None where the page has no search."""


def explained(work: Path, *, compact: bool) -> Report:
    """Return what a run over `IMAGES` found out."""
    output = work / f"run-{compact}"
    build(BuildOptions(images=_cut(work / "images"), output=output, compact=compact), Silent())
    return read_run(output)


def _cut(folder: Path) -> Path:
    """Fill ``folder`` with the middle of every picture of `IMAGES`, `SIDE` pixels square."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in IMAGES.glob("*.jpg"):
        with Image.open(path) as image:
            ImageOps.fit(image, (SIDE, SIDE)).save(folder / path.name, quality=90)
    return folder


def many(report: Report, number: int) -> Report:
    """Return ``report`` with so many images, of which no two have a picture in common."""
    return replace(report, images=tuple(islice(_varied(report), number)))


def _varied(report: Report) -> Iterator[ImageRecord]:
    chance = random.Random(0)  # noqa: S311 - made-up probabilities
    number = 0
    while True:
        for image in report.images:
            number += 1
            first, *others = image.predictions
            first = replace(first, probability=chance.random())
            yield replace(
                _marked(image, number.to_bytes(4, "big")),
                name=f"group {number % 12}/{Path(image.name).stem} {number:05}.jpg",
                sha256=f"{number:064x}",
                predictions=(first, *others),
            )


def _marked(image: ImageRecord, mark: bytes) -> ImageRecord:
    """Return ``image`` with ``mark`` after the end of every picture, where decoders do not look."""

    def marked(picture: Picture | None) -> Picture | None:
        return picture and replace(picture, data=picture.data + mark)

    targets = tuple(
        replace(
            target,
            panels=tuple(
                replace(
                    panel,
                    grey=marked(panel.grey),
                    overlay=marked(panel.overlay),
                )
                for panel in target.panels
            ),
        )
        for target in image.targets
    )
    photo = replace(image.photo, data=image.photo.data + mark)
    return replace(image, photo=photo, view=marked(image.view), targets=targets)


def written(report: Report, folder: Path, options: RenderOptions) -> float:
    """Render into a new ``folder`` and return the seconds that it took."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    render(report, folder, options)
    return time.perf_counter() - started


def page_bytes(folder: Path) -> int:
    """Return the bytes of everything that a reader's browser may load."""
    kinds = {".html", ".js", ".css", ".jpg", ".png", ".svg"}
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in kinds)


def print_sizes(work: Path) -> None:
    """Print the bytes per image of every form."""
    print("| form | bytes per image | of which markup | goal |\n|---|--:|--:|--:|")
    for compact in (False, True):
        report = explained(work, compact=compact)
        forms: tuple[Form, ...] = ("single", "folder")
        for form in forms:
            options = RenderOptions(form=form)
            sizes, markup = [], []
            for number in (0, SAMPLE):
                folder = work / "size"
                written(many(report, number), folder, options)
                sizes.append(page_bytes(folder))
                pages = [path.read_text("utf-8") for path in folder.glob("*.html")]
                markup.append(sum(len(re.sub("base64,[^\"']*", "", page)) for page in pages))
            size, tags = ((found[1] - found[0]) / SAMPLE for found in (sizes, markup))
            limit = f"{LIMITS[compact]:,}" if form == "single" else ""
            name = f"{form}{', compact' if compact else ''}"
            print(f"| {name} | {size:,.0f} | {tags:,.0f} | {limit} |")


def opened(browser: Browser, path: Path, runs: int) -> Opened:
    """Open ``path`` from disk so many times, each in a new context."""
    found: list[dict[str, float]] = []
    strokes: list[float] = []
    for _ in range(runs):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_timeout(500)  # what comes after the load event may block too
        found.append(page.evaluate(READ))
        box = page.locator("input[type=search]:visible")
        if box.count():
            box.first.focus()
            for key in ("c", "a", "t", "Backspace", "Backspace", "Backspace"):
                page.keyboard.press(key)
                page.wait_for_timeout(300)
            answers: list[dict[str, float]] = page.evaluate("answers")
            strokes += [max(it["changed"], it["painted"]) - it["start"] for it in answers]
        context.close()
    medians = {name: statistics.median(run[name] for run in found) for name in found[0]}
    return Opened(**medians, keystroke=statistics.median(strokes) if strokes else None)


def print_times(work: Path, numbers: Sequence[int], runs: int) -> None:
    """Print how fast reports of so many images open."""
    executable = find_browser()
    if executable is None:
        raise SystemExit("no Chromium found; give its path in REPORTGEN_CHROMIUM")
    report = explained(work, compact=False)
    pages: list[tuple[str, Path]] = []
    for number in (SINGLE, *numbers):
        form: Form = "single" if number == SINGLE else "folder"
        folder = work / f"{form}-{number}"
        seconds = written(many(report, number), folder, RenderOptions(form=form))
        name = f"{number:,} images"
        print(f"- {name} as {form}: rendered in {seconds:.1f} s, {page_bytes(folder):,} bytes")
        if form == "single":
            pages.append((f"{name}, single file", folder / INDEX))
        else:
            pages += [
                (f"{name}, index", folder / INDEX),
                (f"{name}, first page", folder / page_name(1)),
            ]
    print()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        load = f"load average {os.getloadavg()[0]:.1f}"  # on a busy machine the times mean little
        cores = f"{os.cpu_count()} cores"
        print(f"Chromium {browser.version}, {cores}, {load}, median of {runs} runs\n")
        heads = ("page from disk", "load ms", "first paint ms", "blocked ms", "elements", "key ms")
        print(f"| {' | '.join(heads)} |\n|---|{'--:|' * (len(heads) - 1)}")
        print(f"| *goal for an index* | {LOAD} | | {BLOCKED} | {NODES} | {KEYSTROKE} |")
        for name, path in pages:
            print(_row(name, opened(browser, path, runs)))
        browser.close()


def _row(name: str, found: Opened) -> str:
    keystroke = "" if found.keystroke is None else f"{found.keystroke:.0f}"
    numbers: tuple[Any, ...] = (found.load, found.paint, found.blocked, found.nodes)
    return f"| {name} | {' | '.join(f'{number:.0f}' for number in numbers)} | {keystroke} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the reports; otherwise deleted")
    tables.add_update_option(parser)
    arguments = parser.parse_args()
    with tables.published("report_size", arguments.update), tempfile.TemporaryDirectory() as folder:
        work = arguments.keep or Path(folder)
        print_sizes(work)
        print()
        print_times(work, arguments.images, arguments.runs)


if __name__ == "__main__":
    main()
