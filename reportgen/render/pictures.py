"""Where the pictures of a page are: inside it, or in files beside it."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

from reportgen.render.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from reportgen.values import Picture

ASSETS = "assets"
"""Folder of the files of a report in several."""

REMEMBERED = 1000
"""Pictures whose names are kept, as a page names each one several times."""

NAMED = 24
"""Digits of the hash of a file's content in its name: 96 bits, so that no two share one."""

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
    """Pictures as files named by their content, each written once, as a context manager.

    All are there once the context ends.

    Parameters
    ----------
    folder
        Of the report; has to exist.
    digests
        Is given name and SHA-256 of every file, so that nobody has to read them again for that.
    """

    inline = False

    def __init__(self, folder: Path, digests: dict[str, str] | None = None) -> None:
        self._root = folder
        self._digests = {} if digests is None else digests
        self._named: dict[int, tuple[Picture, Markup]] = {}
        self._outbox = Outbox()

    def __enter__(self) -> Self:
        self._outbox.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._outbox.__exit__(kind, error, trace)

    def src(self, picture: Picture) -> Markup:
        """Write ``picture`` where it is new, and return its path relative to the page.

        A report of thousands of images has so many that one folder is too small for them on some
        drives (FAT), hence the sixteen below `ASSETS`.
        """
        known = self._named.get(id(picture))
        if known is not None and known[0] is picture:
            return known[1]
        data = picture.data
        digest = sha256(data).hexdigest()
        name = f"{ASSETS}/{digest[0]}/{digest[1:NAMED]}{SUFFIXES[picture.mime]}"
        self._write(name, data, digest)
        markup = Markup(name)  # noqa: S704 - letters, digits, slashes and a dot
        if len(self._named) >= REMEMBERED:
            self._named.clear()
        self._named[id(picture)] = picture, markup
        return markup

    def put(self, text: str, suffix: str) -> str:
        """Write ``text`` where it is new, and return its path relative to the page."""
        data = text.encode("utf-8", "backslashreplace")
        digest = sha256(data).hexdigest()
        name = f"{ASSETS}/{digest[:NAMED]}{suffix}"
        self._write(name, data, digest)
        return name

    def put_as(self, name: str, text: str) -> None:
        """Write ``text`` into the file called ``name``, relative to the folder of the report."""
        data = text.encode("utf-8", "backslashreplace")
        self._write(name, data, sha256(data).hexdigest())

    def put_pixels(self, pictures: Iterable[Picture]) -> str:
        """Write the script that gives a page the pixels of its ``pictures``, and return its path.

        From disk a script may show a picture from a file, but may not read it.
        """
        uris = {str(self.src(picture)): data_uri(picture) for picture in pictures}
        return self.put(f"window.reportgenPictures={json.dumps(uris)};\n", ".js")

    def _write(self, name: str, data: bytes, digest: str) -> None:
        if name not in self._digests:
            self._digests[name] = digest
            self._outbox.put(self._root / name, data)


def data_uri(picture: Picture) -> str:
    """Return ``picture`` as a ``data:`` URI."""
    return f"data:{picture.mime};base64,{b64encode(picture.data).decode('ascii')}"
