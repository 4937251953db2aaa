"""How values are written on the page: the filters of the templates.

Each takes one value and returns text without markup; autoescaping comes after.
"""

from __future__ import annotations

import math
import shlex
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from reportgen.render import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from reportgen.values import Picture

MINUS = "−"
NOT_FINITE = "not finite"


def data_uri(picture: Picture) -> Markup:
    """Return ``picture`` as a ``data:`` URI.

    It is marked safe because base64 needs no escaping, and escaping every picture of a long
    report would copy all of them once more.
    """
    return Markup(f"data:{picture.mime};base64,{b64encode(picture.data).decode('ascii')}")  # noqa: S704


def share(value: float) -> str:
    """Return a fraction as a plain number in 0…1 for the ``--p`` of a bar; 0 where not finite."""
    return f"{min(max(value, 0.0), 1.0):.4f}" if math.isfinite(value) else "0"


def percent(value: float) -> str:
    """Return a fraction (0…1) in percent, one decimal; what would round to 0 or 100 says so."""
    if not math.isfinite(value):
        return NOT_FINITE
    if 0 < value < 0.0005:  # noqa: PLR2004 - half of the last decimal shown
        return "<0.1%"
    if 0.9995 <= value < 1:  # noqa: PLR2004 - the same at the upper end
        return ">99.9%"
    return f"{value * 100:.1f}%"


def css_percent(value: float) -> str:
    """Return a fraction as a CSS percentage with enough digits to place an edge exactly."""
    return f"{value * 100:.4f}%"


def decimal(value: float, digits: int = 2) -> str:
    """Return ``value`` with ``digits`` decimals and a true minus sign."""
    if not math.isfinite(value):
        return NOT_FINITE
    return f"{value:z.{digits}f}".replace("-", MINUS)


def significant(value: float) -> str:
    """Return ``value`` with three significant digits, for example ``0.0123`` or ``1.2e-05``.

    Very small and very large values get an exponent that can be pasted into a spreadsheet.
    """
    if not math.isfinite(value):
        return NOT_FINITE
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size == 0:
        return "0"
    if not 1e-3 <= size < 1e5:  # noqa: PLR2004 - where plain digits stop being readable
        return f"{sign}{size:.1e}"
    exponent = int(f"{size:.2e}".partition("e")[2])  # after rounding: 9.999 is 10.0
    decimals = max(0, 2 - exponent)
    return f"{sign}{size:.{decimals}f}"


def signed(value: float) -> str:
    """Return ``value`` with three significant digits and its sign, for example ``+0.0123``."""
    return f"+{significant(value)}" if math.isfinite(value) and value > 0 else significant(value)


def count(value: int) -> str:
    """Return a whole number with thin spaces between groups of three digits."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return ``number`` with the noun in the right form, for example ``1 image``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def ordinal(number: int) -> str:
    """Return an English ordinal: ``1st``, ``2nd``, ``3rd``, ``4th`` and so on."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def moment(value: datetime) -> str:
    """Return a timezone-aware date to the minute, for example ``2025-11-23 03:16 UTC``."""
    text = value.isoformat(" ", "minutes")
    minute, offset = text[:16], text[16:]
    return f"{minute} UTC{'' if offset == '+00:00' else offset.replace('-', MINUS)}"


def size_text(size: Sequence[int]) -> str:
    """Return sizes and shapes with multiplication signs, for example ``256×13×13``."""
    return "×".join(str(length) for length in size)


def href(path: str) -> str:
    """Return a relative path with ``/`` as a percent-encoded relative URL."""
    return quote(path, safe="/", errors="surrogatepass")


def shell(words: Iterable[str]) -> str:
    """Return a command line quoted for a POSIX shell."""
    return shlex.join(words)


def folder_of(name: str) -> str:
    """Return the directory part of an image's name with its final ``/``, or nothing."""
    return name[: name.rfind("/") + 1]


def base_of(name: str) -> str:
    """Return an image's name without its directory part."""
    return name[name.rfind("/") + 1 :]


FILTERS: dict[str, Callable[..., Any]] = {
    "abreast": layout.abreast,
    "base_of": base_of,
    "by_method": layout.by_method,
    "compared": layout.compared,
    "confusion_rows": layout.confusion_rows,
    "count": count,
    "css_percent": css_percent,
    "data_uri": data_uri,
    "decimal": decimal,
    "deepest": layout.deepest,
    "folder_of": folder_of,
    "has_readings": layout.has_readings,
    "href": href,
    "leading": layout.leading,
    "members": layout.members,
    "moment": moment,
    "numbered": layout.numbered,
    "ordinal": ordinal,
    "originals": layout.originals,
    "overview": layout.overview,
    "padded": layout.padded,
    "percent": percent,
    "plural": plural,
    "share": share,
    "shell": shell,
    "signed": signed,
    "significant": significant,
    "size_text": size_text,
    "tiles": layout.tiles,
    "unseen": layout.unseen,
}
