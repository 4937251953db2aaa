"""One run at a time into one folder."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from reportgen.errors import OutputFolderError
from reportgen.store import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the folder ``output`` for this run; the lock is gone with the process, however it ends.

    Raises
    ------
    OutputFolderError
        If another run holds it, saying which.
    """
    name = hashlib.sha256(os.fsencode(output.resolve())).hexdigest()[:32]
    place = _place() / f"{name}.lock"
    lock = FileLock(place)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise OutputFolderError(
            f"--output: another run is writing to '{output}' ({_holder(place)}). Wait for it to "
            f"end, or give another folder.",
        ) from None
    try:
        now = datetime.now().astimezone()
        text = f"process {os.getpid()} on {platform.node()} since {now:%H:%M:%S}"
        with suppress(OSError):  # on a full disk it is not said who holds the lock
            place.with_suffix(".txt").write_text(text, encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            place.with_suffix(".txt").unlink(missing_ok=True)
        lock.release()


def _place() -> Path:
    """Return a folder for locks that is the same for every run of this user."""
    for folder in (cache_folder() / "locks", Path(tempfile.gettempdir()) / "reportgen-locks"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OutputFolderError(
        f"there is no place for a lock: neither '{cache_folder()}' nor "
        f"'{tempfile.gettempdir()}' can be written.",
    )


def _holder(place: Path) -> str:
    try:
        return place.with_suffix(".txt").read_text(encoding="utf-8")
    except OSError:
        return "its process is not known"
