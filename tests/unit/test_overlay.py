"""Overlays against the lab's formula, and encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from reportgen import encode, overlay
from reportgen.options import COLORMAP_NAMES
from reportgen.values import ClassMap, MapState

if TYPE_CHECKING:
    from numpy.typing import NDArray


def class_map(values: NDArray[np.float32]) -> ClassMap:
    return ClassMap("grad-cam", "features", 3, values, (8, *values.shape[:2]))


def noise(height: int = 48, width: int = 64, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def raw(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    return values * np.float32(17.5)


def decode_png(data: bytes) -> NDArray[np.uint8]:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(bgr[:, :, ::-1], dtype=np.uint8)


@pytest.mark.parametrize("shape", [(7, 7), (13, 13), (3, 9), (1, 1), (48, 64)])
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
    assert overlay.normalise(before).max() == 1


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
