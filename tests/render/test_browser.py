"""The page from disk in Chromium."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sample import HOSTILE_NAMES, image, report

from reportgen.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1440)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a file; at the end, nothing was fetched, logged or asked on the way."""
    contexts = []
    troubles: list[str] = []
    files: list[str] = []

    def open_page(path: Path, *, width: int = 1440, anchor: str = "", **options: Any) -> Page:  # noqa: ANN401
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        files.append(path.as_uri())
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
        own = url.startswith("data:") or url.partition("#")[0] in files
        return [] if own else [f"request: {url}"]

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def shown_files(page: Page) -> list[str]:
    return page.locator(".predictions tbody tr:visible .name").all_inner_texts()


def heading(page: Page, name: str) -> Any:  # noqa: ANN401
    return page.locator(".predictions").get_by_role("columnheader", name=name)


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return colour


def top_of(page: Page, selector: str) -> float:
    top: float = page.evaluate(
        "s => document.querySelector(s).getBoundingClientRect().top", selector
    )
    return top


# -- sorting and filtering -------------------------------------------------------------------


def test_sorting_by_file(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page)
    assert shown_files(page) == ["cats/tabby.jpg", "cats/pair.png", "odd.png"]
    assert page.locator("[aria-sort]").count() == 0
    button = heading(page, "File").get_by_role("button")
    button.click()
    assert shown_files(page) == ["cats/pair.png", "cats/tabby.jpg", "odd.png"]
    assert heading(page, "File").get_attribute("aria-sort") == "ascending"
    button.press("Enter")
    assert shown_files(page) == ["odd.png", "cats/tabby.jpg", "cats/pair.png"]
    assert heading(page, "File").get_attribute("aria-sort") == "descending"


