"""The language that a report speaks: gettext catalogues, chosen once per run.

Texts stand in the code in English. The catalogues are ``reportgen/locale/*.po``; ``make messages``
collects the texts anew. They are read as they are, so nothing has to be compiled.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from babel.messages.catalog import Catalog

LANGUAGES = {"en": "English", "zh": "中文"}
"""What ``--lang`` takes, and the name that each language has for itself."""

LOCALES = {"en": "en_GB", "zh": "zh_Hans_CN"}
"""Whose numbers and dates a language writes."""

TAGS = {"en": "en", "zh": "zh-CN"}
"""What a page calls its language, for browsers to choose fonts and voices by (BCP 47)."""

FOLDER = Path(__file__).resolve().parent / "locale"

_current: tuple[str, gettext.NullTranslations] = ("en", gettext.NullTranslations())


def activate(language: str) -> None:
    """Let every text from here on be in ``language``.

    Raises
    ------
    OptionError
        Where it is none of `LANGUAGES`.
    """
    global _current  # noqa: PLW0603 - one language per process, as gettext has it
    if language not in LANGUAGES:
        raise OptionError(
            f"--lang: expected one of {', '.join(LANGUAGES)}, found '{language}'.",
        )
    _current = (language, _translations(language))


def current() -> str:
    """Return the language that texts are in, a key of `LANGUAGES`."""
    return _current[0]


def catalogue(language: str) -> Catalog:
    """Return the messages of a language other than English with their translations."""
    from babel.messages.pofile import read_po  # noqa: PLC0415 - English does not need it

    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=LOCALES[language])


@cache
def _translations(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - English does not need it

    buffer = BytesIO()
    write_mo(buffer, catalogue(language))
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


def _(message: str) -> str:
    """Return ``message`` in the current language."""
    return _current[1].gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the form for ``number`` in the current language."""
    return _current[1].ngettext(one, many, number)


def pgettext(context: str, message: str) -> str:
    """Return ``message`` in the current language, as it is said in ``context``."""
    return _current[1].pgettext(context, message)


def N_(message: str) -> str:  # noqa: N802 - what gettext calls it
    """Mark ``message`` to be translated where it is used."""
    return message


def enumeration(items: Sequence[str]) -> str:
    """Return ``a, b and c`` as the current language writes it."""
    if len(items) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(items)
    return _("{before} and {last}").format(before=_(", ").join(items[:-1]), last=items[-1])
