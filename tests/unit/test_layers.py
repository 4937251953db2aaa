"""Layouts told from shapes, the survey of a network, and the choice of layers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import torch
from nets import Attention, ChannelsLast, ConvNet, Flat, Folded, Sequence, Tokens, Windows
from timm.models.vision_transformer import VisionTransformer
from torchvision.models import alexnet

from reportgen.errors import LayerError
from reportgen.layers import (
    DefaultLayers,
    Layout,
    Survey,
    at,
    choose_layers,
    default_layers,
    feature_layers,
    infer_layout,
    last_convolution,
    layout_at,
    number_of,
    survey,
)
from reportgen.models import ModelRequest, load_model

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


@cache
def survey_of(name: str) -> Survey:
    loaded = load_model(ModelRequest(name, weights="none"))
    width, height = loaded.preprocessing.crop or (224, 224)
    return survey(loaded.module, (height, width))


def defaults_of(name: str) -> DefaultLayers:
    return default_layers(survey_of(name), name)


def slow(*values: str) -> ParameterSet:
    """Values of a network that takes seconds to make."""
    return pytest.param(*values, marks=pytest.mark.slow)


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
        ((1, 9, 320), (4, 4), None),
        ((1, 1, 320), (4, 4), None),
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
        slow(
            "vgg11",
            "features",
            "features.1 features.4 features.9 features.14 features.19 features",
        ),
        (
            "mobilenet_v3_small",
            "features",
            "features.0 features.1 features.3 features.8 features",
        ),
        slow(
            "densenet121",
            "features",
            (
                "features.relu0 features.denseblock1 features.denseblock2 features.denseblock3 "
                "features"
            ),
        ),
        ("squeezenet1_1", "features", "features.1 features.4 features.7 features"),
        slow("swin_t", "norm", "features.1 features.3 features.5 norm"),
        ("efficientnet_lite0", "bn2", "blocks.0 blocks.1 blocks.2 blocks.4 bn2"),
    ],
)
def test_default_layers_are_one_per_resolution(name: str, last: str, stages: str) -> None:
    assert defaults_of(name) == DefaultLayers(last, tuple(stages.split()))
    known = survey_of(name)
    layers = [known.layers[known.order[stage]] for stage in stages.split()]
    grids = [layer.layout.shape[1:] for layer in layers if layer.layout]
    assert grids == sorted(set(grids), reverse=True)


@pytest.mark.slow
def test_a_vision_transformer_is_sampled_over_its_depth() -> None:
    blocks = (1, 3, 6, 8, 11)
    expected = tuple(f"encoder.layers.encoder_layer_{block}.ln_1" for block in blocks)
    assert defaults_of("vit_b_32") == DefaultLayers(expected[-1], expected)


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        # The blocks after a patch embedding in steps are most of the network.
        slow("xcit_nano_12_p8_224", "blocks.1 blocks.3 blocks.6 blocks.8 blocks.11"),
        # Not the queries, keys and values after the last normalisation that is reached.
        ("test_vit", "blocks.0.norm1 blocks.1.norm1 blocks.2.norm1 blocks.3.norm1 blocks.5.norm1"),
        ("pit_ti_224", "transformers.0 transformers.1 transformers.2.blocks.3.norm1"),
        # Not the first output of its blocks, which they only pass on.
        slow(
            "coat_tiny",
            (
                "serial_blocks1.1 parallel_blocks.5.norm12 parallel_blocks.5.norm13 "
                "parallel_blocks.5.norm14"
            ),
        ),
        # Not its sequences of channels, which have the length of a grid by chance.
        slow(
            "efficientvim_m1",
            "patch_embed.conv.0 patch_embed.conv.1 patch_embed.conv.2 stages.0 stages.1 norm.3",
        ),
    ],
)
def test_default_layers_of_transformers(name: str, stages: str) -> None:
    assert defaults_of(name).stages == tuple(stages.split())


@pytest.mark.slow
def test_tokens_of_hiera_are_put_in_rows() -> None:
    known = survey_of("hiera_tiny_224")
    layouts = [
        known.layers[known.order[name]].layout for name in defaults_of("hiera_tiny_224").stages
    ]
    assert [(found.grid, found.folds) for found in layouts if found] == [
        ((56, 56), 3),
        ((28, 28), 2),
        ((14, 14), 1),
        ((7, 7), 0),
    ]


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


def test_numbers_are_those_of_the_list_where_there_are_no_features() -> None:
    known = survey_of("resnet18")
    assert choose_layers(["3"], known) == ("maxpool",)
    numbers = {layer.name: number_of(layer.name, known) for layer in known.layers}
    assert list(numbers.values()) == list(range(len(known.layers)))
    assert choose_layers([str(numbers["layer2"])], known) == ("layer2",)
    with pytest.raises(LayerError, match=r"no layer '999'.*layers 0 to 66"):
        choose_layers(["999"], known)


def test_numbers_mean_features_where_there_are_features() -> None:
    known = survey_of("alexnet")
    assert number_of("features.12", known) == 12
    assert number_of("features", known) is None
    assert number_of("classifier.6", known) is None
    sequence = survey(Sequence(), (8, 8))
    assert number_of("2", sequence) == 2
    assert choose_layers(["2"], sequence) == ("2",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("features.*", [f"features.{number}" for number in range(13)]),
        ("features.?", [f"features.{number}" for number in range(10)]),
        ("features.1?,features", ["features.10", "features.11", "features.12", "features"]),
        ("all-conv", ["features.0", "features.3", "features.6", "features.8", "features.10"]),
        ("auto", ["features.0", "features.3", "features.6", "features.9", "features.12"]),
        ("stages", ["features.1", "features.4", "features.11", "features"]),
        ("last:2", ["features.11", "features.12"]),
        ("LAST:1,0,all-co*", None),
        ("last:1, 0 ,features.3", ["features.0", "features.3", "features.12"]),
    ],
)
def test_words_for_layers(text: str, expected: list[str] | None) -> None:
    known = survey_of("alexnet")
    words = text.split(",")
    if expected is None:
        with pytest.raises(LayerError, match=r"no layer matches 'all-co\*'"):
            choose_layers(words, known, defaults_of("alexnet"))
    else:
        assert choose_layers(words, known, defaults_of("alexnet")) == tuple(expected)


def test_patterns_cross_dots_with_two_stars_only() -> None:
    known = survey_of("resnet18")
    assert choose_layers(["layer?.1"], known) == tuple(f"layer{n}.1" for n in range(1, 5))
    inside = choose_layers(["layer4.**"], known)
    assert "layer4.1.conv2" in inside
    assert "layer4.1" in inside
    assert "layer4" not in inside
    assert choose_layers(["layer4.*"], known) == ("layer4.0", "layer4.1")
    assert choose_layers(["**.downsample.0"], known) == tuple(
        f"layer{n}.0.downsample.0" for n in (2, 3, 4)
    )


def test_patterns_leave_out_what_cannot_carry_a_map() -> None:
    known = survey_of("vit_b_32")
    chosen = choose_layers(["encoder.layers.encoder_layer_1?"], known)
    assert chosen == ("encoder.layers.encoder_layer_10",)


def test_last_layers_are_counted_once() -> None:
    known = survey_of("resnet18")
    assert choose_layers(["last:2"], known) == ("layer4.1.bn2", "layer4.1.relu")
    assert known.layers[known.order["layer4"]].same_as == "layer4.1"
    assert known.layers[known.order["layer4.1"]].same_as == "layer4.1.relu"
    assert known.layers[known.order["layer4.1.relu"]].same_as is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last:0", "'last:0' is no layer and no keyword.*whole number from 1"),
        ("last:x", "'last:x' is no layer and no keyword"),
        ("last:-1", "'last:-1' is no layer and no keyword"),
        ("first:2", "'first:2' is no layer and no keyword. Keywords: auto, stages"),
        ("last", r"no layer 'last'"),
        ("all-convs", "Did you mean 'all-conv'"),
        ("nothing.*", r"no layer matches 'nothing\.\*'"),
        ("classifier.*", r"none can be used; 'classifier\.6': .*\(1000\).*'features'"),
    ],
)
def test_wrong_words_are_explained(text: str, message: str) -> None:
    with pytest.raises(LayerError, match=f"^--layers: .*{message}"):
        choose_layers([text], survey_of("alexnet"))


def test_a_network_without_convolutions_says_so() -> None:
    with pytest.raises(LayerError, match="all-conv: this network has no convolution"):
        choose_layers(["all-conv"], survey(Flat(), (8, 8)))


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("alexnet", "features.10"),
        ("squeezenet1_1", "features.12.expand3x3"),
        ("resnet18", "layer4.1.conv2"),
        ("vit_b_32", "conv_proj"),
    ],
)
def test_the_last_convolution_is_before_the_head(name: str, last: str) -> None:
    known = survey_of(name)
    assert last_convolution(known) == last
    assert feature_layers(["last"], known) == (last,)


def test_feature_maps_need_no_gradient_but_a_grid() -> None:
    known = survey_of("vit_b_32")
    unreached = "encoder.layers.encoder_layer_11"
    assert feature_layers([unreached, "last:1"], known)[-1] == unreached
    with pytest.raises(LayerError, match=r"--feature-maps: 'heads\.head' cannot carry a map"):
        feature_layers(["heads.head"], known)
    with pytest.raises(LayerError, match="--feature-maps: no layer of this network"):
        feature_layers(["last"], survey(Flat(), (8, 8)))


def test_defaults_of_a_changed_alexnet_follow_the_rule() -> None:
    changed = alexnet(num_classes=5)
    changed.features = changed.features[:12]
    known = survey(changed, (224, 224))
    assert "features.12" not in known.modules
    assert default_layers(known, "alexnet") == default_layers(known, "another")
    assert default_layers(known, "alexnet").last == "features"


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


def test_a_network_without_a_grid_is_refused() -> None:
    with pytest.raises(LayerError, match="no layer of this network gives a grid"):
        default_layers(survey(Flat(), (8, 8)), "flat")


def test_attention_windows_and_other_sequences_are_no_grid() -> None:
    """What has a grid's proportions by chance is told by what else is in the network."""
    known = survey(Attention(), (56, 56))
    assert infer_layout((1, 2, 49, 49), (56, 56)) == Layout("channels_first", 2, 49, 49)
    assert known.layers[known.order["weights"]].layout is None
    assert known.layers[known.order["values"]].layout == Layout("tokens", 8, 7, 7)
    windows = survey(Windows(), (16, 16))
    assert windows.layers[windows.order["inside"]].output_shape == (8, 4, 4)
    assert windows.layers[windows.order["inside"]].layout is None
    assert windows.layers[windows.order["conv"]].layout == Layout("channels_first", 8, 8, 8)


