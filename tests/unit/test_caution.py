"""Every warning on a map that earns it, and none on one that does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reportgen.caution import (
    Circumstances,
    alike,
    border_ratio,
    cautions_of_map,
    cautions_of_target,
    checkerboard_share,
    padding_share,
)
from reportgen.values import Agreement, ClassMap, Target, ViewGeometry

if TYPE_CHECKING:
    from reportgen.values import Float32Array

WHOLE = ViewGeometry((70, 70), (70, 70), 0, 0, (70, 70))
PLAIN = Circumstances(WHOLE)


def spot(side: int = 7) -> Float32Array:
    """Return a smooth hill in the middle."""
    places = np.arange(side) - (side - 1) / 2
    distance = places[:, None] ** 2 + places[None] ** 2
    hill: Float32Array = np.exp(-distance / (side / 4) ** 2).astype(np.float32)
    return hill


def target(*, probability: float = 0.9, logit: float = 8.0) -> Target:
    return Target("cat", (3,), logit, probability, rank=1)


def codes(
    values: object, of: Target | None = None, circumstances: Circumstances = PLAIN
) -> list[str]:
    source = ClassMap("m", "l", np.asarray(values, dtype=np.float32), (1, 7, 7))
    of = of or target()
    found = (*cautions_of_target(of, trained=True), *cautions_of_map(source, of, circumstances))
    assert all(item.text.endswith(".") for item in found)
    return [item.code for item in found]


def text(values: object, of: Target | None = None, circumstances: Circumstances = PLAIN) -> str:
    source = ClassMap("m", "l", np.asarray(values, dtype=np.float32), (1, 7, 7))
    of = of or target()
    (found,) = (*cautions_of_target(of, trained=True), *cautions_of_map(source, of, circumstances))
    return str(found.text)


@pytest.mark.parametrize("side", [4, 7, 14, 56])
def test_a_hill_in_the_middle_needs_no_warning(side: int) -> None:
    assert codes(spot(side), circumstances=Circumstances(WHOLE, stride=2)) == []


def test_of_nothing_only_that_is_said() -> None:
    assert codes(np.zeros((7, 7))) == ["no-evidence"]
    assert codes(-spot()) == ["no-evidence"]
    assert codes(np.full((7, 7), np.nan)) == ["not-finite"]
    assert "nothing at this layer speaks for cat" in text(np.zeros((7, 7)))


def test_a_map_that_hardly_varies_is_flat() -> None:
    assert codes(np.ones((7, 7))) == ["flat"]
    values = np.ones((7, 7))
    values[3, 3] = 0.96
    assert "differ by 4 % of its peak" in text(values)
    values[3, 3] = 0.94
    assert "98 % of the map reaches half" not in text(np.where(spot() > 0.5, 1, 0.4))


def test_a_map_that_is_hot_nearly_everywhere_is_flat() -> None:
    values = np.linspace(0.6, 1, 100).reshape(10, 10)
    values[:1] = 0
    assert "flat" not in codes(values)
    values[:1, :1] = 0.6
    assert "91 % of the map reaches half" in text(values)


def test_many_cells_at_the_peak_are_saturated() -> None:
    values = spot(10) * 0.9
    values[4:6, 3:8] = 1
    assert codes(values) == []
    values[4:7, 3:7] = 1
    assert codes(values) == ["saturated"]
    assert text(values).startswith("14 % of the map is as high")
    assert codes([[0, 0.1], [1, 0.2]]) == []


def test_a_peak_within_rounding_is_faint() -> None:
    assert codes(spot() * 9e-6) == []
    assert codes(spot() * 7e-6) == ["faint"]
    assert codes(spot() * 2e-6, target(logit=0.1)) == []
    assert codes(spot() * 5e-7, target(logit=0.1)) == ["faint"]
    assert "gradients have vanished" not in text(spot() * 1e-9)
    assert "all but certain of cat" in text(spot() * 1e-9, target(probability=0.99995))


def ring(width: int, side: int = 7) -> Float32Array:
    values = np.ones((side, side), np.float32)
    values[width:-width, width:-width] = 0
    return values


def test_the_border_is_compared_with_the_inside() -> None:
    assert border_ratio(np.ones((7, 7), np.float32)) == pytest.approx(1)
    assert border_ratio(ring(1)) == math.inf
    assert border_ratio(ring(1) + np.float32(0.25)) == pytest.approx(5)
    # A border is 5 % of the side: 2 of 40 cells.
    assert border_ratio(ring(2, 40)) == math.inf
    assert border_ratio(ring(3, 40)) < math.inf
    assert border_ratio(ring(1, 4)) == 0


def test_heat_on_the_border_is_warned_of() -> None:
    values = np.full((7, 7), 0.1, np.float32)
    values[0, 2] = values[6, 4] = 5
    assert codes(values) == ["border"]
    assert "5.1 times as hot" in text(values)
    assert codes(spot(7).max() - spot(7)) == []
    corner = np.zeros((7, 7))
    corner[0, 0] = 1
    assert "only the border is hot" in text(corner)


def test_heat_on_padding_is_warned_of() -> None:
    letterbox = ViewGeometry((100, 50), (100, 50), 0, -25, (100, 100))
    halves = np.zeros((100, 100), np.float32)
    halves[10:40, 50] = 1
    assert padding_share(halves, letterbox) == pytest.approx(0.5)
    assert padding_share(halves, WHOLE) == 0
    assert padding_share(halves, ViewGeometry((100, 100), (140, 140), 20, 20, (100, 100))) == 0
    assert codes(halves, circumstances=Circumstances(letterbox)) == ["padding"]
    assert text(halves, circumstances=Circumstances(letterbox)).startswith("50 % of the heat")
    assert codes(spot(14) ** 2, circumstances=Circumstances(letterbox)) == []


def test_an_improbable_target_is_warned_of() -> None:
    assert codes(spot(), target(probability=0.01)) == []
    assert codes(spot(), target(probability=0.0099)) == ["improbable"]
    assert "gives cat 0.3 %" in text(spot(), target(probability=0.003))
    assert "gives cat 0 %" in text(spot(), target(probability=0.0))
    assert "gives cat less than 0.001 %" in text(spot(), target(probability=1e-9))


def test_network_and_layer_are_warned_of_first() -> None:
    circumstances = Circumstances(WHOLE, norm_follows=True)
    found = codes(np.ones((7, 7)), target(probability=0.001), circumstances)
    assert found == ["improbable", "norm-follows", "flat"]
    untrained = cautions_of_target(target(probability=0.001), trained=False)
    assert [item.code for item in untrained] == ["untrained", "improbable"]


def test_a_checkerboard_is_variance_between_phases() -> None:
    board = np.indices((8, 8)).sum(axis=0) % 2
    assert checkerboard_share(board.astype(np.float32), 2) == pytest.approx(1)
    columns = np.tile([1, 0, 0, 0], (16, 4)).astype(np.float32)
    assert checkerboard_share(columns, 4) == pytest.approx(1)
    assert checkerboard_share(columns, 2) == pytest.approx(1 / 3)
    assert checkerboard_share(board.astype(np.float32), 1) == 0
    assert checkerboard_share(board.astype(np.float32), 4) == 0
    assert checkerboard_share(np.ones((8, 8), np.float32), 2) == 0


def test_a_checkerboard_is_looked_for_where_the_stride_is_given() -> None:
    values = spot(16) * (np.indices((16, 16)).sum(axis=0) % 2)
    assert codes(values) == []
    assert codes(values, circumstances=Circumstances(WHOLE, stride=2)) == ["checkerboard"]


@pytest.mark.parametrize(("correlation", "warned"), [(0.99, 1), (0.98, 0), (math.nan, 0)])
def test_targets_with_the_same_map_are_warned_of(correlation: float, warned: int) -> None:
    pair = Agreement("cat", "dog", "grad-cam", "l", correlation, overlap=1, shared=1)
    found = alike([pair])
    assert [item.code for item in found] == ["alike"] * warned
    assert all("cat and dog by grad-cam at l" in item.text for item in found)
