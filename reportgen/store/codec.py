"""Records ↔ JSON: every value comes back equal, whatever it holds.

The JSON is strict and ASCII: numbers that JSON lacks are the texts ``NaN``, ``Infinity`` and
``-Infinity``, and a picture is ``{"picture": HASH}``. What is read is data of unknown origin, so
nothing is converted on the way in: a text where a number belongs is an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_type_hints

from cattrs.preconf.json import make_converter

from reportgen import values
from reportgen.values import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cattrs import Converter

if TYPE_CHECKING:
    from reportgen.values import Size

T = TypeVar("T")

MIMES = ("image/jpeg", "image/png")
"""What a picture may be. The page writes these into addresses, so nothing else passes."""


def picture_hash(picture: Picture) -> str:
    """Return the key of a picture: SHA-256 of its kind, size and bytes, in hex.

    Kind and size are part of it, so that two pictures with one key are equal in everything.
    """
    head = f"{picture.mime} {picture.size[0]}x{picture.size[1]}\n"
    return hashlib.sha256(head.encode() + picture.data).hexdigest()


class StoredPicture(Picture):
    """A picture whose bytes are read when they are asked for.

    Parameters
    ----------
    mime, size
        As of any picture.
    read
        Returns the bytes.
    """

    __slots__ = ("_read",)
    _read: Callable[[], bytes]

    def __init__(self, mime: str, size: Size, read: Callable[[], bytes]) -> None:
        object.__setattr__(self, "mime", mime)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "_read", read)

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self._read()


@dataclass(frozen=True, slots=True)
class Encoded:
    """A record as it is stored."""

    text: str
    """One line of JSON."""
    pictures: Mapping[str, Picture]
    """Key that stands in the text → picture."""

    @classmethod
    def of(cls, record: object) -> Self:
        """Encode a record."""
        pictures: dict[str, Picture] = {}
        token = _PICTURES.set(pictures)
        try:
            try:
                text = _dumped(_encoding(every_number=False).unstructure(record))
            except (TypeError, ValueError):  # a number that JSON lacks, or one of NumPy's
                text = _dumped(_encoding(every_number=True).unstructure(record))
        finally:
            _PICTURES.reset(token)
        return cls(text, pictures)


def _dumped(plain: object) -> str:
    return json.dumps(plain, allow_nan=False, separators=(",", ":"))


class Decoder:
    """JSON to records.

    Parameters
    ----------
    fetch
        Returns the picture of a key.
    """

    def __init__(self, fetch: Callable[[str], Picture]) -> None:
        self._fetch = fetch

    def decode(self, text: object, kind: type[T]) -> T:
        """Return the record that ``text`` holds.

        Raises
        ------
        ValueError
            If ``text`` is not JSON, or not such a record; the cause says where.
        """
        token = _FETCH.set(self._fetch)
        try:
            plain = json.loads(_text(text, str))
            try:
                return _decoding(says_where=False).structure(plain, kind)
            except _NOT_SUCH:
                return _decoding(says_where=True).structure(plain, kind)
        except _NOT_SUCH as error:
            raise ValueError(f"not {kind.__name__} as JSON") from error
        finally:
            _FETCH.reset(token)


_NOT_SUCH = (TypeError, ValueError, KeyError, AttributeError, RecursionError, ExceptionGroup)
"""What converters raise where plain values are not such a record."""

_PICTURES: ContextVar[dict[str, Picture]] = ContextVar("_PICTURES")
_FETCH: ContextVar[Callable[[str], Picture]] = ContextVar("_FETCH")
"""Of what is encoded and decoded now: converters take half a second to make, so all share."""


@cache
def _encoding(*, every_number: bool) -> Converter:
    """Return what makes plain values of records.

    Parameters
    ----------
    every_number
        Whether every number is looked at, which takes as long as everything else.
    """
    converter = _converter()
    if every_number:
        converter.register_unstructure_hook(float, _number_out)
    converter.register_unstructure_hook(Picture, _picture_out)
    converter.register_unstructure_hook(StoredPicture, _picture_out)
    return converter


@cache
def _decoding(*, says_where: bool) -> Converter:
    """Return what makes records of plain values; to say where they are wrong takes twice as long.

    Both refuse the same.
    """
    converter = _converter(says_where=says_where)
    for kind, hook in _STRICT.items():
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook(Picture, _picture_in)
    return converter


def _converter(*, says_where: bool = False) -> Converter:
    _resolve()
    return make_converter(detailed_validation=says_where)


def _picture_out(picture: Picture) -> dict[str, str]:
    key = picture_hash(picture)
    _PICTURES.get()[key] = picture
    return {"picture": key}


def _picture_in(plain: Any, _type: object) -> Picture:  # noqa: ANN401 - whatever JSON holds
    return _FETCH.get()(_text(plain["picture"], str))


def _resolve() -> None:
    """Put the types themselves where the values name them.

    The modules of the values import one another for type checking alone, so the names in their
    annotations are found here, all of them together. Python's own place for this is the field.
    """
    names = {name: getattr(values, name) for name in values.__all__}
    names |= {"datetime": datetime, "Sequence": Sequence}
    for kind in names.values():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            fields = dataclasses.fields(kind)
            if any(isinstance(field.type, str) for field in fields) and not _is_array(fields):
                hints = get_type_hints(kind, localns=names)
                for field in fields:
                    field.type = hints[field.name]


def _is_array(fields: tuple[dataclasses.Field[Any], ...]) -> bool:
    """Say whether a value carries pixels or paths: such values are never stored."""
    held = ("Array", "Path", "ImageFile", "Mapping")
    return any(word in str(field.type) for field in fields for word in held)


def _number_out(value: float) -> float | str:
    if isinstance(value, int):  # 1 is not to come back as 1.0: they are written differently
        return value
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _number_in(plain: object, _type: object) -> float:
    if plain in ("NaN", "Infinity", "-Infinity"):
        return float(str(plain))
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
        raise TypeError(f"expected a number, found {plain!r:.40}")
    return plain


def _text(plain: object, _type: object) -> str:
    if not isinstance(plain, str):
        raise TypeError(f"expected text, found {plain!r:.40}")
    return plain


def _whole(plain: object, _type: object) -> int:
    if isinstance(plain, bool) or not isinstance(plain, int):
        raise TypeError(f"expected a whole number, found {plain!r:.40}")
    return plain


def _truth(plain: object, _type: object) -> bool:
    if not isinstance(plain, bool):
        raise TypeError(f"expected true or false, found {plain!r:.40}")
    return plain


def _moment(plain: object, _type: object) -> datetime:
    moment = datetime.fromisoformat(_text(plain, str))
    if moment.tzinfo is None:
        raise ValueError("expected a date with its offset from UTC")
    return moment


_STRICT: dict[Any, Callable[[Any, Any], Any]] = {
    bool: _truth,
    datetime: _moment,
    float: _number_in,
    int: _whole,
    str: _text,
}
