"""The output folder: whose files are touched, and that a report appears whole or not at all."""

from __future__ import annotations

import hashlib
import itertools
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from reportgen.errors import OutputFolderError
from reportgen.exchange import exchange
from reportgen.folder import MANIFEST, OutputFolder, hashes, read_manifest

Files = dict[str, str]

FIRST = {"index.html": "one", "report.json": "{}", "overlays/a.png": "A", "overlays/b.png": "B"}
SECOND = {"index.html": "two", "report.json": "{}", "overlays/b.png": "B2"}


class StopError(Exception):
    """What interrupts a run in these tests."""


def fill(folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write(path: Path, files: Files, *, force: bool = False) -> None:
    output = OutputFolder(path, force=force)
    with output.staging() as staging:
        fill(staging, files)
        output.commit(staging)


def content(folder: Path) -> Files:
    """Return every file below ``folder`` but the manifest, with its text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def snapshot(folder: Path) -> dict[str, bytes | str | None]:
    """Return all that is below ``folder``: bytes of files, targets of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def claim(folder: Path, *names: str) -> None:
    """Write a manifest as if ``names`` were ours."""
    files = {name: {"sha256": "0" * 64} for name in names}
    text = json.dumps({"generator": "reportgen", "schema_version": 1, "files": files})
    fill(folder, {MANIFEST: text})


def assert_manifest_is_true(folder: Path, files: Files) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["generator"] == "reportgen"
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files
    }
    assert read_manifest(folder) == {
        name: digest for name, digest in hashes(folder).items() if name in files
    }


# -- new, empty, ours ------------------------------------------------------------------------


def test_new_folder(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "out"
    write(out, FIRST)
    assert content(out) == FIRST
    assert_manifest_is_true(out, FIRST)
    assert names(out.parent) == ["out"]


def test_new_folder_has_the_usual_permissions(tmp_path: Path) -> None:
    write(tmp_path / "out", FIRST)
    (tmp_path / "usual").mkdir()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("out", "usual")}
    assert len(modes) == 1


def test_empty_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write(out, FIRST)
    assert content(out) == FIRST
    assert_manifest_is_true(out, FIRST)
    assert names(tmp_path) == ["out"]


def test_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("out"), FIRST)
    assert content(tmp_path / "out") == FIRST
    assert names(tmp_path) == ["out"]


def test_link_to_an_empty_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write(tmp_path / "out", FIRST)
    assert (tmp_path / "out").is_symlink()
    assert content(tmp_path / "real") == FIRST


def test_ours_is_brought_up_to_date(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    extra = {"notes.txt": "mine", "overlays/mine.png": "mine"}
    fill(out, extra)
    write(out, SECOND)
    assert content(out) == {**SECOND, **extra}
    assert_manifest_is_true(out, SECOND)
    assert names(tmp_path) == ["out"]


def test_folders_left_empty_are_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    write(out, {"index.html": "two"})
    assert names(out) == ["index.html", MANIFEST]


def test_stale_files_already_gone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    (out / "overlays" / "a.png").unlink()
    write(out, SECOND)
    assert content(out) == SECOND


# -- somebody else's -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"notes.txt": "mine"},
        {MANIFEST: "{}"},
        {MANIFEST: "not json"},
        {MANIFEST: "[]"},
        {MANIFEST: '{"generator": "other", "schema_version": 1, "files": {}}'},
        {MANIFEST: '{"generator": "reportgen", "schema_version": 99, "files": {}}'},
        {MANIFEST: '{"generator": "reportgen", "schema_version": 1, "files": {"a": 1}}'},
    ],
)
def test_foreign_folder_is_refused(tmp_path: Path, files: Files) -> None:
    out = tmp_path / "out"
    fill(out, files)
    before = snapshot(tmp_path)
    with pytest.raises(OutputFolderError, match=r"--output: '.*out' holds files .*--force"):
        OutputFolder(out)
    assert snapshot(tmp_path) == before


def test_a_file_or_a_dangling_link_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, {"file": "mine"})
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for force in (False, True):
        with pytest.raises(OutputFolderError, match="is a file, but a folder"):
            OutputFolder(tmp_path / "file", force=force)
        with pytest.raises(OutputFolderError, match="is a link to nothing"):
            OutputFolder(tmp_path / "link", force=force)


def test_force_keeps_foreign_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    foreign = {"notes.txt": "mine", "overlays/mine.png": "mine"}
    fill(out, foreign)
    write(out, FIRST, force=True)
    assert content(out) == {**FIRST, **foreign}
    assert_manifest_is_true(out, FIRST)
    write(out, SECOND)
    assert content(out) == {**SECOND, **foreign}


