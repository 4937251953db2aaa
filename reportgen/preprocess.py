"""Turn a decoded picture into the model's view and its input tensor."""

from __future__ import annotations

import numpy as np
from PIL import Image

from reportgen.errors import ImageError
from reportgen.values import DecodedImage, ModelInput, Preprocessing, ViewGeometry

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Names of the interpolations, as torchvision and timm write them, and Pillow's filters."""

MAX_RESIZED_PIXELS = 50_000_000
"""A strip of 1×100,000 pixels would become gigabytes when its short side is brought to 256."""


def preprocess(image: DecodedImage, recipe: Preprocessing) -> ModelInput:
    """Resize, crop, scale and normalise as the weights' own transforms do.

    The shorter side is resized to ``recipe.resize`` (the other one truncated to whole pixels),
    the centre ``recipe.crop`` is cut out, values are scaled to 0…1 in float32, and mean and std
    are applied per channel. Equal to torchvision's ``ImageClassification`` preset and timm's
    evaluation transform on a Pillow image, to the last bit.

    Raises
    ------
    ImageError
        If the picture is so long and thin that its resized form would not fit into memory.
    """
    height, width = image.pixels.shape[:2]
    geometry = view_geometry((width, height), recipe)
    if geometry.resized[0] * geometry.resized[1] > MAX_RESIZED_PIXELS:
        raise ImageError(
            f"{width}×{height} is too long and thin: with its shorter side at {recipe.resize} "
            f"pixels it would be {geometry.resized[0]}×{geometry.resized[1]}",
        )
    resized = Image.fromarray(image.pixels)
    if resized.size != geometry.resized:
        resized = resized.resize(geometry.resized, INTERPOLATIONS[recipe.interpolation])
    left, top = geometry.crop_left, geometry.crop_top
    box = (left, top, left + recipe.crop[0], top + recipe.crop[1])
    view = np.asarray(resized.crop(box))  # crop pads with black where the picture is smaller
    scaled = view.astype(np.float32) / np.float32(255)
    mean = np.asarray(recipe.mean, dtype=np.float32)
    std = np.asarray(recipe.std, dtype=np.float32)
    tensor = np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1))
    return ModelInput(
        file=image.file,
        sha256=image.sha256,
        notes=image.notes,
        view=view,
        tensor=tensor,
        geometry=geometry,
    )


def view_geometry(original: tuple[int, int], recipe: Preprocessing) -> ViewGeometry:
    """Return where the view lies in a picture of size ``original`` (width, height)."""
    width, height = original
    if width <= height:
        resized = (recipe.resize, int(recipe.resize * height / width))
    else:
        resized = (int(recipe.resize * width / height), recipe.resize)
    return ViewGeometry(
        original=original,
        resized=resized,
        crop_left=round((resized[0] - recipe.crop[0]) / 2.0),
        crop_top=round((resized[1] - recipe.crop[1]) / 2.0),
        view=recipe.crop,
    )
