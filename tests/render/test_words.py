"""Sentences about maps, and the thresholds of their words."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from itertools import groupby, pairwise

import pytest

from reportgen.render.words import (
    QUADRANTS,
    THRESHOLDS,
    describe_agreement,
    describe_heat,
    describe_overlap,
)
from reportgen.values import Agreement, HeatReading

TITLES = {"grad-cam": "Grad-CAM", "layer-cam": "Layer-CAM"}


def heat(
    *quadrants: float, centroid: tuple[float, float] = (0.38, 0.41), area: float = 0.12
) -> str:
    one, two, three, four = quadrants
    found = HeatReading("grad-cam", "features", (one, two, three, four), centroid, area, 0.07)
    return describe_heat(found, "Grad-CAM", "cat")


def methods(correlation: float, overlap: float = 0.71) -> str:
    found = Agreement(
        "grad-cam", "layer-cam", "layer-cam", "features", correlation, overlap, shared=0.8
    )
    return describe_agreement(found, TITLES)


def targets(overlap: float, correlation: float = 0.2, shared: float = 0.3) -> str:
    found = Agreement("cat", "dog", "grad-cam", "features", correlation, overlap, shared)
    return describe_overlap(found, TITLES)


def test_heat_in_a_quadrant() -> None:
    assert heat(0.52, 0.3, 0.1, 0.08) == (
        "52% of the Grad-CAM heat for “cat” lies in the upper left quadrant; its centre of mass "
        "is at 38% of the width and 41% of the height. 12% of the view reaches half of the peak."
    )


@pytest.mark.parametrize("place", range(4))
def test_each_quadrant(place: int) -> None:
    shares = [0.1] * 4
    shares[place] = 0.7
    assert f"70% of the Grad-CAM heat for “cat” lies in the {QUADRANTS[place]} quad" in heat(
        *shares
    )
    assert QUADRANTS[place] == ("upper left", "upper right", "lower left", "lower right")[place]


def test_two_quadrants_alike() -> None:
    assert heat(0.48, 0.02, 0.02, 0.48).startswith(
        "48% of the Grad-CAM heat for “cat” lies in each of the upper left and lower right "
        "quadrants; its centre"
    )


@pytest.mark.parametrize(
    ("largest", "spread"), [(0.25, True), (0.3449, True), (0.3451, False), (0.35, False)]
)
def test_heat_that_is_spread(largest: float, spread: bool) -> None:  # noqa: FBT001 - parametrised
    text = heat(largest, *[(1 - largest) / 3] * 3)
    assert text.startswith("The Grad-CAM heat for “cat” is spread over the quadrants") == spread
    assert text.startswith("35% of the") != spread
    share = f"{100 * largest:.0f}%"
    assert f"none of which has more than {share} of it; its centre" in text or not spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (1e-9, "0%"),
        (0.0049, "Less than 1%"),
        (0.0051, "1%"),
        (0.994, "99%"),
        (0.996, "More than 99%"),
        (1 - 1e-9, "100%"),
        (1.0, "100%"),
    ],
)
def test_percent(value: float, text: str) -> None:
    sentence = heat(0.52, 0.3, 0.1, 0.08, area=value)
    assert sentence.endswith(f". {text} of the view reaches half of the peak.")


@pytest.mark.parametrize(
    ("correlation", "words", "shown"),
    [
        (1.0, "agree closely", "1.00"),
        (0.93, "agree closely", "0.93"),
        (0.896, "agree closely", "0.90"),
        (0.894, "agree partly", "0.89"),
        (0.6, "agree partly", "0.60"),
        (0.59, "agree little", "0.59"),
        (0.3, "agree little", "0.30"),
        (0.29, "hardly agree", "0.29"),
        (-0.001, "hardly agree", "0.00"),
        (-0.8, "hardly agree", "−0.80"),
        (-1.0, "hardly agree", "−1.00"),
    ],
)
def test_methods(correlation: float, words: str, shown: str) -> None:
    assert methods(correlation) == (
        f"Grad-CAM and Layer-CAM {words} (r = {shown}; the areas at half of the peak or more "
        "overlap by 71%)."
    )


@pytest.mark.parametrize(
    ("overlap", "words", "shown"),
    [
        (1.0, "overlap closely", "100%"),
        (0.6, "overlap closely", "60%"),
        (0.594, "overlap partly", "59%"),
        (0.3, "overlap partly", "30%"),
        (0.29, "overlap little", "29%"),
        (0.1, "overlap little", "10%"),
        (0.09, "hardly overlap", "9%"),
        (0.001, "hardly overlap", "less than 1%"),
        (0.0, "hardly overlap", "0%"),
    ],
)
def test_targets(overlap: float, words: str, shown: str) -> None:
    assert targets(overlap) == (
        f"The Grad-CAM maps of “cat” and “dog” {words} (the areas at half of the peak or more by "
        f"{shown}; 30% of the heat is shared; r = 0.20)."
    )


def test_a_constant_map_has_no_correlation() -> None:
    assert methods(math.nan) == (
        "Grad-CAM and Layer-CAM have no correlation, as a map is constant; the areas at half of "
        "the peak or more overlap by 71%."
    )
    assert targets(0.2, math.nan).endswith("shared; r is not defined, as a map is constant).")


def test_a_method_without_a_title_goes_by_its_name() -> None:
    found = Agreement("a", "b", "b", "x", 0.5, 0.5, 0.5)
    assert describe_agreement(found, {}).startswith("a and b agree")
    assert describe_overlap(found, {}).startswith("The b maps of “a” and “b”")


def test_thresholds_fall_from_the_strongest_word_to_the_weakest() -> None:
    for one, other in pairwise(THRESHOLDS):
        assert one.measure != other.measure or one.least > other.least
    runs = [measure for measure, _ in groupby(THRESHOLDS, key=lambda item: item.measure)]
    assert runs == ["r", "overlap", "quadrant"]


def test_nothing_causal_is_said() -> None:
    said = [heat(0.5, 0.3, 0.1, 0.1), heat(*[0.25] * 4), methods(0.9), methods(math.nan)]
    said += [targets(0.5), *(threshold.words for threshold in THRESHOLDS)]
    causal = re.compile(r"\b(because|therefore|why|caus\w+|looks? at|sees?|focus\w*|evidence)\b")
    assert [text for text in said if causal.search(text)] == []


def test_neither_torch_nor_opencv_is_imported() -> None:
    code = "import sys, reportgen.render.words; sys.exit(bool({'torch', 'cv2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
