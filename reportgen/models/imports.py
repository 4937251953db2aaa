"""Import the user's own code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def current_folder_importable(*more: Path) -> Iterator[None]:
    """Put the current folder first on ``sys.path``, as ``python -m`` does, and ``more`` before it.

    An installed command does not have it there, and the user's code is where the user is.
    """
    added = [str(folder) for folder in (*more, Path.cwd())]
    before = list(sys.path)
    sys.path[:0] = added
    try:
        yield
    finally:
        sys.path[:] = before
