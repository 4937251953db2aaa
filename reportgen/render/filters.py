"""How values are written on the page: the filters of the templates.

Each takes one value and returns text without markup; autoescaping comes after.
"""

from __future__ import annotations

import json
import math
import shlex
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from reportgen.language import LOCALES, N_, TAGS, _, current
from reportgen.render import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from reportgen.values import Box

MINUS = "−"
NOT_FINITE = N_("not finite")
_DATA_ESCAPES = str.maketrans({"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def share(value: float) -> str:
    """Return a fraction as a plain number in 0…1 for the ``--p`` of a bar; 0 where not finite."""
    return f"{min(max(value, 0.0), 1.0):.4f}" if math.isfinite(value) else "0"


def percent(value: float) -> str:
    """Return a fraction (0…1) in percent, one decimal; what would round to 0 or 100 says so."""
    if not math.isfinite(value):
        return _(NOT_FINITE)
    if 0 < value < 0.0005:  # noqa: PLR2004 - half of the last decimal shown
        return f"<{_percent(0.001)}"
    if 0.9995 <= value < 1:  # noqa: PLR2004 - the same at the upper end
        return f">{_percent(0.999)}"
    return _percent(value)


def _percent(value: float) -> str:
    # Rounded before, as Babel rounds a half to the even digit and could print a zero.
    return _spoken_percent(round(value, 3), _locale())


@lru_cache(maxsize=2048)  # a page has hundreds, of 1,001 values
def _spoken_percent(value: float, locale: str) -> str:
    return format_percent(value, "0.0%", locale=locale)


def _locale() -> str:
    return LOCALES[current()]


def css_percent(value: float) -> str:
    """Return a fraction as a CSS percentage with enough digits to place an edge exactly."""
    return f"{value * 100:.4f}%"


def coordinate(value: float) -> str:
    """Return a coordinate in pixels with two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=256)  # the pictures of a run share a few
def view_box(box: Box) -> Markup:
    """Return left, top, width and height as ``viewBox`` has them."""
    return Markup(" ".join(map(coordinate, box)))  # noqa: S704 - numbers


@lru_cache(maxsize=256)
def placed(box: Box) -> Markup:
    """Return the attributes of an element of SVG that fills ``box``, a blank before each."""
    names = ("x", "y", "width", "height")
    needed = (
        f' {name}="{coordinate(value)}"'
        for name, value in zip(names, box, strict=True)
        if value or name in names[2:]  # left and top are 0 where nothing is said
    )
    return Markup("".join(needed))  # noqa: S704 - numbers


def decimal(value: float, digits: int = 2) -> str:
    """Return ``value`` with ``digits`` decimals and a true minus sign."""
    if not math.isfinite(value):
        return _(NOT_FINITE)
    return f"{value:z.{digits}f}".replace("-", MINUS)


def significant(value: float) -> str:
    """Return ``value`` with three significant digits, for example ``0.0123`` or ``1.2e-05``.

    Very small and very large values get an exponent that can be pasted into a spreadsheet.
    """
    if not math.isfinite(value):
        return _(NOT_FINITE)
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size == 0:
        return "0"
    if not 1e-3 <= size < 1e5:  # noqa: PLR2004 - where plain digits stop being readable
        return f"{sign}{size:.1e}"
    exponent = int(f"{size:.2e}".partition("e")[2])  # after rounding: 9.999 is 10.0
    decimals = max(0, 2 - exponent)
    return f"{sign}{size:.{decimals}f}"


def raw_number(value: float) -> str:
    """Return a number of single precision so that scripts read the very same one."""
    return f"{value:.9g}"


def signed(value: float) -> str:
    """Return ``value`` with three significant digits and its sign, for example ``+0.0123``."""
    return f"+{significant(value)}" if math.isfinite(value) and value > 0 else significant(value)


def count(value: int) -> str:
    """Return a whole number as the report's language groups its digits."""
    return _spoken_count(value, _locale())


@lru_cache(maxsize=2048)
def _spoken_count(value: int, locale: str) -> str:
    return format_decimal(value, locale=locale)


def ordinal(number: int) -> str:
    """Return an ordinal: ``1st``, ``2nd``, ``3rd`` and so on, or as the language has it."""
    if current() != "en":
        return _("{number}th").format(number=number)
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def moment(value: datetime) -> str:
    """Return a timezone-aware date to the minute, for example ``23 November 2025, 03:16 UTC``."""
    offset = value.isoformat(" ", "minutes")[16:]
    zone = "" if offset == "+00:00" else offset.replace("-", MINUS)
    day = format_date(value, "long", locale=_locale())
    return _("{day}, {time} UTC{offset}").format(day=day, time=f"{value:%H:%M}", offset=zone)


def size_text(size: Sequence[int]) -> str:
    """Return sizes and shapes with multiplication signs, for example ``256×13×13``."""
    return "×".join(str(length) for length in size)


def href(path: str) -> str:
    """Return a relative path with ``/`` as a percent-encoded relative URL."""
    return quote(path, safe="/", errors="surrogatepass")


def shell(words: Iterable[str]) -> str:
    """Return a command line quoted for a POSIX shell."""
    return shlex.join(words)


def language_tag(language: str) -> str:
    """Return what ``lang`` of the page is, for example ``zh-CN``."""
    return TAGS[language]


def data_block(value: object) -> Markup:
    """Return a value as JSON that is safe to stand in a ``script`` element that holds data."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_DATA_ESCAPES))  # noqa: S704 - no tag can begin in it


def folder_of(name: str) -> str:
    """Return the directory part of an image's name with its final ``/``, or nothing."""
    return name[: name.rfind("/") + 1]


def base_of(name: str) -> str:
    """Return an image's name without its directory part."""
    return name[name.rfind("/") + 1 :]


FILTERS: dict[str, Callable[..., Any]] = {
    "abreast": layout.abreast,
    "averaged_to": layout.averaged_to,
    "base_of": base_of,
    "by_method": layout.by_method,
    "compared": layout.compared,
    "confusion_rows": layout.confusion_rows,
    "coordinate": coordinate,
    "count": count,
    "css_percent": css_percent,
    "data_block": data_block,
    "decimal": decimal,
    "deepest": layout.deepest,
    "folder_of": folder_of,
    "has_contrast": layout.has_contrast,
    "has_readings": layout.has_readings,
    "href": href,
    "is_compact": layout.is_compact,
    "language_tag": language_tag,
    "leading": layout.leading,
    "look": layout.look,
    "members": layout.members,
    "moment": moment,
    "numbered": layout.numbered,
    "ordinal": ordinal,
    "overview": layout.overview,
    "padded": layout.padded,
    "percent": percent,
    "placed": placed,
    "raw_number": raw_number,
    "share": share,
    "shell": shell,
    "signed": signed,
    "significant": significant,
    "size_text": size_text,
    "squashed": layout.squashed,
    "stretched": layout.stretched,
    "tiles": layout.tiles,
    "unseen": layout.unseen,
    "view_box": view_box,
}
