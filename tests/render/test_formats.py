"""The files as a program sees them."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from io import StringIO
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from sample import HOSTILE_NAMES, UNTRAINED, image, picture

from reportgen.render import FORMATS, OutputFormat, render
from reportgen.render import formats as formats_module
from reportgen.render.evidence import MEASURES
from reportgen.render.formats import BOX_COLUMNS, MAP_COLUMNS, harmless
from reportgen.render.records import report_record
from reportgen.values import FailureRecord, TrueClass

if TYPE_CHECKING:
    from pathlib import Path

    from reportgen.values import Report


def schema() -> dict[str, Any]:
    text = files("reportgen.render").joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def written_json(report: Report, folder: Path) -> dict[str, Any]:
    render(report, folder)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not strict JSON")

    text = (folder / "report.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return loaded


def written_rows(report: Report, folder: Path) -> list[list[str]]:
    render(report, folder)
    text = (folder / "predictions.csv").read_bytes().decode("utf-8")
    return list(csv.reader(StringIO(text, newline="")))


def test_render_returns_what_it_wrote(sample: Report, tmp_path: Path) -> None:
    names = render(sample, tmp_path)
    assert names == ("index.html", "report.json", "predictions.csv")
    assert {path.name for path in tmp_path.iterdir()} == set(names)


def test_render_writes_the_same_bytes_again(sample: Report, tmp_path: Path) -> None:
    first = {name: (tmp_path / name).read_bytes() for name in render(sample, tmp_path)}
    second = {name: (tmp_path / name).read_bytes() for name in render(sample, tmp_path)}
    assert first == second
    assert not any(b"\r" in content for content in first.values())


def test_a_failing_format_leaves_no_half_of_a_file(
    sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:  # noqa: ANN401
        yield "half"
        raise OSError("disk full")

    monkeypatch.setattr(formats_module, "FORMATS", (OutputFormat("a.txt", "", broken),))
    with pytest.raises(OSError, match="disk full"):
        render(sample, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_format_is_one_function_and_one_line(
    sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = OutputFormat("names.txt", "names", lambda report, _: [report.title])
    monkeypatch.setattr(formats_module, "FORMATS", (*FORMATS, extra))
    assert render(sample, tmp_path)[-1] == "names.txt"
    assert (tmp_path / "names.txt").read_text(encoding="utf-8") == sample.title
    assert 'href="names.txt"' in (tmp_path / "index.html").read_text(encoding="utf-8")


# -- report.json -----------------------------------------------------------------------------


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", ["sample", "sample_untrained", "full", "measured", "hostile"])
def test_json_fits_its_schema(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    record = written_json(request.getfixturevalue(name), tmp_path)
    jsonschema.validate(record, schema(), cls=jsonschema.Draft202012Validator)


def test_the_schema_refuses_a_missing_and_an_extra_field(sample: Report, tmp_path: Path) -> None:
    record = written_json(sample, tmp_path)
    validator = jsonschema.Draft202012Validator(schema())
    assert not validator.is_valid({**record, "extra": 1})
    del record["images"][0]["targets"][0]["panels"][0]["peak"]
    assert not validator.is_valid(record)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(
    value: float, sample: Report, tmp_path: Path
) -> None:
    first = sample.images[0]
    target = first.targets[0]
    panel = replace(target.panels[0], peak=value)
    prediction = replace(first.predictions[0], logit=value, probability=value)
    odd = replace(
        first,
        predictions=(prediction, *first.predictions[1:]),
        targets=(replace(target, panels=(panel,)),),
    )
    report = replace(sample, images=(odd,))
    written = written_json(report, tmp_path)["images"][0]
    assert written["targets"][0]["panels"][0]["peak"] is None
    assert written["predictions"][0]["logit"] is None
    assert written["predictions"][0]["probability"] is None
    assert written_rows(report, tmp_path)[1][7] == ""


def test_readings_that_are_not_finite_become_null(full: Report, tmp_path: Path) -> None:
    (first, *_) = full.images
    odd = replace(
        first,
        overlaps=(replace(first.overlaps[0], correlation=math.nan),),
        mosaics=(replace(first.mosaics[0], maximum=math.inf, weights=(("cat", (math.nan, 1.5)),)),),
    )
    report = replace(full, images=(odd,))
    record = written_json(report, tmp_path)
    jsonschema.validate(record, schema(), cls=jsonschema.Draft202012Validator)
    written = record["images"][0]
    assert written["overlaps"][0]["correlation"] is None
    assert written["feature_maps"][0]["maximum"] is None
    assert written["feature_maps"][0]["weights"][0]["by_channel"] == [None, 1.5]


def test_json_tells_a_group_from_a_class(full: Report, tmp_path: Path) -> None:
    group, single = written_json(full, tmp_path)["images"][0]["targets"]
    assert (group["group"], group["rank"], len(group["classes"])) == (True, None, 5)
    assert (single["group"], single["rank"], single["classes"]) == (False, 37, [162])


def test_json_has_labels_and_their_evaluation(full: Report, tmp_path: Path) -> None:
    record = written_json(full, tmp_path)
    assert [image["right"] for image in record["images"]] == [True, False, True, None]
    assert record["images"][1]["label"] == {"index": 162, "category": "beagle"}
    assert record["images"][1]["label_rank"] == 3
    assert record["evaluation"]["accuracy"] == pytest.approx(2 / 3)
    assert record["evaluation"]["confusion"][0] == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (
            {"mode": "letterbox", "resize": None, "channel_order": "bgr"},
            {"mode": "letterbox", "resize": None, "crop": [224, 224], "channel_order": "bgr"},
        ),
        (
            {"mode": "none", "resize": None, "crop": None},
            {"mode": "none", "resize": None, "crop": None, "channel_order": "rgb"},
        ),
    ],
)
def test_json_has_every_mode_of_preprocessing(
    recipe: dict[str, Any], expected: dict[str, Any], full: Report, tmp_path: Path
) -> None:
    preprocessing = replace(full.run.preprocessing, **recipe)
    record = written_json(
        replace(full, run=replace(full.run, preprocessing=preprocessing)), tmp_path
    )
    jsonschema.validate(record, schema(), cls=jsonschema.Draft202012Validator)
    assert expected.items() <= record["run"]["preprocessing"].items()


def test_json_says_which_layers_of_the_network_are_explained(full: Report, tmp_path: Path) -> None:
    lines = written_json(full, tmp_path)["run"]["structure"]
    assert [line["layer"] for line in lines if line["explained"]] == ["features.0", "features.10"]


def test_json_has_an_image_on_one_line(full: Report, tmp_path: Path) -> None:
    record = written_json(full, tmp_path)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    lines = [line.rstrip(",") for line in text.splitlines() if line.startswith('    {"name": ')]
    images = [json.loads(line) for line in lines if "predictions" in line]
    assert images == record["images"]
    plain = json.loads(json.dumps(report_record(full), default=list))
    assert record == plain


def test_json_holds_no_pictures(full: Report, tmp_path: Path) -> None:
    written_json(full, tmp_path)
    assert "base64" not in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_json_keeps_every_name_as_it_is(hostile: Report, tmp_path: Path) -> None:
    names = [item["name"] for item in written_json(hostile, tmp_path)["images"]]
    assert names == list(HOSTILE_NAMES)


def test_a_lone_surrogate_is_written_and_stays_valid(sample: Report, tmp_path: Path) -> None:
    report = replace(sample, failures=(FailureRecord("a\udc80.png", "odd"),))
    assert written_json(report, tmp_path)["failures"][0]["name"] == "a\udc80.png"
    assert "a\\udc80.png" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_json_has_what_was_measured(measured: Report, tmp_path: Path) -> None:
    record = written_json(measured, tmp_path)
    target = record["images"][0]["targets"][0]
    first, second, *_, last = target["panels"]
    assert target["cautions"] == [{"code": "untrained", "text": UNTRAINED.text}]
    assert [item["code"] for item in record["images"][0]["cautions"]] == ["alike"]
    assert [item["code"] for item in last["cautions"]] == ["flat", "border"]
    found = second["faithfulness"]
    assert found["complexity"] == pytest.approx(0.143456)
    assert found["road"]["combined"] == pytest.approx(0.98 / 6)
    assert found["coherency"] is None
    assert found["deletion"]["scores"][1] == 0.5322  # 0.73 * 0.9 ** 3 is 0.53217
    assert last["faithfulness"]["deletion"] is last["faithfulness"]["road"] is None
    assert first["localisation"]["box"] == [33.0, 25.5, 171.0, 188.0]
    assert [first["localisation"]["gt_known"], last["localisation"]["gt_known"]] == [True, False]
    behind = [row["more_than_chance"] for row in record["rankings"][0]["standings"]]
    assert behind == [False, False, True, True, True, True]
    assert record["verdict"] == measured.verdict
    assert record["localisation"][0]["hits"] == 3
    assert record["boxes"] == measured.boxes


def test_measures_that_are_not_finite_become_null(measured: Report, tmp_path: Path) -> None:
    first = measured.images[0]
    target = first.targets[0]
    panel = target.panels[0]
    assert panel.faithfulness is not None
    assert panel.faithfulness.insertion is not None
    curve = replace(panel.faithfulness.insertion, scores=(math.nan,) * 11, auc=math.nan)
    odd = replace(
        panel,
        faithfulness=replace(panel.faithfulness, insertion=curve, drop=math.inf),
    )
    standing = measured.rankings[0].standings[0]
    score = replace(standing.score, mean=math.nan, low=math.nan, high=math.nan)
    rankings = (replace(measured.rankings[0], standings=(replace(standing, score=score),)),)
    image = replace(first, targets=(replace(target, panels=(odd,)),))
    report = replace(measured, images=(image,), rankings=rankings)
    record = written_json(report, tmp_path)
    jsonschema.validate(record, schema(), cls=jsonschema.Draft202012Validator)
    written = record["images"][0]["targets"][0]["panels"][0]["faithfulness"]
    assert written["average_drop"] is None
    assert written["insertion"]["auc"] is written["insertion"]["scores"][3] is None
    assert record["rankings"][0]["standings"][0]["score"]["mean"] is None


# -- metrics.csv -----------------------------------------------------------------------------


def written_metrics(report: Report, folder: Path) -> list[dict[str, str]]:
    assert "metrics.csv" in render(report, folder)
    text = (folder / "metrics.csv").read_bytes().decode("utf-8")
    return list(csv.DictReader(StringIO(text, newline="")))


def test_metrics_have_one_row_for_every_map(measured: Report, tmp_path: Path) -> None:
    rows = written_metrics(measured, tmp_path)
    assert len(rows) == len(measured.images) * 2 * 6
    assert list(rows[0]) == [*MAP_COLUMNS, *(item.name for item in MEASURES), *BOX_COLUMNS]
    first, second = rows[:2]
    assert [first[name] for name in MAP_COLUMNS] == [
        "cats/tabby.jpg",
        "cat",
        "grad-cam",
        "features.10",
        "shown",
        "0.0123",
        "alike untrained",
    ]
    assert second["warnings"] == "alike untrained flat"
    assert (first["average_drop"], first["increase"], first["deletion_auc"]) == (
        "0.11",
        "false",
        "0.21",
    )
    assert (rows[2]["increase"], second["coherency"]) == ("true", "")
    assert [first[name] for name in BOX_COLUMNS] == [
        "true",
        "0.541",
        "0.62",
        "true",
        "true",
        "true",
    ]
    assert [rows[3][name] for name in ("pointing", "loc1", "loc5")] == ["false", "", ""]
    assert {rows[6][name] for name in (*BOX_COLUMNS, "road", "adcc")} == {""}


def test_metrics_are_there_for_boxes_alone(full: Report, measured: Report, tmp_path: Path) -> None:
    (first, *_), (target, *_) = measured.images, measured.images[0].targets
    panels = tuple(replace(item, faithfulness=None) for item in target.panels)
    image = replace(first, targets=(replace(target, panels=panels),))
    boxed = replace(full, images=(image,), localisation=measured.localisation)
    assert len(written_metrics(boxed, tmp_path)) == 6
    assert "metrics.csv" not in render(full, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "metrics.csv" not in page


def test_cells_of_metrics_that_start_a_formula_are_harmless(
    measured: Report, tmp_path: Path
) -> None:
    first = measured.images[0]
    target = first.targets[0]
    panel = replace(target.panels[0], layer="=1+1")
    odd = replace(target, panels=(panel,), target=replace(target.target, name="+1"))
    report = replace(measured, images=(replace(first, name="@a", targets=(odd,)),))
    (row,) = written_metrics(report, tmp_path)
    assert [row["file"], row["target"], row["layer"]] == ["'@a", "'+1", "'=1+1"]


# -- predictions.csv -------------------------------------------------------------------------


def test_csv_has_one_row_for_every_image(sample: Report, tmp_path: Path) -> None:
    head, *rows = written_rows(sample, tmp_path)
    fixed = ["file", "status", "reason", "true_class", "right"]
    assert head[:8] == [*fixed, *(f"top1_{part}" for part in PARTS)]
    assert head[-3:] == [f"top5_{part}" for part in PARTS]
    assert {len(row) for row in rows} == {len(head)}
    assert [row[0] for row in rows] == [
        "cats/tabby.jpg",
        "cats/pair.png",
        "odd.png",
        "broken.jpg",
    ]
    assert rows[0][1:8] == ["done", "", "", "", "281", "tabby", "0.7312"]
    assert rows[-1][1:6] == ["failed", "truncated after 1200 of 5000 bytes", "", "", ""]


PARTS = ("index", "category", "probability")


def test_csv_without_a_single_image_has_its_columns(sample: Report, tmp_path: Path) -> None:
    head, row = written_rows(replace(sample, images=()), tmp_path)
    assert head[-1] == "top5_probability"
    assert len(row) == len(head)


def test_csv_says_what_is_right(full: Report, tmp_path: Path) -> None:
    _, *rows = written_rows(full, tmp_path)
    assert [row[3:5] for row in rows] == [
        ["tabby", "true"],
        ["beagle", "false"],
        ["tiger cat", "true"],
        ["", ""],
        ["", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_cells_that_start_a_formula_are_harmless(
    start: str, sample: Report, tmp_path: Path
) -> None:
    text = f"{start}1+1"
    plain = image(text)
    odd = replace(
        plain,
        predictions=(replace(plain.predictions[0], category=text), *plain.predictions[1:]),
        label=TrueClass(281, text),
    )
    report = replace(sample, images=(odd,), failures=(FailureRecord(text, text),))
    rows = written_rows(report, tmp_path)
    found = [rows[1][0], rows[1][3], rows[1][6], rows[2][0], rows[2][2]]
    assert found == [f"'{text}"] * 5
    assert harmless(f"a{text}") == f"a{text}"


# -- both ------------------------------------------------------------------------------------


def test_importing_the_renderer_leaves_the_heavy_packages_out() -> None:
    code = (
        "import sys, reportgen.render; "
        "print([name for name in ('torch', 'torchvision', 'timm', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_hundred_images(sample: Report, tmp_path: Path) -> None:
    images = tuple(image(f"{number}.png") for number in range(200))
    render(replace(sample, images=images), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="image-200"' in page
    assert page.rstrip().endswith("</html>")


def test_photo_of_another_type(sample: Report, tmp_path: Path) -> None:
    photo = replace(picture((8, 8)), mime="image/jpeg")
    render(replace(sample, images=(replace(image(), photo=photo),)), tmp_path)
    assert "data:image/jpeg;base64," in (tmp_path / "index.html").read_text(encoding="utf-8")
