"""Printing a report to PDF through an installed Chromium."""

from __future__ import annotations

import os
import re
import select
import shutil
import stat
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader
from pypdf.generic import StreamObject

from reportgen import pdf
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

TITLE = 'A "quoted" \\ title</style><b>\n{x:url(http://a.example/)} 猫'
"""Tries to end the string, the rule and the element."""
TITLE_SHOWN = 'A "quoted" \\ title</style><b> {x:url(http://a.example/)} 猫'

POINTS = {"a4": (595, 842), "letter": (612, 792)}
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="a browser made of a shell script")

PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src 'self'; style-src 'self'; script-src 'sha256-x'\">"
    '<title>T</title><link rel="stylesheet" href="assets/a.css"></head>'
    '<body><h1 id="top">One</h1><a href="#top">up</a> <a class="x" href="maps/a.npz">maps</a> '
    '<a href="https://a.example/">out</a><img src="assets/a.png" alt="" width="100" height="100">'
    '<p class="next">Two</p><script>document.body.append("by script")</script></body></html>'
)
PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
    b"\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture
def chromium() -> Path:
    found = pdf.find_browser()
    if found is None:
        pytest.skip("no Chromium to print with")
    return found


@pytest.fixture
def folder_page(tmp_path: Path) -> Path:
    """Return a page whose style and picture are files beside it, as in a folder form."""
    folder = tmp_path / "a report #1 ü"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "a.css").write_text(".next{break-before:page}", encoding="utf-8")
    (folder / "assets" / "a.png").write_bytes(PIXEL)
    page = folder / "index.html"
    page.write_text(PAGE, encoding="utf-8")
    return page


def script(path: Path, text: str) -> Path:
    """Return a program that stands in for a browser."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# -- in a browser ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_report_is_printed_on_the_paper_with_header_and_numbers(
    sample_page: Path, tmp_path: Path, paper: str, chromium: Path
) -> None:
    assert chromium
    out = tmp_path / "out.pdf"
    before = sorted(sample_page.parent.iterdir())
    pdf.write(sample_page, out, title=TITLE, paper=paper)
    reader = PdfReader(out)
    total = len(reader.pages)
    assert total >= 4
    for number, page in enumerate(reader.pages, 1):
        size = (float(page.mediabox.width), float(page.mediabox.height))
        assert size == pytest.approx(POINTS[paper], abs=1)
        text = page.extract_text()
        assert f"{number} / {total}" in text
        assert (TITLE_SHOWN.removesuffix(" 猫") in text) == (number > 1)
    assert reader.metadata is not None
    assert reader.metadata.title == "Cats and what AlexNet sees in them"
    assert sorted(sample_page.parent.iterdir()) == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.browser
def test_every_image_begins_a_page(sample_page: Path, tmp_path: Path, chromium: Path) -> None:
    assert chromium
    out = tmp_path / "out.pdf"
    pdf.write(sample_page, out, title="T", paper="a4")
    pages = [page.extract_text() for page in PdfReader(out).pages]
    starts = [
        next(number for number, text in enumerate(pages) if name in text and "SHA-256" in text)
        for name in ("tabby.jpg", "pair.png", "odd.png")
    ]
    assert len(set(starts)) == 3


@pytest.mark.slow
@pytest.mark.browser
def test_no_address_of_this_machine_is_in_it(
    full_page: Path, tmp_path: Path, chromium: Path
) -> None:
    assert chromium
    out = tmp_path / "out.pdf"
    pdf.write(full_page, out, title="T", paper="a4")
    reader = PdfReader(out)
    data = b"".join(map(content, map(reader.get_object, reader.xref[0])))
    assert b"/StructTreeRoot" in data
    for part in (b"file:", str(full_page.parent).encode(), str(tmp_path).encode()):
        assert part not in data
        assert part not in out.read_bytes()
    assert not any("file:" in address for address in addresses(reader))


def content(item: object) -> bytes:
    """Return an object of a PDF as it is written, and what is in it where it is a text."""
    inside = b""
    if isinstance(item, StreamObject) and item.get("/Subtype") != "/Image":
        inside = item.get_data()
    return repr(item).encode() + inside


def addresses(reader: PdfReader) -> list[str]:
    """Return where every link of a PDF leads."""
    found = []
    for page in reader.pages:
        for item in page.get("/Annots") or []:
            action = item.get_object().get("/A")
            if action is not None:
                found.append(str(action.get("/URI", "")))
    return found


@pytest.mark.slow
@pytest.mark.browser
def test_files_beside_the_page_are_found_and_scripts_do_not_run(
    folder_page: Path, tmp_path: Path, chromium: Path
) -> None:
    assert chromium
    out = tmp_path / "out.pdf"
    pdf.write(folder_page, out, title="T", paper="a4")
    reader = PdfReader(out)
    assert len(reader.pages) == 2, "the style sheet beside the page breaks it in two"
    assert len(reader.pages[0].images) == 1
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Two" in text
    assert "by script" not in text
    assert addresses(reader) == ["https://a.example/"]


@pytest.mark.slow
@pytest.mark.browser
def test_an_older_pdf_is_replaced(folder_page: Path, tmp_path: Path, chromium: Path) -> None:
    assert chromium
    out = tmp_path / "out.pdf"
    out.write_bytes(b"%PDF-1.4 old")
    pdf.check(out, "letter")
    pdf.write(folder_page, out, title="T", paper="letter")
    assert len(PdfReader(out).pages) == 2
    if sys.platform != "win32":
        (tmp_path / "plain").touch()
        assert out.stat().st_mode == (tmp_path / "plain").stat().st_mode


# -- the copy that is printed ----------------------------------------------------------------


class Elements(HTMLParser):
    """Collects what a browser would make of a page's head."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.policies: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = dict(attrs)
        if tag == "a":
            self.links.append(known.get("href"))
        if tag == "meta" and "http-equiv" in known:
            self.policies.append(known["content"])


