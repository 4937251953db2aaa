"""Maps against boxes whose overlap can be counted on squared paper."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.boxes import Box
from reportgen.localisation import (
    boxes_of,
    heat_box,
    iou,
    localise,
    summarise,
    to_view,
)
from reportgen.values import ClassMap, Localisation, LocalisationSummary, Target, ViewGeometry

VIEW = (10, 10)


def target(rank: int | None = 1, classes: tuple[int, ...] = (3,)) -> Target:
    return Target("cat", classes, logit=5, probability=0.5, rank=rank)


def spots(*pixels: tuple[int, int, float]) -> ClassMap:
    values = np.zeros((10, 10), np.float32)
    for row, column, heat in pixels:
        values[row, column] = heat
    return ClassMap("grad-cam", "layer4", values, (8, 10, 10))


def block(rows: slice, columns: slice) -> ClassMap:
    values = np.zeros((10, 10), np.float32)
    values[rows, columns] = 2
    return ClassMap("grad-cam", "layer4", values, (8, 10, 10))


def measured(source: ClassMap, *boxes: tuple[float, float, float, float]) -> Localisation:
    return localise(source, target(), boxes, VIEW)


# -- boxes in the view -----------------------------------------------------------------------


def test_a_box_is_resized_and_cut_off_at_the_crop() -> None:
    # 400×200 to 200×100, the middle 100×100 of it seen.
    geometry = ViewGeometry((400, 200), (200, 100), 50, 0, (100, 100))
    boxes = [Box(120, 20, 180, 60), Box(0, 0, 200, 200), Box(0, 0, 100, 200), Box(380, 0, 400, 9)]
    found = to_view(boxes, geometry)
    assert list(found.boxes) == [(10, 10, 40, 30), (0, 0, 50, 100)]
    assert (found.clipped, found.lost) == (1, 2)


def test_a_box_does_not_reach_into_padding() -> None:
    # 100×50 into 100×100: 25 rows of padding above and below.
    geometry = ViewGeometry((100, 50), (100, 50), 0, -25, (100, 100))
    found = to_view([Box(10, 0, 20, 50), Box(10, -9, 20, 99)], geometry)
    assert list(found.boxes) == [(10, 25, 20, 75)] * 2
    assert found.clipped == 1


def test_a_squashed_picture_has_its_own_scale_in_each_direction() -> None:
    geometry = ViewGeometry((100, 50), (10, 10), 0, 0, (10, 10))
    assert to_view([Box(50, 25, 100, 50)], geometry).boxes == ((5, 5, 10, 10),)


def test_boxes_hold_for_their_class_or_for_all() -> None:
    mine, other, any_class = Box(0, 0, 1, 1, 3), Box(0, 0, 1, 1, 4), Box(0, 0, 1, 1)
    assert boxes_of([mine, other, any_class], target()) == (mine, any_class)
    assert boxes_of([mine, other], target(None, (4, 5))) == (other,)


# -- pointing games --------------------------------------------------------------------------


def test_the_peak_is_a_hit_in_any_of_the_boxes() -> None:
    source = spots((2, 7, 1), (5, 5, 0.9))
    assert measured(source, (7, 2, 8, 3)).hit
    assert measured(source, (0, 0, 1, 1), (7, 2, 8, 3)).hit
    assert not measured(source, (5, 5, 6, 6)).hit
    assert not measured(source, (8, 2, 9, 3)).hit


@pytest.mark.parametrize(("tolerance", "hit"), [(0, False), (4.9, False), (5, True)])
def test_a_tolerance_is_a_distance_to_the_nearest_pixel(*, tolerance: float, hit: bool) -> None:
    # The nearest pixel of the box is (4, 5), three columns and four rows away.
    found = localise(spots((1, 1, 1)), target(), [(4, 5, 9, 9)], VIEW, tolerance=tolerance)
    assert found.hit is hit


def test_energy_is_the_share_of_the_heat_inside_the_union() -> None:
    source = spots((0, 0, 1), (0, 1, 0.5), (9, 9, 0.5))
    assert measured(source, (0, 0, 1, 1)).energy == pytest.approx(0.5)
    assert measured(source, (0, 0, 2, 1), (1, 0, 2, 1)).energy == pytest.approx(0.75)
    assert measured(source, (0, 0, 10, 10)).energy == pytest.approx(1)
    # The centre of pixel 1 is at 1.5.
    assert measured(source, (0, 0, 1.5, 1)).energy == pytest.approx(0.5)
    assert measured(source, (0, 0, 1.6, 1)).energy == pytest.approx(0.75)
    assert measured(source, (0.6, 0, 2, 1)).energy == pytest.approx(0.25)


def test_a_box_between_two_centres_still_has_a_pixel() -> None:
    assert measured(spots((9, 9, 1)), (9.6, 9.6, 10, 10)).hit
    assert measured(spots((0, 4, 1)), (4.6, 0, 4.9, 1)).hit


def test_the_map_is_measured_as_it_is_drawn() -> None:
    source = ClassMap("m", "l", np.array([[0, 4], [-8, 0]], np.float32), (1, 2, 2))
    found = localise(source, target(), [(5, 0, 10, 5)], VIEW)
    assert found.hit
    assert 0.5 < found.energy < 1


# -- boxes of maps ---------------------------------------------------------------------------


def test_the_box_is_of_what_exceeds_15_percent_of_the_peak() -> None:
    found = measured(spots((4, 4, 10), (4, 5, 1.6), (4, 6, 1.5)), (0, 0, 1, 1))
    assert found.box == (4, 4, 6, 5)


def test_the_largest_segment_counts_not_the_hottest() -> None:
    source = spots((0, 0, 9), (5, 5, 3), (6, 6, 3))
    assert measured(source, (0, 0, 1, 1)).box == (5, 5, 7, 7)


def test_of_equal_segments_the_uppermost_counts() -> None:
    source = spots((2, 8, 1), (3, 0, 1), (2, 4, 1))
    assert measured(source, (0, 0, 1, 1)).box == (4, 2, 5, 3)
    assert heat_box(np.ones((3, 4), np.float32)) == (0, 0, 4, 3)


def test_iou_is_intersection_over_union() -> None:
    assert iou((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert iou((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert iou((0, 0, 2, 2), (2, 0, 4, 2)) == 0
    assert iou((0, 0, 2, 2), (3, 3, 4, 4)) == 0


@pytest.mark.parametrize(
    ("rank", "loc1", "loc5"),
    [(1, True, True), (2, False, True), (5, False, True), (6, False, False), (None, None, None)],
)
def test_loc_needs_the_class_among_the_choices(
    rank: int | None,
    loc1: bool | None,  # noqa: FBT001
    loc5: bool | None,  # noqa: FBT001
) -> None:
    source = block(slice(0, 4), slice(0, 4))
    found = localise(source, target(rank), [(0, 0, 1, 1), (0, 0, 4, 8)], VIEW)
    assert found.iou == 0.5
    assert (found.loc1, found.loc5, found.gt_known) == (loc1, loc5, True)


def test_half_is_needed_of_the_union() -> None:
    found = measured(block(slice(0, 4), slice(0, 4)), (0, 0, 4, 8.1))
    assert found.iou < 0.5
    assert (found.loc1, found.loc5, found.gt_known) == (False, False, False)


@pytest.mark.parametrize("value", [0, -1, np.nan])
def test_a_map_without_evidence_misses(value: float) -> None:
    source = ClassMap("m", "l", np.full((2, 2), value, np.float32), (1, 2, 2))
    found = measured(source, (0, 0, 10, 10))
    assert found == Localisation(
        hit=False, energy=0, iou=0, box=None, boxes=((0, 0, 10, 10),), loc1=False, loc5=False
    )


def test_without_a_box_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="at least one box"):
        localise(spots((0, 0, 1)), target(), [], VIEW)
    with pytest.raises(ValueError, match="tolerance from 0"):
        localise(spots((0, 0, 1)), target(), [(0, 0, 1, 1)], VIEW, tolerance=-1)


def test_a_run_is_counted_by_method_and_layer() -> None:
    good, bad = block(slice(0, 4), slice(0, 4)), spots((9, 9, 1))
    other = ClassMap("layer-cam", "layer1", good.values, (8, 10, 10))
    box = (0, 0, 4, 4)
    group = localise(good, target(None), [box], VIEW)
    found = [(good, measured(good, box)), (other, measured(other, box))]
    found += [(bad, measured(bad, box)), (good, group)]
    first, second = summarise(((raw.method, raw.layer), item) for raw, item in found)
    assert first == LocalisationSummary(
        "grad-cam", "layer4", 3, hits=2, loc1=1, loc5=1, gt_known=2, ranked=2, energy=2 / 3,
        iou=2 / 3,
    )  # fmt: skip
    assert (second.method, second.layer, second.maps, second.hits) == ("layer-cam", "layer1", 1, 1)
