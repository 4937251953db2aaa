"""Autocast: which type it takes, where it holds, and what it leaves behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nets import ConvNet
from test_combining import PLAN, pictures
from torch import Tensor

from reportgen.attribution import explain_batch
from reportgen.capture import quiet_mode
from reportgen.precision import autocast, half_of

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("supported", "expected"), [(True, torch.bfloat16), (False, torch.float16)]
)
def test_an_old_gpu_has_float16(
    supported: bool,  # noqa: FBT001 - a parameter
    expected: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: supported)
    assert half_of(torch.device("cuda")) == expected
    assert half_of(CPU) == torch.bfloat16


@pytest.mark.parametrize("wanted", [True, False])
def test_only_the_network_itself_is_under_autocast(wanted: bool) -> None:  # noqa: FBT001 - a parameter
    model, seen = ConvNet(inplace=True), []
    handle = model.conv1.register_forward_hook(lambda _m, _i, given: seen.append(given.dtype))
    with autocast(model, CPU, wanted=wanted):
        model(pictures())
        assert not torch.is_autocast_enabled("cpu")
    model(pictures())
    handle.remove()
    assert seen == [torch.bfloat16 if wanted else torch.float32, torch.float32]
    assert not model._forward_pre_hooks
    assert not model._forward_hooks


def test_a_pass_that_fails_leaves_autocast() -> None:
    model = ConvNet(inplace=True)
    with autocast(model, CPU, wanted=True):
        with pytest.raises(RuntimeError, match="channels"):
            model(torch.zeros((1, 2, 8, 8)))
        assert not torch.is_autocast_enabled("cpu")


def test_maps_are_float32_and_nearly_the_same() -> None:
    model = ConvNet(inplace=True)

    def maps() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        with quiet_mode(model):
            found = explain_batch(model, pictures(), PLAN)
        return [raw.values for one in found for item in one.targets for raw in item.maps]

    plain = maps()
    with autocast(model, CPU, wanted=True):
        half = maps()
    assert {values.dtype for values in half} == {np.dtype(np.float32)}
    for one, other in zip(plain, half, strict=True):
        assert np.abs(one - other).max() < 0.05 * np.abs(one).max() + 1e-3
    assert any(not np.array_equal(one, other) for one, other in zip(plain, half, strict=True))


def test_what_the_network_gives_is_summed_in_float32() -> None:
    model = ConvNet(inplace=True)
    with quiet_mode(model), autocast(model, CPU, wanted=True):
        given: Tensor = model(pictures())
        (one, *_rest) = explain_batch(model, pictures(), PLAN)
    assert given.dtype == torch.bfloat16
    assert one.predictions[0].logit == float(given[0].float().max())
