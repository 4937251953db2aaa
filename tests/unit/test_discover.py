"""What counts as an image of a folder, in which order, and what is left out."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from reportgen.discover import discover, printable
from reportgen.errors import InputFolderError

if TYPE_CHECKING:
    from pathlib import Path


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def names(folder: Path, *, recursive: bool = True) -> list[str]:
    return [file.name for file in discover(folder, recursive=recursive)]


def test_sorted_by_parts_not_by_text(tmp_path: Path) -> None:
    touch(tmp_path, "a-b.png", "a/z.png", "b.png", "a/b/c.png", "B.png")
    assert names(tmp_path) == ["B.png", "a/b/c.png", "a/z.png", "a-b.png", "b.png"]


def test_path_and_name(tmp_path: Path) -> None:
    touch(tmp_path, "deep/er/cat.png")
    (file,) = discover(tmp_path)
    assert file.path == tmp_path / "deep" / "er" / "cat.png"
    assert file.name == "deep/er/cat.png"


def test_subfolders_only_when_recursive(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "sub/b.png")
    assert names(tmp_path, recursive=True) == ["a.png", "sub/b.png"]
    assert names(tmp_path, recursive=False) == ["a.png"]


@pytest.mark.parametrize(
    "suffix",
    ["jpg", "JPG", "Jpeg", "jfif", "PNG", "bmp", "WebP", "tif", "TIFF", "gif"],
)
def test_suffixes_in_any_case(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"x.{suffix}", "x.txt", "x.jpg.txt", "jpg", "x.svg")
    assert names(tmp_path) == [f"x.{suffix}"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", ".b.png", ".hidden/c.png", "sub/.d.png", ".png")
    assert names(tmp_path) == ["a.png"]


def test_a_hidden_folder_given_by_name_is_searched(tmp_path: Path) -> None:
    touch(tmp_path, ".pictures/a.png")
    assert names(tmp_path / ".pictures") == ["a.png"]


def test_leave_out_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "report/b.png", "report2/c.png", "sub/report/d.png")
    away = (tmp_path / "sub" / ".." / "report", tmp_path / "missing")
    found = discover(tmp_path, leave_out=away)
    assert [file.name for file in found] == ["a.png", "report2/c.png", "sub/report/d.png"]


def test_own_reports_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "old/manifest.json", "old/overlays/b.png", "other/c.png")
    found = discover(tmp_path, own_report="manifest.json")
    assert [file.name for file in found] == ["a.png", "other/c.png"]
    assert "old/overlays/b.png" in names(tmp_path)


def test_a_folder_named_as_the_manifest_marks_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "x/manifest.json/a.png")
    (file,) = discover(tmp_path, own_report="manifest.json")
    assert file.name == "x/manifest.json/a.png"


def test_same_stem_is_two_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a.jpg")
    assert names(tmp_path) == ["a.jpg", "a.png"]


def test_dangling_link_and_pipe_are_listed(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nothing.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(tmp_path) == ["link.jpg", "loop.jpg", "pipe.jpg"]


def test_link_to_a_file_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, "real.bin")
    (tmp_path / "a.png").symlink_to(tmp_path / "real.bin")
    assert names(tmp_path) == ["a.png"]


def test_folder_named_as_an_image_is_walked(tmp_path: Path) -> None:
    touch(tmp_path, "x.jpg/y.png")
    assert names(tmp_path) == ["x.jpg/y.png"]


@pytest.mark.parametrize("link", ["circle", "circle.jpg"])
def test_links_to_folders_are_neither_followed_nor_listed(tmp_path: Path, link: str) -> None:
    touch(tmp_path, "sub/a.png")
    (tmp_path / "sub" / link).symlink_to(tmp_path)
    assert names(tmp_path) == ["sub/a.png"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert names(tmp_path / "link") == ["a.png"]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links within it and out of it, to files and to folders, and in circles."""
    touch(tmp_path, "in/a.png", "in/sub/b.png", "out/c.png", "out/deep/d.png", "out/other.txt")
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "within.png").symlink_to(inside / "sub" / "b.png")
    (inside / "away.png").symlink_to(outside / "c.png")
    (inside / "more").symlink_to(outside)
    (inside / "more.png").symlink_to(outside / "deep")
    (inside / "again").symlink_to(inside / "sub")
    (inside / "up").symlink_to(tmp_path)
    (outside / "circle").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    return inside


def test_links_out_of_the_folder_are_refused(linked: Path) -> None:
    found = {file.name: file.refused for file in discover(linked)}
    refusal = "is a link out of the folder; --follow-links follows it"
    assert found == {"a.png": "", "away.png": refusal, "sub/b.png": "", "within.png": ""}


def test_links_out_of_the_folder_are_followed_where_asked_for(linked: Path) -> None:
    found = discover(linked, follow_links=True)
    assert not any(file.refused for file in found)
    real = [file.path.resolve() for file in found if not file.path.is_symlink()]
    assert len(real) == len(set(real)), "no folder is entered twice"
    kept = {path.name for path in real}
    assert kept == {"a.png", "b.png", "c.png", "d.png"}
    assert {file.name for file in found} >= {"a.png", "away.png", "sub/b.png", "within.png"}
    assert found == discover(linked, follow_links=True)