def test_sorting_by_number_starts_with_the_largest(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    images = []
    for name, probability in (
        ("a.png", 0.09),
        ("b.png", 0.5),
        ("c.png", float("nan")),
        ("d", 1e-5),
    ):
        plain = image(name)
        first = replace(plain.predictions[0], probability=probability)
        images.append(replace(plain, predictions=(first, *plain.predictions[1:])))
    render(replace(report(), images=tuple(images)), tmp_path)
    page = visit(tmp_path / "index.html")
    button = heading(page, "Probability").get_by_role("button")
    button.click()
    assert shown_files(page) == ["b.png", "a.png", "d", "c.png"]
    assert heading(page, "Probability").get_attribute("aria-sort") == "descending"
    button.click()
    assert shown_files(page) == ["d", "a.png", "b.png", "c.png"]
    heading(page, "First choice").get_by_role("button").click()
    assert page.locator("[aria-sort]").count() == 1


def test_filtering_by_file_and_by_any_class(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page)
    box = page.get_by_label("Filter by file or class")
    shown = page.locator("output")
    assert shown.inner_text() == "3 of 3 shown"
    box.fill("PAIR")
    assert shown_files(page) == ["cats/pair.png"]
    assert shown.inner_text() == "1 of 3 shown"
    box.fill("siamese")
    assert shown.inner_text() == "3 of 3 shown"
    box.fill("nothing has this")
    assert shown_files(page) == []
    box.fill("")
    assert len(shown_files(page)) == 3


def test_filtering_hides_cards_on_a_phone(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page, width=390)
    page.get_by_label("Filter by file or class").fill("odd")
    assert shown_files(page) == ["odd.png"]


def test_copying_the_command(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("[data-copy]").inner_text().strip()


# -- layout ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["sample_page", "hostile_page"])
def test_nothing_overflows_the_window(
    name: str, width: int, visit: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    page = visit(request.getfixturevalue(name), width=width)
    page.add_style_tag(content=".image { content-visibility: visible !important }")
    wide = page.evaluate(
        """() => [...document.body.querySelectorAll("*")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .filter((e) => !e.closest(".photo, .visually-hidden"))
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_map_and_its_overlay_stand_level(
    width: int, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, width=width)
    page.add_style_tag(content=".image { content-visibility: visible !important }")
    pairs = page.evaluate(
        """() => [...document.querySelectorAll(".layers .pair")]
            .map((pair) => [...pair.querySelectorAll("img")].map((img) => {
                const box = img.getBoundingClientRect();
                return [box.left, box.top, box.width, box.height];
            }))"""
    )
    drawn = [pair for pair in pairs if pair]
    assert len(pairs) == 20
    assert len(drawn) == 18
    for left, right in drawn:
        assert right[0] > left[0]
        assert right[1:] == pytest.approx(left[1:], abs=0.5)


def test_a_map_that_cannot_be_drawn_keeps_its_place(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page)
    page.add_style_tag(content=".image { content-visibility: visible !important }")
    heights = page.evaluate(
        """() => [...document.querySelectorAll("#image-3 .layers .pair")]
            .map((pair) => pair.getBoundingClientRect().height)"""
    )
    assert len(heights) == 5
    assert heights == pytest.approx([heights[0]] * 5, abs=0.5)


def test_the_shade_leaves_out_what_the_model_saw(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, anchor="#image-1")
    left, top, width, height = page.evaluate(
        """() => {
            const seen = document.querySelector("#image-1 .seen").getBoundingClientRect();
            const photo = document.querySelector("#image-1 .photo").getBoundingClientRect();
            return [
                (seen.left - photo.left) / photo.width, (seen.top - photo.top) / photo.height,
                seen.width / photo.width, seen.height / photo.height,
            ];
        }"""
    )
    expected = report().images[0].geometry.seen_fraction()
    assert (left, top, width, height) == pytest.approx(expected, abs=0.005)


def test_every_picture_decodes(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page)
    sizes = page.evaluate(
        """() => Promise.all([...document.images].map((img) => img.decode().then(
            () => img.naturalWidth, () => 0)))"""
    )
    assert len(sizes) > 40
    assert min(sizes) > 0


@pytest.mark.parametrize("number", [1, 17, 40])
def test_anchors_lead_to_their_image(
    number: int, visit: Callable[..., Page], tmp_path: Path
) -> None:
    images = tuple(image(f"{position}.png") for position in range(1, 41))
    render(replace(report(), images=images), tmp_path)
    page = visit(tmp_path / "index.html")
    page.locator(f'.predictions th a[href="#image-{number}"]').click()
    page.wait_for_function(
        "s => Math.abs(document.querySelector(s).getBoundingClientRect().top) < 60",
        arg=f"#image-{number}",
        timeout=5000,
    )
    page.locator(f"#image-{number}").get_by_role("link", name="Table").click()
    assert abs(top_of(page, "#predictions")) < 60


# -- light, dark, paper, no script -----------------------------------------------------------

CONTRAST = """() => {
    const channel = (value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(channel);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = luminance(getComputedStyle(document.documentElement).backgroundColor);
    const ratio = (ink) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const selectors = ["body", ".facts", ".quiet", ".contents a", "caption", "figcaption",
        ".folder", ".banner", ".fine", "[data-sort] button"];
    return selectors.map((selector) => {
        const element = document.querySelector(selector);
        return [selector, ratio(luminance(getComputedStyle(element).color))];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(
    scheme: str, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, color_scheme=scheme)
    assert (background(page) == "rgb(255, 255, 255)") is (scheme == "light")
    for selector, ratio in page.evaluate(CONTRAST):
        assert ratio >= 4.5, selector


def test_without_scripts_everything_shows_and_nothing_is_dead(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, java_script_enabled=False)
    assert page.locator(".predictions tbody tr").count() == 3
    assert all(row.is_visible() for row in page.locator(".predictions tbody tr").all())
    assert page.locator("button, input").count() == 0
    assert page.locator("#image-3 h3").is_visible()


def test_paper_has_light_colours_and_no_controls(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, color_scheme="dark")
    assert page.locator(".controls").is_visible()
    page.emulate_media(media="print")
    assert background(page) == "rgb(255, 255, 255)"
    for selector in (".contents", ".controls", ".copy", "#image-1 > header nav"):
        assert not page.locator(selector).is_visible(), selector
    assert page.locator("#image-1 h3").is_visible()


def test_hostile_names_show_as_text(visit: Callable[..., Page], hostile_page: Path) -> None:
    page = visit(hostile_page)
    assert page.locator("#image-1 h3").text_content() == HOSTILE_NAMES[0]
    page.get_by_label("Filter by file or class").fill("<script>")
    assert page.locator("output").inner_text() == "6 of 6 shown"
    assert page.evaluate("document.scripts.length") == 1
