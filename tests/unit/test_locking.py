"""One run at a time into one folder, whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from reportgen import locking
from reportgen.errors import OutputFolderError
from reportgen.locking import locked

if TYPE_CHECKING:
    from pathlib import Path

fcntl = pytest.importorskip("fcntl", reason="there is no lock beside the folder on Windows")


def use_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTGEN_CACHE", str(folder))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_cache(tmp_path / "cache", monkeypatch)
    return tmp_path / "cache"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports" / "out"


def left(output: Path) -> list[str]:
    return [path.name for path in output.parent.iterdir()]


def test_the_second_is_told_who_holds_the_folder(output: Path) -> None:
    with locked(output):
        found = rf"'.*out' \(process {os.getpid()} on .+ since \d\d:\d\d:\d\d\)"
        with pytest.raises(OutputFolderError, match=found), locked(output):
            pass
        with pytest.raises(OutputFolderError, match=found), locked(output.parent / "." / "out"):
            pass
        with locked(output.with_name("another")):
            pass
    assert left(output) == []
    with locked(output):
        pass


def test_users_with_caches_of_their_own_are_kept_apart(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(output):
        use_cache(tmp_path / "cache of another", monkeypatch)
        with pytest.raises(OutputFolderError, match=f"process {os.getpid()} "), locked(output):
            pass
    assert left(output) == []


def test_a_folder_above_that_is_missing_is_not_made(output: Path) -> None:
    below = output / "a" / "b"
    with locked(below):
        assert not output.exists()
        with pytest.raises(OutputFolderError, match=f"process {os.getpid()} "), locked(below):
            pass
        below.mkdir(parents=True)  # the first run has come so far; the second begins only now
        with pytest.raises(OutputFolderError, match=f"process {os.getpid()} "), locked(below):
            pass
    with locked(below):
        pass


def test_what_a_killed_run_leaves_is_taken_over(output: Path) -> None:
    code = (
        "import os, pathlib, sys; from reportgen.locking import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, output], check=False)
    assert done.returncode == -9
    assert left(output) == [".out.lock"]
    with locked(output):
        pass
    assert left(output) == []


def test_a_link_in_the_place_of_the_lock_is_not_followed(output: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (output.parent / ".out.lock").symlink_to(tmp_path / "precious")
    with (
        locked(output),
        pytest.raises(OutputFolderError, match=f"process {os.getpid()} "),
        locked(output),
    ):
        pass
    assert (tmp_path / "precious").read_text() == "mine"
    assert left(output) == [".out.lock"]


def test_a_file_deleted_by_who_held_it_is_no_lock(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = output.with_name(".out.lock")
    tries = []
    flock = fcntl.flock

    def deleted_meanwhile(descriptor: int, operation: int) -> None:
        tries.append(descriptor)
        if len(tries) == 1:
            place.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", deleted_meanwhile)
    with ExitStack() as stack:
        assert locking._lock_beside(output, output, stack)
        assert len(tries) == 2
        assert place.read_text(encoding="utf-8").startswith(f"process {os.getpid()} ")


def test_without_any_place_for_a_lock_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    use_cache(tmp_path / "file", monkeypatch)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with (
        pytest.raises(OutputFolderError, match="no place for a lock"),
        locked(tmp_path / "a" / "b"),
    ):
        pass
    with locked(tmp_path / "b"):  # one beside the folder will do
        pass
