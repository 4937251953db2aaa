"""Drops, curves and shapes of a network whose probability can be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from reportgen.metrics.common import masks_of, saliency_ranks, scored
from reportgen.metrics.confidence import Confidence, confidences
from reportgen.metrics.cost import Cost, coherency_cost, confidence_cost
from reportgen.metrics.shape import adcc, coherencies, complexities

if TYPE_CHECKING:
    from reportgen.values import Float32Array


def mean_red(inputs: Tensor) -> Tensor:
    return inputs[:, 0].mean(dim=(1, 2))


def raw(values: object) -> Float32Array:
    return np.array(values, dtype=np.float32)


HALF = raw([[1, 1, 0, 0]] * 4)


def test_a_mask_is_the_map_over_its_peak_resized_bilinearly() -> None:
    (mask,) = masks_of([raw([[0, 4]])], (4, 1)).numpy()
    assert mask.tolist() == [[0, 0.25, 0.75, 1]]


def test_negative_evidence_is_left_out_and_a_map_without_positive_is_all_zero() -> None:
    masks = masks_of([raw([[-2, 4]]), raw([[-2, -1]]), raw([[0, 0]])], (2, 1))
    assert masks.tolist() == [[[0, 1]], [[0, 0]], [[0, 0]]]


def test_a_map_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        masks_of([raw([[np.nan, 1]])], (2, 1))


def test_ranks_count_from_the_hottest_and_equal_pixels_by_place() -> None:
    ranks = saliency_ranks(torch.tensor([[[0.0, 0.5], [0.5, 1.0]]]))
    assert ranks.tolist() == [[[3, 1], [2, 0]]]


def test_inputs_are_scored_in_batches_and_in_order() -> None:
    sizes = []

    def score(inputs: Tensor) -> Tensor:
        sizes.append(len(inputs))
        assert not torch.is_grad_enabled()
        return inputs[:, 0, 0, 0]

    everything = torch.arange(5.0).view(5, 1, 1, 1)
    found = scored(score, 5, lambda start, stop: everything[start:stop], batch=2)
    assert found.tolist() == [0, 1, 2, 3, 4]
    assert sizes == [2, 2, 1]


def test_a_scorer_that_gives_all_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one score for each of 1 inputs.*\(1, 2\)"):
        scored(lambda inputs: inputs[:, 0, 0], 1, lambda _, __: torch.zeros(1, 1, 1, 2), batch=1)
    with pytest.raises(ValueError, match="at least 1 input"):
        scored(mean_red, 1, lambda _, __: torch.zeros(1, 3, 1, 1), batch=0)


def test_half_of_an_even_picture_leaves_half_of_a_linear_score() -> None:
    picture = torch.full((3, 4, 4), 0.8)
    masks = masks_of([HALF, raw(np.ones((4, 4)))], (4, 4))
    half, all_of_it = confidences(mean_red, picture, masks, original=0.8)
    assert half.masked == pytest.approx(0.4)
    assert half.drop == pytest.approx(0.5)
    assert not half.increased
    assert all_of_it.drop == pytest.approx(0, abs=1e-6)


def test_a_drop_is_relative_and_never_negative() -> None:
    assert Confidence(0.2, 0.1).drop == pytest.approx(0.5)
    assert Confidence(0.8, 0.7).drop == pytest.approx(0.125)
    risen = Confidence(0.2, 0.3)
    assert (risen.drop, risen.increased) == (0, True)
    assert Confidence(0.0, 0.0).drop == 0
    assert not Confidence(0.5, 0.5).increased


def test_complexity_is_the_mean_of_the_mask() -> None:
    masks = masks_of([HALF, raw([[0, 4]]), raw([[0, 0]])], (4, 4))
    assert complexities(masks) == pytest.approx((0.5, 0.5, 0))


def test_coherency_compares_with_the_map_of_what_the_map_shows() -> None:
    seen: list[Tensor] = []

    def explain(inputs: Tensor) -> list[Float32Array]:
        seen.append(inputs)
        return [HALF, raw(1 - HALF), raw(np.zeros((4, 4))), raw([[1, 1, 0, 0]] * 2 + [[0] * 4] * 2)]

    pictures = torch.full((4, 3, 4, 4), 2.0)
    found = coherencies(explain, pictures, masks_of([HALF] * 4, (4, 4)))
    assert seen[0][0, 0].tolist() == [[2, 2, 0, 0]] * 4
    # r of two halves that share a quarter: 1/8 / (1/2 · √3/4)
    assert found == pytest.approx((1, 0, 0, (1 / (3**0.5) + 1) / 2))


def test_adcc_is_a_harmonic_mean() -> None:
    assert adcc(drop=0.5, coherency=0.5, complexity=0.5) == pytest.approx(0.5)
    assert adcc(drop=0, coherency=1, complexity=0.75) == pytest.approx(3 / 6)
    assert adcc(drop=0.75, coherency=1, complexity=0) == pytest.approx(3 / 6)
    assert adcc(drop=1, coherency=1, complexity=0) == 0


def test_cost_is_one_pass_a_map() -> None:
    assert confidence_cost(6) + coherency_cost(6) == Cost(forward=12, backward=6)