def parsed(text: str) -> Elements:
    elements = Elements()
    elements.feed(text)
    return elements


@pytest.mark.parametrize(
    "title",
    [
        TITLE,
        '"',
        "\\",
        "</style>",
        "</STYLE ><script>alert(1)</script>",
        "\n",
        "\r\f\u2028",
        "*/",
        "",
    ],
)
def test_a_title_stays_inside_its_string(title: str) -> None:
    copy = pdf.printable(PAGE, title=title, paper="a4")
    plain = pdf.printable(PAGE, title="T", paper="a4")
    assert parsed(copy).tags == parsed(plain).tags
    found = re.search(r'@top-left\{content:"((?:[A-Za-z0-9]|\\[0-9a-f]{6} )*)";', copy)
    assert found
    said = re.sub(r"\\([0-9a-f]{6}) ", lambda code: chr(int(code[1], 16)), found[1])
    assert said == " ".join("".join(c if c.isprintable() else " " for c in title).split())


def test_a_long_title_is_cut_to_a_line() -> None:
    for title, most in (("word " * 50, 80), ("猫" * 100, 40)):
        said = pdf._cut(title)
        assert said.endswith("…")
        assert most * 0.9 <= len(said) <= most
    assert pdf._cut("x" * 80) == "x" * 80


def test_links_to_files_go_and_others_stay() -> None:
    assert parsed(pdf.printable(PAGE, title="T", paper="a4")).links == [
        "#top",
        None,
        "https://a.example/",
    ]


def test_the_policy_is_replaced_by_one_without_scripts() -> None:
    (policy,) = parsed(pdf.printable(PAGE, title="T", paper="a4")).policies
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy


def test_a_template_without_a_head_is_printed_too() -> None:
    assert pdf.printable("<p>x", title="T", paper="letter").startswith(
        "<p>x<style>@page{size:letter"
    )


# -- before anything is computed -------------------------------------------------------------


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    browser = script(tmp_path / "browser", "exit 0")
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(browser))
    return browser


@POSIX_ONLY
def test_a_name_for_a_new_file_is_fine(stand_in: Path, tmp_path: Path) -> None:
    assert pdf.find_browser() == stand_in
    pdf.check(tmp_path / "new.pdf", "a4")


@POSIX_ONLY
@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("no/such/a.pdf", "no folder"), ("text", "is no PDF")]
)
def test_a_name_that_cannot_be_written_is_refused(
    stand_in: Path, tmp_path: Path, name: str, said: str
) -> None:
    assert stand_in
    (tmp_path / "text").write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match=said):
        pdf.check(tmp_path / name, "a4")
    assert (tmp_path / "text").read_text(encoding="utf-8") == "mine"


@POSIX_ONLY
def test_an_unknown_paper_is_refused(stand_in: Path, tmp_path: Path) -> None:
    assert stand_in
    with pytest.raises(OptionError, match=r"--paper: expected one of a4, letter, found 'a3'"):
        pdf.check(tmp_path / "a.pdf", "a3")


def test_without_a_browser_it_says_what_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(pdf.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(pdf, "_usual_places", lambda: [tmp_path / "none"])
    assert pdf.find_browser() is None
    with pytest.raises(OptionError, match=r"found none.*print it to a file there"):
        pdf.check(tmp_path / "a.pdf", "a4")


def test_the_usual_places_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pdf.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(sys, "platform", "win32")
    program = tmp_path / "Microsoft" / "Edge" / "Application" / "msedge.exe"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path))
    assert pdf.find_browser() == program


def test_a_browser_that_is_named_and_not_there_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "no-such-browser")
    with pytest.raises(OptionError, match=r"REPORTGEN_CHROMIUM is set to 'no-such-browser'"):
        pdf.check(tmp_path / "a.pdf", "a4")


# -- when it fails ---------------------------------------------------------------------------


@POSIX_ONLY
def test_a_browser_that_prints_nothing_is_an_error_with_its_words(
    stand_in: Path, folder_page: Path, tmp_path: Path
) -> None:
    script(stand_in, "echo no display >&2; exit 3")
    out = tmp_path / "out.pdf"
    out.write_bytes(b"%PDF-1.4 old")
    before = sorted(folder_page.parent.iterdir())
    with pytest.raises(
        OptionError, match=r"code 3 and wrote no PDF\. Its last words: 'no display'\."
    ):
        pdf.write(folder_page, out, title="T", paper="a4")
    assert out.read_bytes() == b"%PDF-1.4 old"
    assert sorted(folder_page.parent.iterdir()) == before


@POSIX_ONLY
def test_a_browser_that_does_not_end_is_ended_with_its_children(
    stand_in: Path, folder_page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(pipe, os.O_WRONLY)
    # The child holds the stream of messages open, as a browser's own children do, and the pipe.
    script(stand_in, f"sleep 600 > '{pipe}' & wait")
    monkeypatch.setattr(pdf, "_PATIENCE", 1)
    with pytest.raises(OptionError, match="did not finish within"):
        pdf.write(folder_page, tmp_path / "out.pdf", title="T", paper="a4")
    os.close(writing)
    ended, _, _ = select.select([reading], [], [], 60)
    os.close(reading)
    assert ended, "nobody has the pipe open any more"
    assert not (tmp_path / "out.pdf").exists()
    assert {path.name for path in folder_page.parent.iterdir()} == {"assets", "index.html"}
