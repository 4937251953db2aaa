"""The lab's arithmetic on AlexNet, done separately in NumPy and OpenCV, against the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import AlexNet_Weights, alexnet

from reportgen.options import BuildOptions, ModelOptions
from reportgen.pipeline import build
from reportgen.progress import Silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGES = Path(__file__).parents[2] / "images"
LAYERS = ("features.0", "features.3", "features.6", "features.9", "features.12")
SEED = 7


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("alexnet") / "report"
    build(
        BuildOptions(
            images=IMAGES,
            output=output,
            network=ModelOptions(model="alexnet", weights="none", seed=SEED, device="cpu"),
            targets=("top1", "281"),
            save_overlays=True,
        ),
        Silent(),
    )
    return output


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """The same network, built without reportgen and without any ReLU in place."""
    torch.manual_seed(SEED)
    network: nn.Module = alexnet(num_classes=1000).eval()
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def record_of(report: Path, name: str) -> dict[str, object]:
    content = json.loads((report / "report.json").read_text(encoding="utf-8"))
    record: dict[str, object] = next(item for item in content["images"] if item["name"] == name)
    return record


def activation_and_gradient(
    model: nn.Module, inputs: torch.Tensor, layer: str, target: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both at one layer, from a forward and a backward of their own."""
    kept: list[torch.Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda *args: kept.append(args[2]))
    logits = model(inputs)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, target], kept)
    return kept[0][0].detach().numpy().astype(np.float64), gradient[0].numpy().astype(np.float64)


def lab_overlay(
    method: str,
    activation: NDArray[np.float64],
    gradient: NDArray[np.float64],
    bgr: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], float]:
    """Return the overlay in OpenCV's BGR and the raw peak, as the lab's scripts work them out."""
    cam = np.zeros(activation.shape[1:], dtype=np.float32)
    for k in range(activation.shape[0]):
        weight = gradient[k].mean() if method == "grad-cam" else np.maximum(gradient[k], 0)
        cam += (weight * activation[k]).astype(np.float32)
    cam = np.maximum(cam, 0)
    peak = float(cam.max())
    resized = cv2.resize(cam / peak, (bgr.shape[1], bgr.shape[0]))
    heat = cv2.applyColorMap((255 * resized).astype(np.uint8), cv2.COLORMAP_JET)
    return np.rint(0.3 * heat + 0.7 * bgr).astype(np.uint8), peak


@pytest.mark.parametrize("name", ["cat.jpg", "cameraman.jpg", "cat_and_coffee.jpg"])
def test_overlays_equal_the_labs_arithmetic(report: Path, model: nn.Module, name: str) -> None:
    transforms = AlexNet_Weights.DEFAULT.transforms()
    picture = Image.open(IMAGES / name).convert("RGB")
    inputs = transforms(picture)[None]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (transforms.mean, transforms.std))
    view = ((inputs[0] * std + mean) * 255).round().byte().permute(1, 2, 0).numpy()
    bgr = np.ascontiguousarray(view[:, :, ::-1])
    checked = 0
    record = record_of(report, name)
    for target in record["targets"]:  # type: ignore[attr-defined]
        for panel in target["panels"]:
            values = activation_and_gradient(model, inputs, panel["layer"], target["classes"][0])
            expected, peak = lab_overlay(panel["method"], *values, bgr)
            found = cv2.imread(str(report / panel["overlay_file"]))
            assert found is not None
            difference = np.abs(found.astype(int) - expected.astype(int))
            # Where a value sits on a boundary of the uint8 truncation, the last bit of a float
            # decides between two steps of the colour map, which are up to 4 apart: 0.3 · 4.
            assert difference.max() <= 2, (name, panel["method"], panel["layer"])
            assert (difference > 1).mean() <= 1e-3, (name, panel["method"], panel["layer"])
            assert panel["peak"] == pytest.approx(peak, rel=1e-4)
            checked += 1
    assert checked == 2 * 6


def test_the_layers_are_the_labs(report: Path) -> None:
    record = record_of(report, "cat.jpg")
    panels = record["targets"][0]["panels"]  # type: ignore[index]
    assert [(panel["method"], panel["layer"]) for panel in panels] == [
        ("grad-cam", "features"),
        *(("layer-cam", layer) for layer in LAYERS),
    ]


def test_grad_cam_at_features_equals_features_12(model: nn.Module) -> None:
    inputs = torch.rand((1, 3, 224, 224), generator=torch.Generator().manual_seed(1))
    whole = activation_and_gradient(model, inputs, "features", 3)
    last = activation_and_gradient(model, inputs, "features.12", 3)
    np.testing.assert_array_equal(whole[0], last[0])
    np.testing.assert_array_equal(whole[1], last[1])
