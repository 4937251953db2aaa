"""Drives that are full, closed or taken away: a clear error, or none, and the old report intact.

A full drive is a small one of its own where this machine lets us mount one, and else is left out.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reportgen import cli, folder, pipeline
from reportgen.errors import OptionError, OutputFolderError
from reportgen.folder import MANIFEST, differences
from reportgen.options import BuildOptions, ModelOptions, PreprocessOptions
from reportgen.progress import Silent
from reportgen.store import RUN_STORE, RunWriter
from reportgen.store.cache import CACHE_FILE, ENVIRONMENT
from reportgen.values import FailureRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reportgen.progress import Outcome

NETWORK = """
import torch
from torch import nn

def net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )
"""


class Told(Silent):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def _date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "in").mkdir()
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{number}.png")
    return tmp_path


@pytest.fixture
def drive(root: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a drive of so many bytes."""
    place = root / "drive"

    def mount(size: int) -> Path:
        place.mkdir()
        command = shutil.which("mount")
        words = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if command is None or subprocess.run([command, *words], check=False).returncode != 0:
            pytest.skip("no drive can be mounted here")
        return place

    yield mount
    if place.exists():
        subprocess.run(["umount", "-l", str(place)], check=False)  # noqa: S607


def build(root: Path, output: Path, observer: Told | None = None, **more: object) -> Outcome:
    options = BuildOptions(
        images=root / "in",
        output=output,
        network=ModelOptions(model=f"{root / 'net.py'}:net", device="cpu"),
        preprocess=PreprocessOptions(
            preset="auto", input_size="32", resize_mode="squash", mean="0,0,0", std="1,1,1"
        ),
        layers=("0",),
        **more,  # type: ignore[arg-type]
    )
    return pipeline.build(options, observer or Silent())


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- the output ------------------------------------------------------------------------------


def test_a_full_drive_keeps_the_old_report(root: Path, drive: Callable[[int], Path]) -> None:
    place = drive(900_000)
    out = place / "out"
    build(root, out, cache=False)
    before = content(place)
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    ballast.write_bytes(bytes(free - 60_000))
    with pytest.raises(OutputFolderError) as caught:
        build(root, out, cache=False, alpha=0.7)
    assert str(caught.value) == (
        f"--output: '{out}' cannot be written: No space left on device. Make room there, or give "
        "a place on another drive. The old report, if any, stands."
    )
    ballast.unlink()
    assert content(place) == before
    assert os.listdir(place) == ["out"]  # noqa: PTH208
    assert differences(out) == ()
    build(root, out, cache=False, alpha=0.7)


@pytest.mark.parametrize("room", range(20_000, 320_000, 60_000))
def test_a_drive_full_at_any_time_leaves_nothing_behind(
    root: Path, drive: Callable[[int], Path], room: int
) -> None:
    place = drive(room)
    with suppress(OutputFolderError):
        build(root, place / "out", save_overlays=True, folder=True)
        assert differences(place / "out") == ()
        return
    assert list(place.iterdir()) == []


def test_a_closed_drive(root: Path, drive: Callable[[int], Path]) -> None:
    place = drive(900_000)
    build(root, place / "out", cache=False)
    before = content(place)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)  # noqa: S607
    with pytest.raises(OutputFolderError, match=r"no permission to write in '.*out'\."):
        build(root, place / "out", alpha=0.7)
    assert content(place) == before


