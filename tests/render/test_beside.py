"""Pages rendered by several processes are those that one renders."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sample import image

from reportgen import beside
from reportgen.beside import Beside
from reportgen.errors import TemplateError
from reportgen.folder import hashes
from reportgen.render import RenderOptions, render
from reportgen.store import RUN_STORE, RunReader, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Report

IMAGES = 9
FORM = RenderOptions(form="folder", page_size=1)


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "FROM_IMAGES", IMAGES)
    monkeypatch.setattr("reportgen.provenance.cores", lambda: 3)


@pytest.fixture
def store(sample: Report, tmp_path: Path) -> Path:
    path = tmp_path / RUN_STORE
    images = tuple(image(f"{number}.png", best=number % 3) for number in range(IMAGES))
    write_run(replace(sample, images=images), path)
    return path


def rendered(store: Path, helpers: Beside | None, form: RenderOptions = FORM) -> dict[str, str]:
    """Return name and hash of every file, those that were hashed on the way as they were said."""
    folder = store.parent / f"report-{'beside' if helpers else 'alone'}"
    folder.mkdir()
    digests: dict[str, str] = {}
    with RunReader(store) as run:
        if helpers is None:
            render(run.whole, folder, form, digests)
        else:
            helpers.render(run.whole, store, folder, digests)
    read = hashes(folder)
    assert hashes(folder, digests) == read
    assert digests.keys() == {name for name in read if name.startswith("assets/")}
    return read


def without_pages(report: Report, folder: Path, *given: object) -> None:
    """Render as asked, but take no page of images."""
    options, digests, _wanted = given
    render(report, folder, options, digests, lambda _number: False)  # type: ignore[arg-type]


def test_the_report_is_the_same(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = rendered(store, None)

    def not_here(*_given: object) -> None:
        raise AssertionError

    monkeypatch.setattr("reportgen.render.render_pages", not_here)
    with Beside(IMAGES, FORM) as helpers:
        assert len(helpers._helpers) == 2
        assert rendered(store, helpers) == alone
        running = helpers._helpers.copy()
    assert all(process.returncode is not None for process in running)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_a_process_leaves_is_made_here(
    store: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    alone = rendered(store, None)
    with Beside(IMAGES, FORM) as helpers:
        first, _second = helpers._helpers
        if when == "before":
            first.kill()
            first.wait()
        else:
            ask = beside._ask

            def ask_and_kill(helper: subprocess.Popen[str], *given: object) -> None:
                ask(helper, *given)  # type: ignore[arg-type]
                if helper is first:
                    helper.kill()

            monkeypatch.setattr(beside, "_ask", ask_and_kill)
        assert rendered(store, helpers) == alone


def test_without_an_interpreter_all_is_made_here(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = rendered(store, None)
    monkeypatch.setattr(sys, "executable", "")
    with Beside(IMAGES, FORM) as helpers:
        assert helpers._helpers == []
        assert rendered(store, helpers) == alone


def test_mistakes_of_templates_are_told(store: Path, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    (templates / "image").mkdir(parents=True)
    text = "{% if number == 9 %}{{ nothing }}{% endif %}"
    (templates / "image/note.html.j2").write_text(text, encoding="utf-8")
    form = replace(FORM, template_dir=templates)
    with (
        Beside(IMAGES, form) as helpers,
        pytest.raises(TemplateError, match=r"note\.html\.j2, line 1: 'nothing' is undefined"),
    ):
        rendered(store, helpers, form)


def test_what_was_cut_short_is_written_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = rendered(store, None)

    def spoilt(report: Report, folder: Path, *given: object) -> None:
        without_pages(report, folder, *given)
        for path in (folder / "assets").glob("*.svg"):
            path.write_text("")  # as by a process that was killed in between

    monkeypatch.setattr("reportgen.render.render", spoilt)
    monkeypatch.setattr(beside, "_answer", lambda _helper: None)
    with Beside(IMAGES, FORM) as helpers:
        assert rendered(store, helpers) == alone


def test_a_report_that_has_become_small_is_one_file(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportgen.render.pages.FOLDER_FROM", IMAGES + 1)
    form = replace(FORM, form="auto")
    with Beside(IMAGES + 1, form) as helpers:
        assert len(helpers._helpers) == 2
        rendered(store, helpers, form)
    assert not (store.parent / "report-beside" / "page-1.html").exists()


@pytest.mark.parametrize(
    ("images", "form"),
    [
        (IMAGES - 1, FORM),
        (IMAGES, replace(FORM, form="single")),
        (IMAGES, replace(FORM, page_size=IMAGES)),
    ],
    ids=["few images", "one file", "one page"],
)
def test_small_reports_start_no_process(images: int, form: RenderOptions) -> None:
    with Beside(images, form) as helpers:
        assert helpers._helpers == []


def test_every_page_goes_to_one_process(tmp_path: Path) -> None:
    first, second = beside.Claims(tmp_path), beside.Claims(tmp_path)
    asked = [(number, claims(number)) for number in range(1, 6) for claims in (first, second)]
    asked += [(number, claims(number)) for number in (6, 7) for claims in (second, first)]
    assert [number for number, granted in asked if granted] == [1, 2, 3, 4, 5, 6, 7]
    assert first.taken == {1, 2, 3, 4, 5}
    assert second.taken == {6, 7}


def test_pages_that_nobody_took_are_taken_by_those_beside(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = rendered(store, None)

    def not_here(*_given: object) -> None:
        raise AssertionError

    monkeypatch.setattr("reportgen.render.render", without_pages)
    monkeypatch.setattr("reportgen.render.render_pages", not_here)
    with Beside(IMAGES, FORM) as helpers:
        assert rendered(store, helpers) == alone


def test_processes_do_not_import_torch() -> None:
    code = "import sys, reportgen.beside; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
