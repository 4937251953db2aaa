"""What every page owes its reader: valid, self-sufficient, small, still where asked to be."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

MAX_CODE = 61_440
"""Bytes that style and script of a page may have together."""

PAGES = [
    "plain",
    "full",
    "measured",
    "hostile",
    "everything",
    "everything paged",
    "index",
    "paged",
    "comparison",
]

FETCHING = {
    *(("img", name) for name in ("src", "srcset")),
    *(("source", name) for name in ("src", "srcset")),
    *((tag, "src") for tag in ("script", "iframe", "embed", "audio", "video", "track", "input")),
    *((tag, name) for tag in ("image", "use", "feimage") for name in ("href", "xlink:href")),
    ("link", "href"),
    ("object", "data"),
    ("video", "poster"),
    ("body", "background"),
    ("form", "action"),
}
"""Attributes for which a browser asks for a file; a plain link is followed by the reader alone."""

STYLE_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]*)|@import\s+["']?([^"';\s]*)""", re.IGNORECASE)


class Parts(HTMLParser):
    """The code of a page, and what it makes a browser ask for."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.addresses: list[str] = []
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self._into: list[str] | None = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            if (tag, name) in FETCHING:
                self.addresses += re.split(r",\s+", value) if name == "srcset" else [value]
        self.addresses += in_style(given.get("style", ""))
        self._into = None
        if tag == "style":
            self._into = self.styles
        elif tag == "script" and given.get("type", "") in {"", "text/javascript", "module"}:
            self._into = self.scripts

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)
            self.addresses += in_style(data) if self._into is self.styles else []


def in_style(text: str) -> list[str]:
    """Return the addresses in a style sheet."""
    return [first or second for first, second in STYLE_ADDRESS.findall(text)]


@pytest.fixture(scope="module")
def validation(
    web_tools: Path, pages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """Return what html-validate finds, by page."""
    tools = web_tools / "html-validate/bin/html-validate.mjs"
    config = web_tools.parent / "htmlvalidate.cjs"
    # Through a pipe, a long result would be cut off.
    file = tmp_path_factory.mktemp("validation") / "found.json"
    subprocess.run(
        ["node", tools, "--config", config, "--formatter", f"json={file}", *pages.values()],  # noqa: S607
        check=False,
    )
    found: dict[str, list[str]] = {str(path): [] for path in pages.values()}
    for result in json.loads(file.read_text(encoding="utf-8")):
        found[result["filePath"]] = [
            f"{item['ruleId']}: {item['message']}: {item.get('selector')}, line {item['line']}"
            for item in result["messages"]
        ]
    return {name: found[str(path)] for name, path in pages.items()}


@pytest.mark.parametrize("name", PAGES)
def test_the_markup_is_valid(name: str, validation: dict[str, list[str]]) -> None:
    assert validation[name] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_asked_of_any_server(name: str, pages: dict[str, Path]) -> None:
    page = pages[name]
    parts = Parts(page)
    assert parts.addresses
    for address in parts.addresses:
        if not address.startswith(("data:", "#")):
            file = page.parent / address.partition("#")[0].partition("?")[0]
            assert ":" not in address
            assert file.is_file()
            if file.suffix == ".css":
                assert all(item.startswith("#") for item in in_style(file.read_text("utf-8")))


def test_whatever_a_browser_asks_for_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        """<link rel=icon href=a><img src=b srcset="c 1x, d 2x"><svg><image href=e />
        <use xlink:href=f /></svg><p style="background: url('g')"><script src=h></script>
        <style>@import "i"; p { background: url(j) }</style><a href=k xmlns=l>http://m</a>"""
    )
    assert "".join(Parts(tmp_path / "page.html").addresses) == "abc 1xd 2xefghij"


@pytest.mark.parametrize("name", PAGES)
def test_there_are_no_web_fonts(name: str, pages: dict[str, Path]) -> None:
    assert "@font-face" not in code_of(pages[name]).casefold()


@pytest.mark.parametrize("name", PAGES)
def test_style_and_script_are_small(name: str, pages: dict[str, Path]) -> None:
    code = code_of(pages[name])
    assert "{" in code
    assert len(code.encode()) <= MAX_CODE


def code_of(page: Path) -> str:
    """Return style and script of a page, in it and beside it, without the data beside it."""
    parts = Parts(page)
    files = [page.parent / item for item in parts.addresses if item.endswith((".css", ".js"))]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    # A file of data is JSON in one call; scripts have functions.
    code = [text for file, text in texts.items() if file.suffix == ".css" or "=>" in text]
    return "".join([*parts.styles, *parts.scripts, *code])


@pytest.mark.browser
@pytest.mark.parametrize(
    "name",
    # "everything" has the styles of all others.
    [pytest.param(it, marks=() if it == "everything" else pytest.mark.slow) for it in PAGES],
)
def test_nothing_moves_where_the_reader_asks_for_less(
    name: str, pages: dict[str, Path], browser: Browser
) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
      const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
      const still = transitionDuration.split(",").every((time) => parseFloat(time) < 0.01);
      return !still || animationName !== "none" || scrollBehavior === "smooth";
    }).map((element) => element.outerHTML.slice(0, 100))"""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(pages[name].as_uri())
    assert page.evaluate(moving) == []
    context.close()
