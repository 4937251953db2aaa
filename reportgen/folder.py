"""The output folder: what may be touched, and how a finished report takes its place.

A report is written to a hidden folder beside its destination and only then put in place, so an
interrupted run leaves the old report as it was. A manifest lists every file of ours with its
hash; a file that is not listed there is never replaced or deleted.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reportgen import __version__
from reportgen.errors import OutputFolderError, cannot_write
from reportgen.exchange import exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1

HASHERS = 4
"""Threads that read files to hash them; both release the interpreter lock."""

_READ = 1 << 20
"""Bytes that are read of a file at a time."""

WAITING = 1024
"""Files that are given to these threads at a time."""

PAGE = "index.html"
"""What a reader opens; put in place last, after everything that it speaks of."""


class OutputFolder:
    """Where a report goes, checked before any work is done.

    Parameters
    ----------
    path
        The folder to make or to bring up to date.
    force
        Whether a folder that holds files of somebody else's may be used too. Those files are
        left alone even then.

    Raises
    ------
    OutputFolderError
        If the folder holds something and no manifest shows that it is ours, or if it cannot be
        written to.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path = path
        if os.path.lexists(path) and not path.is_dir():
            found = "a file" if path.exists() else "a link to nothing"
            raise OutputFolderError(
                f"--output: '{path}' is {found}, but a folder is expected. Give another name.",
            )
        self._ours = read_manifest(path)
        if self._ours is None and path.is_dir() and not force and any(path.iterdir()):
            raise OutputFolderError(
                f"--output: '{path}' holds files and is not a report of reportgen's "
                f"(there is no {MANIFEST} of ours in it). Give a new folder, or --force to write "
                f"beside those files; they are kept either way.",
            )
        parent = _nearest_existing(path)
        if not parent.is_dir():
            raise OutputFolderError(
                f"--output: '{parent}' is a file, and '{path}' would lie in it. Give another name.",
            )
        if not os.access(parent, os.W_OK):
            raise OutputFolderError(
                f"--output: no permission to write in '{parent}'. Give a place that may be "
                "written.",
            )

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give an empty folder beside the destination; it is gone afterwards, come what may.

        Raises
        ------
        OutputFolderError
            If something cannot be written there, now or later.
        """
        existing = _nearest_existing(self.path.parent)
        folder = None
        try:
            folder = self._begin()
            yield folder
        except OSError as error:
            if folder is None or _is_of(error, folder, self.path):
                raise OutputFolderError(
                    f"--output: {cannot_write(self.path, error)} The old report, if any, stands.",
                ) from error
            raise
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                _remove_empty(self.path.absolute().parent, up_to=existing.absolute())

    def _begin(self) -> Path:
        """Clear away what killed runs left, as this one has the lock, and make a new folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{self.path.name[:64]}.partial-"
        for left in self.path.parent.glob(f"{glob.escape(prefix)}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.path.parent))
        folder.chmod(0o777 & ~_umask())  # mkdtemp makes it private; a report is to be shared
        return folder

    def commit(self, staging: Path, digests: Mapping[str, str] | None = None) -> None:
        """Put the finished files of ``staging`` in place.

        A new folder appears in one rename. One that holds nothing but an earlier report changes
        places with the new one in one step, where the system can do that. Else the manifest is
        widened to the old and the new files first, then each file is replaced in one step, the page
        last, and only then files of the old report that the new one lacks are deleted.

        Parameters
        ----------
        staging
            The folder of `staging`.
        digests
            Relative name and SHA-256 of files in it whose content was hashed when it was written.

        Raises
        ------
        OutputFolderError
            If a file that is not ours stands where one of the report's files has to go; nothing
            has been changed then.
        """
        new = hashes(staging, digests)
        if not self.path.exists() or not (self.path.is_symlink() or any(self.path.iterdir())):
            _write_manifest(staging, new)
            staging.replace(self.path)
            return
        self.check(new)
        if not self._swap(staging, new):
            self._replace(staging, new)

    def _swap(self, staging: Path, new: dict[str, str]) -> bool:
        """Let the new folder and the old one change places; False where that cannot be."""
        ours = {*(self._ours or {}), MANIFEST}
        here = self.path.resolve()
        # Who works in the folder, this process too, would be left in the old one.
        if self._ours is None or _cwd().is_relative_to(here) or not _holds_only(here, ours):
            return False
        _write_manifest(staging, new)
        _look_like(staging, here)
        if not exchange(staging, here):
            return False
        # What came into the old folder at the last moment is not ours to delete with it.
        for name in _files(staging):
            if name not in ours and not os.path.lexists(here / name):
                (here / name).parent.mkdir(parents=True, exist_ok=True)
                (staging / name).replace(here / name)
        return True

    def _replace(self, staging: Path, new: dict[str, str]) -> None:
        """Replace file by file, beside what others have in the folder."""
        ours = self._ours or {}
        _write_manifest(staging, {**ours, **new})
        (staging / MANIFEST).replace(self.path / MANIFEST)
        for name in sorted(new, key=lambda name: (name == PAGE, name)):
            destination = self.path / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(destination)
        self._delete(set(ours) - set(new))
        _write_manifest(staging, new)
        (staging / MANIFEST).replace(self.path / MANIFEST)

    def check(self, names: Iterable[str]) -> None:
        """Make sure that no file or link of somebody else's stands where ours have to go.

        Raises
        ------
        OutputFolderError
            Naming the first such file.
        """
        ours = self._ours or {}
        for name in (*names, MANIFEST):
            mine = name in ours or (name == MANIFEST and self._ours is not None)
            destination = self.path / name
            is_folder = destination.is_dir() and not destination.is_symlink()  # never one of ours
            if is_folder or (not mine and os.path.lexists(destination)):
                raise self._stranger(destination)
            for parent in PurePosixPath(name).parents:
                folder = self.path / parent
                in_the_way = folder.is_symlink() or (folder.exists() and not folder.is_dir())
                if folder != self.path and in_the_way:
                    raise self._stranger(folder)

    def _stranger(self, path: Path) -> OutputFolderError:
        return OutputFolderError(
            f"--output: '{path}' is not ours and stands where a file of the report has to go. "
            f"Move it away, or give another folder.",
        )

    def _delete(self, names: Iterable[str]) -> None:
        """Delete files of ours, and the folders that this leaves empty."""
        for name in sorted(names, reverse=True):
            path = self.path / name
            if path.is_symlink() or path.is_file():  # a folder there now is somebody else's
                path.unlink()
            _remove_empty(path.parent, up_to=self.path)


def read_manifest(folder: Path) -> dict[str, str] | None:
    """Return ``{relative name: sha256}`` of our files in ``folder``; None if it is not ours.

    A manifest is data from disk: names that lead out of the folder make it invalid, because the
    files it names may be deleted.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if content["generator"] != "reportgen" or content["schema_version"] != MANIFEST_SCHEMA:
            return None
        files = {str(name): str(entry["sha256"]) for name, entry in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(_is_relative(name) for name in files):
        return None
    # Asked once per folder: a report of thousands of images has tens of thousands of files.
    parents = {name.rpartition("/")[0] for name in files}
    inside = folder.resolve()
    stay = all((folder / parent).resolve().is_relative_to(inside) for parent in parents)
    return files if stay else None


def differences(folder: Path) -> tuple[str, ...]:
    """Compare a report with its manifest.

    Returns
    -------
    One line for each of our files that is missing or was changed, by name; nothing where all are as
    they were written.

    Raises
    ------
    OutputFolderError
        If there is no manifest of ours.
    """
    ours = read_manifest(folder)
    if ours is None:
        raise OutputFolderError(
            f"'{folder}': expected the folder of a finished report, found no {MANIFEST} of ours "
            "in it.",
        )
    found = []
    for name in sorted(ours):
        place = os.path.join(folder, name)  # noqa: PTH118 - of tens of thousands, in seconds
        try:
            regular = stat.S_ISREG(os.stat(place).st_mode)  # noqa: PTH116 - as above
        except OSError:
            regular = False
        if not regular:
            found.append(f"{name}: missing")
        elif _digest(place) != ours[name]:
            found.append(f"{name}: changed")
    return tuple(found)


def manifest_hash(folder: Path) -> str:
    """Return a digest of the manifest, and so of every file that it lists."""
    return _digest(folder / MANIFEST)


def _digest(path: str | Path) -> str:
    # Not `hashlib.file_digest`, whose buffer is larger than most of the files.
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - as it may be a text
        found = hashlib.sha256()
        while part := stream.read(_READ):
            found.update(part)
        return found.hexdigest()


def empty(folder: Path) -> None:
    """Delete everything in ``folder``, a staging folder that is to be filled anew."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def hashes(folder: Path, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``{relative name: sha256}`` of every file below ``folder`` but the manifest.

    Those in ``known`` are not read.
    """
    found = dict(known or {})
    names = sorted(name for name in _names(folder) if name not in found)
    with ThreadPoolExecutor(HASHERS, thread_name_prefix="reportgen") as pool:
        # Some at a time: what waits in a pool takes far more memory than a name.
        for begin in range(0, len(names), WAITING):
            some = names[begin : begin + WAITING]
            digests = pool.map(_digest, (folder / name for name in some))
            found.update(zip(some, digests, strict=True))
    found.pop(MANIFEST, None)
    return found


def _names(folder: Path) -> Iterator[str]:
    """Yield the relative name of every file below ``folder``."""
    for place, _, files in os.walk(folder):
        below = PurePosixPath(Path(place).relative_to(folder).as_posix())
        start = "" if below == PurePosixPath() else f"{below}/"
        yield from (start + name for name in files)


def _write_manifest(folder: Path, files: dict[str, str]) -> None:
    head = {"generator": "reportgen", "version": __version__, "schema_version": MANIFEST_SCHEMA}
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="\n") as stream:
        # Line by line: as one value, the files of a large report would take a hundred MB.
        stream.write(f'{json.dumps(head, indent=1)[:-2]},\n "files": {{')
        for number, name in enumerate(sorted(files)):
            stream.write(",\n  " if number else "\n  ")
            stream.write(f'{json.dumps(name)}: {{\n   "sha256": {json.dumps(files[name])}\n  }}')
        stream.write("\n }\n}\n" if files else "}\n}\n")


def _is_relative(name: str) -> bool:
    parts = name.split("/")
    odd = name.startswith("/") or "\\" in name or "\0" in name
    return not (odd or ".." in parts or all(part in {"", "."} for part in parts))


def _files(folder: Path) -> set[str]:
    """Return the relative name of everything below ``folder`` that is no folder with content."""
    found: set[str] = set()
    for place, folders, files in os.walk(folder):
        below = Path(place).relative_to(folder)
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        found.update((below / name).as_posix() for name in (*files, *links))
        if not folders and not files:
            found.add(below.as_posix())
    return found


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it is deleted
        return Path(os.sep)


def _holds_only(folder: Path, names: set[str]) -> bool:
    """Say whether there is nothing below ``folder`` but ``names`` and the folders around them."""
    return _files(folder) <= names


def _look_like(folder: Path, other: Path) -> None:
    """Give ``folder`` the permissions and the owner that ``other`` has, as far as that may be."""
    status = other.stat()
    with suppress(OSError):
        if hasattr(os, "chown"):
            os.chown(folder, status.st_uid, status.st_gid)
    with suppress(OSError):
        folder.chmod(stat.S_IMODE(status.st_mode))


_UNNAMED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""What writing to an open file fails with; such an error names no file."""


def _is_of(error: OSError, *folders: Path) -> bool:
    """Say whether an error is of writing into one of ``folders``."""
    if not error.filename:
        return error.errno in _UNNAMED
    where = Path(os.path.abspath(os.fsdecode(error.filename)))  # noqa: PTH100 - not resolved
    return any(where.is_relative_to(folder.absolute()) for folder in folders)


def _nearest_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.absolute().parents) if parent.exists())


def _remove_empty(folder: Path, *, up_to: Path) -> None:
    """Remove ``folder`` and its parents below ``up_to`` as far as they are empty."""
    while folder != up_to and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
