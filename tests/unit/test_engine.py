"""How pictures get to the network's device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from reportgen import engine


class StandIn:
    """A tensor that notes how it is moved, as no GPU is needed for that."""

    def __init__(self) -> None:
        self.moves: list[object] = []

    def pin_memory(self) -> StandIn:
        self.moves.append("pinned")
        return self

    def to(self, device: torch.device, *, non_blocking: bool = False) -> StandIn:
        self.moves.append((device.type, non_blocking))
        return self


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cuda", ["pinned", ("cuda", True)]),
        ("mps", [("mps", False)]),
        ("cpu", [("cpu", False)]),
    ],
)
def test_a_gpu_gets_pictures_from_pinned_memory_without_waiting(
    device: str, expected: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, ...]] = []

    def from_numpy(values: np.ndarray[Any, Any]) -> StandIn:
        given.append(values.shape)
        return StandIn()

    monkeypatch.setattr(torch, "from_numpy", from_numpy)
    picture = SimpleNamespace(model_input=SimpleNamespace(tensor=np.zeros((3, 4, 5), np.float32)))
    moved = engine._on_device(cast("Any", [picture, picture]), torch.device(device))
    assert given == [(2, 3, 4, 5)]
    assert cast("Any", moved).moves == expected
