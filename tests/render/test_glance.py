"""All images at a glance, on one page in Chromium: sheet, table, a few side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sample import image, report
from test_browser import count, fragment, heading, shown_cells, shown_files, top_of

from reportgen.render import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from reportgen.values import ImageRecord

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FULL = ["cats/tabby.jpg", "dogs/beagle.png", "dogs/tall.png", "stray.webp"]


def measured(name: str, value: float | None) -> ImageRecord:
    """Return a picture whose five measures and probability go with ``value``; None for no map."""
    plain = image(name)
    (target,) = plain.targets
    if value is None:
        return replace(plain, targets=())
    heat = target.panels[0].heat
    assert heat is not None
    panel = replace(
        target.panels[0],
        heat=replace(heat, area=value, centroid=(value, value), border=value),
        cautions=(),
    )
    first = replace(plain.predictions[0], probability=value)
    return replace(
        plain,
        predictions=(first, *plain.predictions[1:]),
        targets=(replace(target, panels=(panel, *target.panels[1:]), layers_agree=-value),),
    )


@pytest.fixture(scope="module")
def measured_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glance")
    images = (
        measured("b.png", 0.25),
        measured("none.png", None),
        measured("c.png", 0.0625),
        measured("a.png", 0.5),
    )
    render(replace(report(), images=images), folder)
    return folder / "index.html"


# -- sorting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["file", "class", "truth", "p", "lead", "warnings"])
def test_every_column_sorts_both_ways(
    key: str, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, anchor="#view=table")
    button = page.locator(f'[data-key="{key}"] button')
    orders = []
    for _ in range(2):
        button.click()
        orders.append((page.locator("[aria-sort]").get_attribute("aria-sort"), shown_files(page)))
    assert {name for name, _ in orders} == {"ascending", "descending"}
    assert page.locator("[aria-sort]").count() == 1
    expected = {
        "file": FULL,
        "class": [FULL[1], FULL[3], FULL[0], FULL[2]],
        "truth": [FULL[1], FULL[0], FULL[2], FULL[3]],
        "p": FULL,
        "lead": FULL,
        "warnings": [FULL[2], FULL[3], FULL[1], FULL[0]],
    }
    assert dict(orders)["ascending"] == expected[key]


@pytest.mark.parametrize("key", ["area", "x", "y", "border"])
def test_measures_of_the_maps_sort_with_the_largest_first(
    key: str, visit: Callable[..., Page], measured_images: Path
) -> None:
    page = visit(measured_images, anchor="#view=table")
    button = page.locator(f'[data-key="{key}"] button')
    button.click()
    assert shown_files(page) == ["a.png", "b.png", "c.png", "none.png"]
    assert fragment(page)["sort"] == f"-{key}"
    button.press("Enter")
    assert shown_files(page) == ["c.png", "b.png", "a.png", "none.png"]
    assert fragment(page)["sort"] == key


def test_agreement_sorts_by_its_sign(visit: Callable[..., Page], measured_images: Path) -> None:
    page = visit(measured_images, anchor="#view=table&sort=agree")
    assert shown_files(page) == ["a.png", "b.png", "c.png", "none.png"]
    cells = page.locator(".predictions tbody td:nth-last-child(2)").all_inner_texts()
    assert cells == ["−0.50", "−0.25", "−0.06", "–"]


def test_a_probability_that_is_not_finite_comes_last(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    images = tuple(
        measured(name, value)
        for name, value in (("a", 0.09), ("b", 0.5), ("c", float("nan")), ("d", 1e-5))
    )
    render(replace(report(), images=images), tmp_path)
    page = visit(tmp_path / "index.html", anchor="#view=table")
    heading(page, "Probability").get_by_role("button").click()
    assert shown_files(page) == ["b", "a", "d", "c"]
    heading(page, "Probability").get_by_role("button").click()
    assert shown_files(page) == ["d", "a", "b", "c"]


def test_the_sheet_has_the_order_of_the_table(
    visit: Callable[..., Page], measured_images: Path
) -> None:
    page = visit(measured_images)
    page.get_by_label("Sort by").select_option(label="Border")
    assert shown_cells(page) == ["a.png", "b.png", "c.png", "none.png"]
    page.get_by_role("button", name="Table").click()
    assert heading(page, "Border").get_attribute("aria-sort") == "descending"
    heading(page, "Border").get_by_role("button").click()
    assert page.get_by_label("Sort by").input_value() == "border"


# -- filtering -------------------------------------------------------------------------------


def test_filtering_by_file_and_by_any_class(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page, anchor="#view=table")
    box = page.get_by_label("Filter by file or class")
    assert count(page) == "3 of 3 shown"
    box.fill("PAIR")
    assert shown_files(page) == ["cats/pair.png"]
    assert count(page) == "1 of 3 shown"
    box.fill("siamese")
    assert count(page) == "3 of 3 shown"
    box.fill("nothing has this")
    assert shown_files(page) == []
    page.get_by_role("button", name="Reset").click()
    assert len(shown_files(page)) == 3
    assert box.input_value() == ""
    assert page.evaluate("document.activeElement.name") == "q"


@pytest.mark.parametrize("width", [390, 1440])
def test_filters_apply_to_sheet_and_table(
    width: int, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, width=width)
    page.get_by_label("Filter by file or class").fill("odd")
    assert shown_cells(page) == ["odd.png"]
    page.get_by_role("button", name="Table").click()
    assert shown_files(page) == ["odd.png"]


@pytest.mark.parametrize(
    ("name", "choice", "expected"),
    [
        ("class", "tabby (1)", [FULL[0]]),
        ("truth", "beagle (1)", [FULL[1]]),
        ("right", "wrong (1)", [FULL[1]]),
        ("right", "right (2)", [FULL[0], FULL[2]]),
        ("warning", "with (2)", FULL[:2]),
        ("warning", "without (2)", FULL[2:]),
        ("folder", "dogs/ (2)", FULL[1:3]),
        ("folder", "./ (1)", FULL[3:]),
    ],
)
def test_facets(
    name: str, choice: str, expected: list[str], visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, anchor="#view=table")
    page.locator(f'select[name="{name}"]').select_option(label=choice)
    assert shown_files(page) == expected
    assert count(page) == f"{len(expected)} of 4 shown"


def test_facets_and_search_go_together(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page, anchor="#view=table")
    page.locator('select[name="right"]').select_option("right")
    page.get_by_label("Filter by file or class").fill("dogs/")
    assert shown_files(page) == ["dogs/tall.png"]
    assert fragment(page) == {"view": "table", "right": "right", "q": "dogs/"}


def test_what_all_images_share_is_no_facet(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page)
    names = page.locator(".facets select").evaluate_all("(all) => all.map((list) => list.name)")
    assert names == ["class", "folder"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [("10", "", ["b.png", "none.png", "a.png"]), ("", "25", ["b.png", "c.png"])],
)
def test_probabilities_from_and_to(
    low: str,
    high: str,
    expected: list[str],
    visit: Callable[..., Page],
    measured_images: Path,
) -> None:
    page = visit(measured_images, anchor="#view=table")
    page.get_by_label("from, percent").fill(low)
    page.get_by_label("to, percent").fill(high)
    assert shown_files(page) == expected
    assert fragment(page)["p"] == f"{low}-{high}"


# -- the address -----------------------------------------------------------------------------


def test_a_reload_opens_the_same_view(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page, anchor="#image-2")
    page.get_by_role("button", name="Table").click()
    page.locator('select[name="folder"]').select_option("dogs/")
    page.get_by_label("to, percent").fill("80")
    heading(page, "File").get_by_role("button").click()
    heading(page, "File").get_by_role("button").click()
    page.locator(".predictions [name=chosen]:visible").nth(1).check()
    expected = {"view": "table", "sort": "-file", "folder": "dogs/", "p": "-80", "chosen": "2"}
    assert fragment(page) == expected
    page.reload()
    assert fragment(page) == expected
    assert shown_files(page) == ["dogs/tall.png", "dogs/beagle.png"]
    assert page.locator('select[name="folder"]').input_value() == "dogs/"
    assert page.get_by_label("to, percent").input_value() == "80"
    assert page.locator(".predictions [name=chosen]:checked").count() == 1


def test_a_link_to_a_view_is_followed(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page, anchor="#view=sheet&q=stray")
    assert shown_cells(page) == ["stray.webp"]
    assert abs(top_of(page, "#predictions")) < 60
    page.locator(".confusion a").first.click()
    page.wait_for_function("() => document.querySelector('.glance').dataset.view === 'table'")
    assert shown_files(page) == ["dogs/beagle.png"]
    page.evaluate("location.hash = '#view=table&q=tall'")
    page.wait_for_function("() => document.querySelector('[name=q]').value === 'tall'")
    assert shown_files(page) == ["dogs/tall.png"]


@pytest.mark.parametrize("anchor", ["#image-3", "#how", "#look=map-3-1-2"])
def test_other_fragments_are_left_alone(
    anchor: str, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, anchor=anchor)
    assert page.url.endswith(anchor)
    assert page.locator(".glance").get_attribute("data-view") == "sheet"
    assert count(page) == "3 of 3 shown"


@pytest.mark.parametrize(
    "anchor", ["#view=nothing", "#sort=nothing", "#class=%00&p=x-y&chosen=99,x", "#q=%E0%A4%A"]
)
def test_a_fragment_of_nonsense_does_no_harm(
    anchor: str, visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page, anchor=anchor)
    page.get_by_role("button", name="Table").click()
    page.get_by_role("button", name="Compare").click()
    assert page.get_by_text("Choose 2 to 6 images").is_visible()


def test_the_view_at_the_start_has_no_fragment(
    visit: Callable[..., Page], sample_page: Path
) -> None:
    page = visit(sample_page)
    page.get_by_role("button", name="Table").click()
    assert fragment(page) == {"view": "table"}
    page.get_by_role("button", name="Sheet").click()
    assert "#" not in page.url


# -- a few side by side ----------------------------------------------------------------------


def test_chosen_images_stand_side_by_side(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page)
    page.get_by_label("Compare cats/tabby.jpg").first.check()
    page.get_by_role("button", name="Table").click()
    page.get_by_label("Compare stray.webp").last.check()
    page.get_by_role("button", name="Compare (2)").click()
    assert fragment(page) == {"view": "compare", "chosen": "1,4"}
    columns = page.locator(".abreast-images article")
    assert columns.locator("h3").all_inner_texts() == ["cats/tabby.jpg", "stray.webp"]
    assert columns.locator("tbody tr").count() == 2 * 5
    first = columns.first.inner_text()
    for text in ("tabby", "73.1%", "✓ right", "True class", "Border", "16.0%", "Layers agree"):
        assert text in first
    tops = page.evaluate(
        """() => [...document.querySelectorAll(".abreast-images table")]
            .map((table) => table.getBoundingClientRect().top)"""
    )
    assert tops[0] == pytest.approx(tops[1], abs=1)
    page.get_by_role("button", name="Choose none").click()
    assert columns.count() == 0
    assert fragment(page) == {"view": "compare"}


def test_at_most_six_are_compared(visit: Callable[..., Page], tmp_path: Path) -> None:
    images = tuple(image(f"{number}.png") for number in range(8))
    render(replace(report(), images=images), tmp_path)
    page = visit(tmp_path / "index.html")
    for number in range(7):
        page.locator(".sheet [name=chosen]").nth(number).click()
    assert page.locator(".sheet [name=chosen]:checked").count() == 6
    assert "6 images at most" in count(page)
    assert fragment(page)["chosen"] == "1,2,3,4,5,6"


def test_on_a_phone_they_are_stacked(visit: Callable[..., Page], measured_page: Path) -> None:
    page = visit(measured_page, width=320, anchor="#view=compare&chosen=1,2")
    lefts = page.evaluate(
        """() => [...document.querySelectorAll(".abreast-images article")]
            .map((article) => article.getBoundingClientRect().left)"""
    )
    assert lefts[0] == lefts[1]


# -- reach -----------------------------------------------------------------------------------


def test_everything_is_reached_by_keyboard(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page)
    page.get_by_role("button", name="Sheet").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Table").get_attribute("aria-pressed") == "true"
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("(document.activeElement.name || document.activeElement.tagName)")
        )
    for name in ("q", "sort", "SUMMARY", "class", "folder", "from", "to", "BUTTON", "chosen", "A"):
        assert name in seen, name


@pytest.mark.parametrize("width", [390, 1440])
def test_targets_are_large_enough_to_touch(
    width: int, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, width=width)
    page.locator(".facets").evaluate("(details) => { details.open = true; }")
    small = page.evaluate(
        """() => [...document.querySelectorAll(
            ".tools button, .tools input, .tools select, .tools summary, .sheet .pick")]
            .map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)"""
    )
    assert small == []


@pytest.mark.parametrize("width", [320, 768, 1440])
@pytest.mark.parametrize("view", ["sheet", "table", "compare"])
def test_no_view_widens_the_page(
    view: str, width: int, visit: Callable[..., Page], measured_page: Path
) -> None:
    page = visit(measured_page, width=width, anchor=f"#view={view}&chosen=1,2,3,4")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page = visit(measured_page, width=width, java_script_enabled=False)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_paper_says_what_was_left_out(visit: Callable[..., Page], sample_page: Path) -> None:
    page = visit(sample_page, anchor="#view=table&q=pair")
    page.emulate_media(media="print")
    assert page.locator(".shown output").is_visible()
    assert shown_files(page) == ["cats/pair.png"]
    assert shown_cells(page) == ["pair.png"]
