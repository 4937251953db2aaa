"""Comparing finished runs: what is matched, what flipped, how alike maps are, what is written."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import runs

from reportgen import comparing
from reportgen.comparing import compare, compare_runs
from reportgen.errors import OptionError, OutputFolderError, RunFileError
from reportgen.locking import locked
from reportgen.pairing import paired_layers, paired_targets
from reportgen.render.comparison import FILES
from reportgen.store import RUN_STORE, RunReader, write_run
from reportgen.values import Comparison, FailureRecord, MethodInfo, RunInfo, TargetRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

    from reportgen.values import ImageRecord, Report

LEFT = [[1.0, 0.0], [1.0, 0.0]]
RIGHT = [[0.0, 1.0], [0.0, 1.0]]
TOP = [[1.0, 1.0], [0.0, 0.0]]


def stored(folder: Path, reports: Sequence[Report]) -> list[Path]:
    paths = [folder / f"run {number}" for number in range(len(reports))]
    for path, report in zip(paths, reports, strict=True):
        path.mkdir()
        write_run(report, path / RUN_STORE)
    return paths


def compared(folder: Path, *reports: Report, title: str | None = None) -> Comparison:
    readers = [RunReader(path) for path in stored(folder, reports)]
    found = compare_runs(readers, title=title)
    for reader in readers:
        reader.close()
    return found


def with_map(name: str, values: ArrayLike | None, first: int = 0) -> ImageRecord:
    return runs.image(name, runs.target(runs.panel(values), index=first), first=first)


# -- pictures --------------------------------------------------------------------------------


def test_equal_runs_agree_in_everything(tmp_path: Path) -> None:
    report = runs.report(runs.image("a.png"), runs.image("b.png"))
    found = compared(tmp_path, report, report)
    assert [image.name for image in found.images] == ["a.png", "b.png"]
    assert found.flips == ()
    assert (found.alone, found.changed) == ((), ())
    (layer,) = found.layers
    assert (layer.method, layer.layers, layer.maps) == ("grad-cam", ("features.10",) * 2, 2)
    assert (layer.correlation, layer.lowest, layer.overlap) == pytest.approx((1, 1, 1))
    assert layer.one_sided == 0


def test_pictures_are_matched_by_content(tmp_path: Path) -> None:
    first = runs.report(
        runs.image("same.png"),
        runs.image("old.png", content="moved"),
        runs.image("edited.png", content="before"),
        runs.image("gone.png"),
    )
    second = runs.report(
        runs.image("edited.png", content="after"),
        runs.image("new.png", content="moved"),
        runs.image("same.png"),
        failures=(FailureRecord("gone.png", "truncated"),),
    )
    found = compared(tmp_path, first, second)
    names = {image.names for image in found.images}
    assert names == {(("same.png",), ("same.png",)), (("old.png",), ("new.png",))}
    assert found.alone == ((0, "edited.png"), (0, "gone.png"), (1, "edited.png"))
    assert found.changed == ("edited.png",)
    assert found.runs[1].failures == ("gone.png",)


def test_a_picture_with_several_names_is_compared_once(tmp_path: Path) -> None:
    copies = [runs.image(name, content="x") for name in ("a.png", "copy.png")]
    other = runs.report(*(runs.image(name, content="x") for name in ("z.png", "copy.png")))
    (image,) = compared(tmp_path, runs.report(*copies), other).images
    assert image.names == (("a.png", "copy.png"), ("copy.png", "z.png"))


def test_flips_come_first_then_one_sided_maps_then_the_lowest_correlation(tmp_path: Path) -> None:
    first = [with_map(name, LEFT) for name in ("alike", "flip", "other", "none", "half")]
    second = [
        with_map("alike", LEFT),
        with_map("flip", LEFT, first=1),
        with_map("other", RIGHT),
        with_map("none", None),
        with_map("half", TOP),
    ]
    found = compared(tmp_path, runs.report(*first), runs.report(*second))
    assert [image.name for image in found.images] == ["flip", "none", "other", "half", "alike"]
    assert [image.flipped for image in found.images] == [True, False, False, False, False]
    assert [image.one_sided for image in found.images] == [False, True, False, False, False]
    lowest = [image.lowest for image in found.images]
    # The flip's maps are of different classes; their places are compared all the same.
    assert lowest == pytest.approx([1, math.nan, -1, 0, 1], abs=1e-6, nan_ok=True)
    assert found.images[0].targets[0].same is False


def test_means_leave_out_targets_that_are_not_the_same(tmp_path: Path) -> None:
    first = [with_map(name, LEFT) for name in ("a", "b", "c", "flip")]
    second = [
        with_map("a", LEFT),
        with_map("b", RIGHT),
        with_map("c", None),
        runs.image("flip", runs.target(runs.panel(RIGHT), index=1), first=1),
    ]
    (layer,) = compared(tmp_path, runs.report(*first), runs.report(*second)).layers
    assert (layer.maps, layer.one_sided, layer.correlated) == (3, 1, 2)
    assert layer.correlation == pytest.approx(0, abs=1e-6)
    assert layer.lowest == pytest.approx(-1)
    assert layer.overlap == pytest.approx((1 + 0 + 0) / 3)


def test_nothing_to_show_in_either_run_is_no_disagreement(tmp_path: Path) -> None:
    report = runs.report(runs.image("a", runs.target(runs.panel(None))))
    found = compared(tmp_path, report, report)
    (agreement,) = found.images[0].agreements
    assert math.isnan(agreement.correlation)
    assert math.isnan(agreement.overlap)
    assert not agreement.one_sided
    assert math.isnan(found.layers[0].correlation)


def test_labels_say_what_became_wrong(tmp_path: Path) -> None:
    first = runs.report(runs.image("a", first=0, label=0), runs.image("b"))
    second = runs.report(runs.image("a", first=1, label=0), runs.image("b"))
    found = compared(tmp_path, first, second)
    assert [image.rights for image in found.images] == [(True, False), (None, None)]
    assert found.images[0].label is not None
    assert found.labelled


def test_a_label_that_one_run_has_is_enough(tmp_path: Path) -> None:
    found = compared(tmp_path, runs.report(runs.image()), runs.report(runs.image(label=0)))
    assert found.images[0].rights == (None, True)
    assert found.images[0].label is not None


def test_networks_with_other_classes_are_compared_by_name(tmp_path: Path) -> None:
    plain = runs.image("a")
    moved = tuple(replace(item, index=item.index + 5) for item in plain.predictions)
    other = runs.report(replace(plain, predictions=moved))
    model = replace(other.run.model, classes=8)
    found = compared(
        tmp_path, runs.report(plain), replace(other, run=replace(other.run, model=model))
    )
    assert found.flips == ()


def test_networks_with_as_many_classes_are_compared_by_index(tmp_path: Path) -> None:
    plain = runs.image("a")
    renamed = tuple(replace(item, category=f"class {item.index}") for item in plain.predictions)
    found = compared(tmp_path, runs.report(plain), runs.report(replace(plain, predictions=renamed)))
    assert found.flips == ()


def test_views_of_other_sizes(tmp_path: Path) -> None:
    # The right half of the picture is hot; the second network saw that half alone.
    values = np.zeros((8, 16))
    values[:, 12:] = 1
    wide = runs.image("a", runs.target(runs.panel(values)), view=(64, 32))
    half = runs.image(
        "a", runs.target(runs.panel(values[:, 8:])), seen=(32, 0, 32, 32), view=(48, 48)
    )
    (image,) = compared(tmp_path, runs.report(wide), runs.report(half)).images
    (agreement,) = image.agreements
    assert agreement.correlation == pytest.approx(1, abs=5e-3)
    assert agreement.overlap == pytest.approx(1, abs=0.05)
    assert image.frame == pytest.approx((0, 0, 64, 32))
    assert [list(box or ()) for box in image.boxes] == [[0, 0, 64, 32], [32, 0, 32, 32]]


def test_three_runs_are_compared_two_by_two(tmp_path: Path) -> None:
    maps = (LEFT, LEFT, RIGHT)
    reports = [runs.report(with_map("a", values)) for values in maps]
    reports[1] = replace(reports[1], images=(*reports[1].images, runs.image("b")))
    reports[2] = replace(reports[2], images=(*reports[2].images, runs.image("b")))
    found = compared(tmp_path, *reports)
    assert [run.letter for run in found.runs] == ["A", "B", "C"]
    by_name = {image.name: image for image in found.images}
    pairs = {(item.first, item.second): item for item in by_name["a"].agreements}
    assert set(pairs) == {(0, 1), (0, 2), (1, 2)}
    assert pairs[0, 1].correlation == pytest.approx(1)
    assert pairs[1, 2].correlation == pytest.approx(-1)
    assert by_name["b"].names == ((), ("b",), ("b",))
    assert by_name["b"].predictions[0] == ()
    assert by_name["b"].boxes[0] is None
    assert [(row.first, row.second, row.maps) for row in found.layers] == [
        (0, 1, 1),
        (0, 2, 1),
        (1, 2, 2),
    ]


def test_only_the_largest_disagreements_keep_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "DETAILS", 1)
    report = runs.report(runs.image("a"), runs.image("b"))
    found = compared(tmp_path, report, report)
    assert found.details == 1
    assert [image.photo is None for image in found.images] == [False, True]
    shown, other = (image.targets[0].rows[0].maps[0] for image in found.images)
    assert shown is not None
    assert other is not None
    assert shown.grey == report.images[0].targets[0].panels[0].grey
    assert shown.smooth is not None
    assert (other.grey, other.smooth) == (None, None)


def test_the_title_names_what_tells_the_runs_apart(tmp_path: Path) -> None:
    for number, (architecture, expected) in enumerate(
        (("a resnet18", "alexnet, resnet18 compared"), ("a alexnet", "run 0, run 1 compared"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        other = runs.report(runs.image(), architecture=architecture)
        assert compared(folder, runs.report(runs.image()), other).title == expected


# -- layers and targets ----------------------------------------------------------------------


def run_of(architecture: str, **layers: tuple[str, ...]) -> RunInfo:
    plain = runs.report(architecture=architecture).run
    methods = tuple(MethodInfo(name, name, "", "", found) for name, found in layers.items())
    return replace(plain, methods=methods)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # One network: by name, whatever there is besides.
        (("x", ("a", "b", "c")), ("x", ("b", "c", "d")), {"b": "b", "c": "c"}),
        # Another one that has all the names: by name.
        (("x", ("a", "b", "c")), ("y", ("b", "c")), {"b": "b", "c": "c"}),
        # Names that coincide in part mean nothing: in order, where there are as many.
        (("x", ("f.0", "f.3", "f.6")), ("y", ("f.3", "f.8", "f.15")), None),
        # The deepest alone, where there are not.
        (("x", ("f.0", "f.3", "f.6")), ("y", ("f.3", "f.8")), {"f.6": "f.8"}),
        (("x", ("a",)), ("x", ("b", "c")), {"a": "c"}),
        (("x", ("a",)), ("x", ("b",)), {"a": "b"}),
        (("x", ("a",)), ("x", ()), {}),
    ],
)
def test_layers_are_paired(
    first: tuple[str, tuple[str, ...]],
    second: tuple[str, tuple[str, ...]],
    expected: dict[str, str] | None,
) -> None:
    if expected is None:
        expected = dict(zip(first[1], second[1], strict=True))
    one, other = run_of(first[0], cam=first[1]), run_of(second[0], cam=second[1])
    found = paired_layers(one, other)
    assert found == {("cam", layer): partner for layer, partner in expected.items()}


def test_methods_that_one_run_lacks_are_not_paired() -> None:
    one, other = run_of("x", cam=("a",), more=("a",)), run_of("x", cam=("a",))
    assert paired_layers(one, other) == {("cam", "a"): "a"}


def names(records: tuple[TargetRecord | None, ...]) -> list[str | None]:
    return [record.target.name if record else None for record in records]


def test_targets_are_paired_by_name_or_by_index() -> None:
    cat, dog = runs.target(name="cat"), runs.target(name="dog", index=2)
    other_cat = runs.target(name="class 0")
    found = paired_targets([(cat, dog), (dog, other_cat)], [10, 10])
    assert [names(item.records) for item in found] == [["cat", "class 0"], ["dog", "dog"]]
    assert all(item.same for item in found)
    # Where the networks know other classes, index 0 may be anything.
    found = paired_targets([(cat, dog), (dog, other_cat)], [10, 20])
    assert [names(item.records) for item in found] == [["dog", "dog"]]


def test_a_group_is_not_the_class_of_its_name() -> None:
    cat = runs.target(name="cat")
    group = replace(cat, target=replace(cat.target, rank=None))
    (found,) = paired_targets([(cat,), (group,)], [10, 10])
    assert not found.same


def test_a_run_on_its_own_is_compared_by_its_first_target() -> None:
    cat, dog, cow = (
        runs.target(name=name, index=n) for n, name in enumerate(("cat", "dog", "cow"))
    )
    found = paired_targets([(cat,), (cat,), (dog, cow)], [10, 10, 10])
    assert [(names(item.records), item.same) for item in found] == [
        (["cat", "cat", None], True),
        (["cat", None, "dog"], False),
    ]
    (every,) = paired_targets([(cat,), (dog,), (cow,)], [10, 10, 10])
    assert names(every.records) == ["cat", "dog", "cow"]
    assert paired_targets([(cat,), ()], [10, 10]) == ()


# -- the command -----------------------------------------------------------------------------


def two(tmp_path: Path) -> list[Path]:
    first = runs.report(runs.image("a"), runs.image("=b", first=0, label=0), runs.image("c"))
    second = runs.report(runs.image("a"), runs.image("=b", first=1, label=0))
    return stored(tmp_path, [first, second])


def test_the_files(tmp_path: Path) -> None:
    output = tmp_path / "out"
    outcome = compare(two(tmp_path), output, title="A or B")
    assert outcome.page == output / "index.html"
    assert (outcome.runs, outcome.images, outcome.flips, outcome.alone) == (2, 2, 1, 1)
    assert sorted(path.name for path in output.iterdir()) == sorted([*FILES, "manifest.json"])
    record = json.loads((output / "comparison.json").read_text("utf-8"))
    assert record["title"] == "A or B"
    assert [image["flipped"] for image in record["images"]] == [True, False]
    assert record["images"][0]["predictions"]["B"][0]["category"] == "lynx"
    assert record["images"][1]["targets"][0]["maps"][0]["agreements"] == [
        {"runs": ["A", "B"], "r": 1.0, "iou": 1.0, "one_sided": False}
    ]
    assert record["alone"] == [{"run": "A", "file": "c"}]
    with (output / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["A_file"], row["B_category"], row["flipped"]) for row in rows] == [
        ("'=b", "lynx", "true"),
        ("a", "tabby", "false"),
    ]
    assert (rows[0]["A_right"], rows[0]["B_right"], rows[1]["A_right"]) == ("true", "false", "")
    assert float(rows[1]["lowest_r"]) == pytest.approx(1)


def test_again_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = two(tmp_path)
    compare(paths, tmp_path / "one")
    compare(paths, tmp_path / "one")
    compare([path / RUN_STORE for path in paths], tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("number", [0, 1, 7])
def test_the_number_of_runs(tmp_path: Path, number: int) -> None:
    paths = (two(tmp_path) * 4)[:number]
    with pytest.raises(OptionError, match=f"from 2 to 6 runs are expected, found {number}"):
        compare(paths, tmp_path / "out")


def test_runs_without_a_picture_in_common(tmp_path: Path) -> None:
    paths = stored(tmp_path, [runs.report(runs.image("a")), runs.report(runs.image("b"))])
    with pytest.raises(OptionError, match="no picture in common"):
        compare(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_is_never_written_over(tmp_path: Path) -> None:
    paths = two(tmp_path)
    before = (paths[1] / RUN_STORE).read_bytes()
    with pytest.raises(OptionError, match="is one of the runs"):
        compare(paths, paths[1] / ".." / paths[1].name, force=True)
    assert (paths[1] / RUN_STORE).read_bytes() == before


def test_a_folder_of_somebody_else_s(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "thesis.txt").write_text("mine")
    paths = two(tmp_path)
    with pytest.raises(OutputFolderError):
        compare(paths, output)
    compare(paths, output, force=True)
    assert (output / "thesis.txt").read_text() == "mine"


def test_what_is_not_a_run(tmp_path: Path) -> None:
    paths = two(tmp_path)
    with pytest.raises(RunFileError, match=RUN_STORE):
        compare([paths[0], tmp_path], tmp_path / "out")


def test_maps_that_cannot_be_read(tmp_path: Path) -> None:
    panel = runs.panel(LEFT)
    assert panel.grey is not None
    lying = replace(panel, grey=replace(panel.grey, size=(9, 9)))
    broken = runs.report(runs.image("a", runs.target(lying)))
    paths = stored(tmp_path, [runs.report(runs.image("a")), broken])
    with pytest.raises(RunFileError, match="the maps of 'a' cannot be read"):
        compare(paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_view_without_size(tmp_path: Path) -> None:
    plain = runs.image("a")
    flat = replace(plain, geometry=replace(plain.geometry, resized=(0, 0)))
    paths = stored(tmp_path, [runs.report(plain), runs.report(flat)])
    with pytest.raises(RunFileError, match="the maps of 'a' cannot be read"):
        compare(paths, tmp_path / "out")


def test_two_comparisons_into_one_folder_at_once_are_refused(tmp_path: Path) -> None:
    report = runs.report(runs.image("a.png"))
    paths = stored(tmp_path, [report, report])
    with locked(tmp_path / "out"), pytest.raises(OutputFolderError, match="another run"):
        compare(paths, tmp_path / "out")
    assert compare(paths, tmp_path / "out").images == 1
