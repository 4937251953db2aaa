"""Mosaics of channels: the grid, the size of the tiles, levels, order and the strongest ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reportgen.mosaic import GAP_COLOUR, LARGE_SIDE, MAX_SIDE, grid, mosaic, tile_size
from reportgen.values import FeatureMaps, Mosaic, Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

PALETTE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)


@dataclass
class Encoder:
    """Keeps what it is given; the pictures hold its number."""

    levels: list[NDArray[np.uint8]] = field(default_factory=list)
    palettes: list[NDArray[np.uint8]] = field(default_factory=list)

    def __call__(self, levels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Picture:
        self.levels.append(levels)
        self.palettes.append(palette)
        number = str(len(self.levels) - 1).encode()
        return Picture("test", number, (levels.shape[1], levels.shape[0]))

    def of(self, picture: Picture) -> NDArray[np.uint8]:
        return self.levels[int(picture.data)]


def features(values: NDArray[np.floating], *weights: list[float]) -> FeatureMaps:
    return FeatureMaps(
        "features.3",
        np.asarray(values, np.float32),
        tuple(np.array(of_target, np.float32) for of_target in weights),
    )


def draw(
    values: NDArray[np.floating],
    *weights: list[float],
    scale: str = "channel",
    order: str = "channel",
) -> tuple[Mosaic, NDArray[np.uint8], Encoder]:
    encoder = Encoder()
    made = mosaic(
        features(values, *weights),
        ["cat", "dog"][: len(weights)],
        scale=scale,
        order=order,
        palette=PALETTE,
        encode=encoder,
    )
    return made, encoder.of(made.picture), encoder


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(4).standard_normal(shape, np.float32)


def tile(made: Mosaic, levels: NDArray[np.uint8], place: int) -> NDArray[np.uint8]:
    row, column = divmod(place, made.columns)
    width, height = made.tile
    top, left = made.gap + row * (height + made.gap), made.gap + column * (width + made.gap)
    return levels[top : top + height, left : left + width]


# -- grid and size ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        *[(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (5, (3, 2)), (6, (3, 2)), (7, (3, 3))],
        *[(32, (8, 4)), (64, (8, 8)), (96, (12, 8)), (192, (16, 12)), (256, (16, 16))],
        *[(320, (20, 16)), (384, (24, 16)), (512, (32, 16)), (1280, (40, 32)), (2048, (64, 32))],
        *[(17, (5, 4)), (97, (10, 10)), (26, (6, 5)), (1000, (40, 25))],
    ],
)
def test_grid(channels: int, expected: tuple[int, int]) -> None:
    assert grid(channels) == expected


def test_every_grid_has_a_place_for_every_channel() -> None:
    for channels in range(1, 1500):
        columns, rows = grid(channels)
        assert columns * (rows - 1) < channels <= columns * rows
        assert rows <= columns <= 2 * rows


@pytest.mark.parametrize(
    ("native", "channels", "expected"),
    [
        ((13, 13), 256, (13, 13)),  # 225 pixels wide
        ((7, 7), 1280, (7, 7)),
        ((7, 7), 64, (28, 28)),  # 233: 3 times would be 177
        ((7, 5), 64, (28, 20)),
        ((1, 1), 2048, (3, 3)),
        ((1, 1), 1, (218, 218)),
        ((112, 112), 64, (112, 112)),  # 905
        ((112, 112), 96, (92, 92)),
        ((224, 112), 64, (138, 69)),
        ((112, 224), 64, (69, 138)),
        ((56, 56), 10_000, (10, 10)),
        ((56, 56), 90_000, (4, 4)),  # 1501: no smaller
        ((2, 900), 16, (2, 900)),
    ],
)
def test_tile_size(native: tuple[int, int], channels: int, expected: tuple[int, int]) -> None:
    assert tile_size(native, *grid(channels)) == expected


def test_mosaics_are_neither_too_large_nor_too_small() -> None:
    for side in (1, 3, 7, 13, 27, 55, 112, 400):
        for channels in (1, 3, 16, 64, 97, 512, 2048):
            columns, rows = grid(channels)
            width, height = tile_size((side, side), columns, rows)
            assert width == height
            assert 220 <= columns * (width + 1) + 1 <= MAX_SIDE
            assert rows * (height + 1) + 1 <= MAX_SIDE


# -- levels ----------------------------------------------------------------------------------


def test_tiles_lie_row_by_row_with_gaps() -> None:
    values = noise(6, 50, 90)
    made, levels, _ = draw(values, [0.0] * 6)
    assert (made.columns, made.rows, made.tile, made.gap) == (3, 2, (90, 50), 1)
    assert made.picture.size == (3 * 91 + 1, 2 * 51 + 1)
    assert levels.shape == (103, 274)
    assert levels.dtype == np.uint8
    assert (made.layer, made.shape, made.file) == ("features.3", (6, 50, 90), None)
    gaps = np.ones(levels.shape, bool)
    for place, channel in enumerate(values):
        least, most = float(channel.min()), float(channel.max())
        expected = 1 + np.rint(254 * (channel.astype(np.float64) - least) / (most - least))
        np.testing.assert_array_equal(tile(made, levels, place), expected)
        row, column = divmod(place, 3)
        gaps[1 + 51 * row : 51 * row + 51, 1 + 91 * column : 91 * column + 91] = False
    assert not levels[gaps].any()
    assert levels[~gaps].min() == 1


def test_a_place_without_a_channel_is_gap() -> None:
    made, levels, _ = draw(noise(3, 120, 120), [0.0] * 3)
    assert (made.columns, made.rows) == (2, 2)
    assert not tile(made, levels, 3).any()
    assert tile(made, levels, 2).all()


def test_the_gap_has_a_colour_of_its_own() -> None:
    _, _, encoder = draw(noise(2, 7, 7), [0.0] * 2)
    for palette in encoder.palettes:
        assert palette.dtype == np.uint8
        assert palette[0].tolist() == list(GAP_COLOUR)
        np.testing.assert_array_equal(palette[1:], PALETTE[1:])
    assert PALETTE[0].tolist() == [0, 0, 0]


def test_small_maps_are_enlarged_by_blocks() -> None:
    values = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    made, levels, _ = draw(values, [0.0])
    assert made.tile == (218, 218)
    expected = np.array([[1, 86], [170, 255]]).repeat(109, axis=0).repeat(109, axis=1)
    np.testing.assert_array_equal(tile(made, levels, 0), expected)


def test_large_maps_are_averaged() -> None:
    values = np.zeros((64, 276, 276), np.float32)
    values[:, ::2] = 1  # rows of 1 and 0: on average in the middle
    values[0, 4, :] = 5
    made, levels, _ = draw(values, [0.0] * 64)
    assert made.tile == (138, 138)
    assert set(tile(made, levels, 1).ravel().tolist()) == {128}
    # Scaled by the values themselves, of which the largest is 5, and not by the averages.
    assert sorted(set(tile(made, levels, 0).ravel().tolist())) == [1 + 25, 1 + 127]


def test_scale_of_the_channel_or_of_the_layer() -> None:
    values = np.array([[[0, 64]], [[127, 254]]], np.float32)
    for scale, expected in (("channel", [1, 255, 1, 255]), ("layer", [1, 65, 128, 255])):
        made, levels, _ = draw(values, [0.0] * 2, scale=scale)
        first, second = tile(made, levels, 0), tile(made, levels, 1)
        ends = [first[0, 0], first[0, -1], second[0, 0], second[0, -1]]
        assert [int(level) for level in ends] == expected
        assert (made.scale, made.minimum, made.maximum) == (scale, 0, 254)


@pytest.mark.parametrize("scale", ["channel", "layer"])
def test_a_constant_channel_has_the_lowest_level(scale: str) -> None:
    made, levels, _ = draw(np.full((2, 7, 7), 3.0), [0.0] * 2, scale=scale)
    assert (tile(made, levels, 0) == 1).all()
    assert (made.minimum, made.maximum) == (3, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_do_not_count(bad: float) -> None:
    values = np.array([[[5, 7, 9]], [[6, bad, 8]], [[bad, bad, bad]]], np.float32)
    made, levels, _ = draw(values, [0.0] * 3)
    width = made.tile[0] // 3
    found = [tile(made, levels, place)[0, ::width].tolist() for place in range(3)]
    assert found == [[1, 128, 255], [1, 1, 255], [1, 1, 1]]
    assert (made.minimum, made.maximum) == (5, 9)


def test_nothing_is_finite() -> None:
    made, levels, _ = draw(np.full((2, 7, 7), np.nan), [1.0, 2.0])
    assert math.isnan(made.minimum)
    assert math.isnan(made.maximum)
    assert math.isnan(made.strongest[0].channels[0].peak)
    assert (tile(made, levels, 0) == 1).all()


def test_the_largest_numbers_there_are() -> None:
    most = float(np.finfo(np.float32).max)
    made, levels, _ = draw(np.array([[[-most, 0, most]]]), [0.0])
    assert tile(made, levels, 0)[0, :: made.tile[0] // 3].tolist()[:3] == [1, 128, 255]


# -- order and strongest ---------------------------------------------------------------------


def test_order_by_channel() -> None:
    made, _, _ = draw(noise(4, 7, 7), [1.0, 2.0, 3.0, 4.0])
    assert made.order == (0, 1, 2, 3)
    assert made.ordered_by == "channel"


def test_order_by_weight_for_the_first_target() -> None:
    values = noise(4, 7, 7)
    weights = [0.5, -2.0, 3.0, 0.5], [9.0, 0.0, 0.0, 0.0]
    made, levels, _ = draw(values, *weights, order="weight")
    assert made.order == (2, 0, 3, 1)
    assert made.ordered_by == "weight"
    plain, plain_levels, _ = draw(values, *weights)
    for place, channel in enumerate(made.order):
        np.testing.assert_array_equal(tile(made, levels, place), tile(plain, plain_levels, channel))
    assert made.weights == (("cat", (0.5, -2, 3, 0.5)), ("dog", (9, 0, 0, 0)))


def test_equal_weights_keep_the_order_of_the_channels() -> None:
    made, _, _ = draw(noise(300, 2, 2), [0.5, 1.0, 0.0] * 100, order="weight")
    assert made.order == (*range(1, 300, 3), *range(0, 300, 3), *range(2, 300, 3))


def test_a_weight_that_is_no_number_comes_last() -> None:
    made, _, _ = draw(noise(3, 7, 7), [math.nan, -1.0, 2.0], order="weight")
    assert made.order == (2, 1, 0)


def test_without_targets_there_are_no_weights_to_order_by() -> None:
    made, _, _ = draw(noise(3, 7, 7), order="weight")
    assert (made.order, made.ordered_by) == ((0, 1, 2), "channel")
    assert (made.weights, made.strongest) == ((), ())


def test_the_strongest_channels_of_every_target() -> None:
    values = noise(10, 13, 13)
    first = [0.0, 5.0, -9.0, 1.0, 2.0, 3.0, 4.0, 6.0, -1.0, 7.0]
    made, levels, encoder = draw(values, first, [-weight for weight in first])
    cat, dog = made.strongest
    assert (cat.target, dog.target) == ("cat", "dog")
    assert [item.channel for item in cat.channels] == [9, 7, 1, 6, 5, 4, 3, 0]
    assert [item.weight for item in cat.channels] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [item.channel for item in dog.channels] == [2, 8, 0, 3, 4, 5, 6, 1]
    for item in cat.channels:
        assert item.peak == float(values[item.channel].max())
        assert item.picture.size == (117, 117)  # 9 times 13
        small = tile(made, levels, item.channel)[:: made.tile[1] // 13, :: made.tile[0] // 13]
        large = encoder.of(item.picture)
        np.testing.assert_array_equal(large, small.repeat(9, axis=0).repeat(9, axis=1))


def test_the_strongest_are_drawn_with_the_scale_of_the_mosaic() -> None:
    values = np.array([[[0, 64]], [[127, 254]]], np.float32)
    made, _, encoder = draw(values, [1.0, 0.0], scale="layer")
    (only, _) = made.strongest[0].channels
    assert only.channel == 0
    assert sorted(set(encoder.of(only.picture).ravel().tolist())) == [1, 65]


@pytest.mark.parametrize(
    ("native", "size"),
    [
        ((7, 7), (126, 126)),
        ((128, 64), (128, 64)),
        ((112, 112), (112, 112)),
        ((256, 64), (128, 32)),
    ],
)
def test_the_size_of_a_channel_drawn_large(native: tuple[int, int], size: tuple[int, int]) -> None:
    made, _, _ = draw(noise(3, native[1], native[0]), [1.0, 2.0, 3.0])
    assert [item.picture.size for item in made.strongest[0].channels] == [size] * 3
    assert max(size) <= LARGE_SIDE


def test_the_values_are_left_as_they_are() -> None:
    values = noise(3, 7, 7)
    values[0, 0, 0] = np.nan
    source = features(values, [0.0, 1.0, 2.0])
    before = source.values.copy()
    mosaic(source, ["cat"], scale="channel", order="weight", palette=PALETTE, encode=Encoder())
    np.testing.assert_array_equal(source.values, before)
