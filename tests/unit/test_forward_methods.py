"""Methods that run the network themselves, and guided gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nets
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.capture import Capture, logits_of
from reportgen.errors import OptionError
from reportgen.layers import Layout
from reportgen.methods import ForwardContext
from reportgen.methods.ablation_cam import ablation_cam
from reportgen.methods.guided import count_relus, guided_grad_cam, guided_gradient, guided_relus
from reportgen.methods.score_cam import score_cam

if TYPE_CHECKING:
    from collections.abc import Callable

FORWARD = {"score-cam": score_cam, "ablation-cam": ablation_cam}
forward = pytest.mark.parametrize("compute", FORWARD.values(), ids=FORWARD)


def pictures(count: int = 2, size: int = 16) -> Tensor:
    return torch.rand((count, 3, size, size), generator=torch.Generator().manual_seed(21))


def context_at(  # noqa: PLR0913, PLR0917 - all that a context is made of
    model: nn.Module,
    layer: str,
    layout: Layout,
    inputs: Tensor,
    classes: tuple[int, ...] = (0,),
    batch_size: int = 4,
) -> ForwardContext:
    model.eval()
    with torch.no_grad(), Capture(model, [layer]) as capture:
        logits = logits_of(model(inputs))
        activation = layout.to_grid(capture.activations[layer].detach())
    return ForwardContext(
        model=model,
        inputs=inputs,
        layer=layer,
        layout=layout,
        activation=activation,
        logits=logits,
        score=lambda logits, _rows: logits[:, list(classes)],
        batch_size=batch_size,
    )


def by_hooks(context: ForwardContext, remove: Callable[[Tensor, int], Any]) -> Tensor:
    """Return Ablation-CAM for class 0 with one hook and one pass per channel."""
    before = context.logits[:, 0]
    weights = []
    for channel in range(context.activation.shape[1]):

        def hook(_module: nn.Module, _inputs: object, output: Tensor, k: int = channel) -> Tensor:
            changed = output.clone()
            remove(changed, k)
            return changed

        handle = context.model.get_submodule(context.layer).register_forward_hook(hook)
        with torch.no_grad():
            after = logits_of(context.model(context.inputs))[:, 0]
        handle.remove()
        weights.append((before - after) / before.abs())
    return torch.einsum("kn,nkhw->nhw", torch.stack(weights), context.activation).relu()


def without_channel(output: Tensor, channel: int) -> None:
    output[:, channel] = 0


def without_token_feature(output: Tensor, channel: int) -> None:
    output[:, 2:, channel] = 0


def without_last(output: Tensor, channel: int) -> None:
    output[..., channel] = 0


@pytest.mark.parametrize(
    ("model", "layer", "layout", "remove"),
    [
        (nets.ConvNet(inplace=True), "conv1", Layout("channels_first", 4, 16, 16), without_channel),
        (nets.Tokens(), "mix", Layout("tokens", 8, 4, 4, prefix=2), without_token_feature),
        (nets.Folded(1), "mix", Layout("tokens", 6, 4, 4, folds=1), without_last),
        (nets.ChannelsLast(3), "mix", Layout("channels_last", 6, 4, 4), without_last),
    ],
    ids=["convolution", "tokens", "folded", "channels last"],
)
def test_ablation_in_every_layout(
    model: nn.Module, layer: str, layout: Layout, remove: Callable[[Tensor, int], Any]
) -> None:
    context = context_at(model, layer, layout, pictures())
    expected = by_hooks(context, remove)
    assert expected.max() > 0
    torch.testing.assert_close(ablation_cam(context)[:, 0], expected, rtol=1e-4, atol=1e-6)


def test_ablation_of_a_layer_that_runs_twice_changes_the_last_output() -> None:
    model = nets.Twice()
    context = context_at(model, "shared", Layout("channels_first", 3, 16, 16), pictures(3))
    assert model.head.weight.shape == (2, 3)
    # Behind the last call there is only a mean and the head.
    means = context.activation.mean(dim=(2, 3))
    drops = model.head.weight[0].detach() * means / context.logits[:, :1].abs()
    expected = torch.einsum("nk,nkhw->nhw", drops, context.activation).relu()
    assert expected.max() > 0
    torch.testing.assert_close(ablation_cam(context)[:, 0], expected, rtol=1e-4, atol=1e-6)


class Bypassed(nn.Module):
    """A layer that returns its input, which the head sees past it too."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(32)
        self.conv = nn.Conv2d(3, 4, 1)
        self.same = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        logits: Tensor = (self.same(x) + x).mean(dim=(2, 3))
        return logits


