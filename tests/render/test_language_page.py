"""A report in another language: nothing is left in English but data and names."""

from __future__ import annotations

import gettext
import json
import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from sample import full_report, measured_report
from test_comparison_page import other, page_of
from viewer_pages import Viewer

from reportgen import language
from reportgen.render import FORMATS, RenderOptions, render
from reportgen.render.environment import builtin_folder
from reportgen.render.filters import base_of, folder_of
from reportgen.values import FrontMatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from reportgen.render.pages import Form
    from reportgen.values import Report

SPOKEN = ("alt", "title", "aria-label", "placeholder", "label", "data-label")
"""Attributes that a reader sees or hears."""
SILENT = {"script", "style", "code", "pre"}
"""Elements whose text is not in any language."""
NAMES = ("Guided Grad-CAM", "SHA-256", "IoU", "ROAD", "ADCC", "AUC", "Pearson", "UTC")
"""Names of methods and measures, which are the same in every language."""
TERMS = """
    Bonferroni bootstrap Chattopadhay Petsiuk Poppi Rong alpha logit ReLU softmax torch known
    BibTeX Markdown PageUp PageDown json
"""
"""What Chinese texts have in Latin letters: terms, authors, formats and keys."""


class Marked(gettext.NullTranslations):
    """A language in which every text is the English one in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    def pgettext(self, context: str, message: str) -> str:
        return f"⟦{context}: {message}⟧"


class Text(HTMLParser):
    """What a page says: its text, and the attributes that are read out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.said: list[str] = []
        self.language = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.said += [value for name in SPOKEN if (value := found.get(name))]
        if tag == "html":
            self.language = found.get("lang") or ""
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not SILENT & set(self.open):
            self.texts.append(data)


def strings(value: object) -> Iterator[str]:
    """Yield every text in a value, with the parts that a page shows of it."""
    if isinstance(value, str):
        yield from (value, folder_of(value), base_of(value))
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from strings(item)


def english(said: str, data: set[str], least: int = 3) -> list[str]:
    """Return the words of ``least`` or more letters that are neither translated nor data."""
    while True:
        inner = re.sub(r"⟦[^⟦⟧]*⟧", " ", said)
        if inner == said:
            break
        said = inner
    said = re.sub(r"\s+", " ", said)
    for item in sorted(data, key=len, reverse=True):
        words = re.sub(r"\s+", " ", item)
        said = re.sub(rf"(?<![A-Za-z]){re.escape(words)}(?![A-Za-z])", " ", said)
    return re.findall(rf"[A-Za-z]{{{least},}}", said)


def data_of(report: Report) -> set[str]:
    """Return every text that a page has from the report, or as a name."""
    files = (item.filename for item in FORMATS)
    return {text for text in (*strings(report), *files, "run.toml", *NAMES) if text.strip()}


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_current", ("en", Marked()))


def in_chinese(report: Report) -> Report:
    return replace(report, run=replace(report.run, language="zh"))


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("form", ["single", "folder"])
@pytest.mark.parametrize("make", [full_report, measured_report])
def test_every_text_of_a_page_can_be_translated(
    make: Callable[[], Report], form: Form, tmp_path: Path
) -> None:
    report = replace(make(), front=FrontMatter("A. Author", (("course", "CV 101"),), "A *note*."))
    render(report, tmp_path, RenderOptions(form=form, page_size=2))
    data = data_of(report) | {"note"}
    pages = sorted(tmp_path.glob("*.html"))
    assert len(pages) == (1 if form == "single" else 3)
    for page in pages:
        found = Text(page.read_text(encoding="utf-8"))
        assert "⟦" in "".join(found.texts)
        assert english(" ".join(found.texts), data) == [], page.name
        assert [word for said in found.said for word in english(said, data)] == [], page.name


def test_style_sheets_say_nothing_themselves() -> None:
    for file in builtin_folder().rglob("*.css"):
        for said in re.findall(r"content:([^;]*)", file.read_text(encoding="utf-8")):
            written = "".join(text for _, text in re.findall(r"([\"'])(.*?)\1", said))
            assert not re.search("[A-Za-z]{2}", written), file.name


def test_templates_translate_values_by_the_filter_that_escapes_them() -> None:
    """What ``_()`` returns in a template counts as safe, so it is for literal texts alone."""
    for file in builtin_folder().rglob("*.j2"):
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"(?<!\w)(?:_|n?p?gettext)\((?!\s*\")[^)]*", text) == [], file.name


@pytest.mark.usefixtures("marked")
def test_every_text_of_a_comparison_can_be_translated(tmp_path: Path) -> None:
    reports = (full_report(), other(full_report(), "resnet18"))
    found = Text(page_of(tmp_path, *reports).read_text(encoding="utf-8"))
    data = {*data_of(reports[0]), *data_of(reports[1]), "comparison.json", "comparison.csv"}
    assert english(" ".join(found.texts), data) == []
    assert [word for said in found.said for word in english(said, data)] == []


