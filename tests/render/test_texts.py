"""Texts become numbers, and nothing else does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sample import report

from reportgen import language
from reportgen.render import render
from reportgen.render.environment import SCRIPTS, make_environment, script_of
from reportgen.render.texts import take_texts

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    ('t("a");t("b",{c:1});t("a");', "t(0);t(1,{c:1});t(0);", ("a", "b")),
    ('t("\\u2068\\"x\\"");', "t(0);", ('\u2068"x"',)),
    ('a.t("a");at("a");t(a);t(a,"b");t("a"+b);t(`a`);t("a",);', "", ("a",)),
    ("t('a');(", "t('a');(", ()),
)


@pytest.mark.parametrize(("script", "expected", "texts"), CASES)
def test_what_a_script_becomes(script: str, expected: str, texts: tuple[str, ...]) -> None:
    wanted = expected or script.replace('t("a",);', "t(0,);")
    assert take_texts(script) == (wanted, texts)


def test_every_text_is_a_number_in_the_language_of_the_page() -> None:
    environment = make_environment()
    english = script_of(environment, SCRIPTS)
    language.activate("zh")
    chinese = script_of(environment, SCRIPTS)
    language.activate("en")
    assert english.code == chinese.code
    assert len(english.texts) == len(chinese.texts) > 80
    known = language.catalogue("zh")
    for text, translated in zip(english.texts, chinese.texts, strict=True):
        assert str(known[text].string) == translated
        assert json.dumps(text) not in english.code or " " not in text


def test_a_page_has_the_texts_of_its_script(tmp_path: Path) -> None:
    render(report(), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    data = page.split('<script type="application/json" id="messages">')[1].split("</script>")[0]
    assert "Copy" in json.loads(data)
