"""Print a finished page to PDF with a Chromium that is installed.

The browser prints a copy of the page that lies beside it, so that its relative files are found.
The copy has a running header, the size of the paper, maps that have their colours without a filter
and a policy that lets no script run; links to files beside the page are taken out of it, because
they would name this machine's folders.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

from reportgen.baking import bake
from reportgen.errors import OptionError

PAPERS = {"a4": "A4", "letter": "letter"}
"""What ``--paper`` takes, and the same in CSS."""

BROWSER_VARIABLE = "REPORTGEN_CHROMIUM"
"""Environment variable with the browser to use, a path or a command."""

_COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "msedge",
    "microsoft-edge",
)
_APPLICATIONS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_PROGRAMS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)

_PATIENCE = 120.0
"""Seconds that any page may take."""
_BYTES_PER_SECOND = 200_000
"""More time for larger pages; an ordinary machine prints fifteen times as many."""

_HEADER_COLUMNS = 80
"""Width of the running header in half-width characters; on Letter and A4 it fits on one line."""

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src data: file:; style-src 'unsafe-inline' file:\">"
)
_POLICY_OF_PAGE = re.compile(r'<meta\s+http-equiv="Content-Security-Policy"[^>]*>', re.IGNORECASE)
_LOCAL_LINK = re.compile(
    r'(<a\s(?:[^>]*?\s)?)href="(?!#|https?:|mailto:)[^"]*"', re.IGNORECASE | re.ASCII
)
_NO_BROWSER = (
    "Open the report in any browser and print it to a file there: it gives the same pages."
)


def find_browser() -> Path | None:
    """Return a Chromium, Chrome or Edge to print with, or None.

    ``REPORTGEN_CHROMIUM`` comes first, and where it is set nothing else is tried; then the commands
    on ``PATH``, then the usual places on macOS and Windows.
    """
    wanted = os.environ.get(BROWSER_VARIABLE)
    if wanted:
        found = shutil.which(wanted)
        return Path(found) if found else None
    for command in _COMMANDS:
        if found := shutil.which(command):
            return Path(found)
    return next((path for path in _usual_places() if path.is_file()), None)


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        folders = [Path("/Applications"), Path.home() / "Applications"]
        return [folder / name for folder in folders for name in _APPLICATIONS]
    variables = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
    roots = [Path(root) for name in variables if (root := os.environ.get(name))]
    return [root / name for root in roots for name in _PROGRAMS]


def check(path: Path, paper: str) -> None:
    """Make sure that a PDF can be printed to ``path``, before anything is computed.

    Raises
    ------
    OptionError
        If there is no such paper or no browser, if the name is a folder's, if something else than
        a PDF stands there, or if the folder around it is missing.
    """
    if paper not in PAPERS:
        raise OptionError(f"--paper: expected one of {', '.join(PAPERS)}, found '{paper}'.")
    if path.is_dir():
        raise OptionError(f"--pdf: '{path}' is a folder. Give the name of a file to write.")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--pdf: there is no folder '{path.parent}' to write into.")
    if path.exists() and not _is_pdf(path):
        raise OptionError(f"--pdf: '{path}' is there and is no PDF file. Give another name.")
    _browser()


def write(page: Path, pdf: Path, *, title: str, paper: str) -> None:
    """Print ``page`` to ``pdf``.

    Parameters
    ----------
    page
        The report's page in its place; the folder around it has to be writable, for a copy of the
        page that is there while the browser prints.
    pdf
        An older one is replaced once the new one is complete.
    title
        Untrusted text for the head of every page but the first, cut where it is too long.
    paper
        A key of `PAPERS`.

    Raises
    ------
    OptionError
        If there is no browser, or it gives no PDF.
    """
    browser = _browser()
    text = bake(page.read_text(encoding="utf-8"), page.parent)
    copy = _beside(page, ".html")
    part = _beside(pdf.absolute(), ".pdf")
    try:
        copy.write_text(printable(text, title=title, paper=paper), encoding="utf-8", newline="\n")
        _run(browser, copy, part, _PATIENCE + copy.stat().st_size / _BYTES_PER_SECOND)
        part.chmod(0o666 & ~_umask())  # mkstemp makes it private; it is there to be handed in
        part.replace(pdf)
    finally:
        copy.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def printable(page: str, *, title: str, paper: str) -> str:
    """Return the text of a page as it is to be printed: with header and paper, without scripts."""
    # A function, as in a plain replacement backslashes would be read as references.
    page = _POLICY_OF_PAGE.sub(lambda _found: _POLICY, page, count=1)
    page = _LOCAL_LINK.sub(r"\1", page)
    before, end, after = page.partition("</head>")
    return f"{before}{_style(title, paper)}{end}{after}"


def _style(title: str, paper: str) -> str:
    return (
        f"<style>@page{{size:{PAPERS[paper]};@top-left{{content:{_css_string(_cut(title))};"
        "color:#4a5058;font:8.5pt sans-serif;white-space:nowrap}}"
        "@page:first{@top-left{content:none}}</style>"
    )


def _css_string(text: str) -> str:
    r"""Return ``text`` as a CSS string in which all but ASCII letters and digits is escaped.

    No quote, backslash, line end or ``<`` is left that could end the string or the element.
    """
    escaped = (
        char if char.isascii() and char.isalnum() else f"\\{ord(char):06x} " for char in text
    )
    return f'"{"".join(escaped)}"'


def _cut(text: str) -> str:
    """Return ``text`` on one line, printable, and no wider than the running header."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(plain.split())
    room = _HEADER_COLUMNS
    for place, char in enumerate(line):
        room -= 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if room < 0:
            return f"{line[: place - 1].rstrip()}…"
    return line


