"""Encoding for the page: small JPEG thumbnails, grey and indexed PNG files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reportgen import encode, overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray


def levels(height: int = 37, width: int = 51) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width), dtype=np.uint8)


def chunks(data: bytes) -> list[bytes]:
    """Return the kinds of a PNG's chunks, in order."""
    kinds, at = [], 8
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4])
    return kinds


@pytest.mark.parametrize("side", [192, 160, 136, 134, 113, 100, 40])
def test_no_pixel_is_left_out_of_what_is_smaller(side: int) -> None:
    for column in range(0, 224, 3):
        pixels = np.zeros((224, 224, 3), dtype=np.uint8)
        pixels[:, column] = 255
        counts = encode.shrink(pixels, side)[0, :, 0].sum(dtype=int) / 255
        # Averaged over area each counts the same; interpolated, a third at least.
        assert counts >= min(1 / 3, side / 224) - 0.01


@pytest.mark.parametrize("colormap", ["jet", "bone"])
@pytest.mark.parametrize("size", [(37, 51), (1, 1), (1, 300)])
def test_every_pixel_has_the_colour_of_its_level(colormap: str, size: tuple[int, int]) -> None:
    colours = overlay.palette(colormap)
    picture = encode.indexed_png(levels(*size), colours)
    assert picture.mime == "image/png"
    assert picture.size == (size[1], size[0])
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), levels(*size))
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colours[levels(*size)])


def test_the_colours_of_levels_that_do_not_occur_are_kept() -> None:
    few = np.array([[3, 3], [3, 200]], dtype=np.uint8)
    colours = overlay.palette("jet")
    with Image.open(io.BytesIO(encode.indexed_png(few, colours).data)) as image:
        np.testing.assert_array_equal(np.asarray(image), few)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colours[few])


def test_the_file_holds_pixels_and_palette_and_nothing_else() -> None:
    first, second = (encode.indexed_png(levels(), overlay.palette("jet")) for _ in range(2))
    assert first.data == second.data
    kinds = chunks(first.data)
    assert kinds[:2] == [b"IHDR", b"PLTE"]
    assert set(kinds[2:-1]) == {b"IDAT"}
    assert kinds[-1] == b"IEND"


def test_smaller_than_in_full_colour() -> None:
    colours = overlay.palette("jet")
    smooth = np.asarray(Image.fromarray(levels(6, 8)).resize((320, 240)))
    indexed = encode.indexed_png(smooth, colours)
    assert len(indexed.data) < len(encode.png(colours[smooth])) * 0.6


# -- thumbnails ------------------------------------------------------------------------------


def smooth(side: int = 128) -> NDArray[np.uint8]:
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack([np.tile(ramp, (side, 1))] * 3, axis=-1)


def busy(side: int = 128) -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_a_thumbnail_is_no_longer_than_asked_for() -> None:
    assert encode.thumbnail(busy(200)[:100], 50).size == (50, 25)
    assert encode.thumbnail(busy(20), 50).size == (20, 20)


def test_a_busy_picture_is_compressed_more() -> None:
    plain = encode.thumbnail(smooth())
    assert 8 * len(plain.data) < encode.MAX_BITS * 128 * 128
    free = encode.thumbnail(busy(), max_bits=100)
    held = encode.thumbnail(busy(), max_bits=4)
    assert len(held.data) < len(free.data)
    least = encode.thumbnail(busy(), max_bits=0.01)  # the last quality is taken whatever its size
    assert 8 * len(least.data) > 0.01 * 128 * 128


def test_a_thumbnail_shows_the_picture() -> None:
    with Image.open(io.BytesIO(encode.thumbnail(smooth()).data)) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(seen - smooth()).max() <= 8


def test_grey_levels_are_kept_to_the_last_bit() -> None:
    picture = encode.grey_png(levels(9, 7))
    assert (picture.mime, picture.size) == ("image/png", (7, 9))
    assert chunks(picture.data) == [b"IHDR", b"IDAT", b"IEND"]
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), levels(9, 7))


def test_a_smooth_map_is_small() -> None:
    picture = encode.grey_jpeg(smooth()[:, :, 0])
    assert len(picture.data) < 1500
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - smooth()[:, :, 0]).max() <= 8
