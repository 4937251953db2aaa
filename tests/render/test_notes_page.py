"""Notes and marks on the page: shown, written, kept, downloaded, in Chromium."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hostile_notes import ATTACKS
from sample import HOSTILE, full_report, hostile_report

from reportgen.notes import read_notes
from reportgen.render import RenderOptions, render
from reportgen.render.environment import asset, make_environment
from reportgen.values import FrontMatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

    from reportgen.values import Report

    Visit = Callable[..., Page]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTE = """# Cat and dog

The map of **cat** is on the *ears*, see [the beagle](dogs/beagle.png), `features.10` and
[the paper](https://arxiv.org/abs/1610.02391).

- edges
- the head
  1. nested

| layer | r |
|---|--:|
| features.0 | 0.1 |

```python
# not a heading
```"""
ELEMENTS = frozenset(
    {"a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol"}
    | {"p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
    | {"@class", "@rel", "@start", "file:", "http:", "https:", "mailto:"}
)
"""What notes may bring: elements, attributes, and where links lead (``file:`` is the page)."""
WRITTEN = (
    ("a_b_c and 2 * 3 * 4", "<p>a_b_c and 2 * 3 * 4</p>"),
    ("*a **b** c*", "<p><em>a <strong>b</strong> c</em></p>"),
    ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
    ("`*a*` and ``a`b``", "<p><code>*a*</code> and <code>a`b</code></p>"),
    ("$a*b*c$ and \\*d\\*", "<p>$a*b*c$ and *d*</p>"),
    ("a\nb\n\nc", "<p>a\nb</p><p>c</p>"),
    ("3. a\n4. b", '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'),
    ("- a\n- b\n  c", "<ul><li><p>a</p></li><li><p>b\nc</p></li></ul>"),
    ("text\n- a", "<p>text</p><ul><li><p>a</p></li></ul>"),
    ("~~~\n<b>\n\n# x\n~~~\ny", "<pre><code>&lt;b&gt;\n\n# x</code></pre><p>y</p>"),
    ("```\nopen", "<pre><code>open</code></pre>"),
    ("## a ##\n# b", "<h3>a</h3><h3>b</h3>"),
    (
        "[x](javascript:y) [z](#how)",
        '<p>[x](javascript:y) <a href="#how" rel="noopener noreferrer">z</a></p>',
    ),
)
"""Markdown, and what the browser makes of it."""
META = (("course", "Computer Vision"), ("student number", "2023123456"))


def noted() -> Report:
    """Return a report with front matter, notes on the whole of it and on its first picture."""
    report = full_report()
    first, *rest = report.images
    return replace(
        report,
        images=(replace(first, note=NOTE), *rest),
        front=FrontMatter("Anna Example", META, "## Conclusion\n\nIt looks at *heads*."),
    )


@pytest.fixture(scope="module")
def noted_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noted")
    render(noted(), folder)
    return folder / "index.html"


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[[Report], Path]:
    def rendered(report: Report) -> Path:
        render(report, tmp_path)
        return tmp_path / "index.html"

    return rendered


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open a file in a new profile; at the end, nothing was fetched, logged or asked on the way."""
    contexts = []
    troubles: list[str] = []

    def open_page(path: Path, *, width: int = 1440, script: str = "", **options: Any) -> Page:  # noqa: ANN401
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", refuse)
        page.on("request", lambda request: note(request.url))
        page.goto(path.as_uri())
        return page

    def refuse(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note(url: str) -> None:
        if not url.startswith(("data:", "blob:", "file:")):
            troubles.append(f"request: {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def write(page: Page, place: str, text: str) -> None:
    """Write a note and say that it is done."""
    box = page.locator(f"{place} .note")
    box.get_by_role("button").click()
    box.get_by_role("textbox").fill(text)
    box.get_by_role("button", name="Done").click()


def download(page: Page, name: str, folder: Path) -> Path:
    """Press a button that gives a file, and return it."""
    with page.expect_download() as started:
        page.get_by_role("button", name=name).click()
    folder.mkdir(exist_ok=True)
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def copied(page: Page, folder: Path) -> Path:
    return download(page, "Download a copy with notes", folder)


# -- shown -----------------------------------------------------------------------------------


def test_complete_without_scripts(visit: Visit, noted_page: Path) -> None:
    page = visit(noted_page, java_script_enabled=False)
    assert page.locator(".front").inner_text().split("\n") == [
        "Author Anna Example",
        "course Computer Vision",
        "student number 2023123456",
    ]
    assert page.locator("#notes h3").inner_text() == "Conclusion"
    assert page.locator(".contents a[href='#notes']").count() == 1
    note = page.locator("#image-1 .note")
    assert note.locator("h4").inner_text() == "Notes"
    assert note.locator("h5").inner_text() == "Cat and dog"
    assert note.locator("a").first.get_attribute("href") == "#image-2"
    assert note.locator("td.number").inner_text() == "0.1"
    assert page.locator(".note").count() == 2
    assert page.locator(".note button, .actions").count() == 0


def test_nothing_of_it_where_nothing_was_given(full_page: Path) -> None:
    html = full_page.read_text()
    body = html[html.index("<body") : html.index("<script>")]
    assert 'id="notes"' not in body
    assert 'class="note"' not in body
    assert "front" not in body


def test_untrusted_texts(visit: Visit, page_of: Callable[[Report], Path]) -> None:
    report = full_report()
    attacks = "\n\n".join(ATTACKS)
    front = FrontMatter(HOSTILE, ((HOSTILE, HOSTILE),), attacks)
    first, *rest = report.images
    report = replace(report, front=front, images=(replace(first, note=attacks), *rest))
    page = visit(page_of(report))
    assert HOSTILE in page.locator(".front").inner_text()
    check_harmless(page)


def check_harmless(page: Page) -> None:
    """Check that notes brought nothing but text and safe links, and that nothing ran."""
    found = page.evaluate("""() => [...document.querySelectorAll(".markdown *")].flatMap((item) => [
      item.localName,
      ...[...item.attributes].filter(({ name }) => name !== "href").map(({ name }) => `@${name}`),
      ...(item.protocol ? [item.protocol] : []),
    ])""")
    assert set(found) <= ELEMENTS
    assert page.evaluate("typeof window.hacked") == "undefined"
    for link in page.locator(".markdown a").all():
        href = link.get_attribute("href") or ""
        assert href.startswith(("https://", "http://", "mailto:", "#"))
        assert link.get_attribute("rel") == "noopener noreferrer" or href.startswith("#")


# -- written ---------------------------------------------------------------------------------


def test_writing_and_the_way_it_is_shown(visit: Visit, full_page: Path) -> None:
    page = visit(full_page)
    opener = page.locator("#image-1 .note button")
    assert opener.inner_text() == "Add notes"
    assert opener.get_attribute("aria-describedby") == "image-1-name"
    write(page, "#image-1", NOTE)
    note = page.locator("#image-1 .note")
    assert note.locator("h4").inner_text() == "Notes"
    assert note.locator("h5").inner_text() == "Cat and dog"
    assert note.locator("strong").inner_text() == "cat"
    assert note.locator("em").inner_text() == "ears"
    assert note.locator("ul > li").count() == 2
    assert note.locator("ul ol li").inner_text() == "nested"
    assert note.locator("pre").inner_text() == "# not a heading"
    assert note.locator("p code").inner_text() == "features.10"
    links = [link.get_attribute("href") for link in note.locator("a").all()]
    assert links == ["#image-2", "https://arxiv.org/abs/1610.02391"]
    assert opener.inner_text() == "Edit the notes"
    assert page.evaluate("document.activeElement.textContent") == "Edit the notes"
    write(page, "#image-1", "  ")
    assert note.locator("h4, .markdown").count() == 0
    assert opener.inner_text() == "Add notes"


def test_what_is_written_is_harmless(visit: Visit, full_page: Path) -> None:
    page = visit(full_page)
    for attack in ATTACKS:
        write(page, "#image-2", attack)
        check_harmless(page)
    write(page, "#notes", "\n\n".join(ATTACKS))
    check_harmless(page)


def test_markdown_in_the_browser(visit: Visit, full_page: Path) -> None:
    page = visit(full_page)
    for text, html in WRITTEN:
        write(page, "#notes", text)
        assert page.locator("#notes .markdown").inner_html() == html


def test_drafts_are_kept_per_report(
    visit: Visit, page_of: Callable[[Report], Path], noted_page: Path
) -> None:
    path = noted_page
    page = visit(path)
    write(page, "#image-3", "kept")
    write(page, "#notes", "")
    page.reload()
    assert page.locator("#image-3 .markdown").inner_text() == "kept"
    assert page.locator("#notes .markdown").count() == 0
    assert page.locator("#image-1 .note h5").inner_text() == "Cat and dog"
    path = page_of(replace(noted(), title="Another report"))
    page.goto(path.as_uri())
    assert page.locator("#image-3 .markdown").count() == 0


def test_without_a_store(visit: Visit, full_page: Path, tmp_path: Path) -> None:
    refuse = 'Object.defineProperty(window, "localStorage", { get() { throw new Error(); } });'
    page = visit(full_page, script=refuse)
    write(page, "#image-1", "fleeting")
    assert page.locator("#image-1 .markdown").inner_text() == "fleeting"
    warned = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert page.evaluate(warned) is True
    assert "fleeting" in copied(page, tmp_path / "copy").read_text()
    assert page.evaluate(warned) is False


# -- a copy ----------------------------------------------------------------------------------


def script_of(path: Path) -> str:
    html = path.read_bytes().decode()
    return html[html.rindex("<script>") : html.rindex("</script>")]


def test_a_copy_and_a_copy_of_it(visit: Visit, noted_page: Path, tmp_path: Path) -> None:
    original = noted_page
    page = visit(original)
    # What scripts and readers do to a page is not in the copy.
    page.get_by_label("Filter").first.fill("beagle")
    page.get_by_role("button", name="Marking").click()
    write(page, "#image-2", "<b>second</b> & **bold**")
    page.locator("#image-3 .note button").click()
    first = copied(page, tmp_path / "first")
    assert first.name == "Cats-and-dogs-and-what-AlexNet-sees-in-them-notes.html"
    assert script_of(first) == script_of(original)

    still = visit(first, java_script_enabled=False)
    assert still.locator("#image-2 .markdown").inner_text() == "<b>second</b> & bold"
    assert still.locator("#image-2 .markdown strong").count() == 1
    assert still.locator("#image-1 .note td.number").inner_text() == "0.1"
    assert still.locator(".note").count() == 3
    assert still.locator("button:visible, textarea, fieldset, .marked").count() == 0
    assert still.locator("tr[hidden]").count() == 0

    page = visit(first)
    assert page.locator("#image-2 .note button").all_inner_texts() == ["Edit the notes"]
    assert page.locator(".actions, #notes").count() == 2
    page.locator("#image-2 .note button").click()
    assert page.locator("#image-2 textarea").input_value() == "<b>second</b> & **bold**"
    write_again = page.locator("#image-2")
    write_again.get_by_role("textbox").fill("second, again")
    write_again.get_by_role("button", name="Done").click()
    write(page, "#image-1", "")
    second = copied(page, tmp_path / "second")
    assert script_of(second) == script_of(original)

    still = visit(second, java_script_enabled=False)
    assert still.locator("#image-2 .markdown").inner_text() == "second, again"
    assert still.locator("#image-1 .note").count() == 0
    assert still.locator("#notes h3").inner_text() == "Conclusion"
    assert copied(visit(second), tmp_path / "third").stat().st_size == second.stat().st_size


def test_nothing_changes_but_the_notes(visit: Visit, noted_page: Path, tmp_path: Path) -> None:
    page = visit(noted_page)
    tree = """(html) => {
      const page = new DOMParser().parseFromString(html, "text/html");
      page.querySelectorAll("#handin").forEach((item) => item.remove());
      // What follows the scripts is not read yet when they run.
      return page.documentElement.outerHTML.replace(/\\s+(?=<.body><.html>$)/, "");
    }"""
    before = page.evaluate(tree, noted_page.read_text())
    after = page.evaluate(tree, copied(page, tmp_path / "copy").read_text())
    assert before == after


def test_a_copy_with_notes_where_there_were_none(
    visit: Visit, full_page: Path, tmp_path: Path
) -> None:
    page = visit(full_page)
    assert page.get_by_role("button", name="Download").count() == 0
    write(page, "#notes", "# Conclusion")
    copy = copied(page, tmp_path / "copy")
    still = visit(copy, java_script_enabled=False)
    assert still.locator("#summary + #notes h3").inner_text() == "Conclusion"
    # The copy has drafts of its own: the page that it was made of does not change it.
    page.goto(copy.as_uri())
    write(page, "#notes", "changed in the copy")
    page.goto(full_page.as_uri())
    assert page.locator("#notes h3").inner_text() == "Conclusion"


def test_a_copy_of_hostile_texts(
    visit: Visit, page_of: Callable[[Report], Path], tmp_path: Path
) -> None:
    report = hostile_report()
    page = marking(visit(page_of(replace(report, images=report.images[:2]))))
    attacks = "\n\n".join(ATTACKS)
    write(page, "#image-1", attacks)
    mark(page, "#image-1", remark=ATTACKS[0])
    page.get_by_label("Keep the marks in a copy").check()
    path = copied(page, tmp_path / "copy")
    still = visit(path, java_script_enabled=False)
    assert still.locator(".marked").inner_text() == f"Remark {ATTACKS[0]}"
    page = visit(path)
    check_harmless(page)
    page.locator("#image-1 .note button").click()
    assert page.locator("#image-1 .note textarea").input_value() == attacks


# -- the file of notes -------------------------------------------------------------------------


def test_the_downloaded_notes_are_read_back(
    visit: Visit, page_of: Callable[[Report], Path], tmp_path: Path
) -> None:
    report = noted()
    page = visit(page_of(report))
    nasty = "## dogs/tall.png\n\n## stray\n\n### Report\n\n```\n# Report\n```\n\n## v1.5\n\nend"
    write(page, "#image-2", nasty)
    path = download(page, "Download notes (.md)", tmp_path / "notes")
    assert path.suffix == ".md"
    notes = read_notes(path, [image.name for image in report.images])
    assert notes.report == report.front.notes
    assert dict(notes.by_name) == {
        "cats/tabby.jpg": NOTE.replace("# Cat and dog", "## Cat and dog"),
        "dogs/beagle.png": nasty.replace("tall.png", "tall&#46;png").replace("1.5", "1&#46;5"),
    }
    again = replace(report.images[0], note=notes.by_name["cats/tabby.jpg"])
    report = replace(report, images=(again, *report.images[1:]))
    page = visit(page_of(report))
    second = read_notes(download(page, "Download notes (.md)", tmp_path / "again"), [again.name])
    assert second.by_name[again.name] == notes.by_name[again.name]


# -- marks -------------------------------------------------------------------------------------


def mark(page: Page, place: str, **values: str) -> None:
    for label, value in values.items():
        page.locator(f"{place} .marks").get_by_label(label.capitalize(), exact=True).fill(value)


def marking(page: Page) -> Page:
    page.get_by_role("button", name="Marking").click()
    return page


def test_marking(visit: Visit, page_of: Callable[[Report], Path], tmp_path: Path) -> None:
    report = noted()
    page = marking(visit(page_of(report)))
    assert page.locator("output", has_text="0 of 4 images marked").count() == 1
    mark(page, "#image-1", verdict="accepted", mark="8.5")
    mark(page, "#image-2", remark="=HYPERLINK(0), look\nagain")
    mark(page, "#notes", verdict="to be revised")
    assert page.locator("output", has_text="1 of 4 images marked").count() == 1
    found = json.loads(download(page, "Download marks (.json)", tmp_path / "m").read_text())
    assert {key: found[key] for key in ("schema", "schema_version", "title", "author", "meta")} == {
        "schema": "reportgen/marks",
        "schema_version": 1,
        "title": report.title,
        "author": "Anna Example",
        "meta": dict(META),
    }
    assert found["created"] == report.run.created.isoformat()
    assert found["weights_sha256"] == report.run.model.weights_sha256
    blank = {"verdict": "", "mark": "", "remark": ""}
    assert found["report"] == {"name": "", **blank, "verdict": "to be revised", "sha256": ""}
    assert [image["name"] for image in found["images"]] == [image.name for image in report.images]
    assert {image["sha256"] for image in found["images"]} == {report.images[0].sha256}
    assert found["images"][0]["mark"] == "8.5"
    text = download(page, "Download marks (.csv)", tmp_path / "m").read_text("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert [row["file"] for row in rows] == ["", *(image.name for image in report.images)]
    assert rows[0]["verdict"] == "to be revised"
    assert rows[1]["mark"] == "8.5"
    assert rows[2]["remark"] == "'=HYPERLINK(0), look\nagain"
    assert {row["student number"] for row in rows} == {"2023123456"}
    assert {row["author"] for row in rows} == {"Anna Example"}
    marking(page)
    assert page.locator("fieldset.marks").count() == 0
    assert page.locator("#image-1 .marked").inner_text().split() == [
        "Verdict",
        "accepted",
        "Mark",
        "8.5",
    ]
    page.reload()
    assert "accepted" in page.locator("#image-1 .marked").inner_text()


def test_marks_are_read_again(
    visit: Visit, page_of: Callable[[Report], Path], noted_page: Path, tmp_path: Path
) -> None:
    path = noted_page
    page = marking(visit(path))
    mark(page, "#image-3", verdict="rejected", mark="<b>2</b>", remark="why?")
    marks = download(page, "Download marks (.json)", tmp_path / "m")
    page = marking(visit(path))
    page.get_by_label("Read marks").set_input_files(marks)
    page.get_by_text("1 of 4 images marked").wait_for()
    assert page.locator("#image-3 .marks").get_by_label("Mark", exact=True).input_value() == (
        "<b>2</b>"
    )
    other = marking(visit(page_of(replace(noted(), title="Another report"))))
    for text in (marks.read_text(), "[]", "nothing"):
        (tmp_path / "bad.json").write_text(text)
        other.get_by_label("Read marks").set_input_files(tmp_path / "bad.json")
        other.get_by_text("This file does not hold marks of this report.").wait_for()
        marking(marking(other))
    assert other.locator("output", has_text="0 of 4 images marked").count() == 1


def test_marks_are_in_a_copy_where_they_are_to_be(
    visit: Visit, noted_page: Path, tmp_path: Path
) -> None:
    page = marking(visit(noted_page))
    mark(page, "#image-1", verdict="accepted")
    without = visit(copied(page, tmp_path / "without"), java_script_enabled=False)
    assert without.locator(".marked").count() == 0
    page.get_by_label("Keep the marks in a copy").check()
    path = copied(page, tmp_path / "with")
    assert visit(path, java_script_enabled=False).get_by_text("accepted").count() == 1
    page = visit(path)
    assert page.locator("#image-1 .marked").inner_text() == "Verdict accepted"
    assert marking(page).locator("#image-1 .marks").get_by_label("Verdict").input_value() == (
        "accepted"
    )


# -- forms, paper, widths ------------------------------------------------------------------------


def test_several_pages(visit: Visit, tmp_path: Path) -> None:
    render(noted(), tmp_path, RenderOptions(form="folder", page_size=2))
    page = visit(tmp_path / "page-2.html")
    assert page.get_by_role("button", name="Download a copy").count() == 0
    assert page.locator("#notes .note").count() == 0
    write(page, "#image-3", "on the second page")
    mark(marking(page), "#image-4", mark="7")
    assert page.locator("output", has_text="1 of 2 images marked").count() == 1
    page.goto((tmp_path / "index.html").as_uri())
    assert page.locator("#notes h3").inner_text() == "Conclusion"
    path = download(page, "Download notes (.md)", tmp_path / "notes")
    notes = read_notes(path, [image.name for image in noted().images])
    assert set(notes.by_name) == {"cats/tabby.jpg", "dogs/tall.png"}
    marking(page)
    found = json.loads(download(page, "Download marks (.json)", tmp_path / "notes").read_text())
    assert [(image["name"], image["mark"]) for image in found["images"]] == [("stray.webp", "7")]


def test_a_link_leads_to_another_page(tmp_path: Path) -> None:
    report = noted()
    front = replace(report.front, notes="[far](#image-4), [near](stray.webp), [none](#image-5)")
    render(replace(report, front=front), tmp_path, RenderOptions(form="folder", page_size=2))
    html = (tmp_path / "index.html").read_text()
    assert '<a href="page-2.html#image-4">far</a>' in html
    assert '<a href="page-2.html#image-4">near</a>, none' in html


def test_on_paper(visit: Visit, noted_page: Path, full_page: Path) -> None:
    page = visit(noted_page)
    mark(marking(page), "#image-4", remark="printed")
    page.locator("#image-1 .note button").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#image-1 .note h5").is_visible()
    assert page.locator("#image-4 .marked").is_visible()
    assert page.locator(".note button:visible, .actions:visible, .marks:visible").count() == 0
    page = visit(full_page)
    page.emulate_media(media="print")
    assert not page.locator("#notes").is_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_accessible_while_writing_and_marking(
    colours: Any,  # noqa: ANN401 - a literal of playwright's
    web_tools: Path,
    browser: Browser,
    noted_page: Path,
) -> None:
    context = browser.new_context(bypass_csp=True, color_scheme=colours)
    page = context.new_page()
    page.goto(noted_page.as_uri())
    page.evaluate((web_tools / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    mark(marking(page), "#image-1", verdict="accepted")
    page.locator("#image-2 .note button").click()
    page.locator("#notes .note button").click()
    for width in (320, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        found = page.evaluate("""() => axe.run("#notes, article", { resultTypes: ["violations"],
          rules: { "target-size": { enabled: true } } }).then(({ violations }) =>
          violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))""")
        assert found == []
    context.close()


def test_size_of_scripts_and_style() -> None:
    environment = make_environment()
    names = ("scripts/markdown.js", "scripts/notes.js", "scripts/marks.js", "styles/notes.css")
    assert sum(len(asset(environment, name).encode()) for name in names) <= 11 * 1024
