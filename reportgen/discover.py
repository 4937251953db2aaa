"""Find the images of a folder."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reportgen import remote
from reportgen.errors import InputFolderError
from reportgen.language import _
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
    follow_links: bool = False,
    leave_out: tuple[Path, ...] = (),
    own_report: str | None = None,
) -> tuple[ImageFile, ...]:
    """Return the images below ``folder``, sorted by relative path.

    Hidden files and folders are left out. A name with an image suffix is listed whatever it turns
    out to be, so that a dangling link or a named pipe is reported rather than silently missing;
    so is a sub-folder that cannot be read. No two images have one name.

    Parameters
    ----------
    folder
        Where to look.
    recursive
        Whether to look into sub-folders too.
    follow_links
        Whether links that lead out of ``folder`` are followed. Without it, such a link to a file
        is listed as refused, and one to a folder is left out. Links to folders within ``folder``
        are never followed, as their pictures are there already, and no folder is entered twice.
    leave_out
        Folders not to look into, whether they exist or not: the output folder above all.
    own_report
        Name of a file that marks a folder as one of our reports; such folders are left out, so
        that the overlays of one run never become the pictures of the next.

    Raises
    ------
    InputFolderError
        If ``folder`` is missing, is not a folder, cannot be read, or holds no image.
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
    walk = _Walk(
        folder,
        Path(os.path.realpath(folder)),
        recursive=recursive,
        follow_links=follow_links,
        entered={_identity(path) for path in leave_out if path.exists()},
        own_report=own_report,
    )
    found = sorted(walk.files(), key=lambda item: item[0].parts)
    if not found:
        depth = "or its sub-folders" if recursive else "(sub-folders not searched)"
        raise InputFolderError(
            f"IMAGES: no image in '{folder}' {depth}. Looked for files ending in "
            f"{', '.join(sorted(suffix[1:] for suffix in SUFFIXES))}; hidden ones are left out."
            f"{walk.left_out()}",
        )
    names = _unique([printable(path.as_posix()) for path, _refused in found])
    return tuple(
        ImageFile(path=folder / path, name=name, refused=refused)
        for name, (path, refused) in zip(names, found, strict=True)
    )


def discover_remote(
    url: str, *, recursive: bool = True, own_report: str | None = None
) -> tuple[ImageFile, ...]:
    """Return the images below an address, sorted by relative path, as `discover` does.

    Parameters
    ----------
    url
        Of a folder, for any file system that fsspec knows.
    recursive
        Whether to look into sub-folders too.
    own_report
        Name of a file that marks a folder as one of our reports; such folders are left out.

    Raises
    ------
    InputFolderError
        If it cannot be listed, or holds no image.
    """
    files = {parts: found for found in remote.files(url) if (parts := tuple(found.name.split("/")))}
    reports = {parts[:-1] for parts in files if parts[1:] and parts[-1] == own_report}
    images = sorted(
        (parts, found)
        for parts, found in files.items()
        if (recursive or not parts[1:])
        and not any(part.startswith(".") for part in parts)
        and PurePosixPath(parts[-1]).suffix.casefold() in SUFFIXES
        and not (reports and any(parts[:depth] in reports for depth in range(1, len(parts))))
    )
    if not images:
        depth = "or below it" if recursive else "(what is below it was not searched)"
        raise InputFolderError(
            f"IMAGES: no image at '{url}' {depth}. Looked for files ending in "
            f"{', '.join(sorted(suffix[1:] for suffix in SUFFIXES))}; hidden ones are left out.",
        )
    names = _unique([printable(found.name) for _parts, found in images])
    return tuple(
        ImageFile(
            path=Path(found.name),
            name=name,
            refused="" if found.size != 0 else _("is an empty file"),
            url=found.url,
        )
        for name, (_parts, found) in zip(names, images, strict=True)
    )


def printable(name: str) -> str:
    r"""Return ``name`` with bytes that are not UTF-8 written as ``\xNN``, so it can be encoded."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unique(names: list[str]) -> list[str]:
    r"""Tell equal names apart: one with the byte E9, and one with the four signs ``\xe9``."""
    seen: Counter[str] = Counter()
    taken = set(names)
    found = []
    for name in names:
        seen[name] += 1
        unique = name
        while seen[name] > 1 and unique in taken:
            unique = f"{name} ({seen[name]})"
            seen[name] += unique in taken
        taken.add(unique)
        found.append(unique)
    return found


@dataclass(slots=True)
class _Walk:
    """One walk through a folder, by a loop so that depth has no limit of its own."""

    folder: Path
    root: Path
    """The same folder without links."""
    recursive: bool
    follow_links: bool
    entered: set[tuple[int, int]]
    """Device and inode of folders not to enter, or not again."""
    own_report: str | None
    _links: list[Path] = field(default_factory=list)
    """Links to folders outside, relative."""

    def files(self) -> Iterator[tuple[Path, str]]:
        """Yield the relative path of every image, and why it is not to be opened."""
        self.entered.add(_identity(self.root))
        pending = [Path()]
        while pending:
            relative = pending.pop()
            try:
                with os.scandir(self.folder / relative) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if relative == Path():
                    raise InputFolderError(
                        f"IMAGES: '{self.folder}' cannot be read ({error.strerror}). Check its "
                        f"permissions.",
                    ) from None
                yield (
                    relative,
                    _("a folder that cannot be read: {error}").format(
                        error=error.strerror or error
                    ),
                )
                continue
            for entry in listed:
                if entry.name.startswith("."):
                    continue
                path = relative / entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self.recursive and self._is_new(self.folder / path):
                        pending.append(path)
                else:
                    yield from self._listed(entry, path)
            if not pending and self.follow_links and self.recursive:
                pending.extend(path for path in self._links if self._is_new(self.folder / path))
                self._links.clear()

    def left_out(self) -> str:
        """Return a sentence on the folders that were not followed; empty where there are none."""
        if self.follow_links or not self._links:
            return ""
        return (
            f" '{printable(self._links[0].as_posix())}' is a link to a folder elsewhere; "
            f"--follow-links looks into it."
        )

    def _listed(self, entry: os.DirEntry[str], path: Path) -> Iterator[tuple[Path, str]]:
        """Yield an entry that is no folder of its own, if it is an image by its name."""
        outside = entry.is_symlink() and self._is_outside(self.folder / path)
        if _leads_to_folder(entry):
            if outside:
                self._links.append(path)
        elif path.suffix.casefold() in SUFFIXES:
            refused = ""
            if outside and not self.follow_links:
                refused = _("is a link out of the folder; --follow-links follows it")
            yield path, refused

    def _is_new(self, path: Path) -> bool:
        """Say whether a folder is to be entered: no report, not one to leave out, not seen yet."""
        try:
            if self.own_report is not None and (path / self.own_report).is_file():
                return False
            identity = _identity(path)
        except OSError:  # listing it fails too, and says so
            return True
        new = identity not in self.entered
        self.entered.add(identity)
        return new

    def _is_outside(self, path: Path) -> bool:
        """Say whether a link leads out of the folder; one that leads nowhere does not."""
        try:
            real = Path(os.path.realpath(path, strict=True))
        except OSError:
            return False
        return not real.is_relative_to(self.root)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself; decoding says so
        return False
