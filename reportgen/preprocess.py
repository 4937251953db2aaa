"""Turn a decoded picture into the model's view and its input tensor."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from reportgen.errors import ImageError
from reportgen.language import _
from reportgen.values import DecodedImage, ModelInput, Preprocessing, ViewGeometry

if TYPE_CHECKING:
    from reportgen.values import Float32Array, Size, UInt8Array

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Names of the interpolations, as torchvision and timm write them, and Pillow's filters."""

MAX_RESIZED_PIXELS = 50_000_000
"""A strip of 1×100,000 pixels would become gigabytes when its short side is brought to 256; a
picture at its own size becomes its float tensor, and the network's activations come on top."""


def preprocess(image: DecodedImage, recipe: Preprocessing) -> ModelInput:
    """Resize, crop or pad, scale and normalise as the weights' own transforms do.

    On a Pillow image the mode ``shorter`` is equal to torchvision's ``ImageClassification``
    preset and timm's evaluation transform, ``squash`` to torchvision's ``Resize((height,
    width))``, and ``none`` to ``ToTensor()``, to the last bit. With the channel order ``bgr``
    the tensor's channels are reversed before mean and std are applied, as they are after
    ``cv2.imread``; the view stays RGB.

    Raises
    ------
    ImageError
        If the picture has too many pixels at its own size, or is so long and thin that its
        resized form would not fit into memory.
    """
    height, width = image.pixels.shape[:2]
    geometry = view_geometry((width, height), recipe)
    _check_size(geometry, recipe)
    view, whole = _view(image.pixels, geometry, recipe)
    return ModelInput(
        file=image.file,
        sha256=image.sha256,
        notes=image.notes,
        view=view,
        tensor=_tensor(view, recipe),
        geometry=geometry,
        whole=whole,
    )


def view_geometry(original: Size, recipe: Preprocessing) -> ViewGeometry:
    """Return where the view lies in a picture of size ``original`` (width, height)."""
    resized = _resized(original, recipe)
    view = recipe.crop or resized
    return ViewGeometry(
        original=original,
        resized=resized,
        crop_left=_offset(resized[0], view[0]),
        crop_top=_offset(resized[1], view[1]),
        view=view,
    )


def _resized(original: Size, recipe: Preprocessing) -> Size:
    """Return the size of the whole picture after resizing, before anything is cut or padded."""
    width, height = original
    if recipe.crop is None:
        return original
    if recipe.mode == "squash":
        return recipe.crop if recipe.resize is None else (recipe.resize, recipe.resize)
    if recipe.mode == "letterbox":
        scale = min(recipe.crop[0] / width, recipe.crop[1] / height)
        # Cannot exceed the crop: the scale's float error is far below half a pixel.
        return max(1, round(width * scale)), max(1, round(height * scale))
    if recipe.resize is None:
        raise AssertionError(f"mode '{recipe.mode}' without a length to resize to")
    if width <= height:
        return recipe.resize, int(recipe.resize * height / width)
    return int(recipe.resize * width / height), recipe.resize


def _offset(side: int, view: int) -> int:
    """Return where the view begins along one axis, negative where the picture is padded.

    The odd pixel falls where torchvision's ``CenterCrop`` lets it fall, which rounds halves to
    even when it cuts, and down when it pads.
    """
    return -((view - side) // 2) if side < view else round((side - view) / 2.0)


def _check_size(geometry: ViewGeometry, recipe: Preprocessing) -> None:
    width, height = geometry.resized
    if width * height <= MAX_RESIZED_PIXELS:
        return
    if recipe.crop is None:
        raise ImageError(
            _(
                "{width}×{height} is too large for the network at its own size: at most {most:,} "
                "pixels are passed on. Give --input-size to have it resized"
            ).format(width=width, height=height, most=MAX_RESIZED_PIXELS),
        )
    if recipe.mode == "shorter":
        raise ImageError(
            _(
                "{size} is too long and thin: with its shorter side at {side} pixels it would be "
                "{width}×{height}"
            ).format(
                size=f"{geometry.original[0]}×{geometry.original[1]}",
                side=recipe.resize,
                width=width,
                height=height,
            ),
        )


def _view(
    pixels: UInt8Array, geometry: ViewGeometry, recipe: Preprocessing
) -> tuple[UInt8Array, UInt8Array | None]:
    """Return the view and the resized picture that it is a part of, both uint8 RGB.

    The second is None where the view is padded, or where nothing was resized.
    """
    if recipe.crop is None:
        return pixels, None
    picture = Image.fromarray(pixels)
    if picture.size != geometry.resized:
        picture = picture.resize(geometry.resized, INTERPOLATIONS[recipe.interpolation])
    left, top, (width, height) = geometry.crop_left, geometry.crop_top, geometry.view
    if width <= picture.width and height <= picture.height:
        whole = np.asarray(picture)
        return np.ascontiguousarray(whole[top : top + height, left : left + width]), whole
    # Black around a picture smaller than the centre crop is what torchvision pads with.
    around = _mean_colour(recipe) if recipe.mode == "letterbox" else (0, 0, 0)
    canvas = Image.new("RGB", geometry.view, around)
    canvas.paste(picture, (-left, -top))
    return np.asarray(canvas), None


def _mean_colour(recipe: Preprocessing) -> tuple[int, int, int]:
    """Return the colour, as RGB 0 to 255, that comes nearest to 0 in the tensor."""
    first, second, third = (min(max(round(255 * value), 0), 255) for value in recipe.mean)
    return (third, second, first) if recipe.channel_order == "bgr" else (first, second, third)


def _tensor(view: UInt8Array, recipe: Preprocessing) -> Float32Array:
    """Return the view as ``(3, height, width)`` float32, normalised in the network's order."""
    tensor = np.empty((3, *view.shape[:2]), dtype=np.float32)
    levels = _levels(recipe.mean, recipe.std)
    order = (2, 1, 0) if recipe.channel_order == "bgr" else (0, 1, 2)
    for place, channel in enumerate(order):
        cv2.LUT(cv2.extractChannel(view, channel), levels[place], dst=tensor[place])
    return tensor


@lru_cache(maxsize=8)
def _levels(mean: tuple[float, ...], std: tuple[float, ...]) -> Float32Array:
    """Return what each of 256 levels becomes, ``(3, 256)`` float32, in the network's order."""
    scaled = np.arange(256, dtype=np.float32) / np.float32(255)
    shifted = scaled - np.asarray(mean, dtype=np.float32)[:, np.newaxis]
    levels: Float32Array = shifted / np.asarray(std, dtype=np.float32)[:, np.newaxis]
    return levels
