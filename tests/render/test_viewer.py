"""What the viewer draws, in Chromium, against the Python that drew the page's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from viewer_pages import (
    BOX,
    PHOTO,
    SIZES,
    Viewer,
    apart,
    enclosed,
    known_report,
    levels,
    photo,
    raw_map,
    values_over_view,
    view,
)

from reportgen import overlay
from reportgen.render import render
from reportgen.render.environment import builtin_folder
from reportgen.render.filters import significant
from reportgen.values import ClassMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from reportgen.values import Float32Array, UInt8Array

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLACES = range(1, len(SIZES) + 1)


@pytest.fixture(scope="module")
def known_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("known")
    render(known_report(), folder)
    return folder / "index.html"


@pytest.fixture
def look(browser: Browser, known_page: Path) -> Iterator[Callable[..., Viewer]]:
    """Open the viewer at a map; at the end, nothing was fetched, logged or asked on the way."""
    contexts = []
    troubles: list[str] = []

    def open_viewer(panel: str = "map-1-1-1", **options: Any) -> Viewer:  # noqa: ANN401
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                troubles.append(request.url)
                if not request.url.startswith(("data:", "blob:", known_page.as_uri()))
                else None
            ),
        )
        page.goto(f"{known_page.as_uri()}#look={panel}")
        viewer = Viewer(page)
        viewer.ready()
        return viewer

    yield open_viewer
    for context in contexts:
        context.close()
    assert troubles == []


def as_embedded(source: ClassMap) -> ClassMap:
    """Return the map that the page's picture of a map stands for: 256 levels of its peak."""
    values = levels(source).astype(np.float32) / np.float32(255)
    return ClassMap(source.method, source.layer, values, source.activation_shape)


def drawn(source: ClassMap, alpha: float, colormap: str) -> UInt8Array:
    blend = overlay.draw(source, view(1), alpha=alpha, colormap=colormap).blend
    assert blend is not None
    return blend


def coloured(indices: Float32Array, colormap: str, alpha: float = 1) -> UInt8Array:
    """Colour whole numbers, blended with the first image's view."""
    colours = next(item.colours for item in overlay.palettes() if item.name == colormap)
    heat = np.frombuffer(colours, np.uint8).reshape(256, 3)[indices.astype(int)]
    mixed: UInt8Array = np.rint(alpha * heat + (1 - alpha) * view(1)).astype(np.uint8)
    return mixed


# -- pixels ----------------------------------------------------------------------------------


def most_apart(alpha: float, colormap: str) -> int:
    """Return how far apart colours one of 256 levels beside each other are once blended.

    The page's picture of a map has 256 levels, so that between cells a value can come to lie on the
    other side of a level's edge.
    """
    step = np.abs(np.diff(overlay.palette(colormap).astype(int), axis=0)).max()
    return int(alpha * step) + 1


@pytest.mark.parametrize("place", PLACES)
def test_same_pixels_as_the_overlay(look: Callable[..., Viewer], place: int) -> None:
    viewer = look(f"map-1-1-{place}")
    source = raw_map(1, 1, place)
    for alpha in (0, 0.3, 0.5, 1):
        viewer.slide("Opacity", round(100 * alpha))
        pixels = viewer.pixels()
        assert pixels.shape == (BOX[3], BOX[2], 3)
        expected = drawn(source, alpha, "jet")
        assert apart(pixels, expected) <= most_apart(alpha, "jet")
        if alpha <= 0.5:
            assert (np.abs(pixels.astype(int) - expected) > 2).mean() < 0.001
        # With the levels themselves as values, the arithmetic alone is compared.
        assert (pixels != drawn(as_embedded(source), alpha, "jet")).mean() < 0.01


