"""timm's registry as a source: names, recipes, class names, and weights that cannot be had."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import huggingface_hub
import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants
from huggingface_hub.utils.tqdm import are_progress_bars_disabled
from PIL import Image
from safetensors.torch import save_file
from timm import data
from timm.models import get_pretrained_cfg

from reportgen.decode import decode
from reportgen.errors import ModelError, ModelUnavailableError
from reportgen.models import ModelRequest, load_model, timm_source
from reportgen.models.source import hash_weights
from reportgen.models.timm_source import TimmSource, categories, preprocessing
from reportgen.models.torchvision_source import imagenet_categories
from reportgen.preprocess import preprocess
from reportgen.values import ImageFile

if TYPE_CHECKING:
    from pathlib import Path


def test_names_with_and_without_a_source_and_a_tag() -> None:
    names = TimmSource().names()
    assert {"resnet50", "resnet50.a1_in1k", "vit_base_patch16_224"} <= set(names)
    tagged = load_model(ModelRequest("timm:test_vit.r160_in1k", weights="none"))
    assert (tagged.info.source, tagged.info.name) == ("timm", "test_vit.r160_in1k")
    assert tagged.architecture == "test_vit"
    assert tagged.info.architecture == "timm test_vit"
    bare = load_model(ModelRequest("test_vit", weights="none"))
    assert bare.info.source == "timm"
    assert bare.info.weights_sha256 == tagged.info.weights_sha256
    assert not bare.module.training
    assert load_model(ModelRequest("resnet18", weights="none")).info.source == "torchvision"
    with pytest.raises(ModelError, match="Did you mean 'test_vit"):
        load_model(ModelRequest("timm:test_wit", weights="none"))


def test_listings_tell_what_is_known_without_building() -> None:
    rows = {row.name: row for row in TimmSource().listings()}
    assert len(rows) == len(timm.list_models())
    row = rows["test_vit"]
    assert (row.source, row.input_size, row.parameters, row.accuracy) == ("timm", "160", "–", "–")
    assert row.weights == "download"
    assert rows["nfnet_f7"].weights == "none published"
    assert rows["vit_base_patch14_dinov2"].weights == "download, no classifier"
    assert rows["vit_base_patch16_sapiens2"].input_size == "768×1024"


@pytest.mark.parametrize(
    "name",
    [
        "resnet50.a1_in1k",  # crop_pct 0.95: 235.8 px
        "vit_base_patch16_224.augreg_in21k_ft_in1k",  # 0.9, mean and std of its own
        "tf_efficientnet_b0.ns_jft_in1k",  # 0.875 bicubic
        "inception_v3.tv_in1k",  # 299, bicubic
        "mobilevit_s.cvnets_in1k",  # mean 0, std 1
        "convnext_tiny.in12k_ft_in1k_384",  # squash
    ],
)
@pytest.mark.parametrize("size", [(333, 500), (641, 311), (100, 90)])
def test_recipes_give_what_timms_own_transform_gives(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    config = get_pretrained_cfg(name)
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    path = tmp_path / "noise.png"
    Image.fromarray(pixels).save(path)
    transform = data.create_transform(
        **data.resolve_data_config({}, pretrained_cfg=config.to_dict())
    )
    ours = preprocess(decode(ImageFile(path, path.name)), preprocessing(config))
    expected = transform(Image.open(path))
    torch.testing.assert_close(torch.from_numpy(ours.tensor), expected, rtol=0, atol=2e-6)


def test_crop_modes_become_modes() -> None:
    assert preprocessing(get_pretrained_cfg("resnet50.a1_in1k")).resize == 235
    squash = preprocessing(get_pretrained_cfg("convnext_tiny.in12k_ft_in1k_384"))
    assert (squash.mode, squash.resize, squash.crop) == ("squash", None, (384, 384))
    border = next(
        name
        for name in timm.list_models(include_tags=True)
        if get_pretrained_cfg(name).crop_mode == "border"
    )
    assert preprocessing(get_pretrained_cfg(border)).mode == "letterbox"


def test_class_names_do_not_depend_on_the_source() -> None:
    assert categories(1000) == imagenet_categories()
    assert categories(3) == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("classes", [11221, 11821, 21841, 21842, 21843])
def test_names_of_the_larger_imagenets_are_unique(classes: int) -> None:
    names = categories(classes)
    assert len(set(names)) == len(names) == classes
    assert "goldfish, Carassius auratus" in names
    assert any(name.endswith(")") and " (n0" in name for name in names)


def test_an_untrained_head_is_awake() -> None:
    loaded = load_model(ModelRequest("timm:vit_tiny_patch16_224", weights="none"))
    assert loaded.module.get_parameter("head.weight").any()
    assert not loaded.info.trained


def test_weights_that_nobody_has_published() -> None:
    with pytest.raises(ModelUnavailableError, match=r"no weights of timm's 'nfnet_f7'.*--che"):
        load_model(ModelRequest("timm:nfnet_f7"))


def test_weights_without_a_classifier() -> None:
    with pytest.raises(ModelUnavailableError, match=r"has no classifier.*--checkpoint FILE"):
        load_model(ModelRequest("timm:vit_small_patch14_dinov2"))
    loaded = load_model(ModelRequest("timm:vit_small_patch14_dinov2", weights="none"))
    assert loaded.info.classes == 1000


def refuse(*_: object, **__: object) -> None:
    raise ConnectionError("[Errno -2] Name or service not known")


def test_a_download_without_a_network_fails_at_once_and_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not after the Hub's own retries, which take most of a minute."""
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refuse)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("tried to download"))
    with pytest.raises(ModelUnavailableError) as raised:
        load_model(ModelRequest("timm:test_vit"))
    text = str(raised.value)
    assert "could not be fetched from timm/test_vit.r160_in1k" in text
    assert "([Errno -2] Name or service not known)" in text
    for way_out in ("--checkpoint FILE", "--model efficientnet_lite0", "--weights none"):
        assert way_out in text
    assert capfd.readouterr().err == ""


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of `test_vit`'s files in a cache of the Hub's of its own, offline."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--timm--test_vit.r160_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    files = repository / "snapshots" / ("0" * 40)
    files.mkdir(parents=True)
    return files


