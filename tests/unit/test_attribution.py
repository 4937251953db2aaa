"""From a batch to raw maps: one forward, one backward per target, each picture its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from nets import ConvNet, Linear2

from reportgen.attribution import Attribution, explain_batch
from reportgen.capture import Capture, quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS
from reportgen.targets import ClassGroup, FixedClass, TargetSpec, TopClasses, TrueLabel

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
    for raw in explanation.targets[0].maps:
        np.testing.assert_allclose(raw.values, (red + 0.5 * 2 * red) / 64, rtol=1e-5)
        assert raw.peak == pytest.approx(float(red.max()) * 2 / 64)
    assert explanation.targets[1].target.name == "against"
    for raw in explanation.targets[1].maps:
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
        target, first = explanation.targets[0].target, explanation.predictions[0]
        assert (target.rank, target.classes, target.name) == (1, (first.index,), first.category)
        assert (target.logit, target.probability) == (first.logit, first.probability)


def test_order_of_the_maps() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        (found,) = explain_batch(model, pictures(1), plan_for(FixedClass(2), FixedClass(0)))
    assert [
        (item.target.classes, raw.method, raw.layer) for item in found.targets for raw in item.maps
    ] == [
        ((target,), method, layer)
        for target in (2, 0)
        for method, layer in (("grad-cam", "norm"), ("layer-cam", "conv1"), ("layer-cam", "norm"))
    ]
    shallow = found.targets[0].maps[1]
    assert shallow.activation_shape == (4, 8, 8)
    assert shallow.values.shape == (8, 8)
    assert shallow.values.dtype == np.float32


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
        for left, right in zip(one.targets, other.targets, strict=True):
            assert left.target.classes == right.target.classes
            for mine, its in zip(left.maps, right.maps, strict=True):
                np.testing.assert_allclose(mine.values, its.values, atol=1e-5)


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
    assert any(raw.values.any() for raw in found.targets[0].maps)


def test_a_group_is_the_logsumexp_of_its_logits() -> None:
    """Its maps are those of a network with one more class whose logit is that logsumexp."""
    model = ConvNet(inplace=True)
    group = ClassGroup("two", (0, 2))
    with quiet_mode(model):
        logits = model(pictures(2)).detach()
        found = explain_batch(model, pictures(2), plan_for(group, FixedClass(1)))
        for row, explanation in enumerate(found):
            target = explanation.targets[0].target
            assert (target.name, target.classes, target.rank) == ("two", (0, 2), None)
            expected = torch.log(logits[row, 0].exp() + logits[row, 2].exp())
            assert target.logit == pytest.approx(float(expected), rel=1e-5)
            share = logits[row].softmax(dim=0)
            assert target.probability == pytest.approx(float(share[0] + share[2]), rel=1e-5)
            # d logsumexp = Σ softmax within the group · d logit, so gradients mix like this.
            with torch.enable_grad(), Capture(model, ["norm"]) as capture:
                outcome = model(pictures(2))
                inner = outcome[row, [0, 2]].detach().softmax(dim=0)
                score = (inner * outcome[row, [0, 2]]).sum()
                gradient = capture.gradients(score, keep_graph=False)["norm"][row : row + 1]
                expected_map = GRAD_CAM.compute(
                    capture.activations["norm"][row : row + 1].detach(), gradient
                )
            np.testing.assert_allclose(
                explanation.targets[0].maps[0].values, expected_map[0].numpy(), atol=1e-6
            )


def test_targets_of_several_kinds_cost_one_forward() -> None:
    model = ConvNet(inplace=True)
    forwards: list[int] = []
    model.conv1.register_forward_hook(lambda *_: forwards.append(1))
    specs = (TopClasses(2), ClassGroup("two", (0, 2)), TrueLabel())
    with quiet_mode(model):
        found = explain_batch(model, pictures(3), plan_for(*specs), [0, None, 2])
    assert len(forwards) == 1
    assert [item.label_rank is None for item in found] == [False, True, False]
    for label, explanation in zip((0, None, 2), found, strict=True):
        asked = [item.target.classes for item in explanation.targets if not item.target.is_group]
        assert label is None or (label,) in asked


def test_rank_of_the_true_class() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        (found,) = explain_batch(model, pictures(1), plan_for(TopClasses(1)), [1])
        order = model(pictures(1))[0].argsort(descending=True).tolist()
    assert found.label_rank == order.index(1) + 1


def test_feature_maps_are_what_the_layer_gave() -> None:
    model = ConvNet(inplace=True)
    plan = replace(plan_for(FixedClass(0), FixedClass(1)), features=("conv1",))
    kept: list[torch.Tensor] = []
    gradients: list[torch.Tensor] = []
    with quiet_mode(model):
        found = explain_batch(model, pictures(2), plan)
        with torch.enable_grad(), Capture(model, ["conv1"]) as capture:
            logits = model(pictures(2))
            kept.append(capture.activations["conv1"].detach().clone())
            for target in (0, 1):
                score = logits[:, target].sum()
                gradients.append(capture.gradients(score, keep_graph=True)["conv1"])
    for row, explanation in enumerate(found):
        (features,) = explanation.features
        assert features.layer == "conv1"
        np.testing.assert_allclose(features.values, kept[0][row].numpy(), atol=1e-6)
        for weights, gradient in zip(features.weights, gradients, strict=True):
            np.testing.assert_allclose(weights, gradient[row].mean(dim=(1, 2)), atol=1e-7)


def test_pictures_of_another_size() -> None:
    """A layout learned at one size is read anew at another."""
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        (found,) = explain_batch(model, torch.rand((1, 3, 12, 20)), plan_for(FixedClass(0)))
    assert [raw.values.shape for raw in found.targets[0].maps] == [(6, 10), (12, 20), (6, 10)]
