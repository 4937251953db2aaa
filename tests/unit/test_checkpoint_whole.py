"""Whole networks out of a checkpoint: ready to explain, also from older versions of torch."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch
from torch import nn
from torchvision import models

from reportgen.errors import CheckpointError
from reportgen.models import LoadedModel, ModelRequest, load_model
from reportgen.models.outline import without_weights
from reportgen.models.repair import repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def load(path: Path, name: str | None = None, **options: Any) -> LoadedModel:  # noqa: ANN401
    return load_model(ModelRequest(name, checkpoint=path, **options))


def picture(side: int = 224) -> torch.Tensor:
    return torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(7))


def logits(module: nn.Module, side: int = 224) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = module.eval()(picture(side))
    return result


# -- the lab's file: an AlexNet of two classes, saved whole ----------------------------------


@pytest.fixture(scope="module")
def alexnet_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, torch.Tensor]]:
    """Return the file and the logits that it gives for `picture`."""
    path = tmp_path_factory.mktemp("alexnet") / "torch_alex.pth"
    torch.manual_seed(2)
    net = models.alexnet(num_classes=2)
    torch.save(net, path)
    yield path, logits(net)
    path.unlink()


def test_a_whole_alexnet(alexnet_file: tuple[Path, torch.Tensor]) -> None:
    path, expected = alexnet_file
    loaded = load(path)
    assert loaded.architecture == loaded.info.name == "alexnet"
    assert loaded.info.source == "checkpoint"
    assert loaded.info.architecture == "torchvision.models.alexnet.AlexNet"
    assert loaded.info.weights == "checkpoint torch_alex.pth (whole module)"
    assert loaded.info.trained
    assert loaded.info.classes == 2
    assert loaded.categories == ("class 0", "class 1")
    assert not loaded.named
    assert not loaded.module.training
    assert loaded.recipe_origin == "torchvision alexnet's default weights"
    assert loaded.preprocessing.crop == (224, 224)
    torch.testing.assert_close(logits(loaded.module), expected, rtol=0, atol=0)


def test_a_whole_network_and_its_name(alexnet_file: tuple[Path, torch.Tensor]) -> None:
    path, _ = alexnet_file
    loaded = load(path, "torchvision:alexnet", classes="cat,dog")
    assert loaded.categories == ("cat", "dog")
    with pytest.raises(CheckpointError, match=r"holds a whole AlexNet .*--model says resnet18"):
        load(path, "resnet18")


# -- what older versions left out ------------------------------------------------------------

_SINCE_1_0 = (
    "_non_persistent_buffers_set",
    "_backward_pre_hooks",
    "_is_full_backward_hook",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
    "_reversed_padding_repeated_twice",
    "padding_mode",
    "approximate",
    "recompute_scale_factor",
    "divisor_override",
    "transform_input",
    "memory_efficient",
    "aux_logits",
)


def as_torch_1_0(net: nn.Module, *gone: str) -> nn.Module:
    """Take away what newer versions of torch and torchvision added."""
    for part in list(net.modules()):
        for name in _SINCE_1_0:
            part.__dict__.pop(name, None)
        part._buffers.pop("num_batches_tracked", None)
    for name in gone:
        del net._modules[name]
    return net


OLD: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...], int]] = {
    "alexnet": (lambda: models.alexnet(num_classes=2), ("avgpool",), 224),
    "vgg11": (lambda: models.vgg11(num_classes=2), ("avgpool",), 224),
    "resnet18": (lambda: models.resnet18(num_classes=2), (), 224),
    "densenet121": (lambda: models.densenet121(num_classes=2), (), 224),
    "squeezenet1_0": (lambda: models.squeezenet1_0(num_classes=2), (), 224),
    "mobilenet_v2": (lambda: models.mobilenet_v2(num_classes=2), (), 224),
    "googlenet": (
        lambda: models.googlenet(num_classes=2, init_weights=False, aux_logits=True),
        ("maxpool1", "maxpool2", "maxpool3", "maxpool4"),
        224,
    ),
    "inception_v3": (
        lambda: models.inception_v3(num_classes=2, init_weights=False, aux_logits=True),
        ("maxpool1", "maxpool2", "avgpool"),
        299,
    ),
}


SLOW = {"vgg11", "densenet121", "mobilenet_v2", "inception_v3"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(key, marks=pytest.mark.slow if key in SLOW else ()) for key in OLD],
)
def test_networks_of_old_versions(tmp_path: Path, name: str) -> None:
    make, gone, side = OLD[name]
    torch.manual_seed(3)
    net = make()
    expected = logits(net, side)
    path = tmp_path / "old.pth"
    torch.save(as_torch_1_0(net, *gone), path, _use_new_zipfile_serialization=False)
    loaded = load(path)
    path.unlink()
    assert loaded.architecture == name
    assert loaded.info.classes == 2
    assert loaded.preprocessing.crop == (side, side)
    torch.testing.assert_close(logits(loaded.module, side), expected)


class Own(nn.Sequential):
    """A network of the user's own, so that there is no newer twin to learn from."""


