"""Numbers about maps, against maps whose numbers are known without computing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from reportgen.reading import compare_targets, layers_agree, peak_place, read_map, read_maps
from reportgen.values import Agreement, ClassMap, HeatReading, Target, TargetMaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VIEW = (224, 224)


def class_map(values: Sequence[object] | NDArray[np.float32], method: str = "grad-cam") -> ClassMap:
    array = np.array(values, dtype=np.float32)
    return ClassMap(method, f"layer of {method}", array, (8, *array.shape[:2]))


def spot(row: int, column: int, height: int = 8, width: int = 8) -> NDArray[np.float32]:
    values = np.zeros((height, width), np.float32)
    values[row, column] = 3
    return values


def heat(values: Sequence[object] | NDArray[np.float32], view: tuple[int, int]) -> HeatReading:
    (found,) = read_maps([class_map(values)], view).heats
    return found


def agreement(
    one: Sequence[object] | NDArray[np.float32],
    other: Sequence[object] | NDArray[np.float32],
    view: tuple[int, int] = (8, 8),
) -> Agreement:
    found = read_maps([class_map(one, "a"), class_map(other, "b")], view).methods_agree
    assert found is not None
    return found


def maps(name: str, *found: ClassMap) -> TargetMaps:
    return TargetMaps(Target(name, (0,), 1.0, 0.5, 1), found)


# -- one map ---------------------------------------------------------------------------------


def test_the_place_of_the_peak_is_the_middle_of_its_cell() -> None:
    assert peak_place(class_map(spot(1, 6, height=4, width=8))) == (6.5 / 8, 1.5 / 4)
    assert peak_place(class_map([[0, 2], [2, 1]])) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("row", "column", "quadrant"), [(1, 2, 0), (0, 7, 1), (6, 1, 2), (5, 4, 3)]
)
def test_a_map_in_one_quadrant(row: int, column: int, quadrant: int) -> None:
    found = heat(spot(row, column), (8, 8))
    assert found.quadrants == tuple(float(place == quadrant) for place in range(4))
    assert found.centroid == ((column + 0.5) / 8, (row + 0.5) / 8)
    assert found.area == 1 / 64
    assert (found.method, found.layer) == ("grad-cam", "layer of grad-cam")


def test_x_is_across_and_y_is_down() -> None:
    found = heat(spot(0, 2, height=2, width=4), (4, 2))
    assert found.quadrants == (0.0, 1.0, 0.0, 0.0)
    assert found.centroid == (2.5 / 4, 0.5 / 2)
    assert found.area == 1 / 8


@pytest.mark.parametrize("shape", [(7, 7), (13, 13), (6, 10), (1, 1), (5, 4)])
@pytest.mark.parametrize("view", [(224, 224), (225, 223), (31, 64)])
def test_a_symmetric_map_is_in_the_middle(shape: tuple[int, int], view: tuple[int, int]) -> None:
    values = np.random.default_rng(3).random(shape, np.float32)
    values = (values + values[::-1] + values[:, ::-1] + values[::-1, ::-1]).astype(np.float32)
    found = heat(values, view)
    assert found.centroid == pytest.approx((0.5, 0.5), abs=1e-6)
    assert found.quadrants == pytest.approx((0.25,) * 4, abs=1e-6)


def test_the_middle_of_an_odd_view_is_shared() -> None:
    assert heat(spot(1, 1, 3, 3), (3, 3)).quadrants == (0.25,) * 4
    assert heat(spot(0, 1, 3, 3), (3, 3)).quadrants == (0.5, 0.5, 0.0, 0.0)
    assert heat(spot(1, 2, 3, 3), (3, 3)).quadrants == (0.0, 0.5, 0.0, 0.5)


def test_shares_of_several_quadrants() -> None:
    found = heat([[6, 3], [1, 0]], (2, 2))
    assert found.quadrants == pytest.approx((0.6, 0.3, 0.1, 0))
    assert found.centroid == pytest.approx((0.25 * 0.7 + 0.75 * 0.3, 0.25 * 0.9 + 0.75 * 0.1))
    assert found.area == 0.5  # exactly half of the peak is enough


def test_the_map_is_measured_as_it_is_drawn() -> None:
    values = np.random.default_rng(5).random((7, 7), np.float32) * np.float32(40)
    drawn = cv2.resize(values / values.max(), VIEW).astype(np.float64)
    found = heat(values, VIEW)
    halves = drawn[:112, :112], drawn[:112, 112:], drawn[112:, :112], drawn[112:, 112:]
    assert found.quadrants == pytest.approx([half.sum() / drawn.sum() for half in halves])
    assert sum(found.quadrants) == pytest.approx(1)
    assert found.area == (drawn >= drawn.max() / 2).mean()


def test_the_scale_of_a_map_does_not_matter() -> None:
    values = np.random.default_rng(6).random((7, 7), np.float32)
    assert heat(values, VIEW) == heat(values * np.float32(2**-60), VIEW)


def test_a_constant_map() -> None:
    found = heat(np.full((7, 7), 0.3, np.float32), VIEW)
    assert found.quadrants == pytest.approx((0.25,) * 4)
    assert found.area == 1


def test_the_deepest_map_of_every_method() -> None:
    deep = ClassMap("layer-cam", "last", spot(0, 0), (8, 8, 8))
    found = read_maps([class_map(spot(7, 7)), class_map(spot(7, 0), "layer-cam"), deep], (8, 8))
    assert [(item.method, item.layer) for item in found.heats] == [
        ("grad-cam", "layer of grad-cam"),
        ("layer-cam", "last"),
    ]
    assert found.heats[1].quadrants == (1.0, 0.0, 0.0, 0.0)
    assert found.methods_agree is not None
    assert found.methods_agree.layer == "last"


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_with_nothing_to_show(value: float) -> None:
    empty = np.zeros((8, 8), np.float32)
    empty[2, 2] = value
    found = read_maps([class_map(empty, "a"), class_map(spot(1, 1), "b")], (8, 8))
    assert [item.method for item in found.heats] == ["b"]
    assert found.methods_agree is None
    assert read_maps([class_map(empty)], (8, 8)).heats == ()


def test_a_map_whose_only_spot_falls_between_the_pixels_of_the_view() -> None:
    assert read_maps([class_map(spot(0, 0, 64, 64))], (8, 8)).heats == ()


@pytest.mark.parametrize(
    ("row", "column", "share"),
    [(0, 5, 1), (9, 5, 1), (5, 0, 1), (5, 9, 1), (0, 0, 1), (5, 5, 0), (1, 8, 0)],
)
def test_the_border_is_a_tenth_on_each_side(row: int, column: int, share: float) -> None:
    found = read_map(class_map(spot(row, column, 10, 10)), (10, 10))
    assert found is not None
    assert found.border == pytest.approx(share, abs=1e-12)


def test_the_border_of_an_even_map_is_its_part_of_the_view() -> None:
    for view in ((10, 10), (224, 224), (37, 91)):
        assert heat(np.ones((4, 4), np.float32), view).border == pytest.approx(0.36, abs=1e-6)


def test_one_map_reads_as_among_others() -> None:
    raw = class_map(spot(1, 2))
    assert read_map(raw, VIEW) == heat(spot(1, 2), VIEW)
    assert read_map(class_map(np.zeros((3, 3), np.float32)), VIEW) is None


def test_layers_that_agree() -> None:
    same = [class_map(spot(2, 2), "layer-cam")] * 3
    assert layers_agree(same, (8, 8)) == pytest.approx(1)
    rising = np.arange(16, dtype=np.float32).reshape(4, 4)
    falling = 15 - rising
    pair = [class_map(rising, "layer-cam"), class_map(falling, "layer-cam")]
    assert layers_agree(pair, (4, 4)) == pytest.approx(-1)
    mixed = [class_map(falling, "layer-cam"), *pair[::-1], class_map(rising, "layer-cam")]
    assert layers_agree(mixed, (4, 4)) == pytest.approx((-1 - 1 + 1) / 3)


def test_layers_of_the_first_method_that_has_several() -> None:
    rising = np.arange(16, dtype=np.float32).reshape(4, 4)
    several = [class_map(rising, "b"), class_map(rising, "b")]
    others = [class_map(rising, "c"), class_map(15 - rising, "c")]
    assert layers_agree([class_map(rising, "a"), *several, *others], VIEW) == pytest.approx(1)


def test_layers_that_cannot_be_compared() -> None:
    one, nothing = class_map(spot(1, 1)), class_map(np.zeros((8, 8), np.float32))
    assert layers_agree([], VIEW) is None
    assert layers_agree([one], VIEW) is None
    assert layers_agree([one, nothing], VIEW) is None
    assert layers_agree([one, class_map(np.ones((8, 8), np.float32))], VIEW) is None


def test_no_maps() -> None:
    assert read_maps([], VIEW).heats == ()
    assert read_maps([class_map(spot(1, 1))], VIEW).methods_agree is None


# -- two maps --------------------------------------------------------------------------------


def test_a_map_agrees_with_itself() -> None:
    values = np.random.default_rng(7).random((7, 7), np.float32)
    found = agreement(values, values * np.float32(5), VIEW)
    assert found.correlation == pytest.approx(1)
    assert found.correlation <= 1
    assert found.overlap == 1
    assert found.shared == pytest.approx(1)
    assert found.shared <= 1
    assert (found.first, found.second, found.method) == ("a", "b", "b")
    assert found.layer == "layer of b"


def test_no_rounding_leads_out_of_the_range() -> None:
    for seed in range(400):  # without a limit, a few of these have r = 1.0000000000000002
        generator = np.random.default_rng(seed)
        values = generator.random((2, 2), np.float32)
        found = agreement(values, values * np.float32(generator.random()), (2, 2))
        assert 0.999 < found.correlation <= 1
        assert 0.999 < found.shared <= 1


def test_disjoint_maps() -> None:
    found = agreement(spot(1, 1), spot(6, 6))
    assert (found.overlap, found.shared) == (0, 0)
    assert found.correlation == pytest.approx(-1 / 63)


def test_opposite_maps() -> None:
    ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
    found = agreement(ramp, ramp[::-1, ::-1])
    assert found.correlation == pytest.approx(-1)
    assert found.correlation >= -1


def test_partly_the_same() -> None:
    one, other = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    one[0, :6], other[0, 3:6], other[1, :1] = 2, 5, 5
    found = agreement(one, other)
    assert found.overlap == 3 / 7
    assert found.shared == pytest.approx(0.5)  # three places of 1/6 against 1/4
    assert found.correlation == pytest.approx(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("value", [0.3, 1.0, 1e-20])
def test_a_constant_map_correlates_with_nothing(value: float) -> None:
    flat = np.full((7, 7), value, np.float32)
    for pair in [(flat, spot(1, 1, 7, 7)), (spot(1, 1, 7, 7), flat), (flat, flat)]:
        assert math.isnan(agreement(*pair, VIEW).correlation)
    assert agreement(flat, flat, VIEW).shared == pytest.approx(1)


def test_a_map_that_is_constant_but_for_rounding_correlates_with_nothing() -> None:
    nearly = np.full((8, 8), 0.7, np.float32)
    nearly[::2] = np.nextafter(np.float32(0.7), np.float32(1))
    assert np.ptp(nearly) > 0
    assert math.isnan(agreement(nearly, nearly).correlation)


def test_maps_of_different_layers_are_compared_over_the_view() -> None:
    small = np.array([[1, 0], [0, 0]], np.float32)
    drawn = cv2.resize(small, (8, 8), interpolation=cv2.INTER_LINEAR)
    found = agreement(small, np.asarray(drawn, np.float32))
    assert found.correlation == pytest.approx(1)
    assert found.overlap == 1


# -- targets ---------------------------------------------------------------------------------


def test_every_two_targets_by_every_method() -> None:
    def both(name: str, at: int) -> TargetMaps:
        return maps(
            name,
            class_map(spot(at, at)),
            class_map(spot(7, 7), "layer-cam"),  # a shallow one, not to be compared
            class_map(spot(at, 0), "layer-cam"),
        )

    found = compare_targets([both("cat", 1), both("dog", 5), both("cup", 1)], (8, 8))
    assert [(item.first, item.second, item.method, item.overlap) for item in found] == [
        ("cat", "dog", "grad-cam", 0),
        ("cat", "dog", "layer-cam", 0),
        ("cat", "cup", "grad-cam", 1),
        ("cat", "cup", "layer-cam", 1),
        ("dog", "cup", "grad-cam", 0),
        ("dog", "cup", "layer-cam", 0),
    ]
    assert {item.layer for item in found} == {"layer of grad-cam", "layer of layer-cam"}


def test_targets_without_a_map_are_left_out() -> None:
    empty = np.zeros((8, 8), np.float32)
    cat = maps("cat", class_map(empty), class_map(spot(1, 1), "layer-cam"))
    dog = maps("dog", class_map(spot(1, 1)), class_map(spot(1, 1), "layer-cam"))
    assert [item.method for item in compare_targets([cat, dog], (8, 8))] == ["layer-cam"]
    assert compare_targets([cat], (8, 8)) == ()
    assert compare_targets([], (8, 8)) == ()
