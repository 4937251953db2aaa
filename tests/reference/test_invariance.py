"""What must not change a map: the batch, the order in memory, the precision, the device."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.capture import Capture, quiet_mode
from reportgen.layers import Layout
from reportgen.methods import METHODS, ForwardContext, Kind

BATCH = 16
TARGETS = [2, 5]

every_method = pytest.mark.parametrize("name", METHODS)


def network() -> nn.Sequential:
    """Return a network with all that could mix pictures: normalisation, dropout, pooling."""
    torch.manual_seed(71)
    layers = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 20, 3, padding=1),
        nn.BatchNorm2d(20),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(20 * 16, 24),
        nn.ReLU(),  # or all pictures would have one gradient
        nn.Dropout(),
        nn.Linear(24, 8),
    )
    layers(pictures())  # for the normalisations to have statistics of something
    return layers.eval()


def pictures() -> Tensor:
    return torch.rand((BATCH, 3, 24, 20), generator=torch.Generator().manual_seed(72))


def maps(model: nn.Module, name: str, inputs: Tensor, layer: str = "6") -> Tensor:
    """Return the maps of all targets, ``(N, T, h, w)``."""
    method = METHODS[name]
    with quiet_mode(model):
        with Capture(model, [layer]) as capture:
            logits = model(inputs)
            activation = capture.activations[layer].detach().clone()
            if method.kind is Kind.GRADIENT:
                each = [
                    method.compute(
                        activation,
                        capture.gradients(logits[:, target].sum(), keep_graph=True)[layer],
                    )
                    for target in TARGETS
                ]
                return torch.stack(each, dim=1)
        assert method.compute_forward is not None
        return method.compute_forward(
            ForwardContext(
                model=model,
                inputs=inputs,
                layer=layer,
                layout=Layout("channels_first", *activation.shape[1:]),
                activation=activation,
                logits=logits.detach(),
                score=lambda logits, _rows: logits[:, TARGETS],
                batch_size=BATCH,
            )
        )


def assert_alike(found: Tensor, expected: Tensor, tolerance: float) -> None:
    assert (expected.amax(dim=(2, 3)) > 0).float().mean() > 0.5  # most have something to show
    scale = expected.amax(dim=(1, 2, 3), keepdim=True)
    difference = (found.cpu().double() - expected.double()).abs() / scale
    assert difference.max() < tolerance


@every_method
def test_a_picture_in_a_batch_has_the_map_that_it_has_alone(name: str) -> None:
    model = network()
    together = maps(model, name, pictures())
    alone = torch.cat([maps(model, name, picture[None]) for picture in pictures()])
    assert_alike(together, alone, 1e-5)


@every_method
def test_pictures_of_a_batch_do_not_depend_on_each_other(name: str) -> None:
    model, others = network(), pictures().flip(0)
    others[3] = pictures()[3]
    assert_alike(maps(model, name, others)[3:4], maps(model, name, pictures())[3:4], 1e-5)


@every_method
def test_channels_last_in_memory(name: str) -> None:
    expected = maps(network(), name, pictures())
    model = network().to(memory_format=torch.channels_last)
    inputs = pictures().to(memory_format=torch.channels_last)
    assert_alike(maps(model, name, inputs), expected, 1e-5)


@every_method
def test_single_precision_is_enough(name: str) -> None:
    expected = maps(network().double(), name, pictures().double())
    assert expected.dtype == torch.float64
    found = maps(network(), name, pictures())
    assert found.dtype == torch.float32
    assert_alike(found, expected, 1e-4)


@every_method
def test_a_second_run_gives_the_same_to_the_bit(name: str) -> None:
    model = network()
    assert torch.equal(maps(model, name, pictures()), maps(model, name, pictures()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that CUDA can use")
@every_method
def test_a_gpu_gives_the_same(name: str) -> None:
    expected = maps(network(), name, pictures())
    found = maps(network().cuda(), name, pictures().cuda())
    assert found.is_cuda
    # Convolutions may run in TF32 there, with 10 bits of mantissa.
    assert_alike(found, expected, 1e-2)
