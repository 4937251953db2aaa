"""Smoothing, fusion and the way around a pooling's grid, over a whole batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from nets import ConvNet
from torch import nn

from reportgen import overlay
from reportgen.attribution import Attribution, Fusion, Reducer, explain_batch
from reportgen.capture import quiet_mode
from reportgen.combining import FUSED, explain, fusion_info
from reportgen.layers import Layout, reducer_after, stride_after, survey
from reportgen.layers.surroundings import norm_follows
from reportgen.methods import METHODS
from reportgen.methods.degrid import checkerboard_energy
from reportgen.methods.guided import guided_grad_cam, guided_gradient
from reportgen.targets import ClassGroup, FixedClass, TopClasses

PLAN = Attribution(
    targets=(TopClasses(1), ClassGroup("two", (0, 2))),
    methods=((METHODS["grad-cam"], ("norm",)), (METHODS["layer-cam"], ("conv1", "norm"))),
    layouts={
        "conv1": Layout("channels_first", 4, 8, 8),
        "norm": Layout("channels_first", 5, 4, 4),
    },
    categories=("a", "b", "c"),
    top_k=1,
)


def pictures(count: int = 3) -> torch.Tensor:
    return torch.rand((count, 3, 8, 8), generator=torch.Generator().manual_seed(1))


def test_smoothed_maps_are_means_over_changed_pictures() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model):
        plain = explain_batch(model, pictures(), PLAN)
        smooth = explain(model, pictures(), replace(PLAN, smooth=True))
        for row, (one, other) in enumerate(zip(plain, smooth, strict=True)):
            for number, item in enumerate(one.targets):
                spec = (
                    ClassGroup(item.target.name, item.target.classes)
                    if item.target.is_group
                    else FixedClass(item.target.classes[0])
                )
                fixed = replace(PLAN, targets=(spec,))
                expected = []
                for factor in (0.9, 1.0, 1.1):
                    for flip in (False, True):
                        changed = pictures()[row : row + 1] * factor
                        changed = changed.flip(-1) if flip else changed
                        (found,) = explain_batch(model, changed, fixed)
                        values = [raw.values for raw in found.targets[0].maps]
                        expected.append([v[:, ::-1] if flip else v for v in values])
                for place, raw in enumerate(other.targets[number].maps):
                    mean = np.mean([values[place] for values in expected], axis=0)
                    np.testing.assert_allclose(raw.values, mean, atol=1e-5)
                assert other.targets[number].target == item.target


def test_a_fused_map_is_the_largest_of_its_layers() -> None:
    model = ConvNet(inplace=True)
    plan = replace(PLAN, fusion=Fusion(None))
    with quiet_mode(model):
        found = explain(model, pictures(), plan)
    for one in found:
        for item in one.targets:
            methods = [raw.method for raw in item.maps]
            assert methods == ["grad-cam", "layer-cam", "layer-cam", FUSED]
            shallow, deep, fused = item.maps[1:]
            if shallow.peak <= 0 or deep.peak <= 0:
                continue
            assert fused.values.shape == (8, 8)
            assert fused.peak <= 1 + 1e-6
            assert (fused.values >= shallow.values / shallow.peak - 1e-6).all()
    info = fusion_info(plan)
    assert info is not None
    assert info.layers == ("2 layers",)
    assert fusion_info(PLAN) is None
    scaled = fusion_info(replace(plan, fusion=Fusion(2.0)))
    assert scaled is not None
    assert "tanh(2·M)" in scaled.formula


class Pooled(nn.Module):
    """A shallow convolution with a pooling right behind its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(8, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.features(inputs).mean(dim=(2, 3)))
        return found


def test_what_takes_a_layers_output() -> None:
    known = survey(Pooled(), (32, 32))
    convolution = known.modules["features.3"]
    assert reducer_after("features.0", known) == ("features.2", True, None)
    assert reducer_after("features.1", known) == ("features.2", False, None)
    assert reducer_after("features.2", known) == ("features.3", False, convolution)
    assert reducer_after("features.3", known) is None, "a BatchNorm reduces nothing"
    assert stride_after("features.0", known) == 2
    assert stride_after("features.2", known) == 2
    assert stride_after("features.5", known) == 1
    assert norm_follows("features.3", known)
    assert not norm_follows("features.0", known)


