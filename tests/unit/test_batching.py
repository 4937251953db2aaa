"""``--batch-size auto``: the choice, and that it is made once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from nets import ConvNet
from test_combining import PLAN

from reportgen import batching
from reportgen.batching import choose_batch_size, fastest
from reportgen.pacing import Pace


def chosen(
    seconds: dict[int, float | None], images: int = 1000, most: int = 1000
) -> tuple[int, list[int]]:
    """Return the choice and what was measured for it."""
    asked: list[int] = []

    def measure(size: int) -> float | None:
        asked.append(size)
        return seconds.get(size, 1.0)

    return fastest(measure, lambda size: min(size, most), images), asked


def test_the_default_stays_unless_another_is_clearly_faster() -> None:
    assert chosen({})[0] == 32
    assert chosen({64: 0.93})[0] == 32
    assert chosen({64: 0.91})[0] == 64
    assert chosen({8: 0.9, 64: 0.8, 128: 0.85})[0] == 64


def test_sizes_that_come_to_the_same_are_measured_once() -> None:
    assert chosen({}, most=20)[1] == [20, 4, 8, 16]
    assert chosen({}, most=8)[1] == [8, 4]


def test_no_size_beyond_the_number_of_pictures_is_tried() -> None:
    assert chosen({128: 0.1}, images=100) == (32, [32, 4, 8, 16, 64])


def test_what_does_not_fit_into_memory_is_not_taken() -> None:
    assert chosen({64: None, 128: 0.1}) == (32, [32, 4, 8, 16, 64])
    assert chosen({16: None, 32: None})[0] == 4


class Memory:
    """Facts as the cache keeps them."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def fact(self, name: str) -> str | None:
        return self.facts.get(name)

    def note(self, name: str, value: str) -> None:
        self.facts[name] = value


def settle(memory: Memory | None, **changes: Any) -> int:  # noqa: ANN401 - of several kinds
    loaded = SimpleNamespace(
        module=ConvNet(inplace=True), info=SimpleNamespace(weights_sha256="ab" * 32)
    )
    asked: dict[str, Any] = {
        "device": torch.device("cpu"),
        "picture": (8, 8),
        "amp": False,
        "images": 100,
        "paced": lambda size: Pace(size, networks=1, threads=1, workers=1),
        "notes": memory,
    }
    return choose_batch_size(cast("Any", loaded), PLAN, **asked | changes)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stand in for the clock: the more passes were timed before, the faster they are."""
    times: list[int] = []

    def timed(run: Any) -> float:  # noqa: ANN401 - a function
        run()
        times.append(1)
        return 1.0

    monkeypatch.setattr(batching, "_timed", timed)
    return times


def test_the_choice_is_made_once_for_the_same_work(measured: list[int]) -> None:
    memory = Memory()
    first = settle(memory)
    assert first == 64  # the time of a pass was the same whatever its size
    count = len(measured)
    assert count > 0
    assert settle(memory) == first
    assert len(measured) == count
    settle(memory, amp=True)
    assert len(measured) > count


def test_without_a_memory_it_is_measured_every_time(measured: list[int]) -> None:
    assert settle(None) == settle(None) == 64
    assert len(measured) == 2 * 5


def test_a_single_pass_is_not_worth_measuring(measured: list[int]) -> None:
    assert settle(None, images=32) == 32
    assert measured == []


def test_the_fastest_of_the_passes_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 5.0, 7.0, 7.0, 10.0])
    monkeypatch.setattr("reportgen.batching.time.perf_counter", lambda: next(clock))
    assert batching._timed(lambda: None) == 2.0
