"""A map with something in it for one network of every family of timm."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch
from torch import nn

from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import quiet_mode
from reportgen.layers import default_layers, survey
from reportgen.methods import METHODS
from reportgen.models import ModelRequest, load_model, timm_source
from reportgen.targets import TopClasses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reportgen.layers import DefaultLayers, Layout
    from reportgen.values import ClassMap

QUICK = ("test_vit", "test_convnext", "test_coatnet", "test_mambaout")
"""Small enough for every run: tokens, channels first, attention in windows, channels last."""

FAMILIES: dict[str, str] = {
    "beit": "beit_base_patch16_224",
    "byoanet": "halonet_h1",
    "byobnet": "test_byobnet",
    "cait": "cait_xxs24_224",
    "coat": "coat_tiny",
    "convit": "convit_tiny",
    "convmixer": "convmixer_768_32",
    "convnext": "test_convnext",
    "cpubone": "cpubone_nano",
    "crossvit": "crossvit_tiny_240",
    "csatv2": "csatv2",
    "cspnet": "cs3darknet_focus_s",
    "cspnext": "cspnext_tiny",
    "davit": "davit_tiny",
    "deepseek_vit": "deepseek_vit_412m",
    "deit": "deit_tiny_patch16_224",
    "densenet": "densenet121",
    "dla": "dla46x_c",
    "dpn": "dpn48b",
    "edgenext": "edgenext_xx_small",
    "efficientformer": "efficientformer_l1",
    "efficientformer_v2": "efficientformerv2_s0",
    "efficientnet": "test_efficientnet",
    "efficientvim": "efficientvim_m1",
    "efficientvit_mit": "efficientvit_b0",
    "efficientvit_msra": "efficientvit_m0",
    "eva": "vit_tiny_patch16_dinov3_qkvb",
    "fasternet": "fasternet_t0",
    "fastvit": "fastvit_t8",
    "focalnet": "focalnet_tiny_srf",
    "gcvit": "gcvit_xxtiny",
    "gemma4_vit": "gemma4_vit_167m",
    "ghostnet": "ghostnet_050",
    "hardcorenas": "hardcorenas_b",
    "hgnet": "hgnetv2_b0",
    "hiera": "hiera_tiny_224",
    "hieradet_sam2": "sam2_hiera_tiny",
    "hrnet": "hrnet_w18_small",
    "iformer": "iformer_t",
    "inception_next": "inception_next_atto",
    "inception_resnet_v2": "inception_resnet_v2",
    "inception_v3": "inception_v3",
    "inception_v4": "inception_v4",
    "lcnetv2": "lcnetv2_small",
    "levit": "levit_128s",
    "lowformer": "lowformer_b0",
    "mambaout": "test_mambaout",
    "maxxvit": "test_coatnet",
    "metaformer": "poolformerv2_s12",
    "mlp_mixer": "gmlp_ti16_224",
    "mobilenetv3": "mobilenetv3_small_050",
    "mobilenetv5": "mobilenetv5_base",
    "mobilevit": "mobilevit_xxs",
    "mvitv2": "mvitv2_tiny",
    "naflexvit": "naflexvit_base_patch16_parfac_gap",
    "nasnet": "nasnetalarge",
    "nest": "nest_tiny",
    "nextvit": "nextvit_small",
    "nfnet": "test_nfnet",
    "pit": "pit_ti_224",
    "pnasnet": "pnasnet5large",
    "pvt_v2": "pvt_v2_b0",
    "qwen3_vit": "qwen3_vit_88m",
    "rdnet": "rdnet_tiny",
    "regnet": "regnetx_002",
    "repghost": "repghostnet_050",
    "repvit": "repvit_m1",
    "res2net": "res2next50",
    "resnest": "resnest14d",
    "resnet": "test_resnet",
    "resnetv2": "resnetv2_18",
    "rexnet": "rexnet_100",
    "selecsls": "selecsls42",
    "senet": "legacy_seresnet18",
    "sequencer": "sequencer2d_s",
    "shvit": "shvit_s1",
    "sknet": "skresnet18",
    "starnet": "starnet_s050",
    "swiftformer": "swiftformer_xs",
    "swin_transformer": "swin_tiny_patch4_window7_224",
    "swin_transformer_v2": "swinv2_tiny_window16_256",
    "swin_transformer_v2_cr": "swinv2_cr_tiny_224",
    "tiny_vit": "tiny_vit_5m_224",
    "tnt": "tnt_s_legacy_patch16_224",
    "tresnet": "tresnet_m",
    "twins": "twins_svt_small",
    "vgg": "vgg11",
    "visformer": "visformer_tiny",
    "vision_transformer": "test_vit",
    "vision_transformer_hybrid": "vit_tiny_r_s16_p8_224",
    "vision_transformer_relpos": "test_vit_relpos",
    "vision_transformer_sam": "samvit_base_patch16_224",
    "vitamin": "vitamin_small_224",
    "volo": "volo_d1_224",
    "vovnet": "ese_vovnet19b_slim_dw",
    "xception": "legacy_xception",
    "xception_aligned": "xception41p",
    "xcit": "xcit_nano_12_p8_224",
}
"""Module of timm → its smallest network."""

SMALLER: dict[str, dict[str, Any]] = {
    "beit_base_patch16_224": {"depth": 4},
    "deepseek_vit_412m": {"depth": 2, "embed_dim": 64, "num_heads": 2, "img_size": 126},
    "gemma4_vit_167m": {"depth": 2, "embed_dim": 64, "num_heads": 2},
    "naflexvit_base_patch16_parfac_gap": {"depth": 4},
    "qwen3_vit_88m": {"depth": 2, "embed_dim": 64, "num_heads": 2},
    "samvit_base_patch16_224": {"depth": 4},
}
"""Options of their builders for those whose smallest network takes many seconds."""

SIZES: dict[str, int] = {
    "deepseek_vit_412m": 126,
    "gemma4_vit_167m": 192,
    "mobilenetv5_base": 128,
    "nasnetalarge": 128,
    "pnasnet5large": 128,
    "qwen3_vit_88m": 192,
    "sam2_hiera_tiny": 224,
    "vgg11": 64,
}
"""Side of the picture where less than the usual one will do."""


def maps_of(
    name: str, side: int | None = None
) -> tuple[DefaultLayers, list[Layout], list[ClassMap]]:
    """Return the default layers, their layouts and the maps of a network with random weights."""
    loaded = load_model(ModelRequest(f"timm:{name}", weights="none"))
    width, height = (side, side) if side else loaded.preprocessing.crop or (224, 224)
    known = survey(loaded.module, (height, width))
    defaults = default_layers(known, loaded.architecture)
    layouts = {
        layer.name: layer.layout
        for layer in known.layers
        if layer.name in {defaults.last, *defaults.stages} and layer.layout is not None
    }
    plan = Attribution(
        targets=(TopClasses(1),),
        methods=(
            (METHODS["grad-cam"], (defaults.last,)),
            (METHODS["layer-cam"], defaults.stages),
        ),
        layouts=layouts,
        categories=loaded.categories,
        top_k=1,
    )
    _calibrate(loaded.module, (height, width))
    picture = torch.randn((1, 3, height, width), generator=torch.Generator().manual_seed(1))
    with quiet_mode(loaded.module):
        (found,) = explain_batch(loaded.module, picture, plan)
    return defaults, list(layouts.values()), list(found.targets[0].maps)


def _calibrate(model: nn.Module, size: tuple[int, int]) -> None:
    """Let batch normalisations normalise, or signals die on the way through untrained layers."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn((2, 3, *size), generator=torch.Generator().manual_seed(2)))
    model.eval()