@pytest.mark.parametrize("folds", [0, 1, 2])
def test_the_order_of_tokens_is_found_by_changing_the_picture(folds: int) -> None:
    model = Folded(folds)
    known = survey(model, (32, 32))
    layout = known.layers[known.order["mix"]].layout
    assert layout == Layout("tokens", 6, 8, 8, folds=folds)
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model.mix(model.patches(picture).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        given = model.mix(model.sequence(picture))
    torch.testing.assert_close(layout.to_grid(given), expected)


def test_the_channels_of_nhwc_layers_may_be_as_many_as_rows() -> None:
    """The head is known by its channels, wherever the layout has them."""
    known = survey(ChannelsLast(classes=4), (16, 16))
    assert known.layers[known.order["mix"]].layout == Layout("channels_last", 6, 4, 4)
    assert default_layers(known, "any").last == "mix"


@pytest.mark.parametrize(
    ("layout", "shape", "picture", "expected"),
    [
        # 4-D layers: read off the tensor.
        (("channels_first", 64, 55, 55), (2, 64, 92, 124), (375, 500), (92, 124, 0)),
        (("channels_last", 96, 7, 7), (1, 12, 16, 96), (375, 500), (12, 16, 0)),
        (("channels_first", 96, 7, 7), (1, 96, 1, 1), (40, 40), None),
        (("channels_first", 96, 7, 7), (1, 64, 7, 7), (224, 224), None),
        (("channels_first", 96, 7, 7), (1, 49, 96), (224, 224), None),
        # Tokens: the factors that fit the picture, the prefix as before.
        (("tokens", 192, 14, 14, 1), (1, 1 + 14 * 21, 192), (224, 336), (14, 21, 1)),
        (("tokens", 192, 14, 14, 1), (1, 1 + 21 * 14, 192), (336, 224), (21, 14, 1)),
        (("tokens", 192, 14, 14, 5), (1, 5 + 23 * 31, 192), (375, 500), (23, 31, 5)),
        (("tokens", 192, 14, 14, 5), (1, 5 + 24 * 32, 192), (375, 500), (24, 32, 5)),
        (("tokens", 192, 14, 14, 0), (1, 17 * 19, 192), (283, 313), (17, 19, 0)),
        (("tokens", 192, 14, 14, 2), (1, 2 + 2 * 6, 192), (47, 100), (2, 6, 2)),
        (("tokens", 192, 14, 14, 1), (1, 1 + 5 * 15, 192), (80, 240), (5, 15, 1)),
        (("tokens", 192, 14, 14, 1), (1, 1 + 4, 64), (32, 32), None),
        (("tokens", 192, 14, 14, 1), (1, 2, 192), (16, 16), None),
    ],
)
def test_layouts_at_another_size(
    layout: tuple[Any, ...],
    shape: tuple[int, ...],
    picture: tuple[int, int],
    expected: tuple[int, int, int] | None,
) -> None:
    found = at(Layout(*layout), shape, picture)
    if expected is None:
        assert found is None
    else:
        assert found == Layout(layout[0], layout[1], *expected)


def test_a_layer_too_small_for_the_picture_is_an_error() -> None:
    layout = Layout("channels_first", 96, 7, 7)
    with pytest.raises(LayerError, match=r"'deep' cannot carry a map.*40×30.*\(96×1×1\)"):
        layout_at(layout, "deep", torch.zeros(1, 96, 1, 1), (30, 40))
    found = layout_at(layout, "deep", torch.zeros(1, 96, 2, 3), (60, 90))
    assert found == Layout("channels_first", 96, 2, 3)


@pytest.mark.parametrize("picture", [(64, 96), (101, 67), (48, 48)])
def test_a_vision_transformer_at_other_sizes(picture: tuple[int, int]) -> None:
    """The layout learned at the usual size is right at another, place by place."""
    model = VisionTransformer(
        img_size=80,
        patch_size=16,
        embed_dim=24,
        depth=2,
        num_heads=2,
        num_classes=3,
        reg_tokens=4,
        dynamic_img_size=True,
        dynamic_img_pad=True,
    ).eval()
    known = survey(model, (80, 80))
    layout = known.layers[known.order["blocks.0"]].layout
    assert layout == Layout("tokens", 24, 5, 5, prefix=5)
    captured: list[torch.Tensor] = []
    patches: list[torch.Tensor] = []
    model.blocks[0].register_forward_pre_hook(lambda _, given: captured.append(given[0]))
    model.patch_embed.proj.register_forward_hook(lambda *given: patches.append(given[2]))
    model.pos_embed.data.zero_()
    with torch.no_grad():
        model(torch.rand(2, 3, *picture, generator=torch.Generator().manual_seed(2)))
    found = layout_at(layout, "blocks.0", captured[0], picture)
    torch.testing.assert_close(found.to_grid(captured[0]), patches[0])
