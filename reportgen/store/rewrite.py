"""A finished run again, with another report around the same records."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.store.codec import Encoded
from reportgen.store.writer import writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reportgen.values import Report


def rewrite_run(
    source: Path, destination: Path, report: Report, notes: Mapping[str, str] | None = None
) -> None:
    """Write the store ``source`` to ``destination`` with what ``report`` says of the run.

    Parameters
    ----------
    source
        A finished store, which `RunReader` has opened before: nothing is checked here.
    destination
        A new file.
    report
        Its images and failures are left aside.
    notes
        Name of an image → the author's note on it, in place of all that there are; None to keep
        those.
    """
    part = destination.with_name(f"{destination.name}.part")
    shutil.copyfile(source, part)
    with writing(destination), closing(sqlite3.connect(part, isolation_level=None)) as base:
        base.execute("PRAGMA synchronous = OFF")

        encoded = Encoded.of(replace(report, images=(), failures=()))
        base.execute("BEGIN")
        for key, picture in encoded.pictures.items():
            cells = (key, picture.mime, *picture.size, picture.data)
            base.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?, ?)", cells)
        base.execute("UPDATE run SET report = ?", (encoded.text,))
        if notes is not None:
            _write_notes(base, notes)
        base.execute("COMMIT")
        # What follows counts it up; so a run has the same bytes, however often it was rewritten.
        (version,) = base.execute("PRAGMA schema_version").fetchone()
        base.execute(f"PRAGMA schema_version = {int(version) - 1}")
        base.execute("VACUUM INTO ?", (str(destination),))
    part.unlink()


def _write_notes(base: sqlite3.Connection, notes: Mapping[str, str]) -> None:
    rows = base.execute("SELECT position FROM images").fetchall()
    for (position,) in rows:
        query = "SELECT record FROM images WHERE position = ?"
        record = json.loads(base.execute(query, (position,)).fetchone()[0])
        record["note"] = notes.get(record["name"], "")
        text = json.dumps(record, allow_nan=False, separators=(",", ":"))
        base.execute("UPDATE images SET record = ? WHERE position = ?", (text, position))
