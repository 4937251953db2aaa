"""Networks as their sources build them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torchvision.models import get_model, get_model_weights, squeezenet1_1

from reportgen.errors import ModelError, OptionError
from reportgen.models import ModelRequest, embedded, list_models, load_model
from reportgen.models.embedded import make as make_it
from reportgen.models.source import hash_weights
from reportgen.models.torchvision_source import _builder_options, make

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

SLOW = pytest.mark.slow


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_builders_get_what_their_weights_expect(name: str) -> None:
    assert bool(make(name, 10).transform_input)


@pytest.mark.parametrize(("name", "side"), [("vit_b_16", 224), ("vit_h_14", 518)])
def test_vision_transformers_are_built_for_their_weights_size(name: str, side: int) -> None:
    assert _builder_options(name) == {"image_size": side}
    assert list(get_model_weights(name).DEFAULT.transforms().crop_size) == [side]


@pytest.mark.parametrize(
    "name", ["googlenet", *(pytest.param(it, marks=SLOW) for it in ("inception_v3", "vit_b_32"))]
)
def test_the_default_weights_names_fit(name: str) -> None:
    """What torchvision would load fits what we build, but for the side heads of training."""
    ours = make(name, 1000).state_dict()
    options = {"init_weights": False, "aux_logits": False} if name != "vit_b_32" else {}
    theirs = get_model(name, weights=None, **options).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in theirs.items()
    }


def test_random_weights_follow_the_seed() -> None:
    torch.manual_seed(5)
    expected = hash_weights(squeezenet1_1(num_classes=1000))
    loaded = load_model(ModelRequest("squeezenet1_1", weights="none", seed=5))
    assert loaded.info.weights_sha256 == expected
    assert not loaded.info.trained
    other = load_model(ModelRequest("torchvision:squeezenet1_1", weights="none", seed=6))
    assert other.info.weights_sha256 != expected


@SLOW  # has the weights of a large network made
def test_an_untrained_vision_transformer_has_a_head() -> None:
    loaded = load_model(ModelRequest("vit_b_32", weights="none"))
    assert loaded.module.get_parameter("heads.head.weight").any()


def test_the_embedded_model_says_where_it_is_from() -> None:
    loaded = load_model(ModelRequest("efficientnet_lite0"))
    assert loaded.info.trained
    assert loaded.info.parameters == 4_652_008
    assert loaded.preprocessing.describe() == (
        "shorter side to 256 px (bicubic), centre crop 224×224, scaled to 0–1, "
        "mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5)"
    )
    assert len(loaded.categories) == 1000
    assert not loaded.module.training


def test_the_embedded_model_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[nn.Module] = []

    def noted(classes: int) -> nn.Module:
        made.append(make_it(classes))
        return made[-1]

    monkeypatch.setattr(embedded, "make", noted)
    loaded = load_model(ModelRequest("efficientnet_lite0"))
    assert [loaded.module] == made


def test_without_a_name_the_embedded_model_is_loaded() -> None:
    loaded = load_model(ModelRequest(None))
    assert loaded.architecture == "efficientnet_lite0"
    assert loaded.recipe_origin == "timm's configuration of tf_efficientnet_lite0"
    assert loaded.categories_origin == "ImageNet-1k"
    assert loaded.named


def test_random_weights_say_whose_recipe_is_theirs() -> None:
    loaded = load_model(ModelRequest("squeezenet1_1", weights="none"))
    assert loaded.recipe_origin == "torchvision squeezenet1_1's default weights"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet19", "no model 'resnet19'. Did you mean"),
        ("torchvision:resnet19", "no model 'torchvision:resnet19'"),
        ("torchvison:resnet18", "no model source and no importable Python module 'torchvison'"),
        ("a b:resnet18", "no model source 'a b'"),
    ],
)
def test_names_that_nobody_knows(name: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        load_model(ModelRequest(name))


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'default' or 'none' is expected, found 'imagenet'"):
        load_model(ModelRequest("alexnet", weights="imagenet"))
    with pytest.raises(OptionError, match="--weights none and --checkpoint"):
        load_model(ModelRequest("alexnet", weights="none", checkpoint=tmp_path / "x.pth"))


def test_downloaded_weights_keep_the_versions_of_their_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MNASNet cannot be loaded without them."""
    net = make("mnasnet0_5", 1000)
    state = net.state_dict()
    state["AuxLogits.fc.weight"] = torch.zeros(1)
    weights = get_model_weights("mnasnet0_5").DEFAULT
    monkeypatch.setattr(type(weights), "get_state_dict", lambda *_, **__: state)
    loaded = load_model(ModelRequest("mnasnet0_5"))
    assert loaded.info.weights_sha256 == hash_weights(net)


def test_listings_are_found_by_source_and_name() -> None:
    assert [item.name for item in list_models("EMBEDDED")] == ["efficientnet_lite0"]
    assert {item.source for item in list_models()} >= {"embedded", "torchvision"}
