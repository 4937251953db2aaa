"""The layout of ``run.sqlite``, version by version; in words it stands in docs/store.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.errors import RunFileError

if TYPE_CHECKING:
    from pathlib import Path

RUN_STORE = "run.sqlite"
"""Its name in a report's folder."""

APPLICATION_ID = 0x5247524E
"""``RGRN``, in the file's header: SQLite's own place for saying whose file it is."""
LAYOUT_VERSION = 2
"""In the file's header as SQLite's user version. It rises when an older program would misread a
file: not when a value gets a new field that has a default."""

TABLES = {
    "run": "CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 1), report TEXT NOT NULL)",
    "images": (
        "CREATE TABLE images (position INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "sha256 TEXT NOT NULL, key TEXT NOT NULL, record TEXT NOT NULL)"
    ),
    "failures": (
        "CREATE TABLE failures (position INTEGER PRIMARY KEY, name TEXT NOT NULL, "
        "record TEXT NOT NULL)"
    ),
    "images_by_key": "CREATE INDEX images_by_key ON images (key)",
    "pictures": (
        "CREATE TABLE pictures (hash TEXT PRIMARY KEY, mime TEXT NOT NULL, "
        "width INTEGER NOT NULL, height INTEGER NOT NULL, data BLOB NOT NULL)"
    ),
}
"""Every table and index with the statement that makes it, which SQLite keeps word by word."""

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
"""Bytes of SQLite's header: https://www.sqlite.org/fileformat.html#the_database_header."""


def find_store(path: Path) -> Path:
    """Return the store that ``path`` means: a report's folder, or the file itself.

    Raises
    ------
    RunFileError
        If there is none.
    """
    if path.is_dir():
        file = path / RUN_STORE
        if not file.is_file():
            raise RunFileError(
                f"'{path}': expected the folder of a finished report, found no {RUN_STORE} in it. "
                "Make the report again with this version of reportgen.",
            )
        return file
    if not path.is_file():
        raise RunFileError(
            f"'{path}': expected the folder of a finished report or its {RUN_STORE}, found "
            "nothing. Check the path.",
        )
    return path


def check_header(path: Path) -> None:
    """Make sure that a file is a store of ours, in this layout, and whole in length.

    Raises
    ------
    RunFileError
        Saying which of these it is not.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEADER)
    except OSError as error:
        raise RunFileError(f"'{path}' cannot be read: {error.strerror}.") from error
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        raise RunFileError(
            f"'{path}': expected a {RUN_STORE} of reportgen's, found a file that is not SQLite. "
            "Give the folder of a finished report.",
        )
    if _number(head, 68) != APPLICATION_ID:
        raise RunFileError(
            f"'{path}': expected a {RUN_STORE} of reportgen's, found an SQLite file of another "
            "program. Give the folder of a finished report.",
        )
    version = _number(head, 60)
    if version != LAYOUT_VERSION:
        age = "newer" if version > LAYOUT_VERSION else "older"
        remedy = "Update reportgen" if age == "newer" else "Make the report again"
        raise RunFileError(
            f"'{path}': expected layout {LAYOUT_VERSION}, found {version}, which is {age} than "
            f"this version of reportgen. {remedy}.",
        )
    # SQLite writes the page size as 1 where it is 65,536.
    page = int.from_bytes(head[16:18], "big")
    expected = _number(head, 28) * (65536 if page == 1 else page)
    found = path.stat().st_size
    if found != expected:
        raise RunFileError(
            f"'{path}': expected {expected} bytes, found {found}: the file is cut off or damaged. "
            "Copy it again, or make the report again.",
        )


def _number(head: bytes, at: int) -> int:
    return int.from_bytes(head[at : at + 4], "big")
