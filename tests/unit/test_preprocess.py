"""Preprocessing against the weights' own transforms, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import timm
import timm.data
import torch
from PIL import Image
from torchvision import models

from reportgen import preprocess as module
from reportgen.errors import ImageError
from reportgen.models import embedded
from reportgen.models.torchvision_source import _preprocessing
from reportgen.preprocess import preprocess, view_geometry
from reportgen.values import DecodedImage, ImageFile, Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RECIPE = Preprocessing(
    resize=256,
    crop=(224, 224),
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
)

SIZES = [
    (256, 256),
    (224, 224),
    (640, 427),
    (427, 640),
    (333, 517),
    (1001, 333),
    (97, 701),
    (1, 1),
    (3, 2),
    (7, 5),
    (299, 300),
]

WEIGHTS = [
    models.AlexNet_Weights.DEFAULT,
    models.ResNet50_Weights.DEFAULT,
    models.ResNet50_Weights.IMAGENET1K_V1,
    models.ViT_B_16_Weights.DEFAULT,
    models.EfficientNet_V2_S_Weights.DEFAULT,
    models.Inception_V3_Weights.DEFAULT,
    models.Swin_T_Weights.DEFAULT,
]


def noise(size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def decoded(pixels: NDArray[np.uint8], path: Path) -> DecodedImage:
    return DecodedImage(ImageFile(path, "a.png"), pixels, "abc", ("first of 2 frames",))


def assert_same(size: tuple[int, int], recipe: Preprocessing, transform: Any, path: Path) -> None:  # noqa: ANN401
    pixels = noise(size)
    ours = preprocess(decoded(pixels, path), recipe)
    theirs = transform(Image.fromarray(pixels))
    assert ours.tensor.dtype == np.float32
    assert torch.equal(torch.from_numpy(ours.tensor), theirs)
    assert ours.view.shape == (recipe.crop[1], recipe.crop[0], 3)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_as_torchvision(tmp_path: Path, weights: Any, size: tuple[int, int]) -> None:  # noqa: ANN401
    assert_same(size, _preprocessing(weights), weights.transforms(), tmp_path)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_as_timm(tmp_path: Path, size: tuple[int, int]) -> None:
    model = timm.create_model("tf_efficientnet_lite0")
    config = timm.data.resolve_data_config({}, model=model)
    transform = timm.data.create_transform(**config)
    assert_same(size, embedded._preprocessing(model), transform, tmp_path)


def test_the_view_is_what_the_tensor_holds(tmp_path: Path) -> None:
    result = preprocess(decoded(noise((300, 260)), tmp_path), RECIPE)
    mean = np.array(RECIPE.mean)[:, None, None]
    std = np.array(RECIPE.std)[:, None, None]
    back = (result.tensor * std + mean) * 255
    np.testing.assert_allclose(back, result.view.transpose(2, 0, 1), atol=1e-3)


def test_what_is_known_of_the_file_is_passed_on(tmp_path: Path) -> None:
    image = decoded(noise((5, 5)), tmp_path)
    result = preprocess(image, RECIPE)
    assert (result.file, result.sha256, result.notes) == (image.file, "abc", image.notes)


def test_no_resampling_at_the_right_size(tmp_path: Path) -> None:
    pixels = noise((256, 256))
    result = preprocess(decoded(pixels, tmp_path), RECIPE)
    np.testing.assert_array_equal(result.view, pixels[16:240, 16:240])


@pytest.mark.parametrize(
    ("original", "resized", "corner", "seen"),
    [
        ((512, 512), (256, 256), (16, 16), (0.0625, 0.0625, 0.875, 0.875)),
        ((1024, 512), (512, 256), (144, 16), (0.28125, 0.0625, 0.4375, 0.875)),
        ((512, 1024), (256, 512), (16, 144), (0.0625, 0.28125, 0.875, 0.4375)),
        ((100, 101), (256, 258), (16, 17), (16 / 256, 17 / 258, 224 / 256, 224 / 258)),
    ],
)
def test_seen_fraction(
    original: tuple[int, int],
    resized: tuple[int, int],
    corner: tuple[int, int],
    seen: tuple[float, float, float, float],
) -> None:
    geometry = view_geometry(original, RECIPE)
    assert geometry.original == original
    assert geometry.resized == resized
    assert (geometry.crop_left, geometry.crop_top) == corner
    assert geometry.view == (224, 224)
    assert geometry.seen_fraction() == pytest.approx(seen)


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1)])
def test_too_long_and_thin(tmp_path: Path, size: tuple[int, int]) -> None:
    assert preprocess(decoded(noise((1, 20)), tmp_path), RECIPE).view.shape == (224, 224, 3)
    with pytest.raises(ImageError, match=f"^{size[0]}×{size[1]} is too long and thin"):
        preprocess(decoded(noise(size), tmp_path), RECIPE)


def test_the_bound_is_on_the_resized_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = decoded(noise((20, 10)), tmp_path)
    monkeypatch.setattr(module, "MAX_RESIZED_PIXELS", 512 * 256)
    assert preprocess(image, RECIPE).geometry.resized == (512, 256)
    monkeypatch.setattr(module, "MAX_RESIZED_PIXELS", 512 * 256 - 1)
    with pytest.raises(ImageError, match="512×256"):
        preprocess(image, RECIPE)
