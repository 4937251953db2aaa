"""Ablation-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reportgen.capture import Capture, _replaced, logits_of, tensors_in
from reportgen.methods.forward import scores_by_channel, unchanged_scores, weighted

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from reportgen.layers import Layout
    from reportgen.methods.forward import ForwardContext


@torch.no_grad()
def ablation_cam(context: ForwardContext) -> Tensor:
    r"""Return the Ablation-CAM maps of every picture in a batch.

    Every channel weighs as much as the score falls when that channel is 0 everywhere.

    .. math::

        w_k^c = \frac{y^c - y_k^c}{|y^c|}, \qquad
        L^c = \mathrm{ReLU}\Bigl(\sum_k w_k^c A^k\Bigr)

    Parameters
    ----------
    context
        The network, the batch ``(N, 3, height, width)`` and the activation ``(N, C, h, w)``.

    Returns
    -------
    ``(N, T, h, w)`` for T targets, ≥ 0, not normalised, in units of the activation.

    Notes
    -----
    - The paper divides by :math:`y^c`, for scores above 0. A logit can be below, and would turn
      evidence for the class into evidence against it; its size is taken instead, which changes
      nothing above 0. One so near to 0 that nothing can be told from it is taken as the smallest
      step of the dtype at 1.
    - A channel is 0 at every place of the grid. Class and register tokens have none, and stay.
    - A channel that is 0 already is not tried. So the network sees at most C pictures per picture,
      however many targets there are, and one more per batch to see how often the layer runs: of a
      layer that runs several times in one pass, the last output is changed, as it is the one that
      has been captured.

    References
    ----------
    Desai and Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via
    Gradient-free Localization", WACV 2020, the equations of the weights and of the map.
    """
    before = unchanged_scores(context)
    live = (context.activation != 0).any(dim=3).any(dim=2)
    with _Ablation(context.model, context.layer, context.layout) as ablation:
        context.model(context.inputs[:1])
        ablation.note_calls()

        def forward(rows: Tensor, channels: Tensor) -> Tensor:
            ablation.remove(channels)
            return logits_of(context.model(context.inputs[rows]))

        after = scores_by_channel(context, live, before, forward)
    size = before.abs().clamp_min(torch.finfo(before.dtype).eps)
    weights = (before.unsqueeze(2) - after) / size.unsqueeze(2)
    return weighted(weights, context.activation)


class _Ablation(Capture):
    """Set one channel per picture of a layer's last output to 0 on its way on."""

    def __init__(self, model: nn.Module, layer: str, layout: Layout) -> None:
        super().__init__(model, [layer])
        self._layout = layout
        self._channels: Tensor | None = None
        self._calls = 0
        self._last = 0

    def note_calls(self) -> None:
        """Take the number of calls so far as that of every pass."""
        self._last = self._calls

    def remove(self, channels: Tensor) -> None:
        """Say which channel to remove from each picture, ``(M,)``, in the next pass."""
        self._channels = channels
        self._calls = 0

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any, Any], Any]:  # noqa: ARG002 - one layer
        def change(module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:  # noqa: ANN401 - torch's
            self._calls += 1
            if self._channels is None or self._calls != self._last:
                return output
            passed = {id(tensor) for _, tensor in tensors_in((args, kwargs))}
            chosen = self._choose(output, set() if getattr(module, "inplace", False) else passed)
            if chosen is None:
                return output
            path, tensor = chosen
            return _replaced(output, path, self._without(tensor.clone(), self._channels))

        return change

    def _without(self, output: Tensor, channels: Tensor) -> Tensor:
        rows = torch.arange(len(channels), device=channels.device)
        if self._layout.kind == "channels_first":
            output[rows, channels] = 0
        elif self._layout.kind == "channels_last":
            output[rows, :, :, channels] = 0
        else:
            output[rows, self._layout.prefix :, channels] = 0
        return output
