"""A report whose photo is lossless and whose raw maps are known, and a hand on its viewer."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sample import METHODS, explained, image, predictions, report

from reportgen import overlay
from reportgen.values import (
    ClassMap,
    ImageRecord,
    MapState,
    Panel,
    Picture,
    Report,
    TargetRecord,
    ViewGeometry,
)

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from reportgen.values import Float32Array, Size, UInt8Array

SIZES: tuple[Size, ...] = ((7, 7), (13, 13), (14, 9), (56, 56), (112, 112), (1, 1))
"""Of the maps of every target, as (width, height); the first is of Grad-CAM."""
PHOTO: Size = (120, 100)
BOX = (13, 7, 96, 80)
"""Where the model's view lies in the photo."""


def png(pixels: UInt8Array) -> Picture:
    """Return pixels as a PNG, without loss."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return Picture("image/png", buffer.getvalue(), (pixels.shape[1], pixels.shape[0]))


def raw_map(image_number: int, target: int, place: int) -> ClassMap:
    """Return the raw map ``map-<image_number>-<target>-<place>``: noise of one peak or another."""
    width, height = SIZES[place - 1]
    seed = np.random.default_rng([image_number, target, place])
    values = seed.random((height, width)).astype(np.float32) * (0.1 * place + target + image_number)
    method = METHODS[0 if place == 1 else 1].name
    return ClassMap(method, f"features.{place}", values, (8, height, width))


def photo(image_number: int) -> UInt8Array:
    """Return the whole photo, ``(height, width, 3)`` uint8 RGB noise."""
    seed = np.random.default_rng([image_number])
    return seed.integers(0, 256, (PHOTO[1], PHOTO[0], 3), dtype=np.uint8)


def view(image_number: int) -> UInt8Array:
    """Return what the model saw of it."""
    left, top, width, height = BOX
    return np.ascontiguousarray(photo(image_number)[top : top + height, left : left + width])


def levels(source: ClassMap) -> UInt8Array:
    """Return the levels of the picture that the page has of a raw map."""
    whole: UInt8Array = np.rint(255 * source.values / source.values.max()).astype(np.uint8)
    return whole


def _panel(source: ClassMap, overlay_file: str | None) -> Panel:
    height, width = source.values.shape
    return Panel(
        method=source.method,
        layer=source.layer,
        activation_shape=source.activation_shape,
        map_size=(width, height),
        peak=source.peak,
        state=MapState.SHOWN,
        grey=png(levels(source)),
        overlay=png(np.zeros((8, 8, 3), np.uint8)),
        heat=None,
        overlay_file=overlay_file,
        original_file=None,
    )


def _image(number: int, name: str) -> ImageRecord:
    found = predictions(number)
    targets = tuple(
        TargetRecord(
            explained(found[target - 1], target),
            tuple(
                _panel(raw_map(number, target, place), "overlays/one.png" if place == 1 else None)
                for place in range(1, len(SIZES) + 1)
            ),
        )
        for target in (1, 2)
    )
    return replace(
        image(name, best=number),
        geometry=ViewGeometry((240, 200), PHOTO, BOX[0], BOX[1], (BOX[2], BOX[3])),
        photo=png(photo(number)),
        photo_box=BOX,
        targets=targets,
    )


def known_report(names: tuple[str, ...] = ("cats/tabby.jpg", "dogs/猫 1.png")) -> Report:
    """Return a report of images with two targets and six maps each."""
    plain = report()
    return replace(
        plain,
        run=replace(plain.run, palettes=overlay.palettes(), alpha=0.3, colormap="jet"),
        images=tuple(_image(number, name) for number, name in enumerate(names, 1)),
        failures=(),
    )


@dataclass(frozen=True, slots=True)
class Viewer:
    """The viewer of a page."""

    page: Page

    @property
    def dialog(self) -> Locator:
        """The dialog itself."""
        return self.page.locator("dialog.viewer")

    @property
    def stage(self) -> Locator:
        """Where the map is."""
        return self.dialog.locator(".stage")

    def go(self, panel: str) -> None:
        """Show a map, through the address."""
        self.page.evaluate(
            """id => new Promise((done) => {
              window.addEventListener("hashchange", done, { once: true });
              location.hash = `#look=${id}`;
            }).then(() => {})""",
            panel,
        )
        self.ready()

    def ready(self) -> None:
        """Wait until the map is loaded and drawn."""
        self.dialog.locator('.stage[aria-busy="false"]').wait_for()

    def slide(self, name: str, value: int) -> None:
        """Set a slider."""
        self.dialog.get_by_role("slider", name=name).fill(str(value))

    def choose(self, name: str, value: str) -> None:
        """Choose from a list by value."""
        self.dialog.get_by_role("combobox", name=name, exact=True).select_option(value)
        self.ready()

    def tick(self, name: str, *, on: bool = True) -> None:
        """Tick a box."""
        self.dialog.get_by_label(name).set_checked(on)

    def said(self) -> str:
        """Return what is said of the cell."""
        return self.dialog.locator("output").inner_text()

    def pixels(self) -> UInt8Array:
        """Return what is drawn, ``(height, width, 3)`` uint8 RGB."""
        width, height, data = self.page.evaluate(
            """() => {
              const canvas = document.querySelector(".plate > canvas");
              const { width, height } = canvas;
              const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
              let text = "";
              data.forEach((byte) => (text += String.fromCharCode(byte)));
              return [width, height, btoa(text)];
            }"""
        )
        pixels = np.frombuffer(b64decode(data), np.uint8).reshape(height, width, 4)
        assert (pixels[..., 3] == 255).all()
        return pixels[..., :3]

    def outline(self) -> str:
        """Return the path data of the outline."""
        return self.dialog.locator("path.outline").get_attribute("d") or ""


def apart(one: UInt8Array, two: UInt8Array) -> int:
    """Return the largest difference of any channel of any pixel."""
    return int(np.abs(one.astype(int) - two).max())


def enclosed(path: str) -> float:
    """Return the area inside of closed outlines that run clockwise around what is above."""
    total = 0.0
    for part in path.split("M")[1:]:
        assert part.endswith("Z")
        points = np.array([point.split() for point in part[:-1].split("L")], dtype=float)
        after = np.roll(points, -1, axis=0)
        total += float((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum()) / 2
    return total


def values_over_view(source: ClassMap) -> Float32Array:
    """Return the levels of a map's picture as drawn over the view, 0 to 1."""
    normalised = levels(source).astype(np.float32) / np.float32(255)
    return overlay._resize(normalised, (BOX[2], BOX[3]))
