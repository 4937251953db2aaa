"""Decoding: the picture that a person would see, or a clear reason why there is none."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from reportgen import decode as module
from reportgen.decode import decode
from reportgen.errors import ImageError
from reportgen.values import DecodedImage, ImageFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

ORIENTATION = 0x0112


def read(path: Path, **options: Any) -> DecodedImage:  # noqa: ANN401
    return decode(ImageFile(path=path, name=path.name), **options)


def reason(path: Path, **options: Any) -> str:  # noqa: ANN401
    with pytest.raises(ImageError) as caught:
        read(path, **options)
    return str(caught.value)


def noise(height: int = 20, width: int = 31) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int = 48, width: int = 65) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(noise(5, 7)).resize((width, height)))


def save(array: NDArray[Any], path: Path, **options: Any) -> Path:  # noqa: ANN401
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_formats_give_exact_rgb(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    image = read(save(noise(), tmp_path / f"a.{suffix}", **options))
    np.testing.assert_array_equal(image.pixels, noise())
    assert image.pixels.dtype == np.uint8
    assert image.notes == ()


def test_file_and_hash_are_kept(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.png")
    image = read(path)
    assert image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert image.file == ImageFile(path=path, name="a.png")


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read(path).pixels, noise())


def assert_as_opencv_reads_it(path: Path) -> None:
    bgr = cv2.imread(str(path))
    assert bgr is not None
    np.testing.assert_array_equal(read(path).pixels, bgr[:, :, ::-1])


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("picture", [noise(), smooth(), smooth(64, 64)], ids=["1", "2", "3"])
def test_jpeg_as_opencv_reads_it(
    tmp_path: Path, picture: NDArray[np.uint8], subsampling: str, *, progressive: bool
) -> None:
    options = {"subsampling": subsampling, "progressive": progressive, "quality": 80}
    assert_as_opencv_reads_it(save(picture, tmp_path / "a.jpg", **options))


@pytest.mark.parametrize("sampling", [411, 440])
def test_jpeg_with_rare_subsampling_as_opencv_reads_it(tmp_path: Path, sampling: int) -> None:
    factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
    assert cv2.imwrite(
        str(tmp_path / "a.jpg"), smooth(), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    )
    assert_as_opencv_reads_it(tmp_path / "a.jpg")


def test_grey_jpeg_as_opencv_reads_it(tmp_path: Path) -> None:
    assert_as_opencv_reads_it(save(smooth()[:, :, 0], tmp_path / "a.jpg"))


@pytest.mark.parametrize(
    ("orientation", "corner"),
    # Where the stored top-left pixel is seen: EXIF 2.3, tag 274.
    [
        (1, (0, 0)),
        (2, (0, -1)),
        (3, (-1, -1)),
        (4, (-1, 0)),
        (5, (0, 0)),
        (6, (0, -1)),
        (7, (-1, -1)),
        (8, (-1, 0)),
    ],
)
def test_exif_orientation(tmp_path: Path, orientation: int, corner: tuple[int, int]) -> None:
    stored = np.zeros((4, 6, 3), dtype=np.uint8)
    stored[0, 0] = (255, 0, 0)
    stored[0, 1] = (0, 255, 0)  # the next one in the stored row
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = read(save(stored, tmp_path / "a.png", exif=exif))
    turned = orientation >= 5
    assert image.pixels.shape == ((6, 4, 3) if turned else (4, 6, 3))
    row, column = corner
    assert image.pixels[row, column].tolist() == [255, 0, 0]
    if turned:
        neighbour = image.pixels[row + (1 if row == 0 else -1), column]
    else:
        neighbour = image.pixels[row, column + (1 if column == 0 else -1)]
    assert neighbour.tolist() == [0, 255, 0]
    upright = ("turned upright by its EXIF orientation",)
    assert image.notes == (() if orientation == 1 else upright)


UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("suffix", ["jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_in_every_format(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    plain = save(smooth(), tmp_path / f"a.{suffix}")
    turned = read(save(smooth(), tmp_path / f"b.{suffix}", exif=exif))
    np.testing.assert_array_equal(turned.pixels, UPRIGHT[orientation](read(plain).pixels))
    assert bool(turned.notes) is (orientation != 1)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    image = read(tmp_path / "a.gif")
    assert image.notes == ("first of 3 frames",)
    assert np.unique(image.pixels.reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


def test_rgba_on_white(tmp_path: Path) -> None:
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], dtype=np.uint8)
    image = read(save(rgba, tmp_path / "a.png"))
    assert image.pixels[0, :2].tolist() == [[255, 0, 0], [255, 255, 255]]
    assert np.abs(image.pixels[0, 2].astype(int) - 127).max() <= 1
    assert image.notes == ("transparency laid on white",)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palette_transparency_on_white(tmp_path: Path, suffix: str) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / f"a.{suffix}", transparency=1)
    image = read(tmp_path / f"a.{suffix}")
    assert image.pixels.tolist() == [[[10, 20, 30], [255, 255, 255]]]
    assert image.notes == ("transparency laid on white",)


def test_grey_and_transparent_grey(tmp_path: Path) -> None:
    grey = np.array([[0, 77, 255]], dtype=np.uint8)
    assert read(save(grey, tmp_path / "l.png")).pixels[0].tolist() == [[0] * 3, [77] * 3, [255] * 3]
    Image.fromarray(np.array([[[9, 255], [9, 0]]], dtype=np.uint8)).save(tmp_path / "la.png")
    assert read(tmp_path / "la.png").pixels[0].tolist() == [[9] * 3, [255] * 3]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    deep = np.array([[0, 257, 25700, 65535]], dtype=np.uint16)
    image = read(save(deep, tmp_path / f"a.{suffix}"))
    assert image.pixels[0].tolist() == [[value] * 3 for value in (0, 1, 100, 255)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),
        ([0.0, 0.2, 0.4], [0, 51, 102]),
        ([-10.0, 0.0, 10.0], [0, 128, 255]),
        ([1000.0, 1000.0, 1000.0], [0, 0, 0]),
    ],
)
def test_float_tiff(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    image = read(save(np.array([values], dtype=np.float32), tmp_path / "a.tif"))
    assert image.pixels[0].tolist() == [[value] * 3 for value in expected]


def test_float_tiff_with_nan(tmp_path: Path) -> None:
    path = save(np.array([[0.0, np.nan]], dtype=np.float32), tmp_path / "a.tif")
    assert reason(path) == "holds values that are not finite"


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_colour_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    deep = np.array([[[0, 257, 25700], [65535, 32896, 128]]], dtype=np.uint16)
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep[:, :, ::-1])
    image = read(tmp_path / f"a.{suffix}")
    assert image.pixels.tolist() == [[[0, 1, 100], [255, 128, 0]]]
    assert image.notes == ()


def test_sixteen_bit_rgba_on_white(tmp_path: Path) -> None:
    deep = np.array([[[65535, 0, 0, 65535], [65535, 0, 0, 0]]], dtype=np.uint16)
    assert cv2.imwrite(str(tmp_path / "a.png"), deep[:, :, [2, 1, 0, 3]])
    assert read(tmp_path / "a.png").pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def save_png(path: Path, header: tuple[int, ...], row: bytes, transparent: bytes = b"") -> Path:
    """Write one row of pixels in a form that Pillow does not write itself."""
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0))
    data += chunk(b"tRNS", transparent) if transparent else b""
    path.write_bytes(data + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b""))
    return path


def test_sixteen_bit_grey_with_alpha_on_white(tmp_path: Path) -> None:
    row = struct.pack(">6H", 0, 65535, 25700, 65535, 65535 // 2, 0)
    image = read(save_png(tmp_path / "a.png", (3, 1, 16, 4), row))
    assert image.pixels[0].tolist() == [[0] * 3, [100] * 3, [255] * 3]


def test_sixteen_bit_grey_with_a_transparent_value_on_white(tmp_path: Path) -> None:
    row = struct.pack(">3H", 0, 258, 259)
    key = struct.pack(">H", 258)
    image = read(save_png(tmp_path / "a.png", (3, 1, 16, 0), row, key))
    assert image.pixels[0].tolist() == [[0] * 3, [255] * 3, [1] * 3]
    assert image.notes == ("transparency laid on white",)


def test_two_bits_of_grey(tmp_path: Path) -> None:
    image = read(save_png(tmp_path / "a.png", (4, 1, 2, 0), bytes([0b00011011])))
    assert image.pixels[0].tolist() == [[0] * 3, [85] * 3, [170] * 3, [255] * 3]


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_one_bit(tmp_path: Path, suffix: str) -> None:
    pattern = noise()[:, :, 0] > 99
    Image.fromarray(pattern).save(tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as stored:
        assert stored.mode == "1"
    expected = np.where(pattern, 255, 0)
    np.testing.assert_array_equal(read(tmp_path / f"a.{suffix}").pixels, np.dstack([expected] * 3))


def test_palette(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "a.png")
    image = read(tmp_path / "a.png")
    assert image.pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]
    assert image.notes == ()


def test_palette_with_half_transparent_colours_on_white(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 0])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "a.png", transparency=bytes([255, 102]))
    pixels = read(tmp_path / "a.png").pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert np.abs(pixels[0, 1].astype(int) - (233, 193, 153)).max() <= 1  # 0.4 · colour + 0.6


INKS = [
    ((0, 255, 255, 0), (255, 0, 0)),
    ((255, 0, 255, 0), (0, 255, 0)),
    ((0, 0, 0, 0), (255, 255, 255)),
    ((0, 0, 0, 255), (0, 0, 0)),
    ((0, 255, 255, 51), (204, 0, 0)),
]
"""Cyan, magenta, yellow, black, and the colour that they make."""


def save_ycck(path: Path, inks: tuple[int, ...]) -> None:
    """Write a JPEG as Photoshop does: inverted, its three colours turned into luma and chroma."""
    luma = Image.new("RGB", (1, 1), inks[:3]).convert("YCbCr").getpixel((0, 0))
    assert isinstance(luma, tuple)
    # Pillow inverts when it writes; the inks inverted twice are the inks.
    stored = (*(255 - int(value) for value in luma), inks[3])
    Image.new("CMYK", (16, 16), stored).save(path, quality=100)
    data = bytearray(path.read_bytes())
    data[data.index(b"Adobe") + 11] = 2  # the marker's transform: 0 is CMYK, 2 is YCCK
    path.write_bytes(data)


@pytest.mark.parametrize(("inks", "colour"), INKS)
@pytest.mark.parametrize("kind", ["cmyk.jpg", "ycck.jpg", "cmyk.tif"])
def test_printing_inks(
    tmp_path: Path, kind: str, inks: tuple[int, ...], colour: tuple[int, ...]
) -> None:
    if kind.startswith("ycck"):
        save_ycck(tmp_path / kind, inks)
    else:
        Image.new("CMYK", (16, 16), inks).save(tmp_path / kind)
    pixels = read(tmp_path / kind).pixels
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels.astype(int) - colour).max() <= 4


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(tmp_path: Path, suffix: str, share: float) -> None:
    path = save(noise(64, 64), tmp_path / f"a.{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    text = reason(path)
    assert text.startswith("cannot be decoded: ")
    assert "truncated" in text


def test_damaged_png(tmp_path: Path) -> None:
    path = save(noise(64, 64), tmp_path / "a.png")
    data = bytearray(path.read_bytes())
    data[2000:2100] = bytes(100)
    path.write_bytes(data)
    assert reason(path).startswith("cannot be decoded: ")


def test_only_the_header_is_there(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:10])
    assert "is not an image" in reason(path) or "cannot be decoded" in reason(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is an empty file"),
        (b"Sorry, not found.\n", "is text, not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is text, not an image"),
        (b"\x00\x01\x02\x03" * 50, "is not an image in a format that can be decoded"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "is text, not an image"),
    ],
)
def test_not_an_image(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert reason(tmp_path / "a.jpg") == expected


def test_folder_and_pipe_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "folder.jpg") == "is a folder, not a file; it was not opened"
    assert reason(tmp_path / "pipe.jpg") == "is a named pipe, not a file; it was not opened"


def test_links(tmp_path: Path) -> None:
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    save(noise(), tmp_path / "a.png")
    (tmp_path / "good.png").symlink_to(tmp_path / "a.png")
    assert reason(tmp_path / "link.jpg") == "is a link to nothing"
    assert reason(tmp_path / "loop.jpg").startswith("cannot be read: ")
    assert reason(tmp_path / "gone.jpg") == "is no longer there"
    np.testing.assert_array_equal(read(tmp_path / "good.png").pixels, noise())


def test_pixel_limit(tmp_path: Path) -> None:
    path = save(noise(20, 31), tmp_path / "a.png")
    assert read(path, max_pixels=620).pixels.shape == (20, 31, 3)
    assert reason(path, max_pixels=619) == "31×20 pixels, more than the 619 that are decoded"


def huge_png(path: Path, side: int) -> Path:
    """Write a few bytes that claim to be a grey picture of ``side`` by ``side``."""
    return save_png(path, (side, side, 8, 0), b"\0" * 9)


@pytest.mark.parametrize("side", [13_378, 20_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    """By Pillow, whose bound is just below the first of these, or by ours."""
    path = huge_png(tmp_path / "b.png", side)
    assert reason(path).startswith("refused before decoding: ")
    assert reason(path, max_pixels=1000).startswith("refused before decoding: ")
    assert reason(huge_png(path, 5000), max_pixels=1000).startswith("5000×5000 pixels, more than")


def test_the_limit_can_be_raised_above_pillow_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(noise(20, 31), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert reason(path, max_pixels=200).startswith("refused before decoding: ")
    assert Image.MAX_IMAGE_PIXELS == 100
    assert read(path, max_pixels=620).pixels.shape == (20, 31, 3)
    assert reason(path, max_pixels=200) == "31×20 pixels, more than the 200 that are decoded"


def test_a_file_larger_than_any_picture_is_not_read(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.png")
    with path.open("r+b") as stream:
        stream.truncate(2**40)  # a hole, which takes no room on the disk
    assert reason(path).startswith("1,099,511,627,776 bytes, more than a picture")


# -- damaged files used as far as they go ----------------------------------------------------


DAMAGED = "damaged or cut short: what is missing of it is filled with one colour"


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["sequential", "progressive"])
def test_lenient_with_a_jpeg_cut_short(tmp_path: Path, options: dict[str, Any]) -> None:
    path = save(smooth(128, 128), tmp_path / "a.jpg", quality=90, **options)
    whole = read(path).pixels
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert "truncated" in reason(path)
    found = read(path, lenient=True)
    assert found.notes == (DAMAGED,)
    assert found.pixels.shape == whole.shape
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    if not options:
        np.testing.assert_array_equal(found.pixels[:48], whole[:48])
        assert np.unique(found.pixels[-8:].reshape(-1, 3), axis=0).shape == (1, 3)


@pytest.mark.parametrize("kind", ["rgb", "grey", "palette", "alpha"])
def test_lenient_with_a_png_cut_short(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(noise(128, 128))
    image = {
        "rgb": image,
        "grey": image.convert("L"),
        "palette": image.convert("P"),
        "alpha": image.convert("RGBA"),
    }[kind]
    image.save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    whole = read(path).pixels
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    assert "truncated" in reason(path)
    found = read(path, lenient=True)
    assert found.notes[0] == DAMAGED
    assert found.pixels.shape == whole.shape
    same = (found.pixels == whole).all(axis=(1, 2))
    assert same[:48].all()
    assert not same[-8:].any()


def test_lenient_with_damage_amid_a_png(tmp_path: Path) -> None:
    path = save(noise(128, 128), tmp_path / "a.png")
    whole = read(path).pixels
    data = bytearray(path.read_bytes())
    data[30_000:30_100] = b"\xff" * 100
    path.write_bytes(data)
    found = read(path, lenient=True)
    assert found.notes == (DAMAGED,)
    np.testing.assert_array_equal(found.pixels[:48], whole[:48])


@pytest.mark.parametrize("depth", [1, 8, 16])
def test_lenient_with_an_interlaced_png(tmp_path: Path, depth: int) -> None:
    """All seven passes are there, but not the end: nothing is missing, and nothing is moved."""
    size = 11
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    rows = b""
    for left, top, across, down in [*passes, (0, 1, 1, 2)]:
        columns = len(range(left, size, across))
        bits = -(-columns * depth // 8)
        rows += (b"\0" + b"\xff" * bits) * len(range(top, size, down)) if columns else b""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, depth, 0, 0, 0, 1))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows))
    (tmp_path / "whole.png").write_bytes(data + chunk(b"IEND", b""))
    assert (read(tmp_path / "whole.png").pixels == 255).all()
    (tmp_path / "cut.png").write_bytes(data[:-9])
    found = read(tmp_path / "cut.png", lenient=True)
    assert (found.pixels == 255).all()


def test_lenient_changes_nothing_of_what_is_whole(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.png")
    found = read(path, lenient=True)
    assert found.notes == ()
    np.testing.assert_array_equal(found.pixels, noise())


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a\1\0\1\0"]
)
def test_lenient_with_nothing_to_use(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert reason(tmp_path / "a.png", lenient=True) == reason(tmp_path / "a.png")


def test_lenient_does_not_lift_the_limit(tmp_path: Path) -> None:
    path = save(noise(64, 64), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:4000])
    assert reason(path, lenient=True, max_pixels=4095).startswith("64×64 pixels")


# -- files that change, and what is no file --------------------------------------------------


def test_socket_and_device_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.png")
        assert reason(tmp_path / "s.png") == "is a socket, not a file; it was not opened"
    (tmp_path / "null.png").symlink_to("/dev/null")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    text = "is a character device, not a file; it was not opened"
    assert reason(tmp_path / "null.png") == text


def test_a_pipe_put_in_place_of_a_file_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(noise(), tmp_path / "a.png")
    truly = module._check_kind
    seen: list[os.stat_result] = []

    def swap(status: os.stat_result) -> None:
        truly(status)
        if not seen:
            path.unlink()
            os.mkfifo(path)
        seen.append(status)

    monkeypatch.setattr(module, "_check_kind", swap)
    assert reason(path) == "is a named pipe, not a file; it was not opened"


@pytest.mark.parametrize("change", [1, -1])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    path = save(noise(), tmp_path / "a.png")
    truly = os.fstat

    def before(descriptor: int) -> os.stat_result:
        values = list(truly(descriptor))
        values[6] -= change  # the size
        return os.stat_result(values)

    monkeypatch.setattr(os, "fstat", before)
    assert reason(path) == "changed while it was read"


def test_no_permission_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a substitute: the superuser, whom tests may run as, reads everything."""
    path = save(noise(), tmp_path / "a.png")

    def refuse(name: Path, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(name))

    monkeypatch.setattr(os, "open", refuse)
    assert reason(path) == "cannot be read: Permission denied"


