"""First choices against labels, counted by hand."""

from __future__ import annotations

import pytest

from reportgen.evaluation import evaluate
from reportgen.values import (
    MAX_CONFUSION,
    ClassCount,
    ImageRecord,
    Picture,
    Prediction,
    TrueClass,
    ViewGeometry,
)

CATEGORIES = tuple(f"kind {index}" for index in range(120))
DOT = Picture("image/png", b"", (1, 1))
GEOMETRY = ViewGeometry((1, 1), (1, 1), 0, 0, (1, 1))


def image(label: int | None, choice: int, rank: int | None = None) -> ImageRecord:
    if label is not None and rank is None:
        rank = 1 if label == choice else 2
    return ImageRecord(
        name=f"{label}-{choice}.png",
        sha256="",
        notes=(),
        geometry=GEOMETRY,
        photo=DOT,
        photo_box=(0, 0, 1, 1),
        view=None,
        predictions=(Prediction(choice, CATEGORIES[choice], 1.0, 0.5),),
        targets=(),
        label=None if label is None else TrueClass(label, CATEGORIES[label]),
        label_rank=rank,
    )


def test_without_labels_there_is_nothing_to_say() -> None:
    assert evaluate([], CATEGORIES) is None
    assert evaluate([image(None, 3), image(None, 4)], CATEGORIES) is None


def test_counts() -> None:
    found = evaluate(
        [
            image(7, 7),
            image(7, 2, rank=5),
            image(None, 7),
            image(7, 2, rank=6),
            image(2, 2),
            image(9, 7, rank=2),
            image(None, 50),
        ],
        CATEGORIES,
    )
    assert found is not None
    assert (found.images, found.right, found.in_top, found.top, found.unlabelled) == (5, 2, 4, 5, 2)
    assert found.accuracy == pytest.approx(0.4)
    assert found.classes == (
        ClassCount(2, "kind 2", images=1, right=1, predicted=3),
        ClassCount(7, "kind 7", images=3, right=1, predicted=2),
        ClassCount(9, "kind 9", images=1, right=0, predicted=0),
    )
    assert found.confusion == ((1, 0, 0), (2, 1, 0), (0, 1, 0))


def test_a_class_that_is_only_ever_chosen() -> None:
    found = evaluate([image(0, 1)], CATEGORIES)
    assert found is not None
    assert found.classes == (
        ClassCount(0, "kind 0", images=1, right=0, predicted=0),
        ClassCount(1, "kind 1", images=0, right=0, predicted=1),
    )
    assert found.confusion == ((0, 1), (0, 0))


@pytest.mark.parametrize(("classes", "top"), [(2, 2), (5, 5), (6, 5)])
def test_the_first_choices_are_five_or_all(classes: int, top: int) -> None:
    found = evaluate([image(0, 1, rank=top), image(0, 1, rank=top + 1)], CATEGORIES[:classes])
    assert found is not None
    assert (found.top, found.in_top) == (top, 1)


def test_a_matrix_only_where_it_can_be_read() -> None:
    pairs = [image(index, index + MAX_CONFUSION // 2) for index in range(MAX_CONFUSION // 2)]
    full = evaluate(pairs, CATEGORIES)
    assert full is not None
    assert full.confusion is not None
    assert len(full.confusion) == len(full.confusion[0]) == MAX_CONFUSION
    over = evaluate([*pairs, image(119, 119)], CATEGORIES)
    assert over is not None
    assert len(over.classes) == MAX_CONFUSION + 1
    assert over.confusion is None
