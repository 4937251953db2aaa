"""Methods of activation and gradient by hand and at their edges, the registry, maps combined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nets
import numpy as np
import pytest
import torch
from torch import nn

from reportgen.capture import Capture, quiet_mode
from reportgen.errors import OptionError
from reportgen.methods import METHODS, Kind, Method, Scope, choose_methods, cost
from reportgen.methods.degrid import checkerboard_energy, degrid_gradient
from reportgen.methods.eigen_cam import eigen_cam, eigen_grad_cam, first_component
from reportgen.methods.fusion import fuse
from reportgen.methods.grad_cam import grad_cam
from reportgen.methods.grad_cam_plus_plus import grad_cam_plus_plus
from reportgen.methods.gradient_x_activation import gradient_x_activation
from reportgen.methods.hires_cam import hires_cam
from reportgen.methods.layer_cam import layer_cam
from reportgen.methods.smoothing import smooth
from reportgen.methods.xgrad_cam import xgrad_cam

if TYPE_CHECKING:
    from numpy.typing import NDArray

BY_GRADIENT = [method for method in METHODS.values() if method.kind is Kind.GRADIENT]
NAMES = [method.name for method in BY_GRADIENT]
by_gradient = pytest.mark.parametrize("method", BY_GRADIENT, ids=NAMES)


@pytest.fixture
def activation() -> torch.Tensor:
    return torch.tensor([[[[1.0, -2.0], [3.0, 0.5]], [[0.0, 4.0], [-1.0, 2.0]]]])


@pytest.fixture
def gradient() -> torch.Tensor:
    return torch.tensor([[[[1.0, 1.0], [-4.0, 4.0]], [[-1.0, 2.0], [-3.0, 0.0]]]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The mean gradients are 0.5 and -0.5.
        ("grad-cam", [[0.5, 0], [2, 0]]),
        # Negative gradients count for nothing, place by place; negative sums are cut at zero.
        ("layer-cam", [[1, 6], [0, 2]]),
        # The products sum to 1, 6, -9 and 2.
        ("hires-cam", [[1, 6], [0, 2]]),
        ("gradient-x-activation", [[1, 6], [9, 2]]),
        # Cut before the sum: 12 against the class cannot cancel 3 for it.
        ("grad-cam-elementwise", [[1, 8], [3, 2]]),
        # Weights -11 / 2.5 and 11 / 5.
        ("xgrad-cam", [[0, 17.6], [0, 2.2]]),
        # Weights 1 / 4.5 + 1 / 4.5 + 4 / 12 and 2 / 12.
        ("grad-cam++", [[7 / 9, 0], [13 / 6, 13 / 18]]),
    ],
)
def test_by_hand(
    activation: torch.Tensor, gradient: torch.Tensor, name: str, expected: list[list[float]]
) -> None:
    found = METHODS[name].compute(activation, gradient)[0]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


def test_eigen_cam_of_channels_that_are_multiples_of_one_map() -> None:
    pattern = torch.tensor([[1.0, 0.0], [2.0, 0.5]])
    activation = torch.stack([3 * pattern, 4 * pattern])[None]
    torch.testing.assert_close(eigen_cam(activation, activation)[0], 5 * pattern)
    # The sign is that of the evidence: all of it against the class is none for it.
    for_it, against = torch.full_like(activation, 2.0), torch.full_like(activation, -2.0)
    torch.testing.assert_close(eigen_grad_cam(activation, for_it)[0], 10 * pattern)
    assert not eigen_grad_cam(activation, against).any()


def test_eigen_cam_of_positive_activations_is_positive_everywhere() -> None:
    """The first right singular vector has one sign then; only its choice can go wrong."""
    torch.manual_seed(4)
    activation = torch.rand(40, 6, 5, 5)
    assert (eigen_cam(activation, activation) > 0).all()


def test_eigen_cam_goes_with_the_positive_activations() -> None:
    torch.manual_seed(5)
    values = torch.randn(40, 6, 5, 5)
    towards = values.relu().sum(dim=1)
    found = first_component(values, towards)
    assert ((found * towards).sum(dim=(1, 2)) > 0).all()
    assert (found < 0).any()
    torch.testing.assert_close(first_component(values, -towards), -found)
    torch.testing.assert_close(eigen_cam(values, values), found.relu())


@by_gradient
def test_each_picture_of_a_batch_has_weights_of_its_own(method: Method) -> None:
    torch.manual_seed(2)
    a, g = torch.randn(4, 3, 5, 7), torch.randn(4, 3, 5, 7)
    alone = torch.cat([method.compute(a[i : i + 1], g[i : i + 1]) for i in range(4)])
    found = method.compute(a, g)
    assert found.shape == (4, 5, 7)
    assert (found >= 0).all()
    assert found.max() > 0
    torch.testing.assert_close(found, alone)


@by_gradient
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_the_dtype_stays(method: Method, dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    a, g = torch.rand(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    found = method.compute(a.to(dtype), g.to(dtype))
    assert found.dtype == dtype
    atol = 0.1 if dtype.itemsize == 2 else 1e-5
    torch.testing.assert_close(found.float(), method.compute(a, g), rtol=0.1, atol=atol)


@by_gradient
def test_nothing_to_show_is_zero_and_not_nan(method: Method) -> None:
    torch.manual_seed(6)
    a = torch.rand(1, 3, 4, 4)
    a[:, 1] = 0
    for gradient in (torch.zeros_like(a), torch.randn_like(a)):
        assert method.compute(a, gradient).isfinite().all()
        assert not method.compute(torch.zeros_like(a), gradient).any()


@by_gradient
def test_what_is_not_finite_stays_so_in_its_own_picture_alone(method: Method) -> None:
    torch.manual_seed(7)
    a, g = torch.rand(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    clean = method.compute(a, g)
    a[1, 0, 2, 2] = torch.nan
    found = method.compute(a, g)
    assert not found[1].isfinite().all()
    torch.testing.assert_close(found[[0, 2]], clean[[0, 2]])


def test_grad_cam_plus_plus_of_gradients_whose_squares_vanish() -> None:
    torch.manual_seed(8)
    a, g = torch.rand(1, 3, 4, 4), 1e-25 * torch.randn(1, 3, 4, 4)
    # With gradients this small every coefficient is 1/2.
    weights = g.double().relu().sum(dim=(2, 3), keepdim=True) / 2
    expected = (weights * a.double()).sum(dim=1).float()
    torch.testing.assert_close(grad_cam_plus_plus(a, g) * 1e25, expected * 1e25)


def test_grad_cam_plus_plus_at_a_pole() -> None:
    activation = torch.tensor([[[[-1.0, 0.0]], [[1.0, 1.0]]]])
    gradient = torch.tensor([[[[2.0, 0.0]], [[1.0, 1.0]]]])
    assert grad_cam_plus_plus(activation, gradient).tolist() == [[[0.5, 0.5]]]


def test_which_methods_are_equal_and_when() -> None:
    torch.manual_seed(9)
    a, g = torch.randn(2, 4, 5, 5), torch.randn(2, 4, 5, 5)
    positive = a.relu()
    layer_cam, elementwise = METHODS["layer-cam"].compute, METHODS["grad-cam-elementwise"].compute
    torch.testing.assert_close(layer_cam(positive, g), elementwise(positive, g))
    assert (layer_cam(a, g) - elementwise(a, g)).abs().max() > 0.1

    both = gradient_x_activation(a, g)
    torch.testing.assert_close(both, hires_cam(a, g) + hires_cam(a, -g))
    assert (both - hires_cam(a, g)).max() > 0.1

    flat = g.mean(dim=(2, 3), keepdim=True).expand_as(g)
    torch.testing.assert_close(hires_cam(a, flat), grad_cam(a, flat))
    torch.testing.assert_close(xgrad_cam(positive, flat), grad_cam(positive, flat))


def test_methods_against_loops_in_float64() -> None:
    generator = np.random.default_rng(1)
    a = generator.normal(size=(3, 5, 4, 6))
    g = generator.normal(size=(3, 5, 4, 6))
    for method in BY_GRADIENT:
        if method.name in LOOPS:
            found = method.compute(torch.from_numpy(a), torch.from_numpy(g)).numpy()
            for n in range(3):
                expected = by_loops(method.name, a[n], g[n])
                np.testing.assert_allclose(found[n], expected, rtol=1e-9, atol=1e-12)


LOOPS = ("grad-cam", "layer-cam", "hires-cam", "grad-cam-elementwise")


def by_loops(name: str, a: NDArray[np.float64], g: NDArray[np.float64]) -> NDArray[np.float64]:
    channels, height, width = a.shape
    found = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            terms = {
                "grad-cam": [g[k].mean() * a[k, i, j] for k in range(channels)],
                "layer-cam": [max(g[k, i, j], 0) * a[k, i, j] for k in range(channels)],
                "hires-cam": [g[k, i, j] * a[k, i, j] for k in range(channels)],
                "grad-cam-elementwise": [max(g[k, i, j] * a[k, i, j], 0) for k in range(channels)],
            }
            found[i, j] = max(sum(terms[name]), 0)
    return found


def test_every_method_is_documented() -> None:
    for name, method in METHODS.items():
        assert method.name == name
        assert method.formula
        assert method.citation[-1] != "."
        documentation = (method.compute_forward or method.compute).__doc__ or ""
        for part in ("Parameters", "Returns", "References", "equation", ".. math::", "(N, "):
            assert part in documentation, (name, part)


def test_methods_without_gradients_say_so() -> None:
    forward = [method for method in METHODS.values() if method.kind is Kind.FORWARD]
    assert [method.name for method in forward] == ["score-cam", "ablation-cam"]
    for method in forward:
        with pytest.raises(TypeError, match="compute_forward"):
            method.compute(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
        assert cost(method, 512) == 512
    assert {cost(method, 512) for method in BY_GRADIENT} == {0}


def test_choose_methods_keeps_the_registry_order() -> None:
    chosen = choose_methods(["layer-cam", " GRAD-CAM ", "layer-cam"])
    assert [method.name for method in chosen] == ["grad-cam", "layer-cam"]
    assert [method.scope for method in chosen] == [Scope.LAST, Scope.STAGES]
    assert {method.scope for method in METHODS.values() if method.name != "layer-cam"} == {
        Scope.LAST
    }


def test_choose_methods_suggests_a_name() -> None:
    with pytest.raises(OptionError, match="Did you mean 'grad-cam'"):
        choose_methods(["gradcam"])
    with pytest.raises(OptionError, match="name at least one"):
        choose_methods([" "])


# -- fusion ----------------------------------------------------------------------------------


def test_fusion_takes_the_largest_of_the_normalised_maps() -> None:
    deep = np.array([[4.0, 0.0]], np.float32)
    shallow = np.array([[0.0, 10.0, 50.0, 100.0]], np.float32)
    fused = fuse([shallow, deep], (4, 1))
    np.testing.assert_allclose(fused, [[1.0, 0.75, 0.5, 1.0]], rtol=1e-6)
    assert fused.dtype == np.float32
    raised = fuse([shallow, deep], (4, 1), gamma=2.0)
    np.testing.assert_allclose(raised, [[1.0, 0.75, np.tanh(1.0), np.tanh(2.0)]], rtol=1e-6)


def test_fusion_of_maps_without_evidence_and_of_broken_ones() -> None:
    nothing = np.zeros((2, 2), np.float32)
    one = np.array([[0.0, 3.0]], np.float32)
    assert not fuse([nothing, nothing], (6, 4)).any()
    np.testing.assert_array_equal(fuse([nothing, one], (6, 4)), fuse([one], (6, 4)))
    assert fuse([one], (6, 4)).shape == (4, 6)
    assert np.isnan(fuse([np.full((2, 2), np.nan, np.float32), one], (6, 4))).any()
    with pytest.raises(ValueError, match="no map"):
        fuse([], (4, 4))


# -- the grid of a pooling -------------------------------------------------------------------


class Pooled(nn.Module):
    """A convolution in front of a max-pooling, as the shallow layers of VGG are."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(31)
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv2(self.pool(self.conv1(x).relu())).relu()
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def smooth_picture() -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij")
    spot = torch.exp(-4 * (x**2 + y**2))
    return torch.stack([spot, x, y])[None]


