"""Reading the options that change the preprocessing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reportgen import preprocess, recipe
from reportgen.errors import OptionError
from reportgen.options import PreprocessOptions
from reportgen.recipe import make_recipe
from reportgen.values import Preprocessing

BASE = Preprocessing(
    resize=320,
    crop=(280, 280),
    mean=(0.4, 0.5, 0.6),
    std=(0.1, 0.2, 0.3),
    interpolation="bicubic",
)
IMAGENET = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
)
UNIT = Preprocessing(
    resize=None,
    crop=None,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    interpolation="bilinear",
    mode="none",
)


def make(base: Preprocessing = BASE, /, **options: str | None) -> Preprocessing:
    return make_recipe(base, PreprocessOptions(**options))


def reason(**options: str) -> str:
    with pytest.raises(OptionError) as caught:
        make(**options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        (None, BASE),
        ("auto", BASE),
        ("imagenet", IMAGENET),
        ("unit", UNIT),
        (" ImageNet ", IMAGENET),
    ],
)
def test_presets(preset: str | None, expected: Preprocessing) -> None:
    assert make(preset=preset) == expected


def test_every_preset_is_known() -> None:
    assert {make(preset=name) for name in recipe.PRESETS} == {BASE, IMAGENET, UNIT}


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"interpolation": "lanczos"}, {"interpolation": "lanczos"}),
        ({"mean": "0.1,0.2,0.3"}, {"mean": (0.1, 0.2, 0.3)}),
        ({"mean": "0.5"}, {"mean": (0.5, 0.5, 0.5)}),
        ({"mean": " -1 , 0 , 10 "}, {"mean": (-1.0, 0.0, 10.0)}),
        ({"std": "0.1,0.2,10"}, {"std": (0.1, 0.2, 10.0)}),
        ({"std": "1"}, {"std": (1.0, 1.0, 1.0)}),
        ({"channel_order": "bgr"}, {"channel_order": "bgr"}),
        ({"channel_order": "RGB"}, {}),
        ({"resize_mode": "shorter"}, {}),
        ({"resize_mode": "squash"}, {"mode": "squash", "resize": None}),
        ({"resize_mode": "letterbox"}, {"mode": "letterbox", "resize": None}),
        ({"input_size": "280"}, {}),
        ({"input_size": "140"}, {"crop": (140, 140), "resize": 160}),
        ({"input_size": "141"}, {"crop": (141, 141), "resize": 161}),
        ({"input_size": "210x140"}, {"crop": (210, 140), "resize": 240}),
        ({"input_size": "140×210"}, {"crop": (140, 210), "resize": 240}),
        ({"input_size": " 140 X 210 "}, {"crop": (140, 210), "resize": 240}),
        ({"input_size": "1"}, {"crop": (1, 1), "resize": 1}),
        ({"input_size": "8192x1"}, {"crop": (8192, 1), "resize": 9362}),
        (
            {"input_size": "210x140", "resize_mode": "squash"},
            {"crop": (210, 140), "mode": "squash", "resize": None},
        ),
    ],
)
def test_one_option_on_top_of_the_weights_own(
    options: dict[str, str], changed: dict[str, Any]
) -> None:
    assert make(**options) == replace(BASE, **changed)


def test_ratio_of_the_imagenet_preset() -> None:
    assert make(preset="imagenet", input_size="448").resize == 512
    assert make(preset="imagenet", input_size="384").resize == 439  # 438.9
    assert make(preset="imagenet", input_size="384x192").resize == 439, "no black strips"


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"input_size": "224"}, {"mode": "shorter", "crop": (224, 224), "resize": 224}),
        ({"input_size": "224x192"}, {"mode": "shorter", "crop": (224, 192), "resize": 224}),
        (
            {"input_size": "224x192", "resize_mode": "shorter"},
            {"mode": "shorter", "crop": (224, 192), "resize": 224},
        ),
        (
            {"input_size": "224x192", "resize_mode": "squash"},
            {"mode": "squash", "crop": (224, 192)},
        ),
        ({"input_size": "9", "resize_mode": "letterbox"}, {"mode": "letterbox", "crop": (9, 9)}),
        (
            {"input_size": "9", "resize_mode": "squash", "interpolation": "nearest"},
            {"mode": "squash", "crop": (9, 9), "interpolation": "nearest"},
        ),
        ({"mean": "0.5", "std": "0.25"}, {"mean": (0.5,) * 3, "std": (0.25,) * 3}),
        ({"channel_order": "bgr"}, {"channel_order": "bgr"}),
    ],
)
def test_options_on_top_of_unit(options: dict[str, str], changed: dict[str, Any]) -> None:
    assert make(preset="unit", **options) == replace(UNIT, **changed)
    assert make(UNIT, **options) == replace(UNIT, **changed)


def test_from_squash_back_to_the_shorter_side() -> None:
    squash = replace(BASE, mode="squash", resize=None, crop=(200, 150))
    assert make(squash, resize_mode="shorter") == replace(squash, mode="shorter", resize=200)
    assert make(squash, input_size="90") == replace(squash, crop=(90, 90))


def test_a_shorter_side_is_never_less_than_a_pixel() -> None:
    padded = replace(BASE, resize=100)  # less than half of its crop
    assert make(padded, input_size="1") == replace(padded, crop=(1, 1), resize=1)


def test_all_options_at_once() -> None:
    assert make(
        preset="imagenet",
        input_size="320x240",
        resize_mode="letterbox",
        interpolation="bicubic",
        mean="0.5",
        std="0.5,0.6,0.7",
        channel_order="bgr",
    ) == Preprocessing(
        resize=None,
        crop=(320, 240),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.6, 0.7),
        interpolation="bicubic",
        mode="letterbox",
        channel_order="bgr",
    )


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (
            "preset",
            "imagnet",
            (
                "--preprocess: expected one of auto, imagenet, unit, found 'imagnet'. "
                "Did you mean 'imagenet'?"
            ),
        ),
        (
            "resize_mode",
            "squish",
            (
                "--resize-mode: expected one of shorter, squash, letterbox, found 'squish'. "
                "Did you mean 'squash'?"
            ),
        ),
        (
            "resize_mode",
            "none",
            "--resize-mode: expected one of shorter, squash, letterbox, found 'none'.",
        ),
        (
            "interpolation",
            "cubic",
            (
                "--interpolation: expected one of nearest, bilinear, bicubic, lanczos, found "
                "'cubic'. Did you mean 'bicubic'?"
            ),
        ),
        ("channel_order", "gbrg", "--channel-order: expected one of rgb, bgr, found 'gbrg'. "),
    ],
)
def test_outside_what_is_known(option: str, value: str, expected: str) -> None:
    assert reason(**{option: value}).startswith(expected)


@pytest.mark.parametrize("option", ["resize_mode", "interpolation"])
def test_nothing_to_resize(option: str) -> None:
    value = {"resize_mode": "squash", "interpolation": "nearest"}[option]
    flag = "--" + option.replace("_", "-")
    text = reason(preset="unit", **{option: value})
    assert text.startswith(f"{flag}: nothing is resized")
    assert "Add --input-size" in text


@pytest.mark.parametrize(
    "text", ["", "224x", "x224", "224,192", "-5", "22.4", "big", "224x192x3", "1" * 5000, "٣"]
)
def test_not_a_size(text: str) -> None:
    found = reason(input_size=text)
    assert found.startswith("--input-size: one number or WIDTHxHEIGHT in pixels is expected")
    assert found.endswith(f"found '{text}'.")


@pytest.mark.parametrize(
    ("text", "side"), [("0", 0), ("8193", 8193), ("224x0", 0), ("9999x1", 9999)]
)
def test_size_out_of_range(text: str, side: int) -> None:
    assert reason(input_size=text) == (
        f"--input-size: sides from 1 to 8192 pixels are expected, found {side}."
    )


@pytest.mark.parametrize("option", ["mean", "std"])
@pytest.mark.parametrize("text", ["", "a", "1,2", "1,2,3,4", "1,,3", "nan", "0.1,inf,0.1", "1 2 3"])
def test_not_one_number_or_three(option: str, text: str) -> None:
    found = reason(**{option: text})
    assert found.startswith(f"--{option}: one number, or one for each of the three channels")
    assert found.endswith(f"found '{text}'.")


@pytest.mark.parametrize(
    ("option", "text", "instead"),
    [
        ("mean", "123.675,116.28,103.53", "0.485,0.456,0.406"),
        ("mean", "-127.5", "-0.5,-0.5,-0.5"),
        ("std", "58.395,57.12,57.375", "0.229,0.224,0.225"),
        ("mean", "0,0,10.1", "0,0,0.03961"),
    ],
)
def test_numbers_for_pixels_up_to_255(option: str, text: str, instead: str) -> None:
    found = reason(**{option: text})
    assert found.startswith(f"--{option}: pixels are scaled to 0–1 first, and '{text}' is for ")
    assert found.endswith(f"Divide by 255: {instead}.")


@pytest.mark.parametrize("text", ["0", "0.2,0,0.2", "-0.1", "0.1,0.1,-1"])
def test_std_must_be_positive(text: str) -> None:
    found = reason(std=text)
    assert found.startswith("--std: numbers above 0 are expected")
    assert found.endswith(f"found '{text}'.")


def test_interpolations_are_those_of_preprocessing() -> None:
    assert tuple(preprocess.INTERPOLATIONS) == recipe.INTERPOLATIONS
