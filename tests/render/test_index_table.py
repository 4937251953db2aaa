"""The index of a report on several pages in Chromium: ten thousand images, made up."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sample import HOSTILE, HOSTILE_NAMES, full_report
from test_browser import count, fragment, shown_files

from reportgen.render import RenderOptions, render
from reportgen.render.pages import DATA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANY = 10_000
CLASSES = 300
NODES = 3000
"""Elements of the whole page, however many images there are."""


def made_up(number: int, picture: str) -> list[Any]:
    """Return the row of the image ``number``, from 0."""
    classes = [(number + rank) % CLASSES for rank in range(5)]
    chances = [round(0.9 - (number * 7919 % 8000) / 10_000, 4), 0.05, 0.03, 0.01, 0.001]
    share = round((number * 104_729 % 9973) / 9973, 4)
    truth = classes[0] if number % 4 else classes[1]
    measures = [share, 1 - share, 0.5, share, None if number % 100 == 0 else share - 0.5]
    name = f"folder {number % 7}/image {number}.jpg"
    return [name, classes, chances, truth, int(number % 50 == 0), measures, picture]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index whose data are exchanged for those of many more images."""
    folder = tmp_path_factory.mktemp("many")
    render(full_report(), folder, RenderOptions(form="folder"))
    own = (folder / DATA).read_text(encoding="utf-8")
    (picture, *_) = re.findall(r"assets/[\w/]+\.(?:png|jpg)", own)
    data = {
        "names": [f"class {number}" for number in range(CLASSES)],
        "pages": [[f"page-{page + 1}.html", page * 50 + 1] for page in range(MANY // 50)],
        "rows": [made_up(number, picture) for number in range(MANY)],
    }
    (folder / DATA).write_text(f"window.reportgenIndex={json.dumps(data)};", encoding="utf-8")
    return folder / "index.html"


@pytest.fixture
def open_index(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Open an index; what it asks for beside itself lies in its own folder."""

    def opened(path: Path, **options: Any) -> Page:  # noqa: ANN401
        return visit(path, beside=True, **options)

    return opened


def elements(page: Page) -> int:
    found: int = page.evaluate("document.querySelectorAll('*').length")
    return found


def scroll(page: Page, selector: str, share: float) -> None:
    page.locator(selector).evaluate(
        """(scroller, share) => new Promise((done) => {
            scroller.scrollTop = scroller.scrollHeight * share;
            requestAnimationFrame(() => requestAnimationFrame(done));
        })""",
        share,
    )


def indices(page: Page) -> list[int]:
    """Return the numbers that the rows on the page have for assistive technology."""
    found: list[str] = page.locator(".rows tbody tr:not(.filler)").evaluate_all(
        "(rows) => rows.map((row) => row.ariaRowIndex)"
    )
    return [int(number) for number in found]


@pytest.mark.parametrize("view", ["sheet", "table"])
@pytest.mark.parametrize("width", [390, 1440])
def test_only_what_is_in_sight_is_on_the_page(
    view: str, width: int, open_index: Callable[..., Page], many: Path
) -> None:
    page = open_index(many, width=width, anchor=f"#view={view}")
    assert count(page) == "10000 of 10000 shown"
    selector = ".rows" if view == "table" else ".cells"
    for share in (0, 0.5, 1):
        scroll(page, selector, share)
        assert elements(page) <= NODES
    last = page.locator(f"{selector} a").last
    assert last.get_attribute("href") == "page-200.html#image-10000"
    assert last.is_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_rows_say_which_they_are(open_index: Callable[..., Page], many: Path) -> None:
    page = open_index(many, anchor="#view=table")
    table = page.locator(".predictions")
    assert table.get_attribute("aria-rowcount") == str(MANY + 1)
    assert indices(page)[0] == 2
    scroll(page, ".rows", 0.5)
    found = indices(page)
    assert found == list(range(found[0], found[-1] + 1))
    assert found[0] > 1000
    scroll(page, ".rows", 1)
    assert indices(page)[-1] == MANY + 1
    page.get_by_label("Filter by file or class").fill("image 123")
    assert indices(page)[0] == 2
    assert table.get_attribute("aria-rowcount") == "12"  # image 123 and 1230 to 1239


def test_rows_are_equally_high(open_index: Callable[..., Page], many: Path) -> None:
    page = open_index(many, anchor="#view=table")
    scroll(page, ".rows", 0.3)
    heights = page.locator(".rows tbody tr:not(.filler)").evaluate_all(
        "(rows) => rows.map((row) => row.getBoundingClientRect().height)"
    )
    assert len(heights) > 5
    assert heights == pytest.approx([heights[0]] * len(heights), abs=0.5)


def test_the_keyboard_scrolls_and_keeps_the_focus(
    open_index: Callable[..., Page], many: Path
) -> None:
    page = open_index(many, anchor="#view=table")
    page.locator(".rows").focus()
    page.keyboard.press("End")
    page.locator('[aria-rowindex="10001"]').wait_for()
    page.keyboard.press("Home")
    page.locator('[aria-rowindex="2"]').wait_for()
    for _ in range(80):  # the headings, then box and link of more rows than are there at once
        page.keyboard.press("Tab")
    inside = page.evaluate("document.activeElement.closest('tr')?.ariaRowIndex")
    assert int(inside) >= 30
    page.locator(".rows").evaluate("(scroller) => { scroller.scrollTop = 1e6; }")
    page.locator(".rows:focus").wait_for()


def test_filters_sort_orders_and_facets(open_index: Callable[..., Page], many: Path) -> None:
    page = open_index(many, anchor="#view=table&sort=-border&right=wrong")
    assert count(page) == "2500 of 10000 shown"
    first = page.locator(".rows tbody tr:not(.filler)").first
    assert "✗ wrong" in first.inner_text()
    shares = page.locator(".rows tbody tr:not(.filler) td:nth-last-child(3)").all_inner_texts()
    values = [float(text.strip("<>%")) for text in shares]
    assert values == sorted(values, reverse=True)
    page.locator("select[name=class]").select_option("class 8")
    assert count(page) == "34 of 10000 shown"
    page.get_by_role("button", name="Sheet").click()
    assert page.locator(".cells li:not(.filler)").count() > 5
    assert fragment(page) == {
        "view": "sheet",
        "sort": "-border",
        "class": "class 8",
        "right": "wrong",
    }
    page.reload()
    assert count(page) == "34 of 10000 shown"
    assert page.locator("select[name=class]").input_value() == "class 8"


def test_a_class_too_rare_for_the_list_is_still_filtered(
    open_index: Callable[..., Page], many: Path
) -> None:
    page = open_index(many)
    assert page.locator("select[name=class] option").count() == 102
    assert "200 more" in page.locator("select[name=class] option").last.inner_text()
    page.evaluate("location.hash = '#class=class+299'")
    page.wait_for_function("() => document.querySelector('[name=class]').value === 'class 299'")
    assert count(page) == "33 of 10000 shown"


def test_chosen_images_far_apart_stand_side_by_side(
    open_index: Callable[..., Page], many: Path
) -> None:
    page = open_index(many, anchor="#view=compare&chosen=3,9999")
    names = page.locator(".abreast-images h3").all_inner_texts()
    assert names == ["folder 2/image 2.jpg", "folder 2/image 9998.jpg"]
    links = page.locator(".abreast-images h3 a").evaluate_all(
        "(all) => all.map((link) => link.getAttribute('href'))"
    )
    assert links == ["page-1.html#image-3", "page-200.html#image-9999"]
    page.get_by_role("button", name="Table").click()
    assert page.locator(".rows [name=chosen]:checked").count() == 1


def test_numbers_are_written_as_on_one_page(visit: Callable[..., Page], tmp_path: Path) -> None:
    texts = []
    for form in ("single", "folder"):
        folder = tmp_path / form
        folder.mkdir()
        render(full_report(), folder, RenderOptions(form=form))
        page = visit(folder / "index.html", anchor="#view=table", beside=True)
        rows = page.locator(".predictions tbody tr:visible").all_inner_texts()
        texts.append([" ".join(row.split()) for row in rows])
    assert texts[0] == texts[1]
    assert len(texts[0]) == 4


def test_hostile_names_show_as_text(visit: Callable[..., Page], tmp_path: Path) -> None:
    full = full_report()
    images = tuple(
        replace(
            full.images[0],
            name=name,
            predictions=tuple(
                replace(item, category=HOSTILE) for item in full.images[0].predictions
            ),
        )
        for name in HOSTILE_NAMES
    )
    render(replace(full, images=images), tmp_path, RenderOptions(form="folder"))
    page = visit(tmp_path / "index.html", anchor="#view=table&chosen=1,2", beside=True)
    assert shown_files(page)[0] == HOSTILE_NAMES[0]
    assert page.locator(".predictions td bdi").first.text_content() == HOSTILE
    page.get_by_role("button", name="Compare").click()
    assert page.locator(".abreast-images h3").first.inner_text() == HOSTILE_NAMES[0]


def test_without_scripts_a_sentence_says_where_the_images_are(
    visit: Callable[..., Page], many: Path
) -> None:
    page = visit(many, java_script_enabled=False, beside=True)
    assert page.get_by_text("Sheet and table of all images need scripts").is_visible()
    assert not page.locator(".glance").is_visible()
    assert page.locator("button, input, select").count() == 0