def test_a_link_by_another_name_of_the_folder_stays_within(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.png")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.png").symlink_to(tmp_path / "alias" / "a.png")
    for folder in ("real", "alias"):
        assert [file.refused for file in discover(tmp_path / folder)] == ["", ""]


def test_a_prefix_is_not_the_folder(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.png", "in-secret/b.png")
    (tmp_path / "in" / "b.png").symlink_to("../in-secret/b.png")
    assert [bool(file.refused) for file in discover(tmp_path / "in")] == [False, True]


def test_linked_folders_are_followed_neither_hidden_nor_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.png", "out/b.png", "out/.hidden/c.png", "old/manifest.json", "old/d.png")
    (tmp_path / "in" / "x").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "y").symlink_to(tmp_path / "old")
    found = discover(tmp_path / "in", follow_links=True, own_report="manifest.json")
    assert [file.name for file in found] == ["a.png", "x/b.png"]
    away = (tmp_path / "out",)
    found = discover(tmp_path / "in", follow_links=True, leave_out=away, own_report="manifest.json")
    assert [file.name for file in found] == ["a.png"]


def test_nothing_but_a_link_to_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "out/b.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x").symlink_to(tmp_path / "out")
    with pytest.raises(InputFolderError, match=r"'x' is a link to .* --follow-links"):
        discover(tmp_path / "in")
    assert [file.name for file in discover(tmp_path / "in", follow_links=True)] == ["x/b.png"]


def deny(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    truly = os.scandir

    def scandir(path: Path) -> object:
        if os.fspath(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return truly(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_a_folder_that_cannot_be_read_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.png", "locked/b.png", "z/c.png")
    deny(monkeypatch, "locked")
    found = {file.name: file.refused for file in discover(tmp_path)}
    reason = "a folder that cannot be read: Permission denied"
    assert found == {"a.png": "", "locked": reason, "z/c.png": ""}


def test_the_folder_itself_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deny(monkeypatch, tmp_path.name)
    with pytest.raises(InputFolderError, match="cannot be read"):
        discover(tmp_path)


def test_a_thousand_folders_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1000):
        os.mkdir("d")  # noqa: PTH102 - the whole path is longer than a system call takes
        os.chdir("d")
    with open("a.png", "wb"):  # noqa: PTH123
        pass
    monkeypatch.chdir(tmp_path)
    (found,) = discover(tmp_path)
    flatten(tmp_path)
    assert found.name == "d/" * 1000 + "a.png"


def flatten(folder: Path) -> None:
    """Take away folders named d within each other: what cleans up after tests goes by recursion."""
    while (folder / "d").is_dir():
        (folder / "d").rename(folder / "x")
        if (folder / "x" / "d").is_dir():
            (folder / "x" / "d").rename(folder / "d")
        shutil.rmtree(folder / "x")


def test_deeper_than_a_path_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    for _ in range(30):
        os.mkdir("d" * 200)  # noqa: PTH102
        os.chdir("d" * 200)
    monkeypatch.chdir(tmp_path)
    found = discover(tmp_path)
    assert [bool(file.refused) for file in found] == [False, True]
    assert found[1].refused == "a folder that cannot be read: File name too long"


HOSTILE = [
    b"new\nline.png",
    b"'quotes' \"double\".png",
    b"<script>alert(1)<.png",
    b"{{7*7}}.png",
    b"%2e%2e%2f.png",
    b"a#b?c.png",
    "\u202egnp.exe\u05d0.png".encode(),
    "🐈‍⬛.png".encode(),
    b"caf\xe9.png",
    b"caf\\xe9.png",
    b"n" * 251 + b".png",
    b"Case.png",
    b"case.png",
    b"-rf.png",
    b"a\\b.png",
]


def test_hostile_names(tmp_path: Path) -> None:
    for name in HOSTILE:
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):  # noqa: PTH123
            pass
    found = discover(tmp_path)
    assert sorted(os.fsencode(file.path.name) for file in found) == sorted(HOSTILE)
    names = [file.name for file in found]
    assert len(set(names)) == len(names), "each has a name of its own"
    for file in found:
        assert file.name.encode(), "it can be encoded"
        assert file.path.is_file()
    assert {"caf\\xe9.png", "caf\\xe9.png (2)"} <= set(names)


def test_bytes_that_are_not_text_are_written_out() -> None:
    assert printable(os.fsdecode(b"caf\xe9.png")) == "caf\\xe9.png"
    assert printable("café.png") == "café.png"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputFolderError, match=r"there is no folder '.*nowhere'"):
        discover(tmp_path / "nowhere")


def test_file_in_place_of_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    with pytest.raises(InputFolderError, match=r"a\.png' is a file, but a folder"):
        discover(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("recursive", "depth"), [(True, "or its sub-folders"), (False, "sub-folders not searched")]
)
def test_no_image(tmp_path: Path, recursive: bool, depth: str) -> None:  # noqa: FBT001
    touch(tmp_path, "readme.txt")
    with pytest.raises(InputFolderError, match="no image in") as caught:
        discover(tmp_path, recursive=recursive)
    text = str(caught.value)
    assert str(tmp_path) in text
    assert depth in text
    assert "bmp, gif, jfif, jpeg, jpg, png, tif, tiff, webp" in text
