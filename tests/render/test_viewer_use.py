"""The viewer by keyboard, pointer, touch and address, and what it hands to the reader."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from sample import HOSTILE, hostile_report
from viewer_pages import BOX, SIZES, Viewer, apart, known_report, levels, raw_map, view

from reportgen.methods import METHODS
from reportgen.render import RenderOptions, render
from reportgen.render.bibliography import BIBTEX, reference
from reportgen.render.filters import significant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def known_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("known")
    render(known_report(), folder)
    return folder / "index.html"


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end, nothing was fetched, logged or asked on the way."""
    contexts = []
    troubles: list[str] = []

    def open_page(path: Path, fragment: str = "", **options: Any) -> Page:  # noqa: ANN401
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        own = ("data:", "blob:", path.parent.as_uri())
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: None if request.url.startswith(own) else troubles.append(request.url),
        )
        page.goto(path.as_uri() + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def fragment(page: Page) -> str:
    found: str = page.evaluate("location.hash")
    return found


def heading(viewer: Viewer) -> str:
    return viewer.dialog.get_by_role("heading").first.inner_text()


def box_of(viewer: Viewer, selector: str = ".plate") -> dict[str, float]:
    found = viewer.dialog.locator(selector).bounding_box()
    assert found is not None
    return {name: found[name] for name in ("x", "y", "width", "height")}


# -- opening and closing ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
def test_every_map_has_a_button_with_its_name(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page)
    buttons = page.locator(".panel .look")
    assert buttons.count() == 2 * 2 * len(SIZES)
    name = "Look closely at Grad-CAM for Egyptian cat at features.1"
    page.get_by_role("button", name=name, exact=True).first.click()
    viewer = Viewer(page)
    viewer.ready()
    assert heading(viewer) == "Grad-CAM for Egyptian cat at features.1"
    assert viewer.dialog.locator("header").get_by_text("cats/tabby.jpg").is_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_closing_gives_back_focus_and_fragment(
    visit: Callable[..., Page], known_page: Path
) -> None:
    page = visit(known_page, "#image-2")
    button = page.locator('[data-map="map-2-1-3"] .look')
    button.focus()
    page.keyboard.press("Enter")
    viewer = Viewer(page)
    viewer.ready()
    assert fragment(page) == "#look=map-2-1-3"
    page.keyboard.press("Escape")
    viewer.dialog.wait_for(state="hidden")
    assert fragment(page) == "#image-2"
    assert button.evaluate("it => it === document.activeElement")


@pytest.mark.slow
@pytest.mark.browser
def test_a_link_opens_the_same_map(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-2-2-4")
    viewer = Viewer(page)
    viewer.ready()
    assert heading(viewer) == "Layer-CAM for lynx at features.4"
    viewer.go("map-1-1-2")
    assert heading(viewer) == "Layer-CAM for Egyptian cat at features.2"
    page.evaluate("() => { location.hash = '#image-1'; }")
    viewer.dialog.wait_for(state="hidden")
    assert fragment(page) == "#image-1"
    name = page.evaluate("document.activeElement.ariaLabel")
    assert name == "Look closely at Layer-CAM for lynx at features.4"


@pytest.mark.slow
@pytest.mark.browser
def test_an_unknown_map_opens_nothing(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-9-9-9%")
    assert not Viewer(page).dialog.is_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_a_click_on_the_picture_opens_and_one_with_a_key_does_not(
    visit: Callable[..., Page], known_page: Path
) -> None:
    page = visit(known_page)
    link = page.locator('[data-map="map-1-1-1"] a[href$=".png"]')
    assert link.count() == 1
    page.evaluate(
        """() => document.addEventListener("click", (event) => {
          window.followed = !event.defaultPrevented;
          event.preventDefault();
        })"""
    )
    link.click(modifiers=["Control"])
    assert page.evaluate("window.followed")
    assert not Viewer(page).dialog.is_visible()
    link.click()
    assert not page.evaluate("window.followed")
    assert Viewer(page).dialog.is_visible()
    page.keyboard.press("Escape")
    page.locator('[data-map="map-1-1-3"] svg').first.click()
    assert heading(Viewer(page)) == "Layer-CAM for Egyptian cat at features.3"


# -- keys ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
def test_keys_lead_from_map_to_map(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-2-1")
    viewer = Viewer(page)
    viewer.ready()
    seen = []
    for key in (
        *("ArrowLeft", "ArrowRight", "ArrowRight", "PageDown", "PageDown", "PageUp", "PageUp"),
    ):
        page.keyboard.press(key)
        seen.append(fragment(page).removeprefix("#look=map-"))
    assert seen == ["1-2-1", "1-2-2", "1-2-3", "2-2-3", "2-2-3", "1-2-3", "1-2-3"]
    viewer.slide("Opacity", 40)
    viewer.dialog.get_by_role("slider", name="Opacity").press("ArrowRight")
    assert fragment(page) == "#look=map-1-2-3"
    assert viewer.dialog.get_by_role("slider", name="Opacity").input_value() == "41"


@pytest.mark.slow
@pytest.mark.browser
def test_keys_lead_from_cell_to_cell(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-3")
    viewer = Viewer(page)
    viewer.ready()
    source = raw_map(1, 1, 3)
    width, height = SIZES[2]
    viewer.stage.focus()
    column, row = width // 2, height // 2
    page.keyboard.press("ArrowUp")
    for key, across, down in (("ArrowUp", 0, -1), ("ArrowLeft", -1, 0), ("ArrowDown", 0, 1)):
        page.keyboard.press(key)
        column, row = column + across, row + down
    value = levels(source)[row, column] / 255 * source.peak
    share = round(100 * value / source.peak)
    assert (
        viewer.said()
        == f"Column {column + 1}, row {row + 1}: {significant(value)}, {share}% of the peak"
    )
    assert viewer.dialog.locator("output").get_attribute("aria-live") == "polite"
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert viewer.said().startswith(f"Column {width}, row {row + 1}: ")
    assert fragment(page) == "#look=map-1-1-3"


@pytest.mark.slow
@pytest.mark.browser
def test_help_closes_first(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-1")
    viewer = Viewer(page)
    viewer.ready()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    assert keys.is_visible()
    page.keyboard.press("ArrowRight")
    assert fragment(page) == "#look=map-1-1-1"
    page.keyboard.press("Escape")
    keys.wait_for(state="hidden")
    assert viewer.dialog.is_visible()
    page.keyboard.press("Escape")
    viewer.dialog.wait_for(state="hidden")


@pytest.mark.slow
@pytest.mark.browser
def test_every_control_is_reached_by_tab_and_has_a_name(
    visit: Callable[..., Page], known_page: Path
) -> None:
    page = visit(known_page, "#look=map-1-1-1")
    viewer = Viewer(page)
    viewer.ready()
    controls = viewer.dialog.locator(
        "header > :is(button), .steps > button, select, input, .stage"
    ).locator("visible=true")
    reached = set()
    for _ in range(controls.count() + 2):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
              const { activeElement: it } = document;
              const name = it.ariaLabel || it.labels?.[0]?.textContent;
              const ring = getComputedStyle(it).outlineStyle;
              return it.closest("dialog") ? `${it.tagName} ${name} ${ring}` : "";
            }"""
        )
        reached.add(name)
    reached.discard("")
    assert len(reached) == controls.count()
    assert not [name for name in reached if "undefined" in name or name.endswith("none")]


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_chosen_stays_from_map_to_map(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-2")
    viewer = Viewer(page)
    viewer.ready()
    viewer.slide("Opacity", 100)
    viewer.choose("Colours", "viridis")
    viewer.tick("True resolution")
    page.keyboard.press("Escape")
    viewer.go("map-2-1-2")
    assert len(np.unique(viewer.pixels().reshape(-1, 3), axis=0)) <= 13 * 13
    assert viewer.dialog.get_by_role("slider", name="Opacity").input_value() == "100"
    assert viewer.dialog.get_by_role("combobox", name="Colours").input_value() == "viridis"


@pytest.mark.slow
@pytest.mark.browser
def test_zoom_and_pan(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-2")
    viewer = Viewer(page)
    viewer.ready()
    before = box_of(viewer)
    page.keyboard.press("+")
    assert box_of(viewer)["width"] == pytest.approx(2 * before["width"], rel=0.01)
    stage = box_of(viewer, ".stage")
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    left = box_of(viewer)["x"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10)
    page.mouse.up()
    assert box_of(viewer)["x"] == pytest.approx(left + 40, abs=1)
    page.keyboard.press("0")
    assert box_of(viewer) == pytest.approx(before, abs=1)
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "width => document.querySelector('.plate').clientWidth > width", arg=before["width"] + 9
    )
    page.mouse.dblclick(x, y)
    assert box_of(viewer) == pytest.approx(before, abs=1)


@pytest.mark.slow
@pytest.mark.browser
def test_the_pointer_reads_a_cell(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-1")
    viewer = Viewer(page)
    viewer.ready()
    viewer.choose("Less the map", "map-1-2-1")
    plate = box_of(viewer)
    page.mouse.move(plate["x"] + plate["width"] * 2.5 / 7, plate["y"] + plate["height"] * 6.5 / 7)
    one, two = (
        levels(raw_map(1, target, 1))[6, 2] / 255 * raw_map(1, target, 1).peak for target in (1, 2)
    )
    assert viewer.said().startswith(
        f"Column 3, row 7: {significant(one)} less {significant(two)} is "
    )


# -- touch -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
def test_by_touch(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(
        known_page,
        "#image-1",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page.locator('[data-map="map-1-1-2"] .look').tap()
    viewer = Viewer(page)
    viewer.ready()
    small = page.evaluate(
        """() => [...document.querySelectorAll("dialog.viewer button, dialog.viewer select")]
          .map((it) => it.getBoundingClientRect())
          .filter(({ width, height }) => width && (width < 44 || height < 44)).length"""
    )
    assert small == 0
    plate = box_of(viewer)
    page.touchscreen.tap(plate["x"] + plate["width"] * 0.5, plate["y"] + plate["height"] * 0.5)
    assert viewer.said().startswith("Column 7, row 7: ")
    # The divider follows a finger.
    viewer.slide("Photo alone", 50)
    viewer.dialog.evaluate("it => it.scrollTo(0, 0)")  # the slider is further down
    plate = box_of(viewer)
    session = page.context.new_cdp_session(page)
    y = plate["y"] + plate["height"] / 2

    def touch(kind: str, *points: float) -> None:
        places = [{"x": x, "y": y, "id": number} for number, x in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    middle = plate["x"] + plate["width"] / 2
    touch("touchStart", middle)
    touch("touchMove", middle + plate["width"] / 8)
    touch("touchMove", middle + plate["width"] / 4)
    touch("touchEnd")
    assert viewer.dialog.get_by_role("slider", name="Photo alone").input_value() == "75"
    edge = BOX[2] * 3 // 4
    assert apart(viewer.pixels()[:, :edge], view(1)[:, :edge]) == 0
    # Two fingers zoom.
    touch("touchStart", middle - 60, middle - 100)
    touch("touchMove", middle - 40, middle - 120)
    touch("touchMove", middle - 20, middle - 140)
    touch("touchEnd")
    assert box_of(viewer)["width"] == pytest.approx(3 * plate["width"], rel=0.05)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 768])
def test_no_horizontal_scroll(visit: Callable[..., Page], known_page: Path, width: int) -> None:
    page = visit(known_page, "#look=map-2-1-1", viewport={"width": width, "height": 700})
    Viewer(page).ready()
    assert page.evaluate(
        """() => [document.documentElement, document.querySelector("dialog.viewer")]
          .every((it) => it.scrollWidth <= it.clientWidth)"""
    )


# -- taking away -----------------------------------------------------------------------------


def save(viewer: Viewer, kind: str) -> tuple[str, bytes]:
    with viewer.page.expect_download() as download:
        viewer.dialog.get_by_role("button", name=f"Save {kind}").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.mark.slow
@pytest.mark.browser
def test_save_png(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-2-1-3")
    viewer = Viewer(page)
    viewer.ready()
    viewer.tick("True resolution")
    viewer.slide("Threshold", 50)
    name, data = save(viewer, "PNG")
    assert name == "猫-1-Layer-CAM-lynx-features.3.png".replace("lynx", "tiger-cat")
    saved = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    factor = saved.shape[1] / BOX[2]
    assert factor >= 3
    assert factor == int(factor)
    assert saved.shape[0] > BOX[3] * factor + 40
    # What is under the map is white paper with dark text, and the scale in the map's colours.
    strip = saved[round(BOX[3] * factor) + 1 :]
    assert (strip == 255).all(axis=2).mean() > 0.6
    assert (strip.sum(axis=2) < 150).any()
    assert (np.ptp(strip, axis=2) > 200).any()
    # The cells are flat: each pixel is the photo's, as large as it is saved.
    viewer.slide("Threshold", 0)
    viewer.slide("Opacity", 100)
    _, data = save(viewer, "PNG")
    saved = np.asarray(Image.open(BytesIO(data)).convert("RGB"))[: round(BOX[3] * factor)]
    assert len(np.unique(saved.reshape(-1, 3), axis=0)) <= SIZES[2][0] * SIZES[2][1]


@pytest.mark.slow
@pytest.mark.browser
def test_save_svg(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-2")
    viewer = Viewer(page)
    viewer.ready()
    viewer.slide("Threshold", 50)
    name, data = save(viewer, "SVG")
    assert name == "tabby-Layer-CAM-Egyptian-cat-features.2.svg"
    root = ET.fromstring(data)  # noqa: S314 - made by the page under test
    assert {item.tag for item in root} == {SVG + tag for tag in ("image", "path", "text")}
    assert all(item.get("href", "").startswith("data:image/") for item in root.iter(SVG + "image"))
    assert any((item.get("d") or "").startswith("M") for item in root.iter(SVG + "path"))
    caption = " ".join(item.text or "" for item in root.iter(SVG + "text"))
    for part in ("Layer-CAM for Egyptian cat at features.2", "cats/tabby.jpg", "alexnet", "(jet)"):
        assert part in caption
    peak = significant(raw_map(1, 1, 2).peak)
    assert f"Peak {peak}" in caption
    # It is a picture that a browser shows.
    drawn = visit(known_page)
    drawn.evaluate(
        """async (text) => {
          const image = new Image();
          image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
          await image.decode();
        }""",
        data.decode(),
    )


@pytest.mark.slow
@pytest.mark.browser
def test_copy_bibtex(visit: Callable[..., Page], known_page: Path) -> None:
    page = visit(known_page, "#look=map-1-1-2")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    viewer = Viewer(page)
    viewer.ready()
    viewer.dialog.get_by_role("button", name="Copy BibTeX").click()
    viewer.dialog.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == BIBTEX["layer-cam"]


@pytest.mark.slow
@pytest.mark.browser
def test_without_a_clipboard_the_text_is_selected(
    visit: Callable[..., Page], known_page: Path
) -> None:
    page = visit(known_page, "#look=map-1-1-1")
    viewer = Viewer(page)
    viewer.ready()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    viewer.dialog.get_by_role("button", name="Copy BibTeX").click()
    viewer.dialog.get_by_text("Selected").wait_for()
    assert page.evaluate("String(getSelection())").split() == BIBTEX["grad-cam"].split()


def test_every_method_has_a_reference() -> None:
    for name in METHODS:
        entry = reference(name)
        assert entry, name
        assert entry.count("{") == entry.count("}")
        assert "author = {" in entry
        assert "year = {" in entry
    assert set(BIBTEX) <= set(METHODS)


# -- what may go wrong -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
def test_names_are_only_ever_text(visit: Callable[..., Page], tmp_path: Path) -> None:
    render(hostile_report(), tmp_path)
    page = visit(tmp_path / "index.html")
    elements = page.evaluate("document.querySelectorAll('script, iframe, object, embed').length")
    page.locator(".look").first.click()
    viewer = Viewer(page)
    viewer.ready()
    assert HOSTILE.split()[0][:20] in viewer.dialog.inner_text()
    name, data = save(viewer, "SVG")
    assert not set(name) & set("<>\"'&/\\:|?*{}")
    assert not name.startswith(".")
    root = ET.fromstring(data)  # noqa: S314 - made by the page under test
    assert {item.tag for item in root.iter()} <= {
        SVG + tag for tag in ("svg", "image", "path", "text")
    }
    assert not [key for item in root.iter() for key in item.attrib if key.startswith("on")]
    viewer.dialog.get_by_role("button", name="Copy caption").click()
    save(viewer, "PNG")
    assert elements == page.evaluate(
        "document.querySelectorAll('script, iframe, object, embed').length"
    )


@pytest.fixture
def page_in_files(tmp_path: Path) -> Path:
    """Return a page of the report in several files."""
    render(known_report(), tmp_path, RenderOptions(form="folder"))
    return tmp_path / "page-1.html"


@pytest.mark.slow
@pytest.mark.browser
def test_pixels_from_the_script_beside_a_page_in_files(
    visit: Callable[..., Page], known_page: Path, page_in_files: Path
) -> None:
    """Pictures in files may be shown but not read from disk; a script beside them has them too."""
    viewer = Viewer(visit(known_page, "#look=map-1-1-2"))
    viewer.ready()
    expected = viewer.pixels()
    viewer = Viewer(visit(page_in_files, "#look=map-1-1-2"))
    viewer.ready()
    assert apart(viewer.pixels(), expected) == 0


@pytest.mark.slow
@pytest.mark.browser
def test_without_pixels_the_picture_of_the_page_is_shown(
    visit: Callable[..., Page], page_in_files: Path
) -> None:
    found = re.search(r'data-pictures="([^"]+)"', page_in_files.read_text())
    assert found
    (page_in_files.parent / found[1]).write_text("window.reportgenPictures = {};")
    page = visit(page_in_files, "#look=map-1-1-2")
    viewer = Viewer(page)
    viewer.ready()
    assert "cannot be read" in viewer.said()
    assert viewer.stage.locator(":scope > :is(img, svg)").count() == 1
    assert viewer.dialog.get_by_role("slider", name="Opacity").is_disabled()
    page.keyboard.press("ArrowRight")
    assert fragment(page) == "#look=map-1-1-3"
