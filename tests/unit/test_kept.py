"""What is kept of templates and scripts from one process to the next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pytest

from reportgen.render import kept

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept._disk.cache_clear()
    yield tmp_path
    kept._disk.cache_clear()


def made(source: str, text: str) -> str:
    return kept.made_once([source], [Path(__file__)], lambda: text)


def test_a_text_is_made_once() -> None:
    assert made("one", "first") == "first"
    assert made("one", "second") == "first"
    assert made("two", "second") == "second"


def test_a_text_depends_on_the_code_that_makes_it(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("1")
    assert kept.made_once(["one"], [code], lambda: "first") == "first"
    code.write_text("2")
    assert kept.made_once(["one"], [code], lambda: "second") == "second"


def test_a_damaged_text_is_made_anew(folder: Path) -> None:
    made("one", "first")
    (file,) = folder.rglob("*.text")
    file.write_bytes(file.read_bytes()[:-1])
    assert made("one", "again") == "again"


def test_without_a_safe_folder_nothing_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder / "missing"))
    assert made("one", "first") == "first"
    assert made("one", "second") == "second"


def test_a_template_is_compiled_once_and_again_when_it_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[str] = []
    usual = jinja2.Environment.compile

    def compile_(*given: object, **named: object) -> object:
        compiled.append(str(given[1]))
        return usual(*given, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", compile_)

    def rendered(text: str) -> str:
        # A cache of its own each time, as in a process of its own.
        loader = jinja2.DictLoader({"page": text})
        environment = jinja2.Environment(loader=loader, bytecode_cache=kept.Kept())  # noqa: S701
        return environment.get_template("page").render(x=1)

    assert rendered("{{ x }}") == rendered("{{ x }}") == "1"
    assert compiled == ["{{ x }}"]
    assert rendered("{{ x + 1 }}") == "2"
    assert compiled == ["{{ x }}", "{{ x + 1 }}"]
