"""What counts as an image of a folder, in which order, and what is left out."""

from __future__ import annotations

import os
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
