"""No text runs: a corpus of attacks in every place that text can enter, in Chromium."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hostile_notes import ATTACKS
from sample import HOSTILE, HOSTILE_NAMES, hostile_report

from reportgen.render import RenderOptions, render
from reportgen.values import FrontMatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import Page

    from reportgen.values import Report

TEMPLATES = Path(__file__).parents[2] / "templates"

CORPUS = (
    "</script><script>window.hacked=1</script>",
    "<!--<script>window.hacked=1</script>-->",
    "--></script><img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "'><img src=x onerror='window.hacked=1'>",
    '" autofocus onfocus="window.hacked=1',
    "' onmouseover='window.hacked=1' x='",
    "\u2028window.hacked=1//\u2029",
    '\\";window.hacked=1;//',
    "';window.hacked=1;'",
    "`${window.hacked=1}`",
    "javascript:window.hacked=1",
    "</title></style></template></textarea><script>window.hacked=1</script>",
    "]]><script>window.hacked=1</script>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "{{7*7}}{% set x = 1 %}${7*7}#{7*7}",
    "\x00<scr\x00ipt>window.hacked=1</script>",
    "__proto__",
    " ".join(ATTACKS),
)


def with_text(value: Any, text: str) -> Any:  # noqa: ANN401 - any part of a report
    """Return ``value`` with ``text`` wherever the hostile report has a text of its own."""
    if isinstance(value, str):
        return value.replace(HOSTILE, text)
    if isinstance(value, tuple):
        parts = [with_text(item, text) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            item.name: with_text(getattr(value, item.name), text)
            for item in fields(value)
            if item.init
        }
        return replace(value, **changed)
    return value


def attacked(text: str, images: int = 1) -> Report:
    plain = hostile_report()
    report: Report = with_text(replace(plain, images=plain.images[:images]), text)
    return replace(
        report,
        images=tuple(
            replace(item, name=f"{number} {text}", note=text)
            for number, item in enumerate(report.images)
        ),
        front=FrontMatter(text, ((text, text),), text),
    )


@pytest.mark.browser
def test_nothing_runs_in_the_page(visit: Callable[..., Page], tmp_path: Path) -> None:
    report = attacked(" ".join(CORPUS))
    images = tuple(attacked(text).images[0] for text in CORPUS)
    render(replace(report, images=images), tmp_path)
    use(visit(tmp_path / "index.html"), CORPUS)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_no_attack_runs_alone(number: int, visit: Callable[..., Page], tmp_path: Path) -> None:
    render(attacked(CORPUS[number]), tmp_path)
    use(visit(tmp_path / "index.html"), CORPUS[number : number + 1])


def use(page: Page, typed: Sequence[str]) -> None:
    """Open what can be opened, type attacks into the filter, and look whether any of it ran."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    for text in typed:
        page.get_by_label("Filter by file or class").fill(text[:40])
    page.evaluate(
        """() => document.querySelectorAll("[onerror], [onload], [onfocus], [onmouseover]")
            .forEach((e) => { window.hacked = e.outerHTML; })"""
    )
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("Object.keys(Object.prototype)") == []


@pytest.mark.browser
def test_nothing_runs_in_a_folder_of_pages(visit: Callable[..., Page], tmp_path: Path) -> None:
    report = attacked(" ".join(CORPUS[:10]), 3)
    render(report, tmp_path, RenderOptions(form="folder", page_size=2))
    for name in ("index.html", "page-1.html", "page-2.html"):
        page = visit(tmp_path / name, beside=True)
        assert page.evaluate("window.hacked") is None


def test_the_attacks_get_everywhere() -> None:
    """What `with_text` leaves out would not be tested."""
    assert HOSTILE not in repr(attacked("x"))
    assert not any(name in repr(attacked("x")) for name in HOSTILE_NAMES)
    assert repr(attacked("@@@")).count("@@@") > 100


@pytest.mark.parametrize("name", ["full", "measured", "hostile", "index", "paged", "comparison"])
def test_every_page_has_a_policy(name: str, pages: dict[str, Path]) -> None:
    text = pages[name].read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]+'( 'strict-dynamic')?", rules["script-src"])
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    # Before it, no script could be kept from running.
    assert text.index("Content-Security-Policy") < text.index("<script")


SOURCES = sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".js", ".j2"})


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_is_parsed_as_markup_or_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"\.(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML|document\.write|\beval\s*\(|"
        r"new\s+Function\b|createContextualFragment|DOMParser|setHTMLUnsafe|srcdoc|javascript:|"
        r"set(?:Timeout|Interval)\s*\(\s*[\"'`]",
        text,
    )
    assert found == []
    if path.suffix == ".j2":
        assert "autoescape" not in text
        # Only literals, the policy and nothing else are taken as they are.
        safe = re.findall(r"([\w.]+|[\"'][^\"']*[\"']+)\s*\|\s*safe\b", text)
        assert [item for item in safe if item[0] not in "\"'" and item != "policy"] == []
        assert not re.search(r"<\w[^>]*\son\w+\s*=", text), "no handler in an attribute"
