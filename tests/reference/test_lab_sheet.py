"""The lab sheet in one command: a whole saved two-class AlexNet, against the lab's own script."""

from __future__ import annotations

import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.models import alexnet

from reportgen import cli

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LAYERS = (0, 3, 6, 9, 12)


def run(*words: object) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["reportgen", *map(str, words)])
        patch.setenv("SOURCE_DATE_EPOCH", "0")
        return cli.run(cli.app)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    made: nn.Module = alexnet(num_classes=2).eval()
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, network: nn.Module) -> Path:
    """Pictures of sizes of their own, the checkpoint, and the lab's report with its archive."""
    place = tmp_path_factory.mktemp("lab")
    (place / "photos").mkdir()
    for seed, (name, size) in enumerate({"cat.jpg": (301, 240), "both.png": (224, 260)}.items()):
        small = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
        Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(place / "photos" / name)
    torch.save(network, place / "torch_alex.pth")
    words = ("--checkpoint", place / "torch_alex.pth", "--save-overlays", "-q")
    out = ("-o", place / "report", "--zip", place / "anna")
    assert run("lab", place / "photos", *words, *out) == 0
    return place


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    return found


def lab_script(
    network: nn.Module, path: Path, layer: str, target: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """Return the picture, the activation and the gradient as the lab's script has them."""
    raw = cv2.imread(str(path))
    assert raw is not None
    image = transforms.ToTensor()(raw)[None]
    kept: list[torch.Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(
        lambda *args: kept.append(args[2]) or args[2].clone()  # type: ignore[func-returns-value]
    )
    output = network(image)
    handle.remove()
    (gradient,) = torch.autograd.grad(output[0, target], kept)
    activation = kept[0][0].detach().numpy().astype(np.float64)
    return raw, activation, gradient[0].numpy().astype(np.float64)  # type: ignore[return-value]


def expected_overlay(
    method: str,
    activation: NDArray[np.float64],
    gradient: NDArray[np.float64],
    raw: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    if method == "layer-cam":
        weights = np.maximum(gradient, 0)
    cam = np.maximum((weights * activation).sum(axis=0), 0).astype(np.float32)
    resized = cv2.resize(cam / cam.max(), (raw.shape[1], raw.shape[0]))
    heat = cv2.applyColorMap((255 * resized).astype(np.uint8), cv2.COLORMAP_JET)
    blend: NDArray[np.uint8] = np.rint(0.3 * heat + 0.7 * raw).astype(np.uint8)
    return blend


@pytest.mark.parametrize("name", ["cat.jpg", "both.png"])
def test_every_overlay_is_the_lab_scripts(
    folder: Path, report: dict[str, Any], network: nn.Module, name: str
) -> None:
    image = next(item for item in report["images"] if item["name"] == name)
    assert [target["name"] for target in image["targets"]] == ["cat", "dog"]
    checked = 0
    for target in image["targets"]:
        for panel in target["panels"]:
            raw, activation, gradient = lab_script(
                network, folder / "photos" / name, panel["layer"], target["classes"][0]
            )
            if panel["state"] != "shown":
                continue
            expected = expected_overlay(panel["method"], activation, gradient, raw)
            found = cv2.imread(str(folder / "report" / panel["overlay_file"]))
            assert found is not None
            assert found.shape == raw.shape, "the picture keeps its own size"
            difference = np.abs(found.astype(int) - expected.astype(int))
            assert difference.max() <= 2, (name, panel["method"], panel["layer"])
            # Where a value is on the edge of two of the 256 colours, the order of a sum decides.
            assert (difference > 1).any(axis=2).mean() <= 2e-4, (
                name,
                panel["method"],
                panel["layer"],
            )
            checked += 1
    assert checked >= 8
    assert {panel["layer"] for panel in image["targets"][0]["panels"]} == {
        "features",
        *(f"features.{layer}" for layer in LAYERS),
    }


def test_the_mosaic_shows_every_channel_of_the_last_convolution(
    folder: Path, report: dict[str, Any], network: nn.Module
) -> None:
    for image in report["images"]:
        (mosaic,) = image["feature_maps"]
        _raw, activation, _ = lab_script(
            network, folder / "photos" / image["name"], "features.10", 0
        )
        assert mosaic["layer"] == "features.10"
        assert (mosaic["columns"], mosaic["rows"]) == (16, 16)
        assert mosaic["shape"] == list(activation.shape)
        assert mosaic["maximum"] == pytest.approx(float(activation.max()), rel=1e-4)
        for weights, index in zip(mosaic["weights"], (0, 1), strict=True):
            *_, gradient = lab_script(
                network, folder / "photos" / image["name"], "features.10", index
            )
            mean = gradient.mean(axis=(1, 2))
            np.testing.assert_allclose(weights["by_channel"], mean, rtol=1e-3, atol=1e-6)


def test_the_page_has_what_the_sheet_asks_for(folder: Path, report: dict[str, Any]) -> None:
    page = (folder / "report" / "index.html").read_text("utf-8")
    assert "(10): Conv2d(256, 256, kernel_size=(3, 3)" in page
    assert report["run"]["preprocessing"]["channel_order"] == "bgr"
    assert report["run"]["preprocessing"]["crop"] is None
    for image in report["images"]:
        for target in image["targets"]:
            assert target["reading"]["heats"], "a reading for each picture and class"
        assert image["overlaps"]


def test_run_toml_does_it_again_to_the_byte(folder: Path) -> None:
    again = folder / "again"
    assert run("build", "--config", folder / "report" / "run.toml", "-o", again, "-q") == 0
    assert files_of(again) == files_of(folder / "report")


def test_the_archive_holds_report_and_pictures_and_can_be_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(folder / "anna.zip") as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "anna")
    assert {"index.html", "run.toml", "README.txt", "report.json"} <= names
    assert {"pictures/cat.jpg", "pictures/both.png"} <= names
    (tmp_path / "anna" / "torch_alex.pth").symlink_to(folder / "torch_alex.pth")
    monkeypatch.chdir(tmp_path / "anna")
    assert run("build", "--config", "run.toml", "-o", tmp_path / "out", "-q") == 0
    mine, its = (
        json.loads((place / "report.json").read_text("utf-8"))
        for place in (tmp_path / "out", folder / "report")
    )
    assert mine["images"] == its["images"]


def test_a_whole_module_of_half_precision(folder: Path, network: nn.Module) -> None:
    """Class names come from the command line; the network runs in single precision."""
    checkpoint = folder / "half.pth"
    torch.save({"model": alexnet(num_classes=2).half().state_dict()}, checkpoint)
    out = folder / "half"
    words = ("--checkpoint", checkpoint, "--classes", "mew,woof", "--target", "woof")
    assert run("lab", folder / "photos", *words, "-o", out, "-q") == 0
    content = json.loads((out / "report.json").read_text("utf-8"))
    assert content["images"][0]["targets"][0]["name"] == "woof"
    assert network.training is False


def files_of(place: Path) -> dict[str, bytes]:
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
