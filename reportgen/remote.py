"""Pictures that lie on another machine: any file system that fsspec knows, such as S3.

fsspec and what it needs for an address are imported only when there is one.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from reportgen.errors import ImageError, InputFolderError, OptionError, UnreachableError
from reportgen.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator

# Two letters at least: C:\ is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Found(NamedTuple):
    """A file of a listing."""

    name: str
    """Relative to the folder that was listed, with ``/`` between parts."""
    url: str
    size: int | None
    """In bytes; None where the listing does not say."""


def is_url(text: str) -> bool:
    """Say whether a text is an address rather than a path."""
    return _URL.match(text) is not None


def split(text: str) -> tuple[Path, str]:
    """Return what ``IMAGES`` means: a path of this machine, or a name and an address.

    A ``file://`` address is a path of this machine: so the same rules hold for links and pipes.

    Raises
    ------
    OptionError
        If the address has a password in it, which would stand in the report's ``run.toml``.
    """
    if not is_url(text):
        return Path(text), ""
    parts = urlsplit(text)
    if parts.scheme.casefold() in {"file", "local"}:
        if parts.netloc not in {"", "localhost"}:
            raise OptionError(
                f"IMAGES: a path of this machine is expected after file://, found the machine "
                f"'{parts.netloc}'. Write three slashes: file:///{parts.netloc}{parts.path}.",
            )
        from urllib.request import url2pathname  # noqa: PLC0415 - http and ssl, for few

        return Path(url2pathname(parts.path)), ""
    if parts.password is not None:
        raise OptionError(
            "IMAGES: the address holds a password, which would be written into the report. Set it "
            "in the environment or in fsspec's configuration file.",
        )
    return Path(PurePosixPath(parts.path.rstrip("/")).name or parts.netloc or "images"), text


def files(url: str) -> Iterator[Found]:
    """Yield every file below an address.

    Raises
    ------
    InputFolderError
        If it cannot be listed; the text says why.
    """
    system, root = _system(url)
    try:
        # A listing that was kept from before would not show what is new.
        system.invalidate_cache()
        listed = system.find(root, detail=True)
    except Exception as error:
        raise InputFolderError(f"IMAGES: '{url}' cannot be listed: {_reason(error)}.") from error
    start = f"{root.rstrip('/')}/"
    for path, details in listed.items():
        if path.startswith(start):
            yield Found(path.removeprefix(start), system.unstrip_protocol(path), details["size"])


def read(url: str, most: int) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    url
        Where it is.
    most
        Bytes that it may have.

    Raises
    ------
    ImageError
        If it is not there, or has more.
    UnreachableError
        If it cannot be fetched now.
    """
    try:
        system, path = _system(url)
        data = bytes(system.cat_file(path, start=0, end=most + 1))
    except FileNotFoundError:
        raise ImageError(_("is no longer there")) from None
    except Exception as error:  # noqa: BLE001 - of any file system
        text = _("cannot be fetched: {error}").format(error=_reason(error))
        raise UnreachableError(text) from None
    if len(data) > most:
        raise ImageError(
            _("{size:,} bytes, more than a picture that is decoded can have").format(size=len(data))
        )
    if not data:
        raise ImageError(_("is an empty file"))
    return data


def _system(url: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it."""
    from fsspec.core import url_to_fs  # noqa: PLC0415 - only where there is an address

    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise InputFolderError(
            f"IMAGES: '{url}' needs a package that is not installed ({error}). For s3:// "
            f"`pip install 'reportgen[ray]'`.",
        ) from error
    except ValueError as error:
        raise InputFolderError(
            f"IMAGES: '{url}' is no address that fsspec knows ({error}). Write such as "
            f"s3://bucket/photos.",
        ) from error
    return system, path


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")
