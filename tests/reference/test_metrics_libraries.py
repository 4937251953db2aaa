"""Faithfulness metrics against grad-cam and torchcam where definitions agree, and where not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.arcc import Complexity, batch_pearson_coherency
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.metrics.perturbation_confidence import (
    PerturbationConfidenceMetric,
    RemoveLeastRelevantFirst,
    RemoveMostRelevantFirst,
)
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from torch import Tensor, nn
from torchcam.methods import GradCAM
from torchcam.metrics import ClassificationMetric, DeletionInsertionMetric

from reportgen.metrics.common import masks_of
from reportgen.metrics.confidence import Confidence, confidences
from reportgen.metrics.imputation import impute
from reportgen.metrics.perturbation import _blur_kernel, blur, perturb
from reportgen.metrics.road import road
from reportgen.metrics.shape import coherencies, complexities

if TYPE_CHECKING:
    from collections.abc import Callable

    from reportgen.values import Float32Array

TARGET = 2
SIDE = 32


@pytest.fixture(name="model")
def _model() -> nn.Module:
    torch.manual_seed(1)
    first, second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
    head = nn.Linear(128, 5)
    head.weight.data *= 20
    pooled = nn.AdaptiveAvgPool2d(4)
    layers = (first, nn.ReLU(), nn.MaxPool2d(4), second, nn.ReLU(), pooled, nn.Flatten(), head)
    return nn.Sequential(*layers).eval()


def pictures(count: int = 4) -> Tensor:
    return torch.randn((count, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(2))


def raw_maps(count: int = 4) -> list[Float32Array]:
    """Return maps of eight by eight cells, all of them different, from 0 up."""
    random = np.random.default_rng(7)
    maps = [random.permutation(64).reshape(8, 8).astype(np.float32) for _ in range(count)]
    return [values * np.float32(0.3) for values in maps]


def scorer(model: nn.Module) -> Callable[[Tensor], Tensor]:
    def score(inputs: Tensor) -> Tensor:
        probabilities: Tensor = model(inputs).softmax(dim=1)
        return probabilities[:, TARGET]

    return score


def ours(model: nn.Module, masks: Tensor) -> list[Confidence]:
    score = scorer(model)
    return [
        confidences(score, picture, mask[None], original=float(score(picture[None]).detach()))[0]
        for picture, mask in zip(pictures(), masks, strict=True)
    ]


def test_grad_cams_drop_is_ours_before_it_is_divided(model: nn.Module) -> None:
    masks = masks_of(raw_maps(), (SIDE, SIDE))
    targets = [ClassifierOutputSoftmaxTarget(TARGET)] * 4
    found = ours(model, masks)
    drop = DropInConfidence()(pictures(), masks.numpy(), targets, model)
    assert drop == pytest.approx([one.drop * one.original for one in found], abs=1e-6)
    assert drop.max() > 0.01
    assert drop.tolist() != pytest.approx([one.drop for one in found], abs=0.01)
    increase = IncreaseInConfidence()(pictures(), masks.numpy(), targets, model)
    assert increase.tolist() == [one.increased for one in found]
    assert {one.increased for one in found} == {True, False}


def extracted(
    model: nn.Module, kind: type[GradCAM] = GradCAM
) -> tuple[GradCAM, list[Float32Array]]:
    extractor = kind(model, model[4], input_shape=(3, SIDE, SIDE))  # type: ignore[index]
    # Its metrics hand the softmax to the extractor, and so measure maps of the probability.
    scores = model(pictures()).softmax(dim=1)
    (maps,) = extractor([TARGET] * 4, scores, normalized=False)
    return extractor, [values.detach().numpy() for values in maps]


class Lifted(GradCAM):
    """Grad-CAM with half of its peak added to the whole of each map."""

    def compute_cams(
        self,
        class_idx: int | list[int] | None = None,
        scores: Any = None,  # noqa: ANN401 - as the method that this is in place of
        normalized: bool = True,  # noqa: FBT001, FBT002
        **rest: Any,  # noqa: ANN401
    ) -> list[Tensor]:
        (maps,) = super().compute_cams(class_idx, scores, normalized=False, **rest)
        maps += maps.amax(dim=(1, 2), keepdim=True) / 2
        return [self._normalize(maps) if normalized else maps]


@pytest.mark.parametrize("kind", [GradCAM, Lifted])
def test_torchcam_has_the_same_drop_of_maps_that_go_down_to_zero(
    model: nn.Module, kind: type[GradCAM]
) -> None:
    extractor, maps = extracted(model, kind)
    metric = ClassificationMetric(extractor, partial(torch.softmax, dim=-1))
    metric.update(pictures(), TARGET)
    extractor.remove_hooks()
    found = ours(model, masks_of(maps, (SIDE, SIDE)))
    drop = np.mean([one.drop for one in found])
    lifted = kind is Lifted
    assert drop > 0.005
    assert all(values.min() > 0 for values in maps) == lifted
    # Of maps that do not, torchcam scales the lowest value to 0 and hides what is there.
    assert (metric.summary()["avg_drop"] == pytest.approx(drop, abs=1e-5)) != lifted
    increase = np.mean([one.increased for one in found])
    assert lifted or metric.summary()["conf_increase"] == increase


def test_torchcams_curves_are_ours_if_insertion_begins_with_the_blur(model: nn.Module) -> None:
    extractor, maps = extracted(model)
    softmax = partial(torch.softmax, dim=-1)
    metric = DeletionInsertionMetric(extractor, softmax, steps=16, baseline=blur)
    zeros = DeletionInsertionMetric(extractor, softmax, steps=16)
    for each in (metric, zeros):
        each.update(pictures(), TARGET)
    extractor.remove_hooks()
    score = scorer(model)
    deletion, insertion = [], []
    for picture, mask in zip(pictures(), masks_of(maps, (SIDE, SIDE)), strict=True):
        original = float(score(picture[None]).detach())
        (found,) = perturb(score, picture, mask[None], original=original, steps=16)
        assert found is not None
        deletion.append(found.deletion.auc)
        insertion.append(found.insertion.auc)
    # cv2 and torch interpolate with another last bit, which may swap pixels that are all but equal.
    assert zeros.summary()["deletion_auc"] == pytest.approx(np.mean(deletion), abs=2e-3)
    assert metric.summary()["insertion_auc"] == pytest.approx(np.mean(insertion), abs=2e-3)
    assert zeros.summary()["insertion_auc"] != pytest.approx(np.mean(insertion), abs=4e-3)


def test_the_blur_is_what_scipy_makes_of_a_single_pixel() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    pixel = np.zeros((11, 11))
    pixel[5, 5] = 1
    kernel = _blur_kernel().astype(np.float64)
    assert np.outer(kernel, kernel) == pytest.approx(ndimage.gaussian_filter(pixel, 5), abs=1e-7)


OLD_NUMPY = pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
"""grad-cam hands tensors to NumPy in a way that it is giving up."""


@OLD_NUMPY
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_imputed_pixels_are_those_of_the_direct_solution(share: float) -> None:
    picture = pictures(1)
    missing = torch.from_numpy(masks_of(raw_maps(1), (SIDE, SIDE)).numpy() > 1 - share)[None]
    theirs = NoisyLinearImputer(noise=0)(picture[0], (~missing[0, 0]).float())
    assert 0 < int(missing.sum()) < missing.numel()
    assert impute(picture, missing)[0].numpy() == pytest.approx(theirs.numpy(), abs=0.01)


def removed(kind: type[RemoveMostRelevantFirst], percentile: float) -> PerturbationConfidenceMetric:
    return PerturbationConfidenceMetric(kind(percentile, NoisyLinearImputer(noise=0)))


@OLD_NUMPY
@pytest.mark.parametrize("percentile", [20, 40, 60, 80])
def test_road_is_grad_cams_where_no_two_pixels_are_equal(
    model: nn.Module, percentile: float
) -> None:
    random = np.random.default_rng(1)
    # Every pixel its own value, and as far from its neighbours as 1 - x in float32 can tell.
    values = random.permutation(SIDE * SIDE).reshape(SIDE, SIDE).astype(np.float32) / 1024
    mask = torch.from_numpy(values)[None]
    (found,) = road(scorer(model), pictures(1)[0], mask, percentiles=[percentile], noise=0)
    assert found is not None
    call = (pictures(1), mask.numpy(), [ClassifierOutputSoftmaxTarget(TARGET)], model)
    most = removed(RemoveMostRelevantFirst, percentile)(*call, return_diff=False)
    least = removed(RemoveLeastRelevantFirst, percentile)(*call, return_diff=False)
    assert found.most == pytest.approx(most.tolist(), abs=1e-3)
    assert found.least == pytest.approx(least.tolist(), abs=1e-3)


def test_of_equal_pixels_grad_cam_removes_all_and_road_as_many_as_it_says() -> None:
    mask = torch.zeros(SIDE, SIDE)
    mask[0, :8] = 1
    masks: list[Tensor] = []

    def keep_mask(_: Tensor, kept: Tensor) -> Tensor:
        masks.append(kept)
        return kept

    RemoveMostRelevantFirst(80, keep_mask)(None, mask)
    assert int(masks[0].sum()) == 0


def test_complexity_and_coherency_are_grad_cams() -> None:
    masks = masks_of(raw_maps(), (SIDE, SIDE))
    assert complexities(masks) == pytest.approx(Complexity()(masks.numpy()).tolist(), abs=1e-6)
    other = raw_maps(8)[4:]
    drawn = masks_of(other, (SIDE, SIDE)).numpy()
    theirs = (batch_pearson_coherency(drawn, masks.numpy()) + 1) / 2
    assert coherencies(lambda _: other, pictures(), masks) == pytest.approx(theirs, abs=1e-5)
    # A map without evidence: their r is 0, which counts as half coherent; ours counts 0.
    nothing = np.zeros((1, 8, 8), np.float32)
    assert (batch_pearson_coherency(nothing, nothing) + 1) / 2 == [0.5]
    assert coherencies(lambda _: list(nothing), pictures(1), masks[:1]) == (0,)
