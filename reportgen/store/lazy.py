"""The images of a run as a sequence that reads each one when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, overload

from reportgen.store.codec import MIMES, Decoder, StoredPicture, picture_hash
from reportgen.values import ImageRecord, Picture

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

KEPT = 1000
"""Records of the first images that stay in memory once they were read, about 15 KB each: the pages
of a report go through its images several times. Further ones are read anew each time."""

PICTURES = 512
"""Pictures whose bytes stay in memory, as a page names each one several times."""


def read_picture(base: sqlite3.Connection, key: str) -> Picture:
    """Return a picture with its bytes.

    Raises
    ------
    ValueError
        If it is not there, or is not what its key says.
    """
    query = "SELECT mime, width, height, data FROM pictures WHERE hash = ?"
    row = base.execute(query, (key,)).fetchone()
    if row is None:
        raise ValueError(f"no picture {key:.16}")
    mime, width, height, data = row
    picture = Picture(mime, data, (width, height))
    sound = mime in MIMES and type(width) is type(height) is int and min(width, height) > 0
    if not sound or picture_hash(picture) != key:
        raise ValueError(f"picture {key:.16} is not what it was")
    return picture


class StoredImages(Sequence[ImageRecord]):
    """The images of a store, in order; the bytes of their pictures are read only where used.

    Parameters
    ----------
    base
        The store's database; has to stay open.
    positions
        Of the images, ascending.
    guarded
        Turns what a damaged store leads to into an error of ours.
    """

    def __init__(
        self,
        base: sqlite3.Connection,
        positions: Sequence[int],
        guarded: Callable[[Callable[[], ImageRecord]], ImageRecord] | None = None,
    ) -> None:
        self._base = base
        self._positions = positions
        self._guarded = guarded or (lambda read: read())
        self._kept: dict[int, ImageRecord] = {}
        self._bytes = lru_cache(PICTURES)(lambda key: read_picture(base, key).data)
        self._decoder = Decoder(self._picture)

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> ImageRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ImageRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> ImageRecord | tuple[ImageRecord, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        if place in self._kept:
            return self._kept[place]
        image = self._guarded(lambda: self._read(place))
        if place < KEPT:
            self._kept[place] = image
        return image

    def __iter__(self) -> Iterator[ImageRecord]:
        for place in range(len(self)):
            yield self[place]

    def _read(self, place: int) -> ImageRecord:
        query = "SELECT record FROM images WHERE position = ?"
        (text,) = self._base.execute(query, (self._positions[place],)).fetchone()
        return self._decoder.decode(text, ImageRecord)

    def _picture(self, key: str) -> Picture:
        query = "SELECT mime, width, height FROM pictures WHERE hash = ?"
        row = self._base.execute(query, (key,)).fetchone()
        if row is None or row[0] not in MIMES:
            raise ValueError(f"no picture {key:.16}")
        mime, width, height = row
        return StoredPicture(mime, (width, height), lambda: self._bytes(key))
