"""One run at a time into one folder."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from reportgen.errors import OutputFolderError
from reportgen.store import cache_folder

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 64
"""Characters of the folder's name in that of the file beside it."""


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the folder ``output`` for this run; the lock is gone with the process, however it ends.

    It is a hidden file beside the folder, so that it holds whoever else writes there; and a file of
    this user's own, as the folder above may be missing yet, or be closed.

    Raises
    ------
    OutputFolderError
        If another run holds it, saying which.
    """
    folder = output.resolve()
    with ExitStack() as stack:
        beside = _lock_beside(folder, output, stack)
        try:
            _lock_of_user(folder, output, stack)
        except OSError as error:
            if not beside:
                raise _placeless(error) from error
        yield


def _lock_beside(folder: Path, output: Path, stack: ExitStack) -> bool:
    """Hold a file beside ``folder`` until the stack ends; False where there can be none."""
    if sys.platform == "win32" or not folder.name:  # a file that is open cannot be deleted there
        return False
    place = folder.with_name(f".{folder.name[:_SHOWN]}.lock")
    try:
        descriptor = _take(place)
    except BlockingIOError:
        raise _held(output, place) from None
    except OSError:
        return False
    stack.callback(os.close, descriptor)
    stack.callback(_delete, place)
    with suppress(OSError):  # on a full disk it is not said who holds the lock
        os.ftruncate(descriptor, 0)
        os.write(descriptor, _ourselves().encode())
    return True


def _take(place: Path) -> int:
    """Return the descriptor of a file that nobody else holds.

    `FileLock` leaves its file behind, and takes one that its holder has just deleted for held.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    OSError
        If it can be neither made nor read.
    """
    while True:
        try:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except PermissionError:  # another user's
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # who held it has deleted it since it was opened


def _lock_of_user(folder: Path, output: Path, stack: ExitStack) -> None:
    """Hold a file of this user's for ``folder`` until the stack ends."""
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
    place = _place() / f"{name}.lock"
    text = place.with_suffix(".txt")  # the file itself cannot be read everywhere while it is held
    lock = FileLock(place)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _held(output, text) from None
    stack.callback(lock.release)
    stack.callback(_delete, text)
    with suppress(OSError):
        text.write_text(_ourselves(), encoding="utf-8")


def _place() -> Path:
    """Return a folder for locks that is the same for every run of this user.

    Raises
    ------
    OSError
        If there is none that can be written.
    """
    folder = cache_folder() / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    folder = Path(tempfile.gettempdir()) / "reportgen-locks"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _placeless(error: OSError) -> OutputFolderError:
    return OutputFolderError(
        f"there is no place for a lock: neither '{cache_folder()}' nor "
        f"'{tempfile.gettempdir()}' can be written ({error.strerror}).",
    )


def _held(output: Path, text: Path) -> OutputFolderError:
    try:
        holder = text.read_text(encoding="utf-8", errors="replace")[:200]
    except OSError:
        holder = ""
    return OutputFolderError(
        f"--output: another run is writing to '{output}' "
        f"({holder or 'its process is not known'}). Wait for it to end, or give another folder.",
    )


def _ourselves() -> str:
    now = datetime.now().astimezone()
    return f"process {os.getpid()} on {platform.node()} since {now:%H:%M:%S}"


def _delete(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
