"""Every method against closed forms and an independent float64 computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reportgen.errors import OptionError
from reportgen.methods import METHODS, Scope, choose_methods
from reportgen.methods.grad_cam import grad_cam
from reportgen.methods.layer_cam import layer_cam


@pytest.fixture
def activation() -> torch.Tensor:
    return torch.tensor([[[[1.0, -2.0], [3.0, 0.5]], [[0.0, 4.0], [-1.0, 2.0]]]])


@pytest.fixture
def gradient() -> torch.Tensor:
    return torch.tensor([[[[1.0, 1.0], [-4.0, 4.0]], [[-1.0, 2.0], [-3.0, 0.0]]]])


def test_grad_cam_by_hand(activation: torch.Tensor, gradient: torch.Tensor) -> None:
    # The mean gradients are 0.5 and -0.5.
    expected = [[0.5, 0.0], [2.0, 0.0]]
    assert grad_cam(activation, gradient)[0].tolist() == expected


def test_layer_cam_by_hand(activation: torch.Tensor, gradient: torch.Tensor) -> None:
    # Negative gradients count for nothing, place by place; negative sums are cut at zero.
    expected = [[1.0, 6.0], [0.0, 2.0]]
    assert layer_cam(activation, gradient)[0].tolist() == expected


def test_methods_against_loops_in_float64() -> None:
    generator = np.random.default_rng(1)
    a = generator.normal(size=(3, 5, 4, 6))
    g = generator.normal(size=(3, 5, 4, 6))
    expected = {name: np.zeros((3, 4, 6)) for name in METHODS}
    for n in range(3):
        for i in range(4):
            for j in range(6):
                by_grad_cam = sum(g[n, k].mean() * a[n, k, i, j] for k in range(5))
                by_layer_cam = sum(max(g[n, k, i, j], 0) * a[n, k, i, j] for k in range(5))
                expected["grad-cam"][n, i, j] = max(by_grad_cam, 0)
                expected["layer-cam"][n, i, j] = max(by_layer_cam, 0)
    for name, method in METHODS.items():
        found = method.compute(torch.from_numpy(a), torch.from_numpy(g)).numpy()
        np.testing.assert_allclose(found, expected[name], rtol=1e-12, atol=1e-15)


def test_each_picture_of_a_batch_has_weights_of_its_own() -> None:
    torch.manual_seed(2)
    a, g = torch.randn(4, 3, 5, 5), torch.randn(4, 3, 5, 5)
    for method in METHODS.values():
        alone = torch.cat([method.compute(a[i : i + 1], g[i : i + 1]) for i in range(4)])
        torch.testing.assert_close(method.compute(a, g), alone)


def test_every_method_is_documented() -> None:
    for name, method in METHODS.items():
        assert method.name == name
        assert method.formula
        assert "eq." in method.citation
        documentation = method.compute.__doc__ or ""
        assert "Returns" in documentation
        assert "equation" in documentation


def test_choose_methods_keeps_the_registry_order() -> None:
    chosen = choose_methods(["layer-cam", " GRAD-CAM ", "layer-cam"])
    assert [method.name for method in chosen] == ["grad-cam", "layer-cam"]
    assert [method.scope for method in chosen] == [Scope.LAST, Scope.STAGES]


def test_choose_methods_suggests_a_name() -> None:
    with pytest.raises(OptionError, match="Did you mean 'grad-cam'"):
        choose_methods(["gradcam"])
    with pytest.raises(OptionError, match="name at least one"):
        choose_methods([" "])
