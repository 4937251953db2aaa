"""Raw maps against grad-cam and torchcam where those are right, and where they are not.

Both sides are divided by their maximum. With the same activation and gradient they are equal to
1e-4, but for what follows; of each item a test shows that it is so.

All methods
    grad-cam keeps no copy of an activation. A ReLU that works in place behind the layer, in AlexNet
    a module and in DenseNet a function, overwrites it, and the map is of something else: not of
    those methods, though, that multiply place by place, as the gradient is 0 where it matters.
    torchcam keeps none either, and gives the map of the ReLU instead of the convolution's.
grad-cam++
    grad-cam adds 1e-6 to the denominator, which is of the size of squared gradients: scaling the
    logits changes its map where the formula's would not. torchcam divides a copy and drops it, so
    that its weights are Σ g²·ReLU(g), without any denominator.
eigen-cam, eigen-grad-cam
    grad-cam subtracts each channel's mean first, which the paper does not, and leaves the sign of
    the singular vector to chance: some of its maps are the negative of what they should be.
score-cam
    grad-cam upsamples with aligned corners, torchcam scales to 0…1 before upsampling. Both count a
    constant channel as a black picture.
ablation-cam
    grad-cam subtracts 10⁷ from a channel instead of setting it to 0 where the layer's smallest
    value is not 0, and turns the map around where the logit is negative.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytorch_grad_cam as gc
import timm
import torch
import torchcam.methods
from numpy.typing import NDArray
from pytorch_grad_cam.guided_backprop import GuidedBackpropReLUModel
from torch import Tensor, nn
from torchvision.models import get_model

from reportgen.capture import Capture, quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS, ForwardContext
from reportgen.methods.eigen_cam import first_component
from reportgen.methods.guided import guided_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = 13

# Every one of these outputs is followed by nothing that works in place.
RIGHT_FOR_ALL = [
    ("alexnet", "features.2"),
    ("alexnet", "features.12"),
    ("resnet18", "layer2"),
    ("resnet18", "layer4"),
    ("mobilenet_v2", "features.18"),
    ("densenet121", "features.denseblock4"),
    ("vit_tiny_patch16_224", "blocks.11.norm1"),
]
VIT = Layout("tokens", 192, 14, 14, prefix=1)

GRAD_CAM = {
    "grad-cam": gc.GradCAM,
    "layer-cam": gc.LayerCAM,
    "hires-cam": gc.HiResCAM,
    "grad-cam-elementwise": gc.GradCAMElementWise,
    "xgrad-cam": gc.XGradCAM,
    "grad-cam++": gc.GradCAMPlusPlus,
    "eigen-cam": gc.EigenCAM,
    "eigen-grad-cam": gc.EigenGradCAM,
}
TORCHCAM = {"grad-cam": "GradCAM", "layer-cam": "LayerCAM", "xgrad-cam": "XGradCAM"}
LARGE = 1e6
"""A score times this has gradients beside which grad-cam's 1e-6 is nothing."""

Map = NDArray[np.float64]
QUICK = {("alexnet", "features.12"), ("resnet18", "layer4")}
at_every_layer = pytest.mark.parametrize(
    ("name", "layer"),
    [
        pytest.param(*item, marks=[] if item in QUICK else pytest.mark.slow)
        for item in RIGHT_FOR_ALL
    ],
)


@cache
def network(name: str, *, inplace: bool = True) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module
    if name.startswith("vit"):
        model = timm.create_model(name, pretrained=False).eval()
    else:
        model = get_model(name, weights=None).eval()
    settle(model)
    for module in model.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = inplace
    return model


def settle(model: nn.Module) -> None:
    """Give the normalisations the statistics of some input: random networks fade out without."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    if norms:
        with torch.no_grad():
            model(torch.rand((4, 3, 96, 96), generator=torch.Generator().manual_seed(1)))
        model.eval()


def picture(size: int = 224) -> Tensor:
    return torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(2))


def to_grid(name: str) -> Callable[[Tensor], Tensor] | None:
    return VIT.to_grid if name.startswith("vit") else None


@cache
def captured(
    name: str, layer: str, *, scale: float = 1.0, inplace: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the activation and its gradient as we take them."""
    model = network(name, inplace=inplace)
    grid = to_grid(name) or (lambda tensor: tensor)
    with quiet_mode(model), Capture(model, [layer]) as capture:
        score = scale * model(picture())[:, TARGET].sum()
        gradients = capture.gradients(score, keep_graph=False)
        return grid(capture.activations[layer].detach()), grid(gradients[layer])


