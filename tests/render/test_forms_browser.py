"""A folder of pages in a real Chromium: from disk, moved, without scripts, strictly served."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from sample import full_report, image, report

from reportgen.render import RenderOptions, render
from reportgen.render.pages import folder_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from reportgen.values import Report

PAIRS = RenderOptions(form="folder", page_size=2)

STRICT = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"
"""What build servers and learning platforms send with the reports of others."""


class Strict(SimpleHTTPRequestHandler):
    """Serves a folder with the strict header, and notes what was asked for."""

    answers: list[tuple[str, int]]

    def __init__(self, *arguments: Any, answers: list[tuple[str, int]], **named: Any) -> None:  # noqa: ANN401
        self.answers = answers
        super().__init__(*arguments, **named)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", STRICT)
        super().end_headers()

    def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
        self.answers.append((self.path, int(code)))


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Give the address of ``folder`` and the list of answers, both of this machine alone."""
    answers: list[tuple[str, int]] = []
    handler = partial(Strict, directory=str(folder), answers=answers)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answers
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the sample and the full report, each as a folder."""
    found = {}
    for name, made in (("sample", report()), ("full", full_report())):
        found[name] = tmp_path_factory.mktemp(f"folder-{name}")
        render(made, found[name], PAIRS)
    return found


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open addresses, each in a context of its own; nothing may go wrong in any of them."""
    contexts = []
    troubles: list[str] = []

    def open_page(address: str, *, quiet: bool = False, **options: Any) -> Page:  # noqa: ANN401
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        if not quiet:
            page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def load_all(page: Page) -> list[str]:
    """Load every picture that is to come later; return the addresses of those that did not."""
    found: list[str] = page.evaluate(
        """async () => {
          for (const part of document.querySelectorAll("details")) part.open = true;
          const pictures = [...document.images].filter((item) => !item.hidden);
          for (const item of pictures) item.loading = "eager";
          await Promise.all(pictures.map((item) => item.decode().catch(() => {})));
          return pictures.filter((item) => !item.naturalWidth).map((item) => item.src);
        }"""
    )
    return found


def pixels(page: Page, selector: str) -> np.ndarray[Any, Any]:
    """Return what a part of the page looks like, ``(height, width, 3)``."""
    data = page.locator(selector).first.screenshot()
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)


def is_coloured(found: np.ndarray[Any, Any]) -> bool:
    """Return whether a map has the colours of the sample's ``turbo``: red up, green down."""
    inner = found[4:-4, 4:-4]
    on_line = np.abs(inner[..., 0] + inner[..., 1] - 255) <= 24
    return bool(on_line.mean() > 0.95 and np.ptp(inner[..., 0]) > 60)


PAGES = ("index.html", "page-1.html", "page-2.html")


@pytest.mark.parametrize("name", [pytest.param("sample", marks=pytest.mark.slow), "full"])
@pytest.mark.parametrize("file", PAGES)
def test_from_disk(
    name: str, file: str, folders: dict[str, Path], look: Callable[..., Page]
) -> None:
    page = look((folders[name] / file).as_uri())
    assert load_all(page) == []
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    assert page.evaluate("document.getElementById('palettes').naturalWidth") == 256
    if file != "index.html":
        assert is_coloured(pixels(page, "figure.panel svg.alone"))