@pytest.mark.parametrize("name", ["index.html", "overlays/b.png", "overlays", MANIFEST])
def test_force_does_not_replace_foreign_files(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    fill(out, {name: "mine", "notes.txt": "mine"})
    before = snapshot(tmp_path)
    with pytest.raises(OutputFolderError, match=f"{name}' is not ours"):
        write(out, FIRST, force=True)
    assert snapshot(tmp_path) == before


def test_a_new_file_does_not_replace_a_foreign_one_in_our_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, {"index.html": "one"})
    fill(out, {"report.json": "mine"})
    before = snapshot(tmp_path)
    with pytest.raises(OutputFolderError, match=r"report\.json' is not ours"):
        write(out, FIRST)
    assert snapshot(tmp_path) == before


def test_a_folder_in_place_of_our_page_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    (out / "index.html").unlink()
    fill(out, {"index.html/mine.txt": "mine"})
    before = snapshot(tmp_path)
    with pytest.raises(OutputFolderError, match=r"index\.html' is not ours"):
        write(out, SECOND)
    assert snapshot(tmp_path) == before


def test_folder_in_place_of_a_stale_file_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, {"index.html": "one", "old/mine.txt": "mine"})
    claim(out, "index.html", "old", "index.html/x")
    write(out, SECOND)
    assert content(out) == {**SECOND, "old/mine.txt": "mine"}


def test_check_before_any_work(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, {"index.html": "mine"})
    with pytest.raises(OutputFolderError, match=r"index\.html' is not ours"):
        OutputFolder(out, force=True).check(["index.html"])
    OutputFolder(out, force=True).check(["other.html"])


# -- interrupted -----------------------------------------------------------------------------


def test_staging_is_beside_and_hidden(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "out").staging() as staging:
        assert staging.parent == tmp_path
        assert staging.name.startswith(".out.partial-")
        assert list(staging.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def interrupt(path: Path) -> None:
    with OutputFolder(path).staging() as staging:
        fill(staging, SECOND)
        raise StopError


def test_exception_leaves_the_old_report(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    before = snapshot(tmp_path)
    with pytest.raises(StopError):
        interrupt(out)
    assert snapshot(tmp_path) == before


def test_exception_leaves_no_new_folders(tmp_path: Path) -> None:
    with pytest.raises(StopError):
        interrupt(tmp_path / "deep" / "er" / "out")
    assert list(tmp_path.iterdir()) == []


def test_exception_keeps_folders_that_were_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StopError):
        interrupt(tmp_path / "empty" / "new" / "out")
    assert snapshot(tmp_path) == {"empty": None}


SHARED = {"asset-1.bin": "1", "page-1.html": "a page of the old report", "run.sqlite": "old"}
OLD = {**FIRST, **SHARED}
NEW = {**SECOND, "asset-2.bin": "2", "page-1.html": "a page of the new one", "run.sqlite": "new"}


class Left(NamedTuple):
    """What a process left that was killed."""

    code: int
    left: Files
    verified: list[str]
    """What `differences` says of it."""
    mended: Files
    """The same after another run."""
    beside: list[str]
    """What is in the folder around the report then."""


def killed_everywhere(folder: Path, before: Files, mine: Files, *, swaps: bool) -> list[Left]:
    """Kill a process before each thing it does on the disk; return what it left, and mend it.

    Parameters
    ----------
    before
        The report that is there, if any.
    mine
        Files beside it that are not ours.
    swaps
        Whether the system can exchange two folders.
    """
    program = Path(__file__).with_name("killed.py")
    plan = {"before": before, "after": NEW, "mine": mine, "swaps": swaps}
    done = subprocess.run(
        [sys.executable, str(program), str(folder)],
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = [Left(**json.loads(line)) for line in done.stdout.splitlines()]
    assert len(states) > 15, "it does more than that"
    assert states[-1].code == 0, "the last one was not killed"
    for state in states:
        assert state.mended == {**NEW, **mine}
        assert state.beside == ["out"], "what was killed leaves nothing once there was another run"
        assert all(state.left.get(name) == text for name, text in mine.items())
    return states


needs_exchange = pytest.mark.skipif(sys.platform == "win32", reason="no fork, no exchange there")


@needs_exchange
def test_killed_at_any_step_the_old_report_is_whole_or_the_new_one(tmp_path: Path) -> None:
    states = killed_everywhere(tmp_path, OLD, {}, swaps=True)
    found = [state.left for state in states]
    assert [one for one, _group in itertools.groupby(found)] == [OLD, NEW]
    assert all(state.verified == [] for state in states)
    assert sum(one == NEW for one in found) > 1, "killed while the old files are cleared away too"


@needs_exchange
def test_killed_at_any_step_there_is_no_new_report_or_a_whole_one(tmp_path: Path) -> None:
    states = killed_everywhere(tmp_path, {}, {}, swaps=True)
    found = [state.left for state in states]
    assert [one for one, _group in itertools.groupby(found)] == [{}, NEW]


@needs_exchange
@pytest.mark.slow
@pytest.mark.parametrize("mine", [{"notes.txt": "mine", "overlays/mine.png": "mine"}, {}])
def test_killed_where_folders_cannot_change_places(tmp_path: Path, mine: Files) -> None:
    """File by file, there are moments between: they lose nothing, and `verify` tells of them."""
    states = killed_everywhere(tmp_path, OLD, mine, swaps=bool(mine))
    old, new = {**OLD, **mine}, {**NEW, **mine}
    between = 0
    for state in states:
        found = state.left
        assert set(found) <= {*old, *new}
        assert all(text in {old.get(name), new.get(name)} for name, text in found.items())
        if found["index.html"] == OLD["index.html"]:
            assert set(OLD) <= set(found), "what the old page shows is there as long as it is"
        else:
            assert {name: found.get(name) for name in NEW} == NEW, "and so with the new page"
        whole = {name: text for name, text in found.items() if name not in mine} in (OLD, NEW)
        between += not whole
        assert whole or found["index.html"] == NEW["index.html"] or state.verified
    assert between > 2


def test_what_came_at_the_last_moment_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(out, OLD)
    late = {"notes.txt": "mine", "sub/notes.txt": "mine"}

    def exchange_late(first: Path, second: Path) -> bool:
        fill(out, late)
        return exchange(first, second)

    monkeypatch.setattr("reportgen.folder.exchange", exchange_late)
    write(out, NEW)
    assert content(out) == {**NEW, **late}
    assert names(tmp_path) == ["out"]


def test_a_folder_keeps_its_permissions(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD)
    out.chmod(0o750)
    write(out, NEW)
    assert stat.S_IMODE(out.stat().st_mode) == 0o750


@pytest.mark.parametrize(
    ("place", "output"),
    [(".", "."), (".", "../out"), ("overlays", ".."), ("overlays", "../../out")],
)
def test_who_works_in_the_folder_stays_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, output: str
) -> None:
    out = tmp_path / "out"
    write(out, OLD)
    monkeypatch.chdir(out / place)
    write(Path(output), NEW)
    assert content(out) == NEW
    assert Path.cwd() == out / place
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_of_somebody_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, OLD)
    (out / "mine").mkdir()
    write(out, NEW)
    assert (out / "mine").is_dir()
    assert content(out) == NEW


