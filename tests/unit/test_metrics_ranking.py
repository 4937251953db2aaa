"""Rankings and verdicts over values that leave no doubt, or nothing but doubt."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reportgen.metrics.ranking import METRICS, rank, verdict

if TYPE_CHECKING:
    from reportgen.values import Candidate, Ranking

A, B, C = ("grad-cam", "layer4"), ("layer-cam", "layer4"), ("layer-cam", "layer1")
INSERTION, DELETION, ROAD = METRICS["insertion"], METRICS["deletion"], METRICS["road"]

NOISE = np.random.default_rng(5).normal(0, 0.01, 20)


def clear(*, images: int = 20, best: Candidate = A, gap: float = 0.2) -> Ranking:
    others = [key for key in (A, B, C) if key != best]
    scores = {best: (0.7 + NOISE[:images]).tolist()}
    for place, key in enumerate(others, 1):
        scores[key] = (0.7 - gap * place + NOISE[::-1][:images]).tolist()
    return rank(INSERTION, scores)


def test_the_best_comes_first_whichever_way_is_better() -> None:
    scores = {A: [0.1, 0.3], B: [0.5, 0.7]}
    assert [row.candidate for row in rank(INSERTION, scores).standings] == [B, A]
    lower = rank(DELETION, scores)
    assert [row.candidate for row in lower.standings] == [A, B]
    assert [row.rank for row in lower.standings] == [1, 2]
    assert lower.standings[0].score.mean == pytest.approx(0.2)
    behind = lower.standings[1].behind
    assert behind is not None
    assert behind.mean == pytest.approx(0.4)
    assert lower.standings[0].behind is None


def test_an_interval_of_equal_values_is_that_value() -> None:
    (row,) = rank(INSERTION, {A: [0.1] * 10}).standings
    assert (row.score.low, row.score.mean, row.score.high) == pytest.approx((0.1, 0.1, 0.1))
    assert row.score.images == 10


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(0, 1, 400)
    (row,) = rank(INSERTION, {A: values.tolist()}).standings
    half = 1.96 * values.std() / math.sqrt(400)
    assert row.score.low == pytest.approx(values.mean() - half, abs=0.01)
    assert row.score.high == pytest.approx(values.mean() + half, abs=0.01)
    assert rank(INSERTION, {A: values.tolist()}).standings == (row,)


def test_differences_are_paired() -> None:
    level = np.random.default_rng(2).uniform(0, 1, 20)
    found = rank(INSERTION, {A: (level + 0.01).tolist(), B: level.tolist()})
    second = found.standings[1]
    assert second.score.high > found.standings[0].score.low
    assert second.behind is not None
    assert (second.behind.low, second.behind.high) == pytest.approx((0.01, 0.01))
    assert second.is_behind


def test_more_candidates_need_a_clearer_lead() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(0.05, 0.1, 20), random.normal(0, 0.1, 20)
    few = rank(INSERTION, {A: one.tolist(), B: other.tolist()}).standings[1].behind
    rest = {("layer-cam", f"l{index}"): [-5.0] * 20 for index in range(20)}
    scores = {A: one.tolist(), B: other.tolist(), **rest}
    many = rank(INSERTION, scores).standings[1].behind
    assert few is not None
    assert many is not None
    assert many.mean == few.mean
    assert many.low < few.low


def test_pictures_without_a_value_are_left_out_of_the_pair() -> None:
    found = rank(INSERTION, {A: [1, 1, math.nan], B: [0, math.nan, 5], C: [math.nan] * 3})
    assert [row.candidate for row in found.standings] == [B, A]
    assert [row.score.images for row in found.standings] == [2, 2]
    behind = found.standings[1].behind
    assert behind is not None
    assert (behind.mean, behind.images) == (-1, 1)
    assert found.images == 3


def test_equal_means_share_a_rank() -> None:
    found = rank(INSERTION, {A: [1, 0], B: [0, 1], C: [0, 0]})
    assert [row.rank for row in found.standings] == [1, 1, 3]


def test_candidates_have_the_same_pictures() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2\] values"):
        rank(INSERTION, {A: [1, 2], B: [1]})


def test_without_values_there_is_no_ranking() -> None:
    assert rank(INSERTION, {A: [math.nan]}).standings == ()
    assert rank(INSERTION, {}).images == 0


def test_a_clear_lead_by_every_metric_is_supported() -> None:
    text = verdict([clear(), clear()])
    assert text == (
        "Over 20 pictures the evidence supports grad-cam at layer4: it is ahead of all others by "
        "insertion AUC and insertion AUC."
    )


def test_seven_pictures_are_too_few_and_eight_are_not() -> None:
    assert verdict([clear(images=7)]).startswith("7 pictures cannot tell")
    assert "at least 8" in verdict([clear(images=7)])
    assert verdict([clear(images=8)]).startswith("Over 8 pictures the evidence supports")
    assert verdict([clear(images=1)]).startswith("1 picture cannot")


def test_the_pictures_of_the_weakest_comparison_count() -> None:
    scores = {A: [0.9] * 20, B: [0.5] * 20, C: [0.1] * 5 + [math.nan] * 15}
    assert verdict([rank(INSERTION, scores)]).startswith("5 pictures cannot tell")


def test_differences_within_chance_support_nothing() -> None:
    random = np.random.default_rng(4)
    found = rank(INSERTION, {key: random.normal(0.5, 0.1, 20).tolist() for key in (A, B)})
    text = verdict([found])
    assert "no layer or method is shown to be better" in text
    assert "grad-cam at layer4" in text
    assert "layer-cam at layer4" in text


def test_of_two_alike_and_one_behind_only_the_two_are_named() -> None:
    scores = {A: (0.7 + NOISE).tolist(), B: (0.7 - NOISE).tolist(), C: (0.1 + NOISE).tolist()}
    text = verdict([rank(INSERTION, scores)])
    assert "does not decide between" in text
    assert "layer1" not in text
    assert text.endswith("the other 1 is behind.")


def test_metrics_that_contradict_each_other_support_nothing() -> None:
    text = verdict([clear(best=A), rank(ROAD, {A: [0.1] * 20, B: [0.4] * 20, C: [0.0] * 20})])
    assert "contradict each other" in text
    assert "insertion AUC favours grad-cam at layer4" in text
    assert "ROAD favours layer-cam at layer4" in text


def test_a_lead_by_one_metric_is_enough_if_no_other_speaks_against_it() -> None:
    equal = rank(ROAD, {key: [0.2] * 20 for key in (A, B, C)})
    assert verdict([clear(), equal]).endswith(
        "it is ahead of all others by insertion AUC, and by ROAD none is shown to be better."
    )


def test_each_of_two_metrics_may_rule_out_another_candidate() -> None:
    one = rank(INSERTION, {A: [0.5] * 20, B: [0.5] * 20, C: [0.1] * 20})
    other = rank(ROAD, {A: [0.5] * 20, B: [0.1] * 20, C: [0.5] * 20})
    assert "grad-cam at layer4: it alone is not shown to be behind" in verdict([one, other])


def test_one_candidate_is_nothing_to_compare() -> None:
    assert "nothing to compare" in verdict([rank(INSERTION, {A: [0.5] * 20})])
    assert "nothing to compare" in verdict([])


def test_a_long_list_is_cut() -> None:
    scores = {("layer-cam", f"l{index}"): [0.5] * 20 for index in range(9)}
    assert "layer-cam at l2 and 6 more" in verdict([rank(INSERTION, scores)])


def test_ranking_needs_no_torch() -> None:
    code = "import sys, reportgen.metrics.ranking; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
