"""The traps of hooks: in-place layers, order, structures, frozen networks, traces left behind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from nets import ConvNet, Linear2, Structured, Twice
from torch import nn

from reportgen.capture import Capture, logits_of, quiet_mode


def picture(batch: int = 2, side: int = 8) -> torch.Tensor:
    return torch.rand((batch, 3, side, side), generator=torch.Generator().manual_seed(9))


def both(
    model: nn.Module, layers: list[str], target: int = 0
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return activations and gradients by layer name."""
    with quiet_mode(model), Capture(model, layers) as capture:
        score = logits_of(model(picture()))[:, target].sum()
        gradients = capture.gradients(score, keep_graph=False)
        return {name: value.detach() for name, value in capture.activations.items()}, gradients


def test_gradient_in_closed_form() -> None:
    activations, gradients = both(Linear2([[1.0, 0.0], [3.0, -1.0]]), ["conv"], target=1)
    red = picture()[:, 0]
    torch.testing.assert_close(activations["conv"], torch.stack([red, 2 * red], dim=1))
    expected = torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(2, 2, 8, 8) / 64
    torch.testing.assert_close(gradients["conv"], expected)


def test_gradient_by_finite_differences() -> None:
    model = ConvNet(inplace=True).double()
    image = picture(batch=1).double()
    with quiet_mode(model), Capture(model, ["conv2"]) as capture:
        gradients = capture.gradients(model(image)[0, 1], keep_graph=False)
        activation = capture.activations["conv2"].detach()
    step = 1e-6
    place = (0, 2, 1, 3)

    def logit(change: float) -> float:
        moved = activation.clone()
        moved[place] += change
        handle = model.conv2.register_forward_hook(lambda *_: moved.clone())
        with quiet_mode(model), torch.no_grad():
            value = float(model(image)[0, 1])
        handle.remove()
        return value

    by_difference = (logit(step) - logit(-step)) / (2 * step)
    assert gradients["conv2"][place].item() == pytest.approx(by_difference, abs=1e-7)


def test_in_place_relu_does_not_overwrite_the_convolution() -> None:
    inside, gradients_inside = both(ConvNet(inplace=True), ["conv1", "norm"])
    outside, gradients_outside = both(ConvNet(inplace=False), ["conv1", "norm"])
    assert (inside["conv1"] < 0).any(), "the ReLU that follows has been seen by the hook"
    for name, activation in outside.items():
        torch.testing.assert_close(inside[name], activation)
        torch.testing.assert_close(gradients_inside[name], gradients_outside[name])


def test_capturing_changes_no_logit() -> None:
    model = ConvNet(inplace=True)
    names = [name for name, _ in model.named_modules() if name]
    with quiet_mode(model):
        plain = model(picture())
        with Capture(model, names):
            captured = model(picture())
    assert torch.equal(plain, captured)


def test_order_of_names_does_not_matter() -> None:
    forwards = both(ConvNet(inplace=True), ["conv1", "conv2"])
    backwards = both(ConvNet(inplace=True), ["conv2", "conv1"])
    for name in ("conv1", "conv2"):
        assert torch.equal(forwards[0][name], backwards[0][name])
        assert torch.equal(forwards[1][name], backwards[1][name])


def test_a_module_called_twice_is_captured_at_its_last_call() -> None:
    model = Twice()
    activations, gradients = both(model, ["shared"])
    with torch.no_grad():
        expected = model.shared(model.shared(picture()).relu())
    torch.testing.assert_close(activations["shared"], expected)
    weight = model.head.weight[0].detach().view(1, 3, 1, 1) / 64
    torch.testing.assert_close(gradients["shared"], weight.expand(2, 3, 8, 8))


def test_a_named_tuple_keeps_its_type_and_its_other_fields() -> None:
    activations, gradients = both(Structured(), ["block"])
    assert activations["block"].shape == gradients["block"].shape == (2, 4, 8, 8)


@pytest.mark.parametrize("structure", [tuple, list, dict])
def test_structured_layer_outputs(structure: type) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x: torch.Tensor) -> Any:  # noqa: ANN401 - the structure under test
            counted = torch.tensor([1])
            if structure is dict:
                return {"count": counted, "values": self.conv(x)}
            return structure([counted, self.conv(x)])

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrapped = Wrapped()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            given = self.wrapped(x)
            kind = type(given)
            assert kind is structure
            values: torch.Tensor = given["values" if structure is dict else 1]
            return values.mean(dim=(2, 3))

    activations, gradients = both(Net(), ["wrapped"])
    assert activations["wrapped"].shape == (2, 2, 8, 8)
    torch.testing.assert_close(gradients["wrapped"][:, 0], torch.full((2, 8, 8), 1 / 64))


def test_a_layer_without_influence_has_a_zero_gradient() -> None:
    model = ConvNet(inplace=True)
    model.register_module("idle", nn.Conv2d(3, 1, 1))
    forward = model.forward
    model.forward = lambda x: (model.get_submodule("idle")(x), forward(x))[1]  # type: ignore[method-assign]
    _, gradients = both(model, ["idle"])
    assert not gradients["idle"].any()


def test_frozen_network_and_no_parameter_gradients() -> None:
    model = ConvNet(inplace=True).requires_grad_(requires_grad=False)
    _, gradients = both(model, ["conv2"])
    assert gradients["conv2"].any()
    thawed = ConvNet(inplace=True)
    both(thawed, ["conv2"])
    assert all(parameter.grad is None for parameter in thawed.parameters())
    assert all(parameter.requires_grad for parameter in thawed.parameters())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_modes_come_back_as_they_were() -> None:
    model = ConvNet(inplace=True).train()
    model.norm.eval()
    running = model.norm.running_mean.clone()  # type: ignore[union-attr]
    both(model, ["conv1"])
    assert model.training
    assert model.conv1.training
    assert not model.norm.training
    assert torch.equal(running, model.norm.running_mean)  # type: ignore[arg-type]


def test_hooks_are_gone_even_after_an_error() -> None:
    model = ConvNet(inplace=True).train()
    with pytest.raises(RuntimeError), quiet_mode(model), Capture(model, ["conv1"]):
        model(torch.zeros(1, 99, 4, 4))
    assert not model.conv1._forward_hooks
    assert model.training


def test_several_backwards_share_one_forward() -> None:
    model = ConvNet(inplace=True)
    calls = []
    model.conv1.register_forward_hook(lambda *_: calls.append(1))
    with quiet_mode(model), Capture(model, ["conv2"]) as capture:
        logits = model(picture())
        first = capture.gradients(logits[:, 0].sum(), keep_graph=True)["conv2"]
        second = capture.gradients(logits[:, 1].sum(), keep_graph=False)["conv2"]
    assert calls == [1]
    torch.testing.assert_close(second, both(model, ["conv2"], target=1)[1]["conv2"])
    assert not torch.equal(first, second)


def test_logits_of_every_usual_output() -> None:
    class Output:
        logits = torch.zeros(2, 3)

    for output in (
        torch.zeros(2, 3),
        (torch.zeros(2, 3), torch.ones(2, 3)),
        [torch.zeros(2, 3)],
        {"logits": torch.zeros(2, 3), "other": torch.ones(1)},
        {"first": torch.zeros(2, 3)},
        Output(),
    ):
        assert torch.equal(logits_of(output), torch.zeros(2, 3))
    with pytest.raises(TypeError, match=r"not \(2, 3, 4, 4\)"):
        logits_of(torch.zeros(2, 3, 4, 4))
    with pytest.raises(TypeError, match="not str"):
        logits_of("nothing")
