"""Insertion and deletion where the curve is a straight line, and where it is a step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reportgen.metrics.common import masks_of
from reportgen.metrics.cost import Cost, perturbation_cost
from reportgen.metrics.perturbation import (
    CURVE_POINTS,
    Perturbation,
    _blur_kernel,
    blur,
    curve_counts,
    perturb,
)

RAMP = np.arange(16, 0, -1, dtype=np.float32).reshape(4, 4)
"""Hottest in the first pixel, then row by row."""


def mean_red(inputs: Tensor) -> Tensor:
    return inputs[:, 0].mean(dim=(1, 2))


def first_row(inputs: Tensor) -> Tensor:
    return inputs[:, 0, 0].mean(dim=1)


def only(found: tuple[Perturbation | None, ...]) -> Perturbation:
    (one,) = found
    assert one is not None
    return one


def test_counts_go_in_equal_steps_to_all_pixels() -> None:
    assert curve_counts(16, 4) == (0, 4, 8, 12, 16)
    assert curve_counts(10, 4) == (0, 3, 6, 9, 10)
    assert curve_counts(3, 32) == (0, 1, 2, 3)
    with pytest.raises(ValueError, match="at least 1 step"):
        curve_counts(16, 0)


def test_deleting_from_a_linear_score_is_a_straight_line() -> None:
    found = only(
        perturb(mean_red, torch.ones(3, 4, 4), masks_of([RAMP], (4, 4)), original=1, steps=4)
    )
    assert list(found.deletion.fractions) == [0, 0.25, 0.5, 0.75, 1]
    assert list(found.deletion.scores) == [1, 0.75, 0.5, 0.25, 0]
    assert found.deletion.auc == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("direction", "scores", "area"),
    [(1, (1, 0, 0, 0, 0), 0.125), (-1, (1, 1, 1, 1, 0), 0.875)],
)
def test_deletion_is_quick_where_the_heat_is_what_counts(
    direction: int, scores: tuple[float, ...], area: float
) -> None:
    masks = masks_of([np.ascontiguousarray(RAMP[::direction])], (4, 4))
    found = only(perturb(first_row, torch.ones(3, 4, 4), masks, original=1, steps=4))
    assert found.deletion.scores == scores
    assert found.deletion.auc == pytest.approx(area)


def test_insertion_starts_from_the_blur_and_ends_with_the_picture() -> None:
    picture = torch.ones(3, 4, 4)
    found = only(perturb(first_row, picture, masks_of([RAMP], (4, 4)), original=1, steps=4))
    start = float(first_row(blur(picture[None]))[0])
    assert 0 < start < 1
    assert found.insertion.scores == pytest.approx((start, 1, 1, 1, 1))
    assert found.insertion.auc == pytest.approx((start + 1) / 8 + 0.75)


def test_a_shorter_last_step_weighs_less() -> None:
    masks = masks_of([np.arange(10, 0, -1, dtype=np.float32)[None]], (10, 1))
    found = only(perturb(mean_red, torch.ones(3, 1, 10), masks, original=1, steps=4))
    assert found.deletion.fractions == pytest.approx((0, 0.3, 0.6, 0.9, 1))
    assert found.deletion.auc == pytest.approx(0.5)


def test_many_maps_and_small_batches_change_nothing() -> None:
    picture = torch.rand((3, 4, 4), generator=torch.Generator().manual_seed(0))
    maps = [RAMP, np.zeros((4, 4), np.float32), RAMP.T.copy(), RAMP[::-1].copy()]
    masks = masks_of(maps, (4, 4))
    original = float(first_row(picture[None]))
    together = perturb(first_row, picture, masks, original=original, steps=5, batch=3)
    alone = [
        perturb(first_row, picture, masks[row : row + 1], original=original, steps=5)[0]
        for row in range(4)
    ]
    assert list(together) == alone
    assert [one is None for one in alone] == [False, True, False, False]


def test_a_long_curve_is_thinned_but_its_area_is_not() -> None:
    pixels = np.arange(100, 0, -1, dtype=np.float32).reshape(10, 10)

    def square(inputs: Tensor) -> Tensor:
        return mean_red(inputs) ** 2

    masks = masks_of([pixels], (10, 10))
    found = only(perturb(square, torch.ones(3, 10, 10), masks, original=1, steps=100))
    assert len(found.deletion.scores) == CURVE_POINTS
    assert (found.deletion.fractions[0], found.deletion.fractions[-1]) == (0, 1)
    share = np.arange(101) / 100
    assert found.deletion.auc == pytest.approx(np.trapezoid((1 - share) ** 2, share), abs=1e-6)


def test_the_blur_keeps_a_flat_field_and_fades_at_the_edges() -> None:
    assert _blur_kernel().sum() == pytest.approx(1)
    blurred = blur(torch.ones(1, 3, 21, 21))
    assert blurred[0, 0, 10, 10] == pytest.approx(1)
    assert blurred[0, 2, 0, 0] < 0.5


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_the_cost_is_what_the_network_sees(steps: int) -> None:
    seen = []

    def score(inputs: Tensor) -> Tensor:
        seen.append(len(inputs))
        return mean_red(inputs)

    masks = masks_of([RAMP, RAMP.T.copy()], (4, 4))
    perturb(score, torch.ones(3, 4, 4), masks, original=1, steps=steps, batch=5)
    assert perturbation_cost(2, 16, steps) == Cost(sum(seen), 0)