def _browser() -> Path:
    browser = find_browser()
    if browser is not None:
        return browser
    if wanted := os.environ.get(BROWSER_VARIABLE):
        raise OptionError(
            f"--pdf: {BROWSER_VARIABLE} is set to '{wanted}', and there is no such program. "
            f"Correct or unset it. {_NO_BROWSER}"
        )
    raise OptionError(
        "--pdf: expected an installed Chromium, Chrome or Edge, found none. Install one, or set "
        f"{BROWSER_VARIABLE} to its path. {_NO_BROWSER}"
    )


def _run(browser: Path, page: Path, pdf: Path, patience: float) -> None:
    """Let ``browser`` print ``page`` to ``pdf``; raise `OptionError` where that fails."""
    with tempfile.TemporaryDirectory(
        prefix="reportgen-print-", ignore_cleanup_errors=True
    ) as folder:
        command = [
            str(browser),
            *_FLAGS,
            # As root Chromium starts only without it; the page runs no scripts.
            *(["--no-sandbox"] if _is_root() else []),
            f"--user-data-dir={folder}",
            f"--print-to-pdf={pdf}",
            page.absolute().as_uri(),
        ]
        messages = Path(folder) / "messages.txt"
        # To a file: a pipe stays open, and is waited for, as long as any child of the browser runs.
        with messages.open("wb") as stream:
            code = _wait(command, stream.fileno(), patience, browser)
        if code == 0 and _is_pdf(pdf):
            return
        said = messages.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f" Its last words: '{said[-1]}'." if said else ""
    raise OptionError(
        f"--pdf: '{browser}' ended with code {code} and wrote no PDF.{last} The report itself is "
        f"complete. {_NO_BROWSER}"
    )


def _wait(command: list[str], messages: int, patience: float, browser: Path) -> int:
    process = subprocess.Popen(  # noqa: S603 - the browser that was found, and paths of ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=messages,
        stderr=messages,
        start_new_session=True,
    )
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        raise OptionError(
            f"--pdf: '{browser}' did not finish within {patience:.0f} seconds. The report itself "
            f"is complete. {_NO_BROWSER}"
        ) from None
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the browser with all of its own processes."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _beside(path: Path, suffix: str) -> Path:
    """Return a new, empty file in the folder of ``path``.

    Its name does not begin with a dot: a Chromium from a snap may not touch hidden files.
    """
    descriptor, name = tempfile.mkstemp(prefix="print-", suffix=suffix, dir=path.absolute().parent)
    os.close(descriptor)
    return Path(name)


def _is_pdf(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(5) == b"%PDF-"


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
