"""Texts become numbers, and nothing else does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sample import report

from reportgen import language
from reportgen.render import render
from reportgen.render.environment import SCRIPTS, asset, make_environment, script_of
from reportgen.render.sharing import strict_once
from reportgen.render.texts import Text, take_texts

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    ('t("a");t("b",{c:1});t("a");', "t(0);t(1,{c:1});t(0);", (("a", True), ("b", False))),
    ('t("\\u2068\\"x\\"");', "t(0);", (('\u2068"x"', True),)),
    ('a.t("a");at("a");t(a);t(a,"b");t("a"+b);t(`a`);t("a",);', "", (("a", False),)),
    ("t('a');(", "t('a');(", ()),
    (
        't("{a} {b}",{a,b:f(1,{c:2})+t("d"),});',
        "t(0,a,f(1,{c:2})+t(1));",
        (("{a} {b}", True), ("d", True)),
    ),
    ('t("{a} {b}",{b,a});t("{c}",{...c});t("{d}",d);', "t(0,{b,a});t(1,{...c});t(2,d);", None),
    ('t("{a}",{a});t("{a}",b);', "t(0,{a});t(0,b);", (("{a}", False),)),
)


@pytest.mark.parametrize(("script", "expected", "texts"), CASES)
def test_what_a_script_becomes(
    script: str, expected: str, texts: tuple[tuple[str, bool], ...] | None
) -> None:
    wanted = expected or script.replace('t("a",);', "t(0,);")
    found, taken = take_texts(script)
    assert found == wanted
    assert taken == texts if texts is not None else not any(text.numbered for text in taken)


def test_numbers_stand_where_the_names_stood() -> None:
    text = Text("{n} of {total}, {n}", numbered=True)
    assert text.shown("{total} 中的 {n}") == "{1} 中的 {0}"
    assert text._replace(numbered=False).shown("{total} 中的 {n}") == "{total} 中的 {n}"


def test_every_text_is_a_number_in_the_language_of_the_page() -> None:
    environment = make_environment()
    english = script_of(environment, SCRIPTS)
    language.activate("zh")
    chinese = script_of(environment, SCRIPTS)
    language.activate("en")
    assert english.code == chinese.code
    assert len(english.texts) == len(chinese.texts) > 80
    whole = strict_once([str(asset(environment, name)) for name in SCRIPTS])
    known = language.catalogue("zh")
    for text, shown, translated in zip(
        take_texts(whole)[1], english.texts, chinese.texts, strict=True
    ):
        assert text.numbered
        assert text.shown(text.english) == shown
        assert text.shown(str(known[text.english].string)) == translated
        assert json.dumps(shown) not in english.code or " " not in shown


def test_a_page_has_the_texts_of_its_script(tmp_path: Path) -> None:
    render(report(), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    data = page.split('<script type="application/json" id="messages">')[1].split("</script>")[0]
    assert "Copy" in json.loads(data)
