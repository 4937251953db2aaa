"""State dicts: which network they fit, how many classes they have, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torchvision import models

from reportgen.errors import CheckpointError
from reportgen.models import ModelRequest, load_model
from reportgen.models.embedded import NAME, make
from reportgen.models.identify import identify, outline_for
from reportgen.models.outline import Outline, best_variant, outline_of, variants
from reportgen.models.source import hash_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

QUICK = [
    *("alexnet", "densenet121", NAME),
    *("googlenet", "inception_v3", "mnasnet1_0"),
    *(f"efficientnet_b{size}" for size in range(4)),
    *("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"resnet{depth}" for depth in (18, 34, 50, 101)),
    *("resnext50_32x4d", "wide_resnet50_2"),
    *("squeezenet1_0", "squeezenet1_1"),
    *(f"vgg{depth}{kind}" for depth in (11, 13, 16, 19) for kind in ("", "_bn")),
    *("vit_b_16", "vit_b_32"),
]
EVERY = [*models.list_models(module=models), NAME]


def state_for(outline: Outline, classes: int) -> dict[str, Tensor]:
    """Return tensors without memory, of the shapes that a network of so many classes has."""
    return {
        key: torch.empty(
            [classes if at == outline.head.get(key) else side for at, side in enumerate(shape)],
            device="meta",
        )
        for key, shape in outline.shapes.items()
    }


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in EVERY],
)
def test_every_network_is_known_by_its_tensors(name: str) -> None:
    state = state_for(outline_for(name), 5)
    backwards = dict(reversed(state.items()))
    assert identify(state) == name
    assert identify(backwards) == name
    assert outline_for(name).count(backwards) == 5


HEADS = {
    "alexnet": "classifier.6.weight",
    "vgg16": "classifier.6.weight",
    "resnet18": "fc.weight",
    "densenet121": "classifier.weight",
    "squeezenet1_0": "classifier.1.weight",
    "mobilenet_v3_small": "classifier.3.weight",
    "efficientnet_b0": "classifier.1.weight",
    "vit_b_16": "heads.head.weight",
    "googlenet": "fc.weight",
    NAME: "classifier.weight",
}


@pytest.mark.parametrize("name", HEADS)
def test_the_head_is_found(name: str) -> None:
    assert next(iter(outline_for(name).head)) == HEADS[name]


@pytest.mark.parametrize("name", ["swin_t", "swin_v2_t", "maxvit_t", "convnext_tiny"])
def test_the_head_is_found_where_it_is_not_the_last_matrix(name: str) -> None:
    (key, dimension), *_ = outline_for(name).head.items()
    assert key.startswith(("head", "classifier"))
    assert dimension == 0


def test_an_outline_is_what_the_network_is() -> None:
    net = models.squeezenet1_1(num_classes=1000)
    outline = outline_for("squeezenet1_1")
    assert outline.misfit(net.state_dict()).size == 0
    assert outline.count(net.state_dict()) == 1000
    before = torch.get_rng_state()
    outline_of(lambda classes: models.squeezenet1_1(num_classes=classes))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_that_needs_its_weights_to_be_built() -> None:
    def make_one(classes: int) -> nn.Module:
        layer = torch.nn.Linear(3, classes)
        layer.extra = float(layer.weight.sum())  # type: ignore[assignment]
        return layer

    assert outline_of(make_one).head == {"weight": 0, "bias": 0}


# -- prefixes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefix",
    [
        *("module.", "model.", "_orig_mod.", "backbone.", "net.", "encoder.", "network."),
        *("module._orig_mod.", "_orig_mod.module.", "model.backbone.", "module.model.net."),
    ],
)
@pytest.mark.parametrize("name", ["alexnet", "vit_b_32"])
def test_prefixes_are_removed(name: str, prefix: str) -> None:
    state = state_for(outline_for(name), 5)
    prefixed = {f"{prefix}{key}": value for key, value in state.items()}
    assert identify(prefixed) == name
    assert best_variant(prefixed, outline_for(name)).keys() == state.keys()


def test_a_prefix_is_removed_only_where_nearly_all_names_have_it() -> None:
    few = {"module.a": 1, "module.b": 1, "c": 1, "d": 1}
    assert list(variants(few)) == [few]  # type: ignore[arg-type]


def test_what_stands_beside_the_prefixed_names() -> None:
    state = state_for(outline_for("resnet18"), 5)
    with_loss = {f"model.{key}": value for key, value in state.items()}
    with_loss["criterion.weight"] = torch.ones(5)
    assert identify(with_loss) == "resnet18"
    head_apart = {
        key if key.startswith("fc.") else f"backbone.{key}": value for key, value in state.items()
    }
    assert identify(head_apart) == "resnet18"


def test_old_names_and_missing_counters() -> None:
    state = state_for(outline_for("densenet121"), 5)
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }
    assert old.keys() != state.keys()
    old["total_ops"] = torch.zeros(1)
    assert identify(old) == "densenet121"
    vit = state_for(outline_for("vit_b_32"), 5)
    old = {
        key.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): value
        for key, value in vit.items()
    }
    assert old.keys() != vit.keys()
    assert identify(old) == "vit_b_32"


def test_side_heads_may_be_there() -> None:
    net = models.googlenet(num_classes=5, init_weights=False, aux_logits=True)
    assert any(key.startswith("aux1.") for key in net.state_dict())
    assert identify(net.state_dict()) == "googlenet"


# -- loading ---------------------------------------------------------------------------------


def save(state: Mapping[str, Tensor], path: Path) -> Path:
    torch.save(dict(state), path)
    return path


@pytest.mark.parametrize("name", ["squeezenet1_0", "mnasnet0_5", "mobilenet_v3_small"])
def test_weights_arrive(tmp_path: Path, name: str) -> None:
    torch.manual_seed(4)
    net = models.get_model(name, num_classes=5)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.get_buffer("running_mean").uniform_()
    path = save({f"module.{key}": value for key, value in net.state_dict().items()}, tmp_path / "w")
    for given in (None, name, f"torchvision:{name}"):
        loaded = load_model(ModelRequest(given, checkpoint=path))
        assert loaded.architecture == loaded.info.name == name
        assert loaded.info.classes == 5
        assert loaded.info.weights == "checkpoint w (state dict)"
        assert loaded.info.weights_sha256 == hash_weights(net)
        assert not loaded.module.training
        assert loaded.recipe_origin == f"torchvision {name}'s default weights"


def test_the_embedded_network_s_weights(tmp_path: Path) -> None:
    net = make(3)
    path = save(net.state_dict(), tmp_path / "lite0.pth")
    loaded = load_model(ModelRequest(None, checkpoint=path))
    assert loaded.architecture == NAME
    assert loaded.info.classes == 3
    assert loaded.info.weights_sha256 == hash_weights(net)


def test_half_precision_weights_are_raised(tmp_path: Path) -> None:
    net = models.squeezenet1_1(num_classes=2)
    path = save(net.half().state_dict(), tmp_path / "half.pth")
    loaded = load_model(ModelRequest(None, checkpoint=path))
    assert {value.dtype for value in loaded.module.state_dict().values()} == {torch.float32}
    assert loaded.info.weights_sha256 == hash_weights(net.float())


@pytest.fixture(scope="module")
def squeezenet_state() -> dict[str, Tensor]:
    return dict(models.squeezenet1_1(num_classes=2).state_dict())


def test_the_wrong_network(tmp_path: Path, squeezenet_state: dict[str, Tensor]) -> None:
    path = save(squeezenet_state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError) as caught:
        load_model(ModelRequest("resnet18", checkpoint=path))
    for words in (
        "w.pth' does not fit --model resnet18 (",
        "102 missing: conv1.weight, bn1.weight, bn1.bias, …;",
        "52 not expected: features.0.weight, features.0.bias, features.3.squeeze.weight, …)",
        "It fits squeezenet1_1: give --model squeezenet1_1, or leave --model out.",
    ):
        assert words in str(caught.value)


def test_wrong_shapes(tmp_path: Path, squeezenet_state: dict[str, Tensor]) -> None:
    state = {**squeezenet_state, "features.0.weight": torch.zeros(64, 1, 3, 3)}
    del state["classifier.1.bias"]
    path = save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError) as caught:
        load_model(ModelRequest("squeezenet1_1", checkpoint=path))
    assert "(1 missing: classifier.1.bias; 1 of another shape: features.0.weight (" in str(
        caught.value
    )
    assert "(64×3×3×3 expected, 64×1×3×3 found)). Give the architecture" in str(caught.value)


def test_an_unknown_network(tmp_path: Path, squeezenet_state: dict[str, Tensor]) -> None:
    path = save({f"x{key}": value for key, value in squeezenet_state.items()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"52 tensors \(xfeatures\.0.*with --model\.$"):
        load_model(ModelRequest(None, checkpoint=path))
    state = {**squeezenet_state, "features.0.bias": torch.zeros(3)}
    path = save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"squeezenet1_1 is the nearest \(1 of another shape"):
        load_model(ModelRequest(None, checkpoint=path))
    path = save({"patch_embed.proj.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="look like timm's: try --model timm:NAME"):
        load_model(ModelRequest(None, checkpoint=path))
