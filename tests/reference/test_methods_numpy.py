"""Every method on a small network against NumPy in float64, gradients by finite differences.

Nothing of torch is on the other side: convolution, upsampling and derivative are written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import nn

from reportgen.capture import Capture, quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS, ForwardContext, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.float64]

CLASSES = 4
TARGET, GROUP = 1, [0, 2]
LAYERS = {"features.0": (4, 8, 10), "features.1": (4, 8, 10), "features.2": (5, 4, 5)}
"""Layer → channels, height, width. The first is overwritten by a ReLU that works in place."""


def network() -> nn.Sequential:
    """Return a network whose head knows places, so that gradients differ from place to place."""
    torch.manual_seed(14)
    features = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 5, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
    )
    model = nn.Sequential()
    model.add_module("features", features)
    model.add_module("flatten", nn.Flatten())
    model.add_module("head", nn.Linear(5 * 4 * 5, CLASSES))
    return model.double()


def pictures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(13)
    return torch.rand((2, 3, 8, 10), generator=generator, dtype=torch.float64)


# -- the network in NumPy --------------------------------------------------------------------


def weights() -> dict[str, Array]:
    return {name: value.numpy() for name, value in network().state_dict().items()}


def convolve(x: Array, name: str, stride: int) -> Array:
    """Return a 3×3 convolution, padded by one."""
    windows = sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    weight, bias = weights()[f"{name}.weight"], weights()[f"{name}.bias"]
    found: Array = np.einsum("nchwij,kcij->nkhw", windows, weight) + bias[None, :, None, None]
    return found


def up_to(x: Array, layer: str) -> Array:
    x = convolve(x, "features.0", 1)
    if layer == "features.0":
        return x
    x = np.maximum(x, 0)
    return x if layer == "features.1" else convolve(x, "features.2", 2)


def after(a: Array, layer: str) -> Array:
    """Return the logits ``(N, classes)`` of activations at the layer."""
    if layer == "features.0":
        a = np.maximum(a, 0)
    if layer != "features.2":
        a = convolve(a, "features.2", 2)
    flat = np.maximum(a, 0).reshape(len(a), -1)
    logits: Array = flat @ weights()["head.weight"].T + weights()["head.bias"]
    return logits


def scores(logits: Array) -> Array:
    """Return the two targets' scores ``(N, 2)``: a class and a group."""
    return np.stack([logits[:, TARGET], np.log(np.exp(logits[:, GROUP]).sum(axis=1))], axis=1)


def derivative(a: Array, layer: str, slot: int) -> Array:
    """Return d score / d activation of one picture by central differences."""
    step = 1e-5
    moves = step * np.eye(a.size).reshape(a.size, *a.shape)
    more, less = (scores(after(a + sign * moves, layer))[:, slot] for sign in (1, -1))
    slope: Array = ((more - less) / (2 * step)).reshape(a.shape)
    return slope


# -- the methods in NumPy --------------------------------------------------------------------


def relu(values: Array) -> Array:
    return np.maximum(values, 0)


def combined(channel_weights: Array, a: Array) -> Array:
    return relu(np.tensordot(channel_weights, a, axes=1))


def plus_plus(a: Array, g: Array) -> Array:
    found = np.zeros(len(a))
    for k in range(len(a)):
        for gradient in g[k].ravel():
            if gradient > 0:
                below = 2 * gradient**2 + gradient**3 * a[k].sum()
                found[k] += gradient * gradient**2 / below
    return combined(found, a)


def first_component(values: Array, towards: Array) -> Array:
    """Return the projection on the eigenvector of the channels' second moments."""
    matrix = values.reshape(len(values), -1)
    vector = np.linalg.eigh(matrix @ matrix.T)[1][:, -1]
    projected = np.tensordot(vector, values, axes=1)
    along = np.sign((projected * towards).sum())
    return relu(along * projected)


