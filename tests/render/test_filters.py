"""How single values are written."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reportgen import language
from reportgen.render import filters


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0%"),
        (0.0004, "<0.1%"),
        (0.0005, "0.1%"),
        (0.7312, "73.1%"),
        (0.9996, ">99.9%"),
        (1.0, "100.0%"),
        (math.nan, "not finite"),
    ],
)
def test_percent(value: float, text: str) -> None:
    assert filters.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0123, "0.0123"),
        (1.2e-05, "1.2e-05"),
        (1.0, "1.00"),
        (9.999, "10.0"),
        (0.001, "0.00100"),
        (12.34, "12.3"),
        (1234.0, "1234"),
        (123456.0, "1.2e+05"),
        (-0.5, "−0.500"),
        (math.inf, "not finite"),
    ],
)
def test_significant(value: float, text: str) -> None:
    assert filters.significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "+0.0123"), (-0.002, "−0.00200"), (0.0, "0"), (math.nan, "not finite")],
)
def test_signed(value: float, text: str) -> None:
    assert filters.signed(value) == text


@pytest.mark.parametrize(("value", "text"), [(-1.5, "−1.50"), (12.345, "12.35"), (-0.001, "0.00")])
def test_decimal(value: float, text: str) -> None:
    assert filters.decimal(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.25, "0.2500"), (-1, "0.0000"), (2, "1.0000"), (math.nan, "0")]
)
def test_share_stays_between_0_and_1(value: float, text: str) -> None:
    assert filters.share(value) == text


def test_count() -> None:
    assert filters.count(61100840) == "61,100,840"
    assert filters.count(12) == "12"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (121, "121st")],
)
def test_ordinal(number: int, text: str) -> None:
    assert filters.ordinal(number) == text


def test_moment() -> None:
    utc = datetime(2025, 11, 23, 3, 16, tzinfo=UTC)
    assert filters.moment(utc) == "23 November 2025, 03:16 UTC"
    west = utc.astimezone(timezone(-timedelta(hours=3, minutes=30)))
    assert filters.moment(west) == "22 November 2025, 23:46 UTC−03:30"


@pytest.mark.usefixtures("chinese")
def test_numbers_and_dates_in_chinese() -> None:
    assert filters.moment(datetime(2025, 11, 23, 3, 16, tzinfo=UTC)) == "2025年11月23日 03:16 UTC"
    assert filters.count(61100840) == "61,100,840"
    assert filters.percent(0.7312) == "73.1%"
    assert filters.ordinal(2) == "第 2"
    assert filters.decimal(math.nan) == "非有限值"


def test_what_a_page_calls_its_language() -> None:
    assert {name: filters.language_tag(name) for name in language.LANGUAGES} == {
        "en": "en",
        "zh": "zh-CN",
    }


def test_data_in_a_page_ends_no_element() -> None:
    value = {"</script>": "<!--\u2028\u2029猫"}
    found = filters.data_block(value)
    assert not set("<\u2028\u2029") & set(found)
    assert "猫" in found
    assert json.loads(found) == value


def test_href_encodes_all_but_the_slash() -> None:
    assert filters.href("a b/#1?.png") == "a%20b/%231%3F.png"
    assert filters.href("javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert filters.href('"><script>') == "%22%3E%3Cscript%3E"


def test_a_name_is_its_folder_and_its_base() -> None:
    for name in ("a.png", "a/b c/d.png", "/x"):
        assert filters.folder_of(name) + filters.base_of(name) == name
    assert filters.folder_of("a/b.png") == "a/"
