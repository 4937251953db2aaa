"""Two folders change places in one step, where the system knows how to."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HERE = -100  # AT_FDCWD: paths are as of the working directory
_SWAP = 2
"""RENAME_EXCHANGE of Linux's renameat2(2), and RENAME_SWAP of macOS's renamex_np(2)."""


def exchange(first: Path, second: Path) -> bool:
    """Let two folders of one drive change places; at every moment each name has one of them.

    Returns
    -------
    Whether it was done: some systems and some drives cannot, and then nothing has changed. Neither
    can it be done to a mount point.
    """
    names = os.fsencode(first), os.fsencode(second)
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return int(library.renamex_np(names[0], names[1], _SWAP)) == 0
        return int(library.renameat2(_HERE, names[0], _HERE, names[1], _SWAP)) == 0
    except (AttributeError, OSError, TypeError):  # no such call, or no such library, here
        return False
