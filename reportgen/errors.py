"""Every exception that reportgen raises on purpose.

::

    ReportgenError
    ├── UsageError                  the command cannot be carried out as given: exit 2
    │   ├── InputFolderError        the folder of images is missing, empty or not a folder
    │   ├── OutputFolderError       the output folder holds something that is not ours
    │   ├── ModelError              no such model, or its weights cannot be had
    │   │   ├── ModelUnavailableError   the weights need a download that failed
    │   │   └── CheckpointError     a local checkpoint that cannot be used
    │   ├── LayerError              no such layer, or one that cannot carry a map
    │   ├── TargetError             no such class
    │   ├── OptionError             any other option with a value that does not fit
    │   ├── CacheError              the cache of finished records cannot be used
    │   ├── RunFileError            the store of a finished run is missing or cannot be read
    │   └── TemplateError           a template of the user's own that does not render
    ├── RunInterrupted              the user stopped the run: exit 130
    └── ImageError                  one picture failed: recorded, and the others go on
        └── UnreachableError        it lies on another machine, and could not be fetched now

The text of each says which file or option, what was expected, what was found, and what to do.
"""

from __future__ import annotations

import errno
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class ReportgenError(Exception):
    """Base of everything that reportgen raises on purpose."""


class UsageError(ReportgenError):
    """The command cannot be carried out as given; nothing was written (exit code 2)."""


class InputFolderError(UsageError):
    """The folder of images is missing, is not a folder, or holds no image."""


class OutputFolderError(UsageError):
    """The output folder cannot be used without touching files not ours, or cannot be written."""


class ModelError(UsageError):
    """There is no such model, or it cannot be loaded."""


class ModelUnavailableError(ModelError):
    """The weights have to be downloaded first, and that failed."""


class CheckpointError(ModelError):
    """A local checkpoint cannot be read or does not fit the model."""


class LayerError(UsageError):
    """There is no such layer, or it cannot carry a class activation map."""


class TargetError(UsageError):
    """There is no such class to explain."""


class OptionError(UsageError):
    """An option has a value that does not fit."""


class CacheError(UsageError):
    """The cache of finished records cannot be read or written."""


class RunFileError(UsageError):
    """The store of a finished run is missing, not ours, of another layout, or damaged."""


class TemplateError(UsageError):
    """A template could not be rendered."""


class RunInterrupted(ReportgenError):  # noqa: N818 - not an error
    """The user stopped the run after a batch.

    Parameters
    ----------
    computed
        Pictures that were computed and are kept.
    known
        Pictures that needed no computing.
    total
        Pictures of the run.
    """

    def __init__(self, computed: int, known: int, total: int) -> None:
        super().__init__(
            f"stopped; {computed + known} of {total} images are done and kept. The same command "
            "goes on from there. The old report, if any, stands."
        )


class ImageError(ReportgenError):
    """One picture could not be read or explained; the text is the reason shown to the user."""


class UnreachableError(ImageError):
    """A picture could not be fetched from another machine, which may do next time."""


def did_you_mean(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """Return `` Did you mean 'x' or 'y'?`` for the nearest of ``known``, or an empty string."""
    choices = {candidate.casefold(): candidate for candidate in known}
    near = [choices[key] for key in get_close_matches(name.casefold(), choices, n=most, cutoff=0.5)]
    if not near:
        return ""
    *head, last = (f"'{candidate}'" for candidate in near)
    return f" Did you mean {', '.join(head)} or {last}?" if head else f" Did you mean {last}?"


def cannot_write(path: Path, error: OSError) -> str:
    """Return one line on why ``path`` cannot be written, and what to do."""
    reason = error.strerror or str(error)
    return f"'{path}' cannot be written: {reason}.{_REMEDIES.get(error.errno or 0, '')}"


_FULL = " Make room there, or give a place on another drive."
_CLOSED = " Give a place that may be written."

_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.ENOTDIR: _CLOSED,
    errno.EEXIST: _CLOSED,
    errno.ENAMETOOLONG: " Give a shorter name.",
    errno.ENOENT: " It was removed while the run was writing: run the same command again.",
}
