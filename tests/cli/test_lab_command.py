"""Groups, labels, feature maps, recipes and settings through the command."""

from __future__ import annotations

import csv
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from cli.conftest import REPOSITORY, Run, files_of

if TYPE_CHECKING:
    from pathlib import Path

PLUMBING = ("--model", "squeezenet1_1", "--weights", "none", "-q")


def content(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "report.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def sorted_pictures(tmp_path: Path) -> Path:
    """Two folders named as classes, two pictures each."""
    for seed, name in enumerate(("dog/1.png", "dog/2.png", "cat/1.png", "cat/2.png")):
        path = tmp_path / "sorted" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (70, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "sorted"


def test_the_lab_without_a_checkpoint(run: Run, tmp_path: Path) -> None:
    """The embedded network answers through groups, and the cat is found on its side."""
    out = tmp_path / "out"
    assert run("lab", REPOSITORY / "images", "-o", out, "-q", "--zip", tmp_path / "it").code == 0
    found = content(out)
    picture = next(item for item in found["images"] if item["name"] == "cat_and_coffee.jpg")
    cat, dog = picture["targets"]
    assert (cat["name"], dog["name"]) == ("cat", "dog")
    assert (len(cat["classes"]), len(dog["classes"])) == (5, 118)
    assert cat["rank"] is None
    assert cat["probability"] > 0.5 > dog["probability"]
    assert cat["reading"]["heats"][0]["centroid"][0] < 0.5, "the cat is on the left"
    assert picture["feature_maps"][0]["shape"][0] == 1280
    with zipfile.ZipFile(tmp_path / "it.zip") as archive:
        assert "pictures/cat_and_coffee.jpg" in archive.namelist()
        assert archive.testzip() is None


def test_labels_from_folders(run: Run, sorted_pictures: Path, tmp_path: Path) -> None:
    words = (*PLUMBING, "--classes", "cat,dog", "--target", "label")
    assert run("build", sorted_pictures, *words, "-o", tmp_path / "out").code == 0
    found = content(tmp_path / "out")
    assert [item["label"]["category"] for item in found["images"]] == ["cat"] * 2 + ["dog"] * 2
    assert [item["targets"][0]["name"] for item in found["images"]] == ["cat"] * 2 + ["dog"] * 2
    right = [item["label_rank"] == 1 for item in found["images"]]
    assert [item["right"] for item in found["images"]] == right
    assert found["evaluation"]["right"] == sum(right)
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["true_class"] for row in rows] == ["cat"] * 2 + ["dog"] * 2


def test_folders_name_the_classes_of_a_checkpoint_without_names(
    run: Run, sorted_pictures: Path, tmp_path: Path
) -> None:
    """As torchvision's ImageFolder would: classes in the order of the sorted folders."""
    checkpoint = tmp_path / "two.pth"
    from torchvision.models import squeezenet1_1  # noqa: PLC0415 - only here

    torch.manual_seed(0)
    torch.save(squeezenet1_1(num_classes=2).state_dict(), checkpoint)
    words = ("--checkpoint", checkpoint, "--labels", "folders", "-q")
    assert run("build", sorted_pictures, *words, "-o", tmp_path / "out").code == 0
    found = content(tmp_path / "out")
    assert found["run"]["model"]["architecture"].endswith("squeezenet1_1")
    assert {item["label"]["category"] for item in found["images"]} == {"cat", "dog"}
    assert {item["predictions"][0]["category"] for item in found["images"]} <= {"cat", "dog"}


def test_labels_from_a_table(run: Run, sorted_pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\ndog/1.png,cat\ncat/1.png,1\n")
    words = (*PLUMBING, "--classes", "cat,dog", "--labels", tmp_path / "labels.csv")
    assert run("build", sorted_pictures, *words, "-o", tmp_path / "out").code == 0
    labels = {
        item["name"]: item["label"] and item["label"]["category"]
        for item in content(tmp_path / "out")["images"]
    }
    assert labels == {
        "dog/1.png": "cat",
        "cat/1.png": "dog",
        "cat/2.png": None,
        "dog/2.png": None,
    }
    assert content(tmp_path / "out")["evaluation"]["unlabelled"] == 2


def test_label_without_labels(run: Run, pictures: Path, tmp_path: Path) -> None:
    ran = run("build", pictures, *PLUMBING, "--target", "label", "-o", tmp_path / "out")
    assert ran.code == 2
    assert "--labels folders" in ran.err
    assert not (tmp_path / "out").exists()


def test_names_that_do_not_fit_are_an_error_before_any_work(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "two.pth"
    from torchvision.models import squeezenet1_1  # noqa: PLC0415 - only here

    torch.save(squeezenet1_1(num_classes=2), checkpoint)
    words = ("--checkpoint", checkpoint, "--classes", "a,b,c", "-o", tmp_path / "out")
    ran = run("build", pictures, *words)
    assert ran.code == 2
    assert "3" in ran.err
    assert "2" in ran.err
    assert "--classes" in ran.err
    assert "Explaining" not in ran.err
    assert not (tmp_path / "out").exists()


def test_pictures_at_their_own_size(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Also one that is too small for the network: it fails alone."""
    Image.new("RGB", (9, 8)).save(pictures / "tiny.png")
    words = ("--model", "alexnet", "--weights", "none", "--preprocess", "unit", "-q")
    Image.new("RGB", (120, 90), "red").save(pictures / "large.png")
    ran = run("build", pictures, *words, "-o", tmp_path / "out")
    assert ran.code == 1, "60 pixels are too few for AlexNet's pools"
    found = content(tmp_path / "out")
    assert [item["geometry"]["view"] for item in found["images"]] == [[120, 90]]
    assert "does not take a picture of 9×8" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--preprocess", "imagnet"), "--preprocess"),
        (("--input-size", "0"), "--input-size"),
        (("--feature-scale", "tile"), "--feature-scale: expected one of channel, layer"),
        (("--feature-order", "size"), "--feature-order: expected one of channel, weight"),
        (("--feature-maps", "nowhere"), "nowhere"),
        (("--std", "0"), "--std"),
        (("--labels", "none.csv"), "none.csv"),
        (("--config", "none.toml"), "there is no file 'none.toml'"),
        (("--zip", "nowhere/a.zip"), "--zip: there is no folder 'nowhere'"),
        (("--input-size", "8"), "--input-size"),
    ],
)
def test_options_that_cannot_be(
    run: Run, pictures: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ran = run("build", pictures, *PLUMBING, *words, "-o", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_a_file_of_options(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line goes first; paths are relative to the file; the run can be repeated."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (tmp_path / "my.toml").write_text(
        'images = "pictures"\nmodel = "squeezenet1_1"\nweights = "none"\ntarget = ["5", "@dogs"]\n'
        'feature-maps = "last"\ntitle = "From a file"\n'
    )
    monkeypatch.chdir(pictures / "sub")
    words = ("--config", tmp_path / "my.toml", "--title", "From the line", "-q")
    assert run("build", *words, "-o", tmp_path / "one").code == 0
    assert content(tmp_path / "one")["title"] == "From the line"
    names = [target["name"] for target in content(tmp_path / "one")["images"][0]["targets"]]
    assert names == ["electric ray", "dogs"]
    again = ("--config", tmp_path / "one" / "run.toml", "-q")
    assert run("build", *again, "-o", tmp_path / "two").code == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_the_report_tells_no_path_of_its_author(run: Run, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports" / "out"
    assert run("build", pictures, *PLUMBING, "-o", out).code == 0
    for name, data in files_of(out).items():
        assert str(tmp_path).encode() not in data, name


def test_an_archive_replaces_only_archives(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("my notes")
    words = (*PLUMBING, "-o", tmp_path / "out", "--zip")
    ran = run("build", pictures, *words, tmp_path / "notes.zip")
    assert ran.code == 2
    assert "is no ZIP file" in ran.err
    assert (tmp_path / "notes.zip").read_text() == "my notes"
    for _ in range(2):
        assert run("build", pictures, *words, tmp_path / "mine").code == 0
    assert zipfile.is_zipfile(tmp_path / "mine.zip")
    assert not list(tmp_path.glob(".zip-*"))
