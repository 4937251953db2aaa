"""Maps from Python."""

from __future__ import annotations

import doctest
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from nets import ConvNet

import reportgen
from reportgen import api, explain
from reportgen.recipe import IMAGENET
from reportgen.values import Preprocessing

IMAGES = Path(__file__).parents[2] / "images"
TINY = Preprocessing(8, (8, 8), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bilinear")


def pixels(
    seed: int = 0, size: tuple[int, int] = (10, 12)
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_the_examples_in_the_docstring_hold() -> None:
    assert doctest.testmod(api).failed == 0
    assert doctest.testmod(api).attempted >= 6


def test_files_and_arrays_are_the_same(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), pixels()[:, :, ::-1])
    model = ConvNet(inplace=True).train()
    from_file, from_array = explain(
        model, [tmp_path / "a.png", pixels()], recipe=TINY, targets=["0", "top1"]
    )
    assert (from_file.name, from_array.name) == ("a.png", "image 1")
    assert from_file.predictions == from_array.predictions
    for one, other in zip(from_file.targets, from_array.targets, strict=True):
        assert one.target == other.target
        for mine, its in zip(one.maps, other.maps, strict=True):
            np.testing.assert_array_equal(mine.values, its.values)
    assert model.training, "the network is left as it was"


def test_the_same_maps_as_in_a_report(tmp_path: Path) -> None:
    """A report's saved maps, drawn again, are its overlays."""
    from reportgen.models import ModelRequest, load_model  # noqa: PLC0415 - torch models
    from reportgen.options import BuildOptions, ModelOptions  # noqa: PLC0415
    from reportgen.pipeline import build  # noqa: PLC0415
    from reportgen.progress import Silent  # noqa: PLC0415

    network = ModelOptions(model="squeezenet1_1", weights="none", seed=3)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cat.jpg").write_bytes((IMAGES / "cat.jpg").read_bytes())
    build(
        BuildOptions(
            images=tmp_path / "in",
            output=tmp_path / "out",
            network=network,
            save_maps=True,
            save_overlays=True,
        ),
        Silent(),
    )
    loaded = load_model(ModelRequest("squeezenet1_1", weights="none", seed=3))
    (found,) = explain(
        loaded.module,
        IMAGES / "cat.jpg",
        recipe=loaded.preprocessing,
        categories=loaded.categories,
        architecture=loaded.architecture,
    )
    (file,) = (tmp_path / "out" / "maps").glob("*.npz")
    overlays = {
        path.name.split("__")[2] + "/" + path.name.split("__")[3]: path
        for path in (tmp_path / "out" / "overlays").iterdir()
        if "original" not in path.name
    }
    with np.load(file) as saved:
        assert len(saved.files) == 1 + len(found.targets[0].maps)
        for raw in found.targets[0].maps:
            key = f"{raw.method}/{raw.layer}/{found.targets[0].target.name}"
            np.testing.assert_allclose(saved[key], raw.values, rtol=1e-4, atol=1e-7)
            drawn = cv2.imread(str(overlays[f"{raw.method}/{raw.layer}"]))
            assert drawn is not None
            difference = np.abs(drawn[:, :, ::-1].astype(int) - found.overlay(raw).astype(int))
            assert difference.max() <= 2


def test_pictures_at_their_own_size_and_a_map_without_evidence() -> None:
    own = Preprocessing(None, None, (0, 0, 0), (1, 1, 1), "bilinear", mode="none")
    model = ConvNet(inplace=True)
    small, large = explain(model, [pixels(1, (40, 32)), pixels(2, (64, 48))], recipe=own)
    assert small.view.shape == (40, 32, 3)
    assert large.view.shape == (64, 48, 3)
    raw = small.targets[0].maps[0]
    nothing = replace(raw, values=np.zeros_like(raw.values))
    np.testing.assert_array_equal(small.overlay(nothing), small.view)
    assert not np.array_equal(small.overlay(replace(raw, values=raw.values + 1)), small.view)


def test_pixels_of_another_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="image 0: pixels of shape"):
        explain(ConvNet(inplace=True), pixels().astype(np.float32), recipe=TINY)


def test_public_names() -> None:
    for name in reportgen.__all__:
        assert getattr(reportgen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = reportgen.nothing
    assert IMAGENET.crop == (224, 224)


def test_the_version_costs_no_torch() -> None:
    script = "import sys, reportgen; reportgen.__version__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_examples_in_the_documentation_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(IMAGES.parent)
    result = doctest.testfile("docs/python.md", module_relative=False)
    assert result.attempted >= 10
    assert result.failed == 0
