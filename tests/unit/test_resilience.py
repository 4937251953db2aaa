"""Going on where the network fails on one picture, or for want of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from reportgen.errors import LayerError
from reportgen.progress import Silent
from reportgen.resilience import Resilient, out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable


class Told(Silent):
    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


def resilient(
    explain: Callable[[list[int], int], list[str]], most: int = 8
) -> tuple[Resilient[int, str], Told]:
    told = Told()
    failed: Callable[[int, str], str] = lambda item, reason: f"{item} failed: {reason}"  # noqa: E731
    return Resilient(explain, failed, told, most=most), told


def done(group: list[int]) -> list[str]:
    return [f"{item} done" for item in group]


def test_all_well_is_one_pass() -> None:
    passes = []

    def explain(group: list[int], most: int) -> list[str]:
        passes.append((group, most))
        return done(group)

    run, told = resilient(explain)
    assert run([1, 2, 3]) == done([1, 2, 3])
    assert passes == [([1, 2, 3], 8)]
    assert told.stages == []


@pytest.mark.parametrize("error", [RuntimeError("bad picture\nmore"), IndexError(), KeyError("x")])
def test_one_picture_fails_alone(error: Exception) -> None:
    def explain(group: list[int], _: int) -> list[str]:
        if 2 in group:
            raise error
        return done(group)

    run, told = resilient(explain)
    found = run([1, 2, 3])
    assert [found[0], found[2]] == done([1, 3])
    kind = type(error).__name__
    assert found[1].startswith(f"2 failed: the network fails on it: {kind}")
    assert "more" not in found[1]
    assert told.stages == []


def test_a_first_group_that_fails_as_a_whole_is_a_defect() -> None:
    def explain(group: list[int], _: int) -> list[str]:
        raise RuntimeError(f"broken for {group}")

    run, _ = resilient(explain)
    with pytest.raises(RuntimeError, match="broken for"):
        run([1, 2])
    assert run([3])[0].startswith("3 failed: ")


def test_a_later_group_may_fail_as_a_whole() -> None:
    def explain(group: list[int], _: int) -> list[str]:
        if max(group) > 2:
            raise RuntimeError("odd")
        return done(group)

    run, _ = resilient(explain)
    assert run([1, 2]) == done([1, 2])
    assert [text.partition(":")[0] for text in run([3, 4])] == ["3 failed", "4 failed"]


def test_an_error_for_the_user_is_one() -> None:
    def explain(group: list[int], _: int) -> list[str]:
        if 2 in group:
            raise LayerError("no such layer")
        return done(group)

    run, _ = resilient(explain)
    with pytest.raises(LayerError, match="no such layer"):
        run([1, 2, 3])


MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError(),
]


@pytest.mark.parametrize("error", MEMORY)
def test_halving_goes_on_and_is_said(error: Exception) -> None:
    passes = []

    def explain(group: list[int], most: int) -> list[str]:
        passes.append(len(group))
        assert len(group) <= most
        if len(group) > 2:
            raise error
        return done(group)

    run, told = resilient(explain)
    numbers = list(range(8))
    assert run(numbers) == done(numbers)
    assert run(numbers) == done(numbers)
    assert passes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]
    assert told.stages == [
        "Out of memory with 8 pictures per pass of the network; going on with 4",
        "Out of memory with 4 pictures per pass of the network; going on with 2",
    ]


@pytest.mark.parametrize("error", MEMORY)
def test_one_picture_too_large_for_the_memory(error: Exception) -> None:
    def explain(group: list[int], _: int) -> list[str]:
        if 2 in group:
            raise error
        return done(group)

    run, _ = resilient(explain, most=4)
    found = run([1, 2, 3])
    assert [found[0], found[2]] == done([1, 3])
    assert found[1].startswith("2 failed: out of memory with this picture alone")
    assert "--input-size" in found[1]


def test_other_errors_are_not_for_want_of_memory() -> None:
    assert not out_of_memory(RuntimeError("shape mismatch"))
    assert not out_of_memory(ValueError("out of memory"))
