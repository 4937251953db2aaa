"""XGrad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def xgrad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Return the XGrad-CAM map of every picture in a batch.

    .. math::

        w_k^c = \sum_{i,j} \frac{A_{ij}^k}{\sum_{a,b} A_{ab}^k}
            \frac{\partial y^c}{\partial A_{ij}^k}, \qquad
        L^c = \mathrm{ReLU}\Bigl(\sum_k w_k^c A^k\Bigr)

    Parameters
    ----------
    activation
        :math:`A`, ``(N, C, H, W)`` floating point, any range; meant for what a ReLU gives.
    gradient
        :math:`\partial y^c / \partial A`, of the same shape; :math:`y^c` is the target's logit.

    Returns
    -------
    ``(N, H, W)``, ≥ 0, not normalised, in units of the logit.

    Notes
    -----
    A channel whose activations sum to 0 has the weight 0; after a ReLU it is 0 everywhere and the
    weight is without effect. Before one the sum can come as near to 0 as it likes, and the weight
    grows without bound: take the layer after the ReLU.

    References
    ----------
    Fu et al., "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs",
    BMVC 2020, the equation of the weights of XGrad-CAM (section 3).
    """
    total = activation.sum(dim=(2, 3), keepdim=True)
    product = (gradient * activation).sum(dim=(2, 3), keepdim=True)
    weights = (product / total).masked_fill(total == 0, 0)
    return (weights * activation).sum(dim=1).relu()