def test_same_pixels_with_every_colour_map(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-2")
    source = raw_map(1, 1, 2)
    assert most_apart(0.3, "jet") == 2
    for colormap in overlay.COLORMAPS:
        viewer.choose("Colours", colormap)
        for alpha in (0.3, 0.5):
            viewer.slide("Opacity", round(100 * alpha))
            expected = drawn(source, alpha, colormap)
            assert apart(viewer.pixels(), expected) <= most_apart(alpha, colormap)


def test_nothing_of_the_map_is_the_photo(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-3")
    viewer.slide("Opacity", 0)
    assert apart(viewer.pixels(), view(1)) == 0


def test_the_whole_photo(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-3")
    over_view = viewer.pixels()
    viewer.tick("The whole photo")
    left, top, width, height = BOX
    expected = photo(1)
    expected[top : top + height, left : left + width] = over_view
    assert viewer.pixels().shape == (PHOTO[1], PHOTO[0], 3)
    assert apart(viewer.pixels(), expected) == 0


def test_true_resolution_shows_the_nearest_cell(look: Callable[..., Viewer]) -> None:
    viewer = look("map-2-1-1")
    viewer.slide("Opacity", 100)
    viewer.tick("True resolution")
    for place in PLACES:
        viewer.go(f"map-1-1-{place}")
        cells = levels(raw_map(1, 1, place))
        height, width = cells.shape
        columns = np.floor((np.arange(BOX[2]) + 0.5) * width / BOX[2]).astype(int)
        rows = np.floor((np.arange(BOX[3]) + 0.5) * height / BOX[3]).astype(int)
        assert apart(viewer.pixels(), coloured(cells[rows][:, columns], "jet")) == 0


def test_wipe_leaves_the_photo_alone(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-2")
    before = viewer.pixels()
    viewer.slide("Photo alone", 25)
    edge = BOX[2] // 4
    assert apart(viewer.pixels()[:, :edge], view(1)[:, :edge]) == 0
    assert apart(viewer.pixels()[:, edge:], before[:, edge:]) == 0


# -- scales and differences ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "others"),
    [
        ("layers", [(1, 1, place) for place in PLACES if place != 1]),
        ("targets", [(1, target, 3) for target in (1, 2)]),
        ("images", [(number, target, 3) for number in (1, 2) for target in (1, 2)]),
    ],
)
def test_shared_scale(
    look: Callable[..., Viewer], scale: str, others: list[tuple[int, int, int]]
) -> None:
    viewer = look("map-1-1-3")
    viewer.slide("Opacity", 100)
    viewer.choose("Scale", scale)
    source = raw_map(1, 1, 3)
    most = max(raw_map(*other).peak for other in others)
    assert most > source.peak
    shown = viewer.dialog.locator(".scale").inner_text().split()
    assert shown == ["0", significant(most)]
    values = values_over_view(source) * source.peak / most
    beside = np.abs(viewer.pixels().astype(int) - coloured(np.trunc(255 * values), "jet"))
    assert (beside > 0).mean() < 0.002


def test_difference_of_two_maps_of_other_sizes(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-1")
    viewer.slide("Opacity", 50)
    viewer.choose("Less the map", "map-1-2-3")
    one, two = raw_map(1, 1, 1), raw_map(1, 2, 3)
    raw = values_over_view(one) * one.peak - values_over_view(two) * two.peak
    most = np.abs(raw).max()
    shown = viewer.dialog.locator(".scale").inner_text().split()
    assert shown == [significant(-most), significant(most)]
    expected = coloured(np.rint(127.5 + 127.5 * raw / most), "difference", 0.5)
    assert apart(viewer.pixels(), expected) <= 1
    assert viewer.dialog.get_by_role("combobox", name="Colours").is_disabled()
    viewer.choose("Less the map", "")
    assert viewer.dialog.get_by_role("combobox", name="Colours").is_enabled()


def test_difference_of_a_map_and_its_like_is_white(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-6")
    viewer.slide("Opacity", 100)
    viewer.choose("Less the map", "map-1-2-6")
    viewer.choose("Scale", "images")
    pixels = viewer.pixels()
    assert (pixels == pixels[0, 0]).all()
    assert pixels[0, 0][2] > pixels[0, 0][0]  # the second has the higher peak: blue


# -- threshold -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [1, 2, 3])
def test_outline_encloses_what_is_above(look: Callable[..., Viewer], place: int) -> None:
    viewer = look(f"map-1-1-{place}")
    for share in (30, 50, 80):
        viewer.slide("Threshold", share)
        count = int((255 * values_over_view(raw_map(1, 1, place)) >= 2.55 * share).sum())
        assert count > 0
        # A smooth outline cuts pixels: it may be off by a part of each pixel that it passes.
        passed = viewer.outline().count("L")
        assert abs(enclosed(viewer.outline()) - count) <= 0.1 * passed


@pytest.mark.parametrize("place", [1, 3, 4])
def test_outline_of_cells_encloses_exactly_them(look: Callable[..., Viewer], place: int) -> None:
    viewer = look(f"map-1-1-{place}")
    viewer.tick("True resolution")
    viewer.slide("Threshold", 50)
    cells = levels(raw_map(1, 1, place))
    expected = (cells >= 127.5).mean() * BOX[2] * BOX[3]
    assert enclosed(viewer.outline()) == pytest.approx(expected, rel=1e-3)


def test_only_what_is_above(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-2")
    before = viewer.pixels()
    viewer.slide("Threshold", 60)
    viewer.tick("Only what is above")
    above = (255 * values_over_view(raw_map(1, 1, 2)) >= 153)[..., None]
    assert apart(viewer.pixels(), np.where(above, before, view(1))) == 0


def test_caption_says_the_area(look: Callable[..., Viewer], known_page: Path) -> None:
    viewer = look("map-1-1-2")
    viewer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    viewer.slide("Threshold", 60)
    viewer.dialog.get_by_role("button", name="Copy caption").click()
    shelf = viewer.dialog.locator("fieldset > .fine")
    area = (255 * values_over_view(raw_map(1, 1, 2)) >= 153).mean()
    shelf.get_by_text(f"{100 * area:.1f}% of the view").wait_for()
    for part in ("Layer-CAM for", "at features.2", "cats/tabby.jpg", "alexnet", "(jet)", "13×13"):
        assert part in shelf.inner_text()
    assert known_page.exists()


def script(name: str) -> str:
    """Return a script of the viewer as it is written; in the page its names are shortened."""
    return (builtin_folder() / f"scripts/viewer/{name}.js").read_text(encoding="utf-8")


def test_corners_across_are_one_where_their_middle_is_above(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-6")
    found = viewer.page.evaluate(
        f"""() => {{ {script("maps")}; return [4, 6].map((level) => viewerMaps.contour(
          {{ width: 2, height: 2, values: new Float32Array([10, 0, 0, 10]) }}, level)) }}"""
    )
    assert [path.count("M") for path in found] == [1, 2]


def test_numbers_are_written_as_the_page_writes_them(look: Callable[..., Viewer]) -> None:
    viewer = look("map-1-1-6")
    numbers = [
        0,
        1.25e-5,
        5e-4,
        0.00126,
        0.24,
        0.0801,
        1,
        12.34,
        99.96,
        128,
        20480,
        -0.425,
        -3.5e-7,
    ]
    found = viewer.page.evaluate(
        f"numbers => {{ {script('panels')}; return numbers.map(viewerPanels.short) }}", numbers
    )
    assert found == [significant(number) for number in numbers]