def test_a_limit_on_the_size_of_files(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ``ulimit -f`` sets it; SQLite and Python tell of it in words of their own."""
    resource = pytest.importorskip("resource")
    build(root, root / "out")
    before = content(root / "out")
    words = [
        "reportgen",
        "build",
        str(root / "in"),
        "--model",
        f"{root / 'net.py'}:net",
        "--layers",
        "0",
    ]
    words += ["--input-size", "32", "-o", str(root / "out"), "--no-cache", "-q"]
    monkeypatch.setattr(sys, "argv", words)
    before_it = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before_it[1]))
    try:
        assert cli.run(cli.app) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before_it)
    said = capsys.readouterr().err
    assert "error --output: '" in said
    assert "cannot be written: " in said
    assert "Traceback" not in said
    assert content(root / "out") == before


def test_a_file_where_the_folder_around_should_be(root: Path) -> None:
    (root / "file").write_text("mine")
    with pytest.raises(OutputFolderError, match=r"file' is a file, and '.*out' would lie in it"):
        build(root, root / "file" / "out")
    assert (root / "file").read_text() == "mine"


def taking_away(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """Take folders away as soon as the records are there."""
    truly = vars(pipeline)["write_run"]

    def write_run(*arguments: object) -> None:
        for place in places:
            for found in place.parent.glob(place.name):
                shutil.rmtree(found)
        truly(*arguments)

    monkeypatch.setattr(pipeline, "write_run", write_run)


def test_the_report_taken_away_while_running(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(root, root / "out")
    taking_away(monkeypatch, root / "out")
    build(root, root / "out", alpha=0.7)
    assert differences(root / "out") == ()


def test_everything_taken_away_while_running(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(root, root / "deep" / "out")
    taking_away(monkeypatch, root / "deep")
    with pytest.raises(OutputFolderError, match="It was removed while the run was writing"):
        build(root, root / "deep" / "out", alpha=0.7)
    assert not (root / "deep" / "out").exists()


def test_what_is_half_written_taken_away(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(root, root / "out")
    before = content(root / "out")
    taking_away(monkeypatch, root / ".out.partial-*")
    with pytest.raises(OutputFolderError, match="It was removed while the run was writing"):
        build(root, root / "out", alpha=0.7)
    assert content(root / "out") == before


def test_an_error_of_another_place_is_not_told_as_of_the_output(root: Path) -> None:
    with pytest.raises(FileNotFoundError), folder.OutputFolder(root / "out").staging():
        (root / "nothing").read_text()
    with pytest.raises(OutputFolderError), folder.OutputFolder(root / "out").staging():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not (root / "out").exists()


def test_a_store_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    with RunWriter(tmp_path / RUN_STORE) as run:
        (tmp_path / RUN_STORE).write_bytes(b"x" * 9000)
        with pytest.raises(OSError, match=RUN_STORE) as caught:
            run.add(FailureRecord("a.png", "x"))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("option", ["zip", "pdf"])
def test_a_full_drive_for_what_is_made_of_the_report(
    root: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reportgen.archive.write", full)
    monkeypatch.setattr("reportgen.pdf.write", full)
    monkeypatch.setattr("reportgen.pdf.check", lambda *_: None)
    place = root / f"hand-in.{option}"
    with pytest.raises(OptionError) as caught:
        build(root, root / "out", None, **{option: place})
    assert str(caught.value) == (
        f"--{option}: '{place}' cannot be written: No space left on device. Make room there, or "
        "give a place on another drive. The report itself is complete."
    )
    assert differences(root / "out") == ()


# -- the cache -------------------------------------------------------------------------------


def no_cache(told: Told) -> list[str]:
    return [text for text in told.said if text.startswith("Nothing more is kept for next time: ")]


@pytest.mark.parametrize("size", [4_096, 40_000])
def test_a_full_drive_for_the_cache_costs_no_report(
    root: Path, drive: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(drive(size) / "cache"))
    told = Told()
    assert build(root, root / "out", told).images == 5
    assert len(no_cache(told)) == 1
    assert differences(root / "out") == ()
    assert build(root, root / "other").images == 5


def test_a_cache_that_cannot_be_written_costs_no_report(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "file").write_text("mine")
    monkeypatch.setenv(ENVIRONMENT, str(root / "file"))
    told = Told()
    assert build(root, root / "out", told).images == 5
    (line,) = no_cache(told)
    assert f"'{root / 'file'}' cannot be used" in line
    assert f"Set {ENVIRONMENT} to another folder, or give --no-cache" in line


@pytest.mark.parametrize("at", range(0, 140_000, 20_000))
def test_a_damaged_cache_costs_time_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(root / "cache"))
    build(root, root / "out", save_overlays=True)
    before = content(root / "out")
    shutil.rmtree(root / "out")
    cache = root / "cache" / CACHE_FILE
    data = bytearray(cache.read_bytes())
    data[at : at + 20_000] = np.random.default_rng(at).bytes(len(data[at : at + 20_000]))
    cache.write_bytes(data)
    build(root, root / "out", save_overlays=True)
    assert content(root / "out") == before
    told = Told()
    shutil.rmtree(root / "out")
    build(root, root / "out", told, save_overlays=True)
    assert no_cache(told) == [], "it was begun anew"
    assert content(root / "out") == before


def test_a_record_that_is_not_what_it_was_is_computed_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(root / "cache"))
    build(root, root / "out", save_overlays=True)
    before = content(root / "out")
    shutil.rmtree(root / "out")
    base = sqlite3.connect(root / "cache" / CACHE_FILE)
    last = "(SELECT key FROM records ORDER BY rowid DESC LIMIT 1)"
    base.execute(f"UPDATE records SET record = '{{}}' WHERE key = {last}")  # noqa: S608
    base.commit()
    base.close()
    told = Told()
    assert build(root, root / "out", told, save_overlays=True).computed == 5
    assert any("is computed again" in text for text in told.said)
    assert content(root / "out") == before


# -- the command -----------------------------------------------------------------------------


def test_the_command_ends_with_2_and_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "out").mkdir()
    (root / "out" / MANIFEST).mkdir()
    words = ["build", str(root / "in"), "-o", str(root / "out" / MANIFEST / "x" / "y"), "-q"]
    (root / "out" / MANIFEST / "x").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["reportgen", *words])
    assert cli.run(cli.app) == 2
    assert "Give another name." in capsys.readouterr().err
