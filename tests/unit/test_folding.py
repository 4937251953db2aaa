"""Batch normalisation folded into convolutions: the same outputs, or nothing is folded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import timm
import torch
import torchvision
from nets import ConvNet
from torch import Tensor, nn

from reportgen import plan
from reportgen.capture import Capture, quiet_mode
from reportgen.folding import folded
from reportgen.layers import survey
from reportgen.options import BuildOptions, ModelOptions
from reportgen.progress import Silent
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PICTURE = torch.linspace(-1, 2, 3 * 8 * 8).reshape(1, 3, 8, 8)


class Normed(nn.Module):
    """A convolution and a batch normalisation that does something."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = changing(nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 3)

    def features(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x))
        return normed

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).relu().mean(dim=(2, 3)))
        return logits


def changing(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """Give a batch normalisation other numbers than those it begins with."""
    generator = torch.Generator().manual_seed(2)
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        assert tensor is not None
        tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    return norm


class Beside(Normed):
    """What the convolution gave is used past the normalisation too."""

    def features(self, x: Tensor) -> Tensor:
        found = self.conv(x)
        normed: Tensor = self.norm(found) + found
        return normed


class Between(Normed):
    """What the convolution gave is changed in place before the normalisation gets it."""

    def features(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x).relu_())
        return normed


class Again(Normed):
    """The convolution is called twice."""

    def features(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(self.conv(x)[:, :3]))
        return normed


class Shared(Normed):
    """The normalisation is called twice."""

    def features(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.norm(self.conv(x)))
        return normed


class TwoNames(Normed):
    """The convolution has two names, so that under one of them it would stay."""

    def __init__(self) -> None:
        super().__init__()
        self.other = self.conv


class Asking(Normed):
    """The network asks its normalisation for what only that has."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x) * self.norm.weight[0]


class Made(nn.Conv2d):
    """A convolution whose weights are not those that it has."""

    def forward(self, x: Tensor) -> Tensor:
        doubled: Tensor = self._conv_forward(x, self.weight * 2, self.bias)
        return doubled


class OwnConvolution(Normed):
    def __init__(self) -> None:
        super().__init__()
        self.conv = Made(3, 4, 3, padding=1)


class Hooked(Normed):
    """A hook of the user's own changes what the convolution gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_hook(lambda _module, _inputs, output: output * 2)


class OwnStatistics(Normed):
    """The normalisation takes mean and deviation from what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4, track_running_stats=False)


class NoNumbers(Normed):
    def __init__(self) -> None:
        super().__init__()
        self.conv.weight.data[0, 0, 0, 0] = torch.nan


class Refusing(Normed):
    def __deepcopy__(self, memo: dict[int, object]) -> Refusing:
        raise TypeError("there is one of it")


class BeforeIt(Normed):
    """The normalisation comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = changing(nn.BatchNorm2d(3))

    def features(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(self.norm(x))
        return found


def fold(module: nn.Module, *kept: str) -> tuple[nn.Module, int]:
    return folded(module, survey(module, (8, 8)), kept)


def outputs(module: nn.Module, layers: Iterable[str]) -> dict[str, Tensor]:
    """Return logits, activations and gradients of a network."""
    with quiet_mode(module), torch.enable_grad(), Capture(module, layers) as capture:
        logits = module(PICTURE.clone())
        gradients = capture.gradients(logits.sum(), keep_graph=False)
        return {
            "logits": logits.detach(),
            **{name: value.detach() for name, value in capture.activations.items()},
            **{f"gradient of {name}": value for name, value in gradients.items()},
        }


def test_a_convolution_takes_over_what_the_normalisation_does() -> None:
    model = Normed()
    fast, count = fold(model)
    assert count == 1
    assert isinstance(fast.get_submodule("norm"), nn.Identity)
    torch.testing.assert_close(fast(PICTURE), model.eval()(PICTURE), rtol=1e-5, atol=1e-6)


def test_the_network_itself_stays_as_it_was() -> None:
    model = Normed().train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    fast, _ = fold(model, "norm")
    assert fast is not model
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(part._forward_hooks for part in (*model.modules(), *fast.modules()))
    assert type(model.norm) is nn.BatchNorm2d
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0)
    assert fast.get_submodule("head") is not model.head
    assert dict(fast.named_parameters())["head.weight"] is model.head.weight


def test_a_block_that_passes_on_its_last_convolution_is_no_obstacle() -> None:
    model = Normed()
    model.conv = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))  # type: ignore[assignment]
    assert fold(model)[1] == 1
    assert fold(model, "conv") == (model, 0)


def test_layers_that_are_looked_at_give_what_they_gave() -> None:
    model = Normed()
    fast, count = fold(model, "norm")
    assert count == 1
    before, after = outputs(model, ["norm"]), outputs(fast, ["norm"])
    assert after.keys() == before.keys()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=1e-5, atol=1e-6)


def test_a_convolution_that_is_looked_at_keeps_its_normalisation() -> None:
    model = Normed()
    assert fold(model, "conv") == (model, 0)


@pytest.mark.parametrize(
    "kind",
    [
        Beside,
        Between,
        Again,
        Shared,
        TwoNames,
        Asking,
        OwnConvolution,
        Hooked,
        OwnStatistics,
        NoNumbers,
        Refusing,
        BeforeIt,
    ],
)
def test_nothing_is_folded_where_it_would_not_be_the_same(kind: type[Normed]) -> None:
    model = kind()
    assert fold(model) == (model, 0)


@pytest.mark.filterwarnings(
    "ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning"
)
def test_torchscript_is_left_alone() -> None:
    scripted = torch.jit.script(Normed().eval())
    known = replace(survey(Normed(), (8, 8)), modules=dict(scripted.named_modules()))
    assert folded(scripted, known, []) == (scripted, 0)


@pytest.mark.parametrize(
    ("model", "layers", "count"),
    [
        (torchvision.models.resnet18(), ["relu", "layer1", "layer4.1.bn2"], 20),
        (torchvision.models.mobilenet_v2(), ["features.3", "features.18.2"], 52),
        (timm.create_model("tf_efficientnet_lite0"), ["blocks.0", "conv_head", "bn2"], 48),
        (timm.create_model("resnet18d"), ["bn1", "layer4"], 22),
        (ConvNet(inplace=True), ["norm", "relu"], 1),
    ],
    ids=["resnet18", "mobilenet_v2", "lite0", "resnet18d", "own"],
)
def test_networks_give_the_same_activations_and_gradients(
    model: nn.Module, layers: list[str], count: int
) -> None:
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            changing(part)
    fast, found = fold(model, *layers)
    assert found == count
    before, after = outputs(model, layers), outputs(fast, layers)
    for name, value in before.items():
        largest = float(value.abs().amax())
        torch.testing.assert_close(after[name], value, rtol=0, atol=1e-4 * largest + 1e-12)


@pytest.mark.parametrize("amp", [False, True])
def test_a_run_folds_unless_it_rounds_to_half_precision(*, amp: bool, tmp_path: Path) -> None:
    options = BuildOptions(images=tmp_path, amp=amp, network=ModelOptions(device="cpu"))
    found = plan.prepare(options, [ImageFile(tmp_path / "a.png", "a.png")], Silent())
    stem = found.loaded.module.get_submodule("conv_stem")
    assert (getattr(stem, "bias", None) is None) == amp
    assert any("BatchNormAct2d" in line.text for line in found.structure)
