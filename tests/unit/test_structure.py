"""The printed network, with its explained layers marked."""

from __future__ import annotations

from torch import nn
from torchvision.models import alexnet

from reportgen.structure import structure


def test_it_is_what_torch_prints() -> None:
    network = alexnet(num_classes=2)
    lines = structure(network, {})
    assert "\n".join("  " * line.depth + line.text for line in lines) == str(network)


def test_layers_are_marked_by_their_full_name() -> None:
    marks = {"features.10": ("feature maps",), "features": ("Grad-CAM",), "": ("whole",)}
    lines = structure(alexnet(num_classes=2), marks)
    marked = {line.layer: (line.text, line.explained) for line in lines if line.explained}
    assert marked["features.10"][0].startswith("(10): Conv2d(256, 256, kernel_size=(3, 3)")
    assert marked["features"] == ("(features): Sequential(", ("Grad-CAM",))
    assert marked.keys() == {"features.10", "features", ""}


def test_like_blocks_and_shared_modules_are_all_written_out() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)]), relu, relu)
    assert [line.layer for line in structure(network, {})] == [
        "",
        "0",
        "0.0",
        "0.1",
        "",
        "1",
        "2",
        "",
    ]
