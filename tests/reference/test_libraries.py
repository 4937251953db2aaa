"""Raw maps against grad-cam and torchcam where those are right, and where they are not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchcam.methods
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torchvision.models import get_model

from reportgen.capture import Capture, quiet_mode
from reportgen.methods import METHODS

TARGET = 11

# Every one of these outputs is followed by nothing that works in place.
RIGHT_FOR_ALL = [
    ("alexnet", "features.2"),
    ("alexnet", "features.12"),
    ("resnet18", "layer2"),
    ("resnet18", "layer4"),
    ("mobilenet_v2", "features.18"),
]

Map = NDArray[np.float64]


def network(name: str, *, inplace: bool = True) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = get_model(name, weights=None).eval()
    for module in model.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = inplace
    return model


def picture() -> torch.Tensor:
    return torch.rand((1, 3, 224, 224), generator=torch.Generator().manual_seed(2))


def ours(model: nn.Module, layer: str, method: str) -> Map:
    with quiet_mode(model), Capture(model, [layer]) as capture:
        gradients = capture.gradients(model(picture())[:, TARGET].sum(), keep_graph=False)
        activation = capture.activations[layer].detach()
        raw = METHODS[method].compute(activation, gradients[layer])
    return normalised(raw[0].double().numpy())


def by_grad_cam(model: nn.Module, layer: str, method: str) -> Map:
    """Return grad-cam's map at the layer's own resolution, before its own scaling."""
    kind = {"grad-cam": GradCAM, "layer-cam": LayerCAM}[method]
    with kind(model, [model.get_submodule(layer)]) as cam:
        cam(input_tensor=picture(), targets=[ClassifierOutputTarget(TARGET)])
        store = cam.activations_and_grads
        raw = cam.get_cam_image(
            picture(),
            model.get_submodule(layer),
            [ClassifierOutputTarget(TARGET)],
            store.activations[0].numpy(),
            store.gradients[0].numpy(),
            eigen_smooth=False,
        )
    return normalised(np.maximum(raw[0], 0).astype(np.float64))


def by_torchcam(model: nn.Module, layer: str, method: str) -> Map:
    kind = {"grad-cam": "GradCAM", "layer-cam": "LayerCAM"}[method]
    with getattr(torchcam.methods, kind)(model, layer) as cam:
        scores = model(picture().requires_grad_())
        (raw,) = cam(TARGET, scores, normalized=False)
    return normalised(raw[0].detach().double().numpy())


def normalised(raw: Map) -> Map:
    assert raw.max() > 0
    scaled: Map = raw / raw.max()
    return scaled


@pytest.mark.parametrize("method", ["grad-cam", "layer-cam"])
@pytest.mark.parametrize(("name", "layer"), RIGHT_FOR_ALL)
def test_equal_where_the_libraries_are_right(name: str, layer: str, method: str) -> None:
    model = network(name)
    expected = ours(model, layer, method)
    np.testing.assert_allclose(by_grad_cam(model, layer, method), expected, atol=1e-4)
    np.testing.assert_allclose(by_torchcam(model, layer, method), expected, atol=1e-4)


@pytest.mark.parametrize("layer", ["features.0", "features.3", "features.10"])
def test_a_convolution_before_an_in_place_relu(layer: str) -> None:
    """Ours equals the network with a ReLU out of place; grad-cam's map of it is another one."""
    without = ours(network("alexnet", inplace=False), layer, "grad-cam")
    np.testing.assert_allclose(ours(network("alexnet"), layer, "grad-cam"), without, atol=1e-4)
    theirs = by_grad_cam(network("alexnet"), layer, "grad-cam")
    assert np.abs(theirs - without).max() > 0.1
