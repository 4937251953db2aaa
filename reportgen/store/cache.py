"""What was computed before: finished records by the key of all that they were made from.

A database of its own, outside every report, so that a run that was killed goes on where it was,
and a picture that was explained once is not explained again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import platformdirs

from reportgen.closing import Closing
from reportgen.errors import CacheError
from reportgen.store.codec import Decoder, Encoded, picture_hash
from reportgen.values import FailureRecord, ImageRecord, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CACHE_FILE = "records.sqlite"
CACHE_VERSION = 1
"""In the file's header; a file of another version is begun anew."""

ENVIRONMENT = "REPORTGEN_CACHE"
"""Variable that names another folder for the cache."""

_ID = 0x52474348  # RGCH

_TABLES = (
    """CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, kind TEXT NOT NULL,
    used INTEGER NOT NULL, bytes INTEGER NOT NULL, record TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS pictures (key TEXT NOT NULL, hash TEXT NOT NULL,
    mime TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (key, hash))""",
    """CREATE TABLE IF NOT EXISTS files (key TEXT NOT NULL, name TEXT NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (key, name))""",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)

_WAIT = 60.0
"""Seconds to wait for another run that is writing; each of its writes takes milliseconds."""


class Found(NamedTuple):
    """What the cache has for a key."""

    record: ImageRecord | FailureRecord
    """Under the name that the picture had."""
    files: Mapping[str, bytes]
    """The files that the record names: path relative to the report's folder → content."""
    lasting: bool = True
    """Whether the same would come of it again. What need not is not known another time; only that
    it was tried."""
    encoded: Encoded | None = None
    """The record as it is stored, where that is known."""


def cache_folder() -> Path:
    """Return the folder of the cache: the user's own for such things, or `ENVIRONMENT`'s."""
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else Path(platformdirs.user_cache_dir("reportgen", appauthor=False))


