"""What the options left open mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reportgen.lab import LAB_GROUPS, fill_in, name_classes
from reportgen.models.torchvision_source import imagenet_categories
from reportgen.options import BuildOptions, ModelOptions, PreprocessOptions

BUILD = BuildOptions(images=Path("photos"))
LAB = replace(BUILD, lab=True, network=ModelOptions(checkpoint=Path("torch_alex.pth")))
TWO = ("class 0", "class 1")


def test_in_general() -> None:
    filled = fill_in(BUILD, TWO)
    assert filled.targets == ("top1",)
    assert filled.preprocess == PreprocessOptions(preset="auto")


def test_the_labs_own_network() -> None:
    named = name_classes(LAB, TWO, named=False)
    assert named.network.classes == "cat,dog"
    filled = fill_in(named, ("cat", "dog"))
    assert filled.targets == ("0", "1")
    assert filled.preprocess == PreprocessOptions(preset="unit", channel_order="bgr")


def test_names_that_the_network_has_stay() -> None:
    assert name_classes(LAB, ("dog", "cat"), named=True) == LAB
    assert name_classes(LAB, ("a", "b", "c"), named=False) == LAB
    assert name_classes(replace(LAB, lab=False), TWO, named=False).network.classes is None


def test_an_imagenet_network_answers_through_groups() -> None:
    for options in (replace(BUILD, lab=True), LAB):
        filled = fill_in(options, imagenet_categories())
        assert filled.targets == LAB_GROUPS
        assert filled.preprocess.preset == "auto"


def test_what_was_given_goes_first() -> None:
    given = replace(
        LAB, targets=("1",), preprocess=PreprocessOptions(preset="imagenet", channel_order="rgb")
    )
    assert fill_in(given, TWO) == given
    order = replace(LAB, preprocess=PreprocessOptions(channel_order="rgb"))
    assert fill_in(order, TWO).preprocess.channel_order == "rgb"


def test_filling_twice_changes_nothing() -> None:
    for options in (BUILD, LAB):
        once = fill_in(options, TWO)
        assert fill_in(once, TWO) == once