def test_a_gradient_from_behind_the_pooling_leaves_no_grid() -> None:
    model = Pooled()
    with quiet_mode(model), Capture(model, ["conv1", "pool"]) as capture:
        gradients = capture.gradients(model(smooth_picture())[:, 0].sum(), keep_graph=False)
        activation = capture.activations["conv1"].detach()
    own, following = gradients["conv1"], gradients["pool"]
    without = degrid_gradient(following, (32, 32))
    assert without.shape == own.shape
    torch.testing.assert_close(without.sum(), following.sum(), rtol=1e-3, atol=1e-6)
    grid, smoother = (
        checkerboard_energy(layer_cam(activation, gradient)[0].numpy())
        for gradient in (own, without)
    )
    assert grid > 0.2
    assert smoother < grid / 10


def test_checkerboard_energy_of_known_maps() -> None:
    rows, columns = np.indices((16, 16))
    assert checkerboard_energy((-1.0) ** (rows + columns)) == pytest.approx(1)
    assert checkerboard_energy((-1.0) ** columns) == pytest.approx(1)
    assert checkerboard_energy(np.cos(2 * np.pi * rows / 16)) == pytest.approx(0)
    half = np.cos(2 * np.pi * rows / 16) + (-1.0) ** rows / np.sqrt(2)
    assert checkerboard_energy(half) == pytest.approx(0.5)
    assert checkerboard_energy(np.full((4, 4), 3.0)) == 0
    # A stride of 4 has a grid with a period of 4, which is no grid of a stride of 2.
    period = np.cos(2 * np.pi * rows / 4)
    assert checkerboard_energy(period, 4) == pytest.approx(1)
    assert checkerboard_energy(period) == pytest.approx(0)