# -- in Chinese ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chinese_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the measured report in Chinese: one file, an index and a page of images."""
    single, folder = map(tmp_path_factory.mktemp, ("chinese", "chinese-folder"))
    language.activate("zh")
    render(in_chinese(measured_report()), single)
    render(in_chinese(measured_report()), folder, RenderOptions(form="folder", page_size=2))
    language.activate("en")
    return {
        "single": single / "index.html",
        "index": folder / "index.html",
        "page": folder / "page-1.html",
    }


@pytest.mark.parametrize("name", ["single", "index", "page"])
def test_a_page_in_chinese_says_so_and_hands_its_scripts_their_texts(
    name: str, chinese_pages: dict[str, Path]
) -> None:
    page = chinese_pages[name].read_text(encoding="utf-8")
    found = Text(page)
    assert found.language == "zh-CN"
    assert re.search("[\u4e00-\u9fff]", "".join(found.texts))
    start, end = '<script type="application/json" id="messages">', "</script>"
    data = page.split(start)[1].split(end)[0]
    texts = json.loads(data)
    assert language.catalogue("zh")["Copy"].string in texts
    assert not any(re.search("^[A-Z][a-z]+ [a-z ]+$", text) for text in texts)
    assert page.index(start) < page.rindex("<script")


@pytest.mark.parametrize("form", ["single", "folder"])
def test_a_page_in_english_says_so_and_hands_its_scripts_their_texts(
    form: Form, tmp_path: Path
) -> None:
    render(full_report(), tmp_path, RenderOptions(form=form, page_size=2))
    for page in tmp_path.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert Text(text).language == "en"
        assert '"Copy"' in text.split('id="messages">')[1]


# What a reader sees, and what screen readers say of what is seen; a list's choices too.
SEEN = """() => {
  const seen = (it) => it?.checkVisibility({ visibilityProperty: true });
  const elements = [...document.body.querySelectorAll("*")]
    .filter((it) => !it.closest("script, style, code, pre"))
    .filter((it) => seen(it) || seen(it.closest("select")));
  return elements.flatMap((it) => [
    ...[...it.childNodes].map(({ nodeType, data }) => nodeType === Node.TEXT_NODE && data),
    it.ariaLabel, it.title, it.placeholder, it.label, it.alt,
  ]).filter((text) => typeof text === "string" && text.trim());
}"""


def left_in_english(page: Page, *names: str) -> list[str]:
    data = data_of(measured_report()) | {*TERMS.split(), *names}
    texts = page.evaluate(SEEN)
    assert len(texts) > 50
    return [word for text in texts for word in english(text, data, least=4)]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("view", ["sheet", "table", "compare"])
@pytest.mark.parametrize("name", ["single", "index"])
def test_all_images_at_a_glance_in_chinese(
    name: str, view: str, visit: Callable[..., Page], chinese_pages: dict[str, Path]
) -> None:
    page = visit(chinese_pages[name], anchor=f"#view={view}&chosen=1,2", beside=True)
    page.get_by_role("button", name="对比", exact=False).first.wait_for()
    assert left_in_english(page) == []


@pytest.mark.slow
@pytest.mark.browser
def test_the_viewer_in_chinese(visit: Callable[..., Page], chinese_pages: dict[str, Path]) -> None:
    page = visit(chinese_pages["single"])
    page.locator(".panel .look").first.click()
    viewer = Viewer(page)
    viewer.ready()
    viewer.slide("阈值", 50)
    viewer.stage.focus()
    page.keyboard.press("ArrowRight")
    assert viewer.said().startswith("第 ")
    assert left_in_english(page) == []
    page.keyboard.press("?")
    page.get_by_role("dialog", name="按键").wait_for()
    assert left_in_english(page) == []


@pytest.mark.slow
@pytest.mark.browser
def test_notes_and_marking_in_chinese(
    visit: Callable[..., Page], chinese_pages: dict[str, Path]
) -> None:
    page = visit(chinese_pages["single"])
    page.get_by_role("button", name="评阅").click()
    page.get_by_role("button", name=re.compile("备注")).first.click()
    page.get_by_role("textbox").first.wait_for()
    assert left_in_english(page) == []


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("chinese")
def test_a_comparison_in_chinese(visit: Callable[..., Page], tmp_path: Path) -> None:
    second = other(full_report(), "resnet18")
    page = visit(page_of(tmp_path, in_chinese(full_report()), in_chinese(second)))
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.locator("[data-stage]").first.scroll_into_view_if_needed()  # which makes it
    page.get_by_role("button", name="细看").first.click()
    for mode in ("滑动", "混合", "切换", "差值"):
        page.get_by_role("radio", name=mode).first.check()
        assert left_in_english(page, "resnet18", second.title, "comparison") == [], mode
