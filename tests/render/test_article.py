"""The article of one image: its tabs, its contrast, what its pictures say, and what it costs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sample import full_report, grey, image, panel

from reportgen.render import render
from reportgen.render.words import describe_panel
from reportgen.values import MapState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from reportgen.values import ImageRecord, Report

DATA = re.compile(r"data:image/(?:png|jpeg);base64,[^\"')]+")
MARKUP = 6_000
"""Bytes of markup that one image with one target and six maps may take, its pictures aside."""


def written(report: Report, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    render(report, folder)
    return folder / "index.html"


def many_targets(number: int, report: Report) -> Report:
    return replace(report, images=(image(targets=number), image("b.png", targets=number)))


def shown(page: Page) -> list[str]:
    """Return the targets of the first image that a reader sees."""
    sections = page.locator("#image-1 > .target")
    return [
        sections.nth(place).get_attribute("data-target") or ""
        for place in range(sections.count())
        if sections.nth(place).locator("h4").is_visible()
    ]


# -- tabs ------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize(("targets", "first"), [(2, ["tabby", "Egyptian cat"]), (3, ["tabby"])])
def test_few_targets_are_shown_at_once_many_as_tabs(
    targets: int,
    first: list[str],
    sample: Report,
    visit: Callable[..., Page],
    tmp_path: Path,
) -> None:
    page = visit(written(many_targets(targets, sample), tmp_path))
    assert shown(page) == first
    assert page.locator("#image-1 [role=tab]").count() == targets + 1


@pytest.mark.browser
def test_tabs_answer_to_the_keyboard(
    sample: Report, visit: Callable[..., Page], tmp_path: Path
) -> None:
    page = visit(written(many_targets(3, sample), tmp_path))
    tabs = page.locator("#image-1 [role=tab]")
    names = ["tabby", "Egyptian cat", "tiger cat"]
    tabs.first.focus()
    for key, expected, chosen in (
        ("ArrowRight", names[1:2], 1),
        ("End", names, 3),
        ("ArrowRight", names[:1], 0),
        ("ArrowLeft", names, 3),
        ("Home", names[:1], 0),
    ):
        page.keyboard.press(key)
        assert shown(page) == expected, key
        assert tabs.nth(chosen).get_attribute("aria-selected") == "true"
        assert page.evaluate("document.activeElement.id") == f"image-1-tab-{chosen + 1}"
        assert page.locator("#image-1 [role=tab][tabindex='0']").count() == 1
    labels = page.locator("#image-1 > .target").evaluate_all(
        """all => all.map((e) =>
            document.getElementById(e.getAttribute("aria-labelledby")).textContent)"""
    )
    assert labels == names
    assert shown(page) == names[:1]


@pytest.mark.browser
def test_a_link_opens_the_target_that_it_names(
    sample: Report, visit: Callable[..., Page], tmp_path: Path
) -> None:
    file = written(many_targets(3, sample), tmp_path)
    page = visit(file, anchor="#image-1-target-3")
    assert shown(page) == ["tiger cat"]
    page.evaluate("location.hash = '#image-1-target-2'")
    page.wait_for_function("!document.querySelector('#image-1-target-2').hidden")
    assert shown(page) == ["Egyptian cat"]


@pytest.mark.browser
def test_without_scripts_and_on_paper_every_target_is_there(
    sample: Report, visit: Callable[..., Page], tmp_path: Path
) -> None:
    file = written(many_targets(3, sample), tmp_path)
    plain = visit(file, java_script_enabled=False)
    assert len(shown(plain)) == 3
    assert plain.locator(".tabs").count() == 0
    page = visit(file)
    page.emulate_media(media="print")
    assert len(shown(page)) == 3
    assert not page.locator(".tabs").first.is_visible()


@pytest.mark.browser
def test_maps_are_drawn_on_the_original_when_asked_for(
    sample: Report, visit: Callable[..., Page], tmp_path: Path
) -> None:
    page = visit(written(replace(sample, images=(image(),)), tmp_path))
    details = page.locator("#image-1 .originals")
    assert details.locator("figure").count() == 0
    details.locator("summary").click()
    details.locator("figure").first.wait_for()
    labels = details.locator("svg").evaluate_all("all => all.map((e) => e.ariaLabel)")
    assert len(labels) == 5
    assert labels[0] == "Layer-CAM at features.0, on the original photo"
    used = details.locator("use:last-of-type").evaluate_all(
        "all => all.map((e) => e.getAttribute('href'))"
    )
    assert used == [f"#map-1-1-{place}" for place in range(2, 7)]


# -- contrast --------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [2, 5])
def test_two_targets_are_contrasted(targets: int, sample: Report, tmp_path: Path) -> None:
    given = full_report().images[0].contrast
    assert given is not None
    one = replace(image(targets=targets), contrast=replace(given, second=targets - 1))
    text = written(replace(sample, images=(one,)), tmp_path).read_text(encoding="utf-8")
    last = one.targets[-1].target.name
    (figure,) = re.findall(r'<figure class="difference">.*?</figure>', text, re.DOTALL)
    assert f"“tabby” less that of “{last}”, at features.10" in figure
    assert 'id="contrast-1" class="differ c14"' in figure
    assert "<span>−0.0345</span><span>0</span><span>0.0345</span>" in figure
    assert f"<bdi>{last}</bdi><bdi>tabby</bdi>" in figure  # the side of the second is the left


def test_without_a_contrast_nothing_is_said_of_one(sample: Report, tmp_path: Path) -> None:
    text = written(many_targets(2, sample), tmp_path).read_text(encoding="utf-8")
    assert 'class="difference"' not in text


# -- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(0, "peak at the left"), (1, "peak in the centre"), (4, "peak at the right")],
)
def test_the_place_of_the_peak_is_told(depth: int, expected: str) -> None:
    text = describe_panel(panel("grad-cam", depth), "Grad-CAM", "tabby")
    assert text == f"Grad-CAM for “tabby” at {panel('grad-cam', depth).layer}, {expected}"


def test_the_place_in_the_record_goes_before_that_of_the_picture() -> None:
    known = replace(panel("grad-cam", 0), peak_at=(0.9, 0.1))
    assert describe_panel(known, "A", "b").endswith("peak upper right")


def test_a_wide_map_is_spread_and_an_empty_one_says_why() -> None:
    plain = panel("grad-cam", 0)
    assert plain.heat is not None
    wide = replace(plain, heat=replace(plain.heat, area=0.5))
    assert describe_panel(wide, "A", "b").endswith("spread over the picture, peak at the left")
    empty = panel("grad-cam", 0, state=MapState.NO_EVIDENCE)
    assert describe_panel(empty, "A", "b") == "A for “b” at features.0, no positive evidence"


def test_names_with_braces_stay_names() -> None:
    text = describe_panel(panel("grad-cam", 0), "{0}", "{place}")
    assert text.startswith("{0} for “{place}” at")


# -- cost ------------------------------------------------------------------------------------


def articles(text: str) -> list[str]:
    """Return the articles of a page without the bytes of their pictures."""
    return DATA.findall(text) and re.findall(
        r'<article class="image".*?</article>', DATA.sub("", text), re.DOTALL
    )


def test_every_picture_stands_once(full: Report, tmp_path: Path) -> None:
    # Pictures of the sample that are alike by making are told apart first.
    images = tuple(distinct(item, place) for place, item in enumerate(full.images[:2]))
    text = written(replace(full, images=images), tmp_path).read_text(encoding="utf-8")
    maps = re.findall(r'<image [^>]*href="([^"]+)"', text)
    assert len(maps) == 2 * (1 + 12 + 1)
    assert all(text.count(f'{uri}"') == 1 for uri in maps)


def distinct(record: ImageRecord, place: int) -> ImageRecord:
    """Return ``record`` with maps of which none is like another."""
    targets = tuple(
        replace(
            item,
            panels=tuple(
                replace(each, grey=grey((20 + place, 3 + 7 * number + depth), depth))
                for depth, each in enumerate(item.panels)
            ),
        )
        for number, item in enumerate(record.targets)
    )
    assert record.contrast is not None
    contrast = replace(record.contrast, grey=grey((30 + place, 9)))
    return replace(record, targets=targets, contrast=contrast)


def test_the_markup_of_an_image_stays_small(sample: Report, tmp_path: Path) -> None:
    one = replace(image("cat.jpg"), notes=())
    images = (one, one, one)
    text = written(replace(sample, images=images), tmp_path).read_text(encoding="utf-8")
    found = articles(text)
    assert len(found) == 3
    assert max(len(item.encode()) for item in found) <= MARKUP
    assert "\n\n" not in found[0]
