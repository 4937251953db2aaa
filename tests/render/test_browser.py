"""The page from disk in Chromium."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
from sample import CAUTIONS, HOSTILE, HOSTILE_NAMES, full_report, image, mosaic, report

from reportgen.render import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Locator, Page, Position

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1440)


def shown_files(page: Page) -> list[str]:
    return page.locator(".predictions tbody tr:visible th").all_inner_texts()


def shown_cells(page: Page) -> list[str]:
    return page.locator(".sheet li:visible a").all_inner_texts()


def heading(page: Page, name: str) -> Locator:
    return page.locator(".predictions thead th").filter(has_text=name).first


def fragment(page: Page) -> dict[str, str]:
    """Return what the address says is shown."""
    return dict(parse_qsl(urlsplit(page.url).fragment))


def count(page: Page) -> str:
    return page.locator(".shown output").inner_text()


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return colour


def top_of(page: Page, selector: str) -> float:
    top: float = page.evaluate(
        "s => document.querySelector(s).getBoundingClientRect().top", selector
    )
    return top


# -- labels, feature maps, details -----------------------------------------------------------


def test_classes_can_be_sorted(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page)
    page.locator(".tally").get_by_role("button", name="Share").click()
    names = page.locator(".tally tbody th").all_inner_texts()
    assert names == ["tabby", "tiger cat", "beagle", "Egyptian cat"]


def test_a_wide_matrix_scrolls_by_itself(visit: Callable[..., Page], tmp_path: Path) -> None:
    full = full_report()
    assert full.evaluation is not None
    one = full.evaluation.classes[1]
    many = tuple(replace(one, index=index, category=f"class {index}") for index in range(50))
    counts = tuple(tuple(int(row == column) for column in range(50)) for row in range(50))
    render(
        replace(full, evaluation=replace(full.evaluation, classes=many, confusion=counts)), tmp_path
    )
    page = visit(tmp_path / "index.html", width=390)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    inside = page.evaluate(
        """() => {
            const scroll = document.querySelector(".matrix .scroll");
            return [scroll.scrollWidth, scroll.clientWidth];
        }"""
    )
    assert inside[0] > 2 * inside[1]


def middle_of_tile(page: Page, column: int, row: int) -> Position:
    """Return the place of a tile of the first mosaic, 4 columns and 3 rows of it."""
    box = page.locator("[data-mosaic]").first.bounding_box()
    assert box is not None
    return {"x": box["width"] * (column + 0.5) / 4, "y": box["height"] * (row + 0.5) / 3}


def test_pointing_at_a_tile_names_its_channel(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page)
    tiles = page.locator("[data-mosaic]").first
    readout = page.locator(".readout").first
    assert not page.locator(".cell").first.is_visible()
    tiles.scroll_into_view_if_needed()
    tiles.hover(position=middle_of_tile(page, 1, 2))
    expected = "channel 9, Grad-CAM weight +0.0667 for cat, −0.0667 for dog"
    assert readout.inner_text() == expected
    assert page.locator(".cell").first.get_attribute("title") == expected
    edges = page.evaluate(
        """() => {
            const tiles = document.querySelector("[data-mosaic]").getBoundingClientRect();
            const cell = document.querySelector(".cell").getBoundingClientRect();
            return [(cell.left - tiles.left) / tiles.width, (cell.top - tiles.top) / tiles.height,
                cell.width / tiles.width, cell.height / tiles.height];
        }"""
    )
    assert edges == pytest.approx([15 / 57, 29 / 43, 13 / 57, 13 / 43], abs=0.002)
    tiles.hover(position={"x": 0, "y": 0})
    assert readout.inner_text().startswith("channel 0,")


def test_tapping_a_tile_names_its_channel(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page, width=390, has_touch=True)
    tiles = page.locator("[data-mosaic]").first
    tiles.scroll_into_view_if_needed()
    tiles.tap(position=middle_of_tile(page, 3, 1))
    assert page.locator(".readout").first.inner_text().startswith("channel 7,")


def test_arrow_keys_move_over_the_tiles(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page)
    readout = page.locator(".readout").first
    page.locator("[data-mosaic]").first.focus()
    seen = [readout.inner_text()]
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown", "End", "ArrowDown", "ArrowUp", "Home"):
        page.keyboard.press(key)
        seen.append(readout.inner_text())
    channels = [int(text.partition(",")[0].removeprefix("channel ")) for text in seen]
    assert channels == [0, 0, 1, 5, 11, 11, 7, 0]


def test_tiles_in_order_of_weight_keep_their_numbers(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    full = full_report()
    one = replace(full.images[0], mosaics=(mosaic(channels=10, ordered_by="weight"),))
    render(replace(full, images=(one,)), tmp_path)
    page = visit(tmp_path / "index.html")
    tiles = page.locator("[data-mosaic]")
    readout = page.locator(".readout")
    tiles.focus()
    assert readout.inner_text().startswith("channel 9,")
    page.keyboard.press("End")
    assert readout.inner_text().startswith("channel 0,")
    tiles.hover(position=middle_of_tile(page, 3, 2))  # no channel is left for this one
    assert readout.inner_text().startswith("channel 0,")


def test_the_network_is_on_paper(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page)
    assert page.locator("#image-1-target-1 .original svg").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".structure pre").is_visible()


def test_overview_pictures_are_equally_wide(visit: Callable[..., Page], full_page: Path) -> None:
    page = visit(full_page)
    widths = page.evaluate(
        """() => [...document.querySelectorAll(".overview svg")]
            .map((img) => img.getBoundingClientRect().width)"""
    )
    assert len(widths) == 4 * 5
    assert widths == pytest.approx([widths[0]] * len(widths), abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_counts_are_readable_on_their_shade(
    scheme: str, visit: Callable[..., Page], full_page: Path
) -> None:
    page = visit(full_page, color_scheme=scheme)
    ratios = page.evaluate(SHADES)
    assert len(ratios) > 3 * 4
    assert min(ratios) >= 4.5


SHADES = """() => {
    const parse = (colour) => {
        const numbers = colour.match(/[\\d.]+/g).map(Number);
        return colour.startsWith("color(") ? numbers.slice(0, 3) : numbers.map((n) => n / 255);
    };
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const luminance = (colour) => {
        const [r, g, b] = parse(colour).map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return [...document.querySelectorAll(".confusion tbody td, .quadrants tbody td")]
        .map((cell) => {
            const style = getComputedStyle(cell);
            const [a, b] = [luminance(style.color), luminance(style.backgroundColor)];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        });
}"""


def test_copying_the_command(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("[data-copy]").inner_text().strip()


# -- evidence --------------------------------------------------------------------------------


def test_warnings_open_without_scripts(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page, java_script_enabled=False)
    folded = page.locator("#image-1-target-1 details.folded").nth(1)
    sentence = folded.get_by_text(CAUTIONS[1].text)
    assert folded.locator("summary").inner_text() == "2 warnings"
    assert not sentence.is_visible()
    folded.locator("summary").click()
    assert sentence.is_visible()


def test_paper_has_every_warning_and_curve(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page)
    page.locator("#image-1-target-1 .curves > summary").click()
    hidden = page.locator("#image-1-target-1 details.folded li, #image-1-target-1 .plot")
    assert hidden.count() == 1 + 2 + 1 + 2 + 5 * 3
    assert not any(item.is_visible() for item in hidden.all())
    page.emulate_media(media="print")
    assert all(item.is_visible() for item in hidden.all())


@pytest.mark.parametrize("width", [390, 1440])
def test_boxes_lie_on_their_map(
    width: int, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, width=width)
    places = page.evaluate(
        """() => [...document.querySelectorAll("#image-1-target-1 .boxed")].map((boxed) => {
            const img = boxed.querySelector("img").getBoundingClientRect();
            const box = boxed.querySelector(".given").getBoundingClientRect();
            return [(box.left - img.left) / img.width, (box.top - img.top) / img.height,
                (box.right - img.left) / img.width, (box.bottom - img.top) / img.height];
        })"""
    )
    assert len(places) == 6
    for place in places:
        assert place == pytest.approx([20 / 224, 30 / 224, 150 / 224, 200 / 224], abs=0.01)


@pytest.mark.parametrize("width", [390, 1440])
def test_numbers_stand_under_their_ticks(
    width: int, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, width=width)
    ticks, numbers = page.evaluate(
        """() => {
            const table = document.querySelector(".ranking");
            const middle = (e) => {
                const box = e.getBoundingClientRect();
                return box.left + box.width / 2;
            };
            const strip = table.querySelector("tbody .strip");
            return [[...strip.querySelectorAll(".tick")].map(middle),
                [...table.querySelectorAll(".axis text")].map(middle)];
        }"""
    )
    assert len(ticks) == 5
    assert ticks == pytest.approx(numbers, abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_evidence_has_enough_contrast(
    scheme: str, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, color_scheme=scheme)
    selectors = [".word", ".folded summary", ".direction", ".finding", ".behind .tag", ".hit"]
    for selector, ratio in page.evaluate(CONTRAST, selectors):
        assert ratio >= 4.5, selector


# -- layout ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "width",
    # The narrowest and the widest of them nearly always see what the others do.
    [pytest.param(it, marks=() if it in {320, 1440} else pytest.mark.slow) for it in WIDTHS],
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("sample_page", marks=pytest.mark.slow),
        "full_page",
        "measured_page",
        "hostile_page",
    ],
)
def test_nothing_overflows_the_window(
    name: str, width: int, visit: Callable[..., Page], request: pytest.FixtureRequest
) -> None:
    page = visit(request.getfixturevalue(name), width=width)
    page.add_style_tag(content=".image { content-visibility: visible !important }")
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    wide = page.evaluate(
        """() => [...document.body.querySelectorAll("*")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .filter((e) => !e.ownerSVGElement)
            .filter((e) => !e.closest(".photo, .visually-hidden, .scroll table"))
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_a_long_version_stays_in_a_narrow_window(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    plain = report()
    versions = (("opencv-python-headless", "5.0.0.93"), ("torch", "2.14.1+cu130.gitabcdef"))
    render(replace(plain, run=replace(plain.run, versions=versions)), tmp_path)
    page = visit(tmp_path / "index.html", width=320)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_map_and_its_overlay_stand_level(
    width: int, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, width=width)
    page.add_style_tag(content=".image { content-visibility: visible !important }")
    pairs = page.evaluate(
        """() => [...document.querySelectorAll(".layers .pair")]
            .map((pair) => [...pair.querySelectorAll("img, svg")].map((img) => {
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
            const photo = document.querySelector("#image-1 .photo").viewBox.baseVal;
            const hole = document.querySelector("#image-1 .photo .unseen").getAttribute("d")
                .split("Z")[1].match(/-?[\\d.]+/g).map(Number);
            const [x, y, across, down] = hole;
            return [x / photo.width, y / photo.height, across / photo.width, down / photo.height];
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
    assert len(sizes) > 20
    assert min(sizes) > 0


@pytest.mark.parametrize("number", [1, pytest.param(17, marks=pytest.mark.slow), 40])
def test_anchors_lead_to_their_image(
    number: int, visit: Callable[..., Page], tmp_path: Path
) -> None:
    images = tuple(image(f"{position}.png") for position in range(1, 41))
    render(replace(report(), images=images), tmp_path)
    page = visit(tmp_path / "index.html")
    page.locator(f'.sheet a[href="#image-{number}"]').click()
    page.wait_for_function(
        "s => Math.abs(document.querySelector(s).getBoundingClientRect().top) < 60",
        arg=f"#image-{number}",
        timeout=5000,
    )
    page.locator(f"#image-{number}").get_by_role("link", name="Table").click()
    assert abs(top_of(page, "#predictions")) < 60


# -- light, dark, paper, no script -----------------------------------------------------------

CONTRAST = """(selectors) => {
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
    selectors = ["body", ".facts", ".quiet", ".contents a", "caption", "figcaption", ".folder"]
    selectors += [".banner", ".fine", "[data-key] button", ".tools", ".shown"]
    selectors += [".tools summary", ".sheet a", ".sheet p"]
    for selector, ratio in page.evaluate(CONTRAST, selectors):
        assert ratio >= 4.5, selector


def test_without_scripts_everything_shows_and_nothing_is_dead(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, java_script_enabled=False)
    assert page.locator(".predictions tbody tr").count() == 3
    assert all(row.is_visible() for row in page.locator(".predictions tbody tr").all())
    assert all(cell.is_visible() for cell in page.locator(".sheet li").all())
    assert page.locator("button, input, select").count() == 0
    assert page.locator("#image-3 h3").is_visible()


def test_paper_has_light_colours_and_no_controls(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, color_scheme="dark")
    assert page.locator(".tools").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".sheet").is_visible()
    assert page.locator(".predictions").is_visible()
    assert background(page) == "rgb(255, 255, 255)"
    for selector in (".contents", ".tools", ".shown", ".copy", "#image-1 > header nav"):
        assert not page.locator(selector).is_visible(), selector
    assert page.locator("#image-1 h3").is_visible()


def test_hostile_names_show_as_text(visit: Callable[..., Page], hostile_page: Path) -> None:
    page = visit(hostile_page, anchor="#view=table&chosen=1,2,3,4,5,6")
    assert page.locator("#image-1 h3").text_content() == HOSTILE_NAMES[0]
    scripts = page.evaluate("document.scripts.length")
    page.get_by_label("Filter by file or class").fill("<script>")
    assert count(page) == "6 of 6 shown"
    page.get_by_role("button", name="Compare (6)").click()
    names = page.locator(".abreast-images h3").all_inner_texts()
    assert names[0] == HOSTILE_NAMES[0]
    assert len(names) == 6
    page.locator("select[name=sort]").select_option(index=2)
    for link in page.locator("a[data-state]").all():
        link.evaluate("(link) => link.click()")
        assert count(page) == "6 of 6 shown"
    assert page.evaluate("document.scripts.length") == scripts


def test_hostile_names_of_targets_show_as_text(
    visit: Callable[..., Page], hostile_page: Path
) -> None:
    page = visit(hostile_page)
    tiles = page.locator("[data-mosaic]").first
    tiles.focus()
    weight = f"Grad-CAM weight −0.0333 for {HOSTILE}, +0.0333 for {HOSTILE}"
    assert page.locator(".readout").first.text_content() == f"channel 0, {weight}"
    assert page.locator(".readout *").count() == 0
