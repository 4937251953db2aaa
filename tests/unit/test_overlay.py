"""Overlays against the lab's formula, on the original picture, and encoding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from reportgen import encode, overlay
from reportgen.normalise import normalise
from reportgen.options import COLORMAP_NAMES
from reportgen.preprocess import preprocess, view_geometry
from reportgen.values import ClassMap, DecodedImage, ImageFile, MapState, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reportgen.values import Size, ViewGeometry


def class_map(values: NDArray[np.float32]) -> ClassMap:
    return ClassMap("grad-cam", "features", values, (8, *values.shape[:2]))


def noise(height: int = 48, width: int = 64, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def raw(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    return values * np.float32(17.5)


def decode_png(data: bytes) -> NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(bgr[:, :, ::-1], dtype=np.uint8)


@pytest.mark.parametrize("shape", [(7, 7), (13, 13), (3, 9), (1, 1), (48, 64), (96, 96)])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_labs_arithmetic(shape: tuple[int, int], alpha: float) -> None:
    values, view = raw(*shape), noise()
    drawn = overlay.draw(class_map(values), view, alpha=alpha, colormap="jet")
    cam = cv2.resize(values / values.max(), (64, 48))
    heat = cv2.applyColorMap(np.uint8(255 * cam), cv2.COLORMAP_JET)[:, :, ::-1]  # type: ignore[call-overload]
    blend = alpha * heat.astype(np.float64) + (1 - alpha) * view.astype(np.float64)
    assert drawn.state is MapState.SHOWN
    assert drawn.heat is not None
    assert drawn.blend is not None
    assert drawn.heat.dtype == drawn.blend.dtype == np.uint8
    np.testing.assert_array_equal(drawn.heat, heat)
    assert np.abs(drawn.blend - blend).max() <= 1


def test_a_thumbnail_steps_over_no_cell_of_a_finer_map() -> None:
    values = np.zeros((96, 96), np.float32)
    values[::4, ::4] = 1

    def heat(*, shrunk: bool) -> NDArray[np.uint8]:
        view = np.zeros((24, 24, 3), np.uint8)
        found = overlay.draw(class_map(values), view, alpha=1, colormap="bone", shrunk=shrunk).heat
        assert found is not None
        return found

    assert (heat(shrunk=True)[..., 0] > 0).all()
    assert not heat(shrunk=False)[..., 0].any()


def test_scale_of_the_map_does_not_matter() -> None:
    values, view = raw(7, 7), noise()
    one = overlay.draw(class_map(values), view, alpha=0.3, colormap="jet")
    tiny = overlay.draw(class_map(values * np.float32(2**-60)), view, alpha=0.3, colormap="jet")
    np.testing.assert_array_equal(one.blend, tiny.blend)


def test_the_raw_map_is_kept() -> None:
    source = class_map(raw(7, 7))
    before = source.values.copy()
    drawn = overlay.draw(source, noise(), alpha=0.3, colormap="jet")
    assert drawn.source is source
    np.testing.assert_array_equal(source.values, before)
    assert normalise(before).max() == 1


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.0, MapState.NO_EVIDENCE),
        (-1.0, MapState.NO_EVIDENCE),
        (np.nan, MapState.NOT_FINITE),
        (np.inf, MapState.NOT_FINITE),
    ],
)
def test_a_map_with_nothing_to_show(value: float, state: MapState) -> None:
    values = np.zeros((7, 7), dtype=np.float32)
    values[2, 3] = value
    drawn = overlay.draw(class_map(values), noise(), alpha=0.3, colormap="jet")
    assert drawn.state is state
    assert drawn.heat is None
    assert drawn.blend is None


def test_colormap_names_are_those_of_the_command() -> None:
    assert tuple(overlay.COLORMAPS) == COLORMAP_NAMES


@pytest.mark.parametrize("name", COLORMAP_NAMES)
def test_every_colormap(name: str) -> None:
    drawn = overlay.draw(class_map(raw(7, 7)), noise(), alpha=0.5, colormap=name)
    assert drawn.heat is not None
    assert drawn.heat.shape == (48, 64, 3)
    assert len(np.unique(drawn.heat.reshape(-1, 3), axis=0)) > 50
    ends = cv2.applyColorMap(np.array([[0, 255]], np.uint8), overlay.COLORMAPS[name])[0, :, ::-1]
    bar = overlay.colorbar(name)
    assert bar.shape == (12, 256, 3)
    assert bar[:, 0].tolist() == [ends[0].tolist()] * 12
    assert bar[:, -1].tolist() == [ends[1].tolist()] * 12


def test_colormaps_differ() -> None:
    assert len({overlay.colorbar(name).tobytes() for name in COLORMAP_NAMES}) == len(COLORMAP_NAMES)


def test_jet_goes_from_blue_to_red() -> None:
    bar = overlay.colorbar("jet", (64, 2)).astype(int)
    assert bar.shape == (2, 64, 3)
    assert bar[0, 0, 2] > 100 > bar[0, 0, 0]
    assert bar[0, -1, 0] > 100 > bar[0, -1, 2]


@pytest.mark.parametrize("name", COLORMAP_NAMES)
def test_palette(name: str) -> None:
    colours = overlay.palette(name)
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    np.testing.assert_array_equal(colours, overlay.colorbar(name, (256, 1))[0])


# -- on the original picture -------------------------------------------------------------------

IMAGENET = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
)
RECIPES = {
    "shorter": IMAGENET,
    "shorter, wide": replace(IMAGENET, resize=219, crop=(200, 192)),
    "shorter, tall": replace(IMAGENET, resize=219, crop=(192, 215)),
    "shorter, padded": replace(IMAGENET, resize=101, crop=(224, 164)),
    "squash": replace(IMAGENET, mode="squash", resize=None),
    "squash, wide": replace(IMAGENET, mode="squash", resize=None, crop=(224, 150)),
    "letterbox": replace(IMAGENET, mode="letterbox", resize=None),
    "letterbox, wide": replace(IMAGENET, mode="letterbox", resize=None, crop=(225, 160)),
    "none": replace(IMAGENET, mode="none", resize=None, crop=None),
}
SIZES = [(640, 427), (427, 640), (333, 517), (1001, 333), (97, 301), (63, 41), (41, 63), (299, 300)]
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
every_size = pytest.mark.parametrize("size", SIZES, ids=str)


def view_of(pixels: NDArray[np.uint8], recipe: Preprocessing) -> NDArray[np.uint8]:
    image = DecodedImage(ImageFile(Path("a.png"), "a.png"), pixels, "abc")
    return preprocess(image, recipe).view


def redness(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels[:, :, 0].astype(np.float32) - pixels[:, :, 2]


def pixel_pitch(geometry: ViewGeometry) -> NDArray[np.float64]:
    """Return the width and the height of one pixel of the view, in pixels of the original."""
    return np.divide(geometry.original, geometry.resized)


def marked(size: Size, geometry: ViewGeometry) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return grey pixels with a red mark off the middle, and the mark's centre."""
    # One pixel, or where the picture is reduced as many as are needed for it to be seen at all.
    sides = np.ceil(np.maximum(1, 2 * pixel_pitch(geometry))).astype(int)
    left, top = (np.array(size) * (0.44, 0.57)).astype(int)
    pixels = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    pixels[top : top + sides[1], left : left + sides[0], 0] = 255
    return pixels, np.array([left, top]) + sides / 2


