"""Fixtures: reports made by hand, and one Chromium for the whole session."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sample import (
    everything_report,
    full_report,
    hostile_report,
    measured_report,
    report,
    untrained,
)

from reportgen import language
from reportgen.comparing import compare_runs
from reportgen.render import RenderOptions, render
from reportgen.render.comparison import render as render_comparison
from reportgen.store import RunReader, write_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Dialog, Page

    from reportgen.values import Comparison, Report

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def sample() -> Report:
    return report()


@pytest.fixture
def sample_untrained() -> Report:
    return untrained(report())


@pytest.fixture
def full() -> Report:
    return full_report()


@pytest.fixture
def measured() -> Report:
    return measured_report()


@pytest.fixture
def hostile() -> Report:
    return hostile_report()


@pytest.fixture
def chinese() -> Iterator[None]:
    """Let every text of the test be in Chinese."""
    language.activate("zh")
    yield
    language.activate("en")


@pytest.fixture(scope="session")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    render(report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    render(full_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def measured_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    render(measured_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    render(hostile_report(), folder)
    return folder / "index.html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("REPORTGEN_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM_NAMES)), None
    )
    if found is None:
        message = (
            f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} on PATH; see REPORTGEN_CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(
    tmp_path_factory: pytest.TempPathFactory,
    sample_page: Path,
    full_page: Path,
) -> dict[str, Path]:
    """Return one page of every kind that there is, by name; few images show what many would."""
    names = ("folder", "measured-few", "hostile-few", "all", "all-paged", "comparison")
    folder, measured, hostile, single, paged, comparison = map(tmp_path_factory.mktemp, names)
    render(full_report(), folder, RenderOptions(form="folder", page_size=2))
    everything = everything_report()
    everything = replace(everything, images=everything.images[:2])
    render(everything, single)
    render(everything, paged, RenderOptions(form="folder", page_size=1))
    for of, images, to in ((measured_report(), 2, measured), (hostile_report(), 1, hostile)):
        render(replace(of, images=of.images[:images]), to)
    render_comparison(_comparison(tmp_path_factory.mktemp("runs")), comparison)
    return {
        "plain": sample_page,
        "full": full_page,
        "measured": measured / "index.html",
        "hostile": hostile / "index.html",
        "everything": single / "index.html",
        "everything paged": paged / "page-1.html",
        "index": folder / "index.html",
        "paged": folder / "page-1.html",
        "comparison": comparison / "index.html",
    }


def _comparison(folder: Path) -> Comparison:
    """Return two runs compared, of which the second has other first choices."""
    first = full_report()
    second = replace(
        first,
        run=replace(first.run, model=replace(first.run.model, name="resnet18")),
        images=tuple(
            replace(image, predictions=(*image.predictions[1:], image.predictions[0]))
            for image in first.images
        ),
    )
    with ExitStack() as stack:
        readers = []
        for number, of in enumerate((first, second)):
            path = folder / f"{number}.sqlite"
            write_run(of, path)
            readers.append(stack.enter_context(RunReader(path)))
        return compare_runs(readers)


WEB = Path(__file__).parent.parent / "web"


@pytest.fixture(scope="session")
def web_tools() -> Path:
    """Return the folder with the tools for pages, which `make test` installs by npm."""
    modules = WEB / "node_modules"
    if shutil.which("node") is None or not (modules / ".installed").is_file():
        message = f"no node, or no tools in {modules}: `make test` installs them where npm is"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return modules


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file; at the end, nothing was fetched, logged or asked on the way.

    Where a report has files ``beside`` its page, those of its folder are its own.
    """
    contexts = []
    troubles: list[str] = []
    files: list[str] = []
    folders: list[str] = []

    def open_page(
        path: Path,
        *,
        width: int = 1440,
        anchor: str = "",
        beside: bool = False,
        **options: Any,  # noqa: ANN401
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        files.append(path.as_uri())
        folders.extend([f"{path.parent.as_uri()}/"] if beside else [])
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", refuse)
        page.on("request", lambda request: troubles.extend(foreign(request.url)))
        page.goto(path.as_uri() + anchor)
        return page

    def refuse(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def foreign(url: str) -> list[str]:
        own = url.startswith(("data:", *folders)) or url.partition("#")[0] in files
        return [] if own else [f"request: {url}"]

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
