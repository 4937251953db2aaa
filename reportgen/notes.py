"""What the author says: name, course and the like, and notes for the report and its pictures.

One file of Markdown holds all notes. A heading that names a picture begins the notes on it; what
stands before the first of these, or below a heading ``Report``, is for the whole report. See
``docs/notes.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from reportgen.discover import SUFFIXES
from reportgen.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LARGEST = 1_000_000
"""Bytes above which a file is not notes."""
REPORT = "report"
"""The heading, in any case, that goes back from a picture to the whole report."""

_SHOWN = 3
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that no text has: all controls but tab and line feed."""
_OF_LINES = re.compile(r"[\t\n\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that one line does not have: ends of lines, and changes of direction."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What the author wrote, as Markdown."""

    report: str = ""
    """On the whole report."""
    by_name: Mapping[str, str] = field(default_factory=dict)
    """On single pictures, by their names; pictures without notes are not in it."""


class _Heading(NamedTuple):
    """A heading of the file that is not inside a list, a quotation or a block of code."""

    level: int
    text: str
    start: int
    """Number of its first line, from 0."""
    end: int
    """Number of the line after it."""


def read_notes(path: Path | None, names: Sequence[str]) -> Notes:
    """Read the notes; none without a file.

    Parameters
    ----------
    path
        A file of Markdown, UTF-8, at most `LARGEST` bytes.
    names
        Names of the run's pictures: relative paths with ``/``.

    Raises
    ------
    OptionError
        If the file is missing, too large or not UTF-8, if it holds control characters, or if a
        heading names a picture that is not there or more than one.
    """
    if path is None:
        return Notes()
    text = _read(path)
    lines = text.split("\n")
    pictures = _Pictures(names, path)
    parts: dict[str, list[str]] = defaultdict(list)
    current, level, begin = "", 0, 0
    for heading in _headings(text):
        named = pictures.named(heading, within=level)
        if named is None and level < heading.level:
            continue
        parts[current].append("\n".join(lines[begin : heading.start]))
        # A heading that names nothing is a heading of the report's, and stays in its text.
        begin = heading.start if named is None else heading.end
        current, level = named or "", 0 if named is None else heading.level
    parts[current].append("\n".join(lines[begin:]))
    joined = {name: _join(pieces) for name, pieces in parts.items()}
    return Notes(joined.pop("", ""), {name: joined[name] for name in names if joined.get(name, "")})


def parse_author(text: str | None) -> str:
    """Return the author's name without blanks around it; empty where none was given.

    Raises `OptionError` where it holds control characters.
    """
    return _one_line("--author", text or "")


def parse_meta(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what ``KEY=VALUE`` texts say, in their order; a value may hold further ``=``.

    Raises `OptionError` where one has no ``=``, no key or no value, where a key comes twice, or
    where there are control characters.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key, value = _one_line("--meta", key), _one_line("--meta", value)
        if not equals or not key or not value:
            missing = "no '='" if not equals else "no value" if key else "no key"
            raise OptionError(
                f"--meta: expected KEY=VALUE, such as --meta 'course=Computer Vision', found "
                f"'{_visible(text)}' with {missing}."
            )
        if key in found:
            raise OptionError(
                f"--meta: the key '{key}' comes twice, with '{found[key]}' and '{value}'. "
                f"Give each key once."
            )
        found[key] = value
    return tuple(found.items())


def _one_line(option: str, text: str) -> str:
    text = text.strip()
    if _CONTROLS.search(text) or _OF_LINES.search(text):
        raise OptionError(
            f"{option}: expected one line of text, found control characters in "
            f"'{_visible(text)}'. Leave them out."
        )
    return text


def _visible(text: str) -> str:
    """Return ``text`` with what cannot be seen written as Python has it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# -- the file --------------------------------------------------------------------------------


def _read(path: Path) -> str:
    r"""Return the text of the file with ``\n`` at line ends."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        found = "a folder" if path.is_dir() else "nothing" if not path.exists() else error.strerror
        raise OptionError(
            f"--notes {path}: expected a file of Markdown, found {found}. See docs/notes.md."
        ) from error
    if len(data) > LARGEST:
        raise OptionError(
            f"--notes {path}: expected at most {LARGEST // 1000} kB of Markdown, found more. "
            f"Give the text alone; the report has the pictures."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(
            f"--notes {path}: expected UTF-8 text, found a byte that is not ({error.reason} at "
            f"byte {error.start}). Save the file as UTF-8."
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if control := _CONTROLS.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise OptionError(
            f"--notes {path}, line {line}: found the control character "
            f"U+{ord(control[0]):04X}. Remove it."
        )
    return text


def _headings(text: str) -> Iterator[_Heading]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - most reports have no notes

    tokens = MarkdownIt("commonmark").parse(text)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            yield _Heading(int(opening.tag[1]), inline.content, *opening.map)


def _join(pieces: Sequence[str]) -> str:
    return "\n\n".join(filter(None, (piece.strip("\n").rstrip() for piece in pieces)))


# -- names -----------------------------------------------------------------------------------


def _key(text: str) -> str:
    """Return ``text`` so that case, blanks and the way that accents are written do not count."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


class _Pictures:
    """Finds the picture that a heading names."""

    def __init__(self, names: Sequence[str], path: Path) -> None:
        self._path = path
        self._names = names
        self._exact = frozenset(names)
        self._paths: dict[str, list[str]] = defaultdict(list)
        self._bases: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        for name in names:
            self._paths[_key(name)].append(name)
            self._bases[_key(PurePosixPath(name).name)].append(name)
            self._stems[_key(PurePosixPath(name).stem)].append(name)

    def named(self, heading: _Heading, *, within: int) -> str | None:
        """Return the picture that ``heading`` names, "" for the report, or None.

        ``within`` is the level of the heading, of a picture or “Report”, that the text stands
        below; 0 where there is none. Deeper than it, “Report” and a name without its suffix are
        headings like any other: there, “Cat” is the class more often than ``cat.jpg``.

        Raises `OptionError` where it names several, or looks like a file that is not there.
        """
        if heading.text in self._exact:
            return heading.text
        text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", heading.text).strip()
        if (ticks := re.fullmatch(r"(`+)(.*?)\1", text)) is not None:
            text = ticks[2].strip()
        text = text.removeprefix("./")
        if text in self._exact:
            return text
        key = _key(text)
        below = 0 < within < heading.level
        if key == REPORT and not below:
            return ""
        found = self._paths.get(key) or self._bases.get(key)
        if not found and not below:
            found = self._stems.get(key)
        if found and len(found) > 1:
            raise self._ambiguous(heading, text, found)
        if found:
            return found[0]
        self._check_no_file(heading, text)
        return None

    def _ambiguous(self, heading: _Heading, text: str, found: Sequence[str]) -> OptionError:
        shown = ", ".join(f"'{name}'" for name in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return OptionError(
            f"--notes {self._path}, line {heading.start + 1}: the heading '{_visible(text)}' names "
            f"{len(found)} images: {shown}{more}. Write the path, as the report shows it."
        )

    def _check_no_file(self, heading: _Heading, text: str) -> None:
        """Raise where a heading must mean a picture: one word, or nearly a name, with a suffix."""
        if PurePosixPath(text).suffix.casefold() not in SUFFIXES:
            return
        known = [*self._names, *(PurePosixPath(name).name for name in self._names)]
        hint = did_you_mean(text, known)
        if hint or len(text.split()) == 1:
            raise OptionError(
                f"--notes {self._path}, line {heading.start + 1}: expected the name of one of the "
                f"run's images, found '{_visible(text)}'.{hint} Correct the heading; one that is "
                f"not a file's name may be anything."
            )