class Cache(Closing):
    """The cache, as a context manager; several runs may use it at once.

    Parameters
    ----------
    folder
        Where it is; made where it is missing. A file there that is damaged, or of another version,
        is replaced by an empty one: all that is lost is time.

    Raises
    ------
    CacheError
        If the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / CACHE_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._base = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._remove()
                self._base = self._open()
        except (OSError, sqlite3.Error) as error:
            raise CacheError(
                f"the cache in '{folder}' cannot be used: {error}. Set {ENVIRONMENT} to another "
                "folder, or give --no-cache.",
            ) from error
        self._used: set[str] = set()

    def __len__(self) -> int:
        (count,) = self._base.execute("SELECT COUNT(*) FROM records").fetchone()
        return int(count)

    @property
    def size(self) -> int:
        """Bytes of the file on disk."""
        return self.path.stat().st_size

    def close(self) -> None:
        """Close the file; twice does no harm."""
        self._base.close()

    def begin_anew(self) -> None:
        """Close the file and delete it: it is damaged."""
        self.close()
        with suppress(OSError):
            self._remove()

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        # Of what was killed; to the next file of this name it would be applied.
        self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)

    def keys(self) -> frozenset[str]:
        """Return every key that something is known for."""
        query = "SELECT key FROM records WHERE kind <> 'tried'"
        with self._guarded():
            return frozenset(key for (key,) in self._base.execute(query))

    def tried(self) -> frozenset[str]:
        """Return every key that was tried, with a failure that need not come again."""
        query = "SELECT key FROM records WHERE kind = 'tried'"
        with self._guarded():
            return frozenset(key for (key,) in self._base.execute(query))

    def find(self, key: str) -> Found | None:
        """Return what is known for ``key``, or None; what is asked for is kept longest."""
        query = "SELECT kind, record FROM records WHERE key = ?"
        with self._guarded():
            row = self._base.execute(query, (key,)).fetchone()
            if row is None or row[0] == "tried":
                return None
            pictures: dict[str, Picture] = {}

            def fetch(hash_: str) -> Picture:
                if hash_ not in pictures:
                    pictures[hash_] = self._picture(key, hash_)
                return pictures[hash_]

            decoder = Decoder(fetch)
            record: ImageRecord | FailureRecord
            if row[0] == "image":
                record = decoder.decode(row[1], ImageRecord)
            else:
                record = decoder.decode(row[1], FailureRecord)
            files = self._base.execute("SELECT name, data FROM files WHERE key = ?", (key,))
            self._used.add(key)
            return Found(record, dict(files.fetchall()), encoded=Encoded(row[1], pictures))

    def put(self, batch: Iterable[tuple[str, Found]]) -> None:
        """Keep what came of a batch of pictures: all of it, or nothing where that is cut short."""
        with self._guarded(), self._transaction():
            for key, found in batch:
                self._put(key, found)

    def fact(self, name: str) -> str | None:
        """Return what was noted under ``name``, or None."""
        with self._guarded():
            query = "SELECT value FROM facts WHERE name = ?"
            row = self._base.execute(query, (name,)).fetchone()
            return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note a fact about this machine, such as the best size of a batch."""
        with self._guarded():
            self._base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def trim(self, limit: int) -> int:
        """Take out what was not used for longest until the cache is within ``limit``.

        Parameters
        ----------
        limit
            Bytes.

        Returns
        -------
        How many records were taken out.
        """
        now = int(time.time())
        with self._guarded():
            with self._transaction():
                update = "UPDATE records SET used = ? WHERE key = ?"
                self._base.executemany(update, ((now, key) for key in self._used))
                gone = self._least_used(limit)
                for table in ("records", "pictures", "files"):
                    self._base.executemany(f"DELETE FROM {table} WHERE key = ?", gone)  # noqa: S608 - ours
            self._used.clear()
            if gone:
                self._base.execute("PRAGMA incremental_vacuum").fetchall()
        return len(gone)

    def _least_used(self, limit: int) -> list[tuple[str]]:
        (total,) = self._base.execute("SELECT IFNULL(SUM(bytes), 0) FROM records").fetchone()
        gone = []
        for key, size in self._base.execute("SELECT key, bytes FROM records ORDER BY used, key"):
            if total <= limit:
                break
            gone.append((key,))
            total -= size
        return gone

    def _open(self) -> sqlite3.Connection:
        base = sqlite3.connect(
            self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            tables = _check_version(base)
            # A killed process loses nothing. After a loss of power the file may be damaged, and is
            # begun anew: to wait for the disk after every batch is not worth that.
            base.execute("PRAGMA synchronous = OFF")
            base.execute("PRAGMA trusted_schema = OFF")
            if not tables:
                base.execute("PRAGMA auto_vacuum = INCREMENTAL")
                base.execute(f"PRAGMA application_id = {_ID}")
                base.execute(f"PRAGMA user_version = {CACHE_VERSION}")
            for statement in _TABLES:
                base.execute(statement)
        except BaseException:
            base.close()
            raise
        return base

    def _put(self, key: str, found: Found) -> None:
        for table in ("records", "pictures", "files"):
            self._base.execute(f"DELETE FROM {table} WHERE key = ?", (key,))  # noqa: S608 - ours
        encoded = found.encoded or Encoded.of(found.record)
        for hash_, picture in encoded.pictures.items():
            picture_cells = (key, hash_, picture.mime, *picture.size, picture.data)
            self._base.execute("INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)", picture_cells)
        for name, data in found.files.items():
            self._base.execute("INSERT INTO files VALUES (?, ?, ?)", (key, name, data))
        written = [encoded.text, *found.files.values()]
        written += [picture.data for picture in encoded.pictures.values()]
        kind = "image" if isinstance(found.record, ImageRecord) else "failure"
        kind = kind if found.lasting else "tried"
        cells = (key, kind, int(time.time()), sum(map(len, written)), encoded.text)
        self._base.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", cells)

    def _picture(self, key: str, hash_: str) -> Picture:
        query = "SELECT mime, width, height, data FROM pictures WHERE key = ? AND hash = ?"
        row = self._base.execute(query, (key, hash_)).fetchone()
        if row is None:
            raise ValueError(f"no picture {hash_:.16}")
        picture = Picture(row[0], row[3], (row[1], row[2]))
        if picture_hash(picture) != hash_:
            raise ValueError(f"picture {hash_:.16} is not what it was")
        return picture

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            if self._base.in_transaction:  # on a full disk SQLite has taken it back by itself
                self._base.execute("ROLLBACK")
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what a damaged or full cache leads to into one error that says what to do."""
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise CacheError(
                f"the cache in '{self.path.parent}' cannot be used: {error}. `reportgen clean` "
                "empties it; --no-cache does without it.",
            ) from error


def is_damage(error: CacheError) -> bool:
    """Say whether an error is of a file that is damaged, and not of one that is full or closed."""
    cause = error.__cause__
    return type(cause) is sqlite3.DatabaseError or isinstance(cause, ValueError)


def _check_version(base: sqlite3.Connection) -> int:
    """Return how many tables there are; raises `sqlite3.DatabaseError` where they are not ours."""
    (known,) = base.execute("PRAGMA application_id").fetchone()
    (version,) = base.execute("PRAGMA user_version").fetchone()
    (tables,) = base.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    if tables and (known, version) != (_ID, CACHE_VERSION):
        raise sqlite3.DatabaseError("another version")
    return int(tables)


def remove_cache(folder: Path) -> int:
    """Delete the cache, whatever state it is in, and return how many bytes that freed."""
    freed = 0
    for name in (CACHE_FILE, f"{CACHE_FILE}-journal"):
        path = folder / name
        if path.is_file():
            freed += path.stat().st_size
            path.unlink()
    return freed
