"""Layouts told from shapes, the survey of a network, and the choice of layers."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from nets import ConvNet, Tokens

from reportgen.errors import LayerError
from reportgen.layers import (
    DefaultLayers,
    Layout,
    Survey,
    choose_layers,
    default_layers,
    infer_layout,
    survey,
)
from reportgen.models import ModelRequest, load_model


@cache
def survey_of(name: str) -> Survey:
    loaded = load_model(ModelRequest(name, weights="none"))
    width, height = loaded.preprocessing.crop
    return survey(loaded.module, (height, width))


def defaults_of(name: str) -> DefaultLayers:
    return default_layers(survey_of(name), name)


@pytest.mark.parametrize(
    ("shape", "picture", "expected"),
    [
        ((1, 64, 55, 55), (224, 224), Layout("channels_first", 64, 55, 55)),
        ((1, 7, 7, 768), (224, 224), Layout("channels_last", 768, 7, 7)),
        ((1, 56, 56, 56), (224, 224), Layout("channels_first", 56, 56, 56)),
        ((1, 32, 15, 20), (480, 640), Layout("channels_first", 32, 15, 20)),
        ((1, 15, 20, 32), (480, 640), Layout("channels_last", 32, 15, 20)),
        ((1, 197, 768), (224, 224), Layout("tokens", 768, 14, 14, prefix=1)),
        ((1, 196, 384), (224, 224), Layout("tokens", 384, 14, 14)),
        ((1, 1374, 384), (518, 518), Layout("tokens", 384, 37, 37, prefix=5)),
        ((1, 1201, 192), (480, 640), Layout("tokens", 192, 30, 40, prefix=1)),
        ((1, 96, 1, 1), (224, 224), None),
        ((1, 1000), (224, 224), None),
        ((1, 4, 49, 512), (224, 224), None),
        ((1, 8, 512, 512), (224, 224), None),
    ],
)
def test_layout_by_shape(
    shape: tuple[int, ...], picture: tuple[int, int], expected: Layout | None
) -> None:
    assert infer_layout(shape, picture) == expected


def test_every_layout_reads_the_same_grid() -> None:
    grid = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    last = Layout("channels_last", 3, 4, 5)
    tokens = Layout("tokens", 3, 4, 5, prefix=2)
    sequence = torch.cat([torch.full((2, 2, 3), -1.0), grid.flatten(2).transpose(1, 2)], dim=1)
    assert torch.equal(Layout("channels_first", 3, 4, 5).to_grid(grid), grid)
    assert torch.equal(last.to_grid(grid.permute(0, 2, 3, 1)), grid)
    assert torch.equal(tokens.to_grid(sequence), grid)


def test_survey_lists_layers_as_they_finish() -> None:
    found = survey(ConvNet(inplace=True), (8, 8))
    assert [layer.name for layer in found.layers] == ["conv1", "conv2", "norm", "relu", "head"]
    assert found.classes == 3
    assert found.layers[found.order["conv2"]].output_shape == (5, 4, 4)
    assert [layer.name for layer in found.usable] == ["conv1", "conv2", "norm", "relu"]
    assert "does not lie over the picture" in str(found.layers[found.order["head"]].problem)


def test_survey_reads_tokens() -> None:
    found = survey(Tokens(), (16, 16))
    layout = found.layers[found.order["mix"]].layout
    assert layout == Layout("tokens", 8, 4, 4, prefix=2)


def test_alexnet_has_the_layers_of_the_lab() -> None:
    assert defaults_of("alexnet") == DefaultLayers(
        last="features",
        stages=("features.0", "features.3", "features.6", "features.9", "features.12"),
    )


@pytest.mark.parametrize(
    ("name", "last", "stages"),
    [
        ("resnet18", "layer4", "relu layer1 layer2 layer3 layer4"),
        (
            "vgg11",
            "features",
            "features.1 features.4 features.9 features.14 features.19 features",
        ),
        (
            "mobilenet_v3_small",
            "features",
            "features.0 features.1 features.3 features.8 features",
        ),
        (
            "densenet121",
            "features",
            (
                "features.relu0 features.denseblock1 features.denseblock2 features.denseblock3 "
                "features"
            ),
        ),
        ("squeezenet1_1", "features", "features.1 features.4 features.7 features"),
        ("swin_t", "norm", "features.1 features.3 features.5 norm"),
        ("efficientnet_lite0", "bn2", "blocks.0 blocks.1 blocks.2 blocks.4 bn2"),
    ],
)
def test_default_layers_are_one_per_resolution(name: str, last: str, stages: str) -> None:
    assert defaults_of(name) == DefaultLayers(last, tuple(stages.split()))
    known = survey_of(name)
    layers = [known.layers[known.order[stage]] for stage in stages.split()]
    grids = [layer.layout.shape[1:] for layer in layers if layer.layout]
    assert grids == sorted(set(grids), reverse=True)


def test_a_vision_transformer_is_sampled_over_its_depth() -> None:
    blocks = (1, 3, 6, 8, 11)
    expected = tuple(f"encoder.layers.encoder_layer_{block}.ln_1" for block in blocks)
    assert defaults_of("vit_b_32") == DefaultLayers(expected[-1], expected)


def test_after_the_last_attention_only_the_class_token_counts() -> None:
    known = survey_of("vit_b_32")
    problem = known.layers[known.order["encoder.layers.encoder_layer_11"]].problem
    assert problem == "no gradient of the logits reaches its places"
    with pytest.raises(LayerError, match=r"nearest layer that can is 'encoder\.layers\.encoder_la"):
        choose_layers(["encoder.layers.encoder_layer_11"], known)


def test_layers_by_name_and_by_number() -> None:
    known = survey_of("alexnet")
    lab = ("features.0", "features.3", "features.6", "features.9", "features.12")
    assert choose_layers(["0", "3", "6", "9", "12"], known) == lab
    assert choose_layers(["features.12", "features.0", "0"], known) == ("features.0", "features.12")
    assert choose_layers([], known) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feature.12", r"Did you mean 'features\.1"),
        ("13", "no layer '13'"),
        ("classifier.6", r"cannot carry a map: its output \(1000\).*'features"),
        ("avgpool.7", "no layer"),
    ],
)
def test_wrong_layers_get_the_nearest_right_ones(text: str, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        choose_layers([text], survey_of("alexnet"))


def test_bare_numbers_need_features() -> None:
    with pytest.raises(LayerError, match="no layer '3'"):
        choose_layers(["3"], survey_of("resnet18"))


def test_a_network_without_a_grid_is_refused() -> None:
    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(3 * 8 * 8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(x.flatten(1))
            return logits

    with pytest.raises(LayerError, match="no layer of this network gives a grid"):
        default_layers(survey(Flat(), (8, 8)), "flat")
