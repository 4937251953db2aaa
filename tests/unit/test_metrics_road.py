"""Imputation and ROAD on pictures whose holes have a known filling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reportgen.metrics import imputation
from reportgen.metrics.common import masks_of
from reportgen.metrics.cost import Cost, road_cost
from reportgen.metrics.imputation import _impute, impute
from reportgen.metrics.road import road
from reportgen.values import Road

RAMP = np.arange(100, 0, -1, dtype=np.float32).reshape(10, 10)


def mean_red(inputs: Tensor) -> Tensor:
    return inputs[:, 0].mean(dim=(1, 2))


def top(inputs: Tensor) -> Tensor:
    return inputs[:, 0, :5].mean(dim=(1, 2))


def hole(rows: slice, columns: slice, height: int = 9, width: int = 9) -> Tensor:
    missing = torch.zeros(1, 1, height, width, dtype=torch.bool)
    missing[..., rows, columns] = True
    return missing


def test_one_pixel_becomes_the_weighted_mean_of_its_eight_neighbours() -> None:
    picture = torch.arange(9.0).view(1, 1, 3, 3) ** 2
    sides, corners = 1 + 9 + 25 + 49, 0 + 4 + 36 + 64
    filled = impute(picture, hole(slice(1, 2), slice(1, 2), 3, 3))
    assert filled[0, 0, 1, 1] == pytest.approx(sides / 6 + corners / 12)


def test_at_a_corner_the_weights_of_three_neighbours_count() -> None:
    picture = torch.tensor([[[[100.0, 1.0], [2.0, 5.0]]]])
    filled = impute(picture, hole(slice(1), slice(1), 2, 2))
    assert filled[0, 0, 0, 0] == pytest.approx((1 / 6 + 2 / 6 + 5 / 12) / (5 / 12))


def test_a_slope_continues_through_a_hole_of_many_pixels() -> None:
    slope = torch.linspace(0, 1, 40).expand(1, 2, 40, 40).clone()
    missing = hole(slice(5, 35), slice(5, 35), 40, 40)
    filled = impute(torch.where(missing, 1000.0, slope), missing)
    assert torch.allclose(filled, slope, atol=0.005)


def test_a_wide_hole_takes_few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imputation, "_MOST_ITERATIONS", 40)
    slope = torch.linspace(0, 1, 128).expand(1, 1, 128, 128).clone()
    missing = hole(slice(4, 124), slice(4, 124), 128, 128)
    assert torch.allclose(impute(slope, missing), slope, atol=0.005)


def test_what_is_there_stays_and_no_result_depends_on_its_batch() -> None:
    picture = torch.rand((1, 3, 9, 9), generator=torch.Generator().manual_seed(1))
    holes = torch.cat([hole(slice(2, 4), slice(2, 4)), hole(slice(0, 8), slice(0, 9))])
    both = _impute(picture, holes)
    assert torch.equal(impute(picture, holes), both)
    for row in range(2):
        assert torch.equal(both[row : row + 1], impute(picture, holes[row : row + 1]))
        there = ~holes[row, 0]
        assert torch.equal(both[row][:, there], picture[0][:, there])


def test_nothing_cannot_be_filled_from_nothing() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        impute(torch.zeros(1, 1, 9, 9), hole(slice(None), slice(None)))


def test_road_takes_the_most_and_the_least_important_pixels() -> None:
    picture = torch.zeros(3, 10, 10)
    picture[:, :5] = 1.0
    masks = masks_of([RAMP], (10, 10))
    (found,) = road(top, picture, masks, percentiles=(50.0,), noise=0)
    assert found is not None
    # All five bright rows go, and are filled from the dark ones below; or the dark rows go.
    assert found.most == pytest.approx((0.0,), abs=1e-3)
    assert found.least == pytest.approx((1.0,), abs=1e-3)
    assert found.combined == pytest.approx(0.5, abs=1e-3)


def test_a_map_with_few_hot_pixels_still_leaves_some() -> None:
    sparse = np.zeros((10, 10), np.float32)
    sparse[0, 0] = 1
    (found,) = road(mean_red, torch.ones(3, 10, 10), masks_of([sparse], (10, 10)), noise=0)
    assert found is not None
    assert found.most == pytest.approx((1, 1, 1, 1), abs=1e-5)


def test_noise_falls_on_filled_pixels_only_and_is_the_same_again() -> None:
    seen: list[Tensor] = []

    def score(inputs: Tensor) -> Tensor:
        seen.append(inputs)
        return mean_red(inputs)

    picture, masks = torch.ones(3, 10, 10), masks_of([RAMP], (10, 10))
    first = road(score, picture, masks, percentiles=(80.0,), noise=0.5, seed=3)
    assert road(score, picture, masks, percentiles=(80.0,), noise=0.5, seed=3) == first
    assert road(score, picture, masks, percentiles=(80.0,), noise=0.5, seed=4) != first
    most, least = seen[0]
    # ⌈80 · 99 / 100⌉ = 80 stay, of which the most important are the first rows.
    assert (most != 1).flatten(1).sum(dim=1).tolist() == [20, 20, 20]
    assert (most[:, :2] != 1).all()
    assert (least[:, 8:] != 1).all()
    assert torch.equal(least[:, :8], picture[:, :8])


def test_a_constant_map_orders_nothing() -> None:
    masks = masks_of([np.ones((4, 4), np.float32), RAMP], (10, 10))
    flat, ramp = road(mean_red, torch.ones(3, 10, 10), masks)
    assert flat is None
    assert ramp is not None
    assert road(mean_red, torch.ones(3, 10, 10), masks[:1]) == (None,)


def test_the_combined_score_is_half_of_the_mean_difference() -> None:
    found = Road((20.0, 80.0), most=(0.1, 0.3), least=(0.6, 0.8))
    assert found.combined == pytest.approx(0.25)


@pytest.mark.parametrize("percentiles", [(), (0.0,), (100.0,), (50.0, -1.0)])
def test_percentiles_lie_between_0_and_100(percentiles: tuple[float, ...]) -> None:
    masks = masks_of([RAMP], (10, 10))
    with pytest.raises(ValueError, match="above 0 and below 100"):
        road(mean_red, torch.ones(3, 10, 10), masks, percentiles=percentiles)


def test_the_cost_is_what_the_network_sees() -> None:
    seen = []

    def score(inputs: Tensor) -> Tensor:
        seen.append(len(inputs))
        return mean_red(inputs)

    masks = masks_of([RAMP, RAMP.T.copy()], (10, 10))
    road(score, torch.ones(3, 10, 10), masks, percentiles=(30.0, 60.0, 90.0), batch=5)
    assert road_cost(2, 3) == Cost(sum(seen), 0)
