"""What of a picture and of its maps goes into the record."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from reportgen import overlay
from reportgen.options import BuildOptions
from reportgen.preprocess import preprocess
from reportgen.recording import PHOTO_SIDE, VIEW_SIDE, Prepared, prepare
from reportgen.values import DecodedImage, ImageFile, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reportgen.values import Picture

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "interpolation": "bilinear"}
SHORTER = Preprocessing(256, (224, 224), **PLAIN)  # type: ignore[arg-type]
SQUASH = Preprocessing(None, (224, 224), mode="squash", **PLAIN)  # type: ignore[arg-type]
LETTERBOX = Preprocessing(None, (224, 224), mode="letterbox", **PLAIN)  # type: ignore[arg-type]
OWN_SIZE = Preprocessing(None, None, mode="none", **PLAIN)  # type: ignore[arg-type]


def scene(width: int, height: int) -> NDArray[np.uint8]:
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([across, down, 255 - across], axis=-1).astype(np.uint8)


def prepared(size: tuple[int, int], recipe: Preprocessing, **options: bool) -> Prepared:
    image = DecodedImage(ImageFile(Path("a.png"), "a.png"), scene(*size), "00")
    asked = BuildOptions(images=Path(), **options)  # type: ignore[arg-type]
    return prepare(preprocess(image, recipe), image.pixels, None, asked)


def pixels(picture: Picture) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(picture.data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("recipe", [SHORTER, SQUASH])
def test_the_view_is_a_part_of_the_photo(recipe: Preprocessing) -> None:
    found = prepared((500, 375), recipe)
    assert found.view is None
    left, top, width, height = map(int, found.photo_box)
    assert (width, height) == (224, 224)
    part = pixels(found.photo)[top : top + height, left : left + width]
    difference = np.abs(part.astype(int) - found.model_input.view)
    assert difference.max() <= 12  # JPEG


@pytest.mark.parametrize(
    ("size", "recipe"), [((500, 375), LETTERBOX), ((640, 900), OWN_SIZE), ((1200, 200), SHORTER)]
)
def test_a_view_that_is_no_part_is_kept_beside_the_photo(
    size: tuple[int, int], recipe: Preprocessing
) -> None:
    found = prepared(size, recipe)
    view = found.model_input.view
    assert found.view is not None
    assert max(found.view.size) == min(VIEW_SIDE, max(view.shape[:2]))
    assert max(found.photo.size) == PHOTO_SIDE
    across, down, wide, high = found.model_input.geometry.seen_fraction()
    width, height = found.photo.size
    assert found.photo_box == pytest.approx(
        (across * width, down * height, wide * width, high * height)
    )


def test_the_original_is_kept_only_where_overlays_are_saved() -> None:
    assert prepared((300, 300), SHORTER).original is None
    kept = prepared((300, 300), SHORTER, save_overlays=True).original
    np.testing.assert_array_equal(kept, scene(300, 300))


def test_a_compact_photo_takes_no_more() -> None:
    assert len(prepared((300, 300), SHORTER, compact=True).photo.data) <= len(
        prepared((300, 300), SHORTER).photo.data
    )


# -- maps as grey levels ---------------------------------------------------------------------

VALUES = np.array([[0, 1, 2], [-3, 4, 0.5]], np.float32)


def test_levels_are_shares_of_the_peak() -> None:
    assert overlay.levels(VALUES).tolist() == [[0, 64, 128], [0, 255, 32]]


def test_from_levels_the_same_overlay_comes_out() -> None:
    """Within one of 256 colours, which is what eight bits can promise."""
    values = np.random.default_rng(4).random((9, 7), dtype=np.float32)
    again = cv2.resize(overlay.levels(values).astype(np.float32) / 255, (70, 90))
    drawn = cv2.resize(values / values.max(), (70, 90))
    assert np.abs(np.trunc(255 * again) - np.trunc(255 * drawn)).max() <= 1


def test_a_large_map_is_averaged() -> None:
    values = np.kron(np.arange(16, dtype=np.float32).reshape(4, 4), np.ones((3, 3), np.float32))
    assert overlay.reduced(values, 4).tolist() == overlay.levels(values[::3, ::3]).tolist()
    assert overlay.reduced(values, 12).tolist() == overlay.levels(values).tolist()


def test_a_small_map_is_enlarged_as_it_is_drawn() -> None:
    values = np.random.default_rng(4).random((4, 5), dtype=np.float32)
    drawn = cv2.resize(values / values.max(), (56, 28))
    np.testing.assert_allclose(overlay.enlarged(values, (448, 224), 56), 255 * drawn, atol=0.5)
    assert overlay.enlarged(values, (30, 20), 56).shape == (20, 30)


def test_palettes() -> None:
    found = {palette.name: palette.colours for palette in overlay.palettes()}
    assert list(found) == [*overlay.COLORMAPS, overlay.DIFFERENCE]
    assert found["jet"] == overlay.palette("jet").tobytes()
    ends = np.frombuffer(found[overlay.DIFFERENCE], np.uint8).reshape(256, 3)
    assert ends[0, 2] > ends[0, 0]  # blue
    assert ends[-1, 0] > ends[-1, 2]  # red
    assert ends[127:129].min() > 240  # zero is all but white
