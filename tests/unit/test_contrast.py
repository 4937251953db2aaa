"""One target's map less another's, against maps small enough to subtract in the head."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reportgen.contrast import contrast
from reportgen.values import ClassMap, Contrast, Target, TargetMaps, TrueClass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.values import Picture


def target(
    index: int, rank: int | None, values: Sequence[Sequence[float]], layer: str = "deep"
) -> TargetMaps:
    array = np.array(values, dtype=np.float32)
    shallow = ClassMap("grad-cam", "shallow", np.ones((4, 4), np.float32), (8, 4, 4))
    deep = ClassMap("grad-cam", layer, array, (8, *array.shape))
    other = ClassMap("layer-cam", "deep", 7 * np.ones_like(array), (8, *array.shape))
    return TargetMaps(Target(f"class {index}", (index,), 1.0, 0.5, rank), (shallow, deep, other))


def found(*targets: TargetMaps, label: int | None = None) -> Contrast:
    true = None if label is None else TrueClass(label, f"class {label}")
    result = contrast(targets, true)
    assert result is not None
    return result


def levels(picture: Picture) -> list[list[int]]:
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.mode == "L"
        pixels: list[list[int]] = np.asarray(image).tolist()
        return pixels


ONE = target(5, 1, [[4, 0], [1, 2]])
TWO = target(8, 2, [[0, 2], [1, 0]])
THREE = target(3, 9, [[0, 0], [0, 1]])


def test_the_first_less_the_second() -> None:
    made = found(ONE, TWO)
    assert (made.first, made.second) == (0, 1)
    assert (made.method, made.layer, made.peak) == ("grad-cam", "deep", 4)
    # 4, -2, 0, 2 of 4: the middle of the levels is zero.
    assert levels(made.grey) == [[255, 64], [128, 191]]


def test_the_first_choice_comes_first_wherever_it_stands() -> None:
    made = found(TWO, ONE)
    assert (made.first, made.second) == (1, 0)
    assert levels(made.grey)[0][0] == 255


@pytest.mark.parametrize(
    ("label", "second"),
    [(3, 2), (8, 1), (None, 1), (5, 1), (99, 1)],
    ids=["true class", "true class is next", "no label", "right", "true class not explained"],
)
def test_the_second_is_the_true_class_or_the_next_choice(label: int | None, second: int) -> None:
    assert found(ONE, TWO, THREE, label=label).second == second


def test_groups_stand_in_the_order_asked_for() -> None:
    cat, dog = target(1, None, [[1, 0]]), target(2, None, [[0, 1]])
    assert (found(cat, dog).first, found(dog, cat).second) == (0, 1)
    assert found(cat, TWO).first == 1


def test_nothing_to_compare() -> None:
    assert contrast([], None) is None
    assert contrast([ONE], None) is None
    assert contrast([ONE, ONE], None) is None
    assert contrast([target(1, 1, [[np.nan, 1]]), target(2, 2, [[1, 1]])], None) is None
