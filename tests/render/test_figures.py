"""Figures for a paper: their sizes, their pixels, their captions and their names."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from sample import (
    HOSTILE,
    HOSTILE_NAMES,
    full_report,
    hostile_report,
    image,
    mosaic,
    picture,
    report,
    run,
)

from reportgen import figures, overlay
from reportgen.figures import captions, paper
from reportgen.figures.pixels import difference_colours, painter, pixels_of, view_of
from reportgen.figures.sheet import HEIGHT, WIDTH, Frame, Pixels, Words, evenly
from reportgen.mosaic import GAP_COLOUR
from reportgen.values import (
    ClassMap,
    MapState,
    MethodInfo,
    Picture,
    Report,
    Target,
    ViewGeometry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reportgen.figures import Figure
    from reportgen.values import ImageRecord, Panel

SVG = "{http://www.w3.org/2000/svg}"


def of_one(record: ImageRecord) -> Report:
    return replace(report(), images=(record,))


def words(figure: Figure) -> list[str]:
    return [item.text for item in figure.sheet.elements if isinstance(item, Words)]


def pixels(figure: Figure) -> list[Pixels]:
    return [item for item in figure.sheet.elements if isinstance(item, Pixels)]


def kinds(report: Report) -> list[str]:
    return [figure.name.split("-")[1] for figure in figures.figures(report)]


def maps_of(record: ImageRecord) -> Figure:
    return next(figures.figures(of_one(record)))


def texts_of(svg: bytes) -> list[str]:
    found = ET.fromstring(svg)  # noqa: S314 - what is tested
    return [item.text or "" for item in found.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path, tuple[str, ...]]:
    full = full_report()
    full = replace(full, images=full.images[:1])
    folder = tmp_path_factory.mktemp("figures")
    return full, folder, figures.export(full, folder)


# -- files -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_picture_has_one_figure_of_each_kind(
    exported: tuple[Report, Path, tuple[str, ...]],
) -> None:
    full, folder, names = exported
    assert kinds(full) == ["maps", "maps", "targets", "contrast", "features"]
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(names) == on_disk
    assert len(names) == 2 * 5 + 1
    assert names[-1] == figures.CAPTIONS


@pytest.mark.slow
def test_a_png_is_160_mm_wide_at_300_dpi(exported: tuple[Report, Path, tuple[str, ...]]) -> None:
    _, folder, names = exported
    for name in names:
        if name.endswith(".png"):
            with Image.open(folder / name) as opened:
                assert opened.width == WIDTH
                assert opened.height <= HEIGHT
                assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.01)
                assert opened.width / 300 * 25.4 == pytest.approx(160, abs=0.05)
                assert set(opened.info) == {"dpi"}


@pytest.mark.slow
def test_an_svg_is_as_large_and_its_text_is_text(
    exported: tuple[Report, Path, tuple[str, ...]],
) -> None:
    _, folder, names = exported
    svg = next(name for name in names if name.endswith(".svg"))
    data = (folder / svg).read_bytes()
    root = ET.fromstring(data)  # noqa: S314 - what is tested
    assert root.get("width") == "453.6pt"
    with Image.open((folder / svg).with_suffix(".png")) as opened:
        assert float((root.get("height") or "")[:-2]) == pytest.approx(opened.height * 72 / 300)
    assert {"Grad-CAM", "features.10", "256×13×13", "peak 0.0123", "cat"} <= set(texts_of(data))
    assert b"<dc:date>" not in data
    assert b"atplotlib" not in data


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes_whatever_the_users_settings(tmp_path: Path) -> None:
    one = of_one(image())
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    names = figures.export(one, first)
    with mpl.rc_context():
        mpl.rc("font", size=20)
        mpl.rc("svg", fonttype="path", hashsalt="own")
        mpl.rc("savefig", bbox="tight", dpi=72)
        assert figures.export(one, second) == names
        assert mpl.rcParams["font.size"] == 20
        assert mpl.rcParams["svg.hashsalt"] == "own"
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_there_is_nothing_without_an_image(tmp_path: Path) -> None:
    assert figures.export(replace(report(), images=()), tmp_path) == ()
    assert not list(tmp_path.iterdir())


def test_neither_torch_nor_matplotlib_is_imported_with_the_module() -> None:
    code = "import reportgen.figures, sys; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# -- names -----------------------------------------------------------------------------------


def test_names_are_short_unique_and_say_nothing_of_the_pictures() -> None:
    twins = tuple(image(name, targets=2) for name in ("a.jpg", "A.jpg", *HOSTILE_NAMES))
    names = [figure.name for figure in figures.figures(replace(report(), images=twins))]
    assert len(names) == len(set(names)) == 3 * len(twins)
    for name in names:
        assert re.fullmatch(r"figures/[0-9a-f]{6}-[a-z]+-[0-9a-f]{12}", name)
        assert len(f"{name}.png") <= 40


def test_a_class_and_a_group_of_it_have_figures_of_their_own() -> None:
    plain = image(targets=2)
    alone, other = plain.targets
    group = replace(alone, target=replace(alone.target, rank=None))
    renamed = replace(alone, target=replace(group.target, name="other"))
    both = replace(plain, targets=(alone, group, renamed, other))
    names = [figure.name for figure in figures.figures(of_one(both))]
    assert len(set(names)) == len(names) == 5


# -- pixels ----------------------------------------------------------------------------------


def test_the_view_is_the_part_of_the_photo_pixel_by_pixel() -> None:
    photo = picture((64, 48), 3)
    record = replace(
        image(),
        photo=photo,
        photo_box=(11.0, 3.0, 42.0, 42.0),
        geometry=ViewGeometry((1280, 960), (64, 48), 11, 3, (42, 42)),
    )
    assert np.array_equal(view_of(record), pixels_of(photo)[3:45, 11:53])


def test_the_view_of_a_squashed_photo_has_the_size_that_the_model_saw() -> None:
    record = replace(
        image(),
        photo_box=(0.0, 0.0, 64.0, 48.0),
        geometry=ViewGeometry((1280, 960), (32, 32), 0, 0, (32, 32)),
    )
    view = view_of(record)
    assert view.shape == (32, 32, 3)
    whole = pixels_of(record.photo)
    # Half of the width and two thirds of the height: a gradient stays the same gradient.
    assert view[16, 16] == pytest.approx(whole[24, 32].astype(float), abs=8)


def test_a_view_of_its_own_comes_before_the_photo() -> None:
    record = replace(image(), view=picture((50, 40), 2), photo_box=(-5.0, -5.0, 80.0, 60.0))
    assert record.view is not None
    assert np.array_equal(view_of(record), pixels_of(record.view))


@pytest.mark.slow
def test_an_overlay_in_the_file_is_that_of_the_formula(tmp_path: Path) -> None:
    one = of_one(image())
    record = one.images[0]
    (figure,) = (item for item in figures.figures(one) if "-maps-" in item.name)
    figures.export(one, tmp_path)
    with Image.open(tmp_path / f"{figure.name}.png") as opened:
        drawn = np.asarray(opened.convert("RGB"))
    _, _, over_view, *rest = pixels(figure)
    for item, panel in ((over_view, record.targets[0].panels[0]), (rest[1], _layer(record, 0))):
        assert panel.grey is not None
        with Image.open(io.BytesIO(panel.grey.data)) as grey:
            values = (np.asarray(grey) * (panel.peak / 255)).astype(np.float32)
        raw = ClassMap(panel.method, panel.layer, values, panel.activation_shape)
        expected = overlay.draw(raw, view_of(record), alpha=0.5, colormap="turbo").blend
        assert expected is not None
        width, height = item.size
        there = drawn[item.top : item.top + height, item.left : item.left + width]
        wanted = cv2.resize(expected, item.size, interpolation=cv2.INTER_LINEAR)
        off = np.abs(there.astype(int) - wanted.astype(int))
        # A level can fall on either side of a step: 255 · (v · p / 255 / p) is not always v.
        assert off.mean() < 0.1
        assert off.max() <= 8


def _layer(record: ImageRecord, number: int) -> Panel:
    return record.targets[0].panels[1 + number]


def test_the_difference_is_white_where_two_maps_are_alike() -> None:
    levels = np.array([[0, 128, 255]], dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    drawn = painter(image(), run()).contrast(Picture("image/png", buffer.getvalue(), (3, 1)))
    middle = drawn[:, drawn.shape[1] // 2].astype(int)
    assert (middle > 235).all()
    left, right = drawn[0, 0].astype(int), drawn[0, -1].astype(int)
    assert left[2] > 150 > left[0]
    assert right[0] > 150 > right[2]


# -- what stands where -----------------------------------------------------------------------


def test_panels_do_not_overlap_and_stay_on_the_sheet() -> None:
    for figure in figures.figures(full_report()):
        boxes = [(item.left, item.top, *item.size) for item in pixels(figure)]
        for left, top, width, height in boxes:
            assert 0 <= left <= left + width <= WIDTH
            assert 0 <= top <= top + height <= figure.sheet.height
        for one, two in _pairs(boxes):
            apart = one[0] + one[2] <= two[0] or two[0] + two[2] <= one[0]
            below = one[1] + one[3] <= two[1] or two[1] + two[3] <= one[1]
            assert apart or below


def _pairs(
    boxes: list[tuple[int, int, int, int]],
) -> Iterator[tuple[tuple[int, int, int, int], tuple[int, int, int, int]]]:
    for number, one in enumerate(boxes):
        for two in boxes[number + 1 :]:
            yield one, two


def test_layers_go_from_shallow_to_deep_with_the_map_above_the_overlay() -> None:
    figure = maps_of(image())
    maps = pixels(figure)[3:-1]
    assert len(maps) == 10
    above, under = maps[0::2], maps[1::2]
    for one, two in pairwise(above):
        assert one.top == two.top
        assert one.left < two.left
    for one, two in zip(above, under, strict=True):
        assert (one.left, one.size) == (two.left, two.size)
        assert one.top + one.size[1] < two.top
    assert [text for text in words(figure) if text.startswith("features.")] == [
        "features.10",
        *(f"features.{number}" for number in (0, 3, 6, 8, 10)),
    ]


@pytest.mark.parametrize("view", [(48, 48), (200, 20), (20, 200), (1, 1)])
def test_panels_keep_the_proportions_of_the_view(view: tuple[int, int]) -> None:
    record = replace(image(), view=picture(view), geometry=replace(image().geometry, view=view))
    for item in pixels(maps_of(record))[:-1]:
        width, height = item.size
        assert width / height == pytest.approx(view[0] / view[1], rel=0.05)


def test_a_map_with_nothing_to_show_is_an_empty_frame_that_says_so() -> None:
    states = {1: MapState.NO_EVIDENCE, 2: MapState.NOT_FINITE}
    figure = maps_of(image(states=states))
    frames = [item for item in figure.sheet.elements if isinstance(item, Frame)]
    assert len(frames) == 4
    assert words(figure).count("no positive evidence") == 2
    assert words(figure).count("map is not finite") == 2
    assert "features.3 (192×27×27) no positive evidence" in figure.caption
    assert "features.6 (384×13×13) map is not finite" in figure.caption


@pytest.mark.slow
def test_a_frame_is_drawn_around_the_words(tmp_path: Path) -> None:
    one = of_one(image(states={1: MapState.NO_EVIDENCE}))
    figure = next(figures.figures(one))
    frame = next(item for item in figure.sheet.elements if isinstance(item, Frame))
    figures.export(one, tmp_path)
    with Image.open(tmp_path / f"{figure.name}.png") as opened:
        grey = np.asarray(opened.convert("L"))
    inside = grey[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    assert (inside[1:3, 10:-10] < 200).all()
    assert (inside[8:-8, 8:20] > 250).all()
    assert inside.min() < 120


def test_many_targets_go_on_in_rows_of_at_most_four() -> None:
    record = image(targets=5)
    (figure,) = (item for item in figures.figures(of_one(record)) if "-targets-" in item.name)
    tops = [item.top for item in pixels(figure)[:-1]]
    assert max(tops.count(top) for top in set(tops)) <= 5
    for target in record.targets:
        assert target.target.name in words(figure)


def test_what_does_not_fit_on_a_page_goes_on_in_another_figure() -> None:
    record = image()
    panels = record.targets[0].panels
    names = [f"method-{number}" for number in range(4)]
    grids = tuple(replace(item, method=name) for name in names for item in panels[1:])
    many = replace(record, targets=(replace(record.targets[0], panels=grids),))
    methods = tuple(MethodInfo(name, name, "", "someone", ()) for name in names)
    wide = replace(of_one(many), run=replace(run(), methods=methods))
    found = list(figures.figures(wide))
    assert len(found) > 1
    assert len({figure.name for figure in found}) == len(found)
    assert all(figure.sheet.height <= HEIGHT for figure in found)
    assert sum(len(pixels(figure)) for figure in found) == 1 + 2 * 20 + len(found)
    assert found[0].caption.endswith(f"Part 1 of {len(found)}.")


@pytest.mark.parametrize(("count", "most"), [(1, 6), (6, 6), (7, 6), (13, 6), (0, 6)])
def test_slices_are_complete_and_as_equal_as_they_can_be(count: int, most: int) -> None:
    parts = [list(range(count))[part] for part in evenly(count, most)]
    assert [item for part in parts for item in part] == list(range(count))
    assert all(len(part) <= most for part in parts)
    assert len(parts) == -(-count // most)


def test_a_contrast_has_its_own_symmetric_bar() -> None:
    full = full_report()
    record = full.images[0]
    assert record.contrast is not None
    (figure,) = (
        item for item in figures.figures(replace(full, images=(record,))) if "contrast" in item.name
    )
    assert {"−0.0345", "0", "+0.0345"} <= set(words(figure))
    bar = pixels(figure)[-1].pixels
    assert np.array_equal(bar[0], difference_colours())
    assert "the raw map of “cat” less that of “dog”, from −0.0345 to +0.0345" in figure.caption


def test_a_mosaic_has_the_colours_of_its_tiles_as_a_bar() -> None:
    tiles = Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10))
    colours = np.concatenate([np.array([GAP_COLOUR], np.uint8), overlay.palette("viridis")[1:]])
    tiles.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    tiles.save(buffer, "PNG", optimize=True)
    indexed = Picture("image/png", buffer.getvalue(), (10, 10))
    record = replace(image(), mosaics=(replace(mosaic(scale="layer"), picture=indexed),))
    figure = list(figures.figures(of_one(record)))[-1]
    large, *_, bar = pixels(figure)
    assert large.cells
    assert np.array_equal(bar.pixels[0], overlay.palette("viridis")[1:])
    assert "in order of channel number" in figure.caption


# -- texts -----------------------------------------------------------------------------------


def test_a_caption_says_what_where_and_how() -> None:
    caption = maps_of(image()).caption
    for part in (
        "Grad-CAM and Layer-CAM for “tabby” (73.1%, choice 1 of the model) in “cats/tabby.jpg”",
        "Every map is divided by its own maximum",
        "coloured with turbo",
        "50.0% map and 50.0% picture",
        "features.10 (256×13×13) 0.0123",
        "Network: alexnet (torchvision alexnet), weights: IMAGENET1K_V1.",
        "Selvaraju et al., Grad-CAM, ICCV 2017",
    ):
        assert part in caption
    assert "never trained" not in caption


def test_a_caption_says_that_a_network_was_never_trained() -> None:
    plain = of_one(image())
    model = replace(plain.run.model, trained=False)
    random = replace(plain, run=replace(plain.run, model=model))
    assert "never trained" in next(figures.figures(random)).caption


def test_a_group_is_called_one() -> None:
    group = Target("cat", (281, 282), 9.0, 0.91, None, ("tabby", "tiger cat"))
    assert captions.target_text(group) == "“cat” (91.0%, group of 2 classes)"


@pytest.mark.slow
def test_the_captions_stand_in_one_file_each_under_its_files(
    exported: tuple[Report, Path, tuple[str, ...]],
) -> None:
    full, folder, names = exported
    text = (folder / figures.CAPTIONS).read_text(encoding="utf-8")
    entries = text.removesuffix("\n").split("\n\n")
    assert len(entries) == 5
    for entry, figure in zip(entries, figures.figures(full), strict=True):
        files, caption = entry.split("\n")
        assert [f"figures/{name}" for name in files.split(", ")] == [
            name for name in names if name.startswith(figure.name)
        ]
        assert caption == figure.caption


@pytest.mark.slow
def test_hostile_texts_are_text_and_nothing_else(tmp_path: Path) -> None:
    hostile = hostile_report()
    record = hostile.images[0]
    one = replace(record, targets=record.targets[:1], contrast=None, mosaics=record.mosaics[:1])
    hostile = replace(hostile, images=(one,))
    names = figures.export(hostile, tmp_path)
    shown = HOSTILE.replace("\u2028", "\N{REPLACEMENT CHARACTER}")
    lines = (tmp_path / figures.CAPTIONS).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 * (len(names) // 2) - 1
    assert any(shown in line for line in lines)
    for name in names:
        if name.endswith(".svg"):
            data = (tmp_path / name).read_bytes()
            root = ET.fromstring(data)  # noqa: S314 - what is tested
            tags = {item.tag.rpartition("}")[2] for item in root.iter()}
            assert tags.isdisjoint({"script", "a", "foreignObject"})
            assert b"<script" not in data


@pytest.mark.parametrize(
    "name",
    [
        "$x_1^{2}$ \\frac{1}{2}",
        "虎斑猫",
        pytest.param("חתול طفل", marks=pytest.mark.slow),
        "🐈\U0010ffff\u1200",
        pytest.param("a\nb\tc\x00\x1b", marks=pytest.mark.slow),
        "\ud800",
        pytest.param("e\u0301\u0300\u0301" * 20, marks=pytest.mark.slow),
        pytest.param("", marks=pytest.mark.slow),
    ],
)
def test_names_of_any_kind_are_drawn_without_a_warning(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = image(layers=1)
    record = replace(
        plain,
        targets=tuple(
            replace(item, target=replace(item.target, name=name)) for item in plain.targets
        ),
    )
    figure = maps_of(record)
    with paper.settings():
        _, svg = paper.draw(figure.sheet, figure.caption)
    found = texts_of(svg)
    plain_name = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name
    )
    if name:
        assert plain_name in found
    assert capfd.readouterr().err == ""


def test_long_text_is_cut_in_the_middle_to_its_width() -> None:
    layer = "blocks.3." + "very.long." * 30 + "conv7"
    plain = image(layers=1)
    panels = tuple(replace(item, layer=layer) for item in plain.targets[0].panels)
    figure = maps_of(replace(plain, targets=(replace(plain.targets[0], panels=panels),)))
    with paper.settings():
        _, svg = paper.draw(figure.sheet, "")
    cut = [text for text in texts_of(svg) if text.startswith("blocks.3.")]
    assert cut
    assert all("…" in text and text.endswith("conv7") and len(text) < 80 for text in cut)


def test_the_contrast_of_a_map_that_is_not_shown_is_still_a_figure() -> None:
    plain = full_report().images[0]
    empty = replace(
        plain.targets[1],
        panels=tuple(
            replace(item, grey=None, state=MapState.NO_EVIDENCE, peak=0.0)
            for item in plain.targets[1].panels
        ),
    )
    assert plain.contrast is not None
    record = replace(plain, targets=(plain.targets[0], empty))
    found = {item.name.split("-")[1]: item for item in figures.figures(of_one(record))}
    assert any(isinstance(item, Frame) for item in found["contrast"].sheet.elements)
    assert any(isinstance(item, Frame) for item in found["targets"].sheet.elements)
