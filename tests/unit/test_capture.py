"""The traps of hooks: in-place layers, order, structures, frozen networks, traces left behind."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from nets import ConvNet, Linear2, Structured, Twice
from torch import nn
from torchvision.models import GoogLeNetOutputs, InceptionOutputs

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


def test_the_pass_back_ends_at_the_shallowest_layer() -> None:
    model = ConvNet(inplace=False)
    seen: dict[str, bool] = {}
    for name in ("conv1", "norm"):
        module = model.get_submodule(name)
        module.register_forward_hook(
            lambda _m, _i, given, name=name: seen.update({name: given.requires_grad})
        )
    with quiet_mode(model), Capture(model, ("conv2",)) as capture:
        logits = model(torch.rand((1, 3, 8, 8)))
        assert capture.activations["conv2"].is_leaf
        capture.gradients(logits.sum(), keep_graph=False)
    assert seen == {"conv1": False, "norm": True}


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


def test_the_tensor_with_the_pictures_batch_size_is_taken() -> None:
    """Others hold windows or patches in its place, or are only passed on."""

    class Several(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, ...]:
            windows = x.reshape(-1, 3, 4, 4)
            return windows, x.mean(dim=(2, 3)), scale, self.conv(x) * scale

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.several = Several()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scale = torch.ones(x.shape[0], 1, 8, 8)
            values: torch.Tensor = self.several(x, scale=scale)[3]
            return values.mean(dim=(2, 3))

    activations, gradients = both(Net(), ["several"])
    assert activations["several"].shape == (2, 4, 8, 8)
    assert gradients["several"][:, 0].any()


def test_a_layer_that_returns_its_input_has_a_gradient_of_its_own() -> None:
    """Past it, that is: not also past the other layers that use the same input."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)
            self.rest = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            mixed: torch.Tensor = 10 * x + self.rest(x)
            return mixed.mean(dim=(2, 3))

    _, gradients = both(Residual(), ["conv", "rest"])
    torch.testing.assert_close(gradients["conv"][:, 0], torch.full((2, 8, 8), 11 / 64))
    torch.testing.assert_close(gradients["rest"][:, 0], torch.full((2, 8, 8), 1 / 64))


def test_an_in_place_layer_whose_result_is_ignored() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            self.relu(x)
            return x.mean(dim=(2, 3))

    activations, gradients = both(Careless(), ["conv", "relu"])
    assert activations["relu"].min() == 0
    torch.testing.assert_close(gradients["relu"][:, 0], torch.full((2, 8, 8), 1 / 64))


class ModelOutput(OrderedDict[str, torch.Tensor]):
    """Fields by key and by attribute, kept in step, as in transformers."""

    def __setitem__(self, key: str, value: torch.Tensor) -> None:
        super().__setitem__(key, value)
        super().__setattr__(key, value)


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    values: torch.Tensor


@pytest.mark.parametrize("kind", ["model output", "dataclass", "nested"])
def test_structured_outputs_keep_their_type(kind: str) -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x: torch.Tensor) -> Any:  # noqa: ANN401 - the structure under test
            values = self.conv(x)
            if kind == "model output":
                return ModelOutput(values=values)
            return Record("kept", values) if kind == "dataclass" else ["kept", ({"v": values},)]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Layer()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            given = self.layer(x)
            values: torch.Tensor
            if kind == "nested":
                assert given[0] == "kept"
                values = given[1][0]["v"]
            else:
                values = given.values
            if kind == "model output":
                assert given["values"] is values
            return values.mean(dim=(2, 3))

    activations, gradients = both(Net(), ["layer"])
    assert activations["layer"].shape == (2, 2, 8, 8)
    torch.testing.assert_close(gradients["layer"][:, 0], torch.full((2, 8, 8), 1 / 64))


LOGITS = torch.arange(6.0).view(2, 3)
FEATURES = torch.ones(2, 3, 4, 4)


class Holder:
    """Neither a dict nor a dataclass."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        LOGITS[:, :, None, None],
        LOGITS[:, :, None],
        (LOGITS, torch.ones(2, 3)),
        [LOGITS],
        (FEATURES, (LOGITS, FEATURES)),
        {"logits": LOGITS, "other": torch.ones(1)},
        {"features": torch.ones(2, 3), "logits": LOGITS},
        {"aux": torch.ones(2, 3), "out": LOGITS},
        {"aux": torch.ones(2, 3), "output": LOGITS},
        {"aux": torch.ones(2, 3), "pred": LOGITS},
        {"ids": torch.ones(2, 3, dtype=torch.long), "maps": FEATURES, "scores": LOGITS},
        {"first": LOGITS},
        {"head": {"logits": LOGITS[:, :, None, None]}},
        ModelOutput(loss=torch.ones(1), logits=LOGITS),
        Holder(logits=LOGITS, attentions=None),
        Holder(logits=None, out=LOGITS),
        Record("kept", LOGITS),
        GoogLeNetOutputs(LOGITS, torch.ones(2, 3), torch.ones(2, 3)),
        InceptionOutputs(LOGITS, torch.ones(2, 3)),
    ],
    ids=lambda output: type(output).__name__,
)
def test_logits_of_every_usual_output(output: object) -> None:
    assert torch.equal(logits_of(output), LOGITS)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (FEATURES, r"not \(2, 3, 4, 4\)"),
        ("nothing", "not str"),
        (None, "not NoneType"),
        ({"maps": FEATURES}, "not dict"),
        (torch.ones(2, 3, dtype=torch.long), r"not \(2, 3\)"),
    ],
)
def test_outputs_without_logits(output: object, found: str) -> None:
    with pytest.raises(TypeError, match=found):
        logits_of(output)
