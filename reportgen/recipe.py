"""Read the options that change how a picture becomes the network's input."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reportgen.errors import OptionError, did_you_mean
from reportgen.values import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reportgen.options import PreprocessOptions
    from reportgen.values import Size

PRESETS = ("auto", "imagenet", "unit")
"""``auto``: the weights' own. ``imagenet``: 256, then 224, normalised with ImageNet's statistics.
``unit``: every picture at its own size, scaled to 0…1 and nothing else."""

RESIZE_MODES = ("shorter", "squash", "letterbox")
"""What ``--resize-mode`` takes; `Preprocessing` says what each means."""

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
"""What ``--interpolation`` takes; kept apart from Pillow so that ``--help`` need not import it."""

CHANNEL_ORDERS = ("rgb", "bgr")
"""What ``--channel-order`` takes."""

MAX_SIDE = 8192
"""Longest side that ``--input-size`` takes."""

MAX_UNIT_SCALE = 10.0
"""A mean or a standard deviation beyond this was meant for values from 0 to 255."""

IMAGENET = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
)
_UNIT = Preprocessing(
    resize=None,
    crop=None,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    interpolation="bilinear",
    mode="none",
)
_SIZE = re.compile(r"\s*([0-9]{1,9})(?:\s*[xX×]\s*([0-9]{1,9}))?\s*")


def make_recipe(base: Preprocessing, options: PreprocessOptions) -> Preprocessing:
    """Apply a preset, and single options on top of it.

    Parameters
    ----------
    base
        The weights' own recipe, which the preset ``auto`` (or None) stands for.
    options
        Each as typed; None leaves the preset's value. ``mean`` and ``std`` are given in the
        order of the network's channels, and a preset's own are not reordered by
        ``channel_order``.

    Returns
    -------
    The recipe. A new size with the mode ``shorter`` keeps the preset's ratio of shorter side to
    crop; a preset without a size gets the crop's own shorter side.

    Raises
    ------
    OptionError
        If a value is outside what its option takes, or has nothing to work on because every
        picture stays at its own size.
    """
    recipe = _preset(base, options.preset)
    recipe = _sized(recipe, options)
    if options.interpolation is not None:
        chosen = _one_of("--interpolation", options.interpolation, INTERPOLATIONS)
        _refuse_own_size(recipe, "--interpolation")
        recipe = replace(recipe, interpolation=chosen)
    if options.mean is not None:
        recipe = replace(recipe, mean=_three_numbers("--mean", options.mean))
    if options.std is not None:
        recipe = replace(recipe, std=_positive(_three_numbers("--std", options.std), options.std))
    if options.channel_order is not None:
        order = _one_of("--channel-order", options.channel_order, CHANNEL_ORDERS)
        recipe = replace(recipe, channel_order=order)
    return recipe


def _preset(base: Preprocessing, name: str | None) -> Preprocessing:
    chosen = "auto" if name is None else _one_of("--preprocess", name, PRESETS)
    return {"auto": base, "imagenet": IMAGENET, "unit": _UNIT}[chosen]


def _sized(recipe: Preprocessing, options: PreprocessOptions) -> Preprocessing:
    """Apply ``--input-size`` and ``--resize-mode``."""
    mode = recipe.mode
    if options.resize_mode is not None:
        mode = _one_of("--resize-mode", options.resize_mode, RESIZE_MODES)
    if options.input_size is None:
        if options.resize_mode is None:
            return recipe
        crop = _refuse_own_size(recipe, "--resize-mode")
    else:
        crop = _size(options.input_size)
        if mode == "none":
            mode = "shorter"
    resize = _shorter_side(recipe, crop) if mode == "shorter" else None
    return replace(recipe, mode=mode, crop=crop, resize=resize)


def _shorter_side(recipe: Preprocessing, crop: Size) -> int:
    """Return the length of the shorter side, as far beyond the crop as it was in ``recipe``.

    Measured by the crop's longer side, so that no picture is too small for it in one direction.
    """
    if recipe.resize is None or recipe.crop is None:
        return max(crop)
    return max(1, round(recipe.resize * max(crop) / max(recipe.crop)))


def _refuse_own_size(recipe: Preprocessing, option: str) -> Size:
    """Return the recipe's crop; without one ``option`` would silently do nothing."""
    if recipe.crop is None:
        raise OptionError(
            f"{option}: nothing is resized, every picture goes to the network at its own size. "
            "Add --input-size, for example --input-size 224, or leave it out.",
        )
    return recipe.crop


def _size(text: str) -> Size:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise OptionError(
            "--input-size: one number or WIDTHxHEIGHT in pixels is expected, for example 224 or "
            f"224x192, found '{text}'.",
        )
    width = int(found[1])
    height = int(found[2]) if found[2] else width
    for side in (width, height):
        if not 1 <= side <= MAX_SIDE:
            raise OptionError(
                f"--input-size: sides from 1 to {MAX_SIDE} pixels are expected, found {side}.",
            )
    return width, height


def _three_numbers(option: str, text: str) -> tuple[float, float, float]:
    """Read one number for all channels, or three with commas between."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not all(map(math.isfinite, values)):  # noqa: PLR2004 - the channels
        raise OptionError(
            f"{option}: one number, or one for each of the three channels with commas between, "
            f"is expected, for example 0.485,0.456,0.406; found '{text}'.",
        )
    if max(map(abs, values)) > MAX_UNIT_SCALE:
        raise OptionError(
            f"{option}: pixels are scaled to 0–1 first, and '{text}' is for pixels from 0 to 255. "
            f"Divide by 255: {_divided(values)}.",
        )
    first, second, third = values
    return first, second, third


def _divided(values: Sequence[float]) -> str:
    return ",".join(f"{value / 255:.4g}" for value in values)


def _positive(values: tuple[float, float, float], text: str) -> tuple[float, float, float]:
    if min(values) <= 0:
        raise OptionError(
            f"--std: numbers above 0 are expected, as every channel is divided by its own; "
            f"found '{text}'.",
        )
    return values


def _one_of(option: str, text: str, known: tuple[str, ...]) -> str:
    chosen = text.strip().casefold()
    if chosen not in known:
        raise OptionError(
            f"{option}: expected one of {', '.join(known)}, found '{text}'."
            f"{did_you_mean(chosen, known)}",
        )
    return chosen