def test_what_discovery_refused_is_not_touched(tmp_path: Path) -> None:
    path = save(noise(), tmp_path / "a.png")
    with pytest.raises(ImageError, match="led away"):
        decode(ImageFile(path, "a.png", refused="led away"))


def test_no_memory_is_a_failure_of_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(noise(), tmp_path / "a.png")

    def full(_: Image.Image) -> Image.Image:
        raise MemoryError

    monkeypatch.setattr(module, "_as_rgb", full)
    assert reason(path) == "cannot be decoded: MemoryError"


# -- what is said of it ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_first_frame_of_other_animations(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)
    image = read(path)
    assert image.notes == ("first of 3 frames",)
    assert np.unique(image.pixels.reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_colour_profile_is_said_and_not_applied(tmp_path: Path, suffix: str) -> None:
    """The pixels are those that torchvision's transforms would get."""
    profile = b"\0\0\2\x0cdesc" + "Display P3".encode("utf-16-be") * 30
    path = save(smooth(), tmp_path / f"a.{suffix}", icc_profile=profile)
    image = read(path)
    assert image.notes == ("its colour profile, which is not sRGB, is not applied",)
    with Image.open(path) as plain:
        np.testing.assert_array_equal(image.pixels, np.asarray(plain.convert("RGB")))


@pytest.mark.parametrize("name", [b"sRGB IEC61966-2.1", "sRGB built-in".encode("utf-16-be")])
def test_srgb_needs_no_word(tmp_path: Path, name: bytes) -> None:
    path = save(smooth(), tmp_path / "a.jpg", icc_profile=b"\0\0\2\x0cdesc" + name * 8)
    assert read(path).notes == ()


def test_one_pixel(tmp_path: Path) -> None:
    assert read(save(noise(1, 1), tmp_path / "a.png")).pixels.shape == (1, 1, 3)


def test_no_pixel_at_all(tmp_path: Path) -> None:
    for number, size in enumerate([(0, 5), (5, 0), (0, 0)]):
        path = save_png(tmp_path / f"{number}.png", (*size, 8, 0), b"")
        assert reason(path) == "has no pixels"
