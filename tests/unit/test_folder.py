"""The output folder: whose files are touched, and that a report appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from reportgen.errors import OutputFolderError
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


def test_interrupted_commit_is_mended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(out, FIRST)
    replace = Path.replace

    def fail_at_the_page(self: Path, target: Path) -> Path:
        if target.name == "index.html":
            raise StopError
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail_at_the_page)
        with pytest.raises(StopError):
            write(out, {**SECOND, "overlays/c.png": "C"})
    assert (out / "index.html").read_text(encoding="utf-8") == "one"
    assert set(content(out)) == {*FIRST, "overlays/c.png"}
    write(out, SECOND)
    assert content(out) == SECOND
    assert_manifest_is_true(out, SECOND)


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
