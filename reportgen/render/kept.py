"""Compiled templates and shortened scripts, kept from one run to the next.

To compile the templates and to shorten the scripts takes as long as to explain a picture, and both
give the same every time. They lie where Jinja2 keeps such things by itself: in a folder of the
user's own among the system's temporary files, which nobody else may write to, because code in it
is run. Without such a folder they are made anew.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2.bccache import Bucket

_DIGEST = 64
"""Characters of a SHA-256 in hex, at the head of every text that is kept."""


class Kept(jinja2.BytecodeCache):
    """Keeps in memory while the process lasts, and on disk beyond that.

    A changed template is compiled again, and a changed script, or changed code that shortens it,
    gives another text.
    """

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill ``bucket`` where its template was compiled before."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])
        elif (disk := _disk()) is not None:
            with suppress(OSError):
                disk.load_bytecode(bucket)
            if bucket.code is not None:
                self._code[bucket.key] = bucket.bytecode_to_string()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._code[bucket.key] = bucket.bytecode_to_string()
        if (disk := _disk()) is not None:
            with suppress(OSError):
                disk.dump_bytecode(bucket)


@cache
def _disk() -> jinja2.FileSystemBytecodeCache | None:
    """Return what keeps on disk; None where there is no folder that is surely the user's own."""
    try:
        return jinja2.FileSystemBytecodeCache(pattern="reportgen-%s.cache")
    except (RuntimeError, OSError):
        return None


def made_once(sources: Sequence[str], code: Sequence[Path], make: Callable[[], str]) -> str:
    """Return what ``make`` makes of ``sources``, from disk where it was made before.

    Parameters
    ----------
    sources
        All that the result depends on.
    code
        Source files of what ``make`` does.
    make
        Makes the text where it is not known.
    """
    disk = _disk()
    if disk is None:
        return make()
    parts = [*(source.encode() for source in sources), *(path.read_bytes() for path in code)]
    key = sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()
    path = Path(disk.directory, f"reportgen-{key}.text")
    with suppress(OSError, UnicodeDecodeError):
        head, text = _parted(path.read_bytes())
        if head == sha256(text.encode()).hexdigest():
            return text
    made = make()
    with suppress(OSError):
        _put(path, f"{sha256(made.encode()).hexdigest()}{made}".encode())
    return made


def _parted(data: bytes) -> tuple[str, str]:
    text = data.decode()
    return text[:_DIGEST], text[_DIGEST:]


def _put(path: Path, data: bytes) -> None:
    """Write in one step: another process may be reading."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
