"""Read a finished run back, as a whole or image by image."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reportgen.closing import Closing
from reportgen.errors import RunFileError
from reportgen.store.codec import Decoder
from reportgen.store.layout import TABLES, check_header, find_store
from reportgen.store.lazy import StoredImages, read_picture
from reportgen.values import FailureRecord, ImageRecord, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reportgen.values import Picture


class ImageEntry(NamedTuple):
    """What is known of an image without reading its record."""

    position: int
    """Place among all records of the run, failures too; ascending, not without gaps."""
    name: str
    sha256: str


class RunReader(Closing):
    """A finished run, as a context manager; pictures are read only with their image.

    Parameters
    ----------
    path
        A report's folder, or its ``run.sqlite``.

    Raises
    ------
    RunFileError
        If there is none, or if it is not a store of ours, of another layout, not finished, or
        damaged. Every method may raise it, where the damage shows only then.
    """

    report: Report
    """Everything but the images, which are ``()``."""
    entries: tuple[ImageEntry, ...]
    """One per image, in order."""

    def __init__(self, path: Path) -> None:
        self.path = find_store(path)
        check_header(self.path)
        self._decoder = Decoder(self._picture)
        with self._guarded():
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            self._base = sqlite3.connect(address, uri=True, isolation_level=None)
        try:
            with self._guarded():
                # Else the file is locked and released, and looked at for changes, by every query.
                self._base.execute("BEGIN")
            self._check_tables()
            self.report = self._report()
            self.entries = self._entries()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self.entries)

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._base.close()

    @property
    def whole(self) -> Report:
        """The report with its images, each of which is read when it is asked for.

        As long as this reader is open.
        """
        positions = [entry.position for entry in self.entries]

        def guarded(read: Callable[[], ImageRecord]) -> ImageRecord:
            with self._guarded():
                return read()

        return replace(self.report, images=StoredImages(self._base, positions, guarded))

    def top_classes(self) -> tuple[tuple[str, int], ...]:
        """Return what `Report.top_classes` would, without reading every record."""
        category = "json_extract(record, '$.predictions[0].category')"
        query = f"SELECT {category}, COUNT(*) FROM images GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
        with self._guarded():
            return tuple((str(name), int(count)) for name, count in self._base.execute(query))

    def find(self, key: str) -> ImageRecord | None:
        """Return an image made for ``key``, with its pictures, or None."""
        with self._guarded():
            query = "SELECT record FROM images WHERE key = ? LIMIT 1"
            row = self._base.execute(query, (key,)).fetchone()
            return None if row is None else self._decoder.decode(row[0], ImageRecord)

    def keys(self) -> frozenset[str]:
        """Return the key of every image."""
        with self._guarded():
            rows = self._base.execute("SELECT key FROM images WHERE key <> ''")
            return frozenset(str(key) for (key,) in rows)

    def images(self) -> Iterator[ImageRecord]:
        """Yield every image in order, one at a time."""
        for entry in self.entries:
            yield self.image(entry)

    def image(self, entry: ImageEntry) -> ImageRecord:
        """Return one image with its pictures."""
        with self._guarded():
            query = "SELECT record FROM images WHERE position = ?"
            row = self._base.execute(query, (entry.position,)).fetchone()
            return self._decoder.decode(row[0], ImageRecord)

    def _check_tables(self) -> None:
        """Refuse tables, views and triggers that are not ours: what follows would run them."""
        with self._guarded():
            self._base.execute("PRAGMA trusted_schema = OFF")
            self._base.execute("PRAGMA cell_size_check = ON")
            rows = self._base.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL")
            if dict(rows.fetchall()) != TABLES:
                raise ValueError("tables other than expected")

    def _report(self) -> Report:
        with self._guarded():
            row = self._base.execute("SELECT report FROM run").fetchone()
            if row is None:
                raise RunFileError(
                    f"'{self.path}': expected a finished run, found one that was interrupted. "
                    "Make the report again.",
                )
            report = self._decoder.decode(row[0], Report)
            rows = self._base.execute("SELECT record FROM failures ORDER BY position")
            failures = tuple(self._decoder.decode(text, FailureRecord) for (text,) in rows)
            return replace(report, images=(), failures=failures)

    def _entries(self) -> tuple[ImageEntry, ...]:
        with self._guarded():
            rows = self._base.execute(
                "SELECT position, name, sha256 FROM images ORDER BY position",
            )
            return tuple(ImageEntry(int(at), str(name), str(hash_)) for at, name, hash_ in rows)

    def _picture(self, key: str) -> Picture:
        return read_picture(self._base, key)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what a damaged file leads to into one error that names it."""
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise RunFileError(
                f"'{self.path}': the file is damaged, or was changed ({error}). Copy it again, or "
                "make the report again.",
            ) from error


def read_run(path: Path) -> Report:
    """Return a whole finished run, every image with its pictures.

    Parameters
    ----------
    path
        A report's folder, or its ``run.sqlite``.

    Raises
    ------
    RunFileError
        As `RunReader`.
    """
    with closing(RunReader(path)) as reader:
        return replace(reader.report, images=tuple(reader.images()))
