"""Preprocessing against the weights' own and OpenCV's pixels, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import timm
import timm.data
import torch
from PIL import Image
from torchvision import models, transforms

from reportgen import preprocess as module
from reportgen.decode import decode
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
SQUASH = replace(RECIPE, mode="squash", resize=None)
LETTERBOX = replace(RECIPE, mode="letterbox", resize=None)
UNIT = Preprocessing(
    resize=None,
    crop=None,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    interpolation="bilinear",
    mode="none",
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
    width, height = recipe.crop or size
    assert ours.view.shape == (height, width, 3)
    assert ours.geometry.view == (width, height)


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


def normalised(*steps: Any) -> Any:  # noqa: ANN401
    end = transforms.Normalize(RECIPE.mean, RECIPE.std)
    return transforms.Compose([*steps, transforms.ToTensor(), end])


@pytest.mark.parametrize("resize", [219, 223, 224, 225, 226, 100, 101, 99])
@pytest.mark.parametrize("crop", [(224, 224), (224, 96), (97, 224), (225, 223)], ids=str)
@pytest.mark.parametrize("size", [(256, 256), (333, 517), (517, 333)], ids=str)
def test_cut_and_padded_as_torchvision(
    tmp_path: Path, size: tuple[int, int], crop: tuple[int, int], resize: int
) -> None:
    steps = transforms.Resize(resize), transforms.CenterCrop(crop[::-1])
    recipe = replace(RECIPE, resize=resize, crop=crop)
    assert_same(size, recipe, normalised(*steps), tmp_path)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("crop", [(224, 224), (224, 192), (96, 300)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_squashed_as_torchvision(
    tmp_path: Path, size: tuple[int, int], crop: tuple[int, int], interpolation: str
) -> None:
    how = transforms.InterpolationMode(interpolation)
    transform = normalised(transforms.Resize(crop[::-1], interpolation=how))
    recipe = replace(SQUASH, crop=crop, interpolation=interpolation)
    assert_same(size, recipe, transform, tmp_path)
    geometry = view_geometry(size, recipe)
    assert geometry.resized == geometry.view == crop
    assert geometry.seen_fraction() == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("size", "crop", "resized", "corner"),
    [
        ((640, 480), (224, 224), (224, 168), (0, -28)),
        ((480, 640), (224, 224), (168, 224), (-28, 0)),
        ((224, 168), (224, 224), (224, 168), (0, -28)),
        ((64, 48), (224, 224), (224, 168), (0, -28)),  # small pictures are enlarged
        ((640, 480), (300, 200), (267, 200), (-16, 0)),
        ((640, 480), (200, 300), (200, 150), (0, -75)),
        ((640, 480), (224, 167), (223, 167), (0, 0)),  # the odd pixel is at the right
        ((100_000, 1), (224, 224), (224, 1), (0, -111)),
        ((1, 100_000), (224, 224), (1, 224), (-111, 0)),
        ((300, 300), (224, 224), (224, 224), (0, 0)),
    ],
)
def test_letterbox(
    tmp_path: Path,
    size: tuple[int, int],
    crop: tuple[int, int],
    resized: tuple[int, int],
    corner: tuple[int, int],
) -> None:
    pixels = noise(size)
    result = preprocess(decoded(pixels, tmp_path), replace(LETTERBOX, crop=crop))
    geometry = result.geometry
    assert geometry.resized == resized
    assert (geometry.crop_left, geometry.crop_top) == corner
    assert geometry.view == crop
    fitted = Image.fromarray(pixels).resize(resized, Image.Resampling.BILINEAR)
    expected = np.full((crop[1], crop[0], 3), (124, 116, 104), dtype=np.uint8)
    left, top = -corner[0], -corner[1]
    expected[top : top + resized[1], left : left + resized[0]] = np.asarray(fitted)
    np.testing.assert_array_equal(result.view, expected)


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize(
    ("mean", "colour"),
    [
        ((0.485, 0.456, 0.406), (124, 116, 104)),
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((-0.5, 1.5, 1.0), (0, 255, 255)),
    ],
)
def test_letterbox_is_padded_with_the_mean_colour(
    tmp_path: Path,
    order: str,
    mean: tuple[float, float, float],
    colour: tuple[int, int, int],
) -> None:
    recipe = replace(LETTERBOX, mean=mean, channel_order=order)
    result = preprocess(decoded(noise((20, 10)), tmp_path), recipe)
    shown = colour if order == "rgb" else colour[::-1]  # the mean is in the network's order
    assert result.view[0, 0].tolist() == list(shown)
    if min(mean) >= 0 and max(mean) <= 1:
        assert np.abs(result.tensor[:, 0, 0]).max() <= 0.5 / 255 / min(recipe.std)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_own_size_as_torchvision(tmp_path: Path, size: tuple[int, int]) -> None:
    assert_same(size, UNIT, transforms.ToTensor(), tmp_path)
    assert_same(size, replace(UNIT, mean=RECIPE.mean, std=RECIPE.std), normalised(), tmp_path)
    geometry = view_geometry(size, UNIT)
    assert geometry.original == geometry.resized == geometry.view == size
    assert geometry.seen_fraction() == (0, 0, 1, 1)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("size", [(64, 48), (333, 217)], ids=str)
def test_own_size_in_opencvs_order(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(size)).save(path)
    image = decode(ImageFile(path, path.name))
    ours = preprocess(image, replace(UNIT, channel_order="bgr"))
    theirs = transforms.ToTensor()(cv2.imread(str(path)))
    assert torch.equal(torch.from_numpy(ours.tensor), theirs)
    np.testing.assert_array_equal(ours.view, image.pixels)


@pytest.mark.parametrize("recipe", [RECIPE, SQUASH, LETTERBOX], ids=["shorter", "squash", "letter"])
def test_channels_are_reversed_before_mean_and_std(tmp_path: Path, recipe: Preprocessing) -> None:
    pixels = noise((333, 217))
    recipe = replace(recipe, mean=(0.1, 0.1, 0.1))  # a letterbox of any one grey is symmetric
    rgb = preprocess(decoded(pixels, tmp_path), recipe)
    bgr = preprocess(decoded(pixels, tmp_path), replace(recipe, channel_order="bgr"))
    np.testing.assert_array_equal(bgr.view, rgb.view)
    assert bgr.tensor.flags.c_contiguous
    turned = np.ascontiguousarray(rgb.view[:, :, ::-1])
    end = transforms.Normalize(recipe.mean, recipe.std)
    assert torch.equal(torch.from_numpy(bgr.tensor), end(transforms.ToTensor()(turned)))


def test_a_crop_without_a_length_to_resize_to(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="'shorter' without a length"):
        preprocess(decoded(noise((5, 5)), tmp_path), replace(RECIPE, resize=None))


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


def test_the_bound_on_pictures_at_their_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = decoded(noise((20, 10)), tmp_path)
    monkeypatch.setattr(module, "MAX_RESIZED_PIXELS", 200)
    assert preprocess(image, UNIT).geometry.view == (20, 10)
    monkeypatch.setattr(module, "MAX_RESIZED_PIXELS", 199)
    with pytest.raises(ImageError, match=r"^20×10 is too large .* at most 199 .*--input-size"):
        preprocess(image, UNIT)


@pytest.mark.parametrize("recipe", [SQUASH, LETTERBOX], ids=["squash", "letterbox"])
def test_long_and_thin_pictures_fit_where_nothing_is_cut(
    tmp_path: Path, recipe: Preprocessing
) -> None:
    assert preprocess(decoded(noise((1, 2000)), tmp_path), recipe).view.shape == (224, 224, 3)


def test_squash_with_a_crop_as_timm_does_it(tmp_path: Path) -> None:
    recipe = Preprocessing(
        resize=60,
        crop=(48, 48),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        interpolation="bicubic",
        mode="squash",
    )
    pixels = np.random.default_rng(0).integers(0, 256, (70, 101, 3), dtype=np.uint8)
    expected = timm.data.create_transform(
        (3, 48, 48),
        crop_pct=0.8,
        crop_mode="squash",
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )(Image.fromarray(pixels))
    decoded = DecodedImage(ImageFile(tmp_path, "a.png"), pixels, "")
    np.testing.assert_array_equal(preprocess(decoded, recipe).tensor, expected.numpy())
    assert recipe.describe().startswith("squashed to 60×60 (bicubic), centre crop 48×48")