def test_folders_that_cannot_change_places(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert not exchange(tmp_path / "a", tmp_path / "nothing")
    assert not exchange(tmp_path / "a", tmp_path / "a" / "b")
    assert names(tmp_path) == ["a"]


# -- hostile ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../victim.txt", "a/../../victim.txt", "..\\victim.txt", "", "/", "a\0b", ".."]
)
def test_manifest_with_names_that_lead_out_is_not_ours(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    fill(tmp_path, {"victim.txt": "mine", "out/index.html": "mine"})
    claim(out, "index.html", name)
    before = snapshot(tmp_path)
    assert read_manifest(out) is None
    with pytest.raises(OutputFolderError, match="not a report"):
        OutputFolder(out)
    with pytest.raises(OutputFolderError, match="not ours"):
        write(out, FIRST, force=True)
    assert snapshot(tmp_path) == before


def test_manifest_with_an_absolute_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(tmp_path, {"victim.txt": "mine"})
    for name in (str(tmp_path / "victim.txt"), str(out / "index.html")):
        claim(out, name)
        assert read_manifest(out) is None
        with pytest.raises(OutputFolderError, match="not a report"):
            write(out, FIRST)
    assert content(tmp_path) == {"victim.txt": "mine"}


def test_manifest_that_reaches_out_through_a_link(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(tmp_path, {"elsewhere/a.png": "mine"})
    claim(out, "overlays/a.png")
    (out / "overlays").symlink_to(tmp_path / "elsewhere")
    assert read_manifest(out) is None
    with pytest.raises(OutputFolderError, match="not a report"):
        write(out, {"index.html": "one"})
    assert content(tmp_path / "elsewhere") == {"a.png": "mine"}


@pytest.mark.parametrize("ours", [True, False])
def test_linked_overlays_are_not_written_through(tmp_path: Path, ours: bool) -> None:  # noqa: FBT001
    out = tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    if ours:
        write(out, {"index.html": "one"})
    else:
        out.mkdir()
    (out / "overlays").symlink_to(tmp_path / "elsewhere")
    before = snapshot(tmp_path)
    with pytest.raises(OutputFolderError, match="overlays' is not ours"):
        write(out, FIRST, force=not ours)
    assert snapshot(tmp_path) == before


def test_a_link_in_place_of_our_page_is_replaced_not_followed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    fill(tmp_path, {"victim.txt": "mine"})
    for name in ("index.html", "overlays/a.png"):
        (out / name).unlink()
        (out / name).symlink_to(tmp_path / "victim.txt")
    write(out, SECOND)
    assert content(out) == SECOND
    assert not (out / "index.html").is_symlink()
    assert (tmp_path / "victim.txt").read_text(encoding="utf-8") == "mine"