@cache
def stored(name: str, layer: str, *, scale: float = 1.0) -> tuple[Map, Map]:
    """Return the activation and its gradient as grad-cam takes them."""
    model = network(name)
    with gc.GradCAM(model, [model.get_submodule(layer)], to_grid(name)) as cam:
        cam(input_tensor=picture(), targets=[lambda logits: scale * logits[TARGET]])
        store = cam.activations_and_grads
        return store.activations[0].numpy(), store.gradients[0].numpy()


def ours(name: str, layer: str, method: str, *, scale: float = 1.0, inplace: bool = True) -> Map:
    pair = captured(name, layer, scale=scale, inplace=inplace)
    return normalised(METHODS[method].compute(*pair)[0].double().numpy())


def by_grad_cam(name: str, layer: str, method: str, *, scale: float = 1.0) -> Map:
    """Return grad-cam's map at the layer's own resolution, before its own scaling."""
    activation, gradient = stored(name, layer, scale=scale)
    with GRAD_CAM[method](nn.Linear(1, 1), []) as cam:
        raw = cam.get_cam_image(None, None, None, activation, gradient, eigen_smooth=False)
    return np.asarray(raw[0], np.float64)


def by_torchcam(name: str, layer: str, kind: str) -> Map:
    model = network(name)
    options = {"reshape_transform": VIT.to_grid} if name.startswith("vit") else {}
    with getattr(torchcam.methods, kind)(model, layer, **options) as cam:
        scores = model(picture().requires_grad_())
        (raw,) = cam(TARGET, scores, normalized=False)
    return normalised(raw[0].detach().double().numpy())


def normalised(raw: Map) -> Map:
    positive = np.maximum(raw, 0)
    assert positive.max() > 0
    scaled: Map = positive / positive.max()
    return scaled


# -- methods with gradients ------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["grad-cam", "layer-cam", "hires-cam", "grad-cam-elementwise", "xgrad-cam"]
)
@at_every_layer
def test_equal_where_the_libraries_are_right(name: str, layer: str, method: str) -> None:
    expected = ours(name, layer, method)
    theirs = normalised(by_grad_cam(name, layer, method))
    np.testing.assert_allclose(theirs, expected, atol=1e-4)


@pytest.mark.parametrize("method", TORCHCAM)
@at_every_layer
def test_torchcam_too(name: str, layer: str, method: str) -> None:
    theirs = by_torchcam(name, layer, TORCHCAM[method])
    np.testing.assert_allclose(theirs, ours(name, layer, method), atol=1e-4)


@at_every_layer
def test_grad_cam_plus_plus_where_gradients_are_large(name: str, layer: str) -> None:
    theirs = normalised(by_grad_cam(name, layer, "grad-cam++", scale=LARGE))
    np.testing.assert_allclose(theirs, ours(name, layer, "grad-cam++", scale=LARGE), atol=1e-4)


def test_grad_cam_plus_plus_where_they_are_as_networks_have_them() -> None:
    """A coefficient is 1/2 for gradients near 0, theirs falls to 0 instead."""
    name, layer = "alexnet", "features.2"
    activation, gradient = (tensor.double().numpy()[0] for tensor in captured(name, layer))
    assert np.abs(gradient).max() ** 2 < 1e-6
    below = 2 + gradient * activation.sum(axis=(1, 2), keepdims=True)
    weights = (np.maximum(gradient, 0) / below).sum(axis=(1, 2))
    expected = normalised(np.tensordot(weights, activation, axes=1))
    np.testing.assert_allclose(ours(name, layer, "grad-cam++"), expected, atol=1e-5)
    theirs = normalised(by_grad_cam(name, layer, "grad-cam++"))
    assert np.abs(theirs - expected).max() > 0.01

    forgotten = (gradient**2 * np.maximum(gradient, 0)).sum(axis=(1, 2))
    without = normalised(np.tensordot(forgotten, activation, axes=1))
    np.testing.assert_allclose(by_torchcam(name, layer, "GradCAMpp"), without, atol=1e-4)
    assert np.abs(without - expected).max() > 0.01


