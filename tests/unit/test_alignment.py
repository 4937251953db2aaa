"""Maps laid over each other: closed forms, other resolutions, other views."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import runs

from reportgen.alignment import PlacedMap, compare_maps, decode_levels, intersection
from reportgen.reading import compare_targets
from reportgen.values import Box, ClassMap, Picture, Size, Target, TargetMaps

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def placed(values: object, seen: Box = WHOLE, view: Size | None = None) -> PlacedMap:
    cells = np.asarray(values, dtype=np.float32)
    return PlacedMap(cells, seen, view or (cells.shape[1], cells.shape[0]))


def columns(start: int, stop: int) -> PlacedMap:
    """Return a map of 8 by 8 that is 1 in some columns and 0 elsewhere."""
    values = np.zeros((8, 8))
    values[:, start:stop] = 1
    return placed(values)


def blob(across: float, down: float, cells: int = 40) -> np.ndarray:
    """Return a hill around a place given in fractions."""
    places = (np.arange(cells) + 0.5) / cells
    hill = np.exp(-((places[None] - across) ** 2 + (places[:, None] - down) ** 2) / 0.02)
    return np.asarray(hill / hill.max(), dtype=np.float32)


@pytest.mark.parametrize("view", [(8, 8), (224, 224), (30, 50), (3, 3)])
def test_a_map_agrees_with_itself(view: Size) -> None:
    one = placed(blob(0.3, 0.6), view=view)
    assert compare_maps(one, one) == pytest.approx((1, 1))


def test_the_strength_does_not_matter() -> None:
    one = blob(0.3, 0.6)
    assert compare_maps(placed(one), placed(one * np.float32(0.25))) == pytest.approx((1, 1))


def test_what_one_has_the_other_lacks() -> None:
    assert compare_maps(columns(0, 4), columns(4, 8)) == pytest.approx((-1, 0))


@pytest.mark.parametrize(
    ("shift", "r", "iou"), [(0, 1, 1), (1, 0.5, 3 / 5), (2, 0, 2 / 6), (3, -0.5, 1 / 7)]
)
def test_shifted_columns(shift: int, r: float, iou: float) -> None:
    # Half of the places are hot in either map, so r is 4 times the share that is hot in both, -1.
    found = compare_maps(columns(0, 4), columns(shift, 4 + shift))
    assert found == pytest.approx((r, iou), abs=1e-6)


def test_disjoint_places_on_a_larger_ground() -> None:
    r, iou = compare_maps(columns(0, 2), columns(6, 8))
    assert iou == 0
    assert r == pytest.approx(-1 / 3)


def test_a_constant_map_has_no_correlation() -> None:
    r, iou = compare_maps(columns(0, 8), columns(0, 4))
    assert math.isnan(r)
    assert iou == pytest.approx(0.5)


@pytest.mark.parametrize("shapes", [((7, 7), (7, 7)), ((14, 14), (7, 7)), ((5, 9), (56, 30))])
@pytest.mark.parametrize("view", [(224, 224), (160, 96), (20, 20)])
def test_the_numbers_are_those_of_the_reading(
    shapes: tuple[tuple[int, int], tuple[int, int]], view: Size
) -> None:
    random = np.random.default_rng(7)
    first, second = (random.random(shape, dtype=np.float32) ** 3 for shape in shapes)
    maps = [
        TargetMaps(
            Target(name, (0,), 1.0, 0.5, 1),
            (ClassMap("grad-cam", "layer", values / values.max(), (1, *values.shape)),),
        )
        for name, values in (("a", first), ("b", second))
    ]
    (expected,) = compare_targets(maps, view)
    found = compare_maps(
        placed(first / first.max(), view=view), placed(second / second.max(), view=view)
    )
    assert found == pytest.approx((expected.correlation, expected.overlap), abs=2e-3)


# -- views of other parts --------------------------------------------------------------------


def test_views_of_other_parts_are_laid_over_each_other() -> None:
    # The same hill: at a quarter of the whole picture, in the middle of its left half.
    whole = placed(blob(0.25, 0.5, 80), view=(224, 224))
    cells = blob(0.25, 0.5, 80)[:, :40]
    half = placed(cells, (0.0, 0.0, 0.5, 1.0), (112, 224))
    r, iou = compare_maps(whole, half)
    assert r > 0.999
    assert iou > 0.97
    # Laid over each other as if both saw the same, they would hardly agree.
    assert compare_maps(whole, replace(half, seen=WHOLE, view=(224, 224)))[0] < 0.6


def test_heat_outside_of_the_common_part_still_sets_the_peak() -> None:
    values = np.full((8, 8), 0.4)
    values[:, :4] = np.linspace(0, 0.4, 8)[:, None]
    values[0, 7] = 1.0
    peaked = placed(values)
    left = placed(np.eye(8)[:, :4] + 0.0, (0.0, 0.0, 0.5, 1.0))
    # Of the first map nothing on the left reaches half of its peak, which is on the right.
    assert compare_maps(peaked, left)[1] == 0


def test_padding_lies_outside_of_the_picture() -> None:
    tall = placed(blob(0.5, 0.5), (-0.5, 0.0, 2.0, 1.0))
    plain = placed(blob(0.5, 0.5)[:, 10:30], WHOLE, (20, 40))
    assert compare_maps(tall, plain)[0] > 0.999


def test_views_without_a_common_part() -> None:
    left = placed(blob(0.5, 0.5), (0.0, 0.0, 0.5, 1.0))
    right = placed(blob(0.5, 0.5), (0.5, 0.0, 0.5, 1.0))
    assert all(math.isnan(value) for value in compare_maps(left, right))


def test_no_heat_where_both_looked() -> None:
    values = np.zeros((8, 8))
    values[:, 6:] = 1
    left = placed(np.zeros((8, 4)) + 0.0, (0.0, 0.0, 0.5, 1.0))
    assert all(math.isnan(value) for value in compare_maps(placed(values), left))


def test_the_order_does_not_matter() -> None:
    one = placed(blob(0.4, 0.4), (0.1, 0.0, 0.8, 1.0), (224, 224))
    other = placed(blob(0.6, 0.5, 7), (0.0, 0.05, 1.0, 0.9), (299, 299))
    assert compare_maps(one, other) == pytest.approx(compare_maps(other, one))


def test_a_view_of_any_size_is_compared_on_a_grid_that_fits_into_memory() -> None:
    huge = (10**9, 10**9)
    one = placed(blob(0.4, 0.4), view=huge)
    assert compare_maps(one, one) == pytest.approx((1, 1))


def test_intersection() -> None:
    assert intersection((0, 0, 2, 2), (1, 1, 2, 2)) == (1, 1, 1, 1)
    assert intersection((0, 0, 1, 1), (1, 0, 1, 1)) is None


# -- decoding --------------------------------------------------------------------------------


def test_levels_are_shares_of_the_peak() -> None:
    values = [[0.0, 1.0], [0.2, 0.6], [0.4, 0.8]]
    assert decode_levels(runs.grey(values)) == pytest.approx(np.array(values), abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(runs.grey([[1.0, 0.5]]), size=(1, 2)),
        replace(runs.grey([[1.0, 0.5]]), mime="image/jpeg"),
        Picture("image/png", b"", (1, 1)),
        Picture("image/png", runs.grey([[1.0, 0.5]]).data[:40], (2, 1)),
        # A file of a few bytes that would take 10 GB.
        Picture(
            "image/png",
            runs.grey([[1.0]]).data[:16] + (100_000).to_bytes(4, "big") * 2 + b"\x08",
            (100_000, 100_000),
        ),
    ],
)
def test_what_is_not_a_map_is_refused(wrong: Picture) -> None:
    with pytest.raises(ValueError, match="a map of"):
        decode_levels(wrong)