def check(name: str, side: int | None = None) -> None:
    defaults, layouts, maps = maps_of(name, side)
    shapes = {layout.grid for layout in layouts}
    assert [item.layer for item in maps] == [defaults.last, *defaults.stages]
    for item in maps:
        assert torch.isfinite(torch.from_numpy(item.values)).all()
        assert item.values.min() >= 0
        assert item.values.shape in shapes
        assert item.values.size > 1
    assert any(item.peak > 0 for item in maps if item.method == "layer-cam")
    assert maps[-1].peak > 0, "the deepest Layer-CAM map is empty"


@pytest.fixture
def _smaller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Build the network of this test with the options in `SMALLER`."""
    name = request.getfixturevalue("name")
    make = timm_source._make
    options = SMALLER.get(name, {})
    monkeypatch.setattr(
        timm_source, "_make", lambda asked, **others: make(asked, **{**others, **options})
    )
    yield
    gc.collect()  # the largest have hundreds of megabytes of weights


@pytest.mark.slow
def test_no_family_is_left_out() -> None:
    """A new version of timm may bring new ones: add their smallest network."""
    missing = set(timm.list_modules()) - FAMILIES.keys()
    assert missing <= {module for module in missing if not timm.list_models(module=module)}


@pytest.mark.slow
@pytest.mark.usefixtures("_smaller")
@pytest.mark.parametrize("name", FAMILIES.values(), ids=FAMILIES.keys())
def test_default_maps_of_every_family(name: str) -> None:
    check(name, SIZES.get(name))


@pytest.mark.parametrize("name", QUICK)
def test_default_maps_of_the_smallest(name: str) -> None:
    check(name)
