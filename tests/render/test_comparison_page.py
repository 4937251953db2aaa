"""The page of a comparison: complete without scripts, and its stage with them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from sample import HOSTILE, full_report, grey, hostile_report, report

from reportgen.comparing import compare_runs
from reportgen.render.comparison import render
from reportgen.store import RunReader, write_run
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from reportgen.values import ImageRecord, Report

WIDTHS = (320, 768, 1440)


def changed(image: ImageRecord, number: int) -> ImageRecord:
    """Return what another network might have made of a picture: every second choice flips."""
    first, *others = image.predictions
    (target, *more) = image.targets
    panels = tuple(
        replace(panel, grey=grey(panel.grey.size, place + 2)) if panel.grey else panel
        for place, panel in enumerate(target.panels)
    )
    lost = replace(panels[0], state=MapState.NO_EVIDENCE, grey=None, overlay=None, heat=None)
    if number == 0:
        panels = (lost, *panels[1:])
    predictions = (*others, first) if number % 2 else image.predictions
    return replace(image, predictions=predictions, targets=(replace(target, panels=panels), *more))


def other(of: Report, name: str) -> Report:
    """Return the run of another network over the same pictures."""
    return replace(
        of,
        title=f"The same by {name}",
        run=replace(of.run, model=replace(of.run.model, name=name)),
        images=tuple(changed(image, number) for number, image in enumerate(of.images)),
    )


def told_apart(of: Report) -> Report:
    """Return the same report as if every picture had bytes of its own."""
    digests = [sha256(image.name.encode("utf-8", "surrogatepass")) for image in of.images]
    images = zip(of.images, digests, strict=True)
    return replace(
        of, images=tuple(replace(image, sha256=digest.hexdigest()) for image, digest in images)
    )


def page_of(folder: Path, *reports: Report) -> Path:
    output = folder / "page"
    output.mkdir()
    with ExitStack() as stack:
        readers = []
        for number, item in enumerate(map(told_apart, reports)):
            write_run(item, folder / f"{number}.sqlite")
            readers.append(stack.enter_context(RunReader(folder / f"{number}.sqlite")))
        render(compare_runs(readers), output)
    return output / "index.html"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = full_report()
    return page_of(tmp_path_factory.mktemp("two"), first, other(first, "resnet18"))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = report()
    fewer = replace(first, images=first.images[1:])
    return page_of(
        tmp_path_factory.mktemp("three"), first, other(first, "resnet18"), other(fewer, "vgg11")
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = hostile_report()
    second = replace(other(first, HOSTILE), images=other(first, "").images[:-1])
    return page_of(tmp_path_factory.mktemp("hostile"), first, second)


# -- the HTML --------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text outside of scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._silent = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._silent = tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_link_leads_somewhere(two: Path, three: Path) -> None:
    for path in (two, three):
        found = Elements(path)
        ids = [attributes["id"] for _tag, attributes in found.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        addresses = [item["href"] for tag in ("a", "use") for item in found.of(tag)]
        assert {href for href in addresses if not href.startswith("#")} == {
            "comparison.csv",
            "comparison.json",
        }
        assert {href[1:] for href in addresses if href.startswith("#")} <= set(ids)


def test_nothing_is_fetched(two: Path) -> None:
    found = Elements(two)
    policy = next(item for item in found.of("meta") if "http-equiv" in item)["content"]
    assert "default-src 'none'" in policy
    for _tag, attributes in found.tags:
        for name in ("src", "href", "data-grey"):
            assert not re.match(r"https?:|//", attributes.get(name, ""))


def test_a_photo_stands_once_in_the_page(two: Path) -> None:
    photos = [item for item in Elements(two).of("image") if item.get("id", "").startswith("photo-")]
    assert len(photos) == len(full_report().images)


def test_every_text_that_tries_something_is_text(hostile: Path) -> None:
    found = Elements(hostile)
    assert HOSTILE in found.text
    assert found.of("script") == [{"type": "application/json", "id": "messages"}, {}]
    assert not [name for _tag, item in found.tags for name in item if name.startswith("on")]
    assert "{{7*7}}" in found.text


# -- in the browser --------------------------------------------------------------------------


def stage_of(page: Page, number: int = 1) -> Any:  # noqa: ANN401
    """Return the first stage of an image, once it is there."""
    page.locator(f"#image-{number} .target").first.scroll_into_view_if_needed()
    stage = page.locator(f"#image-{number} .stage").first
    stage.wait_for()
    return stage


@pytest.mark.slow
@pytest.mark.browser
def test_without_scripts_all_is_there(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two, java_script_enabled=False)
    assert page.locator("h2").all_inner_texts() == [
        "Summary",
        "What flipped",
        "Layer by layer",
        "Predictions",
        "Largest disagreements",
        "How this was made",
    ]
    assert page.locator("button, input, select, .stage").count() == 0
    assert page.locator(".flipped tbody tr").count() == 2
    rows = page.locator(".versus tbody tr")
    assert rows.count() == len(full_report().images)
    assert "flipped" in rows.first.inner_text()
    slot = page.locator("#image-1 .slot").first
    assert slot.locator("svg").count() == 2
    assert re.search(r"r −?\d\.\d\d, IoU \d\.\d\d", slot.inner_text())
    assert page.locator(".slot .empty").first.inner_text() == "no positive evidence"


@pytest.mark.slow
@pytest.mark.browser
def test_a_map_is_coloured_over_the_photo(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    stage_of(page)
    picture = page.locator("#image-1 .slot svg").first
    with_map = picture.screenshot()
    picture.locator(".heat").evaluate("heat => { heat.style.display = 'none'; }")
    assert picture.screenshot() != with_map


@pytest.mark.slow
@pytest.mark.browser
def test_the_divider_by_keyboard(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    stage = stage_of(page)
    handle = stage.get_by_role("slider", name="Place of the divider")
    handle.focus()
    before = stage.locator(".divider").bounding_box()["x"]
    for _step in range(10):
        page.keyboard.press("ArrowRight")
    assert handle.input_value() == "60"
    width = stage.locator(".view").bounding_box()["width"]
    assert stage.locator(".divider").bounding_box()["x"] - before == pytest.approx(
        width / 10, abs=1
    )
    clip = stage.locator(".over").evaluate("layer => getComputedStyle(layer).clipPath")
    assert clip == "inset(0px 40% 0px 0px)"
    assert handle.get_attribute("aria-valuetext") == "60% of the width shows run A"


@pytest.mark.slow
@pytest.mark.browser
def test_every_mode_by_keyboard(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    stage = stage_of(page)
    stage.get_by_role("radio", name="Slide").focus()
    page.keyboard.press("ArrowRight")
    share = stage.get_by_role("slider", name="Share of run B")
    share.focus()
    page.keyboard.press("End")
    assert stage.locator(".over").evaluate("layer => layer.style.opacity") == "0"
    stage.get_by_role("radio", name="Blend").focus()
    page.keyboard.press("ArrowRight")
    button = stage.get_by_role("button", name="Show run B")
    assert stage.locator(".over").evaluate("layer => layer.style.opacity") == "1"
    button.focus()
    page.keyboard.press("Space")
    assert stage.locator(".over").evaluate("layer => layer.style.opacity") == "0"
    assert stage.get_by_role("button", name="Show run A").count() == 1
    stage.get_by_role("radio", name="Toggle").focus()
    page.keyboard.press("ArrowRight")
    assert stage.get_by_text("stronger in A").count() == 1


DRAWN = "document.querySelector('.stage .view canvas').height !== 150"
"""150 is the height of a canvas that nobody has drawn on."""

LEVELS = """() => {
  const canvas = document.querySelector(".stage .view canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const at = (x, y) => {
    const place = 4 * (Math.floor(y * canvas.height) * canvas.width + Math.floor(x * canvas.width));
    return [data[place], data[place + 3]];
  };
  return [at(0.1, 0.4), at(0.7, 0.4)];
}"""


@pytest.mark.slow
@pytest.mark.browser
def test_a_difference_has_the_sign_of_the_stronger_run(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    plain = full_report()
    (image, *_) = plain.images
    (target, *_) = image.targets
    ones: list[Report] = []
    for hot in (0, 3):
        panel = replace(target.panels[-1], grey=grey((4, 4), hot))
        record = replace(image, targets=(replace(target, panels=(panel,)),))
        ones.append(replace(plain, images=(record,)))
    page = visit(page_of(tmp_path, *ones))
    stage = stage_of(page)
    stage.get_by_role("radio", name="Difference").check()
    page.wait_for_function(DRAWN)
    (left, left_alpha), (right, right_alpha) = page.evaluate(LEVELS)
    # The first run is hot on the left, the second one on the right.
    assert left > 140
    assert right < 115
    assert min(left_alpha, right_alpha) > 25


@pytest.mark.slow
@pytest.mark.browser
def test_a_map_that_one_run_lacks(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    number = 1 + [
        "one-sided" in text for text in page.locator(".versus tbody .lowest").all_inner_texts()
    ].index(True)
    stage = stage_of(page, number)
    assert stage.locator(".over .heat").count() == 1
    assert stage.locator(".under .heat").count() == 0
    stage.get_by_role("radio", name="Difference").check()
    assert "no difference to show" in stage.locator(".readout").inner_text()


@pytest.mark.slow
@pytest.mark.browser
def test_the_divider_follows_a_pointer(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two, has_touch=True)
    stage = stage_of(page)
    stage.scroll_into_view_if_needed()
    box = stage.locator(".view").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.up()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    assert stage.get_by_role("slider").input_value() == "20"
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, middle)
    assert stage.get_by_role("slider").input_value() == "75"


@pytest.mark.slow
@pytest.mark.browser
def test_other_maps_come_onto_the_stage(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    stage = stage_of(page)
    image = page.locator("#image-1 .bench").first
    button = image.get_by_role("button", name="Look closer").nth(2)
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert image.locator("[aria-pressed=true]").count() == 1
    assert stage.get_by_label("Maps").input_value() == "2"
    likeness = image.locator(".slot").nth(2).locator(".likeness").inner_text()
    assert stage.locator(".readout").inner_text() == likeness
    stage.get_by_label("Maps").select_option("0")
    assert image.get_by_role("button", name="Look closer").nth(0).get_attribute("aria-pressed") == (
        "true"
    )


@pytest.mark.slow
@pytest.mark.browser
def test_of_three_runs_any_two_come_onto_the_stage(visit: Callable[..., Page], three: Path) -> None:
    page = visit(three)
    letters = "[data-pair=AC]"
    slot = page.locator(f".slot:has({letters})").first
    slot.scroll_into_view_if_needed()
    stage = page.locator(f".bench:has({letters}) .stage").first
    stage.wait_for()
    stage.get_by_label("Runs").select_option("BC")
    assert stage.locator(".view .letter").all_inner_texts() == ["B", "C"]
    assert stage.locator(".readout").inner_text().startswith("B C ")


@pytest.mark.slow
@pytest.mark.browser
def test_filtering(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    rows = page.locator(".versus tbody tr:visible")
    shown = page.locator(".sift output")
    assert shown.inner_text() == "4 of 4 shown"
    page.get_by_label("flipped only").check()
    assert (rows.count(), shown.inner_text()) == (2, "2 of 4 shown")
    page.get_by_label("flipped only").uncheck()
    page.get_by_label("Filter by file or class").fill("BEAGLE.png")
    assert rows.count() == 1
    page.get_by_label("Filter by file or class").fill("")
    page.locator(".versus").get_by_role("button", name="File").click()
    names = page.locator(".versus tbody .name a").all_inner_texts()
    assert names == sorted(names)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(
    visit: Callable[..., Page], two: Path, three: Path, hostile: Path, width: int
) -> None:
    for path in (two, three, hostile):
        page = visit(path, width=width)
        stage_of(page)
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.slow
@pytest.mark.browser
def test_hostile_texts_do_nothing(visit: Callable[..., Page], hostile: Path) -> None:
    page = visit(hostile)
    stage = stage_of(page)
    assert HOSTILE[:20] in stage.inner_text()
    for name in ("Blend", "Toggle", "Difference"):
        stage.get_by_role("radio", name=name).check()
    page.get_by_label("Filter by file or class").fill("<script>")
    assert page.locator(".versus tbody tr:visible").count() > 0


@pytest.mark.slow
@pytest.mark.browser
def test_paper_has_the_maps_and_not_the_stage(visit: Callable[..., Page], two: Path) -> None:
    page = visit(two)
    stage = stage_of(page)
    page.emulate_media(media="print")
    assert not stage.is_visible()
    assert not page.locator(".sift").is_visible()
    assert page.locator("#image-1 .slot svg").first.is_visible()
    assert page.get_by_role("button", name="Look closer").count() == 0