def test_ablation_changes_the_output_and_not_what_it_is_made_of() -> None:
    """What goes past the layer stays: the score falls by half and not to nothing."""
    context = context_at(Bypassed(), "same", Layout("channels_first", 4, 16, 16), pictures())
    half = context.logits[:, 0].sign()[:, None, None] / 2
    expected = (half * context.activation[:, 0]).relu()
    assert expected.max() > 0
    torch.testing.assert_close(ablation_cam(context)[:, 0], expected, rtol=1e-4, atol=1e-6)


@forward
def test_structured_outputs(compute: Callable[[ForwardContext], Tensor]) -> None:
    layout = Layout("channels_first", 4, 16, 16)
    inside = context_at(nets.Structured(), "block", layout, pictures())
    plain = context_at(nets.Structured(), "block.conv", layout, pictures())
    torch.testing.assert_close(compute(inside), compute(plain))
    assert compute(inside).max() > 0


@forward
def test_no_trace_no_gradient_and_the_passes_promised(
    compute: Callable[[ForwardContext], Tensor],
) -> None:
    model = nets.ConvNet(inplace=True)
    context = context_at(
        model, "norm", Layout("channels_first", 5, 8, 8), pictures(3), (0, 1, 2), batch_size=4
    )
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    hooks = hook_count(model)
    found = compute(context)
    assert found.shape == (3, 3, 8, 8)
    assert not found.requires_grad
    assert hook_count(model) == hooks
    assert max(seen) <= 4
    assert sum(seen) <= 3 * 5 + 1  # one picture more to see how often the layer runs
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def hook_count(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()
    )


@forward
def test_hooks_go_when_the_network_fails(compute: Callable[[ForwardContext], Tensor]) -> None:
    model = nets.ConvNet(inplace=True)
    context = context_at(model, "norm", Layout("channels_first", 5, 8, 8), pictures())
    model.head = nn.Linear(6, 3)
    with pytest.raises(RuntimeError):
        compute(context)
    assert hook_count(model) == 0


@forward
def test_targets_and_batch_sizes_do_not_mix(compute: Callable[[ForwardContext], Tensor]) -> None:
    model, layout = nets.ConvNet(inplace=True), Layout("channels_first", 5, 8, 8)
    together = compute(context_at(model, "norm", layout, pictures(4), (2, 0), batch_size=7))
    for slot, index in enumerate((2, 0)):
        for row in range(4):
            picture = pictures(4)[row : row + 1]
            alone = compute(context_at(model, "norm", layout, picture, (index,), batch_size=1))
            torch.testing.assert_close(together[row, slot], alone[0, 0], rtol=1e-4, atol=1e-6)


def test_rows_of_a_score_are_those_of_their_pictures() -> None:
    """Every picture may have targets of its own."""
    model, layout = nets.ConvNet(inplace=True), Layout("channels_first", 5, 8, 8)
    wanted = torch.tensor([2, 0, 1])
    base = context_at(model, "norm", layout, pictures(3))

    def own(logits: Tensor, rows: Tensor) -> Tensor:
        return logits.gather(1, wanted[rows][:, None])

    for compute in FORWARD.values():
        context = ForwardContext(
            model, base.inputs, "norm", layout, base.activation, base.logits, own, 4
        )
        every = compute(context_at(model, "norm", layout, pictures(3), (0, 1, 2)))
        torch.testing.assert_close(compute(context)[:, 0], every[torch.arange(3), wanted])