BY_GRADIENT: dict[str, Callable[[Array, Array], Array]] = {
    "grad-cam": lambda a, g: combined(g.mean(axis=(1, 2)), a),
    "layer-cam": lambda a, g: relu((relu(g) * a).sum(axis=0)),
    "grad-cam++": plus_plus,
    "xgrad-cam": lambda a, g: combined(
        np.array(
            [
                (one * two).sum() / one.sum() if one.any() else 0
                for one, two in zip(a, g, strict=True)
            ]
        ),
        a,
    ),
    "hires-cam": lambda a, g: relu((g * a).sum(axis=0)),
    "grad-cam-elementwise": lambda a, g: relu(g * a).sum(axis=0),
    "gradient-x-activation": lambda a, g: np.abs((g * a).sum(axis=0)),
    "eigen-cam": lambda a, _: first_component(a, relu(a).sum(axis=0)),
    "eigen-grad-cam": lambda a, g: first_component(g * a, (g * a).sum(axis=0)),
}


def stretched(values: Array, length: int) -> Array:
    """Resize the first axis linearly, samples at the middle of their cells, ends held."""
    old = len(values)
    places = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
    lower = np.minimum(places.astype(int), old - 1)
    upper = np.minimum(lower + 1, old - 1)
    share = (places - lower)[:, None]
    found: Array = (1 - share) * values[lower] + share * values[upper]
    return found


def by_score_cam(a: Array, x: Array, slot: int) -> Array:
    found = np.full(len(a), -np.inf)
    for k in range(len(a)):
        if a[k].max() > a[k].min():
            up = stretched(stretched(a[k], x.shape[1]).T, x.shape[2]).T
            mask = (up - up.min()) / (up.max() - up.min())
            masked = after(up_to((x * mask)[None], "features.0"), "features.0")
            found[k] = scores(masked)[0, slot]
    powers = np.exp(found - found.max())
    return combined(powers / powers.sum(), a)


def by_ablation_cam(a: Array, layer: str, slot: int) -> Array:
    before = scores(after(a[None], layer))[0, slot]
    found = np.zeros(len(a))
    for k in range(len(a)):
        without = a.copy()
        without[k] = 0
        found[k] = (before - scores(after(without[None], layer))[0, slot]) / abs(before)
    return combined(found, a)


# -- both sides ------------------------------------------------------------------------------


def torch_scores(logits: torch.Tensor, _rows: torch.Tensor | None = None) -> torch.Tensor:
    return torch.stack([logits[:, TARGET], logits[:, GROUP].logsumexp(dim=1)], dim=1)


def found_by_gradient(name: str, layer: str, slot: int) -> Array:
    model = network()
    with quiet_mode(model), Capture(model, [layer]) as capture:
        score = torch_scores(model(pictures()))[:, slot].sum()
        gradients = capture.gradients(score, keep_graph=False)
        activation = capture.activations[layer].detach()
        raw: Array = METHODS[name].compute(activation, gradients[layer]).numpy()
    return raw


@pytest.mark.parametrize("slot", [0, 1], ids=["class", "group"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", BY_GRADIENT)
def test_methods_with_gradients(name: str, layer: str, slot: int) -> None:
    found = found_by_gradient(name, layer, slot)
    activations = up_to(pictures().numpy(), layer)
    for picture, a in enumerate(activations):
        expected = BY_GRADIENT[name](a, derivative(a, layer, slot))
        assert expected.max() > 0
        np.testing.assert_allclose(found[picture], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["score-cam", "ablation-cam"])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_methods_without_gradients(name: str, layer: str, batch_size: int) -> None:
    model, x = network(), pictures()
    activations = up_to(x.numpy(), layer)
    with quiet_mode(model), torch.no_grad():
        context = ForwardContext(
            model=model,
            inputs=x,
            layer=layer,
            layout=Layout("channels_first", *LAYERS[layer]),
            activation=torch.from_numpy(activations),
            logits=model(x),
            score=torch_scores,
            batch_size=batch_size,
        )
        compute = METHODS[name].compute_forward
        assert compute is not None
        found = compute(context).numpy()
    for picture, a in enumerate(activations):
        for slot in range(2):
            expected = (
                by_score_cam(a, x[picture].numpy(), slot)
                if name == "score-cam"
                else by_ablation_cam(a, layer, slot)
            )
            assert expected.max() > 0
            np.testing.assert_allclose(found[picture, slot], expected, rtol=1e-9, atol=1e-12)


def test_no_method_is_left_out() -> None:
    forward = {name for name, method in METHODS.items() if method.kind is Kind.FORWARD}
    assert METHODS.keys() == BY_GRADIENT.keys() | forward
    assert forward == {"score-cam", "ablation-cam"}
