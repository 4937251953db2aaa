"""Pictures to measure with: cut out of the photos in ``images/``, no two the same."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

PHOTOS = Path(__file__).resolve().parent.parent / "images"
QUALITY = 90


def make(folder: Path, number: int, size: tuple[int, int]) -> list[Path]:
    """Fill a new folder with JPEG files of ``size`` (width, height), the same ones every time.

    Each is a part of a photo, of half the photo's sides or more, so that decoding and encoding have
    real content to deal with; a comment with its number makes its bytes its own.
    """
    folder.mkdir(parents=True)
    photos: list[Image.Image] = []
    for path in sorted(PHOTOS.glob("*.jpg")):
        with Image.open(path) as opened:
            photos.append(opened.convert("RGB"))
    chance = random.Random(0)  # noqa: S311 - where to cut
    paths = []
    for index in range(number):
        photo = photos[index % len(photos)]
        part = photo.resize(size, Image.Resampling.BILINEAR, _box(photo.size, size, chance))
        paths.append(folder / f"{index:05}.jpg")
        part.save(paths[-1], quality=QUALITY, comment=f"picture {index}")
    return paths


def _box(
    photo: tuple[int, int], size: tuple[int, int], chance: random.Random
) -> tuple[float, float, float, float]:
    """Choose a part of a photo that has the proportions of ``size``."""
    scale = min(photo[0] / size[0], photo[1] / size[1]) * chance.uniform(0.5, 1)
    width, height = size[0] * scale, size[1] * scale
    left, top = chance.uniform(0, photo[0] - width), chance.uniform(0, photo[1] - height)
    return left, top, min(left + width, photo[0]), min(top + height, photo[1])


def some_of(paths: Sequence[Path], folder: Path) -> Path:
    """Give a new folder these pictures, without a second copy on disk where links can be made."""
    folder.mkdir(parents=True)
    for path in paths:
        try:
            os.link(path, folder / path.name)
        except OSError:
            shutil.copyfile(path, folder / path.name)
    return folder
