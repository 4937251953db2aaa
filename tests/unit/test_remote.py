"""Pictures at an address: what it means, what is found there, and how they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pytest
from PIL import Image

from reportgen import remote
from reportgen.decode import decode, digest
from reportgen.discover import discover, discover_remote
from reportgen.errors import ImageError, InputFolderError, OptionError, UnreachableError
from reportgen.options import BuildOptions
from reportgen.settings import command_line, read_config, run_file
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("b.png", "a/2.JPG", "a/10.jpg", "a b/x.gif", "notes.txt", ".hidden.png", "a/.h/x.png")
REPORT = ("old/manifest.json", "old/assets/x.png")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """Put the same files into memory and into a folder, and return the address of the former."""
    system = fsspec.filesystem("memory")
    for name in (*FILES, *REPORT):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (len(name), 0, 0)).save(path, "PNG")
        system.pipe(f"/bucket/photos/{name}", path.read_bytes())
    yield "memory://bucket/photos"
    system.rm("/bucket", recursive=True)


@pytest.mark.parametrize("depth", ["all", "one"])
def test_the_same_pictures_are_found_in_the_same_order(
    bucket: str, tmp_path: Path, depth: str
) -> None:
    recursive = depth == "all"
    local = discover(tmp_path / "photos", recursive=recursive, own_report="manifest.json")
    found = discover_remote(bucket, recursive=recursive, own_report="manifest.json")
    assert [image.name for image in found] == [image.name for image in local]
    assert [digest(image) for image in found] == [digest(image) for image in local]
    assert all(image.url.startswith("memory://") for image in found)


def test_a_picture_is_decoded_as_a_file_is(bucket: str, tmp_path: Path) -> None:
    image = next(image for image in discover_remote(bucket) if image.name == "b.png")
    path = tmp_path / "photos" / "b.png"
    found, expected = decode(image), decode(ImageFile(path, "b.png"))
    assert (found.pixels == expected.pixels).all()
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_empty_files_are_failures_without_being_fetched(bucket: str) -> None:
    fsspec.filesystem("memory").pipe("/bucket/photos/empty.png", b"")
    image = next(image for image in discover_remote(bucket) if image.name == "empty.png")
    assert image.refused == "is an empty file"


def test_nothing_there_is_an_error(bucket: str) -> None:
    with pytest.raises(InputFolderError, match="no image at 'memory://bucket/none'"):
        discover_remote("memory://bucket/none")
    assert bucket


def test_what_cannot_be_read_says_why(bucket: str) -> None:
    with pytest.raises(ImageError, match="no longer there") as gone:
        remote.read(f"{bucket}/gone.png", 100)
    assert not isinstance(gone.value, UnreachableError)
    with pytest.raises(ImageError, match="more than a picture"):
        remote.read(f"{bucket}/b.png", 10)
    assert len(remote.read(f"{bucket}/b.png", 1000)) < 1000


def test_a_server_that_fails_may_answer_next_time(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> bytes:
        raise OSError("the line is down.\nsecond line")

    monkeypatch.setattr(fsspec.filesystem("memory"), "cat_file", fail)
    with pytest.raises(UnreachableError, match=r"cannot be fetched: the line is down$"):
        remote.read(f"{bucket}/b.png", 1000)


def test_an_unknown_kind_of_address_names_what_is_known() -> None:
    with pytest.raises(InputFolderError, match="no address that fsspec knows"):
        discover_remote("carrier-pigeon://coop")


@pytest.mark.parametrize(
    ("text", "path", "url"),
    [
        ("photos", "photos", ""),
        ("C:\\photos", "C:\\photos", ""),
        ("s3://bucket/my/photos/", "photos", "s3://bucket/my/photos/"),
        ("s3://bucket", "bucket", "s3://bucket"),
        ("file:///data/my%20photos", "/data/my photos", ""),
        ("file://localhost/data", "/data", ""),
    ],
)
def test_an_address_is_a_name_and_where_it_is(text: str, path: str, url: str) -> None:
    assert remote.split(text) == (Path(path), url)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://anna:secret@host/photos", "holds a password"),
        ("file://host/photos", "three slashes"),
    ],
)
def test_addresses_that_cannot_be_taken(text: str, reason: str) -> None:
    with pytest.raises(OptionError, match=reason) as refused:
        remote.split(text)
    assert "secret" not in str(refused.value)


def test_an_address_goes_into_the_settings_and_back(tmp_path: Path) -> None:
    options = BuildOptions(images=Path("photos"), url="s3://bucket/photos", targets=("top1",))
    assert command_line(options)[:3] == ("reportgen", "build", "photos")
    text = run_file(options, str)
    (tmp_path / "run.toml").write_text(text)
    known = {line.partition(" = ")[0] for line in text.splitlines() if " = " in line}
    assert read_config(tmp_path / "run.toml", known)["images"] == "s3://bucket/photos"
