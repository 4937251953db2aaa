"""From a batch to raw maps: one forward, one backward per target, each picture its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nets import ConvNet, Linear2

from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS
from reportgen.targets import FixedClass, TargetSpec, TopClasses

GRAD_CAM, LAYER_CAM = METHODS["grad-cam"], METHODS["layer-cam"]


def plan_for(*targets: TargetSpec, classes: int = 3) -> Attribution:
    return Attribution(
        targets=targets,
        methods=((GRAD_CAM, ("norm",)), (LAYER_CAM, ("conv1", "norm"))),
        layouts={
            "conv1": Layout("channels_first", 4, 8, 8),
            "norm": Layout("channels_first", 5, 4, 4),
        },
        categories=tuple(f"class {index}" for index in range(classes)),
        top_k=2,
    )


def pictures(count: int) -> torch.Tensor:
    return torch.rand((count, 3, 8, 8), generator=torch.Generator().manual_seed(1))


def test_maps_in_closed_form() -> None:
    model = Linear2([[1.0, 0.5], [-1.0, 0.0]])
    plan = Attribution(
        targets=(FixedClass(0), FixedClass(1)),
        methods=((GRAD_CAM, ("conv",)), (LAYER_CAM, ("conv",))),
        layouts={"conv": Layout("channels_first", 2, 8, 8)},
        categories=("for", "against"),
        top_k=1,
    )
    with quiet_mode(model):
        (explanation,) = explain_batch(model, pictures(1), plan)
    red = pictures(1)[0, 0].numpy()
    for raw in explanation.maps[:2]:
        np.testing.assert_allclose(raw.values, (red + 0.5 * 2 * red) / 64, rtol=1e-5)
        assert raw.peak == pytest.approx(float(red.max()) * 2 / 64)
    for raw in explanation.maps[2:]:
        assert raw.target == 1
        assert not raw.values.any(), "nothing speaks for a class with negative weights only"


def test_predictions_are_the_softmax_of_the_logits() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        logits = model(pictures(2)).detach().numpy().astype(np.float64)
        found = explain_batch(model, pictures(2), plan_for(TopClasses(1)))
    for row, explanation in zip(logits, found, strict=True):
        best = np.argsort(-row)[:2]
        assert [item.index for item in explanation.predictions] == best.tolist()
        share = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        assert explanation.predictions[0].probability == pytest.approx(share[best[0]], rel=1e-5)
        assert explanation.predictions[0].logit == pytest.approx(row[best[0]], rel=1e-5)
        assert explanation.targets[0].rank == 1
        assert explanation.targets[0].prediction == explanation.predictions[0]


def test_order_of_the_maps() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        (found,) = explain_batch(model, pictures(1), plan_for(FixedClass(2), FixedClass(0)))
    assert [(raw.target, raw.method, raw.layer) for raw in found.maps] == [
        (target, method, layer)
        for target in (2, 0)
        for method, layer in (("grad-cam", "norm"), ("layer-cam", "conv1"), ("layer-cam", "norm"))
    ]
    assert found.maps[1].activation_shape == (4, 8, 8)
    assert found.maps[1].values.shape == (8, 8)
    assert found.maps[1].values.dtype == np.float32


def test_a_picture_in_a_batch_has_the_maps_that_it_has_alone() -> None:
    model = ConvNet(inplace=True)
    # Fixed and first choices coincide for some pictures and not for others, so that the number
    # of targets differs within the batch.
    with quiet_mode(model), torch.no_grad():
        model.head.bias.sub_(model(pictures(16)).median(dim=0).values)
        first_choice = int(model(pictures(16))[0].argmax())
    plan = plan_for(FixedClass(first_choice), TopClasses(1))
    with quiet_mode(model):
        together = explain_batch(model, pictures(16), plan)
        alone = [explain_batch(model, picture[None], plan)[0] for picture in pictures(16)]
    assert {len(explanation.targets) for explanation in together} == {1, 2}
    for one, other in zip(together, alone, strict=True):
        assert [raw.target for raw in one.maps] == [raw.target for raw in other.maps]
        for left, right in zip(one.maps, other.maps, strict=True):
            np.testing.assert_allclose(left.values, right.values, atol=1e-5)


def test_many_targets_cost_one_forward() -> None:
    model = ConvNet(inplace=True)
    forwards: list[int] = []
    backwards: list[int] = []
    model.conv1.register_forward_hook(lambda *_: forwards.append(1))
    model.conv2.register_full_backward_hook(lambda *_: backwards.append(1))
    with quiet_mode(model):
        explain_batch(model, pictures(4), plan_for(TopClasses(3)))
    assert len(forwards) == 1
    assert len(backwards) == 3


def test_works_where_gradients_are_switched_off() -> None:
    model = ConvNet(inplace=True)
    with torch.no_grad(), quiet_mode(model):
        (found,) = explain_batch(model, pictures(1), plan_for(FixedClass(0)))
    assert any(raw.values.any() for raw in found.maps)
