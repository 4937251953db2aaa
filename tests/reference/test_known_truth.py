"""Maps of a network that has learnt where its evidence is: the pictures know, and so must they.

A small network learns in the test to name one coloured shape on clutter. Every map of it must be
highest on the shape. Then every picture gets two shapes, one of each of two classes, and the map of
a class must be highest on its own. With its weights drawn anew the same network must fall to chance
(Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from reportgen.capture import Capture, quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS, ForwardContext

SIZE, SHAPE = 32, 9
CLASSES = ("red square", "green cross", "blue disc")
PICTURES = 200
LAYER, CELL = "features.7", 4
"""The last layer, and how many pixels one of its cells is wide."""

TELL_APART = ["grad-cam", "grad-cam++", "xgrad-cam", "hires-cam", "score-cam", "ablation-cam"]
"""Methods in which what speaks against a class takes away from what speaks for it. The others find
a shape too, but a feature that two shapes share can be stronger on the wrong one: eigen-cam knows
no class, gradient-x-activation shows what speaks against it too, layer-cam and grad-cam-elementwise
drop that before the sum, and the component of eigen-grad-cam may be either.
"""

COLOURS = torch.tensor([[1.0, 0.1, 0.1], [0.1, 1.0, 0.1], [0.1, 0.1, 1.0]])


def shapes() -> Tensor:
    """Return a mask for each class, ``(3, 9, 9)``."""
    y, x = torch.meshgrid(torch.arange(SHAPE) - 4, torch.arange(SHAPE) - 4, indexing="ij")
    square = torch.ones(SHAPE, SHAPE, dtype=torch.bool)
    cross = (y.abs() <= 1) | (x.abs() <= 1)
    return torch.stack([square, cross, y**2 + x**2 <= 20])


def clutter(count: int, generator: torch.Generator) -> Tensor:
    """Return noise with grey bars and dots of every colour: ``(count, 3, 32, 32)``, 0…1."""
    pictures = 0.3 * torch.rand((count, 3, SIZE, SIZE), generator=generator)
    for picture in pictures:
        for _ in range(4):
            top, left = torch.randint(0, SIZE - 6, (2,), generator=generator).tolist()
            picture[:, top : top + 2, left : left + 6] = torch.rand((), generator=generator)
        dots = torch.randint(0, SIZE, (12, 2), generator=generator)
        picture[:, dots[:, 0], dots[:, 1]] = torch.rand((3, 12), generator=generator)
    return pictures


def draw(picture: Tensor, shape: int, top: int, left: int) -> None:
    area = picture[:, top : top + SHAPE, left : left + SHAPE]
    area[:, shapes()[shape]] = COLOURS[shape][:, None]


def single(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures with one shape each, which, and its upper left corner ``(N, 2)``."""
    pictures = clutter(count, generator)
    labels = torch.randint(0, len(CLASSES), (count,), generator=generator)
    corners = torch.randint(0, SIZE - SHAPE + 1, (count, 2), generator=generator)
    for picture, label, (top, left) in zip(
        pictures, labels.tolist(), corners.tolist(), strict=True
    ):
        draw(picture, label, top, left)
    return pictures, labels, corners


