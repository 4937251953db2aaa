"""Where the pictures of a page are: inside it, or in files beside it."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reportgen.values import Picture

ASSETS = "assets"
"""Folder of the files of a report in several."""

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


class Pictures(Protocol):
    """What a page asks where a picture is."""

    inline: bool
    """Whether every mention of a picture in the page carries all of its bytes."""

    def src(self, picture: Picture) -> Markup:
        """Return the address of ``picture``."""
        ...


class Inline:
    """Pictures inside the page, as ``data:`` URIs."""

    inline = True

    def src(self, picture: Picture) -> Markup:
        """Return ``picture`` as a ``data:`` URI.

        It is marked safe because base64 needs no escaping, and escaping every picture of a long
        report would copy all of them once more.
        """
        return Markup(data_uri(picture))  # noqa: S704


class Files:
    """Pictures as files named by their content, each written once.

    Parameters
    ----------
    folder
        Of the report; has to exist.
    """

    inline = False

    def __init__(self, folder: Path) -> None:
        self._root = folder

    def src(self, picture: Picture) -> Markup:
        """Write ``picture`` where it is new, and return its path relative to the page.

        A report of thousands of images has so many that one folder is too small for them on some
        drives (FAT), hence the sixteen below `ASSETS`.
        """
        digest = _digest(picture.data)
        name = f"{ASSETS}/{digest[0]}/{digest[1:]}{SUFFIXES[picture.mime]}"
        self._write(name, picture.data)
        return Markup(name)  # noqa: S704 - letters, digits, slashes and a dot

    def put(self, text: str, suffix: str) -> str:
        """Write ``text`` where it is new, and return its path relative to the page."""
        data = text.encode("utf-8", "backslashreplace")
        name = f"{ASSETS}/{_digest(data)}{suffix}"
        self._write(name, data)
        return name

    def put_pixels(self, pictures: Iterable[Picture]) -> str:
        """Write the script that gives a page the pixels of its ``pictures``, and return its path.

        From disk a script may show a picture from a file, but may not read it.
        """
        uris = {str(self.src(picture)): data_uri(picture) for picture in pictures}
        return self.put(f"window.reportgenPictures={json.dumps(uris)};\n", ".js")

    def _write(self, name: str, data: bytes) -> None:
        path = self._root / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def data_uri(picture: Picture) -> str:
    """Return ``picture`` as a ``data:`` URI."""
    return f"data:{picture.mime};base64,{b64encode(picture.data).decode('ascii')}"


def _digest(data: bytes) -> str:
    """Return 96 bits of the content's hash: enough that no two contents share a name."""
    return sha256(data).hexdigest()[:24]
