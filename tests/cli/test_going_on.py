"""Runs that go on: what is known is not computed again, whatever ended the run before."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from cli.conftest import files_of
from reportgen import engine
from reportgen.errors import ModelError
from reportgen.locking import locked
from reportgen.store import read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cli.conftest import Run
    from reportgen.plan import Plan
    from reportgen.values import ImageFile, Made

NETWORK = ("--model", "squeezenet1_1", "--weights", "none")


@pytest.fixture(autouse=True)
def fixed_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of pictures that are computed, as that is asked for."""
    names: list[str] = []
    real: Callable[..., Iterable[Made]] = engine.compute

    def compute(images: Iterable[ImageFile], plan: Plan, observer: object) -> Iterable[Made]:
        def noted() -> Iterable[ImageFile]:
            for image in images:
                names.append(image.name)
                yield image

        return real(noted(), plan, observer)

    monkeypatch.setattr("reportgen.engine.compute", compute)
    return names


def test_nothing_new_computes_nothing_and_leaves_the_report(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    out = tmp_path / "out"
    assert run("build", pictures, *NETWORK, "-o", out).code == 0
    assert asked == ["a.jpg", "a.png", "sub/a.jpg"]
    before = files_of(out)
    again = run("build", pictures, *NETWORK, "-o", out)
    assert again.code == 0
    assert "0 of 3; the rest was known" in again.out
    assert again.out.splitlines()[-1] == (out / "index.html").as_uri()
    assert len(asked) == 3
    assert files_of(out) == before


def test_nothing_new_does_not_import_torch(run: Run, pictures: Path, tmp_path: Path) -> None:
    words = ["build", str(pictures), *NETWORK, "-o", str(tmp_path / "out"), "-q"]
    assert run(*words).code == 0
    code = (
        "import sys; sys.modules['torch'] = None; from reportgen import cli; "
        "sys.exit(cli.run(cli.app))"
    )
    subprocess.run([sys.executable, "-c", code, *words], check=True)
    new = [sys.executable, "-c", code, *words, "--top-k", "2"]
    done = subprocess.run(new, check=False, capture_output=True, text=True)
    assert done.returncode != 0, "the test would see it"
    assert "import of torch halted" in done.stderr


def test_only_what_is_new_is_computed(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    out = tmp_path / "out"
    words = ["build", pictures, *NETWORK, "-o", out, "-q"]
    run(*words)
    asked.clear()
    Image.new("RGB", (50, 40), "red").save(pictures / "b.png")
    Image.new("RGB", (50, 40), "blue").save(pictures / "a.png")
    run(*words)
    assert asked == ["a.png", "b.png"]
    asked.clear()
    run(*words, "--title", "Another", "--folder", "--author", "Anna")
    assert asked == []
    assert "Another" in (out / "index.html").read_text("utf-8")
    run(*words, "--alpha", 0.5)
    assert len(asked) == 4
    asked.clear()
    run(*words)
    assert asked == [], "what other options gave is known still"


def test_what_the_page_alone_shows_needs_no_network(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures / "bad.jpg").write_text("no picture")
    notes = tmp_path / "notes.md"
    notes.write_text("# The whole\n\nSeen.\n", encoding="utf-8")
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    words = ["build", pictures, *NETWORK, "-q", "--page-size", 2, "--author", "Ann"]
    page = ["--title", "--alpha", "--folder", "--author", "Anna", "--notes", notes, "--meta", "a=b"]
    assert run(*words, "-o", out).code == 1
    assert run(*words, *page, "-o", fresh, "--no-cache").code == 1

    needed = []

    def fill(*_given: object, **_named: object) -> None:
        needed.append(True)
        raise ModelError("a network is needed")

    with monkeypatch.context() as patch:
        patch.setattr("reportgen.computing.fill", fill)
        ran = run(*words, *page, "-o", out)
        assert (ran.code, "bad.jpg" in ran.err) == (1, True)
        assert comparable(out) == comparable(fresh)
        notes.write_text("# The whole\n\nSeen again.\n", encoding="utf-8")
        assert run(*words, *page, "-o", out).code == 1
        assert "Seen again." in (out / "index.html").read_text("utf-8")
        before = files_of(out)
        assert run(*words, *page, "-o", out, "-q").code == 1
        assert files_of(out) == before
        assert not needed
        (out / "page-1.html").write_text("spoilt")
        assert run(*words, *page, "-o", out).code == 2
        assert needed
    run(*words, "-o", out)
    assert "Seen again." not in (out / "index.html").read_text("utf-8"), "taken back"
    assert not (out / "page-1.html").exists()


def test_a_batch_size_that_was_measured_is_found_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, measured = tmp_path / "many", []
    folder.mkdir()
    for number in range(34):
        Image.new("RGB", (40, 40), (number, 0, 0)).save(folder / f"{number}.png")

    def timed(_run: object) -> float:
        measured.append(1)
        return 1.0 if len(measured) == 1 else 0.01  # the default, and everything after it

    monkeypatch.setattr("reportgen.batching._timed", timed)
    words = ["build", folder, *NETWORK, "--input-size", "64", "--batch-size", "auto"]
    first = run(*words, "-o", tmp_path / "first", "--verbose")
    assert first.code == 0
    assert "batch size 16" in first.err
    assert "batch-size = 16\n" in (tmp_path / "first" / "run.toml").read_text("utf-8")
    count = len(measured)
    assert count > 1
    assert run(*words, "-o", tmp_path / "second", "--top-k", "2").code == 0
    assert "batch-size = 16\n" in (tmp_path / "second" / "run.toml").read_text("utf-8")
    assert len(measured) == count


def test_pictures_of_the_same_bytes_are_computed_once(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    shutil.copy(pictures / "a.jpg", pictures / "z.jpg")
    out = tmp_path / "out"
    assert run("build", pictures, *NETWORK, "-o", out, "-q", "--save-overlays").code == 0
    assert asked == ["a.jpg", "a.png", "sub/a.jpg"]
    overlays = sorted((out / "overlays").iterdir())
    first, twin = (
        [path for path in overlays if path.name.startswith(f"{name}.jpg")] for name in "az"
    )
    assert len(first) > 1
    assert len(twin) == len(first)
    contents = [{path.read_bytes() for path in paths} for paths in (first, twin)]
    assert contents[0] <= contents[1] | contents[0]
    rows = (out / "predictions.csv").read_text("utf-8").splitlines()
    assert rows[1].removeprefix("a.jpg") == rows[4].removeprefix("z.jpg")


def test_without_the_cache_nothing_is_known_or_kept(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    words = ["build", pictures, *NETWORK, "-o", tmp_path / "out", "-q", "--no-cache"]
    run(*words)
    run(*words)
    assert len(asked) == 6


def test_an_earlier_report_is_enough(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    words = ["build", pictures, *NETWORK, "-o", tmp_path / "out", "-q"]
    run(*words)
    assert run("clean").code == 0
    asked.clear()
    before = files_of(tmp_path / "out")
    run(*words)
    assert asked == []
    assert files_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    "option", ["--save-overlays", pytest.param("--save-maps", marks=pytest.mark.slow)]
)
def test_an_earlier_report_does_not_do_where_files_stand_beside_the_pages(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str], option: str
) -> None:
    words = ["build", pictures, *NETWORK, "-o", tmp_path / "out", "-q", option]
    run(*words)
    run("clean")
    asked.clear()
    before = files_of(tmp_path / "out")
    run(*words)
    assert len(asked) == 3
    assert files_of(tmp_path / "out") == before


def test_a_run_that_was_stopped_goes_on_with_the_same_bytes(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    words = ["build", pictures, *NETWORK, "-q", "--batch-size", 1]
    whole = tmp_path / "whole"
    assert run(*words, "-o", whole, "--no-cache").code == 0
    asked.clear()
    wishes = iter([False, True])
    with monkeypatch.context() as patch:
        patch.setattr("reportgen.console.stoppable", lambda: Stopping(lambda: next(wishes)))
        stopped = run(*words, "-o", tmp_path / "out")
    assert stopped.code == 130
    assert "2 of 3 images are done and kept" in stopped.err
    assert not (tmp_path / "out").exists()
    asked.clear()
    assert run(*words, "-o", tmp_path / "out").code == 0
    assert asked == ["sub/a.jpg"]
    assert comparable(tmp_path / "out") == comparable(whole)


class Stopping:
    """Stands in for Ctrl-C."""

    def __init__(self, wish: Callable[[], bool]) -> None:
        self.wish = wish

    def __enter__(self) -> Callable[[], bool]:
        return self.wish

    def __exit__(self, *_: object) -> None:
        pass


def comparable(folder: Path) -> dict[str, bytes]:
    """Return the files of a report that do not hold where it is."""
    return {name: data for name, data in files_of(folder).items() if name != "run.toml"} | {
        "manifest.json": b""
    }


@pytest.mark.slow  # at every step of a run: test_folder.py, and test_killed.py
@pytest.mark.skipif(os.name == "nt", reason="signals are another thing there")
def test_a_killed_run_leaves_the_old_report_and_goes_on(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    words = ["build", str(pictures), *NETWORK, "-q", "--batch-size", "1"]
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert run(*words, "-o", whole, "--no-cache").code == 0
    assert run(*words, "-o", out, "--alpha", 0.7).code == 0
    before = files_of(out)
    # Kills itself after the second batch was kept, as nothing else could at so exact a moment.
    code = (
        "import os, signal; from reportgen import cli, known\n"
        "real, seen = known.Known.keep, []\n"
        "def keep(self, batch):\n"
        "    real(self, batch); seen.append(1)\n"
        "    if len(seen) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "known.Known.keep = keep\n"
        "cli.run(cli.app)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words, "-o", str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert files_of(out) == before
    again = run(*words[:-3], "--batch-size", 1, "-o", out)
    assert "1 of 3; the rest was known" in again.out
    assert comparable(out) == comparable(whole)
    assert not list(tmp_path.glob(".out.partial-*")), "what the killed run left is gone"


def test_a_picture_that_failed_is_told_of_every_time(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "bad.jpg").write_text("no picture")
    words = ["build", pictures, *NETWORK, "-o", tmp_path / "out"]
    first, second = run(*words), run(*words)
    assert first.code == second.code == 1
    assert "bad.jpg" in first.err
    assert "bad.jpg" in second.err


def test_a_changed_report_is_made_anew(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["build", pictures, *NETWORK, "-o", out, "-q"]
    run(*words)
    before = files_of(out)
    (out / "index.html").write_text("spoilt")
    assert run("verify", out).code == 1
    run(*words)
    assert files_of(out) == before
    assert run("verify", out).code == 0


def test_verify_says_what_is_changed_or_missing(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("build", pictures, *NETWORK, "-o", out, "-q")
    assert "All 5 files are as they were written." in run("verify", out).out
    (out / "report.json").unlink()
    (out / "run.toml").write_text("")
    ran = run("verify", out)
    assert (ran.code, ran.out.splitlines()) == (1, ["report.json: missing", "run.toml: changed"])
    assert "2 of 5 files" in ran.err
    assert run("verify", pictures).code == 2


def test_two_runs_into_one_folder_at_once_are_refused(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    with locked(tmp_path / "out"):
        ran = run("build", pictures, *NETWORK, "-o", tmp_path / "out")
    assert ran.code == 2
    assert f"process {os.getpid()}" in ran.err
    assert not (tmp_path / "out").exists()


def test_the_cache_is_kept_within_its_limit(
    run: Run, pictures: Path, tmp_path: Path, asked: list[str]
) -> None:
    words = ["build", pictures, *NETWORK, "-q"]
    run(*words, "-o", tmp_path / "one", "--cache-limit", "0")
    run(*words, "-o", tmp_path / "two")
    assert len(asked) == 6
    ran = run("clean", "--limit", "1KB")
    assert ran.code == 0
    run(*words, "-o", tmp_path / "three")
    assert len(asked) == 9
    assert run("clean", "--limit", "much").code == 2
    assert run("build", pictures, "--cache-limit", "-1").code == 2


# -- render ----------------------------------------------------------------------------------


def test_render_gives_the_same_report_again(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("build", pictures, *NETWORK, "-o", out, "-q", "--save-overlays", "--save-maps")
    before, whole = files_of(out), read_run(out)
    assert run("render", out, "-q").code == 0
    after = files_of(out)
    # Of a database written again, counters in its header differ.
    assert read_run(out) == whole
    for name in ("run.sqlite", "manifest.json"):
        del before[name], after[name]
    assert after == before


def test_render_in_another_form(run: Run, pictures: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    run("build", pictures, *NETWORK, "-o", out, "-q", "--save-overlays")
    before = files_of(out)
    notes = tmp_path / "notes.md"
    notes.write_text("All well.\n\n# a.png\n\nOf this one.")
    ran = run("render", out, "-o", other, "--title", "Again", "--folder", "--page-size", 2,
              "--author", "Anna", "--meta", "course=CV", "--notes", notes)  # fmt: skip
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == (other / "index.html").as_uri()
    assert files_of(out) == before
    page = (other / "index.html").read_text("utf-8")
    for text in ("Again", "Anna", "CV", "All well."):
        assert text in page
    assert (other / "page-2.html").is_file()
    assert "Of this one." in (other / "page-1.html").read_text("utf-8")
    assert sorted((other / "overlays").iterdir())
    assert run("verify", other).code == 0
    settings = (other / "run.toml").read_text("utf-8")
    assert 'title = "Again"' in settings
    assert "page-size = 2" in settings
    # Its settings make it again from the pictures.
    assert run("build", "--config", other / "run.toml", "-o", tmp_path / "third", "-q").code == 0
    third = (tmp_path / "third" / "index.html").read_text("utf-8")
    assert "Again" in third
    assert "Anna" in third


def test_render_does_not_import_torch(run: Run, pictures: Path, tmp_path: Path) -> None:
    run("build", pictures, *NETWORK, "-o", tmp_path / "out", "-q")
    code = (
        "import sys; from reportgen import cli; code = cli.run(cli.app); "
        "sys.exit(code or ('torch' in sys.modules) * 9)"
    )
    words = ["render", str(tmp_path / "out"), "-q", "--title", "x"]
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == 0


def test_render_needs_a_finished_run(run: Run, pictures: Path) -> None:
    ran = run("render", pictures)
    assert ran.code == 2
    assert "run.sqlite" in ran.err