# -- smoothing -------------------------------------------------------------------------------


def test_smoothing_lays_every_map_back() -> None:
    inputs = torch.rand(2, 3, 16, 16)
    # What the red channel is at each place: a flipped one that were not flipped back would show.
    found = smooth(lambda x: x[:, 0], inputs, factors=(0.5, 1.5))
    torch.testing.assert_close(found, inputs[:, 0])
    once = smooth(lambda x: x[:, 0], inputs, flip=False, factors=(3.0,))
    torch.testing.assert_close(once, 3 * inputs[:, 0])


def test_smoothing_sees_every_change_once() -> None:
    seen: list[torch.Tensor] = []

    def explain(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return x.sum(dim=1)

    inputs = torch.rand(2, 3, 16, 16)
    smooth(explain, inputs)
    expected = [
        x * factor for factor in (0.9, 1.0, 1.1) for x in (inputs, torch.flip(inputs, dims=[3]))
    ]
    assert len(seen) == 6
    for one, other in zip(seen, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_smoothing_of_grad_cam_makes_mirrored_pictures_mirrored_maps() -> None:
    model = nets.ConvNet(inplace=True)

    def explain(x: torch.Tensor) -> torch.Tensor:
        with quiet_mode(model), Capture(model, ["norm"]) as capture:
            gradients = capture.gradients(model(x)[:, 0].sum(), keep_graph=False)
            return grad_cam(capture.activations["norm"].detach(), gradients["norm"])

    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(smooth(explain, x.flip(-1)), smooth(explain, x).flip(-1))
    assert (explain(x.flip(-1)) - explain(x).flip(-1)).abs().max() > 1e-4