def test_layers_of_old_versions() -> None:
    net = Own(
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="zeros"),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.AvgPool2d(2),
        nn.Upsample(scale_factor=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    expected = logits(net, 32)
    old = as_torch_1_0(net)
    with pytest.raises(AttributeError):
        logits(old, 32)
    repair(old)
    torch.testing.assert_close(logits(old, 32), expected)
    convolution = old.get_submodule("0")
    assert convolution.padding_mode == "zeros"
    assert convolution._reversed_padding_repeated_twice == [1, 1, 1, 1]
    assert old.get_buffer("1.num_batches_tracked") == 0
    assert "0.weight" in old.state_dict()


def test_repair_leaves_what_is_there() -> None:
    net = models.googlenet(num_classes=2, init_weights=False, transform_input=True)
    net.conv1.conv.padding_mode = "reflect"
    donor = without_weights(lambda: models.googlenet(init_weights=False, transform_input=False))
    before = {name: dict(vars(part)) for name, part in net.named_modules()}
    repair(net, donor)
    after = {name: dict(vars(part)) for name, part in net.named_modules()}
    assert {name: {key: after[name][key] for key in before[name]} for name in before} == before
    assert net.conv1.conv.padding_mode == "reflect"
    assert net.transform_input is True


def test_the_example_s_half_parallel_network(tmp_path: Path) -> None:
    """torch's ImageNet example wraps the features of AlexNet alone."""
    net = models.squeezenet1_1(num_classes=2)
    expected = logits(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no graphics card to be parallel on
        net.features = nn.DataParallel(net.features)
    net.features.device_ids = [0]
    torch.save(net.half(), tmp_path / "half.pth")
    loaded = load(tmp_path / "half.pth")
    assert loaded.architecture == "squeezenet1_1"
    assert next(loaded.module.parameters()).dtype == torch.float32
    torch.testing.assert_close(logits(loaded.module), expected, rtol=1e-2, atol=1e-2)
    torch.save(net.state_dict(), tmp_path / "half.pth")
    assert load(tmp_path / "half.pth").architecture == "squeezenet1_1"


@pytest.mark.slow
def test_classes_that_have_moved(tmp_path: Path) -> None:
    """torchvision before 0.9 had MobileNetV2's blocks of three layers as a class of their own."""
    path = tmp_path / "old.pth"
    net = models.mobilenet_v2(num_classes=2)
    torch.save(net, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    new = b"ctorchvision.ops.misc\nConv2dNormActivation\n"
    assert new in data
    path.write_bytes(data.replace(new, b"ctorchvision.models.mobilenet\nConvBNReLU\n"))
    loaded = load(path)
    assert loaded.architecture == "mobilenet_v2"
    torch.testing.assert_close(logits(loaded.module), logits(net))


# -- networks of other kinds -----------------------------------------------------------------


def test_a_replaced_head(tmp_path: Path) -> None:
    net = models.resnet18()
    net.fc = nn.Sequential(nn.Dropout(), nn.Linear(512, 3))
    torch.save(net, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert loaded.architecture == "resnet18"
    assert loaded.info.classes == 3


def test_a_network_of_timm(tmp_path: Path) -> None:
    net = timm.create_model("tf_efficientnet_lite0", num_classes=3)
    torch.save(net, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert loaded.architecture == "tf_efficientnet_lite0"
    assert loaded.recipe_origin == "timm's configuration of tf_efficientnet_lite0"
    assert loaded.preprocessing.mean == (0.5, 0.5, 0.5)
    assert loaded.info.classes == 3
    assert load(tmp_path / "net.pth", "efficientnet_lite0").info.classes == 3
    net.pretrained_cfg = {"mean": 3}
    torch.save(net, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert loaded.recipe_origin.startswith("assumed")


def test_an_unknown_network(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    net.classes = [*"abcde"]  # type: ignore[assignment]
    torch.save(net, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert loaded.architecture == "sequential"
    assert loaded.info.classes == 5
    assert loaded.categories == tuple("abcde")
    assert loaded.categories_origin == "checkpoint (classes)"
    assert loaded.recipe_origin == "assumed: the checkpoint does not say"
    assert loaded.preprocessing.resize == 256


def test_a_network_for_small_pictures(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 10))
    torch.save(net, tmp_path / "cifar.pth")
    loaded = load(tmp_path / "cifar.pth")
    assert loaded.info.classes == 10
    assert (loaded.preprocessing.resize, loaded.preprocessing.crop) == (32, (32, 32))


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), r"pictures of 1 channel\(s\)"),
        (nn.Conv2d(3, 2, 3), r"no image classifier: .*not \(1, 2, 222, 222\)"),
        (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (3, -1))), r"logits of shape \(3, "),
        (nn.Linear(7, 2), "fails on RGB pictures of every usual size from 28 to 512"),
    ],
    ids=["grey", "map", "batch", "vector"],
)
def test_what_is_no_classifier_of_pictures(tmp_path: Path, net: nn.Module, words: str) -> None:
    torch.save(net, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=f"net.pth.*{words}"):
        load(tmp_path / "net.pth")
