"""Metrics, boxes, warnings and the ways to make maps, through the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Run

SMALL = ("--model", "squeezenet1_1", "--weights", "none", "--input-size", "64", "-q")


def content(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "report.json").read_text(encoding="utf-8"))
    return found


def panels(report: Path, name: str) -> list[dict[str, Any]]:
    image = next(item for item in content(report)["images"] if item["name"] == name)
    found: list[dict[str, Any]] = image["targets"][0]["panels"]
    return found


def test_metrics_and_boxes(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "file,xmin,ymin,xmax,ymax,class\na.jpg,10,5,60,50,7\nsub/a.jpg,0,0,80,60,\nx.jpg,0,0,1,1,7\n"
    )
    words = ["--metrics", "--boxes", tmp_path / "boxes.csv", "--target", "7"]
    words += ["--methods", "grad-cam,hires-cam", "-o", tmp_path / "out"]
    assert run("build", pictures, *SMALL, *words).code == 0
    found = content(tmp_path / "out")
    measured = [
        panel["faithfulness"] for panel in panels(tmp_path / "out", "a.jpg") if panel["peak"] > 0
    ]
    assert measured
    for item in measured:
        assert 0 <= item["average_drop"] <= 1
        assert 0 <= item["complexity"] <= 1
        assert 0 <= item["deletion"]["auc"] <= 1
        assert item["coherency"] is not None
    assert "at least 8 are needed" in found["verdict"]
    assert {item["metric"] for item in found["rankings"]} >= {"deletion", "road"}
    assert all(panel["localisation"] for panel in panels(tmp_path / "out", "a.jpg"))
    assert not any(panel["localisation"] for panel in panels(tmp_path / "out", "a.png"))
    assert [item["maps"] for item in found["localisation"]] == [2, 2]
    assert "boxes.csv" in found["boxes"]


def test_the_cost_is_said_beforehand(run: Run, pictures: Path, tmp_path: Path) -> None:
    words = (*SMALL[:-1], "--metrics", "--methods", "grad-cam", "--no-recursive")
    ran = run("build", pictures, *words, "-o", tmp_path / "out")
    assert ran.code == 0
    said = ran.err.index("Measuring takes about")
    assert said < ran.err.index("1/2 images")


@pytest.mark.slow
def test_every_way_to_make_maps_at_once(run: Run, pictures: Path, tmp_path: Path) -> None:
    words = ["--model", "alexnet", "--weights", "none", "--input-size", "96", "-q"]
    words += ["--fuse", "--fuse-gamma", "2", "--degrid", "--guided", "--smooth"]
    words += ["--methods", "grad-cam,layer-cam,score-cam,eigen-cam", "--no-recursive"]
    assert run("build", pictures, *words, "-o", tmp_path / "out").code == 0
    found = content(tmp_path / "out")
    methods = [item["name"] for item in found["run"]["methods"]]
    assert methods == ["grad-cam", "layer-cam", "layer-cam-fusion", "eigen-cam", "score-cam"]
    fused = [panel for panel in panels(tmp_path / "out", "a.jpg") if panel["method"] == methods[2]]
    assert [panel["map_size"] for panel in fused] == [[96, 96]]
    again = ("--config", tmp_path / "out" / "run.toml", "-q", "-o", tmp_path / "again")
    assert run("build", *again).code == 0
    assert content(tmp_path / "again")["images"] == found["images"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fuse", "--methods", "grad-cam"), "--fuse: it fuses layer-cam"),
        (("--guided", "--methods", "layer-cam"), "--guided: it needs grad-cam"),
        (("--guided", "--model", "vit_b_32"), "no ReLU layer"),
        (("--boxes", "none.csv"), "none.csv"),
    ],
)
def test_what_cannot_be_combined(
    run: Run, pictures: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ran = run("build", pictures, "--weights", "none", *words, "-o", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_warnings_stand_beside_their_maps(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (70, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    words = ("--target", "7", "--target", "8", "--methods", "eigen-cam", "-o", tmp_path / "out")
    assert run("build", tmp_path / "in", *SMALL, *words).code == 0
    image = content(tmp_path / "out")["images"][0]
    codes = [item["code"] for item in image["targets"][0]["cautions"]]
    assert codes == ["untrained", "improbable"]
    assert [item["code"] for item in image["cautions"]] == ["alike"], "eigen-cam knows no class"