@pytest.mark.parametrize("method", ["eigen-cam", "eigen-grad-cam"])
@at_every_layer
def test_eigen_cam_centred_and_but_for_the_sign(name: str, layer: str, method: str) -> None:
    activation, gradient = captured(name, layer)
    values = (activation if method == "eigen-cam" else activation * gradient).double()
    values -= values.mean(dim=(2, 3), keepdim=True)
    centred = first_component(values, values.sum(dim=1))[0].numpy()
    theirs = by_grad_cam(name, layer, method)
    sign = np.sign((theirs * centred).sum())
    np.testing.assert_allclose(
        sign * theirs / np.abs(theirs).max(), centred / np.abs(centred).max(), atol=1e-3
    )


@pytest.mark.slow
def test_the_sign_of_their_eigen_cam_is_left_to_chance() -> None:
    signs = set()
    for name, layer in RIGHT_FOR_ALL[:5]:
        mean = captured(name, layer)[0][0].mean(dim=0).double().numpy()
        assert mean.min() >= 0
        signs.add(np.sign((by_grad_cam(name, layer, "eigen-cam") * (mean - mean.mean())).sum()))
        assert np.corrcoef(ours(name, layer, "eigen-cam").ravel(), mean.ravel())[0, 1] > 0
    assert signs == {-1, 1}


@pytest.mark.slow
def test_products_cancel_in_front_of_a_normalisation() -> None:
    """As `hires_cam` warns: nothing but a normalisation of each token reads these tokens."""
    activation, gradient = captured("vit_tiny_patch16_224", "blocks.10")
    product = (activation * gradient).double()
    assert product.sum(dim=1).abs().max() < 1e-4 * product.abs().sum(dim=1).max()


# -- activations that are overwritten --------------------------------------------------------


@pytest.mark.parametrize("method", ["grad-cam", "xgrad-cam"])
@pytest.mark.parametrize("layer", ["features.0", "features.3", "features.10"])
def test_a_convolution_before_an_in_place_relu(layer: str, method: str) -> None:
    """Ours equals the network with a ReLU out of place; grad-cam's map of it is another one."""
    without = ours("alexnet", layer, method, inplace=False)
    np.testing.assert_allclose(ours("alexnet", layer, method), without, atol=1e-4)
    assert np.abs(normalised(by_grad_cam("alexnet", layer, method)) - without).max() > 0.1


def test_torchcam_before_an_in_place_relu() -> None:
    theirs = by_torchcam("alexnet", "features.0", "GradCAM")
    np.testing.assert_allclose(theirs, ours("alexnet", "features.1", "grad-cam"), atol=1e-4)
    assert np.abs(theirs - ours("alexnet", "features.0", "grad-cam", inplace=False)).max() > 0.1


@pytest.mark.slow
def test_densenet_before_an_in_place_relu_that_is_a_function() -> None:
    model = network("densenet121")
    with torch.no_grad():
        features = model.get_submodule("features")(picture())
    mine, _ = captured("densenet121", "features")
    torch.testing.assert_close(mine, features)
    theirs, _ = stored("densenet121", "features")
    assert features.min() < 0
    assert theirs.min() == 0


# -- methods without gradients ---------------------------------------------------------------


def context_of(model: nn.Module, layer: str, x: Tensor, target: int) -> ForwardContext:
    with torch.no_grad(), Capture(model, [layer]) as capture:
        logits = model(x)
        activation = capture.activations[layer].detach().clone()
    return ForwardContext(
        model=model,
        inputs=x,
        layer=layer,
        layout=Layout("channels_first", *activation.shape[1:]),
        activation=activation,
        logits=logits,
        score=lambda logits, _rows: logits[:, [target]],
        batch_size=32,
    )


def ours_forward(method: str, context: ForwardContext) -> Map:
    compute = METHODS[method].compute_forward
    assert compute is not None
    return normalised(compute(context)[0, 0].double().numpy())


def theirs_forward(kind: type, context: ForwardContext, target: int) -> Map:
    layer = context.model.get_submodule(context.layer)
    with kind(context.model, [layer]) as cam:
        weights = cam.get_cam_weights(
            context.inputs,
            layer,
            [lambda logits: logits[target]],
            context.activation.numpy(),
            None,
        )
    return np.asarray(np.tensordot(weights[0], context.activation[0].numpy(), axes=1), np.float64)