def test_pixels_come_on_demand_from_disk(
    folders: dict[str, Path], look: Callable[..., Page]
) -> None:
    page = look((folders["full"] / "page-2.html").as_uri())
    assert page.evaluate("typeof window.reportgenPictures") == "undefined"
    unread = page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.src = document.body.dataset.pictures;
          await new Promise((done, failed) => {
            script.onload = done;
            script.onerror = failed;
            document.head.append(script);
          });
          const canvas = document.createElement("canvas");
          const pen = canvas.getContext("2d", { willReadFrequently: true });
          const unread = [];
          for (const map of document.querySelectorAll("image[id^=map], image[id^=photo]")) {
            const picture = new Image();
            picture.src = window.reportgenPictures[map.getAttribute("href")];
            await picture.decode();
            pen.drawImage(picture, 0, 0);
            pen.getImageData(0, 0, 1, 1);
            if (!picture.naturalWidth) unread.push(map.id);
          }
          return unread;
        }"""
    )
    assert unread == []


NAMED = """<script src="assets/evil.js"></script><svg><script href="assets/evil.js"></script></svg>
<script type="module" src="assets/evil.js"></script><body data-pictures="assets/evil.js">
<script>ran("inline")</script><img src="" onerror="ran('on')">
<a id="lead" href="javascript:ran('link')">x</a><iframe src="assets/evil.html"></iframe>"""
"""Markup that would run something, were there no policy."""


@pytest.mark.parametrize("file", ["index.html", "page-1.html"])
@pytest.mark.parametrize("policy", [True, False])
def test_a_script_file_that_the_markup_names_does_not_run(
    file: str, folders: dict[str, Path], tmp_path: Path, browser: Browser, *, policy: bool
) -> None:
    folder = tmp_path / "report"
    shutil.copytree(folders["full"], folder)
    (folder / "assets/evil.js").write_text('ran("file")')
    (folder / "assets/evil.html").write_text('<script>parent.ran("frame")</script>')
    text = (folder / file).read_text(encoding="utf-8").replace("<main", f"{NAMED}<main", 1)
    if not policy:
        text = re.sub(r"<meta http-equiv[^>]*>", "", text)
    (folder / file).write_text(text, encoding="utf-8")
    ran: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.expose_function("ran", lambda what: ran.append(what))  # noqa: PLW0108 - not of C
        page.goto((folder / file).as_uri())
        page.locator("#lead").click()
        assert page.get_by_label("Filter by file or class").is_visible(), "its own scripts run"
    assert (ran == []) if policy else ({"file", "inline", "on", "link"} <= set(ran))


def test_going_through_a_folder(folders: dict[str, Path], look: Callable[..., Page]) -> None:
    page = look((folders["sample"] / "index.html").as_uri())
    page.locator("#images").get_by_role("link", name="3", exact=True).click()
    assert page.url.endswith("/page-2.html")
    page.locator("#image-3").get_by_role("link", name="Previous").click()
    assert page.url.endswith("/page-1.html#image-2")
    page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link").last.click()
    assert page.url.endswith("/page-2.html")
    page.get_by_role("link", name=report().title).click()
    assert page.url.endswith("/index.html")


def test_moved_and_renamed(
    folders: dict[str, Path], tmp_path: Path, look: Callable[..., Page]
) -> None:
    moved = tmp_path / "wo anders" / "50% größer #2"
    shutil.copytree(folders["full"], moved)
    for file in PAGES:
        page = look((moved / file).as_uri())
        assert load_all(page) == []
    assert is_coloured(pixels(page, "figure.panel svg.alone"))


def test_a_single_file_moved_and_renamed(tmp_path: Path, look: Callable[..., Page]) -> None:
    render(full_report(), tmp_path)
    moved = tmp_path / "an#other"
    moved.mkdir()
    single = moved / "abgabe 1.html"
    (tmp_path / "index.html").rename(single)
    page = look(single.as_uri())
    assert load_all(page) == []
    assert is_coloured(pixels(page, "figure.panel svg.alone"))
    page.locator("#image-2").get_by_role("link", name="Next").click()
    assert page.url == f"{single.as_uri()}#image-3"


def test_without_scripts(folders: dict[str, Path], look: Callable[..., Page]) -> None:
    index = look((folders["full"] / "index.html").as_uri(), java_script_enabled=False)
    assert index.locator("#images a").evaluate_all(
        "all => all.map((item) => item.getAttribute('href'))"
    ) == ["page-1.html", "page-2.html"]
    page = look((folders["full"] / "page-2.html").as_uri(), java_script_enabled=False)
    assert page.locator("#predictions tbody tr:visible").count() == 2
    assert "dogs/tall.png" in page.locator("#predictions").inner_text()
    assert page.locator("article.image:visible").count() == 2


@pytest.mark.parametrize("name", [pytest.param("sample", marks=pytest.mark.slow), "full"])
@pytest.mark.parametrize("file", PAGES)
def test_under_the_strict_header(
    name: str, file: str, folders: dict[str, Path], look: Callable[..., Page]
) -> None:
    with served(folders[name]) as (address, answers):
        page = look(f"{address}/{file}", quiet=True)  # it says what it blocks, and that is much
        assert load_all(page) == []
        assert {code for _, code in answers} == {200}
        assert not any(path.endswith(".js") for path, _ in answers)
        style = "getComputedStyle(document.querySelector('.skip')).position"
        assert page.evaluate(style) == "absolute"
        assert page.evaluate("document.documentElement.scrollWidth") <= 1440
        if file == "index.html":
            assert page.locator("#images a:visible").count() == 2
            return
        assert page.locator("#predictions tbody tr:visible").count() >= 1
        asked = {path.removeprefix("/") for path, _ in answers}
        laid = page.locator("svg image").evaluate_all(
            "all => all.map((item) => item.getAttribute('href'))"
        )
        assert len(laid) > 5
        assert set(laid) <= asked
        assert is_coloured(pixels(page, "figure.panel svg.alone"))
        widths = page.locator(".panel .pair > *").evaluate_all(
            "all => all.map((item) => item.getBoundingClientRect().width)"
        )
        assert min(widths) > 60
        bars = page.locator("svg.bar path").first.bounding_box()
        assert bars is not None
        assert bars["width"] > 5


def test_index_of_ten_thousand_images_is_light(
    sample: Report, tmp_path: Path, look: Callable[..., Page]
) -> None:
    images = tuple(image(f"{number % 7}/{number:05}.png") for number in range(10))
    many = tuple(replace(images[n % 10], name=f"{n % 7}/{n:05}.png") for n in range(10_000))
    options = RenderOptions(form="folder")
    # The pages are left out: what is looked at is the index alone.
    pages = folder_pages(
        replace(sample, images=many), tmp_path, options, (), wanted=lambda _number: False
    )
    for name, pieces in pages:
        (tmp_path / name).write_text("".join(pieces), encoding="utf-8")
    assert (tmp_path / name).stat().st_size < 100_000
    page = look((tmp_path / name).as_uri())
    assert page.evaluate("document.querySelectorAll('*').length") <= 3_000
    assert page.locator("#images a").count() == 200
