"""A report and its pictures in one ZIP file, ready to hand in."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen import __version__
from reportgen.decode import read
from reportgen.errors import OptionError
from reportgen.folder import read_manifest
from reportgen.privacy import without_metadata
from reportgen.settings import RUN_FILE, run_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reportgen.options import BuildOptions
    from reportgen.values import ImageFile

PICTURES = "pictures"
"""Folder of the explained pictures inside the archive."""

_FIRST_YEAR = 1980
"""A ZIP file cannot hold an older date."""

_README = """\
{title}

index.html    the report; open it in a browser, no network needed
{pages}pictures/     the pictures that it explains, without EXIF data such as place and date
run.toml      every option of the run
report.json   what is in the report but its pictures, for programs

To do it again, unpack this file, {needed}go to the folder and type

    pip install reportgen=={version}
    reportgen build --config run.toml --output again
"""


def check(path: Path) -> None:
    """Make sure that an archive can be written to ``path``.

    Raises
    ------
    OptionError
        If the name is a folder's, if something else than a ZIP file stands there, or if the
        folder around it is missing.
    """
    if path.is_dir():
        raise OptionError(f"--zip: '{path}' is a folder. Give the name of a file to write.")
    if not path.absolute().parent.is_dir():
        raise OptionError(f"--zip: there is no folder '{path.parent}' to write into.")
    if path.exists() and not zipfile.is_zipfile(path):
        raise OptionError(f"--zip: '{path}' is there and is no ZIP file. Give another name.")


def write(  # noqa: PLR0913, PLR0917 - the place, what goes in, and what it says of itself
    path: Path,
    report: Path,
    images: Sequence[ImageFile],
    options: BuildOptions,
    created: datetime,
    title: str,
) -> None:
    """Pack a finished report with the pictures that it explains.

    Parameters
    ----------
    path
        The archive; an older one is replaced once the new one is complete.
    report
        Folder of the report.
    images
        The pictures, packed under `PICTURES`.
    options
        The run's; the archive's ``run.toml`` speaks of the archive's own files.
    created
        Stamped on every entry, so that the same run gives the same bytes.
    title
        Of the report.
    """
    stamp = max(created.timetuple()[:6], (_FIRST_YEAR, 1, 1, 0, 0, 0))
    with tempfile.TemporaryDirectory(prefix=".zip-", dir=path.absolute().parent) as folder:
        part = Path(folder) / path.name
        with zipfile.ZipFile(part, "w") as archive:
            for name, data in _entries(report, images, options, title):
                entry = zipfile.ZipInfo(name, stamp)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, data)
        part.replace(path)


def _entries(
    report: Path, images: Sequence[ImageFile], options: BuildOptions, title: str
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of everything to pack."""
    beside: dict[str, Path] = {}

    def place(path: Path) -> str:
        if path == options.images:
            return PICTURES
        beside[path.name] = path
        return path.name

    run = run_file(options, place)
    needed = [name for name, path in beside.items() if path == options.network.checkpoint]
    ours = sorted(read_manifest(report) or {})
    yield "README.txt", _readme(title, needed, in_pages="page-1.html" in ours).encode()
    for name in ours:
        yield name, run.encode() if name == RUN_FILE else (report / name).read_bytes()
    for image in images:
        # Some programs take a backslash, which a name may have, for the mark between folders.
        name = image.name.replace("\\", "%5C")
        yield f"{PICTURES}/{name}", without_metadata(read(image))
    for name, path in beside.items():
        if path.is_file() and name not in needed:
            yield name, path.read_bytes()


def _readme(title: str, needed: list[str], *, in_pages: bool) -> str:
    # A network's weights are too large to hand in.
    pages = "page-*.html   its pages, with the pictures in assets/\n" if in_pages else ""
    put = f"put {', '.join(needed)} beside this file, " if needed else ""
    return _README.format(title=title, version=__version__, needed=put, pages=pages)
