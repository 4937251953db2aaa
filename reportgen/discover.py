"""Find the images of a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import InputFolderError
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"},
)
"""Lower-case suffixes of the files that count as images."""


def discover(
    folder: Path,
    *,
    recursive: bool = True,
    leave_out: tuple[Path, ...] = (),
    own_report: str | None = None,
) -> tuple[ImageFile, ...]:
    """Return the images below ``folder``, sorted by relative path.

    Hidden files and folders are left out, and links to folders are not followed (a link may lead
    in a circle). A name with an image suffix is listed whatever it turns out to be, so that a
    dangling link or a named pipe is reported rather than silently missing.

    Parameters
    ----------
    folder
        Where to look.
    recursive
        Whether to look into sub-folders too.
    leave_out
        Folders not to look into, whether they exist or not: the output folder above all.
    own_report
        Name of a file that marks a folder as one of our reports; such folders are left out, so
        that the overlays of one run never become the pictures of the next.

    Raises
    ------
    InputFolderError
        If ``folder`` is missing, is not a folder, or holds no image.
    """
    if not folder.exists():
        raise InputFolderError(
            f"IMAGES: there is no folder '{folder}'. Give the folder that holds the pictures.",
        )
    if not folder.is_dir():
        raise InputFolderError(
            f"IMAGES: '{folder}' is a file, but a folder of pictures is expected. "
            f"Give the folder that it lies in.",
        )
    skipped = frozenset(path.resolve() for path in leave_out)
    found = sorted(_walk(folder, recursive, skipped, own_report), key=lambda path: path.parts)
    if not found:
        depth = "or its sub-folders" if recursive else "(sub-folders not searched)"
        raise InputFolderError(
            f"IMAGES: no image in '{folder}' {depth}. Looked for files ending in "
            f"{', '.join(sorted(suffix[1:] for suffix in SUFFIXES))}; hidden ones are left out.",
        )
    return tuple(ImageFile(path=folder / path, name=printable(path.as_posix())) for path in found)


def printable(name: str) -> str:
    r"""Return ``name`` with bytes that are not UTF-8 written as ``\xNN``, so it can be encoded."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _walk(
    folder: Path,
    recursive: bool,  # noqa: FBT001 - private, always passed on by the caller above
    skipped: frozenset[Path],
    own_report: str | None,
) -> Iterator[Path]:
    """Yield the relative path of every image, by a loop so that depth has no limit of its own."""
    pending = [Path()]
    while pending:
        relative = pending.pop()
        with os.scandir(folder / relative) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    path = Path(entry.path)
                    is_report = own_report is not None and (path / own_report).is_file()
                    if recursive and not is_report and path.resolve() not in skipped:
                        pending.append(relative / entry.name)
                elif Path(entry.name).suffix.casefold() in SUFFIXES and not _leads_to_folder(entry):
                    yield relative / entry.name


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself; decoding says so
        return False