def centre_of(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the centre of mass as (x, y); a pixel's centre is at one half."""
    rows, columns = np.indices(weights.shape) + 0.5
    total = weights.sum(dtype=np.float64)
    return np.array([(columns * weights).sum() / total, (rows * weights).sum() / total])


def hottest(drawn: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the middle of the brightest pixels; with alpha 1 and ``bone`` these are the heat."""
    brightness = drawn.sum(axis=2, dtype=np.int64)
    return centre_of((brightness == brightness.max()).astype(np.float64))


def peak_at(
    place: tuple[np.intp, np.intp], geometry: ViewGeometry, drawn_on: Size
) -> NDArray[np.float32]:
    """Return a map of one pixel, or where what is drawn on has larger ones, of about theirs."""
    rows, columns = np.indices((geometry.view[1], geometry.view[0]))
    across, down = np.maximum(1, np.divide(geometry.resized, drawn_on))
    values = np.maximum(0, 1 - np.abs(columns - place[1]) / across)
    values *= np.maximum(0, 1 - np.abs(rows - place[0]) / down)
    return np.asarray(17.5 * values, dtype=np.float32)


@every_recipe
@every_size
@pytest.mark.parametrize("reduced", [1.0, 0.35])
def test_the_hottest_point_lies_on_the_mark(
    recipe: Preprocessing, size: Size, reduced: float
) -> None:
    geometry = view_geometry(size, recipe)
    pixels, mark = marked(size, geometry)
    seen = redness(view_of(pixels, recipe))
    shrunk = max(1, round(size[0] * reduced)), max(1, round(size[1] * reduced))
    peak = peak_at(np.divmod(seen.argmax(), seen.shape[1]), geometry, shrunk)
    original = np.asarray(cv2.resize(pixels, shrunk), dtype=np.uint8)
    drawn = overlay.draw_on_original(class_map(peak), original, geometry, alpha=1, colormap="bone")
    assert drawn is not None
    assert drawn.shape == original.shape
    only_heat = drawn * np.any(drawn != original, axis=2, keepdims=True)
    found = hottest(np.asarray(only_heat, dtype=np.uint8)) * size / shrunk
    # Half a pixel of the view, half a pixel of what is drawn on, and half of the mark.
    side = np.ceil(np.maximum(1, 2 * pixel_pitch(geometry)))
    allowed = 0.5 * pixel_pitch(geometry) + 0.5 * np.divide(size, shrunk) + 0.5 * (side - 1)
    assert (np.abs(found - mark) <= allowed).all(), (found, mark, allowed)


@every_recipe
@every_size
def test_what_the_view_shows_goes_back_to_where_it_came_from(
    recipe: Preprocessing, size: Size
) -> None:
    geometry = view_geometry(size, recipe)
    pixels, mark = marked(size, geometry)
    values, (rows, columns) = overlay.on_original(redness(view_of(pixels, recipe)), size, geometry)
    found = centre_of(values) + np.array([columns.start, rows.start])
    # The mark's eight-bit fringe is all that keeps the centres of mass from being the same.
    assert (np.abs(found - mark) <= 0.05 * np.maximum(1, pixel_pitch(geometry))).all()


def axis_of(
    size: int, resized: int, offset: int, view: int
) -> tuple[NDArray[np.float64], slice, slice]:
    """Return where every pixel's centre lies in the view, which are seen, and which far inside."""
    places = np.array([(index + 0.5) * resized / size - offset for index in range(size)])
    seen = np.flatnonzero((places >= 0) & (places < view))
    edge = max(1.0, resized / size)
    low, high = max(0, -offset) + edge, min(view, resized - offset) - edge
    inner = np.flatnonzero((places >= low) & (places <= high))
    first = int(seen[0])
    return places, slice(first, int(seen[-1]) + 1), slice(inner[0] - first, inner[-1] + 1 - first)


@every_recipe
@every_size
@pytest.mark.parametrize("reduced", [1.0, 0.35])
def test_a_ramp_says_where_each_pixel_lies_in_the_view(
    recipe: Preprocessing, size: Size, reduced: float
) -> None:
    geometry = view_geometry(size, recipe)
    drawn_on = max(1, round(size[0] * reduced)), max(1, round(size[1] * reduced))
    width, height = geometry.view
    across = np.tile(np.arange(width, dtype=np.float32) + 0.5, (height, 1))
    down = np.tile(np.arange(height, dtype=np.float32)[:, np.newaxis] + 0.5, (1, width))
    x, columns, inner_x = axis_of(drawn_on[0], geometry.resized[0], geometry.crop_left, width)
    y, rows, inner_y = axis_of(drawn_on[1], geometry.resized[1], geometry.crop_top, height)
    found, seen = overlay.on_original(across, drawn_on, geometry)
    assert seen == (rows, columns)
    assert found.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found[:, inner_x], np.tile(x[columns][inner_x], (found.shape[0], 1)), rtol=0, atol=1e-3
    )
    found, _ = overlay.on_original(down, drawn_on, geometry)
    np.testing.assert_allclose(
        found.T[:, inner_y], np.tile(y[rows][inner_y], (found.shape[1], 1)), rtol=0, atol=1e-3
    )


@pytest.mark.parametrize("name", ["letterbox", "letterbox, wide", "shorter, padded"])
@every_size
@pytest.mark.parametrize("reduced", [1.0, 0.35])
def test_the_heat_of_padding_does_not_leak_in(name: str, size: Size, reduced: float) -> None:
    geometry = view_geometry(size, RECIPES[name])
    left, top = max(0, -geometry.crop_left), max(0, -geometry.crop_top)
    values = np.ones((geometry.view[1], geometry.view[0]), dtype=np.float32)
    values[top : top + geometry.resized[1], left : left + geometry.resized[0]] = 0
    assert values.any()
    drawn_on = max(1, round(size[0] * reduced)), max(1, round(size[1] * reduced))
    found, _ = overlay.on_original(values, drawn_on, geometry)
    assert found.size
    assert not found.any()


def test_letterbox_heats_the_whole_picture() -> None:
    pixels = noise(61, 143)
    geometry = view_geometry((143, 61), RECIPES["letterbox"])
    drawn = overlay.draw_on_original(
        class_map(np.ones((7, 7), dtype=np.float32)), pixels, geometry, alpha=1, colormap="bone"
    )
    np.testing.assert_array_equal(drawn, np.full_like(pixels, 255))


@pytest.mark.parametrize(
    ("recipe", "size"),
    [
        (RECIPES["none"], (131, 77)),
        (RECIPES["squash, wide"], (224, 150)),
        (RECIPES["letterbox, wide"], (225, 160)),
        (replace(IMAGENET, resize=224), (224, 224)),
    ],
)
@pytest.mark.parametrize("colormap", ["jet", "viridis"])
def test_equal_to_the_view_where_that_is_the_whole_original(
    recipe: Preprocessing, size: Size, colormap: str
) -> None:
    pixels, source = noise(size[1], size[0]), class_map(raw(6, 7))
    np.testing.assert_array_equal(view_of(pixels, recipe), pixels)
    on_view = overlay.draw(source, pixels, alpha=0.3, colormap=colormap)
    on_original = overlay.draw_on_original(
        source, pixels, view_geometry(size, recipe), alpha=0.3, colormap=colormap
    )
    np.testing.assert_array_equal(on_original, on_view.blend)


def test_the_picture_is_plain_where_the_model_did_not_look() -> None:
    pixels = noise(256, 512)
    kept = pixels.copy()
    geometry = view_geometry((512, 256), IMAGENET)
    drawn = overlay.draw_on_original(
        class_map(raw(7, 7)), pixels, geometry, alpha=0.3, colormap="jet"
    )
    assert drawn is not None
    np.testing.assert_array_equal(pixels, kept)
    on_view = overlay.draw(class_map(raw(7, 7)), pixels[16:240, 144:368], alpha=0.3, colormap="jet")
    expected = pixels.copy()
    assert on_view.blend is not None
    expected[16:240, 144:368] = on_view.blend
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("size", [(900, 700), (333, 517), (120, 113)])
def test_interpolating_adds_no_noise(size: Size) -> None:
    values = np.full((224, 224), 0.3, dtype=np.float32)
    found, _ = overlay.on_original(values, size, view_geometry(size, RECIPES["squash"]))
    assert np.unique(found).tolist() == [values[0, 0]]


@pytest.mark.parametrize("size", [(900, 700), (50, 41), (224, 224)])
def test_a_constant_map_stays_constant(size: Size) -> None:
    geometry = view_geometry(size, RECIPES["squash"])
    source = class_map(np.full((7, 7), 0.3, dtype=np.float32))
    pixels = noise(size[1], size[0])
    drawn = overlay.draw_on_original(source, pixels, geometry, alpha=1, colormap="bone")
    np.testing.assert_array_equal(drawn, np.full_like(pixels, 255))


def test_a_copy_too_small_to_show_what_the_model_saw() -> None:
    geometry = view_geometry((10_000, 100), IMAGENET)  # sees less than one hundredth of it
    pixels = noise(1, 10)
    drawn = overlay.draw_on_original(
        class_map(raw(7, 7)), pixels, geometry, alpha=1, colormap="jet"
    )
    np.testing.assert_array_equal(drawn, pixels)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_nothing_to_show_on_the_original(value: float) -> None:
    source = class_map(np.full((7, 7), value, dtype=np.float32))
    geometry = view_geometry((64, 48), IMAGENET)
    assert overlay.draw_on_original(source, noise(), geometry, alpha=0.3, colormap="jet") is None


# -- encoding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((448, 224), (224, 112)),
        ((224, 448), (112, 224)),
        ((224, 224), (224, 224)),
        ((100, 50), (100, 50)),
        ((1000, 1), (224, 1)),
        ((1, 1), (1, 1)),
    ],
)
def test_thumbnail_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = encode.thumbnail(noise(size[1], size[0]))
    assert picture.mime == "image/jpeg"
    assert picture.data[:3] == b"\xff\xd8\xff"
    assert picture.size == expected
    assert decode_png(picture.data).shape == (expected[1], expected[0], 3)


def test_thumbnail_keeps_the_colours_in_order() -> None:
    red = np.full((300, 300, 3), (250, 30, 10), dtype=np.uint8)
    seen = decode_png(encode.thumbnail(red, 32).data)
    assert np.abs(seen.astype(int) - (250, 30, 10)).max() <= 4


def test_png_is_lossless() -> None:
    pixels = noise(33, 17)
    picture = encode.png_picture(pixels)
    assert picture.mime == "image/png"
    assert picture.size == (17, 33)
    assert picture.data == encode.png(pixels)
    np.testing.assert_array_equal(decode_png(picture.data), pixels)
