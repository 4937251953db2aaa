"""What the user sees in a pipe; a terminal is tried through the command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reportgen.console import (
    ConsoleObserver,
    one_line,
    print_error,
    print_note,
    print_summary,
    print_table,
)
from reportgen.progress import Outcome
from reportgen.values import FailureRecord

if TYPE_CHECKING:
    from pathlib import Path

FAILURE = FailureRecord("bad\n[red]\x1b[2Jname.png", "is [bold]\x07text")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would make rich believe in a terminal."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ☃ é", "plain ☃ é"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2028", "\\u2028"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected
    assert one_line(text).isprintable()


def run(observer: ConsoleObserver, total: int, *failures: FailureRecord) -> None:
    observer.stage("Loading [model]")
    observer.detail("layer 3")
    observer.start(total)
    for failure in failures:
        observer.failed(failure)
    for _ in range(total):
        observer.advance()
    observer.finish()


def test_counting_may_begin_again(capsys: Capture) -> None:
    observer = ConsoleObserver()
    observer.start(3)
    observer.advance()
    run(observer, 3)
    counts = re.findall(r"^(\d+)/3 images", capsys.readouterr().err, re.MULTILINE)
    assert counts == ["1", "1", "2", "3"]


def test_quiet_prints_failures_only(capsys: Capture) -> None:
    run(ConsoleObserver(quiet=True), 5, FAILURE)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "failed bad\\n[red]\\x1b[2Jname.png: is [bold]\\x07text\n"


def test_quiet_without_failures_is_silent(capsys: Capture) -> None:
    run(ConsoleObserver(quiet=True), 5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "counts"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (25, [3, 6, 9, 12, 15, 18, 21, 24, 25]),
        (100, [*range(10, 101, 10)]),
    ],
)
def test_piped_prints_plain_progress_lines(capsys: Capture, total: int, counts: list[int]) -> None:
    run(ConsoleObserver(), total)
    out, err = capsys.readouterr()
    assert out == ""
    first, *lines = err.splitlines()
    assert first == "Loading [model] …"
    pattern = r"(\d+)/(\d+) images, \d+\.\d images/s, \d+ s left"
    found = [re.fullmatch(pattern, line) for line in lines]
    assert [match and match.groups() for match in found] == [
        (str(count), str(total)) for count in counts
    ]


def test_failures_stand_between_the_lines(capsys: Capture) -> None:
    run(ConsoleObserver(), 1, FAILURE)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[1] == "failed bad\\n[red]\\x1b[2Jname.png: is [bold]\\x07text"


def test_long_names_are_not_wrapped(capsys: Capture) -> None:
    ConsoleObserver(quiet=True).failed(FailureRecord("x y " * 300, "broken"))
    assert capsys.readouterr().err.count("\n") == 1


def test_details_only_when_verbose(capsys: Capture) -> None:
    ConsoleObserver().detail("layer 3")
    assert capsys.readouterr().err == ""
    ConsoleObserver(verbose=True).detail("layer [3]")
    assert capsys.readouterr().err == "  layer [3]\n"


def outcome(page: Path, *failures: FailureRecord) -> Outcome:
    classes = tuple((f"class {number}", 9 - number) for number in range(7))
    return Outcome(3, failures, classes, 12.34, page)


def test_summary(capsys: Capture, tmp_path: Path) -> None:
    page = tmp_path / "a folder [x]" / "índex.html"
    print_summary(outcome(page, FAILURE))
    out, err = capsys.readouterr()
    assert err == ""
    assert out.endswith("\n")
    lines = out.splitlines()
    assert lines[-1] == page.as_uri()
    assert lines[-1].startswith("file:///")
    assert " " not in lines[-1]
    rows = {line[:12].strip(): line[13:] for line in lines[1:-1]}
    assert rows == {
        "Images": "3 of 4 in the report",
        "Failures": "1",
        "Top classes": "class 0 9, class 1 8, class 2 7, class 3 6, class 4 5",
        "Time": "12.3 s",
        "Report": str(page),
    }


def test_summary_of_a_relative_page(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (tmp_path / "out" / "index.html").relative_to(tmp_path)
    print_summary(outcome(page))
    assert capsys.readouterr().out.splitlines()[-1] == (tmp_path / page).resolve().as_uri()


def test_exit_code(tmp_path: Path) -> None:
    assert outcome(tmp_path).exit_code == 0
    assert outcome(tmp_path, FAILURE).exit_code == 1


def test_table_is_not_wrapped(capsys: Capture) -> None:
    print_table(("name", "note"), [("a", "[b] " * 40), ("long name", "c")], caption="[2] rows")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["name", "note"]
    assert lines[1].split() == ["a", *["[b]"] * 40]
    assert lines[3] == "[2] rows"


def test_errors_and_notes_go_to_stderr(capsys: Capture) -> None:
    print_error("no [such] file :cat:")
    print_note("see [here]")
    assert capsys.readouterr() == ("", "error no [such] file :cat:\nsee [here]\n")