def test_the_grid_of_a_pooling_is_gone() -> None:
    model = Pooled().eval()
    known = survey(model, (32, 32))
    layouts = {
        name: known.layers[known.order[name]].layout for name in ("features.0", "features.2")
    }
    plan = Attribution(
        targets=(FixedClass(1),),
        methods=((METHODS["layer-cam"], ("features.0",)),),
        layouts={name: layout for name, layout in layouts.items() if layout is not None},
        categories=("a", "b"),
        top_k=1,
    )
    smooth_picture = torch.linspace(0, 1, 32).expand(1, 3, 32, 32).contiguous()
    with quiet_mode(model):
        (plain,) = explain_batch(model, smooth_picture, plan)
        around = replace(plan, degrid={"features.0": Reducer("features.2", rectified=True)})
        (free,) = explain_batch(model, smooth_picture, around)
    before = checkerboard_energy(plain.targets[0].maps[0].values)
    after = checkerboard_energy(free.targets[0].maps[0].values)
    assert before > 0.2
    assert after < before / 4


class Strided(nn.Module):
    """A convolution whose output a strided one takes; with ``twice``, and not it alone."""

    def __init__(self, *, twice: bool = False) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(6, 8, 3, padding=1, stride=2)
        self.head = nn.Linear(8, 2)
        self.twice = twice

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        first = self.relu(self.first(inputs))
        second = self.second(first).relu().mean(dim=(2, 3))
        found: torch.Tensor = self.head(second)
        return found + first.mean() if self.twice else found


def test_the_grid_of_a_stride_is_gone_where_the_stride_is_all_that_follows() -> None:
    picture = torch.linspace(0, 1, 32).expand(1, 3, 32, 32).contiguous()
    energies = []
    for twice in (False, True):
        model = Strided(twice=twice).eval()
        known = survey(model, (32, 32))
        reducer = reducer_after("first", known)
        assert reducer == ("second", True, model.second)
        layouts = {name: known.layers[known.order[name]].layout for name in ("first", "second")}
        plan = Attribution(
            targets=(FixedClass(1),),
            methods=((METHODS["layer-cam"], ("first",)),),
            layouts={name: layout for name, layout in layouts.items() if layout is not None},
            categories=("a", "b"),
            top_k=1,
        )
        with quiet_mode(model):
            (plain,) = explain_batch(model, picture, plan)
            degrid = {"first": Reducer(*reducer)}
            (free,) = explain_batch(model, picture, replace(plan, degrid=degrid))
        maps = [one.targets[0].maps[0].values for one in (plain, free)]
        energies.append([checkerboard_energy(values) for values in maps])
        assert np.array_equal(maps[0], maps[1]) is twice, "another way past it: the gradient stays"
    before, after = energies[0]
    assert before > 0.1
    assert after < before / 4


def test_guided_grad_cam_is_the_guided_gradient_under_the_map() -> None:
    model = Pooled().eval()
    known = survey(model, (32, 32))
    layout = known.layers[known.order["features.5"]].layout
    assert layout is not None
    plan = Attribution(
        targets=(FixedClass(1), ClassGroup("both", (0, 1))),
        methods=((METHODS["grad-cam"], ("features.5",)),),
        layouts={"features.5": layout},
        categories=("a", "b"),
        top_k=1,
        guided=True,
    )
    inputs = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(2))
    with quiet_mode(model):
        found = explain(model, inputs, plan)
        gradient = guided_gradient(model, inputs, lambda logits: logits[:, 1].sum())
    for row, one in enumerate(found):
        item = one.targets[0]
        assert item.guided is not None
        cam = torch.from_numpy(item.maps[0].values)[None]
        expected = guided_grad_cam(gradient[row : row + 1], cam)[0].numpy()
        np.testing.assert_allclose(item.guided, expected, atol=1e-6)
        assert one.targets[1].guided is not None


def test_guided_pixels_are_grey_where_there_is_nothing() -> None:
    values = np.zeros((3, 4, 4), dtype=np.float32)
    assert (overlay.guided_pixels(values, "rgb") == 128).all()
    values[0, 1, 1] = 5.0
    values[2, 2, 2] = -5.0
    drawn = overlay.guided_pixels(values, "rgb")
    assert drawn[1, 1].tolist() == [255, 128, 128]
    assert drawn[2, 2].tolist() == [128, 128, 0]
    assert overlay.guided_pixels(values, "bgr")[1, 1].tolist() == [128, 128, 255]
