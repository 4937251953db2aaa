"""Every text of a report in every language: complete, with the same placeholders, and used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir

from reportgen import language
from reportgen.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
KEYWORDS = {
    "_": None,
    "N_": None,
    "t": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
OTHERS = sorted(set(language.LANGUAGES) - {"en"})

Text = tuple[str | None, tuple[str, ...]]


def texts() -> set[Text]:
    """Return every text in the code, the templates and the scripts, with its context."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(mapping.pop("pattern"), mapping.pop("method")) for mapping in mappings]
    options = {pattern: rest for (pattern, _method), rest in zip(methods, mappings, strict=True)}
    found: set[Text] = set()
    for folder in ("reportgen", "templates"):
        of_folder = [(pattern, method) for pattern, method in methods if pattern.startswith(folder)]
        for _file, _line, message, _comments, context in extract_from_dir(
            REPOSITORY / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in of_folder],
            {pattern.removeprefix(f"{folder}/"): options[pattern] for pattern, _ in of_folder},
            KEYWORDS,
        ):
            found.add((context, forms(message)))
    return found


def placeholders(text: str) -> set[str]:
    named = set(re.findall(r"%\((\w+)\)s", text))
    return named | {name for _, name, _, _ in Formatter().parse(text) if name}


def forms(message: object) -> tuple[str, ...]:
    """Return singular and plural, or the one form that there is."""
    return tuple(message) if isinstance(message, list | tuple) else (str(message or ""),)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    language.activate("en")


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_is_translated(name: str) -> None:
    known: dict[Text, tuple[str, ...]] = {
        (message.context, forms(message.id)): forms(message.string)
        for message in language.catalogue(name)
        if message.id and not message.fuzzy
    }
    wanted = texts()
    assert len(wanted) > 100
    missing = sorted(str(text) for text in wanted if not all(known.get(text, ("",))))
    assert missing == [], "run `make messages` and translate what is empty"
    assert sorted(map(str, set(known) - wanted)) == [], "no longer used: run `make messages`"


@pytest.mark.parametrize("name", OTHERS)
def test_translations_have_the_placeholders_of_their_texts(name: str) -> None:
    for message in language.catalogue(name):
        wanted = placeholders(forms(message.id)[-1])
        for text in forms(message.string):
            assert placeholders(text) == wanted, message.id


@pytest.mark.parametrize("name", OTHERS)
def test_translations_are_not_the_english(name: str) -> None:
    same = [
        message.id
        for message in language.catalogue(name)
        if message.id and message.string == message.id and re.search(r"[a-z]{4}", str(message.id))
    ]
    assert same == []


def test_a_language_is_for_all_texts_until_the_next() -> None:
    english = language._("is an empty file")
    language.activate("zh")
    assert language.current() == "zh"
    chinese = language._("is an empty file")
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert language.ngettext("{count} picture", "{count} pictures", 1) == language.ngettext(
        "{count} picture", "{count} pictures", 5
    )
    language.activate("en")
    assert (language.current(), language._("is an empty file")) == ("en", english)


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(OptionError, match="--lang: expected one of en, zh, found 'de'"):
        language.activate("de")
    assert language.current() == "en"


def test_enumeration() -> None:
    assert language.enumeration([]) == ""
    assert language.enumeration(["a"]) == "a"
    assert language.enumeration(["a", "b"]) == "a and b"
    assert language.enumeration(["a", "b", "c"]) == "a, b and c"
    language.activate("zh")
    assert language.enumeration(["a", "b", "c"]) == "a、b 和 c"