class Channels(nn.Module):
    """Two channels that are constant, two that are not; each weighs what the head says."""

    def __init__(self, head: list[float]) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 4, 1)
        self.features.weight.data.zero_()
        self.features.weight.data[2, 0] = self.features.weight.data[3, 1] = 1.0
        self.features.bias = nn.Parameter(torch.tensor([0.0, 5.0, 0.0, 0.0]))
        self.head = nn.Parameter(torch.tensor([head], dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.features(x).mean(dim=(2, 3)) @ self.head.T
        return logits


def test_score_cam_leaves_constant_channels_out() -> None:
    layout = Layout("channels_first", 4, 8, 8)
    context = context_at(Channels([0, 9, 1, 0]), "features", layout, pictures(2, 8))
    found = score_cam(context)[:, 0]
    a = context.activation
    masks = [(a[:, k] - a[:, k].amin((1, 2), keepdim=True)) / span(a[:, k]) for k in (2, 3)]
    means = torch.stack([(context.inputs[:, 0] * mask).mean((1, 2)) for mask in masks], dim=1)
    torch.testing.assert_close(
        found, torch.einsum("nk,nkhw->nhw", means.softmax(dim=1), a[:, 2:]), rtol=1e-4, atol=1e-6
    )
    flat = context_at(Channels([0, 9, 1, 0]), "features", layout, torch.full((1, 3, 8, 8), 0.5))
    assert not score_cam(flat).any()


def span(values: Tensor) -> Tensor:
    return values.amax((1, 2), keepdim=True) - values.amin((1, 2), keepdim=True)


@pytest.mark.parametrize("sign", [1, -1])
def test_ablation_of_a_negative_score_keeps_what_speaks_for_it(sign: int) -> None:
    """A fixed offset, channel 1 times its weight, makes the score negative; the map stays."""
    layout = Layout("channels_first", 4, 8, 8)
    context = context_at(Channels([0, sign * 9, 1, 0]), "features", layout, pictures(1, 8))
    assert torch.sign(context.logits).item() == sign
    weights = (context.activation.mean((2, 3)) * torch.tensor([0, 9.0 * sign, 1, 0])).squeeze(0)
    expected = torch.einsum("k,khw->hw", weights, context.activation[0]) / context.logits.abs()
    torch.testing.assert_close(ablation_cam(context)[0, 0], expected.relu(), rtol=1e-4, atol=1e-5)


def test_ablation_of_a_score_of_zero_is_finite() -> None:
    layout = Layout("channels_first", 4, 8, 8)
    inputs = torch.full((1, 3, 8, 8), 0.5)
    inputs[:, 0, :4] = 1.0
    inputs[:, 1] = inputs[:, 0]
    context = context_at(Channels([0, 0, 1, -1]), "features", layout, inputs)
    assert context.logits.item() == 0
    assert ablation_cam(context).isfinite().all()


@forward
def test_a_picture_that_is_not_finite_spoils_no_other(
    compute: Callable[[ForwardContext], Tensor],
) -> None:
    model, layout = nets.ConvNet(inplace=True), Layout("channels_first", 5, 8, 8)
    inputs = pictures(3)
    clean = compute(context_at(model, "norm", layout, inputs))
    inputs[1, 0, 3, 3] = torch.nan
    found = compute(context_at(model, "norm", layout, inputs))
    assert not found[1].isfinite().all()
    torch.testing.assert_close(found[[0, 2]], clean[[0, 2]], rtol=1e-4, atol=1e-6)


# -- guided backpropagation ------------------------------------------------------------------


def relu_net(*, inplace: bool) -> nn.Sequential:
    torch.manual_seed(41)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(inplace=inplace),
        nn.Conv2d(6, 6, 3, padding=1),
        nn.ReLU6(inplace=inplace),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 2),
    ).eval()


def by_chain_rule(model: nn.Sequential, x: Tensor) -> Tensor:
    """Return the guided gradient of class 0 step by step, from the last layer to the first."""
    conv1, conv2, head = (model.get_submodule(number) for number in "026")
    assert isinstance(conv1, nn.Conv2d)
    assert isinstance(conv2, nn.Conv2d)
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        first = conv1(x)
        second = conv2(first.relu())
        back = (head.weight[0] / second[0, 0].numel())[None, :, None, None].expand_as(second)
        back = back * (second > 0) * (second < 6) * (back > 0)
        back = functional.conv_transpose2d(back, conv2.weight, padding=1)
        back = back * (first > 0) * (back > 0)
        return functional.conv_transpose2d(back, conv1.weight, padding=1)


@pytest.mark.parametrize("inplace", [False, True])
def test_guided_gradient_against_the_chain_rule(*, inplace: bool) -> None:
    model, x = relu_net(inplace=inplace), pictures()
    found = guided_gradient(model, x, lambda logits: logits[:, 0].sum())
    torch.testing.assert_close(found, by_chain_rule(model, x), rtol=1e-4, atol=1e-7)
    start = x.clone().requires_grad_()
    (plain,) = torch.autograd.grad(model(start)[:, 0].sum(), start)
    assert (found - plain).abs().max() > 0.1 * plain.abs().max()
    assert not x.requires_grad
    assert hook_count(model) == 0


def test_guided_grad_cam_is_the_gradient_where_the_map_is() -> None:
    model, x = relu_net(inplace=True), pictures()
    gradient = guided_gradient(model, x, lambda logits: logits[:, 0].sum())
    cam = torch.zeros(2, 2, 2)
    cam[0, 0, 0] = 2.0
    found = guided_grad_cam(gradient, cam)
    torch.testing.assert_close(found[0, :, :4, :4], 2 * gradient[0, :, :4, :4])
    assert not found[0, :, 12:].any()
    assert not found[1].any()


def test_guided_without_a_relu_that_could_be_guided() -> None:
    assert count_relus(relu_net(inplace=True)) == 2
    with guided_relus(relu_net(inplace=True)) as count:
        assert count == 2
    with (
        pytest.raises(OptionError, match="no ReLU layer that could be guided"),
        guided_relus(nets.Tokens()),
    ):
        pass
