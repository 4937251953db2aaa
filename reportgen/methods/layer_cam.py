"""Layer-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the Layer-CAM map of every picture in a batch.

    Each place has a weight of its own, the positive part of its gradient, which is what lets
    the method work at shallow layers too.

    .. math::

        w_{ij}^{kc} = \mathrm{ReLU}\Bigl(\frac{\partial y^c}{\partial A_{ij}^k}\Bigr), \qquad
        M^c = \mathrm{ReLU}\Bigl(\sum_k w_{ij}^{kc} \cdot A_{ij}^k\Bigr)

    Parameters
    ----------
    activation
        :math:`A`, ``(N, C, H, W)`` floating point, any range.
    gradient
        :math:`\partial y^c / \partial A`, of the same shape; :math:`y^c` is the target's logit.

    Returns
    -------
    ``(N, H, W)``, ≥ 0, not normalised, in units of the logit.

    References
    ----------
    Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
    IEEE Transactions on Image Processing 30, 2021, equations 6 to 8.
    """
    return gradient.relu().mul_(activation).sum(dim=1).relu()
