"""Many small files written beside the rendering.

To make a small file costs some drives more than to render what names it, and a thread would wait
for the interpreter's lock three times per file; so a process of its own does it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_HEAD = struct.Struct(">II")

_AT_ONCE = 1 << 18
"""Bytes that are handed over together: fewer turns between the two processes."""

_WRITER = """
import os, struct, sys
source, made = sys.stdin.buffer, set()
while head := source.read(8):
    name, size = struct.unpack(">II", head)
    path, data = source.read(name), source.read(size)
    if len(data) < size:
        sys.exit(0)
    folder = os.path.dirname(path)
    try:
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        with open(path, "wb", buffering=0) as file:
            while data:
                data = data[file.write(data):]
    except OSError as error:
        sys.stdout.write(f"{error.errno or 0} {error.strerror or error}")
        sys.exit(1)
"""
"""Reads length of name, length of content, name, content, again and again."""


class Outbox:
    """Writes files while its context lasts; all are there once it has ended.

    Raises
    ------
    OSError
        At its end or before, if a file could not be written.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._last = ""

    def __enter__(self) -> Self:
        # Where no interpreter can be started, files are written here.
        if sys.executable:
            with suppress(OSError):
                self._process = subprocess.Popen(  # noqa: S603 - our own text
                    [sys.executable, "-I", "-S", "-c", _WRITER],
                    bufsize=_AT_ONCE,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the one who started it
                )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if error is not None:
            process.kill()
        said = self._end(process)
        if error is None and process.returncode != 0:
            raise _failure(said, self._last)

    def put(self, path: Path, data: bytes) -> None:
        """Write ``data`` to ``path``, whose folder is made where it is missing."""
        if self._process is None or self._process.stdin is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return
        self._last = os.fspath(path)
        name = os.fsencode(path)
        try:
            self._process.stdin.write(_HEAD.pack(len(name), len(data)) + name + data)
        except BrokenPipeError:
            process, self._process = self._process, None
            raise _failure(self._end(process), self._last) from None

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> str:
        """Wait for the process and return what it said."""
        with process:
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
            said = process.stdout.read() if process.stdout is not None else b""
        return said.decode("utf-8", "replace")


def _failure(said: str, path: str) -> OSError:
    number, _, reason = said.partition(" ")
    if number.isdigit() and reason:
        return OSError(int(number), reason, path)
    return OSError(5, "the process that writes the report's files ended", path)