SMALL = [("resnet18", "layer1", 48), ("mobilenet_v2", "features.0", 32)]
small = pytest.mark.parametrize(("name", "layer", "size"), SMALL)


@small
def test_score_cam_with_the_same_upsampling(
    name: str, layer: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(network(name), layer, picture(size), TARGET)
    # A constant channel would count in grad-cam, and could not be compared.
    assert (context.activation.amax((2, 3)) > context.activation.amin((2, 3))).all()
    mine = ours_forward("score-cam", context)
    aligned = normalised(theirs_forward(gc.ScoreCAM, context, TARGET))
    monkeypatch.setattr(nn, "UpsamplingBilinear2d", lambda size: nn.Upsample(size, mode="bilinear"))
    same = normalised(theirs_forward(gc.ScoreCAM, context, TARGET))
    np.testing.assert_allclose(same, mine, atol=1e-4)
    assert np.abs(aligned - mine).max() > 1e-4


def test_score_cam_where_nothing_is_upsampled() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Sigmoid(),
        nn.Conv2d(8, 8, 5, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 36, 16),
    ).eval()
    context = context_of(model, "1", picture(16), TARGET)
    mine = ours_forward("score-cam", context)
    np.testing.assert_allclose(
        normalised(theirs_forward(gc.ScoreCAM, context, TARGET)), mine, atol=1e-4
    )
    with torchcam.methods.ScoreCAM(model, "1") as cam, torch.no_grad():
        model(picture(16))
        (raw,) = cam(TARGET, normalized=False)
    np.testing.assert_allclose(normalised(raw[0].double().numpy()), mine, atol=1e-4)


@pytest.mark.slow
@small
def test_ablation_cam_behind_a_relu(name: str, layer: str, size: int) -> None:
    context = context_of(network(name), layer, picture(size), TARGET)
    assert context.activation.min() == 0
    above = int(context.logits.argmax())
    mine = ours_forward("ablation-cam", target_of(context, above))
    theirs = normalised(theirs_forward(gc.AblationCAM, context, above))
    np.testing.assert_allclose(theirs, mine, atol=1e-4)

    shown = 0
    for below in context.logits[0].argsort()[:8].tolist():
        assert context.logits[0, below] < 0
        compute = METHODS["ablation-cam"].compute_forward
        assert compute is not None
        raw = compute(target_of(context, below))[0, 0].numpy()
        theirs = -theirs_forward(gc.AblationCAM, context, below)
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(np.maximum(theirs, 0) / scale, raw / scale, atol=1e-4)
        shown += raw.max() > 0.01 * scale
    assert shown


def target_of(context: ForwardContext, target: int) -> ForwardContext:
    return context_of(context.model, context.layer, context.inputs, target)


@pytest.mark.slow
def test_ablation_cam_of_a_layer_with_negative_values() -> None:
    """They take away ten million where we, and the paper, set to zero."""
    model = network("mobilenet_v2")
    context = context_of(model, "features.1", picture(32), TARGET)
    assert context.activation.min() < 0
    target = int(context.logits.argmax())
    mine = ours_forward("ablation-cam", target_of(context, target))
    weights = []
    for channel in range(context.activation.shape[1]):
        with torch.no_grad():
            changed = context.activation.clone()
            changed[:, channel] = 0
            rest = model.get_submodule("features")[2:](changed)  # type: ignore[index]
            logits = model.get_submodule("classifier")(rest.mean(dim=(2, 3)))
        weights.append(float(context.logits[0, target] - logits[0, target]))
    expected = np.tensordot(np.array(weights), context.activation[0].double().numpy(), axes=1)
    np.testing.assert_allclose(mine, normalised(expected), atol=1e-3)
    theirs = theirs_forward(gc.AblationCAM, context, target)
    assert np.abs(theirs / np.abs(theirs).max() - mine).max() > 0.1


# -- guided backpropagation ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_guided_backpropagation(name: str) -> None:
    model = network(name)
    with quiet_mode(model):
        mine = guided_gradient(model, picture(96), lambda logits: logits[:, TARGET].sum())
    # It leaves the network with other modules than it had.
    replaced = GuidedBackpropReLUModel(copy.deepcopy(network(name)))
    theirs = replaced(picture(96), TARGET).transpose(2, 0, 1)
    np.testing.assert_allclose(
        theirs / np.abs(theirs).max(), mine[0].numpy() / np.abs(mine.numpy()).max(), atol=1e-4
    )