def test_default_weights_are_loaded_as_timm_loads_them(hub_cache: Path) -> None:
    torch.manual_seed(77)
    trained = timm.create_model("test_vit")
    save_file(trained.state_dict(), hub_cache / "model.safetensors")
    loaded = load_model(ModelRequest("timm:test_vit", show_progress=False))
    assert loaded.info.trained
    assert loaded.info.weights_sha256 == hash_weights(trained)
    assert loaded.info.weights == "timm test_vit.r160_in1k (timm/test_vit.r160_in1k)"


@pytest.mark.usefixtures("hub_cache")
def test_the_users_offline_switch_is_kept() -> None:
    with pytest.raises(ModelUnavailableError, match="HF_HUB_OFFLINE"):
        load_model(ModelRequest("timm:test_vit"))


def test_settings_of_the_hub_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def download(*_: object, **__: object) -> None:
        logging.getLogger("timm").warning("not on stderr")
        seen["level"] = logging.getLogger("huggingface_hub").level
        seen["bars"] = are_progress_bars_disabled()
        raise OSError("no room")

    before = logging.getLogger("huggingface_hub").level
    monkeypatch.setattr(timm_source, "_knock", lambda *_: None)
    monkeypatch.setattr(timm, "create_model", download)
    with pytest.raises(ModelUnavailableError, match="no room"):
        load_model(ModelRequest("timm:test_vit", show_progress=False))
    assert seen == {"level": logging.ERROR, "bars": True}
    assert logging.getLogger("huggingface_hub").level == before
    assert not are_progress_bars_disabled()
