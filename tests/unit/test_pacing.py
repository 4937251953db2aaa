"""How a network is driven: how much at a time, and by how many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
from nets import ConvNet
from torch import Tensor, nn

from reportgen.capture import Capture, quiet_mode
from reportgen.layers import LayerInfo, Survey, survey
from reportgen.pacing import PASS_BYTES, Networks, Pace, few_threads, fitting, pace

if TYPE_CHECKING:
    from collections.abc import Mapping

CPU = torch.device("cpu")


def known(*shapes: tuple[int, ...], modules: Mapping[str, nn.Module] | None = None) -> Survey:
    layers = tuple(
        LayerInfo(f"layer{number}", "Conv2d", shape, None, reached=True)
        for number, shape in enumerate(shapes)
    )
    return Survey(layers, modules or {}, classes=3)


def chosen(images: int, cores: int, device: torch.device = CPU, batch_size: int = 16) -> Pace:
    found = known((32, 64, 64))
    return pace(device, found, batch_size=batch_size, images=images, cores=cores)


def test_the_largest_output_of_a_pass_stays_within_its_limit() -> None:
    floats = PASS_BYTES // 4
    assert fitting(known((1, 8, 8), (floats // 8, 1, 1))) == 8
    assert fitting(known((floats // 8 + 1, 1, 1))) == 4
    assert fitting(known((floats + 1, 1, 1))) == 1


def test_every_core_has_a_pass_of_its_own() -> None:
    assert chosen(images=64, cores=2) == Pace(16, networks=2, threads=1, workers=2)
    assert chosen(images=1000, cores=16) == Pace(16, networks=4, threads=4, workers=4)


def test_a_single_pass_has_all_cores() -> None:
    assert chosen(images=1, cores=2) == Pace(16, networks=1, threads=2, workers=1)


def test_a_pass_is_never_larger_than_the_batch() -> None:
    assert chosen(images=64, cores=2, batch_size=3).pictures == 3
    large = known((PASS_BYTES, 1, 1))
    assert pace(CPU, large, batch_size=16, images=64, cores=2).pictures == 4
    assert pace(CPU, large, batch_size=2, images=64, cores=2).pictures == 2


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_an_accelerator_has_one_whole_batch_at_a_time(kind: str) -> None:
    found = chosen(images=1000, cores=4, device=torch.device(kind))
    assert found == Pace(16, networks=1, threads=4, workers=4)


def test_what_cannot_share_its_weights_is_not_copied() -> None:
    scripted = torch.jit.ScriptModule()
    found = known((32, 64, 64), modules={"part": scripted})
    assert pace(CPU, found, batch_size=16, images=64, cores=2).networks == 1


def test_copies_share_weights_and_nothing_else() -> None:
    model = ConvNet(inplace=True)
    networks = Networks(model, 2)
    with networks.one() as first, networks.one() as second:
        assert {id(first), id(second)} > {id(model)}
        for one, other in zip(first.parameters(), second.parameters(), strict=True):
            assert one is other
        for mine, theirs in zip(first.buffers(), second.buffers(), strict=True):
            assert mine is theirs


def test_copies_do_not_see_each_others_hooks() -> None:
    torch.manual_seed(0)
    pictures = [torch.randn(1, 3, 8, 8) for _ in range(16)]

    def activation(network: nn.Module, picture: Tensor) -> Tensor:
        with torch.enable_grad(), Capture(network, ["conv1"]) as capture:
            network(picture)
            return capture.activations["conv1"].detach()

    model = ConvNet(inplace=True)
    with quiet_mode(model), ThreadPoolExecutor(4) as pool:
        alone = [activation(model, picture) for picture in pictures]
        networks = Networks(model, 4)

        def lent(picture: Tensor) -> Tensor:
            with networks.one() as network:
                return activation(network, picture)

        for one, other in zip(alone, pool.map(lent, pictures), strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())


class Unique(ConvNet):
    """A network that refuses to be copied."""

    def __deepcopy__(self, memo: dict[int, object]) -> Unique:
        raise TypeError("there is one of it")


def test_a_network_that_refuses_to_be_copied_is_used_alone() -> None:
    model = Unique(inplace=True)
    networks = Networks(model, 4)
    with networks.one() as first:
        assert first is model
    with networks.one() as again:
        assert again is model


def test_threads_are_as_they_were() -> None:
    before = torch.get_num_threads(), cv2.getNumThreads()
    with few_threads(1):
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before


def test_a_survey_says_how_much_fits() -> None:
    found = survey(ConvNet(inplace=False).eval(), (64, 64))
    assert fitting(found) == PASS_BYTES // (4 * 4 * 64 * 64)
