"""Write a run as it is made, record by record."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.closing import Closing
from reportgen.store.codec import Decoder, Encoded
from reportgen.store.layout import APPLICATION_ID, LAYOUT_VERSION, TABLES
from reportgen.store.lazy import StoredImages, read_picture
from reportgen.values import FailureRecord, ImageRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reportgen.values import Report


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a drive that is full or closed into what the system would say."""
    try:
        yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        reason = os.strerror(errno.ENOSPC) if full else str(error)
        raise OSError(errno.ENOSPC if full else errno.EIO, reason, str(path)) from error


class RunWriter(Closing):
    """A store in the making, as a context manager.

    Without `finish` the file is that of a run that is not finished, which `RunReader` refuses.

    Parameters
    ----------
    path
        Where to write; nothing may be there.

    Raises
    ------
    FileExistsError
        If something is there.
    OSError
        If it cannot be written; so may every method.
    """

    def __init__(self, path: Path) -> None:
        path.touch(exist_ok=False)
        self._path = path
        self._position = 0
        self._known: set[str] = set()
        self._added: list[str] = []
        self._decoder = Decoder(lambda key: read_picture(self._base, key))
        # Not from one thread alone: records may come from the one that finishes them.
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        with writing(path):
            for pragma in (
                "page_size = 4096",
                f"application_id = {APPLICATION_ID}",
                f"user_version = {LAYOUT_VERSION}",
                # Nobody goes on with a file whose process was killed: no waiting for the drive, and
                # no journal there, which would be made and deleted anew for every record.
                "synchronous = OFF",
                "journal_mode = MEMORY",
            ):
                self._base.execute(f"PRAGMA {pragma}")
            with self._transaction():
                for statement in TABLES.values():
                    self._base.execute(statement)

    def close(self) -> None:
        """Close the file as it is; twice does no harm."""
        self._base.close()

    def add(
        self, record: ImageRecord | FailureRecord, key: str = "", encoded: Encoded | None = None
    ) -> None:
        """Store the next record with its pictures, each of which is stored once.

        Parameters
        ----------
        record
            What came of an image.
        key
            Of everything that it was made from; empty where that is not known.
        encoded
            The record as `Encoded.of` gives it, where that is known.
        """
        with writing(self._path), self._transaction():
            text = self._kept(encoded or Encoded.of(record))
            if isinstance(record, ImageRecord):
                name = _utf8(record.name)
                self._insert("images", self._position, name, record.sha256, key, text)
            else:
                self._insert("failures", self._position, _utf8(record.name), text)
        self._position += 1

    def find(self, key: str) -> ImageRecord | None:
        """Return an image that was added for ``key``, or None."""
        query = "SELECT record FROM images WHERE key = ? LIMIT 1"
        row = self._base.execute(query, (key,)).fetchone()
        return None if row is None else self._decoder.decode(row[0], ImageRecord)

    def images(self) -> StoredImages:
        """Return the images added so far; to be used before `finish`."""
        rows = self._base.execute("SELECT position FROM images ORDER BY position").fetchall()
        return StoredImages(self._base, [position for (position,) in rows])

    def finish(self, report: Report) -> None:
        """Store what is known at the end, and put the file into its final form.

        The same records in the same order give the same bytes, by one version of SQLite, however
        they came to be there. Nothing can be added afterwards.

        Parameters
        ----------
        report
            The report; its images and failures are left aside, as they were added.
        """
        with writing(self._path), self._transaction():
            text = self._kept(Encoded.of(replace(report, images=(), failures=())))
            self._insert("run", 1, text)
        part = self._path.with_name(f"{self._path.name}.part")
        part.unlink(missing_ok=True)
        with writing(self._path):
            self._base.execute("VACUUM INTO ?", (str(part),))
        self.close()
        part.replace(self._path)

    def _kept(self, encoded: Encoded) -> str:
        """Store the pictures that are not there yet, and return the text that names them."""
        # By their keys: a file has the same bytes, in whatever order a record gave its pictures.
        for key, picture in sorted(encoded.pictures.items()):
            if key not in self._known:
                self._insert("pictures", key, picture.mime, *picture.size, picture.data)
                self._known.add(key)
                self._added.append(key)
        return encoded.text

    def _insert(self, table: str, *cells: object) -> None:
        places = ", ".join("?" * len(cells))
        self._base.execute(f"INSERT INTO {table} VALUES ({places})", cells)  # noqa: S608 - ours

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, of the rows and of what is known to be in the file."""
        self._base.execute("BEGIN")
        self._added.clear()
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:  # on a full disk SQLite has taken it back by itself
                self._base.execute("ROLLBACK")
            self._known.difference_update(self._added)
            raise


def write_run(report: Report, path: Path) -> None:
    """Write a whole report, images first; raises `FileExistsError` where ``path`` exists."""
    with RunWriter(path) as writer:
        for image in report.images:
            writer.add(image)
        for failure in report.failures:
            writer.add(failure)
        writer.finish(report)


def _utf8(name: str) -> str:
    r"""Return a name for looking things up: a lone surrogate, which has no UTF-8, as ``\udc80``."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
