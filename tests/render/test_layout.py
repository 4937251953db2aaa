"""What belongs together on the page."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from sample import METHODS, full_image, full_report, grey, image, mosaic, panel, report

from reportgen.render import layout
from reportgen.values import Target, ViewGeometry


def test_panels_are_grouped_by_method_in_their_order() -> None:
    panels = [panel("layer-cam", 0), panel("layer-cam", 1), panel("grad-cam", 4)]
    groups = layout.by_method(panels, METHODS)
    assert [(group.method.title, len(group.panels), group.single) for group in groups] == [
        ("Layer-CAM", 2, False),
        ("Grad-CAM", 1, True),
    ]
    assert layout.leading(groups) is groups[1]
    assert layout.leading(groups[:1]) is groups[0]


def test_the_deepest_panel_of_a_method() -> None:
    record = image().targets[0]
    deepest = layout.deepest(record, METHODS[1])
    assert deepest is record.panels[-1]
    assert layout.deepest(replace(record, panels=record.panels[:1]), METHODS[1]) is None


def test_only_methods_with_a_panel_are_compared() -> None:
    plain = image()
    (record,) = plain.targets
    assert layout.compared(plain, METHODS) == METHODS
    deep = replace(record, panels=record.panels[1:])
    assert layout.compared(replace(plain, targets=(deep,)), METHODS) == METHODS[1:]


@pytest.mark.parametrize(("targets", "expected"), [(2, True), (4, True), (5, False)])
def test_four_targets_at_most_stand_side_by_side(targets: int, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert layout.abreast(image(targets=targets)) is expected


def test_few_pictures_of_the_same_targets_have_an_overview() -> None:
    full = full_report()
    assert [target.name for target in layout.overview(full)] == ["cat", "dog"]
    assert layout.overview(replace(full, images=tuple(full.images) * 3))
    assert not layout.overview(replace(full, images=tuple(full.images) * 4))
    assert not layout.overview(replace(full, images=()))
    other = replace(full.images[0], targets=full.images[0].targets[::-1])
    assert not layout.overview(replace(full, images=(*full.images, other)))
    assert not layout.overview(replace(full, images=(image(), image("b.png"))))
    five = image(targets=5)
    assert not layout.overview(replace(full, images=(five, five)))


def test_a_contrast_belongs_to_its_method() -> None:
    assert [layout.has_contrast(full_image("a.png"), method) for method in METHODS] == [True, False]
    assert not layout.has_contrast(image(), METHODS[0])


@pytest.mark.parametrize(
    ("size", "expected"), [((7, 7), "heat c7"), ((13, 12), "heat c14"), ((112, 112), "heat")]
)
def test_a_coarse_map_is_smoothed_for_paper(size: tuple[int, int], expected: str) -> None:
    assert layout.look(grey(size)) == expected
    assert layout.look(grey(size), "differ") == expected.replace("heat", "differ")


def test_the_hottest_cell_is_found() -> None:
    assert layout.hottest(grey((5, 5), 2)) == pytest.approx((0.5, 0.3))


def test_only_other_proportions_are_stretched() -> None:
    assert not layout.stretched(grey((7, 7)), (80.5, 16, 224, 224))
    assert layout.stretched(grey((14, 7)), (0, 0, 224, 224))
    plain = image()
    assert not layout.squashed(plain)
    wide = replace(plain, geometry=ViewGeometry((960, 480), (224, 224), 0, 0, (224, 224)))
    assert layout.squashed(wide)


def test_a_compact_page_tells_what_was_averaged() -> None:
    sample = report()
    assert not layout.is_compact(sample)
    assert layout.averaged_to(sample) == 0
    first = sample.images[0]
    (target,) = first.targets
    panels = tuple(replace(item, overlay=None, grey=grey((9, 9))) for item in target.panels)
    one = replace(first, targets=(replace(target, panels=panels),))
    compact = replace(sample, images=(one,))
    assert layout.is_compact(compact)
    assert layout.averaged_to(compact) == 9


def test_the_first_classes_of_a_group_are_named() -> None:
    group = Target("cat", (281, 282), 1.0, 0.5, None, ("tabby", "tiger cat"))
    assert layout.members(group) == ("tabby", "tiger cat")
    many = replace(group, members=tuple(f"class {index}" for index in range(20)))
    assert layout.members(many)[-2:] == ("class 7", "and 12 more")


def test_unseen_is_the_area_outside_the_view() -> None:
    assert layout.unseen(ViewGeometry((100, 100), (50, 50), 0, 0, (50, 50))) == 0
    assert layout.unseen(ViewGeometry((200, 100), (100, 50), 25, 0, (50, 50))) == 0.5
    # A view larger than the picture was padded: nothing is unseen.
    assert layout.unseen(ViewGeometry((10, 10), (10, 10), -5, -5, (20, 20))) == 0


@pytest.mark.parametrize(
    ("resized", "view", "expected"),
    [((50, 50), (50, 50), False), ((80, 50), (50, 50), False), ((50, 30), (50, 50), True)],
)
def test_padded(resized: tuple[int, int], view: tuple[int, int], expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert layout.padded(ViewGeometry((500, 500), resized, 0, 0, view)) is expected


def test_the_confusion_matrix_has_a_row_for_every_label() -> None:
    evaluation = full_report().evaluation
    assert evaluation is not None
    rows = layout.confusion_rows(evaluation)
    assert [row.true.category for row in rows] == ["beagle", "tabby", "tiger cat"]
    assert [cell.count for cell in rows[0].cells] == [0, 0, 1, 0]
    assert [cell.right for cell in rows[0].cells] == [True, False, False, False]
    assert rows[0].cells[2].share == 1
    assert rows[0].cells[2].predicted == "Egyptian cat"
    assert layout.confusion_rows(replace(evaluation, confusion=None)) == ()


def test_shares_are_of_the_row() -> None:
    evaluation = full_report().evaluation
    assert evaluation is not None
    classes = (replace(evaluation.classes[0], images=4), replace(evaluation.classes[1], images=2))
    rows = layout.confusion_rows(replace(evaluation, classes=classes, confusion=((1, 3), (0, 2))))
    assert [[cell.share for cell in row.cells] for row in rows] == [[0.25, 0.75], [0, 1]]


def test_wrong_pictures_keep_their_numbers_on_the_page() -> None:
    full = full_report()
    assert [number for number, _ in layout.numbered(full, 9, right=False)] == [2]
    assert [number for number, _ in layout.numbered(full, 9, right=True)] == [1, 3]
    assert [number for number, _ in layout.numbered(full, 1, right=True)] == [1]


def test_tiles_are_compact() -> None:
    plain = mosaic()
    text = layout.tiles(plain)
    record = json.loads(text)
    assert record["order"] is None
    assert record["size"] == list(plain.picture.size)
    assert [name for name, _ in record["weights"]] == ["cat", "dog"]
    assert record["weights"][0][1][4] == 0.0111
    assert ": " not in text
    by_weight = json.loads(layout.tiles(mosaic(ordered_by="weight")))
    assert by_weight["order"] == list(range(11, -1, -1))


def test_weights_that_are_not_finite_are_null() -> None:
    odd = replace(mosaic(), weights=(("cat", (math.nan, 1.0)),))
    assert json.loads(layout.tiles(odd))["weights"] == [["cat", [None, 1.0]]]


def test_an_image_of_the_full_report_is_as_the_model_saw_it() -> None:
    left, _, width, height = full_image("a.png").geometry.seen_fraction()
    assert 0 < left < 0.5
    assert left + width < 1
    assert height == pytest.approx(224 / 256)


def test_readings_are_found_wherever_they_are() -> None:
    full = full_report()
    assert not layout.has_readings(report())
    assert layout.has_readings(full)
    only_overlaps = replace(image(), overlaps=full.images[0].overlaps)
    assert layout.has_readings(replace(full, images=(image(), only_overlaps)))
    only_reading = replace(image(), targets=full.images[0].targets)
    assert layout.has_readings(replace(full, images=(only_reading,)))