def pairs(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures with a shape of class 0 in one half and of class 1 in the other.

    The second value is ``(200, 2, 2)``: top and left of each of both shapes.
    """
    pictures = clutter(PICTURES, generator)
    top = torch.randint(0, SIZE - SHAPE + 1, (PICTURES, 2), generator=generator)
    left = torch.randint(0, SIZE // 2 - SHAPE + 1, (PICTURES, 2), generator=generator)
    swapped = torch.randint(0, 2, (PICTURES,), generator=generator)
    left += SIZE // 2 * torch.stack([swapped, 1 - swapped], dim=1)
    corners = torch.stack([top, left], dim=2)
    for picture, places in zip(pictures, corners.tolist(), strict=True):
        for shape, place in enumerate(places):
            draw(picture, shape, *place)
    return pictures, corners


def untrained() -> nn.Module:
    """Return the network: four times less wide and high at its last layer."""
    torch.manual_seed(51)
    features = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(24, 24, 3, padding=1),
        nn.ReLU(inplace=True),
    )
    model = nn.Sequential()
    model.add_module("features", features)
    model.add_module("pool", nn.AdaptiveAvgPool2d(1))
    model.add_module("flatten", nn.Flatten())
    model.add_module("head", nn.Linear(24, len(CLASSES)))
    return model


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    generator = torch.Generator().manual_seed(52)
    model = untrained()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        pictures, labels, _ = single(48, generator)
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(pictures), labels))
        optimiser.step()
    pictures, labels, _ = single(200, generator)
    with torch.no_grad():
        right = (model.eval()(pictures).argmax(dim=1) == labels).float().mean()
    assert right > 0.95  # otherwise nothing below would mean anything
    return model


def maps(model: nn.Module, name: str, pictures: Tensor) -> Tensor:
    """Return the maps of all classes, ``(N, 3, 8, 8)``."""
    method = METHODS[name]
    with quiet_mode(model), Capture(model, [LAYER]) as capture:
        logits = model(pictures)
        activation = capture.activations[LAYER].detach().clone()
        if method.compute_forward is None:
            each = [
                method.compute(
                    activation,
                    capture.gradients(logits[:, target].sum(), keep_graph=True)[LAYER],
                )
                for target in range(len(CLASSES))
            ]
            return torch.stack(each, dim=1)
    with quiet_mode(model):
        return method.compute_forward(
            ForwardContext(
                model=model,
                inputs=pictures,
                layer=LAYER,
                layout=Layout("channels_first", *activation.shape[1:]),
                activation=activation,
                logits=logits.detach(),
                score=lambda logits, _rows: logits,
                batch_size=256,
            )
        )


def on(found: Tensor, corners: Tensor) -> Tensor:
    """Say of maps ``(N, T, 8, 8)`` whether each peak lies on the shape at ``(N, T, 2)``.

    The middle of the highest cell has to be on the shape's square, or at most half a cell away.
    """
    width = found.shape[-1]
    highest = found.flatten(2).argmax(dim=2)
    middle = CELL * torch.stack([highest // width, highest % width], dim=2) + CELL // 2
    beyond = middle - corners
    near = (beyond >= -CELL // 2) & (beyond <= SHAPE + CELL // 2)
    return near.all(dim=2) & (found.amax(dim=(2, 3)) > 0)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in {"score-cam", "ablation-cam"} else [])
        for name in METHODS
    ],
)
def test_the_peak_is_on_the_only_shape(trained: nn.Module, name: str) -> None:
    pictures, labels, corners = single(PICTURES, torch.Generator().manual_seed(54))
    own = maps(trained, name, pictures)[torch.arange(PICTURES), labels]
    least = 0.95 if name == "grad-cam" else 0.9
    assert on(own[:, None], corners[:, None]).float().mean() >= least


@pytest.mark.parametrize("name", TELL_APART)
def test_the_peak_is_on_the_shape_that_was_asked_for(trained: nn.Module, name: str) -> None:
    pictures, corners = pairs(torch.Generator().manual_seed(53))
    right = on(maps(trained, name, pictures)[:, :2], corners).float().mean(dim=0)
    # Grad-CAM is what the promise is about; the others may miss a few more.
    assert right.min() >= (0.95 if name == "grad-cam" else 0.9), right


def test_a_map_without_a_class_cannot_tell_two_apart(trained: nn.Module) -> None:
    """If this one did, the pictures would give the answer away."""
    pictures, corners = pairs(torch.Generator().manual_seed(53))
    assert on(maps(trained, "eigen-cam", pictures)[:, :2], corners).sum(dim=1).max() == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in {"score-cam", "ablation-cam"} else [])
        for name in TELL_APART
    ],
)
def test_with_weights_drawn_anew_it_falls_to_chance(trained: nn.Module, name: str) -> None:
    """Over networks and both classes: one network may by chance like one colour."""
    pictures, corners = pairs(torch.Generator().manual_seed(53))
    right, wrong = [], []
    for seed in range(20):
        model = copy.deepcopy(trained)
        torch.manual_seed(60 + seed)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.reset_parameters()
        found = maps(model, name, pictures[:25])[:, :2]
        right.append(on(found, corners[:25]).float().mean())
        wrong.append(on(found, corners[:25].flip(1)).float().mean())
    assert torch.stack(right).mean() < 0.6
    assert (torch.stack(right).mean() - torch.stack(wrong).mean()).abs() < 0.15
