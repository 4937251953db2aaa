"""``reportgen build`` as a user meets it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import urllib.error
import webbrowser
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from cli.conftest import files_of
from reportgen.models import torchvision_source

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Run

PLUMBING = ("--model", "squeezenet1_1", "--weights", "none")


def content(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "report.json").read_text(encoding="utf-8"))
    return found


# -- the embedded model ----------------------------------------------------------------------


def test_the_cat_is_a_cat(sample_report: Path) -> None:
    cat = next(item for item in content(sample_report)["images"] if item["name"] == "cat.jpg")
    names = [prediction["category"] for prediction in cat["predictions"]]
    assert set(names[:3]) == {"tiger cat", "Egyptian cat", "tabby"}
    probabilities = [prediction["probability"] for prediction in cat["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)


def test_two_targets_and_one_where_they_coincide(sample_report: Path) -> None:
    explained = {
        item["name"]: [target["name"] for target in item["targets"]]
        for item in content(sample_report)["images"]
    }
    assert explained["cat_and_coffee.jpg"] == ["Egyptian cat", "espresso"]
    assert explained["coffee.jpg"] == ["espresso"]


def test_grad_cam_finds_each_subject_on_its_own_side(sample_report: Path) -> None:
    picture = next(
        item for item in content(sample_report)["images"] if item["name"] == "cat_and_coffee.jpg"
    )
    cat, espresso = (
        pixels(sample_report / target["panels"][0]["overlay_file"]) for target in picture["targets"]
    )
    assert cat.shape == espresso.shape == (224, 224, 3)
    # Jet is red where the heat is and blue elsewhere; the picture below is the same in both.
    warmer_for_cat = (cat - espresso)[:, :, 0].mean(axis=0)
    assert warmer_for_cat[:112].mean() > 5
    assert warmer_for_cat[112:].mean() < -5


def pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64)


def test_every_overlay_is_saved_once_with_a_safe_name(sample_report: Path) -> None:
    named = [
        panel[kind]
        for item in content(sample_report)["images"]
        for target in item["targets"]
        for panel in target["panels"]
        for kind in ("overlay_file", "original_file")
        if panel["state"] == "shown" and panel[kind] is not None
    ]
    on_disk = {f"overlays/{path.name}" for path in (sample_report / "overlays").iterdir()}
    assert len(named) == len(set(named))
    assert set(named) == on_disk
    assert all(re.fullmatch(r"overlays/[A-Za-z0-9._-]+", name) for name in on_disk)


def test_manifest_lists_every_file(sample_report: Path) -> None:
    manifest = json.loads((sample_report / "manifest.json").read_text(encoding="utf-8"))
    there = files_of(sample_report)
    there.pop("manifest.json")
    assert manifest["generator"] == "reportgen"
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in there.items()
    }


def test_predictions_table_on_disk(sample_report: Path) -> None:
    with (sample_report / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 5
    assert {row["status"] for row in rows} == {"done"}


# -- any model -------------------------------------------------------------------------------


def test_summary_names_everything_and_ends_with_the_address(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out")
    assert ran.code == 0
    for word in ("Images", "3 of 3", "Failures", "Top classes", "Time", "Report"):
        assert word in ran.out
    assert ran.out.splitlines()[-1] == (tmp_path / "out" / "index.html").as_uri()
    assert "3/3 images" in ran.err
    names = [item["name"] for item in content(tmp_path / "out")["images"]]
    assert names == ["a.jpg", "a.png", "sub/a.jpg"]
    assert content(tmp_path / "out")["run"]["model"]["trained"] is False
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "random" in page


def test_default_output_and_no_recursion(
    run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("build", "pictures", *PLUMBING, "--no-recursive", "-q").code == 0
    report = tmp_path / "reports" / "pictures-squeezenet1_1"
    assert [item["name"] for item in content(report)["images"]] == ["a.jpg", "a.png"]
    assert pictures.is_dir()


def test_quiet_prints_nothing(run: Run, pictures: Path, tmp_path: Path) -> None:
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_verbose_names_layers_and_weights(run: Run, pictures: Path, tmp_path: Path) -> None:
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "--verbose")
    assert "Grad-CAM at features" in ran.err
    assert "weights sha256" in ran.err


def test_a_broken_picture_fails_alone(run: Run, pictures: Path, tmp_path: Path) -> None:
    whole = (pictures / "a.jpg").read_bytes()
    (pictures / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "cut.jpg: cannot be decoded: image file is truncated" in ran.err
    (failure,) = content(tmp_path / "out")["failures"]
    assert failure["name"] == "cut.jpg"
    assert len(content(tmp_path / "out")["images"]) == 3
    assert "truncated" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_nothing_but_broken_pictures(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "note.jpg").write_text("not a picture", encoding="utf-8")
    ran = run("build", tmp_path / "in", *PLUMBING, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "is text, not an image" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "alexnett"), "Did you mean 'alexnet'"),
        (("--model", "nowhere:alexnet"), "'nowhere'"),
        (("--layers", "features.99"), "no layer 'features.99'"),
        (("--layers", "classifier"), "cannot carry a map"),
        (("--methods", "gradcam"), "Did you mean 'grad-cam'"),
        (("--target", "tigercat"), "Did you mean 'tiger cat'"),
        (("--target", "1000"), "0 to 999"),
        (("--colormap", "rainbow"), "--colormap"),
        (("--alpha", "2"), "--alpha"),
        (("--weights", "some"), "--weights"),
        (("--checkpoint", "missing.pth", "--weights", "default"), "no file 'missing.pth'"),
        (("--template-dir", "missing"), "missing"),
        (("--quiet", "--verbose"), "not both"),
        (("--device", "abacus"), "--device"),
    ],
)
def test_usage_errors_write_nothing(
    run: Run, pictures: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "deep" / "out", *arguments)
    assert ran.code == 2
    assert message in " ".join(ran.err.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_device_is_a_usage_error(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "--device", "cuda")
    assert ran.code == 2
    assert "finds no cuda device" in ran.err


def test_a_folder_that_is_not_ours_is_refused(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.doc").write_text("mine", encoding="utf-8")
    assert run("build", pictures, *PLUMBING, "-o", out).code == 2
    assert files_of(out) == {"thesis.doc": b"mine"}
    assert run("build", pictures, *PLUMBING, "-o", out, "--force", "-q").code == 0
    assert files_of(out)["thesis.doc"] == b"mine"
    assert (out / "index.html").is_file()


def test_a_report_is_brought_up_to_date(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("build", pictures, *PLUMBING, "-o", out, "-q", "--save-overlays").code == 0
    assert (out / "overlays").is_dir()
    (pictures / "a.png").unlink()
    assert run("build", pictures, *PLUMBING, "-o", out, "-q").code == 0
    assert len(content(out)["images"]) == 2
    assert not (out / "overlays").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pictures"]


def test_a_report_inside_the_pictures_is_not_explained(run: Run, pictures: Path) -> None:
    for out in (pictures / "report", pictures / "other"):
        assert run("build", pictures, *PLUMBING, "-o", out, "-q", "--save-overlays").code == 0
        assert len(content(out)["images"]) == 3


def test_interrupted_runs_keep_the_old_report(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert run("build", pictures, *PLUMBING, "-o", out, "-q").code == 0
    before = files_of(tmp_path)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reportgen.engine.explain", interrupt)
    fresh = (*PLUMBING, "-o", out, "-q", "--no-cache")
    assert run("build", pictures, *fresh).code == 130
    monkeypatch.setattr("reportgen.render.render", interrupt)
    assert run("build", pictures, *PLUMBING, "-o", out, "-q", "--top-k", 2).code == 130
    assert files_of(tmp_path) == before


def test_a_full_disk_keeps_the_old_report(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert run("build", pictures, *PLUMBING, "-o", out, "-q").code == 0
    before = files_of(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(out / "index.html"))

    monkeypatch.setattr("reportgen.render.render", full)
    ran = run("build", pictures, *PLUMBING, "-o", out, "-q", "--no-cache")
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("no such kernel"), "RuntimeError: no such kernel"),
        (ImportError("libGL.so.1: cannot open shared object file"), "apt-get install libgl1"),
    ],
)
def test_a_defect_is_not_taken_for_a_written_report(  # noqa: PLR0913, PLR0917 - fixtures
    run: Run,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    message: str,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("reportgen.engine.explain", broken)
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out")
    assert ran.code == 2
    assert message in ran.err
    assert not (tmp_path / "out").exists()


def test_the_same_bytes_again(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    found = []
    for _ in range(2):
        assert run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "-q").code == 0
        found.append(files_of(tmp_path / "out"))
    assert found[0] == found[1]
    assert content(tmp_path / "out")["run"]["created"].startswith("1970-01-01T00:00:00")


def test_layers_and_methods(run: Run, pictures: Path, tmp_path: Path) -> None:
    network = ("--model", "squeezenet1_1", "--weights", "none", "--no-recursive", "-q")

    def placed(*arguments: str) -> list[tuple[str, list[str]]]:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        assert run("build", pictures, *network, "-o", out, *arguments).code == 0
        return [(item["name"], item["layers"]) for item in content(out)["run"]["methods"]]

    assert placed("--layers", "12,0") == [
        ("grad-cam", ["features"]),
        ("layer-cam", ["features.0", "features.12"]),
    ]
    assert placed("--layers", "10", "--methods", "grad-cam") == [("grad-cam", ["features.10"])]


def test_a_local_checkpoint(run: Run, pictures: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = torchvision_source.make("squeezenet1_1", 2)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "two.pth")
    out = tmp_path / "out"
    arguments = ("--model", "squeezenet1_1", "--checkpoint", tmp_path / "two.pth")
    assert run("build", pictures, *arguments, "-o", out, "-q", "--target", "class 1").code == 0
    assert content(out)["run"]["model"]["classes"] == 2
    assert content(out)["run"]["model"]["trained"] is True
    ran = run("build", pictures, "--model", "resnet18", *arguments[2:], "-o", out)
    assert ran.code == 2
    assert "does not fit --model resnet18" in ran.err


def test_no_network_names_the_two_ways_out(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    ran = run("build", pictures, "--model", "alexnet", "-o", tmp_path / "out")
    assert ran.code == 2
    for word in ("no route to host", "--checkpoint", "efficientnet_lite0"):
        assert word in ran.err


def test_open_shows_the_page(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
    assert run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "-q", "--open").code == 0
    assert opened == [(tmp_path / "out" / "index.html").as_uri()]


def test_a_template_of_the_users_own(run: Run, pictures: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "sections"
    mine.mkdir(parents=True)
    (mine / "summary.html.j2").write_text("<p>Group 7</p>", encoding="utf-8")
    arguments = (*PLUMBING, "-o", tmp_path / "out", "--template-dir", mine.parent)
    assert run("build", pictures, *arguments, "-q").code == 0
    assert "<p>Group 7</p>" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    (mine / "summary.html.j2").write_text("{{ nothing.like.this }}", encoding="utf-8")
    before = files_of(tmp_path / "out")
    ran = run("build", pictures, *arguments)
    assert ran.code == 2
    assert "summary.html.j2" in ran.err
    assert files_of(tmp_path / "out") == before


def test_hostile_names_are_text(run: Run, pictures: Path, tmp_path: Path) -> None:
    for name in ("<script>alert(1)<.png", "{{7*7}} %2e#?.png", "=cmd.png", "a\nb.png"):
        shutil.copy(pictures / "a.png", pictures / name)
    ran = run("build", pictures, *PLUMBING, "-o", tmp_path / "out", "--save-overlays")
    assert ran.code == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "{{7*7}}" in page
    assert len(content(tmp_path / "out")["images"]) == 7
