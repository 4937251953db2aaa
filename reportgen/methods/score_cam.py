"""Score-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from reportgen.capture import logits_of
from reportgen.methods.forward import scores_by_channel, unchanged_scores, weighted

if TYPE_CHECKING:
    from torch import Tensor

    from reportgen.methods.forward import ForwardContext


@torch.no_grad()
def score_cam(context: ForwardContext) -> Tensor:
    r"""Return the Score-CAM maps of every picture in a batch.

    Every channel becomes a mask on the picture, and weighs as much as the picture behind it.

    .. math::

        H^k = s(\mathrm{Up}(A^k)), \quad s(x) = \frac{x - \min x}{\max x - \min x}, \qquad
        w_k^c = \operatorname*{softmax}_k \bigl(f^c(X \odot H^k) - f^c(X_b)\bigr), \qquad
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
    - :math:`f^c` is the target's logit, as in the paper's algorithm 1 ("f^c as the logit of class
      c"); post-softmax there means the softmax over channels. A group's is the logsumexp of its
      logits.
    - The baseline :math:`X_b` is one number for all channels, which the softmax cancels: it is not
      computed.
    - A channel with one value throughout makes no mask. It is left out of the softmax and its
      weight is 0; without any other the map is 0.
    - Bilinear upsampling does not align corners, as anywhere here, and comes before the scaling.
    - The network sees at most C masked pictures per picture, however many targets there are.

    References
    ----------
    Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
    CVPR Workshops 2020, equations 6 to 10 and algorithm 1.
    """
    activation, inputs = context.activation, context.inputs
    masks = activation.amax(dim=(2, 3)) > activation.amin(dim=(2, 3))

    def forward(rows: Tensor, channels: Tensor) -> Tensor:
        up = functional.interpolate(
            activation[rows, channels].unsqueeze(1),
            size=inputs.shape[2:],
            mode="bilinear",
            align_corners=False,
        )
        low, high = up.amin(dim=(2, 3), keepdim=True), up.amax(dim=(2, 3), keepdim=True)
        mask = (up - low) / (high - low).clamp_min(torch.finfo(up.dtype).tiny)
        return logits_of(context.model(inputs[rows] * mask.to(inputs.dtype)))

    none = torch.full_like(unchanged_scores(context), -torch.inf)
    weights = scores_by_channel(context, masks, none, forward).softmax(dim=2)
    some = masks.any(dim=1)[:, None, None]
    return weighted(weights.masked_fill(~some, 0), activation)
