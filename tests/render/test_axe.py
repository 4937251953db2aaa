"""axe-core finds nothing to object to, on any page, in any light, at any width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MEDIA: dict[str, dict[str, Any]] = {
    "light": {"media": "screen", "color_scheme": "light"},
    "dark": {"media": "screen", "color_scheme": "dark"},
    "print": {"media": "print", "color_scheme": "light"},
}
WIDTHS = (320, 768, 1440)
COMBINATIONS = [
    # Every medium and every width in each run; the other six combinations take minutes.
    pytest.param(medium, width, marks=() if (row + 1) % 3 == column else pytest.mark.slow)
    for row, medium in enumerate(MEDIA)
    for column, width in enumerate(WIDTHS)
]

FIND = """async () => {
  // Every rule, best practices too, but for what AAA alone asks for and for experiments, of which
  // one is WCAG 2.5.3.
  const rules = {};
  for (const { ruleId, tags } of axe.getRules()) {
    rules[ruleId] = { enabled: !tags.includes("wcag2aaa") && !tags.includes("experimental") };
  }
  rules["label-content-name-mismatch"] = { enabled: true };
  // Nobody touches paper.
  rules["target-size"] = { enabled: !matchMedia("print").matches };
  const found = await axe.run(document, { rules, resultTypes: ["violations"], preload: false });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any, all, none }) => {
      const reasons = [...any, ...all, ...none].map(({ message }) => message);
      return `${id} (${help}): ${target.join(" ")}: ${reasons.join("; ")}`;
    }),
  );
}"""


@pytest.fixture(scope="module")
def axe(web_tools: Path) -> str:
    return (web_tools / "axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def open_page(browser: Browser, axe: str) -> Iterator[Callable[[Path], Page]]:
    # The page's own policy would refuse a script that is not its own.
    context = browser.new_context(bypass_csp=True)

    def opened(path: Path) -> Page:
        page = context.new_page()
        page.goto(path.as_uri())
        page.evaluate(axe)
        return page

    yield opened
    context.close()


def violations(page: Page, medium: str, width: int) -> list[str]:
    page.emulate_media(**MEDIA[medium])
    page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = page.evaluate(FIND)
    return found


@pytest.mark.parametrize(("medium", "width"), COMBINATIONS)
@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "measured",
        "hostile",
        "index",
        "comparison",
        pytest.param("paged", marks=pytest.mark.slow),  # has what a single page has
    ],
)
def test_nothing_on_a_page(
    name: str, medium: str, width: int, pages: dict[str, Path], open_page: Callable[[Path], Page]
) -> None:
    assert violations(open_page(pages[name]), medium, width) == []


@pytest.mark.parametrize(("medium", "width"), COMBINATIONS)
def test_nothing_with_the_viewer_open(
    medium: str, width: int, pages: dict[str, Path], open_page: Callable[[Path], Page]
) -> None:
    page = open_page(pages["plain"])
    page.locator(".look").first.click()
    assert page.locator("dialog[open]").count() == 1
    assert violations(page, medium, width) == []


def test_nothing_with_every_part_unfolded(
    pages: dict[str, Path], open_page: Callable[[Path], Page]
) -> None:
    page = open_page(pages["measured"])
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert violations(page, "light", 1440) == []


def test_a_fault_would_be_found(pages: dict[str, Path], open_page: Callable[[Path], Page]) -> None:
    page = open_page(pages["plain"])
    page.evaluate("document.querySelector('main img').removeAttribute('alt')")
    page.evaluate("document.querySelector('main p').style.color = '#777'")
    page.evaluate("document.querySelector('main p').style.background = '#999'")
    found = violations(page, "light", 1440)
    assert any("image-alt" in item for item in found)
    assert any("color-contrast" in item for item in found)
